//! The activation's configuration.

use std::collections::BTreeMap;

use hunt::{Plan, Strategy};
use onward::{Language, Next, OwnWords, Phrase, Reason};
use serde::Deserialize;

/// What is said by itself.
pub const PHRASES: [Phrase; 1] = [Phrase {
    key: "nobody",
    english: "Sorry, nobody can take your call right now.",
    russian: "К сожалению, сейчас никто не может вам ответить.",
}];

/// What may be set, as JSON; `members` must be.
///
/// ```json
/// {"members": ["301", "302", "303"], "strategy": "round_robin", "ring_s": 15, "member_ring_s": {"303": 30}, "whole_s": 60,
///  "otherwise": {"transfer": "700"}, "language": "en", "words": {"nobody": "Please call again tomorrow."}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Extensions, or numbers that lead to users: 1 to 16.
    pub members: Vec<String>,
    /// In which order they ring.
    pub strategy: Strategy,
    /// How long a member rings, in seconds: 1 to 600. With `all` the whole group does.
    pub ring_s: u32,
    /// The same for single members.
    pub member_ring_s: BTreeMap<String, u32>,
    /// How long the caller waits at most, in seconds: 1 to 3,600.
    pub whole_s: u32,
    /// How often the group is gone through while there is time: 1 to 10.
    pub rounds: u32,
    /// Where the call goes on when nobody answers.
    pub otherwise: Next,
    /// Under which name turns and times are kept; empty: the number that was dialled. Numbers of the same name share them.
    pub name: String,
    /// Language tag of the phrases.
    language: Language,
    /// Own texts for them, by key.
    words: OwnWords,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            members: Vec::new(),
            strategy: Strategy::default(),
            ring_s: 20,
            member_ring_s: BTreeMap::new(),
            whole_s: 60,
            rounds: 1,
            otherwise: Next::HangUp(Reason::Unavailable),
            name: String::new(),
            language: Language::default(),
            words: OwnWords::new(),
        }
    }
}

impl onward::Settings for Settings {
    const SCENARIO: &'static str = "ring-group";
    const PHRASES: &'static [Phrase] = &PHRASES;

    fn spoken(&self) -> (&Language, &OwnWords) {
        (&self.language, &self.words)
    }

    fn check(&self) -> Result<(), String> {
        let count = self.members.len();
        if !(1..=16).contains(&count) {
            return Err(format!("members: {count} members, not 1 to 16"));
        }
        for (at, member) in self.members.iter().enumerate() {
            if !(1..=64).contains(&member.len()) {
                return Err(format!(
                    "members: a number has 1 to 64 characters, {member:?} has {}",
                    member.len()
                ));
            }
            if self.members.iter().take(at).any(|other| other == member) {
                return Err(format!("members: {member:?} is there twice"));
            }
        }
        within("ring_s", self.ring_s, 600)?;
        within("whole_s", self.whole_s, 3_600)?;
        within("rounds", self.rounds, 10)?;
        for (member, ring_s) in &self.member_ring_s {
            if !self.members.contains(member) {
                return Err(format!("member_ring_s: {member:?} is no member"));
            }
            within(&format!("member_ring_s.{member}"), *ring_s, 600)?;
        }
        if self.strategy == Strategy::All && !self.member_ring_s.is_empty() {
            return Err("member_ring_s: with the strategy all the members ring together, for ring_s".into());
        }
        if self.name.len() > 64 {
            return Err(format!("name: {} characters, at most 64", self.name.len()));
        }
        self.otherwise.check("otherwise")
    }
}

impl Settings {
    /// Who rings, and how.
    pub fn plan(&self) -> Plan<'_> {
        Plan {
            members: &self.members,
            strategy: self.strategy,
            ring_s: self.ring_s,
            member_ring_s: Some(&self.member_ring_s),
            whole_s: self.whole_s,
            rounds: self.rounds,
        }
    }
}

fn within(what: &str, is: u32, most: u32) -> Result<(), String> {
    if (1..=most).contains(&is) {
        return Ok(());
    }
    Err(format!("{what} is {is}, not 1 to {most}"))
}

#[cfg(test)]
mod tests {
    use onward::Settings as _;

    use super::*;

    #[test]
    fn members_are_enough() {
        let (settings, words) = Settings::parse(r#"{"members": ["301", "302"]}"#).unwrap();
        assert_eq!(
            (settings.strategy, settings.ring_s, settings.whole_s),
            (Strategy::All, 20, 60)
        );
        assert_eq!(settings.otherwise, Next::HangUp(Reason::Unavailable));
        assert!(words.prompt("nobody", &[]).is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |document: &str| Settings::parse(document).unwrap_err();
        for (document, words) in [
            ("{}", "ring-group configuration: members: 0 members, not 1 to 16"),
            (r#"{"members": ["1", "1"]}"#, "members: \"1\" is there twice"),
            (r#"{"members": ["1"], "ring_s": 0}"#, "ring_s is 0, not 1 to 600"),
            (
                r#"{"members": ["1"], "whole_s": 4000}"#,
                "whole_s is 4000, not 1 to 3600",
            ),
            (
                r#"{"members": ["1"], "strategy": "loudest"}"#,
                "unknown variant `loudest`",
            ),
            (
                r#"{"members": ["1"], "member_ring_s": {"2": 5}}"#,
                "\"2\" is no member",
            ),
            (
                r#"{"members": ["1"], "member_ring_s": {"1": 5}}"#,
                "with the strategy all the members ring together",
            ),
            (
                r#"{"members": ["1"], "otherwise": {"number": ""}}"#,
                "otherwise.number: a number has 1 to 64",
            ),
            (r#"{"members": ["1"], "language": "de"}"#, "say words.nobody"),
            (r#"{"members": ["1"], "ring": 3}"#, "unknown field `ring`"),
        ] {
            assert!(
                problem(document).contains(words),
                "{document}: {}",
                problem(document)
            );
        }
    }
}
