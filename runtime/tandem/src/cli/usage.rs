//! `tandem usage`

use std::collections::BTreeMap;

use clap::Args;
use jiff::civil::Date;
use jiff::{ToSpan as _, Zoned};

use super::{Context, Failure};
use crate::output::{self, Table};

/// What a domain used, by day (UTC)
#[derive(Debug, Args)]
pub struct Usage {
    /// The domain's name
    name: String,
    /// From this day on, such as 2026-11-01 [default: 30 days ago]
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
}

impl Usage {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let today = Zoned::now().date();
        let since = self.since.unwrap_or_else(|| today.saturating_sub(30.days()));
        let store = context.store().await?;
        let scope = store.domain_scope(&self.name).await?;
        let days = store.usage(&scope, Some(since)).await?;
        output::print(context.json, &days, || {
            let mut table = Table::new(["DAY", "WHAT", "AMOUNT"], "nothing was used");
            for day in &days {
                let amounts: &BTreeMap<String, u64> = &day.amounts;
                for (what, amount) in amounts {
                    table.row([day.day.to_string(), what.clone(), amount.to_string()]);
                }
            }
            table
        })?;
        store.close().await;
        Ok(())
    }
}
