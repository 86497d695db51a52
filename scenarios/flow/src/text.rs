//! Texts in which `{name}` stands for a variable.
//!
//! A name begins with a letter or `_` and goes on with letters, digits, `_`, `.` and `-`; braces around anything else are
//! what they are.

use std::fmt::Write as _;

/// The longest text that a variable holds or that is spoken, in characters: longer ones are cut.
pub const MOST: usize = 4_096;

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands there.
    Text(&'a str),
    /// What this variable holds.
    Variable(&'a str),
}

/// The pieces of a text, in order.
pub fn pieces(text: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if let Some(name) = name_at(rest) {
            rest = rest.get(name.len() + 2..).unwrap_or_default();
            return Some(Piece::Variable(name));
        }
        let mut braces = rest.match_indices('{').map(|(at, _)| at);
        let end = braces.find(|at| rest.get(*at..).and_then(name_at).is_some());
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(Piece::Text(piece))
    })
}

/// The variables that a text names.
pub fn variables(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter_map(|piece| match piece {
        Piece::Variable(name) => Some(name),
        Piece::Text(_) => None,
    })
}

/// Whether `{name}` finds a variable of this name.
pub fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(is_inside)
}

fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// The name in the braces with which the text begins.
fn name_at(text: &str) -> Option<&str> {
    let inside = text.strip_prefix('{')?;
    let length = inside.bytes().take_while(|byte| is_inside(*byte)).count();
    let (name, after) = inside.split_at_checked(length)?;
    (after.starts_with('}') && is_name(name)).then_some(name)
}

/// The text with what the variables hold, cut after [`MOST`] characters.
pub fn fill(text: &str, mut of: impl FnMut(&str) -> String) -> String {
    let mut filled = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable(name) => filled.push_str(&of(name)),
        }
    }
    cut(filled)
}

/// The same for JSON. Within a JSON string a value is escaped; elsewhere it stays as it is where it is a number, `true`,
/// `false` or `null`, and is made a string where it is not. So no value can be more than a value.
pub fn fill_json(text: &str, mut of: impl FnMut(&str) -> String) -> String {
    let mut filled = String::new();
    let (mut is_string, mut is_escaped) = (false, false);
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => {
                for byte in text.bytes() {
                    match byte {
                        _ if std::mem::take(&mut is_escaped) => (),
                        b'\\' => is_escaped = is_string,
                        b'"' => is_string = !is_string,
                        _ => (),
                    }
                }
                filled.push_str(text);
            }
            Piece::Variable(name) => {
                let value = of(name);
                let quoted = serde_json::Value::from(value.as_str()).to_string();
                if is_string {
                    filled.push_str(quoted.get(1..quoted.len() - 1).unwrap_or_default());
                } else if is_plain(&value) {
                    filled.push_str(&value);
                } else {
                    filled.push_str(&quoted);
                }
            }
        }
    }
    filled
}

fn is_plain(value: &str) -> bool {
    matches!(value, "true" | "false" | "null") || serde_json::from_str::<serde_json::Number>(value).is_ok()
}

/// All but unreserved characters as `%XX` (RFC 3986 §2.1): a caller chooses its number, not the path.
pub fn percent(value: &str) -> String {
    let mut text = String::new();
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'~' => text.push(byte.into()),
            // Writing to a String cannot fail. A dot is encoded too: two of them would be a way up.
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

/// Cuts after [`MOST`] characters: a text that grows by itself in a circle has an end.
pub fn cut(mut text: String) -> String {
    if text.len() > MOST
        && let Some((at, _)) = text.char_indices().nth(MOST)
    {
        text.truncate(at);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> String {
        fill(text, |name| format!("<{name}>"))
    }

    #[test]
    fn names_in_braces_are_filled_in_and_other_braces_stay() {
        assert_eq!(filled("Hello {caller}, {a.b-c}!"), "Hello <caller>, <a.b-c>!");
        assert_eq!(
            filled("{} { } {1} {a b} {{a}} {é} {open"),
            "{} { } {1} {a b} {<a>} {é} {open"
        );
        assert_eq!(filled(""), "");
        let names: Vec<&str> = variables(r#"{"a": {b}, "c": "{d}"}"#).collect();
        assert_eq!(names, ["b", "d"]);
    }

    #[test]
    fn a_text_that_grows_is_cut_between_characters() {
        let grown = fill("{a}{a}", |_| "й".repeat(3_000));
        assert_eq!(grown.chars().count(), MOST);
    }

    #[test]
    fn a_value_cannot_leave_its_place_in_json() {
        let of = |name: &str| {
            match name {
                "quote" => "\"\n\\, \"admin\": true",
                "number" => "-1.5e3",
                "inject" => "1, \"admin\": true",
                "only" => "\"",
                _ => "null",
            }
            .to_owned()
        };
        let text = r#"{"a": "x{quote}", "b": {number}, "c": {inject}, "d": {nothing}, "e": "\"{number}", "f": "{only}"}"#;
        let value: serde_json::Value = serde_json::from_str(&fill_json(text, of)).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"a": "x\"\n\\, \"admin\": true", "b": -1500.0, "c": "1, \"admin\": true", "d": null,
                "e": "\"-1.5e3", "f": "\""})
        );
    }

    #[test]
    fn a_value_cannot_change_a_path() {
        assert_eq!(percent("../a?b#c й"), "%2E%2E%2Fa%3Fb%23c%20%D0%B9");
    }
}
