//! The whole server in one thread and virtual time, everything by chance from one seed.
//!
//! Real here: call logic with its logs, guests in the real engine, the link's reliable lanes, all of SIP on both sides.
//! Played here: the network, the two gates' sockets, the directory, the disks. [`run`] plays a [`Scenario`] while
//! [`Faults`] break what they say, and gives what must not have happened. The same seed gives the same trace.
//!
//! Reading order: [`plan`] (who calls whom, what breaks when) → [`world`] (what happens next) with `world/network`,
//! `world/effects`, `world/checks` (what must hold) → [`logic`] (a life of the call logic) → [`phone`], [`media_gate`],
//! [`sip_gate`], [`directory`], [`guests`].
//!
//! Not here: sound itself (`tests/tests` listens to it), sockets, the supervisor.

pub mod clock;
pub mod directory;
pub mod guests;
pub mod logic;
pub mod media_gate;
pub mod phone;
pub mod plan;
pub mod sip_gate;
pub mod trace;
pub mod world;

pub use logic::Committed;
pub use plan::{Crash, Faults, Network, Scenario, When, Who, Window};

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Of everything that happened.
    pub trace_hash: u64,
    /// A line an event, where it was kept.
    pub trace: Vec<String>,
    /// What must never be, and was.
    pub violations: Vec<String>,
    /// Every commit that wrote something, in order.
    pub commits: Vec<Committed>,
}

/// Plays a scenario.
pub fn run(seed: u64, scenario: &Scenario, faults: &Faults) -> Outcome {
    play(seed, scenario, faults, false)
}

/// Plays it and keeps the trace's lines.
pub fn run_traced(seed: u64, scenario: &Scenario, faults: &Faults) -> Outcome {
    play(seed, scenario, faults, true)
}

fn play(seed: u64, scenario: &Scenario, faults: &Faults, keeps_trace: bool) -> Outcome {
    match world::World::new(seed, scenario, faults, keeps_trace) {
        Ok(world) => world.run(),
        Err(error) => Outcome {
            trace_hash: 0,
            trace: Vec::new(),
            violations: vec![error],
            commits: Vec::new(),
        },
    }
}
