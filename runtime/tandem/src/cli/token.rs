//! `tandem token`: what opens a domain's HTTP API.

use std::time::Duration;

use clap::{Args, Subcommand};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;
use tandem_store::{DomainScope, Secret, Store, TokenScope};

use super::{Context, DomainArg, Failure};
use crate::config::parse_duration;
use crate::output::{self, Table};

/// Tokens of a domain, for its HTTP API.
#[derive(Debug, Args)]
pub struct Token {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a token; it is printed once
    Add {
        /// What it is called
        name: String,
        /// What it lets do, of scenarios:read, scenarios:write, calls:read, voicemail:read, voicemail:write, users:read,
        /// users:write, domain:read, domain:write. With domain:write it may make administrators and other tokens
        #[arg(
            long,
            value_name = "SCOPE,…",
            value_delimiter = ',',
            value_parser = scope,
            default_values = ["scenarios:read", "scenarios:write"]
        )]
        scopes: Vec<TokenScope>,
        /// How long it is good, such as 90d [default: for ever]
        #[arg(long, value_name = "TIME", value_parser = time)]
        expires: Option<Duration>,
    },
    /// List the tokens, without their text
    List,
    /// Remove a token: it opens nothing from now on
    Remove {
        /// Its name
        name: String,
    },
}

fn scope(text: &str) -> Result<TokenScope, String> {
    TokenScope::named(text).ok_or_else(|| {
        let known: Vec<&str> = TokenScope::ALL.iter().map(|scope| scope.as_str()).collect();
        format!("there are {}", known.join(", "))
    })
}

fn time(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "it is a time with its unit, such as 90d or 12h".to_owned())
}

impl Token {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        self.action.run(context, &store, &scope).await?;
        store.close().await;
        Ok(())
    }
}

impl Action {
    async fn run(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        match self {
            Self::Add {
                name,
                scopes,
                expires,
            } => {
                let secret = Secret::new(StdRng::from_os_rng().random());
                let token = store.add_token(scope, name, scopes, *expires, &secret).await?;
                let shown = json!({ "token": secret.reveal(), "domain": scope.name(), "is": token });
                let line = format!("token {name} (shown this once): {}", secret.reveal());
                output::say(context.json, &shown, &line)?;
            }
            Self::List => {
                let tokens = store.tokens(scope).await?;
                output::print(context.json, &tokens, || {
                    let columns = ["NAME", "SCOPES", "CREATED", "EXPIRES", "LAST USED"];
                    let mut table = Table::new(columns, "no tokens");
                    for token in &tokens {
                        let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.as_str()).collect();
                        let or = |time: Option<jiff::Timestamp>, never: &str| {
                            time.map_or_else(|| never.to_owned(), |time| time.to_string())
                        };
                        table.row([
                            token.name.clone(),
                            scopes.join(","),
                            token.created_at.to_string(),
                            or(token.expires_at, "never"),
                            or(token.last_used_at, "never"),
                        ]);
                    }
                    table
                })?;
            }
            Self::Remove { name } => {
                store.remove_token(scope, name).await?;
                let line = format!("token {name} removed");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
        }
        Ok(())
    }
}
