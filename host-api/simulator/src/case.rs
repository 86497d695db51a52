//! One call of a test: who calls whom, what the world is like, what the caller does, what should come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tandem_host_api::op::{Address, Contact, HttpError, HttpResponse, MailError, VoicemailState};
use tandem_host_api::schedule::Schedule;
use tandem_host_api::{Event, WebRequest};

/// Everything that one simulated call depends on, besides the component.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called in reports.
    pub name: String,
    /// The world at the call's beginning.
    pub world: World,
    /// What starts the scenario.
    pub start: Start,
    /// What the caller does, one after another.
    pub acts: Vec<Act>,
    /// What should come of it.
    pub expect: Expect,
}

/// What starts a scenario.
#[derive(Debug, Clone, Default)]
pub enum Start {
    /// A call.
    #[default]
    Call,
    /// A request over HTTP.
    Request(WebRequest),
    /// Something that has happened.
    Event(Event),
}

impl Start {
    /// How long the scenario may take; none: as long as the call.
    pub fn time_max(&self) -> Option<Duration> {
        match self {
            Self::Call => None,
            Self::Request(_) => Some(Duration::from_secs(30)),
            Self::Event(_) => Some(Duration::from_mins(1)),
        }
    }
}

/// The domain and its surroundings.
#[derive(Debug, Clone)]
pub struct World {
    /// The domain's name.
    pub domain: String,
    /// The dialled number.
    pub number: String,
    /// The number or pattern that started the scenario.
    pub entry_point: String,
    /// The caller's user name.
    pub caller: String,
    /// The caller's display name.
    pub caller_name: String,
    /// Headers of the caller's INVITE: names in lower case, and their values.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The activation's configuration, as JSON text.
    pub settings: String,
    /// When the call begins.
    pub start: Timestamp,
    /// The domain's time zone.
    pub time_zone: TimeZone,
    /// Where chance comes from.
    pub seed: u64,
    /// The domain's users, by name.
    pub users: BTreeMap<String, User>,
    /// How long each WAV file is.
    pub files: BTreeMap<String, Duration>,
    /// The key-value store's content.
    pub key_values: BTreeMap<String, Vec<u8>>,
    /// Opening hours by name.
    pub schedules: BTreeMap<String, Schedule>,
    /// The address book, by name.
    pub contacts: Vec<Contact>,
    /// What web services answer; a request that none of them takes is not allowed.
    pub http: Vec<Service>,
    /// What becomes of mails.
    pub mail: MailAnswer,
    /// Voicemail boxes with their messages, newest first; every user has one besides.
    pub boxes: BTreeMap<String, Vec<Message>>,
    /// What the call was originated with; none: the caller began it.
    pub data: Option<String>,
    /// The calls that ring elsewhere in the domain, by the user who is called.
    pub ringing: BTreeMap<String, Ringing>,
    /// How long a character of spoken text takes.
    pub speech_per_character: Duration,
    /// A call that lasts longer than this is given up.
    pub lasts_at_most: Duration,
    /// The status that the caller gets where the scenario fails.
    pub fallback_status: u16,
}

/// A call that rings at a user.
#[derive(Debug, Clone)]
pub struct Ringing {
    /// Who calls.
    pub from: String,
    /// What the caller does once it is picked up.
    pub acts: Vec<Act>,
}

/// A user of the domain.
#[derive(Debug, Clone, Default)]
pub struct User {
    /// The name that people read.
    pub display_name: String,
    /// Whether a device is registered.
    pub registered: bool,
    /// Numbers that lead to this user, besides its name.
    pub numbers: Vec<String>,
    /// What the user does when dialled for the first time, the second time and so on; the last goes for all further
    /// times.
    pub dialled: Vec<Reaction>,
}

/// What a user does when dialled.
#[derive(Debug, Clone)]
pub struct Reaction {
    /// How long after the INVITE.
    pub after: Duration,
    /// What then.
    pub then: Then,
    /// What the user does after the answer.
    pub acts: Vec<Act>,
}

/// What a dialled device does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Rings, then answers.
    Answer,
    /// Rings, then 603.
    Decline,
    /// Rings until the caller gives up.
    Ring,
    /// Refuses with this status, 300 to 699, without ringing.
    Refuse(u16),
}

/// A web service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The method that it takes; none: any.
    pub method: Option<String>,
    /// The URL that it takes; one that ends in `*` takes all that begin so.
    pub url: String,
    /// What it answers the first time, the second time and so on; the last goes for all further times.
    pub answers: Vec<WebAnswer>,
}

/// What a web service answers.
#[derive(Debug, Clone)]
pub struct WebAnswer {
    /// How long it takes.
    pub after: Duration,
    /// A response, or why there is none.
    pub result: Result<HttpResponse, HttpError>,
}

