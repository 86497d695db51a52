//! One child process: started, listened to, told, ended.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Instant;

use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::sync::{Notify, mpsc};

use super::orders::{FromChild, ToChild};
use super::packets;
use super::role::Role;

/// One release of the binary, held open: a child that dies is started again as the same release, whatever lies at
/// its path by then.
#[derive(Debug)]
pub struct Program {
    file: File,
}

impl Program {
    /// The binary that this process runs.
    pub fn running() -> io::Result<Self> {
        let file = File::open("/proc/self/exe")?;
        Ok(Self { file })
    }

    /// The binary that lies at `path` now.
    pub fn at(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self { file })
    }

    /// A command that runs it, even when its name is gone; start it while this lives.
    pub fn command(&self) -> Command {
        let open = format!("/proc/{}/fd/{}", std::process::id(), self.file.as_raw_fd());
        let mut command = Command::new(open);
        command.arg0("tandem");
        command
    }
}

/// How children are started.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// As the supervisor was called: `--data`, `--config`, `--set`, without the role.
    pub common: Vec<OsString>,
    /// The log of calls is kept: they outlive the call logic.
    pub calls_kept: bool,
}

/// What is to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As {
    /// The first of its role.
    First,
    /// In place of one that died.
    Again,
    /// In place of one that still runs and hands over.
    Successor,
}

/// What a child did. `serial` tells apart children of one role.
#[derive(Debug)]
pub struct ChildEvent {
    /// Which child.
    pub serial: u64,
    /// What it did.
    pub what: ChildDid,
}

/// What a child can do.
#[derive(Debug)]
pub enum ChildDid {
    /// It said something.
    Said(FromChild),
    /// It ended; nothing follows.
    Ended(ExitStatus),
}

/// A child that has been started and whose end has not been told yet. Dropping this kills it.
#[derive(Debug)]
pub struct Child {
    /// Tells it apart.
    pub serial: u64,
    /// What it does.
    pub role: Role,
    /// Its process.
    pub pid: u32,
    /// When it was started.
    pub since: Instant,
    /// Its release, once it is ready.
    pub version: Option<String>,
    channel: Arc<UnixDatagram>,
    kill: Arc<Notify>,
}

impl Child {
    /// Starts a child; what it does goes to `events`. Call inside a tokio runtime.
    pub fn start(
        serial: u64,
        role: Role,
        program: &Program,
        arguments: &Arguments,
        how: As,
        events: mpsc::UnboundedSender<ChildEvent>,
    ) -> io::Result<Self> {
        let (ours, theirs) = packets::pair()?;
        let mut command = program.command();
        command
            .arg("serve")
            .args(&arguments.common)
            .args(["--role", role.as_str()])
            .stdin(Stdio::from(theirs))
            .kill_on_drop(true);
        match how {
            As::First => (),
            As::Again => {
                command.arg("--again");
            }
            As::Successor => {
                command.args(["--again", "--successor"]);
            }
        }
        let process = command.spawn()?;
        drop(command); // and with it our copy of the child's end
        let pid = process.id().unwrap_or_default();
        let channel = std::os::unix::net::UnixDatagram::from(ours); // any unix socket of packets
        channel.set_nonblocking(true)?;
        let channel = Arc::new(UnixDatagram::from_std(channel)?);
        let kill = Arc::new(Notify::new());
        let watch = Watch {
            serial,
            process,
            channel: channel.clone(),
            kill: kill.clone(),
            events,
        };
        tokio::spawn(watch.run());
        Ok(Self {
            serial,
            role,
            pid,
            since: Instant::now(),
            version: None,
            channel,
            kill,
        })
    }

    /// Gives an order. One that is dying does not take it: its end is told anyway.
    pub fn tell(&self, order: ToChild, file: Option<BorrowedFd<'_>>) {
        if let Ok(bytes) = serde_json::to_vec(&order) {
            let files: Vec<BorrowedFd<'_>> = file.into_iter().collect();
            let _ = packets::send(self.channel.as_fd(), &bytes, &files);
        }
    }

    /// SIGKILL; its end is told as any other.
    pub fn kill(&self) {
        self.kill.notify_one();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

struct Watch {
    serial: u64,
    process: tokio::process::Child,
    channel: Arc<UnixDatagram>,
    kill: Arc<Notify>,
    events: mpsc::UnboundedSender<ChildEvent>,
}

impl Watch {
    async fn run(mut self) {
        let mut closed = false;
        loop {
            tokio::select! {
                biased;
                said = next(&self.channel), if !closed => match said {
                    Ok(Some(said)) => self.tell(ChildDid::Said(said)),
                    Ok(None) => (),
                    Err(_) => closed = true,
                },
                status = self.process.wait() => {
                    // A wait cannot fail for a child of ours; if it did, it would be gone to us all the same.
                    self.tell(ChildDid::Ended(status.unwrap_or_default()));
                    return;
                }
                () = self.kill.notified() => {
                    let _ = self.process.start_kill(); // it has ended by itself
                }
            }
        }
    }

    fn tell(&self, what: ChildDid) {
        // A supervisor that is ending needs no news.
        let _ = self.events.send(ChildEvent {
            serial: self.serial,
            what,
        });
    }
}

/// The next thing that the child says; none: something of another release. An error: the child's end is closed.
async fn next(channel: &UnixDatagram) -> io::Result<Option<FromChild>> {
    loop {
        channel.readable().await?;
        match channel.try_io(Interest::READABLE, || packets::receive(channel)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (),
            Err(error) => return Err(error),
            Ok(None) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Some((bytes, _))) => return Ok(serde_json::from_slice(&bytes).ok()),
        }
    }
}

/// How a process ended, in words.
pub fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}{}", signal_name(signal)),
        (None, None) => "unknown".to_owned(),
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        7 => " (SIGBUS)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        15 => " (SIGTERM)",
        24 => " (SIGXCPU)",
        31 => " (SIGSYS)",
        _ => "",
    }
}
