//! The door between scenarios and the host: everything that a WASM scenario asks for passes through here, in order,
//! and is journalled before it is done.
//!
//! A host call's way: a guest calls an import → [`imports`] turns its arguments into an [`Op`] → the door gives it the
//! next index, writes *started* to the [`Journal`], checks its arguments and limits, asks the [`Switch`], waits where
//! the answer comes later, writes *ended* → the import turns the [`Outcome`] into what the guest reads.
//!
//! Reading order: [`op`] (the words), `door.rs` (the way above), [`journal`] (the record and its rolling hash),
//! [`limits`], [`quota`] and `grants.rs` (what a scenario may use), [`engine`], `modules.rs`, `code_cache.rs` and
//! `function_cache.rs` (compile, cache, link), [`validate`] (all that is wrong with a file), `world.rs` (what starts
//! a scenario), `run.rs` (from instantiation to its end), `meter.rs` and `background.rs` (how long it computes, and where),
//! [`replay`](mod@replay) (the same call again, out of its journal).
//!
//! [`sections`] is what a component carries besides code. [`collect`], [`schedule`] and [`numbers`] are what a server
//! and a simulator share of the rules behind the ops.
//!
//! Not here: what an `Op` does (the switch provides that by implementing [`Switch`]), SIP, media, SQL. Nothing in this
//! crate opens a socket; the caches of compiled code are all that it writes to disk.

mod background;
mod check;
mod code_cache;
pub mod collect;
mod door;
mod earlier;
pub mod engine;
mod function_cache;
mod grants;
mod imports;
pub mod journal;
pub mod limits;
mod meter;
mod modules;
pub mod numbers;
pub mod op;
pub mod quota;
pub mod replay;
mod run;
pub mod schedule;
pub mod sections;
mod stand_ins;
mod survey;
mod usage;
pub mod validate;
mod world;

pub use door::{Reply, Switch};
pub use engine::{Engine, EngineConfig, EngineError};
pub use grants::{Grants, LiveGrants};
pub use journal::{
    Clock, Entry, Input, Journal, JournalError, JournalHeader, RecordedJournal, monotonic_clock,
};
pub use limits::Limits;
pub use modules::{LoadError, Module};
pub use op::{LegId, Op, OpIndex, Outcome};
pub use quota::{DomainLimits, DomainQuota, Used};
pub use replay::{Divergence, ReplayOptions, ReplayReport, ReplayStep, replay};
pub use run::{End, Finished, Run};
pub use usage::Usage;
pub use validate::{Code, Problem, Rules, Verdict, imports};
pub use world::{Event, WEB_RESPONSE_MAX, WebRequest, WebResponse, World};

/// The world of call scenarios, as components of this version name it.
pub const WORLD: &str = World::Call.name();
