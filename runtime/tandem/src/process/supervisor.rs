//! The process that people start: it runs the three roles as children and keeps them running.
//!
//! It does no work itself, so that nothing from outside can bring it down. All it waits for passes
//! [`Supervisor::step`]; upgrades ([`super::upgrade`]) and the stop are sequences of steps, in which children are
//! still looked after.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::backoff::Backoff;
use super::child::{Arguments, As, Child, ChildDid, ChildEvent, Program, ending};
use super::control::{self, Asked, ProcessStatus, Reply, Request};
use super::orders::{FromChild, ToChild};
use super::role::Role;
use super::run_dir::{Claim, RunDir, RunError};

/// What the call logic may take after its own deadline: last hang-ups, records, the store.
const LOGIC_GRACE: Duration = Duration::from_secs(20);
/// What a gate may take to stop.
const GATE_GRACE: Duration = Duration::from_secs(5);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum SuperviseError {
    /// The data directory.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A process, a signal or a socket.
    #[error("the system refuses: {0}")]
    System(#[from] io::Error),
}

/// The place of one role.
pub(super) struct Slot {
    pub role: Role,
    /// What is started when the child dies.
    pub program: Arc<Program>,
    pub child: Option<Child>,
    /// The child does its work.
    pub ready: bool,
    /// Its end is intended: nobody starts it again but who intended it.
    pub planned: bool,
    backoff: Backoff,
    again_at: Option<Instant>,
    restarts: u32,
}

/// A child that is to take over from one in a slot.
pub(super) struct Successor {
    pub child: Child,
    /// It can take the sockets.
    pub waiting: bool,
    /// The one before was told to give them.
    pub told: bool,
    /// It has them and works.
    pub ready: bool,
    pub ended: Option<ExitStatus>,
}

/// All that the supervisor knows.
pub(super) struct Supervisor {
    /// The binary's path, for upgrades.
    pub binary: PathBuf,
    pub slots: [Slot; 3],
    pub successor: Option<Successor>,
    /// What a gate said whose successor failed.
    pub kept_on: Option<String>,
    /// Orders to stop so far: at a second SIGINT calls are hung up.
    pub stops: u32,
    pub upgrades: VecDeque<mpsc::UnboundedSender<Reply>>,
    pub upgrading: bool,
    /// The first start failed.
    failed: Option<u8>,
    /// The call logic has been started.
    logic_begun: bool,
    /// Every role has been up once: from here on nothing but an order ends the server.
    up_once: bool,
    draining: bool,
    serial: u64,
    since: Instant,
    arguments: Arguments,
    claim: Claim,
    events: mpsc::UnboundedReceiver<ChildEvent>,
    told: mpsc::UnboundedSender<ChildEvent>,
    requests: mpsc::Receiver<Asked>,
    signals: Signals,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Runs a server of three processes on `data` until SIGTERM or SIGINT. `arguments` are what its children are called
/// with.
pub async fn supervise(
    data: &Path,
    arguments: Arguments,
    stop_deadline: Duration,
) -> Result<ExitCode, SuperviseError> {
    let claim = RunDir::of(data).claim()?;
    let program = Arc::new(Program::running()?);
    let (told, events) = mpsc::unbounded_channel();
    let supervisor = Supervisor {
        binary: binary()?,
        slots: Role::ALL.map(|role| Slot {
            role,
            program: program.clone(),
            child: None,
            ready: false,
            planned: false,
            backoff: Backoff::default(),
            again_at: None,
            restarts: 0,
        }),
        successor: None,
        kept_on: None,
        stops: 0,
        upgrades: VecDeque::new(),
        upgrading: false,
        failed: None,
        logic_begun: false,
        up_once: false,
        draining: false,
        serial: 0,
        since: Instant::now(),
        arguments,
        requests: control::listen(&claim.directory().control())?,
        claim,
        events,
        told,
        signals: Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        },
    };
    supervisor.run(stop_deadline).await
}

/// Where an upgrade finds the new binary: as this process was called, where that names a path, so that a link to
/// another release is followed; else where the running one lies.
fn binary() -> io::Result<PathBuf> {
    let running = std::env::current_exe()?;
    let called = std::env::args_os().next().map(PathBuf::from).unwrap_or_default();
    if called.components().count() > 1 {
        let called = std::path::absolute(called)?;
        if called.canonicalize().is_ok_and(|found| found == running) {
            return Ok(called);
        }
    }
    Ok(running)
}

impl Supervisor {
    async fn run(mut self, stop_deadline: Duration) -> Result<ExitCode, SuperviseError> {
        // The call logic follows once there is something to connect to.
        self.start(Role::SipGate, As::First)?;
        self.start(Role::MediaGate, As::First)?;
        loop {
            if let Some(code) = self.failed {
                self.end_all(GATE_GRACE).await;
                return Ok(ExitCode::from(code));
            }
            if self.stops > 0 {
                return Ok(self.stop(stop_deadline).await);
            }
            if let Some(answer) = self.upgrades.pop_front() {
                self.upgrading = true;
                self.upgrade(&answer).await;
                self.upgrading = false;
                continue;
            }
            self.step(None).await;
            let gates_ready = self.slot(Role::SipGate).ready && self.slot(Role::MediaGate).ready;
            if gates_ready && !self.logic_begun {
                self.logic_begun = true;
                self.start(Role::CallLogic, As::First)?;
            }
        }
    }

    pub(super) fn slot(&mut self, role: Role) -> &mut Slot {
        let [sip, logic, media] = &mut self.slots;
        match role {
            Role::SipGate => sip,
            Role::CallLogic => logic,
            Role::MediaGate => media,
        }
    }

    /// Starts the child of a role that has none.
    pub(super) fn start(&mut self, role: Role, how: As) -> io::Result<()> {
        let program = self.slot(role).program.clone();
        let child = self.spawn(role, &program, how)?;
        self.claim.write_pid(Some(role), child.pid);
        if role == Role::CallLogic && self.draining {
            child.tell(ToChild::Drain(true), None);
        }
        let slot = self.slot(role);
        slot.again_at = None;
        slot.ready = false;
        slot.child = Some(child);
        Ok(())
    }

    pub(super) fn spawn(&mut self, role: Role, program: &Program, how: As) -> io::Result<Child> {
        self.serial += 1;
        let child = Child::start(
            self.serial,
            role,
            program,
            &self.arguments,
            how,
            self.told.clone(),
        )?;
        tracing::debug!(%role, pid = child.pid, ?how, "started");
        Ok(child)
    }

    /// Gives a role's place to a successor that has taken over.
    pub(super) fn install(&mut self, role: Role, successor: Child, program: Arc<Program>) -> Option<Child> {
        self.claim.write_pid(Some(role), successor.pid);
        let slot = self.slot(role);
        slot.program = program;
        slot.ready = true;
        slot.backoff.handle_up(Instant::now());
        slot.again_at = None;
        slot.child.replace(successor)
    }

    /// Waits until `until` for one thing and takes care of it.
    pub(super) async fn step(&mut self, until: Option<Instant>) {
        let again = self.slots.iter().filter_map(|slot| slot.again_at);
        let due = again.chain(until).min();
        let due = async {
            match due {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(event) = self.events.recv() => self.handle_event(event),
            Some(asked) = self.requests.recv() => self.handle_request(&asked),
            _ = self.signals.terminate.recv() => self.stops = self.stops.max(1),
            _ = self.signals.interrupt.recv() => self.stops += 1,
            _ = self.signals.hangup.recv() => {
                let (nobody, _) = mpsc::unbounded_channel(); // the log tells
                self.want_upgrade(nobody);
            }
            () = due => self.start_due(),
        }
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        for role in Role::ALL {
            if self.slot(role).again_at.is_some_and(|at| at <= now)
                && let Err(error) = self.start(role, As::Again)
            {
                self.again_later(role, &format!("cannot be started: {error}"));
            }
        }
    }

    fn handle_event(&mut self, event: ChildEvent) {
        let ChildEvent { serial, what } = event;
        let slot = self
            .slots
            .iter()
            .find(|slot| slot.child.as_ref().is_some_and(|child| child.serial == serial));
        if let Some(role) = slot.map(|slot| slot.role) {
            match what {
                ChildDid::Said(said) => self.handle_said(role, said),
                ChildDid::Ended(status) => self.handle_ended(role, status),
            }
        } else if let Some(successor) = self
            .successor
            .as_mut()
            .filter(|successor| successor.child.serial == serial)
        {
            match what {
                ChildDid::Said(FromChild::Waiting) => successor.waiting = true,
                ChildDid::Said(FromChild::Ready { version }) => {
                    successor.ready = true;
                    successor.child.version = Some(version);
                }
                ChildDid::Said(FromChild::KeptOn { .. }) => (),
                ChildDid::Ended(status) => successor.ended = Some(status),
            }
        } // else it handed over and is gone now
    }

    fn handle_said(&mut self, role: Role, said: FromChild) {
        match said {
            FromChild::Ready { version } => {
                let slot = self.slot(role);
                slot.ready = true;
                slot.backoff.handle_up(Instant::now());
                if let Some(child) = &mut slot.child {
                    child.version = Some(version);
                    tracing::debug!(%role, pid = child.pid, after = ?child.since.elapsed(), "up");
                }
                self.up_once |= self.slots.iter().all(|slot| slot.ready);
            }
            FromChild::KeptOn { why } => self.kept_on = Some(why),
            FromChild::Waiting => (),
        }
    }

    pub(super) fn handle_ended(&mut self, role: Role, status: ExitStatus) {
        self.claim.remove_pid(Some(role));
        let up_once = self.up_once;
        let slot = self.slot(role);
        let was_ready = std::mem::take(&mut slot.ready);
        slot.child = None;
        if slot.planned {
            return;
        }
        // What ends by itself before it was ever up cannot start here: it has said why.
        if let Some(code) = status.code().filter(|_| !up_once && !was_ready) {
            self.failed = Some(u8::try_from(code).unwrap_or(1).max(1));
            return;
        }
        slot.restarts += 1;
        self.again_later(role, &format!("ended: {}", ending(status)));
    }

    pub(super) fn again_later(&mut self, role: Role, why: &str) {
        let now = Instant::now();
        let slot = self.slot(role);
        let pause = slot.backoff.handle_death(now);
        slot.again_at = Some(now + pause);
        if pause.is_zero() {
            tracing::error!(%role, why, "a process is gone; it is started again");
        } else {
            tracing::error!(%role, why, again_in_ms = pause.as_millis(), "a process keeps ending; it is tried again later");
        }
    }

    fn handle_request(&mut self, asked: &Asked) {
        // One who asked and went away needs no answer.
        let say = |reply| drop(asked.answer.send(reply));
        match asked.request {
            Request::Status => {
                say(self.status());
                say(Reply::Done);
            }
            Request::Drain { on } => {
                self.draining = on;
                tracing::info!(on, "drain: new calls are refused while on");
                if let Some(logic) = &self.slot(Role::CallLogic).child {
                    logic.tell(ToChild::Drain(on), None);
                }
                say(Reply::Done);
            }
            Request::Upgrade => self.want_upgrade(asked.answer.clone()),
        }
    }

    fn want_upgrade(&mut self, answer: mpsc::UnboundedSender<Reply>) {
        let why = if self.stops > 0 {
            "the server is stopping"
        } else if !self.arguments.calls_kept {
            "calls would end, their log is not kept (journal.durability = \"off\"): drain, then start anew"
        } else if self.upgrading || !self.upgrades.is_empty() {
            "an upgrade is under way"
        } else if !self.up_once {
            "the server is starting"
        } else {
            self.upgrades.push_back(answer);
            return;
        };
        tracing::warn!("no upgrade: {why}");
        let _ = answer.send(Reply::Refused { why: why.to_owned() }); // nobody may wait for it
    }

    fn status(&self) -> Reply {
        let now = Instant::now();
        let up_ms = |since: Instant| now.saturating_duration_since(since).as_millis() as u64;
        let mut processes = vec![ProcessStatus {
            name: "serve".to_owned(),
            pid: Some(std::process::id()),
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            up_ms: up_ms(self.since),
            restarts: 0,
            state: if self.stops > 0 { "stopping" } else { "up" }.to_owned(),
        }];
        processes.extend(self.slots.iter().map(|slot| {
            ProcessStatus {
                name: slot.role.to_string(),
                pid: slot.child.as_ref().map(|child| child.pid),
                version: slot.child.as_ref().and_then(|child| child.version.clone()),
                up_ms: slot.child.as_ref().map_or(0, |child| up_ms(child.since)),
                restarts: slot.restarts,
                state: match (&slot.child, slot.ready) {
                    (Some(_), true) => "up",
                    (Some(_), false) => "starting",
                    (None, _) => "waiting",
                }
                .to_owned(),
            }
        }));
        Reply::Status {
            processes,
            draining: self.draining,
        }
    }

    /// The call logic first, for it still needs the gates; then the gates. A second SIGINT hurries the first.
    async fn stop(mut self, stop_deadline: Duration) -> ExitCode {
        let logic = self.slot(Role::CallLogic);
        logic.planned = true;
        logic.again_at = None;
        if let Some(child) = &logic.child {
            child.tell(ToChild::Stop, None);
        }
        let mut until = Instant::now() + stop_deadline + LOGIC_GRACE;
        let mut hurried = false;
        while self.slot(Role::CallLogic).child.is_some() {
            if self.stops > 1 && !hurried {
                hurried = true;
                until = Instant::now() + LOGIC_GRACE;
                if let Some(child) = &self.slot(Role::CallLogic).child {
                    child.tell(ToChild::Hurry, None);
                }
            }
            if Instant::now() >= until {
                tracing::error!("the call logic does not end: killed");
                break;
            }
            self.step(Some(until)).await;
        }
        self.end_all(GATE_GRACE).await;
        tracing::debug!("every process has ended");
        ExitCode::SUCCESS
    }

    /// Tells whatever still runs to stop; kills it where it does not.
    async fn end_all(&mut self, within: Duration) {
        for slot in &mut self.slots {
            slot.planned = true;
            slot.again_at = None;
            if let Some(child) = &slot.child {
                child.tell(ToChild::Stop, None);
                child.tell(ToChild::Hurry, None);
            }
        }
        let until = Instant::now() + within;
        let runs = |this: &Self| this.slots.iter().any(|slot| slot.child.is_some());
        while runs(self) && Instant::now() < until {
            self.step(Some(until)).await;
        }
        for child in self.slots.iter().filter_map(|slot| slot.child.as_ref()) {
            tracing::error!(role = %child.role, pid = child.pid, "does not end: killed");
            child.kill();
        }
        let until = Instant::now() + within;
        while runs(self) && Instant::now() < until {
            self.step(Some(until)).await;
        }
    }
}
