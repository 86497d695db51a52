//! `tandem domain`

use clap::Subcommand;
use serde_json::json;
use tandem_store::NewDomain;

use super::{Context, Failure, trust};
use crate::output::{self, Table};
use crate::stock;

/// Domains: the tenants.
#[derive(Debug, Subcommand)]
pub enum Domain {
    /// Make a domain, with the stock scenarios and extensions that can be dialled
    Add {
        /// Its name: the host part of its SIP addresses
        name: String,
        /// The digest realm [default: the name]
        #[arg(long)]
        realm: Option<String>,
        /// An IANA time zone
        #[arg(long, default_value = "UTC", value_name = "ZONE")]
        time_zone: String,
        /// Without scenarios and numbers
        #[arg(long)]
        empty: bool,
    },
    /// List all domains
    List,
    /// Show a domain with what it owns
    Show {
        /// Its name
        name: String,
    },
    /// Remove a domain with its users, numbers, scenarios and call records
    Remove {
        /// Its name
        name: String,
        /// Remove it indeed
        #[arg(long)]
        yes: bool,
    },
    /// Keys whose signatures on scenarios the domain takes
    Key(trust::Key),
    /// Whether the domain takes scenarios without a signature
    Signatures(trust::Signatures),
    /// What the domain's scenarios may import
    Grants(trust::GrantsArgs),
}

impl Domain {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Key(key) => key.run(context).await?,
            Self::Signatures(signatures) => signatures.run(context).await?,
            Self::Grants(grants) => grants.run(context).await?,
            Self::Add {
                name,
                realm,
                time_zone,
                empty,
            } => {
                let store = context.new_store().await?;
                let new = NewDomain {
                    name: name.clone(),
                    realm: realm.clone(),
                    time_zone: time_zone.clone(),
                };
                let domain = store.create_domain(&new).await?;
                if !empty {
                    let scope = store.domain_scope(&domain.name).await?;
                    stock::install(&store, &scope).await?;
                }
                output::say(context.json, &domain, &format!("domain {} made", domain.name))?;
                store.close().await;
            }
            Self::List => {
                let store = context.store().await?;
                let domains = store.domains().await?;
                output::print(context.json, &domains, || {
                    let mut table = Table::new(["NAME", "REALM", "TIME ZONE", "CREATED"], "no domains");
                    for domain in &domains {
                        let domain = domain.clone();
                        table.row([
                            domain.name,
                            domain.realm,
                            domain.time_zone,
                            domain.created_at.to_string(),
                        ]);
                    }
                    table
                })?;
                store.close().await;
            }
            Self::Show { name } => {
                let store = context.store().await?;
                let scope = store.domain_scope(name).await?;
                let domain = store.domain(&scope).await?;
                let (users, numbers) = (store.users(&scope).await?, store.entry_points(&scope).await?);
                let modules = store.modules(&scope).await?;
                let shown =
                    json!({ "domain": domain, "users": users, "numbers": numbers, "scenarios": modules });
                output::print(context.json, &shown, || {
                    let mut table = Table::new(["WHAT", "VALUE"], "");
                    table.row(["name".into(), domain.name.clone()]);
                    table.row(["realm".into(), domain.realm.clone()]);
                    table.row(["time zone".into(), domain.time_zone.clone()]);
                    table.row(["created".into(), domain.created_at.to_string()]);
                    table.row(["users".into(), users.len().to_string()]);
                    table.row(["numbers".into(), numbers.len().to_string()]);
                    table.row(["scenario versions".into(), modules.len().to_string()]);
                    table
                })?;
                store.close().await;
            }
            Self::Remove { name, yes } => {
                let store = context.store().await?;
                let scope = store.domain_scope(name).await?;
                if !yes {
                    let users = store.users(&scope).await?.len();
                    return Err(Failure::Usage(format!(
                        "{name} has {users} users; to remove it with all it owns, say --yes"
                    )));
                }
                store.delete_domain(&scope).await?;
                output::say(
                    context.json,
                    &json!({ "removed": name }),
                    &format!("domain {name} removed"),
                )?;
                store.close().await;
            }
        }
        Ok(())
    }
}
