//! Where a message came from or goes to: transport, both addresses, and which connection.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What carries a message (RFC 3261 §18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Transport {
    /// Datagrams: transactions repeat what is lost.
    Udp,
    /// A byte stream framed by Content-Length: nothing is repeated.
    Tcp,
}

impl Transport {
    /// Whether the transport delivers by itself, so that timers A, E and G stay off (RFC 3261 §17.1.1.2).
    pub fn is_reliable(self) -> bool {
        matches!(self, Self::Tcp)
    }

    /// As a Via writes it: `UDP`, `TCP` (RFC 3261 §20.42).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One way between us and a peer (RFC 5626 §2): responses and in-dialog requests go back along it,
/// which is what reaches a phone behind a NAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Flow {
    /// UDP or TCP.
    pub transport: Transport,
    /// Our end.
    pub local: SocketAddr,
    /// The peer's end as our socket sees it.
    pub remote: SocketAddr,
    /// The TCP connection's number, never used twice, in no other process either; 0 on UDP. On TCP 0 names no
    /// connection: what is sent so takes any to `remote`, or a new one.
    pub connection: u64,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ↔ {}", self.transport, self.local, self.remote)
    }
}
