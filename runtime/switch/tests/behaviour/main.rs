//! What the switch does, in virtual time: a file for each kind of behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    missing_docs,
    reason = "a test may panic, and reads best with plain arguments"
)]

mod admission;
mod bridge;
mod call;
mod canary;
mod conformance;
mod connections;
mod damage;
mod dialling;
mod fallback;
#[path = "../kit/mod.rs"]
mod kit;
mod leg_events;
mod memory;
mod originated;
mod pickup;
mod records;
mod registration;
mod restart;
mod session;
mod telephony;
