//! What the caller hears, in English and Russian.

/// The phrases of a language.
#[derive(Debug)]
pub struct Phrases {
    /// Language tag.
    pub language: &'static str,
    /// The user talks.
    pub busy: &'static str,
    /// The user does not answer.
    pub no_answer: &'static str,
    /// What the caller may press.
    pub offer: &'static str,
    /// The wish is kept.
    pub asked: &'static str,
    back: &'static str,
}

const ENGLISH: Phrases = Phrases {
    language: "en",
    busy: "The line is busy.",
    no_answer: "Nobody answers.",
    offer: "Press 1 to be called back when the line is free.",
    asked: "You will be called back.",
    back: "This is your call back. Now ringing",
};

const RUSSIAN: Phrases = Phrases {
    language: "ru",
    busy: "Номер занят.",
    no_answer: "Номер не отвечает.",
    offer: "Нажмите 1, и мы перезвоним вам, когда линия освободится.",
    asked: "Мы вам перезвоним.",
    back: "Вы просили перезвонить. Соединяем с номером",
};

impl Phrases {
    /// Those of a language; the error says which there are.
    pub fn of(language: &str) -> Result<Self, String> {
        match language {
            "en" => Ok(ENGLISH),
            "ru" => Ok(RUSSIAN),
            other => Err(format!("callback settings: language is {other:?}, not en or ru")),
        }
    }

    /// What who is called back hears first: digit by digit, whom.
    pub fn calling_back(&self, user: &str) -> String {
        let digits: Vec<String> = user.chars().map(|c| c.to_string()).collect();
        format!("{} {}.", self.back, digits.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_language_says_whom_it_rings() {
        let said = |language| Phrases::of(language).unwrap().calling_back("302");
        assert!(said("en").ends_with("3 0 2."));
        assert!(said("ru").starts_with("Вы просили"));
        assert!(Phrases::of("de").unwrap_err().contains("not en or ru"));
    }
}
