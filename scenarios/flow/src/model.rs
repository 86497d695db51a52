//! A flow as data, version 1.
//!
//! Unknown keys are refused everywhere: a misspelt one would be a menu that silently does something else. What a type
//! cannot say by itself (targets that exist, digits, ranges) is in [`crate::validate`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
}

/// A node's stable identifier, 1 to 64 bytes, unique in the flow.
pub type NodeId = String;

/// A digit, out of `0-9*#A-D`.
pub type Digit = String;

/// A variable's name, 1 to 64 bytes. `caller` and `dialled` are set from the beginning.
pub type VariableName = String;

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

/// A text that is given, or that the caller entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// This text.
    Fixed(String),
    /// What the variable holds.
    Variable(VariableName),
}

/// One piece of what a caller hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text to speak in the flow's language, at most 4,096 characters.
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
    /// At most 4,096 characters.
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

fn thirty() -> u32 {
    30
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

impl Action {
    /// Every node that this one names, with the path of the name inside the node.
    pub fn targets(&self) -> Vec<(String, &NodeId)> {
        let mut targets = Vec::new();
        match self {
            Self::Say(say) => option(&mut targets, "say.next", say.next.as_ref()),
            Self::Menu(menu) => {
                targets.extend(
                    menu.choices
                        .iter()
                        .map(|(digit, node)| (format!("menu.choices.{digit}"), node)),
                );
                option(&mut targets, "menu.on_timeout", menu.on_timeout.as_ref());
                option(&mut targets, "menu.on_invalid", menu.on_invalid.as_ref());
                option(&mut targets, "menu.default", menu.default.as_ref());
            }
            Self::Collect(collect) => {
                option(&mut targets, "collect.next", collect.next.as_ref());
                option(&mut targets, "collect.default", collect.default.as_ref());
            }
            Self::DialUser(dial) => {
                dial_targets(
                    &mut targets,
                    "dial_user",
                    &dial.on,
                    dial.next.as_ref(),
                    dial.default.as_ref(),
                );
            }
            Self::DialNumber(dial) => {
                dial_targets(
                    &mut targets,
                    "dial_number",
                    &dial.on,
                    dial.next.as_ref(),
                    dial.default.as_ref(),
                );
            }
            Self::Goto(goto) => targets.push(("goto.node".into(), &goto.node)),
            Self::HangUp(_) | Self::GoBack(_) | Self::Repeat(_) => (),
        }
        targets
    }
}

type Targets<'a> = Vec<(String, &'a NodeId)>;

fn option<'a>(targets: &mut Targets<'a>, path: &str, target: Option<&'a NodeId>) {
    targets.extend(target.map(|node| (path.to_owned(), node)));
}

fn dial_targets<'a>(
    targets: &mut Targets<'a>,
    kind: &str,
    on: &'a BTreeMap<Failure, NodeId>,
    next: Option<&'a NodeId>,
    default: Option<&'a NodeId>,
) {
    targets.extend(
        on.iter()
            .map(|(failure, node)| (format!("{kind}.on.{}", failure.key()), node)),
    );
    option(targets, &format!("{kind}.next"), next);
    option(targets, &format!("{kind}.default"), default);
}

impl Failure {
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
