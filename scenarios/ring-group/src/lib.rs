//! Rings a group of users, in an order that the settings choose, until one of them answers.
//!
//! Its way: [`Settings`] → `hunt` rings the members, one after another or all at once, as long as there is time → the
//! two talk, or the caller goes where the settings say.
//!
//! Not here: the hunt itself (`hunt`), and queues, where callers wait for members who talk.

#[cfg(target_arch = "wasm32")]
mod guest;
pub mod settings;

pub use settings::Settings;
