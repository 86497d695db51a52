//! What goes on at this moment: calls in progress, figures, and a stream of events (Server-Sent Events, HTML §9.2).

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use tandem_store::{DomainScope, TokenScope};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, timeout};
use utoipa::ToSchema;

use super::caller::{Caller, Credential};
use super::logs::{Events, Place};
use super::problem::ApiError;
use super::users::Page;
use super::users::devices::Device;
use super::{Api, locked};
use crate::live::{ActiveCall, LastHour, Watcher};

/// Chunks that wait for their reader.
const CHUNKS_WAITING: usize = 2;
/// A comment after so long, and a look whether the reader may still read.
const ALIVE: Duration = Duration::from_secs(5);

/// Knows who is registered at this moment.
pub trait ShowRegistrations: Send + Sync + 'static {
    /// Bindings of a domain's users at this moment, or of all.
    fn count(&self, domain: Option<String>) -> Pin<Box<dyn Future<Output = u64> + Send + '_>>;

    /// Bindings of each of these users of a domain at this moment, in their order; empty: nobody can tell.
    fn count_each(
        &self,
        domain: String,
        users: Vec<String>,
    ) -> Pin<Box<dyn Future<Output = Vec<u64>> + Send + '_>>;

    /// The devices of a user at this moment, the most wanted first.
    fn devices(&self, domain: String, user: String)
    -> Pin<Box<dyn Future<Output = Vec<Device>> + Send + '_>>;
}

/// Calls in progress, the oldest first.
#[utoipa::path(get, path = "/calls/active", tag = "calls", responses((status = 200, body = Page<ActiveCall>)))]
pub(crate) async fn active(
    caller: Caller,
    State(api): State<Api>,
) -> Result<Json<Page<ActiveCall>>, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    Ok(Json(Page {
        items: api.live().calls(scope.name()),
        next: None,
    }))
}

/// How a domain, or the system, is doing.
#[derive(Serialize, ToSchema)]
#[schema(as = Status)]
pub(crate) struct Status {
    version: &'static str,
    /// When the call logic was started.
    started_at: Timestamp,
    /// Registered devices; none: nobody counts them.
    registrations: Option<u64>,
    calls_active: usize,
    #[serde(flatten)]
    last_hour: LastHour,
}

/// How a domain is doing; without one, the system.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub(crate) async fn status(caller: Caller, State(api): State<Api>) -> Result<Json<Status>, ApiError> {
    let domain = caller.home(TokenScope::CallsRead)?.map(DomainScope::name);
    let registrations = match api.shared.registrations.get() {
        Some(registrations) => Some(registrations.count(domain.map(str::to_owned)).await),
        None => None,
    };
    Ok(Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        started_at: api.shared.started_at,
        registrations,
        calls_active: api.live().count(domain),
        last_hour: api.live().last_hour(domain, Timestamp::now()),
    }))
}

/// What happens, as it happens (Server-Sent Events): `call`, `registration`, `log`; `lost` tells how many events a slow
/// reader missed, `dropped` why the stream ends.
#[utoipa::path(
    get,
    path = "/events",
    tag = "status",
    responses((status = 200, body = String, content_type = "text/event-stream"))
)]
pub(crate) async fn events(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let place = api
        .shared
        .watching
        .place(scope.name(), "the domain's events are followed")?;
    let credential =
        Credential::of(&headers).ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "log in again"))?;
    let watcher = api.live().watch(scope.name());
    tracing::info!(domain = scope.name(), who = caller.name(), "events are followed");
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    let end = Arc::new(Mutex::new(None));
    let teller = Teller {
        api: api.clone(),
        credential,
        watcher,
        chunks,
        end: Arc::clone(&end),
        _place: place,
    };
    tokio::spawn(teller.tell());
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::new(Events { waiting, end })).into_response())
}

/// Tells one reader what happens.
struct Teller {
    api: Api,
    credential: Credential,
    watcher: Watcher,
    chunks: mpsc::Sender<Bytes>,
    /// What the reader is told last.
    end: Arc<Mutex<Option<Bytes>>>,
    _place: Place,
}

impl Teller {
    async fn tell(mut self) {
        let mut alive = interval(ALIVE);
        alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let chunk = tokio::select! {
                event = self.watcher.next() => match event {
                    Some(event) => event,
                    None => return, // nobody says anything any more: the server stops
                },
                () = self.chunks.closed() => return,
                // The first comes at once: the reader knows that it is heard.
                _ = alive.tick() => {
                    if !self.credential.stands(&self.api).await {
                        return self.end("the session has ended");
                    }
                    Bytes::from_static(b":\n\n")
                }
            };
            match timeout(self.api.limits().reader_idle, self.chunks.send(chunk)).await {
                Ok(Ok(())) => (),
                Ok(Err(_)) => return, // the reader is gone
                Err(_) => return self.end("nothing was read for too long"),
            }
        }
    }

    fn end(&self, why: &str) {
        let told = format!("event: dropped\ndata: {}\n\n", serde_json::json!({ "why": why }));
        *locked(&self.end) = Some(told.into());
    }
}
