//! Call logic that outlives its process: a shard or a registrar, with the log that brings it back.
//!
//! Both are driven alike: give inputs, [`commit`](Calls::commit), then carry out the effects. `commit` writes what the
//! inputs changed as one batch; only after it are effects given out, so nothing becomes visible that a restart would
//! not know of. Opening a log that holds calls gives their effects too: requests that were under way, scenarios to go
//! on with, records that the store has not confirmed.
//!
//! Reading order: [`keeper`] (one batch after another, and what a broken disk means) → [`calls`] (a shard with its
//! scenarios' journals) with [`messages`] (what its dialogs said) → [`registrations`]. Sans-IO but for the log's
//! `Disk`: the driver brings sockets, time, guests.
//!
//! Not here: what a call does (`tandem-switch`), the log's form (`tandem-journal`), running WASM (`host-api`).

pub mod calls;
mod ended;
pub mod keeper;
pub mod messages;
pub mod registrations;

pub use calls::{Calls, Effect, Launch};
pub use ended::Ended;
pub use keeper::{Keeper, Kept};
pub use messages::Said;
pub use registrations::{RegistrarEffect, Registrations};
