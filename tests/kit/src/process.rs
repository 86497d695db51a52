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
    /// Starts `command` with standard output and standard error going to the end of `log`, in that order of writing.
    ///
    /// # Errors
    /// When the program cannot be started, for example because its Debian package is not installed.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .doing(&format!("opening {}", log.display()))?;
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
        signal("TERM", &[self.id()]).map_err(|failure| Failure::new(format!("{}: {failure}", self.name)))
    }

    /// The last 25 lines of its log, for error texts.
    pub fn last_words(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(25)..).unwrap_or_default();
        format!("its last words:\n{}", tail.join("\n"))
    }
}

/// Sends a signal ("KILL", "TERM") to these processes, in their order and within microseconds.
///
/// # Errors
/// When `kill` cannot be run or one of them is gone; the others have got it all the same.
pub fn signal(signal: &str, ids: &[u32]) -> Result<()> {
    let output = Command::new("kill")
        .arg(format!("-{signal}"))
        .args(ids.iter().map(u32::to_string))
        .output()
        .doing("running kill")?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "of the processes {ids:?} not all are there to get SIG{signal}"
    )))
}

/// Whether a process runs: it exists and is no zombie, which waits only for its parent to take notice.
pub fn runs(id: u32) -> bool {
    let state = stat_fields(id).ok().and_then(|fields| fields.first().cloned());
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// Whether the process runs this program.
pub fn runs_program(id: u32, program: &Path) -> bool {
    let running = std::fs::read_link(format!("/proc/{id}/exe")).unwrap_or_default();
    // A program that was built anew meanwhile is shown as "tandem (deleted)".
    let running = running.to_string_lossy();
    let program = program.canonicalize().unwrap_or_else(|_| program.to_owned());
    runs(id) && running.trim_end_matches(" (deleted)") == program.to_string_lossy()
}

/// Whether the process and each of its threads has ended: until then it has its sockets, also after what it runs can no
/// longer be told.
pub fn has_ended(id: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else {
        return true;
    };
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        let state = stat
            .rsplit_once(')')
            .map(|(_, fields)| fields.trim_start().chars().next());
        matches!(state, None | Some(Some('Z' | 'X')))
    })
}

/// Resident memory in bytes (VmRSS of /proc).
///
/// # Errors
/// When the process is gone or the system has no /proc.
pub fn resident_bytes(id: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).doing("reading /proc")?;
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

/// User and system time that the process has used so far.
///
/// # Errors
/// When the process is gone or the system has no /proc.
pub fn cpu_time(id: u32) -> Result<Duration> {
    /// Clock ticks per second in /proc, the same on every Linux (`USER_HZ`).
    const TICKS_PER_S: f64 = 100.0;
    let fields = stat_fields(id)?;
    let ticks = |index: usize| -> Result<f64> {
        let field = fields.get(index).doing("looking for a time in /proc")?;
        field.parse().doing("reading a time in /proc")
    };
    Ok(Duration::from_secs_f64((ticks(11)? + ticks(12)?) / TICKS_PER_S))
}

/// The fields of /proc/ID/stat that stand behind the name in brackets: the first is the state (proc(5)).
fn stat_fields(id: u32) -> Result<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).doing("reading /proc")?;
    let (_, fields) = stat
        .rsplit_once(") ")
        .doing("looking for the end of the name in /proc")?;
    Ok(fields.split(' ').map(str::to_owned).collect())
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
        let id = process.id();
        assert!(resident_bytes(id).unwrap() > 0);
        assert!(cpu_time(id).unwrap() < Duration::from_secs(5));
        assert!(runs(id) && !runs_program(id, Path::new("/no/such/program")));
        drop(process);
        assert!(!Path::new(&format!("/proc/{id}")).exists());
        assert!(!runs(id) && signal("KILL", &[id]).is_err());
    }

    #[test]
    fn a_zombie_does_not_run() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(
            runs(child.id()) && runs_program(child.id(), Path::new("/bin/sleep")) && !has_ended(child.id())
        );
        signal("KILL", &[child.id()]).unwrap();
        crate::wait::until(Duration::from_secs(5), "the end", || {
            (!runs(child.id())).then_some(())
        })
        .unwrap();
        child.wait().unwrap();
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
