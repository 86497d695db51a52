//! Scenarios and their versions.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use tandem_host_api::WORLD;
use tandem_store::{DomainScope, Module, NewVersion, Signature, StoreError, TokenScope, modules};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::edit::{Change, state};
use super::problem::ApiError;
use super::{Allowed, Api, body};

/// The header that carries a module's signature.
const SIGNATURE_HEADER: &str = "tandem-signature";

/// A scenario with its newest version.
#[derive(Serialize, ToSchema)]
#[schema(as = Scenario)]
pub(crate) struct Listed {
    name: String,
    versions: usize,
    newest: Module,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Scenarios {
    scenarios: Vec<Listed>,
}

/// Lists scenarios with their newest version.
#[utoipa::path(get, path = "/scenarios", tag = "scenarios", responses((status = 200, body = Scenarios)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Scenarios>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let mut by_name: BTreeMap<String, Listed> = BTreeMap::new();
    // Of each name the newest comes first.
    for module in api.store().modules(scope).await? {
        by_name
            .entry(module.name.clone())
            .and_modify(|listed| listed.versions += 1)
            .or_insert_with(|| Listed {
                name: module.name.clone(),
                versions: 1,
                newest: module,
            });
    }
    let scenarios = by_name.into_values().collect();
    Ok(Json(Scenarios { scenarios }))
}

/// A version, and the numbers that start it.
#[derive(Serialize, ToSchema)]
#[schema(as = ScenarioVersion)]
pub(crate) struct Version {
    #[serde(flatten)]
    module: Module,
    numbers: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ScenarioVersions)]
pub(crate) struct Versions {
    versions: Vec<Version>,
}

/// Lists the versions of a scenario, the newest first.
#[utoipa::path(get, path = "/scenarios/{name}/versions", tag = "scenarios", params(("name" = String, Path)), responses((status = 200, body = Versions)))]
pub(crate) async fn versions(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Versions>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let name = path(name)?;
    let mut modules = api.store().modules(scope).await?;
    modules.retain(|module| module.name == name);
    if modules.is_empty() {
        return Err(not_found("scenario", &name));
    }
    let entry_points = api.store().entry_points(scope).await?;
    let versions = modules
        .into_iter()
        .map(|module| {
            let starts =
                |entry: &&tandem_store::EntryPoint| entry.module == module.name && entry.hash == module.hash;
            let numbers = entry_points
                .iter()
                .filter(starts)
                .map(|e| e.number.clone())
                .collect();
            Version { module, numbers }
        })
        .collect();
    Ok(Json(Versions { versions }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    #[serde(default)]
    note: String,
}

/// Uploads a component as a version. A refusal lists every problem.
#[utoipa::path(post, path = "/scenarios/{name}/versions", tag = "scenarios", params(("name" = String, Path), UploadQuery, ("Tandem-Signature" = Option<String>, Header, description = "ed25519, in hexadecimal: `KEY:SIGNATURE`")), request_body(content = Vec<u8>, content_type = "application/wasm"), responses((status = 201, body = Module)))]
pub(crate) async fn upload(
    caller: Result<Caller, ApiError>,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    query: Result<Query<UploadQuery>, QueryRejection>,
    headers: HeaderMap,
    mut body: Body,
) -> Result<Response, ApiError> {
    let stored = async {
        let caller = caller?;
        let scope = caller.may(TokenScope::ScenariosWrite)?;
        let Query(query) = query.map_err(|rejection| unprocessable(rejection.body_text()))?;
        let module = store_upload(&api, scope, &path(name)?, &query.note, &headers, &mut body).await?;
        let change = Change {
            action: "create",
            what: version_of(&module.name, &module.hash),
            before: None,
            after: state(&module),
        };
        api.audit(&caller, Some(scope), change).await;
        Ok::<Module, ApiError>(module)
    };
    match stored.await {
        Ok(module) => {
            let location = format!("/api/v1/scenarios/{}/versions/{}", module.name, module.hash);
            Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(module)).into_response())
        }
        Err(error) => {
            if !error.is_timeout() {
                body::discard(&mut body, api.limits()).await;
            }
            Err(error)
        }
    }
}

