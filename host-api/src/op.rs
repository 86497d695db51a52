//! What a scenario can ask for and what it can be told: one variant a WIT function, in plain serialisable shapes.
//!
//! These are the words of the journal, so they change like a file format: variants are added at the end.

use serde::{Deserialize, Serialize};

mod calls;
mod deadline;
mod leg_events;
mod mail;
mod phone;
mod timers;
mod voicemail;

pub use calls::{OriginateFailure, PickUpFailure};
pub use deadline::{DeadlineOp, Waiting};
pub use leg_events::{BridgeUntilEnd, LegEvent};
pub use mail::{Mail, MailError};
pub use phone::{
    Delivery, MessageFailure, RecordEnd, RecordRule, Recorded, RecorderId, Recording, RecordingError, Side,
    TransferFailure, TransferTarget,
};
pub use timers::{TimerError, TimerOp, entry_point_of_timer};
pub use voicemail::{
    VoicemailCounts, VoicemailError, VoicemailMessage, VoicemailOp, VoicemailState, VoicemailValue,
};

/// A leg as a scenario's requests name it: its number within the call, 0 for the leg that began it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LegId(pub u32);

/// The number of a host call within its call: 1 for the first, one more for each. 0 names none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OpIndex(pub u32);

impl OpIndex {
    /// No host call: the parent of those that come before the first step.
    pub const NONE: Self = Self(0);

    /// The index that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for OpIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One request of a scenario; the names are those of the WIT functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are the WIT function's parameters, documented there"
)]
pub enum Op {
    /// `leg.peer`
    Peer { leg: LegId },
    /// `leg.local`
    Local { leg: LegId },
    /// `leg.header`
    Header { leg: LegId, name: String },
    /// `leg.ring`
    Ring { leg: LegId },
    /// `leg.early-media`
    EarlyMedia { leg: LegId },
    /// `leg.answer`
    Answer { leg: LegId },
    /// `leg.play`
    Play { leg: LegId, prompts: Vec<Prompt> },
    /// `leg.collect`
    Collect { leg: LegId, rule: CollectRule },
    /// `leg.send-digits`
    SendDigits { leg: LegId, digits: String },
    /// `leg.hang-up`
    HangUp { leg: LegId, cause: Cause },
    /// The scenario dropped its handle: the leg is hung up if it is still up.
    DropLeg { leg: LegId },
    /// `dial.dial`
    Dial {
        caller: LegId,
        targets: Vec<Target>,
        options: DialOptions,
    },
    /// `bridge.bridge`
    Bridge { first: LegId, second: LegId },
    /// `directory.find-user`
    FindUser { number: String },
    /// `config.document`
    ConfigDocument,
    /// `config.entry-point`
    ConfigEntryPoint,
    /// `config.domain`
    ConfigDomain,
    /// `key-value.get`
    KvGet { key: String },
    /// `key-value.set`
    KvSet { key: String, value: Vec<u8> },
    /// `key-value.delete`
    KvDelete { key: String },
    /// `key-value.increment`
    KvIncrement { key: String, by: i64 },
    /// `key-value.keys`
    KvKeys {
        prefix: String,
        after: String,
        limit: u32,
    },
    /// `clock.now-ms`
    NowMs,
    /// `clock.local`
    LocalTime,
    /// `clock.sleep-ms`
    SleepMs { duration_ms: u32 },
    /// `random.next`
    Random,
    /// `log.write`
    Log { level: Level, text: String },
    /// `trace.step`
    Step { id: String, name: String },
    /// `recording.record`
    Record { leg: LegId, rule: RecordRule },
    /// `recording.start`
    RecorderStart { leg: LegId, side: Side, length_ms: u32 },
    /// `recorder.pause`
    RecorderPause { recorder: RecorderId },
    /// `recorder.resume`
    RecorderResume { recorder: RecorderId },
    /// `recorder.finish`
    RecorderFinish { recorder: RecorderId },
    /// The scenario dropped its handle: the recording ends if it is under way.
    DropRecorder { recorder: RecorderId },
    /// `recording.delete`
    RecordingDelete { name: String },
    /// `hold.hold`
    Hold { leg: LegId },
    /// `hold.resume`
    Resume { leg: LegId },
    /// `transfer.transfer`
    Transfer {
        leg: LegId,
        target: TransferTarget,
        timeout_ms: u32,
    },
    /// `message.send`
    SendMessage {
        user: String,
        text: String,
        sender: Option<Address>,
    },
    /// `http.send`
    HttpSend { request: HttpRequest },
    /// `schedule.look-up`
    LookUpSchedule { name: String },
    /// `metrics.count`
    MetricCount { name: String, by: u64 },
    /// `metrics.gauge`
    MetricGauge { name: String, value: Real },
    /// `metrics.observe`
    MetricObserve { name: String, value: Real },
    /// `contacts.find-by-number`
    FindContact { number: String },
    /// `contacts.search`
    SearchContacts { text: String, limit: u32 },
    /// `mail.send`
    SendMail { mail: Mail },
    /// `voicemail.…`, of the box of this name
    Voicemail { name: String, op: VoicemailOp },
    /// `originate.call`
    Originate {
        target: Target,
        entry_point: String,
        data: String,
        caller_id: Option<Address>,
        ring_ms: u32,
    },
    /// `originate.data`
    OriginateData,
    /// `pickup.pick-up`
    PickUp { picker: LegId, users: Vec<String> },
    /// `timers.…`, of the timer of this name
    Timer { name: String, op: TimerOp },
    /// `deadline.…`
    Deadline(DeadlineOp),
    /// `leg-events.wait`
    WaitLegs { legs: Vec<LegId>, timeout_ms: u32 },
    /// `leg-events.bridge-until`
    BridgeUntil {
        first: LegId,
        second: LegId,
        digits: String,
    },
}

