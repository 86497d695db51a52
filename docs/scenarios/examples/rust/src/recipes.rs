//! The recipes of docs/scenarios/cookbook.md. They are compiled with the tour; each is a part of a scenario of its own.
#![allow(dead_code)]

use std::time::Duration;

use serde::Deserialize;
use tandem_sdk::recording::{self, Record, Recorded};
use tandem_sdk::schedule::{self, State};
use tandem_sdk::{
    BridgeEnd, Cause, Collect, Dial, DialFailure, Event, Leg, LegError, Prompt, Target, WebRequest,
    WebResponse, bridge, clock, dial, http, key_value, log, originate, random, trace,
};

fn menu(caller: &Leg) -> Result<Option<char>, LegError> {
    trace::step("menu", "Menu");
    let ask = Collect {
        prompts: vec![Prompt::say(
            "For sales press 1, for service press 2, to hear this again press 0.",
            "en",
        )],
        ..Collect::default()
    };
    for _ in 0..3 {
        match caller.collect(&ask)?.digits.chars().next() {
            Some(choice @ ('1' | '2')) => return Ok(Some(choice)),
            Some('0') | None => (),
            Some(other) => drop(caller.play(&[Prompt::say(format!("{other} is no choice."), "en")])?),
        }
    }
    Ok(None)
}

fn confirmed_number(caller: &Leg) -> Result<Option<String>, LegError> {
    for _ in 0..3 {
        let entered = caller.collect(&Collect {
            prompts: vec![Prompt::say(
                "Enter your customer number, then press the hash key.",
                "en",
            )],
            min: 5,
            max: 10,
            terminators: "#".into(),
            ..Collect::default()
        })?;
        if !entered.complete {
            continue;
        }
        // One digit after another, or 12345 would be read as a number.
        let spelt = entered
            .digits
            .chars()
            .map(String::from)
            .collect::<Vec<_>>()
            .join(", ");
        let answer = caller.collect(&Collect {
            prompts: vec![Prompt::say(
                format!("You entered {spelt}. If this is right, press 1."),
                "en",
            )],
            ..Collect::default()
        })?;
        if answer.digits == "1" {
            return Ok(Some(entered.digits));
        }
    }
    Ok(None)
}

fn hunt(caller: &Leg, members: &[&str]) -> Result<(), String> {
    let how = Dial {
        timeout: Duration::from_secs(15),
        ..Dial::default()
    };
    for member in members {
        match dial(caller, &[Target::user(*member)], &how) {
            Ok(callee) => return connect(caller, &callee),
            Err(DialFailure::CallerGone) => return Ok(()),
            Err(failure) => log::info(&format!("{member}: {}", String::from(failure))),
        }
    }
    Ok(caller.hang_up(Cause::Unavailable)?)
}

fn connect(caller: &Leg, callee: &Leg) -> Result<(), String> {
    match bridge(caller, callee) {
        Ok(BridgeEnd::FirstHungUp) | Err(LegError::Gone) => callee.hang_up(Cause::Normal)?,
        Ok(BridgeEnd::SecondHungUp | BridgeEnd::Lost) => caller.hang_up(Cause::Normal)?,
        Err(other) => return Err(other.into()),
    }
    Ok(())
}

fn hours(caller: &Leg) -> Result<bool, String> {
    let text = match schedule::look_up("office")?.state {
        State::Open => return Ok(true),
        State::Closed => "We are closed now.".to_owned(),
        State::Holiday(name) => format!("We are closed today: {name}."),
    };
    // Before the answer: the caller pays nothing, and still hears why.
    caller.early_media()?;
    caller.play(&[Prompt::say(text, "en")])?;
    caller.hang_up(Cause::Unavailable)?;
    Ok(false)
}

#[derive(Deserialize)]
struct Customer {
    name: String,
    agent: Option<String>,
}

fn customer(number: &str) -> Option<Customer> {
    let url = format!(
        "https://crm.example.com/callers/{}",
        number.trim_start_matches('+')
    );
    let asked = http::Request::get(&url)
        .bearer("crm-token")
        .timeout_ms(1_500)
        .send();
    match asked
        .map_err(http::JsonError::from)
        .and_then(|answer| answer.json())
    {
        Ok(customer) => Some(customer),
        // A slow or broken service costs a greeting, not the call.
        Err(error) => {
            log::warn(&error.to_string());
            None
        }
    }
}

fn memo(caller: &Leg) -> Result<Recorded, String> {
    caller.answer()?;
    caller.play(&[Prompt::say("Speak after the tone, and press the hash key.", "en")])?;
    let recorded = recording::record(
        caller,
        &Record {
            length: Duration::from_secs(180),
            silence: Duration::from_secs(5),
            ..Record::default() // a beep, and `#` ends it
        },
    )?;
    let id = key_value::increment("memo/count", 1)?;
    let key = format!("memo/{id:08}");
    key_value::set(&key, recorded.recording.name.as_bytes())?;
    Ok(recorded)
}

