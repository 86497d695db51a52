//! Accounts of people who administer: a domain's, and, outside any domain, the system's. And what they changed.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use tandem_store::accounts::Home;
use tandem_store::{
    Account, AccountChange, AuditEntry, AuditFilter, NewAccount, Role, StoreError, TokenScope, audit,
};
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
    /// Another role. One but `user` is no user of the domain any more.
    role: Option<Role>,
    /// Another user of the domain, where the role is `user`.
    user: Option<String>,
}

/// Changes an account. A new password, a block, another role or user ends its sessions.
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
    let another = edit.role.is_some() || edit.user.is_some();
    not_oneself(&caller, &login, another, "give another role to")?;
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
        role: edit.role,
        user: edit.user.as_deref(),
    };
    let password = if hash.is_some() { " and its password" } else { "" };
    let editing = api
        .edit(&caller, home, format!("account {login}{password}"))
        .await;
    let before = read(&api, home, &login).await?;
    let after = api.store().set_account(home, &login, &change).await;
    let after = after.map_err(change_refused)?;
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

/// A change that the store refuses is shown at its field.
fn change_refused(error: StoreError) -> ApiError {
    if let StoreError::NotFound { what: "user", .. } = &error {
        let words = error.to_string();
        return ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words.clone()).at("/user", words);
    }
    let pointer = match &error {
        StoreError::Invalid { what: "role", .. } => "/role",
        StoreError::Invalid { what: "user", .. } => "/user",
        StoreError::Invalid { what: "language", .. } => "/language",
        _ => "/display_name",
    };
    ApiError::in_field(error, pointer)
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
    /// In the login, or the token's name.
    who: Option<String>,
    /// In what it was done to, such as `user 301`.
    what: Option<String>,
    /// `create`, `change` or `remove`.
    action: Option<String>,
    /// In who, what or address.
    q: Option<String>,
    /// Made then or later.
    since: Option<Timestamp>,
    /// Made before then.
    until: Option<Timestamp>,
    /// 1 to 1,000.
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<i64>,
}

impl Asked {
    /// An empty text is none: forms send such.
    fn filter(self) -> AuditFilter {
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        AuditFilter {
            who: text(self.who),
            what: text(self.what),
            action: text(self.action),
            words: text(self.q),
            since: self.since,
            until: self.until,
            limit: self.limit.map(|limit| limit.clamp(1, audit::AUDIT_PAGE_MOST)),
            before: self.cursor,
        }
    }
}

/// Who changed what, the newest first. Where it is filtered a page may have fewer changes than its limit, even none, and be
/// followed by others.
#[utoipa::path(get, path = "/audit", tag = "accounts", params(Asked), responses((status = 200, body = Page<AuditEntry>)))]
pub(crate) async fn audit_log(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let home = caller.home(TokenScope::DomainRead)?;
    let filter = body::query(asked)?.filter();
    let page = api.store().audit(home, &filter).await?;
    Ok(Json(Page {
        items: page.entries,
        next: page.next.map(|id| id.to_string()),
    }))
}
