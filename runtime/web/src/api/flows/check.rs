//! What is wrong with a flow, by the same code that reads it in a call.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tandem_flow::What;
use tandem_store::{DomainScope, TokenScope};
use utoipa::ToSchema;

use super::super::caller::Caller;
use super::super::problem::ApiError;
use super::super::{Api, body};
use super::internal;

/// Problems of one flow that are told.
const PROBLEMS_MAX: usize = 200;

/// One thing that is wrong with a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FlowProblem)]
pub(crate) struct Problem {
    /// The node's id; none: the flow itself.
    pub(super) node: Option<String>,
    /// Inside the node or the flow, such as `menu.choices.7`; empty: all of it.
    pub(super) path: String,
    /// `error`: it cannot be published; `warning`: it can.
    pub(super) severity: &'static str,
    /// For programs.
    pub(super) code: &'static str,
    /// For people.
    pub(super) detail: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FlowProblems)]
pub(crate) struct Problems {
    problems: Vec<Problem>,
}

/// What the domain has, for flows to name.
#[derive(Debug, Default)]
pub(super) struct Known;

/// What the domain has now.
#[allow(clippy::unused_async, reason = "it asks the store")]
pub(super) async fn known(_: &Api, _: &DomainScope) -> Result<Known, ApiError> {
    Ok(Known)
}

/// Says what is wrong with a flow, whether it was saved or not. The body is a flow, or a document with one.
#[utoipa::path(post, path = "/flows/check", tag = "flows", request_body = super::Document, responses((status = 200, body = Problems)))]
pub(crate) async fn check(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Problems>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let flow = flow_of(&body::json::<Box<RawValue>>(body)?);
    let problems = problems(flow, known(&api, scope).await?).await?;
    Ok(Json(Problems { problems }))
}

/// The flow of a document, or what is one itself.
fn flow_of(body: &RawValue) -> String {
    #[derive(Deserialize)]
    struct Within<'a> {
        #[serde(borrow)]
        flow: &'a RawValue,
    }
    let within = serde_json::from_str::<Within<'_>>(body.get());
    within.map_or_else(|_| body.get(), |within| within.flow.get()).to_owned()
}

/// All that is wrong; a long flow takes milliseconds, which are not the request's thread's.
pub(super) async fn problems(flow: String, known: Known) -> Result<Vec<Problem>, ApiError> {
    let checked = tokio::task::spawn_blocking(move || of(&flow, &known));
    checked.await.map_err(internal)
}

/// How many of them hinder.
pub(super) fn errors(problems: &[Problem]) -> u64 {
    problems.iter().filter(|problem| problem.severity == "error").count() as u64
}

fn of(flow: &str, _: &Known) -> Vec<Problem> {
    let found = tandem_flow::Flow::parse(flow).err().unwrap_or_default();
    let told = found.into_iter().take(PROBLEMS_MAX);
    told.map(|problem| Problem {
        detail: problem.what.to_string(),
        code: code(&problem.what),
        severity: "error",
        node: problem.node,
        path: problem.path,
    })
    .collect()
}

fn code(what: &What) -> &'static str {
    match what {
        What::Malformed(_) => "malformed",
        What::Version(_) => "version",
        What::UnknownNode(_) => "unknown_node",
        What::DuplicateId => "duplicate_id",
        What::Unreachable => "unreachable",
        What::BadDigit(_) => "bad_digit",
        What::UnknownVariable(_) => "unknown_variable",
        What::Range { .. } => "range",
        What::Count { .. } => "count",
    }
}
