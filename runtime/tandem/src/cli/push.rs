//! `tandem scenario push`: a new version by the HTTP API of a server, which may be another machine's.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};
use tandem_host_api::Problem;

use super::{Context, Failure, component, sign};
use crate::output;

/// An upload, its compilation and its answer.
const UPLOAD_WITHIN: Duration = Duration::from_mins(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Where a token may be found, so that no list of processes shows it.
const TOKEN_VARIABLE: &str = "TANDEM_TOKEN";

/// Give a component to a running server.
#[derive(Debug, Args)]
pub struct Push {
    /// The component's file
    file: PathBuf,
    /// The scenario's name
    #[arg(long)]
    name: String,
    /// What there is to say of this version
    #[arg(long, default_value = "", value_name = "TEXT")]
    note: String,
    /// Its signature, as `tandem scenario sign` writes it
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Let this number start it from now on
    #[arg(long, value_name = "NUMBER")]
    activate: Option<String>,
    /// The server's address
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    server: Url,
    /// A token with the scope scenarios:write [default: the variable TANDEM_TOKEN]
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

impl Push {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let token = self.token.clone().or_else(|| std::env::var(TOKEN_VARIABLE).ok());
        let token = token.ok_or_else(|| {
            Failure::Usage(format!(
                "a token is needed: --token, or the variable {TOKEN_VARIABLE}"
            ))
        })?;
        let bytes = component::read(&self.file)?;
        let signature = self.signature.as_deref().map(sign::read_signature).transpose()?;
        let client = client(&self.server)?;

        let mut url = self.path(&["scenarios", &self.name, "versions"])?;
        if !self.note.is_empty() {
            url.query_pairs_mut().append_pair("note", &self.note);
        }
        let mut upload = client
            .request(Method::POST, url)
            .header("content-type", "application/wasm");
        if let Some(signature) = signature {
            upload = upload.header("tandem-signature", signature.to_string());
        }
        let version = answer(upload.bearer_auth(&token).body(bytes)).await?;
        let hash = version.get("hash").and_then(Value::as_str).unwrap_or_default();
        let mut line = format!("scenario {} has version {hash}", self.name);
        let mut shown = json!({ "version": version });

        if let Some(number) = &self.activate {
            let url = self.path(&["numbers", number, "activation"])?;
            let body = json!({ "version": hash, "scenario": self.name }).to_string();
            let activate = client
                .request(Method::PUT, url)
                .header("content-type", "application/json")
                .bearer_auth(&token)
                .body(body);
            let activated = answer(activate).await?;
            line = format!("{line}\n{number} starts it");
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("number".to_owned(), activated);
            }
        }
        Ok(output::say(context.json, &shown, &line)?)
    }

    fn path(&self, segments: &[&str]) -> Result<Url, Failure> {
        let mut url = self.server.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::Usage(format!("{} is no address of a server", self.server)))?
            .pop_if_empty()
            .extend(["api", "v1"])
            .extend(segments);
        Ok(url)
    }
}

fn client(server: &Url) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(UPLOAD_WITHIN)
        // A token goes where it was sent to, and nowhere else.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")));
    if server.scheme() == "http" {
        // No certificate will be looked at, so none need be found on this machine.
        builder = builder.tls_certs_only([]);
    }
    builder.build().map_err(|error| Failure::Failed(in_full(&error)))
}

/// Sends it, and gives the answer's JSON. A refusal is an error with all its problems, a line each.
async fn answer(request: RequestBuilder) -> Result<Value, Failure> {
    let answer = request
        .send()
        .await
        .map_err(|error| Failure::Failed(in_full(&error)))?;
    let status = answer.status();
    let body = answer
        .bytes()
        .await
        .map_err(|error| Failure::Failed(in_full(&error)))?;
    if status.is_success() {
        return serde_json::from_slice(&body)
            .map_err(|error| Failure::Failed(format!("the server's answer is not understood: {error}")));
    }
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

/// An error with its causes: reqwest keeps them to itself.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(": ");
        told.push_str(&error.to_string());
        cause = error.source();
    }
    told
}
