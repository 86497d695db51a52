//! Originates the calls of appointments that are due: for an entry point such as `event:every-1m`.
//!
//! An appointment is a key `reminder/ID` of the domain's store, with JSON such as
//! `{"at_ms": 1795863600000, "user": "301", "text": "Tomorrow at nine: the dentist."}`: when to call, whom, what to say.
//! It is called once; the number in the settings, where the scenario `reminder` is, handles the call.

use serde::Deserialize;
use serde_json::Value;
use tandem_sdk::originate::{self, Originate};
use tandem_sdk::{Event, Target, clock, config, key_value, log};

tandem_sdk::event_scenario!(handle);

/// What is set, as JSON.
///
/// ```json
/// {"entry_point": "730"}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// A number whose scenario is `reminder`.
    entry_point: String,
}

/// One tick.
pub fn handle(_: Event) -> Result<(), String> {
    let settings: Settings = serde_json::from_str(&config::document())
        .map_err(|error| format!("reminder-watch settings: {error}"))?;
    let now_ms = clock::since_epoch().as_millis() as u64;
    let mut after = String::new();
    loop {
        let keys = key_value::keys("reminder/", &after, 1_000)?;
        let Some(last) = keys.last().cloned() else {
            return Ok(());
        };
        for key in keys {
            call_if_due(&settings, &key, now_ms)?;
        }
        after = last;
    }
}

fn call_if_due(settings: &Settings, key: &str, now_ms: u64) -> Result<(), String> {
    let Some(value) = key_value::get(key)? else {
        return Ok(());
    };
    let Ok(mut appointment) = serde_json::from_slice::<Value>(&value) else {
        log::warn(&format!("{key} is no JSON"));
        return Ok(());
    };
    let is_due = appointment.get("state").is_none()
        && appointment
            .get("at_ms")
            .and_then(Value::as_u64)
            .is_some_and(|at_ms| at_ms <= now_ms);
    if !is_due {
        return Ok(());
    }
    let user = appointment
        .get("user")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let state = match originate::call(
        &Target::number(user),
        &settings.entry_point,
        key,
        &Originate::default(),
    ) {
        Ok(call) => {
            log::info(&format!("{key}: calling {user}: {call}"));
            "called"
        }
        // At the next tick again.
        Err(originate::OriginateFailure::Limit(_)) => return Ok(()),
        Err(failure) => {
            log::warn(&format!("{key}: {}", String::from(failure)));
            "failed"
        }
    };
    if let Some(fields) = appointment.as_object_mut() {
        fields.insert("state".to_owned(), state.into());
    }
    key_value::set(key, appointment.to_string().as_bytes())?;
    Ok(())
}
