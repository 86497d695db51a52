//! `tandem number`: what a dialled number leads to, a scenario or a user.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;
use tandem_directory::StartedBy;
use tandem_store::{Activation, DomainScope, NewEntryPoint, Store, StoreError, UserNumber};

use super::activation::{Activate, FallbackArgs, TryCanary, Which, fallback, tried};
use super::{Context, DomainArg, Failure};
use crate::output::{self, Table};
use crate::stock;

/// Numbers of a domain, and the scenarios or users that they lead to.
#[derive(Debug, Args)]
pub struct Number {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let a number start a scenario, or ring a user
    Add {
        /// A number, or a pattern: 3XX, 0*, or * for what nothing else takes. web:/PATH is started by requests to
        /// /s/DOMAIN/PATH, event:call-ended by each call's end, event:every-5m by time
        number: String,
        /// The scenario that it starts, by name: one that was added, or a stock one
        #[arg(long, value_name = "NAME", required_unless_present = "user")]
        scenario: Option<String>,
        /// The user that it rings, besides its extension
        #[arg(long, value_name = "NAME", conflicts_with_all = ["scenario", "version", "settings", "title", "fallback"])]
        user: Option<String>,
        /// The scenario's version, by its hash or the first six digits of it or more [default: the newest]
        #[arg(long, value_name = "HASH")]
        version: Option<String>,
        /// What the scenario is told: a JSON file, such as a flow
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// What people call it
        #[arg(long, default_value = "", value_name = "TEXT")]
        title: String,
        #[command(flatten)]
        fallback: FallbackArgs,
    },
    /// List the numbers
    List,
    /// Remove a number
    Remove {
        /// The number or pattern as it was added
        number: String,
    },
    Activate(Activate),
    Canary(TryCanary),
    /// Let all new calls start the version that is tried
    Promote(Which),
    /// End what is tried, else return to the version before
    Rollback(Which),
    /// Show what happened to a number's versions, newest first
    History(Which),
}

impl Number {
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
                number,
                user: Some(user),
                ..
            } => {
                let added = store.add_user_number(scope, number, user).await?;
                output::say(context.json, &added, &format!("{number} leads to user {user}"))?;
            }
            Self::Add {
                number,
                scenario,
                user: None,
                version,
                settings,
                title,
                fallback,
            } => {
                StartedBy::parse(number).map_err(|error| Failure::Usage(error.to_string()))?;
                let config = match settings {
                    Some(path) => std::fs::read_to_string(path)
                        .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
                    None => "{}".to_owned(),
                };
                let new = NewEntryPoint {
                    title: title.clone(),
                    hash: version.clone(),
                    config,
                    fallback: fallback.read()?,
                    ..NewEntryPoint::new(number.clone(), scenario.clone().unwrap_or_default())
                };
                if version.is_none() {
                    stock::provide(store, scope, &new.module).await?;
                }
                let added = store.add_entry_point(scope, &new).await?;
                let line = format!("{number} starts {} {}", added.module, short(&added.hash));
                output::say(context.json, &added, &line)?;
            }
            Self::List => {
                let mut numbers: Vec<Listed> = store
                    .activations(scope)
                    .await?
                    .into_iter()
                    .map(|activation| Listed::Scenario(Box::new(activation)))
                    .collect();
                numbers.extend(store.user_numbers(scope).await?.into_iter().map(Listed::User));
                output::print(context.json, &numbers, || table(&numbers))?;
            }
            Self::Remove { number } => {
                match store.remove_entry_point(scope, number).await {
                    Err(StoreError::NotFound { .. }) => store.remove_user_number(scope, number).await?,
                    other => other?,
                }
                output::say(
                    context.json,
                    &json!({ "removed": number }),
                    &format!("number {number} removed"),
                )?;
            }
            Self::Activate(activate) => activate.run(context, store, scope).await?,
            Self::Canary(canary) => canary.run(context, store, scope).await?,
            Self::Promote(which) => which.promote(context, store, scope).await?,
            Self::Rollback(which) => which.roll_back(context, store, scope).await?,
            Self::History(which) => which.history(context, store, scope).await?,
        }
        Ok(())
    }
}

/// A number and what it leads to.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Listed {
    Scenario(Box<Activation>),
    User(UserNumber),
}

fn table(numbers: &[Listed]) -> Table {
    let columns = [
        "NUMBER", "TITLE", "LEADS TO", "VERSION", "CANARY", "FALLBACK", "CREATED",
    ];
    let mut table = Table::new(columns, "no numbers");
    for listed in numbers {
        match listed {
            Listed::Scenario(activation) => {
                let entry = &activation.entry_point;
                table.row([
                    entry.number.clone(),
                    entry.title.clone(),
                    format!("scenario {}", entry.module),
                    short(&entry.hash),
                    activation.canary.as_ref().map(tried).unwrap_or_default(),
                    fallback(activation),
                    entry.created_at.to_string(),
                ]);
            }
            Listed::User(number) => {
                let leads_to = format!("user {}", number.user);
                let none = String::new;
                table.row([
                    number.number.clone(),
                    none(),
                    leads_to,
                    none(),
                    none(),
                    none(),
                    none(),
                ]);
            }
        }
    }
    table
}

/// Enough of a hash to tell versions apart.
pub fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
