//! What a scenario says by itself: in English and Russian, or in the administrator's own words.

use std::collections::BTreeMap;

use tandem_sdk::Prompt;

/// A phrase that a scenario has.
#[derive(Debug, Clone, Copy)]
pub struct Phrase {
    /// Its key in the settings' `words`.
    pub key: &'static str,
    /// In English; `{name}` and the like stand for what the call brings.
    pub english: &'static str,
    /// In Russian.
    pub russian: &'static str,
}

/// The longest text that can be said, in characters, with room for what is filled in.
const TEXT_MOST: usize = 3_000;

/// The phrases of a scenario in one language.
#[derive(Debug, Clone)]
pub struct Words {
    language: String,
    texts: BTreeMap<&'static str, String>,
}

impl Words {
    /// Takes the scenario's phrases in `language`, a tag such as `en` or `ru-RU`, and where there are own texts, those.
    /// Another language needs a text for each. An empty text is not said.
    pub fn new(
        phrases: &[Phrase],
        language: &str,
        mut own: BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let spoken = language.split(['-', '_']).next().unwrap_or_default();
        let mut texts = BTreeMap::new();
        for phrase in phrases {
            let text = match (own.remove(phrase.key), spoken) {
                (Some(text), _) => text,
                (None, "en") => phrase.english.to_owned(),
                (None, "ru") => phrase.russian.to_owned(),
                (None, _) => {
                    return Err(format!(
                        "language: there are no phrases in {language:?}, only in en and ru: say words.{}",
                        phrase.key
                    ));
                }
            };
            let length = text.chars().count();
            if length > TEXT_MOST {
                return Err(format!(
                    "words.{}: {length} characters, at most {TEXT_MOST}",
                    phrase.key
                ));
            }
            texts.insert(phrase.key, text);
        }
        if let Some(unknown) = own.keys().next() {
            let keys: Vec<_> = phrases.iter().map(|phrase| phrase.key).collect();
            return Err(format!("words: {unknown:?} is none of {}", keys.join(", ")));
        }
        Ok(Self {
            language: language.to_owned(),
            texts,
        })
    }

    /// A phrase to be played, with what stands for `{…}` filled in; `None`: it is not to be said.
    pub fn prompt(&self, key: &str, fill: &[(&str, &str)]) -> Option<Prompt> {
        let mut text = self.texts.get(key)?.clone();
        for (name, value) in fill {
            text = text.replace(&format!("{{{name}}}"), value);
        }
        (!text.trim().is_empty()).then(|| Prompt::say(text, self.language.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHRASES: [Phrase; 2] = [
        Phrase {
            key: "hello",
            english: "Hello, {name}.",
            russian: "Здравствуйте, {name}.",
        },
        Phrase {
            key: "bye",
            english: "Goodbye.",
            russian: "До свидания.",
        },
    ];

    fn words(language: &str, own: &[(&str, &str)]) -> Result<Words, String> {
        let own = own
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
        Words::new(&PHRASES, language, own.collect())
    }

    #[test]
    fn phrases_are_said_in_the_language_that_was_set() {
        let said = |language: &str| words(language, &[]).unwrap().prompt("hello", &[("name", "Ann")]);
        assert_eq!(said("en"), Some(Prompt::say("Hello, Ann.", "en")));
        assert_eq!(said("ru-RU"), Some(Prompt::say("Здравствуйте, Ann.", "ru-RU")));
    }

    #[test]
    fn own_texts_go_first_and_an_empty_one_is_silence() {
        let words = words("en", &[("hello", "Hi {name}!"), ("bye", "")]).unwrap();
        assert_eq!(
            words.prompt("hello", &[("name", "Ann")]),
            Some(Prompt::say("Hi Ann!", "en"))
        );
        assert_eq!(words.prompt("bye", &[]), None);
    }

    #[test]
    fn another_language_needs_all_its_texts() {
        assert_eq!(
            words("de", &[("hello", "Guten Tag.")]).unwrap_err(),
            "language: there are no phrases in \"de\", only in en and ru: say words.bye"
        );
        assert!(words("de", &[("hello", "Guten Tag."), ("bye", "Auf Wiederhören.")]).is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            words("en", &[("good", "x")]).unwrap_err(),
            "words: \"good\" is none of hello, bye"
        );
        assert!(
            words("en", &[("bye", &"x".repeat(3_001))])
                .unwrap_err()
                .starts_with("words.bye: 3001")
        );
    }
}