/// What came of an [`Op`]; which variant belongs to which op is [`Op::accepts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing to tell: `Step`, `Log`, `SleepMs`, `DropLeg`, `DropRecorder`, `Deadline` but `passed`.
    Done,
    /// `Peer`, `Local`
    Address(Address),
    /// `Header`, and the names of `KvKeys` in [`Outcome::Kv`]
    Lines(Vec<String>),
    /// `Ring`, `EarlyMedia`, `Answer`, `SendDigits`, `HangUp`, `Hold`, `Resume`
    Leg(Result<(), LegError>),
    /// `Play`
    Played(Result<PlayEnd, LegError>),
    /// `Collect`
    Collected(Result<Collected, LegError>),
    /// `Dial`
    Dialled(Result<LegId, DialFailure>),
    /// `Bridge`
    Bridged(Result<BridgeEnd, LegError>),
    /// `FindUser`
    User(Option<User>),
    /// `ConfigDocument`, `ConfigEntryPoint`, `ConfigDomain`
    Text(String),
    /// `Kv…`
    Kv(Result<KvValue, KvError>),
    /// `NowMs`, `Random`
    Number(u64),
    /// `LocalTime`
    LocalTime(LocalTime),
    /// `Record`, `RecorderFinish`
    Recorded(Result<Recorded, RecordingError>),
    /// `RecorderStart`
    Recorder(Result<RecorderId, RecordingError>),
    /// `RecorderPause`, `RecorderResume`, `RecordingDelete`
    Recording(Result<(), RecordingError>),
    /// `Transfer`
    Transferred(Result<(), TransferFailure>),
    /// `SendMessage`
    Messaged(Result<Delivery, MessageFailure>),
    /// `HttpSend`
    Http(Result<HttpResponse, HttpError>),
    /// `LookUpSchedule`
    Schedule(Result<ScheduleStatus, ScheduleError>),
    /// `Metric…`
    Metric(Result<(), MetricError>),
    /// `FindContact`
    Contact(Result<Option<Contact>, ContactsError>),
    /// `SearchContacts`
    Contacts(Result<Vec<Contact>, ContactsError>),
    /// `SendMail`: its Message-ID
    Mailed(Result<String, MailError>),
    /// `Voicemail`
    Voicemail(Result<VoicemailValue, VoicemailError>),
    /// `Originate`
    Originated(Result<String, OriginateFailure>),
    /// `OriginateData`
    OptionalText(Option<String>),
    /// `PickUp`
    PickedUp(Result<LegId, PickUpFailure>),
    /// `Timer`: whether one of this name waited before
    Timer(Result<bool, TimerError>),
    /// `Deadline`, of `passed`
    Flag(bool),
    /// `WaitLegs`
    LegEvent(Result<LegEvent, LegError>),
    /// `BridgeUntil`
    BridgedUntil(Result<BridgeUntilEnd, LegError>),
}

