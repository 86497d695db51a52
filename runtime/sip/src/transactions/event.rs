//! What the table tells: ids, events, outputs.

use crate::flow::Flow;
use crate::message::Message;
use crate::moment::Moment;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A client transaction: a request of ours. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClientId(pub(super) u64);

/// A server transaction: a request of a peer. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServerId(pub(super) u64);

/// What happened, for the layer above.
#[derive(Debug, Clone)]
#[allow(
    clippy::large_enum_variant,
    reason = "it is moved once and most of them carry a message"
)]
pub enum Event {
    /// A new request, never ACK or CANCEL. Answer it with [`super::Transactions::respond`].
    Request {
        /// Its transaction.
        server: ServerId,
        /// The way it came by.
        flow: Flow,
        /// The request, its top Via completed with `received` and `rport` (§18.2.1, RFC 3581).
        message: Message,
    },
    /// An ACK of a 2xx (or of nothing that is known): it goes to its dialog.
    Ack {
        /// The way it came by.
        flow: Flow,
        /// The ACK.
        message: Message,
    },
    /// The peer gave up an INVITE that has no final response yet: answer it with 487. The CANCEL has
    /// been answered.
    Cancelled {
        /// The INVITE's transaction.
        server: ServerId,
    },
    /// A response to a request of ours: any number of provisional ones, then one final; for an
    /// INVITE further 2xx may follow (repeats and other branches of a fork).
    Response {
        /// The transaction of the request.
        client: ClientId,
        /// The response.
        message: Message,
    },
    /// A response that belongs to no transaction (any more).
    StrayResponse {
        /// The way it came by.
        flow: Flow,
        /// The response.
        message: Message,
    },
    /// No final response came in time (timers B and F; after a CANCEL 64*T1): treat it as 408.
    ClientTimedOut {
        /// The transaction, gone now.
        client: ClientId,
    },
    /// The request could not be sent: treat it as 503 (RFC 3261 §8.1.3.1).
    ClientFailed {
        /// The transaction, gone now.
        client: ClientId,
    },
    /// The response could not be sent, or a refused INVITE was never acknowledged (timer H).
    ServerFailed {
        /// The transaction.
        server: ServerId,
    },
    /// The client transaction is over: forget its id. Follows each of the other endings.
    ClientDone {
        /// The transaction, gone now.
        client: ClientId,
    },
    /// The server transaction is over: forget its id.
    ServerDone {
        /// The transaction, gone now.
        server: ServerId,
    },
}

/// What to do next.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant, reason = "it is moved once, out of the queue")]
pub enum Output {
    /// Send these bytes by this flow.
    Send {
        /// The way.
        flow: Flow,
        /// One whole message.
        message: Bytes,
    },
    /// Tell the layer above.
    Event(Event),
    /// Nothing more: wait for input, or for this deadline if there is one.
    Wait(Option<Moment>),
}

/// Why a response was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// The transaction is over or never was: nobody waits for this response.
    #[error("no such server transaction")]
    Gone,
    /// A final response was given already.
    #[error("the request has its final response already")]
    Answered,
    /// A request was handed in.
    #[error("not a response")]
    NotAResponse,
}
