//! Parameter lists: `;tag=x;lr`, as URIs, name-addrs and Vias carry them (RFC 3261 §25.1).

use memchr::memchr;

use super::lex::{cut, find_outside, is_token, quoted_len, trim};

/// The parameters after something, read on demand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Params<'a> {
    raw: &'a [u8],
}

impl<'a> Params<'a> {
    /// Over text such as `;tag=x;lr`; the first semicolon may be missing.
    pub fn new(raw: &'a [u8]) -> Self {
        let raw = trim(raw);
        Self {
            raw: raw.strip_prefix(b";").unwrap_or(raw),
        }
    }

    /// The text without its first semicolon.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Each parameter as name and value; a quoted value still has its quotes. Empty ones are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        Segments { rest: Some(self.raw) }.filter_map(|segment| {
            let (name, value) = name_and_value(segment);
            if name.is_empty() {
                None
            } else {
                Some((name, value))
            }
        })
    }

    /// The value of the parameter `name` in any case: without quotes, empty for a flag such as `lr`.
    /// `None` where it is absent or no UTF-8.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))?;
        let value = value.unwrap_or_default();
        let value = match value {
            [b'"', inside @ .., b'"'] => inside,
            value => value,
        };
        std::str::from_utf8(value).ok()
    }

    /// Whether the parameter `name` is there, with a value or without.
    pub fn has(&self, name: &str) -> bool {
        self.iter()
            .any(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Whether each parameter follows the grammar; the readers above are lenient.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.raw.is_empty() {
            return Ok(());
        }
        for segment in (Segments { rest: Some(self.raw) }) {
            let (name, value) = name_and_value(segment);
            if name.is_empty() {
                return Err("empty parameter");
            }
            // URIs allow a few more bytes than a token in a name (RFC 3261 §25.1, paramchar).
            if !is_token(name)
                && !name
                    .iter()
                    .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b','))
            {
                return Err("parameter name is no token");
            }
            match value {
                Some([]) => return Err("parameter without its value"),
                Some(quoted @ [b'"', ..]) if quoted_len(quoted) != Some(quoted.len()) => {
                    return Err("unbalanced quotes in a parameter");
                }
                Some([b'"', ..]) | None => (),
                Some(value) if value.iter().any(|b| matches!(b, b' ' | b'\t' | b'"')) => {
                    return Err("white space or quotes inside a parameter");
                }
                Some(_) => (),
            }
        }
        Ok(())
    }
}

fn name_and_value(segment: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'=', segment) {
        Some(at) => {
            let (name, value) = cut(segment, at);
            (trim(name), Some(trim(value)))
        }
        None => (trim(segment), None),
    }
}

/// What lies between semicolons, empty parts too.
struct Segments<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let mut end = rest.iter().position(|&b| b == b';' || b == b'"');
        if let Some(at) = end
            && rest.get(at) == Some(&b'"')
        {
            end = find_outside(rest, b';');
        }
        let Some(at) = end else {
            self.rest = None;
            return Some(rest);
        };
        let (segment, after) = cut(rest, at);
        self.rest = Some(after);
        Some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_may_hold_semicolons() {
        let params = Params::new(b"; a = \"x;y\\\"\" ;lr; tag=1 ;e=");
        assert_eq!(params.get("A"), Some("x;y\\\""));
        assert_eq!(params.get("lr"), Some(""));
        assert_eq!(params.get("tag"), Some("1"));
        assert!(params.has("e") && !params.has("x"));
        assert_eq!(params.check(), Err("parameter without its value"));
    }

    #[test]
    fn empty_parameters_are_read_over_but_not_valid() {
        let params = Params::new(b";;,;,,");
        assert_eq!(params.check(), Err("empty parameter"));
        assert_eq!(params.iter().count(), 2);
    }
}