/// Cheap checks first, then the bytes, then the compiler, then the store.
async fn store_upload(
    api: &Api,
    scope: &DomainScope,
    name: &str,
    note: &str,
    headers: &HeaderMap,
    body: &mut Body,
) -> Result<Module, ApiError> {
    modules::check_name(name)?;
    modules::check_note(note)?;
    let signature = match headers.get(SIGNATURE_HEADER) {
        Some(value) => {
            let text = value.to_str().map_err(|error| unprocessable(error.to_string()))?;
            Some(text.parse::<Signature>()?)
        }
        None if api.store().signed_only(scope).await? => {
            return Err(StoreError::unsigned().into());
        }
        None => None,
    };
    let _place = api.shared.uploading.place(scope, "upload")?;
    let component = body::component(body, body::announced(headers), api.limits()).await?;
    let taken = Taken {
        name,
        note,
        signature: signature.as_ref(),
        from_flow: false,
    };
    take_in(api, scope, &taken, component).await
}

/// What a component is taken in as.
pub(crate) struct Taken<'a> {
    /// The scenario's name.
    pub(crate) name: &'a str,
    pub(crate) note: &'a str,
    pub(crate) signature: Option<&'a Signature>,
    /// Whether it is published from the flow of its name.
    pub(crate) from_flow: bool,
}

/// Has a component compiled, and stores it where it is good. Hold a place for an upload meanwhile.
pub(crate) async fn take_in(
    api: &Api,
    scope: &DomainScope,
    taken: &Taken<'_>,
    component: Bytes,
) -> Result<Module, ApiError> {
    let allowed = Allowed::of(api.store(), scope, taken.name).await?;
    let verdict = api.shared.compiler.compile(component.clone(), allowed).await;
    let verdict = verdict.map_err(|error| {
        tracing::error!(%error, "a module cannot be compiled");
        ApiError::busy(StatusCode::SERVICE_UNAVAILABLE, "the compiler cannot be run now")
    })?;
    if !verdict.is_good() {
        return Err(ApiError::bad_component(&verdict));
    }
    let new = NewVersion {
        name: taken.name,
        world: verdict.world.as_deref().unwrap_or(WORLD),
        component: &component,
        note: taken.note,
        signature: taken.signature,
        imports: Some(&verdict.imports),
        settings: verdict.settings.as_deref(),
        from_flow: taken.from_flow,
    };
    Ok(api.store().put_version(scope, &new).await?)
}

/// Removes a version that nothing refers to.
#[utoipa::path(delete, path = "/scenarios/{name}/versions/{hash}", tag = "scenarios", params(("name" = String, Path), ("hash" = String, Path)), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    version: Result<Path<(String, String)>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let (name, hash) = path(version)?;
    api.store().delete_module(scope, &name, Some(&hash)).await?;
    let change = Change {
        action: "remove",
        what: version_of(&name, &hash),
        before: None,
        after: None,
    };
    api.audit(&caller, Some(scope), change).await;
    Ok(StatusCode::NO_CONTENT)
}

/// A version, as the audit log names it.
fn version_of(scenario: &str, hash: &str) -> String {
    format!("version {hash} of scenario {scenario}")
}

/// What the path says; bytes that are no text are refused.
pub(crate) fn path<T>(path: Result<Path<T>, PathRejection>) -> Result<T, ApiError> {
    let Path(path) = path.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    Ok(path)
}

pub(crate) fn not_found(what: &'static str, name: &str) -> ApiError {
    StoreError::NotFound {
        what,
        name: name.to_owned(),
    }
    .into()
}

fn unprocessable(detail: String) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}
