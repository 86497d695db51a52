//! What a refused request is told: `application/problem+json`, RFC 9457.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tandem_host_api::{Problem as ComponentProblem, Verdict};
use tandem_store::{StoreError, TokenScope};
use utoipa::ToSchema;

use crate::archive::Problems;

/// Why a request was refused.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    detail: String,
    /// Of a component, a flow or a file, all at once.
    problems: Vec<serde_json::Value>,
    problems_untold: u64,
    /// Of a form, by field.
    errors: Vec<FieldError>,
    code_needed: bool,
    headers: Vec<(HeaderName, String)>,
}

/// What is wrong with one field of a body.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FieldError {
    /// RFC 6901: `/name`.
    pointer: String,
    detail: String,
}

/// RFC 9457 §3. `type` is absent, which is `about:blank`: `title` is then the status in words (§4.2.1).
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
    /// Of a component, a flow or a file, all at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    problems: Vec<serde_json::Value>,
    /// More of them than are told.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    problems_untold: u64,
    /// Of a form, by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(inline, required = false)]
    errors: Vec<FieldError>,
    /// Of a login: send it again with the code of the second factor.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    code_needed: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            problems: Vec::new(),
            problems_untold: 0,
            errors: Vec::new(),
            code_needed: false,
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What is wrong, in words.
    pub(crate) fn words(&self) -> &str {
        &self.detail
    }

    /// The field of the body that is wrong, by its JSON pointer.
    pub(crate) fn at(mut self, pointer: &str, detail: impl Into<String>) -> Self {
        self.errors.push(FieldError {
            pointer: pointer.to_owned(),
            detail: detail.into(),
        });
        self
    }

    /// A value that the store refuses is shown at this field; what else went wrong, is not about a field.
    pub(crate) fn in_field(error: StoreError, pointer: &str) -> Self {
        let words = match &error {
            StoreError::Invalid { .. } | StoreError::TooLarge { .. } | StoreError::Exists { .. } => {
                error.to_string()
            }
            _ => return error.into(),
        };
        Self::from(error).at(pointer, words)
    }

    /// Nobody, or nobody that we know (RFC 6750 §3). A request without a token is not told that one was wrong.
    pub(crate) fn unknown(shown: bool) -> Self {
        let (detail, challenge) = if shown {
            (
                "the token is wrong or has expired",
                r#"Bearer realm="tandem", error="invalid_token""#,
            )
        } else {
            (
                "a token is needed: Authorization: Bearer TOKEN; people log in",
                r#"Bearer realm="tandem""#,
            )
        };
        Self::new(StatusCode::UNAUTHORIZED, detail).with(header::WWW_AUTHENTICATE, challenge.to_owned())
    }

    /// The password is right, and the account asks for a code as well.
    pub(crate) fn code_needed(detail: &str) -> Self {
        Self {
            code_needed: true,
            ..Self::new(StatusCode::UNAUTHORIZED, detail)
        }
    }

    /// Somebody who may not.
    pub(crate) fn not_for(scope: TokenScope) -> Self {
        let challenge = format!(r#"Bearer realm="tandem", error="insufficient_scope", scope="{scope}""#);
        Self::new(
            StatusCode::FORBIDDEN,
            format!("the token lacks the scope {scope}"),
        )
        .with(header::WWW_AUTHENTICATE, challenge)
    }

    /// Later, perhaps.
    pub(crate) fn busy(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::later(status, detail, 5)
    }

    pub(crate) fn later(status: StatusCode, detail: impl Into<String>, seconds: u64) -> Self {
        Self::new(status, detail).with(header::RETRY_AFTER, seconds.to_string())
    }

    /// A component that cannot run here.
    pub(crate) fn bad_component(verdict: &Verdict) -> Self {
        let number = verdict.problems.len() as u64 + verdict.problems_untold;
        Self {
            problems: values(&verdict.problems),
            problems_untold: verdict.problems_untold,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!("the component is no scenario that can run here: {number} problems"),
            )
        }
    }

    /// Who was wrong too often, and waits. `with` is what was wrong.
    pub(crate) fn too_often(with: &str, wait: Duration) -> Self {
        let detail = format!("too many wrong {with}");
        Self::later(StatusCode::TOO_MANY_REQUESTS, detail, wait.as_secs() + 1)
    }

    /// It brought more than is taken.
    pub(crate) fn is_too_large(&self) -> bool {
        self.status == StatusCode::PAYLOAD_TOO_LARGE
    }

    /// An archive of which no domain can be made.
    pub(crate) fn bad_archive(problems: &Problems) -> Self {
        Self {
            problems: values(&problems.told),
            problems_untold: problems.untold,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                format!(
                    "the file is no archive of a domain that can be imported: {} problems",
                    problems.number()
                ),
            )
        }
    }

    /// A flow with so many errors, which calls cannot run.
    pub(crate) fn bad_flow(errors: u64, problems: &[impl Serialize]) -> Self {
        Self {
            problems: values(problems),
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                match errors {
                    1 => "the flow cannot be run as it is: 1 error".to_owned(),
                    more => format!("the flow cannot be run as it is: {more} errors"),
                },
            )
        }
    }

    /// A file of users with problems, of which so many are not told.
    pub(crate) fn bad_user_file(problems: &[impl Serialize], untold: u64) -> Self {
        let number = problems.len() as u64 + untold;
        Self {
            problems: values(problems),
            problems_untold: untold,
            ..Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                match number {
                    1 => "nobody was made: the file has 1 problem".to_owned(),
                    more => format!("nobody was made: the file has {more} problems"),
                },
            )
        }
    }

    /// It was waited for long enough.
    pub(crate) fn is_timeout(&self) -> bool {
        self.status == StatusCode::REQUEST_TIMEOUT
    }

    /// One of a component that was not looked at.
    pub(crate) fn with_problem(mut self, problem: ComponentProblem) -> Self {
        self.problems.extend(values(&[problem]));
        self
    }
}

/// Problems as they are told. What cannot be JSON is none of them.
fn values(problems: &[impl Serialize]) -> Vec<serde_json::Value> {
    let told = problems.iter().map(serde_json::to_value);
    told.filter_map(Result::ok).collect()
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::NotFound { .. } => StatusCode::NOT_FOUND,
            StoreError::Exists { .. } | StoreError::InUse { .. } | StoreError::TooMany { .. } => {
                StatusCode::CONFLICT
            }
            StoreError::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            StoreError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            StoreError::Signature { .. } => StatusCode::FORBIDDEN,
            StoreError::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::Busy => return Self::busy(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            _ => {
                // Its words have paths of this server in them, which are not the caller's affair.
                tracing::error!(%error, "the store does not answer a request");
                return Self::busy(StatusCode::SERVICE_UNAVAILABLE, "the store does not answer");
            }
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = Problem {
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
            problems: self.problems,
            problems_untold: self.problems_untold,
            errors: self.errors,
            code_needed: self.code_needed,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
