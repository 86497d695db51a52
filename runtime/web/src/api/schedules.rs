//! Opening hours and holidays of the domain.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use tandem_host_api::schedule::{self, ScheduleProblem, Written};
use tandem_store::{DomainScope, ScheduleEntry, StoreError, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::edit::{IfMatch, Tagged, must_match, must_match_or_make};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::users::Page;
use super::{Api, body};

/// Opening hours and holidays.
#[derive(ToSchema)]
#[allow(dead_code, reason = "only its description is used: it is `Written`")]
struct Schedule {
    /// By day or days, such as `mon` or `mon-fri`: spans such as `09:00-17:30`. One that ends before it begins goes on
    /// into the next day.
    week: BTreeMap<String, Vec<String>>,
    /// By date (`2026-12-25`), each year's date (`12-25`) or dates (`2026-12-24/2027-01-01`): a name. Closed.
    holidays: BTreeMap<String, String>,
    /// By date or dates: the spans of that day, holiday or not; an empty list is closed.
    exceptions: BTreeMap<String, Vec<String>>,
}

/// Opening hours and holidays as they are to be; what is left out is empty.
#[derive(ToSchema)]
#[schema(as = ScheduleToSet)]
#[allow(dead_code, reason = "only its description is used: it is `Written`")]
struct ToSet {
    /// By day or days, such as `mon` or `mon-fri`: spans such as `09:00-17:30`. One that ends before it begins goes on
    /// into the next day.
    #[schema(required = false)]
    week: BTreeMap<String, Vec<String>>,
    /// By date (`2026-12-25`), each year's date (`12-25`) or dates (`2026-12-24/2027-01-01`): a name. Closed.
    #[schema(required = false)]
    holidays: BTreeMap<String, String>,
    /// By date or dates: the spans of that day, holiday or not; an empty list is closed.
    #[schema(required = false)]
    exceptions: BTreeMap<String, Vec<String>>,
}

/// Lists schedules by name.
#[utoipa::path(get, path = "/schedules", tag = "schedules", responses((status = 200, body = Page<ScheduleEntry>)))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
) -> Result<Json<Page<ScheduleEntry>>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let items = api.store().schedules(scope).await?;
    Ok(Json(Page { items, next: None }))
}

/// A schedule as it was set.
#[utoipa::path(get, path = "/schedules/{name}", tag = "schedules", params(("name" = String, Path)), responses((status = 200, body = Schedule)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Tagged<Written>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let name = path(name)?;
    let found = read(&api, scope, &name).await?;
    Ok(Tagged(
        StatusCode::OK,
        found.ok_or_else(|| not_found("schedule", &name))?,
    ))
}

/// Sets a schedule, one that is there or a new one.
#[utoipa::path(put, path = "/schedules/{name}", tag = "schedules", params(("name" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` that reading gave, where it is there already"), ("If-None-Match" = Option<String>, Header, description = "`*`: overwrite nothing")), request_body = ToSet, responses((status = 200, body = Schedule), (status = 201, body = Schedule)))]
pub(crate) async fn set(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Written>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let after = Written::from(checked(body::json(body)?)?);
    let document = serde_json::to_string(&after).map_err(|error| {
        let words = format!("the schedule cannot be written: {error}");
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words)
    })?;
    let edit = api.edit(&caller, Some(scope), format!("schedule {name}")).await;
    let before = read(&api, scope, &name).await?;
    must_match_or_make(&headers, before.as_ref())?;
    api.store().set_schedule(scope, &name, &document).await?;
    let Some(before) = before else {
        edit.made(&after).await;
        return Ok(Tagged(StatusCode::CREATED, after));
    };
    edit.changed(&before, &after).await;
    Ok(Tagged(StatusCode::OK, after))
}

/// Removes a schedule that nothing uses.
#[utoipa::path(delete, path = "/schedules/{name}", tag = "schedules", params(("name" = String, Path), IfMatch), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let edit = api.edit(&caller, Some(scope), format!("schedule {name}")).await;
    let before = read(&api, scope, &name).await?;
    let before = before.ok_or_else(|| not_found("schedule", &name))?;
    must_match(&headers, &before)?;
    let users = api.store().schedule_users(scope, &name).await?;
    if !users.is_empty() {
        return Err(StoreError::in_use("schedule", &name, "the settings of the numbers", &users).into());
    }
    api.store().delete_schedule(scope, &name).await?;
    edit.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(api: &Api, scope: &DomainScope, name: &str) -> Result<Option<Written>, ApiError> {
    let Some(text) = api.store().schedule(scope, name).await? else {
        return Ok(None);
    };
    let read = serde_json::from_str(&text);
    let read = read.map_err(|error| StoreError::Corrupt {
        what: format!("schedule {name} of {}: {error}", scope.name()),
    });
    Ok(Some(read?))
}

fn checked(written: Written) -> Result<schedule::Schedule, ApiError> {
    schedule::Schedule::read(written).map_err(|problems| {
        let error = ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("this is no schedule: {} problems", problems.len()),
        );
        let at = |error: ApiError, problem: ScheduleProblem| error.at(&problem.pointer, problem.words);
        problems.into_iter().fold(error, at)
    })
}
