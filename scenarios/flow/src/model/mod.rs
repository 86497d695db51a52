//! A flow as data, version 1.
//!
//! Unknown keys are refused everywhere: a misspelt one would be a menu that silently does something else. What a type
//! cannot say by itself (targets that exist, digits, ranges) is in [`crate::check()`].

mod connect;
mod decide;
mod ways;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use connect::{DialNumber, DialUser, Elsewhere, Failure, Group, Transfer, Voicemail};
pub use decide::{Assigned, Condition, Http, If, Method, RunFlow, Set, Value};
pub use hunt::Strategy;
pub use ways::Way;

/// The version of the format that this crate reads.
pub const VERSION: u32 = 1;

/// A flow: nodes, and where to begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The version of this format: 1.
    pub version: u32,
    /// What people call the flow.
    pub name: String,
    /// Language tag of the texts to speak, such as `en`; empty: the domain's.
    #[serde(default)]
    pub language: String,
    /// Id of the first node.
    pub start: NodeId,
    /// All nodes, in any order.
    pub nodes: Vec<Node>,
    /// Other flows that the nodes of kind `flow` run, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flows: BTreeMap<FlowName, SubFlow>,
}

/// A flow that another one runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SubFlow {
    /// Language tag of the texts to speak; empty: that of the flow around it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Id of the first node.
    pub start: NodeId,
    /// All nodes, in any order.
    pub nodes: Vec<Node>,
}

/// The name of a flow that another one runs, 1 to 64 bytes.
pub type FlowName = String;

/// A node's stable identifier, 1 to 64 bytes, unique in the flow.
pub type NodeId = String;

/// A digit, out of `0-9*#A-D`.
pub type Digit = String;

/// A variable's name, 1 to 64 bytes. `caller`, `dialled` and the parts of the time are there from the beginning
/// ([`GIVEN`]).
pub type VariableName = String;

/// Variables that are there from the beginning: who calls, what was dialled, and the time in the domain's time zone:
/// `2026-11-29`, `09:05`, 2026, 1 to 12, 1 to 31, 1 (Monday) to 7 (Sunday), 0 to 23, 0 to 59.
pub const GIVEN: [&str; 10] = [
    "caller", "dialled", "date", "time", "year", "month", "day", "weekday", "hour", "minute",
];

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Stable identifier, unique in the flow: the call's trace shows it.
    pub id: NodeId,
    /// What people call the node: the call's trace shows it.
    pub name: String,
    /// What the node does.
    #[serde(rename = "do")]
    pub action: Action,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Plays to the end and goes on. What is pressed meanwhile counts for the next menu.
    Say(Say),
    /// Lets the caller choose by one digit.
    Menu(Menu),
    /// Takes digits into a variable.
    Collect(Collect),
    /// Calls a user of the domain and lets the two talk.
    DialUser(DialUser),
    /// Calls a number of the domain and lets the two talk.
    DialNumber(DialNumber),
    /// Calls several users and lets the one who answers and the caller talk.
    Group(Group),
    /// Asks the caller's phone to call a number, and ends the call.
    Transfer(Transfer),
    /// Takes a message for a box.
    Voicemail(Voicemail),
    /// Goes one of two ways.
    If(If),
    /// Gives a variable a value.
    Set(Set),
    /// Asks a web service.
    Http(Http),
    /// Runs another flow of the document, and goes on when no way leads on there.
    Flow(RunFlow),
    /// Sends the caller to another number of the domain, whatever stands there, and ends the call.
    Scenario(Elsewhere),
    /// Ends the call.
    HangUp(HangUp),
    /// Returns to a menu: reached straight from a menu's choice, to the menu before that one; else to the menu that led here.
    /// Where there is none, the flow begins again.
    GoBack(Nothing),
    /// The last menu again, which counts as one of its retries. Where there is none, the flow begins again.
    Repeat(Nothing),
    /// Goes on elsewhere.
    Goto(Goto),
}

/// A node without settings: `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Plays prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// What is played, 1 to 64 pieces.
    pub prompts: Vec<Prompt>,
    /// The next node; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
}

/// A choice by one digit. A digit stops the prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// Played before the prompts the first time, not when the menu is repeated or returned to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub greeting: Vec<Prompt>,
    /// What is played each time.
    pub prompts: Vec<Prompt>,
    /// Which digit leads where.
    pub choices: BTreeMap<Digit, NodeId>,
    /// Time for the digit, from the end of the prompts, in milliseconds: 1 to 600,000.
    #[serde(default = "five_seconds")]
    pub timeout_ms: u32,
    /// How often the menu is repeated after no digit, a digit that is no choice, or `repeat`: 0 to 10.
    #[serde(default = "two")]
    pub retries: u32,
    /// Played before a repetition because no digit came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub timeout_prompts: Vec<Prompt>,
    /// Played before a repetition because the digit is no choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid_prompts: Vec<Prompt>,
    /// The next node when no digit came and the retries are used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<NodeId>,
    /// The next node when the digit is no choice and the retries are used up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_invalid: Option<NodeId>,
    /// The next node when the retries are used up and nothing else is said; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// Digits into a variable. A digit stops the prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// What is played each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// The variable that takes the digits.
    pub into: VariableName,
    /// Fewer digits are no entry: 1 to 64.
    #[serde(default = "one")]
    pub min: u32,
    /// The entry ends with so many digits: `min` to 64.
    pub max: u32,
    /// Digits that end the entry and are not part of it.
    #[serde(default = "hash")]
    pub terminators: String,
    /// Time for the first digit, from the end of the prompts, in milliseconds: 1 to 600,000.
    #[serde(default = "five_seconds")]
    pub timeout_ms: u32,
    /// Time between two digits, in milliseconds: 1 to 600,000.
    #[serde(default = "three_seconds")]
    pub digit_timeout_ms: u32,
    /// How often it is asked again after too few digits: 0 to 10.
    #[serde(default = "two")]
    pub retries: u32,
    /// Played before it is asked again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid_prompts: Vec<Prompt>,
    /// The next node after an entry; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
    /// The next node when the retries are used up; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// The end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HangUp {
    /// Why; a call that was answered just ends.
    #[serde(default)]
    pub cause: Cause,
}

/// Why a call ends; what a caller gets who was not answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A normal end.
    #[default]
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
    /// Another final SIP status, 400 to 699.
    Status(u16),
}

/// A jump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Goto {
    /// Where to.
    pub node: NodeId,
}

/// One piece of what a caller hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text to speak in the flow's language, at most 4,096 characters; `{name}` stands for the variable.
    Say(String),
    /// Text to speak in another language.
    Speech(Speech),
    /// A WAV file of the domain, by its name, without a path.
    File(String),
    /// Silence, in milliseconds: 1 to 600,000.
    SilenceMs(u32),
    /// A tone.
    Tone(Tone),
}

/// Text to speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Speech {
    /// At most 4,096 characters; `{name}` stands for the variable.
    pub text: String,
    /// A language tag such as `ru`.
    pub language: String,
}

/// A tone of one or two frequencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tone {
    /// In hertz, 20 to 3,800.
    pub hz: u16,
    /// A second frequency, in hertz, 20 to 3,800; none: one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_hz: Option<u16>,
    /// In milliseconds: 1 to 600,000.
    pub duration_ms: u32,
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn three_seconds() -> u32 {
    3_000
}

fn five_seconds() -> u32 {
    5_000
}

fn hash() -> String {
    "#".into()
}
