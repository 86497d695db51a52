//! Numbers, what they start, and the versions of it: the active one, one that is tried, the one before.

use std::pin::Pin;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tandem_store::activations::ACTIVATIONS_PAGE_MOST;
use tandem_store::{
    Activation, CanaryChange, DomainScope, EntryPointChange, HistoryEntry, NewEntryPoint, NewFallback,
    StoreError, TokenScope,
};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::edit::{IfMatch, Tagged, must_match};
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::users::{Asked, Page};
use super::{Api, body, lines};

/// Longest body of a number, in bytes: its settings and those of its fall-back.
pub(super) const BODY_BYTES_MAX: usize = 3 << 20;
/// Entries of a page where nothing else is asked for.
const LIMIT_DEFAULT: u32 = 100;

/// What the web does not know of numbers and scenarios by itself.
pub trait Stock: Send + Sync + 'static {
    /// Whether scenarios can be started by this name: a number, a pattern, a path of the web, an event. The error says in
    /// words what is wrong.
    fn check_number(&self, number: &str) -> Result<(), String>;

    /// Gives the domain the stock scenario of this name, where it is one and the domain has none.
    fn provide<'a>(&'a self, scope: &'a DomainScope, scenario: &'a str) -> Provided<'a>;

    /// Gives a new domain the stock scenarios, and extensions that can be dialled.
    fn install<'a>(&'a self, scope: &'a DomainScope) -> Provided<'a>;
}

/// What [`Stock`] does to a domain.
pub type Provided<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

/// A number that starts a scenario; its settings are not listed, which may be a mebibyte each.
#[derive(Serialize, ToSchema)]
#[schema(as = Number)]
pub(crate) struct Listed {
    number: String,
    title: String,
    scenario: String,
    version: String,
    /// The version that it can return to; none: there is none.
    previous: Option<String>,
    /// The version that is tried for a share of its calls; none: there is none.
    canary: Option<Canary>,
    fallback_cause: String,
    /// The scenario that takes over where its own fails; none: the caller gets the cause.
    fallback: Option<Fallback>,
    created_at: Timestamp,
}

/// A number with its settings.
#[derive(Serialize, ToSchema)]
#[schema(as = NumberWithSettings)]
pub(crate) struct Shown {
    #[serde(flatten)]
    listed: Listed,
    /// What its scenario is told.
    settings: Value,
    /// What the scenario that takes over is told; none: there is none.
    fallback_settings: Option<Value>,
}

#[derive(Serialize, ToSchema)]
struct Fallback {
    scenario: String,
    version: String,
}

/// A version that is tried.
#[derive(Serialize, ToSchema)]
struct Canary {
    version: String,
    /// Its share of new calls, 1 to 99.
    share_percent: u8,
    /// Failures are counted over so many of the latest calls of each version.
    window: u32,
    /// It may fail more often by so many percentage points.
    margin: u8,
    /// It is not judged before so many of its calls are over.
    fewest: u32,
    /// After so many of its calls all get it; 0: never by itself.
    promote_after: u32,
    began_at: Timestamp,
}

impl From<tandem_store::Canary> for Canary {
    fn from(canary: tandem_store::Canary) -> Self {
        Self {
            version: canary.hash,
            share_percent: canary.share_percent,
            window: canary.window,
            margin: canary.margin,
            fewest: canary.fewest,
            promote_after: canary.promote_after,
            began_at: canary.began_at,
        }
    }
}

impl From<Activation> for Listed {
    fn from(activation: Activation) -> Self {
        let entry = activation.entry_point;
        Self {
            fallback: activation.fallback.map(|fallback| Fallback {
                scenario: fallback.module,
                version: fallback.hash,
            }),
            number: entry.number,
            title: entry.title,
            scenario: entry.module,
            version: entry.hash,
            previous: activation.previous,
            canary: activation.canary.map(Canary::from),
            fallback_cause: entry.fallback_cause,
            created_at: entry.created_at,
        }
    }
}

