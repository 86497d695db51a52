//! The table, as settings have it. What a type cannot say by itself, such as ranges, is in `check`.

use std::collections::BTreeSet;

use hunt::Strategy;
use pattern::Pattern;
use serde::{Deserialize, Serialize};

/// What a line may be told, as JSON; every key has a default.
///
/// ```json
/// {"rules": [
///    {"name": "Sales by day", "called": ["+4930901100"], "schedule": "office",
///     "to": {"group": {"members": ["301", "302"], "strategy": "in_turn", "ring_s": 15,
///                      "otherwise": {"voicemail": {"box": "301"}}}}},
///    {"name": "Nobody hides here", "withheld": true, "before": {"say": "Please show your number."}, "to": {"hang_up": "declined"}}],
///  "otherwise": {"user": {"user": "300"}}, "language": "en"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// The first that fits decides: at most 200.
    pub rules: Vec<Rule>,
    /// Where a call goes that no rule fits.
    pub otherwise: To,
    /// Language tag of what is said, at most 35 bytes (RFC 5646 §4.4.1); empty: the server's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub language: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            otherwise: To::HangUp(Reason::Unavailable),
            language: String::new(),
        }
    }
}

/// A rule: it fits a call that all of its conditions fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What people call it: the call's trace shows it. At most 64 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Whether it counts; one that does not fits no call.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// The dialled number is one of these: at most 100. None: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<Pattern>,
    /// The caller shows a number that is one of these: at most 100. None, and not `withheld`: any caller.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caller: Vec<Pattern>,
    /// Callers fit who withhold their number, beside those of `caller`.
    #[serde(default, skip_serializing_if = "is_no")]
    pub withheld: bool,
    /// The name of opening hours of the domain, 1 to 64 bytes. None: at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// What these hours are to be.
    #[serde(default, skip_serializing_if = "When::is_open")]
    pub when: When,
    /// What the caller hears first, unanswered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Prompt>,
    /// Where the call goes.
    pub to: To,
}

/// What opening hours are to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Open. Hours that cannot be looked up are: better a phone that rings at night than callers who are sent away.
    #[default]
    Open,
    /// Closed, on a holiday too.
    Closed,
    /// Closed for a holiday.
    Holiday,
}

impl When {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    fn is_open(&self) -> bool {
        *self == Self::Open
    }
}

/// What is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Text to speak in the table's language: 1 to 3,000 characters.
    Say(String),
    /// A WAV file of the domain, by its name of 1 to 128 bytes, without a path.
    File(String),
}

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// Rings a user.
    User(Alone),
    /// Rings an extension, or a number that leads to a user.
    Number(Dialled),
    /// Rings several.
    Group(Group),
    /// Takes a message.
    Voicemail(Mailbox),
    /// Answers, and asks the caller's phone to call another number of the domain, whatever scenario stands there.
    Scenario(Elsewhere),
    /// Ends the call.
    HangUp(Reason),
    /// Leaves the caller, as it stands, to the number's fall-back. The call then counts as failed.
    FallBack,
}

/// A user who rings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alone {
    /// The user's name, which is the extension: 1 to 64 bytes.
    pub user: String,
    /// How long the devices ring, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub ring_s: u32,
    /// Where the call goes when nobody answers; none: it ends, with the cause of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<To>>,
}

/// A number that rings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialled {
    /// The extension or number: 1 to 64 bytes.
    pub number: String,
    /// How long the devices ring, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub ring_s: u32,
    /// Where the call goes when nobody answers; none: it ends, with the cause of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<To>>,
}

/// Several who ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// Extensions, or numbers that lead to users: 1 to 16, each of 1 to 64 bytes.
    pub members: Vec<String>,
    /// In which order they ring.
    #[serde(default)]
    pub strategy: Strategy,
    /// How long each of them rings, with `all` the whole group, in seconds: 1 to 600.
    #[serde(default = "thirty")]
    pub ring_s: u32,
    /// Where the call goes when nobody answers; none: it ends, with the cause of the failure that says most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<To>>,
}

/// A box that takes a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mailbox {
    /// Its name, or a number that leads to a user, who has one: 1 to 64 bytes.
    #[serde(rename = "box")]
    pub of: String,
}

/// Another number of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// The number: 1 to 64 bytes.
    pub number: String,
}

/// Why a call is ended: what a caller who was not answered is told (statuses of RFC 3261 §21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A normal end; for a caller who was never answered it is 480.
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
}

impl Table {
    /// Reads and checks the settings of a line. The error says in words what is wrong, and where.
    pub fn parse(document: &str) -> Result<Self, String> {
        let table: Self =
            serde_json::from_str(document).map_err(|error| format!("line configuration: {error}"))?;
        match table.problems().into_iter().next() {
            None => Ok(table),
            Some(problem) => Err(format!(
                "line configuration: {}: {}",
                problem.pointer, problem.words
            )),
        }
    }

    /// The names of the opening hours that its rules ask for.
    pub fn schedules(&self) -> BTreeSet<&str> {
        let names = self.rules.iter().filter_map(|rule| rule.schedule.as_deref());
        names.collect()
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_no(value: &bool) -> bool {
    !*value
}

fn thirty() -> u32 {
    30
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_a_table_that_ends_calls() {
        assert_eq!(Table::parse("{}").unwrap(), Table::default());
    }

    #[test]
    fn a_table_is_the_same_after_it_was_written_out() {
        let text = r#"{"rules":[{"name":"Sales","enabled":false,"called":["+4930901XXX"],"caller":["+49*"],"withheld":true,"schedule":"office","when":"closed","before":{"say":"Closed."},"to":{"group":{"members":["301","302"],"strategy":"in_turn","ring_s":15,"otherwise":{"voicemail":{"box":"301"}}}}},{"to":{"number":{"number":"302","ring_s":30}}},{"to":{"scenario":{"number":"700"}}},{"to":"fall_back"}],"otherwise":{"hang_up":"busy"},"language":"ru"}"#;
        let table = Table::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&table).unwrap(), text);
        assert_eq!(table.schedules().into_iter().collect::<Vec<_>>(), ["office"]);
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        for (text, words) in [
            (r#"{"rule": []}"#, "unknown field `rule`"),
            (r#"{"rules": [{}]}"#, "missing field `to`"),
            (
                r#"{"rules": [{"to": {"user": {"name": "1"}}}]}"#,
                "unknown field `name`",
            ),
            (
                r#"{"rules": [{"to": "fall_back", "called": ["3 X"]}]}"#,
                "` ` at place 2",
            ),
            (r#"{"otherwise": {"hang_up": "rude"}}"#, "unknown variant `rude`"),
            (
                r#"{"rules": [{"to": {"user": {"user": "1", "ring_s": 0}}}]}"#,
                "line configuration: /rules/0/to/user/ring_s: 0 s, not 1 to 600",
            ),
        ] {
            let problem = Table::parse(text).unwrap_err();
            assert!(problem.contains(words), "{text}: {problem}");
        }
    }
}
