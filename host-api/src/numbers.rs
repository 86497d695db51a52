//! Telephone numbers as people write them: which are the same. Pure; the driver and the simulator of scenarios share it.

/// Fewer digits than this are an extension or a service: they are the same only where all are.
const SUBSCRIBER_MIN: usize = 7;

/// The digits that count: without signs, a `+`, the `(0)` behind a country code, leading zeros of a number that is long
/// enough to be a subscriber's, or what follows as an extension (`;`, `,`, `x`, `ext`).
pub fn significant(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let end = lower.find([';', ',', 'x', 'e']).unwrap_or(lower.len());
    let mut text = lower.get(..end).unwrap_or_default().trim().to_owned();
    if text.starts_with('+') {
        text = text.replacen("(0)", "", 1);
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let stripped = digits.trim_start_matches('0');
    if stripped.len() >= SUBSCRIBER_MIN {
        stripped.to_owned()
    } else {
        digits
    }
}

/// The end of a number's significant digits, by which candidates are looked for.
pub fn tail(significant: &str) -> &str {
    let from = significant.len().saturating_sub(SUBSCRIBER_MIN);
    significant.get(from..).unwrap_or(significant)
}

/// How many digits two numbers share, given their significant ones; none: they are not the same. A number without its
/// country or area code is the end of one that has them; equal numbers are closest of all.
pub fn likeness(one: &str, other: &str) -> Option<usize> {
    if one.is_empty() || other.is_empty() {
        return None;
    }
    if one == other {
        return Some(usize::MAX);
    }
    let (short, long) = if one.len() < other.len() {
        (one, other)
    } else {
        (other, one)
    };
    (short.len() >= SUBSCRIBER_MIN && long.ends_with(short)).then_some(short.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        likeness(&significant(one), &significant(other)).is_some()
    }

    #[test]
    fn one_number_in_all_its_spellings() {
        let spellings = [
            "+49 (0)30 1234-567",
            "0049 30 1234567",
            "030 1234567",
            "+49301234567",
            "030/12 34 567 ext 5",
        ];
        for one in spellings {
            for other in spellings {
                assert!(same(one, other), "{one} {other}");
            }
        }
        assert!(same("+1 (212) 555-0100", "212-555-0100"));
        assert!(same("+1 (212) 555-0100", "1 212 555 0100;ext=3"));
        assert!(same("011 44 20 7946 0000", "+44 20 7946 0000"));
    }

    #[test]
    fn others_stay_others() {
        assert!(!same("+49 30 1234567", "+49 40 1234567"));
        assert!(!same("302", "1302"));
        assert!(!same("0302", "302"));
        assert!(same("302", "302"));
        assert!(!same("", ""));
        assert!(!same("anonymous", ""));
        assert_eq!(tail(&significant("+49 30 1234567")), "1234567");
        assert_eq!(tail("302"), "302");
    }
}
