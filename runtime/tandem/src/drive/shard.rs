//! Drives one shard of call logic: a thread with a current-thread runtime that owns the shard and its guests.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::media::{Command, Event};
use tandem_gate::{Gate, SendError};
use tandem_host_api::op::Outcome;
use tandem_host_api::{End, Finished, Journal};
use tandem_sip::{Flow, Message};
use tandem_switch::door::{Door, Facts, Passed};
use tandem_switch::record::Record;
use tandem_switch::shard::Start;
use tandem_switch::{Answer, CallKey, Input, Output, Shard};
use tandem_transport::Transport;
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::answers::Answers;
use super::records::Ended;
use super::scenario::Scenarios;
use super::sip_log::Shown;

/// Inputs handled before what they caused leaves, at most.
const BATCH_MAX: usize = 64;
/// A full media gate is tried again after so long.
const GATE_PAUSE: Duration = Duration::from_millis(5);

/// What reaches a shard from other roles and from its own guests.
#[derive(Debug)]
pub enum ToShard {
    /// A connection is gone.
    FlowClosed(Flow),
    /// The media gate tells something.
    Media(Event),
    /// A scenario asks for something.
    Perform(Passed),
    /// A scenario ended.
    ScenarioEnded(CallKey, Result<Finished, End>),
    /// A question was answered.
    Answered(u64, Answer),
    /// Take no new calls.
    Drain,
    /// Hang up what is left.
    EndAll,
    /// Leave, once no call is left.
    Stop,
}

/// What a shard tells those who watch.
#[derive(Debug, Default)]
pub struct ShardCounters {
    /// Calls now.
    pub calls: AtomicU64,
}

