//! Calls that are over: lists of them ([`csv`] for spreadsheets), one with its legs, what its scenario did ([`steps`]),
//! what its phones said ([`messages`]).

pub(crate) mod csv;
pub(crate) mod messages;
pub(crate) mod steps;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::{CallFilter, CallRecord, CallSummary, DomainScope, JournalState, LegRecord, TokenScope};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::users::Page;
use super::{Api, body};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// Started then or later.
    since: Option<Timestamp>,
    /// Started before then.
    until: Option<Timestamp>,
    /// Called from it, dialled it, or came to the entry point written so.
    number: Option<String>,
    /// This user was a party.
    user: Option<String>,
    /// Ran the scenario of this name.
    scenario: Option<String>,
    /// In a number, the entry point, the scenario's name, the cause or the identifier.
    q: Option<String>,
    /// 1 to 1,000.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl Asked {
    /// What of it `caller` may see, and the domain. An empty text is none: forms send such.
    fn filter(self, caller: &Caller) -> Result<(&DomainScope, CallFilter), ApiError> {
        let (scope, own) = caller.may_or_own(TokenScope::CallsRead)?;
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let user = match (own, text(self.user)) {
            (Some(own), Some(other)) if own != other => {
                let detail = "your role includes your own calls only";
                return Err(ApiError::new(StatusCode::FORBIDDEN, detail));
            }
            (Some(own), _) => Some(own.to_owned()),
            (None, user) => user,
        };
        let cursor = text(self.cursor);
        let filter = CallFilter {
            since: self.since,
            until: self.until,
            number: text(self.number),
            user,
            scenario: text(self.scenario),
            words: text(self.q),
            limit: self.limit,
            before: cursor.map(|cursor| cursor.parse()).transpose()?,
        };
        Ok((scope, filter))
    }
}

/// Lists calls that are over, latest first. With `q` a page may have fewer calls than its limit, even none, and be followed
/// by others. A user sees his own.
#[utoipa::path(get, path = "/calls", tag = "calls", params(Asked), responses((status = 200, body = Page<CallSummary>)))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Page<CallSummary>>, ApiError> {
    let (scope, filter) = body::query(asked)?.filter(&caller)?;
    let page = api.store().calls(scope, &filter).await?;
    Ok(Json(Page {
        items: page.calls,
        next: page.next.map(|next| next.to_string()),
    }))
}

/// A call with its legs, and what became of its journal.
#[derive(Serialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct Shown {
    #[serde(flatten)]
    summary: CallSummary,
    legs: Vec<LegRecord>,
    journal: JournalState,
}

/// A call with its legs.
#[utoipa::path(get, path = "/calls/{id}", tag = "calls", params(("id" = String, Path)), responses((status = 200, body = Shown)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Shown>, ApiError> {
    let (scope, own) = caller.may_or_own(TokenScope::CallsRead)?;
    let id = path(id)?;
    let record = read(&api, scope, &id).await?;
    let party = |user: &str| record.legs.iter().any(|leg| leg.user.as_deref() == Some(user));
    if own.is_some_and(|user| !party(user)) {
        return Err(not_found("call", &id));
    }
    let journal = api.store().journal_state(scope, &id).await?;
    let journal = journal.unwrap_or(JournalState::None);
    let CallRecord { summary, legs } = record;
    Ok(Json(Shown {
        summary,
        legs,
        journal,
    }))
}

async fn read(api: &Api, scope: &DomainScope, id: &str) -> Result<CallRecord, ApiError> {
    let found = api.store().call(scope, id).await?;
    found.ok_or_else(|| not_found("call", id))
}
