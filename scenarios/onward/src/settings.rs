//! An activation's configuration, as those scenarios read it that say something by themselves.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Phrase, Words};

/// The language tag of what is said, which settings have under `language`; where nothing is set, English.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Language(String);

impl Default for Language {
    fn default() -> Self {
        Self("en".to_owned())
    }
}

/// Own texts in the place of a scenario's phrases, by key, which settings have under `words`.
pub type OwnWords = BTreeMap<String, String>;

/// Settings of a scenario that says something by itself.
pub trait Settings: DeserializeOwned {
    /// The scenario's name: what is wrong is told under it.
    const SCENARIO: &'static str;
    /// What it says by itself.
    const PHRASES: &'static [Phrase];

    /// Says in words what is outside its range.
    fn check(&self) -> Result<(), String>;

    /// The settings' `language` and `words`.
    fn spoken(&self) -> (&Language, &OwnWords);

    /// Reads the configuration; the error says what is wrong and where.
    fn parse(document: &str) -> Result<(Self, Words), String> {
        let refused = |why: String| format!("{} configuration: {why}", Self::SCENARIO);
        let settings: Self = serde_json::from_str(document).map_err(|error| refused(error.to_string()))?;
        settings.check().map_err(refused)?;
        let (Language(tag), own) = settings.spoken();
        let words = Words::new(Self::PHRASES, tag, own.clone()).map_err(refused)?;
        Ok((settings, words))
    }
}
