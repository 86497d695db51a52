//! `tandem scenario push`: a new version by the HTTP API of a server, which may be another machine's.

use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, Server};
use super::{Context, Failure, component, sign};
use crate::output;

/// Give a component to a running server; the token has the scope scenarios:write.
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
    #[command(flatten)]
    server: Server,
}

impl Push {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let api = self.server.client()?;
        let version = upload(
            &api,
            &self.file,
            &self.name,
            &self.note,
            self.signature.as_deref(),
        )
        .await?;
        let hash = version.get("hash").and_then(Value::as_str).unwrap_or_default();
        let mut line = format!("scenario {} has version {hash}", self.name);
        let mut shown = json!({ "version": version });
        if let Some(number) = &self.activate {
            let activated = activate(&api, number, &self.name, hash).await?;
            line = format!("{line}\n{number} starts it");
            if let Some(shown) = shown.as_object_mut() {
                shown.insert("number".to_owned(), activated);
            }
        }
        Ok(output::say(context.json, &shown, &line)?)
    }
}

/// Uploads a component as the newest version of a scenario, which it gives.
pub(super) async fn upload(
    api: &Api,
    file: &Path,
    name: &str,
    note: &str,
    signature: Option<&Path>,
) -> Result<Value, Failure> {
    let bytes = component::read(file)?;
    let signature = signature.map(sign::read_signature).transpose()?;
    let mut url = api.path(&["scenarios", name, "versions"])?;
    if !note.is_empty() {
        url.query_pairs_mut().append_pair("note", note);
    }
    let mut upload = api
        .request(Method::POST, url)
        .header("content-type", "application/wasm");
    if let Some(signature) = signature {
        upload = upload.header("tandem-signature", signature.to_string());
    }
    api.answer(upload.body(bytes)).await
}

/// Lets a number start this version from now on; the number as it is then.
pub(super) async fn activate(api: &Api, number: &str, name: &str, hash: &str) -> Result<Value, Failure> {
    let url = api.path(&["numbers", number, "activation"])?;
    let body = json!({ "version": hash, "scenario": name }).to_string();
    let activate = api
        .request(Method::PUT, url)
        .header("content-type", "application/json")
        .body(body);
    api.answer(activate).await
}
