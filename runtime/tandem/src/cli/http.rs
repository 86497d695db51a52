//! `tandem domain http` and `tandem secret`: what a domain's scenarios reach, and with what.

use std::io::Read as _;

use clap::{Args, Subcommand};
use serde_json::json;
use tandem_store::{HostPattern, SecretValue};

use super::{Context, Failure};
use crate::output::{self, Table};

/// Hosts that a domain's scenarios may send HTTP requests to; at first there are none.
#[derive(Debug, Args)]
pub struct Http {
    /// The domain
    #[arg(value_name = "DOMAIN")]
    name: String,
    #[command(subcommand)]
    action: HttpAction,
}

#[derive(Debug, Subcommand)]
enum HttpAction {
    /// Let scenarios reach a host
    Allow {
        /// A host name, all names beneath one (*.example.com), or an address; without a port: that of https or http
        #[arg(value_name = "HOST[:PORT]", value_parser = pattern)]
        host: HostPattern,
        /// It may be at an address that only this machine or network reaches, and get secrets in plain text
        #[arg(long)]
        private: bool,
    },
    /// Let them reach it no longer
    Deny {
        /// As it was allowed
        #[arg(value_name = "HOST[:PORT]", value_parser = pattern)]
        host: HostPattern,
    },
    /// List the hosts
    List,
}

pub(super) fn pattern(text: &str) -> Result<HostPattern, String> {
    text.parse()
        .map_err(|error: tandem_store::StoreError| error.to_string())
}

impl Http {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = store.domain_scope(&self.name).await?;
        let domain = scope.name();
        match &self.action {
            HttpAction::Allow { host, private } => {
                let allowed = store.allow_http(&scope, host, *private).await?;
                let how = if *private {
                    ", at private addresses too"
                } else {
                    ""
                };
                let line = format!("scenarios of {domain} may reach {host}{how}");
                output::say(context.json, &allowed, &line)?;
            }
            HttpAction::Deny { host } => {
                store.deny_http(&scope, host).await?;
                let line = format!("scenarios of {domain} reach {host} no longer");
                output::say(context.json, &json!({ "removed": host }), &line)?;
            }
            HttpAction::List => {
                let hosts = store.http_hosts(&scope).await?;
                output::print(context.json, &hosts, || {
                    let mut table = Table::new(["HOST", "PRIVATE", "SINCE"], "no hosts");
                    for host in &hosts {
                        let private = if host.private { "yes" } else { "no" };
                        table.row([
                            host.pattern.to_string(),
                            private.to_owned(),
                            host.created_at.to_string(),
                        ]);
                    }
                    table
                })?;
            }
        }
        store.close().await;
        Ok(())
    }
}

/// Secrets of a domain: scenarios send them and never see them.
#[derive(Debug, Subcommand)]
pub enum Secret {
    /// Set a secret to what comes on the standard input, without the line's end
    Set {
        /// The domain
        domain: String,
        /// What scenarios call it
        name: String,
        /// Send it to these hosts and no others
        #[arg(long = "host", value_name = "HOST[:PORT]", value_parser = pattern)]
        hosts: Vec<HostPattern>,
    },
    /// List the secrets, without their text
    List {
        /// The domain
        domain: String,
    },
    /// Remove a secret
    Remove {
        /// The domain
        domain: String,
        /// Its name
        name: String,
    },
}

impl Secret {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        match self {
            Self::Set { domain, name, hosts } => {
                let scope = store.domain_scope(domain).await?;
                let value = SecretValue::new(&typed()?)?;
                let entry = store.set_secret(&scope, name, &value, hosts).await?;
                let line = format!("secret {name} of {} set", scope.name());
                output::say(context.json, &entry, &line)?;
            }
            Self::List { domain } => {
                let scope = store.domain_scope(domain).await?;
                let secrets = store.secrets(&scope).await?;
                output::print(context.json, &secrets, || {
                    let mut table = Table::new(["NAME", "HOSTS", "SET"], "no secrets");
                    for secret in &secrets {
                        let hosts: Vec<String> = secret.hosts.iter().map(ToString::to_string).collect();
                        let hosts = if hosts.is_empty() {
                            "any".to_owned()
                        } else {
                            hosts.join(" ")
                        };
                        table.row([secret.name.clone(), hosts, secret.changed_at.to_string()]);
                    }
                    table
                })?;
            }
            Self::Remove { domain, name } => {
                let scope = store.domain_scope(domain).await?;
                store.remove_secret(&scope, name).await?;
                let line = format!("secret {name} removed");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
        }
        store.close().await;
        Ok(())
    }
}

/// One line of the standard input: a command line would be seen in lists of processes.
fn typed() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .take(64 << 10)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("the standard input: {error}")))?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
