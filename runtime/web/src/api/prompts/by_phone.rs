//! A prompt that is recorded by phone: a user's devices ring, a stock scenario takes the recording, and what is kept
//! of it becomes the prompt, as an upload would. What rings, and has the recordings, is handed in
//! ([`RecordByPhone`]).
//!
//! What the scenario has to tell is a pair of the domain's key-value store; the call's record tells the rest. Who
//! looks for it is this process, for a quarter of an hour at most: after a restart nothing is known of it and the
//! prompt is what it was.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_store::{CallSummary, DomainScope, StoreError, TokenScope};
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;

use super::PromptRefused;
use crate::api::caller::Caller;
use crate::api::edit::may_overwrite;
use crate::api::problem::ApiError;
use crate::api::scenarios::{not_found, path};
use crate::api::{Api, Place, body, locked};

/// How long it is looked for what becomes of a call. Its scenario ends a minute earlier.
const WHOLE: Duration = Duration::from_mins(15);
/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What the keys begin with that the scenario writes.
const KEYS: &str = "recorder/";
/// Keys that an earlier run of the server may have left, which one request takes away.
const LEFT_MAX: u32 = 100;

/// Rings who is to record, and has what was recorded.
pub trait RecordByPhone: Send + Sync + 'static {
    /// Rings the user's devices for half a minute; the scenario that handles the answer tells what becomes of it. Gives
    /// the call's identifier.
    ///
    /// # Errors
    /// [`RecordRefused`]
    fn ring<'a>(&'a self, scope: &'a DomainScope, asked: &'a RecordAsked) -> Ringing<'a>;

    /// A recording's file, without so much of its end. It may block.
    ///
    /// # Errors
    /// [`PromptRefused::Failed`], [`PromptRefused::File`]
    fn recording(&self, domain: &str, name: &str, without: Duration) -> Result<Vec<u8>, PromptRefused>;

    /// Takes a recording away, where it is there. It may block.
    ///
    /// # Errors
    /// As [`Self::recording`].
    fn forget(&self, domain: &str, name: &str) -> Result<(), PromptRefused>;
}

/// What [`RecordByPhone::ring`] becomes.
pub type Ringing<'a> = Pin<Box<dyn Future<Output = Result<String, RecordRefused>> + Send + 'a>>;

/// What is to be recorded.
#[derive(Debug)]
pub struct RecordAsked {
    /// The prompt's name, which the phone shows.
    pub prompt: String,
    /// Whose devices ring: a user's name, or a number that leads to it.
    pub user: String,
    /// What is spoken.
    pub language: RecordLanguage,
    /// Where the scenario writes what becomes of it: a key of the domain's key-value store.
    pub key: String,
}

/// What the scenario speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RecordLanguage {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// Why nobody is rung, in words.
#[derive(Debug, thiserror::Error)]
pub enum RecordRefused {
    /// There is no such user.
    #[error("{0} is neither a user nor a number that leads to one")]
    User(String),
    /// The domain's limits, or its grants, do not allow it.
    #[error("{0}")]
    Limit(String),
    /// The store or the calls do not answer.
    #[error("the server cannot do this now")]
    Unavailable,
}

impl From<RecordRefused> for ApiError {
    fn from(refused: RecordRefused) -> Self {
        let words = refused.to_string();
        match refused {
            RecordRefused::User(_) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, words.clone()).at("/user", words)
            }
            RecordRefused::Limit(_) => Self::new(StatusCode::CONFLICT, words),
            RecordRefused::Unavailable => Self::busy(StatusCode::SERVICE_UNAVAILABLE, words),
        }
    }
}

/// Who is to record a prompt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PhoneToRecordBy)]
pub(crate) struct Asked {
    /// A user's name, or a number that leads to it: all its devices ring, for 30 s.
    user: String,
    /// What the phone hears.
    #[serde(default)]
    language: RecordLanguage,
}

/// How far a recording by phone has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = RecordingByPhone)]
pub(crate) struct ByPhone {
    state: Stage,
    /// Whose devices ring.
    user: String,
    /// Why it ended so, in words; empty: there is nothing to say.
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RecordingByPhoneState)]
enum Stage {
    /// The user's devices ring, or will in a moment.
    Ringing,
    /// Somebody has answered.
    Recording,
    /// It is the prompt.
    Kept,
    /// Whoever recorded did not keep it: the prompt is what it was.
    NotKept,
    /// Nobody answered: the prompt is what it was.
    NotAnswered,
    /// It could not be recorded or kept: the prompt is what it was.
    Failed,
}

/// The last recording by phone of each domain.
#[derive(Default)]
pub(in crate::api) struct Recordings(Mutex<HashMap<DomainScope, Known>>);

