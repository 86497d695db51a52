//! Traces in a file beside the script, and what differs from it.

use crate::run::Played;

/// Most lines that a difference shows of either side.
const SHOWN: usize = 12;

/// The traces of a script's cases, as the file has them.
pub fn text<'a>(cases: impl IntoIterator<Item = (&'a str, &'a Played)>) -> String {
    let mut text = String::new();
    for (name, played) in cases {
        if !text.is_empty() {
            text.push('\n');
        }
        text.extend(["# ", name, "\n"]);
        for line in &played.trace {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

/// What is different, with the case that it is in: lines that are gone begin with `-`, new ones with `+`. None: nothing.
pub fn difference(before: &str, now: &str) -> Option<Vec<String>> {
    let (before, now): (Vec<&str>, Vec<&str>) = (before.lines().collect(), now.lines().collect());
    if before == now {
        return None;
    }
    let same = before.iter().zip(&now).take_while(|(a, b)| a == b).count();
    let (old, new) = (
        before.get(same..).unwrap_or_default(),
        now.get(same..).unwrap_or_default(),
    );
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let mut lines = Vec::new();
    // The case, and the two lines before the first that differs.
    let heading = now
        .get(..=same)
        .unwrap_or(&now)
        .iter()
        .rposition(|line| line.starts_with("# "));
    if let Some(at) = heading.filter(|at| *at + 2 < same) {
        lines.extend(now.get(at).map(|line| format!("  {line}")));
    }
    let context = now.get(same.saturating_sub(2)..same).unwrap_or_default();
    lines.extend(context.iter().map(|line| format!("  {line}")));
    for (sign, side) in [('-', old), ('+', new)] {
        let differing = side.get(..side.len() - tail).unwrap_or_default();
        lines.extend(differing.iter().take(SHOWN).map(|line| format!("{sign} {line}")));
        if differing.len() > SHOWN {
            lines.push(format!("{sign} … and {} lines more", differing.len() - SHOWN));
        }
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_its_case_what_was_and_what_is() {
        let before = "# one\na\nb\n\n# two\na\nb\nc\nd\n";
        assert_eq!(difference(before, before), None);
        let now = "# one\na\nb\n\n# two\na\nb\nx\ny\nd\n";
        assert_eq!(
            difference(before, now).unwrap(),
            ["  # two", "  a", "  b", "- c", "+ x", "+ y"]
        );
    }

    #[test]
    fn what_is_missing_at_the_end_is_shown() {
        assert_eq!(
            difference("# one\na\nb\n", "# one\na\n").unwrap(),
            ["  # one", "  a", "- b"]
        );
        assert_eq!(difference("", "# one\n").unwrap(), ["+ # one"]);
    }
}
