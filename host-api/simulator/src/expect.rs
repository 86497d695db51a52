//! What was expected of a call and did not come, in words.

use std::time::Duration;

use tandem_host_api::{End, WebResponse};

use crate::case::{Act, Case, Cause, EndedBy, Response, ScenarioEnd};
use crate::run::Played;

/// One line for each thing that went another way than the case says.
pub fn failures(case: &Case, played: &Played) -> Vec<String> {
    let mut failures = Vec::new();
    let (expect, seen) = (&case.expect, &played.seen);
    if let Some(why) = &seen.given_up {
        failures.push(why.clone());
    }
    scenario(case, &played.end, &mut failures);
    acts(case, &seen.acts_left, &mut failures);
    in_order(
        "the caller hears",
        &expect.hears,
        &seen.heard,
        |heard, wanted| heard.contains(wanted),
        &mut failures,
    );
    for text in &expect.never_hears {
        if let Some(heard) = seen.heard.iter().find(|heard| heard.contains(text)) {
            failures.push(format!("the caller never hears {text:?}: he heard {heard:?}"));
        }
    }
    in_order(
        "the scenario enters the step",
        &expect.steps,
        &seen.steps,
        |step, wanted| step == wanted,
        &mut failures,
    );
    in_order(
        "the scenario logs",
        &expect.log,
        &seen.log,
        |line, wanted| line.contains(wanted),
        &mut failures,
    );
    in_order(
        "the scenario requests",
        &expect.requests,
        &seen.requests,
        |request, wanted| request.contains(wanted),
        &mut failures,
    );
    in_order(
        "the scenario mails",
        &expect.mails,
        &seen.mails,
        |mail, wanted| mail.contains(wanted),
        &mut failures,
    );
    for (name, wanted) in &expect.voicemail {
        let found = seen.voicemail.get(name).cloned().unwrap_or_default();
        differs(&format!("voicemail {name}"), Some(wanted), &found, &mut failures);
    }
    for (name, wanted) in &expect.metrics {
        let found = seen.metrics.get(name);
        // As near as sums of binary fractions come.
        if found.is_none_or(|found| (found - wanted).abs() > 1e-9) {
            let found = found.map_or("none".to_owned(), f64::to_string);
            failures.push(format!("metric {name}: expected {wanted}, got {found}"));
        }
    }
    differs("dials", expect.dials.as_ref(), &seen.dialled, &mut failures);
    differs(
        "originates",
        expect.originates.as_ref(),
        &seen.originated,
        &mut failures,
    );
    if let Some(wanted) = &expect.timers {
        let waiting = seen.timers.iter();
        let found: Vec<String> = waiting.map(|(name, after)| format!("{name} {after}")).collect();
        differs("timers", Some(wanted), &found, &mut failures);
    }
    differs("bridged", expect.bridged.as_ref(), &seen.bridged, &mut failures);
    differs("lasts", expect.lasts.as_ref(), &played.lasted, &mut failures);
    if let Some(wanted) = expect.ended_by
        && seen.ended_by != Some(wanted)
    {
        let found = seen.ended_by.map_or("nobody", name);
        failures.push(format!("ended_by: expected {}, got {found}", name(wanted)));
    }
    if let Some(wanted) = &expect.cause {
        let (word, status) = seen.cause.unwrap_or(("none", 0));
        let fits = match wanted {
            Cause::Word(wanted) => wanted == word,
            Cause::Status(wanted) => *wanted == status,
        };
        if !fits {
            let wanted = match wanted {
                Cause::Word(wanted) => wanted.clone(),
                Cause::Status(wanted) => wanted.to_string(),
            };
            failures.push(format!("cause: expected {wanted}, got {word} ({status})"));
        }
    }
    if let Some(wanted) = &expect.response {
        response(wanted, seen.response.as_ref(), &mut failures);
    }
    for (key, wanted) in &expect.key_values {
        let found = played
            .key_values
            .get(key)
            .map(|value| String::from_utf8_lossy(value).into_owned());
        if found != *wanted {
            let said = |value: &Option<String>| {
                value
                    .as_ref()
                    .map_or("no such key".to_owned(), |v| format!("{v:?}"))
            };
            failures.push(format!(
                "key {key:?}: expected {}, got {}",
                said(wanted),
                said(&found)
            ));
        }
    }
    failures
}

