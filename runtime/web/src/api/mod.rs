//! `/api/v1`: what a domain's own programs may do. The token that they show decides the domain.
//!
//! A request's way: [`caller`] (who, and whether they may) → a handler in [`scenarios`], [`numbers`], [`voicemail`],
//! [`logs`] or [`replays`] → the store. What goes wrong is told as [`problem`] says, by RFC 9457.

mod body;
mod caller;
mod grants;
mod limits;
mod logs;
mod numbers;
mod problem;
mod replays;
mod scenarios;
mod throttle;
mod usage;
mod voicemail;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{delete, get, post, put};
use tandem_host_api::{Grants, Verdict};
use tandem_store::{DomainScope, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

pub(crate) use caller::Peer;
use problem::ApiError;
pub use replays::{Replay, ReplayAsked, ReplayRefused};
use throttle::Throttle;

/// Longest body that is not a component, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Looks at components and compiles them, where that harms nobody: in a process of its own.
pub trait Compile: Send + Sync + 'static {
    /// What there is to say about a component. The error is of the machine, not of the component.
    fn compile(
        &self,
        component: Bytes,
        grants: Grants,
    ) -> Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send + '_>>;
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
    throttle: Throttle,
    uploading: Places,
    replaying: Places,
    /// None: nobody runs replays.
    replays: OnceLock<Box<dyn Replay>>,
    streams: logs::Streams,
}

impl Api {
    /// Answers out of `store`; components go to `compiler` first.
    pub fn new(store: Store, compiler: impl Compile, limits: ApiLimits) -> Self {
        let shared = Shared {
            store,
            compiler: Box::new(compiler),
            limits,
            throttle: Throttle::default(),
            uploading: Places::new(limits.uploads_max),
            replaying: Places::new(limits.replays_max),
            replays: OnceLock::new(),
            streams: logs::Streams::default(),
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

    /// Lets calls be replayed.
    #[must_use]
    pub fn with_replays(self, replays: impl Replay) -> Self {
        let _ = self.shared.replays.set(Box::new(replays)); // it is set once, before the server runs
        self
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
    Router::new()
        .route("/scenarios", get(scenarios::list))
        .route(
            "/scenarios/{name}/versions",
            get(scenarios::versions).post(scenarios::upload),
        )
        .route("/scenarios/{name}/versions/{hash}", delete(scenarios::remove))
        .route("/limits", get(limits::show))
        .route("/grants", get(grants::show))
        .route("/logs", get(logs::read))
        .route("/calls/{id}/replay", post(replays::replay))
        .route("/usage", get(usage::show))
        .route("/voicemail", get(voicemail::boxes))
        .route("/voicemail/{box}", get(voicemail::list))
        .route("/voicemail/{box}/{id}", delete(voicemail::remove))
        .route("/numbers", get(numbers::list))
        .route("/numbers/{number}/activation", put(numbers::activate))
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
