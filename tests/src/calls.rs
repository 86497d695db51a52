//! Calls as `tandem call list|show|replay` tells them.

use serde_json::Value;
use std::time::Duration;
use tandem_kit::failure::Doing;
use tandem_kit::tandem::{Output, Tandem};
use tandem_kit::{Result, wait};

/// Exit code of a replay that took another way than the recorded call.
pub const REPLAY_DIVERGED: i32 = 4;

/// A record is written moments after the call's end, on a busy machine some later.
const RECORD_WITHIN: Duration = Duration::from_secs(20);

/// A call record.
#[derive(Debug)]
pub struct Call {
    json: Value,
}

/// A leg of a call record.
#[derive(Debug, Clone, Copy)]
pub struct Leg<'a> {
    json: &'a Value,
}

/// The records of all calls that are over, newest first.
///
/// # Errors
/// When the command fails.
pub fn list(tandem: &Tandem) -> Result<Vec<Value>> {
    let list = tandem.json(&["call", "list"])?;
    let mut calls = list
        .get("calls")
        .and_then(Value::as_array)
        .cloned()
        .doing("looking for an array of calls")?;
    calls.sort_by_key(|call| std::cmp::Reverse(text(call, "started_at").unwrap_or_default()));
    Ok(calls)
}

/// The records of a domain's calls that are over.
///
/// # Errors
/// When the command fails.
pub fn list_in(tandem: &Tandem, domain: &str) -> Result<Vec<Value>> {
    let list = tandem.json(&["call", "list", "--domain", domain])?;
    list.get("calls")
        .and_then(Value::as_array)
        .cloned()
        .doing("looking for an array of calls")
}

/// Waits for the record of the newest call to `number`.
///
/// # Errors
/// When it is not written within 20 s.
pub fn call_to(tandem: &Tandem, number: &str) -> Result<Call> {
    let id = wait::until(
        RECORD_WITHIN,
        &format!("the record of a call to {number}"),
        || {
            let calls = list(tandem).ok()?;
            let to = |call: &&Value| text(call, "to_number").is_ok_and(|to| to == number);
            text(calls.iter().find(to)?, "id").ok()
        },
    )?;
    Ok(Call {
        json: tandem.json(&["call", "show", &id])?,
    })
}

/// Waits for the record of the only call.
///
/// # Errors
/// When it is not written within 20 s.
pub fn only_call(tandem: &Tandem) -> Result<Call> {
    let id = wait::until(RECORD_WITHIN, "the call's record", || {
        let calls = list(tandem).ok()?;
        text(calls.first()?, "id").ok()
    })?;
    Ok(Call {
        json: tandem.json(&["call", "show", &id])?,
    })
}

impl Call {
    /// Its id.
    ///
    /// # Errors
    /// When the record has none.
    pub fn id(&self) -> Result<String> {
        text(&self.json, "id")
    }

    /// A field that holds text.
    ///
    /// # Errors
    /// When the record has no such field.
    pub fn text(&self, name: &str) -> Result<String> {
        text(&self.json, name)
    }

    /// How often the call was taken up again after its process had ended.
    ///
    /// # Errors
    /// When the record does not say.
    pub fn recoveries(&self) -> Result<u64> {
        self.json
            .get("recoveries")
            .and_then(Value::as_u64)
            .doing(&format!("looking for recoveries in {}", self.json))
    }

    /// From the INVITE to the end.
    ///
    /// # Errors
    /// When the record has none.
    pub fn duration(&self) -> Result<Duration> {
        millis(&self.json, "duration_ms")
    }

    /// Its legs.
    ///
    /// # Errors
    /// When the record has none.
    pub fn legs(&self) -> Result<Vec<Leg<'_>>> {
        let legs = self
            .json
            .get("legs")
            .and_then(Value::as_array)
            .doing("looking for legs")?;
        Ok(legs.iter().map(|json| Leg { json }).collect())
    }

    /// The leg of this user.
    ///
    /// # Errors
    /// When there is none.
    pub fn leg_of(&self, user: &str) -> Result<Leg<'_>> {
        let mut legs = self.legs()?.into_iter();
        legs.find(|leg| text(leg.json, "user").is_ok_and(|name| name == user))
            .doing(&format!("looking for the leg of {user} in {}", self.json))
    }
}

impl Leg<'_> {
    /// From answer to end.
    ///
    /// # Errors
    /// When the record has none.
    pub fn talk(&self) -> Result<Duration> {
        millis(self.json, "talk_ms")
    }

    /// RTP packets received from the peer.
    ///
    /// # Errors
    /// When the record has none.
    pub fn rtp_received(&self) -> Result<u64> {
        self.json
            .get("rtp_received")
            .and_then(Value::as_u64)
            .doing("looking for rtp_received")
    }

    /// A field that holds text.
    ///
    /// # Errors
    /// When the record has no such field.
    pub fn text(&self, name: &str) -> Result<String> {
        text(self.json, name)
    }
}

/// Asserts that a recorded duration lies between one that was measured within it and one that was measured around
/// it, to 0.1 s.
///
/// # Errors
/// When it does not.
pub fn as_measured(what: &str, recorded: Duration, within: Duration, around: Duration) -> Result<()> {
    let clocks = Duration::from_millis(100);
    if (within.saturating_sub(clocks)..=around + clocks).contains(&recorded) {
        return Ok(());
    }
    Err(tandem_kit::Failure::new(format!(
        "{what}: recorded {recorded:?}, measured {within:?} to {around:?}"
    )))
}

/// Runs `tandem call replay`.
///
/// # Errors
/// When it cannot be run; a divergence is in the exit code.
pub fn replay(tandem: &Tandem, id: &str, more: &[&str]) -> Result<Output> {
    tandem.cli(&[&["call", "replay", id], more].concat())
}

/// The number of the journal entry in which the menu collected a digit: lines of a replay begin with the entry's
/// number and name the host call.
///
/// # Errors
/// When the replay tells of no collection.
pub fn collected_digit(replay: &Output) -> Result<u64> {
    let number = |line: &str| {
        line.split_whitespace()
            .next()?
            .trim_end_matches([':', '.'])
            .parse()
            .ok()
    };
    let mut lines = replay.stdout.lines().filter(|line| line.contains("collect"));
    lines
        .find_map(number)
        .doing(&format!("looking for a collected digit in {}", replay.stdout))
}

fn text(json: &Value, name: &str) -> Result<String> {
    json.get(name)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .doing(&format!("looking for {name} in {json}"))
}

fn millis(json: &Value, name: &str) -> Result<Duration> {
    let value = json
        .get(name)
        .and_then(Value::as_u64)
        .doing(&format!("looking for {name} in {json}"))?;
    Ok(Duration::from_millis(value))
}
