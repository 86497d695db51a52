//! What is spoken, in English and Russian.

/// The phrases of one language.
#[derive(Debug)]
pub struct Words {
    /// Of the voice.
    pub language: &'static str,
    /// What to do.
    pub explain: &'static str,
    /// What can be done with what was recorded.
    pub review: &'static str,
    /// It was silent.
    pub nothing: &'static str,
    /// It is the prompt now.
    pub kept: &'static str,
    /// It is not.
    pub not_kept: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    explain: "Record your prompt after the tone. When you have finished, press the hash key.",
    review: "To keep the recording, press 1. To record it again, press 2.",
    nothing: "Nothing was recorded. Please try again.",
    kept: "The recording is kept. Goodbye.",
    not_kept: "The recording is not kept. Goodbye.",
};

const RUSSIAN: Words = Words {
    language: "ru",
    explain: "Запишите сообщение после сигнала. Когда закончите, нажмите решётку.",
    review: "Чтобы сохранить запись, нажмите 1. Чтобы записать заново, нажмите 2.",
    nothing: "Ничего не записано. Попробуйте ещё раз.",
    kept: "Запись сохранена. До свидания.",
    not_kept: "Запись не сохранена. До свидания.",
};

impl Words {
    /// Those of a language; none: it has none.
    pub fn in_language(language: &str) -> Option<Self> {
        match language {
            "en" => Some(ENGLISH),
            "ru" => Some(RUSSIAN),
            _ => None,
        }
    }
}
