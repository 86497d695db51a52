//! Leaving a message: greeting, beep, recording, and what the caller wants done with it.
//!
//! [`leave`] is the whole talk, `voicemail` and `entry` both have it; [`Settings`] is what an activation can say of it,
//! [`words`] what is spoken; how a talk about a box begins and ends, listening too, is in [`talk`]. Its steps, in the call's trace: `greet` → `record` → `review` → `store`.

mod settings;
pub mod talk;
pub mod words;

use std::time::Duration;

use tandem_sdk::mail::Mail;
use tandem_sdk::recording::{self, Record, RecordEnd, Recorded, Recording, RecordingError};
use tandem_sdk::voicemail::{self, Message, VoicemailError};
use tandem_sdk::{Cause, Collect, Leg, Prompt, log, trace};

pub use settings::Settings;
use talk::Over;
use words::{Choice, Words};

/// What is shorter, without the silence at its end, is nobody's message.
const SHORTEST_MS: u64 = 700;
/// How often a caller may say nothing, or press nothing that means something.
const TRIES: usize = 3;

/// Takes a message for the box `name`, and hangs up. A box that does not exist is a call that nobody has the number of.
pub fn leave(caller: &Leg, name: &str, settings: &Settings) -> Result<(), String> {
    talk::about_box(caller, name, Cause::NotFound, || take(caller, name, settings))
}

/// Who is gone before the end has left a message all the same, where there was one.
fn take(caller: &Leg, name: &str, settings: &Settings) -> Result<(), Over> {
    let words = settings.words();
    caller.answer()?;
    trace::step("greet", "Greet the caller");
    // Whoever knows the greeting presses a key.
    caller.collect(&Collect {
        prompts: vec![settings.greeting(name)],
        min: 0,
        first_digit_timeout: Duration::from_millis(1),
        ..Collect::default()
    })?;
    for _ in 0..TRIES {
        trace::step("record", "Record the message");
        let recorded = match recording::record(caller, &settings.rule()) {
            Ok(recorded) => recorded,
            Err(RecordingError::Gone) => return Err(Over::Gone),
            Err(other) => {
                log::error(&String::from(other));
                caller.play(&[words.say(words.cannot_record())])?;
                return Ok(());
            }
        };
        if is_empty(&recorded, settings) {
            forget(&recorded.recording);
            if matches!(recorded.end, RecordEnd::LegGone) {
                return Err(Over::Gone);
            }
            caller.play(&[words.say(words.nothing_recorded())])?;
            continue;
        }
        // A caller who hangs up now has left a message all the same.
        match review(caller, &recorded, &words) {
            Ok(Choice::Keep) => return keep(caller, name, settings, &recorded.recording),
            Ok(Choice::Again) => forget(&recorded.recording),
            Ok(Choice::Delete) => {
                forget(&recorded.recording);
                caller.play(&[words.say(words.deleted())])?;
                return Ok(());
            }
            Err(Over::Gone) => return keep(caller, name, settings, &recorded.recording),
            Err(failed) => return Err(failed),
        }
    }
    caller.play(&[words.say(words.goodbye())])?;
    Ok(())
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

/// What the caller wants done with the message; nothing pressed keeps it.
fn review(caller: &Leg, recorded: &Recorded, words: &Words) -> Result<Choice, Over> {
    if matches!(recorded.end, RecordEnd::LegGone) {
        return Err(Over::Gone);
    }
    trace::step("review", "Keep, hear, record again or delete");
    let mut before: Vec<Prompt> = Vec::new();
    for _ in 0..TRIES {
        before.push(words.say(words.review()));
        let pressed = caller.collect(&Collect {
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

fn keep(caller: &Leg, name: &str, settings: &Settings, recording: &Recording) -> Result<(), Over> {
    trace::step("store", "Store the message");
    let words = settings.words();
    let message = match voicemail::store(name, recording, &caller.peer()) {
        Ok(message) => message,
        Err(VoicemailError::Full(why)) => {
            log::warn(&format!("the box {name} takes no more: {why}"));
            forget(recording);
            caller.play(&[words.say(words.full())])?;
            return Ok(());
        }
        Err(other) => return Err(Over::Failed(other.into())),
    };
    let said = caller.play(&[words.say(words.kept())]);
    // A mail server may be slow: the caller need not wait for it, and may be gone.
    if let Some(address) = settings.mail_of(name) {
        tell(address, name, &message, &words);
    }
    said?;
    Ok(())
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
