//! The words of scripts: each says what is wrong with it, and the parser says where.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

/// Longest time that a script may give.
const TIME_MAX: Duration = Duration::from_hours(24);

/// A time such as `500ms`, `2s` or `1m 30s`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub struct Time(pub Duration);

impl TryFrom<String> for Time {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bad = || format!("{text:?} is no time: write 500ms, 2s, 1m 30s or 1h, at most 24h");
        let time: SignedDuration = text.parse().map_err(|_| bad())?;
        let time = Duration::try_from(time).map_err(|_| bad())?;
        if time > TIME_MAX {
            return Err(bad());
        }
        // The exchange counts milliseconds, as the contract does.
        Ok(Self(Duration::from_millis(time.as_millis() as u64)))
    }
}

/// Digits that a phone can send.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Digits(pub String);

impl TryFrom<String> for Digits {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Err("there is no digit to press".to_owned());
        }
        match text
            .chars()
            .find(|c| !matches!(c, '0'..='9' | '*' | '#' | 'A'..='D'))
        {
            Some(odd) => Err(format!("{odd:?} is no digit: a phone has 0-9, *, # and A-D")),
            None => Ok(Self(text)),
        }
    }
}

/// A time zone's name, such as `Europe/Moscow`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(pub TimeZone);

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        TimeZone::get(&name)
            .map(Self)
            .map_err(|_| format!("{name:?} is no time zone: write UTC or a name such as Europe/Moscow"))
    }
}

/// A moment: with its offset from UTC, or as the domain's clock shows it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "toml::value::Datetime")]
pub enum Moment {
    /// `2026-03-02T09:00:00Z`
    Exact(Timestamp),
    /// `2026-03-02T09:00:00`
    Local(DateTime),
}

impl TryFrom<toml::value::Datetime> for Moment {
    type Error = String;

    fn try_from(written: toml::value::Datetime) -> Result<Self, String> {
        let text = written.to_string();
        let read = if written.offset.is_some() {
            text.parse().map(Self::Exact)
        } else {
            text.parse().map(Self::Local)
        };
        read.map_err(|_| format!("{text} is no moment: write 2026-03-02T09:00:00, or with +03:00 behind it"))
    }
}

impl Moment {
    /// When that is.
    pub fn timestamp(self, zone: &TimeZone) -> Result<Timestamp, String> {
        match self {
            Self::Exact(moment) => Ok(moment),
            Self::Local(local) => local
                .to_zoned(zone.clone())
                .map(|zoned| zoned.timestamp())
                .map_err(|error| error.to_string()),
        }
    }
}

/// A status that a callee's device can refuse with.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u16")]
pub struct Refusal(pub u16);

impl TryFrom<u16> for Refusal {
    type Error = String;

    fn try_from(status: u16) -> Result<Self, String> {
        if (300..=699).contains(&status) {
            return Ok(Self(status));
        }
        Err(format!(
            "a device cannot refuse with {status}: write a status from 300 to 699"
        ))
    }
}
