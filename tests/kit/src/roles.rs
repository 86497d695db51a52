//! The processes of one server: a supervisor and the three that it starts, known by their pid files.
//!
//! `DATA/run/NAME.pid` holds a decimal process id; the supervisor writes it anew after each start of that process. A
//! server that runs as one process writes none for its roles: then only [`Role::Serve`] is there.

use crate::failure::{Failure, Result};
use crate::process;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A process of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The supervisor, which is what `tandem serve` starts.
    Serve,
    /// SIP sockets.
    SipGate,
    /// Calls, registrations, scenarios, records.
    CallLogic,
    /// RTP sockets.
    MediaGate,
}

impl Role {
    /// All, the supervisor first: who kills them in this order has none started again.
    pub const ALL: [Self; 4] = [Self::Serve, Self::SipGate, Self::CallLogic, Self::MediaGate];

    /// As its pid file is named.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::SipGate => "sip-gate",
            Self::CallLogic => "call-logic",
            Self::MediaGate => "media-gate",
        }
    }
}

/// The processes of a server that was started here.
#[derive(Debug)]
pub struct Processes {
    run: PathBuf,
    binary: PathBuf,
    serve: u32,
    expected: Mutex<BTreeMap<Role, u32>>,
}

impl Processes {
    /// Of the server on this data directory, whose supervisor has the process id `serve`.
    pub fn new(data: &Path, binary: &Path, serve: u32) -> Self {
        let processes = Self {
            run: data.join("run"),
            binary: binary.to_owned(),
            serve,
            expected: Mutex::default(),
        };
        processes.accept();
        processes
    }

    /// The process id of a role.
    ///
    /// # Errors
    /// When it has no pid file, or no such process of this program runs.
    pub fn pid_of(&self, role: Role) -> Result<u32> {
        let path = self.run.join(role.as_str()).with_extension("pid");
        let pid = match role {
            Role::Serve => Some(self.serve),
            _ => std::fs::read_to_string(&path)
                .ok()
                .and_then(|text| text.trim().parse().ok()),
        };
        pid.filter(|pid| process::runs_program(*pid, &self.binary))
            .ok_or_else(|| Failure::new(format!("no {} runs: {}", role.as_str(), path.display())))
    }

    /// Those that run.
    pub fn running(&self) -> BTreeMap<Role, u32> {
        Role::ALL
            .into_iter()
            .filter_map(|role| Some((role, self.pid_of(role).ok()?)))
            .collect()
    }

    /// What runs now is what should run: see [`Self::assert_unchanged`].
    pub fn accept(&self) {
        *self.expected.lock().unwrap_or_else(PoisonError::into_inner) = self.running();
    }

    /// Fails if a process has ended by itself, even if it has been started again meanwhile.
    ///
    /// # Errors
    /// When one has; the text says which.
    pub fn assert_unchanged(&self) -> Result<()> {
        let expected = self.expected.lock().unwrap_or_else(PoisonError::into_inner);
        let running = self.running();
        if *expected == running {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the processes were {expected:?} and are {running:?}"
        )))
    }

    /// Kills a process with SIGKILL and gives the id that it had. When this returns, it has stopped running.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&self, role: Role) -> Result<u32> {
        let pid = self.pid_of(role)?;
        process::signal("KILL", &[pid])?;
        Self::wait_gone(pid)?;
        Ok(pid)
    }

    /// Waits until another process than `old` has the role; its id.
    ///
    /// # Errors
    /// When none has within `within`.
    pub fn wait_for_restart(&self, role: Role, old: u32, within: Duration) -> Result<u32> {
        let what = format!("{} to be started again", role.as_str());
        let pid = crate::wait::until(within, &what, || self.pid_of(role).ok().filter(|pid| *pid != old))?;
        self.accept();
        Ok(pid)
    }

    /// Kills all of them with SIGKILL, at once. When this returns, none runs.
    ///
    /// # Errors
    /// When one goes on running.
    pub fn kill_all(&self) -> Result<()> {
        let running = self.running();
        let pids: Vec<u32> = Role::ALL
            .iter()
            .filter_map(|role| running.get(role).copied())
            .collect();
        if !pids.is_empty() {
            // It fails when one ends before its turn, for example because the supervisor has ended.
            let _ = process::signal("KILL", &pids);
        }
        pids.into_iter().try_for_each(Self::wait_gone)
    }

    fn wait_gone(pid: u32) -> Result<()> {
        crate::wait::until(Duration::from_secs(10), "the end of a killed process", || {
            process::has_ended(pid).then_some(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::process::{Child, Command};

    fn sleep() -> Child {
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    /// `sleep` stands for the server.
    fn two_processes(folder: &Folder) -> (Processes, Child, Child) {
        let (serve, logic) = (sleep(), sleep());
        std::fs::create_dir(folder.path().join("run")).unwrap();
        folder
            .write("run/call-logic.pid", format!("{}\n", logic.id()))
            .unwrap();
        let processes = Processes::new(folder.path(), Path::new("/bin/sleep"), serve.id());
        (processes, serve, logic)
    }

    #[test]
    fn one_is_killed_and_its_successor_waited_for() {
        let folder = Folder::new("roles").unwrap();
        let (processes, mut serve, mut logic) = two_processes(&folder);
        assert!(processes.pid_of(Role::SipGate).is_err(), "it has no pid file");
        processes.assert_unchanged().unwrap();

        let old = processes.kill(Role::CallLogic).unwrap();
        assert_eq!(old, logic.id());
        assert!(
            processes.pid_of(Role::CallLogic).is_err(),
            "its pid file is out of date"
        );
        assert!(processes.assert_unchanged().is_err());
        let soon = Duration::from_millis(20);
        assert!(processes.wait_for_restart(Role::CallLogic, old, soon).is_err());

        let mut successor = sleep();
        folder
            .write("run/call-logic.pid", format!("{}\n", successor.id()))
            .unwrap();
        let soon = Duration::from_secs(5);
        assert_eq!(
            processes.wait_for_restart(Role::CallLogic, old, soon).unwrap(),
            successor.id()
        );
        processes.assert_unchanged().unwrap();
        processes.kill_all().unwrap();
        assert!(processes.running().is_empty());
        for child in [&mut serve, &mut logic, &mut successor] {
            child.wait().unwrap();
        }
    }

    /// Ids are used again: a stale pid file must not have a stranger killed.
    #[test]
    fn a_strangers_process_is_none_of_the_server() {
        let folder = Folder::new("roles").unwrap();
        let (processes, mut serve, mut logic) = two_processes(&folder);
        let stranger = std::process::id();
        folder
            .write("run/call-logic.pid", format!("{stranger}\n"))
            .unwrap();
        assert!(processes.pid_of(Role::CallLogic).is_err());
        processes.kill_all().unwrap();
        logic.kill().unwrap();
        serve.wait().unwrap();
        logic.wait().unwrap();
    }
}
