//! A connection's life: its place in the table, its task, the news of its end.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tandem_sip::Flow;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::{debug, warn};

use crate::Limits;
use crate::counters::add;
use crate::hand_over::{HandedConnection, Left};
use crate::intake::{Inbound, Shared};
use crate::table::{Place, Table};
use crate::tcp::{self, Outcome, Standing};

/// Goes on with a predecessor's connection; call inside a tokio runtime.
pub(crate) fn adopt(descriptor: OwnedFd) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::from(descriptor);
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

/// What all sockets are told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Running,
    /// Send what is queued, then close.
    Closing,
    /// Stop where you are, and say where that is.
    HandingOver,
}

/// What every TCP task needs.
#[derive(Clone)]
pub(crate) struct Tcp {
    pub limits: Limits,
    pub shared: Shared,
    pub table: Arc<Table>,
    pub phase: watch::Receiver<Phase>,
}

impl Tcp {
    /// The phase once it is no longer [`Phase::Running`].
    pub async fn told(&self) -> Phase {
        let mut phase = self.phase.clone();
        match phase.wait_for(|phase| *phase != Phase::Running).await {
            Ok(phase) => *phase,
            Err(_) => Phase::Closing, // the transport is dropped
        }
    }

    /// Runs a connection to its end, tells of that, and gives what a successor must do, if there is one.
    pub async fn follow(self, stream: TcpStream, flow: Flow, place: Place, standing: Standing) -> Vec<Left> {
        let connection = flow.connection;
        debug!(%flow, connection, "connection opened");
        add(&self.shared.counters.connections_open);
        let queue = (place.outbox, place.queue);
        let outcome = tcp::drive(stream, flow, &self, queue, standing).await;
        let asked = self.table.leave(connection);
        self.shared
            .counters
            .connections_open
            .fetch_sub(1, Ordering::Relaxed);
        match outcome {
            Outcome::Ended(end) => {
                if end.is_cut() {
                    add(&self.shared.counters.connections_cut);
                }
                debug!(%flow, connection, %end, "connection closed");
                self.tell_closed([flow].into_iter().chain(asked)).await
            }
            Outcome::HandedOver { stream, standing } => match stream.into_std() {
                Ok(stream) => vec![Left::Open {
                    descriptor: stream.into(),
                    connection: HandedConnection {
                        flow,
                        asked,
                        standing,
                    },
                }],
                Err(error) => {
                    warn!(%flow, connection, %error, "cannot hand over a connection");
                    [flow].into_iter().chain(asked).map(Left::Closed).collect()
                }
            },
        }
    }

    /// Registrations hang on this news, so it is not dropped when the call logic is full.
    pub async fn tell_closed(&self, flows: impl Iterator<Item = Flow>) -> Vec<Left> {
        let mut left = Vec::new();
        for flow in flows {
            let mut closed = Inbound::Closed { flow };
            while let Err(back) = self.shared.deliver.deliver(closed) {
                let phase = *self.phase.borrow();
                match phase {
                    Phase::Running => (),
                    Phase::Closing => break,
                    Phase::HandingOver => {
                        left.push(Left::Closed(flow));
                        break;
                    }
                }
                closed = back;
                tokio::time::sleep(tcp::FULL_PAUSE).await;
            }
        }
        left
    }
}
