//! Logging in and out, and one's own password.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequestParts as _, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::{Account, AccountChange, Secret, Session, StoreError};
use utoipa::ToSchema;

use super::caller::{COOKIE, Caller, LASTS, Peer, cookie, domain_blocked};
use super::edit::Change;
use super::problem::ApiError;
use super::throttle::network;
use super::{Api, body};
use crate::password::{self, PasswordError};

/// Longest login: a name, `@` and a domain.
const LOGIN_BYTES_MAX: usize = 320;

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    login: String,
    password: String,
    /// Of the second factor, where the account has one.
    code: Option<String>,
}

/// What a browser is told of its session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct Shown {
    account: Account,
    csrf: String,
    expires_at: Timestamp,
}

impl From<&Session> for Shown {
    fn from(session: &Session) -> Self {
        Self {
            account: session.account.clone(),
            csrf: session.csrf.clone(),
            expires_at: session.expires_at,
        }
    }
}

/// Lets somebody in.
#[utoipa::path(post, path = "/session", tag = "session", request_body = Credentials, responses((status = 200, body = Shown, headers(("set-cookie" = String)))))]
pub(crate) async fn open(
    State(api): State<Api>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let Credentials {
        login,
        password,
        code,
    } = body::json(body)?;
    let login = login.trim().to_lowercase();
    // Nobody's, and too long to be remembered as somebody's who was wrong.
    if login.len() > LOGIN_BYTES_MAX {
        let words = format!("a login has at most {LOGIN_BYTES_MAX} bytes");
        return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words.clone()).at("/login", words));
    }
    let address = network(peer.map_or_else(|| [0, 0, 0, 0].into(), |Extension(Peer(address))| address));
    let now = Instant::now();
    let (by_address, by_login) = (&api.shared.throttle, &api.shared.logins);
    if let Err(wait) = by_address
        .check(&address, now)
        .and_then(|()| by_login.check(&login, now))
    {
        return Err(ApiError::too_often("passwords", wait));
    }
    let found = api.store().account_to_open(&login).await?;
    let kept = found.as_ref().map(|(_, kept)| kept.clone());
    let right = api
        .hashing(move || password::is_right(&password, kept.as_deref()))
        .await?;
    let account = found.filter(|(account, _)| right && !account.blocked);
    let Some((account, _)) = account else {
        by_address.was_wrong(address, now);
        by_login.was_wrong(login, now);
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "the login or the password is wrong",
        ));
    };
    if let Some(name) = &account.domain
        && let Some((_, domain)) = api.store().find_domain(name).await?
        && domain.blocked
    {
        return Err(domain_blocked());
    }
    if let Some(factor) = api
        .store()
        .second_factor(&login)
        .await?
        .filter(|factor| factor.on)
    {
        let Some(code) = code.filter(|code| !code.trim().is_empty()) else {
            return Err(ApiError::code_needed(
                "the account asks for a code of its app too",
            ));
        };
        if !api.is_code(&login, &factor, &code).await? {
            by_address.was_wrong(address, now);
            by_login.was_wrong(login, now);
            return Err(ApiError::code_needed("the code is wrong, or was used already"));
        }
    }
    let secret = Secret::new(chance()?);
    let csrf = Secret::new(chance()?).reveal().to_owned();
    api.store()
        .open_session(&account.login, &secret, &csrf, LASTS)
        .await?;
    let session = api.store().session(&secret, LASTS).await?;
    let session = session.ok_or_else(|| super::scenarios::not_found("account", &account.login))?;
    tracing::info!(login = %account.login, %address, "logged in");
    let cookie = set_cookie(&headers, secret.reveal(), LASTS.whole.as_secs());
    Ok(([(header::SET_COOKIE, cookie)], Json(Shown::from(&session))).into_response())
}

/// Whose session it is.
#[utoipa::path(get, path = "/session", tag = "session", responses((status = 200, body = Shown)))]
pub(crate) async fn show(caller: Caller) -> Result<Json<Shown>, ApiError> {
    Ok(Json(caller.session()?.into()))
}

/// Logs out.
#[utoipa::path(delete, path = "/session", tag = "session", responses((status = 204, description = "logged out")))]
pub(crate) async fn close(State(api): State<Api>, mut parts: Parts) -> Result<Response, ApiError> {
    Caller::from_request_parts(&mut parts, &api).await?;
    if let Some(secret) = cookie(&parts.headers) {
        api.store().close_session(&secret).await?;
    }
    let gone = set_cookie(&parts.headers, "", 0);
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, gone)]).into_response())
}

