//! What one gate gives another that takes its place.

use std::net::{SocketAddr, UdpSocket};

use serde::{Deserialize, Serialize};
use tandem_bus::media::{Agreed, Command, EndpointId, PlayId, Prompt, RecordId, RecordRule, SendId};
use tandem_media::endpoint::Snapshot;

/// Everything of a gate that was stopped to be followed by another.
#[derive(Debug, Default)]
pub struct HandOver {
    /// Its endpoints, in no order.
    pub endpoints: Vec<HandedEndpoint>,
    /// Commands that it took and did not carry out, in their order: give them to the successor first.
    pub commands: Vec<Command>,
}

/// One endpoint with its sockets. They stay open all the time: what peers send meanwhile waits in them.
#[derive(Debug)]
pub struct HandedEndpoint {
    /// What it knows.
    pub state: EndpointState,
    /// Bound to the RTP port.
    pub rtp: UdpSocket,
    /// Bound to the RTCP port.
    pub rtcp: UdpSocket,
}

/// What an endpoint knows, to be written with any serde format; some 200 bytes in postcard for one in a call. Both gates
/// must agree on [`EndpointState::VERSION`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EndpointState {
    pub(crate) endpoint: EndpointId,
    pub(crate) domain: String,
    pub(crate) local: SocketAddr,
    pub(crate) agreed: Option<Agreed>,
    pub(crate) play: Option<PlayId>,
    pub(crate) send: Option<SendId>,
    pub(crate) playback: Option<UnderWay>,
    pub(crate) joined: Option<EndpointId>,
    pub(crate) record: Option<RecordId>,
    pub(crate) recording: Option<RecordRule>,
    pub(crate) stream: Snapshot,
    /// When all this was so, in microseconds since 1970.
    pub(crate) taken_us: u64,
}

/// A playback under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) repeat: bool,
    /// Samples of it that were heard.
    pub(crate) heard: u64,
}

impl EndpointState {
    /// Grows with each change of what is written. Gates of different versions cannot hand over to each other: restore
    /// endpoints by commands then.
    pub const VERSION: u8 = 2;

    /// The endpoint's number.
    pub fn endpoint(&self) -> EndpointId {
        self.endpoint
    }

    /// Where it receives RTP.
    pub fn local(&self) -> SocketAddr {
        self.local
    }
}
