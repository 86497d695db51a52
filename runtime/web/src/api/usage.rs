//! What the domain used, by day.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tandem_store::{DayUsage, TokenScope, usage};
use utoipa::{IntoParams, ToSchema};

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// From this day on, such as `2026-11-01`; none: all.
    since: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Usage)]
pub(crate) struct Shown {
    days: Vec<DayUsage>,
}

/// What the domain used, by day.
#[utoipa::path(get, path = "/usage", tag = "calls", params(Asked), responses((status = 200, body = Shown)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Shown>, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let Query(asked) =
        asked.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the query: {error}")))?;
    let since = asked.since.as_deref().map(usage::day).transpose()?;
    let days = api.store().usage(scope, since).await?;
    Ok(Json(Shown { days }))
}
