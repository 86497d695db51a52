//! Takes a caller to a destination.

use std::time::Duration;

use tandem_sdk::{
    BridgeEnd, Cause, Dial, DialFailure, Leg, LegError, Prompt, Target, TransferFailure, TransferTarget,
    bridge, dial, log, trace, transfer,
};

use crate::{Failure, Next, Ring};

/// How long a phone may take to tell what became of a transfer.
const TRANSFER: Duration = Duration::from_secs(60);

/// Takes the caller to `next`, to the end of the call. `farewell` is heard before the call ends without a talk.
///
/// The error hands the call to the number's fall-back: the settings want it, or the host refuses what no caller can
/// bring about.
pub fn go(caller: &Leg, next: &Next, farewell: Option<&Prompt>) -> Result<(), String> {
    match next {
        Next::Number(number) => ring(caller, &Ring::one(number), farewell),
        Next::Ring(several) => ring(caller, several, farewell),
        Next::Transfer(number) => pass_on(caller, number, farewell),
        Next::FallBack => {
            trace::step("fall-back", "Leave the call to the fall-back");
            Err("the settings leave the call to the number's fall-back".into())
        }
        Next::HangUp(reason) => part(caller, (*reason).into(), farewell),
    }
}

/// Lets the caller hear something: before the answer as early media, which costs nothing.
pub fn say(caller: &Leg, prompt: &Prompt) {
    let heard = caller
        .early_media()
        .and_then(|()| caller.play(std::slice::from_ref(prompt)));
    match heard {
        // Who is gone will be noticed by what comes next.
        Ok(_) | Err(LegError::Gone) => (),
        Err(other) => log::warn(&String::from(other)),
    }
}

/// Connects the two until one of them hangs up, and hangs up whoever is left.
pub fn talk(caller: &Leg, callee: &Leg) -> Result<(), String> {
    match bridge(caller, callee) {
        Ok(BridgeEnd::FirstHungUp) | Err(LegError::Gone) => {
            // Either may be the one that went: hanging up a leg that is gone does nothing.
            callee.hang_up(Cause::Normal)?;
            caller.hang_up(Cause::Normal)?;
        }
        Ok(BridgeEnd::SecondHungUp) => caller.hang_up(Cause::Normal)?,
        Ok(BridgeEnd::Lost) => {
            log::warn("the media of one side was lost");
            caller.hang_up(Cause::Normal)?;
            callee.hang_up(Cause::Normal)?;
        }
        Err(other) => {
            log::warn(&String::from(other));
            callee.hang_up(Cause::Normal)?;
            // The caller is not answered yet, so this is a final status: 488, no session could be agreed on.
            caller.hang_up(Cause::Status(488))?;
        }
    }
    Ok(())
}

fn ring(caller: &Leg, ring: &Ring, farewell: Option<&Prompt>) -> Result<(), String> {
    trace::step("ring", &format!("Ring {}", ring.numbers.join(", ")));
    let targets: Vec<_> = ring.numbers.iter().map(Target::number).collect();
    let how = Dial {
        timeout: Duration::from_secs(ring.ring_s.into()),
        ..Dial::default()
    };
    match dial(caller, &targets, &how) {
        Ok(callee) => {
            trace::step("talk", "The two talk");
            talk(caller, &callee)
        }
        Err(DialFailure::CallerGone) => Ok(()),
        Err(failure) => {
            let failure = Failure::from(failure);
            if let Some(problem) = &failure.problem {
                log::warn(problem);
            }
            match &ring.otherwise {
                Some(next) => go(caller, next, farewell),
                None => part(caller, failure.cause, farewell),
            }
        }
    }
}

fn pass_on(caller: &Leg, number: &str, farewell: Option<&Prompt>) -> Result<(), String> {
    trace::step("transfer", &format!("Send the caller to {number}"));
    let sent = match caller.answer() {
        Ok(()) => transfer(caller, &TransferTarget::number(number), TRANSFER),
        Err(LegError::Gone) => return Ok(()),
        Err(other) => return Err(other.into()),
    };
    match sent {
        Ok(()) => part(caller, Cause::Normal, None),
        Err(TransferFailure::Gone) => Ok(()),
        Err(failure) => {
            log::warn(&String::from(failure));
            part(caller, Cause::Normal, farewell)
        }
    }
}

fn part(caller: &Leg, cause: Cause, farewell: Option<&Prompt>) -> Result<(), String> {
    trace::step("end", "End the call");
    if let Some(prompt) = farewell {
        say(caller, prompt);
    }
    caller.hang_up(cause)?;
    Ok(())
}
