//! `tandem domain`

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use tandem_store::{DomainChange, Keep, NewDomain};

use super::limits::{self, DomainLimits};
use super::{ConfigArgs, Context, Failure, archive, http, trust};
use crate::config::{ByteSize, duration_text, parse_duration};
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
        /// In which texts are spoken that name no language: a tag such as `ru`
        #[arg(long, default_value = "en", value_name = "TAG")]
        language: String,
        /// Without scenarios and numbers
        #[arg(long)]
        empty: bool,
    },
    /// Change a domain
    Set {
        /// Its name
        name: String,
        /// An IANA time zone
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
        /// In which texts are spoken that name no language: a tag such as `ru`
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
        /// How long after a call's end its journal is kept: a time such as 30d, or `never` for no removal
        #[arg(long, value_name = "TIME", value_parser = keep)]
        keep_journals: Option<Keep>,
        /// How long after its end a call's record is kept: a time such as 365d, or `never` for no removal
        #[arg(long, value_name = "TIME", value_parser = keep)]
        keep_calls: Option<Keep>,
        /// What those who wait on hold hear: a WAV or MP3 file, which is copied, or `none` for the melody of ours
        #[arg(long, value_name = "FILE")]
        music: Option<PathBuf>,
        /// Whom mails of its scenarios are from: an address such as `Example <pbx@example.com>`, or `none` for
        /// `mail.sender` of the configuration
        #[arg(long, value_name = "ADDRESS", value_parser = sender)]
        mail_sender: Option<String>,
        /// Whether nobody of it can register, call or log in: `true` or `false`. Calls in progress go on
        #[arg(long, value_name = "WHETHER")]
        blocked: Option<bool>,
    },
    /// List all domains
    List,
    /// Show a domain with what it owns
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Remove a domain with its users, numbers, scenarios, call records, recordings and prompts
    Remove {
        /// Its name
        name: String,
        /// Remove it indeed
        #[arg(long)]
        yes: bool,
    },
    Export(archive::Export),
    Import(archive::Import),
    Limits(DomainLimits),
    /// Keys whose signatures on scenarios the domain takes
    Key(trust::Key),
    /// Whether the domain takes scenarios without a signature
    Signatures(trust::Signatures),
    /// What the domain's scenarios may import
    Grants(trust::GrantsArgs),
    /// Hosts that the domain's scenarios may send HTTP requests to
    Http(http::Http),
}

