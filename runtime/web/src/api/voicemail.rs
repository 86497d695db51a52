//! Voicemail: boxes, their messages, what is said in them ([`sound`]), and the end of a message. People with the role
//! `user` have their own box.

pub(crate) mod sound;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tandem_store::voicemail::MESSAGES_PAGE_MOST;
use tandem_store::{TokenScope, Voicemail, VoicemailBox, VoicemailState};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::edit::{self, Change};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::{Api, body};

#[derive(Serialize, ToSchema)]
#[schema(as = VoicemailBoxes)]
pub(crate) struct Boxes {
    boxes: Vec<VoicemailBox>,
}

/// Lists the boxes.
#[utoipa::path(get, path = "/voicemail", tag = "voicemail", responses((status = 200, body = Boxes)))]
pub(crate) async fn boxes(caller: Caller, State(api): State<Api>) -> Result<Json<Boxes>, ApiError> {
    let (scope, own) = caller.may_or_own(TokenScope::VoicemailRead)?;
    let mut boxes = api.store().voicemail_boxes(scope).await?;
    boxes.retain(|found| own.is_none_or(|user| found.of_user && found.name == user));
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
    let name = path(name)?;
    let scope = caller.may_of_user(TokenScope::VoicemailRead, &name)?;
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
    let (name, id) = path(place)?;
    let scope = caller.may_of_user(TokenScope::VoicemailWrite, &name)?;
    if !api.store().delete_voicemail(scope, &name, id).await? {
        return Err(not_found("message", &id.to_string()));
    }
    let change = Change {
        action: "remove",
        what: format!("message {id} in voicemail {name}"),
        before: None,
        after: None,
    };
    api.audit(&caller, Some(scope), change).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VoicemailEdit)]
struct Edit {
    #[schema(inline)]
    state: VoicemailState,
}

/// Says what became of a message: whether it is new, heard, or saved until it is deleted.
#[utoipa::path(patch, path = "/voicemail/{box}/{id}", tag = "voicemail", params(("box" = String, Path), ("id" = u64, Path)), request_body = Edit, responses((status = 204, description = "it is so")))]
pub(crate) async fn mark(
    caller: Caller,
    State(api): State<Api>,
    place: Result<Path<(String, u64)>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let (name, id) = path(place)?;
    let scope = caller.may_of_user(TokenScope::VoicemailWrite, &name)?;
    let Edit { state } = body::json(body)?;
    api.store().mark_voicemail(scope, &name, id, state).await?;
    let change = Change {
        action: "change",
        what: format!("message {id} in voicemail {name}"),
        before: None,
        after: edit::state(&Edit { state }),
    };
    api.audit(&caller, Some(scope), change).await;
    Ok(StatusCode::NO_CONTENT)
}
