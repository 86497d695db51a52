//! Music on hold: the prompt that those hear who are held, of a WAV or an MP3 file. Without one they hear the server's
//! melody. It is among the domain's prompts, by the name [`MUSIC`].

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;
use super::prompts::{self, Prompt};

/// What the media gate looks for.
const MUSIC: &str = "music-on-hold";
/// Longest file that is taken, in bytes: three minutes as on a CD, twenty minutes of MP3.
const FILE_BYTES_MAX: usize = 32 << 20;

/// The domain's music on hold, as it is played.
#[utoipa::path(get, path = "/music", tag = "prompts", responses((status = 200, body = Vec<u8>, content_type = "audio/wav")))]
pub(crate) async fn show(caller: Caller, api: State<Api>) -> Result<Response, ApiError> {
    prompts::show(caller, api, name()).await
}

/// Sets the domain's music on hold.
///
/// A WAV or an MP3 file of at most 32 MiB and 20 minutes. Calls on hold hear it from the next round on.
#[utoipa::path(put, path = "/music", tag = "prompts", params(("If-None-Match" = Option<String>, Header, description = "`*`: overwrite nothing")), request_body(content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/mpeg"))), responses((status = 200, body = Prompt), (status = 201, body = Prompt)))]
pub(crate) async fn put(
    caller: Result<Caller, ApiError>,
    State(api): State<Api>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Prompt>), ApiError> {
    prompts::take(&api, caller, name(), &headers, body, FILE_BYTES_MAX).await
}

/// Takes the domain's music on hold away: the server's melody is heard.
#[utoipa::path(delete, path = "/music", tag = "prompts", responses((status = 204, description = "removed")))]
pub(crate) async fn remove(caller: Caller, api: State<Api>) -> Result<StatusCode, ApiError> {
    prompts::remove(caller, api, name()).await
}

/// As the path of a prompt comes to its handlers.
#[allow(
    clippy::unnecessary_wraps,
    reason = "they take what a path may have gone wrong with"
)]
fn name() -> Result<Path<String>, PathRejection> {
    Ok(Path(MUSIC.to_owned()))
}
