//! Sockets under SIP: UDP and TCP (RFC 3261 §18).
//!
//! A datagram's way: [`udp`] receives a batch → [`intake`] parses, validates, notes where it came from and answers
//! what it may answer by itself → your [`Deliver`]. A stream's: [`accept`] takes connections, [`connect`] makes them,
//! [`table`] bounds and numbers both → [`connection`] is the life of one → [`tcp`] frames and writes → the same
//! [`intake`]. Out goes [`Transport::send`], which never waits.
//!
//! A successor process can go on with all sockets in mid-stream: [`HandOver`].
//!
//! Nothing from outside costs more than a bound says: see [`Limits`]; what was refused, dropped or cut off is in
//! [`Counters`]. Not here: transactions and their repeats, or any decision about a call.

mod accept;
mod buckets;
mod connect;
mod connection;
mod counters;
mod fragment;
mod hand_over;
mod intake;
mod limits;
mod table;
mod tcp;
mod transport;
mod udp;

pub use counters::{Counters, Traffic};
pub use hand_over::{HandOver, Handed};
pub use intake::{Deliver, Inbound, begins};
pub use limits::{Config, Limits};
pub use transport::{SendError, Transport, TransportError};
