//! The thread that carries out commands, one after another.
//!
//! What it does is told by its parts: `opening` for endpoints that come, `playing` for prompts on their way, `recording`,
//! `handover` for a gate that goes and one that goes on.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, UdpSocket};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tandem_bus::media::{
    Agreed, Command, EndpointId, Event, Existing, PlayId, RecordId, RecordRule, SendId, Statistics,
};
use tandem_media::endpoint::Settings;
use tandem_media::jitter::Bounds;
use tandem_media::plan::NationalPlan;

use crate::cell::{Cell, Shared, State, lock};
use crate::counters::Counters;
use crate::handover::HandOver;
use crate::playback::Playback;
use crate::ports::Ports;
use crate::prompts::speech::Speech;
use crate::prompts::{Fetched, Prompts, Request, Sources};
use crate::recordings::{Recordings, Tape};
use crate::worker::Worker;
use crate::{GateConfig, GateError};

mod convert;
mod handover;
mod opening;
mod playing;
mod recording;

use opening::Waiting;

pub(crate) enum Message {
    Command(Command),
    /// A prompt was fetched.
    Fetched(Request, Fetched),
    /// Something lies in [`Shared::hungry`], or the call logic came or went.
    Roused,
    /// End, and give everything to this receiver.
    HandOver(SyncSender<HandOver>),
    Stop,
}

/// Since when no call logic attends to the gate.
pub(crate) type Unattended = Arc<Mutex<Option<Instant>>>;

/// What a control thread begins with.
pub(crate) struct Setup {
    pub(crate) config: GateConfig,
    pub(crate) speech: Arc<dyn Speech>,
    pub(crate) on_event: Arc<dyn Fn(Event) + Send + Sync>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) messages: SyncSender<Message>,
    pub(crate) unattended: Unattended,
    /// Endpoints that another gate had.
    pub(crate) adopted: usize,
}

struct Open {
    cell: Arc<Cell>,
    domain: String,
    agreed: Option<Agreed>,
    /// The playback begun last, as long as it may be under way.
    playback: Option<Playback>,
    play: Option<PlayId>,
    send: Option<SendId>,
    record: Option<RecordId>,
    /// The recording begun last, as long as it may be under way.
    recording: Option<RecordRule>,
}

pub(crate) struct Control {
    shared: Arc<Shared>,
    workers: Vec<Worker>,
    prompts: Prompts,
    plan: NationalPlan,
    announced: IpAddr,
    language: String,
    max_endpoints: usize,
    settings: Settings,
    rng: StdRng,
    endpoints: HashMap<EndpointId, Open>,
    /// Who waits for a prompt that is being fetched: each is fetched once.
    awaited: HashMap<Request, Vec<EndpointId>>,
    /// Endpoints to be restored whose ports are still taken.
    waiting: Vec<Waiting>,
    /// Those, and whoever must wait for them: the order of an endpoint's commands is kept.
    held: HashSet<EndpointId>,
    deferred: Vec<Command>,
    retry_at: Instant,
    unattended: Unattended,
    orphan_after: Option<Duration>,
    patience: Duration,
    /// Recordings whose end the disk's thread has told.
    recorded: Arc<Mutex<Vec<Tape>>>,
    /// Who is to be given everything, once nothing waits.
    handing: Option<SyncSender<HandOver>>,
    next_number: usize,
    next_pair: u64,
}

