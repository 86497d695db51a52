//! Nodes that decide and reckon.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{FlowName, NodeId, VariableName};

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

/// A fork.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct If {
    /// What is asked.
    pub when: Condition,
    /// The next node where it is so.
    pub then: NodeId,
    /// The next node where it is not.
    #[serde(rename = "else")]
    pub otherwise: NodeId,
}

/// Something that is so or not. Nested 16 deep at most, 64 of them in a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The two are the same text.
    Equals(Value, Value),
    /// The text has this form: `*` is any text, `?` one character, `[0-5x]` one of these, `[!0-5x]` none of them.
    Matches(Value, String),
    /// The first is less than the second: as numbers where both are, else as texts, by their characters.
    Less(Value, Value),
    /// The opening hours of this name are open now; where they cannot be looked up, they are.
    Open(String),
    /// All of these are so.
    All(Vec<Condition>),
    /// At least one of these is so.
    Any(Vec<Condition>),
    /// This is not so.
    Not(Box<Condition>),
}

/// An assignment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// The variable that takes the value.
    pub variable: VariableName,
    /// The value.
    pub value: Assigned,
    /// The next node; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
}

/// What a variable is set to, cut after 4,096 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Assigned {
    /// This text.
    Fixed(String),
    /// What the variable holds.
    Variable(VariableName),
    /// This text, in which `{name}` stands for the variable.
    Text(String),
}

/// A request to a web service that the domain may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// How.
    pub method: Method,
    /// An absolute URL of http or https, at most 2,048 bytes. `{name}` stands for the variable, percent-escaped; not in the
    /// host.
    pub url: String,
    /// At most 16. `{name}` in a value stands for the variable, and `{secret.NAME}` at its end for a secret of the domain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// What is sent with POST: JSON, unless the header `Content-Type` says otherwise. `{name}` stands for the variable,
    /// escaped as the type needs it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// For all of it, in seconds: 1 to 60.
    #[serde(default = "five")]
    pub timeout_s: u32,
    /// Which variable takes what of the answer, which is JSON then: a JSON pointer (RFC 6901). What is not there is an
    /// empty text. At most 64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub into: BTreeMap<VariableName, String>,
    /// The next node after an answer of 200 to 299; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
    /// The next node after any other, or none; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<NodeId>,
}

/// What a request does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Reads.
    Get,
    /// Has the service do something.
    Post,
}

/// Another flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunFlow {
    /// Its name, under the document's `flows`.
    pub name: FlowName,
    /// The next node when no way leads on in that flow; none: the call ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<NodeId>,
}

impl Http {
    /// The type of the body.
    pub fn content_type(&self) -> &str {
        let mut headers = self.headers.iter();
        headers
            .find(|(name, _)| name.eq_ignore_ascii_case("content-type"))
            .map_or("application/json", |(_, value)| value)
    }

    /// Whether the body is JSON.
    pub fn sends_json(&self) -> bool {
        let plain = self.content_type().split(';').next().unwrap_or_default().trim();
        plain.ends_with("json")
    }

    /// Whether the body is a form.
    pub fn sends_form(&self) -> bool {
        self.content_type()
            .starts_with("application/x-www-form-urlencoded")
    }
}

fn five() -> u32 {
    5
}