impl From<Activation> for Shown {
    fn from(activation: Activation) -> Self {
        // The store takes JSON only.
        let read = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        Self {
            settings: read(&activation.entry_point.config),
            fallback_settings: activation
                .fallback
                .as_ref()
                .map(|fallback| read(&fallback.config)),
            listed: activation.into(),
        }
    }
}

/// Lists numbers with what they start.
#[utoipa::path(get, path = "/numbers", tag = "numbers", params(Asked), responses((status = 200, body = Page<Listed>)))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<Listed>>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let asked = body::query(asked)?;
    let limit = asked
        .limit
        .unwrap_or(LIMIT_DEFAULT)
        .clamp(1, ACTIVATIONS_PAGE_MOST);
    let (page, more) = api
        .store()
        .activations_page(scope, &asked.q, &asked.cursor, limit)
        .await?;
    let items: Vec<Listed> = page.into_iter().map(Listed::from).collect();
    let next = items.last().filter(|_| more).map(|last| last.number.clone());
    Ok(Json(Page { items, next }))
}

/// A number with its settings.
#[utoipa::path(get, path = "/numbers/{number}", tag = "numbers", params(("number" = String, Path)), responses((status = 200, body = Shown)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    Ok(Tagged(StatusCode::OK, read(&api, scope, &path(number)?).await?))
}

/// What takes over where a scenario fails, as it is asked for.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum NewTakeover {
    /// `SCENARIO`, `SCENARIO@VERSION`, or a cause.
    Text(String),
    /// A scenario.
    Scenario {
        /// Its name.
        scenario: String,
        /// None: the newest.
        version: Option<String>,
    },
}

/// What takes over, and what it is told; `None`: the caller gets the cause, `cause` where no other is said. The scenario
/// that does so far keeps its settings where none are given.
fn takeover(
    asked: Option<NewTakeover>,
    settings: Option<&Value>,
    cause: &str,
    so_far: Option<&tandem_store::Fallback>,
) -> Result<NewFallback, ApiError> {
    let config = settings.map_or_else(|| "{}".to_owned(), Value::to_string);
    let mut fallback = match asked {
        None => NewFallback::Cause(cause.to_owned()),
        Some(NewTakeover::Text(text)) => NewFallback::parse(&text, config),
        Some(NewTakeover::Scenario { scenario, version }) => NewFallback::Scenario {
            module: scenario,
            version,
            config,
        },
    };
    if settings.is_some() && matches!(fallback, NewFallback::Cause(_)) {
        return Err(invalid(
            "/fallback_settings",
            "they are a scenario's, and no scenario takes over",
        ));
    }
    if let (None, NewFallback::Scenario { module, config, .. }, Some(so_far)) =
        (settings, &mut fallback, so_far)
        && so_far.module == *module
    {
        config.clone_from(&so_far.config);
    }
    Ok(fallback)
}

/// Refuses a change after which a line could not run by its settings.
fn check_change(change: &EntryPointChange, now: &Activation) -> Result<(), ApiError> {
    let entry = &now.entry_point;
    if change.module.is_some() || change.config.is_some() {
        let module = change.module.as_ref().map_or(&entry.module, |(module, _)| module);
        let config = change.config.as_ref().unwrap_or(&entry.config);
        lines::check(module, config, "/settings")?;
    }
    check_fallback(change.fallback.as_ref())
}

fn check_fallback(fallback: Option<&NewFallback>) -> Result<(), ApiError> {
    match fallback {
        Some(NewFallback::Scenario { module, config, .. }) => {
            lines::check(module, config, "/fallback_settings")
        }
        Some(NewFallback::Cause(_)) | None => Ok(()),
    }
}

fn invalid(pointer: &str, words: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words).at(pointer, words)
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NumberCreation)]
pub(crate) struct Creation {
    /// A number, a pattern, `web:/PATH` or `event:NAME`.
    number: String,
    #[serde(default)]
    title: String,
    scenario: String,
    /// A hash, or its first six digits or more. None: the newest.
    version: Option<String>,
    /// None: `{}`.
    settings: Option<Value>,
    /// None: `unavailable`.
    fallback_cause: Option<String>,
    fallback: Option<NewTakeover>,
    fallback_settings: Option<Value>,
}

