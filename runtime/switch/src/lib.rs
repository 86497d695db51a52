//! Call logic without sockets, clocks or threads: legs, calls, and what a scenario's requests become.
//!
//! A [`Shard`] owns its transactions, dialogs and calls. It takes one [`Input`] at a time and gives [`Output`]s until
//! [`Output::Wait`]. The scenario itself runs outside, in the driver's hands: its requests come in as
//! [`Input::Perform`] and their outcomes leave as [`Output::Done`].
//!
//! Reading order: [`shard`] (who an input concerns) → [`admission`] (may this INVITE become a call?) → [`canary`]
//! (of which version?) → [`call`] (what
//! follows from what) → `perform` and `dialling` (a scenario's requests) → [`leg`] (one dialog, one endpoint) →
//! [`sdp`], `sip_text`. A shard outlives its process by `changes` (what to write down, under which
//! [`keys`]) and [`restore`]; `reconcile` brings the gate to what the legs want, `errand` finds a device whose connection
//! is gone. [`registration`] is the registrar role; [`door`] answers what needs no call.
//!
//! Not here: sockets (`transport`), sound (`gate`), running WASM (`host-api`), SQL (`store`), policy (scenarios).

pub mod admission;
mod again;
pub mod call;
pub mod canary;
mod changes;
mod context;
mod dialling;
pub mod door;
mod errand;
pub mod keys;
pub mod leg;
mod messaging;
pub mod nonces;
mod perform;
mod reconcile;
pub mod record;
pub mod registration;
pub mod restore;
pub mod sdp;
pub mod shard;
mod sip_text;
mod written;

pub use keys::{Change, Key, Kind};
pub use nonces::Nonces;
pub use restore::RestoreProblem;
pub use shard::{
    Admitted, Answer, CallKey, Happening, Input, Inquiry, Located, Output, Question, Resume, Shard,
    ShardConfig, Start, Told, shard_of,
};
