//! Whole domains: out as one file for whoever may change the domain, in for the system's administrators.

use std::io::{self, Read};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use serde::Deserialize;
use tandem_store::{StoreError, TokenScope};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;
use utoipa::IntoParams;

use super::caller::Caller;
use super::domains::Shown;
use super::edit::{Change, Tagged};
use super::problem::ApiError;
use super::{Api, Place, body};
use crate::Prompts;
use crate::archive::{ARCHIVE_BYTES_MAX, ArchiveError, Export, Import, Tools, unpack};

/// How long an archive may take to come: within a connection's life there is time left to look at it.
const IMPORT_TIME: Duration = Duration::from_mins(4);
/// Pieces of an upload that wait for whoever unpacks them.
const PIECES_WAITING: usize = 16;

/// Gives the domain as one file: all that was set of it, its scenarios and prompts. Whoever has it can register as any of
/// its users.
#[utoipa::path(get, path = "/export", tag = "domains", responses((status = 200, body = Vec<u8>, content_type = "application/gzip")))]
pub(crate) async fn export(caller: Caller, State(api): State<Api>) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::DomainWrite)?;
    let place = api.shared.archiving.place(scope, "domain export")?;
    let prompts = api.kept_prompts()?;
    // What is wrong is told before the first byte.
    let export = Export::begin(api.tools(&prompts), scope).await?;
    let change = Change {
        action: "export",
        what: format!("domain {}", scope.name()),
        before: None,
        after: None,
    };
    api.audit(&caller, Some(scope), change).await;
    let file = format!("attachment; filename=\"{}.tar.gz\"", scope.name());
    let (pieces, waiting) = mpsc::channel(1);
    let reader_idle = api.limits().reader_idle;
    tokio::spawn(give(export, pieces, reader_idle, place));
    let headers = [
        (header::CONTENT_TYPE, "application/gzip".to_owned()),
        (header::CONTENT_DISPOSITION, file),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, Body::new(Packed { waiting })).into_response())
}

/// Packs as fast as the reader takes it.
async fn give(
    mut export: Export,
    pieces: mpsc::Sender<io::Result<Bytes>>,
    reader_idle: Duration,
    _place: Place,
) {
    loop {
        let piece = match export.next().await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, ?export, "an export of a domain broke off");
                // The connection breaks: half a domain is not taken for the whole.
                Err(io::Error::other("the export broke off"))
            }
        };
        let is_last = piece.is_err();
        // Who reads nothing any more holds nothing of ours.
        let sent = timeout(reader_idle, pieces.send(piece)).await;
        if is_last || !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
}

struct Packed {
    waiting: mpsc::Receiver<io::Result<Bytes>>,
}

impl hyper::body::Body for Packed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.waiting
            .poll_recv(cx)
            .map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// What the domain is called here; none: as it was. Its realm stays, and with it its users' passwords.
    name: Option<String>,
}

