//! What is wrong with a flow, and where.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The node's id; `None`: the flow itself.
    pub node: Option<String>,
    /// The path inside the node or the flow, such as `menu.choices.7`; empty: all of it.
    pub path: String,
    /// What is wrong there.
    pub what: What,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It is not JSON, a key is missing or unknown, or a value is of another type: said in words.
    Malformed(String),
    /// The format's version is not the one that is read here.
    Version(u64),
    /// There is no node of this id.
    UnknownNode(String),
    /// Another node has this id.
    DuplicateId,
    /// No way leads to the node.
    Unreachable,
    /// Not a digit out of `0-9*#A-D`.
    BadDigit(String),
    /// No node collects this variable.
    UnknownVariable(String),
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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => write!(f, "node {node:?}")?,
            None => f.write_str("flow")?,
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
            Self::Malformed(why) => f.write_str(why),
            Self::Version(is) => write!(f, "version {is} is not {}", crate::model::VERSION),
            Self::UnknownNode(id) => write!(f, "there is no node {id:?}"),
            Self::DuplicateId => f.write_str("another node has this id"),
            Self::Unreachable => f.write_str("no way leads to this node"),
            Self::BadDigit(digit) => write!(f, "{digit:?} is no digit out of 0-9*#A-D"),
            Self::UnknownVariable(name) => write!(f, "no node collects the variable {name:?}"),
            Self::Range { is, least, most } => write!(f, "{is} is not {least} to {most}"),
            Self::Count { is, least, most, of } => write!(f, "{is} {of}, not {least} to {most}"),
        }
    }
}

impl std::error::Error for Problem {}
