//! `tandem timer`: what scenarios have set to be started later.

use clap::Subcommand;
use serde_json::json;

use super::{Context, Failure};
use crate::output::{self, Table};

/// Timers of a domain that wait: its scenarios set them.
#[derive(Debug, Subcommand)]
pub enum Timer {
    /// List the timers that wait, in the order in which they are due
    List {
        /// The domain
        domain: String,
    },
    /// Take a timer away
    Cancel {
        /// The domain
        domain: String,
        /// Its name
        name: String,
    },
}

impl Timer {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let (Self::List { domain } | Self::Cancel { domain, .. }) = self;
        let scope = store.domain_scope(domain).await?;
        match self {
            Self::List { .. } => {
                let timers = store.timers(&scope).await?;
                output::print(context.json, &timers, || {
                    let columns = ["NAME", "DUE", "STARTS", "BYTES", "SET"];
                    let mut table = Table::new(columns, "no timers");
                    for timer in &timers {
                        table.row([
                            timer.name.clone(),
                            timer.due_at.to_string(),
                            timer.entry_point.clone(),
                            timer.data.len().to_string(),
                            timer.set_at.to_string(),
                        ]);
                    }
                    table
                })?;
            }
            Self::Cancel { name, .. } => {
                store.cancel_timer(&scope, name).await?;
                let line = format!("timer {name} cancelled");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
        }
        store.close().await;
        Ok(())
    }
}
