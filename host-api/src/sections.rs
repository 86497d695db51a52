//! What a component carries besides code: custom sections of ours, which the engine does not look at.
//!
//! `tandem:settings` is JSON that the scenario is told where its activation says nothing: a component that was made from
//! data, as a drawn flow is, has its data with it. `tandem:drawing` is a picture of that data, for people.

use wasmparser::{Parser, Payload};

/// The custom section of a component's settings.
pub const SETTINGS: &str = "tandem:settings";
/// The custom section of the picture that goes with them.
pub const DRAWING: &str = "tandem:drawing";
/// Longest settings, in bytes.
pub const SETTINGS_BYTES_MAX: usize = 256 << 10;

/// The settings that a component brings; none: it brings none. The error is for people: they are no JSON, too long, or
/// there twice.
pub fn settings(component: &[u8]) -> Result<Option<String>, String> {
    let mut found = named(component, SETTINGS);
    let Some(settings) = found.pop() else {
        return Ok(None);
    };
    if !found.is_empty() {
        return Err(format!("it has {} sections `{SETTINGS}`", found.len() + 1));
    }
    if settings.len() > SETTINGS_BYTES_MAX {
        return Err(format!(
            "its settings have {} bytes, at most {SETTINGS_BYTES_MAX} are allowed",
            settings.len()
        ));
    }
    let text = std::str::from_utf8(settings).map_err(|error| format!("its settings are no text: {error}"))?;
    serde_json::from_str::<serde::de::IgnoredAny>(text)
        .map_err(|error| format!("its settings are no JSON: {error}"))?;
    Ok(Some(text.to_owned()))
}

/// The text of a component's custom section; none: it has none of this name, or one that is no text. Of several the last.
pub fn section<'a>(component: &'a [u8], name: &str) -> Option<&'a str> {
    std::str::from_utf8(named(component, name).pop()?).ok()
}

/// The component with one more custom section.
pub fn with_section(mut component: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    leb128(&mut head, name.len());
    head.extend_from_slice(name.as_bytes());
    component.push(0); // a custom section
    leb128(&mut component, head.len() + data.len());
    component.extend_from_slice(&head);
    component.extend_from_slice(data);
    component
}

/// The custom sections of this name of the outermost component, as far as it can be read.
fn named<'a>(component: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let (mut found, mut depth) = (Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::CustomSection(section)) if depth == 0 && section.name() == name => {
                found.push(section.data());
            }
            Ok(_) => (),
            Err(_) => break, // what is wrong with it is told by those who check it
        }
    }
    found
}

/// An unsigned number, seven bits a byte, the lowest first.
fn leb128(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The preamble of a component, and nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    #[test]
    fn a_section_is_found_again_whatever_its_length() {
        for length in [0, 1, 127, 128, 20_000] {
            let text = "x".repeat(length);
            let component = with_section(EMPTY.to_vec(), DRAWING, text.as_bytes());
            let component = with_section(component, SETTINGS, b"{\"a\": 1}");
            wasmparser::Validator::new().validate_all(&component).unwrap();
            assert_eq!(section(&component, DRAWING), Some(text.as_str()));
            assert_eq!(settings(&component), Ok(Some("{\"a\": 1}".to_owned())));
        }
        assert_eq!(section(EMPTY, DRAWING), None);
        assert_eq!(settings(EMPTY), Ok(None));
    }

    #[test]
    fn settings_are_one_json_of_bounded_length() {
        let of = |data: &[u8]| settings(&with_section(EMPTY.to_vec(), SETTINGS, data)).unwrap_err();
        assert!(of(b"{").contains("no JSON"));
        assert!(of(b"\xff").contains("no text"));
        assert!(of(format!("\"{}\"", "x".repeat(SETTINGS_BYTES_MAX)).as_bytes()).contains("at most"));
        let twice = with_section(EMPTY.to_vec(), SETTINGS, b"1");
        let twice = with_section(twice, SETTINGS, b"2");
        assert_eq!(
            settings(&twice).unwrap_err(),
            "it has 2 sections `tandem:settings`"
        );
    }

    /// A section of a module within is that module's own affair.
    #[test]
    fn only_the_outermost_component_counts() {
        let inner = with_section(EMPTY.to_vec(), SETTINGS, b"1");
        let mut outer = EMPTY.to_vec();
        outer.push(4); // a component
        leb128(&mut outer, inner.len());
        outer.extend(inner);
        wasmparser::Validator::new().validate_all(&outer).unwrap();
        assert_eq!(settings(&outer), Ok(None));
        assert_eq!(
            settings(&with_section(outer, SETTINGS, b"2")),
            Ok(Some("2".to_owned()))
        );
    }
}
