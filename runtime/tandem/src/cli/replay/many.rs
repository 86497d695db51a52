//! `--last N`: recorded calls against another version, on all cores.
//!
//! Calls are read a page at a time, newest first, and their journals in portions of a few megabytes. A portion is one
//! piece of work for a thread: unpack, replay, find. There are as many pieces at once as cores, so memory does not grow
//! with the number of calls.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use tandem_host_api::replay::{Comparison, Finding};
use tandem_host_api::{Engine, EngineConfig, Module, RecordedJournal, ReplayOptions, replay};
use tandem_store::{CallCursor, CallFilter, CallSummary, DomainScope, PackedJournal, Store, StoreError};
use tokio::task::JoinSet;

use super::{Replay, read, show};
use crate::cli::{Context, Failure};
use crate::output;

/// Calls read at once.
const PAGE: u32 = 200;
/// A portion has at most so many journals,
const PORTION_CALLS: usize = 32;
/// and no more once it has so many bytes, as they are stored.
const PORTION_BYTES: usize = 1 << 20;
/// Threads, whatever the machine has: each holds a portion.
const THREADS_MAX: usize = 16;

/// A call that a thread is to replay.
struct Work {
    call: String,
    journal: PackedJournal,
    module: Module,
}

/// What became of it.
struct Done {
    call: String,
    found: Result<Finding, String>,
}

/// A comparison, as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    comparison: &'a Comparison,
    wall_ms: u64,
}

impl Replay {
    pub(super) async fn many(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
        last: u32,
    ) -> Result<(), Failure> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = threads.min(THREADS_MAX);
        let mut modules = Modules::new(threads, self, store, scope)?;
        let mut portions = Portions::new(threads, modules.engine.clone());
        let began = Instant::now();
        let mut pages = Pages::new(self, store, scope, last);
        while let Some(calls) = pages.next().await? {
            for call in calls {
                match store.packed_journal(scope, &call.id).await? {
                    None => portions.comparison.add_missing(),
                    Some(journal) => match modules.module(&call).await? {
                        Err(why) => portions.comparison.add_unreadable(&call.id, why),
                        Ok(module) => {
                            let call = call.id;
                            portions
                                .add(Work {
                                    call,
                                    journal,
                                    module,
                                })
                                .await?;
                        }
                    },
                }
            }
        }
        let comparison = portions.finish().await?;
        if comparison.calls == 0 {
            return Err(Failure::NotFound(format!("no such calls in {}", scope.name())));
        }
        let wall = began.elapsed();
        if context.json {
            let shown = Shown {
                comparison: &comparison,
                wall_ms: u64::try_from(wall.as_millis()).unwrap_or(u64::MAX),
            };
            output::write(&format!("{}\n", serde_json::to_string_pretty(&shown)?))?;
        } else {
            output::print(false, &(), || show::groups(&comparison))?;
            output::write(&show::summary(&comparison, wall.as_secs_f64()))?;
        }
        if comparison.is_same() {
            return Ok(());
        }
        let differ = comparison.different + comparison.failed;
        Err(Failure::Diverged(format!(
            "{differ} calls would have gone differently"
        )))
    }
}

/// The calls to replay, newest first.
struct Pages<'a> {
    replay: &'a Replay,
    store: &'a Store,
    scope: &'a DomainScope,
    left: usize,
    /// Where the next page begins; none: at the newest call.
    before: Option<CallCursor>,
    /// There is no further page.
    over: bool,
}

