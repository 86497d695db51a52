//! Listening: the code that opens a box, how many messages there are, then one after another.

use mailbox::talk::{self, Over};
use mailbox::words::Words;
use tandem_sdk::voicemail::{self, Message, State, VoicemailError};
use tandem_sdk::{Cause, Collect, Leg, LegError, Prompt, clock, log, trace};

use crate::settings::Settings;

/// How often a code may be wrong, or nothing be pressed that means something.
const TRIES: usize = 3;
/// Messages of each kind that one call plays, the newest of them.
const MESSAGES_MAX: u32 = 100;

/// Plays the messages of the box `name`, and hangs up. Who has no box has dialled a number that is not theirs.
pub fn listen(caller: &Leg, name: &str, settings: &Settings) -> Result<(), String> {
    talk::about_box(caller, name, Cause::Forbidden, || {
        play_all(caller, name, settings)
    })
}

fn play_all(caller: &Leg, name: &str, settings: &Settings) -> Result<(), Over> {
    let words = settings.messages.words();
    caller.answer()?;
    if let Some(code) = settings.code_of(name)
        && !knows_code(caller, code, &words)?
    {
        caller.play(&[words.say(words.goodbye())])?;
        return Ok(());
    }
    trace::step("listen", "Say how many messages there are");
    let counts = voicemail::count(name)?;
    let messages = in_order(name)?;
    if messages.is_empty() {
        caller.play(&[words.say(words.no_messages()), words.say(words.goodbye())])?;
        return Ok(());
    }
    // Who knows what comes next presses a key, which is not lost.
    caller.play(&[words.say(words.counted(&counts))])?;
    for message in &messages {
        trace::step("message", "Play a message");
        if play_one(caller, name, message, &words)? == After::End {
            caller.play(&[words.say(words.goodbye())])?;
            return Ok(());
        }
    }
    caller.play(&[words.say(words.no_more()), words.say(words.goodbye())])?;
    Ok(())
}

fn knows_code(caller: &Leg, code: &str, words: &Words) -> Result<bool, Over> {
    trace::step("code", "Ask for the code");
    for _ in 0..TRIES {
        let entered = caller.collect(&Collect {
            prompts: vec![words.say(words.ask_pin())],
            max: 16,
            terminators: "#".into(),
            ..Collect::default()
        })?;
        if entered.digits == code {
            return Ok(true);
        }
        caller.play(&[words.say(words.wrong_pin())])?;
    }
    log::warn("three wrong codes");
    Ok(false)
}

/// New messages first, then those that were heard, then saved ones; each kind as they came.
fn in_order(name: &str) -> Result<Vec<Message>, VoicemailError> {
    let mut all = Vec::new();
    for state in [State::New, State::Heard, State::Saved] {
        let mut messages = voicemail::list(name, Some(state), 0, MESSAGES_MAX)?;
        messages.reverse();
        all.extend(messages);
    }
    Ok(all)
}

/// What follows a message.
#[derive(Debug, PartialEq, Eq)]
enum After {
    Next,
    End,
}

fn play_one(caller: &Leg, name: &str, message: &Message, words: &Words) -> Result<After, Over> {
    let whole = || {
        let announced = words.say(words.from_whom(message, clock::local()));
        vec![announced, Prompt::file(&message.recording)]
    };
    let mut prompts = whole();
    let mut is_new = matches!(message.state, State::New);
    let mut tries = 0;
    while tries < TRIES {
        prompts.push(words.say(words.choices()));
        let pressed = caller.collect(&Collect {
            prompts: std::mem::take(&mut prompts),
            ..Collect::default()
        });
        if let Err(LegError::Media(why)) = pressed {
            log::error(&format!("message {}: {why}", message.id));
            caller.play(&[words.say(words.lost())])?;
            return Ok(After::Next);
        }
        let pressed = pressed?;
        if std::mem::take(&mut is_new) {
            voicemail::mark(name, message.id, State::Heard)?;
        }
        match pressed.digits.as_str() {
            // As often as one likes.
            "1" => {
                prompts = whole();
                tries = 0;
            }
            "2" => return Ok(After::Next),
            "3" => {
                voicemail::mark(name, message.id, State::Saved)?;
                caller.play(&[words.say(words.saved())])?;
                return Ok(After::Next);
            }
            "7" => {
                voicemail::delete(name, message.id)?;
                caller.play(&[words.say(words.deleted())])?;
                return Ok(After::Next);
            }
            "#" => return Ok(After::End),
            _ => tries += 1,
        }
    }
    Ok(After::End)
}
