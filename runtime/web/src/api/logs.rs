//! What the domain's scenarios logged: a page of it, or a stream that goes on (Server-Sent Events, the HTML standard
//! §9.2).
//!
//! A stream holds no line that its reader has not taken, but for a page or two: it reads on from the store. A reader that
//! takes nothing for `ApiLimits::reader_idle` is told so and dropped.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::json;
use tandem_store::{DomainScope, LogFilter, LogLevel, LogPage, Store, TokenScope};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::timeout;
use utoipa::IntoParams;

use super::caller::Caller;
use super::problem::ApiError;
use super::{Api, locked};

/// Streams at once, of all domains: each holds one of the server's connections.
const STREAMS_MAX: usize = 32;
/// Streams of one domain.
const STREAMS_OF_DOMAIN_MAX: u32 = 8;
/// Lines that go into the stream at once.
const CHUNK_LINES: u32 = 64;
/// Chunks that wait for their reader.
const CHUNKS_WAITING: usize = 2;
/// A comment after so long without lines, so that nobody on the way takes the stream for dead.
const ALIVE: Duration = Duration::from_secs(15);
/// Lines where nothing else is asked for.
const LINES_DEFAULT: u32 = 100;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// A call's id, or another run's.
    call: Option<String>,
    scenario: Option<String>,
    number: Option<String>,
    /// This one and above: `debug`, `info`, `warn`, `error`.
    #[param(inline)]
    level: Option<LogLevel>,
    /// So many of the newest lines.
    last: Option<u32>,
    /// Those behind this line, the oldest first.
    after: Option<u64>,
    #[serde(default)]
    follow: bool,
}

/// Where the streams of the server are counted, and told of new lines.
pub(super) struct Streams {
    /// Changes when lines were written; none: nobody tells, and streams look by themselves.
    written: OnceLock<watch::Receiver<u64>>,
    places: Arc<Semaphore>,
    of_domains: Arc<Mutex<HashMap<String, u32>>>,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            written: OnceLock::new(),
            places: Arc::new(Semaphore::new(STREAMS_MAX)),
            of_domains: Arc::default(),
        }
    }
}

impl Streams {
    pub(super) fn set_written(&self, written: watch::Receiver<u64>) {
        let _ = self.written.set(written); // it is set once, before the server runs
    }

    /// A place for a stream of the domain, which is given back when it is dropped. `what`: what is followed, in words.
    pub(super) fn place(&self, domain: &str, what: &str) -> Result<Place, ApiError> {
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else {
            return Err(ApiError::busy(
                StatusCode::SERVICE_UNAVAILABLE,
                "as many streams are read as the server takes",
            ));
        };
        let mut of_domains = locked(&self.of_domains);
        let streams = of_domains.entry(domain.to_owned()).or_default();
        if *streams >= STREAMS_OF_DOMAIN_MAX {
            return Err(ApiError::busy(
                StatusCode::TOO_MANY_REQUESTS,
                format!("{what} by as many as may"),
            ));
        }
        *streams += 1;
        Ok(Place {
            domain: domain.to_owned(),
            of_domains: Arc::clone(&self.of_domains),
            _permit: permit,
        })
    }
}

pub(super) struct Place {
    domain: String,
    of_domains: Arc<Mutex<HashMap<String, u32>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_domains = locked(&self.of_domains);
        match of_domains.get_mut(&self.domain) {
            Some(streams) if *streams > 1 => *streams -= 1,
            _ => drop(of_domains.remove(&self.domain)),
        }
    }
}

/// What scenarios logged.
#[utoipa::path(get, path = "/logs", tag = "scenarios", params(Asked), responses((status = 200, description = "a page, or with `follow` a stream of events `line`", content((LogPage = "application/json"), (String = "text/event-stream")))))]
pub(crate) async fn read(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let Query(asked) = asked.map_err(|error| bad(format!("the query: {error}")))?;
    // What a reader that comes back has seen last (HTML §9.2.4) counts more than what it first asked for.
    let seen = match headers.get("last-event-id") {
        None => None,
        Some(id) => {
            let id = id.to_str().ok().and_then(|id| id.parse().ok());
            Some(id.ok_or_else(|| bad("Last-Event-ID is no line's number".to_owned()))?)
        }
    };
    let after: Option<u64> = seen.or(asked.after);
    if after.is_some_and(|after| i64::try_from(after).is_err()) {
        return Err(bad("there is no line of that number".to_owned()));
    }
    let filter = LogFilter {
        run: asked.call,
        scenario: asked.scenario,
        entry_point: asked.number,
        level: asked.level,
    };
    let most = asked.last.unwrap_or(LINES_DEFAULT);
    let place = asked
        .follow
        .then(|| {
            api.shared
                .streams
                .place(scope.name(), "the domain's log is followed")
        })
        .transpose()?;
    let first = match (after, most) {
        (Some(after), _) if asked.follow => api.store().log_after(scope, &filter, after, CHUNK_LINES).await?,
        (Some(after), most) => api.store().log_after(scope, &filter, after, most).await?,
        // Nothing of what was: only where it ends.
        (None, 0) if asked.follow => LogPage {
            lines: Vec::new(),
            ..api.store().newest_log(scope, &filter, 1).await?
        },
        (None, most) => api.store().newest_log(scope, &filter, most).await?,
    };
    let Some(place) = place else {
        return Ok(Json(first).into_response());
    };
    tracing::info!(domain = scope.name(), who = caller.name(), "a log is followed");
    let body = Body::new(follow(&api, scope, filter, first, place));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, body).into_response())
}