struct Known {
    prompt: String,
    /// Tells it from others of the same prompt.
    key: String,
    is: ByPhone,
}

impl Recordings {
    fn begin(&self, scope: &DomainScope, asked: &RecordAsked, is: ByPhone) {
        let known = Known {
            prompt: asked.prompt.clone(),
            key: asked.key.clone(),
            is,
        };
        locked(&self.0).insert(scope.clone(), known);
    }

    /// Where another has begun meanwhile, that one is known.
    fn go_on(&self, scope: &DomainScope, key: &str, state: Stage, detail: String) {
        let mut all = locked(&self.0);
        if let Some(known) = all.get_mut(scope).filter(|known| known.key == key) {
            known.is.state = state;
            known.is.detail = detail;
        }
    }

    fn of(&self, scope: &DomainScope, prompt: &str) -> Option<ByPhone> {
        let all = locked(&self.0);
        let known = all.get(scope)?;
        (known.prompt == prompt).then(|| known.is.clone())
    }
}

/// What the scenario tells.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
enum Told {
    Recording,
    Kept {
        recording: String,
        /// Of its end, which nobody wants to hear.
        #[serde(default)]
        silence_ms: u64,
    },
}

/// Rings a user, who records the prompt: a new one, or another sound of one. A domain records one at a time.
#[utoipa::path(post, path = "/prompts/{name}/record", tag = "prompts", params(("name" = String, Path), ("If-None-Match" = Option<String>, Header, description = "`*`: overwrite nothing")), request_body = Asked, responses((status = 202, description = "somebody is rung", body = ByPhone)))]
pub(crate) async fn record(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<ByPhone>), ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?.clone();
    let name = path(name)?;
    let Asked { user, language } = body::json(body)?;
    let now = api.prompt(scope.name(), &name).await?;
    may_overwrite(&headers, now.is_some())?;
    let recorder = Arc::clone(api.recorder()?);
    let place = api.shared.recording.place(&scope, "recording by phone")?;
    clear(&api, &recorder, &scope).await?;
    let asked = RecordAsked {
        // Of two recordings of one prompt no word of the first is taken for the second's.
        key: format!("{KEYS}{name}/{}", Timestamp::now().as_microsecond()),
        prompt: name,
        user,
        language,
    };
    let call = recorder.ring(&scope, &asked).await?;
    let is = ByPhone {
        state: Stage::Ringing,
        user: asked.user.clone(),
        detail: String::new(),
    };
    api.shared.recordings.begin(&scope, &asked, is.clone());
    let under_way = UnderWay {
        api,
        recorder,
        caller,
        headers,
        scope,
        asked,
        call,
        place,
    };
    tokio::spawn(under_way.follow());
    Ok((StatusCode::ACCEPTED, Json(is)))
}

/// How far the recording of the prompt by phone is: the last one of the domain, since the server has started.
#[utoipa::path(get, path = "/prompts/{name}/record", tag = "prompts", params(("name" = String, Path)), responses((status = 200, body = ByPhone)))]
pub(crate) async fn progress(
    caller: Caller,
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<ByPhone>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let name = path(name)?;
    let known = api.shared.recordings.of(scope, &name);
    known
        .map(Json)
        .ok_or_else(|| not_found("recording by phone of", &name))
}

impl Api {
    fn recorder(&self) -> Result<&Arc<dyn RecordByPhone>, ApiError> {
        let none = || {
            ApiError::new(
                StatusCode::NOT_IMPLEMENTED,
                "this server records no prompts by phone",
            )
        };
        self.shared.recorder.get().ok_or_else(none)
    }
}

/// A recording under way; its place is the domain's until it is over.
struct UnderWay {
    api: Api,
    recorder: Arc<dyn RecordByPhone>,
    caller: Caller,
    headers: HeaderMap,
    scope: DomainScope,
    asked: RecordAsked,
    call: String,
    place: Place,
}

/// What a look shows.
enum Seen {
    Goes(Stage),
    Kept { recording: String, silence: Duration },
    Over(Stage, String),
}

