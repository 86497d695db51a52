//! What the service's answer means.

use serde::Deserialize;

/// A name is read aloud: longer ones are cut, in characters.
const NAME_MOST: usize = 80;

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The service knows the caller.
    Known(Person),
    /// It does not: 404, or 204.
    Stranger,
    /// It said nothing that helps: why, in words.
    Unsure(String),
}

/// What the service says of a caller: a JSON object, whose other keys are passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Person {
    /// How to greet the caller.
    pub name: Option<String>,
    /// Whether the caller goes the way of important ones.
    pub vip: bool,
}

/// Makes something of a response.
pub fn judge(status: u16, body: &[u8]) -> Verdict {
    match status {
        204 | 404 => Verdict::Stranger,
        // An array would be taken for the fields in their order.
        200..=299 if !body.trim_ascii_start().starts_with(b"{") => {
            Verdict::Unsure("the service's answer cannot be read: it is no JSON object".into())
        }
        200..=299 => match serde_json::from_slice::<Person>(body) {
            Ok(person) => Verdict::Known(Person {
                name: person.name.as_deref().and_then(speakable),
                ..person
            }),
            Err(error) => Verdict::Unsure(format!("the service's answer cannot be read: {error}")),
        },
        _ => Verdict::Unsure(format!("the service answers {status}")),
    }
}

/// The name without what cannot be read aloud; `None`: nothing is left.
fn speakable(name: &str) -> Option<String> {
    let clean: String = name
        .chars()
        .filter(|letter| !letter.is_control())
        .take(NAME_MOST)
        .collect();
    let clean = clean.trim();
    (!clean.is_empty()).then(|| clean.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(body: &str) -> Person {
        match judge(200, body.as_bytes()) {
            Verdict::Known(person) => person,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_caller_is_known_by_a_json_object() {
        let person = known(r#"{"id": 7, "name": "Ann Example", "vip": true}"#);
        assert_eq!((person.name.as_deref(), person.vip), (Some("Ann Example"), true));
        assert_eq!(known("{}"), Person::default());
        assert_eq!(known(r#"{"name": null}"#), Person::default());
    }

    #[test]
    fn names_are_cleaned_and_cut() {
        assert_eq!(known(r#"{"name": " Ann\n\u0007 "}"#).name.as_deref(), Some("Ann"));
        assert_eq!(known(r#"{"name": " \t"}"#).name, None);
        let long = format!(r#"{{"name": "{}"}}"#, "й".repeat(200));
        assert_eq!(known(&long).name.map(|name| name.chars().count()), Some(80));
    }

    #[test]
    fn who_is_not_found_is_a_stranger() {
        assert_eq!(judge(404, b"<html>"), Verdict::Stranger);
        assert_eq!(judge(204, b""), Verdict::Stranger);
    }

    #[test]
    fn all_else_is_no_help() {
        assert_eq!(
            judge(500, b"{}"),
            Verdict::Unsure("the service answers 500".into())
        );
        for body in ["", "[]", "<html>", r#"{"vip": "yes"}"#] {
            let verdict = judge(200, body.as_bytes());
            assert!(
                matches!(&verdict, Verdict::Unsure(why) if why.contains("cannot be read")),
                "{verdict:?}"
            );
        }
    }
}
