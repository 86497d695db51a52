//! Numbers, and the versions that they start.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tandem_store::{Activation, EntryPointChange, NewFallback, StoreError, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::problem::ApiError;
use super::scenarios::path;
use super::{Api, body};

/// A number that starts a scenario; its settings are not listed, which may be a mebibyte each.
#[derive(Serialize, ToSchema)]
#[schema(as = Number)]
pub(crate) struct Listed {
    number: String,
    title: String,
    scenario: String,
    version: String,
    fallback_cause: String,
    /// The scenario that takes over where its own fails; none: the caller gets the cause.
    fallback: Option<Fallback>,
}

#[derive(Serialize, ToSchema)]
struct Fallback {
    scenario: String,
    version: String,
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
            fallback_cause: entry.fallback_cause,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Numbers {
    numbers: Vec<Listed>,
}

/// Lists numbers with what they start.
#[utoipa::path(get, path = "/numbers", tag = "numbers", responses((status = 200, body = Numbers)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Numbers>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let activations = api.store().activations(scope).await?;
    let numbers = activations.into_iter().map(Listed::from).collect();
    Ok(Json(Numbers { numbers }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Activation)]
struct Change {
    /// The version's hash, or its first six digits or more. None: the one that is active stays.
    version: Option<String>,
    /// Of another scenario than the number starts now.
    scenario: Option<String>,
    /// What takes over where the scenario fails: `SCENARIO`, `SCENARIO@VERSION`, or a cause. None: as it is.
    fallback: Option<String>,
    /// What the scenario that takes over is told.
    fallback_settings: Option<serde_json::Value>,
}

impl Change {
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
#[utoipa::path(put, path = "/numbers/{number}/activation", tag = "numbers", params(("number" = String, Path)), request_body = Change, responses((status = 200, body = Listed)))]
pub(crate) async fn activate(
    caller: Caller,
    State(api): State<Api>,
    number: Result<Path<String>, PathRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Listed>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let number = path(number)?;
    let change: Change = body::json(body)?;
    let fallback = change.fallback()?;
    let Change {
        version, scenario, ..
    } = change;
    let store = api.store();
    match (scenario, version) {
        (_, None) => (),
        (None, Some(version)) => drop(store.activate(scope, &number, Some(&version)).await?),
        (Some(scenario), Some(version)) => {
            let change = EntryPointChange {
                module: Some((scenario, Some(version))),
                ..EntryPointChange::default()
            };
            store.set_entry_point(scope, &number, &change).await?;
        }
    }
    if let Some(fallback) = &fallback {
        store.set_fallback(scope, &number, fallback).await?;
    }
    let Some(now) = store.activation(scope, &number).await? else {
        return Err(StoreError::NotFound {
            what: "entry point",
            name: number,
        }
        .into());
    };
    let entry = &now.entry_point;
    tracing::info!(domain = scope.name(), token = caller.token(), %number, scenario = %entry.module, hash = %entry.hash,
        "version activated");
    Ok(Json(now.into()))
}
