//! Does what the dialled number says, and logs what came of it.

use std::time::Duration;

use tandem_sdk::leg_events::{self, BridgeUntilEnd};
use tandem_sdk::recording::{self, Record, Side};
use tandem_sdk::{Collect, Dial, Leg, Prompt, Target, TransferTarget, checkpoint, clock, deadline, log};

tandem_sdk::scenario!(handle);

const S: fn(u64) -> Duration = Duration::from_secs;

pub fn handle(caller: Leg) -> Result<(), String> {
    match caller.local().user.as_str() {
        "710" => record(&caller),
        "711" => tape(&caller),
        "712" => hold(&caller),
        "713" => transfer(&caller),
        "714" => message(&caller),
        "715" => long(&caller),
        "716" => anew(&caller),
        "717" => codes(&caller),
        other => Err(format!("{other} is no number of this guest")),
    }
}

/// A message of ten seconds at most; then the caller hears it, and it is deleted where the caller presses 7.
fn record(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    let rule = Record {
        length: S(10),
        silence: S(2),
        pause_digit: Some('*'),
        ..Record::default()
    };
    let recorded = match recording::record(caller, &rule) {
        Ok(recorded) => recorded,
        Err(error) => {
            log::info(&format!("record: {}", String::from(error.clone())));
            return Err(error.into());
        }
    };
    log::info(&format!("record: {recorded:?}"));
    let name = recorded.recording.name;
    caller.play(&[Prompt::file(name.as_str()), Prompt::tone(400, S(1))])?;
    let pressed = caller.collect(&Collect::default())?;
    if pressed.digits == "7" {
        recording::delete(&name)?;
        log::info(&format!("deleted: {name}"));
    }
    Ok(())
}

/// Records a conversation with 302, both sides.
fn tape(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    let recorder = recording::start(caller, Side::Both, S(600))?;
    let callee = tandem_sdk::dial(
        caller,
        &[Target::user("302")],
        &Dial {
            ringback: false,
            ..Dial::default()
        },
    )?;
    let end = tandem_sdk::bridge(caller, &callee)?;
    let recorded = recorder.finish()?;
    log::info(&format!("tape: {end:?} {recorded:?}"));
    Ok(())
}

/// Three seconds of music, two of silence, then music again until a tone.
fn hold(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    tandem_sdk::hold(caller)?;
    clock::sleep(S(3));
    tandem_sdk::resume(caller)?;
    clock::sleep(S(2));
    tandem_sdk::hold(caller)?;
    tandem_sdk::hold(caller)?;
    clock::sleep(S(2));
    caller.play(&[Prompt::tone(1_500, S(1))])?;
    clock::sleep(S(1));
    Ok(())
}

/// Sends the caller on to 302.
fn transfer(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    let outcome = tandem_sdk::transfer(caller, &TransferTarget::number("302"), S(20));
    log::info(&format!("transfer: {outcome:?}"));
    Ok(())
}

/// Tells 302 who called.
fn message(caller: &Leg) -> Result<(), String> {
    let text = format!("{} called you – call back", caller.peer().user);
    let outcome = tandem_sdk::send_message("302", &text, None);
    log::info(&format!("message: {outcome:?}"));
    Ok(())
}

/// A message of a minute, with neither silence nor beep.
fn long(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    let rule = Record {
        beep: false,
        length: S(60),
        silence: Duration::ZERO,
        ..Record::default()
    };
    let recorded = recording::record(caller, &rule);
    log::info(&format!("long: {recorded:?}"));
    Ok(())
}

/// Calls 302, then begins anew with each digit and tells it by a tone; # connects the two.
fn anew(caller: &Leg) -> Result<(), String> {
    let Some(mut saved) = checkpoint::load() else {
        caller.answer()?;
        let _callee = tandem_sdk::dial(
            caller,
            &[Target::user("302")],
            &Dial {
                ringback: false,
                ..Dial::default()
            },
        )?;
        return Err(checkpoint::renew(&[]).into());
    };
    caller.play(&[Prompt::tone(400, Duration::from_millis(500))])?;
    let rule = Collect {
        first_digit_timeout: S(60),
        ..Collect::default()
    };
    match caller.collect(&rule)?.digits.as_str() {
        "#" => {
            log::info(&format!("anew: {}", String::from_utf8_lossy(&saved.state)));
            let callee = saved.legs.pop().ok_or("302 was lost")?;
            tandem_sdk::bridge(caller, &callee)?;
            Ok(())
        }
        digit => {
            saved.state.extend(digit.bytes());
            Err(checkpoint::renew(&saved.state).into())
        }
    }
}

/// Talks with 302. A star ends that: the caller then hears a tone, and presses something on either phone to talk on. Before,
/// a menu of a minute that may take two seconds.
fn codes(caller: &Leg) -> Result<(), String> {
    caller.answer()?;
    deadline::set(S(2));
    let rule = Collect {
        prompts: vec![Prompt::tone(1_200, S(60))],
        ..Collect::default()
    };
    let entered = caller.collect(&rule);
    log::info(&format!("late: {} {entered:?}", deadline::passed()));
    deadline::clear();
    let dial = Dial {
        ringback: false,
        ..Dial::default()
    };
    let callee = tandem_sdk::dial(caller, &[Target::user("302")], &dial)?;
    loop {
        let end = leg_events::bridge_until(caller, &callee, "*")?;
        log::info(&format!("codes: {end:?}"));
        let BridgeUntilEnd::Digit(_) = end else {
            return Ok(());
        };
        caller.play(&[Prompt::tone(1_500, Duration::from_millis(500))])?;
        let event = leg_events::wait(&[caller, &callee], S(20))?;
        log::info(&format!("event: {event:?}"));
    }
}
