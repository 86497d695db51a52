//! `tandem account`: who logs in to administer.

use clap::{Args, Subcommand};
use serde_json::json;
use tandem_store::accounts::Home;
use tandem_store::{AccountChange, NewAccount, Role, Store};
use tandem_web::password::{self, PasswordError};

use super::{Context, Failure};
use crate::demo::random_password;
use crate::output::{self, Table};

/// Accounts of people who administer.
#[derive(Debug, Args)]
pub struct Account {
    /// Whose accounts [default: the system's]
    #[arg(long, value_name = "DOMAIN", global = true)]
    domain: Option<String>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account; a password that was not given is printed once
    Add {
        /// Its name; people log in as NAME, or NAME@DOMAIN
        name: String,
        /// What it may do: administrator, supervisor or user; of the system: system
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// The domain's user that it is, with --role user
        #[arg(long)]
        user: Option<String>,
        /// What people read
        #[arg(long, default_value = "")]
        display_name: String,
        /// Its password [default: one is made]
        #[arg(long)]
        password: Option<String>,
    },
    /// List the accounts
    List,
    /// Set a new password, which ends the account's sessions
    Password {
        /// The login: NAME, or NAME@DOMAIN
        login: String,
        /// The password [default: one is made]
        #[arg(long)]
        password: Option<String>,
    },
    /// Remove an account, and end its sessions
    Remove {
        /// The login: NAME, or NAME@DOMAIN
        login: String,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("there are {}", known.join(", "))
    })
}

/// A password and its hash.
fn hashed(password: Option<&String>) -> Result<(String, String), Failure> {
    let password = password.cloned().unwrap_or_else(random_password);
    let hash = password::hash(&password).map_err(|error| match error {
        PasswordError::Length => Failure::Usage(error.to_string()),
        PasswordError::Failed(_) => Failure::Failed(error.to_string()),
    })?;
    Ok((password, hash))
}

impl Account {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = match &self.domain {
            Some(domain) => Some(store.domain_scope(domain).await?),
            None => None,
        };
        self.action.run(context, &store, scope.as_ref()).await?;
        store.close().await;
        Ok(())
    }
}

impl Action {
    async fn run(&self, context: &Context, store: &Store, home: Home<'_>) -> Result<(), Failure> {
        match self {
            Self::Add {
                name,
                role,
                user,
                display_name,
                password,
            } => {
                let role = role.unwrap_or(if home.is_some() {
                    Role::Administrator
                } else {
                    Role::System
                });
                let (password, hash) = hashed(password.as_ref())?;
                let new = NewAccount {
                    name,
                    display_name,
                    role,
                    user: user.as_deref(),
                    password: &hash,
                };
                let made = store.add_account(home, &new).await?;
                let line = format!("account {} (shown this once): {password}", made.login);
                output::say(
                    context.json,
                    &json!({ "account": made, "password": password }),
                    &line,
                )?;
            }
            Self::List => {
                let accounts = store.accounts(home).await?;
                output::print(context.json, &accounts, || {
                    let columns = ["LOGIN", "ROLE", "USER", "NAME", "BLOCKED", "LAST LOGIN"];
                    let mut table = Table::new(columns, "no accounts");
                    for account in &accounts {
                        let last = account.last_login_at;
                        table.row([
                            account.login.clone(),
                            account.role.as_str().to_owned(),
                            account.user.clone().unwrap_or_default(),
                            account.display_name.clone(),
                            if account.blocked { "yes" } else { "no" }.to_owned(),
                            last.map_or_else(|| "never".to_owned(), |time| time.to_string()),
                        ]);
                    }
                    table
                })?;
            }
            Self::Password { login, password } => {
                let (password, hash) = hashed(password.as_ref())?;
                let change = AccountChange {
                    password: Some(&hash),
                    ..AccountChange::default()
                };
                store.set_account(home, login, &change).await?;
                let line = format!("account {login} (shown this once): {password}");
                output::say(
                    context.json,
                    &json!({ "login": login, "password": password }),
                    &line,
                )?;
            }
            Self::Remove { login } => {
                store.remove_account(home, login).await?;
                output::say(
                    context.json,
                    &json!({ "removed": login }),
                    &format!("account {login} removed"),
                )?;
            }
        }
        Ok(())
    }
}