/// Makes a number.
#[utoipa::path(post, path = "/numbers", tag = "numbers", request_body = Creation, responses((status = 201, body = Shown)))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let asked: Creation = body::json(body)?;
    let plain = NewEntryPoint::new(asked.number, asked.scenario);
    if let Some(stock) = api.stock() {
        stock
            .check_number(&plain.number)
            .map_err(|words| invalid("/number", &words))?;
    }
    let cause = asked.fallback_cause.unwrap_or(plain.fallback_cause);
    let fallback = match (asked.fallback, asked.fallback_settings) {
        (None, None) => None,
        (fallback, settings) => Some(takeover(fallback, settings.as_ref(), &cause, None)?),
    };
    let new = NewEntryPoint {
        title: asked.title,
        hash: asked.version,
        config: asked
            .settings
            .map_or(plain.config, |settings| settings.to_string()),
        fallback_cause: cause,
        fallback,
        ..plain
    };
    lines::check(&new.module, &new.config, "/settings")?;
    check_fallback(new.fallback.as_ref())?;
    let edit = api
        .edit(&caller, Some(scope), format!("number {}", new.number))
        .await;
    let wanted = Wanted {
        scenario: new.hash.is_none().then_some(new.module.as_str()),
        fallback: new.fallback.as_ref(),
    };
    wanted.provide(&api, scope).await?;
    let made = api.store().add_entry_point(scope, &new).await;
    made.map_err(|error| refused(error, &new.module))?;
    let after = read(&api, scope, &new.number).await?;
    edit.made(&after).await;
    Ok(Tagged(StatusCode::CREATED, after))
}

/// Scenarios that are asked for by name, whose newest version is meant.
struct Wanted<'a> {
    scenario: Option<&'a str>,
    fallback: Option<&'a NewFallback>,
}

impl Wanted<'_> {
    /// Stock ones need not have been added.
    async fn provide(&self, api: &Api, scope: &DomainScope) -> Result<(), ApiError> {
        let Some(stock) = api.stock() else { return Ok(()) };
        if let Some(name) = self.scenario {
            stock.provide(scope, name).await?;
        }
        if let Some(NewFallback::Scenario {
            module,
            version: None,
            ..
        }) = self.fallback
        {
            stock.provide(scope, module).await?;
        }
        Ok(())
    }
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(clippy::option_option, reason = "`null` is something else than nothing")]
#[schema(as = NumberEdit)]
pub(crate) struct Change {
    title: Option<String>,
    /// Another scenario, or the same. Without `version`: its newest, or, of the same, the version that is active.
    scenario: Option<String>,
    /// A hash, or its first six digits or more.
    version: Option<String>,
    #[serde(deserialize_with = "body::given")]
    settings: Option<Option<Value>>,
    fallback_cause: Option<String>,
    /// `null`: no scenario takes over, the caller gets the cause.
    #[serde(deserialize_with = "body::given")]
    fallback: Option<Option<NewTakeover>>,
    /// Of the scenario that takes over, be it the one that does so far.
    fallback_settings: Option<Value>,
}

