//! What a domain's scenarios may use. A token reads it; only who administers the server sets it.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tandem_store::{DomainLimits, TokenScope};
use utoipa::ToSchema;

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;

#[derive(Serialize, ToSchema)]
#[schema(as = Limits)]
pub(crate) struct Shown {
    /// Those that the domain has of its own; the others are the server's.
    limits: DomainLimits,
    /// Those of scenarios that have some, by name.
    scenarios: BTreeMap<String, DomainLimits>,
    key_value: Pairs,
}

/// What its key-value pairs take now.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyValueTaken)]
struct Pairs {
    bytes: u64,
    keys: u64,
}

/// What scenarios may use.
#[utoipa::path(get, path = "/limits", tag = "scenarios", responses((status = 200, body = Shown)))]
pub(crate) async fn show(caller: Caller, State(api): State<Api>) -> Result<Json<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let domain = api.store().domain(scope).await?;
    let taken = api.store().kv_taken(scope).await?;
    Ok(Json(Shown {
        limits: domain.limits,
        scenarios: api.store().module_limits(scope).await?,
        key_value: Pairs {
            bytes: taken.bytes,
            keys: taken.keys,
        },
    }))
}