/// The way to one shard.
#[derive(Debug, Clone)]
pub struct ShardPort {
    /// SIP messages; full: the peer is told to come again later.
    pub sip: mpsc::Sender<(Flow, Message)>,
    /// Everything else: bounded by what the shard itself has asked for.
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

/// Where a shard's outputs go.
#[derive(Clone)]
pub struct Reach {
    /// SIP sockets.
    pub transport: Transport,
    /// The media gate.
    pub gate: Arc<Gate>,
    /// Directory, store, registrar.
    pub answers: Answers,
    /// Guests.
    pub scenarios: Scenarios,
    /// The records' writer.
    pub records: mpsc::Sender<Ended>,
    /// The runtime on which questions are answered.
    pub asking: tokio::runtime::Handle,
    /// Told of each call's and each scenario's end.
    pub observe: Arc<dyn Fn(Observed<'_>) + Send + Sync>,
}

/// What is counted.
#[derive(Debug)]
pub enum Observed<'a> {
    /// A call is over.
    Call(&'a Record),
    /// A scenario ended.
    Scenario(&'a End),
}

/// Starts a shard's thread. It ends after [`ToShard::Stop`] and its last call.
pub fn start(
    shard: Shard,
    number: u64,
    queue: usize,
    reach: Reach,
) -> std::io::Result<(ShardPort, JoinHandle<()>)> {
    let (sip, sip_in) = mpsc::channel(queue);
    let (inbox, inbox_in) = mpsc::unbounded_channel();
    let counters = Arc::new(ShardCounters::default());
    let port = ShardPort {
        sip,
        inbox: inbox.clone(),
        counters: counters.clone(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = std::thread::Builder::new()
        .name(format!("shard-{number}"))
        .spawn(move || {
            let driver = Driver {
                shard,
                reach,
                inbox,
                counters,
                live: HashMap::new(),
                unsent: VecDeque::new(),
                rng: StdRng::from_os_rng(),
            };
            LocalSet::new().block_on(&runtime, driver.run(sip_in, inbox_in));
        })?;
    Ok((port, thread))
}

/// A call whose scenario runs, or has run.
struct Live {
    journal: Journal,
    /// What the log calls it by.
    id: String,
    domain: Arc<str>,
    scenario: String,
    /// Where the outcome of the request under way goes.
    reply: Option<oneshot::Sender<Outcome>>,
    /// The scenario is to end: further requests are not taken.
    stopped: bool,
}

impl Live {
    /// A scenario that failed is told with all there is: nobody else saw it.
    fn log_end(&self, end: &End) {
        let (what, why, at) = match end {
            End::Returned | End::CallOver => return,
            End::Failed(why) => ("scenario returned an error", why.as_str(), &[][..]),
            End::Trapped { message, backtrace } => {
                ("scenario trapped", message.as_str(), backtrace.as_slice())
            }
            End::OverBudget(why) => ("scenario exceeded a limit", why.as_str(), &[][..]),
            End::Refused(why) => ("scenario could not be started", why.as_str(), &[][..]),
        };
        let (domain, call, scenario) = (&self.domain, &self.id, &self.scenario);
        // An error's text is the guest's: escaped, it cannot forge a line.
        tracing::warn!(%domain, %call, %scenario, ?why, ?at, "{what}");
    }
}

struct Driver {
    shard: Shard,
    reach: Reach,
    inbox: mpsc::UnboundedSender<ToShard>,
    counters: Arc<ShardCounters>,
    live: HashMap<CallKey, Live>,
    /// Commands that the media gate has not taken yet.
    unsent: VecDeque<Command>,
    rng: StdRng,
}

impl Driver {
    async fn run(
        mut self,
        mut sip: mpsc::Receiver<(Flow, Message)>,
        mut inbox: mpsc::UnboundedReceiver<ToShard>,
    ) {
        let mut stopping = false;
        let mut deadline: Option<Instant> = None;
        let mut events = Vec::with_capacity(BATCH_MAX);
        let mut messages = Vec::with_capacity(BATCH_MAX);
        while !(stopping && self.shard.calls() == 0) {
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = inbox.recv_many(&mut events, BATCH_MAX) => (),
                got = sip.recv_many(&mut messages, BATCH_MAX) => if got == 0 { return },
                () = due => self.handle(Input::Timeout),
            }
            for event in events.drain(..) {
                stopping |= matches!(event, ToShard::Stop);
                self.handle_event(event);
            }
            for (flow, message) in messages.drain(..) {
                self.handle(Input::Sip { flow, message });
            }
            deadline = self.drain();
            self.counters
                .calls
                .store(self.shard.calls() as u64, Ordering::Relaxed);
        }
    }

    fn handle(&mut self, input: Input) {
        self.shard.handle(input, Instant::now());
    }

    fn handle_event(&mut self, event: ToShard) {
        match event {
            ToShard::FlowClosed(flow) => self.handle(Input::FlowClosed { flow }),
            ToShard::Media(event) => self.handle(Input::Media(event)),
            ToShard::Answered(number, answer) => self.handle(Input::Answered { number, answer }),
            ToShard::Drain => self.handle(Input::Drain),
            ToShard::EndAll => self.handle(Input::EndAll),
            ToShard::Stop => (),
            ToShard::Perform(Passed { call, op, reply }) => {
                // A dropped reply tells the guest that its call is over.
                let Some(live) = self.live.get_mut(&call).filter(|live| !live.stopped) else {
                    return;
                };
                live.reply = Some(reply);
                self.handle(Input::Perform { call, op });
            }
            ToShard::ScenarioEnded(call, finished) => {
                let end = match finished {
                    Ok(finished) => finished.end,
                    Err(end) => end,
                };
                (self.reach.observe)(Observed::Scenario(&end));
                if let Some(live) = self.live.get(&call) {
                    live.log_end(&end);
                }
                self.handle(Input::ScenarioEnded { call, end });
            }
        }
    }

    /// Carries out what the shard wants; the next deadline.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.shard.poll_output() {
                Output::Wait(at) => {
                    // A command that waits is tried again soon: its call hangs on it.
                    let again = (!self.command_gate()).then(|| Instant::now() + GATE_PAUSE);
                    return [at, again].into_iter().flatten().min();
                }
                Output::Send { flow, bytes } => self.send(flow, bytes),
                Output::Media(command) => self.unsent.push_back(command),
                Output::Ask { number, question, .. } => {
                    let (answers, inbox) = (self.reach.answers.clone(), self.inbox.clone());
                    self.reach.asking.spawn(async move {
                        let answer = answers.answer(question).await;
                        // A shard that is gone has nobody left to tell.
                        drop(inbox.send(ToShard::Answered(number, answer)));
                    });
                }
                Output::Start(start) => self.start_scenario(*start),
                Output::Done { call, outcome } => {
                    if let Some(reply) = self.live.get_mut(&call).and_then(|live| live.reply.take()) {
                        // A guest that is gone has nobody left to tell.
                        drop(reply.send(outcome));
                    }
                }
                Output::Journal { call, input } => {
                    if let Some(live) = self.live.get(&call) {
                        live.journal.input(input);
                    }
                }
                Output::StopScenario { call } => {
                    if let Some(live) = self.live.get_mut(&call) {
                        live.stopped = true;
                        live.reply = None;
                    }
                }
                Output::Ended { call, record } => self.write_down(call, *record),
            }
        }
    }

