//! Records a prompt by phone: says what to do, records after a beep, plays it back, and asks whether to keep it.
//!
//! The HTTP API originates the call (`POST …/prompts/NAME/record`); its data is the key under which the API looks for
//! what became of it, as JSON: `{"state": "recording"}` from the answer on, `{"state": "kept", "recording":
//! "recording-…", "silence_ms": 0}` once it is to be the prompt, which the API makes it. Whoever hangs up before has
//! recorded nothing. Steps: `explain` → `record` → `review` → `keep`.

mod words;

use std::time::Duration;

use serde_json::{Value, json};
use tandem_sdk::recording::{self, Record, RecordEnd, Recorded, RecordingError};
use tandem_sdk::{Cause, Collect, Leg, LegError, Prompt, config, deadline, key_value, log, originate, trace};
use words::Words;

tandem_sdk::scenario!(handle);

/// The whole call: who asked for it waits for a minute longer.
const CALL: Duration = Duration::from_secs(14 * 60);
/// The longest prompt.
const LONGEST: Duration = Duration::from_secs(10 * 60);
/// Who says nothing for so long has finished.
const SILENCE: Duration = Duration::from_secs(5);
/// What is shorter, without the silence at its end, is no prompt.
const SHORTEST_MS: u64 = 300;
/// How often it is recorded, at most.
const TAKES: usize = 10;
/// How often the question is asked.
const TIMES: usize = 3;

/// One call. The error is of settings that cannot be read, or of a host that refuses: the call then goes to the
/// fall-back.
pub fn handle(caller: Leg) -> Result<(), String> {
    let Some(key) = originate::data() else {
        // Somebody dialled a number that leads here: nobody waits for a prompt.
        caller.hang_up(Cause::NotFound)?;
        return Ok(());
    };
    let words = words_of(&config::document())?;
    deadline::set(CALL);
    let talk = Talk {
        caller: &caller,
        key: &key,
        words: &words,
    };
    match talk.take() {
        Ok(()) | Err(Over::Ended) => Ok(caller.hang_up(Cause::Normal)?),
        Err(Over::Failed(why)) => Err(why),
    }
}

fn words_of(document: &str) -> Result<Words, String> {
    let settings: Value =
        serde_json::from_str(document).map_err(|error| format!("recorder settings: {error}"))?;
    let language = settings.get("language").and_then(Value::as_str).unwrap_or("en");
    Words::in_language(language)
        .ok_or_else(|| format!("recorder settings: language is {language:?}, not en or ru"))
}

/// Why the talk does not go on.
enum Over {
    /// The phone hung up, or the time is over.
    Ended,
    /// In words.
    Failed(String),
}

impl From<LegError> for Over {
    fn from(error: LegError) -> Self {
        match error {
            LegError::Gone => Self::Ended,
            LegError::Limit(_) if deadline::passed() => Self::Ended,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<RecordingError> for Over {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Gone => Self::Ended,
            RecordingError::Limit(_) if deadline::passed() => Self::Ended,
            other => Self::Failed(other.into()),
        }
    }
}

/// What is wanted of a recording.
enum Choice {
    Keep,
    Again,
    /// Nothing was pressed that means something.
    None,
}

struct Talk<'a> {
    caller: &'a Leg,
    key: &'a str,
    words: &'a Words,
}

