//! What a shard is told and what it tells.

use std::sync::Arc;

use bytes::Bytes;
use tandem_bus::media::{Command, Event};
use tandem_directory::{Credentials, EntryPoint, Resolved};
use tandem_host_api::op::{KvError, KvValue, Op, OpIndex, Outcome, RecordingError, Target, User};
use tandem_host_api::{End, Input as JournalInput};
use tandem_sip::registrar::Binding;
use tandem_sip::{Flow, Message, Moment};

use super::CallKey;
use super::inquiry::{Inquiry, Told};
use crate::call::{Call, Picked, Picker};
use crate::record::Record;

/// What happens to a shard.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once, and most of them carry a message"
)]
pub enum Input {
    /// A message from the network that passed [`Message::validate`].
    Sip { flow: Flow, message: Message },
    /// A connection is gone.
    FlowClosed { flow: Flow },
    /// The way to a SIP gate is open: at the start, and whenever it was broken. What was sent meanwhile may be lost and is
    /// sent again. `fresh`: it is another gate than before, every connection of that one is gone.
    SipGateConnected { fresh: bool },
    /// The media gate tells something.
    Media(Event),
    /// The way to a media gate is open: at the start, and whenever it was broken. The gate is asked what exists; until
    /// it has told, it gets no other command, and then what is missing. What had not been sent when the way broke must
    /// not be sent any more. `fresh`: it is another gate than before.
    GateConnected { fresh: bool },
    /// A scenario asks for something; `index` is the request's number in its call.
    Perform { call: CallKey, index: OpIndex, op: Op },
    /// A scenario that runs again after a restart asks for what it was waiting for then. It is not done twice.
    Reperform { call: CallKey, index: OpIndex, op: Op },
    /// A scenario has ended.
    ScenarioEnded { call: CallKey, end: End },
    /// A question was answered.
    Answered { number: u64, answer: Answer },
    /// Another call, or nobody's, asks something of this shard.
    Inquire { number: u64, inquiry: Inquiry },
    /// Take no new calls, or take them again.
    Drain { on: bool },
    /// End the calls that are left.
    EndAll,
    /// The time of [`Output::Wait`] has come.
    Timeout,
}

/// What the driver does.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Output {
    /// Send bytes on a flow.
    Send { flow: Flow, bytes: Bytes },
    /// Tell the media gate.
    Media(Command),
    /// Find something out; [`Input::Answered`] follows with the same number.
    Ask {
        call: CallKey,
        number: u64,
        question: Question,
    },
    /// Run the scenario of a new call; its requests follow as [`Input::Perform`].
    Start(Box<Start>),
    /// A call's scenario has failed and its fall-back takes over: run that one. Its requests follow likewise.
    FallBack(Box<FallBack>),
    /// A call lives on after a restart: run its scenario again, its first requests answered from its journal.
    Resume(Box<Resume>),
    /// The request that a call's scenario waits for has this outcome.
    Done {
        call: CallKey,
        index: OpIndex,
        outcome: Outcome,
    },
    /// The answer to an [`Input::Inquire`] of this number.
    Told { number: u64, told: Told },
    /// Something for the call's journal.
    Journal { call: CallKey, input: JournalInput },
    /// End a scenario that has nothing left to do; [`Input::ScenarioEnded`] follows.
    StopScenario { call: CallKey },
    /// A call is over: write it down, with its journal where `call` is given.
    Ended {
        call: Option<CallKey>,
        record: Box<Record>,
    },
    /// Something that event scenarios may want to hear of.
    Happened(Box<Happening>),
    /// Nothing more now; come back with [`Input::Timeout`] then.
    Wait(Option<Moment>),
}

/// What has happened to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The domain.
    pub domain: Arc<str>,
    /// The call.
    pub call: String,
    /// Its caller is answered; else it has begun.
    pub answered: bool,
    /// Who calls.
    pub from: String,
    /// What was dialled.
    pub to: String,
    /// What that leads to.
    pub entry: Arc<EntryPoint>,
    /// When the call began.
    pub started: Moment,
    /// When this happened.
    pub at: Moment,
}

/// What a scenario begins with.
#[derive(Debug)]
pub struct Start {
    /// The call.
    pub call: CallKey,
    /// Its identifier in journal and CDR.
    pub id: String,
    /// Its domain.
    pub domain: Arc<str>,
    /// What was dialled leads here.
    pub entry: Arc<EntryPoint>,
    /// The INVITE, for the headers a scenario may read.
    pub request: Message,
    /// Who calls.
    pub caller: tandem_host_api::op::Address,
    /// What was dialled.
    pub dialled: tandem_host_api::op::Address,
    /// What it was originated with.
    pub data: Option<String>,
    /// When the call came.
    pub started: Moment,
    /// When its caller was answered; none: it was not.
    pub answered: Option<Moment>,
}

impl Start {
    pub(crate) fn of(key: CallKey, call: &Call) -> Self {
        let origin = &call.origin;
        Self {
            call: key,
            id: origin.id.clone(),
            domain: origin.domain.clone(),
            entry: call.entry().clone(),
            request: origin.request.clone(),
            caller: origin.caller.clone(),
            dialled: origin.dialled.clone(),
            data: call.originated.as_ref().map(|it| it.data.clone()),
            started: origin.started,
            answered: call.legs.first().and_then(|leg| leg.answered),
        }
    }
}