    /// Gives the media gate its commands in their order; false: its queue is full and some wait here. They are as
    /// many as calls have asked for.
    fn command_gate(&mut self) -> bool {
        while let Some(command) = self.unsent.pop_front() {
            match self.reach.gate.send(command.clone()) {
                Ok(()) => (),
                Err(SendError::Full) => {
                    self.unsent.push_front(command);
                    return false;
                }
                Err(error @ SendError::Stopped) => tracing::error!(%error, ?command, "not carried out"),
            }
        }
        true
    }

    fn send(&mut self, flow: Flow, bytes: bytes::Bytes) {
        tracing::debug!(target: "sip", remote = %flow.remote, message = %Shown(&bytes), "sent");
        if let Err(error) = self.reach.transport.send(flow, bytes) {
            tracing::debug!(remote = %flow.remote, %error, "not sent");
            if flow.transport.is_reliable() {
                drop(self.inbox.send(ToShard::FlowClosed(flow)));
            }
        }
    }

    fn start_scenario(&mut self, start: Start) {
        let call = start.call;
        let began_ms = Timestamp::now().as_millisecond().max(0) as u64;
        let hash = start.entry.hash.clone();
        let journal = Scenarios::journal(&start.id, &start.domain, &start.entry.number, &hash, began_ms);
        self.live.insert(
            call,
            Live {
                journal: journal.clone(),
                id: start.id.clone(),
                domain: start.domain.clone(),
                scenario: start.entry.module.clone(),
                reply: None,
                stopped: false,
            },
        );
        let (inbox, domain, scenarios) = (
            self.inbox.clone(),
            start.domain.clone(),
            self.reach.scenarios.clone(),
        );
        let rng = StdRng::seed_from_u64(self.rng.random());
        tokio::task::spawn_local(async move {
            let zone = scenarios.time_zone(&domain).await.unwrap_or(TimeZone::UTC);
            let pass_to = inbox.clone();
            let pass = move |passed| drop(pass_to.send(ToShard::Perform(passed)));
            let door = Door::new(call, Facts::new(start, zone), rng, Timestamp::now, pass);
            let finished = scenarios.run(&domain, &hash, Box::new(door), journal).await;
            drop(inbox.send(ToShard::ScenarioEnded(call, finished)));
        });
    }

    fn write_down(&mut self, call: Option<CallKey>, mut record: Record) {
        let live = call.and_then(|call| self.live.remove(&call));
        record.call.summary.rolling_hash = live.as_ref().map(|live| hex(&live.journal.rolling_hash()));
        (self.reach.observe)(Observed::Call(&record));
        let summary = &record.call.summary;
        tracing::info!(
            domain = %record.domain, call = %summary.id, from = %summary.from_number, to = %summary.to_number,
            cause = %summary.cause, duration_ms = summary.duration_ms, "call over"
        );
        let journal = live.map(|live| live.journal.to_bytes());
        let ended = Ended {
            domain: record.domain.to_string(),
            record: record.call,
            journal,
        };
        if let Err(error) = self.reach.records.try_send(ended) {
            let (mpsc::error::TrySendError::Full(ended) | mpsc::error::TrySendError::Closed(ended)) = error;
            let record = serde_json::to_string(&ended.record).unwrap_or_default();
            tracing::error!(domain = %ended.domain, %record, "the records' writer does not keep up");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
            out
        })
}
