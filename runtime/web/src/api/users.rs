//! Users of the domain, and what their phones log in with.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::{Credentials, DomainScope, NewUser, TokenScope, users};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::edit::{Change, IfMatch, Tagged, must_match};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::{Api, body, session};

pub(crate) mod devices;
pub(crate) mod import;

/// Users of a page where nothing else is asked for.
const LIMIT_DEFAULT: u32 = 100;

/// Makes what authenticates a phone (RFC 7616 §3.4.2) of a user, a realm and a password.
pub type MakeCredentials = fn(user: &str, realm: &str, password: &str) -> Credentials;

/// A user with its numbers.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct Shown {
    name: String,
    display_name: String,
    numbers: Vec<String>,
    created_at: Timestamp,
}

impl From<(tandem_store::User, Vec<String>)> for Shown {
    fn from((user, numbers): (tandem_store::User, Vec<String>)) -> Self {
        Self {
            name: user.name,
            display_name: user.display_name,
            numbers,
            created_at: user.created_at,
        }
    }
}

/// A user of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = ListedUser)]
pub(crate) struct Listed {
    #[serde(flatten)]
    user: Shown,
    /// Devices that are registered; none: nobody can tell.
    registrations: Option<u64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// In the name, the display name or a number.
    #[serde(default)]
    pub(super) q: String,
    /// 1 to 1,000.
    pub(super) limit: Option<u32>,
    /// `next` of the page before.
    #[serde(default)]
    pub(super) cursor: String,
}

/// A page of something.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    pub(super) items: Vec<T>,
    /// The cursor of the page that follows; none: this is the last.
    pub(super) next: Option<String>,
}

/// Lists users by name, with how many of their devices are registered.
#[utoipa::path(get, path = "/users", tag = "users", params(Asked), responses((status = 200, body = Page<Listed>)))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<Listed>>, ApiError> {
    let scope = caller.may(TokenScope::UsersRead)?;
    let asked = body::query(asked)?;
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT);
    let wanted = limit.clamp(1, users::USERS_PAGE_MOST - 1) + 1;
    let mut found = api
        .store()
        .users_page(scope, &asked.q, &asked.cursor, wanted)
        .await?;
    let more = found.len() >= wanted as usize;
    found.truncate(wanted as usize - 1);
    let names = found.iter().map(|(user, _)| user.name.clone()).collect();
    let next = found.last().filter(|_| more).map(|(user, _)| user.name.clone());
    let mut counted = match api.shared.registrations.get() {
        Some(registrations) => registrations.count_each(scope.name().to_owned(), names).await,
        None => Vec::new(),
    }
    .into_iter();
    let items = found.into_iter().map(|found| Listed {
        user: found.into(),
        registrations: counted.next(),
    });
    let items = items.collect();
    Ok(Json(Page { items, next }))
}

/// A user.
#[utoipa::path(get, path = "/users/{name}", tag = "users", params(("name" = String, Path)), responses((status = 200, body = Shown)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let name = path(name)?;
    let scope = caller.may_of_user(TokenScope::UsersRead, &name)?;
    let user = read(&api, scope, &name).await?;
    Ok(Tagged(StatusCode::OK, user))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserCreation)]
struct Creation {
    name: String,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    numbers: Vec<String>,
    /// None: one is made.
    password: Option<String>,
}

/// What a phone is set up with; the password is told once, and is nowhere else.
#[derive(Serialize, ToSchema)]
pub(crate) struct Sip {
    user: String,
    domain: String,
    password: String,
    uri: String,
}

/// A user that was made.
#[derive(Serialize, ToSchema)]
#[schema(as = UserCreated)]
pub(crate) struct Created {
    user: Shown,
    sip: Sip,
}

/// What its phones log in with from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = PhonePasswordSet)]
pub(crate) struct PasswordSet {
    sip: Sip,
}

/// Makes a user. What its phones log in with is told once.
#[utoipa::path(post, path = "/users", tag = "users", request_body = Creation, responses((status = 201, body = Created)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Created>), ApiError> {
    let scope = caller.may(TokenScope::UsersWrite)?;
    let new: Creation = body::json(body)?;
    let (sip, credentials) = credentials(&api, scope, &new.name, new.password).await?;
    let user = NewUser {
        name: new.name,
        display_name: new.display_name,
        credentials,
    };
    let making = api
        .edit(&caller, Some(scope), format!("user {}", user.name))
        .await;
    let store = api.store();
    store
        .create_user(scope, &user)
        .await
        .map_err(|error| ApiError::in_field(error, "/name"))?;
    if !new.numbers.is_empty()
        && let Err(error) = store.set_user(scope, &user.name, None, Some(&new.numbers)).await
    {
        store.delete_user(scope, &user.name).await?;
        return Err(ApiError::in_field(error, "/numbers"));
    }
    let shown = read(&api, scope, &user.name).await?;
    making.made(&shown).await;
    Ok((StatusCode::CREATED, Json(Created { user: shown, sip })))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserEdit)]