fn bad(detail: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, detail)
}

/// The stream: `first`, then what comes.
fn follow(api: &Api, scope: &DomainScope, filter: LogFilter, first: LogPage, place: Place) -> Events {
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    let end = Arc::new(Mutex::new(None));
    let teller = Teller {
        store: api.store().clone(),
        scope: scope.clone(),
        filter,
        written: api.shared.streams.written.get().cloned(),
        idle_most: api.limits().reader_idle,
        chunks,
        end: Arc::clone(&end),
        _place: place,
    };
    tokio::spawn(teller.tell(first));
    Events { waiting, end }
}

/// Reads on from the store for one stream, as fast as its reader takes it.
struct Teller {
    store: Store,
    scope: DomainScope,
    filter: LogFilter,
    written: Option<watch::Receiver<u64>>,
    idle_most: Duration,
    chunks: mpsc::Sender<Bytes>,
    /// What the reader is told last.
    end: Arc<Mutex<Option<Bytes>>>,
    _place: Place,
}

impl Teller {
    async fn tell(mut self, first: LogPage) {
        let mut page = first;
        if page.lines.is_empty() && !self.give(format!("id: {}\n\n", page.next), page.next).await {
            return;
        }
        loop {
            let after = page.next;
            let text = events(&page);
            if !text.is_empty() && !self.give(text, after).await {
                return;
            }
            let full = page.lines.len() == CHUNK_LINES as usize;
            if !full && !self.wait().await {
                return;
            }
            match self
                .store
                .log_after(&self.scope, &self.filter, after, CHUNK_LINES)
                .await
            {
                Ok(next) => page = next,
                Err(error) => {
                    tracing::warn!(domain = self.scope.name(), %error, "a log is followed no longer");
                    *locked(&self.end) = Some(dropped("the log cannot be read now", after));
                    return;
                }
            }
        }
    }

    /// False: the reader is gone, or too slow.
    async fn give(&self, text: String, after: u64) -> bool {
        if let Ok(sent) = timeout(self.idle_most, self.chunks.send(text.into())).await {
            return sent.is_ok();
        }
        let why = format!("nothing was read for {:?}", self.idle_most);
        *locked(&self.end) = Some(dropped(&why, after));
        false
    }

    /// Until there may be more. False: the reader is gone.
    async fn wait(&mut self) -> bool {
        let written = async {
            if let Some(written) = &mut self.written {
                return written.changed().await.is_ok();
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            true
        };
        tokio::select! {
            more = written => more, // else nobody writes any more: the server stops
            () = self.chunks.closed() => false,
            () = tokio::time::sleep(ALIVE) => {
                // One that reads nothing has two of these waiting, and is dropped by the next.
                self.chunks.try_send(Bytes::from_static(b":\n\n")).is_ok()
            }
        }
    }
}

/// The lines of a page as events, which bear their numbers.
fn events(page: &LogPage) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    if page.lost > 0 {
        let _ = write!(text, "event: lost\ndata: {}\n\n", json!({ "lines": page.lost }));
    }
    for line in &page.lines {
        if let Ok(json) = serde_json::to_string(line) {
            let _ = write!(text, "id: {}\ndata: {json}\n\n", line.line);
        }
    }
    text
}

fn dropped(why: &str, after: u64) -> Bytes {
    format!(
        "event: dropped\ndata: {}\n\n",
        json!({ "why": why, "after": after })
    )
    .into()
}

/// The stream's body.
pub(super) struct Events {
    pub(super) waiting: mpsc::Receiver<Bytes>,
    /// What its reader is told last.
    pub(super) end: Arc<Mutex<Option<Bytes>>>,
}

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.waiting.poll_recv(cx).map(|chunk| {
            let chunk = chunk.or_else(|| locked(&self.end).take());
            chunk.map(|bytes| Ok(Frame::data(bytes)))
        })
    }
}
