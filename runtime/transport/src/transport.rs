//! All sockets together: bound at once, sent through by all, closed in order.

use std::fmt;
use std::hash::RandomState;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tandem_sip as sip;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accept::{self, Table};
use crate::counters::add;
use crate::intake::{Deliver, Intake, Shared};
use crate::udp::Udp;
use crate::{Config, Counters};

/// Sources whose complaints one UDP socket tells apart.
const UDP_SOURCES: usize = 4_096;

/// Why there are no sockets.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// An address is taken, not this machine's, or not allowed.
    #[error("cannot listen on {address} ({transport}): {source}")]
    Bind {
        /// UDP or TCP.
        transport: sip::Transport,
        /// The address as configured.
        address: SocketAddr,
        /// The system's words.
        source: io::Error,
    },
}

/// Why a message was not sent. On UDP the transaction's repeats go on; on TCP the flow is to be given up.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The connection is closed, or no socket of ours has the flow's local address.
    #[error("the flow is gone")]
    Gone,
    /// The peer does not take what waits for it already.
    #[error("the queue to this peer is full")]
    Full,
    /// No datagram carries it.
    #[error("message of {length} bytes is longer than {max}")]
    TooLong {
        /// The message, in bytes.
        length: usize,
        /// The most, in bytes.
        max: usize,
    },
    /// The system refused: no route, not allowed.
    #[error(transparent)]
    System(io::Error),
}

/// The sockets. A clone is the same transport; [`Self::close`] ends it for all.
#[derive(Clone)]
pub struct Transport {
    inner: Arc<Inner>,
}

struct Inner {
    udp: Vec<Arc<Udp>>,
    tcp: Vec<SocketAddr>,
    table: Arc<Table>,
    counters: Arc<Counters>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    udp: JoinSet<()>,
    tcp: JoinSet<()>,
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("udp", &self.udp())
            .field("tcp", &self.tcp())
            .finish_non_exhaustive()
    }
}

impl Transport {
    /// Binds every address and starts receiving into `deliver`. Call inside a tokio runtime: the sockets' tasks run
    /// there. Either all addresses are bound or none stays bound.
    pub fn bind(config: &Config, deliver: impl Deliver) -> Result<Self, TransportError> {
        let counters = Arc::new(Counters::default());
        let limits = config.limits;
        let failed = |transport, address| {
            move |source| TransportError::Bind {
                transport,
                address,
                source,
            }
        };
        let mut udp = Vec::new();
        for address in &config.udp {
            let socket = Udp::bind(*address, limits.udp_send_queue_max, Arc::clone(&counters))
                .map_err(failed(sip::Transport::Udp, *address))?;
            udp.push(Arc::new(socket));
        }
        let mut listeners = Vec::new();
        for address in &config.tcp {
            let bound = accept::bind(*address).and_then(|listener| Ok((listener.local_addr()?, listener)));
            listeners.push(bound.map_err(failed(sip::Transport::Tcp, *address))?);
        }
        let shared = Shared {
            deliver: Arc::new(deliver),
            counters: Arc::clone(&counters),
            complaints_per_second: limits.complaints_per_second,
            retry_after: limits.retry_after,
            tags: RandomState::new(),
        };
        let (stop, stopped) = watch::channel(false);
        let table = Arc::new(Table::default());
        let mut tasks = Tasks::default();
        for socket in &udp {
            let receiving = Arc::clone(socket);
            let intake = Intake::new(shared.clone(), UDP_SOURCES);
            tasks
                .udp
                .spawn(async move { receiving.drive_receive(intake).await });
            let sending = Arc::clone(socket);
            tasks.udp.spawn(async move { sending.drive_waiting().await });
        }
        let mut tcp = Vec::new();
        for (local, listener) in listeners {
            tcp.push(local);
            tasks.tcp.spawn(accept::drive(
                listener,
                limits,
                shared.clone(),
                Arc::clone(&table),
                stopped.clone(),
            ));
        }
        let tasks = Mutex::new(tasks);
        Ok(Self {
            inner: Arc::new(Inner {
                udp,
                tcp,
                table,
                counters,
                stop,
                tasks,
            }),
        })
    }

    /// Where UDP is taken: the true ports.
    pub fn udp(&self) -> Vec<SocketAddr> {
        self.inner.udp.iter().map(|socket| socket.local()).collect()
    }

    /// Where TCP is taken: the true ports.
    pub fn tcp(&self) -> Vec<SocketAddr> {
        self.inner.tcp.clone()
    }

    /// What was counted.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inner.counters
    }

    /// Sends a message along a flow without waiting; from any thread. Ok means that it is on its way or queued, not
    /// that it arrived.
    pub fn send(&self, flow: sip::Flow, message: Bytes) -> Result<(), SendError> {
        let sent = match flow.transport {
            sip::Transport::Udp => self.send_datagram(flow, message),
            sip::Transport::Tcp => self.inner.table.send(flow, message),
        };
        if sent.is_err() {
            add(&self.inner.counters.unsent);
        }
        sent
    }

    fn send_datagram(&self, flow: sip::Flow, message: Bytes) -> Result<(), SendError> {
        let socket = self
            .inner
            .udp
            .iter()
            .find(|socket| socket.serves(flow.local))
            .ok_or(SendError::Gone)?;
        socket.send(flow, message)
    }

    /// Takes nothing more, sends what is queued for as long as `within`, and closes every socket.
    pub async fn close(&self, within: Duration) {
        self.inner.stop.send_replace(true);
        let mut tasks = std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // Past the time, dropping the tasks cuts the rest off.
        let _ = tokio::time::timeout(within, async { while tasks.tcp.join_next().await.is_some() {} }).await;
    }
}
