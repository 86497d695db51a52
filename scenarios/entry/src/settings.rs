//! The activation's configuration.

use std::collections::BTreeMap;
use std::time::Duration;

use onward::Failure;
use serde::Deserialize;

/// What may be set, as JSON; every key has a default.
///
/// ```json
/// {"timeout_s": 30, "language": "en", "words": {"busy": "The line is busy.", "not_found": "There is no such number."}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long the user's devices ring, in seconds: 1 to 600.
    timeout_s: u32,
    /// Language tag of the words; empty: the server's.
    language: String,
    /// What a failed call's caller hears before the status, by the failure's key; others hear nothing.
    words: BTreeMap<String, String>,
    /// Lets the caller leave a message for a user who is busy, declines, does not answer or cannot be reached; an object,
    /// `{}` for the defaults of `scenarios/mailbox`. Not given: the call fails.
    voicemail: Option<mailbox::Settings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout_s: 30,
            language: String::new(),
            words: BTreeMap::new(),
            voicemail: None,
        }
    }
}

/// The keys of `words`.
const FAILURES: [&str; 9] = [
    "not_found",
    "unreachable",
    "busy",
    "no_answer",
    "declined",
    "rejected",
    "media",
    "refused",
    "limit",
];

/// What a message is left after.
const TO_VOICEMAIL: [&str; 4] = ["unreachable", "busy", "no_answer", "declined"];

impl Settings {
    /// Reads the configuration; the error says what is wrong and where.
    pub fn parse(document: &str) -> Result<Self, String> {
        let settings: Self =
            serde_json::from_str(document).map_err(|error| format!("entry configuration: {error}"))?;
        if !(1..=600).contains(&settings.timeout_s) {
            return Err(format!(
                "entry configuration: timeout_s is {}, not 1 to 600",
                settings.timeout_s
            ));
        }
        if let Some(messages) = &settings.voicemail {
            messages
                .check()
                .map_err(|why| format!("entry configuration: voicemail: {why}"))?;
        }
        if let Some(unknown) = settings
            .words
            .keys()
            .find(|key| !FAILURES.contains(&key.as_str()))
        {
            return Err(format!(
                "entry configuration: words: {unknown:?} is none of {}",
                FAILURES.join(", ")
            ));
        }
        Ok(settings)
    }

    /// How long the user's devices ring.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_s))
    }

    /// Language tag of the words; empty: the server's.
    pub fn language(&self) -> &str {
        &self.language
    }

    /// How a message is left after this failure; none: it is not.
    pub fn voicemail(&self, failure: &Failure) -> Option<&mailbox::Settings> {
        self.voicemail
            .as_ref()
            .filter(|_| TO_VOICEMAIL.contains(&failure.key))
    }

    /// What the caller hears of this failure.
    pub fn words(&self, failure: &Failure) -> Option<&str> {
        self.words.get(failure.key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_set_means_thirty_seconds_and_silence() {
        let settings = Settings::parse("{}").unwrap();
        assert_eq!(settings.timeout(), Duration::from_secs(30));
        assert!(settings.words.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |document| Settings::parse(document).unwrap_err();
        assert_eq!(
            problem(r#"{"timeout_s": 0}"#),
            "entry configuration: timeout_s is 0, not 1 to 600"
        );
        assert!(problem(r#"{"timeout": 3}"#).contains("unknown field `timeout`"));
        assert!(problem(r#"{"words": {"occupied": "x"}}"#).contains("\"occupied\" is none of not_found"));
        assert!(problem("").contains("EOF while parsing"));
        assert_eq!(
            problem(r#"{"voicemail": {"silence_s": 61}}"#),
            "entry configuration: voicemail: silence_s is 61, not 0 to 60"
        );
    }
}
