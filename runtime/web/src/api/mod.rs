//! `/api/v1`: what programs and people may do. A program's token names its domain; people log in ([`session`]), and those
//! who may see several domains name one in the path ([`inside`]).
//!
//! A request's way: [`caller`] (who, which domain, and whether they may) → a handler in [`domains`], [`archive`],
//! [`accounts`], [`second_factor`], [`users`], [`scenarios`], [`grants`], [`limits`], [`flows`], [`numbers`],
//! [`lines`], [`schedules`], [`prompts`], [`music`], [`tokens`], [`voicemail`], [`calls`], [`now`], [`samples`],
//! [`usage`], [`logs`] or [`replays`] → the store, and the audit log (`edit`). What a handler takes and answers
//! stands in its attributes, of which [`openapi`] makes the document. What goes wrong is told as [`problem`] says, by
//! RFC 9457.

mod accounts;
mod archive;
mod body;
mod caller;
mod calls;
mod domains;
mod edit;
mod flows;
mod grants;
mod inside;
mod limits;
mod lines;
mod logs;
mod music;
mod now;
mod numbers;
mod openapi;
mod problem;
mod prompts;
mod replays;
mod samples;
mod scenarios;
mod schedules;
mod second_factor;
mod session;
mod throttle;
mod tokens;
mod usage;
mod users;
mod voicemail;

use std::collections::HashSet;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{any, get};
use jiff::Timestamp;
use tandem_host_api::{Grants, Verdict};
use tandem_store::{DomainLimits, DomainScope, Store, StoreError};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard, OwnedSemaphorePermit, Semaphore, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use caller::Peer;
pub use flows::{Answers, Callee, Flows, Press, TestAsked, TestRefused, Tested, TestedEnd, TestedStep};
pub use now::ShowRegistrations;
pub use numbers::{Provided, Stock};
use problem::ApiError;
pub use prompts::by_phone::{RecordAsked, RecordByPhone, RecordLanguage, RecordRefused, Ringing};
pub use prompts::{Prompt, PromptRefused, Prompts};
pub use replays::{Replay, ReplayAsked, ReplayRefused};
use throttle::Throttle;
pub use users::MakeCredentials;
pub use users::devices::Device;

use crate::Live;

/// Longest body that is not a component, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Passwords that are hashed or compared at once: each takes a core.
const HASHERS: usize = 2;
/// Texts that are spoken at once, of all domains. A domain has one at a time.
const SPEAKERS: usize = 2;
/// Lists of calls that are exported at once, of all domains. A domain has one at a time.
const EXPORTS: usize = 4;
/// Prompts that are recorded by phone at once, of all domains. A domain records one at a time.
const RECORDERS: usize = 16;
/// Domains that are exported at once: each has a file of it in memory. A domain is once at a time.
const ARCHIVES: usize = 2;
/// Journals that are read at once: each takes a core and some of memory.
const JOURNALS: usize = 2;

/// Looks at components and compiles them, where that harms nobody: in a process of its own.
pub trait Compile: Send + Sync + 'static {
    /// What there is to say about a component. The error is of the machine, not of the component.
    fn compile(
        &self,
        component: Bytes,
        allowed: Allowed,
    ) -> Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send + '_>>;
}

/// What a component may, and is measured by where the server's limits are not. By default it may import everything.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// What it may import.
    pub grants: Grants,
    /// Limits of its domain.
    pub of_domain: DomainLimits,
    /// Limits of the scenario that it is a version of.
    pub of_scenario: DomainLimits,
}

impl Allowed {
    /// What a scenario of this domain may, be it there already or not. Errors: [`StoreError::NotFound`] (the domain is
    /// gone).
    pub async fn of(store: &Store, scope: &DomainScope, scenario: &str) -> Result<Self, StoreError> {
        let grants = store.grants(scope).await?;
        Ok(Self {
            grants: grants.map_or_else(Grants::all, |names| Grants::stored(&names)),
            of_domain: store.domain(scope).await?.limits,
            of_scenario: store
                .module_limits(scope)
                .await?
                .remove(scenario)
                .unwrap_or_default(),
        })
    }
}

