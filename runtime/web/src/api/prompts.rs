//! Prompts: sounds of the domain that its scenarios play. What keeps and speaks them is handed in ([`Prompts`]).

pub(crate) mod by_phone;

use std::io;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::TokenScope;
use utoipa::ToSchema;

use super::caller::Caller;
use super::edit::may_overwrite;
use super::problem::ApiError;
use super::scenarios::{not_found, path};
use super::users::Page;
use super::{Api, body};

/// Longest file that is taken, in bytes.
const FILE_BYTES_MAX: usize = 10 << 20;

/// A prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Prompt {
    /// What scenarios play it by.
    pub name: String,
    /// How long it lasts; none: it cannot be played, or nobody can tell.
    pub duration_ms: Option<u64>,
    /// Of its file.
    pub bytes: u64,
    /// When it was put there.
    pub changed_at: Timestamp,
}

/// Keeps the prompts of all domains, and speaks texts. Its functions are called where they may block.
pub trait Prompts: Send + Sync + 'static {
    /// All of a domain, by name.
    ///
    /// # Errors
    /// [`PromptRefused`]
    fn list(&self, domain: &str) -> Result<Vec<Prompt>, PromptRefused>;

    /// What is known of one; none: there is none of this name.
    ///
    /// # Errors
    /// [`PromptRefused`]
    fn find(&self, domain: &str, name: &str) -> Result<Option<Prompt>, PromptRefused>;

    /// Its WAV file.
    ///
    /// # Errors
    /// [`PromptRefused`]; [`PromptRefused::Failed`] where there is none.
    fn read(&self, domain: &str, name: &str) -> Result<Vec<u8>, PromptRefused>;

    /// Puts `sound` there, in the place of what may be there: who reads meanwhile has the whole of the one or the other.
    ///
    /// # Errors
    /// [`PromptRefused`]
    fn put(&self, domain: &str, name: &str, sound: &[u8]) -> Result<Prompt, PromptRefused>;

    /// Takes one away.
    ///
    /// # Errors
    /// [`PromptRefused`]
    fn remove(&self, domain: &str, name: &str) -> Result<(), PromptRefused>;

    /// A WAV or an MP3 file as prompts are kept.
    ///
    /// # Errors
    /// [`PromptRefused::Sound`]
    fn sound(&self, file: &[u8]) -> Result<Vec<u8>, PromptRefused>;

    /// A text as it is spoken, as prompts are kept. `voice` is a language's tag, such as `en` or `de-AT`.
    ///
    /// # Errors
    /// [`PromptRefused`]
    fn speak(&self, text: &str, voice: &str) -> Result<Vec<u8>, PromptRefused>;
}

/// Why there is no prompt, in words.
#[derive(Debug, thiserror::Error)]
pub enum PromptRefused {
    /// A name that none can have.
    #[error("{0}")]
    Name(String),
    /// A file that cannot be played.
    #[error("the file cannot be played: {0}")]
    Sound(String),
    /// A text that cannot be spoken.
    #[error("{0}")]
    Text(String),
    /// A voice that there is not.
    #[error("{0}")]
    Voice(String),
    /// The domain has as many as it may.
    #[error("{0}")]
    Full(String),
    /// A file could not be read or written.
    #[error("{0}")]
    File(#[from] io::Error),
    /// What speaks does not.
    #[error("{0}")]
    Failed(String),
}

impl From<PromptRefused> for ApiError {
    fn from(refused: PromptRefused) -> Self {
        let words = refused.to_string();
        let invalid = |words: &str| Self::new(StatusCode::UNPROCESSABLE_ENTITY, words);
        match refused {
            PromptRefused::Name(_) => invalid(&words).at("/name", words),
            PromptRefused::Sound(_) => invalid(&words),
            PromptRefused::Text(_) => invalid(&words).at("/text", words),
            PromptRefused::Voice(_) => invalid(&words).at("/voice", words),
            PromptRefused::Full(_) => Self::new(StatusCode::CONFLICT, words),
            PromptRefused::File(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
                ) =>
            {
                Self::new(StatusCode::INSUFFICIENT_STORAGE, "no space is left for prompts")
            }
            PromptRefused::File(_) | PromptRefused::Failed(_) => {
                // Its words have paths of this server in them, which are not the caller's affair.
                tracing::error!(error = %words, "a prompt is not served");
                Self::busy(StatusCode::SERVICE_UNAVAILABLE, "the server cannot do this now")
            }
        }
    }
}

impl Api {
    /// Asks who keeps the prompts, on a thread that may block.
    pub(super) async fn of_prompts<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Prompts) -> Result<T, PromptRefused> + Send + 'static,
    ) -> Result<T, ApiError> {
        let Some(prompts) = self.shared.prompts.get().cloned() else {
            return Err(ApiError::new(
                StatusCode::NOT_IMPLEMENTED,
                "this server keeps no prompts",
            ));
        };
        let asked = tokio::task::spawn_blocking(move || ask(prompts.as_ref())).await;
        let asked = asked.map_err(|error| PromptRefused::Failed(error.to_string()))?;
        Ok(asked?)
    }

    async fn prompt(&self, domain: &str, name: &str) -> Result<Option<Prompt>, ApiError> {
        let (domain, name) = (domain.to_owned(), name.to_owned());
        self.of_prompts(move |prompts| prompts.find(&domain, &name)).await
    }
}

