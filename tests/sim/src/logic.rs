//! One life of the call logic: its shards and registrar with their logs, and its guests, driven as the real drivers do
//! it: inputs, commit, effects. It dies where it is told to.

use std::collections::{BTreeMap, VecDeque};

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tandem_bus::link::{Cursor, Lane, LogicHello, Role, Taken};
use tandem_bus::media::Event as MediaEvent;
use tandem_bus::sip::Up;
use tandem_host_api::{End, Finished};
use tandem_journal::{Log, Options, Problem, SimDisk};
use tandem_logic::keeper::cursor_of;
use tandem_logic::{Calls, Effect, Keeper, Kept, RegistrarEffect, Registrations};
use tandem_sip::auth;
use tandem_sip::registrar::{Binding, Config as RegistrarConfig, Registrar};
use tandem_sip::{Message, Moment};
use tandem_switch::door::Passed;
use tandem_switch::keys::Key;
use tandem_switch::registration::{Input as RegistrarInput, Registration};
use tandem_switch::{Answer, CallKey, Input, Nonces, Shard, ShardConfig};

use crate::clock::{self, ms};
use crate::guests::Guests;
use crate::plan::Window;
use crate::trace::Trace;

/// Shards of every server here.
pub const SHARDS: u16 = 2;
/// Inputs that share a commit, at most.
const BATCH_MAX: usize = 64;

/// What reaches a lane.
#[derive(Debug)]
pub enum ToLane {
    /// A gate is there.
    Connected(Role, u64, bool),
    /// An item of the SIP gate.
    Sip(Cursor, Up),
    /// An item of the media gate.
    Media(Cursor, MediaEvent),
    /// A scenario asks for something.
    Perform(Passed),
    /// A scenario ended.
    ScenarioEnded(CallKey, Result<Finished, End>),
    /// A question was answered.
    Answered(u64, Answer),
    /// The store has a record.
    Stored(u64),
}

#[expect(clippy::large_enum_variant, reason = "there are three of them")]
enum LaneRole {
    Shard(Calls<SimDisk>),
    Registrar(Registrations<SimDisk>),
}

struct LaneState {
    role: LaneRole,
    inbox: VecDeque<ToLane>,
    disk: SimDisk,
    /// Nothing that is due is looked at before the SIP gate was there.
    begun: bool,
}

/// An effect of either role.
#[derive(Debug)]
pub enum Done {
    /// Of a shard.
    Shard(u16, Effect),
    /// Of the registrar.
    Registrar(RegistrarEffect),
}

/// What a commit came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whose.
    pub lane: Lane,
    /// Bytes of its batch.
    pub bytes: u64,
    /// Effects that followed.
    pub effects: usize,
}

/// One life.
pub struct Logic {
    /// Which life it is.
    pub life: u64,
    lanes: BTreeMap<Lane, LaneState>,
    /// What was taken from the SIP gate.
    pub sip: Taken,
    /// What was taken from the media gate.
    pub media: Taken,
    /// Scenarios.
    pub guests: Guests,
}

/// The disks of a server: one for each lane.
pub type Disks = BTreeMap<Lane, SimDisk>;

/// What became of a round.
pub enum Round {
    /// It is over: its effects, and what its commit came to, where it wrote something.
    Over(Vec<Done>, Option<Committed>),
    /// The process died in its commit.
    Died,
}

/// All lanes of a server.
pub fn lanes() -> impl Iterator<Item = Lane> {
    (0..SHARDS).map(Lane).chain([Lane::REGISTRAR])
}

fn options() -> Options {
    Options {
        // So small that every run sees segments go.
        segment_bytes: 24 << 10,
        keep_bytes: 48 << 10,
        ..Options::default()
    }
}

/// What a log holds in the end.
pub fn keys_left(disk: &SimDisk) -> Vec<Key> {
    let copy = SimDisk::new(0);
    for (segment, bytes) in disk.segments() {
        copy.tamper(segment, bytes);
    }
    let Ok((_, opened)) = Log::open(copy, options()) else {
        return Vec::new();
    };
    opened.map.keys().filter_map(|key| Key::from_bytes(key)).collect()
}

