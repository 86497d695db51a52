//! Patterns of texts: `*` is any text, `?` one character, `[0-5x]` one of these, `[!0-5x]` none of them.

/// Whether the whole text has the pattern's form. A `[` without its `]` is itself.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (tokens, text) = (read(pattern), text.chars().collect::<Vec<_>>());
    let (mut token, mut at) = (0, 0);
    // Where the last `*` is, and how much of the text it has taken: it takes one more each time the rest does not fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match (tokens.get(token), text.get(at)) {
            (None, None) => return true,
            (Some(Token::Text), _) => {
                star = Some((token, at));
                token += 1;
            }
            (Some(one), Some(letter)) if one.is(*letter) => {
                token += 1;
                at += 1;
            }
            _ => match &mut star {
                Some((of, taken)) if *taken < text.len() => {
                    *taken += 1;
                    (token, at) = (*of + 1, *taken);
                }
                _ => return false,
            },
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Text,
    One,
    Letter(char),
    Set { not: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn is(&self, letter: char) -> bool {
        match self {
            Self::Text => false,
            Self::One => true,
            Self::Letter(own) => *own == letter,
            Self::Set { not, ranges } => {
                ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&letter))
                    != *not
            }
        }
    }
}

fn read(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
        tokens.push(match (first, rest.split_once(']')) {
            // Several in a row are one.
            ('*', _) if tokens.last() == Some(&Token::Text) => continue,
            ('*', _) => Token::Text,
            ('?', _) => Token::One,
            ('[', Some((inside, after))) if !inside.is_empty() => {
                rest = after;
                set(inside)
            }
            _ => Token::Letter(first),
        });
    }
    tokens
}

fn set(inside: &str) -> Token {
    let (not, inside) = match inside.strip_prefix('!') {
        Some(inside) => (true, inside),
        None => (false, inside),
    };
    let letters: Vec<char> = inside.chars().collect();
    let mut ranges = Vec::new();
    let mut rest = letters.as_slice();
    loop {
        rest = match rest {
            [first, '-', last, after @ ..] => {
                ranges.push((*first, *last));
                after
            }
            [one, after @ ..] => {
                ranges.push((*one, *one));
                after
            }
            [] => return Token::Set { not, ranges },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_are_the_whole_text() {
        for (pattern, text, is) in [
            ("301*", "3015", true),
            ("301*", "301", true),
            ("301*", "0301", false),
            ("*1", "3011", true),
            ("*", "", true),
            ("", "", true),
            ("", "1", false),
            ("3??", "302", true),
            ("3??", "3022", false),
            ("+49*7*", "+4930755", true),
            ("+49*7*", "+4930855", false),
            ("30[1-3x]", "302", true),
            ("30[1-3x]", "30x", true),
            ("30[1-3x]", "304", false),
            ("30[!1-3]", "304", true),
            ("30[!1-3]", "301", false),
            ("[", "[", true),
            ("[]", "[]", true),
            ("й?", "йц", true),
        ] {
            assert_eq!(matches(pattern, text), is, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn many_stars_end_soon() {
        let (pattern, text) = ("*a".repeat(500), "a".repeat(4_095) + "b");
        assert!(!matches(&pattern, &text));
    }
}
