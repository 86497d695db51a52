//! Where a user's phones are: what the registrar knows of them at this moment.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use tandem_store::TokenScope;
use utoipa::ToSchema;

use super::Page;
use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::problem::ApiError;
use crate::api::scenarios::{not_found, path};

/// A device that is registered: one binding of its user (RFC 3261 §10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Registration)]
pub struct Device {
    /// The URI that it is called by, as it said.
    pub contact: String,
    /// The address and port that its REGISTER came from: another one than in the contact where it is behind a NAT.
    pub received_from: String,
    /// `UDP` or `TCP`.
    pub transport: String,
    /// What it calls itself; none: it does not say.
    pub user_agent: Option<String>,
    /// When the registration ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// Whether calls get to it: not where its connection is closed and it is behind a NAT.
    pub reachable: bool,
}

/// The devices that a user's phones have registered, the most wanted first. People with the role `user` see their own.
#[utoipa::path(get, path = "/users/{name}/registrations", tag = "users", params(("name" = String, Path)), responses((status = 200, body = Page<Device>)))]
pub(crate) async fn registrations(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Page<Device>>, ApiError> {
    let name = path(name)?;
    let scope = caller.may_of_user(TokenScope::UsersRead, &name)?;
    if api.store().user(scope, &name).await?.is_none() {
        return Err(not_found("user", &name));
    }
    let Some(registrations) = api.shared.registrations.get() else {
        let words = "this server has no registrar";
        return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, words));
    };
    let items = registrations.devices(scope.name().to_owned(), name).await;
    Ok(Json(Page { items, next: None }))
}
