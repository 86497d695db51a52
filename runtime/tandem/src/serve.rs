//! Wires the roles of one server and runs them until it is told to stop.
//!
//! Order of start: store, engine, media gate, registrar, shards, SIP sockets, web. Order of stop: no new calls, calls
//! end or the deadline passes, sockets, gate, records, store: each waits for what may still come from the one before.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_directory::Directory;
use tandem_gate::{Espeak, Gate, GateConfig};
use tandem_host_api::{DomainLimits, Engine, EngineConfig, Limits};
use tandem_sip::Method;
use tandem_sip::auth::{Algorithm, Config as AuthConfig, Verifier};
use tandem_sip::registrar::{Config as RegistrarConfig, Registrar};
use tandem_store::Store;
use tandem_switch::record::Clock;
use tandem_switch::registration::Registration;
use tandem_switch::{Shard, ShardConfig, shard_of};
use tandem_transport::{Deliver, Inbound, Transport};
use tandem_web::{Health, Metrics, WebServer};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::config::Config;
use crate::drive::answers::Answers;
use crate::drive::records::{self, Ended};
use crate::drive::registrar::{self, Registrations};
use crate::drive::scenario::Scenarios;
use crate::drive::shard::{self, Reach, ShardPort, ToShard};
use crate::drive::sip_log::Shown;
use crate::metering;