/// The session's cookie; for encrypted connections only where the browser's is one, as the proxy before this server says
/// (`X-Forwarded-Proto`). Who says so himself harms nobody else.
fn set_cookie(headers: &HeaderMap, value: &str, seconds: u64) -> String {
    let proto = headers.get("x-forwarded-proto").map(HeaderValue::as_bytes);
    let secure = if proto.is_some_and(|proto| proto.eq_ignore_ascii_case(b"https")) {
        "; Secure"
    } else {
        ""
    };
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Preferences {
    /// `en` or `ru`; none: the browser's.
    language: Option<String>,
}

/// What one prefers, on whatever machine.
#[utoipa::path(put, path = "/session/preferences", tag = "session", request_body = Preferences, responses((status = 200, body = Shown)))]
pub(crate) async fn set_preferences(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Shown>, ApiError> {
    let session = caller.session()?;
    let Preferences { language } = body::json(body)?;
    let change = AccountChange {
        language: Some(language.as_deref().unwrap_or_default()),
        ..AccountChange::default()
    };
    let home = session.scope.as_ref();
    let account = api
        .store()
        .set_account(home, &session.account.login, &change)
        .await;
    let account = account.map_err(|error| ApiError::in_field(error, "/language"))?;
    Ok(Json(Shown {
        account,
        ..session.into()
    }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OwnPassword)]
struct NewPassword {
    old: String,
    new: String,
}

/// Changes one's own password, which ends all sessions of the account.
#[utoipa::path(put, path = "/session/password", tag = "session", request_body = NewPassword, responses((status = 204, description = "changed")))]
pub(crate) async fn set_password(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let session = caller.session()?;
    let login = session.account.login.clone();
    let NewPassword { old, new } = body::json(body)?;
    if !api.is_own_password(&login, old).await? {
        let wrong = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the old password is wrong");
        return Err(wrong.at("/old", "it is wrong"));
    }
    let hash = api
        .hashing(move || password::hash(&new))
        .await?
        .map_err(|error| refused(&error, "/new"))?;
    let change = AccountChange {
        password: Some(&hash),
        ..AccountChange::default()
    };
    let home = session.scope.as_ref();
    api.store().set_account(home, &login, &change).await?;
    let change = Change {
        action: "change",
        what: format!("password of {login}"),
        before: None,
        after: None,
    };
    api.audit(&caller, home, change).await;
    Ok(StatusCode::NO_CONTENT)
}

/// A password that was not taken, shown at its field.
pub(super) fn refused(error: &PasswordError, pointer: &str) -> ApiError {
    match error {
        PasswordError::Length => {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).at(pointer, error.to_string())
        }
        PasswordError::Failed(_) => {
            tracing::error!(%error, "a password is not hashed");
            ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "the server cannot do this now")
        }
    }
}

pub(super) fn chance() -> Result<[u8; 32], ApiError> {
    let mut bytes = [0; 32];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(StoreError::Busy.into()),
    }
}

impl Api {
    /// Whether this is the password of the account that is logged in: who guesses at it is held up as at the log-in.
    pub(super) async fn is_own_password(&self, login: &str, password: String) -> Result<bool, ApiError> {
        let now = Instant::now();
        let login = login.to_owned();
        if let Err(wait) = self.shared.logins.check(&login, now) {
            return Err(ApiError::too_often("passwords", wait));
        }
        let kept = self.store().account_to_open(&login).await?.map(|(_, kept)| kept);
        let right = self
            .hashing(move || password::is_right(&password, kept.as_deref()))
            .await?;
        if !right {
            self.shared.logins.was_wrong(login, now);
        }
        Ok(right)
    }

    /// Runs what takes a password's time and memory: few at once, and none on an async thread.
    pub(super) async fn hashing<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let busy = || ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "the server cannot do this now");
        let _place = self.shared.hashers.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_for_encrypted_connections_where_the_browsers_is_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            set_cookie(&headers, "a", 60),
            format!("{COOKIE}=a; Path=/; Max-Age=60; HttpOnly; SameSite=Strict")
        );
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(set_cookie(&headers, "", 0).ends_with("; SameSite=Strict; Secure"));
    }
}