/// What a mail server answers.
#[derive(Debug, Clone, Default)]
pub struct MailAnswer {
    /// How long it takes.
    pub after: Duration,
    /// Why it takes no mail; none: it takes them.
    pub error: Option<MailError>,
}

/// A message in a voicemail box.
#[derive(Debug, Clone)]
pub struct Message {
    /// Who left it.
    pub caller: Address,
    /// How long it is.
    pub length: Duration,
    /// What became of it.
    pub state: VoicemailState,
}

/// What a party does on its leg; each begins when the one before is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Nothing, for a time.
    Wait(Duration),
    /// Presses these digits, 200 ms each.
    Press(String),
    /// Nothing, until a prompt whose text has this in it begins.
    Hears(String),
    /// Nothing, until a prompt whose text has this in it has been heard to its end.
    After(String),
    /// Nothing, until its leg is answered.
    Answered,
    /// Nothing, until a collection of digits has ended because the time ran out.
    Silence,
    /// Nothing, until its leg is bridged, and then for so long.
    Talk(Duration),
    /// Hangs up; a caller that was not answered takes its INVITE back.
    HangUp,
}

impl std::fmt::Display for Act {
    /// As scripts have it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wait(time) => write!(f, "wait = {time:?}"),
            Self::Press(digits) => write!(f, "press = {digits:?}"),
            Self::Hears(text) => write!(f, "hears = {text:?}"),
            Self::After(text) => write!(f, "after = {text:?}"),
            Self::Answered => f.write_str("answered"),
            Self::Silence => f.write_str("silence"),
            Self::Talk(time) => write!(f, "talk = {time:?}"),
            Self::HangUp => f.write_str("hang-up"),
        }
    }
}

/// What should come of a call. What is not said is not looked at, but for two things: the scenario returns, and the
/// caller comes to the end of its acts.
#[derive(Debug, Clone, Default)]
pub struct Expect {
    /// The caller hears prompts with these texts, in this order; others may come between.
    pub hears: Vec<String>,
    /// The caller hears nothing with one of these texts.
    pub never_hears: Vec<String>,
    /// The scenario enters these steps, in this order; others may come between.
    pub steps: Vec<String>,
    /// The targets that the scenario dials: these and no others.
    pub dials: Option<Vec<String>>,
    /// How long the caller is bridged, all together.
    pub bridged: Option<Duration>,
    /// Who ends the call.
    pub ended_by: Option<EndedBy>,
    /// Why the call ends, in the caller's view.
    pub cause: Option<Cause>,
    /// How long the call lasts.
    pub lasts: Option<Duration>,
    /// How the scenario ends; none: it returns, or the call is over before.
    pub scenario: Option<ScenarioEnd>,
    /// The text of the scenario's error has this in it.
    pub error: Option<String>,
    /// The scenario writes log lines with these texts, in this order; others may come between.
    pub log: Vec<String>,
    /// The scenario sends HTTP requests with these texts in them, as `POST URL BODY`, in this order; others may come
    /// between.
    pub requests: Vec<String>,
    /// The calls that the scenario originates, as `USER ENTRY-POINT DATA`: these and no others.
    pub originates: Option<Vec<String>>,
    /// The timers that wait at the end, as `NAME AFTER-MS DATA`, by name: these and no others.
    pub timers: Option<Vec<String>>,
    /// What counters and gauges have at the end, and the sum of what was observed.
    pub metrics: BTreeMap<String, f64>,
    /// The scenario sends mails with these texts in them, as `TO: SUBJECT: TEXT [RECORDING]`, in this order; others may
    /// come between.
    pub mails: Vec<String>,
    /// What boxes have at the end, newest first, as `new 302`: these messages and no others.
    pub voicemail: BTreeMap<String, Vec<String>>,
    /// What keys have at the end; none: there is no such key.
    pub key_values: BTreeMap<String, Option<String>>,
    /// What a request is answered.
    pub response: Option<Response>,
}

/// What should be answered to a request. What is not said is not looked at.
#[derive(Debug, Clone, Default)]
pub struct Response {
    /// The status.
    pub status: Option<u16>,
    /// Headers: names in lower case, and their values.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Option<String>,
    /// The body as JSON, however it is written.
    pub json: Option<serde_json::Value>,
    /// The body has these texts in it.
    pub contains: Vec<String>,
}

/// Who ended a call, as call records have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedBy {
    /// The caller hung up, or gave up.
    Caller,
    /// A callee hung up, or refused, and the scenario passed that on.
    Callee,
    /// The scenario.
    Scenario,
}

/// Why a call ended: a word of call records, or a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Such as `busy`.
    Word(String),
    /// Such as 486.
    Status(u16),
}

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScenarioEnd {
    /// Its handler returned well.
    Returned,
    /// Its handler returned an error.
    Failed,
    /// It trapped: a panic, for example.
    Trapped,
    /// It met a limit.
    OverBudget,
    /// The call was over while it waited.
    CallOver,
}