impl Op {
    /// Whether the switch answers at once from what the call holds ("reads local" in the WIT): such an op never waits.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Peer { .. }
            | Self::Local { .. }
            | Self::Header { .. }
            | Self::ConfigDocument
            | Self::ConfigEntryPoint
            | Self::ConfigDomain
            | Self::NowMs
            | Self::LocalTime
            | Self::Random
            | Self::Log { .. }
            | Self::OriginateData
            | Self::Step { .. } => true,
            Self::Ring { .. }
            | Self::EarlyMedia { .. }
            | Self::Answer { .. }
            | Self::Play { .. }
            | Self::Collect { .. }
            | Self::SendDigits { .. }
            | Self::HangUp { .. }
            | Self::DropLeg { .. }
            | Self::Dial { .. }
            | Self::Bridge { .. }
            | Self::FindUser { .. }
            | Self::KvGet { .. }
            | Self::KvSet { .. }
            | Self::KvDelete { .. }
            | Self::KvIncrement { .. }
            | Self::KvKeys { .. }
            | Self::SleepMs { .. }
            | Self::Record { .. }
            | Self::RecorderStart { .. }
            | Self::RecorderPause { .. }
            | Self::RecorderResume { .. }
            | Self::RecorderFinish { .. }
            | Self::DropRecorder { .. }
            | Self::RecordingDelete { .. }
            | Self::Hold { .. }
            | Self::Resume { .. }
            | Self::Transfer { .. }
            | Self::SendMessage { .. }
            | Self::HttpSend { .. }
            | Self::LookUpSchedule { .. }
            | Self::MetricCount { .. }
            | Self::MetricGauge { .. }
            | Self::MetricObserve { .. }
            | Self::FindContact { .. }
            | Self::SearchContacts { .. }
            | Self::SendMail { .. }
            | Self::Voicemail { .. }
            | Self::Originate { .. }
            | Self::PickUp { .. }
            | Self::Timer { .. }
            | Self::Deadline(_)
            | Self::WaitLegs { .. }
            | Self::BridgeUntil { .. } => false,
        }
    }

    /// The WIT function's name, such as `leg.play`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Peer { .. } => "leg.peer",
            Self::Local { .. } => "leg.local",
            Self::Header { .. } => "leg.header",
            Self::Ring { .. } => "leg.ring",
            Self::EarlyMedia { .. } => "leg.early-media",
            Self::Answer { .. } => "leg.answer",
            Self::Play { .. } => "leg.play",
            Self::Collect { .. } => "leg.collect",
            Self::SendDigits { .. } => "leg.send-digits",
            Self::HangUp { .. } => "leg.hang-up",
            Self::DropLeg { .. } => "leg.drop",
            Self::Dial { .. } => "dial.dial",
            Self::Bridge { .. } => "bridge.bridge",
            Self::FindUser { .. } => "directory.find-user",
            Self::ConfigDocument => "config.document",
            Self::ConfigEntryPoint => "config.entry-point",
            Self::ConfigDomain => "config.domain",
            Self::KvGet { .. } => "key-value.get",
            Self::KvSet { .. } => "key-value.set",
            Self::KvDelete { .. } => "key-value.delete",
            Self::KvIncrement { .. } => "key-value.increment",
            Self::KvKeys { .. } => "key-value.keys",
            Self::NowMs => "clock.now-ms",
            Self::LocalTime => "clock.local",
            Self::SleepMs { .. } => "clock.sleep-ms",
            Self::Random => "random.next",
            Self::Log { .. } => "log.write",
            Self::Step { .. } => "trace.step",
            Self::Record { .. } => "recording.record",
            Self::RecorderStart { .. } => "recording.start",
            Self::RecorderPause { .. } => "recorder.pause",
            Self::RecorderResume { .. } => "recorder.resume",
            Self::RecorderFinish { .. } => "recorder.finish",
            Self::DropRecorder { .. } => "recorder.drop",
            Self::RecordingDelete { .. } => "recording.delete",
            Self::Hold { .. } => "hold.hold",
            Self::Resume { .. } => "hold.resume",
            Self::Transfer { .. } => "transfer.transfer",
            Self::SendMessage { .. } => "message.send",
            Self::HttpSend { .. } => "http.send",
            Self::LookUpSchedule { .. } => "schedule.look-up",
            Self::MetricCount { .. } => "metrics.count",
            Self::MetricGauge { .. } => "metrics.gauge",
            Self::MetricObserve { .. } => "metrics.observe",
            Self::FindContact { .. } => "contacts.find-by-number",
            Self::SearchContacts { .. } => "contacts.search",
            Self::SendMail { .. } => "mail.send",
            Self::Voicemail { op, .. } => op.name(),
            Self::Originate { .. } => "originate.call",
            Self::OriginateData => "originate.data",
            Self::PickUp { .. } => "pickup.pick-up",
            Self::Timer { op, .. } => op.name(),
            Self::Deadline(op) => op.name(),
            Self::WaitLegs { .. } => "leg-events.wait",
            Self::BridgeUntil { .. } => "leg-events.bridge-until",
        }
    }

    /// The outcome where nobody answers who should: the directory, the store, a service.
    pub fn unavailable(&self) -> Option<Outcome> {
        Some(match self {
            Self::FindUser { .. } => Outcome::User(None),
            Self::KvGet { .. }
            | Self::KvSet { .. }
            | Self::KvDelete { .. }
            | Self::KvIncrement { .. }
            | Self::KvKeys { .. } => Outcome::Kv(Err(KvError::Unavailable)),
            Self::HttpSend { .. } => Outcome::Http(Err(HttpError::Limit(
                "the server's store does not answer".to_owned(),
            ))),
            Self::LookUpSchedule { .. } => Outcome::Schedule(Err(ScheduleError::Unavailable)),
            Self::MetricCount { .. } | Self::MetricGauge { .. } | Self::MetricObserve { .. } => {
                Outcome::Metric(Err(MetricError::Limit("there are no metrics".to_owned())))
            }
            Self::RecordingDelete { .. } => Outcome::Recording(Err(RecordingError::Storage(
                "the recordings cannot be reached".to_owned(),
            ))),
            Self::FindContact { .. } => Outcome::Contact(Err(ContactsError::Unavailable)),
            Self::SearchContacts { .. } => Outcome::Contacts(Err(ContactsError::Unavailable)),
            Self::SendMail { .. } => Outcome::Mailed(Err(MailError::Unavailable(
                "the server's store does not answer".to_owned(),
            ))),
            Self::Voicemail { .. } => Outcome::Voicemail(Err(VoicemailError::Unavailable)),
            Self::Originate { .. } => Outcome::Originated(Err(OriginateFailure::Unavailable)),
            Self::Timer { .. } => Outcome::Timer(Err(TimerError::Unavailable)),
            Self::SendMessage { .. } => Outcome::Messaged(Err(MessageFailure::Unavailable)),
            _ => return None,
        })
    }

    /// Whether `outcome` is of the shape that answers this request.
    pub fn accepts(&self, outcome: &Outcome) -> bool {
        matches!(
            (self, outcome),
            (Self::Peer { .. } | Self::Local { .. }, Outcome::Address(_))
                | (Self::Header { .. }, Outcome::Lines(_))
                | (
                    Self::Ring { .. }
                        | Self::EarlyMedia { .. }
                        | Self::Answer { .. }
                        | Self::SendDigits { .. }
                        | Self::HangUp { .. }
                        | Self::Hold { .. }
                        | Self::Resume { .. },
                    Outcome::Leg(_)
                )
                | (Self::Play { .. }, Outcome::Played(_))
                | (Self::Collect { .. }, Outcome::Collected(_))
                | (Self::Dial { .. }, Outcome::Dialled(_))
                | (Self::Bridge { .. }, Outcome::Bridged(_))
                | (Self::FindUser { .. }, Outcome::User(_))
                | (
                    Self::ConfigDocument | Self::ConfigEntryPoint | Self::ConfigDomain,
                    Outcome::Text(_)
                )
                | (
                    Self::KvGet { .. }
                        | Self::KvSet { .. }
                        | Self::KvDelete { .. }
                        | Self::KvIncrement { .. }
                        | Self::KvKeys { .. },
                    Outcome::Kv(_)
                )
                | (Self::NowMs | Self::Random, Outcome::Number(_))
                | (Self::LocalTime, Outcome::LocalTime(_))
                | (Self::HttpSend { .. }, Outcome::Http(_))
                | (Self::LookUpSchedule { .. }, Outcome::Schedule(_))
                | (
                    Self::MetricCount { .. } | Self::MetricGauge { .. } | Self::MetricObserve { .. },
                    Outcome::Metric(_)
                )
                | (Self::FindContact { .. }, Outcome::Contact(_))
                | (Self::SearchContacts { .. }, Outcome::Contacts(_))
                | (Self::SendMail { .. }, Outcome::Mailed(_))
                | (Self::Voicemail { .. }, Outcome::Voicemail(_))
                | (
                    Self::SleepMs { .. }
                        | Self::Log { .. }
                        | Self::Step { .. }
                        | Self::DropLeg { .. }
                        | Self::DropRecorder { .. },
                    Outcome::Done
                )
                | (
                    Self::Record { .. } | Self::RecorderFinish { .. },
                    Outcome::Recorded(_)
                )
                | (Self::RecorderStart { .. }, Outcome::Recorder(_))
                | (
                    Self::RecorderPause { .. } | Self::RecorderResume { .. } | Self::RecordingDelete { .. },
                    Outcome::Recording(_)
                )
                | (Self::Transfer { .. }, Outcome::Transferred(_))
                | (Self::Originate { .. }, Outcome::Originated(_))
                | (Self::OriginateData, Outcome::OptionalText(_))
                | (Self::PickUp { .. }, Outcome::PickedUp(_))
                | (Self::Timer { .. }, Outcome::Timer(_))
                | (Self::Deadline(DeadlineOp::Passed), Outcome::Flag(_))
                | (
                    Self::Deadline(DeadlineOp::Set { .. } | DeadlineOp::Clear),
                    Outcome::Done
                )
                | (Self::WaitLegs { .. }, Outcome::LegEvent(_))
                | (Self::BridgeUntil { .. }, Outcome::BridgedUntil(_))
                | (Self::SendMessage { .. }, Outcome::Messaged(_))
        )
    }
}

