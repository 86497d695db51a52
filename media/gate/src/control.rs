//! The thread that carries out commands, one after another.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tandem_bus::media::{self, Command, EndpointId, Event, PlayId, Prompt, Refusal, Statistics};
use tandem_media::endpoint::{self, Endpoint, Settings, WallClock};
use tandem_media::g711;
use tandem_media::jitter::Bounds;
use tandem_media::plan::NationalPlan;
use tandem_media::player::Clip;

use crate::cell::{Cell, Shared, State, lock};
use crate::counters::{Counters, add};
use crate::playback::{Feed, Playback, Source, source};
use crate::ports::{PortError, Ports};
use crate::prompts::speech::{Speech, TEXT_MAX};
use crate::prompts::{Fetched, Prompts, Request, Sources};
use crate::worker::Worker;
use crate::{GateConfig, GateError};

/// Longest list of prompts in one playback.
const PROMPTS_MAX: usize = 256;

pub(crate) enum Message {
    Command(Command),
    /// A prompt was fetched.
    Fetched(Request, Fetched),
    /// Something lies in [`Shared::hungry`].
    Hungry,
    Stop,
}

/// Starts all threads of a gate.
pub(crate) fn start(
    config: GateConfig,
    speech: Arc<dyn Speech>,
    on_event: Box<dyn Fn(Event) + Send + Sync>,
    counters: Arc<Counters>,
    messages: SyncSender<Message>,
    inbox: Receiver<Message>,
) -> Result<Vec<JoinHandle<()>>, GateError> {
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
    let mut threads = Vec::new();
    let mut workers = Vec::new();
    for number in 0..config.threads {
        let (worker, thread) = Worker::start(number, Arc::clone(&counters))?;
        workers.push(worker);
        threads.push(thread);
    }
    let sources = Sources {
        prompts_dir: config.prompts_dir,
        cache_dir: config.cache_dir,
        memory_bytes: config.prompt_memory,
        disk_bytes: config.speech_disk,
        max_s: config.prompt_max_s,
        speech,
        speech_threads: config.speech_threads,
    };
    let fetched = messages.clone();
    let (prompts, prompt_threads) = Prompts::start(sources, move |request, got| {
        // The control thread has gone: nobody listens any more.
        let _ = fetched.send(Message::Fetched(request, got));
    })?;
    let rouse = move || {
        // A full queue rouses it as well.
        let _ = messages.try_send(Message::Hungry);
    };
    let shared = Arc::new(Shared {
        on_event,
        counters,
        ports: Mutex::new(ports),
        hungry: Mutex::default(),
        rouse: Box::new(rouse),
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
            clock: wall_clock(),
            jitter: Bounds::default(),
        },
        rng: StdRng::from_os_rng(),
        endpoints: HashMap::new(),
        awaited: HashMap::new(),
        next_number: 0,
        next_pair: 0,
    };
    let thread = std::thread::Builder::new()
        .name("media-control".into())
        .spawn(move || control.run(&inbox))?;
    threads.push(thread);
    threads.extend(prompt_threads);
    Ok(threads)
}

struct Open {
    cell: Arc<Cell>,
    domain: String,
    playback: Option<Playback>,
}

struct Control {
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
    next_number: usize,
    next_pair: u64,
}

impl Control {
    fn run(mut self, inbox: &Receiver<Message>) {
        while let Ok(message) = inbox.recv() {
            match message {
                Message::Command(command) => self.carry_out(command),
                Message::Fetched(request, fetched) => self.fetched(&request, &fetched),
                Message::Hungry => {}
                Message::Stop => break,
            }
            self.feed_hungry();
        }
        let open: Vec<EndpointId> = self.endpoints.keys().copied().collect();
        for endpoint in open {
            self.close(endpoint);
        }
        for worker in &self.workers {
            worker.stop();
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Open { endpoint, domain } => self.open(endpoint, domain, now),
            Command::Agree { endpoint, agreed } => self.with(endpoint, |state| {
                state.endpoint.agree(agreement(&agreed), now);
            }),
            Command::Play {
                endpoint,
                play,
                prompts,
                repeat,
            } => self.play(endpoint, play, prompts, repeat),
            Command::Stop { endpoint, play } => {
                if let Some(open) = self.endpoints.get_mut(&endpoint) {
                    open.playback.take_if(|playback| playback.play == play);
                }
                self.with(endpoint, |state| state.endpoint.stop(play.0));
            }
            Command::SendDigits {
                endpoint,
                digits,
                tone_ms,
                gap_ms,
            } => self.with(endpoint, |state| {
                state.endpoint.send_digits(&digits, tone_ms, gap_ms);
            }),
            Command::Join { a, b } => self.join(a, b, now),
            Command::Part { a, b } => {
                let joined = self.peer_of(a).is_some_and(|peer| peer == b);
                if joined {
                    self.part(a);
                }
            }
            Command::Close { endpoint } => self.close(endpoint),
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

    fn open(&mut self, endpoint: EndpointId, domain: String, now: Instant) {
        let refuse = |why| {
            add(&self.shared.counters.refused, 1);
            tracing::warn!(endpoint = endpoint.0, domain, ?why, "no media endpoint");
            (self.shared.on_event)(Event::Refused { endpoint, why });
        };
        if self.endpoints.len() >= self.max_endpoints {
            return refuse(Refusal::Full);
        }
        let Entry::Vacant(place) = self.endpoints.entry(endpoint) else {
            tracing::error!(endpoint = endpoint.0, "opened twice: ignored");
            return;
        };
        let taken = lock(&self.shared.ports).take();
        let sockets = match taken {
            Ok(sockets) => sockets,
            Err(PortError::Taken) => return refuse(Refusal::PortsTaken),
            Err(PortError::System(error)) => return refuse(Refusal::System(error.to_string())),
        };
        let Some((worker, least)) = self
            .workers
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, worker)| worker.load)
        else {
            return refuse(Refusal::Full);
        };
        let local = SocketAddr::new(self.announced, sockets.port);
        let made = Endpoint::new(self.settings, &mut self.rng, now);
        let number = self.next_number;
        self.next_number += 1;
        let cell = Arc::new(Cell::new(
            endpoint,
            number,
            worker,
            sockets,
            made,
            Arc::clone(&self.shared),
        ));
        least.add(Arc::clone(&cell));
        place.insert(Open {
            cell,
            domain,
            playback: None,
        });
        (self.shared.on_event)(Event::Opened { endpoint, local });
    }

