//! Collects problems.

use super::PROBLEMS;
use crate::problem::{Problem, Severity, What};

/// A place in the document. It costs nothing until something is wrong there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    outer: Option<&'a Path<'a>>,
    key: Key<'a>,
    /// Whether it is a part of the words: a node's own place in the document is not.
    shown: bool,
}

#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Name(&'a str),
    Index(usize),
}

impl Path<'_> {
    /// The whole document.
    pub(super) fn root() -> Path<'static> {
        Path {
            outer: None,
            key: Key::Name(""),
            shown: false,
        }
    }

    /// What is under a key.
    pub(super) fn key<'b>(&'b self, name: &'b str) -> Path<'b> {
        self.inner(Key::Name(name), true)
    }

    /// What is at a place of a list.
    pub(super) fn index(&self, index: usize) -> Path<'_> {
        self.inner(Key::Index(index), true)
    }

    /// As [`Self::key`], in the pointer only.
    pub(super) fn unshown<'b>(&'b self, name: &'b str) -> Path<'b> {
        self.inner(Key::Name(name), false)
    }

    /// As [`Self::index`], in the pointer only.
    pub(super) fn unshown_index(&self, index: usize) -> Path<'_> {
        self.inner(Key::Index(index), false)
    }

    fn inner<'b>(&'b self, key: Key<'b>, shown: bool) -> Path<'b> {
        Path {
            outer: Some(self),
            key,
            shown,
        }
    }

    /// Such as `menu.choices.7`.
    pub(super) fn words(&self) -> String {
        let mut words = self.outer.map(Path::words).unwrap_or_default();
        if self.shown {
            if !words.is_empty() {
                words.push('.');
            }
            words.push_str(&self.key.text());
        }
        words
    }

    /// Such as `/nodes/0/do/menu/choices/7` (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let Some(outer) = self.outer else {
            return String::new();
        };
        let key = self.key.text().replace('~', "~0").replace('/', "~1");
        format!("{}/{key}", outer.pointer())
    }
}

impl Key<'_> {
    fn text(&self) -> String {
        match self {
            Self::Name(name) => (*name).to_owned(),
            Self::Index(index) => index.to_string(),
        }
    }
}

/// Collects the problems of the flow and node at hand.
pub(super) struct Report<'a> {
    pub(super) flow: Option<&'a str>,
    pub(super) node: Option<&'a str>,
    /// Whether warnings are wanted.
    pub(super) warns: bool,
    /// Whether all nodes could be read. Where one could not, the ways through it are unknown, and so is what it sets: what
    /// is said of the others still holds.
    is_whole: bool,
    problems: Vec<Problem>,
    warnings: usize,
}

impl Report<'_> {
    pub(super) fn new(problems: Vec<Problem>, warns: bool, is_whole: bool) -> Self {
        Self {
            flow: None,
            node: None,
            warns,
            is_whole,
            problems,
            warnings: 0,
        }
    }

    /// The problems. Where there are too many, errors go before warnings.
    pub(super) fn end(self) -> Vec<Problem> {
        let Self {
            mut problems,
            warnings,
            ..
        } = self;
        if problems.len() > PROBLEMS {
            let errors = problems.len() - warnings;
            let mut left = PROBLEMS.saturating_sub(errors);
            problems.retain(|problem| {
                if problem.severity == Severity::Error {
                    return true;
                }
                let has_room = left > 0;
                left = left.saturating_sub(1);
                has_room
            });
            problems.truncate(PROBLEMS);
        }
        problems
    }

    pub(super) fn error(&mut self, at: &Path<'_>, what: What) {
        if self.problems.len() - self.warnings < PROBLEMS {
            self.add(at, Severity::Error, what);
        }
    }

    pub(super) fn warning(&mut self, at: &Path<'_>, what: What) {
        if self.warns && self.warnings < PROBLEMS {
            self.add(at, Severity::Warning, what);
        }
    }

    fn add(&mut self, at: &Path<'_>, severity: Severity, what: What) {
        let hangs_on_others = matches!(
            what,
            What::UnknownNode(_)
                | What::Unreachable
                | What::UnknownVariable(_)
                | What::Loop
                | What::MaybeLoop
        );
        if hangs_on_others && !self.is_whole {
            return;
        }
        self.warnings += usize::from(severity == Severity::Warning);
        self.problems.push(Problem {
            flow: self.flow.map(str::to_owned),
            node: self.node.map(str::to_owned),
            path: at.words(),
            pointer: at.pointer(),
            severity,
            what,
        });
    }

    pub(super) fn range(&mut self, at: &Path<'_>, is: u32, least: u32, most: u32) {
        if !(least..=most).contains(&is) {
            self.error(
                at,
                What::Range {
                    is: is.into(),
                    least: least.into(),
                    most: most.into(),
                },
            );
        }
    }

    pub(super) fn count(&mut self, at: &Path<'_>, is: usize, least: usize, most: usize, of: &'static str) {
        if !(least..=most).contains(&is) {
            self.error(at, What::Count { is, least, most, of });
        }
    }
}
