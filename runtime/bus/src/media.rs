//! Call logic ⇄ media gate.
//!
//! A gate holds *endpoints*: one RTP and one RTCP port for one leg. Every command names its endpoint; commands on one
//! endpoint are carried out in their order. A command about an endpoint that is not there is ignored: its end and
//! the command may have crossed.
//!
//! Both sides may die and come back. Commands can be given again: what has been carried out has no effect a second time
//! (the same agreement, a playback or digits not beyond the last number, a pair that is joined, one that is apart).
//! A call logic that comes back asks by [`Command::Report`] and gives what is missing; a gate that has died is followed
//! by one that is told [`Command::Restore`] for each endpoint before anything is opened, lest new calls get their ports.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// An endpoint's number, chosen by the call logic, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EndpointId(pub u64);

/// One playback on an endpoint, chosen by the call logic, growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlayId(pub u64);

/// One sending of digits on an endpoint, chosen by the call logic, growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SendId(pub u64);

/// One recording on an endpoint, chosen by the call logic, growing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordId(pub u64);

/// Where an endpoint's outgoing stream stands (RFC 3550 §5.1): enough for another gate to go on with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RtpPosition {
    /// The stream's SSRC.
    pub ssrc: u32,
    /// The next packet's sequence number.
    pub sequence: u16,
    /// The next packet's timestamp, in units of 1/8000 s.
    pub timestamp: u32,
    /// When it stood there, in microseconds since 1970-01-01T00:00:00Z.
    pub at_us: u64,
}

/// A codec that the gate can decode and encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// G.711 A-law, static payload type 8.
    Pcma,
    /// G.711 µ-law, static payload type 0.
    Pcmu,
}

/// What was agreed with the peer of an endpoint (RFC 3264).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Where the peer's description says it receives RTP; its true source, once heard, is used instead.
    pub remote: SocketAddr,
    /// The codec both ways.
    pub codec: Codec,
    /// Payload type of that codec, 0 to 127.
    pub payload_type: u8,
    /// Payload type of telephone-event towards the peer, where it takes them (RFC 4733).
    pub telephone_event: Option<u8>,
    /// Payload type of telephone-event from the peer.
    pub telephone_event_received: Option<u8>,
    /// Packet time towards the peer in milliseconds, 10 to 60, a multiple of 10.
    pub ptime_ms: u8,
    /// We send (the peer's direction is sendrecv or recvonly).
    pub sends: bool,
    /// We receive (the peer's direction is sendrecv or sendonly).
    pub receives: bool,
}

/// Tones by meaning; the gate's national plan gives frequencies and cadence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProgressTone {
    /// Dial tone.
    Dial,
    /// The other side rings.
    Ringback,
    /// The other side is busy.
    Busy,
    /// No way there.
    Congestion,
    /// Three rising tones before an announcement.
    SpecialInformation,
}

/// One piece of what is played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Prompt {
    /// A WAV file of the domain, by name without a path.
    File(String),
    /// A national tone for a time.
    Progress { tone: ProgressTone, duration_ms: u32 },
    /// One or two frequencies for a time; `second_hz` 0 for one.
    Tone {
        first_hz: u16,
        second_hz: u16,
        duration_ms: u32,
    },
    /// Milliseconds of silence.
    Silence(u32),
    /// Text to speak; `language` is a tag such as `en`, empty for the gate's default.
    Speech { text: String, language: String },
    /// The domain's music for those who wait, once from its beginning; a melody of the gate's where it has none.
    Music,
}

/// Which sound is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sides {
    /// What the peer says.
    Peer,
    /// What the peer says and what it hears, mixed.
    Both,
}

/// How a recording is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRule {
    /// The file among the domain's recordings, by name without a path or ending. What is there already is gone on with:
    /// a gate that has died had begun it.
    pub name: String,
    /// Which sound.
    pub sides: Sides,
    /// Ends when it is so long, what was there before included: milliseconds.
    pub length_ms: u32,
    /// Ends when the peer was silent for so long, in milliseconds; 0: never.
    pub silence_ms: u32,
    /// Begins paused.
    pub paused: bool,
}

/// How a recording ended. What was recorded is kept in each case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordEnd {
    /// By a command, by the end of the endpoint, or by another recording.
    Finished,
    /// It is as long as it may be.
    Length,
    /// The peer was silent for long enough.
    Silence,
    /// It could not be written, or not all of it: in words.
    Failed(String),
}

