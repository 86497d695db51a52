//! Which dialled numbers a pattern matches, and which of many is the one.
//!
//! The server asks for entry points ([`Numbers`]), the stock scenario `line` for its rules ([`Pattern`]): one language.
//!
//! A pattern is text of 1 to 64 characters:
//! - digits, `+`, `#`, `*`, lower-case letters, `-`, `_` and `.` stand for themselves (`300`, `+49301234`, `*98`, `sales`);
//! - `X` stands for any one digit (`3XX` is 300 to 399);
//! - `*` at the very end stands for any characters, or none (`0*`); `*` alone matches everything that is dialled.
//!
//! No pattern takes more than one pass over the dialled number.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest pattern, in bytes.
pub const PATTERN_MOST: usize = 64;

/// A number, or a pattern of numbers. Its order is the order in which patterns are tried: most specific first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    /// How many characters stand for themselves.
    literals: usize,
    /// Ends in the `*` that stands for the rest.
    open: bool,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternError {
    /// There is nothing in it.
    Empty,
    /// It has too many characters.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A character that a pattern cannot have.
    Character {
        /// The character.
        found: char,
        /// Its place, from 1.
        place: usize,
    },
    /// `+` is the sign of an international number, which it begins.
    Plus {
        /// Its place, from 1.
        place: usize,
    },
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a number or pattern has at least one character"),
            Self::TooLong { length } => write!(
                f,
                "a number or pattern has at most {PATTERN_MOST} characters, not {length}"
            ),
            Self::Character { found, place } => write!(
                f,
                "`{}` at place {place} cannot be in a number or pattern: digits, + # * . - _, lower-case letters, X for \
                 any digit, and * at the end for any rest can",
                found.escape_debug()
            ),
            Self::Plus { place } => write!(f, "`+` at place {place} can only be the first character"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Reads a pattern, of 1 to [`PATTERN_MOST`] bytes. The error says what is in the way, and where.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        if text.len() > PATTERN_MOST {
            return Err(PatternError::TooLong { length: text.len() });
        }
        let mut literals = 0;
        for (index, found) in text.chars().enumerate() {
            let place = index + 1;
            match found {
                'X' => (),
                '+' if place > 1 => return Err(PatternError::Plus { place }),
                '0'..='9' | 'a'..='z' | '+' | '#' | '*' | '.' | '-' | '_' => literals += 1,
                _ => return Err(PatternError::Character { found, place }),
            }
        }
        let open = text.ends_with('*');
        if open {
            literals -= 1;
        }
        Ok(Self {
            text: text.to_owned(),
            literals,
            open,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a number: it matches nothing but itself.
    pub fn is_exact(&self) -> bool {
        !self.open && self.literals == self.text.len()
    }

    /// Whether it matches a dialled number, as it stands in the request's URI, unescaped.
    pub fn matches(&self, dialled: &str) -> bool {
        let fixed = if self.open {
            self.text.strip_suffix('*').unwrap_or_default()
        } else {
            &self.text
        };
        let long_enough = if self.open {
            dialled.len() >= fixed.len()
        } else {
            dialled.len() == fixed.len()
        };
        long_enough
            && fixed
                .bytes()
                .zip(dialled.bytes())
                .all(|(wanted, given)| match wanted {
                    b'X' => given.is_ascii_digit(),
                    literal => literal == given,
                })
    }
}

/// Most specific first: the more characters stand for themselves; then what has an end before what has none; then the
/// longer one; then the one whose literals come earlier (`30X` before `3X5`: digits sort before `X`).
impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .literals
            .cmp(&self.literals)
            .then(self.open.cmp(&other.open))
            .then(other.text.len().cmp(&self.text.len()))
            .then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::parse(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.text
    }
}

/// Numbers and patterns, ready to be asked which of them a dialled number leads to.
#[derive(Debug, Default)]
pub struct Numbers {
    exact: HashSet<String>,
    /// Most specific first.
    patterns: Vec<Pattern>,
}

impl Numbers {
    /// The number or pattern that a dialled number leads to: itself, or the most specific pattern; none: nowhere.
    pub fn find(&self, dialled: &str) -> Option<&str> {
        if let Some(number) = self.exact.get(dialled) {
            return Some(number);
        }
        self.patterns
            .iter()
            .find(|pattern| pattern.matches(dialled))
            .map(Pattern::as_str)
    }

    /// All of them, as they were written, in no order.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let patterns = self.patterns.iter().map(Pattern::as_str);
        self.exact.iter().map(String::as_str).chain(patterns)
    }
}

impl FromIterator<Pattern> for Numbers {
    fn from_iter<T: IntoIterator<Item = Pattern>>(all: T) -> Self {
        let mut numbers = Self::default();
        for pattern in all {
            if pattern.is_exact() {
                numbers.exact.insert(pattern.text);
            } else {
                numbers.patterns.push(pattern);
            }
        }
        numbers.patterns.sort_unstable();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn a_number_matches_itself_only() {
        assert!(pattern("300").is_exact());
        assert!(pattern("300").matches("300"));
        for other in ["", "30", "3000", "301", "X00"] {
            assert!(!pattern("300").matches(other), "{other}");
        }
    }

    #[test]
    fn x_is_one_digit() {
        for (dialled, matched) in [
            ("300", true),
            ("399", true),
            ("30", false),
            ("3000", false),
            ("3a0", false),
            ("3X0", false),
            ("3é", false),
        ] {
            assert_eq!(pattern("3XX").matches(dialled), matched, "{dialled}");
        }
    }

    #[test]
    fn a_last_star_is_any_rest_or_none() {
        for (dialled, matched) in [
            ("0", true),
            ("0049", true),
            ("0anna", true),
            ("", false),
            ("10", false),
        ] {
            assert_eq!(pattern("0*").matches(dialled), matched, "{dialled}");
        }
        for dialled in ["", "1", "anna", "é", "+49"] {
            assert!(pattern("*").matches(dialled), "{dialled}");
        }
        assert!(pattern("0X*").matches("049") && !pattern("0X*").matches("0"));
    }

    #[test]
    fn a_star_elsewhere_is_the_key() {
        assert!(pattern("*98").is_exact());
        assert!(pattern("*98").matches("*98") && !pattern("*98").matches("998"));
        assert!(pattern("*21**").matches("*21*300") && !pattern("*21**").matches("*21"));
        assert!(pattern("#31#").matches("#31#"));
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        assert_eq!(Pattern::parse(""), Err(PatternError::Empty));
        assert_eq!(
            Pattern::parse(&"3".repeat(65)),
            Err(PatternError::TooLong { length: 65 })
        );
        assert_eq!(
            Pattern::parse("30 0"),
            Err(PatternError::Character { found: ' ', place: 3 })
        );
        assert_eq!(
            Pattern::parse("3é"),
            Err(PatternError::Character {
                found: 'é', place: 2
            })
        );
        assert_eq!(
            Pattern::parse("3N"),
            Err(PatternError::Character { found: 'N', place: 2 })
        );
        assert_eq!(Pattern::parse("00+49"), Err(PatternError::Plus { place: 3 }));
        assert!(
            Pattern::parse("3\n")
                .unwrap_err()
                .to_string()
                .contains("`\\n` at place 2")
        );
    }

    #[test]
    fn the_most_specific_comes_first() {
        let mut patterns: Vec<_> = ["*", "3*", "XXX", "X*", "30*", "3XX", "30X", "305", "3X5", "X05*"]
            .map(pattern)
            .to_vec();
        patterns.sort();
        let order: Vec<_> = patterns.iter().map(Pattern::as_str).collect();
        assert_eq!(
            order,
            ["305", "30X", "3X5", "X05*", "30*", "3XX", "3*", "XXX", "X*", "*"]
        );
    }

    #[test]
    fn serde_checks_what_it_reads() {
        let read = |text: &str| Pattern::try_from(text.to_owned());
        assert_eq!(String::from(read("3XX").unwrap()), "3XX");
        assert!(read("3 X").is_err());
    }

    #[test]
    fn a_number_goes_before_the_most_specific_pattern() {
        let numbers: Numbers = ["*", "3XX", "30*", "300"].map(pattern).into_iter().collect();
        for (dialled, found) in [("300", "300"), ("301", "30*"), ("311", "3XX"), ("anna", "*")] {
            assert_eq!(numbers.find(dialled), Some(found), "{dialled}");
        }
        assert_eq!(numbers.texts().count(), 4);
        assert_eq!(Numbers::default().find("300"), None);
    }
}
