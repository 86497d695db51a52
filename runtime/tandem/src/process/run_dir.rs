//! `DATA/run`: the sockets, pid files and the lock of the server that uses a data directory.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::role::Role;

/// How long processes of a server that was killed may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(3);
/// The longest path of a socket, in bytes (`sun_path` with its final zero).
const SOCKET_PATH_MAX: usize = 107;

/// Why a data directory cannot be used by this server.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Another server has it.
    #[error("a server runs on {} already{}; `tandem status` tells more", data.display(), process.map(|pid| format!(" (process {pid})")).unwrap_or_default())]
    Running {
        /// The data directory.
        data: PathBuf,
        /// Its process, where known.
        process: Option<u32>,
    },
    /// No directory, file or lock.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The path is too long.
    #[error("{} is longer than {SOCKET_PATH_MAX} bytes, the most for a socket: choose a shorter --data", path.display())]
    TooLong {
        /// A socket.
        path: PathBuf,
    },
}

/// The directory, without any claim to it.
#[derive(Debug, Clone)]
pub struct RunDir {
    data: PathBuf,
    path: PathBuf,
}

/// The one server of a data directory: as long as this lives, no other starts. Dropping it removes the pid files.
#[derive(Debug)]
pub struct Claim {
    directory: RunDir,
    _lock: File,
}

impl RunDir {
    /// Of a data directory.
    pub fn of(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            path: data.join("run"),
        }
    }

    /// A gate's socket.
    pub fn socket(&self, role: Role) -> PathBuf {
        socket_in(&self.path, role)
    }

    /// The supervisor's socket, for `tandem status` and the like.
    pub fn control(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// The pid file of a role, or of the supervisor.
    pub fn pid_file(&self, role: Option<Role>) -> PathBuf {
        let name = role.map_or("serve", Role::as_str);
        self.path.join(format!("{name}.pid"))
    }

    /// Claims the directory, making it and the data directory where they are missing, and waits for what a killed
    /// server may have left running.
    pub fn claim(self) -> Result<Claim, RunError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| RunError::File { path, source }
        };
        let longest = self.path.join("media-gate.sock.new"); // a socket has this name until it is ready
        if longest.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(RunError::TooLong { path: longest });
        }
        for path in [&self.data, &self.path] {
            // 0700: what lies there tells and takes orders.
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(at(path))?;
        }
        let lock_path = self.path.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock_path)
            .map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                return Err(RunError::Running {
                    process: self.pid(None),
                    data: self.data,
                });
            }
            Err(TryLockError::Error(source)) => return Err(at(&lock_path)(source)),
        }
        let claim = Claim {
            directory: self,
            _lock: lock,
        };
        claim.clear();
        claim.write_pid(None, std::process::id());
        Ok(claim)
    }

    /// What a pid file says.
    pub fn pid(&self, role: Option<Role>) -> Option<u32> {
        fs::read_to_string(self.pid_file(role)).ok()?.trim().parse().ok()
    }
}

impl Claim {
    /// The directory.
    pub fn directory(&self) -> &RunDir {
        &self.directory
    }

    /// Writes a pid file: beside and renamed, so that a reader never sees half of it. Failing is only logged: the
    /// server does not need it itself.
    pub fn write_pid(&self, role: Option<Role>, pid: u32) {
        let path = self.directory.pid_file(role);
        let temporary = path.with_extension("pid.tmp");
        let write = || {
            let mut file = File::create(&temporary)?;
            writeln!(file, "{pid}")?;
            fs::rename(&temporary, &path)
        };
        if let Err(error) = write() {
            tracing::warn!(path = %path.display(), %error, "pid file not written");
        }
    }

    /// The process is gone.
    pub fn remove_pid(&self, role: Option<Role>) {
        let _ = fs::remove_file(self.directory.pid_file(role)); // it may never have been written
    }

    /// Removes what a killed server left; its children may still be on their way out.
    fn clear(&self) {
        let until = Instant::now() + GONE_WITHIN;
        for role in Role::ALL {
            let Some(pid) = self.directory.pid(Some(role)) else {
                continue;
            };
            while is_child(pid, role) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            self.remove_pid(Some(role));
            let _ = fs::remove_file(self.directory.socket(role));
        }
        let _ = fs::remove_file(self.directory.control());
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        for role in Role::ALL {
            self.remove_pid(Some(role));
        }
        self.remove_pid(None);
        let _ = fs::remove_file(self.directory.control());
    }
}

/// A gate's socket within `DATA/run`.
pub fn socket_in(run: &Path, role: Role) -> PathBuf {
    run.join(format!("{role}.sock"))
}

/// Whether a process of this number is one of ours: numbers are used again.
fn is_child(pid: u32, role: Role) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let mut words = line.split(|byte| *byte == 0);
    words.any(|word| word == b"--role") && words.next() == Some(role.as_str().as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_server_per_data_directory() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let first = RunDir::of(&data).claim().unwrap();
        assert_eq!(RunDir::of(&data).pid(None), Some(std::process::id()));
        let error = RunDir::of(&data).claim().unwrap_err().to_string();
        assert!(error.contains("a server runs on"), "{error}");
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        assert!(!RunDir::of(&data).pid_file(None).exists());
        drop(RunDir::of(&data).claim().unwrap());
    }

    #[test]
    fn what_a_killed_server_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunDir::of(folder.path());
        fs::create_dir(&run.path).unwrap();
        // A number that belongs to somebody else by now.
        fs::write(run.pid_file(Some(Role::SipGate)), "1\n").unwrap();
        fs::write(run.control(), "").unwrap();
        let claim = run.clone().claim().unwrap();
        assert!(!run.pid_file(Some(Role::SipGate)).exists());
        assert!(!run.control().exists());
        claim.write_pid(Some(Role::MediaGate), 7);
        assert_eq!(
            fs::read_to_string(run.pid_file(Some(Role::MediaGate))).unwrap(),
            "7\n"
        );
    }

    #[test]
    fn a_path_too_long_for_a_socket_is_told() {
        let error = RunDir::of(Path::new(&"x".repeat(120))).claim().unwrap_err();
        assert!(error.to_string().contains("shorter --data"), "{error}");
    }
}
