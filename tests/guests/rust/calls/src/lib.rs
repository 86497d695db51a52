//! Handles what it has originated, and picks up: 8NNN is what rings at user NNN, 8000 at any of the group in the
//! configuration; a call that was originated hears a tone, or is connected to the user whom its data names.

use tandem_sdk::{Cause, Dial, Leg, Prompt, Target, bridge, config, dial, log, originate, pick_up};

tandem_sdk::scenario!(handle);

/// One call.
pub fn handle(caller: Leg) -> Result<(), String> {
    match originate::data() {
        Some(data) => originated(&caller, &data),
        None => pick(&caller),
    }
}

fn originated(caller: &Leg, data: &str) -> Result<(), String> {
    log::info(&format!("originated with {data} for {}", caller.peer().user));
    // As in a call that came: there it has to be answered first.
    caller.answer()?;
    if let Some(user) = data.strip_prefix("connect ") {
        let callee = dial(caller, &[Target::user(user)], &Dial::default())?;
        bridge(caller, &callee)?;
        return Ok(());
    }
    caller.play(&[Prompt::tone(1_000, std::time::Duration::from_secs(2))])?;
    caller.hang_up(Cause::Normal)?;
    Ok(())
}

fn pick(caller: &Leg) -> Result<(), String> {
    let number = caller.local().user;
    let users: Vec<String> = match number.strip_prefix('8') {
        Some("000") => config::document()
            .split(|c: char| !c.is_ascii_digit())
            .filter(|user| !user.is_empty())
            .map(str::to_owned)
            .collect(),
        Some(user) => vec![user.to_owned()],
        None => return Err(format!("nothing to pick up at {number}")),
    };
    caller.answer()?;
    match pick_up(caller, &users) {
        Ok(other) => {
            log::info(&format!(
                "picked up {} for {}",
                other.peer().user,
                other.local().user
            ));
            let end = bridge(caller, &other)?;
            log::info(&format!("pick-up over: {end:?}"));
        }
        Err(failure) => {
            log::info(&format!(
                "not picked up by {}: {}",
                caller.peer().user,
                String::from(failure)
            ));
            caller.hang_up(Cause::Normal)?;
        }
    }
    Ok(())
}
