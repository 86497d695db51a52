//! Whole-system tests: the `tandem` binary as a process, dialled by real phones.
//!
//! The tests lie in `tests/`, one file per theme; here is what they share: [`phones`] on the demo domain, [`calls`]
//! as the command line tells them, [`listening`] to recordings, [`load`] with SIPp, [`modules`] that a test brings along,
//! [`python`] with the peers that are written in it, [`recovery`] of a server whose processes are killed, [`web`] requests.
//! The peers themselves are `tandem-kit`'s.
//!
//! They need the binary (`cargo build -p tandem`, or `CARGO_BIN` with its path), the stock scenarios and the Debian
//! packages that the set-up script installs.

pub mod calls;
pub mod disk;
pub mod listening;
pub mod load;
pub mod modules;
pub mod phones;
pub mod python;
pub mod recovery;
pub mod web;
