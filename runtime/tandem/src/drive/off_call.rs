//! Runs scenarios that no call starts: those that answer HTTP, and those that hear of events. They run on the store's
//! runtime and keep no journal: a request or an event that a crash interrupts is asked or given again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_host_api::op::{DeadlineOp, LegError, Op, OpIndex, Outcome};
use tandem_host_api::{
    End, Event, Finished, Journal, JournalHeader, Reply, Run, Switch, WebRequest, WebResponse, World,
    monotonic_clock,
};
use tandem_store::{EntryPoint, StoreError};
use tandem_switch::Question;
use tandem_switch::door::Setting;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::answers::Answers;
use super::scenario::Scenarios;
use super::scenario_log::RunLog;

/// What these runs need; a clone is cheap.
#[derive(Clone)]
pub struct OffCall {
    /// Modules, engine, limits.
    pub scenarios: Scenarios,
    /// Directory and store.
    pub answers: Answers,
    /// Where both answer.
    pub runtime: Handle,
}

impl OffCall {
    /// The entry point of exactly this name, whose `config` is what the scenario is told; none: there is none, or the
    /// domain is blocked.
    pub async fn entry_point(&self, domain: &str, name: &str) -> Result<Option<EntryPoint>, StoreError> {
        match self.answers.store.find_domain(domain).await? {
            Some((scope, domain)) if !domain.blocked => {
                let starts = self.answers.store.starts(&scope, name).await?;
                Ok(starts.map(|starts| starts.active))
            }
            Some(_) => Ok(None),
            None => Err(StoreError::NotFound {
                what: "domain",
                name: domain.to_owned(),
            }),
        }
    }

    /// A name for the run that answers a request.
    pub fn name_of_request() -> String {
        format!("web/{:016x}", StdRng::from_os_rng().random::<u64>())
    }

    /// The log of a run.
    pub fn log(&self, domain: &str, run: &str, entry: &EntryPoint) -> RunLog {
        self.scenarios.log.of_run(domain, run, entry)
    }

    /// Answers one request. None: it did not end well.
    pub async fn answer(
        &self,
        domain: &str,
        entry: &EntryPoint,
        run: String,
        request: WebRequest,
    ) -> (End, Option<WebResponse>) {
        let module = match self.scenarios.module_soon(domain, &entry.hash).await {
            Ok(module) => module,
            Err(why) => return (End::Refused(why), None),
        };
        let forget = Forget {
            off_call: self.clone(),
            domain: domain.to_owned(),
            run: run.clone(),
            wrote: Arc::default(),
        };
        let wrote = Arc::clone(&forget.wrote);
        let run = self.run(domain, entry, run, World::Web, wrote).await;
        let answered = self.scenarios.engine.answer(&module, run, request);
        let (finished, response) = answered.await;
        drop(forget);
        (self.ended(domain, finished), response)
    }

    /// Tells one event. What `run` has written once is not written again by a run of the same name.
    pub async fn tell(&self, domain: &str, entry: &EntryPoint, run: &str, event: Event) -> End {
        let module = match self.scenarios.module(domain, &entry.hash).await {
            Ok(module) => module,
            Err(why) => return End::Refused(why),
        };
        let run = self
            .run(domain, entry, run.to_owned(), World::Event, Arc::default())
            .await;
        let finished = self.scenarios.engine.tell(&module, run, event).await;
        self.ended(domain, finished)
    }

    fn ended(&self, domain: &str, finished: Finished) -> End {
        let end = finished.end.clone();
        self.scenarios.meters.ended(domain, &Ok(finished));
        end
    }

    async fn run(
        &self,
        domain: &str,
        entry: &EntryPoint,
        id: String,
        world: World,
        wrote: Arc<AtomicBool>,
    ) -> Run {
        let (time_zone, language) = self.scenarios.locale(domain).await;
        let header = JournalHeader {
            call: id.clone(),
            domain: domain.to_owned(),
            entry: entry.number.clone(),
            module_hash: entry.hash.clone(),
            world: world.name().to_owned(),
            began_ms: Timestamp::now().as_millisecond().max(0) as u64,
        };
        let setting = Setting {
            id,
            domain: domain.to_owned(),
            time_zone,
            language,
            entry_point: entry.number.clone(),
            config: entry.config.clone(),
        };
        let log = self.log(domain, &setting.id, entry);
        let switch = OffCallSwitch {
            setting,
            scenario: entry.module.clone(),
            answers: self.answers.clone(),
            runtime: self.runtime.clone(),
            rng: StdRng::from_os_rng(),
            deadline: None,
            wrote,
        };
        let journal = Journal::hash_only(header, monotonic_clock());
        self.scenarios
            .run_of(domain, &entry.module, log.hear(Box::new(switch)), journal)
            .await
    }
}

