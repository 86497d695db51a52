//! Rings a group of users, in an order that the settings choose, until one of them answers.
//!
//! Its way: [`Settings`] → [`order`] says who comes first → [`hunt`] rings them, one after another or all at
//! once, as long as there is time; what it asks of the call goes through [`hunt::Office`], which is the host in a guest
//! (`guest`) and a script in tests. Whose turn it is and who answered when are in the key-value store: all calls of the
//! domain share them, and they outlive restarts.
//!
//! Not here: queues, where callers wait for members who talk.

#[cfg(target_arch = "wasm32")]
mod guest;
pub mod hunt;
pub mod order;
pub mod settings;

pub use settings::Settings;
