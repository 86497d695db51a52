//! What is wrong with a flow, by the same code that reads it in a call.

use std::collections::BTreeSet;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tandem_store::{DomainScope, TokenScope};
use utoipa::{IntoParams, ToSchema};

use super::super::caller::Caller;
use super::super::problem::ApiError;
use super::super::{Api, body};
use super::internal;

/// One thing that is wrong with a flow, or looks so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FlowProblem)]
pub(crate) struct Problem {
    /// The name of the flow within the flow; none: the flow itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub(super) flow: Option<String>,
    /// The node's id; none: the flow itself.
    pub(super) node: Option<String>,
    /// Inside the node or the flow, such as `menu.choices.7`; empty: all of it.
    pub(super) path: String,
    /// The same as a JSON pointer into the flow (RFC 6901).
    pub(super) pointer: String,
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
pub(super) struct Known {
    prompts: Option<BTreeSet<String>>,
    users: BTreeSet<String>,
    /// None: it has patterns of numbers, which take what nobody wrote out.
    numbers: Option<BTreeSet<String>>,
    schedules: BTreeSet<String>,
    flows: BTreeSet<String>,
}

/// What the domain has now.
pub(super) async fn known(api: &Api, scope: &DomainScope) -> Result<Known, ApiError> {
    let store = api.store();
    let users: BTreeSet<String> = store
        .users(scope)
        .await?
        .into_iter()
        .map(|user| user.name)
        .collect();
    let entry_points = store.entry_point_numbers(scope).await?;
    let written_out = |number: &String| {
        let mut digits = number.bytes();
        // What requests and events start has a colon; nobody dials that.
        number.contains(':') || digits.all(|byte| byte.is_ascii_digit() || byte == b'+' || byte == b'#')
    };
    let numbers = if entry_points.iter().all(written_out) {
        let own = store.user_numbers(scope).await?;
        let own = own.into_iter().map(|number| number.number);
        Some(
            entry_points
                .into_iter()
                .chain(own)
                .chain(users.iter().cloned())
                .collect(),
        )
    } else {
        None
    };
    let schedules = store.schedules(scope).await?;
    Ok(Known {
        prompts: prompts(api, scope).await?,
        users,
        numbers,
        schedules: schedules.into_iter().map(|schedule| schedule.name).collect(),
        flows: store.flow_names(scope).await?.into_iter().collect(),
    })
}

/// None: nobody keeps prompts here.
async fn prompts(api: &Api, scope: &DomainScope) -> Result<Option<BTreeSet<String>>, ApiError> {
    if api.shared.prompts.get().is_none() {
        return Ok(None);
    }
    let domain = scope.name().to_owned();
    let kept = api.of_prompts(move |prompts| prompts.list(&domain)).await?;
    Ok(Some(kept.into_iter().map(|prompt| prompt.name).collect()))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// The flow's name in the domain: a flow does not run itself.
    name: Option<String>,
}

/// Says what is wrong with a flow, whether it was saved or not. The body is a flow, or a document with one.
#[utoipa::path(post, path = "/flows/check", tag = "flows", params(Asked), request_body = super::Document, responses((status = 200, body = Problems)))]
pub(crate) async fn check(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Problems>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let Asked { name } = body::query(asked)?;
    let flow = flow_of(&body::json::<Box<RawValue>>(body)?);
    let problems = problems(&api, scope, name, flow).await?;
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
    within
        .map_or_else(|_| body.get(), |within| within.flow.get())
        .to_owned()
}

/// All that is wrong with a flow of this name. A long one takes milliseconds, which are not the request's thread's.
pub(super) async fn problems(
    api: &Api,
    scope: &DomainScope,
    name: Option<String>,
    flow: String,
) -> Result<Vec<Problem>, ApiError> {
    let known = known(api, scope).await?;
    let checked = tokio::task::spawn_blocking(move || of(&flow, name.as_deref(), &known));
    checked.await.map_err(internal)
}

/// How many of them hinder.
pub(super) fn errors(problems: &[Problem]) -> u64 {
    problems
        .iter()
        .filter(|problem| problem.severity == "error")
        .count() as u64
}

fn of(flow: &str, name: Option<&str>, known: &Known) -> Vec<Problem> {
    let leads = |number: &str| {
        known
            .numbers
            .as_ref()
            .is_some_and(|numbers| numbers.contains(number))
    };
    let known = tandem_flow::Known {
        name,
        prompts: known.prompts.as_ref(),
        users: Some(&known.users),
        numbers: known.numbers.is_some().then_some(&leads as &dyn Fn(&str) -> bool),
        schedules: Some(&known.schedules),
        flows: Some(&known.flows),
    };
    let found = tandem_flow::check(flow, &known).into_iter();
    found
        .map(|problem| Problem {
            detail: problem.detail(),
            code: problem.code(),
            severity: problem.severity.name(),
            flow: problem.flow,
            node: problem.node,
            path: problem.path,
            pointer: problem.pointer,
        })
        .collect()
}