/// `types.address`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// User part, unescaped.
    pub user: String,
    /// Host part.
    pub host: String,
    /// Display name, may be empty.
    pub display_name: String,
}

/// `types.cause`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// BYE, or 480 before an answer.
    Normal,
    /// 486
    Busy,
    /// 603
    Declined,
    /// 404
    NotFound,
    /// 403
    Forbidden,
    /// 480
    Unavailable,
    /// 503
    Congested,
    /// 400 to 699
    Status(u16),
}

impl Cause {
    /// The SIP status that refuses an INVITE for this cause.
    pub fn status(self) -> u16 {
        match self {
            Self::Normal | Self::Unavailable => 480,
            Self::Busy => 486,
            Self::Declined => 603,
            Self::NotFound => 404,
            Self::Forbidden => 403,
            Self::Congested => 503,
            Self::Status(status) => status,
        }
    }
}

/// `types.call-progress-tone`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgressTone {
    /// Dial tone.
    Dial,
    /// The other side rings.
    Ringback,
    /// The other side is busy.
    Busy,
    /// No way there.
    Congestion,
    /// Three rising tones before an announcement.
    SpecialInformation,
}

/// `types.prompt`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the WIT records, documented there"
)]
pub enum Prompt {
    /// A WAV file of the domain, by name.
    File(String),
    /// A national tone.
    Progress { tone: ProgressTone, duration_ms: u32 },
    /// One or two frequencies; `second_hz` 0 for one.
    Tone {
        first_hz: u16,
        second_hz: u16,
        duration_ms: u32,
    },
    /// Milliseconds of silence.
    Silence(u32),
    /// Text to speak in a language (empty: the domain's).
    Speech { text: String, language: String },
}