impl Control {
    /// Starts the threads that work for it; returns those that fetch prompts.
    pub(crate) fn new(setup: Setup) -> Result<(Control, Vec<JoinHandle<()>>), GateError> {
        let Setup {
            config,
            speech,
            on_event,
            counters,
            messages,
            unattended,
            adopted,
        } = setup;
        let plan = NationalPlan::named(&config.plan).ok_or_else(|| GateError::Plan(config.plan.clone()))?;
        let announced = config.announced.unwrap_or(config.address);
        if announced.is_unspecified() {
            return Err(GateError::Announced(announced));
        }
        // An address that is not ours shows at the start, not at the first call.
        UdpSocket::bind((config.address, 0)).map_err(|error| GateError::Address {
            address: config.address,
            error,
        })?;
        let ports = Ports::new(config.address, config.ports.clone());
        if ports.is_empty() {
            return Err(GateError::Ports {
                first: *config.ports.start(),
                last: *config.ports.end(),
            });
        }
        let sources = Sources {
            prompts_dir: config.prompts_dir,
            recordings_dir: config.recordings_dir.clone(),
            cache_dir: config.cache_dir,
            memory_bytes: config.prompt_memory,
            disk_bytes: config.speech_disk,
            max_s: config.prompt_max_s,
            speech,
            speech_threads: config.speech_threads,
            adopted,
        };
        let fetched = messages.clone();
        let (prompts, mut threads) = Prompts::start(sources, move |request, got| {
            // The control thread has gone: nobody listens any more.
            let _ = fetched.send(Message::Fetched(request, got));
        })?;
        let workers = (0..config.threads)
            .map(|number| Worker::start(number, Arc::clone(&counters)))
            .collect::<Result<_, _>>()?;
        let rouse: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            // A full queue rouses it as well.
            let _ = messages.try_send(Message::Roused);
        });
        let recorded = Arc::new(Mutex::new(Vec::new()));
        let (over, roused) = (Arc::clone(&recorded), Arc::clone(&rouse));
        let (recordings, thread) = Recordings::start(
            config.recordings_dir,
            config.recordings_max,
            Arc::clone(&on_event),
            move |tape| {
                lock(&over).push(tape);
                roused();
            },
        )?;
        threads.push(thread);
        let shared = Arc::new(Shared {
            on_event,
            counters,
            ports: Arc::new(Mutex::new(ports)),
            hungry: Mutex::default(),
            rouse,
            recordings,
        });
        let control = Control {
            shared,
            workers,
            prompts,
            plan,
            announced,
            language: config.language,
            max_endpoints: config.max_endpoints,
            settings: Settings {
                unheard_after: config.unheard_after,
                clock: convert::wall_clock(),
                jitter: Bounds::default(),
            },
            rng: StdRng::from_os_rng(),
            endpoints: HashMap::new(),
            awaited: HashMap::new(),
            waiting: Vec::new(),
            held: HashSet::new(),
            deferred: Vec::new(),
            retry_at: Instant::now(),
            unattended,
            orphan_after: config.orphan_after,
            patience: config.patience,
            recorded,
            handing: None,
            next_number: 0,
            next_pair: 0,
        };
        Ok((control, threads))
    }

    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        loop {
            let message = match self.wait() {
                Some(wait) => inbox.recv_timeout(wait),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match message {
                Ok(Message::Command(command)) => self.take(command),
                Ok(Message::Fetched(request, fetched)) => self.fetched(&request, &fetched),
                Ok(Message::HandOver(to)) => self.handing = Some(to),
                Ok(Message::Roused) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.feed_hungry();
            self.note_recorded();
            self.retry_waiting();
            self.release_orphans();
            if self.waiting.is_empty()
                && let Some(to) = self.handing.take()
            {
                let handed = self.hand_over(inbox);
                // Whoever asked has gone: the sockets close, as if the gate had died.
                let _ = to.send(handed);
                return;
            }
        }
        self.give_up_waiting();
        self.close_all();
        Worker::stop_all(self.workers);
    }

    /// How long nothing is to be done unless a message comes.
    fn wait(&self) -> Option<Duration> {
        let retry_at = (!self.waiting.is_empty()).then_some(self.retry_at);
        let due = [retry_at, self.orphaned_at()].into_iter().flatten().min();
        due.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// When endpoints are closed that no call logic attends to.
    fn orphaned_at(&self) -> Option<Instant> {
        let since = (*lock(&self.unattended)).filter(|_| !self.endpoints.is_empty())?;
        since.checked_add(self.orphan_after?)
    }

    fn release_orphans(&mut self) {
        if self.orphaned_at().is_some_and(|due| due <= Instant::now()) {
            tracing::warn!(
                endpoints = self.endpoints.len(),
                after = ?self.orphan_after,
                "no call logic: media endpoints are closed"
            );
            self.close_all();
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Open { endpoint, domain } => self.open(endpoint, domain, now),
            Command::Restore {
                endpoint,
                domain,
                local,
                position,
                heard,
            } => self.restore(
                Waiting {
                    endpoint,
                    domain,
                    local,
                    position,
                    heard,
                    give_up_at: now + self.patience,
                },
                now,
            ),
            Command::Report { shard } => self.report(shard, now),
            Command::Agree { endpoint, agreed } => {
                self.with(endpoint, |state| {
                    state.endpoint.agree(convert::agreement(&agreed), now);
                });
                if let Some(open) = self.endpoints.get_mut(&endpoint) {
                    open.agreed = Some(agreed);
                }
            }
            Command::Play {
                endpoint,
                play,
                prompts,
                repeat,
                from_ms,
            } => self.play(endpoint, play, prompts, repeat, from_ms),
            Command::Stop { endpoint, play } => {
                if let Some(open) = self.endpoints.get_mut(&endpoint) {
                    open.playback.take_if(|playback| playback.play == play);
                }
                self.with(endpoint, |state| state.endpoint.stop(play.0));
            }
            Command::SendDigits {
                endpoint,
                send,
                digits,
                tone_ms,
                gap_ms,
            } => {
                let Some(open) = self.endpoints.get_mut(&endpoint) else {
                    return;
                };
                // Numbers grow: what is not beyond the last was given before.
                if open.send < Some(send) {
                    open.send = Some(send);
                    self.with(endpoint, |state| {
                        state.endpoint.send_digits(send.0, &digits, tone_ms, gap_ms);
                    });
                }
            }
            Command::Join { a, b } => self.join(a, b, now),
            Command::Part { a, b } => {
                if self.peer_of(a) == Some(b) {
                    self.part(a);
                }
            }
            Command::Close { endpoint } => self.close(endpoint),
            Command::Record {
                endpoint,
                record,
                rule,
            } => self.record(endpoint, record, rule, now),
            Command::PauseRecord {
                endpoint,
                record,
                paused,
            } => self.pause_record(endpoint, record, paused, now),
            Command::EndRecord { endpoint, record } => {
                self.with(endpoint, |state| state.endpoint.end_record(record.0));
            }
        }
    }

    /// Does something to an endpoint under its lock, and what the endpoint then wants done.
    fn with(&self, endpoint: EndpointId, act: impl FnOnce(&mut State)) {
        if let Some(open) = self.endpoints.get(&endpoint) {
            let mut state = open.cell.lock();
            act(&mut state);
            open.cell.drain(&mut state);
        }
    }

    /// Tells of every endpoint of a shard. What an endpoint had told before was given out under its lock, hence before
    /// this.
    fn report(&self, shard: u16, now: Instant) {
        let at_us = convert::wall_us();
        let of_shard = self.endpoints.iter().filter(|(id, _)| id.shard() == shard);
        let endpoints = of_shard
            .map(|(id, open)| {
                let state = open.cell.lock();
                let playing = state.endpoint.playing().map(|(play, _)| PlayId(play));
                Existing {
                    endpoint: *id,
                    local: open.cell.local,
                    position: convert::position(state.endpoint.position(now), at_us),
                    agreed: open.agreed.clone(),
                    play: open.play,
                    playing: playing.is_some() && playing == open.play,
                    send: open.send,
                    joined: state.peer.as_ref().map(|(peer, _)| peer.id),
                    record: open.record,
                    recording: open.recording.is_some(),
                }
            })
            .collect();
        (self.shared.on_event)(Event::Reported { shard, endpoints });
    }

    fn peer_of(&self, endpoint: EndpointId) -> Option<EndpointId> {
        let open = self.endpoints.get(&endpoint)?;
        let state = open.cell.lock();
        state.peer.as_ref().map(|(peer, _)| peer.id)
    }

    fn join(&mut self, a: EndpointId, b: EndpointId, now: Instant) {
        let peers = (self.peer_of(a), self.peer_of(b));
        if a != b && peers == (Some(b), Some(a)) {
            return;
        }
        if a == b || peers != (None, None) {
            tracing::error!(
                a = a.0,
                b = b.0,
                "cannot be joined: in a pair already, or one and the same"
            );
            return;
        }
        let (Some(first), Some(second)) = (self.endpoints.get(&a), self.endpoints.get(&b)) else {
            return;
        };
        let (first, second) = (Arc::clone(&first.cell), Arc::clone(&second.cell));
        let pair = self.next_pair;
        self.next_pair += 1;
        for (one, other) in [(&first, &second), (&second, &first)] {
            let mut state = one.lock();
            state.peer = Some((Arc::clone(other), pair));
            state.endpoint.join(pair, now);
            one.drain(&mut state);
        }
        for id in [a, b] {
            if let Some(open) = self.endpoints.get_mut(&id) {
                open.playback = None;
            }
        }
    }

    /// Takes the pair apart that an endpoint is in.
    fn part(&self, endpoint: EndpointId) {
        let Some(open) = self.endpoints.get(&endpoint) else {
            return;
        };
        let peer = open.cell.lock().peer.take();
        for cell in [Some(&open.cell), peer.as_ref().map(|(peer, _)| peer)]
            .into_iter()
            .flatten()
        {
            let mut state = cell.lock();
            state.peer = None;
            state.endpoint.part();
            cell.drain(&mut state);
        }
    }

    fn close_all(&mut self) {
        let open: Vec<EndpointId> = self.endpoints.keys().copied().collect();
        for endpoint in open {
            self.close(endpoint);
        }
    }

    fn close(&mut self, endpoint: EndpointId) {
        self.part(endpoint);
        let Some(Open { cell, .. }) = self.endpoints.remove(&endpoint) else {
            return;
        };
        let statistics = {
            let mut state = cell.lock();
            state.endpoint.close(Instant::now());
            cell.drain(&mut state);
            state.closed = true;
            let s = state.endpoint.statistics();
            Statistics {
                sent: s.sent,
                received: s.received,
                lost: s.lost,
                dropped: s.dropped,
                jitter_us: s.jitter_us,
            }
        };
        let (number, worker) = (cell.number, cell.worker);
        drop(cell);
        if let Some(worker) = self.workers.get_mut(worker) {
            worker.remove(number, statistics);
        }
    }
}
