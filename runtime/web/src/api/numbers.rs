//! Numbers, and the versions that they start.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tandem_store::{EntryPoint, EntryPointChange, TokenScope};

use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::path;
use super::{Api, body};

/// A number that starts a scenario; its settings are not listed, which may be a mebibyte each.
#[derive(Serialize)]
pub(crate) struct Listed {
    number: String,
    title: String,
    scenario: String,
    version: String,
    fallback_cause: String,
}

impl From<EntryPoint> for Listed {
    fn from(entry: EntryPoint) -> Self {
        Self {
            number: entry.number,
            title: entry.title,
            scenario: entry.module,
            version: entry.hash,
            fallback_cause: entry.fallback_cause,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Numbers {
    numbers: Vec<Listed>,
}

pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Numbers>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let entry_points = api.store().entry_points(scope).await?;
    let numbers = entry_points.into_iter().map(Listed::from).collect();
    Ok(Json(Numbers { numbers }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Activation {
    /// The version's hash, or its first six digits or more.
    version: String,
    /// Of another scenario than the number starts now.
    scenario: Option<String>,
}

/// Lets a number start another version; calls in progress stay on theirs.
pub(crate) async fn activate(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Listed>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let Activation { version, scenario } = body::json(body)?;
    let store = api.store();
    let entry = match scenario {
        None => store.activate(scope, &number, Some(&version)).await?.entry_point,
        Some(scenario) => {
            let change = EntryPointChange {
                module: Some((scenario, Some(version))),
                ..EntryPointChange::default()
            };
            store.set_entry_point(scope, &number, &change).await?
        }
    };
    tracing::info!(domain = scope.name(), token = caller.token(), %number, scenario = %entry.module, hash = %entry.hash,
        "version activated");
    Ok(Json(entry.into()))
}
