//! Call logic ⇄ SIP gate.
//!
//! A gate holds the sockets and frames messages; it knows no call. A message goes to the lane of the shard that its
//! Call-ID hashes to, a REGISTER to the registrar's lane.

use std::net::SocketAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tandem_sip::Flow;

/// From a SIP gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Up {
    /// One message that the gate found valid; its top Via has `received` and `rport` already (RFC 3581).
    Message { flow: Flow, bytes: Bytes },
    /// A TCP connection is gone, or one that was asked for did not come about; what is sent along it is lost.
    Closed { flow: Flow },
    /// Where the gate listens: the true addresses and ports. Unnumbered, after each connection of the call logic.
    Listening {
        udp: Vec<SocketAddr>,
        tcp: Vec<SocketAddr>,
    },
    /// What passed since the gate's start. Unnumbered, now and then.
    Counted(Counted),
}

/// To a SIP gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Down {
    /// Sends one message. On TCP, connection 0 asks for a connection to `flow.remote`; what cannot be sent on TCP comes
    /// back as [`Up::Closed`].
    Send { flow: Flow, bytes: Bytes },
}

/// The counters of a SIP gate, each by its name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// Everything that is counted apart from messages by kind.
    pub counters: Vec<(String, u64)>,
    /// Requests that came, by method.
    pub requests_in: Vec<(String, u64)>,
    /// Responses that came, by class of status.
    pub responses_in: Vec<(String, u64)>,
    /// Requests sent, by method.
    pub requests_out: Vec<(String, u64)>,
    /// Responses sent, by class of status.
    pub responses_out: Vec<(String, u64)>,
}
