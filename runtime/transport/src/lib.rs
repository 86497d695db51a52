//! Sockets under SIP: UDP and TCP (RFC 3261 §18).
//!
//! A datagram's way: [`udp`] receives a batch → [`intake`] parses, validates, notes where it came from and answers
//! what it may answer by itself → your [`Deliver`]. A stream's: [`accept`] bounds connections → [`tcp`] frames and
//! writes → the same [`intake`]. Out goes [`Transport::send`], which never waits.
//!
//! Nothing from outside costs more than a bound says: see [`Limits`]; what was refused, dropped or cut off is in
//! [`Counters`]. Not here: transactions and their repeats, or any decision about a call.

mod accept;
mod buckets;
mod counters;
mod fragment;
mod intake;
mod limits;
mod tcp;
mod transport;
mod udp;

pub use counters::{Counters, Traffic};
pub use intake::{Deliver, Inbound};
pub use limits::{Config, Limits};
pub use transport::{SendError, Transport, TransportError};
