//! Bodies: read whole, within a size and a time.

use std::fmt::Display;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_path_to_error::{Path, Segment};
use tandem_host_api::{Code, Problem};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::ApiLimits;
use super::problem::ApiError;

/// How long what nobody wants is read on, so that its sender hears why instead of a broken connection.
const LINGER: Duration = Duration::from_secs(5);

/// Reads a component.
pub(crate) async fn component(
    body: &mut Body,
    announced: Option<u64>,
    limits: &ApiLimits,
) -> Result<Bytes, ApiError> {
    let max = limits.component_bytes_max;
    upload(body, announced, max, limits).await.map_err(|error| {
        if !error.is_too_large() {
            return error;
        }
        let detail = format!("the component is over {max} bytes");
        ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail.clone()).with_problem(Problem {
            code: Code::TooLarge,
            detail,
        })
    })
}

/// Reads a file of `max` bytes at most. One that says or shows that it is too large is refused as soon as it does.
pub(crate) async fn upload(
    body: &mut Body,
    announced: Option<u64>,
    max: usize,
    limits: &ApiLimits,
) -> Result<Bytes, ApiError> {
    if announced.is_some_and(|bytes| bytes > max as u64) {
        return Err(too_large(max));
    }
    let mut pieces = Pieces::new(body, limits.upload_idle, limits.upload_time);
    // What was announced is not believed: memory is taken as the bytes come.
    let mut file = Vec::new();
    while let Some(piece) = pieces.next().await? {
        if file.len() + piece.len() > max {
            return Err(too_large(max));
        }
        file.extend_from_slice(&piece);
    }
    Ok(file.into())
}

/// Gives `to` a file of `max` bytes at most, as it comes within `time`. Whoever reads there may want no more of it before
/// it is over.
pub(crate) async fn feed(
    body: &mut Body,
    max: u64,
    (idle, time): (Duration, Duration),
    to: mpsc::Sender<Bytes>,
) -> Result<(), ApiError> {
    let mut pieces = Pieces::new(body, idle, time);
    let mut taken = 0;
    while let Some(piece) = pieces.next().await? {
        taken += piece.len() as u64;
        if taken > max {
            return Err(too_large(usize::try_from(max).unwrap_or(usize::MAX)));
        }
        if to.send(piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// A body piece by piece, within its times.
struct Pieces<'a> {
    body: &'a mut Body,
    /// How long it may bring nothing.
    idle: Duration,
    /// How long it may take to come.
    time: Duration,
    deadline: Instant,
}

impl<'a> Pieces<'a> {
    fn new(body: &'a mut Body, idle: Duration, time: Duration) -> Self {
        Self {
            body,
            idle,
            time,
            deadline: Instant::now() + time,
        }
    }

    /// None: it has come whole.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let next = timeout_at(self.deadline, timeout(self.idle, self.body.frame()));
            let Ok(Ok(next)) = next.await else {
                return Err(ApiError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!(
                        "the upload brought nothing for {} s, or took over {} s",
                        self.idle.as_secs(),
                        self.time.as_secs()
                    ),
                ));
            };
            match next.transpose() {
                Ok(None) => return Ok(None),
                Ok(Some(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Err(error) => {
                    let words = format!("the upload broke off: {error}");
                    return Err(ApiError::new(StatusCode::BAD_REQUEST, words));
                }
            }
        }
    }
}

fn too_large(max: usize) -> ApiError {
    ApiError::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the file is over {max} bytes"),
    )
}

/// How many bytes a request says that it brings.
pub(crate) fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads on and throws away, within four components' size and [`LINGER`].
pub(crate) async fn discard(body: &mut Body, limits: &ApiLimits) {
    let mut left = limits.component_bytes_max.saturating_mul(4);
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(bytes) {
                Some(fewer) => left = fewer,
                None => return,
            }
        }
    };
    let _ = timeout(LINGER, reading).await; // it was not wanted anyway
}

/// A body that is JSON of this shape. What is wrong is shown at its field.
pub(crate) fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, ApiError> {
    let body = body.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    let mut text = serde_json::Deserializer::from_slice(&body);
    let wrong = |error: &dyn Display| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the body is not what is asked for: {error}"),
        )
    };
    let read = serde_path_to_error::deserialize(&mut text).map_err(|error| {
        let pointer = pointer(error.path());
        let error = error.into_inner();
        // Words about what is no JSON, or about the whole, are not about a field.
        if pointer.is_empty() || !error.is_data() {
            return wrong(&error);
        }
        wrong(&error).at(&pointer, error.to_string())
    })?;
    text.end().map_err(|error| wrong(&error))?;
    Ok(read)
}

/// A field that was given, be it as `null`.
#[allow(clippy::option_option, reason = "`null` is something else than nothing")]
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// RFC 6901.
fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for step in path {
        let name = match step {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

/// A query of this shape.
pub(crate) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    let Query(query) =
        query.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the query: {error}")))?;
    Ok(query)
}
