use std::time::Duration;

use crate::CallProgressTone;
use crate::bindings::tandem::pbx::types;
use crate::clock::millis;

/// One piece of what a caller hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// A WAV file of the domain, by its name, without a path.
    File(String),
    /// A tone by its meaning, for a time; the national plan says how it sounds.
    Progress(CallProgressTone, Duration),
    /// A tone of one or two frequencies (20 to 3,800 Hz), for a time.
    Tone {
        /// First frequency, in hertz.
        first_hz: u16,
        /// Second frequency, in hertz; 0: none.
        second_hz: u16,
        /// How long, up to 10 min.
        time: Duration,
    },
    /// Silence, up to 10 min.
    Silence(Duration),
    /// Text to speak.
    Speech {
        /// At most 4,096 characters.
        text: String,
        /// A language tag such as `en`; empty: the domain's.
        language: String,
    },
}

impl Prompt {
    /// A WAV file of the domain, by its name.
    pub fn file(name: impl Into<String>) -> Self {
        Self::File(name.into())
    }

    /// Speech; an empty language is the domain's.
    pub fn say(text: impl Into<String>, language: impl Into<String>) -> Self {
        Self::Speech {
            text: text.into(),
            language: language.into(),
        }
    }

    /// Silence.
    pub fn silence(time: Duration) -> Self {
        Self::Silence(time)
    }

    /// A tone of one frequency.
    pub fn tone(hz: u16, time: Duration) -> Self {
        Self::Tone {
            first_hz: hz,
            second_hz: 0,
            time,
        }
    }
}

pub(crate) fn raw(prompts: &[Prompt]) -> Vec<types::Prompt> {
    prompts
        .iter()
        .map(|prompt| match prompt {
            Prompt::File(name) => types::Prompt::File(name.clone()),
            Prompt::Progress(tone, time) => types::Prompt::Progress(types::ProgressTone {
                tone: *tone,
                duration_ms: millis(*time),
            }),
            Prompt::Tone {
                first_hz,
                second_hz,
                time,
            } => types::Prompt::Tone(types::PureTone {
                first_hz: *first_hz,
                second_hz: *second_hz,
                duration_ms: millis(*time),
            }),
            Prompt::Silence(time) => types::Prompt::Silence(millis(*time)),
            Prompt::Speech { text, language } => types::Prompt::Speech(types::Speech {
                text: text.clone(),
                language: language.clone(),
            }),
        })
        .collect()
}
