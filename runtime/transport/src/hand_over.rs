//! Sockets for a successor process: it goes on where this one stopped, and no peer notices.
//!
//! What peers sent and nobody has read stays in the kernel's buffers, which go along with the descriptors. How those
//! cross to another process is not told here.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tandem_sip::Flow;

use crate::tcp::Standing;
use crate::udp::Waiting;

/// What [`crate::Transport::hand_over`] gives and [`crate::Transport::adopt`] takes.
#[derive(Debug)]
pub struct HandOver {
    /// Where everything stands. It belongs to one release: who sends it to another process says which.
    pub state: Handed,
    /// As many as [`Handed::descriptors`] says, in the order that `state` means.
    pub descriptors: Vec<OwnedFd>,
}

/// Where each socket stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    pub(crate) udp: Vec<HandedUdp>,
    /// TCP listeners by their configured addresses.
    pub(crate) listeners: Vec<SocketAddr>,
    pub(crate) connections: Vec<HandedConnection>,
    pub(crate) connecting: Vec<HandedConnecting>,
    /// Nobody has been told yet that they are gone.
    pub(crate) closed: Vec<Flow>,
    /// The last number of a connection.
    pub(crate) last: u64,
}

impl Handed {
    /// How many descriptors belong to it: UDP sockets, listeners, connections.
    pub fn descriptors(&self) -> usize {
        self.udp.len() + self.listeners.len() + self.connections.len()
    }

    /// Connections that go along.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandedUdp {
    pub configured: SocketAddr,
    pub waiting: VecDeque<Waiting>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandedConnection {
    pub flow: Flow,
    pub asked: Vec<Flow>,
    pub standing: Standing,
}

/// A connection that was being made; it is begun again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HandedConnecting {
    pub number: u64,
    pub flow: Flow,
    pub asked: Vec<Flow>,
    pub unsent: Vec<Bytes>,
}

/// What a TCP task leaves to a successor.
#[derive(Debug)]
pub(crate) enum Left {
    Listening {
        descriptor: OwnedFd,
        configured: SocketAddr,
    },
    Open {
        descriptor: OwnedFd,
        connection: HandedConnection,
    },
    Connecting(HandedConnecting),
    Closed(Flow),
}

impl HandOver {
    /// Puts the descriptors in their order.
    pub(crate) fn new(udp: Vec<(OwnedFd, HandedUdp)>, left: Vec<Left>, last: u64) -> Self {
        let (mut descriptors, udp): (Vec<OwnedFd>, Vec<HandedUdp>) = udp.into_iter().unzip();
        let mut state = Handed {
            udp,
            listeners: Vec::new(),
            connections: Vec::new(),
            connecting: Vec::new(),
            closed: Vec::new(),
            last,
        };
        let mut of_connections = Vec::new();
        for left in left {
            match left {
                Left::Listening {
                    descriptor,
                    configured,
                } => {
                    descriptors.push(descriptor);
                    state.listeners.push(configured);
                }
                Left::Open {
                    descriptor,
                    connection,
                } => {
                    of_connections.push(descriptor);
                    state.connections.push(connection);
                }
                Left::Connecting(connecting) => state.connecting.push(connecting),
                Left::Closed(flow) => state.closed.push(flow),
            }
        }
        descriptors.extend(of_connections);
        Self { state, descriptors }
    }
}
