//! A child process that never outlives its test and whose output lies in a file.

use crate::failure::{Doing, Failure, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// A running program. Dropping it kills exactly this process, by its id.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with standard output and standard error going to `log`, in that order of writing.
    ///
    /// # Errors
    /// When the program cannot be started, for example because its Debian package is not installed.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::create(log).doing(&format!("creating {}", log.display()))?;
        let err = out.try_clone().doing("sharing the log")?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .doing(&format!("starting {name} ({})", command.get_program().display()))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it wrote so far. Bytes that are no UTF-8 are replaced.
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Its exit status if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it still runs after `within`; the end of its log is quoted.
    pub fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let ended = crate::wait::until(within, "the end", || self.ended());
        ended.map_err(|_| {
            Failure::new(format!(
                "{} still runs after {within:?}; {}",
                self.name,
                self.last_words()
            ))
        })
    }

    /// Sends SIGTERM: the polite request to end.
    ///
    /// # Errors
    /// When `kill` cannot be run or the process is gone.
    pub fn terminate(&self) -> Result<()> {
        let status = Command::new("kill")
            .arg("-TERM")
            .arg(self.id().to_string())
            .status()
            .doing("running kill")?;
        if status.success() {
            Ok(())
        } else {
            Err(Failure::new(format!("{} is gone already", self.name)))
        }
    }

    /// Resident memory in bytes (VmRSS of /proc).
    ///
    /// # Errors
    /// When the process is gone or the system has no /proc.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).doing("reading /proc")?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .doing("looking for VmRSS")?;
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .trim()
            .parse()
            .doing("reading VmRSS")?;
        Ok(kib * 1024)
    }

    /// The last 25 lines of its log, for error texts.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(25)..).unwrap_or_default();
        format!("its last words:\n{}", tail.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when the process has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[test]
    fn output_is_kept_and_drop_kills() {
        let folder = Folder::new("process").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo err >&2; exec sleep 60"]);
        let process = Process::start("sh", command, &folder.path().join("log")).unwrap();
        crate::wait::until(Duration::from_secs(5), "both lines", || {
            (process.log() == "out\nerr\n").then_some(())
        })
        .unwrap();
        assert!(process.resident_bytes().unwrap() > 0);
        let id = process.id();
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let folder = Folder::new("process").unwrap();
        let failure = Process::start(
            "ghost",
            Command::new("no-such-program"),
            &folder.path().join("log"),
        )
        .unwrap_err();
        assert!(failure.to_string().contains("no-such-program"));
    }
}
