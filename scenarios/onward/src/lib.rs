//! Where a call goes on, and in what words: what several stock scenarios do with a caller in the same way.
//!
//! A destination stands in the settings as a [`Next`]; [`go`] takes the caller there. Two who were connected [`talk`]
//! until one of them hangs up; a dial that failed is a [`Failure`]; what is said by itself comes from [`Words`], which are
//! read with the [`Settings`].
//!
//! Not here: which destination, and when. That is each scenario's own.

mod failure;
mod next;
mod settings;
mod way;
mod words;

pub use failure::Failure;
pub use next::{Next, Reason, Ring};
pub use settings::{Language, OwnWords, Settings};
pub use way::{go, say, talk};
pub use words::{Phrase, Words};
