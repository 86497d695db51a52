//! All numbers and patterns of one domain.

use std::collections::HashSet;

use crate::pattern::Pattern;
use crate::start::StartedBy;

/// What a domain's entry points are called, ready to be matched.
#[derive(Debug, Default)]
pub(crate) struct Table {
    numbers: HashSet<String>,
    /// Most specific first.
    patterns: Vec<Pattern>,
    /// What the web or an event starts is not dialled.
    others: HashSet<String>,
}

impl Table {
    /// Sorts what the store has. Text that is no pattern (the store checks less than we do) matches nothing.
    pub(crate) fn new(written: Vec<String>) -> Self {
        let mut table = Self::default();
        for text in written {
            match Pattern::parse(&text) {
                Ok(pattern) if pattern.is_exact() => {
                    table.numbers.insert(text);
                }
                Ok(pattern) => table.patterns.push(pattern),
                Err(_) if !is_dialled(&text) => {
                    table.others.insert(text);
                }
                Err(error) => tracing::warn!(number = text, %error, "entry point is passed over"),
            }
        }
        table.patterns.sort_unstable();
        table
    }

    /// The number or pattern that a dialled number leads to: itself, or the most specific pattern.
    pub(crate) fn find(&self, dialled: &str) -> Option<&str> {
        if let Some(number) = self.numbers.get(dialled) {
            return Some(number);
        }
        self.patterns
            .iter()
            .find(|pattern| pattern.matches(dialled))
            .map(Pattern::as_str)
    }

    /// Whether the web or an event starts something of this name.
    pub(crate) fn starts(&self, name: &str) -> bool {
        self.others.contains(name)
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let exact = || self.numbers.iter().chain(&self.others);
        let text: usize = exact().map(String::len).sum::<usize>()
            + self
                .patterns
                .iter()
                .map(|pattern| pattern.as_str().len())
                .sum::<usize>();
        text + (exact().count() + self.patterns.len()) * 64
    }
}

/// Whether it is neither of the web nor an event's.
fn is_dialled(name: &str) -> bool {
    !matches!(
        StartedBy::parse(name),
        Ok(StartedBy::Web(_) | StartedBy::Event(_))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_then_most_specific_then_default() {
        let table = Table::new(
            ["*", "3XX", "30*", "300", "not a pattern"]
                .map(str::to_owned)
                .to_vec(),
        );
        for (dialled, found) in [
            ("300", "300"),
            ("301", "30*"),
            ("311", "3XX"),
            ("3111", "*"),
            ("anna", "*"),
        ] {
            assert_eq!(table.find(dialled), Some(found), "{dialled}");
        }
        assert_eq!(Table::default().find("300"), None);
    }
}
