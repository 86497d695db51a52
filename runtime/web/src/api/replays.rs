//! Replays of calls: a scenario again, with the recorded answers or others. They are run by whoever makes the [`Api`],
//! out of the way of calls.

use std::pin::Pin;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tandem_store::TokenScope;
use utoipa::ToSchema;

use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::path;
use super::{Api, body};

/// Answers that one replay may set.
const SET_MAX: usize = 100;

/// What is to be replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayAsked {
    /// The domain's name.
    pub domain: String,
    /// The call's identifier, as it was asked for.
    pub call: String,
    /// Another version than the call ran: its hash, or the first six digits of it or more.
    pub version: Option<String>,
    /// `N=VALUE`, as `tandem replay --set` takes it; at most 100.
    pub set: Vec<String>,
    /// Ends after this step, from 1.
    pub until: Option<u32>,
    /// Hashes all linear memory at every step.
    pub memory: bool,
}

/// Why there is no replay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefused {
    /// No such call, version or journal; in words.
    #[error("{0}")]
    NotFound(String),
    /// What was asked for cannot be; in words.
    #[error("{0}")]
    Invalid(String),
    /// The replay took too long, or its report is too long; in words.
    #[error("{0}")]
    TooMuch(String),
    /// Something else went wrong; in words.
    #[error("{0}")]
    Failed(String),
}

/// Runs replays where that harms no call.
pub trait Replay: Send + Sync + 'static {
    /// The report as JSON: see docs/replay.md.
    fn replay(
        &self,
        asked: ReplayAsked,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, ReplayRefused>> + Send + '_>>;
}

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Replay)]
struct Wanted {
    version: Option<String>,
    set: Vec<String>,
    until: Option<u32>,
    memory: bool,
}

/// Runs a call's scenario again, with the recorded answers or others.
#[utoipa::path(post, path = "/calls/{id}/replay", tag = "calls", params(("id" = String, Path)), request_body = Option<Wanted>, responses((status = 200, body = serde_json::Value, description = "the report: docs/replay.md")))]
pub(crate) async fn replay(
    caller: Caller,
    State(api): State<Api>,
    call: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let call = path(call)?;
    let wanted = if matches!(&body, Ok(bytes) if bytes.is_empty()) {
        Wanted::default()
    } else {
        body::json(body)?
    };
    if wanted.set.len() > SET_MAX {
        let detail = format!("a replay sets {SET_MAX} answers at most");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    let Some(replays) = api.shared.replays.get() else {
        let detail = "this server replays no calls";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, detail));
    };
    let _place = api.shared.replaying.place(scope, "replay")?;
    let asked = ReplayAsked {
        domain: scope.name().to_owned(),
        call,
        version: wanted.version,
        set: wanted.set,
        until: wanted.until,
        memory: wanted.memory,
    };
    let report = replays.replay(asked).await.map_err(|refused| {
        let status = match &refused {
            ReplayRefused::NotFound(_) => StatusCode::NOT_FOUND,
            ReplayRefused::Invalid(_) | ReplayRefused::TooMuch(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ReplayRefused::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        ApiError::new(status, refused.to_string())
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], report).into_response())
}
