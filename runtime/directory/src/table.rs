//! All numbers and patterns of one domain.

use std::collections::HashSet;

use tandem_pattern::{Numbers, Pattern};

use crate::start::StartedBy;

/// What a domain's entry points are called, ready to be matched.
#[derive(Debug, Default)]
pub(crate) struct Table {
    dialled: Numbers,
    /// What the web or an event starts is not dialled.
    others: HashSet<String>,
}

impl Table {
    /// Sorts what the store has. Text that is no pattern (the store checks less than we do) matches nothing.
    pub(crate) fn new(written: Vec<String>) -> Self {
        let (mut dialled, mut others) = (Vec::new(), HashSet::new());
        for text in written {
            match Pattern::parse(&text) {
                Ok(pattern) => dialled.push(pattern),
                Err(_) if !is_dialled(&text) => {
                    others.insert(text);
                }
                Err(error) => tracing::warn!(number = text, %error, "entry point is passed over"),
            }
        }
        Self {
            dialled: dialled.into_iter().collect(),
            others,
        }
    }

    /// The number or pattern that a dialled number leads to: itself, or the most specific pattern.
    pub(crate) fn find(&self, dialled: &str) -> Option<&str> {
        self.dialled.find(dialled)
    }

    /// Whether the web or an event starts something of this name.
    pub(crate) fn starts(&self, name: &str) -> bool {
        self.others.contains(name)
    }

    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let others = self.others.iter().map(String::as_str);
        self.dialled
            .texts()
            .chain(others)
            .map(|text| text.len() + 64)
            .sum()
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
