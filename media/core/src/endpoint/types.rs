//! What an endpoint is given, and what it tells.

use std::net::SocketAddr;
use std::time::Duration;

#[cfg(doc)]
use super::Endpoint;
use super::WallClock;
use crate::g711::Codec;
use crate::jitter::Bounds;
use crate::rtp::Header;

/// What was agreed with the peer (RFC 3264).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Where the peer says it receives RTP; its true source, once heard, is used instead.
    pub remote: SocketAddr,
    /// The codec both ways.
    pub codec: Codec,
    /// Its payload type, 0 to 127.
    pub payload_type: u8,
    /// Payload type of telephone-event towards the peer, where it takes them.
    pub telephone_event: Option<u8>,
    /// Payload type of telephone-event from the peer.
    pub telephone_event_received: Option<u8>,
    /// Packet time towards the peer in milliseconds, 10 to 60.
    pub ptime_ms: u8,
    /// We send.
    pub sends: bool,
    /// We receive.
    pub receives: bool,
}

impl Agreed {
    /// With a packet time that can be kept.
    pub(super) fn held(self) -> Agreed {
        Agreed {
            ptime_ms: (self.ptime_ms / 10 * 10).clamp(10, 60),
            ..self
        }
    }
}

/// What an endpoint is set up with.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// A peer that was heard and then not for so long raises [`Event::Unheard`].
    pub unheard_after: Duration,
    /// What time it is, for sender reports.
    pub clock: WallClock,
    /// Bounds of the jitter buffer, where a pair's packet times differ.
    pub jitter: Bounds,
}

/// What a [`Frame`] carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Sound of this codec.
    Sound(Codec),
    /// A telephone-event.
    Event,
}

/// A packet of the peer for the other side of a pair.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The source's header.
    pub header: Header,
    /// What the payload is.
    pub carries: Carries,
    /// The payload.
    pub payload: &'a [u8],
}

/// What an endpoint tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The peer pressed a digit; raised once, at its beginning.
    Digit(char),
    /// The peer's true source was heard first, or has changed.
    Heard(SocketAddr),
    /// One [`Endpoint::send_digits`] is through.
    DigitsSent {
        /// Which.
        send: u64,
        /// False: it could not be sent.
        sent: bool,
    },
    /// A clip of this playback was used up: room for the next.
    ClipTaken(u64),
    /// A playback ended.
    PlayEnded {
        /// Which.
        play: u64,
        /// How.
        end: PlayEnd,
        /// Samples heard, those left out at the beginning included.
        played: u64,
    },
    /// Nothing came from the peer for this time.
    Unheard(Duration),
    /// What was recorded since the last piece.
    Recorded {
        /// Which recording.
        record: u64,
        /// 8,000 a second.
        samples: Vec<i16>,
    },
    /// A recording ended; its last piece has been told.
    RecordEnded {
        /// Which.
        record: u64,
        /// The peer was silent for long enough; false: it was ended by [`Endpoint::end_record`] or by the close.
        silence: bool,
    },
}

/// How a playback ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlayEnd {
    /// Everything was played.
    Finished,
    /// Stopped, or replaced.
    Stopped,
    /// Its next clip could not be had, in words.
    Failed(String),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Output<'a> {
    /// Send this from the RTP socket.
    Rtp {
        /// Where to.
        to: SocketAddr,
        /// The packet.
        packet: &'a [u8],
    },
    /// Send this from the RTCP socket.
    Rtcp {
        /// Where to.
        to: SocketAddr,
        /// The compound packet.
        packet: &'a [u8],
    },
    /// Tell the call logic.
    Event(Event),
    /// Nothing more now.
    Wait,
}

/// What passed through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// RTP packets sent.
    pub sent: u64,
    /// RTP packets taken.
    pub received: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Datagrams dropped.
    pub dropped: u64,
    /// Interarrival jitter in microseconds.
    pub jitter_us: u32,
}
