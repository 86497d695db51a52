//! Drives one shard of call logic: a thread with a current-thread runtime that owns the shard, its log and its guests.
//!
//! A round takes what has come, commits it, then lets its effects out. Guests run between rounds, never within one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::link::{Cursor, Lane, Role};
use tandem_bus::media::{Command, Event};
use tandem_host_api::{End, Finished};
use tandem_journal::Files;
use tandem_logic::{Calls, Effect, Ended, Kept, Launch};
use tandem_sip::{Flow, Moment};
use tandem_switch::door::{Door, Facts, Passed};
use tandem_switch::{Answer, CallKey, Input, Inquiry, Told};
use tandem_web::Live;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::answers::Answers;
use super::clock;
use super::happened;
use super::journals::Watch;
use super::records::{Confirm, ToStore};
use super::scenario::Scenarios;
use crate::process::gates::{FromGate, GateKind, Gates, ShardInbox, SipItem, Unsent};
use tandem_sip::message::Shown;

/// Inputs handled before what they caused leaves, at most.
const BATCH_MAX: usize = 64;
/// A full media gate is tried again after so long.
const GATE_PAUSE: Duration = Duration::from_millis(5);

/// What reaches a shard from other roles and from its own guests.
#[derive(Debug)]
pub enum ToShard {
    /// A scenario asks for something.
    Perform(Passed),
    /// A scenario ended.
    ScenarioEnded(CallKey, Result<Finished, End>),
    /// A question was answered.
    Answered(u64, Answer),
    /// Somebody asks the shard itself.
    Inquire(Inquiry, oneshot::Sender<Told>),
    /// The store has a record.
    Stored(u64),
    /// A connection is gone.
    FlowClosed(Flow),
    /// Take no new calls, or take them again.
    Drain(bool),
    /// Hang up what is left.
    EndAll,
    /// Leave, once no call is left.
    Stop,
    /// Leave at once: calls live on in the log.
    Finish,
}

/// What a shard tells those who watch.
#[derive(Debug, Default)]
pub struct ShardCounters {
    /// Calls now.
    pub calls: AtomicU64,
    /// Bytes written to the log since the start.
    pub log_written: AtomicU64,
    /// Bytes of the log on the disk now.
    pub log_bytes: AtomicU64,
}

/// The way to one shard.
#[derive(Debug, Clone)]
pub struct ShardPort {
    /// Bounded by what the shard itself has asked for.
    pub inbox: mpsc::UnboundedSender<ToShard>,
    /// What it counts.
    pub counters: Arc<ShardCounters>,
}

impl ShardPort {
    /// Calls at this moment.
    pub fn calls(&self) -> u64 {
        self.counters.calls.load(Ordering::Relaxed)
    }
}

/// Where a shard's effects go.
#[derive(Clone)]
pub struct Reach {
    /// SIP sockets and the media gate.
    pub gates: Gates,
    /// Directory, store, registrar.
    pub answers: Answers,
    /// Guests.
    pub scenarios: Scenarios,
    /// The records' writer.
    pub records: mpsc::Sender<ToStore>,
    /// The runtime on which questions are answered.
    pub asking: tokio::runtime::Handle,
    /// Told of each call's and each scenario's end.
    pub observe: Arc<dyn Fn(Observed<'_>) + Send + Sync>,
    /// Told of logs that cannot be written.
    pub watch: Watch,
    /// Told of what goes on.
    pub live: Live,
}

/// What is counted.
#[derive(Debug)]
pub enum Observed<'a> {
    /// A call is over.
    Call(&'a Ended),
    /// A scenario ended.
    Scenario(&'a End),
}

/// A shard to be driven.
pub struct ToDrive {
    /// Its number.
    pub number: u16,
    /// The shard with its log.
    pub calls: Calls<Files>,
    /// What the gates tell it.
    pub gates: ShardInbox,
}

/// Starts a shard's thread. It ends after [`ToShard::Stop`] and its last call, or at once by [`ToShard::Finish`].
pub fn start(shard: ToDrive, reach: Reach) -> std::io::Result<(ShardPort, JoinHandle<()>)> {
    let (inbox, inbox_in) = mpsc::unbounded_channel();
    let counters = Arc::new(ShardCounters::default());
    let port = ShardPort {
        inbox: inbox.clone(),
        counters: counters.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let ToDrive { number, calls, gates } = shard;
    let thread = std::thread::Builder::new()
        .name(format!("shard-{number}"))
        .spawn(move || {
            let _fault = Fault;
            let driver = Driver {
                lane: Lane(number),
                calls,
                reach,
                inbox,
                counters,
                unsent: VecDeque::new(),
                asking: HashMap::new(),
                next_inquiry: 0,
                rng: StdRng::from_os_rng(),
            };
            LocalSet::new().block_on(&runtime, driver.run(gates, inbox_in));
        })?;
    Ok((port, thread))
}

/// A fault of ours in a shard's thread ends the process, which is started again and goes on with every call. A shard
/// that is missing in a process that looks well would be worse.
struct Fault;

impl Drop for Fault {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("a shard has ended by a fault: the process ends");
            std::process::abort();
        }
    }
}

struct Driver {
    lane: Lane,
    calls: Calls<Files>,
    reach: Reach,
    inbox: mpsc::UnboundedSender<ToShard>,
    counters: Arc<ShardCounters>,
    /// Commands that the media gate has not taken yet.
    unsent: VecDeque<Command>,
    /// Who waits for the answer to which inquiry.
    asking: HashMap<u64, oneshot::Sender<Told>>,
    next_inquiry: u64,
    rng: StdRng,
}

/// What ends a driver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    No,
    Stopping,
    Finished,
}

