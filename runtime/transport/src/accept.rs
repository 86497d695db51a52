//! One TCP listener, and the table of all connections.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tandem_sip::{Flow, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::counters::add;
use crate::intake::{Inbound, Shared};
use crate::tcp::{self, Outbox};
use crate::{Limits, SendError};

const BACKLOG: i32 = 1_024;

#[derive(Debug, Default)]
struct Open {
    next: u64,
    outboxes: HashMap<u64, Outbox>,
    per_address: HashMap<IpAddr, usize>,
}

/// All connections of all listeners.
#[derive(Debug, Default)]
pub(crate) struct Table {
    open: RwLock<Open>,
}

impl Table {
    /// Queues along the connection of `flow`.
    pub fn send(&self, flow: Flow, message: bytes::Bytes) -> Result<(), SendError> {
        let outbox = {
            let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
            open.outboxes.get(&flow.connection).cloned()
        };
        outbox.ok_or(SendError::Gone)?.send(message)
    }

    /// Takes a place for a connection and gives its number; none: a limit is met.
    fn enter(&self, peer: IpAddr, outbox: Outbox, limits: &Limits) -> Option<u64> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let of_peer = open.per_address.get(&peer).copied().unwrap_or(0);
        if open.outboxes.len() >= limits.connections_max || of_peer >= limits.connections_per_address_max {
            return None;
        }
        open.next += 1; // so the first is 1: 0 is UDP's
        let number = open.next;
        open.outboxes.insert(number, outbox);
        open.per_address.insert(peer, of_peer + 1);
        Some(number)
    }

    fn leave(&self, number: u64, peer: IpAddr) {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        if open.outboxes.remove(&number).is_none() {
            return;
        }
        if let Some(of_peer) = open.per_address.get_mut(&peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                open.per_address.remove(&peer);
            }
        }
    }
}

/// Binds a listener; call inside a tokio runtime.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Accepts until `stop` turns true, then waits for its connections to end.
pub(crate) async fn drive(
    listener: TcpListener,
    limits: Limits,
    shared: Shared,
    table: Arc<Table>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(connection) = open(stream, peer, limits, &shared, &table, stop.clone()) {
                    connections.spawn(connection);
                }
            }
            Err(error) => {
                // Out of file descriptors, mostly: accepting again at once would only spin.
                warn!(%error, "cannot accept SIP connections");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The task of a new connection; none where it is refused.
fn open(
    stream: TcpStream,
    peer: SocketAddr,
    limits: Limits,
    shared: &Shared,
    table: &Arc<Table>,
    stop: watch::Receiver<bool>,
) -> Option<impl Future<Output = ()> + Send + 'static> {
    let local = stream.local_addr().ok()?;
    let (outbox, queue) = Outbox::new(&limits);
    let Some(connection) = table.enter(peer.ip(), outbox.clone(), &limits) else {
        add(&shared.counters.connections_refused);
        return None; // dropping the stream closes it
    };
    add(&shared.counters.connections_accepted);
    add(&shared.counters.connections_open);
    let flow = Flow {
        transport: Transport::Tcp,
        local,
        remote: peer,
        connection,
    };
    let (shared, table) = (shared.clone(), Arc::clone(table));
    Some(async move {
        debug!(%flow, connection, "connection opened");
        let stopping = stop.clone();
        let end = tcp::drive(stream, flow, &limits, &shared, (outbox, queue), stop).await;
        table.leave(connection, peer.ip());
        shared.counters.connections_open.fetch_sub(1, Ordering::Relaxed);
        if end.is_cut() {
            add(&shared.counters.connections_cut);
        }
        debug!(%flow, connection, %end, "connection closed");
        let mut closed = Inbound::Closed { flow };
        // Registrations hang on this news, so it is not dropped when the call logic is full.
        while let Err(back) = shared.deliver.deliver(closed) {
            if *stopping.borrow() {
                break;
            }
            closed = back;
            tokio::time::sleep(tcp::FULL_PAUSE).await;
        }
    })
}