struct Edit {
    display_name: Option<String>,
    numbers: Option<Vec<String>>,
}

/// Changes a user.
#[utoipa::path(patch, path = "/users/{name}", tag = "users", params(("name" = String, Path), IfMatch), request_body = Edit, responses((status = 200, body = Shown)))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::UsersWrite)?;
    let name = path(name)?;
    let edit: Edit = body::json(body)?;
    let editing = api.edit(&caller, Some(scope), format!("user {name}")).await;
    let before = read(&api, scope, &name).await?;
    must_match(&headers, &before)?;
    let (display_name, numbers) = (edit.display_name.as_deref(), edit.numbers.as_deref());
    let pointer = if numbers.is_some() {
        "/numbers"
    } else {
        "/display_name"
    };
    api.store()
        .set_user(scope, &name, display_name, numbers)
        .await
        .map_err(|error| ApiError::in_field(error, pointer))?;
    let after = read(&api, scope, &name).await?;
    editing.changed(&before, &after).await;
    Ok(Tagged(StatusCode::OK, after))
}

/// Removes a user.
#[utoipa::path(delete, path = "/users/{name}", tag = "users", params(("name" = String, Path), IfMatch), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::UsersWrite)?;
    let name = path(name)?;
    let editing = api.edit(&caller, Some(scope), format!("user {name}")).await;
    let before = read(&api, scope, &name).await?;
    must_match(&headers, &before)?;
    api.store().delete_user(scope, &name).await?;
    editing.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PhonePassword)]
struct NewPassword {
    /// None: one is made.
    password: Option<String>,
}

/// Gives its phones another password. People with the role `user` do so for their own.
#[utoipa::path(post, path = "/users/{name}/password", tag = "users", params(("name" = String, Path)), request_body = NewPassword, responses((status = 200, body = PasswordSet)))]
pub(crate) async fn set_password(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<PasswordSet>, ApiError> {
    let name = path(name)?;
    let scope = caller.may_of_user(TokenScope::UsersWrite, &name)?;
    let NewPassword { password } = body::json(body)?;
    let (sip, credentials) = credentials(&api, scope, &name, password).await?;
    api.store()
        .set_user_credentials(scope, &name, &credentials)
        .await?;
    let change = Change {
        action: "change",
        what: format!("password of user {name}"),
        before: None,
        after: None,
    };
    api.audit(&caller, Some(scope), change).await;
    Ok(Json(PasswordSet { sip }))
}

async fn read(api: &Api, scope: &DomainScope, name: &str) -> Result<Shown, ApiError> {
    let found = api.store().user_with_numbers(scope, name).await?;
    Ok(found.ok_or_else(|| not_found("user", name))?.into())
}

impl Api {
    fn makes_credentials(&self) -> Result<MakeCredentials, ApiError> {
        let make = self.shared.credentials.get().copied();
        make.ok_or_else(|| ApiError::new(StatusCode::NOT_IMPLEMENTED, "this server makes no users"))
    }
}

async fn credentials(
    api: &Api,
    scope: &DomainScope,
    user: &str,
    password: Option<String>,
) -> Result<(Sip, Credentials), ApiError> {
    let make = api.makes_credentials()?;
    let password = match password {
        Some(password) => checked(password)?,
        None => made()?,
    };
    let realm = api.store().domain(scope).await?.realm;
    let credentials = make(user, &realm, &password);
    let sip = Sip {
        user: user.to_owned(),
        domain: scope.name().to_owned(),
        password,
        uri: format!("sip:{user}@{}", scope.name()),
    };
    Ok((sip, credentials))
}

fn checked(password: String) -> Result<String, ApiError> {
    let Some(words) = users::password_problem(&password) else {
        return Ok(password);
    };
    Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, format!("password: {words}")).at("/password", words))
}

/// Sixteen letters and digits that nobody takes for one another: 80 bits.
fn made() -> Result<String, ApiError> {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let chance = session::chance()?;
    let letter = |byte: u8| {
        LETTERS
            .get(usize::from(byte) % LETTERS.len())
            .map(|letter| char::from(*letter))
    };
    Ok(chance.into_iter().take(16).filter_map(letter).collect())
}
