//! The activation's configuration.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What may be set, as JSON; every key has a default. At most one of the first three is given; with none of them callers
/// listen to their own boxes.
///
/// ```json
/// {"leave_for": "sales", "messages": {"language": "en", "mail": {"sales": "sales@example.com"}}}
/// {"leave_prefix": "*8"}
/// {"listen_to": "sales", "codes": {"sales": "2580"}}
/// ```
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Callers leave messages for this box.
    leave_for: Option<String>,
    /// Callers leave messages for the box whose number follows this in what they dialled.
    leave_prefix: Option<String>,
    /// Callers listen to this box.
    listen_to: Option<String>,
    /// What opens a box, by its name: 1 to 16 digits. The others open to their users without, and a box that is listened
    /// to by `listen_to` to everybody.
    codes: BTreeMap<String, String>,
    /// How messages are left, and in which language all is spoken.
    pub messages: mailbox::Settings,
}

/// What a number is for.
#[derive(Debug, PartialEq, Eq)]
pub enum Use<'a> {
    /// Messages for this box.
    LeaveFor(&'a str),
    /// Messages for the box behind this prefix.
    LeaveBehind(&'a str),
    /// Listening, to this box or the caller's own.
    Listen(Option<&'a str>),
}

impl Settings {
    /// Reads the configuration; the error says what is wrong and where.
    pub fn parse(document: &str) -> Result<Self, String> {
        let wrong = |why: String| format!("voicemail configuration: {why}");
        let settings: Self = serde_json::from_str(document).map_err(|error| wrong(error.to_string()))?;
        let uses = [&settings.leave_for, &settings.leave_prefix, &settings.listen_to];
        if uses.iter().filter(|given| given.is_some()).count() > 1 {
            return Err(wrong(
                "give one of leave_for, leave_prefix and listen_to".to_owned(),
            ));
        }
        let digits = |code: &String| {
            (1..=16).contains(&code.len()) && code.bytes().all(|digit| digit.is_ascii_digit())
        };
        if let Some((name, _)) = settings.codes.iter().find(|(_, code)| !digits(code)) {
            return Err(wrong(format!("codes: that of {name:?} is not 1 to 16 digits")));
        }
        settings
            .messages
            .check()
            .map_err(|why| wrong(format!("messages: {why}")))?;
        Ok(settings)
    }

    /// What the number is for.
    pub fn used(&self) -> Use<'_> {
        match (&self.leave_for, &self.leave_prefix) {
            (Some(name), _) => Use::LeaveFor(name),
            (None, Some(prefix)) => Use::LeaveBehind(prefix),
            (None, None) => Use::Listen(self.listen_to.as_deref()),
        }
    }

    /// What opens a box; none: nothing has to.
    pub fn code_of(&self, name: &str) -> Option<&str> {
        self.codes.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_for_what_its_settings_say() {
        let parsed = |document: &str| Settings::parse(document).unwrap();
        assert_eq!(parsed("{}").used(), Use::Listen(None));
        let settings = parsed(r#"{"listen_to": "sales", "codes": {"sales": "2580"}}"#);
        assert_eq!(settings.used(), Use::Listen(Some("sales")));
        assert_eq!(
            (settings.code_of("sales"), settings.code_of("301")),
            (Some("2580"), None)
        );
        assert_eq!(parsed(r#"{"leave_prefix": "*8"}"#).used(), Use::LeaveBehind("*8"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let problem = |document| Settings::parse(document).unwrap_err();
        assert!(problem(r#"{"leave_for": "a", "listen_to": "b"}"#).contains("give one of"));
        assert!(problem(r#"{"codes": {"301": "12a"}}"#).contains("that of \"301\" is not 1 to 16 digits"));
        assert_eq!(
            problem(r#"{"messages": {"length_s": 1}}"#),
            "voicemail configuration: messages: length_s is 1, not 5 to 600"
        );
        assert!(problem(r#"{"pin": 1}"#).contains("unknown field `pin`"));
    }
}
