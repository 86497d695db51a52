//! The types of values: how each is read from TOML and written back.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use tandem_journal::Durability;
use toml::de::DeValue;

/// A type that a key may have.
pub trait Setting: Sized {
    /// What is accepted, to follow "expected".
    const SHAPE: &'static str;
    /// Reads a TOML value; none where it is not of [`Self::SHAPE`].
    fn read(value: &DeValue<'_>) -> Option<Self>;
    /// As TOML.
    fn write(&self) -> String;
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Types that TOML carries as one string.
macro_rules! in_string {
    ($type:ty, $shape:literal) => {
        impl Setting for $type {
            const SHAPE: &'static str = $shape;
            fn read(value: &DeValue<'_>) -> Option<Self> {
                value.as_str()?.parse().ok()
            }
            fn write(&self) -> String {
                quoted(&self.to_string())
            }
        }
    };
}

in_string!(
    SocketAddr,
    r#"an address with its port such as "127.0.0.1:8080" or "[::1]:8080""#
);
in_string!(IpAddr, r#"an IP address such as "127.0.0.1" or "::1""#);
in_string!(String, "a text");
in_string!(PortRange, r#"a range of ports such as "20000-29999""#);
in_string!(ByteSize, r#"a size such as "64 KiB" or "16 MiB""#);
in_string!(LogLevel, r#""error", "warn", "info", "debug" or "trace""#);
in_string!(JournalDurability, r#""off", "flush" or "sync""#);
in_string!(MailTls, r#""starttls", "implicit" or "none""#);

impl Setting for Vec<SocketAddr> {
    const SHAPE: &'static str = r#"a list of addresses with ports such as ["127.0.0.1:5060", "[::1]:5060"]"#;
    fn read(value: &DeValue<'_>) -> Option<Self> {
        // `--set sip.udp=A,B` arrives as one text; an empty one means none.
        if let Some(text) = value.as_str() {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            return parts.map(|part| part.parse().ok()).collect();
        }
        value
            .as_array()?
            .iter()
            .map(|item| SocketAddr::read(item.get_ref()))
            .collect()
    }
    fn write(&self) -> String {
        let items: Vec<String> = self.iter().map(Setting::write).collect();
        format!("[{}]", items.join(", "))
    }
}

impl Setting for Option<IpAddr> {
    const SHAPE: &'static str = r#"an IP address such as "192.0.2.1", or "" for none"#;
    fn read(value: &DeValue<'_>) -> Option<Self> {
        match value.as_str()? {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        }
    }
    fn write(&self) -> String {
        quoted(&self.map(|address| address.to_string()).unwrap_or_default())
    }
}

impl Setting for bool {
    const SHAPE: &'static str = "true or false";
    fn read(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Setting for u32 {
    const SHAPE: &'static str = "a whole number, 0 to 4294967295";
    fn read(value: &DeValue<'_>) -> Option<Self> {
        let integer = value.as_integer()?;
        Self::from_str_radix(integer.as_str(), integer.radix()).ok()
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Setting for Duration {
    const SHAPE: &'static str = r#"a time with its unit such as "250ms", "30s", "5m" or "1h""#;
    fn read(value: &DeValue<'_>) -> Option<Self> {
        parse_duration(value.as_str()?)
    }
    fn write(&self) -> String {
        quoted(&duration_text(*self))
    }
}

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Numbers each with a unit, largest first: `1h 30m`, `90s`, `250ms`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut total_ms: u64 = 0;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let tail = tail.trim_start();
        let (unit, tail) = tail.split_at(
            tail.find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(tail.len()),
        );
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
        total_ms = total_ms.checked_add(number.parse::<u64>().ok()?.checked_mul(*factor)?)?;
        rest = tail.trim_start();
    }
    Some(Duration::from_millis(total_ms))
}

/// A duration with units, to the millisecond: `1h 30m`, `2.5s` is `2s 500ms`.
pub fn duration_text(duration: Duration) -> String {
    let mut left = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut parts = Vec::new();
    for (name, factor) in UNITS {
        if left >= factor {
            parts.push(format!("{}{name}", left / factor));
            left %= factor;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// Ports from `low` to `high`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// First port.
    pub low: u16,
    /// Last port.
    pub high: u16,
}

impl FromStr for PortRange {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (low, high) = text.split_once('-').ok_or(())?;
        let (low, high) = (
            low.trim().parse().map_err(|_| ())?,
            high.trim().parse().map_err(|_| ())?,
        );
        if low == 0 || low > high {
            Err(())
        } else {
            Ok(Self { low, high })
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.low, self.high)
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl FromStr for ByteSize {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or(())?);
        let (_, factor) = SIZES.iter().find(|(name, _)| *name == unit.trim()).ok_or(())?;
        let bytes = number
            .parse::<u64>()
            .ok()
            .and_then(|n| n.checked_mul(*factor))
            .ok_or(())?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact = SIZES
            .iter()
            .find(|(_, factor)| self.0 >= *factor && self.0.is_multiple_of(*factor));
        let (name, factor) = exact.copied().unwrap_or(("B", 1));
        write!(f, "{} {name}", self.0 / factor)
    }
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Someone must act.
    Error,
    /// Degraded.
    Warn,
    /// Milestones of calls.
    Info,
    /// SIP messages.
    Debug,
    /// Packets.
    Trace,
}

impl LogLevel {
    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl FromStr for LogLevel {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or(())
    }
}

impl fmt::Display for LogLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the log of calls survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalDurability(pub Durability);

impl JournalDurability {
    const ALL: [(Durability, &str); 3] = [
        (Durability::Off, "off"),
        (Durability::Flush, "flush"),
        (Durability::Sync, "sync"),
    ];
}

impl FromStr for JournalDurability {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(durability, _)| Self(durability)).ok_or(())
    }
}

impl fmt::Display for JournalDurability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL
            .into_iter()
            .find(|(durability, _)| *durability == self.0);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailTls {
    /// Plain text that becomes TLS (RFC 3207); a server that offers none gets nothing.
    Starttls,
    /// TLS from the first byte (RFC 8314 §3.3).
    Implicit,
    /// Plain text.
    None,
}

impl MailTls {
    const ALL: [(Self, &str); 3] = [
        (Self::Starttls, "starttls"),
        (Self::Implicit, "implicit"),
        (Self::None, "none"),
    ];
}

impl FromStr for MailTls {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.into_iter().find(|(_, name)| *name == text);
        found.map(|(tls, _)| tls).ok_or(())
    }
}

impl fmt::Display for MailTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = Self::ALL.into_iter().find(|(tls, _)| tls == self);
        f.write_str(found.map_or("", |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_both_ways() {
        for (text, ms, written) in [
            ("250ms", 250, "250ms"),
            ("30s", 30_000, "30s"),
            ("90s", 90_000, "1m 30s"),
            ("1h 30m", 5_400_000, "1h 30m"),
            ("1d", 86_400_000, "1d"),
        ] {
            let read = parse_duration(text).unwrap();
            assert_eq!(
                (read, duration_text(read).as_str()),
                (Duration::from_millis(ms), written)
            );
            assert_eq!(parse_duration(written), Some(read));
        }
        for wrong in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "1 fortnight",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(parse_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_and_ranges_read_back_as_written() {
        for text in ["64 KiB", "3 MiB", "1000 B", "2 GiB"] {
            assert_eq!(text.parse::<ByteSize>().unwrap().to_string(), text);
        }
        assert_eq!(
            "20000-29999".parse(),
            Ok(PortRange {
                low: 20_000,
                high: 29_999
            })
        );
        for wrong in ["20000", "3-2", "0-5", "1-65536", "a-b"] {
            assert!(wrong.parse::<PortRange>().is_err(), "{wrong}");
        }
    }
}
