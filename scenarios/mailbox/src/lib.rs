//! Leaving a message: greeting, beep, recording, and what the caller wants done with it.
//!
//! [`leave`] is the whole talk, `voicemail` and `entry` both have it; [`take`] is the same as a part of a longer talk, for
//! `flow`; [`box_of`] finds the box that is meant; [`Settings`] is what an activation can say of it, [`words`] what is
//! spoken; how a talk about a box begins and ends, listening too, is in [`talk`]. Its steps, in the call's trace: `greet` → `record` → `review` → `store`.

mod settings;
pub mod talk;
pub mod words;

use std::time::Duration;

use tandem_sdk::mail::Mail;
use tandem_sdk::recording::{self, Record, RecordEnd, Recorded, Recording, RecordingError};
use tandem_sdk::voicemail::{self, Message, VoicemailError};
use tandem_sdk::{Cause, Collect, Leg, LegError, Prompt, log, trace};

pub use settings::Settings;
use talk::Over;
use words::{Choice, Words};

/// What is shorter, without the silence at its end, is nobody's message.
const SHORTEST_MS: u64 = 700;
/// How often a caller may say nothing, or press nothing that means something.
const TRIES: usize = 3;

/// Takes a message for the box `name`, and hangs up. A box that does not exist is a call that nobody has the number of.
pub fn leave(caller: &Leg, name: &str, settings: &Settings) -> Result<(), String> {
    talk::about_box(caller, name, Cause::NotFound, || {
        let talk = Talk {
            caller,
            name,
            settings,
            goes_on: false,
            step: trace::step,
        };
        talk.take(vec![settings.greeting(name)])
    })
}

/// Takes a message for the box `name`, of which there is one, and leaves the caller on the line.
/// Without a greeting of one's own it is the spoken one. Nothing of it is a step of the call's trace.
pub fn take(caller: &Leg, name: &str, settings: &Settings, greeting: Vec<Prompt>) -> Result<(), Over> {
    let talk = Talk {
        caller,
        name,
        settings,
        goes_on: true,
        step: |_, _| (),
    };
    if greeting.is_empty() {
        talk.take(vec![settings.greeting(name)])
    } else {
        talk.take(greeting)
    }
}

/// The name of a box: this one, else that of the user whom the number leads to; none: there is no such box.
pub fn box_of(name: &str) -> Result<Option<String>, VoicemailError> {
    if has_box(name)? {
        return Ok(Some(name.to_owned()));
    }
    match tandem_sdk::find_user(name) {
        Some(user) if user.name != name && has_box(&user.name)? => Ok(Some(user.name)),
        _ => Ok(None),
    }
}

fn has_box(name: &str) -> Result<bool, VoicemailError> {
    match voicemail::count(name) {
        Ok(_) => Ok(true),
        // What cannot be a box's name is none.
        Err(VoicemailError::NoBox | VoicemailError::BadArgument(_)) => Ok(false),
        Err(other) => Err(other),
    }
}

/// The talk of one message.
struct Talk<'a> {
    caller: &'a Leg,
    name: &'a str,
    settings: &'a Settings,
    /// The call does not end with it: nobody says goodbye.
    goes_on: bool,
    step: fn(&str, &str),
}