/// Whether this caller has called more than five times in this hour.
fn calls_too_often(caller: &Leg) -> bool {
    let hour = clock::since_epoch().as_secs() / 3_600;
    let key = format!("rate/{hour}/{}", caller.peer().user);
    match key_value::increment(&key, 1) {
        Ok(calls) => calls > 5,
        // A store that is full or away is no reason to send callers off.
        Err(error) => {
            log::warn(&format!("rate: {error:?}"));
            false
        }
    }
}

/// Forgets the hours before this one; from an event scenario at `event:every-1h`.
fn forget_rates() -> Result<(), key_value::KvError> {
    let now = format!("rate/{}/", clock::since_epoch().as_secs() / 3_600);
    for key in key_value::keys("rate/", "", 1_000)? {
        if !key.starts_with(&now) {
            key_value::delete(&key)?;
        }
    }
    Ok(())
}

/// `a` or `b`: by chance the first time, then the same for each call of this caller.
fn variant(caller: &Leg) -> Result<char, key_value::KvError> {
    let key = format!("menu-test/{}", caller.peer().user);
    if let Some(before) = key_value::get(&key)? {
        return Ok(if before == b"b" { 'b' } else { 'a' });
    }
    let drawn = if random::next() % 100 < 20 { 'b' } else { 'a' };
    key_value::set(&key, drawn.to_string().as_bytes())?;
    Ok(drawn)
}

#[derive(Deserialize)]
struct CallEnded {
    entry_point: Option<String>,
    answered_ms: Option<u64>,
}

/// An event scenario at `event:call-ended`: counts the calls of each number, by day.
fn count_calls(event: Event) -> Result<(), String> {
    let call: CallEnded = serde_json::from_str(&event.data).map_err(|error| error.to_string())?;
    let today = clock::local();
    let number = call.entry_point.unwrap_or_default();
    let what = if call.answered_ms.is_some() {
        "answered"
    } else {
        "missed"
    };
    let key = format!(
        "calls/{:04}-{:02}-{:02}/{number}/{what}",
        today.year, today.month, today.day
    );
    key_value::increment(&key, 1)?;
    Ok(())
}

/// A web scenario at `web:/counter`: tells what was counted, as JSON.
fn counter(request: WebRequest) -> Result<WebResponse, String> {
    let day = request.path.trim_start_matches("/counter/");
    if request.method != "GET" || day.is_empty() {
        return Ok(WebResponse::text(404, "ask for /counter/YYYY-MM-DD"));
    }
    let mut counts = serde_json::Map::new();
    let prefix = format!("calls/{day}/");
    for key in key_value::keys(&prefix, "", 1_000)? {
        let count = key_value::get(&key)?.unwrap_or_default();
        let name = key.trim_start_matches(&prefix).to_owned();
        counts.insert(name, String::from_utf8_lossy(&count).into_owned().into());
    }
    Ok(WebResponse::json(
        200,
        serde_json::Value::Object(counts).to_string(),
    ))
}

/// A web scenario at `web:/call`: POST /call/301 with a number rings 301, then whoever has the number.
fn click_to_call(request: WebRequest) -> Result<WebResponse, String> {
    let user = request.path.trim_start_matches("/call/");
    let number = request.text().unwrap_or_default();
    if request.method != "POST" || user.is_empty() || number.is_empty() {
        return Ok(WebResponse::text(400, "POST a number to /call/USER"));
    }
    match originate::call(
        &Target::user(user),
        "900",
        number,
        &originate::Originate::default(),
    ) {
        Ok(call) => Ok(WebResponse::text(202, call)),
        Err(failure) => Ok(WebResponse::text(409, String::from(failure))),
    }
}

/// The call scenario at 900: its caller is the user who answered.
fn call_the_number(user: Leg) -> Result<(), String> {
    let number = originate::data().ok_or("900 is for originated calls")?;
    match dial(&user, &[Target::number(number)], &Dial::default()) {
        Ok(callee) => connect(&user, &callee),
        Err(DialFailure::CallerGone) => Ok(()),
        Err(failure) => {
            log::info(&String::from(failure));
            user.hang_up(Cause::Unavailable).or_else(gone_is_fine)
        }
    }
}

/// Who hangs up makes no error of the scenario.
fn gone_is_fine(error: LegError) -> Result<(), String> {
    match error {
        LegError::Gone => Ok(()),
        other => Err(other.into()),
    }
}
