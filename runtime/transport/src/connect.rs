//! Connections that we make: to a peer that has none to us, or has lost it (RFC 3261 §18.1.1).

use std::io;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use tandem_sip::{Flow, Transport};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;

use crate::connection::{Phase, Tcp};
use crate::counters::add;
use crate::hand_over::{HandedConnecting, Left};
use crate::table::Place;
use crate::tcp::{self, Standing};

/// Asks for a connection that has its place already: what is sent meanwhile waits there.
pub(crate) struct Asked {
    /// The flow that was asked for, with connection 0.
    pub flow: Flow,
    pub place: Place,
    /// What waits already, before anything in the queue.
    pub unsent: Vec<Bytes>,
    /// A share of the attempts at once.
    pub permit: OwnedSemaphorePermit,
}

/// A connection that a predecessor had.
pub(crate) struct Adopted {
    pub stream: TcpStream,
    pub flow: Flow,
    pub place: Place,
    pub standing: Standing,
}

/// Makes the connections that are asked for, and follows them and the adopted ones to their ends. Nobody has told yet
/// that the `closed` ones are gone.
pub(crate) async fn drive(
    adopted: Vec<Adopted>,
    closed: Vec<Flow>,
    listeners: Vec<SocketAddr>,
    mut asked: mpsc::UnboundedReceiver<Asked>,
    tcp: Tcp,
) -> Vec<Left> {
    let mut connections = JoinSet::new();
    let mut left = Vec::new();
    if !closed.is_empty() {
        let tcp = tcp.clone();
        connections.spawn(async move { tcp.tell_closed(closed.into_iter()).await });
    }
    for Adopted {
        stream,
        flow,
        place,
        standing,
    } in adopted
    {
        connections.spawn(tcp.clone().follow(stream, flow, place, standing));
    }
    loop {
        tokio::select! {
            Some(asked) = asked.recv() => {
                let ends = Ends::of(asked.flow, &listeners);
                connections.spawn(connect(asked, ends, tcp.clone()));
            }
            Some(ended) = connections.join_next() => left.extend(ended.into_iter().flatten()),
            _ = tcp.told() => break,
        }
    }
    // Asked for a moment ago: each gets its task, which is told to stop and says what it leaves.
    asked.close();
    while let Some(asked) = asked.recv().await {
        let ends = Ends::of(asked.flow, &listeners);
        connections.spawn(connect(asked, ends, tcp.clone()));
    }
    while let Some(ended) = connections.join_next().await {
        left.extend(ended.into_iter().flatten());
    }
    left
}

/// Our end of a connection that we make.
struct Ends {
    /// Where it is to leave from.
    source: Option<IpAddr>,
    /// The port that its flow shows: peers reach us there, not at the port it leaves from.
    port: Option<u16>,
}

impl Ends {
    /// By the listener that the flow means, or one that its peer could reach.
    fn of(flow: Flow, listeners: &[SocketAddr]) -> Self {
        let of_family = |listener: &&SocketAddr| listener.is_ipv4() == flow.remote.is_ipv4();
        let same = |listener: &&SocketAddr| **listener == flow.local;
        let same_ip = |listener: &&SocketAddr| listener.ip() == flow.local.ip();
        let wildcard = |listener: &&SocketAddr| listener.ip().is_unspecified();
        let family: Vec<&SocketAddr> = listeners.iter().filter(of_family).collect();
        let find = |test: &dyn Fn(&&SocketAddr) -> bool| family.iter().copied().find(test);
        let listener = find(&same)
            .or_else(|| find(&same_ip))
            .or_else(|| find(&wildcard))
            .or_else(|| find(&|_| true));
        let wished = Some(flow.local.ip()).filter(|ip| ip.is_ipv4() == flow.remote.is_ipv4());
        let source = match listener {
            Some(listener) if !listener.ip().is_unspecified() => Some(listener.ip()),
            Some(_) | None => wished.filter(|ip| !ip.is_unspecified()),
        };
        Self {
            source,
            port: listener.map(SocketAddr::port),
        }
    }

    async fn connect(&self, remote: SocketAddr) -> io::Result<(TcpStream, SocketAddr)> {
        let socket = if remote.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(remote).await?;
        let mut local = stream.local_addr()?;
        if let Some(port) = self.port {
            local.set_port(port);
        }
        Ok((stream, local))
    }
}

async fn connect(asked: Asked, ends: Ends, tcp: Tcp) -> Vec<Left> {
    let Asked {
        flow,
        mut place,
        unsent,
        permit,
    } = asked;
    let connect_time = tcp.limits.connect_time;
    let connected = tokio::select! {
        biased; // the peer need not see an attempt that is given up at once
        phase = tcp.told() => return give_up(flow, place, unsent, &tcp, phase).await,
        connected = timeout(connect_time, ends.connect(flow.remote)) => connected,
    };
    drop(permit);
    let problem = match connected {
        Ok(Ok((stream, local))) => {
            add(&tcp.shared.counters.connections_made);
            let flow = Flow {
                transport: Transport::Tcp,
                local,
                remote: flow.remote,
                connection: place.number,
            };
            let standing = Standing::made(&tcp.limits, unsent);
            return tcp.follow(stream, flow, place, standing).await;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {connect_time:?}"),
    };
    debug!(%flow, problem, "cannot connect");
    add(&tcp.shared.counters.connections_failed);
    let lost = unsent.len() + tcp::drain(&mut place.queue).await.len();
    for _ in 0..lost {
        add(&tcp.shared.counters.unsent);
    }
    // Only now, when nothing more can be queued: whoever has queued is told.
    let told = tcp.table.leave(place.number);
    tcp.tell_closed(told.into_iter()).await
}

/// A successor tries again; what waits goes along.
async fn give_up(flow: Flow, mut place: Place, mut unsent: Vec<Bytes>, tcp: &Tcp, phase: Phase) -> Vec<Left> {
    unsent.extend(tcp::drain(&mut place.queue).await);
    let asked = tcp.table.leave(place.number);
    match phase {
        Phase::Running | Phase::Closing => Vec::new(),
        Phase::HandingOver => vec![Left::Connecting(HandedConnecting {
            number: place.number,
            flow,
            asked,
            unsent,
        })],
    }
}