impl Domain {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Export(export) => export.run(context).await?,
            Self::Import(import) => import.run(context).await?,
            Self::Limits(limits) => limits.run(context).await?,
            Self::Key(key) => key.run(context).await?,
            Self::Signatures(signatures) => signatures.run(context).await?,
            Self::Grants(grants) => grants.run(context).await?,
            Self::Http(http) => http.run(context).await?,
            Self::Add {
                name,
                realm,
                time_zone,
                language,
                empty,
            } => {
                let store = context.new_store().await?;
                let new = NewDomain {
                    name: name.clone(),
                    realm: realm.clone(),
                    time_zone: time_zone.clone(),
                    language: language.clone(),
                };
                let domain = store.create_domain(&new).await?;
                if !empty {
                    let scope = store.domain_scope(&domain.name).await?;
                    stock::install(&store, &scope).await?;
                }
                output::say(context.json, &domain, &format!("domain {} made", domain.name))?;
                store.close().await;
            }
            Self::Set {
                name,
                time_zone,
                language,
                keep_journals,
                keep_calls,
                music,
                mail_sender,
                blocked,
            } => {
                let change = DomainChange {
                    time_zone: time_zone.as_deref(),
                    language: language.as_deref(),
                    keep_journals: *keep_journals,
                    keep_calls: *keep_calls,
                    mail_sender: mail_sender.as_deref(),
                    blocked: *blocked,
                };
                let unchanged = (change.time_zone, change.keep_journals, change.keep_calls)
                    == (None, None, None)
                    && change.language.is_none()
                    && change.mail_sender.is_none()
                    && change.blocked.is_none();
                if unchanged && music.is_none() {
                    return Err(Failure::Usage(
                        "say what to change: --time-zone, --language, --keep-journals, --keep-calls, --music, \
                         --mail-sender or --blocked"
                            .to_owned(),
                    ));
                }
                let store = context.store().await?;
                let scope = store.domain_scope(name).await?;
                if let Some(music) = music {
                    set_music(&context.data, &store.domain(&scope).await?.name, music)?;
                }
                let domain = if unchanged {
                    store.domain(&scope).await?
                } else {
                    store.set_domain(&scope, &change).await?
                };
                output::say(context.json, &domain, &format!("domain {} changed", domain.name))?;
                store.close().await;
            }
            Self::List => {
                let store = context.store().await?;
                let domains = store.domains().await?;
                output::print(context.json, &domains, || {
                    let columns = [
                        "NAME",
                        "REALM",
                        "TIME ZONE",
                        "LANGUAGE",
                        "KEEPS JOURNALS",
                        "KEEPS CALLS",
                        "CREATED",
                    ];
                    let mut table = Table::new(columns, "no domains");
                    for domain in &domains {
                        let domain = domain.clone();
                        table.row([
                            domain.name,
                            domain.realm,
                            domain.time_zone,
                            domain.language,
                            kept(domain.keep.journals),
                            kept(domain.keep.calls),
                            domain.created_at.to_string(),
                        ]);
                    }
                    table
                })?;
                store.close().await;
            }
            Self::Show { name, config } => {
                let config = config.load()?;
                let store = context.store().await?;
                let scope = store.domain_scope(name).await?;
                let domain = store.domain(&scope).await?;
                let (users, numbers) = (store.users(&scope).await?, store.activations(&scope).await?);
                let modules = store.modules(&scope).await?;
                let taken = store.kv_taken(&scope).await?;
                let shown = json!({
                    "domain": domain, "users": users, "numbers": numbers, "scenarios": modules,
                    "limits": limits::as_json(&config, &domain.limits),
                    "key_value": { "bytes": taken.bytes, "keys": taken.keys },
                });
                output::print(context.json, &shown, || {
                    let mut table = Table::new(["WHAT", "VALUE"], "");
                    table.row(["name".into(), domain.name.clone()]);
                    table.row(["realm".into(), domain.realm.clone()]);
                    table.row(["time zone".into(), domain.time_zone.clone()]);
                    table.row(["language".into(), domain.language.clone()]);
                    table.row(["keeps journals".into(), kept(domain.keep.journals)]);
                    table.row(["keeps calls".into(), kept(domain.keep.calls)]);
                    let sender = domain.mail_sender.clone();
                    table.row([
                        "mail sender".into(),
                        sender.unwrap_or_else(|| "the server's".into()),
                    ]);
                    if domain.blocked {
                        table.row(["blocked".into(), "yes".into()]);
                    }
                    table.row(["created".into(), domain.created_at.to_string()]);
                    table.row(["users".into(), users.len().to_string()]);
                    table.row(["numbers".into(), numbers.len().to_string()]);
                    table.row(["scenario versions".into(), modules.len().to_string()]);
                    let pairs = format!("{} keys, {}", taken.keys, ByteSize(taken.bytes));
                    table.row(["key-value store".into(), pairs]);
                    for [name, value] in limits::rows(&config, &domain.limits) {
                        table.row([format!("limit: {name}"), value]);
                    }
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

/// Copies a domain's music to where the media gate looks, or takes it away. Calls on hold hear it from the next round on.
fn set_music(data: &Path, domain: &str, file: &Path) -> Result<(), Failure> {
    let folder = data.join("prompts").join(domain);
    let place = folder.join(tandem_gate::MUSIC_FILE);
    let failed = |error: std::io::Error| Failure::Usage(format!("{}: {error}", place.display()));
    if file.as_os_str() == "none" {
        return match std::fs::remove_file(&place) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        };
    }
    let read = std::fs::read(file).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let wav = tandem_gate::prompt_sound(&read)
        .map_err(|why| Failure::Usage(format!("{} cannot be played: {why}", file.display())))?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    // A call that reads it meanwhile has the whole of the old one.
    let new = place.with_extension("wav.new");
    std::fs::write(&new, wav).map_err(failed)?;
    std::fs::rename(&new, &place).map_err(failed)
}

/// Empty: none of its own.
fn sender(text: &str) -> Result<String, String> {
    if text == "none" {
        return Ok(String::new());
    }
    match text.parse::<lettre::message::Mailbox>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(format!(
            "expected an address such as pbx@example.com or Example <pbx@example.com>: {error}"
        )),
    }
}

pub(super) fn keep(text: &str) -> Result<Keep, String> {
    if text == "never" {
        return Ok(Keep::ForEver);
    }
    parse_duration(text)
        .map(Keep::For)
        .ok_or_else(|| "expected a time with its unit such as 30d or 12h, or never".to_owned())
}

/// For how long, in words.
pub(super) fn kept(keep: Option<Duration>) -> String {
    keep.map_or_else(|| "for ever".to_owned(), duration_text)
}
