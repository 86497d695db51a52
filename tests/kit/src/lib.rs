//! Real peers for whole-system tests: phones that talk and listen, SIPp, and Tandem itself as a process.
//!
//! A test starts [`Tandem`](tandem::Tandem) on an empty directory, lets [`Baresip`](baresip::Baresip) phones register
//! and call, and then asks what they heard:
//!
//! ```no_run
//! use std::time::Duration;
//! use tandem_kit::{baresip::{Baresip, TONE_LEAST_DBFS}, ctrl::EventKind, tandem::Tandem, tone};
//!
//! # fn main() -> tandem_kit::Result<()> {
//! let tandem = Tandem::builder().start()?;
//! let demo = tandem.demo();
//! let phone = |name: &str, hz| {
//!     let user = demo.user(name)?;
//!     Baresip::builder(&user.name, &demo.domain, &user.password, tandem.sip()).tone_hz(hz).start()
//! };
//! let (a, b) = (phone("301", 523.0)?, phone("302", 697.0)?);
//! let soon = Duration::from_secs(10);
//! a.wait_registered(soon)?;
//! b.wait_registered(soon)?;
//! a.dial("302")?;
//! b.wait_for(&EventKind::Incoming, soon)?;
//! b.accept()?;
//! a.wait_for(&EventKind::Established, soon)?;
//! std::thread::sleep(Duration::from_secs(3));
//! assert!(tone::onset(&a.received()?, 697.0, TONE_LEAST_DBFS).is_some());
//! # Ok(())
//! # }
//! ```
//!
//! Reading order: [`wait`], [`process`] and [`folder`] (what every peer is made of) → [`baresip`] with [`ctrl`] →
//! [`wav`] and [`tone`] (what was heard) → [`sipp`] with [`rtp`] (many calls) → [`fleet`] (many calls that listen) → [`tandem`]
//! with [`roles`] and [`http`].
//!
//! Everything runs headless on 127.0.0.1 with ports of its own, so tests run in parallel. Every wait has a deadline.
//! Every peer is killed, by process id, when its value is dropped; its folder with configuration, logs and recordings
//! is deleted then, or kept and named if the test is panicking. All failures are sentences ([`failure::Failure`]):
//! tests `unwrap()` them.
//!
//! Not here: simulated peers (`tests/sim`), assertions about Tandem (`tests/tests`). Needed: the Debian packages
//! `baresip-core`, `sip-tester` and, for the kit's own tests, `sox`.

pub mod baresip;
pub mod ctrl;
pub mod demo;
pub mod failure;
pub mod fleet;
pub mod folder;
pub mod http;
pub mod ports;
pub mod process;

pub mod roles;
pub mod rtp;
pub mod sameness;
pub mod sipp;
pub mod tandem;
pub mod tone;
pub mod wait;
pub mod watch;
pub mod wav;

pub use failure::{Failure, Result};
