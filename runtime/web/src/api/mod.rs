//! `/api/v1`: what a domain's own programs may do. The token that they show decides the domain.
//!
//! A request's way: [`caller`] (who, and whether they may) → a handler in [`scenarios`], [`numbers`], [`voicemail`] → the store. What
//! goes wrong is told as [`problem`] says, by RFC 9457.

mod body;
mod caller;
mod limits;
mod numbers;
mod problem;
mod scenarios;
mod throttle;
mod usage;
mod voicemail;

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{delete, get, put};
use tandem_host_api::{Grants, Verdict};
use tandem_store::{DomainScope, Store};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub(crate) use caller::Peer;
use problem::ApiError;
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
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            component_bytes_max: 32 << 20,
            uploads_max: 4,
            upload_idle: Duration::from_secs(10),
            upload_time: Duration::from_mins(2),
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
    uploads: Arc<Semaphore>,
    /// The domains that have an upload under way.
    uploading: Arc<Mutex<HashSet<String>>>,
}

impl Api {
    /// Answers out of `store`; components go to `compiler` first.
    pub fn new(store: Store, compiler: impl Compile, limits: ApiLimits) -> Self {
        let shared = Shared {
            store,
            compiler: Box::new(compiler),
            limits,
            throttle: Throttle::default(),
            uploads: Arc::new(Semaphore::new(limits.uploads_max)),
            uploading: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    fn store(&self) -> &Store {
        &self.shared.store
    }

    fn limits(&self) -> &ApiLimits {
        &self.shared.limits
    }

    /// A place for one upload of the domain, which is given back when it is dropped.
    fn place(&self, scope: &DomainScope) -> Result<Place, ApiError> {
        let domain = scope.name().to_owned();
        if !locked(&self.shared.uploading).insert(domain.clone()) {
            return Err(ApiError::busy(
                StatusCode::TOO_MANY_REQUESTS,
                "the domain has an upload under way",
            ));
        }
        let mut place = Place {
            domain,
            uploading: Arc::clone(&self.shared.uploading),
            permit: None,
        };
        place.permit = Arc::clone(&self.shared.uploads).try_acquire_owned().ok();
        if place.permit.is_none() {
            return Err(ApiError::busy(
                StatusCode::SERVICE_UNAVAILABLE,
                "there are as many uploads under way as the server takes",
            ));
        }
        Ok(place)
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Api")
            .field("limits", self.limits())
            .finish_non_exhaustive()
    }
}

struct Place {
    domain: String,
    uploading: Arc<Mutex<HashSet<String>>>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        locked(&self.uploading).remove(&self.domain);
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