fn response(wanted: &Response, found: Option<&WebResponse>, failures: &mut Vec<String>) {
    let Some(found) = found else {
        return failures.push("response: there was none".to_owned());
    };
    if let Some(status) = wanted.status
        && status != found.status
    {
        failures.push(format!("status: expected {status}, got {}", found.status));
    }
    for (name, value) in &wanted.headers {
        let values = found
            .headers
            .iter()
            .filter(|(is, _)| is.eq_ignore_ascii_case(name));
        let values: Vec<String> = values.map(|(_, value)| value.clone()).collect();
        if !values.contains(value) {
            failures.push(format!(
                "header {name}: expected {value:?}, got {}",
                listed(&values)
            ));
        }
    }
    let body = String::from_utf8_lossy(&found.body);
    if let Some(wanted) = &wanted.body
        && *wanted != body
    {
        failures.push(format!("body: expected {wanted:?}, got {body:?}"));
    }
    if let Some(wanted) = &wanted.json
        && serde_json::from_slice::<serde_json::Value>(&found.body)
            .ok()
            .as_ref()
            != Some(wanted)
    {
        failures.push(format!("json: expected {wanted}, got {body:?}"));
    }
    for text in &wanted.contains {
        if !body.contains(text.as_str()) {
            failures.push(format!("the body contains {text:?}: it is {body:?}"));
        }
    }
}

fn scenario(case: &Case, end: &End, failures: &mut Vec<String>) {
    let (kind, text) = kind(end);
    let fits = match case.expect.scenario {
        Some(wanted) => wanted == kind,
        // An expected error says that the scenario fails somehow.
        None if case.expect.error.is_some() => !matches!(kind, ScenarioEnd::Returned | ScenarioEnd::CallOver),
        None => matches!(kind, ScenarioEnd::Returned | ScenarioEnd::CallOver),
    };
    if !fits {
        failures.push(format!("the scenario {}", described(end)));
    }
    if let Some(wanted) = &case.expect.error
        && !text.contains(wanted.as_str())
    {
        failures.push(format!("error: expected {wanted:?} in {text:?}"));
    }
}

/// How a scenario ended, for people.
pub fn described(end: &End) -> String {
    match end {
        End::Returned => "returned".to_owned(),
        End::Failed(text) => format!("failed: {text}"),
        End::Trapped { message, .. } => format!("trapped: {message}"),
        // How many milliseconds it was differs from run to run.
        End::OverBudget(limit) if limit.starts_with("CPU") => "used up its CPU time".to_owned(),
        End::OverBudget(limit) => format!("was over its budget: {limit}"),
        End::CallOver => "was stopped: the call was over".to_owned(),
        End::Refused(why) => format!("was not started: {why}"),
        End::Diverged(how) => format!("diverged: {how}"),
    }
}

fn kind(end: &End) -> (ScenarioEnd, &str) {
    match end {
        End::Returned => (ScenarioEnd::Returned, ""),
        End::Failed(text) => (ScenarioEnd::Failed, text),
        End::Trapped { message, .. } => (ScenarioEnd::Trapped, message),
        End::OverBudget(limit) | End::Refused(limit) => (ScenarioEnd::OverBudget, limit),
        End::CallOver => (ScenarioEnd::CallOver, ""),
        // Nothing is resumed here.
        End::Diverged(how) => (ScenarioEnd::Trapped, how),
    }
}

fn acts(case: &Case, left: &[Act], failures: &mut Vec<String>) {
    if let Some(act) = left.first() {
        let number = case.acts.len() - left.len() + 1;
        failures.push(format!(
            "the call ended before the caller's act {number} of {}: {act}",
            case.acts.len()
        ));
    }
}

/// What was wanted must be among what was found, in order.
fn in_order(
    what: &str,
    wanted: &[String],
    found: &[String],
    fits: impl Fn(&str, &str) -> bool,
    failures: &mut Vec<String>,
) {
    let mut rest = found.iter();
    for (place, want) in wanted.iter().enumerate() {
        if !rest.any(|one| fits(one, want)) {
            let after = place.checked_sub(1).and_then(|before| wanted.get(before));
            let after = after.map_or(String::new(), |before| format!(" after {before:?}"));
            failures.push(format!("{what} {want:?}{after}: there was {}", listed(found)));
            return;
        }
    }
}

fn listed(found: &[String]) -> String {
    /// More would hide the rest of the report; the trace has them all.
    const SHOWN: usize = 12;
    if found.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<String> = found.iter().take(SHOWN).map(|one| format!("{one:?}")).collect();
    let more = if found.len() > SHOWN { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn differs<T: PartialEq + Said>(what: &str, wanted: Option<&T>, found: &T, failures: &mut Vec<String>) {
    if let Some(wanted) = wanted
        && wanted != found
    {
        failures.push(format!(
            "{what}: expected {}, got {}",
            wanted.said(),
            found.said()
        ));
    }
}

trait Said {
    fn said(&self) -> String;
}

impl Said for Duration {
    fn said(&self) -> String {
        format!("{self:?}")
    }
}

impl Said for Vec<String> {
    fn said(&self) -> String {
        listed(self)
    }
}

fn name(by: EndedBy) -> &'static str {
    match by {
        EndedBy::Caller => "caller",
        EndedBy::Callee => "callee",
        EndedBy::Scenario => "scenario",
    }
}
