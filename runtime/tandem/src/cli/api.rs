//! The HTTP API of a server, which may be another machine's, as commands use it.

use std::time::Duration;

use clap::Args;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use tandem_host_api::Problem;

use super::Failure;

/// An upload, its compilation and its answer.
const ANSWER_WITHIN: Duration = Duration::from_mins(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A stream says something every 15 seconds.
pub const STREAM_WITHIN: Duration = Duration::from_secs(45);
/// Where a token may be found, so that no list of processes shows it.
const TOKEN_VARIABLE: &str = "TANDEM_TOKEN";

/// Which server, and what opens it.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: Url,
    /// A token of the domain [default: the variable TANDEM_TOKEN]
    #[arg(long)]
    token: Option<String>,
}

/// What a server says that refuses (RFC 9457).
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    detail: String,
    #[serde(default)]
    problems: Vec<Problem>,
}

impl Server {
    /// The token, if there is one.
    pub fn token(&self) -> Option<String> {
        let variable = || {
            std::env::var(TOKEN_VARIABLE)
                .ok()
                .filter(|token| !token.is_empty())
        };
        self.token.clone().or_else(variable)
    }

    /// A client that shows the token.
    pub fn client(&self) -> Result<Api, Failure> {
        let token = self.token().ok_or_else(|| {
            Failure::Usage(format!(
                "a token is needed: --token, or the variable {TOKEN_VARIABLE}"
            ))
        })?;
        let mut builder = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            // A token goes where it was sent to, and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")));
        if self.server.scheme() == "http" {
            // No certificate will be looked at, so none need be found on this machine.
            builder = builder.tls_certs_only([]);
        }
        let client = builder
            .build()
            .map_err(|error| Failure::Failed(in_full(&error)))?;
        Ok(Api {
            server: self.server.clone(),
            token,
            client,
        })
    }
}

/// A server's API and what opens it.
#[derive(Clone)]
pub struct Api {
    server: Url,
    token: String,
    client: Client,
}

impl Api {
    /// The address of what lies under `/api/v1`.
    pub fn path(&self, segments: &[&str]) -> Result<Url, Failure> {
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage(format!("{} is no address of a server", self.server)))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(segments);
        Ok(url)
    }

    /// A request with the token.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.client.request(method, url).bearer_auth(&self.token)
    }

    /// Sends it, and gives the answer's JSON. A refusal is an error with all its problems, a line each.
    pub async fn answer(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let answer = self.accepted(request.timeout(ANSWER_WITHIN)).await?;
        let body = answer
            .bytes()
            .await
            .map_err(|error| Failure::Failed(in_full(&error)))?;
        serde_json::from_slice(&body)
            .map_err(|error| Failure::Failed(format!("the server's answer is not understood: {error}")))
    }

    /// Sends it, and gives the answer, whose body may go on for long and says something within [`STREAM_WITHIN`];
    /// refusals as in [`Self::answer`].
    pub async fn stream(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = tokio::time::timeout(STREAM_WITHIN, self.accepted(request)).await;
        answer.map_err(|_| Failure::Failed("the server does not answer".to_owned()))?
    }

    async fn accepted(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let answer = request
            .send()
            .await
            .map_err(|error| Failure::Failed(in_full(&error)))?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer
            .bytes()
            .await
            .map_err(|error| Failure::Failed(in_full(&error)))?;
        let refusal = serde_json::from_slice(&body).unwrap_or(Refusal {
            detail: "no reason given".to_owned(),
            problems: Vec::new(),
        });
        let mut lines = vec![format!("the server refuses ({status}): {}", refusal.detail)];
        lines.extend(refusal.problems.iter().map(ToString::to_string));
        let told = lines.join("\n");
        Err(match status {
            StatusCode::NOT_FOUND => Failure::NotFound(told),
            _ => Failure::Failed(told),
        })
    }
}

/// An error with its causes: reqwest keeps them to itself.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
