//! What an activation can say of messages.

use std::collections::BTreeMap;

use serde::Deserialize;
use tandem_sdk::Prompt;

use crate::words::Words;

/// What may be set, as JSON; every key has a default.
///
/// ```json
/// {"language": "en", "length_s": 120, "silence_s": 4, "greetings": {"sales": "sales.wav"}, "mail": {"sales": "sales@example.com"}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What is spoken: `ru` and what begins so is Russian, all else English. It is also the voice's language.
    language: String,
    /// Longest message, in seconds: 5 to 600.
    pub(crate) length_s: u32,
    /// A message ends after so many seconds of silence: 1 to 60; 0: not by itself.
    pub(crate) silence_s: u32,
    /// WAV files of the domain in the place of the spoken greeting, by box.
    greetings: BTreeMap<String, String>,
    /// Where messages go by mail too, by box.
    mail: BTreeMap<String, String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            language: "en".to_owned(),
            length_s: 120,
            silence_s: 4,
            greetings: BTreeMap::new(),
            mail: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// The defaults, in a language.
    pub fn in_language(tag: &str) -> Self {
        Self {
            language: tag.to_owned(),
            ..Self::default()
        }
    }

    /// What is outside its range, in words.
    pub fn check(&self) -> Result<(), String> {
        if !(5..=600).contains(&self.length_s) {
            return Err(format!("length_s is {}, not 5 to 600", self.length_s));
        }
        if self.silence_s > 60 {
            return Err(format!("silence_s is {}, not 0 to 60", self.silence_s));
        }
        Ok(())
    }

    /// What is spoken, in the activation's language.
    pub fn words(&self) -> Words {
        Words::new(&self.language)
    }

    pub(crate) fn greeting(&self, name: &str) -> Prompt {
        let words = self.words();
        match self.greetings.get(name) {
            Some(file) => Prompt::file(file),
            None => words.say(words.greeting()),
        }
    }

    pub(crate) fn mail_of(&self, name: &str) -> Option<&str> {
        self.mail.get(name).map(String::as_str)
    }
}
