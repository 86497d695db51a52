//! Components written against an earlier version of the contract.
//!
//! A version only adds to the one before (docs/scenarios/compatibility.md), so a component of an earlier one needs
//! nothing but another number in the names of what it imports and exports. They are renamed in memory, on the way to
//! the compiler: the module's bytes and their hash stay what was uploaded.

use std::borrow::Cow;
use std::ops::Range;

use wasmparser::{Parser, Payload};

/// The number in our own names.
pub(crate) const CURRENT: &str = "0.2.0";

/// An earlier version that is served, with its interfaces: what came later cannot be had under its number.
struct Earlier {
    version: &'static str,
    interfaces: &'static [&'static str],
}

const SERVED: [Earlier; 1] = [Earlier {
    version: "0.1.0",
    interfaces: &[
        "types",
        "leg",
        "dial",
        "bridge",
        "directory",
        "config",
        "key-value",
        "clock",
        "random",
        "log",
        "trace",
        "call-handler",
    ],
}];

const PACKAGE: &str = "tandem:pbx/";

/// Where in `name` the number of an earlier version stands, if it is a name of one that is served.
fn number(name: &str) -> Option<(Range<usize>, &'static str)> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    let earlier = SERVED.iter().find(|served| served.version == version)?;
    let known = earlier.interfaces.contains(&interface);
    known.then(|| (name.len() - version.len()..name.len(), earlier.version))
}

/// The component under the names of this version, and the earlier version that it was written against, if it was.
/// What cannot be read is left as it is: the compiler says what is wrong with it. Linear in the file.
pub(crate) fn current(bytes: &[u8]) -> (Cow<'_, [u8]>, Option<&'static str>) {
    let mut numbers = Vec::new();
    let mut found = None;
    for name in outermost_names(bytes) {
        if let Some((at, version)) = number(name) {
            let start = name.as_ptr() as usize - bytes.as_ptr() as usize;
            numbers.push(start + at.start..start + at.end);
            found = Some(version);
        }
    }
    if numbers.is_empty() {
        return (Cow::Borrowed(bytes), None);
    }
    let mut renamed = bytes.to_vec();
    for at in numbers {
        // Of equal length, so nothing else moves.
        if let Some(place) = renamed.get_mut(at)
            && place.len() == CURRENT.len()
        {
            place.copy_from_slice(CURRENT.as_bytes());
        }
    }
    (Cow::Owned(renamed), found)
}

/// The names of the outermost component's imports and exports, as far as it can be read.
fn outermost_names(bytes: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentImportSection(imports)) if depth == 0 => {
                names.extend(
                    imports
                        .into_iter()
                        .map_while(Result::ok)
                        .map(|import| import.name.name),
                );
            }
            Ok(Payload::ComponentExportSection(exports)) if depth == 0 => {
                names.extend(
                    exports
                        .into_iter()
                        .map_while(Result::ok)
                        .map(|export| export.name.name),
                );
            }
            Ok(_) => (),
            Err(_) => break,
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_of_equal_length_so_that_they_can_be_written_in_place() {
        for served in SERVED {
            assert_eq!(served.version.len(), CURRENT.len());
        }
    }

    #[test]
    fn names_of_an_earlier_version_are_renamed_and_nothing_else() {
        let text = |version: &str| {
            let text = r#"(component
                (component (import "tandem:pbx/log@0.1.0" (func)))
                (import "tandem:pbx/clock@VERSION" (instance (export "sleep-ms" (func (param "duration-ms" u32)))))
                (import "tandem:pbx/recording@0.1.0" (instance))
                (import "other:pbx/leg@0.1.0" (instance)))"#;
            wat::parse_str(text.replace("VERSION", version)).unwrap()
        };
        let (old, new) = (text("0.1.0"), text(CURRENT));
        let (renamed, version) = current(&old);
        assert_eq!(version, Some("0.1.0"));
        assert!(renamed == new);
        let (same, version) = current(&new);
        assert_eq!(version, None);
        assert!(matches!(same, Cow::Borrowed(_)));
    }

    #[test]
    fn what_cannot_be_read_is_left_as_it_is() {
        let bytes = wat::parse_str(r#"(component (import "tandem:pbx/log@0.1.0" (instance)))"#).unwrap();
        for end in 0..bytes.len() {
            let (left, _) = current(&bytes[..end]);
            assert_eq!(left.len(), end);
        }
    }
}
