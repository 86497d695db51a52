//! `tandem number activate|canary|promote|rollback|history`: which version of its scenario a number starts.

use std::path::PathBuf;

use clap::Args;
use tandem_store::{
    Activation, Canary, CanaryChange, DomainScope, Event, HistoryEntry, NewFallback, Store, StoreError,
};

use super::number::short;
use super::{Context, Failure};
use crate::output::{self, Table};

/// Let all new calls start one version
#[derive(Debug, Args)]
pub struct Activate {
    /// The number or pattern as it was added
    number: String,
    /// The version, by its hash or the first six digits of it or more [default: the newest, or with --fallback the one
    /// that is active]
    #[arg(long, value_name = "HASH")]
    version: Option<String>,
    #[command(flatten)]
    fallback: FallbackArgs,
}

/// What takes over a call whose scenario fails.
#[derive(Debug, Args)]
pub struct FallbackArgs {
    /// What becomes of a call whose scenario fails. Another scenario takes it over as it stands: its name, or
    /// NAME@VERSION. Or its caller is refused: normal, busy, declined, not-found, forbidden, unavailable, congested, or
    /// a status from 400 to 699; that is also what a caller gets when the scenario that took over fails too
    #[arg(long, value_name = "SCENARIO[@VERSION]|CAUSE")]
    fallback: Option<String>,
    /// What the scenario that takes over is told: a JSON file, such as a flow
    #[arg(long, value_name = "FILE", requires = "fallback")]
    fallback_settings: Option<PathBuf>,
}

impl FallbackArgs {
    /// The fall-back to set; none: as it is.
    pub(super) fn read(&self) -> Result<Option<NewFallback>, Failure> {
        let Some(text) = &self.fallback else {
            return Ok(None);
        };
        let config = match &self.fallback_settings {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?,
            None => "{}".to_owned(),
        };
        match NewFallback::parse(text, config) {
            NewFallback::Cause(_) if self.fallback_settings.is_some() => Err(Failure::Usage(format!(
                "--fallback-settings are a scenario's, and {text} is a cause"
            ))),
            fallback => Ok(Some(fallback)),
        }
    }
}

/// Try a version with a share of the new calls, and take it back where it fails more often
#[derive(Debug, Args)]
pub struct TryCanary {
    /// The number or pattern as it was added
    number: String,
    /// The version, by its hash or the first six digits of it or more [default: the one that is tried, else the newest]
    #[arg(long, value_name = "HASH")]
    version: Option<String>,
    /// Its share of new calls in per cent, 1 to 99
    #[arg(long, value_name = "PERCENT")]
    share: Option<u8>,
    /// Failures are counted over so many of the latest calls of each version, 10 to 10000 [default: 100]
    #[arg(long, value_name = "CALLS")]
    window: Option<u32>,
    /// It may fail more often by so many percentage points, 0 to 100 [default: 5]
    #[arg(long, value_name = "POINTS")]
    margin: Option<u8>,
    /// It is not judged before so many of its calls are over [default: 20]
    #[arg(long, value_name = "CALLS")]
    fewest: Option<u32>,
    /// After so many of its calls all calls get it; 0: never by itself [default: 0]
    #[arg(long, value_name = "CALLS")]
    promote_after: Option<u32>,
    /// Try it no longer
    #[arg(long, conflicts_with_all = ["version", "share", "window", "margin", "fewest", "promote_after"])]
    off: bool,
}

/// An entry point.
#[derive(Debug, Args)]
pub struct Which {
    /// The number or pattern as it was added
    number: String,
}

impl Activate {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        let fallback = self.fallback.read()?;
        let mut done = None;
        if self.version.is_some() || fallback.is_none() {
            done = Some(
                store
                    .activate(scope, &self.number, self.version.as_deref())
                    .await?,
            );
        }
        if let Some(fallback) = &fallback {
            done = Some(store.set_fallback(scope, &self.number, fallback).await?);
        }
        done.map_or(Ok(()), |done| tell(context, &done))
    }
}

impl TryCanary {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        if self.off {
            return tell(context, &store.end_canary(scope, &self.number).await?);
        }
        let change = CanaryChange {
            version: self.version.clone(),
            share_percent: self.share,
            window: self.window,
            margin: self.margin,
            fewest: self.fewest,
            promote_after: self.promote_after,
        };
        tell(context, &store.set_canary(scope, &self.number, &change).await?)
    }
}

impl Which {
    pub(super) async fn promote(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        tell(context, &store.promote(scope, &self.number).await?)
    }

    pub(super) async fn roll_back(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        match store.roll_back(scope, &self.number).await {
            Err(StoreError::NotFound { what, .. }) if what != "entry point" => {
                Err(Failure::NotFound(format!(
                    "{} has neither a canary nor a version to return to: choose one with `tandem number activate`",
                    self.number
                )))
            }
            other => tell(context, &other?),
        }
    }

    pub(super) async fn history(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        let entries = store.activation_history(scope, &self.number).await?;
        Ok(output::print(context.json, &entries, || history(&entries))?)
    }
}

/// What a number starts from now on.
fn tell(context: &Context, now: &Activation) -> Result<(), Failure> {
    let entry = &now.entry_point;
    let tries = now
        .canary
        .as_ref()
        .map(|canary| format!(" and tries {}", tried(canary)));
    let before = now
        .previous
        .as_deref()
        .map(|hash| format!("; before: {}", short(hash)));
    let line = format!(
        "{} starts {} {}{}{}; falls back to {}",
        entry.number,
        entry.module,
        short(&entry.hash),
        tries.unwrap_or_default(),
        before.unwrap_or_default(),
        fallback(now)
    );
    Ok(output::say(context.json, now, &line)?)
}

/// What takes over, in a few words.
pub(super) fn fallback(activation: &Activation) -> String {
    let cause = &activation.entry_point.fallback_cause;
    match &activation.fallback {
        Some(fallback) => format!("{} {}, then {cause}", fallback.module, short(&fallback.hash)),
        None => cause.clone(),
    }
}

/// A canary in a few words.
pub(super) fn tried(canary: &Canary) -> String {
    format!("{} for {} %", short(&canary.hash), canary.share_percent)
}

fn history(entries: &[HistoryEntry]) -> Table {
    let columns = ["AT", "WHAT", "VERSION", "SHARE", "ACTIVE THEN", "BY", "WHY"];
    let mut table = Table::new(columns, "no history");
    for entry in entries {
        let share = entry.share_percent.map(|share| format!("{share} %"));
        table.row([
            entry.at.to_string(),
            words(entry.what).to_owned(),
            short(&entry.hash),
            share.unwrap_or_default(),
            short(&entry.active_hash),
            entry.by.as_str().to_owned(),
            entry.why.clone().unwrap_or_default(),
        ]);
    }
    table
}

fn words(event: Event) -> &'static str {
    match event {
        Event::Activated => "activated",
        Event::CanaryBegun => "canary begun",
        Event::CanaryChanged => "canary changed",
        Event::CanaryEnded => "canary ended",
        Event::RolledBack => "rolled back",
        Event::Promoted => "promoted",
        Event::FallbackChanged => "fall-back changed",
    }
}
