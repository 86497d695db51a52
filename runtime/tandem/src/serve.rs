//! Wires the call logic of one server and runs it until it is told to leave.
//!
//! Order of start: store, logs, gates, engine, registrar, shards, web. Order of stop: no new calls, calls end or the
//! deadline passes, gates, records, store: each waits for what may still come from the one before.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::link::Lane;
use tandem_directory::Directory;
use tandem_host_api::{Engine, EngineConfig, monotonic_clock};
use tandem_logic::{Calls, Keeper};
use tandem_sip::auth::{Algorithm, Config as AuthConfig};
use tandem_sip::registrar::{Config as RegistrarConfig, Registrar};
use tandem_store::Store;
use tandem_switch::registration::Registration;
use tandem_switch::{Nonces, Shard, ShardConfig};
use tandem_web::{Api, ApiLimits, Health, Live, Metrics, WebServer};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::by_phone::StockRecorder;
use crate::compile::Compiler;
use crate::config::Config;
use crate::drive::answers::Answers;
use crate::drive::clock;
use crate::drive::events;
use crate::drive::exchange::exchange;
use crate::drive::http::Http;
use crate::drive::journals::{Found, Journals, JournalsError, Watch};
use crate::drive::mail::Mailer;
use crate::drive::off_call::OffCall;
use crate::drive::originate::Originator;
use crate::drive::pace::Pace;
use crate::drive::records::{self, ToStore};
use crate::drive::registrar::{self, Registrations};
use crate::drive::retention;
use crate::drive::samples::Sampler;
use crate::drive::scenario::Scenarios;
use crate::drive::scenario_log::ScenarioLog;
use crate::drive::services::Services;
use crate::drive::shard::{self, Reach, ShardPort, ToShard};
use crate::drive::usage::Meters;
use crate::flows::StockFlows;
use crate::limits;
use crate::metering;
use crate::process::gates::{Gates, GatesError, Inboxes};
use crate::process::orders::{Order, Orders};
use crate::prompts::PromptFiles;
use crate::replaying::Replays;
use crate::stock::OfStore;

