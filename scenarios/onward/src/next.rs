//! A destination, as settings have it.

use serde::Deserialize;
use tandem_sdk::Cause;

/// How long a number rings where nothing is said, in seconds.
const RING_S: u32 = 30;

/// Where a call goes on.
///
/// ```json
/// {"number": "302"}
/// {"ring": {"numbers": ["302", "303"], "ring_s": 20, "otherwise": {"hang_up": "busy"}}}
/// {"transfer": "700"}
/// "fall_back"
/// {"hang_up": "unavailable"}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Next {
    /// Rings an extension, or a number that leads to a user, for 30 s.
    Number(String),
    /// Rings several at once.
    Ring(Ring),
    /// Answers, and asks the caller's phone to call this number of the domain: one that starts another scenario too.
    Transfer(String),
    /// Leaves the caller, as it stands, to the number's fall-back: any other scenario. The call then counts as failed.
    FallBack,
    /// Ends the call.
    HangUp(Reason),
}

/// Several who ring at once.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ring {
    /// Extensions, or numbers that lead to users: 1 to 16.
    pub numbers: Vec<String>,
    /// How long they ring, in seconds: 1 to 600.
    #[serde(default = "ring_s")]
    pub ring_s: u32,
    /// Where the call goes on when nobody answers; none: it ends, with the cause of the failure.
    #[serde(default)]
    pub otherwise: Option<Box<Next>>,
}

fn ring_s() -> u32 {
    RING_S
}

/// Why a call is ended: what a caller who was not answered is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A normal end; for a caller who was never answered it is 480.
    Normal,
    /// 486
    Busy,
    /// 603
    Declined,
    /// 404
    NotFound,
    /// 403
    Forbidden,
    /// 480
    Unavailable,
    /// 503
    Congested,
}

impl From<Reason> for Cause {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Normal => Self::Normal,
            Reason::Busy => Self::Busy,
            Reason::Declined => Self::Declined,
            Reason::NotFound => Self::NotFound,
            Reason::Forbidden => Self::Forbidden,
            Reason::Unavailable => Self::Unavailable,
            Reason::Congested => Self::Congested,
        }
    }
}

impl Ring {
    /// One number, for as long as is usual.
    pub fn one(number: &str) -> Self {
        Self {
            numbers: vec![number.to_owned()],
            ring_s: RING_S,
            otherwise: None,
        }
    }
}

impl Next {
    /// Says in words what is outside its range; `at` is the path that leads here.
    pub fn check(&self, at: &str) -> Result<(), String> {
        match self {
            Self::Number(number) => checked(number, &format!("{at}.number")),
            Self::Transfer(number) => checked(number, &format!("{at}.transfer")),
            Self::FallBack | Self::HangUp(_) => Ok(()),
            Self::Ring(ring) => {
                let count = ring.numbers.len();
                if !(1..=16).contains(&count) {
                    return Err(format!("{at}.ring.numbers: {count} numbers, not 1 to 16"));
                }
                for number in &ring.numbers {
                    checked(number, &format!("{at}.ring.numbers"))?;
                }
                if !(1..=600).contains(&ring.ring_s) {
                    return Err(format!("{at}.ring.ring_s is {}, not 1 to 600", ring.ring_s));
                }
                let otherwise = ring.otherwise.as_deref();
                otherwise.map_or(Ok(()), |next| next.check(&format!("{at}.ring.otherwise")))
            }
        }
    }
}

fn checked(number: &str, at: &str) -> Result<(), String> {
    if (1..=64).contains(&number.len()) {
        return Ok(());
    }
    Err(format!(
        "{at}: a number has 1 to 64 characters, {number:?} has {}",
        number.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Next, String> {
        let next: Next = serde_json::from_str(text).map_err(|error| error.to_string())?;
        next.check("closed").map(|()| next)
    }

    #[test]
    fn every_form_is_read() {
        assert_eq!(read(r#"{"number": "302"}"#), Ok(Next::Number("302".into())));
        assert_eq!(read(r#"{"transfer": "700"}"#), Ok(Next::Transfer("700".into())));
        assert_eq!(read(r#""fall_back""#), Ok(Next::FallBack));
        assert_eq!(read(r#"{"hang_up": "busy"}"#), Ok(Next::HangUp(Reason::Busy)));
        let ring = Ring {
            otherwise: Some(Box::new(Next::FallBack)),
            ..Ring::one("302")
        };
        let text = r#"{"ring": {"numbers": ["302"], "otherwise": "fall_back"}}"#;
        assert_eq!(read(text), Ok(Next::Ring(ring)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let problem = |text| read(text).unwrap_err();
        assert_eq!(
            problem(r#"{"ring": {"numbers": []}}"#),
            "closed.ring.numbers: 0 numbers, not 1 to 16"
        );
        assert_eq!(
            problem(r#"{"ring": {"numbers": ["1"], "ring_s": 601}}"#),
            "closed.ring.ring_s is 601, not 1 to 600"
        );
        assert_eq!(
            problem(r#"{"ring": {"numbers": ["1"], "otherwise": {"number": ""}}}"#),
            "closed.ring.otherwise.number: a number has 1 to 64 characters, \"\" has 0"
        );
        assert!(problem(r#"{"voicemail": "1"}"#).contains("unknown variant `voicemail`"));
        assert!(problem(r#"{"hang_up": "rude"}"#).contains("unknown variant `rude`"));
        assert!(problem(r#"{"ring": {"numbers": ["1"], "for": 3}}"#).contains("unknown field `for`"));
    }
}
