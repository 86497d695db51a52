//! Accounts of people who administer: a domain's, and, outside any domain, the system's. And what they changed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tandem_store::accounts::Home;
use tandem_store::{Account, AccountChange, AuditEntry, NewAccount, Role, TokenScope, audit};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::edit::{Change, state};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::session::refused;
use super::users::Page;
use super::{Api, body};
use crate::password;

/// Lists who may log in.
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Page<Account>)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Page<Account>>, ApiError> {
    let home = caller.home(TokenScope::DomainRead)?;
    let items = api.store().accounts(home).await?;
    Ok(Json(Page { items, next: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountCreation)]
struct Creation {
    /// Without a domain.
    login: String,
    #[serde(default)]
    display_name: String,
    role: Role,
    user: Option<String>,
    password: String,
}

/// Lets somebody log in.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = Creation, responses((status = 201, body = Account)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let home = caller.home(TokenScope::DomainWrite)?;
    let new: Creation = body::json(body)?;
    let hash = api.hashing(move || password::hash(&new.password)).await?;
    let hash = hash.map_err(|error| refused(&error, "/password"))?;
    let account = NewAccount {
        name: &new.login,
        display_name: &new.display_name,
        role: new.role,
        user: new.user.as_deref(),
        password: &hash,
    };
    let made = api.store().add_account(home, &account).await;
    let made = made.map_err(|error| ApiError::in_field(error, "/login"))?;
    let change = Change {
        action: "create",
        what: format!("account {}", made.login),
        before: None,
        after: state(&made),
    };
    api.audit(&caller, home, change).await;
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountEdit)]
struct Edit {
    display_name: Option<String>,
    password: Option<String>,
    blocked: Option<bool>,
    language: Option<String>,
}

/// Changes an account. A new password or a block ends its sessions.
#[utoipa::path(patch, path = "/accounts/{login}", tag = "accounts", params(("login" = String, Path)), request_body = Edit, responses((status = 200, body = Account)))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    login: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Account>, ApiError> {
    let home = caller.home(TokenScope::DomainWrite)?;
    let login = path(login)?;
    let edit: Edit = body::json(body)?;
    not_oneself(&caller, &login, edit.blocked == Some(true), "block")?;
    let hash = match edit.password {
        Some(password) => {
            let hash = api.hashing(move || password::hash(&password)).await?;
            Some(hash.map_err(|error| refused(&error, "/password"))?)
        }
        None => None,
    };
    let change = AccountChange {
        display_name: edit.display_name.as_deref(),
        password: hash.as_deref(),
        blocked: edit.blocked,
        language: edit.language.as_deref(),
    };
    let password = if hash.is_some() { " and its password" } else { "" };
    let editing = api
        .edit(&caller, home, format!("account {login}{password}"))
        .await;
    let before = read(&api, home, &login).await?;
    let after = api.store().set_account(home, &login, &change).await?;
    editing.changed(&before, &after).await;
    Ok(Json(after))
}

/// Removes an account.
#[utoipa::path(delete, path = "/accounts/{login}", tag = "accounts", params(("login" = String, Path)), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    login: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let home = caller.home(TokenScope::DomainWrite)?;
    let login = path(login)?;
    not_oneself(&caller, &login, true, "remove")?;
    let editing = api.edit(&caller, home, format!("account {login}")).await;
    let before = read(&api, home, &login).await?;
    api.store().remove_account(home, &login).await?;
    editing.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn read(api: &Api, home: Home<'_>, login: &str) -> Result<Account, ApiError> {
    let found = api.store().account(home, login).await?;
    found.ok_or_else(|| not_found("account", login))
}

/// Who locks himself out asks somebody else for it, so that somebody is left who may.
fn not_oneself(caller: &Caller, login: &str, does: bool, verb: &str) -> Result<(), ApiError> {
    if does && caller.name().eq_ignore_ascii_case(login) {
        let words = format!("nobody can {verb} the account that he is logged in with");
        return Err(ApiError::new(StatusCode::CONFLICT, words));
    }
    Ok(())
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// 1 to 1,000.
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<i64>,
}

/// Who changed what, the newest first.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(Asked), responses((status = 200, body = Page<AuditEntry>)))]
pub(crate) async fn audit_log(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let home = caller.home(TokenScope::DomainRead)?;
    let asked = body::query(asked)?;
    let limit = asked.limit.unwrap_or(100).clamp(1, audit::AUDIT_PAGE_MOST);
    let items = api.store().audit(home, asked.cursor, limit).await?;
    let full = items.len() >= limit as usize;
    let next = items.last().filter(|_| full).map(|entry| entry.id.to_string());
    Ok(Json(Page { items, next }))
}
