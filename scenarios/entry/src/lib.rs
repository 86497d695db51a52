//! Rings the user whose extension was dialled, and lets the two talk.
//!
//! This is what a domain's internal numbers lead to when nobody drew anything else. Its steps, in the call's trace:
//! `find` → `dial` → `talk`, and where nobody answers: `failed`. The caller of a failed call gets the status that fits
//! ([`onward::Failure`]). Nothing is played unless the activation says so ([`settings`]), which can also let the caller
//! leave a message: `greet` → `record` → `review` → `store` in place of `failed`.
//!
//! Not here: menus (`flow`), groups, listening to messages (`voicemail`).

mod settings;

use onward::{Failure, talk};
use tandem_sdk::{Dial, DialFailure, Leg, LegError, Prompt, Target, config, dial, find_user, log, trace};

use settings::Settings;

tandem_sdk::scenario!(handle);

/// One call, from the dialled number to its end.
///
/// An error is a configuration that cannot be read, or a refusal of the host that no caller can bring about.
pub fn handle(caller: Leg) -> Result<(), String> {
    let settings = Settings::parse(&config::document())?;

    trace::step("find", "Find the user");
    let number = caller.local().user;
    let Some(user) = find_user(&number) else {
        return fail(&caller, &settings, &Failure::from(DialFailure::NotFound(number)));
    };

    trace::step("dial", "Ring the user");
    let how = Dial {
        timeout: settings.timeout(),
        ..Dial::default()
    };
    let callee = match dial(&caller, &[Target::user(user.name.clone())], &how) {
        Ok(callee) => callee,
        Err(DialFailure::CallerGone) => return Ok(()),
        Err(other) => {
            let failure = Failure::from(other);
            return match settings.voicemail(&failure) {
                Some(messages) => mailbox::leave(&caller, &user.name, messages),
                None => fail(&caller, &settings, &failure),
            };
        }
    };

    trace::step("talk", "The two talk");
    talk(&caller, &callee)
}

/// Tells the caller why nobody answered: in words where the activation has some, and by the status.
fn fail(caller: &Leg, settings: &Settings, failure: &Failure) -> Result<(), String> {
    trace::step("failed", failure.name);
    if let Some(text) = settings.words(failure) {
        // Early media: the words are heard, and the call still fails with its own status, at no charge.
        let spoken = caller
            .early_media()
            .and_then(|()| caller.play(&[Prompt::say(text, settings.language())]));
        match spoken {
            Ok(_) => (),
            Err(LegError::Gone) => return Ok(()),
            Err(other) => log::warn(&String::from(other)),
        }
    }
    if let Some(problem) = &failure.problem {
        log::warn(problem);
    }
    caller.hang_up(failure.cause)?;
    Ok(())
}