impl Change {
    /// What it changes of a number that is `now`. What is as it was, is left: it ends no canary.
    fn of(self, now: &Activation) -> Result<EntryPointChange, ApiError> {
        let entry = &now.entry_point;
        let active = |version: &String| version.len() >= 6 && entry.hash.starts_with(version.as_str());
        let same = self
            .scenario
            .as_ref()
            .is_none_or(|scenario| *scenario == entry.module);
        let version = self.version.filter(|version| !(same && active(version)));
        let module = (!same || version.is_some())
            .then(|| (self.scenario.unwrap_or_else(|| entry.module.clone()), version));
        let cause = self.fallback_cause.as_ref().unwrap_or(&entry.fallback_cause);
        let fallback = match (self.fallback, self.fallback_settings, &now.fallback) {
            (None, None, _) => None,
            // Other settings for the scenario that takes over so far, in the version that it has.
            (None, Some(settings), Some(fallback)) => Some(NewFallback::Scenario {
                module: fallback.module.clone(),
                version: Some(fallback.hash.clone()),
                config: settings.to_string(),
            }),
            (asked, settings, so_far) => Some(takeover(
                asked.flatten(),
                settings.as_ref(),
                cause,
                so_far.as_ref(),
            )?),
        };
        Ok(EntryPointChange {
            title: self.title,
            module,
            config: self
                .settings
                .map(|settings| settings.map_or_else(|| "{}".to_owned(), |settings| settings.to_string())),
            fallback_cause: self.fallback_cause,
            fallback,
        })
    }
}

/// Changes a number; calls in progress go on as they began.
#[utoipa::path(patch, path = "/numbers/{number}", tag = "numbers", params(("number" = String, Path), IfMatch), request_body = Change, responses((status = 200, body = Shown)))]
pub(crate) async fn change(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let asked: Change = body::json(body)?;
    let edit = api.edit(&caller, Some(scope), format!("number {number}")).await;
    let now = found(&api, scope, &number).await?;
    let before = Shown::from(now.clone());
    must_match(&headers, &before)?;
    let change = asked.of(&now)?;
    check_change(&change, &now)?;
    let wanted = Wanted {
        scenario: match &change.module {
            Some((module, None)) => Some(module),
            Some((_, Some(_))) | None => None,
        },
        fallback: change.fallback.as_ref(),
    };
    wanted.provide(&api, scope).await?;
    let module = change
        .module
        .as_ref()
        .map_or(now.entry_point.module.as_str(), |(module, _)| module);
    let set = api.store().set_entry_point(scope, &number, &change).await;
    set.map_err(|error| refused(error, module))?;
    let after = read(&api, scope, &number).await?;
    edit.changed(&before, &after).await;
    Ok(Tagged(StatusCode::OK, after))
}

/// Removes a number; calls in progress go on.
#[utoipa::path(delete, path = "/numbers/{number}", tag = "numbers", params(("number" = String, Path), IfMatch), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let edit = api.edit(&caller, Some(scope), format!("number {number}")).await;
    let before = read(&api, scope, &number).await?;
    must_match(&headers, &before)?;
    api.store().remove_entry_point(scope, &number).await?;
    edit.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = CanaryTerms)]
pub(crate) struct NewCanary {
    /// None: the one that is tried, else the newest.
    version: Option<String>,
    /// 1 to 99; one that begins needs it.
    share_percent: Option<u8>,
    /// 10 to 10,000; 100 where nothing is said.
    window: Option<u32>,
    /// 0 to 100; 5 where nothing is said.
    margin: Option<u8>,
    /// 1 to the window; 20 where nothing is said.
    fewest: Option<u32>,
    /// 0, or `fewest` to 100,000; 0 where nothing is said.
    promote_after: Option<u32>,
}

