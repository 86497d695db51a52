//! The one error of the kit: a sentence that tells a reader of a failed test what did not happen.

use std::fmt;

/// What did not happen, in words. Tests `unwrap()` it; its `Debug` is therefore its text.
pub struct Failure(String);

/// Result of everything in the kit.
pub type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// Turns a foreign error into a [`Failure`] that says what was being done.
pub trait Doing<T> {
    /// `what` is the act, for example "reading the recording".
    fn doing(self, what: &str) -> Result<T>;
}

impl<T, E: fmt::Display> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: &str) -> Result<T> {
        self.map_err(|error| Failure(format!("{what}: {error}")))
    }
}

impl<T> Doing<T> for Option<T> {
    fn doing(self, what: &str) -> Result<T> {
        self.ok_or_else(|| Failure(format!("{what}: nothing there")))
    }
}
