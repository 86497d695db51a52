//! Says who calls, then rings 302.

use tandem_sdk::{
    BridgeEnd, Cause, Dial, DialFailure, Leg, LegError, Prompt, Target, bridge, dial, trace,
};

tandem_sdk::scenario!(handle);

fn handle(caller: Leg) -> Result<(), String> {
    match greet_and_ring(&caller) {
        // A caller who hangs up is no error.
        Ok(()) | Err(LegError::Gone) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn greet_and_ring(caller: &Leg) -> Result<(), LegError> {
    trace::step("greet", "Greet the caller");
    caller.answer()?;
    let words = format!("Hello, {}. I ring 3 0 2.", caller.peer().user);
    caller.play(&[Prompt::say(words, "en")])?;

    trace::step("dial", "Ring 302");
    let callee = match dial(caller, &[Target::user("302")], &Dial::default()) {
        Ok(callee) => callee,
        Err(DialFailure::CallerGone) => return Ok(()),
        Err(_) => return say_sorry(caller),
    };
    if bridge(caller, &callee)? == BridgeEnd::SecondHungUp {
        caller.hang_up(Cause::Normal)?;
    }
    Ok(())
}

fn say_sorry(caller: &Leg) -> Result<(), LegError> {
    trace::step("sorry", "Say that 302 is not there");
    caller.play(&[Prompt::say("Sorry, nobody is there.", "en")])?;
    caller.hang_up(Cause::Normal)
}
