//! Asks a web service who calls, greets by name, and sends important callers another way.
//!
//! Its way: [`Settings`] → the service is asked, for a moment at most → [`verdict::judge`] makes something of the
//! answer → the caller is greeted and goes on. A service that is slow, broken or not allowed costs no call: the caller
//! is then treated as anyone. Its steps, in the call's trace: `look-up`, then `known`, `stranger` or `unsure`.
//!
//! Not here: the domain's own address book (the interface `contacts`).

mod settings;
pub mod verdict;

use onward::{Words, go};
use serde::Serialize;
use tandem_sdk::http::{Request, Response};
use tandem_sdk::{Leg, LegError, clock, config, log, metrics, trace};

pub use settings::Settings;
use verdict::{Person, Verdict, judge};

tandem_sdk::scenario!(handle);

/// One call. An error is a configuration that cannot be read, or the fall-back that it wants.
pub fn handle(caller: Leg) -> Result<(), String> {
    let (settings, words): (Settings, _) = onward::Settings::parse(&config::document())?;
    // The caller hears that it rings while the service is asked. Who is gone will be noticed by what comes next.
    let _ = caller.ring();
    trace::step("look-up", "Ask who calls");
    let number = caller.peer().user;
    let verdict = look_up(&settings, &number);
    let next = match &verdict {
        Verdict::Known(person) => {
            trace::step("known", "The caller is known");
            count("crm_known");
            if !greet(&caller, person, &words)? {
                return Ok(());
            }
            if person.vip {
                settings.vip()
            } else {
                &settings.others
            }
        }
        Verdict::Stranger => {
            trace::step("stranger", "Nobody knows the caller");
            count("crm_strangers");
            log::info(&format!("the service does not know {number}"));
            tell_miss(&settings, &caller, &number);
            &settings.others
        }
        Verdict::Unsure(why) => {
            trace::step("unsure", "The service is of no help");
            count("crm_failures");
            log::warn(why);
            &settings.others
        }
    };
    go(&caller, next, words.prompt("nobody", &[]).as_ref())
}

fn look_up(settings: &Settings, number: &str) -> Verdict {
    if number.is_empty() {
        return Verdict::Unsure("the caller sends no number".into());
    }
    let request = Request::get(&settings.url_for(number)).header("Accept", "application/json");
    match send(settings, request) {
        Ok(response) => judge(response.status(), response.body()),
        Err(why) => Verdict::Unsure(why),
    }
}

/// Who was missed, as the service gets it.
#[derive(Debug, Serialize)]
struct Miss<'a> {
    caller: &'a str,
    called: &'a str,
    at_ms: u64,
}

/// Tells the service of a caller that it does not know, where the settings say where.
fn tell_miss(settings: &Settings, caller: &Leg, number: &str) {
    let Some(url) = &settings.miss_url else { return };
    let miss = Miss {
        caller: number,
        called: &caller.local().user,
        at_ms: u64::try_from(clock::since_epoch().as_millis()).unwrap_or(u64::MAX),
    };
    let told = serde_json::to_vec(&miss)
        .map_err(|error| error.to_string())
        .and_then(|body| send(settings, Request::post(url, "application/json", body)));
    match told {
        Ok(response) if response.is_success() => (),
        Ok(response) => log::warn(&format!("the miss was not taken: {}", response.status())),
        Err(why) => log::warn(&format!("the miss was not taken: {why}")),
    }
}

fn send(settings: &Settings, request: Request) -> Result<Response, String> {
    let request = request.timeout_ms(settings.timeout_ms);
    let request = match &settings.secret {
        Some(secret) => request.bearer(secret),
        None => request,
    };
    Ok(request.send()?)
}

/// Answers and greets, where the person has a name and there is a greeting; false: the caller hung up.
fn greet(caller: &Leg, person: &Person, words: &Words) -> Result<bool, String> {
    let greeting = person
        .name
        .as_deref()
        .and_then(|name| words.prompt("greeting", &[("name", name)]));
    let Some(greeting) = greeting else {
        return Ok(true);
    };
    match caller.answer().and_then(|()| caller.play(&[greeting])) {
        Ok(_) => Ok(true),
        Err(LegError::Gone) => Ok(false),
        // Without sound there is no greeting, but there may be a talk.
        Err(LegError::Media(why)) => {
            log::warn(&why);
            Ok(true)
        }
        Err(other) => Err(other.into()),
    }
}

/// A number that cannot be counted is no reason to lose a call.
fn count(name: &str) {
    if let Err(error) = metrics::count(name, 1) {
        log::warn(&format!("{name}: {error:?}"));
    }
}
