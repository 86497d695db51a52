//! Calls back who has asked for it in the scenario `callback`: for the entry points `event:call-ended` and
//! `event:user-registered`.
//!
//! When a call ends that a user made, or took by way of `callback`, or its phone comes back, the one who has waited longest
//! for that user is rung; the number in the settings, where `callback` is, handles that call. `callback` marks the calls
//! that are taken: the end of one that rang in vain says nothing of who is there.

use serde::Deserialize;
use tandem_sdk::originate::{self, Originate};
use tandem_sdk::{Address, Event, Target, clock, config, key_value, log};

tandem_sdk::event_scenario!(handle);

/// What is set, as JSON.
///
/// ```json
/// {"entry_point": "302", "wait_min": 120}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// A number whose scenario is `callback`.
    entry_point: String,
    /// Who has asked longer ago, in minutes, is not called any more.
    #[serde(default = "two_hours")]
    wait_min: u64,
}

fn two_hours() -> u64 {
    120
}

/// The fields of the events that are heard here; others have more.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Data {
    from: String,
    to: String,
    user: String,
    started_ms: u64,
    ended_ms: u64,
}

impl Data {
    /// Whether the user who was dialled took this call: its last talk began in it.
    fn was_taken(&self, talked_ms: Option<u64>) -> bool {
        talked_ms.is_some_and(|at_ms| (self.started_ms..=self.ended_ms).contains(&at_ms))
    }

    /// Whether this is the end of the call in which the caller asked: it says nothing of the user.
    fn is_wish_of(&self, caller: &str, user: &str, asked_ms: u64) -> bool {
        self.from == caller && self.to == user && (self.started_ms..=self.ended_ms).contains(&asked_ms)
    }
}

/// One event.
pub fn handle(event: Event) -> Result<(), String> {
    let settings: Settings = serde_json::from_str(&config::document())
        .map_err(|error| format!("callback-watch settings: {error}"))?;
    let data: Data = serde_json::from_str(&event.data).map_err(|error| format!("{}: {error}", event.kind))?;
    for user in [&data.from, &data.user] {
        if !user.is_empty() {
            call_back(&settings, &data, user)?;
        }
    }
    if !data.to.is_empty() && data.was_taken(talked_ms(&data.to)?) {
        call_back(&settings, &data, &data.to)?;
    }
    Ok(())
}

/// When this user last took a call, by the mark of `callback`.
fn talked_ms(user: &str) -> Result<Option<u64>, String> {
    let mark = key_value::get(&format!("callback-talk/{user}"))?;
    Ok(mark.as_deref().and_then(milliseconds))
}

fn milliseconds(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// Rings who has waited longest for this user, if anybody has.
fn call_back(settings: &Settings, data: &Data, user: &str) -> Result<(), String> {
    let now_ms = clock::since_epoch().as_millis() as u64;
    let prefix = format!("callback/{user}/");
    let mut first: Option<(u64, String)> = None;
    for key in key_value::keys(&prefix, "", 100)? {
        let asked_ms = key_value::get(&key)?.as_deref().and_then(milliseconds);
        let asked_ms = asked_ms.unwrap_or_default();
        let caller = key.trim_start_matches(prefix.as_str());
        if asked_ms + settings.wait_min * 60_000 < now_ms {
            key_value::delete(&key)?;
        } else if !data.is_wish_of(caller, user, asked_ms)
            && first.as_ref().is_none_or(|(before, _)| asked_ms < *before)
        {
            first = Some((asked_ms, key));
        }
    }
    let Some((_, key)) = first else { return Ok(()) };
    let caller = key.trim_start_matches(prefix.as_str()).to_owned();
    let how = Originate {
        caller_id: Some(Address {
            user: user.to_owned(),
            host: String::new(),
            display_name: String::new(),
        }),
        ..Originate::default()
    };
    // Where this fails the event is given again, and the wish is still there.
    match originate::call(&Target::user(&caller), &settings.entry_point, user, &how) {
        Ok(call) => log::info(&format!("calling {caller} back about {user}: {call}")),
        Err(originate::OriginateFailure::NotFound(_)) => log::info(&format!("there is no {caller} any more")),
        Err(failure) => return Err(failure.into()),
    }
    key_value::delete(&key)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_in_which_somebody_asked_is_no_sign_that_the_user_is_free() {
        let data: Data =
            serde_json::from_str(r#"{"from":"301","to":"302","started_ms":5,"ended_ms":9,"cause":"normal"}"#)
                .unwrap();
        assert!(data.is_wish_of("301", "302", 7));
        assert!(!data.is_wish_of("301", "302", 4));
        assert!(!data.is_wish_of("303", "302", 7));
    }
}
