//! `tandem domain key`, `signatures` and `grants`: what a domain takes as a scenario.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tandem_host_api::Grants;
use tandem_store::PublicKey;

use super::{Context, DomainArg, Failure};
use crate::output::{self, Table};

/// Keys whose signatures on scenarios a domain takes.
#[derive(Debug, Args)]
pub struct Key {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: KeyAction,
}

#[derive(Debug, Subcommand)]
enum KeyAction {
    /// Take this key's signatures
    Add {
        /// What it is called
        name: String,
        /// The public key, as `tandem scenario keygen` prints it
        public_key: String,
    },
    /// List the keys
    List,
    /// Take a key's signatures no longer
    Remove {
        /// Its name
        name: String,
    },
}

impl Key {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        match &self.action {
            KeyAction::Add { name, public_key } => {
                let key: PublicKey = public_key.parse()?;
                let added = store.add_signing_key(&scope, name, &key).await?;
                let line = format!("key {name} added to {}", scope.name());
                output::say(context.json, &added, &line)?;
            }
            KeyAction::List => {
                let keys = store.signing_keys(&scope).await?;
                output::print(context.json, &keys, || {
                    let mut table = Table::new(["NAME", "PUBLIC KEY", "ADDED"], "no keys");
                    for key in &keys {
                        let key = key.clone();
                        table.row([key.name, key.public_key, key.created_at.to_string()]);
                    }
                    table
                })?;
            }
            KeyAction::Remove { name } => {
                store.remove_signing_key(&scope, name).await?;
                let line = format!("key {name} removed");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
        }
        store.close().await;
        Ok(())
    }
}

/// Whether a domain takes scenarios without a signature.
#[derive(Debug, Args)]
pub struct Signatures {
    #[command(flatten)]
    domain: DomainArg,
    /// Without it, what holds is shown
    policy: Option<Policy>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Policy {
    /// A scenario is taken with a good signature only
    Required,
    /// A signature that is there must be good
    Optional,
}

impl Signatures {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        if let Some(policy) = self.policy {
            store
                .set_signed_only(&scope, matches!(policy, Policy::Required))
                .await?;
        }
        let required = store.signed_only(&scope).await?;
        let word = if required { "required" } else { "optional" };
        let line = format!("signatures on scenarios of {} are {word}", scope.name());
        output::say(context.json, &json!({ "signatures": word }), &line)?;
        store.close().await;
        Ok(())
    }
}

/// What a domain's scenarios may import.
#[derive(Debug, Args)]
pub struct GrantsArgs {
    #[command(flatten)]
    domain: DomainArg,
    /// These interfaces and no others, such as leg,dial,key-value
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    only: Option<Vec<String>>,
    /// Every interface, those of later releases too
    #[arg(long, conflicts_with = "only")]
    all: bool,
}

impl GrantsArgs {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        if let Some(only) = &self.only {
            let grants = Grants::only(only).map_err(Failure::Usage)?;
            store.set_grants(&scope, grants.names()).await?;
        } else if self.all {
            store.set_grants(&scope, None).await?;
        }
        let grants = store.grants(&scope).await?;
        let names = grants
            .as_ref()
            .map_or_else(|| "every interface".to_owned(), |names| names.join(", "));
        let line = format!("scenarios of {} may import {names}", scope.name());
        output::say(context.json, &json!({ "grants": grants }), &line)?;
        store.close().await;
        Ok(())
    }
}