impl<'a> Pages<'a> {
    fn new(replay: &'a Replay, store: &'a Store, scope: &'a DomainScope, last: u32) -> Self {
        Self {
            replay,
            store,
            scope,
            left: last as usize,
            before: None,
            over: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Vec<CallSummary>>, Failure> {
        if self.over || self.left == 0 {
            return Ok(None);
        }
        let filter = CallFilter {
            since: self.replay.since,
            scenario: self.replay.scenario.clone(),
            limit: Some(PAGE),
            before: self.before.take(),
            ..CallFilter::default()
        };
        let page = self.store.calls(self.scope, &filter).await?;
        self.over = page.next.is_none();
        self.before = page.next;
        let mut calls = page.calls;
        calls.retain(|call| call.scenario_hash.is_some() && self.matches(call));
        calls.truncate(self.left);
        self.left -= calls.len();
        Ok(Some(calls))
    }

    fn matches(&self, call: &CallSummary) -> bool {
        self.replay.number.as_ref().is_none_or(|pattern| {
            pattern.matches(&call.to_number) || call.entry_point.as_deref() == Some(pattern.as_str())
        })
    }
}

/// The versions to replay with.
struct Modules<'a> {
    engine: Engine,
    store: &'a Store,
    scope: &'a DomainScope,
    /// The one that stands for all.
    given: Option<Module>,
    /// Versions that cannot be had, and why.
    gone: HashMap<String, String>,
}

impl<'a> Modules<'a> {
    fn new(
        threads: usize,
        replay: &Replay,
        store: &'a Store,
        scope: &'a DomainScope,
    ) -> Result<Self, Failure> {
        let config = EngineConfig {
            instances_max: threads as u32,
            ..EngineConfig::default()
        };
        let engine = Engine::new(config).map_err(|error| Failure::Failed(error.to_string()))?;
        let load = |path: &PathBuf| {
            engine
                .load(&read(path)?)
                .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))
        };
        let given = replay.module.as_ref().map(load).transpose()?;
        Ok(Self {
            engine,
            store,
            scope,
            given,
            gone: HashMap::new(),
        })
    }

    /// The version that a call is replayed with; the inner error: it cannot be had.
    async fn module(&mut self, call: &CallSummary) -> Result<Result<Module, String>, Failure> {
        if let Some(given) = &self.given {
            return Ok(Ok(given.clone()));
        }
        let hash = call.scenario_hash.as_deref().unwrap_or_default();
        if let Some(module) = self.engine.cached(hash) {
            return Ok(Ok(module));
        }
        if let Some(why) = self.gone.get(hash) {
            return Ok(Err(why.clone()));
        }
        let loaded = match self.store.module_bytes(self.scope, hash).await {
            Ok(bytes) => self.engine.load(&bytes).map_err(|error| error.to_string()),
            Err(error @ (StoreError::NotFound { .. } | StoreError::Corrupt { .. })) => Err(error.to_string()),
            Err(error) => return Err(error.into()),
        };
        if let Err(why) = &loaded {
            self.gone.insert(hash.to_owned(), why.clone());
        }
        Ok(loaded)
    }
}

/// Work on its way to the threads, and what comes back.
struct Portions {
    threads: usize,
    engine: Engine,
    portion: Vec<Work>,
    portion_bytes: usize,
    working: JoinSet<Vec<Done>>,
    comparison: Comparison,
}

impl Portions {
    fn new(threads: usize, engine: Engine) -> Self {
        Self {
            threads,
            engine,
            portion: Vec::new(),
            portion_bytes: 0,
            working: JoinSet::new(),
            comparison: Comparison::default(),
        }
    }

    async fn add(&mut self, work: Work) -> Result<(), Failure> {
        self.portion_bytes += work.journal.len_bytes();
        self.portion.push(work);
        if self.portion.len() >= PORTION_CALLS || self.portion_bytes >= PORTION_BYTES {
            self.begin().await?;
        }
        Ok(())
    }

    /// Gives the portion to a thread; waits for one where all are at work.
    async fn begin(&mut self) -> Result<(), Failure> {
        if self.working.len() >= self.threads {
            self.take_one().await?;
        }
        let (engine, portion) = (self.engine.clone(), std::mem::take(&mut self.portion));
        self.portion_bytes = 0;
        self.working.spawn_blocking(move || {
            portion
                .into_iter()
                .map(|work| replay_one(&engine, work))
                .collect()
        });
        Ok(())
    }

    async fn take_one(&mut self) -> Result<bool, Failure> {
        let Some(done) = self.working.join_next().await else {
            return Ok(false);
        };
        for Done { call, found } in done.map_err(|error| Failure::Failed(error.to_string()))? {
            match found {
                Ok(finding) => self.comparison.add(&call, finding),
                Err(why) => self.comparison.add_unreadable(&call, why),
            }
        }
        Ok(true)
    }

    async fn finish(mut self) -> Result<Comparison, Failure> {
        self.begin().await?;
        while self.take_one().await? {}
        self.comparison.sort();
        Ok(self.comparison)
    }
}

fn replay_one(engine: &Engine, work: Work) -> Done {
    let Work {
        call,
        journal,
        module,
    } = work;
    let read = journal
        .unpack()
        .map_err(|error| error.to_string())
        .and_then(|bytes| RecordedJournal::from_bytes(&bytes).map_err(|error| error.to_string()));
    let found = read.map(|recorded| {
        let report = replay(engine, &module, &recorded, ReplayOptions::default());
        Finding::of(&recorded, &report)
    });
    Done { call, found }
}
