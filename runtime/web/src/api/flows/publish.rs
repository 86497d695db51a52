//! A flow becomes a version of the scenario of its name: the stock component that runs flows, with the flow as its
//! settings and the picture beside them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tandem_host_api::sections::{DRAWING, SETTINGS, SETTINGS_BYTES_MAX, section, with_section};
use tandem_store::{DomainScope, TokenScope, flows, modules};
use utoipa::ToSchema;

use super::super::Api;
use super::super::body;
use super::super::caller::Caller;
use super::super::edit::Change;
use super::super::problem::ApiError;
use super::super::scenarios::{Taken, not_found, path, take_in};
use super::{Document, bundle, check, internal, read};

#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = FlowPublication)]
pub(crate) struct Wanted {
    /// What is new in it; up to 1,024 bytes.
    note: String,
    /// The numbers and patterns that start it from now on; at most 100. None: it can be started, and nothing does yet.
    numbers: Vec<String>,
}

/// A version that was published.
#[derive(Serialize, ToSchema)]
#[schema(as = FlowPublished)]
pub(crate) struct Published {
    /// The version's hash.
    version: String,
    /// The scenario that it is a version of: the flow's name.
    scenario: String,
    /// What starts it now.
    numbers: Vec<String>,
}

/// Makes a flow, as it was saved last, a version of the scenario of its name, and lets numbers start it. A flow with errors
/// is refused with all its `problems`. The numbers' own settings, which were another scenario's, go.
#[utoipa::path(post, path = "/flows/{name}/publish", tag = "flows", params(("name" = String, Path)), request_body = Wanted, responses((status = 201, body = Published)))]
pub(crate) async fn publish(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let wanted: Wanted = body::json(body)?;
    modules::check_note(&wanted.note).map_err(|error| ApiError::in_field(error, "/note"))?;
    are_there(&api, scope, &wanted.numbers).await?;
    let document = read(&api, scope, &name).await?;
    let flow = bundle::whole(&api, scope, document.flow.get().to_owned()).await?;
    must_be_right(&api, scope, &name, &flow).await?;

    let _place = api.shared.uploading.place(scope, "upload")?;
    let component = component(&api, &flow, document.drawing.as_deref())?;
    let taken = Taken {
        name: &name,
        note: &wanted.note,
        signature: None,
        from_flow: true,
    };
    let module = take_in(&api, scope, &taken, component).await?;
    let store = api.store();
    if !wanted.numbers.is_empty() {
        store
            .start_on(scope, &wanted.numbers, &name, &module.hash)
            .await?;
    }
    let published = Published {
        version: module.hash,
        scenario: name,
        numbers: wanted.numbers,
    };
    let change = Change {
        action: "publish",
        what: format!("flow {}", published.scenario),
        before: None,
        after: super::state(&published),
    };
    api.audit(&caller, Some(scope), change).await;
    let (scenario, version) = (&published.scenario, &published.version);
    let location = format!("/api/v1/scenarios/{scenario}/versions/{version}");
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(published),
    )
        .into_response())
}

/// Refuses numbers that the domain does not have, before anything is made.
async fn are_there(api: &Api, scope: &DomainScope, numbers: &[String]) -> Result<(), ApiError> {
    let mut refused = ApiError::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "not all of the numbers can be set",
    );
    if numbers.len() > flows::NUMBERS_MOST {
        let most = flows::NUMBERS_MOST;
        return Err(refused.at("/numbers", format!("at most {most} numbers are set at once")));
    }
    let mut wrong = false;
    for (place, number) in numbers.iter().enumerate() {
        if api.store().entry_point(scope, number).await?.is_none() {
            refused = refused.at(
                &format!("/numbers/{place}"),
                format!("there is no number `{number}`"),
            );
            wrong = true;
        }
    }
    if wrong { Err(refused) } else { Ok(()) }
}

async fn must_be_right(api: &Api, scope: &DomainScope, name: &str, flow: &str) -> Result<(), ApiError> {
    let mut problems = check::problems(api, scope, Some(name.to_owned()), flow.to_owned()).await?;
    if flow.len() > SETTINGS_BYTES_MAX {
        problems.push(check::Problem {
            flow: None,
            node: None,
            path: String::new(),
            pointer: String::new(),
            severity: "error",
            code: "too_large",
            detail: format!(
                "a flow that is published has at most {SETTINGS_BYTES_MAX} bytes, this one has {}",
                flow.len()
            ),
        });
    }
    match check::errors(&problems) {
        0 => Ok(()),
        errors => Err(ApiError::bad_flow(errors, &problems)),
    }
}

/// The stock component with the flow and its picture in it.
fn component(api: &Api, flow: &str, drawing: Option<&RawValue>) -> Result<Bytes, ApiError> {
    let flows = api.flows()?;
    let mut component = with_section(flows.component().to_vec(), SETTINGS, flow.as_bytes());
    if let Some(drawing) = drawing {
        component = with_section(component, DRAWING, drawing.get().as_bytes());
    }
    Ok(component.into())
}

/// The flow that a version was published from, and its picture: what a call of that version ran on.
#[utoipa::path(get, path = "/scenarios/{name}/versions/{hash}/flow", tag = "flows", params(("name" = String, Path), ("hash" = String, Path, description = "the hash, or its first six digits or more")), responses((status = 200, body = Document)))]
pub(crate) async fn version(
    caller: Caller,
    State(api): State<Api>,
    version: Result<Path<(String, String)>, PathRejection>,
) -> Result<Json<Document>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let (name, wanted) = path(version)?;
    let store = api.store();
    let hash = store.version_of(scope, &name, &wanted).await?;
    let component = store.module_bytes(scope, &hash).await?;
    let found = tokio::task::spawn_blocking(move || document_of(&component));
    let found = found.await.map_err(internal)?;
    found
        .map(Json)
        .ok_or_else(|| not_found("flow in version", &format!("{name}@{wanted}")))
}

/// The document that a component was made from; none: it was made from none.
fn document_of(component: &[u8]) -> Option<Document> {
    /// What a flow of any version has; others than flows have settings too.
    #[derive(Deserialize)]
    struct AnyFlow {
        #[serde(rename = "start")]
        _start: String,
        #[serde(rename = "nodes")]
        _nodes: Vec<serde::de::IgnoredAny>,
    }
    let flow = section(component, SETTINGS)?;
    serde_json::from_str::<AnyFlow>(flow).ok()?;
    let drawing = section(component, DRAWING);
    Some(Document {
        flow: RawValue::from_string(flow.to_owned()).ok()?,
        drawing: drawing.and_then(|drawing| RawValue::from_string(drawing.to_owned()).ok()),
    })
}
