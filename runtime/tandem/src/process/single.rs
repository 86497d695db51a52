//! A server that is one process: orders come from signals and from the control socket.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

use super::control::{self, Asked, ProcessStatus, Reply, Request};
use super::orders::{Order, Orders};
use super::run_dir::{RunDir, RunError};
use crate::config::Config;
use crate::serve::{self, How, ServeError};

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum SingleError {
    /// The data directory.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The server itself.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Signals or the control socket.
    #[error("the system refuses: {0}")]
    System(#[from] std::io::Error),
}

/// Why there is no upgrade.
const NO_UPGRADE: &str = "the server is one process (server.processes = false): only a new start replaces it";

/// Runs a server in this process until SIGTERM or SIGINT.
pub async fn serve(config: Config, data: &Path) -> Result<ExitCode, SingleError> {
    let claim = RunDir::of(data).claim()?;
    let (orders, inbox) = mpsc::unbounded_channel();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let mut requests = control::listen(&claim.directory().control())?;
    let up = Arc::new(AtomicBool::new(false));
    let mut state = State {
        since: Instant::now(),
        up: up.clone(),
        draining: false,
    };
    let watch = async move {
        let mut stopping = false;
        loop {
            let order = tokio::select! {
                _ = terminate.recv() => Some(Order::Stop),
                _ = interrupt.recv() => Some(if stopping { Order::Hurry } else { Order::Stop }),
                _ = hangup.recv() => {
                    tracing::warn!("{NO_UPGRADE}");
                    None
                }
                Some(asked) = requests.recv() => state.take(&asked),
            };
            stopping |= matches!(order, Some(Order::Stop));
            if let Some(order) = order {
                drop(orders.send(order)); // a server that is ending takes no more orders
            }
        }
    };
    tokio::select! {
        served = serve::serve(config, data, Orders::from_within(inbox, up), How::Here) => Ok(served?),
        never = watch => never,
    }
}

struct State {
    since: Instant,
    up: Arc<AtomicBool>,
    draining: bool,
}

impl State {
    fn take(&mut self, asked: &Asked) -> Option<Order> {
        let say = |reply| drop(asked.answer.send(reply)); // one who went away needs no answer
        match asked.request {
            Request::Status => {
                say(self.status());
                say(Reply::Done);
                None
            }
            Request::Drain { on } => {
                self.draining = on;
                say(Reply::Done);
                Some(Order::Drain(on))
            }
            Request::Upgrade => {
                say(Reply::Refused {
                    why: NO_UPGRADE.to_owned(),
                });
                None
            }
        }
    }

    fn status(&self) -> Reply {
        Reply::Status {
            processes: vec![ProcessStatus {
                name: "serve".to_owned(),
                pid: Some(std::process::id()),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                up_ms: self.since.elapsed().as_millis() as u64,
                restarts: 0,
                state: if self.up.load(Ordering::Relaxed) {
                    "up"
                } else {
                    "starting"
                }
                .to_owned(),
            }],
            draining: self.draining,
        }
    }
}