/// `leg.collect-rule`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectRule {
    /// Played first.
    pub prompts: Vec<Prompt>,
    /// A digit stops the prompts.
    pub barge_in: bool,
    /// Fewest digits of a whole entry.
    pub min: u32,
    /// Most digits.
    pub max: u32,
    /// Digits that end the entry.
    pub terminators: String,
    /// From the prompts' end to the first digit.
    pub first_digit_timeout_ms: u32,
    /// Between two digits.
    pub inter_digit_timeout_ms: u32,
}

/// `leg.collected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// What was pressed, without the terminator.
    pub digits: String,
    /// At least `min` of them.
    pub complete: bool,
    /// What ended it.
    pub end: CollectEnd,
}

/// `leg.collect-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CollectEnd {
    /// `max` digits are there.
    Full,
    /// A terminator was pressed.
    Terminator,
    /// The time ran out.
    Timeout,
}

/// `leg.play-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlayEnd {
    /// Everything was played.
    Finished,
    /// Something else on the leg ended it.
    Stopped,
}

/// `leg.leg-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum LegError {
    /// The leg has ended.
    Gone,
    /// Not in this state.
    WrongState(String),
    /// Outside its range.
    BadArgument(String),
    /// No codec, port, file or speech.
    Media(String),
    /// A domain's limit.
    Limit(String),
}

