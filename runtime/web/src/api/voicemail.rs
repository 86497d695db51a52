//! Voicemail: boxes, their messages, and the end of a message.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tandem_store::voicemail::MESSAGES_PAGE_MOST;
use tandem_store::{TokenScope, Voicemail, VoicemailBox, VoicemailState};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::{not_found, path};

#[derive(Serialize, ToSchema)]
#[schema(as = VoicemailBoxes)]
pub(crate) struct Boxes {
    boxes: Vec<VoicemailBox>,
}

/// Lists the boxes.
#[utoipa::path(get, path = "/voicemail", tag = "voicemail", responses((status = 200, body = Boxes)))]
pub(crate) async fn boxes(caller: Caller, State(api): State<Api>) -> Result<Json<Boxes>, ApiError> {
    let scope = caller.may(TokenScope::VoicemailRead)?;
    let boxes = api.store().voicemail_boxes(scope).await?;
    Ok(Json(Boxes { boxes }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Only these; none: all.
    #[param(inline)]
    state: Option<VoicemailState>,
    /// After so many of the newest.
    #[serde(default)]
    offset: u32,
    /// So many at most; none: 100.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = VoicemailMessages)]
pub(crate) struct Listed {
    messages: Vec<Voicemail>,
}

/// Messages of a box, newest first.
#[utoipa::path(get, path = "/voicemail/{box}", tag = "voicemail", params(("box" = String, Path), Asked), responses((status = 200, body = Listed)))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Listed>, ApiError> {
    let scope = caller.may(TokenScope::VoicemailRead)?;
    let name = path(name)?;
    let Query(asked) =
        asked.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the query: {error}")))?;
    let limit = asked.limit.unwrap_or(MESSAGES_PAGE_MOST);
    let messages = api
        .store()
        .list_voicemail(scope, &name, asked.state, asked.offset, limit)
        .await?;
    Ok(Json(Listed { messages }))
}

/// Deletes a message with its recording.
#[utoipa::path(delete, path = "/voicemail/{box}/{id}", tag = "voicemail", params(("box" = String, Path), ("id" = u64, Path)), responses((status = 204, description = "deleted")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    place: Result<Path<(String, u64)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::VoicemailWrite)?;
    let (name, id) = path(place)?;
    if !api.store().delete_voicemail(scope, &name, id).await? {
        return Err(not_found("message", &id.to_string()));
    }
    tracing::info!(domain = scope.name(), who = caller.name(), voicemail = %name, id, "message deleted");
    Ok(StatusCode::NO_CONTENT)
}
