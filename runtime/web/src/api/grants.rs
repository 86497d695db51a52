//! What the domain's scenarios may import and reach.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tandem_store::{HttpHost, ModuleGrants, TokenScope};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;

/// What all may, and which may less.
#[derive(Serialize, ToSchema)]
#[schema(as = Grants)]
pub(crate) struct Shown {
    /// Names of interfaces; none: every one.
    interfaces: Option<Vec<String>>,
    http_hosts: Vec<HttpHost>,
    /// Of those scenarios that have grants of their own, by name.
    scenarios: BTreeMap<String, ModuleGrants>,
}

/// What scenarios may import and reach.
#[utoipa::path(get, path = "/grants", tag = "scenarios", responses((status = 200, body = Shown)))]
pub(crate) async fn show(caller: Caller, State(api): State<Api>) -> Result<Json<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    Ok(Json(Shown {
        interfaces: api.store().grants(scope).await?,
        http_hosts: api.store().http_hosts(scope).await?,
        scenarios: api.store().module_grants(scope).await?,
    }))
}