/// `dial.target`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A user of the domain.
    User(String),
    /// A number that leads to a user.
    Number(String),
}

/// `dial.strategy`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Strategy {
    /// All at once.
    Parallel,
    /// One after another.
    InTurn,
}

/// `dial.dial-options`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialOptions {
    /// How several targets are called.
    pub strategy: Strategy,
    /// How long each rings.
    pub timeout_ms: u32,
    /// Who the callee sees.
    pub caller_id: Option<Address>,
    /// Ringback tone on the caller's leg.
    pub ringback: bool,
}

/// `dial.dial-failure`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DialFailure {
    /// Leads to no user.
    NotFound(String),
    /// No device could be reached.
    Unreachable,
    /// 486, 600
    Busy,
    /// The time ran out.
    NoAnswer,
    /// 603
    Declined,
    /// Another final status.
    Rejected(u16, String),
    /// The caller's leg ended first.
    CallerGone,
    /// No codec or port.
    Media(String),
    /// Outside its range.
    BadArgument(String),
    /// A domain's limit.
    Limit(String),
}

impl DialFailure {
    /// What a callee's final status says, 300 to 699, with its reason phrase.
    pub fn of_status(status: u16, reason: &str) -> Self {
        match status {
            486 | 600 => Self::Busy,
            603 => Self::Declined,
            404 | 408 | 480 | 502 | 604 => Self::Unreachable,
            488 | 606 => Self::Media("no common codec with the callee".into()),
            status => Self::Rejected(status, reason.to_owned()),
        }
    }

    /// How much a reason tells the caller: of several targets' reasons it is given the greatest.
    pub fn weight(&self) -> u8 {
        match self {
            Self::CallerGone => 9,
            Self::Declined => 8,
            Self::Busy => 7,
            Self::NoAnswer => 6,
            Self::Rejected(..) => 5,
            Self::Media(_) => 4,
            Self::Limit(_) => 3,
            Self::Unreachable => 2,
            Self::NotFound(_) => 1,
            Self::BadArgument(_) => 0,
        }
    }
}

/// `bridge.bridge-end`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BridgeEnd {
    /// The first leg's peer hung up.
    FirstHungUp,
    /// The second leg's peer hung up.
    SecondHungUp,
    /// Media or a peer was lost.
    Lost,
}

/// `directory.user`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Name, which is the extension.
    pub name: String,
    /// For people; may be empty.
    pub display_name: String,
    /// A device is registered now.
    pub registered: bool,
}

