//! All sockets together: bound at once, sent through by all, closed in order.

use std::fmt;
use std::hash::RandomState;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tandem_sip as sip;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::accept::{self, Listener};
use crate::connect::{self, Adopted, Asked};
use crate::connection::{self, Phase, Tcp};
use crate::counters::add;
use crate::hand_over::{HandOver, Handed, HandedConnecting, HandedConnection, Left};
use crate::intake::{Deliver, Intake, Shared};
use crate::table::Table;
use crate::udp::Udp;
use crate::{Config, Counters, Limits};

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
    /// A predecessor's sockets do not fit what it says of them.
    #[error("{given} descriptors were handed over where there should be {expected}")]
    Descriptors {
        /// So many came.
        given: usize,
        /// So many are described.
        expected: usize,
    },
    /// A predecessor's socket is none.
    #[error("cannot go on with a socket that was handed over: {0}")]
    Adopt(io::Error),
    /// The sockets stay as they are.
    #[error("cannot hand over the sockets: {0}")]
    HandOver(io::Error),
    /// They were handed over or closed before.
    #[error("the sockets are closed")]
    Stopped,
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
    limits: Limits,
    table: Arc<Table>,
    shared: Shared,
    phase: watch::Sender<Phase>,
    /// To the task that makes connections; the attempts bound what waits there.
    connect: mpsc::UnboundedSender<Asked>,
    attempts: Arc<Semaphore>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    udp: JoinSet<()>,
    tcp: JoinSet<Vec<Left>>,
}

/// Everything that sockets are made of, new or from a predecessor.
struct Sockets {
    counters: Arc<Counters>,
    udp: Vec<Arc<Udp>>,
    listeners: Vec<Listener>,
    table: Table,
    connections: Vec<Adopted>,
    connecting: Vec<HandedConnecting>,
    closed: Vec<sip::Flow>,
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
        let nothing = Handed {
            udp: Vec::new(),
            listeners: Vec::new(),
            connections: Vec::new(),
            connecting: Vec::new(),
            closed: Vec::new(),
            last: Table::draw(),
        };
        let handed = HandOver {
            state: nothing,
            descriptors: Vec::new(),
        };
        Self::adopt(config, handed, deliver)
    }

    /// Goes on where another transport stopped ([`Self::hand_over`]): flows keep their connection numbers, no peer
    /// notices. Addresses that the predecessor did not have are bound, those that are no longer configured closed.
    pub fn adopt(config: &Config, handed: HandOver, deliver: impl Deliver) -> Result<Self, TransportError> {
        let sockets = Sockets::new(config, handed)?;
        Ok(Self::run(config.limits, sockets, Arc::new(deliver)))
    }

    fn run(limits: Limits, sockets: Sockets, deliver: Arc<dyn Deliver>) -> Self {
        let shared = Shared {
            deliver,
            counters: sockets.counters,
            complaints_per_second: limits.complaints_per_second,
            retry_after: limits.retry_after,
            tags: RandomState::new(),
        };
        let (phase, phases) = watch::channel(Phase::Running);
        let table = Arc::new(sockets.table);
        let tcp = Tcp {
            limits,
            shared: shared.clone(),
            table: Arc::clone(&table),
            phase: phases,
        };
        let mut tasks = Tasks::default();
        for socket in &sockets.udp {
            let receiving = Arc::clone(socket);
            let intake = Intake::new(shared.clone(), UDP_SOURCES);
            tasks
                .udp
                .spawn(async move { receiving.drive_receive(intake).await });
            let sending = Arc::clone(socket);
            tasks.udp.spawn(async move { sending.drive_waiting().await });
        }
        let mut listening = Vec::new();
        for listener in sockets.listeners {
            listening.extend(listener.listener.local_addr());
            tasks.tcp.spawn(accept::drive(listener, tcp.clone()));
        }
        // What a predecessor had begun is begun again, whatever the limit is now.
        let attempts = Arc::new(Semaphore::new(
            limits.connecting_max.max(sockets.connecting.len()),
        ));
        let (connect, asked) = mpsc::unbounded_channel();
        for HandedConnecting {
            number,
            flow,
            asked,
            unsent,
        } in sockets.connecting
        {
            let place = table.enter_again(number, flow.remote, asked, &limits);
            if let Ok(permit) = Arc::clone(&attempts).try_acquire_owned() {
                let asked = Asked {
                    flow,
                    place,
                    unsent,
                    permit,
                };
                drop(connect.send(asked)); // its other end is right below
            }
        }
        tasks.tcp.spawn(connect::drive(
            sockets.connections,
            sockets.closed,
            listening.clone(),
            asked,
            tcp,
        ));
        Self {
            inner: Arc::new(Inner {
                udp: sockets.udp,
                tcp: listening,
                limits,
                table,
                shared,
                phase,
                connect,
                attempts,
                tasks: Mutex::new(tasks),
            }),
        }
    }

    /// Stops reading and accepting, and gives every socket with all that a successor needs to go on. Nothing is lost:
    /// what is half received or half sent goes along, what is not read yet stays in the kernel. Afterwards this
    /// transport is dead: [`Self::send`] fails.
    pub async fn hand_over(&self) -> Result<HandOver, TransportError> {
        let mut descriptors = Vec::new();
        for socket in &self.inner.udp {
            // First of all: should the system refuse, nothing has happened yet.
            descriptors.push(socket.descriptor().map_err(TransportError::HandOver)?);
        }
        let first = self.inner.phase.send_if_modified(|phase| {
            let running = *phase == Phase::Running;
            if running {
                *phase = Phase::HandingOver;
            }
            running
        });
        if !first {
            return Err(TransportError::Stopped);
        }
        let mut tasks = self.take_tasks();
        tasks.udp.shutdown().await;
        let handed = self.inner.udp.iter().map(|socket| socket.hand_over());
        let udp = descriptors.into_iter().zip(handed).collect();
        let mut left = Vec::new();
        while let Some(ended) = tasks.tcp.join_next().await {
            left.extend(ended.into_iter().flatten());
        }
        Ok(HandOver::new(udp, left, self.inner.table.last()))
    }

    fn take_tasks(&self) -> Tasks {
        std::mem::take(&mut *self.inner.tasks.lock().unwrap_or_else(PoisonError::into_inner))
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
        &self.inner.shared.counters
    }

    /// Sends a message along a flow without waiting; from any thread. Ok means that it is on its way or queued, not
    /// that it arrived.
    ///
    /// On TCP, connection 0 means any connection to `flow.remote`: one that is open, or a new one, for which messages
    /// wait. Where it cannot be made, or ends, [`crate::Inbound::Closed`] tells so with the very `flow`. What comes back
    /// carries the connection's own number.
    pub fn send(&self, flow: sip::Flow, message: Bytes) -> Result<(), SendError> {
        let sent = match flow.transport {
            sip::Transport::Udp => self.send_datagram(flow, message),
            sip::Transport::Tcp if flow.connection == 0 => self.send_to_peer(flow, &message),
            sip::Transport::Tcp => self.inner.table.send(flow, message),
        };
        if sent.is_err() {
            add(&self.counters().unsent);
        }
        sent
    }

    fn send_to_peer(&self, flow: sip::Flow, message: &Bytes) -> Result<(), SendError> {
        let inner = &self.inner;
        let new = inner
            .table
            .send_to_peer(flow, message, &inner.limits, &inner.attempts)?;
        let Some((place, permit)) = new else {
            return Ok(());
        };
        let asked = Asked {
            flow,
            place,
            unsent: Vec::new(),
            permit,
        };
        inner.connect.send(asked).map_err(|refused| {
            inner.table.leave(refused.0.place.number);
            SendError::Gone // we are stopping
        })
    }

    fn send_datagram(&self, flow: sip::Flow, message: Bytes) -> Result<(), SendError> {
        if *self.inner.phase.borrow() == Phase::HandingOver {
            return Err(SendError::Gone);
        }
        let socket = self
            .inner
            .udp
            .iter()
            .find(|socket| socket.serves(flow.local))
            .ok_or(SendError::Gone)?;
        socket.send(flow, message)
    }

    /// Tells the sender of what begins something new to come again later (503 with Retry-After), without keeping
    /// anything of it; false: the message is of another kind ([`crate::begins`]), and nothing was sent.
    pub fn answer_overload(&self, flow: sip::Flow, message: &sip::Message) -> bool {
        match self.inner.shared.overload(flow, message) {
            Some(reply) => self.send(flow, reply).is_ok(),
            None => false,
        }
    }

    /// Takes nothing more, sends what is queued for as long as `within`, and closes every socket.
    pub async fn close(&self, within: Duration) {
        self.inner.phase.send_replace(Phase::Closing);
        let mut tasks = self.take_tasks();
        // Past the time, dropping the tasks cuts the rest off.
        let _ = tokio::time::timeout(within, async { while tasks.tcp.join_next().await.is_some() {} }).await;
    }
}

