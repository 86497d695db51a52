//! The activation's configuration.

use std::fmt::Write as _;

use onward::{Language, Next, OwnWords, Phrase};
use serde::Deserialize;

/// What is said by itself.
const PHRASES: [Phrase; 2] = [
    Phrase {
        key: "greeting",
        english: "Hello, {name}. One moment, please.",
        russian: "Здравствуйте, {name}. Одну минуту, пожалуйста.",
    },
    Phrase {
        key: "nobody",
        english: "Sorry, nobody can take your call right now.",
        russian: "К сожалению, сейчас никто не может вам ответить.",
    },
];

/// What may be set, as JSON; `url` and `others` must be.
///
/// ```json
/// {"url": "https://crm.example.com/callers/{number}", "secret": "crm-token", "timeout_ms": 1500,
///  "vip": {"number": "303"}, "others": {"ring": {"numbers": ["302", "304"]}},
///  "miss_url": "https://crm.example.com/misses", "language": "en", "words": {"greeting": "Welcome back, {name}."}}
/// ```
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    url: String,
    /// The name of the secret that is shown as a bearer token.
    #[serde(default)]
    pub secret: Option<String>,
    /// How long the service may take, in milliseconds: 100 to 10,000.
    #[serde(default = "two_seconds")]
    pub timeout_ms: u32,
    #[serde(default)]
    vip: Option<Next>,
    /// Where everybody else goes.
    pub others: Next,
    /// Where a caller that the service does not know is told to it, by POST.
    #[serde(default)]
    pub miss_url: Option<String>,
    #[serde(default)]
    language: Language,
    #[serde(default)]
    words: OwnWords,
}

fn two_seconds() -> u32 {
    2_000
}

impl onward::Settings for Settings {
    const SCENARIO: &'static str = "crm";
    const PHRASES: &'static [Phrase] = &PHRASES;

    fn spoken(&self) -> (&Language, &OwnWords) {
        (&self.language, &self.words)
    }

    fn check(&self) -> Result<(), String> {
        if !self.url.contains("{number}") {
            return Err(format!(
                "url: {:?} has no {{number}}, where the caller's number goes",
                self.url
            ));
        }
        for (key, url) in [("url", Some(&self.url)), ("miss_url", self.miss_url.as_ref())] {
            if url.is_some_and(|url| !url.starts_with("https://") && !url.starts_with("http://")) {
                return Err(format!("{key}: it begins with neither https:// nor http://"));
            }
        }
        if !(100..=10_000).contains(&self.timeout_ms) {
            return Err(format!("timeout_ms is {}, not 100 to 10000", self.timeout_ms));
        }
        self.others.check("others")?;
        self.vip.as_ref().map_or(Ok(()), |next| next.check("vip"))
    }
}

impl Settings {
    /// The URL that is asked about a number.
    pub fn url_for(&self, number: &str) -> String {
        self.url.replace("{number}", &encoded(number))
    }

    /// Where important callers go; not set: where all do.
    pub fn vip(&self) -> &Next {
        self.vip.as_ref().unwrap_or(&self.others)
    }
}

/// All but unreserved characters as `%XX` (RFC 3986 §2.1): a caller chooses its number, not the path.
fn encoded(number: &str) -> String {
    let mut text = String::new();
    for byte in number.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'~' => text.push(byte.into()),
            // Writing to a String cannot fail. A dot is encoded too: two of them would be a way up.
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use onward::Settings as _;

    use super::*;

    #[test]
    fn a_service_and_a_way_are_enough() {
        let text = r#"{"url": "https://crm.example.com/{number}", "others": {"number": "302"}}"#;
        let (settings, _) = Settings::parse(text).unwrap();
        assert_eq!(
            (settings.timeout_ms, settings.vip()),
            (2_000, &Next::Number("302".into()))
        );
    }

    #[test]
    fn a_number_cannot_change_the_path() {
        let text = r#"{"url": "https://crm.example.com/c/{number}?full=1", "others": "fall_back"}"#;
        let (settings, _) = Settings::parse(text).unwrap();
        assert_eq!(
            settings.url_for("+49301"),
            "https://crm.example.com/c/%2B49301?full=1"
        );
        assert_eq!(
            settings.url_for("../a?b#c"),
            "https://crm.example.com/c/%2E%2E%2Fa%3Fb%23c?full=1"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (document, words) in [
            ("{}", "crm configuration: missing field `url`"),
            (
                r#"{"url": "https://a.example/", "others": "fall_back"}"#,
                "has no {number}",
            ),
            (
                r#"{"url": "ftp://a.example/{number}", "others": "fall_back"}"#,
                "neither https:// nor http://",
            ),
            (
                r#"{"url": "https://a.example/{number}", "others": "fall_back", "timeout_ms": 60000}"#,
                "timeout_ms is 60000, not 100 to 10000",
            ),
            (
                r#"{"url": "https://a.example/{number}", "others": {"number": ""}}"#,
                "others.number",
            ),
        ] {
            let problem = Settings::parse(document).unwrap_err();
            assert!(problem.contains(words), "{document}: {problem}");
        }
    }
}