/// What a successful key-value request gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvValue {
    /// `get`
    Value(Option<Vec<u8>>),
    /// `set`
    Written,
    /// `delete`
    Deleted(bool),
    /// `increment`
    Sum(i64),
    /// `keys`
    Keys(Vec<String>),
}

/// `key-value.kv-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvError {
    /// Outside its range.
    BadArgument(String),
    /// Not a decimal number.
    NotANumber,
    /// The domain's store is full.
    Full(String),
    /// No answer from the store.
    Unavailable,
}

/// `log.level`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// For developers.
    Debug,
    /// Milestones.
    Info,
    /// Degraded.
    Warn,
    /// Someone must act.
    Error,
}

/// `clock.local-time`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalTime {
    /// Gregorian year.
    pub year: i16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 1 (Monday) to 7.
    pub weekday: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
    /// From UTC, in seconds.
    pub utc_offset_s: i32,
}

/// `http.method`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Reads without the body.
    Head,
    /// Lets the service do something.
    Post,
    /// Writes a whole.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl HttpMethod {
    /// As a request line has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether it changes nothing (RFC 9110 §9.2.1).
    pub fn is_safe(self) -> bool {
        matches!(self, Self::Get | Self::Head)
    }

    /// Whether doing it twice is as doing it once (RFC 9110 §9.2.2).
    pub fn is_idempotent(self) -> bool {
        !matches!(self, Self::Post | Self::Patch)
    }
}

/// `http.header-value`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "the fields are those of the WIT record, documented there"
)]
pub enum HeaderValue {
    /// As it is.
    Text(String),
    /// A secret of the domain, behind a prefix.
    Secret { name: String, prefix: String },
}

/// `http.header`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpHeader {
    /// Its name, in any case.
    pub name: String,
    /// Its value.
    pub value: HeaderValue,
}

/// `http.request`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// What is to be done.
    pub method: HttpMethod,
    /// Where, as an absolute URL.
    pub url: String,
    /// Headers of the scenario.
    pub headers: Vec<HttpHeader>,
    /// The body; empty: none.
    pub body: Vec<u8>,
    /// For all of it.
    pub timeout_ms: u32,
    /// Further tries at most.
    pub retries: u32,
}

/// `http.response`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// 200 to 599.
    pub status: u16,
    /// Names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// Decoded.
    pub body: Vec<u8>,
}

/// `http.http-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum HttpError {
    /// The administrator did not allow it.
    NotAllowed(String),
    /// The host is where only this machine or network reaches.
    PrivateAddress,
    /// The time ran out.
    TimeOut,
    /// The response is too long.
    TooLarge(String),
    /// No connection, or it broke.
    Connect(String),
    /// No trust in the other side.
    Tls(String),
    /// Outside its range.
    BadArgument(String),
    /// A limit of the domain.
    Limit(String),
}

/// `schedule.state`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleState {
    /// Within the hours.
    Open,
    /// Outside of them.
    Closed,
    /// A holiday: its name.
    Holiday(String),
}

/// `schedule.status`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleStatus {
    /// What holds now.
    pub state: ScheduleState,
    /// Until then, since the epoch; none: for more than a year.
    pub until_ms: Option<u64>,
}

/// `schedule.schedule-error`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleError {
    /// No such schedule.
    NotFound,
    /// No answer from the store.
    Unavailable,
}

/// A floating-point number that is equal to itself: compared by its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Real(u64);

impl From<f64> for Real {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl Real {
    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// `metrics.metric-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricError {
    /// Outside its range.
    BadArgument(String),
    /// Too many names, or one of another kind.
    Limit(String),
}

/// `contacts.contact-number`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNumber {
    /// What it is.
    pub label: String,
    /// As it was written.
    pub number: String,
}

/// `contacts.contact`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// A person's, or a company's.
    pub name: String,
    /// May be empty.
    pub company: String,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub note: String,
    /// In order.
    pub numbers: Vec<ContactNumber>,
}

/// `contacts.contacts-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactsError {
    /// Outside its range.
    BadArgument(String),
    /// No answer from the store.
    Unavailable,
}
