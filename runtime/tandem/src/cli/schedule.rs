//! `tandem schedule`: opening hours and holidays that scenarios look up.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde_json::json;
use tandem_host_api::op::ScheduleState;
use tandem_host_api::schedule::{Schedule as Hours, Written};
use tandem_store::{DomainScope, Store};

use super::{Context, Failure};
use crate::output::{self, Table};

/// Opening hours and holidays of a domain, by name.
#[derive(Debug, Subcommand)]
pub enum Schedule {
    /// Set a schedule to what a file says, in TOML, or in JSON where its name ends in .json
    Set {
        /// The domain
        domain: String,
        /// What scenarios call it
        name: String,
        /// The file
        file: PathBuf,
    },
    /// List the schedules, and what each says now
    List {
        /// The domain
        domain: String,
    },
    /// Print a schedule as TOML
    Show {
        /// The domain
        domain: String,
        /// Its name
        name: String,
    },
    /// Delete a schedule
    Delete {
        /// The domain
        domain: String,
        /// Its name
        name: String,
    },
    /// Say whether it is open at a time
    Test {
        /// The domain
        domain: String,
        /// Its name
        name: String,
        /// In the domain's time zone, such as 2026-12-24T10:00, or exactly, such as 2026-12-24T10:00:00Z [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
}

impl Schedule {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let (Self::Set { domain, .. }
        | Self::List { domain }
        | Self::Show { domain, .. }
        | Self::Delete { domain, .. }
        | Self::Test { domain, .. }) = self;
        let scope = store.domain_scope(domain).await?;
        self.act(context, &store, &scope).await?;
        store.close().await;
        Ok(())
    }

    async fn act(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        match self {
            Self::Set { name, file, .. } => {
                let hours = read(file)?;
                let document = serde_json::to_string(&hours)?;
                let entry = store.set_schedule(scope, name, &document).await?;
                let line = format!("schedule {name} of {} set", scope.name());
                output::say(context.json, &entry, &line)?;
            }
            Self::List { .. } => {
                let zone = zone(store, scope).await?;
                let mut listed = Vec::new();
                for entry in store.schedules(scope).await? {
                    let hours = stored(store, scope, &entry.name).await?;
                    let says = Said::of(&hours, Timestamp::now(), &zone);
                    listed.push((entry, says));
                }
                let shown: Vec<_> = listed
                    .iter()
                    .map(|(entry, says)| json!({ "schedule": entry, "now": says.json() }))
                    .collect();
                output::print(context.json, &shown, || {
                    let mut table = Table::new(["NAME", "NOW", "UNTIL", "SET"], "no schedules");
                    for (entry, says) in &listed {
                        let entry = entry.clone();
                        table.row([
                            entry.name,
                            says.state(),
                            says.until(),
                            entry.changed_at.to_string(),
                        ]);
                    }
                    table
                })?;
            }
            Self::Show { name, .. } => {
                let written = Written::from(stored(store, scope, name).await?);
                let text = toml::to_string(&written)
                    .map_err(|error| Failure::Failed(format!("the schedule cannot be shown: {error}")))?;
                output::say(context.json, &written, text.trim_end())?;
            }
            Self::Delete { name, .. } => {
                store.delete_schedule(scope, name).await?;
                let line = format!("schedule {name} deleted");
                output::say(context.json, &json!({ "removed": name }), &line)?;
            }
            Self::Test { name, at, .. } => {
                let zone = zone(store, scope).await?;
                let at = match at {
                    Some(text) => moment(text, &zone)?,
                    None => Timestamp::now(),
                };
                let says = Said::of(&stored(store, scope, name).await?, at, &zone);
                let line = match says.until.as_ref() {
                    Some(until) => format!("{} until {}", says.state(), until.strftime("%F %R")),
                    None => format!("{}, and no change within a year", says.state()),
                };
                output::say(context.json, &says.json(), &line)?;
            }
        }
        Ok(())
    }
}

/// What a schedule says of a moment.
struct Said {
    state: ScheduleState,
    until: Option<Zoned>,
}

impl Said {
    fn of(hours: &Hours, at: Timestamp, zone: &TimeZone) -> Self {
        let status = hours.status(at, zone);
        let until = status
            .until_ms
            .and_then(|ms| Timestamp::from_millisecond(ms as i64).ok());
        Self {
            state: status.state,
            until: until.map(|until| until.to_zoned(zone.clone())),
        }
    }

    fn state(&self) -> String {
        match &self.state {
            ScheduleState::Open => "open".to_owned(),
            ScheduleState::Closed => "closed".to_owned(),
            ScheduleState::Holiday(name) => format!("holiday ({name})"),
        }
    }

    fn until(&self) -> String {
        self.until.as_ref().map_or_else(
            || "for a year at least".to_owned(),
            |until| until.strftime("%F %R").to_string(),
        )
    }

    fn json(&self) -> serde_json::Value {
        let (state, holiday) = match &self.state {
            ScheduleState::Open => ("open", None),
            ScheduleState::Closed => ("closed", None),
            ScheduleState::Holiday(name) => ("holiday", Some(name)),
        };
        json!({ "state": state, "holiday": holiday, "until": self.until.as_ref().map(jiff::Zoned::timestamp) })
    }
}

fn read(file: &Path) -> Result<Hours, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))?;
    let is_json = file
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let read = if is_json {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    read.map_err(|error| Failure::Usage(format!("{}: {}", file.display(), error.trim_end())))
}

async fn stored(store: &Store, scope: &DomainScope, name: &str) -> Result<Hours, Failure> {
    let text = store.schedule(scope, name).await?;
    let text = text.ok_or_else(|| Failure::NotFound(format!("no schedule `{name}` in {}", scope.name())))?;
    Ok(serde_json::from_str(&text)?)
}

async fn zone(store: &Store, scope: &DomainScope) -> Result<TimeZone, Failure> {
    let name = store.domain(scope).await?.time_zone;
    TimeZone::get(&name).map_err(|error| Failure::Failed(format!("the domain's time zone: {error}")))
}

fn moment(text: &str, zone: &TimeZone) -> Result<Timestamp, Failure> {
    if let Ok(exact) = text.parse() {
        return Ok(exact);
    }
    let local: Result<DateTime, _> = text.parse();
    local
        .and_then(|local| local.to_zoned(zone.clone()))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| Failure::Usage(format!("`{text}` is no time: write it as 2026-12-24T10:00")))
}
