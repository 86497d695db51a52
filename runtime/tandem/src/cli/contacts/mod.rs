//! `tandem contacts`: the address book that scenarios look into.

mod csv;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use tandem_host_api::numbers::{significant, tail};
use tandem_store::{Contact, DomainScope, Store};

use super::{Context, Failure};
use crate::drive::services::closest;
use crate::output::{self, Table};

/// Longest file that is read, in bytes.
const FILE_MAX: u64 = 32 << 20;

/// The address book of a domain.
#[derive(Debug, Subcommand)]
pub enum Contacts {
    /// Take contacts out of a CSV file, all of them or none
    #[command(after_help = csv::HELP)]
    Import {
        /// The domain
        domain: String,
        /// The file, in UTF-8
        file: PathBuf,
        /// Remove the contacts that are not in the file
        #[arg(long)]
        replace: bool,
    },
    /// List contacts by name
    List {
        /// The domain
        domain: String,
        /// Those that have these words in their name, company, email or numbers
        #[arg(long, value_name = "TEXT", default_value = "")]
        search: String,
        /// How many at most
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=50_000))]
        limit: u32,
    },
    /// Find out who has a number, as a scenario would
    Find {
        /// The domain
        domain: String,
        /// The number, however it is written
        number: String,
    },
    /// Remove the contacts of a name
    Remove {
        /// The domain
        domain: String,
        /// The name
        name: String,
    },
    /// Remove all contacts
    Clear {
        /// The domain
        domain: String,
        /// Remove them indeed
        #[arg(long)]
        yes: bool,
    },
}

impl Contacts {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let (Self::Import { domain, .. }
        | Self::List { domain, .. }
        | Self::Find { domain, .. }
        | Self::Remove { domain, .. }
        | Self::Clear { domain, .. }) = self;
        let scope = store.domain_scope(domain).await?;
        self.act(context, &store, &scope).await?;
        store.close().await;
        Ok(())
    }

    async fn act(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        match self {
            Self::Import { file, replace, .. } => {
                let contacts = csv::contacts(&read(file)?)
                    .map_err(|error| Failure::Usage(format!("{}:{error}", file.display())))?;
                let written = store.put_contacts(scope, &contacts, *replace).await?;
                let line = format!(
                    "{} has {} contacts: {} new, {} replaced",
                    scope.name(),
                    written.present,
                    written.added,
                    written.replaced
                );
                output::say(context.json, &written, &line)?;
            }
            Self::List { search, limit, .. } => {
                show(context, &store.search_contacts(scope, search, 0, *limit).await?)?;
            }
            Self::Find { number, .. } => {
                let digits = significant(number);
                let found = store.contacts_by_tail(scope, tail(&digits)).await?;
                let found = closest(found, &digits).ok_or_else(|| {
                    Failure::NotFound(format!("nobody in {} has the number {number}", scope.name()))
                })?;
                show(context, &[found])?;
            }
            Self::Remove { name, .. } => {
                let removed = store.remove_contacts(scope, Some(name)).await?;
                let line = format!("{removed} removed");
                output::say(context.json, &json!({ "removed": removed }), &line)?;
            }
            Self::Clear { yes, .. } => {
                if !yes {
                    return Err(Failure::Usage(format!(
                        "to remove all contacts of {}, say --yes",
                        scope.name()
                    )));
                }
                let removed = store.remove_contacts(scope, None).await?;
                let line = format!("{removed} removed");
                output::say(context.json, &json!({ "removed": removed }), &line)?;
            }
        }
        Ok(())
    }
}

fn show(context: &Context, contacts: &[Contact]) -> Result<(), Failure> {
    output::print(context.json, contacts, || {
        let mut table = Table::new(["NAME", "COMPANY", "NUMBERS", "EMAIL"], "no contacts");
        for contact in contacts {
            let numbers = contact.numbers.iter().map(|number| match number.label.as_str() {
                "" => number.number.clone(),
                label => format!("{label} {}", number.number),
            });
            table.row([
                contact.name.clone(),
                contact.company.clone(),
                numbers.collect::<Vec<_>>().join(", "),
                contact.email.clone(),
            ]);
        }
        table
    })?;
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("{}: {error}", file.display()));
    let length = file.metadata().map_err(|e| wrong(&e))?.len();
    if length > FILE_MAX {
        return Err(wrong(&format!(
            "it has {length} bytes, at most {FILE_MAX} are read"
        )));
    }
    std::fs::read_to_string(file).map_err(|e| wrong(&e))
}
