//! The activation's configuration.

use onward::{Language, Next, OwnWords, Phrase, Reason};
use serde::Deserialize;

/// What is said by itself.
const PHRASES: [Phrase; 3] = [
    Phrase {
        key: "closed",
        english: "We are closed now. Please call again during our opening hours.",
        russian: "Сейчас мы не работаем. Пожалуйста, перезвоните в рабочее время.",
    },
    Phrase {
        key: "holiday",
        english: "We are closed today: {holiday}.",
        russian: "Сегодня мы не работаем: {holiday}.",
    },
    Phrase {
        key: "nobody",
        english: "Sorry, nobody can take your call right now.",
        russian: "К сожалению, сейчас никто не может вам ответить.",
    },
];

/// What may be set, as JSON; `schedule` and `open` must be.
///
/// ```json
/// {"schedule": "office", "open": {"ring": {"numbers": ["302", "303"], "ring_s": 20}}, "closed": {"transfer": "700"},
///  "holiday": {"hang_up": "unavailable"}, "language": "en", "words": {"holiday": "Happy {holiday}! Call tomorrow."}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name of the opening hours.
    pub schedule: String,
    /// Where the call goes on while it is open.
    pub open: Next,
    /// Where it goes on while it is closed, after the phrase `closed`.
    #[serde(default = "hang_up")]
    pub closed: Next,
    /// Where it goes on on a holiday, after the phrase `holiday`; none: as `closed`.
    #[serde(default)]
    pub holiday: Option<Next>,
    /// What is taken to be where the hours cannot be looked up.
    #[serde(default)]
    pub when_unsure: Unsure,
    #[serde(default)]
    language: Language,
    #[serde(default)]
    words: OwnWords,
}

/// What is taken to be where the hours cannot be looked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsure {
    /// Open: better a phone that rings at night than callers who are sent away.
    #[default]
    Open,
    /// Closed.
    Closed,
}

fn hang_up() -> Next {
    Next::HangUp(Reason::Unavailable)
}

impl onward::Settings for Settings {
    const SCENARIO: &'static str = "hours";
    const PHRASES: &'static [Phrase] = &PHRASES;

    fn spoken(&self) -> (&Language, &OwnWords) {
        (&self.language, &self.words)
    }

    fn check(&self) -> Result<(), String> {
        if self.schedule.is_empty() {
            return Err("schedule: it is empty, say which opening hours".into());
        }
        self.open.check("open")?;
        self.closed.check("closed")?;
        self.holiday.as_ref().map_or(Ok(()), |next| next.check("holiday"))
    }
}

#[cfg(test)]
mod tests {
    use onward::Settings as _;

    use super::*;

    #[test]
    fn hours_and_a_way_are_enough() {
        let (settings, _) = Settings::parse(r#"{"schedule": "office", "open": {"number": "302"}}"#).unwrap();
        assert_eq!(settings.closed, Next::HangUp(Reason::Unavailable));
        assert_eq!(settings.when_unsure, Unsure::Open);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (document, words) in [
            ("{}", "hours configuration: missing field `schedule`"),
            (r#"{"schedule": "office"}"#, "missing field `open`"),
            (
                r#"{"schedule": "", "open": "fall_back"}"#,
                "schedule: it is empty",
            ),
            (
                r#"{"schedule": "a", "open": {"number": ""}}"#,
                "open.number: a number has 1 to 64",
            ),
            (
                r#"{"schedule": "a", "open": "fall_back", "night": 1}"#,
                "unknown field `night`",
            ),
            (
                r#"{"schedule": "a", "open": "fall_back", "words": {"shut": "x"}}"#,
                "words: \"shut\" is none of closed, holiday, nobody",
            ),
        ] {
            let problem = Settings::parse(document).unwrap_err();
            assert!(problem.contains(words), "{document}: {problem}");
        }
    }
}
