//! The shape of a script, as TOML has it. `docs/scenarios/testing.md` explains each key.

use std::collections::BTreeMap;

use serde::Deserialize;
use tandem_host_api::schedule::Schedule;
use toml::Spanned;

use super::words::{Digits, Moment, Refusal, Time, Zone};
use crate::case;

/// A file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The component's file, relative to the script; none: the project's.
    pub scenario: Option<String>,
    /// What all cases share.
    #[serde(default)]
    pub world: World,
    /// The calls.
    #[serde(default)]
    pub case: Vec<Spanned<Case>>,
}

/// One call.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    /// What is different from the file's world.
    #[serde(default)]
    pub world: World,
    #[serde(default)]
    pub acts: Vec<Act>,
    /// What comes over HTTP, instead of a call.
    pub request: Option<Request>,
    /// What has happened, instead of a call.
    pub event: Option<Event>,
    #[serde(default)]
    pub expect: Expect,
}

/// A request over HTTP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub method: Option<String>,
    pub path: String,
    #[serde(default)]
    pub query: String,
    #[serde(default)]
    pub headers: BTreeMap<String, OneOrMany<String>>,
    pub body: Option<String>,
    pub json: Option<toml::Value>,
    pub peer: Option<String>,
}

/// Something that has happened.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    pub kind: String,
    pub id: Option<String>,
    #[serde(default)]
    pub data: toml::Table,
}

/// What is answered to a request.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Response {
    pub status: Option<u16>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    pub json: Option<toml::Value>,
    pub contains: Vec<String>,
}

/// What is said of the world; the rest is at its default, or at what the file's world says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    pub domain: Option<String>,
    pub number: Option<String>,
    pub entry_point: Option<String>,
    pub caller: Option<String>,
    pub caller_name: Option<String>,
    pub headers: BTreeMap<String, OneOrMany<String>>,
    pub settings: Option<toml::Table>,
    pub settings_file: Option<Spanned<String>>,
    pub start: Option<Spanned<Moment>>,
    pub time_zone: Option<Zone>,
    pub seed: Option<u64>,
    pub users: BTreeMap<String, User>,
    pub files: BTreeMap<String, Time>,
    pub key_values: BTreeMap<String, String>,
    pub schedules: BTreeMap<String, Schedule>,
    pub contacts: Vec<Contact>,
    pub http: Vec<Service>,
    pub mail: Option<MailAnswer>,
    pub voicemail: BTreeMap<String, Vec<Message>>,
    pub data: Option<String>,
    pub ringing: BTreeMap<String, Ringing>,
    pub speech_per_character: Option<Time>,
    pub lasts_at_most: Option<Time>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct User {
    pub display_name: Option<String>,
    pub registered: Option<bool>,
    pub numbers: Option<Vec<String>>,
    pub dialled: Option<OneOrMany<Reaction>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    pub after: Option<Time>,
    #[serde(default)]
    pub then: Then,
    pub status: Option<Refusal>,
    #[serde(default)]
    pub acts: Vec<Act>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    #[default]
    Answer,
    Ring,
    Busy,
    Decline,
    Unreachable,
    Refuse,
}

/// Somebody of the address book: numbers by what they are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    pub name: String,
    #[serde(default)]
    pub company: String,
    #[serde(default)]
    pub email: String,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub numbers: BTreeMap<String, String>,
}

/// A web service and what it answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    pub method: Option<String>,
    pub url: String,
    pub answer: OneOrMany<WebAnswer>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebAnswer {
    pub after: Option<Time>,
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    pub json: Option<toml::Value>,
    pub error: Option<String>,
}

/// What a mail server answers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailAnswer {
    pub after: Option<Time>,
    pub error: Option<String>,
}

/// A message in a voicemail box.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    pub caller: String,
    #[serde(default)]
    pub caller_name: String,
    pub length: Time,
    #[serde(default)]
    pub state: MessageState,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageState {
    #[default]
    New,
    Heard,
    Saved,
}

/// A call that rings at a user, and what its caller does once it is picked up.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ringing {
    pub from: String,
    #[serde(default)]
    pub acts: Vec<Act>,
}

/// A single one without brackets, or several within.
#[derive(Debug, Clone)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    /// By hand: serde's own way to try one shape after another loses what was wrong with each, and where.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StringDeserializer};
        use serde::de::{MapAccess, SeqAccess, Visitor};

        struct Either<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("one, or a list of them")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(StringDeserializer::new(text.to_owned())).map(|one| OneOrMany(vec![one]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }

        deserializer.deserialize_any(Either(std::marker::PhantomData))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Wait(Time),
    Press(Digits),
    Hears(String),
    After(String),
    Answered,
    Silence,
    Talk(Time),
    HangUp,
}

impl From<Act> for case::Act {
    fn from(act: Act) -> Self {
        match act {
            Act::Wait(Time(time)) => Self::Wait(time),
            Act::Press(Digits(digits)) => Self::Press(digits),
            Act::Hears(text) => Self::Hears(text),
            Act::After(text) => Self::After(text),
            Act::Answered => Self::Answered,
            Act::Silence => Self::Silence,
            Act::Talk(Time(time)) => Self::Talk(time),
            Act::HangUp => Self::HangUp,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    pub hears: Vec<String>,
    pub never_hears: Vec<String>,
    pub steps: Vec<String>,
    pub dials: Option<Vec<String>>,
    pub bridged: Option<Time>,
    pub ended_by: Option<EndedBy>,
    pub cause: Option<Cause>,
    pub lasts: Option<Time>,
    pub scenario: Option<ScenarioEnd>,
    pub error: Option<String>,
    pub log: Vec<String>,
    pub requests: Vec<String>,
    pub originates: Option<Vec<String>>,
    pub timers: Option<Vec<String>>,
    pub metrics: BTreeMap<String, f64>,
    pub mails: Vec<String>,
    pub voicemail: BTreeMap<String, Vec<String>>,
    pub key_values: BTreeMap<String, Value>,
    pub response: Option<Response>,
}

/// What a key has; `false`: there is none.
#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Value(pub Option<String>);

impl TryFrom<toml::Value> for Value {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(text) => Ok(Self(Some(text))),
            toml::Value::Boolean(false) => Ok(Self(None)),
            other => Err(format!(
                "{other} is no value of a key: write text, or false where there should be no such key"
            )),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    Caller,
    Callee,
    Scenario,
}

#[derive(Debug, Deserialize)]
#[serde(try_from = "toml::Value")]
pub struct Cause(pub case::Cause);

/// The words that call records have for a cause.
const CAUSES: [&str; 13] = [
    "normal",
    "lost",
    "forbidden",
    "not-found",
    "no-answer",
    "unavailable",
    "busy",
    "cancelled",
    "not-acceptable",
    "congested",
    "declined",
    "rejected",
    "scenario-failed",
];

impl TryFrom<toml::Value> for Cause {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        match value {
            toml::Value::String(word) if CAUSES.contains(&word.as_str()) => Ok(Self(case::Cause::Word(word))),
            toml::Value::Integer(status @ 200..=699) => Ok(Self(case::Cause::Status(status as u16))),
            other => Err(format!(
                "{other} is no cause: write a status from 200 to 699, or one of {}",
                CAUSES.join(", ")
            )),
        }
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioEnd {
    Returned,
    Failed,
    Trapped,
    OverBudget,
    CallOver,
}
