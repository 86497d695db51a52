//! `tandem user`

use std::io::Read as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use tandem_store::{DomainScope, NewUser, Store};

use super::{Context, DomainArg, Failure};
use crate::demo;
use crate::output::{self, Table};

mod import;

/// Longest password that is read.
const PASSWORD_BYTES_MAX: u64 = 1_024;

/// Users of a domain.
#[derive(Debug, Args)]
pub struct User {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user; its random password is printed once
    Add {
        /// Its name, which is its extension
        name: String,
        /// What people read
        #[arg(long, default_value = "", value_name = "TEXT")]
        display_name: String,
        /// Read the password from the standard input instead
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make all users of a CSV file, or none; their passwords are printed once
    ///
    /// The first line names the columns: name, display_name, numbers, password, of which name must be there. Commas,
    /// semicolons or tabs part the fields, spaces the numbers. Who has no password gets one. A file with anything wrong
    /// is refused with all that is, by line.
    Import {
        /// The file; `-`: the standard input
        file: PathBuf,
        /// Only look at the file
        #[arg(long)]
        dry_run: bool,
    },
    /// List the users
    List,
    /// Remove a user
    Remove {
        /// Its name
        name: String,
    },
    /// Give a user another password; a random one is printed once
    Password {
        /// Its name
        name: String,
        /// Read the password from the standard input instead
        #[arg(long)]
        password_stdin: bool,
    },
}

impl User {
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
                display_name,
                password_stdin,
            } => {
                let realm = store.domain(scope).await?.realm;
                let password = Password::choose(*password_stdin)?;
                let new = NewUser {
                    name: name.clone(),
                    display_name: display_name.clone(),
                    credentials: demo::credentials(name, &realm, &password.text),
                };
                store.create_user(scope, &new).await?;
                password.tell(context, name, scope, "made")?;
            }
            Self::Import { file, dry_run } => import::import(context, store, scope, file, *dry_run).await?,
            Self::List => {
                let users = store.users(scope).await?;
                output::print(context.json, &users, || {
                    let mut table = Table::new(["NAME", "DISPLAY NAME", "CREATED"], "no users");
                    for user in &users {
                        table.row([
                            user.name.clone(),
                            user.display_name.clone(),
                            user.created_at.to_string(),
                        ]);
                    }
                    table
                })?;
            }
            Self::Remove { name } => {
                store.delete_user(scope, name).await?;
                output::say(
                    context.json,
                    &json!({ "removed": name }),
                    &format!("user {name} removed"),
                )?;
            }
            Self::Password { name, password_stdin } => {
                let realm = store.domain(scope).await?.realm;
                let password = Password::choose(*password_stdin)?;
                let credentials = demo::credentials(name, &realm, &password.text);
                store.set_user_credentials(scope, name, &credentials).await?;
                password.tell(context, name, scope, "has a new password")?;
            }
        }
        Ok(())
    }
}

/// A password, and whether we chose it: then it is shown, this once.
struct Password {
    text: String,
    chosen: bool,
}

impl Password {
    fn choose(from_stdin: bool) -> Result<Self, Failure> {
        if !from_stdin {
            return Ok(Self {
                text: demo::random_password(),
                chosen: true,
            });
        }
        let mut text = String::new();
        std::io::stdin()
            .take(PASSWORD_BYTES_MAX)
            .read_to_string(&mut text)?;
        text.truncate(text.trim_end_matches(['\r', '\n']).len());
        if text.is_empty() {
            return Err(Failure::Usage(
                "the password on the standard input is empty".to_owned(),
            ));
        }
        Ok(Self { text, chosen: false })
    }

    fn tell(&self, context: &Context, name: &str, scope: &DomainScope, what: &str) -> Result<(), Failure> {
        let mut shown = json!({ "name": name, "domain": scope.name() });
        let mut line = format!("user {name}@{} {what}", scope.name());
        if self.chosen {
            if let Some(object) = shown.as_object_mut() {
                object.insert("password".to_owned(), self.text.clone().into());
            }
            line.push_str("; password (shown this once): ");
            line.push_str(&self.text);
        }
        Ok(output::say(context.json, &shown, &line)?)
    }
}