/// To a media gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Command {
    /// Takes ports for a new endpoint; answered by [`Event::Opened`] or [`Event::Refused`]. An endpoint that exists is
    /// left as it is and answered alike.
    Open { endpoint: EndpointId, domain: String },
    /// Makes an endpoint again that a gate before this one had: on the same ports `local`, going on from `position` by
    /// the time that has passed, so that sequence numbers and timestamps never go back. `heard` is the peer's true
    /// source, where it was known: it is sent to as soon as something is agreed, and nobody else is listened to.
    /// Counts, jitter and digits begin anew. Ports that somebody holds are waited for, half a second at most; commands
    /// that follow on the endpoint wait as well. Answered by [`Event::Opened`] or [`Event::Refused`]; an endpoint that
    /// exists is left as it is and answered alike.
    ///
    /// A position of up to five minutes ago is gone on from without fail; after that the peer may have to take the
    /// stream as a new one, which costs it one packet (RFC 3550 A.1). Reported positions are newer than opened ones.
    Restore {
        endpoint: EndpointId,
        domain: String,
        local: SocketAddr,
        position: RtpPosition,
        heard: Option<SocketAddr>,
    },
    /// Asks what exists of one shard of the call logic; answered by [`Event::Reported`].
    Report { shard: u16 },
    /// Sets or changes what was agreed; silence flows to the peer from here on, until something is played or joined.
    Agree { endpoint: EndpointId, agreed: Agreed },
    /// Plays prompts one after another, in place of a playback under way (which ends as [`PlayEnd::Stopped`]);
    /// answered by [`Event::PlayEnded`]. `repeat`: again from the start until stopped. The first `from_ms` milliseconds
    /// of sound, counted over all rounds, are left out: a playback that another gate had begun goes on from there. What
    /// is left out wholly ends at once. Numbers grow on an endpoint: a playback not beyond its last one is not begun.
    Play {
        endpoint: EndpointId,
        play: PlayId,
        prompts: Vec<Prompt>,
        repeat: bool,
        from_ms: u64,
    },
    /// Ends a playback if it is still under way; [`Event::PlayEnded`] follows.
    Stop { endpoint: EndpointId, play: PlayId },
    /// Sends digits `0-9*#A-D` by telephone-event, `,` being a pause of 500 ms; answered by [`Event::DigitsSent`].
    /// Tones are held to 40 to 8,000 ms. Numbers grow on an endpoint: a `send` not beyond its last one is not begun.
    SendDigits {
        endpoint: EndpointId,
        send: SendId,
        digits: String,
        tone_ms: u16,
        gap_ms: u16,
    },
    /// Connects two endpoints of this gate both ways; digits pass through too. Each may be in one pair only. A playback
    /// under way on either ends as [`PlayEnd::Stopped`]; one begun while joined is heard in place of the other side.
    Join { a: EndpointId, b: EndpointId },
    /// Takes a pair apart; both get silence again.
    Part { a: EndpointId, b: EndpointId },
    /// Gives the ports back; answered by [`Event::Closed`].
    Close { endpoint: EndpointId },
    /// Records an endpoint, in place of a recording under way (which ends); answered by [`Event::RecordEnded`], also
    /// after the endpoint's [`Event::Closed`]. Numbers grow on an endpoint: a recording not beyond its last one is not
    /// begun; of the last one that has ended, the end is told again as [`RecordEnd::Finished`].
    Record {
        endpoint: EndpointId,
        record: RecordId,
        rule: RecordRule,
    },
    /// Pauses a recording or lets it go on, if it is under way.
    PauseRecord {
        endpoint: EndpointId,
        record: RecordId,
        paused: bool,
    },
    /// Ends a recording if it is under way; [`Event::RecordEnded`] follows.
    EndRecord { endpoint: EndpointId, record: RecordId },
}

/// What a media gate says over a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Up {
    /// It happened; numbered, in the lane of the endpoint's shard.
    Event(Event),
    /// Endpoints that are open. Unnumbered, now and then.
    Counted { endpoints: u64 },
}

/// Why an endpoint could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// Every port of the range is taken.
    PortsTaken,
    /// The gate is at its limit of endpoints or is stopping.
    Full,
    /// The system refused the socket, in its words.
    System(String),
}