impl Driver {
    async fn run(mut self, gates: ShardInbox, mut inbox: mpsc::UnboundedReceiver<ToShard>) {
        let ShardInbox { mut sip, mut media } = gates;
        let mut leaving = Leaving::No;
        let (mut events, mut from_media, mut from_sip) = (Vec::new(), Vec::new(), Vec::new());
        // What a restored shard wants.
        let mut deadline = self.round();
        // What is due is looked at after what was said last has been said again.
        let mut begun = false;
        while leaving == Leaving::No || (leaving == Leaving::Stopping && self.calls.shard().calls() > 0) {
            let due = async {
                match deadline.filter(|_| begun) {
                    Some(at) => sleep_until(clock::instant_of(at).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = inbox.recv_many(&mut events, BATCH_MAX) => (),
                got = media.recv_many(&mut from_media, BATCH_MAX) => if got == 0 { return },
                got = sip.recv_many(&mut from_sip, BATCH_MAX) => if got == 0 { return },
                () = due => self.handle(Input::Timeout),
            }
            for event in events.drain(..) {
                match event {
                    ToShard::Stop => leaving = Leaving::Stopping,
                    ToShard::Finish => leaving = Leaving::Finished,
                    event => self.handle_event(event),
                }
            }
            for told in from_media.drain(..) {
                self.handle_media(told);
            }
            for told in from_sip.drain(..) {
                begun |= matches!(told, FromGate::Connected { .. });
                self.handle_sip(told);
            }
            deadline = self.round();
        }
        self.calls.give_messages(true);
        self.carry_out_all();
    }

    fn handle(&mut self, input: Input) {
        self.calls.handle(input, clock::now());
    }

    fn handle_event(&mut self, event: ToShard) {
        match event {
            ToShard::Perform(passed) => self.calls.handle_passed(passed, clock::now()),
            ToShard::ScenarioEnded(call, finished) => {
                let end = finished.as_ref().map_or_else(|end| end, |finished| &finished.end);
                (self.reach.observe)(Observed::Scenario(end));
                self.calls.handle_scenario_ended(call, finished, clock::now());
            }
            ToShard::Answered(number, answer) => self.handle(Input::Answered { number, answer }),
            ToShard::Inquire(inquiry, reply) => {
                self.next_inquiry += 1;
                self.asking.insert(self.next_inquiry, reply);
                self.calls
                    .handle_inquiry(self.next_inquiry, inquiry, clock::now());
            }
            ToShard::Stored(number) => self.calls.stored(number),
            ToShard::FlowClosed(flow) => self.handle(Input::FlowClosed { flow }),
            ToShard::Drain(on) => self.handle(Input::Drain { on }),
            ToShard::EndAll => self.handle(Input::EndAll),
            ToShard::Stop | ToShard::Finish => (),
        }
    }

    fn handle_media(&mut self, told: FromGate<Event>) {
        match told {
            FromGate::Connected { instance, fresh } => {
                if fresh {
                    self.calls.heard(Role::MediaGate, Cursor { instance, number: 0 });
                }
                // What waited was meant for the link that broke: what is missing is found out.
                self.unsent.clear();
                self.handle(Input::GateConnected { fresh });
            }
            FromGate::Lost => self.unsent.clear(),
            FromGate::Item { cursor, item } => {
                self.handle(Input::Media(item));
                self.calls.heard(Role::MediaGate, cursor);
            }
        }
    }

    fn handle_sip(&mut self, told: FromGate<SipItem>) {
        match told {
            FromGate::Connected { instance, fresh } => {
                if fresh {
                    self.calls.heard(Role::SipGate, Cursor { instance, number: 0 });
                }
                self.handle(Input::SipGateConnected { fresh });
            }
            FromGate::Lost => (),
            FromGate::Item { cursor, item } => {
                match item {
                    SipItem::Message { flow, message } => self.handle(Input::Sip { flow, message }),
                    SipItem::Closed { flow } => self.handle(Input::FlowClosed { flow }),
                }
                self.calls.heard(Role::SipGate, cursor);
            }
        }
    }

    /// Commits, then carries out what may be; the next deadline.
    fn round(&mut self) -> Option<Moment> {
        match self.calls.commit() {
            Kept::Well | Kept::Broken(None) => (),
            Kept::Mended => self.reach.watch.mended(self.lane),
            Kept::Broken(Some(why)) => self.reach.watch.broken(self.lane, &why),
        }
        self.carry_out_all();
        // A command that waits is tried again soon: its call hangs on it.
        let again = (!self.command_gate()).then(|| clock::now() + GATE_PAUSE);
        let (written, on_disk) = self.calls.log_bytes();
        let counters = &self.counters;
        counters
            .calls
            .store(self.calls.shard().calls() as u64, Ordering::Relaxed);
        counters.log_written.store(written, Ordering::Relaxed);
        counters.log_bytes.store(on_disk, Ordering::Relaxed);
        [self.calls.deadline(), again].into_iter().flatten().min()
    }

    fn carry_out_all(&mut self) {
        while let Some(effect) = self.calls.poll_effect() {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send { flow, bytes } => self.send(flow, bytes),
            Effect::Media(command) => self.unsent.push_back(command),
            Effect::Ask { number, question } => {
                let (answers, inbox) = (self.reach.answers.clone(), self.inbox.clone());
                self.reach.asking.spawn(async move {
                    let answer = answers.answer(question).await;
                    // A shard that is gone has nobody left to tell.
                    drop(inbox.send(ToShard::Answered(number, answer)));
                });
            }
            Effect::Launch(launch) => self.launch(*launch),
            // A guest that is gone has nobody left to tell.
            Effect::Answer { reply, outcome } => drop(reply.send(outcome)),
            Effect::Happened(happening) => {
                happened::tell_call(&self.reach.live, &happening);
                let directory = self.reach.answers.directory.clone();
                self.reach
                    .asking
                    .spawn(async move { happened::note_call(&directory, &happening).await });
            }
            Effect::Told { number, told } => {
                // One who is gone needs no answer.
                drop(self.asking.remove(&number).map(|reply| reply.send(told)));
            }
            Effect::Store { number, ended } => {
                (self.reach.observe)(Observed::Call(&ended));
                happened::tell_end(&self.reach.live, &ended);
                self.reach.scenarios.meters.call(&ended.domain);
                let inbox = self.inbox.clone();
                let confirm: Confirm = Box::new(move || drop(inbox.send(ToShard::Stored(number))));
                if let Err(error) = self.reach.records.try_send(ToStore::Call { ended, confirm }) {
                    tracing::error!(number, %error, "a record stays in the log until the next start");
                }
            }
            Effect::StoreMessages(said) => {
                // They are large: where the store does not keep up, records go first.
                let records = &self.reach.records;
                let room = records.capacity() > records.max_capacity() / 4 * 3;
                if !room {
                    tracing::warn!(call = %said.call, "the SIP messages of a call are lost: the store does not keep up");
                } else if let Err(error) = records.try_send(ToStore::Messages(said)) {
                    tracing::warn!(%error, "the SIP messages of a call are lost");
                }
            }
            Effect::Acknowledge { gate, cursor } => {
                let gate = match gate {
                    Role::SipGate => GateKind::Sip,
                    Role::MediaGate => GateKind::Media,
                };
                self.reach.gates.acknowledge(gate, self.lane, cursor);
            }
        }
    }

    /// Gives the media gate its commands in their order; false: its queue is full and some wait here. They are as
    /// many as calls have asked for.
    fn command_gate(&mut self) -> bool {
        while let Some(command) = self.unsent.pop_front() {
            match self.reach.gates.send_media(command.clone()) {
                Ok(()) => (),
                Err(Unsent::Full) => {
                    self.unsent.push_front(command);
                    return false;
                }
                // It is missed when the gate is back, and given again.
                Err(error) => tracing::debug!(?error, ?command, "not carried out"),
            }
        }
        true
    }

    fn send(&mut self, flow: Flow, bytes: bytes::Bytes) {
        tracing::debug!(target: "sip", remote = %flow.remote, message = %Shown(&bytes), "sent");
        match self.reach.gates.send_sip(flow, bytes) {
            Ok(()) => (),
            Err(Unsent::Gone | Unsent::Full) if flow.transport.is_reliable() => {
                drop(self.inbox.send(ToShard::FlowClosed(flow))); // it is this thread's own
            }
            Err(error) => tracing::debug!(remote = %flow.remote, ?error, "not sent"),
        }
    }

    fn launch(&mut self, launch: Launch) {
        let Launch { start, journal } = launch;
        let (call, entry) = (start.call, start.entry.clone());
        happened::tell_going_on(&self.reach.live, &start);
        let (inbox, domain, scenarios) = (
            self.inbox.clone(),
            start.domain.clone(),
            self.reach.scenarios.clone(),
        );
        let rng = StdRng::seed_from_u64(self.rng.random());
        tokio::task::spawn_local(async move {
            let (zone, language) = scenarios.locale(&domain).await;
            let pass_to = inbox.clone();
            let pass = move |passed| drop(pass_to.send(ToShard::Perform(passed)));
            let door = Door::new(call, Facts::new(start, zone, language), rng, Timestamp::now, pass);
            let finished = scenarios.run(&domain, &entry, Box::new(door), journal).await;
            drop(inbox.send(ToShard::ScenarioEnded(call, finished)));
        });
    }
}
