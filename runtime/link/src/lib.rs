//! Drivers of `tandem_bus::link`: what a gate's process and the call logic's process say to each other, over a unix
//! socket.
//!
//! The gate listens ([`gate::Server`]), the call logic connects, and again for ever ([`logic::Client`]). What is handed
//! in is queued without waiting, from any thread; one task per side writes everything that waits in one go and hands on
//! what comes. Every queue is bounded, and says so when it is full.
//!
//! Not here: numbering and framing (`tandem_bus::link`), what the items mean, starting processes.

pub mod gate;
pub mod logic;
mod socket;
mod stream;
