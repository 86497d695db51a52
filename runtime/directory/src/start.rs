//! What starts a scenario, read from an entry point's name: a dialled number or pattern, a path of the web, an event.

use std::fmt;
use std::time::Duration;

use tandem_pattern::{Pattern, PatternError};

/// What an entry point is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartedBy {
    /// `300`, `3XX`: a call scenario.
    Call(Pattern),
    /// `web:/crm`: a web scenario, for `/s/DOMAIN/crm` and all below it.
    Web(String),
    /// `event:call-ended`, `event:every-5m`: an event scenario.
    Event(EventKind),
}

/// Which events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// `call-ended`: a call's record is written.
    CallEnded,
    /// `call-started`: a scenario begins to handle a call.
    CallStarted,
    /// `call-answered`: a call's caller is answered, or an originated call's target has answered.
    CallAnswered,
    /// `user-registered`: a user has a device again, or for the first time.
    UserRegistered,
    /// `user-unregistered`: the last device of a user is gone.
    UserUnregistered,
    /// `every-30s`, `every-5m`, `every-1h`: time passes.
    Every(Duration),
    /// `timer-reminder`: a timer that a scenario has set, called `reminder` or `reminder/…`.
    Timer(String),
}

/// Why a name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartedByError {
    /// It looks like a number.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// `web:` and no path.
    #[error(
        "behind `web:` stands a path such as `/crm`: it begins with `/`, does not end with one (`web:/` alone is all), \
         and has letters, digits, - . _ ~ and single slashes"
    )]
    Path,
    /// `event:` and something else.
    #[error(
        "behind `event:` stands `call-started`, `call-answered`, `call-ended`, `user-registered`, `user-unregistered`, \
         `every-` with 10s to 24h, such as `every-5m`, or `timer-` with a name of a-z, 0-9, - _ and ."
    )]
    Event,
}

impl StartedBy {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, StartedByError> {
        if let Some(path) = text.strip_prefix("web:") {
            return checked_path(path).map(Self::Web).ok_or(StartedByError::Path);
        }
        if let Some(event) = text.strip_prefix("event:") {
            return EventKind::parse(event)
                .map(Self::Event)
                .ok_or(StartedByError::Event);
        }
        Ok(Self::Call(Pattern::parse(text)?))
    }

    /// What it is, in a word that the names of worlds begin with.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Call(_) => "call",
            Self::Web(_) => "web",
            Self::Event(_) => "event",
        }
    }
}

impl EventKind {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "call-ended" => return Some(Self::CallEnded),
            "call-started" => return Some(Self::CallStarted),
            "call-answered" => return Some(Self::CallAnswered),
            "user-registered" => return Some(Self::UserRegistered),
            "user-unregistered" => return Some(Self::UserUnregistered),
            _ => (),
        }
        if let Some(name) = text.strip_prefix("timer-") {
            let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
            let good = (1..=64).contains(&name.len()) && name.bytes().all(letters);
            return good.then(|| Self::Timer(name.to_owned()));
        }
        let every = text.strip_prefix("every-")?;
        let digits = every.trim_end_matches(['s', 'm', 'h']);
        let number: u64 = digits.parse().ok().filter(|_| !digits.starts_with(['0', '+']))?;
        let seconds = match every.strip_prefix(digits)? {
            "s" => number,
            "m" => number.checked_mul(60)?,
            "h" => number.checked_mul(3_600)?,
            _ => return None,
        };
        (10..=86_400)
            .contains(&seconds)
            .then(|| Self::Every(Duration::from_secs(seconds)))
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallEnded => f.write_str("call-ended"),
            Self::CallStarted => f.write_str("call-started"),
            Self::CallAnswered => f.write_str("call-answered"),
            Self::UserRegistered => f.write_str("user-registered"),
            Self::UserUnregistered => f.write_str("user-unregistered"),
            Self::Every(_) | Self::Timer(_) => f.write_str("timer"),
        }
    }
}

fn checked_path(path: &str) -> Option<String> {
    let letters = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let rest = path.strip_prefix('/')?;
    let good = rest.is_empty()
        || rest
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && part.chars().all(letters));
    good.then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_starts_a_scenario() {
        for (name, kind) in [
            ("3XX", "call"),
            ("web:/", "web"),
            ("web:/crm/v1", "web"),
            ("event:call-ended", "event"),
            ("event:call-started", "event"),
            ("event:call-answered", "event"),
            ("event:user-registered", "event"),
            ("event:user-unregistered", "event"),
        ] {
            assert_eq!(StartedBy::parse(name).unwrap().kind(), kind, "{name}");
        }
        let every = |text: &str| match StartedBy::parse(text) {
            Ok(StartedBy::Event(EventKind::Every(time))) => Some(time.as_secs()),
            _ => None,
        };
        assert_eq!(every("event:every-30s"), Some(30));
        assert_eq!(every("event:every-5m"), Some(300));
        assert_eq!(every("event:every-24h"), Some(86_400));
        let timer = StartedBy::parse("event:timer-re.min_der-7").unwrap();
        assert_eq!(timer, StartedBy::Event(EventKind::Timer("re.min_der-7".into())));
    }

    #[test]
    fn what_is_no_name_is_refused_in_its_own_words() {
        for path in [
            "web:",
            "web:crm",
            "web:/crm/",
            "web://",
            "web:/a b",
            "web:/a/../b",
            "web:/é",
        ] {
            assert_eq!(StartedBy::parse(path), Err(StartedByError::Path), "{path}");
        }
        for event in [
            "event:",
            "event:every-",
            "event:every-5",
            "event:every-9s",
            "event:every-25h",
            "event:every-05m",
            "event:every-5ms",
            "event:every-99999999999999999999h",
            "event:calls",
            "event:timer-",
            "event:timer-Reminder",
            "event:timer-reminder/7",
        ] {
            assert_eq!(StartedBy::parse(event), Err(StartedByError::Event), "{event}");
        }
        assert!(matches!(
            StartedBy::parse("30:0"),
            Err(StartedByError::Pattern(_))
        ));
    }
}