impl Logic {
    /// Begins a life on what the disks hold.
    pub fn begin(life: u64, disks: &Disks, seed: u64, trace: &mut Trace) -> Result<Self, String> {
        let now = clock::now();
        let mut logic = Self {
            life,
            lanes: BTreeMap::new(),
            sip: Taken::new(),
            media: Taken::new(),
            guests: Guests::default(),
        };
        for (lane, disk) in disks {
            let opened = Log::open(disk.clone(), options()).map_err(|error| format!("{lane}: {error}"))?;
            let (log, opened) = opened;
            for problem in &opened.problems {
                match problem {
                    Problem::TornTail { .. } => trace.say("logic", format_args!("{lane}: {problem}")),
                    _ => trace.violation(format_args!("{lane}: {problem}")),
                }
            }
            let values: Vec<(Key, Vec<u8>)> = opened
                .map
                .into_iter()
                .filter_map(|(key, value)| Some((Key::from_bytes(&key)?, value)))
                .collect();
            let cursor = |gate: Role| {
                values
                    .iter()
                    .filter_map(|(key, value)| cursor_of(*key, value))
                    .find_map(|(of, cursor)| (of == gate).then_some(cursor))
            };
            logic.sip.restore(*lane, cursor(Role::SipGate));
            if *lane != Lane::REGISTRAR {
                logic.media.restore(*lane, cursor(Role::MediaGate));
            }
            let seed = seed ^ (life << 32) ^ (u64::from(lane.0) << 16);
            let role = begin_lane(*lane, Keeper::new(log, *lane), values, seed, now, trace);
            let state = LaneState {
                role,
                inbox: VecDeque::new(),
                disk: disk.clone(),
                begun: false,
            };
            logic.lanes.insert(*lane, state);
        }
        Ok(logic)
    }

    /// What it says to a gate.
    pub fn hello(&self, gate: Role) -> LogicHello {
        match gate {
            Role::SipGate => self.sip.hello(SHARDS),
            Role::MediaGate => self.media.hello(SHARDS),
        }
    }

    /// Something for a lane.
    pub fn give(&mut self, lane: Lane, what: ToLane) {
        if let Some(state) = self.lanes.get_mut(&lane) {
            state.inbox.push_back(what);
        }
    }

    /// Whether a lane has something to take.
    pub fn has_input(&self, lane: Lane) -> bool {
        self.lanes.get(&lane).is_some_and(|state| !state.inbox.is_empty())
    }

    /// When a lane is due.
    pub fn deadline(&self, lane: Lane) -> Option<Moment> {
        let state = self.lanes.get(&lane).filter(|state| state.begun)?;
        match &state.role {
            LaneRole::Shard(calls) => calls.deadline(),
            LaneRole::Registrar(registrations) => registrations.deadline(),
        }
    }

    /// The devices of a user.
    pub fn lookup(&self, domain: &str, user: &str) -> Vec<Binding> {
        match self.lanes.get(&Lane::REGISTRAR).map(|state| &state.role) {
            Some(LaneRole::Registrar(registrations)) => {
                registrations.registration().lookup(domain, user, clock::now())
            }
            _ => Vec::new(),
        }
    }

    /// Calls, and everything that is remembered of them.
    pub fn remembered(&self) -> Vec<(usize, usize)> {
        let of = |state: &LaneState| match &state.role {
            LaneRole::Shard(calls) => Some((calls.shard().calls(), calls.shard().remembered())),
            LaneRole::Registrar(_) => None,
        };
        self.lanes.values().filter_map(of).collect()
    }

    /// Takes what has come for a lane, commits, and gives what may be done. `dies`: where in its commit the process
    /// dies, if it writes one.
    pub fn round(&mut self, lane: Lane, dies: Option<Window>) -> Round {
        let now = clock::now();
        let Some(state) = self.lanes.get_mut(&lane) else {
            return Round::Over(Vec::new(), None);
        };
        // What is due is a round of its own.
        let is_due = state.begun && state.inbox.is_empty();
        for _ in 0..BATCH_MAX {
            let Some(input) = state.inbox.pop_front() else {
                break;
            };
            state.begun |= matches!(input, ToLane::Connected(Role::SipGate, ..));
            match &mut state.role {
                LaneRole::Shard(calls) => to_shard(calls, input, now),
                LaneRole::Registrar(registrations) => to_registrar(registrations, input, now),
            }
        }
        match &mut state.role {
            LaneRole::Shard(calls) => {
                if is_due && calls.deadline().is_some_and(|at| at <= now) {
                    calls.handle(Input::Timeout, now);
                }
            }
            LaneRole::Registrar(registrations) => {
                if is_due && registrations.deadline().is_some_and(|at| at <= now) {
                    registrations.handle(RegistrarInput::Timeout, now);
                }
            }
        }
        let before = state.written();
        match dies {
            Some(Window::Before) => state.disk.die_after(0),
            // A call of the disk counts as one byte.
            Some(Window::Torn(bytes)) => state.disk.die_after(1 + bytes),
            Some(Window::After(_)) | None => (),
        }
        let kept = match &mut state.role {
            LaneRole::Shard(calls) => calls.commit(),
            LaneRole::Registrar(registrations) => registrations.commit(),
        };
        let bytes = state.written() - before;
        let is_torn = matches!(dies, Some(Window::Before | Window::Torn(_)));
        if is_torn {
            state.disk.crash(tandem_journal::Death::Process);
            if matches!(kept, Kept::Broken(_)) || bytes > 0 {
                return Round::Died;
            }
        }
        let mut done = Vec::new();
        match &mut state.role {
            LaneRole::Shard(calls) => {
                while let Some(effect) = calls.poll_effect() {
                    done.push(Done::Shard(lane.0, effect));
                }
            }
            LaneRole::Registrar(registrations) => {
                while let Some(effect) = registrations.poll_effect() {
                    done.push(Done::Registrar(effect));
                }
            }
        }
        let committed = (bytes > 0).then_some(Committed {
            lane,
            bytes,
            effects: done.len(),
        });
        Round::Over(done, committed)
    }
}