    fn peer_of(&self, endpoint: EndpointId) -> Option<EndpointId> {
        let open = self.endpoints.get(&endpoint)?;
        let state = open.cell.lock();
        state.peer.as_ref().map(|(peer, _)| peer.id)
    }

    fn join(&mut self, a: EndpointId, b: EndpointId, now: Instant) {
        if a == b || self.peer_of(a).is_some() || self.peer_of(b).is_some() {
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

    fn play(&mut self, endpoint: EndpointId, play: PlayId, mut prompts: Vec<Prompt>, repeat: bool) {
        let Some(open) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let too_many = prompts.len() > PROMPTS_MAX;
        if too_many {
            prompts.clear();
        }
        let mut playback = Playback::new(play, prompts, repeat);
        if too_many {
            playback.lacks(format!("more than {PROMPTS_MAX} prompts"));
        }
        open.playback = Some(playback);
        self.with(endpoint, |state| state.endpoint.play(play.0));
        self.feed(endpoint);
    }

    /// Gets prompts ready and hands those that are to the endpoint.
    fn feed(&mut self, endpoint: EndpointId) {
        let Some(open) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let Some(playback) = &mut open.playback else {
            return;
        };
        let play = playback.play.0;
        let mut feeds = Vec::new();
        // Bounded: what is taken from the list stays in the window until the endpoint has used it up.
        loop {
            while let Some(prompt) = playback.wants() {
                match source(&prompt, &open.domain, &self.language, self.plan) {
                    Source::Ready(clip) => playback.has(clip),
                    Source::Fetch(Request::Speech { text, .. }) if text.len() > TEXT_MAX => {
                        playback.lacks(format!(
                            "a text of {} bytes; {TEXT_MAX} can be spoken",
                            text.len()
                        ));
                    }
                    Source::Fetch(request) => match self.prompts.at_hand(&request) {
                        Some(samples) => playback.has(Clip::Pcm(samples)),
                        None => match self.awaited.entry(request.clone()) {
                            Entry::Occupied(mut waiting) => {
                                waiting.get_mut().push(endpoint);
                                playback.awaits(request);
                            }
                            Entry::Vacant(place) => {
                                if self.prompts.ask(request.clone()) {
                                    place.insert(vec![endpoint]);
                                    playback.awaits(request);
                                } else {
                                    playback.lacks("too many prompts wait to be fetched".into());
                                }
                            }
                        },
                    },
                }
            }
            match playback.feed() {
                Some(feed) => {
                    let last = !matches!(feed, Feed::Clip(_));
                    feeds.push(feed);
                    if last {
                        break;
                    }
                }
                None => break,
            }
        }
        if feeds.last().is_some_and(|feed| !matches!(feed, Feed::Clip(_))) {
            open.playback = None;
        }
        let counters = Arc::clone(&self.shared.counters);
        self.with(endpoint, |state| {
            for feed in feeds {
                match feed {
                    Feed::Clip(clip) => state.endpoint.push_clip(play, clip),
                    Feed::Finish => state.endpoint.finish_clips(play),
                    Feed::Fail(why) => {
                        add(&counters.prompts_failed, 1);
                        tracing::warn!(endpoint = endpoint.0, play, why, "a prompt cannot be played");
                        state.endpoint.fail_clips(play, why);
                    }
                }
            }
        });
    }

    fn fetched(&mut self, request: &Request, fetched: &Fetched) {
        for endpoint in self.awaited.remove(request).unwrap_or_default() {
            if let Some(playback) = self
                .endpoints
                .get_mut(&endpoint)
                .and_then(|open| open.playback.as_mut())
            {
                playback.fetched(request, fetched);
            }
            self.feed(endpoint);
        }
    }

    fn feed_hungry(&mut self) {
        let hungry = std::mem::take(&mut *lock(&self.shared.hungry));
        for (endpoint, play) in hungry {
            let playback = self
                .endpoints
                .get_mut(&endpoint)
                .and_then(|open| open.playback.as_mut());
            if let Some(playback) = playback.filter(|playback| playback.play == play) {
                playback.taken();
                self.feed(endpoint);
            }
        }
    }
}

/// Seconds from 1900 to 1970 (RFC 3550 §4).
const NTP_OFFSET: u64 = 2_208_988_800;

fn wall_clock() -> WallClock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    WallClock {
        at: Instant::now(),
        ntp: since.as_secs().wrapping_add(NTP_OFFSET) << 32 | fraction,
    }
}

fn agreement(agreed: &media::Agreed) -> endpoint::Agreed {
    endpoint::Agreed {
        remote: agreed.remote,
        codec: match agreed.codec {
            media::Codec::Pcma => g711::Codec::Pcma,
            media::Codec::Pcmu => g711::Codec::Pcmu,
        },
        payload_type: agreed.payload_type,
        telephone_event: agreed.telephone_event,
        telephone_event_received: agreed.telephone_event_received,
        ptime_ms: agreed.ptime_ms,
        sends: agreed.sends,
        receives: agreed.receives,
    }
}
