//! Where to listen, and what peers may cost.

use std::net::SocketAddr;
use std::time::Duration;

/// What [`crate::Transport::bind`] needs.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Addresses for UDP; port 0 takes a free one, a wildcard address takes all of its family.
    pub udp: Vec<SocketAddr>,
    /// Addresses for TCP.
    pub tcp: Vec<SocketAddr>,
    /// The bounds.
    pub limits: Limits,
}

/// Every bound of this crate.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// TCP connections at once.
    pub connections_max: usize,
    /// TCP connections at once from one IP address.
    pub connections_per_address_max: usize,
    /// Connections that we are about to make, at once.
    pub connecting_max: usize,
    /// A peer that has not taken our connection for so long is given up.
    pub connect_time: Duration,
    /// A connection on which nothing came for so long is closed.
    pub connection_idle: Duration,
    /// Time from a message's first byte to its last, and from the connection to its first message.
    pub message_time: Duration,
    /// Longest message on TCP in bytes; UDP has its own 65,507.
    pub message_bytes_max: usize,
    /// Messages that may wait for a slow peer of one connection.
    pub send_queue_max: usize,
    /// Bytes that may wait for a slow peer of one connection.
    pub send_queue_bytes_max: usize,
    /// A peer that takes no byte for so long is cut off.
    pub send_time: Duration,
    /// Datagrams that may wait for a full socket buffer, per socket.
    pub udp_send_queue_max: usize,
    /// Answers to, and log lines about, what is not SIP: so many a second for one source, after a burst of twice
    /// that.
    pub complaints_per_second: u32,
    /// What Retry-After says when the call logic is full (RFC 3261 §20.33).
    pub retry_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 20_000,
            connections_per_address_max: 1_000,
            connecting_max: 256,
            connect_time: Duration::from_secs(5),
            connection_idle: Duration::from_hours(1),
            message_time: Duration::from_secs(32), // 64*T1: by then its sender has given up (RFC 3261 §17.1.1.2)
            message_bytes_max: 64 * 1024,
            send_queue_max: 512,
            send_queue_bytes_max: 1024 * 1024,
            send_time: Duration::from_secs(10),
            udp_send_queue_max: 4_096,
            complaints_per_second: 10,
            retry_after: Duration::from_secs(5),
        }
    }
}