/// How a playback ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PlayEnd {
    /// Everything was played.
    Finished,
    /// Stopped by a command, or by another playback.
    Stopped,
    /// It could not be played: no such file, not a WAV, no speech; in words.
    Failed(String),
}

/// What passed through an endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// RTP packets sent to the peer.
    pub sent: u64,
    /// RTP packets taken from the peer.
    pub received: u64,
    /// Packets missing in the peer's sequence numbers.
    pub lost: u64,
    /// Datagrams dropped: not RTP, wrong source, unknown payload type.
    pub dropped: u64,
    /// Interarrival jitter at the end (RFC 3550 §6.4.1), in microseconds.
    pub jitter_us: u32,
}

/// An endpoint as [`Event::Reported`] tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Existing {
    /// Its number.
    pub endpoint: EndpointId,
    /// Where it receives RTP.
    pub local: SocketAddr,
    /// Where its outgoing stream stands.
    pub position: RtpPosition,
    /// What was agreed last, if anything was.
    pub agreed: Option<Agreed>,
    /// The playback that was begun last, under way or ended.
    pub play: Option<PlayId>,
    /// Whether that playback is under way.
    pub playing: bool,
    /// The digits that were begun last.
    pub send: Option<SendId>,
    /// The other side of its pair.
    pub joined: Option<EndpointId>,
    /// The recording that was begun last, under way or ended.
    pub record: Option<RecordId>,
    /// Whether that recording is under way.
    pub recording: bool,
}

/// From a media gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant\'s sentence speaks of its fields")]
pub enum Event {
    /// Receives RTP here; RTCP one port above. Its stream stands at `position`: at its beginning, if it is new.
    Opened {
        endpoint: EndpointId,
        local: SocketAddr,
        position: RtpPosition,
    },
    /// The peer's true source was heard first, or has changed (symmetric RTP). Note it for [`Command::Restore`].
    Heard {
        endpoint: EndpointId,
        remote: SocketAddr,
    },
    /// No endpoint was made.
    Refused { endpoint: EndpointId, why: Refusal },
    /// A playback ended after `played_ms` milliseconds, counted from the start of its sound: what was left out by
    /// `from_ms` is included.
    PlayEnded {
        endpoint: EndpointId,
        play: PlayId,
        end: PlayEnd,
        played_ms: u64,
    },
    /// The peer pressed a digit out of `0-9*#A-D`; raised once, at its beginning.
    Digit { endpoint: EndpointId, digit: char },
    /// All digits of a [`Command::SendDigits`] are sent; false: the peer takes no telephone-event, or something in the
    /// list was no digit.
    DigitsSent {
        endpoint: EndpointId,
        send: SendId,
        sent: bool,
    },
    /// To [`Command::Report`]: every endpoint of the shard, after all events that it includes.
    Reported { shard: u16, endpoints: Vec<Existing> },
    /// Nothing came from the peer for so long, once per silence; only after something had come.
    Unheard { endpoint: EndpointId, for_ms: u64 },
    /// The endpoint is gone and its ports are free.
    Closed {
        endpoint: EndpointId,
        statistics: Statistics,
    },
    /// A recording ended: its file is `duration_ms` long and has `bytes` bytes.
    RecordEnded {
        endpoint: EndpointId,
        record: RecordId,
        end: RecordEnd,
        duration_ms: u64,
        bytes: u64,
    },
}

impl Event {
    /// The endpoint it is about; none for what is about all of a shard.
    pub fn endpoint(&self) -> Option<EndpointId> {
        match self {
            Self::Opened { endpoint, .. }
            | Self::Refused { endpoint, .. }
            | Self::Heard { endpoint, .. }
            | Self::PlayEnded { endpoint, .. }
            | Self::Digit { endpoint, .. }
            | Self::DigitsSent { endpoint, .. }
            | Self::Unheard { endpoint, .. }
            | Self::Closed { endpoint, .. }
            | Self::RecordEnded { endpoint, .. } => Some(*endpoint),
            Self::Reported { .. } => None,
        }
    }

    /// The shard of the call logic that it is for.
    pub fn shard(&self) -> u16 {
        match self {
            Self::Reported { shard, .. } => *shard,
            other => other.endpoint().map_or(0, EndpointId::shard),
        }
    }
}

impl EndpointId {
    /// The shard of the call logic that chose it: its upper 16 bits.
    pub fn shard(self) -> u16 {
        (self.0 >> 48) as u16
    }
}
