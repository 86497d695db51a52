//! Rings several users, in an order, until one of them answers.
//!
//! A [`Plan`] says who, how and how long → [`order`] says who comes first → [`hunt`] rings them, one after another or all
//! at once, as long as there is time. What it asks of the call goes through [`Office`], which is the host in a guest
//! (`host`) and a script in tests. Whose turn it is and who answered when are in the key-value store: all calls of the
//! domain share them, and they outlive restarts.
//!
//! Not here: settings, and what follows when nobody answers. Those are each scenario's own.

#[cfg(target_arch = "wasm32")]
pub mod host;
mod hunting;
mod order;

pub use hunting::{Office, Plan, Rang, hunt};
pub use order::{Strategy, order};
