//! Rings the user who was dialled; where that user is busy or does not answer, the caller may ask to be called back.
//!
//! The wish is kept under `callback/USER/CALLER`. The scenario `callback-watch` hears when the user's next call ends, or
//! its phone comes back, and originates a call to who has asked, which is handled here again: its data is the user.
//! When the user last took a call is kept under `callback-talk/USER`: only the end of a call that was taken is a sign.
//! Steps: `dial` → `talk`, or `dial` → `offer` → `asked`; of a call back `back` → `dial` and so on.
//!
//! Not here: when it is time to call back (`callback-watch`).

mod phrases;

use std::time::Duration;

use serde::Deserialize;
use tandem_sdk::{
    Cause, Collect, Dial, DialFailure, Leg, LegError, Prompt, Target, bridge, clock, config, dial, find_user,
    key_value, log, originate, trace,
};

use phrases::Phrases;

tandem_sdk::scenario!(handle);

/// What may be set, as JSON; every key has a default.
///
/// ```json
/// {"timeout_s": 20, "language": "ru"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// How long the user's devices ring, in seconds: 1 to 600.
    timeout_s: u32,
    /// `en` or `ru`.
    language: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timeout_s: 20,
            language: "en".to_owned(),
        }
    }
}

/// One call: of somebody who dials, or back to somebody who has asked for it.
pub fn handle(caller: Leg) -> Result<(), String> {
    let settings: Settings =
        serde_json::from_str(&config::document()).map_err(|error| format!("callback settings: {error}"))?;
    let phrases = Phrases::of(&settings.language)?;
    let number = match originate::data() {
        None => caller.local().user,
        Some(user) => {
            trace::step("back", "Call back");
            match caller.play(&[phrases.say(&phrases.calling_back(&user))]) {
                Err(LegError::Gone) => return Ok(()),
                played => played?,
            };
            user
        }
    };
    let Some(user) = find_user(&number) else {
        caller.hang_up(Cause::NotFound)?;
        return Ok(());
    };

    trace::step("dial", "Ring the user");
    let how = Dial {
        timeout: Duration::from_secs(settings.timeout_s.into()),
        ..Dial::default()
    };
    match dial(&caller, &[Target::user(&user.name)], &how) {
        Ok(callee) => {
            trace::step("talk", "The two talk");
            note_talk(&user.name);
            match bridge(&caller, &callee) {
                Ok(_) | Err(LegError::Gone) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
        Err(DialFailure::CallerGone) => Ok(()),
        Err(failure) => offer(&caller, &phrases, &user.name, &failure),
    }
}

/// Notes that the user talks: the end of this call tells `callback-watch` that the user is free, and the end of one that
/// nobody took does not.
fn note_talk(user: &str) {
    let now_ms = clock::since_epoch().as_millis().to_string();
    if let Err(error) = key_value::set(&format!("callback-talk/{user}"), now_ms.as_bytes()) {
        log::warn(&format!(
            "nobody is called back after this call: {}",
            String::from(error)
        ));
    }
}

/// Asks whether the caller wants to be called back.
fn offer(caller: &Leg, phrases: &Phrases, user: &str, failure: &DialFailure) -> Result<(), String> {
    trace::step("offer", "Offer to call back");
    let question = match failure {
        DialFailure::Busy => phrases.busy,
        _ => phrases.no_answer,
    };
    let ask = || -> Result<bool, LegError> {
        caller.answer()?;
        let collected = caller.collect(&Collect {
            prompts: vec![phrases.say(question), phrases.say(phrases.offer)],
            ..Collect::default()
        })?;
        Ok(collected.digits == "1")
    };
    match ask() {
        Ok(true) => (),
        Ok(false) => {
            caller.hang_up(Cause::Normal)?;
            return Ok(());
        }
        Err(LegError::Gone) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    trace::step("asked", "Call back later");
    let wish = format!("callback/{user}/{}", caller.peer().user);
    let now_ms = clock::since_epoch().as_millis().to_string();
    key_value::set(&wish, now_ms.as_bytes())?;
    match caller.play(&[phrases.say(phrases.asked)]) {
        Ok(_) => caller.hang_up(Cause::Normal)?,
        Err(LegError::Gone) => (),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

impl Phrases {
    fn say(&self, text: &str) -> Prompt {
        Prompt::say(text, self.language)
    }
}