/// Records that wait for the store at most.
const RECORDS_MAX: usize = 20_000;
/// Most bytes in one domain's key-value store.
const KV_BYTES_MAX: u64 = 64 << 20;
/// How long hung-up calls may take to be gone.
const LAST_CALLS: Duration = Duration::from_secs(4);

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Database or data directory.
    #[error(transparent)]
    Store(#[from] tandem_store::StoreError),
    /// The WASM engine.
    #[error(transparent)]
    Engine(#[from] tandem_host_api::EngineError),
    /// Media ports or threads.
    #[error(transparent)]
    Gate(#[from] tandem_gate::GateError),
    /// SIP sockets.
    #[error(transparent)]
    Transport(#[from] tandem_transport::TransportError),
    /// The web listener.
    #[error(transparent)]
    Web(#[from] tandem_web::WebError),
    /// First start.
    #[error(transparent)]
    Demo(#[from] crate::demo::DemoError),
    /// Threads or signals.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// Hands what the sockets bring to the role it concerns; the roles start after the sockets.
#[derive(Clone, Default)]
struct Router {
    routes: Arc<OnceLock<Routes>>,
}

struct Routes {
    shards: Vec<ShardPort>,
    registrations: Registrations,
}

impl Deliver for Router {
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound> {
        let Some(routes) = self.routes.get() else {
            return Err(inbound);
        };
        match inbound {
            Inbound::Closed { flow } => {
                routes.registrations.handle_closed(flow);
                for shard in &routes.shards {
                    drop(shard.inbox.send(ToShard::FlowClosed(flow))); // a shard that is gone needs no news
                }
                Ok(())
            }
            Inbound::Message { flow, message } => {
                tracing::debug!(
                    target: "sip", remote = %flow.remote,
                    message = %Shown(message.as_bytes()), "received"
                );
                if message.method() == Some(Method::Register) {
                    return if routes.registrations.handle(flow, message.clone()) {
                        Ok(())
                    } else {
                        Err(Inbound::Message { flow, message })
                    };
                }
                let number = shard_of(message.call_id().unwrap_or_default(), routes.shards.len() as u64);
                let Some(shard) = routes.shards.get(number as usize) else {
                    return Err(Inbound::Message { flow, message });
                };
                shard.sip.try_send((flow, message)).map_err(|refused| {
                    let (flow, message) = refused.into_inner();
                    Inbound::Message { flow, message }
                })
            }
        }
    }
}

/// Everything that runs, in the order in which it must stop.
struct Server {
    shards: Vec<ShardPort>,
    shard_threads: Vec<JoinHandle<()>>,
    registrations: Registrations,
    registrar_thread: JoinHandle<()>,
    transport: Transport,
    gate: Arc<Gate>,
    records: mpsc::Sender<Ended>,
    writer: tokio::task::JoinHandle<()>,
    store: Store,
    health: Health,
    web: (oneshot::Sender<()>, tokio::task::JoinHandle<()>),
}

/// Runs a server on `data` until SIGTERM or SIGINT; then stops it gracefully.
pub async fn serve(config: Config, data: &Path) -> Result<ExitCode, ServeError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(&config, data).await?;
    tokio::select! {
        _ = terminate.recv() => (),
        _ = interrupt.recv() => (),
    }
    tracing::info!(
        deadline_s = config.call.stop_deadline.as_secs(),
        "stopping: no new calls"
    );
    server.stop(config.call.stop_deadline, &mut interrupt).await;
    Ok(ExitCode::SUCCESS)
}

impl Server {
    async fn start(config: &Config, data: &Path) -> Result<Self, ServeError> {
        let store = Store::open(data, tandem_store::Options::default()).await?;
        let directory = Directory::new(store.clone());
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let health = Health::new(env!("CARGO_PKG_VERSION"));

        let routes: Arc<OnceLock<Vec<ShardPort>>> = Arc::default();
        let gate = Arc::new(Gate::start_with_speech(
            gate_config(config, data),
            Arc::new(Espeak {
                program: config.media.speech.clone().into(),
                ..Espeak::default()
            }),
            events_to(routes.clone()),
        )?);
        let router = Router::default();
        let transport = Transport::bind(&transport_config(config), router.clone())?;

        let (registrations, mailbox) = registrar::mailbox(config.sip.queue as usize);
        let answers = Answers {
            directory: directory.clone(),
            store: store.clone(),
            registrations: registrations.clone(),
            default_domain: Some(config.domain.default.clone()).filter(|name| !name.is_empty()),
            kv_bytes_max: KV_BYTES_MAX,
        };
        let registrar_thread = registrar::start(
            Registration::new(
                registrar_of(config),
                verifier(config),
                StdRng::from_os_rng().random(),
            ),
            mailbox,
            transport.clone(),
            answers.clone(),
            Handle::current(),
        )?;

        let (records, ended) = mpsc::channel(RECORDS_MAX);
        let writer = tokio::spawn(records::write(store.clone(), ended, health.clone()));
        let engine = Engine::new(engine_config(config, data))?;
        let limits = Limits {
            cpu: config.scenario.cpu,
            memory_bytes: config.scenario.memory.0,
            ..Limits::default()
        };
        let domain_limits = DomainLimits {
            instances: config.limits.calls_per_domain,
            ..DomainLimits::default()
        };
        let reach = Reach {
            transport: transport.clone(),
            gate: gate.clone(),
            answers,
            scenarios: Scenarios::new(engine, directory, limits, domain_limits, Handle::current()),
            records: records.clone(),
            asking: Handle::current(),
            observe: metering::observer(&metrics),
        };
        let (shards, shard_threads) = start_shards(config, &reach)?;
        drop(routes.set(shards.clone())); // set once: here
        metering::read_roles(&metrics, &shards, &registrations, &transport, &gate);
        drop(router.routes.set(Routes {
            shards: shards.clone(),
            registrations: registrations.clone(),
        }));

        let web = WebServer::bind(config.web.listen, tandem_web::Limits::default())?;
        let web_address = web.local_addr();
        let (stop_web, web_stopped) = oneshot::channel();
        let serving = web.serve(health.clone(), metrics, async { drop(web_stopped.await) });
        let web = (stop_web, tokio::spawn(serving));

        crate::demo::first_start(&store, data, &transport.udp()).await?;
        tokio::spawn(reach.scenarios.clone().warm());
        health.set_started();
        announce(&transport.udp(), &transport.tcp(), web_address);
        Ok(Self {
            shards,
            shard_threads,
            registrations,
            registrar_thread,
            transport,
            gate,
            records,
            writer,
            store,
            health,
            web,
        })
    }

    /// No new calls; those in progress end by themselves or are hung up at the deadline. A second SIGINT is the
    /// deadline at once.
    async fn stop(self, deadline: Duration, interrupt: &mut tokio::signal::unix::Signal) {
        self.health.set_stopping();
        self.tell(|| ToShard::Drain);
        tokio::select! {
            () = self.calls_gone(deadline) => (),
            _ = interrupt.recv() => (),
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
        self.transport.close(Duration::from_secs(1)).await;
        self.gate.stop();
        drop(self.records);
        drop(tokio::time::timeout(Duration::from_secs(10), self.writer).await);
        drop(self.web.0); // the web listener ends last, so that its health tells of the stop
        drop(self.web.1.await);
        self.store.close().await;
        tracing::info!("stopped");
    }

    fn tell(&self, order: impl Fn() -> ToShard) {
        for shard in &self.shards {
            drop(shard.inbox.send(order())); // one that is gone needs no order
        }
    }

    async fn calls_gone(&self, within: Duration) {
        let until = Instant::now() + within;
        while Instant::now() < until && self.shards.iter().any(|shard| shard.calls() > 0) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn start_shards(config: &Config, reach: &Reach) -> Result<(Vec<ShardPort>, Vec<JoinHandle<()>>), ServeError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let shards = match config.call.shards {
        0 => cores as u64,
        set => u64::from(set),
    };
    let clock = Clock {
        instant: Instant::now(),
        timestamp: Timestamp::now(),
    };
    let share = |all: u32| (u64::from(all).div_ceil(shards)) as usize;
    let mut ports = Vec::new();
    let mut threads = Vec::new();
    for number in 0..shards {
        let shard_config = ShardConfig {
            shard: number,
            shards,
            calls_max: share(config.limits.calls),
            calls_per_domain_max: share(config.limits.calls_per_domain),
        };
        let seed = StdRng::from_os_rng().random();
        let core = Shard::new(shard_config, verifier(config), clock, seed);
        let (port, thread) = shard::start(core, number, config.sip.queue as usize, reach.clone())?;
        ports.push(port);
        threads.push(thread);
    }
    Ok((ports, threads))
}

/// Hands the gate's events to the shard that the endpoint's number names.
fn events_to(
    shards: Arc<OnceLock<Vec<ShardPort>>>,
) -> impl Fn(tandem_bus::media::Event) + Send + Sync + 'static {
    move |event| {
        let number = (event.endpoint().0 >> 48) as usize;
        if let Some(shard) = shards.get().and_then(|shards| shards.get(number)) {
            drop(shard.inbox.send(ToShard::Media(event))); // a shard that is gone has no endpoints
        }
    }
}

fn verifier(config: &Config) -> Verifier {
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
    Verifier::new(auth, StdRng::from_os_rng(), Instant::now())
}

fn registrar_of(config: &Config) -> Registrar {
    Registrar::new(RegistrarConfig {
        expires_min: config.sip.registration_min,
        expires_max: config.sip.registration_max,
        bindings_max: config.sip.bindings_max as usize,
        ..RegistrarConfig::default()
    })
}

fn transport_config(config: &Config) -> tandem_transport::Config {
    tandem_transport::Config {
        udp: config.sip.udp.clone(),
        tcp: config.sip.tcp.clone(),
        limits: tandem_transport::Limits {
            connections_max: config.sip.connections_max as usize,
            connections_per_address_max: config.sip.connections_per_address_max as usize,
            connection_idle: config.sip.connection_idle,
            message_bytes_max: config.sip.message_size_max.0 as usize,
            ..tandem_transport::Limits::default()
        },
    }
}

fn engine_config(config: &Config, data: &Path) -> EngineConfig {
    EngineConfig {
        cache_dir: Some(data.join("compiled")),
        instances_max: config.limits.calls,
        memory_max_bytes: config.scenario.memory.0 as usize,
        ..EngineConfig::default()
    }
}

fn gate_config(config: &Config, data: &Path) -> GateConfig {
    GateConfig {
        address: config.media.address,
        announced: config.media.announce,
        ports: config.media.ports.low..=config.media.ports.high,
        threads: media_threads(config),
        prompts_dir: data.join("prompts"),
        cache_dir: data.join("speech"),
        max_endpoints: config.limits.calls as usize * 4,
        ..GateConfig::default()
    }
}

fn media_threads(config: &Config) -> usize {
    match config.media.threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| usize::from(cores).div_ceil(2)),
        set => set as usize,
    }
}

fn announce(udp: &[SocketAddr], tcp: &[SocketAddr], web: SocketAddr) {
    tracing::info!(?udp, ?tcp, %web, "serving");
}
