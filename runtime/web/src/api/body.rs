//! Bodies: read whole, within a size and a time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tandem_host_api::{Code, Problem};
use tokio::time::{Instant, timeout, timeout_at};

use super::ApiLimits;
use super::problem::ApiError;

/// How long what nobody wants is read on, so that its sender hears why instead of a broken connection.
const LINGER: Duration = Duration::from_secs(5);

/// Reads a component. One that says or shows that it is too large is refused as soon as it does.
pub(crate) async fn component(
    body: &mut Body,
    announced: Option<u64>,
    limits: &ApiLimits,
) -> Result<Bytes, ApiError> {
    let max = limits.component_bytes_max;
    if announced.is_some_and(|bytes| bytes > max as u64) {
        return Err(too_large(max));
    }
    let deadline = Instant::now() + limits.upload_time;
    // What was announced is not believed: memory is taken as the bytes come.
    let mut component = Vec::new();
    loop {
        let next = timeout_at(deadline, timeout(limits.upload_idle, body.frame()));
        let Ok(Ok(next)) = next.await else {
            return Err(ApiError::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the upload brought nothing for {} s, or took over {} s",
                    limits.upload_idle.as_secs(),
                    limits.upload_time.as_secs()
                ),
            ));
        };
        match next {
            None => return Ok(component.into()),
            Some(Err(error)) => {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    format!("the upload broke off: {error}"),
                ));
            }
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    if component.len() + data.len() > max {
                        return Err(too_large(max));
                    }
                    component.extend_from_slice(data);
                }
            }
        }
    }
}

fn too_large(max: usize) -> ApiError {
    let detail = format!("the component is over {max} bytes");
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, detail.clone()).with_problem(Problem {
        code: Code::TooLarge,
        detail,
    })
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

/// A body that is JSON of this shape.
pub(crate) fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, ApiError> {
    let body = body.map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
    serde_json::from_slice(&body).map_err(|error| {
        ApiError::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the body is not what is asked for: {error}"),
        )
    })
}

/// A query of this shape.
pub(crate) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, ApiError> {
    let Query(query) =
        query.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("the query: {error}")))?;
    Ok(query)
}