/// Records that wait for the store at most.
const RECORDS_MAX: usize = 20_000;
/// How long hung-up calls may take to be gone.
const LAST_CALLS: Duration = Duration::from_secs(4);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Database or data directory.
    #[error(transparent)]
    Store(#[from] tandem_store::StoreError),
    /// The logs of calls and registrations.
    #[error(transparent)]
    Journals(#[from] JournalsError),
    /// The WASM engine.
    #[error(transparent)]
    Engine(#[from] tandem_host_api::EngineError),
    /// SIP sockets, media ports or threads.
    #[error(transparent)]
    Gates(#[from] GatesError),
    /// The web listener.
    #[error(transparent)]
    Web(#[from] tandem_web::WebError),
    /// The HTTP client of scenarios.
    #[error("HTTP requests cannot be sent: {0}")]
    Http(String),
    /// First start.
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    /// Threads or signals.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// Where the gates are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// In this process.
    Here,
    /// In processes of their own.
    Processes,
}

/// Everything that runs, in the order in which it must stop.
struct Server {
    shards: Vec<ShardPort>,
    shard_threads: Vec<JoinHandle<()>>,
    registrations: Registrations,
    registrar_thread: JoinHandle<()>,
    gates: Gates,
    records: mpsc::Sender<ToStore>,
    writer: tokio::task::JoinHandle<()>,
    retention: tokio::task::JoinHandle<()>,
    events: tokio::task::JoinHandle<()>,
    metering: tokio::task::JoinHandle<()>,
    sampling: tokio::task::JoinHandle<()>,
    meters: Meters,
    log_writer: tokio::task::JoinHandle<()>,
    log: ScenarioLog,
    store: Store,
    health: Health,
    web: (oneshot::Sender<()>, tokio::task::JoinHandle<()>),
}

/// Runs the call logic on `data` until it is ordered to leave.
pub async fn serve(
    config: Config,
    data: &Path,
    mut orders: Orders,
    how: How,
) -> Result<ExitCode, ServeError> {
    let server = Server::start(&config, data, how, orders.again()).await?;
    orders.ready();
    loop {
        match orders.next().await {
            Order::Drain(on) => server.tell(|| ToShard::Drain(on)),
            // One hurries a stop, and none is under way; the other is for gates.
            Order::Hurry | Order::HandOver(_) => (),
            Order::Finish => {
                server.finish().await;
                return Ok(ExitCode::SUCCESS);
            }
            Order::Stop => {
                let deadline = config.call.stop_deadline;
                tracing::info!(deadline_s = deadline.as_secs(), "stopping: no new calls");
                server.stop(deadline, &mut orders).await;
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
}

impl Server {
    async fn start(config: &Config, data: &Path, how: How, again: bool) -> Result<Self, ServeError> {
        let began = Instant::now();
        let store = Store::open(data, tandem_store::Options::default()).await?;
        let directory = Directory::new(store.clone());
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let health = Health::new(env!("CARGO_PKG_VERSION"));
        let watch = Watch::new(health.clone());
        let live = Live::default();

        let journals = Journals::open(data, shards_wanted(config), config.journal.durability.0)?;
        let shards = journals.shards.len() as u16;
        let (gates, inboxes) = match how {
            How::Here => Gates::here(config, data, shards, &Handle::current())?,
            How::Processes => {
                let queue = config.sip.queue as usize;
                let run = data.join("run");
                Gates::connect(&run, shards, queue, journals.cursors(), &Handle::current())
            }
        };
        let Inboxes {
            shards: shard_inboxes,
            registrar: registrar_inbox,
        } = inboxes;

        let (registrations, mailbox) = registrar::mailbox();
        let recordings: Arc<Path> = Arc::from(data.join("recordings"));
        let (connect, exchange) = exchange();
        let originator = Originator {
            directory: directory.clone(),
            store: store.clone(),
            exchange,
        };
        let answers = Answers {
            directory: directory.clone(),
            store: store.clone(),
            pace: Pace::default(),
            registrations: registrations.clone(),
            default_domain: Some(config.domain.default.clone()).filter(|name| !name.is_empty()),
            recordings: Arc::clone(&recordings),
            services: Services {
                directory: directory.clone(),
                store: store.clone(),
                http: Http::new(store.clone()).map_err(ServeError::Http)?,
                mail: Mailer::new(store.clone(), config.mail.clone(), recordings),
                metrics: metrics.scenarios.clone(),
                originator: originator.clone(),
            },
        };
        let registrar = registrar::ToDrive {
            registrations: open_registrar(config, journals.registrar),
            sip: registrar_inbox,
            gates: gates.clone(),
            answers: answers.clone(),
            live: live.clone(),
            asking: Handle::current(),
            watch: watch.clone(),
        };
        let registrar_thread = registrar::start(registrar, mailbox)?;

        let (records, ended) = mpsc::channel(RECORDS_MAX);
        let writer = tokio::spawn(records::write(store.clone(), ended, health.clone()));
        let engine = Engine::new(engine_config(config, data))?;
        let call_limits = limits::call_default(config);
        let compiler = Compiler::new(config, Some(data.join("compiled")));
        let domain_limits = limits::domain_default(config);
        let mut scenarios = Scenarios::new(
            engine,
            compiler.clone(),
            directory,
            call_limits,
            domain_limits,
            Handle::current(),
        );
        scenarios.log = ScenarioLog::telling(live.clone());
        let off_call = OffCall {
            scenarios: scenarios.clone(),
            answers: answers.clone(),
            runtime: Handle::current(),
        };
        let reach = Reach {
            gates: gates.clone(),
            answers,
            scenarios,
            records: records.clone(),
            asking: Handle::current(),
            observe: metering::observer(&metrics),
            watch,
            live: live.clone(),
        };
        let (mut shards, mut shard_threads) = (Vec::new(), Vec::new());
        let count = journals.shards.len();
        for ((number, found), gates) in (0_u16..).zip(journals.shards).zip(shard_inboxes) {
            let calls = open_shard(config, number, count, found);
            let (port, thread) = shard::start(shard::ToDrive { number, calls, gates }, reach.clone())?;
            shards.push(port);
            shard_threads.push(thread);
        }
        connect.connect(shards.iter().map(|port| port.inbox.clone()));
        tokio::spawn(originator.clone().go_on());
        metering::read_roles(&metrics, &shards, &registrations, &gates);
        let scenarios = reach.scenarios.clone();
        let meters = scenarios.meters.clone();
        metering::read_usage(&metrics, &meters);

        let log = reach.scenarios.log.clone();
        let api = Api::new(store.clone(), compiler, ApiLimits::default())
            .with_credentials(crate::demo::credentials)
            .with_log_written(log.written())
            .with_live(live.clone())
            .with_registrations(registrations.clone())
            .with_replays(Replays::new(data.to_owned()))
            .with_prompts(PromptFiles::new(data, &config.media.speech))
            .with_recorder(StockRecorder::new(originator, data))
            .with_flows(StockFlows::new(data.to_owned()))
            .with_stock(OfStore(store.clone()));
        let web = WebServer::bind(config.web.listen, tandem_web::Limits::default())?
            .with_api(api)
            .with_scenarios(off_call.clone());
        let web_address = web.local_addr();
        let (stop_web, web_stopped) = oneshot::channel();
        let serving = web.serve(health.clone(), metrics, async { drop(web_stopped.await) });
        let web = (stop_web, tokio::spawn(serving));

        let addresses = gates.ready().await;
        crate::demo::first_start(&store, data, &addresses.udp, web_address).await?;
        tokio::spawn(reach.scenarios.clone().warm());
        let granted = reach.scenarios.grants.clone();
        tokio::spawn(granted.keep_true(reach.scenarios.directory.clone()));
        gates.watch(health.clone());
        health.set_started();
        let sampler = Sampler {
            store: store.clone(),
            live,
            registrations: registrations.clone(),
            scenarios,
        };
        let server = Self {
            shards,
            shard_threads,
            registrations,
            registrar_thread,
            gates,
            records,
            writer,
            retention: tokio::spawn(retention::remove_hourly(store.clone())),
            events: tokio::spawn(events::tell_all(off_call)),
            metering: tokio::spawn(meters.clone().write_on(store.clone())),
            sampling: tokio::spawn(sampler.sample_on()),
            meters,
            log_writer: tokio::spawn(log.clone().write_on(store.clone())),
            log,
            store,
            health,
            web,
        };
        if again {
            tracing::info!(calls = server.calls(), took = ?began.elapsed(), "going on");
        } else {
            announce(&addresses.udp, &addresses.tcp, web_address);
        }
        Ok(server)
    }

    /// Leaves at once: what is under way is in the logs, and another process goes on with it.
    async fn finish(self) {
        self.tell(|| ToShard::Finish);
        self.registrations.stop();
        for thread in self.shard_threads.into_iter().chain([self.registrar_thread]) {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
        self.log_writer.abort(); // the last is written here
        self.log.write(&self.store).await;
        self.meters.write(&self.store).await;
        tracing::info!("leaving: calls go on in another process");
    }

    /// No new calls; those in progress end by themselves or are hung up at the deadline. [`Order::Hurry`] is the
    /// deadline at once.
    async fn stop(self, deadline: Duration, orders: &mut Orders) {
        self.tell(|| ToShard::Drain(true));
        self.health.set_stopping(); // who hears of the stop finds no new calls taken
        self.metering.abort(); // the last is written below
        self.sampling.abort(); // a minute that is not over is no sample
        self.retention.abort(); // what is over age is so at the next start, too
        self.events.abort(); // what is not told now is told at the next start
        tokio::select! {
            () = self.calls_gone(deadline) => (),
            () = hurried(orders) => (),
        }
        self.tell(|| ToShard::EndAll);
        self.calls_gone(LAST_CALLS).await;
        self.tell(|| ToShard::Stop);
        self.registrations.stop();
        for thread in self.shard_threads.into_iter().chain([self.registrar_thread]) {
            // A shard that still has calls after all that is left behind: the process ends anyway.
            if thread.is_finished() || self.shards.iter().all(|s| s.calls() == 0) {
                drop(tokio::task::spawn_blocking(move || thread.join()).await);
            }
        }
        self.gates.stop(Duration::from_secs(1)).await;
        drop(self.records);
        drop(tokio::time::timeout(Duration::from_secs(10), self.writer).await);
        drop(self.web.0); // the web listener ends last, so that its health tells of the stop
        drop(self.web.1.await);
        self.log_writer.abort();
        self.log.write(&self.store).await;
        self.meters.write(&self.store).await;
        self.store.close().await;
        tracing::info!("stopped");
    }

    fn tell(&self, order: impl Fn() -> ToShard) {
        for shard in &self.shards {
            drop(shard.inbox.send(order())); // one that is gone needs no order
        }
    }

    fn calls(&self) -> u64 {
        self.shards.iter().map(ShardPort::calls).sum()
    }

    async fn calls_gone(&self, within: Duration) {
        let until = Instant::now() + within;
        while Instant::now() < until && self.calls() > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn hurried(orders: &mut Orders) {
    while !matches!(orders.next().await, Order::Hurry) {}
}

fn shards_wanted(config: &Config) -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match config.call.shards {
        0 => cores as u16,
        set => set as u16,
    }
}

fn open_registrar(config: &Config, found: Found) -> tandem_logic::Registrations<tandem_journal::Files> {
    let Found { log, values } = found;
    let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
    let now = clock::now();
    let (registration, problems) = Registration::restore(
        registrar_of(config),
        nonces(config),
        StdRng::from_os_rng().random(),
        entries,
        now,
    );
    for problem in problems {
        tracing::error!(%problem, "a registration was dropped");
    }
    let mut keeper = Keeper::new(log, Lane::REGISTRAR);
    for (key, value) in &values {
        keeper.found(*key, value);
    }
    tandem_logic::Registrations::new(registration, keeper, now)
}

fn open_shard(config: &Config, number: u16, shards: usize, found: Found) -> Calls<tandem_journal::Files> {
    let shards = shards.max(1) as u64;
    let share = |all: u32| (u64::from(all).div_ceil(shards)) as usize;
    let shard_config = ShardConfig {
        shard: u64::from(number),
        shards,
        calls_max: share(config.limits.calls),
        calls_per_domain_max: share(config.limits.calls_per_domain),
    };
    let Found { log, values } = found;
    let now = clock::now();
    let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
    let seed = StdRng::from_os_rng().random();
    let (shard, problems) = Shard::restore(shard_config, nonces(config), seed, entries, now);
    for problem in problems {
        tracing::error!(%problem, "a call was dropped");
    }
    Calls::new(
        shard,
        Keeper::new(log, Lane(number)),
        monotonic_clock(),
        values,
        now,
    )
}

fn nonces(config: &Config) -> Nonces {
    // A phone such as baresip 1.0 gives up when it is offered an algorithm that it does not know (RFC 8760 §2.3
    // would have it take another), so SHA-256 is offered only where an administrator wants it.
    let algorithms = if config.sip.digest_sha256 {
        vec![Algorithm::Sha256, Algorithm::Md5]
    } else {
        vec![Algorithm::Md5]
    };
    let auth = AuthConfig {
        algorithms,
        nonce_lifetime: config.sip.nonce_life,
        ..AuthConfig::default()
    };
    Nonces {
        config: auth,
        rng: StdRng::from_os_rng(),
    }
}

fn registrar_of(config: &Config) -> Registrar {
    Registrar::new(RegistrarConfig {
        expires_min: config.sip.registration_min,
        expires_max: config.sip.registration_max,
        bindings_max: config.sip.bindings_max as usize,
        ..RegistrarConfig::default()
    })
}

fn engine_config(config: &Config, data: &Path) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(data.join("compiled")),
        instances_max: config.limits.calls,
        memory_max_bytes: config.scenario.memory.0 as usize,
        // Half of the machine at most.
        background_threads: std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
        ..EngineConfig::default()
    }
}

fn announce(udp: &[SocketAddr], tcp: &[SocketAddr], web: SocketAddr) {
    tracing::info!(?udp, ?tcp, %web, "serving");
}