/// Forgets, when a request is answered or given up, what its run had remembered in the store.
struct Forget {
    off_call: OffCall,
    domain: String,
    run: String,
    wrote: Arc<AtomicBool>,
}

impl Drop for Forget {
    fn drop(&mut self) {
        if !self.wrote.load(Ordering::Relaxed) {
            return;
        }
        let store = self.off_call.answers.store.clone();
        let (domain, run) = (self.domain.clone(), self.run.clone());
        self.off_call.runtime.spawn(async move {
            let forgotten = match store.domain_scope(&domain).await {
                Ok(scope) => store.forget_run(&scope, &run).await,
                Err(error) => Err(error),
            };
            if let Err(error) = forgotten {
                tracing::debug!(%domain, %run, %error, "forgotten within a day instead");
            }
        });
    }
}

/// How a run's end is told in the log; none: it ended well.
pub fn failure(end: &End) -> Option<String> {
    match end {
        End::Returned => None,
        End::Failed(text) => Some(format!("it returned an error: {text}")),
        End::Trapped { message, backtrace } => {
            let at = backtrace
                .first()
                .map(|frame| format!(" in {frame}"))
                .unwrap_or_default();
            Some(format!("it trapped: {message}{at}"))
        }
        End::OverBudget(limit) => Some(format!("it went over a limit: {limit}")),
        End::Refused(why) => Some(format!("it was not started: {why}")),
        End::CallOver => Some("it was ended".to_owned()),
        End::Diverged(how) => Some(format!("it left its record: {how}")),
    }
}

/// The host API without a call.
struct OffCallSwitch {
    setting: Setting,
    scenario: String,
    answers: Answers,
    runtime: Handle,
    rng: StdRng,
    /// By when what it waits for must be over.
    deadline: Option<Instant>,
    /// Whether anything was asked that is remembered so that it is done once.
    wrote: Arc<AtomicBool>,
}

impl Switch for OffCallSwitch {
    fn perform(&mut self, index: OpIndex, op: &Op) -> Reply {
        if let Some(outcome) = self.setting.answer(op, &mut self.rng, Timestamp::now) {
            return Reply::Now(outcome);
        }
        if let Op::Deadline(op) = op {
            return Reply::Now(self.deadline_op(*op));
        }
        let left = self.time_left();
        if left == Some(Duration::ZERO)
            && let Some(waiting) = op.waiting()
        {
            return Reply::Now(waiting.past_deadline());
        }
        let (reply, outcome) = oneshot::channel();
        if let Op::SleepMs { duration_ms } = op {
            let time = Duration::from_millis(u64::from(*duration_ms));
            let time = left.map_or(time, |left| left.min(time));
            self.runtime.spawn(async move {
                tokio::time::sleep(time).await;
                drop(reply.send(Outcome::Done));
            });
            return Reply::Later(outcome);
        }
        let domain = Arc::from(self.setting.domain.as_str());
        let once = (self.setting.id.clone(), u64::from(index.0));
        let Some(question) = Question::about(domain, &self.scenario, op, once) else {
            // Nobody without a call has a handle of a leg.
            return Reply::Now(Outcome::Leg(Err(LegError::Gone)));
        };
        let writes = match op {
            Op::HttpSend { request } => !request.method.is_safe(),
            Op::KvGet { .. } | Op::KvKeys { .. } => false,
            Op::Originate { .. } | Op::Timer { .. } | Op::SendMessage { .. } => true,
            _ => matches!(question, Question::KeyValue { .. }),
        };
        if writes {
            self.wrote.store(true, Ordering::Relaxed);
        }
        let (answers, op) = (self.answers.clone(), op.clone());
        let limited = left.zip(op.waiting());
        self.runtime.spawn(async move {
            let asked = answers.answer(question);
            let answer = match limited {
                None => asked.await,
                Some((left, waiting)) => match tokio::time::timeout(left, asked).await {
                    Ok(answer) => answer,
                    Err(_) => return drop(reply.send(waiting.past_deadline())),
                },
            };
            let outcome = answer.into_outcome().or_else(|| op.unavailable());
            drop(reply.send(outcome.unwrap_or(Outcome::Done)));
        });
        Reply::Later(outcome)
    }
}

impl OffCallSwitch {
    fn deadline_op(&mut self, op: DeadlineOp) -> Outcome {
        match op {
            DeadlineOp::Set { after_ms } => {
                self.deadline = Some(Instant::now() + Duration::from_millis(u64::from(after_ms)));
            }
            DeadlineOp::Clear => self.deadline = None,
            DeadlineOp::Passed => return Outcome::Flag(self.time_left() == Some(Duration::ZERO)),
        }
        Outcome::Done
    }

    /// Until its deadline; none: it has none.
    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }
}