/// Makes a domain of a file that an export gave, all of it or nothing. A refusal lists every problem.
#[utoipa::path(post, path = "/domains/import", tag = "domains", params(Asked), request_body(content = Vec<u8>, content_type = "application/gzip"), responses((status = 201, body = Shown)))]
pub(crate) async fn import(
    caller: Result<Caller, ApiError>,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, ApiError> {
    match take_in(&api, caller, asked, &headers, &mut body).await {
        Ok(shown) => Ok(Tagged(StatusCode::CREATED, shown).into_response()),
        Err(error) => {
            if !error.is_timeout() {
                body::discard(&mut body, api.limits()).await;
            }
            Err(error)
        }
    }
}

async fn take_in(
    api: &Api,
    caller: Result<Caller, ApiError>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Shown, ApiError> {
    let caller = caller?;
    caller.may_all()?;
    let asked = body::query(asked)?;
    if let Some(name) = &asked.name {
        tandem_store::domains::check_name(name).map_err(|error| ApiError::in_field(error, "/name"))?;
        if api.store().find_domain(name).await?.is_some() {
            let there = StoreError::Exists {
                what: "domain",
                name: name.clone(),
            };
            return Err(ApiError::in_field(there, "/name"));
        }
    }
    let most = ARCHIVE_BYTES_MAX;
    if body::announced(headers).is_some_and(|bytes| bytes > most) {
        let words = format!("the file is over {most} bytes");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, words));
    }
    let place = Arc::clone(&api.shared.importing)
        .try_acquire_owned()
        .map_err(|_| {
            let words = "another domain is being imported, and no more at once";
            ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, words)
        })?;
    let prompts = api.kept_prompts()?;
    let tools = api.tools(&prompts);
    let (feed, waiting) = mpsc::channel(PIECES_WAITING);
    let pieces = Pieces {
        waiting,
        piece: Bytes::new(),
    };
    let times = (api.limits().upload_idle, IMPORT_TIME);
    let (unpacked, sent) = tokio::join!(unpack(tools, pieces), body::feed(body, most, times, feed));
    sent?;
    let import = unpacked?.check(tools, asked.name.as_deref()).await?;
    // Who gives up waiting for it gets all of it, or nothing: never a part.
    let making = tokio::spawn(make(api.clone(), caller, import, place));
    making.await.map_err(|error| {
        tracing::error!(%error, "an import of a domain broke off");
        ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping")
    })?
}

async fn make(
    api: Api,
    caller: Caller,
    import: Import,
    _place: OwnedSemaphorePermit,
) -> Result<Shown, ApiError> {
    let prompts = api.kept_prompts()?;
    let editing = api.edit(&caller, None, format!("domain {}", import.name())).await;
    let made = import.finish(api.tools(&prompts)).await?;
    let shown = Shown::from(made);
    editing.made(&shown).await;
    Ok(shown)
}

/// What comes in, for a thread that may block.
struct Pieces {
    waiting: mpsc::Receiver<Bytes>,
    /// What of the latest is not read yet.
    piece: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.waiting.blocking_recv() {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let next = self.piece.split_to(self.piece.len().min(to.len()));
        if let Some(to) = to.get_mut(..next.len()) {
            to.copy_from_slice(&next);
        }
        Ok(next.len())
    }
}

impl Api {
    fn kept_prompts(&self) -> Result<Arc<dyn Prompts>, ApiError> {
        let prompts = self.shared.prompts.get().cloned();
        prompts.ok_or_else(|| ApiError::new(StatusCode::NOT_IMPLEMENTED, "this server keeps no prompts"))
    }

    fn tools<'a>(&'a self, prompts: &'a Arc<dyn Prompts>) -> Tools<'a> {
        Tools {
            store: self.store(),
            compiler: self.shared.compiler.as_ref(),
            prompts,
            stock: self.stock(),
            component_bytes_max: self.limits().component_bytes_max,
        }
    }
}

impl From<ArchiveError> for ApiError {
    fn from(error: ArchiveError) -> Self {
        match error {
            ArchiveError::Refused(problems) => Self::bad_archive(&problems),
            // Another name is what helps.
            ArchiveError::Store(error @ StoreError::Exists { .. }) => Self::in_field(error, "/name"),
            ArchiveError::Store(error) => error.into(),
            ArchiveError::Prompts(error) => error.into(),
            ArchiveError::File(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                Self::new(
                    StatusCode::INSUFFICIENT_STORAGE,
                    "no space is left for the archive's files",
                )
            }
            ArchiveError::File(error) => {
                // Its words may have paths of this server in them, which are not the caller's affair.
                tracing::error!(%error, "an archive's files are not kept");
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, "the server cannot do this now")
            }
            ArchiveError::Compiler(error) => {
                tracing::error!(%error, "a module cannot be compiled");
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, "the compiler cannot be run now")
            }
        }
    }
}
