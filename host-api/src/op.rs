//! What a scenario can ask for and what it can be told: one variant a WIT function, in plain serialisable shapes.
//!
//! These are the words of the journal, so they change like a file format: variants are added at the end. [`Op`] and
//! [`Outcome`] are here; what they are made of is in a file for each interface.

use serde::{Deserialize, Serialize};

mod calls;
mod clock;
mod contacts;
mod deadline;
mod dial;
mod directory;
mod http;
mod key_value;
mod leg;
mod leg_events;
mod log;
mod mail;
mod metrics;
mod phone;
mod schedule;
mod timers;
mod types;
mod voicemail;

pub use calls::{OriginateFailure, PickUpFailure};
pub use clock::LocalTime;
pub use contacts::{Contact, ContactNumber, ContactsError};
pub use deadline::{DeadlineOp, Waiting};
pub use dial::{BridgeEnd, DialFailure, DialOptions, Strategy, Target};
pub use directory::User;
pub use http::{HeaderValue, HttpError, HttpHeader, HttpMethod, HttpRequest, HttpResponse};
pub use key_value::{KvError, KvValue};
pub use leg::{CollectEnd, CollectRule, Collected, LegError, PlayEnd};
pub use leg_events::{BridgeUntilEnd, LegEvent};
pub use log::Level;
pub use mail::{Mail, MailError};
pub use metrics::{MetricError, Real};
pub use phone::{
    Delivery, MessageFailure, RecordEnd, RecordRule, Recorded, RecorderId, Recording, RecordingError, Side,
    TransferFailure, TransferTarget,
};
pub use schedule::{ScheduleError, ScheduleState, ScheduleStatus};
pub use timers::{TimerError, TimerOp, entry_point_of_timer};
pub use types::{Address, Cause, ProgressTone, Prompt};
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
    /// Nothing to tell: `Step`, `Log` but of a line that is dropped, `SleepMs`, `DropLeg`, `DropRecorder`, `Deadline` but
    /// `passed`.
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
    /// `Deadline`, of `passed`; `Log`, of a line that is dropped: false
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
                        | Self::DropRecorder { .. }
                        | Self::Deadline(DeadlineOp::Set { .. } | DeadlineOp::Clear),
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
                | (Self::Log { .. }, Outcome::Flag(false))
                | (Self::WaitLegs { .. }, Outcome::LegEvent(_))
                | (Self::BridgeUntil { .. }, Outcome::BridgedUntil(_))
                | (Self::SendMessage { .. }, Outcome::Messaged(_))
        )
    }
}