impl LaneState {
    fn written(&self) -> u64 {
        match &self.role {
            LaneRole::Shard(calls) => calls.log_bytes().0,
            LaneRole::Registrar(registrations) => registrations.log_bytes().0,
        }
    }
}

fn begin_lane(
    lane: Lane,
    mut keeper: Keeper<SimDisk>,
    values: Vec<(Key, Vec<u8>)>,
    seed: u64,
    now: Moment,
    trace: &mut Trace,
) -> LaneRole {
    let nonces = Nonces {
        config: auth::Config::default(),
        rng: StdRng::seed_from_u64(seed ^ 0x4e),
    };
    let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
    if lane == Lane::REGISTRAR {
        let empty = Registrar::new(RegistrarConfig::default());
        let (registration, problems) = Registration::restore(empty, nonces, seed, entries, now);
        for problem in problems {
            trace.violation(format_args!("registrar: {problem}"));
        }
        for (key, value) in &values {
            keeper.found(*key, value);
        }
        return LaneRole::Registrar(Registrations::new(registration, keeper, now));
    }
    let config = ShardConfig {
        shard: u64::from(lane.0),
        shards: u64::from(SHARDS),
        calls_max: 1_000,
        calls_per_domain_max: 1_000,
    };
    let (shard, problems) = Shard::restore(config, nonces, seed, entries, now);
    for problem in problems {
        trace.violation(format_args!("{lane}: {problem}"));
    }
    LaneRole::Shard(Calls::new(shard, keeper, clock::clock(), values, now))
}

fn to_shard(calls: &mut Calls<SimDisk>, input: ToLane, now: Moment) {
    match input {
        ToLane::Connected(gate, instance, fresh) => {
            if fresh {
                calls.heard(gate, Cursor { instance, number: 0 });
            }
            let input = match gate {
                Role::SipGate => Input::SipGateConnected { fresh },
                Role::MediaGate => Input::GateConnected { fresh },
            };
            calls.handle(input, now);
        }
        ToLane::Sip(cursor, item) => {
            match item {
                Up::Message { flow, bytes } => {
                    if let Ok(message) = Message::parse(bytes) {
                        calls.handle(Input::Sip { flow, message }, now);
                    }
                }
                Up::Closed { flow } => calls.handle(Input::FlowClosed { flow }, now),
                Up::Listening { .. } | Up::Counted(_) => (),
            }
            calls.heard(Role::SipGate, cursor);
        }
        ToLane::Media(cursor, event) => {
            calls.handle(Input::Media(event), now);
            calls.heard(Role::MediaGate, cursor);
        }
        ToLane::Perform(passed) => calls.handle_passed(passed, now),
        ToLane::ScenarioEnded(call, finished) => calls.handle_scenario_ended(call, finished, now),
        ToLane::Answered(number, answer) => calls.handle(Input::Answered { number, answer }, now),
        ToLane::Stored(number) => calls.stored(number),
    }
}

fn to_registrar(registrations: &mut Registrations<SimDisk>, input: ToLane, now: Moment) {
    match input {
        ToLane::Connected(_, instance, fresh) => {
            if fresh {
                registrations.heard(Cursor { instance, number: 0 });
            }
            registrations.handle(RegistrarInput::SipGateConnected { fresh }, now);
        }
        ToLane::Sip(cursor, item) => {
            match item {
                Up::Message { flow, bytes } => {
                    if let Ok(message) = Message::parse(bytes) {
                        registrations.handle(RegistrarInput::Sip { flow, message }, now);
                    }
                }
                Up::Closed { flow } => registrations.handle(RegistrarInput::FlowClosed { flow }, now),
                Up::Listening { .. } | Up::Counted(_) => (),
            }
            registrations.heard(cursor);
        }
        ToLane::Answered(number, answer) => {
            registrations.handle(RegistrarInput::Answered { number, answer }, now);
        }
        ToLane::Media(..) | ToLane::Perform(_) | ToLane::ScenarioEnded(..) | ToLane::Stored(_) => (),
    }
}

/// How long a lane takes to begin a round.
pub fn round_delay(chance: u32) -> std::time::Duration {
    // Most come at once, some wait for company.
    if chance.is_multiple_of(4) {
        ms(1)
    } else {
        std::time::Duration::from_micros(u64::from(chance % 90))
    }
}