/// What requests may cost.
#[derive(Debug, Clone, Copy)]
pub struct ApiLimits {
    /// Bytes of a component.
    pub component_bytes_max: usize,
    /// Uploads at once, of all domains; each may hold a component in memory. A domain has one at a time.
    pub uploads_max: usize,
    /// How long an upload may bring nothing.
    pub upload_idle: Duration,
    /// How long an upload may take to come, whatever it brings.
    pub upload_time: Duration,
    /// Replays at once, of all domains. A domain has one at a time.
    pub replays_max: usize,
    /// Tests of flows at once, of all domains. A domain has one at a time.
    pub flow_tests_max: usize,
    /// How long who follows a log may read nothing.
    pub reader_idle: Duration,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            component_bytes_max: 32 << 20,
            uploads_max: 4,
            upload_idle: Duration::from_secs(10),
            upload_time: Duration::from_mins(2),
            replays_max: 2,
            flow_tests_max: 2,
            reader_idle: Duration::from_secs(10),
        }
    }
}

/// What all requests share; a clone is cheap.
#[derive(Clone)]
pub struct Api {
    shared: Arc<Shared>,
}

struct Shared {
    store: Store,
    compiler: Box<dyn Compile>,
    limits: ApiLimits,
    /// Wrong tokens and passwords by address.
    throttle: Throttle<IpAddr>,
    /// Wrong passwords by login.
    logins: Throttle<String>,
    hashers: Semaphore,
    /// One edit at a time: from reading what was to writing what is.
    edits: AsyncMutex<()>,
    /// None: users are not made here.
    credentials: OnceLock<MakeCredentials>,
    uploading: Places,
    replaying: Places,
    exporting: Places,
    archiving: Places,
    /// One domain at a time is imported.
    importing: Arc<Semaphore>,
    /// Journals that are read at once.
    reading: Semaphore,
    /// None: nobody runs replays.
    replays: OnceLock<Box<dyn Replay>>,
    /// None: nobody keeps prompts.
    prompts: OnceLock<Arc<dyn Prompts>>,
    speaking: Places,
    /// None: nobody records by phone.
    recorder: OnceLock<Arc<dyn RecordByPhone>>,
    recording: Places,
    recordings: prompts::by_phone::Recordings,
    /// None: there are no stock scenarios, and the store alone checks numbers.
    stock: OnceLock<Box<dyn Stock>>,
    testing: Places,
    /// None: nobody runs flows.
    flows: OnceLock<Box<dyn Flows>>,
    streams: logs::Streams,
    /// Who follows events.
    watching: logs::Streams,
    live: OnceLock<Live>,
    started_at: Timestamp,
    /// None: nobody counts them.
    registrations: OnceLock<Box<dyn ShowRegistrations>>,
}