/// Lists prompts by name.
#[utoipa::path(get, path = "/prompts", tag = "prompts", responses((status = 200, body = Page<Prompt>)))]
pub(crate) async fn list(caller: Caller, State(api): State<Api>) -> Result<Json<Page<Prompt>>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let domain = scope.name().to_owned();
    let items = api.of_prompts(move |prompts| prompts.list(&domain)).await?;
    Ok(Json(Page { items, next: None }))
}

/// A prompt's sound.
#[utoipa::path(get, path = "/prompts/{name}", tag = "prompts", params(("name" = String, Path)), responses((status = 200, body = Vec<u8>, content_type = "audio/wav")))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let name = path(name)?;
    if api.prompt(scope.name(), &name).await?.is_none() {
        return Err(not_found("prompt", &name));
    }
    let domain = scope.name().to_owned();
    let wav = api
        .of_prompts(move |prompts| prompts.read(&domain, &name))
        .await?;
    let headers = [
        (header::CONTENT_TYPE, "audio/wav"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, wav).into_response())
}

/// Puts a WAV or an MP3 file there: a new prompt, or another sound of one.
#[utoipa::path(put, path = "/prompts/{name}", tag = "prompts", params(("name" = String, Path), ("If-None-Match" = Option<String>, Header, description = "`*`: overwrite nothing")), request_body(content((Vec<u8> = "audio/wav"), (Vec<u8> = "audio/mpeg"))), responses((status = 200, body = Prompt), (status = 201, body = Prompt)))]
pub(crate) async fn put(
    caller: Result<Caller, ApiError>,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Prompt>), ApiError> {
    take(&api, caller, name, &headers, body, FILE_BYTES_MAX).await
}

/// Takes a sound of at most `max` bytes.
pub(super) async fn take(
    api: &Api,
    caller: Result<Caller, ApiError>,
    name: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
    mut body: Body,
    max: usize,
) -> Result<(StatusCode, Json<Prompt>), ApiError> {
    let stored = async {
        let caller = caller?;
        let scope = caller.may(TokenScope::ScenariosWrite)?;
        let name = path(name)?;
        // What has no place under this name, or may not overwrite, is refused before it is sent.
        let now = api.prompt(scope.name(), &name).await?;
        may_overwrite(headers, now.is_some())?;
        let _place = api.shared.uploading.place(scope, "upload")?;
        let file = body::upload(&mut body, body::announced(headers), max, api.limits()).await?;
        let sound = api.of_prompts(move |prompts| prompts.sound(&file)).await?;
        keep(api, &caller, headers, name, sound).await
    };
    let stored: Result<_, ApiError> = stored.await;
    if stored.as_ref().is_err_and(|error| !error.is_timeout()) {
        body::discard(&mut body, api.limits()).await;
    }
    stored
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TextToSpeak)]
pub(crate) struct Spoken {
    /// 1 to 4,096 bytes.
    text: String,
    /// A language's tag, such as `en` or `de-AT`.
    #[serde(default = "english")]
    voice: String,
}

fn english() -> String {
    "en".to_owned()
}

/// Speaks a text: a new prompt, or another sound of one.
#[utoipa::path(post, path = "/prompts/{name}/speak", tag = "prompts", params(("name" = String, Path), ("If-None-Match" = Option<String>, Header, description = "`*`: overwrite nothing")), request_body = Spoken, responses((status = 200, body = Prompt), (status = 201, body = Prompt)))]
pub(crate) async fn speak(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Prompt>), ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let Spoken { text, voice } = body::json(body)?;
    let now = api.prompt(scope.name(), &name).await?;
    may_overwrite(&headers, now.is_some())?;
    let _place = api.shared.speaking.place(scope, "spoken text")?;
    let sound = api
        .of_prompts(move |prompts| prompts.speak(&text, &voice))
        .await?;
    keep(&api, &caller, &headers, name, sound).await
}

async fn keep(
    api: &Api,
    caller: &Caller,
    headers: &HeaderMap,
    name: String,
    sound: Vec<u8>,
) -> Result<(StatusCode, Json<Prompt>), ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let edit = api.edit(caller, Some(scope), format!("prompt {name}")).await;
    let before = api.prompt(scope.name(), &name).await?;
    may_overwrite(headers, before.is_some())?;
    let domain = scope.name().to_owned();
    let after = api
        .of_prompts(move |prompts| prompts.put(&domain, &name, &sound))
        .await?;
    let Some(before) = before else {
        edit.made(&after).await;
        return Ok((StatusCode::CREATED, Json(after)));
    };
    edit.changed(&before, &after).await;
    Ok((StatusCode::OK, Json(after)))
}

/// Takes a prompt away. What plays it is not looked for.
#[utoipa::path(delete, path = "/prompts/{name}", tag = "prompts", params(("name" = String, Path)), responses((status = 204, description = "removed")))]
pub(crate) async fn remove(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let name = path(name)?;
    let edit = api.edit(&caller, Some(scope), format!("prompt {name}")).await;
    let before = api.prompt(scope.name(), &name).await?;
    let before = before.ok_or_else(|| not_found("prompt", &name))?;
    let domain = scope.name().to_owned();
    api.of_prompts(move |prompts| prompts.remove(&domain, &name))
        .await?;
    edit.removed(&before).await;
    Ok(StatusCode::NO_CONTENT)
}
