//! Call logic without sockets, clocks or threads: legs, calls, and what a scenario's requests become.
//!
//! A [`Shard`] owns its transactions, dialogs and calls. It takes one [`Input`] at a time and gives [`Output`]s until
//! [`Output::Wait`]. The scenario itself runs outside, in the driver's hands: its requests come in as
//! [`Input::Perform`] and their outcomes leave as [`Output::Done`].
//!
//! Reading order: [`shard`] (who an input concerns) → [`admission`] (may this INVITE become a call?) → [`call`] (what
//! follows from what) → `perform` and `dialling` (a scenario's requests) → [`leg`] (one dialog, one endpoint) →
//! [`sdp`], [`collect`], `sip_text`. [`registration`] is the registrar role; [`door`] answers what needs no call.
//!
//! Not here: sockets (`transport`), sound (`gate`), running WASM (`host-api`), SQL (`store`), policy (scenarios).

pub mod admission;
pub mod call;
pub mod collect;
mod context;
mod dialling;
pub mod door;
pub mod leg;
mod perform;
pub mod record;
pub mod registration;
pub mod sdp;
pub mod shard;
mod sip_text;

pub use shard::{Admitted, Answer, CallKey, Input, Located, Output, Question, Shard, ShardConfig, shard_of};
