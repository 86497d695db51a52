//! What is wrong with a flow, and where.

use std::fmt;

/// One thing that is wrong, or looks so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of the flow under the document's `flows`; `None`: the document's own.
    pub flow: Option<String>,
    /// The node's id; `None`: the flow itself.
    pub node: Option<String>,
    /// The path inside the node or the flow, such as `menu.choices.7`; empty: all of it.
    pub path: String,
    /// The same as a JSON pointer into the document (RFC 6901), such as `/nodes/0/do/menu/choices/7`.
    pub pointer: String,
    /// Whether it hinders.
    pub severity: Severity,
    /// What is wrong there.
    pub what: What,
}

/// Whether a problem hinders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The flow cannot be run.
    Error,
    /// It can, but hardly does what was meant.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not JSON, a key is missing or unknown, or a value is of another type: said in words.
    Malformed(String),
    /// The format's version is not the one that is read here.
    Version(u64),
    /// Nothing says where to begin.
    NoStart,
    /// There is no node of this id.
    UnknownNode(String),
    /// A way that must lead somewhere does not: a draft's empty text.
    LeadsNowhere,
    /// Another node has this id.
    DuplicateId,
    /// No way leads to the node.
    Unreachable,
    /// A circle that no way leaves, and in which the caller is not waited for.
    Loop,
    /// The same where a way leads out.
    MaybeLoop,
    /// Where this is not said, the call ends.
    CallEnds,
    /// Not a digit out of `0-9*#A-D`.
    BadDigit(String),
    /// Nothing sets this variable.
    UnknownVariable(String),
    /// `{name}` finds no variable of this name.
    BadName(String),
    /// There is no flow of this name.
    UnknownFlow(String),
    /// The flow runs itself, by itself or by others.
    CallsItself(String),
    /// The domain has no user of this name.
    UnknownUser(String),
    /// The domain has no file of this name.
    UnknownPrompt(String),
    /// The domain has no opening hours of this name.
    UnknownSchedule(String),
    /// The number leads nowhere in the domain.
    UnknownNumber(String),
    /// The user is in the group already.
    DuplicateUser(String),
    /// A text of blanks.
    EmptyPrompt,
    /// A menu that says nothing.
    SilentMenu,
    /// There is nothing that is to be so.
    EmptyCondition,
    /// No URL of http or https with a host, or a variable in the host.
    BadUrl(String),
    /// No name or value of a header: said in words.
    BadHeader(String),
    /// The body is no JSON: said in words.
    BadJson(String),
    /// No JSON pointer.
    BadPointer(String),
    /// A number is outside its range.
    Range {
        /// What it is.
        is: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// Too short or too long, or too few or too many.
    Count {
        /// How many bytes, characters or items there are.
        is: usize,
        /// The fewest there may be.
        least: usize,
        /// The most there may be.
        most: usize,
        /// What is counted.
        of: &'static str,
    },
}

impl Problem {
    /// What is wrong, as a word for programs: `unknown_node`.
    pub fn code(&self) -> &'static str {
        self.what.code()
    }

    /// What is wrong, in words.
    pub fn detail(&self) -> String {
        self.what.to_string()
    }
}

impl What {
    /// See [`Problem::code`].
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Version(_) => "version",
            Self::NoStart => "no_start",
            Self::UnknownNode(_) => "unknown_node",
            Self::LeadsNowhere => "leads_nowhere",
            Self::DuplicateId => "duplicate_id",
            Self::Unreachable => "unreachable",
            Self::Loop => "loop",
            Self::MaybeLoop => "maybe_loop",
            Self::CallEnds => "call_ends",
            Self::BadDigit(_) => "bad_digit",
            Self::UnknownVariable(_) => "unknown_variable",
            Self::BadName(_) => "bad_name",
            Self::UnknownFlow(_) => "unknown_flow",
            Self::CallsItself(_) => "calls_itself",
            Self::UnknownUser(_) => "unknown_user",
            Self::UnknownPrompt(_) => "unknown_prompt",
            Self::UnknownSchedule(_) => "unknown_schedule",
            Self::UnknownNumber(_) => "unknown_number",
            Self::DuplicateUser(_) => "duplicate_user",
            Self::EmptyPrompt => "empty_prompt",
            Self::SilentMenu => "silent_menu",
            Self::EmptyCondition => "empty_condition",
            Self::BadUrl(_) => "bad_url",
            Self::BadHeader(_) => "bad_header",
            Self::BadJson(_) => "bad_json",
            Self::BadPointer(_) => "bad_pointer",
            Self::Range { .. } => "range",
            Self::Count { .. } => "count",
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.flow, &self.node) {
            (Some(flow), Some(node)) => write!(f, "flow {flow:?}, node {node:?}")?,
            (Some(flow), None) => write!(f, "flow {flow:?}")?,
            (None, Some(node)) => write!(f, "node {node:?}")?,
            (None, None) => f.write_str("flow")?,
        }
        if !self.path.is_empty() {
            write!(f, ", {}", self.path)?;
        }
        write!(f, ": {}", self.what)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(why) | Self::BadHeader(why) | Self::BadJson(why) => f.write_str(why),
            Self::Version(is) => write!(f, "version {is} is not {}", crate::model::VERSION),
            Self::NoStart => f.write_str("nothing says where to begin"),
            Self::UnknownNode(id) => write!(f, "there is no node {id:?}"),
            Self::LeadsNowhere => f.write_str("the way leads nowhere"),
            Self::DuplicateId => f.write_str("another node has this id"),
            Self::Unreachable => f.write_str("no way leads to this node"),
            Self::Loop => f.write_str("the flow goes in circles here without waiting for the caller"),
            Self::MaybeLoop => f.write_str("the flow may go in circles here without waiting for the caller"),
            Self::CallEnds => f.write_str("the call ends where this is not said"),
            Self::BadDigit(digit) => write!(f, "{digit:?} is no digit out of 0-9*#A-D"),
            Self::UnknownVariable(name) => write!(f, "no node sets the variable {name:?}"),
            Self::BadName(name) => write!(
                f,
                "no text finds a variable {name:?}: letters, digits, _, . and - make a name"
            ),
            Self::UnknownFlow(name) => write!(f, "there is no flow {name:?}"),
            Self::CallsItself(name) => write!(f, "the flow {name:?} comes back here"),
            Self::UnknownUser(name) => write!(f, "there is no user {name:?}"),
            Self::UnknownPrompt(name) => write!(f, "there is no file {name:?}"),
            Self::UnknownSchedule(name) => write!(f, "there are no opening hours {name:?}"),
            Self::UnknownNumber(name) => write!(f, "the number {name:?} leads nowhere"),
            Self::DuplicateUser(name) => write!(f, "the user {name:?} is there twice"),
            Self::EmptyPrompt => f.write_str("there is nothing to say"),
            Self::SilentMenu => f.write_str("the menu says nothing"),
            Self::EmptyCondition => f.write_str("there is no condition in it"),
            Self::BadUrl(url) => write!(
                f,
                "{url:?} is no URL of http or https with a host that is written out"
            ),
            Self::BadPointer(pointer) => write!(f, "{pointer:?} is no JSON pointer: it begins with /"),
            Self::Range { is, least, most } => write!(f, "{is} is not {least} to {most}"),
            Self::Count { is, least, most, of } => write!(f, "{is} {of}, not {least} to {most}"),
        }
    }
}

impl std::error::Error for Problem {}
