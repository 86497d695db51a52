//! One TCP listener.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tandem_sip::{Flow, Transport};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::warn;

use crate::connection::{Phase, Tcp};
use crate::counters::add;
use crate::hand_over::Left;
use crate::tcp::Standing;

const BACKLOG: i32 = 1_024;

/// A listener with the address that the configuration gives it, whose port may be 0.
pub(crate) struct Listener {
    pub configured: SocketAddr,
    pub listener: TcpListener,
}

/// Binds a listener; call inside a tokio runtime.
pub(crate) fn bind(configured: SocketAddr) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(configured), Type::STREAM, Some(Protocol::TCP))?;
    if configured.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A restart must not wait for connections of the last run to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&configured.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from_std(socket.into())?;
    Ok(Listener { configured, listener })
}

/// Goes on with a predecessor's listener; call inside a tokio runtime.
pub(crate) fn adopt(configured: SocketAddr, descriptor: OwnedFd) -> io::Result<Listener> {
    let listener = std::net::TcpListener::from(descriptor);
    listener.set_nonblocking(true)?;
    Ok(Listener {
        configured,
        listener: TcpListener::from_std(listener)?,
    })
}

/// Accepts until it is told otherwise, then waits for its connections to end or to stand still.
pub(crate) async fn drive(socket: Listener, tcp: Tcp) -> Vec<Left> {
    let Listener { configured, listener } = socket;
    let mut connections = JoinSet::new();
    let mut left = Vec::new();
    let phase = loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = connections.join_next() => {
                left.extend(ended.into_iter().flatten());
                continue;
            }
            phase = tcp.told() => break phase,
        };
        match accepted {
            Ok((stream, peer)) => {
                if let Some(connection) = open(stream, peer, &tcp) {
                    connections.spawn(connection);
                }
            }
            Err(error) => {
                // Out of file descriptors, mostly: accepting again at once would only spin.
                warn!(%error, "cannot accept SIP connections");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    match phase {
        Phase::Running | Phase::Closing => drop(listener),
        Phase::HandingOver => match listener.into_std() {
            Ok(listener) => left.push(Left::Listening {
                descriptor: listener.into(),
                configured,
            }),
            Err(error) => warn!(%configured, %error, "cannot hand over a listener"),
        },
    }
    while let Some(ended) = connections.join_next().await {
        left.extend(ended.into_iter().flatten());
    }
    left
}

/// The task of a new connection; none where it is refused.
fn open(
    stream: TcpStream,
    peer: SocketAddr,
    tcp: &Tcp,
) -> Option<impl Future<Output = Vec<Left>> + Send + 'static> {
    let local = stream.local_addr().ok()?;
    let Some(place) = tcp.table.enter(peer, &tcp.limits) else {
        add(&tcp.shared.counters.connections_refused);
        return None; // dropping the stream closes it
    };
    add(&tcp.shared.counters.connections_accepted);
    let flow = Flow {
        transport: Transport::Tcp,
        local,
        remote: peer,
        connection: place.number,
    };
    let standing = Standing::accepted(&tcp.limits);
    Some(tcp.clone().follow(stream, flow, place, standing))
}
