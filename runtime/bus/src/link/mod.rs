//! A link between a gate and the call logic that outlives either of them, without sockets.
//!
//! Up goes what must not be lost: items, numbered per [`Lane`] from 1. The gate keeps each one ([`Held`]) until the
//! call logic has committed what followed from it and says so; after a lost connection it sends again what is not
//! acknowledged, and [`Taken`] refuses what was taken before. Down goes a plain stream: what is lost there with a
//! connection follows again from the call logic's state.
//!
//! Both sides say their hello at once and go on when they have read the other's. A gate draws an `instance` at its
//! start: a [`Cursor`] of another instance is void, for a new gate numbers from 1.
//!
//! Reading order: this file (what is said), [`frame`] (its bytes), [`held`] (the gate's side), [`taken`] (the call
//! logic's).

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod frame;
pub mod held;
pub mod taken;

pub use frame::{Decoder, LinkError, encode};
pub use held::{Bounds, Expired, Held, Refused};
pub use taken::Taken;

/// What is numbered by itself: a shard, or the registrar. A shard's lane has its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lane(pub u16);

impl Lane {
    /// The registrar's: the same, however many shards there are.
    pub const REGISTRAR: Self = Self(u16::MAX);
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::REGISTRAR => f.write_str("registrar"),
            Self(shard) => write!(f, "shard {shard}"),
        }
    }
}

/// How far a lane has come: the last number of one instance of a gate. 0: nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cursor {
    /// Which run of the gate counted.
    pub instance: u64,
    /// The last item's number.
    pub number: u64,
}

/// Which gate is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// SIP sockets.
    SipGate,
    /// Media endpoints.
    MediaGate,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SipGate => "SIP gate",
            Self::MediaGate => "media gate",
        })
    }
}

/// A gate's first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateHello {
    /// What it is.
    pub role: Role,
    /// Drawn at its start; a successor that took over what it holds goes on with the same.
    pub instance: u64,
    /// Per lane the number of the first item that is not acknowledged, or of the next one.
    pub held: Vec<(Lane, u64)>,
}

/// The call logic's first frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogicHello {
    /// Number of shards: lanes 0 to this, and the registrar's.
    pub shards: u16,
    /// Per lane what is committed: the gate may forget it.
    pub cursors: Vec<(Lane, Cursor)>,
}

/// What a gate says after its hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum FromGate<U> {
    /// An item that is kept until it is acknowledged. Numbers grow within a lane; one that is left out was dropped.
    Item { lane: Lane, number: u64, item: U },
    /// An item that nobody keeps.
    Note(U),
}

/// What the call logic says after its hello.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum FromLogic<D> {
    /// Everything in this lane up to this number is committed.
    Acknowledge { lane: Lane, cursor: Cursor },
    /// To the role behind the gate.
    Down(D),
}
