//! Tokens of the domain: what programs show.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tandem_store::{Secret, StoreError, Token, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::session::chance;
use super::users::Page;
use super::{Api, body};

/// Lists tokens by name, without their text.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Page<Token>)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Page<Token>>, ApiError> {
    let scope = caller.may(TokenScope::DomainRead)?;
    let items = api.store().tokens(scope).await?;
    Ok(Json(Page { items, next: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenCreation)]
pub(crate) struct Creation {
    /// 1 to 64 letters, digits, `-`, `_`, `.` and `@`.
    name: String,
    /// What it lets do: nothing that who makes it may not.
    scopes: Vec<TokenScope>,
    /// How long it is good; none: for ever.
    expires_in_s: Option<u64>,
}

/// A token with its text, which is told once and is nowhere else.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenCreated)]
pub(crate) struct Made {
    /// What a program shows: `Authorization: Bearer …`.
    token: String,
    #[serde(flatten)]
    is: Token,
}

/// Makes a token. Its text is told once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = Creation, responses((status = 201, body = Made)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::DomainWrite)?;
    let new: Creation = body::json(body)?;
    caller.may_hand_on(&new.scopes)?;
    let lasts = new.expires_in_s.map(Duration::from_secs);
    if lasts.is_some_and(|lasts| lasts.is_zero()) {
        let words = "a token is good for a second at least";
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words).at("/expires_in_s", words));
    }
    let secret = Secret::new(chance()?);
    let edit = api
        .edit(&caller, Some(scope), format!("token {}", new.name))
        .await;
    let made = api
        .store()
        .add_token(scope, &new.name, &new.scopes, lasts, &secret)
        .await;
    let made = made.map_err(|error| {
        let field = field(&error);
        ApiError::in_field(error, field)
    })?;
    edit.made(&made).await;
    let made = Made {
        token: secret.reveal().to_owned(),
        is: made,
    };
    // No cache on the way keeps it.
    Ok((
        StatusCode::CREATED,
        [(header::CACHE_CONTROL, "no-store")],
        Json(made),
    )
        .into_response())
}

/// Which field of a new token the store refuses.
fn field(error: &StoreError) -> &'static str {
    match error {
        StoreError::Invalid {
            what: "token scopes", ..
        } => "/scopes",
        StoreError::Invalid {
            what: "token expiry", ..
        } => "/expires_in_s",
        _ => "/name",
    }
}

/// Removes a token: it opens nothing from now on.
#[utoipa::path(delete, path = "/tokens/{name}", tag = "tokens", params(("name" = String, Path)), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::DomainWrite)?;
    let name = path(name)?;
    let edit = api.edit(&caller, Some(scope), format!("token {name}")).await;
    let before = api.store().tokens(scope).await?;
    let before = before.into_iter().find(|token| token.name == name);
    let before = before.ok_or_else(|| not_found("token", &name))?;
    api.store().remove_token(scope, &name).await?;
    edit.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}