/// A call whose scenario has failed.
#[derive(Debug)]
pub struct FallBack {
    /// What its fall-back begins with.
    pub start: Start,
    /// How the scenario before it failed.
    pub end: End,
    /// The last request of that one that came to the call, 0 where none did.
    pub asked: OpIndex,
}

/// A call that lives on after a restart.
#[derive(Debug)]
pub struct Resume {
    /// What it began with.
    pub start: Start,
    /// Whether its scenario is to run. It is not where it had ended before: only its journal is needed then, for
    /// [`Output::Ended`].
    pub running: bool,
    /// The request that is under way for it, if one is.
    pub pending: Option<OpIndex>,
    /// The scenario has asked for something before: its journal cannot be empty.
    pub began: bool,
    /// How many times the call was taken over, this time included.
    pub recoveries: u32,
}

/// What a shard must find out.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Question {
    /// Everything about a new INVITE: the domain of `host`, the credentials of `user`, what `dialled` leads to.
    Admit {
        host: String,
        user: String,
        dialled: String,
    },
    /// The devices behind a dial target.
    Locate { domain: Arc<str>, target: Target },
    /// A user by number.
    FindUser { domain: Arc<str>, number: String },
    /// A key-value request of this scenario. `once`, the call's identifier and the request's number in it, tells a request
    /// that is asked again from another.
    KeyValue {
        domain: Arc<str>,
        scenario: String,
        op: Op,
        once: (String, u64),
    },
    /// Deletes a recording of the domain.
    DeleteRecording { domain: Arc<str>, name: String },
    /// A call that rings at one of these users and is to be given to `picker`.
    PickUp {
        domain: Arc<str>,
        users: Vec<String>,
        picker: Box<Picker>,
    },
    /// When the call of this shard, number and identifier no longer holds on to the call `by`.
    LetGo {
        shard: u64,
        call: CallKey,
        id: String,
        by: String,
    },
    /// What a service of the domain is asked: HTTP, schedules, metrics, contacts, mail, voicemail, calls to begin, timers,
    /// texts of scenarios that no call starts. `scenario` and `once` as in [`Self::KeyValue`].
    Service {
        domain: Arc<str>,
        scenario: String,
        op: Op,
        once: (String, u64),
    },
}

impl Question {
    /// What a scenario's request asks of the domain, whatever started the scenario; none: it needs a call, or nobody.
    /// `scenario` and `once` as in [`Self::KeyValue`].
    pub fn about(domain: Arc<str>, scenario: &str, op: &Op, once: (String, u64)) -> Option<Self> {
        match op {
            Op::FindUser { number } => Some(Self::FindUser {
                domain,
                number: number.clone(),
            }),
            Op::KvGet { .. }
            | Op::KvSet { .. }
            | Op::KvDelete { .. }
            | Op::KvIncrement { .. }
            | Op::KvKeys { .. } => Some(Self::KeyValue {
                domain,
                scenario: scenario.to_owned(),
                op: op.clone(),
                once,
            }),
            Op::RecordingDelete { name } => Some(Self::DeleteRecording {
                domain,
                name: name.clone(),
            }),
            Op::HttpSend { .. }
            | Op::LookUpSchedule { .. }
            | Op::MetricCount { .. }
            | Op::MetricGauge { .. }
            | Op::MetricObserve { .. }
            | Op::FindContact { .. }
            | Op::SearchContacts { .. }
            | Op::SendMail { .. }
            | Op::Voicemail { .. }
            | Op::Originate { .. }
            | Op::SendMessage { .. }
            | Op::Timer { .. } => Some(Self::Service {
                domain,
                scenario: scenario.to_owned(),
                op: op.clone(),
                once,
            }),
            _ => None,
        }
    }
}

/// What was found out.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::Admit`]; none: no such domain.
    Admit(Option<Box<Admitted>>),
    /// To [`Question::Locate`]; none: no such user.
    Located(Option<Located>),
    /// To [`Question::FindUser`].
    User(Option<User>),
    /// To [`Question::KeyValue`].
    KeyValue(Result<KvValue, KvError>),
    /// To [`Question::DeleteRecording`].
    Recording(Result<(), RecordingError>),
    /// To [`Question::Service`].
    Service(Box<Outcome>),
    /// To [`Question::PickUp`]; none: nothing rings there.
    PickedUp(Option<Box<Picked>>),
    /// To [`Question::LetGo`].
    LetGo,
    /// The directory does not answer.
    Unavailable,
}

impl Answer {
    /// The outcome of the scenario's request behind the question; none where it answers no such request.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self {
            Self::User(user) => Some(Outcome::User(user)),
            Self::KeyValue(result) => Some(Outcome::Kv(result)),
            Self::Recording(result) => Some(Outcome::Recording(result)),
            Self::Service(outcome) => Some(*outcome),
            Self::Admit(_) | Self::Located(_) | Self::PickedUp(_) | Self::LetGo | Self::Unavailable => None,
        }
    }
}

/// What is known of a new INVITE.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The domain.
    pub domain: Arc<str>,
    /// The realm of its digest authentication.
    pub realm: String,
    /// The caller's credentials, where it is a user of the domain.
    pub credentials: Option<Credentials>,
    /// The caller's display name as the directory has it.
    pub display_name: String,
    /// What the dialled number leads to.
    pub entry: Option<Resolved>,
}

/// A user's devices.
#[derive(Debug, Clone)]
pub struct Located {
    /// The user's name.
    pub user: String,
    /// Registered devices.
    pub bindings: Vec<Binding>,
}
