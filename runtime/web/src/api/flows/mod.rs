//! Drawn flows: drafts that their editor saves, and what is made of them.
//!
//! A flow's way: saved, as often as one likes, whatever is wrong with it → [`check`] (what is wrong) and [`mod@test`] (a call
//! that is played) → [`publish`] (a version of the scenario of its name, and numbers that start it). Whoever makes the
//! [`Api`] brings what runs flows ([`Flows`]).

mod bundle;
mod check;
mod publish;
mod test;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tandem_store::{DomainScope, Flow, NewFlow, Saved, TokenScope, flows};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Caller;
use super::edit::{IfMatch, Tagged, must_match, must_match_or_make, tag};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::users::Page;
use super::{Api, body};
pub use test::{Answers, Callee, Flows, Press, TestAsked, TestRefused, Tested, TestedEnd, TestedStep};

/// Flows of a page where nothing else is asked for.
const LIMIT_DEFAULT: u32 = 100;
/// Longest body of a request about a flow, in bytes: a document, and what is said beside it.
const BODY_BYTES_MAX: usize = flows::DOCUMENT_MOST + (64 << 10);

/// What there is under `/flows`.
pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(check::check))
        .routes(routes!(test::test))
        .routes(routes!(show, save, remove))
        .routes(routes!(publish::publish))
        .routes(routes!(publish::version))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
}

/// A flow and its picture.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowDocument)]
pub(crate) struct Document {
    /// docs/flow.schema.json; what is wrong with it may be mended later.
    #[schema(value_type = Object)]
    flow: Box<RawValue>,
    /// Where its editor draws what; nothing here reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false)]
    drawing: Option<Box<RawValue>>,
}

impl Document {
    /// Out of a body, in words where it is none.
    fn of(body: Result<Bytes, BytesRejection>) -> Result<Self, ApiError> {
        let document: Self = body::json(body)?;
        let drawing = document.drawing.as_deref().map(RawValue::get);
        for (pointer, part) in [("/flow", Some(document.flow.get())), ("/drawing", drawing)] {
            if part.is_some_and(|part| !part.starts_with('{')) {
                let detail = "it is not an object";
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail).at(pointer, detail));
            }
        }
        Ok(document)
    }

    /// What people call the flow; empty: it does not say.
    fn title(&self) -> String {
        #[derive(Deserialize)]
        struct Titled {
            name: String,
        }
        serde_json::from_str(self.flow.get()).map_or_else(|_| String::new(), |Titled { name }| name)
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// 1 to 1,000.
    limit: Option<u32>,
    /// `next` of the page before.
    #[serde(default)]
    cursor: String,
}

/// Lists flows by name.
#[utoipa::path(get, path = "/flows", tag = "flows", params(Asked), responses((status = 200, body = Page<Flow>)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<Flow>>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let asked = body::query(asked)?;
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    let wanted = limit.clamp(1, flows::FLOWS_PAGE_MOST - 1) + 1;
    let mut items = api.store().flows_page(scope, &asked.cursor, wanted).await?;
    let more = items.len() >= wanted as usize;
    items.truncate(wanted as usize - 1);
    let next = items.last().filter(|_| more).map(|flow| flow.name.clone());
    Ok(Json(Page { items, next }))
}

/// A flow as it was saved.
#[utoipa::path(get, path = "/flows/{name}", tag = "flows", params(("name" = String, Path)), responses((status = 200, body = Document)))]
async fn show(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Tagged<Document>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let document = read(&api, scope, &path(name)?).await?;
    Ok(Tagged(StatusCode::OK, document))
}

/// The header that makes a flow, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
struct OrCreate {
    /// The `ETag` that reading gave: the flow is changed.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
    /// `*`: the flow is new.
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// Saves a flow, also one that is not right yet. `If-Match` changes the one that is there; `If-None-Match: *` makes a new
/// one and overwrites none.
#[utoipa::path(put, path = "/flows/{name}", tag = "flows", params(("name" = String, Path), OrCreate), request_body = Document, responses((status = 200, body = Flow), (status = 201, body = Flow)))]
async fn save(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let document = Document::of(body)?;
    let flow = document.flow.get().to_owned();
    let problems = check::problems(&api, scope, Some(name.clone()), flow).await?;
    let text = serde_json::to_string(&document).map_err(internal)?;
    let edit = api.edit(&caller, Some(scope), format!("flow {name}")).await;
    let before = stored(&api, scope, &name).await?;
    must_match_or_make(&headers, before.as_ref())?;
    let was = api.store().flow(scope, &name).await?;
    let new = NewFlow {
        name: &name,
        title: &document.title(),
        document: &text,
        problems: check::errors(&problems),
        changed_by: &caller.name(),
    };
    let saved = api.store().save_flow(scope, &new).await?;
    let flow = api.store().flow(scope, &name).await?;
    let flow = flow.ok_or_else(|| not_found("flow", &name))?;
    match was {
        Some(was) => edit.changed(&was, &flow).await,
        None => edit.made(&flow).await,
    }
    let status = match saved {
        Saved::Created => StatusCode::CREATED,
        Saved::Changed => StatusCode::OK,
    };
    // The tag of what reading gives now, not of this answer's body.
    let tag = HeaderValue::from_str(&tag(&document)).map_err(internal)?;
    Ok((status, [(header::ETAG, tag)], Json(flow)).into_response())
}

/// Deletes a flow that no number runs. What was published of it stays, for the calls that ran on it.
#[utoipa::path(delete, path = "/flows/{name}", tag = "flows", params(("name" = String, Path), IfMatch), responses((status = 204, description = "removed")))]
async fn remove(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let edit = api.edit(&caller, Some(scope), format!("flow {name}")).await;
    let before = read(&api, scope, &name).await?;
    must_match(&headers, &before)?;
    let was = api.store().flow(scope, &name).await?;
    api.store().delete_flow(scope, &name).await?;
    edit.removed(&was).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(api: &Api, scope: &DomainScope, name: &str) -> Result<Document, ApiError> {
    let stored = stored(api, scope, name).await?;
    stored.ok_or_else(|| not_found("flow", name))
}

async fn stored(api: &Api, scope: &DomainScope, name: &str) -> Result<Option<Document>, ApiError> {
    let text = api.store().flow_document(scope, name).await?;
    text.map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(internal)
}

/// What is wrong is on our side, and is told in the log.
fn internal(error: impl std::fmt::Display) -> ApiError {
    tracing::error!(%error, "a request about a flow fails");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "this server cannot do it now")
}