impl UnderWay {
    async fn follow(self) {
        let until = Instant::now() + WHOLE;
        let (stage, detail) = loop {
            sleep(LOOK_EVERY).await;
            match self.look().await {
                Ok(Seen::Goes(stage)) => {
                    let known = &self.api.shared.recordings;
                    known.go_on(&self.scope, &self.asked.key, stage, String::new());
                }
                Ok(Seen::Kept { recording, silence }) => break self.keep(recording, silence).await,
                Ok(Seen::Over(stage, why)) => break (stage, why),
                Err(error) => {
                    tracing::warn!(domain = self.scope.name(), call = %self.call, %error, "a recording by phone is not seen");
                }
            }
            if Instant::now() >= until {
                break (Stage::Failed, "it took more than a quarter of an hour".to_owned());
            }
        };
        if let Err(error) = self.api.store().kv_delete(&self.scope, &self.asked.key).await {
            // The next recording takes it away.
            tracing::warn!(domain = self.scope.name(), key = %self.asked.key, %error, "a key stays");
        }
        let Self {
            api,
            scope,
            asked,
            place,
            ..
        } = self;
        // Who hears of the end may begin the next one.
        drop(place);
        api.shared.recordings.go_on(&scope, &asked.key, stage, detail);
    }

    async fn look(&self) -> Result<Seen, StoreError> {
        // First the record: what the scenario had to tell is written before that.
        let record = self.api.store().call(&self.scope, &self.call).await?;
        let pair = self.api.store().kv_get(&self.scope, &self.asked.key).await?;
        let told = pair.as_deref().and_then(|pair| serde_json::from_slice(pair).ok());
        Ok(match (told, record) {
            (
                Some(Told::Kept {
                    recording,
                    silence_ms,
                }),
                _,
            ) => Seen::Kept {
                recording,
                silence: Duration::from_millis(silence_ms),
            },
            (_, Some(record)) => {
                let (stage, why) = end_of(&record.summary);
                Seen::Over(stage, why)
            }
            (Some(Told::Recording), None) => Seen::Goes(Stage::Recording),
            (None, None) => Seen::Goes(Stage::Ringing),
        })
    }

    /// Makes the recording the prompt, as an upload is made one.
    async fn keep(&self, recording: String, silence: Duration) -> (Stage, String) {
        let (recorder, domain, name) = (
            Arc::clone(&self.recorder),
            self.scope.name().to_owned(),
            recording.clone(),
        );
        let made = async {
            let sound = self
                .api
                .of_prompts(move |prompts| prompts.sound(&recorder.recording(&domain, &name, silence)?))
                .await?;
            let prompt = self.asked.prompt.clone();
            super::keep(&self.api, &self.caller, &self.headers, prompt, sound).await
        };
        let made = made.await;
        forget(&self.api, &self.recorder, &self.scope, recording).await;
        match made {
            Ok(_) => (Stage::Kept, String::new()),
            Err(error) => (Stage::Failed, error.words().to_owned()),
        }
    }
}

/// How a call ended whose recording was not kept.
fn end_of(call: &CallSummary) -> (Stage, String) {
    match call.scenario_end {
        Some(end) if end.is_failure() => (Stage::Failed, call.scenario_error.clone().unwrap_or_default()),
        Some(_) => (Stage::NotKept, String::new()),
        None => (Stage::NotAnswered, call.cause.clone()),
    }
}

/// Takes away what recordings have left whose end this process did not see. No other of the domain is under way.
async fn clear(api: &Api, recorder: &Arc<dyn RecordByPhone>, scope: &DomainScope) -> Result<(), ApiError> {
    for key in api.store().kv_keys(scope, KEYS, "", LEFT_MAX).await? {
        let pair = api.store().kv_get(scope, &key).await?.unwrap_or_default();
        // What is not the scenario's stays.
        let Ok(told) = serde_json::from_slice::<Told>(&pair) else {
            continue;
        };
        if let Told::Kept { recording, .. } = told {
            forget(api, recorder, scope, recording).await;
        }
        api.store().kv_delete(scope, &key).await?;
    }
    Ok(())
}

/// Takes a recording away that is nobody's message.
async fn forget(api: &Api, recorder: &Arc<dyn RecordByPhone>, scope: &DomainScope, recording: String) {
    if !matches!(api.store().voicemail_box_of(scope, &recording).await, Ok(None)) {
        return;
    }
    let (recorder, domain) = (Arc::clone(recorder), scope.name().to_owned());
    let gone = tokio::task::spawn_blocking(move || recorder.forget(&domain, &recording)).await;
    if let Ok(Err(error)) = gone {
        tracing::warn!(domain = scope.name(), %error, "a recording stays");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_scenario_tells_is_read_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<Told>(text).ok();
        assert_eq!(read(r#"{"state": "recording"}"#), Some(Told::Recording));
        let kept = Told::Kept {
            recording: "recording-7".into(),
            silence_ms: 5_000,
        };
        assert_eq!(
            read(r#"{"recording": "recording-7", "silence_ms": 5000, "state": "kept"}"#),
            Some(kept)
        );
        for other in ["", "{}", r#"{"state": "kept"}"#, r#"{"state": "open"}"#, "[1]"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