impl Api {
    /// Answers out of `store`; components go to `compiler` first.
    pub fn new(store: Store, compiler: impl Compile, limits: ApiLimits) -> Self {
        let shared = Shared {
            store,
            compiler: Box::new(compiler),
            limits,
            throttle: Throttle::default(),
            logins: Throttle::default(),
            hashers: Semaphore::new(HASHERS),
            edits: AsyncMutex::new(()),
            credentials: OnceLock::new(),
            uploading: Places::new(limits.uploads_max),
            replaying: Places::new(limits.replays_max),
            exporting: Places::new(EXPORTS),
            archiving: Places::new(ARCHIVES),
            importing: Arc::new(Semaphore::new(1)),
            reading: Semaphore::new(JOURNALS),
            replays: OnceLock::new(),
            prompts: OnceLock::new(),
            speaking: Places::new(SPEAKERS),
            recorder: OnceLock::new(),
            recording: Places::new(RECORDERS),
            recordings: prompts::by_phone::Recordings::default(),
            stock: OnceLock::new(),
            testing: Places::new(limits.flow_tests_max),
            flows: OnceLock::new(),
            streams: logs::Streams::default(),
            watching: logs::Streams::default(),
            live: OnceLock::new(),
            started_at: Timestamp::now(),
            registrations: OnceLock::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// `written` changes when lines of scenarios' logs have come to the store: who follows them need not wait then.
    #[must_use]
    pub fn with_log_written(self, written: watch::Receiver<u64>) -> Self {
        self.shared.streams.set_written(written);
        self
    }

    /// Tells of what goes on, as `live` is told.
    #[must_use]
    pub fn with_live(self, live: Live) -> Self {
        let _ = self.shared.live.set(live); // it is set once, before the server runs
        self
    }

    /// Counts and shows registrations by `registrations`.
    #[must_use]
    pub fn with_registrations(self, registrations: impl ShowRegistrations) -> Self {
        let _ = self.shared.registrations.set(Box::new(registrations)); // it is set once, before the server runs
        self
    }

    /// Lets calls be replayed.
    #[must_use]
    pub fn with_replays(self, replays: impl Replay) -> Self {
        let _ = self.shared.replays.set(Box::new(replays)); // it is set once, before the server runs
        self
    }

    /// Lets flows be tested and published.
    #[must_use]
    pub fn with_flows(self, flows: impl Flows) -> Self {
        let _ = self.shared.flows.set(Box::new(flows)); // it is set once, before the server runs
        self
    }

    /// Lets users be made; `make` makes what authenticates them.
    #[must_use]
    pub fn with_credentials(self, make: MakeCredentials) -> Self {
        let _ = self.shared.credentials.set(make); // it is set once, before the server runs
        self
    }

    /// Lets prompts be kept and spoken.
    #[must_use]
    pub fn with_prompts(self, prompts: impl Prompts) -> Self {
        let _ = self.shared.prompts.set(Arc::new(prompts)); // it is set once, before the server runs
        self
    }

    /// Lets prompts be recorded by phone.
    #[must_use]
    pub fn with_recorder(self, recorder: impl RecordByPhone) -> Self {
        let _ = self.shared.recorder.set(Arc::new(recorder)); // it is set once, before the server runs
        self
    }

    /// Says what numbers are, and gives domains the stock scenarios.
    #[must_use]
    pub fn with_stock(self, stock: impl Stock) -> Self {
        let _ = self.shared.stock.set(Box::new(stock)); // it is set once, before the server runs
        self
    }

    fn stock(&self) -> Option<&dyn Stock> {
        self.shared.stock.get().map(Box::as_ref)
    }

    async fn editing(&self) -> MutexGuard<'_, ()> {
        self.shared.edits.lock().await
    }

    fn live(&self) -> &Live {
        self.shared.live.get_or_init(Live::default)
    }

    fn flows(&self) -> Result<&dyn Flows, ApiError> {
        let flows = self.shared.flows.get().map(AsRef::as_ref);
        flows.ok_or_else(|| ApiError::new(StatusCode::NOT_IMPLEMENTED, "this server runs no flows"))
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    fn limits(&self) -> &ApiLimits {
        &self.shared.limits
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("limits", self.limits())
            .finish_non_exhaustive()
    }
}

/// Work of one kind that the server does for few at a time: so much of all domains, and one piece of each.
struct Places {
    all: Arc<Semaphore>,
    /// The domains that have some under way.
    domains: Arc<Mutex<HashSet<String>>>,
}

impl Places {
    fn new(most: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            domains: Arc::default(),
        }
    }

    /// A place for one piece of `work` of the domain, which is given back when it is dropped.
    fn place(&self, scope: &DomainScope, work: &str) -> Result<Place, ApiError> {
        let domain = scope.name().to_owned();
        if !locked(&self.domains).insert(domain.clone()) {
            return Err(ApiError::busy(
                StatusCode::TOO_MANY_REQUESTS,
                format!("the domain has one {work} under way, and no more at once"),
            ));
        }
        let mut place = Place {
            domain,
            domains: Arc::clone(&self.domains),
            permit: None,
        };
        place.permit = Arc::clone(&self.all).try_acquire_owned().ok();
        if place.permit.is_none() {
            return Err(ApiError::busy(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("there are as many {work}s under way as the server takes"),
            ));
        }
        Ok(place)
    }
}

struct Place {
    domain: String,
    domains: Arc<Mutex<HashSet<String>>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.domains).remove(&self.domain);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn router(api: Api) -> Router {
    let (own, own_document) = of_domain().merge(of_both()).split_for_parts();
    let (system, rest_document) = of_system().merge(of_both()).split_for_parts();
    let document = openapi::document(own_document, rest_document);
    let all = of_domain().split_for_parts().0.merge(system);
    let own = bounded(own, api.clone());
    let forward = move |request| inside::forward(own.clone(), request);
    let named = any(forward.clone());
    let all = all
        .route("/domains/{domain}", named.clone())
        // A domain may be called so.
        .route(
            "/domains/import",
            get(forward.clone()).patch(forward.clone()).delete(forward),
        )
        .route("/domains/{domain}/{*rest}", named);
    bounded(all, api).merge(openapi::router(&document))
}

/// What a domain owns.
fn of_domain() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(domains::show, domains::change, domains::remove))
        .routes(routes!(archive::export))
        .routes(routes!(users::list, users::create))
        .routes(routes!(users::show, users::change, users::remove))
        .routes(routes!(users::set_password))
        .routes(routes!(users::devices::registrations))
        .routes(routes!(users::import::import))
        .route("/users/import", users::import::user_of_this_name())
        .routes(routes!(scenarios::list))
        .routes(routes!(scenarios::versions, scenarios::upload))
        .routes(routes!(scenarios::remove))
        .routes(routes!(limits::show))
        .routes(routes!(grants::show))
        .routes(routes!(logs::read))
        .routes(routes!(calls::list))
        .routes(routes!(calls::csv::export))
        .routes(routes!(calls::show))
        .routes(routes!(calls::steps::steps))
        .routes(routes!(calls::messages::messages))
        .routes(routes!(now::active))
        .routes(routes!(now::events))
        .routes(routes!(replays::replay))
        .routes(routes!(usage::show))
        .routes(routes!(voicemail::boxes))
        .routes(routes!(voicemail::list))
        .routes(routes!(
            voicemail::sound::listen,
            voicemail::mark,
            voicemail::remove
        ))
        .routes(routes!(numbers::activate))
        .merge(of_numbers())
        .merge(of_lines())
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::show, schedules::set, schedules::remove))
        .routes(routes!(prompts::list))
        .routes(routes!(prompts::show, prompts::put, prompts::remove))
        .routes(routes!(prompts::speak))
        .routes(routes!(prompts::by_phone::record, prompts::by_phone::progress))
        .routes(routes!(music::show, music::put, music::remove))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::remove))
        .merge(flows::router())
}

