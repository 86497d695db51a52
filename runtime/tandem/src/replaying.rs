//! Replays for the HTTP API, each in a process of its own: `tandem replay`, this same binary, with little of the machine.
//!
//! So no replay computes on a call's core before a call does, and one that takes too long is ended without a trace.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use tandem_web::{Replay, ReplayAsked, ReplayRefused};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// How long a replay may take, the compilation of its scenario included.
const TIME: Duration = Duration::from_mins(1);
/// Bytes of a report.
const REPORT_BYTES_MAX: u64 = 32 << 20;
/// Bytes that are read of what the process complains of.
const COMPLAINTS_BYTES_MAX: u64 = 16 << 10;

/// Runs replays of the calls of a data directory.
pub struct Replays {
    data: PathBuf,
}

impl Replays {
    /// Of the calls in `data`.
    pub fn new(data: PathBuf) -> Self {
        Self { data }
    }

    fn command(&self, asked: &ReplayAsked) -> Command {
        // The binary that this process runs, whatever lies at its path by now.
        let mut command = Command::new("/proc/self/exe");
        command.arg0("tandem").arg("--data").arg(&self.data);
        command.args(["--json", "replay", "--background"]);
        // Each value in one word with its option: none is taken for an option itself.
        command.arg(format!("--domain={}", asked.domain));
        for set in &asked.set {
            command.arg(format!("--set={set}"));
        }
        if let Some(version) = &asked.version {
            command.arg(format!("--version={version}"));
        }
        if let Some(until) = asked.until {
            command.arg(format!("--until={until}"));
        }
        if asked.memory {
            command.arg("--memory");
        }
        command.args(["--", &asked.call]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, asked: &ReplayAsked) -> Result<Bytes, ReplayRefused> {
        let failed = |error: io::Error| ReplayRefused::Failed(format!("the replay's process: {error}"));
        let mut child = self.command(asked).spawn().map_err(failed)?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let reading = async {
            tokio::join!(
                first_of(stdout, REPORT_BYTES_MAX + 1),
                first_of(stderr, COMPLAINTS_BYTES_MAX)
            )
        };
        let (report, complaints) = reading.await;
        if report.len() as u64 > REPORT_BYTES_MAX {
            let most = REPORT_BYTES_MAX >> 20;
            return Err(ReplayRefused::TooMuch(format!(
                "the report has more than {most} MiB: end the replay before, with `until`"
            )));
        }
        let status = child.wait().await.map_err(failed)?;
        let words = in_words(&String::from_utf8_lossy(&complaints));
        // As `tandem --help` lists them; 4 has a report too, of a replay that left the record.
        match status.code() {
            Some(0 | 4) => Ok(report.into()),
            Some(2) => Err(ReplayRefused::Invalid(words)),
            Some(3) => Err(ReplayRefused::NotFound(words)),
            _ => {
                tracing::error!(domain = asked.domain, call = asked.call, %status, "replay: {words}");
                Err(ReplayRefused::Failed(format!("the replay failed: {words}")))
            }
        }
    }
}

impl Replay for Replays {
    fn replay(
        &self,
        asked: ReplayAsked,
    ) -> Pin<Box<dyn Future<Output = Result<Bytes, ReplayRefused>> + Send + '_>> {
        Box::pin(async move {
            // Dropped at the end of its time, the process is killed.
            match tokio::time::timeout(TIME, self.run(&asked)).await {
                Ok(done) => done,
                Err(_) => Err(ReplayRefused::TooMuch(format!(
                    "the replay took more than {} s",
                    TIME.as_secs()
                ))),
            }
        })
    }
}

/// Complaints without the program's name before each line.
pub fn in_words(complaints: &str) -> String {
    let lines = complaints
        .lines()
        .map(|line| line.strip_prefix("tandem: ").unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The first bytes of what a pipe says. A pipe of a process that dies just ends.
pub async fn first_of(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(most).read_to_end(&mut said).await;
    }
    said
}
