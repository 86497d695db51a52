//! What a call's scenario did, out of the journal: nothing is run again.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tandem_host_api::replay::{Step, recorded_steps};
use tandem_host_api::{Outcome, RecordedJournal};
use tandem_store::{JournalState, TokenScope};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::problem::ApiError;
use crate::api::scenarios::{not_found, path};

/// Steps that are shown, at most; a journal may hold more.
const STEPS_MOST: usize = 20_000;

/// The host calls of a call, in their order.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = CallSteps)]
pub(crate) struct Steps {
    steps: Vec<Shown>,
    /// How many more there were than are shown.
    left_out: usize,
}

/// A host call.
#[derive(Serialize, ToSchema)]
#[schema(as = CallStep)]
pub(crate) struct Shown {
    /// From 1.
    index: u32,
    /// When it was asked, in milliseconds since the call began.
    at_ms: u64,
    /// The trace step in force: as the scenario calls it,
    node: Option<String>,
    /// and for people.
    node_name: Option<String>,
    /// The WIT function: `leg.play`.
    op: &'static str,
    arguments: Value,
    /// What was answered; none: the call was over first.
    #[schema(value_type = Value)]
    outcome: Option<Outcome>,
    /// When it was answered.
    ended_ms: Option<u64>,
}

/// What a call's scenario did, out of its journal; 410 where that was removed.
#[utoipa::path(
    get,
    path = "/calls/{id}/steps",
    tag = "calls",
    params(("id" = String, Path)),
    responses((status = 200, body = Steps), (status = 410, description = "the journal was removed"))
)]
pub(crate) async fn steps(
    caller: Caller,
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Steps>, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let id = path(id)?;
    let state = api.store().journal_state(scope, &id).await?;
    let gone = |detail: &str| ApiError::new(StatusCode::GONE, detail);
    match state.ok_or_else(|| not_found("call", &id))? {
        // No scenario ran: there were no steps.
        JournalState::None => return Ok(Json(Steps::default())),
        JournalState::Removed => {
            return Err(gone(
                "the journal was removed: it was older than the domain keeps journals",
            ));
        }
        JournalState::Stored => (),
    }
    // Few at once: a long journal takes memory and a core.
    let _place = api.shared.reading.acquire().await;
    let journal = api.store().journal(scope, &id).await?;
    let journal = journal.ok_or_else(|| gone("the journal was removed this moment"))?;
    let read = tokio::task::spawn_blocking(move || steps_of(&journal)).await;
    match read {
        Ok(Ok(steps)) => Ok(Json(steps)),
        Ok(Err(why)) => {
            tracing::warn!(domain = scope.name(), call = %id, %why, "a journal cannot be read");
            let detail = format!("the journal cannot be read: {why}");
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail))
        }
        Err(_) => Err(ApiError::busy(
            StatusCode::SERVICE_UNAVAILABLE,
            "the server stops",
        )),
    }
}

fn steps_of(journal: &[u8]) -> Result<Steps, String> {
    let recorded = RecordedJournal::from_bytes(journal).map_err(|error| error.to_string())?;
    let all = recorded_steps(&recorded)?;
    let left_out = all.len().saturating_sub(STEPS_MOST);
    let steps = all.into_iter().take(STEPS_MOST).map(Shown::from).collect();
    Ok(Steps { steps, left_out })
}

impl From<Step> for Shown {
    fn from(step: Step) -> Self {
        let (node, node_name) = step.node.map(|node| (node.id, node.name)).unzip();
        // `{"Play": {…}}`: the name is told by `op`.
        let arguments = match serde_json::to_value(&step.request) {
            Ok(Value::Object(named)) => named.into_iter().next().map_or(Value::Null, |(_, fields)| fields),
            _ => Value::Null,
        };
        Self {
            index: step.step,
            at_ms: step.at_ms,
            node,
            node_name,
            op: step.request.name(),
            arguments,
            outcome: step.outcome,
            ended_ms: step.ended_ms,
        }
    }
}