/// Numbers, whose settings may be long.
fn of_numbers() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(numbers::list, numbers::create))
        .routes(routes!(numbers::show, numbers::change, numbers::remove))
        .routes(routes!(numbers::set_canary, numbers::end_canary))
        .routes(routes!(numbers::promote))
        .routes(routes!(numbers::roll_back))
        .routes(routes!(numbers::history))
        .layer(DefaultBodyLimit::max(numbers::BODY_BYTES_MAX))
}

/// Inbound lines, whose rules may be many.
fn of_lines() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(lines::test))
        .layer(DefaultBodyLimit::max(lines::BODY_BYTES_MAX))
}

/// What a domain has, and, without a domain, the system.
fn of_both() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(accounts::list, accounts::create))
        .routes(routes!(accounts::change, accounts::remove))
        .routes(routes!(accounts::audit_log))
        .routes(routes!(samples::show))
        .routes(routes!(now::status))
}

/// What no domain has.
fn of_system() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(session::show, session::open, session::close))
        .routes(routes!(session::set_password))
        .routes(routes!(session::set_preferences))
        .routes(routes!(
            second_factor::offer,
            second_factor::set,
            second_factor::end
        ))
        .routes(routes!(domains::list, domains::create))
        .routes(routes!(archive::import))
}

/// A router that refuses in our words, and bodies that are too long.
fn bounded(router: Router<Api>, api: Api) -> Router {
    router
        .fallback(|| async { ApiError::new(StatusCode::NOT_FOUND, "there is no such path") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(api)
}
