//! `tandem replay`, also `tandem call replay`: one call against its record, or many against another version.

mod answer;
mod many;
mod show;

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use tandem_directory::Pattern;
use tandem_host_api::replay::{ReplayEnd, Report};
use tandem_host_api::{OpIndex, RecordedJournal, ReplayOptions, replay};
use tandem_store::{DomainScope, Store};

use super::{Context, DomainArg, Failure, call, scenario};
use crate::output;

/// Most calls of one `--last`.
const LAST_MOST: u32 = 1_000_000;
/// How much less than calls a replay matters that the server runs.
const BACKGROUND_NICE: i32 = 10;

/// Runs scenarios again, with the recorded answers in place of the world's: nothing outside is touched. Of one call it
/// prints each step, and what differs from the record; of many (`--last`) which would have gone differently, and where.
/// Exits with 4 where a scenario does something else than it did then.
#[derive(Debug, Args)]
pub struct Replay {
    /// The call's identifier
    #[arg(required_unless_present = "last", conflicts_with = "last")]
    id: Option<String>,
    /// Run this component instead of the version that the call ran
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Run this stored version instead, of the scenario that the call ran: its hash, or the first six digits or more
    #[arg(long, value_name = "HASH", conflicts_with_all = ["module", "last"])]
    version: Option<String>,
    /// Leave the machine to others, and use the server's compiled code: for replays that the server itself runs
    #[arg(long, hide = true, conflicts_with = "last")]
    background: bool,
    /// Answer step N with this instead: the digits of a collect step, the number or text of a step that gives one,
    /// or an outcome as `--json` shows it
    #[arg(long, value_name = "N=VALUE", conflicts_with = "last")]
    set: Vec<String>,
    /// Stop after this step
    #[arg(long, value_name = "N", conflicts_with = "last")]
    until: Option<u32>,
    /// Hash all linear memory at every step
    #[arg(long, conflicts_with = "last")]
    memory: bool,
    /// Replay the newest N calls that ran a scenario
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(LAST_MOST)))]
    last: Option<u32>,
    /// Of those to this number or pattern (as dialled, or as the entry point is written), such as 100 or 3XX
    #[arg(long, value_name = "PATTERN", requires = "last", value_parser = pattern)]
    number: Option<Pattern>,
    /// Of those that started then or later (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "last")]
    since: Option<Timestamp>,
    /// Of those that ran the scenario of this name
    #[arg(long, value_name = "NAME", requires = "last")]
    scenario: Option<String>,
}

/// `tandem replay`
#[derive(Debug, Args)]
pub struct TopLevel {
    #[command(flatten)]
    domain: DomainArg,
    #[command(flatten)]
    replay: Replay,
}

impl TopLevel {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        self.replay.run(context, &store, &scope).await?;
        store.close().await;
        Ok(())
    }
}

fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|error| error.to_string())
}

impl Replay {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        match (&self.id, self.last) {
            (Some(id), _) => self.one(context, store, scope, id).await,
            (None, Some(last)) => self.many(context, store, scope, last).await,
            (None, None) => Err(Failure::Usage("say which call, or --last N".to_owned())),
        }
    }

    async fn one(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
        id: &str,
    ) -> Result<(), Failure> {
        let call = call::find(store, scope, id).await?;
        let Some(bytes) = store.journal(scope, id).await? else {
            let journal = call::Journal::of(store, scope, id).await?;
            let words = format!("call {id} has no journal: {}", journal.words());
            return Err(Failure::NotFound(words));
        };
        let recorded = RecordedJournal::from_bytes(&bytes)
            .map_err(|error| Failure::Failed(format!("the journal of {id}: {error}")))?;
        let component = match (&self.module, &self.version) {
            (Some(path), _) => read(path)?,
            (None, Some(version)) => {
                let scenario = call.summary.scenario.as_deref().unwrap_or_default();
                let hash = store.version_of(scope, scenario, version).await?;
                store.module_bytes(scope, &hash).await?
            }
            (None, None) => store.module_bytes(scope, &recorded.header.module_hash).await?,
        };
        let engine = if self.background {
            let _ = rustix::process::nice(BACKGROUND_NICE); // where this is not allowed, they share
            scenario::engine_with(Some(context.data.join("compiled")))?
        } else {
            scenario::engine()?
        };
        let module = engine
            .load(&component)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        // Another version's call would have fallen back otherwise, or not at all.
        let fallback = match recorded.fell_back_to().filter(|_| !self.other()) {
            Some((_, hash)) => Some(
                engine
                    .load(&store.module_bytes(scope, hash).await?)
                    .map_err(|error| Failure::Failed(error.to_string()))?,
            ),
            None => None,
        };
        let set = self
            .set
            .iter()
            .map(|text| answer::answer(&recorded, text))
            .collect::<Result<Vec<_>, _>>()?;
        let changed = !set.is_empty() || self.until.is_some() || self.other();
        let options = ReplayOptions {
            set,
            until: self.until.map(OpIndex),
            memory_hashes: self.memory,
            fallback,
        };
        let report = replay(&engine, &module, &recorded, options);
        if let ReplayEnd::Refused(why) = &report.end {
            return Err(Failure::Failed(why.clone()));
        }
        let report = Report::new(&recorded, module.hash(), changed, &report);
        if context.json {
            output::write(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
        } else {
            output::print(false, &(), || show::steps(&report, self.memory))?;
            output::write(&show::verdict(&report))?;
            if !report.diff.is_empty() {
                output::write("\n")?;
                output::print(false, &(), || show::diff(&report.diff))?;
            }
        }
        if report.diverged {
            return Err(Failure::Diverged("the replay left the record".to_owned()));
        }
        Ok(())
    }
}

impl Replay {
    /// Whether another version than the call's is replayed.
    fn other(&self) -> bool {
        self.module.is_some() || self.version.is_some()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))
}