impl Talk<'_> {
    fn take(&self) -> Result<(), Over> {
        self.tell(&json!({ "state": "recording" }))?;
        trace::step("explain", "Say what to do");
        // Whoever knows it presses a key.
        self.caller.collect(&Collect {
            prompts: vec![self.say(self.words.explain)],
            min: 0,
            first_digit_timeout: Duration::from_millis(1),
            ..Collect::default()
        })?;
        for _ in 0..TAKES {
            trace::step("record", "Record");
            let recorded = recording::record(self.caller, &rule())?;
            if matches!(recorded.end, RecordEnd::LegGone) {
                forget(&recorded);
                return Err(Over::Ended);
            }
            if is_empty(&recorded) {
                forget(&recorded);
                self.caller.play(&[self.say(self.words.nothing)])?;
                continue;
            }
            trace::step("review", "Play it back, and ask");
            match self.review(&recorded) {
                Ok(Choice::Keep) => return self.keep(&recorded),
                Ok(Choice::Again) => forget(&recorded),
                Ok(Choice::None) => {
                    forget(&recorded);
                    break;
                }
                Err(over) => {
                    forget(&recorded);
                    return Err(over.into());
                }
            }
        }
        self.caller.play(&[self.say(self.words.not_kept)])?;
        Ok(())
    }

    fn review(&self, recorded: &Recorded) -> Result<Choice, LegError> {
        let mut before = vec![Prompt::file(&recorded.recording.name)];
        for _ in 0..TIMES {
            before.push(self.say(self.words.review));
            let pressed = self.caller.collect(&Collect {
                prompts: std::mem::take(&mut before),
                ..Collect::default()
            })?;
            match pressed.digits.as_str() {
                "1" => return Ok(Choice::Keep),
                "2" => return Ok(Choice::Again),
                _ => (),
            }
        }
        Ok(Choice::None)
    }

    fn keep(&self, recorded: &Recorded) -> Result<(), Over> {
        trace::step("keep", "Keep it");
        let kept = json!({
            "state": "kept",
            "recording": recorded.recording.name,
            "silence_ms": silence_ms(recorded),
        });
        self.tell(&kept).inspect_err(|_| forget(recorded))?;
        self.caller.play(&[self.say(self.words.kept)])?;
        Ok(())
    }

    fn tell(&self, what: &Value) -> Result<(), Over> {
        key_value::set(self.key, what.to_string().as_bytes()).map_err(|error| Over::Failed(error.into()))
    }

    fn say(&self, text: &str) -> Prompt {
        Prompt::say(text, self.words.language)
    }
}

fn rule() -> Record {
    Record {
        length: LONGEST,
        silence: SILENCE,
        ..Record::default()
    }
}

/// The silence by which it was known to be over is no part of the prompt.
fn silence_ms(recorded: &Recorded) -> u64 {
    match recorded.end {
        RecordEnd::Silence => SILENCE.as_millis() as u64,
        _ => 0,
    }
}

fn is_empty(recorded: &Recorded) -> bool {
    recorded.recording.duration_ms < silence_ms(recorded) + SHORTEST_MS
}

fn forget(recorded: &Recorded) {
    if let Err(error) = recording::delete(&recorded.recording.name) {
        log::warn(&String::from(error));
    }
}

#[cfg(test)]
mod tests {
    use tandem_sdk::recording::Recording;

    use super::*;

    fn recorded(duration_ms: u64, end: RecordEnd) -> Recorded {
        Recorded {
            recording: Recording {
                name: "recording-1".into(),
                duration_ms,
                bytes: 44 + duration_ms * 16,
            },
            end,
            digit: String::new(),
        }
    }

    #[test]
    fn what_is_silent_alone_is_no_prompt() {
        assert!(is_empty(&recorded(5_100, RecordEnd::Silence)));
        assert!(!is_empty(&recorded(5_400, RecordEnd::Silence)));
        assert!(is_empty(&recorded(200, RecordEnd::Digit)));
        assert!(!is_empty(&recorded(5_100, RecordEnd::Digit)));
    }

    #[test]
    fn the_silence_that_ended_it_is_told_and_no_other() {
        assert_eq!(silence_ms(&recorded(9_000, RecordEnd::Silence)), 5_000);
        assert_eq!(silence_ms(&recorded(9_000, RecordEnd::Digit)), 0);
        assert_eq!(silence_ms(&recorded(9_000, RecordEnd::Length)), 0);
    }

    #[test]
    fn settings_name_a_language_that_there_is() {
        assert_eq!(words_of("{}").unwrap().language, "en");
        assert_eq!(words_of(r#"{"language": "ru"}"#).unwrap().language, "ru");
        assert!(words_of(r#"{"language": "de"}"#).is_err_and(|why| why.contains("de")));
        assert!(words_of("no JSON").is_err());
    }
}
