//! One's own second factor: offered, shown to work, and given up again.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::SecondFactor;
use utoipa::ToSchema;

use super::caller::Caller;
use super::edit::Change;
use super::problem::ApiError;
use super::{Api, body, session};
use crate::totp::{self, SECRET_BYTES};

/// What an authenticator app takes.
#[derive(Serialize, ToSchema)]
#[schema(as = SecondFactorOffer)]
pub(crate) struct Offer {
    /// Base32.
    secret: String,
    /// `otpauth://…`, for a QR code.
    uri: String,
}

/// Offers a new second factor; it is asked for only once a code has shown that the app has it.
#[utoipa::path(post, path = "/session/totp", tag = "session", responses((status = 200, body = Offer)))]
pub(crate) async fn offer(caller: Caller, State(api): State<Api>) -> Result<Json<Offer>, ApiError> {
    let login = &caller.session()?.account.login;
    let before = api.store().second_factor(login).await?;
    if before.is_some_and(|before| before.on) {
        let words = "the account has a second factor: give it up first";
        return Err(ApiError::new(StatusCode::CONFLICT, words));
    }
    let secret: Vec<u8> = session::chance()?.into_iter().take(SECRET_BYTES).collect();
    let text = totp::base32(&secret);
    let factor = SecondFactor { secret, on: false };
    api.store().set_second_factor(login, Some(&factor)).await?;
    let label = login.replace('@', "%40");
    let uri = format!("otpauth://totp/Tandem:{label}?secret={text}&issuer=Tandem");
    Ok(Json(Offer { secret: text, uri }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorCode)]
struct Code {
    /// Six digits.
    code: String,
}

/// Shows that the app has it: from now on logging in asks for a code.
#[utoipa::path(put, path = "/session/totp", tag = "session", request_body = Code, responses((status = 204, description = "logging in asks for it")))]
pub(crate) async fn set(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let session = caller.session()?;
    let login = session.account.login.clone();
    let Code { code } = body::json(body)?;
    let Some(factor) = api.store().second_factor(&login).await? else {
        let words = "none was offered: POST /session/totp";
        return Err(ApiError::new(StatusCode::CONFLICT, words));
    };
    if !api.is_code(&login, &factor, &code).await? {
        let wrong = ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the code is wrong, or was used already",
        );
        return Err(wrong.at("/code", "it is wrong, or was used already"));
    }
    let factor = SecondFactor { on: true, ..factor };
    api.store().set_second_factor(&login, Some(&factor)).await?;
    note(&api, &caller, "second factor of", &login).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecondFactorEnd)]
struct End {
    password: String,
}

/// Gives it up, by one's password.
#[utoipa::path(delete, path = "/session/totp", tag = "session", request_body = End, responses((status = 204, description = "logging in asks for it no more")))]
pub(crate) async fn end(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, ApiError> {
    let login = caller.session()?.account.login.clone();
    let End { password } = body::json(body)?;
    if !api.is_own_password(&login, password).await? {
        let wrong = ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "the password is wrong");
        return Err(wrong.at("/password", "it is wrong"));
    }
    api.store().set_second_factor(&login, None).await?;
    note(&api, &caller, "end of the second factor of", &login).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn note(api: &Api, caller: &Caller, what: &str, login: &str) {
    let change = Change {
        action: "change",
        what: format!("{what} {login}"),
        before: None,
        after: None,
    };
    if let Ok(session) = caller.session() {
        api.audit(caller, session.scope.as_ref(), change).await;
    }
}

impl Api {
    /// Whether this is a code of now, which is then taken.
    pub(super) async fn is_code(
        &self,
        login: &str,
        factor: &SecondFactor,
        code: &str,
    ) -> Result<bool, ApiError> {
        let now = Timestamp::now().as_second().max(0) as u64;
        match totp::step_of(&factor.secret, code, now) {
            Some(step) => Ok(self.store().take_code(login, step).await?),
            None => Ok(false),
        }
    }
}
