//! Drawn flows for the HTTP API: the stock component that runs them, and calls that are played through drafts, each in a
//! process of its own: `tandem test-flow`, this same binary, with little of the machine.
//!
//! The process reads a [`TestAsked`] as JSON and writes a [`Tested`]; `cli/test_flow.rs` is its other side.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::time::Duration;

use tandem_web::{Flows, TestAsked, TestRefused, Tested};
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::replaying::{first_of, in_words};
use crate::stock;

/// The hidden command that does it.
pub const COMMAND: &str = "test-flow";
/// How long a test may take, the compilation of the component included, where its code is not there yet.
const TIME: Duration = Duration::from_secs(30);
/// Bytes of what is told of a call.
const TOLD_BYTES_MAX: u64 = 8 << 20;
/// Bytes that are read of what the process complains of.
const COMPLAINTS_BYTES_MAX: u64 = 16 << 10;

/// Runs flows.
pub struct StockFlows {
    data: PathBuf,
}

impl StockFlows {
    /// With the prompts and the compiled code in `data`.
    pub fn new(data: PathBuf) -> Self {
        Self { data }
    }

    async fn play(&self, asked: &TestAsked) -> Result<Tested, TestRefused> {
        let failed = |error: io::Error| TestRefused::Failed(format!("the test's process: {error}"));
        let order = serde_json::to_vec(asked).map_err(|error| failed(io::Error::other(error)))?;
        // The binary that this process runs, whatever lies at its path by now.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("tandem")
            .arg("--data")
            .arg(&self.data)
            .arg(COMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let tell = async {
            if let Some(mut stdin) = stdin {
                // One that died meanwhile takes no more; how it died is what counts.
                let _ = stdin.write_all(&order).await;
            }
        };
        let ((), told, complaints) = tokio::join!(
            tell,
            first_of(stdout, TOLD_BYTES_MAX + 1),
            first_of(stderr, COMPLAINTS_BYTES_MAX)
        );
        if told.len() as u64 > TOLD_BYTES_MAX {
            return Err(TestRefused::TooMuch(format!(
                "there are more than {} MiB to tell of the call",
                TOLD_BYTES_MAX >> 20
            )));
        }
        let status = child.wait().await.map_err(failed)?;
        let words = in_words(&String::from_utf8_lossy(&complaints));
        match status.code() {
            Some(0) => serde_json::from_slice(&told).map_err(|error| failed(io::Error::other(error))),
            Some(2) => Err(TestRefused::Invalid(words)),
            _ => {
                tracing::error!(domain = asked.domain, %status, "test of a flow: {words}");
                Err(TestRefused::Failed(format!("the test failed: {words}")))
            }
        }
    }
}

impl Flows for StockFlows {
    fn component(&self) -> &[u8] {
        stock::FLOW
    }

    fn prompts(&self, domain: &str) -> BTreeSet<String> {
        let Ok(folder) = std::fs::read_dir(self.data.join("prompts").join(domain)) else {
            return BTreeSet::new(); // the domain has none yet
        };
        let names = folder
            .flatten()
            .filter_map(|file| file.file_name().into_string().ok());
        names.filter(|name| name.ends_with(".wav")).collect()
    }

    fn test(
        &self,
        asked: TestAsked,
    ) -> Pin<Box<dyn Future<Output = Result<Tested, TestRefused>> + Send + '_>> {
        Box::pin(async move {
            // Dropped at the end of its time, the process is killed.
            match tokio::time::timeout(TIME, self.play(&asked)).await {
                Ok(done) => done,
                Err(_) => Err(TestRefused::TooMuch(format!(
                    "the test took more than {} s",
                    TIME.as_secs()
                ))),
            }
        })
    }
}
