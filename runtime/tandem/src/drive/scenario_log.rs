//! Hears what scenarios log and how runs fail, and brings it to the store, where `tandem scenario logs` reads it.
//!
//! Lines wait in memory for a moment, so many of a domain at most: what comes faster is counted and dropped. What a process
//! that dies had not brought to the store is in the server's own log only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tandem_host_api::op::{Level, Op, OpIndex};
use tandem_host_api::{End, Reply, Switch};
use tandem_store::{EntryPoint, LogKind, LogLevel, NewLogLine, Store, StoreError};
use tandem_web::{Live, LogEvent};
use tokio::sync::{Notify, watch};

/// How long lines wait for others at most.
const WAIT: Duration = Duration::from_millis(100);
/// Lines of one domain that wait; each has some 4 KiB at most.
const WAITING_MOST: usize = 1_000;
/// Lines of all domains that wait.
const WAITING_MOST_OF_ALL: usize = 8_000;
/// Functions of a trap's backtrace that are told.
const FRAMES_MOST: usize = 16;

/// Where lines go; a clone is another hold on the same.
#[derive(Clone)]
pub struct ScenarioLog {
    shared: Arc<Shared>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    some: Notify,
    /// Counts writes to the store: whoever follows the log reads on then.
    written: watch::Sender<u64>,
    /// Told of what is logged, and of the steps of calls.
    live: Live,
}

#[derive(Default)]
struct Waiting {
    domains: HashMap<String, Lines>,
    lines: usize,
}

#[derive(Default)]
struct Lines {
    kept: Vec<NewLogLine>,
    dropped: u64,
}

impl Default for ScenarioLog {
    fn default() -> Self {
        Self::telling(Live::default())
    }
}

