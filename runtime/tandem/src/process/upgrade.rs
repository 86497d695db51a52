//! Replaces the children by the binary that lies on disk, one after another, while calls go on.
//!
//! The call logic dies a planned death: what it knows is in its log, and its successor begins there. A gate hands its
//! sockets to its successor through a socket between the two; it keeps them open until the successor works, so that
//! it can go on where the successor fails. The supervisor itself stays as it is until the next start.

use std::os::fd::{AsFd as _, OwnedFd};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::child::{As, Program, ending};
use super::control::Reply;
use super::orders::ToChild;
use super::packets;
use super::role::Role;
use super::supervisor::{Successor, Supervisor};

/// What the call logic may take for its last commit.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// What a new process may take until it can work, or take over.
const START_WITHIN: Duration = Duration::from_secs(20);
/// What handing over may take.
const TAKE_OVER_WITHIN: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Tells `answer` and the log how it went. Ends at the first failure.
    pub(super) async fn upgrade(&mut self, answer: &mpsc::UnboundedSender<Reply>) {
        let say = |reply: Reply| drop(answer.send(reply)); // whoever asked may have gone away
        tracing::info!(binary = %self.binary.display(), "upgrade");
        let program = match self.try_program().await {
            Ok(program) => Arc::new(program),
            Err(why) => {
                tracing::error!(why, "no upgrade");
                return say(Reply::Refused { why });
            }
        };
        for role in [Role::CallLogic, Role::SipGate, Role::MediaGate] {
            let before = self.slot(role).child.as_ref();
            let from_pid = before.map_or(0, |child| child.pid);
            let from_version = before.and_then(|child| child.version.clone()).unwrap_or_default();
            let replaced = match role {
                Role::CallLogic => self.replace_logic(&program).await,
                Role::SipGate | Role::MediaGate => self.replace_gate(role, &program).await,
            };
            match replaced {
                Ok(away) => {
                    let now = self.slot(role).child.as_ref();
                    let pid = now.map_or(0, |child| child.pid);
                    let version = now.and_then(|child| child.version.clone()).unwrap_or_default();
                    let away_ms = away.as_millis() as u64;
                    tracing::info!(%role, from_pid, pid, from_version, version, away_ms, "replaced");
                    say(Reply::Replaced {
                        role,
                        from_pid,
                        from_version,
                        pid,
                        version,
                        away_ms,
                    });
                }
                Err(why) => {
                    let why = format!("{role}: {why}");
                    tracing::error!(why, "upgrade given up");
                    return say(Reply::Refused { why });
                }
            }
        }
        say(Reply::Done);
    }

    /// The new binary, once it was seen to run at all.
    async fn try_program(&mut self) -> Result<Program, String> {
        let path = self.binary.display();
        let program = Program::at(&self.binary).map_err(|error| format!("{path}: {error}"))?;
        let tried = program
            .command()
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match tokio::time::timeout(START_WITHIN, tried).await {
            Ok(Ok(status)) if status.success() => Ok(program),
            Ok(Ok(status)) => Err(format!("{path} does not run: {}", ending(status))),
            Ok(Err(error)) => Err(format!("{path} does not run: {error}")),
            Err(_) => Err(format!("{path} does not tell its version")),
        }
    }

    /// Takes care of everything until `found` gives something; none: it was too late, or the server is to stop.
    async fn wait_for<T>(
        &mut self,
        within: Duration,
        mut found: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<T> {
        let until = Instant::now() + within;
        loop {
            if let Some(found) = found(self) {
                return Some(found);
            }
            if self.stops > 0 || Instant::now() >= until {
                return None;
            }
            self.step(Some(until)).await;
        }
    }

    /// How long there was no call logic.
    async fn replace_logic(&mut self, program: &Arc<Program>) -> Result<Duration, String> {
        let began = Instant::now();
        let slot = self.slot(Role::CallLogic);
        slot.planned = true;
        if let Some(child) = &slot.child {
            child.tell(ToChild::Finish, None);
        }
        let gone = |this: &mut Self| this.slot(Role::CallLogic).child.is_none().then_some(());
        if self.wait_for(FINISH_WITHIN, gone).await.is_none() {
            tracing::warn!("the call logic does not finish: killed");
            if let Some(child) = &self.slot(Role::CallLogic).child {
                child.kill();
            }
            while self.slot(Role::CallLogic).child.is_some() {
                self.step(None).await;
            }
        }
        let before = std::mem::replace(&mut self.slot(Role::CallLogic).program, program.clone());
        let mut result = self.start_logic().await;
        if let Err(why) = &mut result {
            self.slot(Role::CallLogic).program = before;
            match self.start_logic().await {
                Ok(()) => why.push_str("; the one before runs again"),
                Err(_) => why.push_str("; neither does the one before"),
            }
        }
        let slot = self.slot(Role::CallLogic);
        slot.planned = false;
        if slot.child.is_none() && self.stops == 0 {
            self.again_later(Role::CallLogic, "could not be started");
        }
        result.map(|()| began.elapsed())
    }

    async fn start_logic(&mut self) -> Result<(), String> {
        if self.stops > 0 {
            return Err("the server is stopping".to_owned());
        }
        let started = self.start(Role::CallLogic, As::Again);
        started.map_err(|error| format!("the new one does not start: {error}"))?;
        let settled = |this: &mut Self| {
            let slot = this.slot(Role::CallLogic);
            (slot.ready || slot.child.is_none()).then_some(slot.ready)
        };
        match self.wait_for(START_WITHIN, settled).await {
            Some(true) => return Ok(()),
            Some(false) => return Err("the new one ended at its start; the log tells why".to_owned()),
            None => (),
        }
        if let Some(child) = &self.slot(Role::CallLogic).child {
            child.kill();
        }
        while self.slot(Role::CallLogic).child.is_some() {
            self.step(None).await;
        }
        Err("the new one did not get ready in time".to_owned())
    }

    /// How long nobody served the sockets.
    async fn replace_gate(&mut self, role: Role, program: &Arc<Program>) -> Result<Duration, String> {
        let system = |error: std::io::Error| format!("the system refuses: {error}");
        if !self.slot(role).ready {
            return Err("it is not up".to_owned());
        }
        let (giving, taking) = packets::pair().map_err(system)?;
        let child = self.spawn(role, program, As::Successor).map_err(system)?;
        child.tell(ToChild::Adopt, Some(taking.as_fd()));
        drop(taking);
        self.kept_on = None;
        self.successor = Some(Successor {
            child,
            waiting: false,
            told: false,
            ready: false,
            ended: None,
        });
        let handed = self.hand_over(role, giving).await;
        let result = self.settle(role, program, handed).await;
        let slot = self.slot(role);
        slot.planned = false;
        if slot.child.is_none() && self.stops == 0 {
            self.again_later(role, "ended in its handing over");
        }
        result
    }

    /// Gives the place to the successor, or leaves it to the one before.
    async fn settle(
        &mut self,
        role: Role,
        program: &Arc<Program>,
        handed: Result<Duration, String>,
    ) -> Result<Duration, String> {
        let Some(successor) = self.successor.take() else {
            return Err("its successor is gone".to_owned());
        };
        let why = match handed {
            Ok(away) => {
                let ended = successor.ended;
                // The one before has nothing to do any more: what drops it ends it, if it has not ended.
                drop(self.install(role, successor.child, program.clone()));
                if let Some(status) = ended {
                    self.handle_ended(role, status);
                }
                return Ok(away);
            }
            Err(why) => why,
        };
        drop(successor.child); // and with it the process: the one before goes on once it is surely gone
        if !successor.told {
            return Err(format!("{why}; the one before goes on"));
        }
        let settled = |this: &mut Self| {
            let kept = this.kept_on.take();
            let kept = kept.map(|said| format!(" ({said}); the one before goes on"));
            let gone = this.slot(role).child.is_none();
            kept.or_else(|| gone.then(|| "; the one before is gone too".to_owned()))
        };
        let then = self.wait_for(TAKE_OVER_WITHIN, settled).await;
        Err(why + &then.unwrap_or_else(|| "; the one before does not answer".to_owned()))
    }

    /// From the successor's start to its work.
    async fn hand_over(&mut self, role: Role, giving: OwnedFd) -> Result<Duration, String> {
        let waiting = self
            .wait_for(START_WITHIN, |this| state(this, |successor| successor.waiting))
            .await;
        why_not(waiting, "its successor did not get ready in time")?;
        let began = Instant::now();
        if let Some(successor) = &mut self.successor {
            successor.told = true;
        }
        // It ends once its successor works, and which of the two is known here first is chance.
        self.slot(role).planned = true;
        if let Some(child) = &self.slot(role).child {
            child.tell(ToChild::HandOver, Some(giving.as_fd()));
        }
        drop(giving);
        let ready = self
            .wait_for(TAKE_OVER_WITHIN, |this| state(this, |successor| successor.ready))
            .await;
        why_not(ready, "its successor did not take over in time")?;
        Ok(began.elapsed())
    }
}

/// What became of the successor: `reached` or ended.
fn state(this: &Supervisor, reached: impl Fn(&Successor) -> bool) -> Option<Result<(), String>> {
    let successor = this.successor.as_ref()?;
    if reached(successor) {
        return Some(Ok(()));
    }
    let status = successor.ended?;
    Some(Err(format!("its successor ended: {}", ending(status))))
}

fn why_not(reached: Option<Result<(), String>>, late: &str) -> Result<(), String> {
    reached.unwrap_or_else(|| Err(late.to_owned()))
}
