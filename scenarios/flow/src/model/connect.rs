//! Nodes that connect the caller with somebody.

use std::collections::BTreeMap;

use hunt::Strategy;
use serde::{Deserialize, Serialize};

use super::{Cause, NodeId, Prompt, Value};

/// A call to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DialUser {
    /// The user's name, which is the extension.
    pub user: String,
    /// How long the devices ring, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub timeout_s: u32,
    /// The next node after a talk that the callee ended; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
    /// The next node after a failure, by its kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<Failure, NodeId>,
    /// The next node after a failure that `on` does not name; none: the call ends with the failure's cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// A call to a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DialNumber {
    /// The number: an extension, or one that leads to a user.
    pub number: Value,
    /// How long the devices ring, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub timeout_s: u32,
    /// The next node after a talk that the callee ended; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
    /// The next node after a failure, by its kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<Failure, NodeId>,
    /// The next node after a failure that `on` does not name; none: the call ends with the failure's cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// A call to several users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The users' names, which are the extensions: 1 to 16.
    pub users: Vec<String>,
    /// In which order they ring.
    #[serde(default)]
    pub strategy: Strategy,
    /// How long each of them rings, with `all` the whole group, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub timeout_s: u32,
    /// The next node after a talk that the callee ended; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
    /// The next node when nobody answered, by what says most: who rang without an answer, else who was busy, and so on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub on: BTreeMap<Failure, NodeId>,
    /// The next node after a failure that `on` does not name; none: the call ends with the failure's cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// A transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// What the phone is to call: a number of the domain, or a `sip:`, `sips:` or `tel:` URI.
    pub number: Value,
    /// The next node when the phone does not, or its call fails; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// A message for a box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Voicemail {
    /// The box: its name, or a number that leads to a user, who has one.
    #[serde(rename = "box")]
    pub of: Value,
    /// Played before the beep; none: a greeting that fits every box.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub greeting: Vec<Prompt>,
    /// The next node, also where there is no such box; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
}

/// Another number of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// The number.
    pub number: Value,
}

/// Why a call that a node made was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// The name or number leads to nobody.
    NotFound,
    /// No device is registered, or none could be reached.
    Unreachable,
    /// The user is on another call.
    Busy,
    /// It rang until the time ran out.
    NoAnswer,
    /// The user does not want the call.
    Declined,
    /// Anything else: the device refused, no common media, a limit of the domain.
    Refused,
}

impl Failure {
    /// How many there are.
    pub const ALL: usize = 6;

    /// Its name in the data.
    pub fn key(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::NoAnswer => "no_answer",
            Self::Declined => "declined",
            Self::Refused => "refused",
        }
    }

    /// What the caller gets when no node takes the failure.
    pub fn cause(self) -> Cause {
        match self {
            Self::NotFound => Cause::NotFound,
            Self::Unreachable | Self::NoAnswer | Self::Refused => Cause::Unavailable,
            Self::Busy => Cause::Busy,
            Self::Declined => Cause::Declined,
        }
    }
}

fn thirty() -> u32 {
    30
}
