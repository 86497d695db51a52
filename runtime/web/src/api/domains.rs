//! Domains: the system's administrators make and remove them, a domain's own set what is theirs.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use tandem_store::{Domain, DomainChange, DomainLimits, Keep, NewDomain, StoreError, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::edit::{Change, IfMatch, Tagged, must_match, state};
use super::problem::ApiError;
use super::users::Page;
use super::{Api, body};

/// A domain.
#[derive(Serialize, ToSchema)]
#[schema(as = Domain)]
pub(crate) struct Shown {
    name: String,
    realm: String,
    time_zone: String,
    created_at: Timestamp,
    /// Seconds; none: for ever.
    keep_journals_s: Option<u64>,
    keep_calls_s: Option<u64>,
    mail_sender: Option<String>,
    limits: DomainLimits,
}

impl From<Domain> for Shown {
    fn from(domain: Domain) -> Self {
        let seconds = |time: Option<Duration>| time.map(|time| time.as_secs());
        Self {
            keep_journals_s: seconds(domain.keep.journals),
            keep_calls_s: seconds(domain.keep.calls),
            name: domain.name,
            realm: domain.realm,
            time_zone: domain.time_zone,
            created_at: domain.created_at,
            mail_sender: domain.mail_sender,
            limits: domain.limits,
        }
    }
}

/// All domains for the system's administrators, its own for everybody else.
#[utoipa::path(get, path = "/domains", tag = "domains", responses((status = 200, body = Page<Shown>)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Page<Shown>>, ApiError> {
    let domains = if caller.may_all().is_ok() {
        api.store().domains().await?
    } else {
        vec![api.store().domain(caller.may(TokenScope::DomainRead)?).await?]
    };
    let items = domains.into_iter().map(Shown::from).collect();
    Ok(Json(Page { items, next: None }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DomainCreation)]
struct Creation {
    name: String,
    realm: Option<String>,
    #[serde(default = "utc")]
    time_zone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// Makes a domain.
#[utoipa::path(post, path = "/domains", tag = "domains", request_body = Creation, responses((status = 201, body = Shown)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    caller.may_all()?;
    let Creation {
        name,
        realm,
        time_zone,
    } = body::json(body)?;
    let new = NewDomain {
        name,
        realm,
        time_zone,
    };
    let made = api.store().create_domain(&new).await;
    let shown = Shown::from(made.map_err(|error| {
        let field = field(&error);
        ApiError::in_field(error, field)
    })?);
    let change = Change {
        action: "create",
        what: format!("domain {}", shown.name),
        before: None,
        after: state(&shown),
    };
    api.audit(&caller, None, change).await;
    Ok(Tagged(StatusCode::CREATED, shown).into_response())
}

/// Which field of a new domain the store refuses.
fn field(error: &StoreError) -> &'static str {
    match error {
        StoreError::Invalid {
            what: "time zone", ..
        } => "/time_zone",
        StoreError::Invalid { what: "realm", .. } => "/realm",
        _ => "/name",
    }
}

/// The domain.
#[utoipa::path(get, path = "/domain", tag = "domains", responses((status = 200, body = Shown)))]
pub(crate) async fn show(caller: Caller, State(api): State<Api>) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::DomainRead)?;
    Ok(Tagged(StatusCode::OK, api.store().domain(scope).await?.into()))
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::option_option, reason = "`null` is something else than nothing")]
#[schema(as = DomainEdit)]
struct Edit {
    time_zone: Option<String>,
    #[serde(deserialize_with = "given")]
    keep_journals_s: Option<Option<u64>>,
    #[serde(deserialize_with = "given")]
    keep_calls_s: Option<Option<u64>>,
    #[serde(deserialize_with = "given")]
    mail_sender: Option<Option<String>>,
}

/// A field that was given, be it as `null`.
#[allow(clippy::option_option, reason = "`null` is something else than nothing")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Changes the domain.
#[utoipa::path(patch, path = "/domain", tag = "domains", params(IfMatch), request_body = Edit, responses((status = 200, body = Shown)))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::DomainWrite)?;
    let edit: Edit = body::json(body)?;
    let editing = api.editing().await;
    let before = Shown::from(api.store().domain(scope).await?);
    must_match(&headers, &before)?;
    let keep = |seconds: Option<Option<u64>>| {
        seconds
            .map(|seconds| seconds.map_or(Keep::ForEver, |seconds| Keep::For(Duration::from_secs(seconds))))
    };
    let change = DomainChange {
        time_zone: edit.time_zone.as_deref(),
        keep_journals: keep(edit.keep_journals_s),
        keep_calls: keep(edit.keep_calls_s),
        mail_sender: edit
            .mail_sender
            .as_ref()
            .map(|sender| sender.as_deref().unwrap_or_default()),
    };
    let after = Shown::from(api.store().set_domain(scope, &change).await?);
    drop(editing);
    let change = Change {
        action: "change",
        what: format!("domain {}", scope.name()),
        before: state(&before),
        after: state(&after),
    };
    api.audit(&caller, Some(scope), change).await;
    Ok(Tagged(StatusCode::OK, after))
}

/// Removes it with all it owns.
#[utoipa::path(delete, path = "/domain", tag = "domains", params(IfMatch), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    caller.may_all()?;
    let scope = caller.may(TokenScope::DomainWrite)?;
    let editing = api.editing().await;
    let before = Shown::from(api.store().domain(scope).await?);
    must_match(&headers, &before)?;
    api.store().delete_domain(scope).await?;
    drop(editing);
    let change = Change {
        action: "remove",
        what: format!("domain {}", scope.name()),
        before: state(&before),
        after: None,
    };
    api.audit(&caller, None, change).await;
    Ok(StatusCode::NO_CONTENT)
}
