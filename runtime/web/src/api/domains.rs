//! Domains: the system's administrators make and remove them, a domain's own set what is theirs.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::{Domain, DomainChange, DomainLimits, Keep, Limit, NewDomain, StoreError, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::edit::{IfMatch, Tagged, must_match};
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
    /// In which texts are spoken that name no language: a tag (RFC 5646) such as `en`.
    language: String,
    created_at: Timestamp,
    /// Seconds; none: for ever.
    keep_journals_s: Option<u64>,
    keep_calls_s: Option<u64>,
    mail_sender: Option<String>,
    limits: DomainLimits,
    /// Nobody of it can register, call or log in.
    blocked: bool,
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
            language: domain.language,
            created_at: domain.created_at,
            mail_sender: domain.mail_sender,
            limits: domain.limits,
            blocked: domain.blocked,
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
    /// A tag (RFC 5646), at most 32 bytes.
    #[serde(default = "english")]
    language: String,
    /// Without the stock scenarios, and without extensions that can be dialled.
    #[serde(default)]
    empty: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn english() -> String {
    "en".to_owned()
}

/// Makes a domain, with the stock scenarios and extensions that can be dialled.
#[utoipa::path(post, path = "/domains", tag = "domains", request_body = Creation, responses((status = 201, body = Shown)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    caller.may_all()?;
    let asked: Creation = body::json(body)?;
    let new = NewDomain {
        name: asked.name,
        realm: asked.realm,
        time_zone: asked.time_zone,
        language: asked.language,
    };
    let what = format!("domain {}", new.name.to_ascii_lowercase());
    let editing = api.edit(&caller, None, what).await;
    let made = api.store().create_domain(&new).await;
    let shown = Shown::from(made.map_err(|error| {
        let field = field(&error);
        ApiError::in_field(error, field)
    })?);
    if let (false, Some(stock)) = (asked.empty, api.stock()) {
        let scope = api.store().domain_scope(&shown.name).await?;
        if let Err(error) = stock.install(&scope).await {
            // All of it or nothing, so that it can be made again.
            api.store().delete_domain(&scope).await?;
            return Err(error.into());
        }
    }
    editing.made(&shown).await;
    Ok(Tagged(StatusCode::CREATED, shown).into_response())
}

/// Which field of a new domain the store refuses.
fn field(error: &StoreError) -> &'static str {
    match error {
        StoreError::Invalid {
            what: "time zone", ..
        } => "/time_zone",
        StoreError::Invalid { what: "language", .. } => "/language",
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
    /// A tag (RFC 5646), at most 32 bytes.
    language: Option<String>,
    #[serde(deserialize_with = "body::given")]
    keep_journals_s: Option<Option<u64>>,
    #[serde(deserialize_with = "body::given")]
    keep_calls_s: Option<Option<u64>>,
    #[serde(deserialize_with = "body::given")]
    mail_sender: Option<Option<String>>,
    /// Only the system's administrators.
    blocked: Option<bool>,
    /// Only the system's administrators. `null` gives a limit back to the server.
    limits: Option<BTreeMap<String, Option<u64>>>,
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
    if edit.blocked.is_some() || edit.limits.is_some() {
        caller.may_all()?;
    }
    let limits = edit.limits.as_ref().map(limits).transpose()?;
    let what = format!("domain {}", scope.name());
    let editing = api.edit(&caller, Some(scope), what).await;
    let before = Shown::from(api.store().domain(scope).await?);
    must_match(&headers, &before)?;
    let keep = |seconds: Option<Option<u64>>| {
        seconds
            .map(|seconds| seconds.map_or(Keep::ForEver, |seconds| Keep::For(Duration::from_secs(seconds))))
    };
    let change = DomainChange {
        time_zone: edit.time_zone.as_deref(),
        language: edit.language.as_deref(),
        keep_journals: keep(edit.keep_journals_s),
        keep_calls: keep(edit.keep_calls_s),
        mail_sender: edit
            .mail_sender
            .as_ref()
            .map(|sender| sender.as_deref().unwrap_or_default()),
        blocked: edit.blocked,
    };
    api.store().set_domain(scope, &change).await?;
    if let Some(limits) = limits {
        api.store().set_limits(scope, &limits).await?;
    }
    let after = Shown::from(api.store().domain(scope).await?);
    editing.changed(&before, &after).await;
    Ok(Tagged(StatusCode::OK, after))
}

/// Limits by their names, each within its bounds.
fn limits(given: &BTreeMap<String, Option<u64>>) -> Result<Vec<(Limit, Option<u64>)>, ApiError> {
    let each = given.iter().map(|(name, value)| {
        let limit = Limit::named(name).ok_or_else(|| format!("there is no limit `{name}`"));
        let bound = limit.and_then(|limit| {
            let [least, most] = limit.bounds();
            match value {
                Some(value) if !(least..=most).contains(value) => {
                    Err(format!("{name}: {value} is not from {least} to {most}"))
                }
                _ => Ok((limit, *value)),
            }
        });
        bound.map_err(|words| {
            ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words.clone())
                .at(&format!("/limits/{name}"), words)
        })
    });
    each.collect()
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
    let editing = api.edit(&caller, None, format!("domain {}", scope.name())).await;
    let before = Shown::from(api.store().domain(scope).await?);
    must_match(&headers, &before)?;
    api.store().delete_domain(scope).await?;
    editing.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}