/// Tries a version for a share of the number's calls, or changes the terms of the one that is tried.
#[utoipa::path(put, path = "/numbers/{number}/canary", tag = "numbers", params(("number" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` that reading gave, where nothing else may have come between")), request_body = NewCanary, responses((status = 200, body = Shown)))]
pub(crate) async fn set_canary(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Tagged<Shown>, ApiError> {
    caller.may(TokenScope::ScenariosWrite)?;
    let asked: NewCanary = body::json(body)?;
    let change = CanaryChange {
        version: asked.version,
        share_percent: asked.share_percent,
        window: asked.window,
        margin: asked.margin,
        fewest: asked.fewest,
        promote_after: asked.promote_after,
    };
    versions(&caller, &api, number, &headers, &Step::Canary(change)).await
}

/// Tries the version no longer: all calls get the active one.
#[utoipa::path(delete, path = "/numbers/{number}/canary", tag = "numbers", params(("number" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` that reading gave, where nothing else may have come between")), responses((status = 200, body = Shown)))]
pub(crate) async fn end_canary(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Tagged<Shown>, ApiError> {
    versions(&caller, &api, number, &headers, &Step::EndCanary).await
}

/// Makes the version that is tried the active one.
#[utoipa::path(post, path = "/numbers/{number}/promote", tag = "numbers", params(("number" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` that reading gave, where nothing else may have come between")), responses((status = 200, body = Shown)))]
pub(crate) async fn promote(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Tagged<Shown>, ApiError> {
    versions(&caller, &api, number, &headers, &Step::Promote).await
}

/// Ends what is tried, or else returns to the version before.
#[utoipa::path(post, path = "/numbers/{number}/rollback", tag = "numbers", params(("number" = String, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` that reading gave, where nothing else may have come between")), responses((status = 200, body = Shown)))]
pub(crate) async fn roll_back(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Tagged<Shown>, ApiError> {
    versions(&caller, &api, number, &headers, &Step::RollBack).await
}

/// A step in a number's versions.
enum Step {
    Canary(CanaryChange),
    EndCanary,
    Promote,
    RollBack,
}

impl Step {
    async fn take(&self, api: &Api, scope: &DomainScope, number: &str) -> Result<Activation, ApiError> {
        let store = api.store();
        Ok(match self {
            Self::Canary(change) => {
                let set = store.set_canary(scope, number, change).await;
                set.map_err(canary_refused)?
            }
            Self::EndCanary => store.end_canary(scope, number).await?,
            Self::Promote => store.promote(scope, number).await?,
            Self::RollBack => store.roll_back(scope, number).await?,
        })
    }
}

/// Which field a canary's terms are refused at.
fn canary_refused(error: StoreError) -> ApiError {
    let pointer = match &error {
        StoreError::Invalid { what: "share", .. } => "/share_percent",
        StoreError::Invalid { what: "window", .. } => "/window",
        StoreError::Invalid { what: "margin", .. } => "/margin",
        StoreError::Invalid { what: "fewest", .. } => "/fewest",
        StoreError::Invalid {
            what: "promote-after",
            ..
        } => "/promote_after",
        StoreError::NotFound { what: "module", .. } => return invalid("/version", &error.to_string()),
        _ => "/version",
    };
    ApiError::in_field(error, pointer)
}

/// Takes it. The request need not say what it has seen: each step says what it leads to.
async fn versions(
    caller: &Caller,
    api: &Api,
    number: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    step: &Step,
) -> Result<Tagged<Shown>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let edit = api
        .edit(caller, Some(scope), format!("version of number {number}"))
        .await;
    let before = read(api, scope, &number).await?;
    if headers.contains_key(header::IF_MATCH) {
        must_match(headers, &before)?;
    }
    let after = Shown::from(step.take(api, scope, &number).await?);
    edit.changed(&before.listed, &after.listed).await;
    Ok(Tagged(StatusCode::OK, after))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryAsked {
    /// 1 to 1,000.
    limit: Option<u32>,
    /// `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    cursor: Option<u64>,
}

/// What happened to a number's versions, the newest first.
#[utoipa::path(get, path = "/numbers/{number}/history", tag = "numbers", params(("number" = String, Path), HistoryAsked), responses((status = 200, body = Page<HistoryEntry>)))]
pub(crate) async fn history(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    asked: Result<Query<HistoryAsked>, QueryRejection>,
) -> Result<Json<Page<HistoryEntry>>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let asked = body::query(asked)?;
    let limit = asked.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, 1_000) as usize;
    let mut items = api.store().activation_history(scope, &path(number)?).await?;
    items.retain(|entry| asked.cursor.is_none_or(|before| entry.step < before));
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| last.step.to_string());
    Ok(Json(Page { items, next }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Activation)]
struct Activate {
    /// The version's hash, or its first six digits or more. None: the one that is active stays.
    version: Option<String>,
    /// Of another scenario than the number starts now.
    scenario: Option<String>,
    /// What takes over where the scenario fails: `SCENARIO`, `SCENARIO@VERSION`, or a cause. None: as it is.
    fallback: Option<String>,
    /// What the scenario that takes over is told.
    fallback_settings: Option<Value>,
}

impl Activate {
    /// What the fields ask for together, in words where they ask for nothing or contradict each other.
    fn fallback(&self) -> Result<Option<NewFallback>, ApiError> {
        let bad = |words: &str| Err(ApiError::new(StatusCode::BAD_REQUEST, words.to_owned()));
        match (&self.fallback, &self.fallback_settings) {
            (None, Some(_)) => bad("`fallback_settings` needs `fallback`, the scenario that they are for"),
            (None, None) if self.version.is_none() => bad("`version` or `fallback` is missing"),
            (None, None) => Ok(None),
            (Some(_), _) if self.scenario.is_some() && self.version.is_none() => {
                bad("`scenario` needs `version`")
            }
            (Some(text), settings) => {
                let config = settings
                    .as_ref()
                    .map_or_else(|| "{}".to_owned(), ToString::to_string);
                match NewFallback::parse(text, config) {
                    NewFallback::Cause(_) if settings.is_some() => {
                        bad("`fallback_settings` are a scenario's, and `fallback` is a cause")
                    }
                    fallback => Ok(Some(fallback)),
                }
            }
        }
    }
}

/// Lets a number start another version, or sets what takes over where it fails; calls in progress stay on theirs.
#[utoipa::path(put, path = "/numbers/{number}/activation", tag = "numbers", params(("number" = String, Path)), request_body = Activate, responses((status = 200, body = Listed)))]
pub(crate) async fn activate(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Listed>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let asked: Activate = body::json(body)?;
    let fallback = asked.fallback()?;
    check_fallback(fallback.as_ref())?;
    let edit = api
        .edit(&caller, Some(scope), format!("version of number {number}"))
        .await;
    let before = Listed::from(found(&api, scope, &number).await?);
    let store = api.store();
    match (asked.scenario, asked.version) {
        (None, Some(version)) if fallback.is_none() => {
            store.activate(scope, &number, Some(&version)).await?;
        }
        (scenario, version) => {
            let scenario = scenario.unwrap_or_else(|| before.scenario.clone());
            let change = EntryPointChange {
                module: version.map(|version| (scenario, Some(version))),
                fallback,
                ..EntryPointChange::default()
            };
            store.set_entry_point(scope, &number, &change).await?;
        }
    }
    let after = Listed::from(found(&api, scope, &number).await?);
    edit.changed(&before, &after).await;
    Ok(Json(after))
}

/// Which field a number's values are refused at.
fn refused(error: StoreError, scenario: &str) -> ApiError {
    let pointer = match &error {
        StoreError::Invalid { what, .. } | StoreError::TooLarge { what, .. } => match *what {
            "title" => "/title",
            "config" => "/settings",
            "fallback cause" => "/fallback_cause",
            "version" => "/version",
            "scenario" => "/scenario",
            _ => "/number",
        },
        StoreError::Exists { .. } => "/number",
        // What is not there is named by the body, not by the path: the form is wrong, not the address.
        StoreError::NotFound { what: "module", name } => {
            let of_number = name.split_once('@').map_or(name.as_str(), |(module, _)| module) == scenario;
            let pointer = match (of_number, name.contains('@')) {
                (true, true) => "/version",
                (true, false) => "/scenario",
                (false, _) => "/fallback",
            };
            return invalid(pointer, &error.to_string());
        }
        _ => return error.into(),
    };
    ApiError::in_field(error, pointer)
}

async fn found(api: &Api, scope: &DomainScope, number: &str) -> Result<Activation, ApiError> {
    let found = api.store().activation(scope, number).await?;
    found.ok_or_else(|| not_found("number", number))
}

async fn read(api: &Api, scope: &DomainScope, number: &str) -> Result<Shown, ApiError> {
    Ok(found(api, scope, number).await?.into())
}
