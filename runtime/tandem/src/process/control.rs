//! The socket by which `tandem status`, `upgrade` and `drain` reach a running server: a JSON object a line, each way.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};

use super::role::Role;

/// Longest request in bytes.
const REQUEST_MAX: u64 = 4 * 1024;
/// Who connects asks at once.
const ASK_WITHIN: Duration = Duration::from_secs(5);
const CONNECTIONS_MAX: usize = 16;

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Request {
    /// Which processes run.
    Status,
    /// Replace every process by the binary that lies on disk now.
    Upgrade,
    /// Take new calls no more, or again.
    Drain {
        /// No more.
        on: bool,
    },
}

/// One process of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// `serve` or a role.
    pub name: String,
    /// While it runs.
    pub pid: Option<u32>,
    /// Its release, once it is up.
    pub version: Option<String>,
    /// Milliseconds since it was started.
    pub up_ms: u64,
    /// How often it died and was started again.
    pub restarts: u32,
    /// `up`, `starting` or `waiting`: it keeps dying and is tried again later.
    pub state: String,
}

/// Lines of an answer; the last is [`Self::Done`] or [`Self::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Reply {
    /// To [`Request::Status`].
    Status {
        /// The supervisor first.
        processes: Vec<ProcessStatus>,
        /// New calls are refused.
        draining: bool,
    },
    /// A process was replaced.
    Replaced {
        /// Which.
        role: Role,
        /// Its process before.
        from_pid: u32,
        /// Its release before.
        from_version: String,
        /// Its process now.
        pid: u32,
        /// Its release now.
        version: String,
        /// How long nobody did its work, in milliseconds.
        away_ms: u64,
    },
    /// It was done.
    Done,
    /// It was not, or not wholly; why.
    Refused {
        /// In words.
        why: String,
    },
}

impl Reply {
    fn is_last(&self) -> bool {
        matches!(self, Self::Done | Self::Refused { .. })
    }
}

/// A request, and where its answer goes.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub request: Request,
    /// Takes the lines of the answer.
    pub answer: mpsc::UnboundedSender<Reply>,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens.
    #[error("no server runs on {0}")]
    NoServer(String),
    /// The connection broke.
    #[error("the server did not answer: {0}")]
    Broken(io::Error),
}

/// Listens at `path` for as long as the receiver lives. Call inside a tokio runtime.
pub fn listen(path: &Path) -> io::Result<mpsc::Receiver<Asked>> {
    let listener = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    let (asked, requests) = mpsc::channel(CONNECTIONS_MAX);
    tokio::spawn(async move {
        let places = std::sync::Arc::new(Semaphore::new(CONNECTIONS_MAX));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let asked = asked.clone();
                    tokio::spawn(async move {
                        // One who went away needs no answer.
                        let _ = serve(stream, asked).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "control socket");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    });
    Ok(requests)
}

async fn serve(stream: UnixStream, asked: mpsc::Sender<Asked>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(REQUEST_MAX));
    tokio::time::timeout(ASK_WITHIN, read.read_line(&mut line)).await??;
    let (answer, mut lines) = mpsc::unbounded_channel();
    match serde_json::from_str(&line) {
        Ok(request) => {
            let _ = asked.send(Asked { request, answer }).await; // then the lines end at once
        }
        Err(error) => drop(answer.send(Reply::Refused {
            why: format!("no such request: {error}"),
        })),
    }
    while let Some(reply) = lines.recv().await {
        let mut line = serde_json::to_vec(&reply)?;
        line.push(b'\n');
        write.write_all(&line).await?;
        if reply.is_last() {
            break;
        }
    }
    write.shutdown().await
}

/// Asks the server whose socket is at `path`; `each` takes the lines before the last. An error of the server comes
/// as [`Reply::Refused`].
pub async fn ask(
    path: &Path,
    data: &Path,
    request: Request,
    mut each: impl FnMut(Reply),
) -> Result<Reply, ControlError> {
    let stream = UnixStream::connect(path)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                ControlError::NoServer(data.display().to_string())
            }
            _ => ControlError::Broken(error),
        })?;
    let broken = ControlError::Broken;
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(&request).map_err(|error| broken(error.into()))?;
    line.push(b'\n');
    write.write_all(&line).await.map_err(broken)?;
    let mut lines = BufReader::new(read).lines();
    while let Some(line) = lines.next_line().await.map_err(ControlError::Broken)? {
        let reply: Reply = serde_json::from_str(&line).map_err(|error| ControlError::Broken(error.into()))?;
        if reply.is_last() {
            return Ok(reply);
        }
        each(reply);
    }
    Err(ControlError::Broken(io::ErrorKind::UnexpectedEof.into()))
}