impl Sockets {
    fn new(config: &Config, handed: HandOver) -> Result<Self, TransportError> {
        let HandOver { state, descriptors } = handed;
        if descriptors.len() != state.descriptors() {
            return Err(TransportError::Descriptors {
                given: descriptors.len(),
                expected: state.descriptors(),
            });
        }
        let mut descriptors = descriptors.into_iter();
        let counters = Arc::new(Counters::default());
        let failed = |transport, address| {
            move |source| TransportError::Bind {
                transport,
                address,
                source,
            }
        };
        let waiting_max = config.limits.udp_send_queue_max;

        let mut theirs: Vec<_> = state.udp.into_iter().zip(descriptors.by_ref()).collect();
        let mut udp = Vec::new();
        for address in &config.udp {
            let place = theirs
                .iter()
                .position(|(handed, _)| handed.configured == *address);
            let socket = if let Some(place) = place {
                let (handed, descriptor) = theirs.swap_remove(place);
                Udp::adopt(descriptor, handed, waiting_max, Arc::clone(&counters))
                    .map_err(TransportError::Adopt)?
            } else {
                Udp::bind(*address, waiting_max, Arc::clone(&counters))
                    .map_err(failed(sip::Transport::Udp, *address))?
            };
            udp.push(Arc::new(socket));
        }

        let mut theirs: Vec<_> = state.listeners.into_iter().zip(descriptors.by_ref()).collect();
        let mut listeners = Vec::new();
        for address in &config.tcp {
            let place = theirs.iter().position(|(configured, _)| configured == address);
            listeners.push(if let Some(place) = place {
                let (configured, descriptor) = theirs.swap_remove(place);
                accept::adopt(configured, descriptor).map_err(TransportError::Adopt)?
            } else {
                accept::bind(*address).map_err(failed(sip::Transport::Tcp, *address))?
            });
        }

        let table = Table::new(state.last);
        let mut connections = Vec::new();
        for (handed, descriptor) in state.connections.into_iter().zip(descriptors) {
            let HandedConnection {
                flow,
                asked,
                standing,
            } = handed;
            let stream = connection::adopt(descriptor).map_err(TransportError::Adopt)?;
            connections.push(Adopted {
                stream,
                flow,
                place: table.enter_again(flow.connection, flow.remote, asked, &config.limits),
                standing,
            });
        }
        Ok(Self {
            counters,
            udp,
            listeners,
            table,
            connections,
            connecting: state.connecting,
            closed: state.closed,
        })
    }
}
