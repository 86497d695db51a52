//! What a table has set: ranges, lengths, how deep its destinations go.

use crate::table::{Prompt, Rule, Table, To};

/// The most rules.
const RULES: usize = 200;
/// The most patterns of one kind in a rule.
const PATTERNS: usize = 100;
/// The most members of a group.
const MEMBERS: usize = 16;
/// The most destinations one behind the other.
const DEPTH: usize = 8;
/// The most problems that are told.
const PROBLEMS: usize = 64;

/// One thing that is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: a JSON pointer into the settings (RFC 6901), such as `/rules/0/to/user/ring_s`.
    pub pointer: String,
    /// In words.
    pub words: String,
}

impl Table {
    /// What is wrong with it, the first 64; empty: calls can be led by it.
    pub fn problems(&self) -> Vec<Problem> {
        let mut report = Report(Vec::new());
        report.count("/rules", self.rules.len(), 0, RULES, "rules");
        for (index, rule) in self.rules.iter().take(RULES).enumerate() {
            report.rule(&format!("/rules/{index}"), rule);
        }
        report.to("/otherwise", &self.otherwise, 1);
        report.count("/language", self.language.len(), 0, 35, "bytes");
        report.0
    }
}

struct Report(Vec<Problem>);

impl Report {
    fn tell(&mut self, pointer: &str, words: impl Into<String>) {
        if self.0.len() < PROBLEMS {
            self.0.push(Problem {
                pointer: pointer.to_owned(),
                words: words.into(),
            });
        }
    }

    fn count(&mut self, pointer: &str, is: usize, least: usize, most: usize, of: &str) {
        if !(least..=most).contains(&is) {
            self.tell(pointer, format!("{is} {of}, not {least} to {most}"));
        }
    }

    fn name(&mut self, pointer: &str, name: &str) {
        self.count(pointer, name.len(), 1, 64, "bytes");
    }

    fn rule(&mut self, at: &str, rule: &Rule) {
        let characters = rule.name.chars().count();
        self.count(&format!("{at}/name"), characters, 0, 64, "characters");
        for (key, patterns) in [("called", &rule.called), ("caller", &rule.caller)] {
            self.count(&format!("{at}/{key}"), patterns.len(), 0, PATTERNS, "patterns");
        }
        if let Some(name) = &rule.schedule {
            self.name(&format!("{at}/schedule"), name);
        }
        match &rule.before {
            Some(Prompt::Say(text)) => {
                let pointer = format!("{at}/before/say");
                self.count(&pointer, text.trim().chars().count(), 1, 3_000, "characters");
            }
            Some(Prompt::File(name)) => {
                let pointer = format!("{at}/before/file");
                self.count(&pointer, name.len(), 1, 128, "bytes");
                if name.contains(['/', '\\']) {
                    self.tell(&pointer, "a file is named without a path");
                }
            }
            None => (),
        }
        self.to(&format!("{at}/to"), &rule.to, 1);
    }

    fn to(&mut self, at: &str, to: &To, depth: usize) {
        if depth > DEPTH {
            return self.tell(at, format!("more than {DEPTH} destinations one behind the other"));
        }
        let (key, ring) = match to {
            To::User(alone) => {
                self.name(&format!("{at}/user/user"), &alone.user);
                ("user", (alone.ring_s, &alone.otherwise))
            }
            To::Number(dialled) => {
                self.name(&format!("{at}/number/number"), &dialled.number);
                ("number", (dialled.ring_s, &dialled.otherwise))
            }
            To::Group(group) => {
                let members = format!("{at}/group/members");
                self.count(&members, group.members.len(), 1, MEMBERS, "members");
                for (index, member) in group.members.iter().take(MEMBERS).enumerate() {
                    self.name(&format!("{members}/{index}"), member);
                }
                ("group", (group.ring_s, &group.otherwise))
            }
            To::Voicemail(mailbox) => return self.name(&format!("{at}/voicemail/box"), &mailbox.of),
            To::Scenario(elsewhere) => {
                return self.name(&format!("{at}/scenario/number"), &elsewhere.number);
            }
            To::HangUp(_) | To::FallBack => return,
        };
        let (ring_s, otherwise) = ring;
        if !(1..=600).contains(&ring_s) {
            self.tell(&format!("{at}/{key}/ring_s"), format!("{ring_s} s, not 1 to 600"));
        }
        if let Some(otherwise) = otherwise {
            self.to(&format!("{at}/{key}/otherwise"), otherwise, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(text: &str) -> Vec<String> {
        let table: Table = serde_json::from_str(text).unwrap();
        let problems = table.problems().into_iter();
        problems.map(|problem| problem.pointer).collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_place() {
        let long = "x".repeat(65);
        let text = format!(
            r#"{{"rules": [{{"name": "{long}", "schedule": "", "before": {{"say": " "}}, "to": {{"group": {{"members": [],
                "otherwise": {{"user": {{"user": "", "ring_s": 601}}}}}}}}}},
                {{"before": {{"file": "../x"}}, "to": {{"voicemail": {{"box": ""}}}}}}],
                "otherwise": {{"scenario": {{"number": ""}}}}}}"#
        );
        assert_eq!(
            pointers(&text),
            [
                "/rules/0/name",
                "/rules/0/schedule",
                "/rules/0/before/say",
                "/rules/0/to/group/members",
                "/rules/0/to/group/otherwise/user/user",
                "/rules/0/to/group/otherwise/user/ring_s",
                "/rules/1/before/file",
                "/rules/1/to/voicemail/box",
                "/otherwise/scenario/number"
            ]
        );
    }

    #[test]
    fn destinations_have_an_end() {
        let mut to = r#""fall_back""#.to_owned();
        for _ in 0..8 {
            to = format!(r#"{{"user": {{"user": "301", "otherwise": {to}}}}}"#);
        }
        let end = "/user/otherwise".repeat(8);
        assert_eq!(
            pointers(&format!(r#"{{"otherwise": {to}}}"#)),
            [format!("/otherwise{end}")]
        );
    }
}
