//! Edits: nobody overwrites what he has not seen (RFC 9110 §13.1.1), and each is written down.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use tandem_store::NewAuditEntry;
use tandem_store::accounts::Home;
use tokio::sync::MutexGuard;
use utoipa::IntoParams;

use super::Api;
use super::caller::Caller;
use super::problem::ApiError;

/// A resource with its entity tag: another one whenever anything of it is another.
pub(crate) struct Tagged<T>(pub(crate) StatusCode, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = tag(&self.1);
        let mut response = (self.0, axum::Json(self.1)).into_response();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The entity tag of a resource, with its quotes.
pub(crate) fn tag(resource: &impl Serialize) -> String {
    let text = serde_json::to_vec(resource).unwrap_or_default();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    let half = digest.as_ref().iter().take(12);
    let digits = half.fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"));
    format!("\"{digits}\"")
}

/// The header that [`must_match`] reads, for the OpenAPI document.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct IfMatch {
    /// The `ETag` that reading gave, or `*`.
    #[param(rename = "If-Match")]
    if_match: String,
}

/// Whether the request is about the resource as it is now. Hold [`Api::editing`] from here until the change is made.
pub(crate) fn must_match(headers: &HeaderMap, now: &impl Serialize) -> Result<(), ApiError> {
    let Some(shown) = headers
        .get(header::IF_MATCH)
        .and_then(|value| value.to_str().ok())
    else {
        return Err(ApiError::new(
            StatusCode::PRECONDITION_REQUIRED,
            "say what you change, by the ETag that reading it gave: If-Match: \"…\"",
        ));
    };
    let tag = tag(now);
    if shown.trim() == "*" || shown.split(',').any(|one| one.trim() == tag) {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        "somebody else has changed it meanwhile: read it again",
    ))
}

/// As [`must_match`], of something that the request makes where it is not there (`now` is none).
pub(crate) fn must_match_or_make(headers: &HeaderMap, now: Option<&impl Serialize>) -> Result<(), ApiError> {
    may_overwrite(headers, now.is_some())?;
    match now {
        Some(now) => must_match(headers, now),
        None if headers.contains_key(header::IF_MATCH) => Err(ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "somebody else has removed it meanwhile",
        )),
        None => Ok(()),
    }
}

/// A request with `If-None-Match: *` makes something new, and overwrites nothing (RFC 9110 §13.1.2).
pub(crate) fn may_overwrite(headers: &HeaderMap, is_there: bool) -> Result<(), ApiError> {
    if is_there && headers.contains_key(header::IF_NONE_MATCH) {
        return Err(ApiError::new(
            StatusCode::PRECONDITION_FAILED,
            "it is there already: choose another name, or change the one that is there",
        ));
    }
    Ok(())
}

/// An edit under way: nobody else's comes between reading what was and writing what is. It ends by saying what it did,
/// which is written down; dropped, it did nothing.
pub(crate) struct Edit<'a> {
    api: &'a Api,
    caller: &'a Caller,
    home: Home<'a>,
    what: String,
    turn: MutexGuard<'a, ()>,
}

impl Edit<'_> {
    /// It was not there before.
    pub(crate) async fn made(self, after: &impl Serialize) {
        self.done("create", None, state(after)).await;
    }

    /// It was something else before.
    pub(crate) async fn changed(self, before: &impl Serialize, after: &impl Serialize) {
        self.done("change", state(before), state(after)).await;
    }

    /// It is no more.
    pub(crate) async fn removed(self, before: &impl Serialize) {
        self.done("remove", state(before), None).await;
    }

    async fn done(self, action: &str, before: Option<Value>, after: Option<Value>) {
        drop(self.turn);
        let change = Change {
            action,
            what: self.what,
            before,
            after,
        };
        self.api.audit(self.caller, self.home, change).await;
    }
}

/// A change that was made.
pub(crate) struct Change<'a> {
    /// `create`, `change`, `remove`.
    pub(crate) action: &'a str,
    /// Its kind and its name.
    pub(crate) what: String,
    /// What it was; none: nothing.
    pub(crate) before: Option<Value>,
    /// What it is; none: nothing.
    pub(crate) after: Option<Value>,
}

impl Api {
    /// Begins to edit `what`, its kind and its name, once nobody else does.
    pub(crate) async fn edit<'a>(&'a self, caller: &'a Caller, home: Home<'a>, what: String) -> Edit<'a> {
        Edit {
            api: self,
            caller,
            home,
            what,
            turn: self.editing().await,
        }
    }

    /// Writes down who changed what. The change is made: where that cannot be written, the log has it.
    pub(crate) async fn audit(&self, caller: &Caller, home: Home<'_>, change: Change<'_>) {
        let (who, address) = (caller.name(), caller.address().to_string());
        let domain = home.map_or("", |scope| scope.name());
        tracing::info!(domain, %who, %address, action = change.action, what = %change.what, "changed");
        let entry = NewAuditEntry {
            who: &who,
            address: &address,
            action: change.action,
            what: &change.what,
            before: change.before.as_ref(),
            after: change.after.as_ref(),
        };
        if let Err(error) = self.store().note_audit(home, &entry).await {
            tracing::error!(%error, ?entry, domain, "the audit log does not take a change");
        }
    }
}

/// A resource as the audit log keeps it.
pub(crate) fn state(resource: &impl Serialize) -> Option<Value> {
    serde_json::to_value(resource).ok()
}
