//! Sends a call one way while it is open, and another while it is closed or a holiday, by opening hours of the domain
//! (`tandem schedule`).
//!
//! Its way: [`Settings`] → the host says what the schedule has for this moment → [`decide`] → the caller hears
//! why and goes there. Its steps, in the call's trace: `hours`, then `open`, `closed`, `holiday` or `unsure`.
//!
//! Not here: the hours themselves, which are data of the domain, and menus (`flow`).

mod settings;

use onward::{Next, go, say};
use tandem_sdk::schedule::{self, ScheduleError, State};
use tandem_sdk::{Leg, config, log, trace};

pub use settings::{Settings, Unsure};

tandem_sdk::scenario!(handle);

/// One call. An error is a configuration that cannot be read, or the fall-back that it wants.
pub fn handle(caller: Leg) -> Result<(), String> {
    let (settings, words): (Settings, _) = onward::Settings::parse(&config::document())?;
    trace::step("hours", "Look at the hours");
    let found = schedule::look_up(&settings.schedule).map(|status| status.state);
    let choice = decide(&settings, &found);
    trace::step(choice.step, choice.name);
    if let Some(problem) = &choice.problem {
        log::warn(problem);
    }
    let said = choice
        .phrase
        .and_then(|key| words.prompt(key, &[("holiday", choice.holiday)]));
    if let Some(prompt) = said {
        say(&caller, &prompt);
    }
    let farewell = choice.is_open.then(|| words.prompt("nobody", &[])).flatten();
    go(&caller, choice.next, farewell.as_ref())
}

/// What becomes of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The trace's step, and what people call it.
    pub step: &'static str,
    /// See `step`.
    pub name: &'static str,
    /// Whether callers are served.
    pub is_open: bool,
    /// The phrase that the caller hears first.
    pub phrase: Option<&'static str>,
    /// The holiday's name; else empty.
    pub holiday: &'a str,
    /// Where the call goes on.
    pub next: &'a Next,
    /// What whoever runs this should know.
    pub problem: Option<String>,
}

/// Decides by what the schedule says.
pub fn decide<'a>(settings: &'a Settings, found: &'a Result<State, ScheduleError>) -> Choice<'a> {
    let open = Choice {
        step: "open",
        name: "It is open",
        is_open: true,
        phrase: None,
        holiday: "",
        next: &settings.open,
        problem: None,
    };
    let closed = Choice {
        step: "closed",
        name: "It is closed",
        is_open: false,
        phrase: Some("closed"),
        next: &settings.closed,
        ..open.clone()
    };
    match found {
        Ok(State::Open) => open,
        Ok(State::Closed) => closed,
        Ok(State::Holiday(name)) => Choice {
            step: "holiday",
            name: "It is a holiday",
            phrase: Some("holiday"),
            holiday: name,
            next: settings.holiday.as_ref().unwrap_or(&settings.closed),
            ..closed
        },
        Err(error) => Choice {
            step: "unsure",
            name: "The hours are not known",
            problem: Some(format!("{}: {}", settings.schedule, String::from(*error))),
            ..match settings.when_unsure {
                Unsure::Open => open,
                Unsure::Closed => closed,
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(more: &str) -> Settings {
        let text = format!(r#"{{"schedule": "office", "open": {{"number": "302"}}{more}}}"#);
        let (settings, _) = onward::Settings::parse(&text).unwrap();
        settings
    }

    #[test]
    fn each_state_has_its_way() {
        let settings = settings(r#", "closed": {"number": "303"}, "holiday": {"transfer": "700"}"#);
        for (state, step, next, phrase) in [
            (State::Open, "open", Next::Number("302".into()), None),
            (
                State::Closed,
                "closed",
                Next::Number("303".into()),
                Some("closed"),
            ),
            (
                State::Holiday("Easter".into()),
                "holiday",
                Next::Transfer("700".into()),
                Some("holiday"),
            ),
        ] {
            let found = Ok(state);
            let choice = decide(&settings, &found);
            assert_eq!((choice.step, choice.next, choice.phrase), (step, &next, phrase));
        }
    }

    #[test]
    fn a_holiday_without_a_way_of_its_own_is_closed() {
        let found = Ok(State::Holiday("Easter".into()));
        let settings = settings(r#", "closed": {"number": "303"}"#);
        let choice = decide(&settings, &found);
        assert_eq!(
            (choice.next, choice.holiday),
            (&Next::Number("303".into()), "Easter")
        );
    }

    #[test]
    fn hours_that_are_not_known_are_open_unless_it_is_said_otherwise() {
        let found = Err(ScheduleError::NotFound);
        assert!(decide(&settings(""), &found).is_open);
        let closed = settings(r#", "when_unsure": "closed""#);
        let choice = decide(&closed, &found);
        assert!(!choice.is_open);
        assert_eq!(
            choice.problem.as_deref(),
            Some("office: schedule: there is none of this name")
        );
    }
}