impl Talk<'_> {
    /// Who is gone before the end has left a message all the same, where there was one.
    fn take(&self, greeting: Vec<Prompt>) -> Result<(), Over> {
        let words = self.settings.words();
        self.caller.answer()?;
        (self.step)("greet", "Greet the caller");
        // Whoever knows the greeting presses a key.
        let greeted = self.caller.collect(&Collect {
            prompts: greeting,
            min: 0,
            first_digit_timeout: Duration::from_millis(1),
            ..Collect::default()
        });
        match greeted {
            // The beep says enough.
            Err(LegError::Media(why)) if self.goes_on => log::warn(&format!("not played: {why}")),
            other => drop(other?),
        }
        for _ in 0..TRIES {
            (self.step)("record", "Record the message");
            let recorded = match recording::record(self.caller, &self.settings.rule()) {
                Ok(recorded) => recorded,
                Err(RecordingError::Gone) => return Err(Over::Gone),
                Err(other) => {
                    log::error(&String::from(other));
                    return self.say(&words, words.cannot_record());
                }
            };
            if is_empty(&recorded, self.settings) {
                forget(&recorded.recording);
                if matches!(recorded.end, RecordEnd::LegGone) {
                    return Err(Over::Gone);
                }
                self.say(&words, words.nothing_recorded())?;
                continue;
            }
            // A caller who hangs up now has left a message all the same.
            match self.review(&recorded, &words) {
                Ok(Choice::Keep) => return self.keep(&words, &recorded.recording),
                Ok(Choice::Again) => forget(&recorded.recording),
                Ok(Choice::Delete) => {
                    forget(&recorded.recording);
                    return self.say(&words, words.deleted());
                }
                Err(Over::Gone) => {
                    self.keep(&words, &recorded.recording)?;
                    return Err(Over::Gone);
                }
                Err(failed) => return Err(failed),
            }
        }
        if self.goes_on {
            return Ok(());
        }
        self.say(&words, words.goodbye())
    }

    fn say(&self, words: &Words, text: &str) -> Result<(), Over> {
        let text = if self.goes_on {
            words.without_goodbye(text)
        } else {
            text
        };
        self.caller.play(&[words.say(text)])?;
        Ok(())
    }

    /// What the caller wants done with the message; nothing pressed keeps it.
    fn review(&self, recorded: &Recorded, words: &Words) -> Result<Choice, Over> {
        if matches!(recorded.end, RecordEnd::LegGone) {
            return Err(Over::Gone);
        }
        (self.step)("review", "Keep, hear, record again or delete");
        let mut before: Vec<Prompt> = Vec::new();
        for _ in 0..TRIES {
            before.push(words.say(words.review()));
            let pressed = self.caller.collect(&Collect {
                prompts: std::mem::take(&mut before),
                ..Collect::default()
            })?;
            match pressed.digits.as_str() {
                "" | "1" => return Ok(Choice::Keep),
                "2" => before.push(Prompt::file(&recorded.recording.name)),
                "3" => return Ok(Choice::Again),
                "7" => return Ok(Choice::Delete),
                _ => (),
            }
        }
        Ok(Choice::Keep)
    }

    fn keep(&self, words: &Words, recording: &Recording) -> Result<(), Over> {
        (self.step)("store", "Store the message");
        let message = match voicemail::store(self.name, recording, &self.caller.peer()) {
            Ok(message) => message,
            Err(VoicemailError::Full(why)) => {
                log::warn(&format!("the box {} takes no more: {why}", self.name));
                forget(recording);
                return self.say(words, words.full());
            }
            Err(other) => return Err(Over::Failed(other.into())),
        };
        let said = self.say(words, words.kept());
        // A mail server may be slow: the caller need not wait for it, and may be gone.
        if let Some(address) = self.settings.mail_of(self.name) {
            tell(address, self.name, &message, words);
        }
        said
    }
}

fn is_empty(recorded: &Recorded, settings: &Settings) -> bool {
    let silence = match recorded.end {
        RecordEnd::Silence => settings.rule().silence.as_millis() as u64,
        _ => 0,
    };
    recorded.recording.duration_ms < silence + SHORTEST_MS
}

fn forget(recording: &Recording) {
    if let Err(error) = recording::delete(&recording.name) {
        log::warn(&String::from(error));
    }
}

/// Mails the message. One that cannot be mailed is in its box all the same.
fn tell(address: &str, name: &str, message: &Message, words: &Words) {
    let sent = Mail::to(address)
        .subject(&words.mail_subject(&message.caller))
        .text(&words.mail_text(name, message))
        .attach(&message.recording)
        .send();
    if let Err(error) = sent {
        log::warn(&format!("{name} is not told by mail: {}", String::from(error)));
    }
}

impl Settings {
    fn rule(&self) -> Record {
        Record {
            length: Duration::from_secs(u64::from(self.length_s)),
            silence: Duration::from_secs(u64::from(self.silence_s)),
            ..Record::default()
        }
    }
}