impl ScenarioLog {
    /// Tells `live` what is logged, too.
    pub fn telling(live: Live) -> Self {
        let shared = Shared {
            waiting: Mutex::default(),
            some: Notify::new(),
            written: watch::Sender::new(0),
            live,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The log of one run of an entry point's scenario.
    pub fn of_run(&self, domain: &str, run: &str, entry: &EntryPoint) -> RunLog {
        RunLog {
            log: self.clone(),
            source: Arc::new(Source {
                domain: domain.to_owned(),
                run: run.to_owned(),
                entry_point: entry.number.clone(),
                scenario: entry.module.clone(),
                hash: entry.hash.clone(),
            }),
        }
    }

    /// Changes when lines have come to the store.
    pub fn written(&self) -> watch::Receiver<u64> {
        self.shared.written.subscribe()
    }

    fn note(&self, domain: &str, line: NewLogLine) {
        let event = LogEvent {
            scenario: &line.scenario,
            level: line.level.as_str(),
            text: &line.text,
            call: &line.run,
        };
        self.shared.live.logged(domain, event);
        let waiting = &mut *self.lock();
        let room = waiting.lines < WAITING_MOST_OF_ALL;
        let lines = waiting.domains.entry(domain.to_owned()).or_default();
        if room && lines.kept.len() < WAITING_MOST {
            lines.kept.push(line);
            waiting.lines += 1;
        } else {
            lines.dropped += 1;
        }
        self.shared.some.notify_one();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.shared.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings what waits to the store. What it does not take is in the server's own log only.
    pub async fn write(&self, store: &Store) {
        let taken = std::mem::take(&mut *self.lock());
        if taken.domains.is_empty() {
            return;
        }
        for (domain, Lines { mut kept, dropped }) in taken.domains {
            if dropped > 0 {
                kept.push(dropped_line(dropped));
            }
            let added = match store.domain_scope(&domain).await {
                Ok(scope) => store.add_log(&scope, &kept).await,
                Err(error) => Err(error),
            };
            match added {
                Ok(()) | Err(StoreError::NotFound { .. }) => (), // it was deleted, and its log with it
                Err(error) => {
                    let lines = kept.len();
                    tracing::warn!(%domain, lines, %error, "lines of scenarios' logs could not be stored");
                }
            }
        }
        self.shared.written.send_modify(|written| *written += 1);
    }

    /// As [`Self::write`], again and again.
    pub async fn write_on(self, store: Store) {
        loop {
            self.shared.some.notified().await;
            tokio::time::sleep(WAIT).await;
            self.write(&store).await;
        }
    }
}

fn dropped_line(dropped: u64) -> NewLogLine {
    NewLogLine {
        at: Timestamp::now(),
        level: LogLevel::Warn,
        kind: LogKind::Dropped,
        run: String::new(),
        entry_point: String::new(),
        scenario: String::new(),
        scenario_hash: String::new(),
        text: format!("{dropped} lines came faster than they are kept, and were dropped"),
    }
}

struct Source {
    domain: String,
    run: String,
    entry_point: String,
    scenario: String,
    hash: String,
}

/// One run's log; a clone is another hold on the same.
#[derive(Clone)]
pub struct RunLog {
    log: ScenarioLog,
    source: Arc<Source>,
}

impl RunLog {
    /// The same switch, which is listened to: what the scenario logs is noted.
    pub fn hear(&self, switch: Box<dyn Switch>) -> Box<dyn Switch> {
        Box::new(Heard {
            log: self.clone(),
            switch,
        })
    }

    /// Notes how the run ended, where that was not well.
    pub fn ended(&self, end: &End) {
        match end {
            End::Returned | End::CallOver => (),
            End::Trapped { backtrace, .. } => {
                let mut text = super::off_call::failure(end).unwrap_or_default();
                for frame in backtrace.iter().take(FRAMES_MOST) {
                    text.push_str("\n  at ");
                    text.push_str(frame);
                }
                self.failed(text);
            }
            End::Failed(_) | End::OverBudget(_) | End::Refused(_) | End::Diverged(_) => {
                self.failed(super::off_call::failure(end).unwrap_or_default());
            }
        }
    }

    /// Notes a failure in words.
    pub fn failed(&self, text: String) {
        self.note(LogLevel::Error, LogKind::End, text);
    }

    fn note(&self, level: LogLevel, kind: LogKind, text: String) {
        let source = &self.source;
        let line = NewLogLine {
            at: Timestamp::now(),
            level,
            kind,
            run: source.run.clone(),
            entry_point: source.entry_point.clone(),
            scenario: source.scenario.clone(),
            scenario_hash: source.hash.clone(),
            text,
        };
        self.log.note(&source.domain, line);
    }

    fn hear_op(&self, op: &Op) {
        if let Op::Step { id, .. } = op {
            let (domain, run) = (&self.source.domain, &self.source.run);
            self.log.shared.live.call_at_step(domain, run, id);
        }
        let Op::Log { level, text } = op else {
            return;
        };
        let level = match level {
            Level::Debug => LogLevel::Debug,
            Level::Info => LogLevel::Info,
            Level::Warn => LogLevel::Warn,
            Level::Error => LogLevel::Error,
        };
        self.note(level, LogKind::Log, text.clone());
    }
}

struct Heard {
    log: RunLog,
    switch: Box<dyn Switch>,
}

impl Switch for Heard {
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.log.hear_op(op);
        self.switch.perform(index, op)
    }

    fn resume(&mut self, index: OpIndex, op: &Op) -> Reply {
        self.log.hear_op(op);
        self.switch.resume(index, op)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each domain has its own room: a storm of one takes nothing from another.
    #[test]
    fn a_storm_of_one_domain_is_counted_and_leaves_room_for_others() {
        let log = ScenarioLog::default();
        let line = || NewLogLine {
            text: "x".to_owned(),
            ..dropped_line(0)
        };
        for _ in 0..5_000 {
            log.note("loud.org", line());
        }
        log.note("calm.org", line());
        let waiting = log.lock();
        let of = |domain: &str| {
            let lines = &waiting.domains[domain];
            (lines.kept.len(), lines.dropped)
        };
        assert_eq!(of("loud.org"), (WAITING_MOST, 4_000));
        assert_eq!(of("calm.org"), (1, 0));
    }
}
