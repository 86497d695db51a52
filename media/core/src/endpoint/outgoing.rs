//! The stream that one endpoint sends: one SSRC, one sequence, one clock, whatever it is that sounds.
//!
//! Own packets (silence, playback, digits) take the next sequence number and the timestamp of their time. Relayed
//! packets keep the distances of their source's numbers, so that the receiver still sees what was lost on the way and
//! puts right what was reordered; the offset is chosen anew at each switch, so that the numbers run on.

use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::position::Position;
use crate::rtp::Header;

/// Sequence steps beyond these are another source, not loss or reordering (RFC 3550 A.1).
const DROPOUT: i16 = 3_000;
const MISORDER: i16 = -100;
/// A timestamp that is so many samples from where the time says is another clock.
const CLOCK_JUMP: i64 = 10 * 8_000;

/// Samples at 8,000 per second in a time.
pub(crate) fn samples_in(time: Duration) -> u64 {
    time.as_secs() * 8_000 + u64::from(time.subsec_micros()) * 8 / 1_000
}

/// How a source's numbers become ours.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Mapping<T = Instant> {
    ssrc: u32,
    sequence_offset: u16,
    timestamp_offset: u32,
    last_sequence: u16,
    last_timestamp: u32,
    last_at: T,
    /// An own packet was sent since: timestamps may have run ahead.
    interrupted: bool,
}

/// `T` is another than [`Instant`] while the stream is on its way to another process.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Outgoing<T = Instant> {
    ssrc: u32,
    next_sequence: u16,
    /// Sequence number of the newest own packet; relayed ones not after it are too late.
    floor: u16,
    clock_at: T,
    clock_timestamp: u32,
    last_timestamp: u32,
    last_at: T,
    last_samples: u32,
    last_relayed: bool,
    packets: u64,
    octets: u64,
    mapping: Option<Mapping<T>>,
}

impl<T: Copy> Outgoing<T> {
    /// The same stream with its times told in another way.
    pub(crate) fn timed<U>(&self, time: impl Fn(T) -> U) -> Outgoing<U> {
        Outgoing {
            ssrc: self.ssrc,
            next_sequence: self.next_sequence,
            floor: self.floor,
            clock_at: time(self.clock_at),
            clock_timestamp: self.clock_timestamp,
            last_timestamp: self.last_timestamp,
            last_at: time(self.last_at),
            last_samples: self.last_samples,
            last_relayed: self.last_relayed,
            packets: self.packets,
            octets: self.octets,
            mapping: self.mapping.map(|mapping| Mapping {
                ssrc: mapping.ssrc,
                sequence_offset: mapping.sequence_offset,
                timestamp_offset: mapping.timestamp_offset,
                last_sequence: mapping.last_sequence,
                last_timestamp: mapping.last_timestamp,
                last_at: time(mapping.last_at),
                interrupted: mapping.interrupted,
            }),
        }
    }
}

impl Outgoing {
    pub(crate) fn new(rng: &mut StdRng, now: Instant) -> Outgoing {
        let position = Position {
            ssrc: rng.random(),
            sequence: rng.random(),
            timestamp: rng.random(),
        };
        Outgoing::at(position, now)
    }

    /// A stream that stands at a position.
    pub(crate) fn at(position: Position, now: Instant) -> Outgoing {
        let Position {
            ssrc,
            sequence: next_sequence,
            timestamp,
        } = position;
        Outgoing {
            ssrc,
            next_sequence,
            floor: next_sequence.wrapping_sub(1),
            clock_at: now,
            clock_timestamp: timestamp,
            last_timestamp: timestamp,
            last_at: now,
            last_samples: 0,
            last_relayed: true,
            packets: 0,
            octets: 0,
            mapping: None,
        }
    }

    pub(crate) fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Packets sent.
    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// Payload bytes sent.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    pub(crate) fn sent(&mut self, payload_len: usize) {
        self.packets += 1;
        self.octets += payload_len as u64;
    }

    /// Our timestamp at a time, for sender reports.
    pub(crate) fn timestamp_at(&self, now: Instant) -> u32 {
        self.last_timestamp
            .wrapping_add(samples_in(now.saturating_duration_since(self.last_at)) as u32)
    }

    /// Timestamp of an own frame that begins at `at`: never before the end of what was sent.
    pub(crate) fn own_timestamp(&mut self, at: Instant) -> u32 {
        let (timestamp, runs_ahead) = self.timestamp_of_own(at);
        if runs_ahead {
            // The relayed source's clock ran faster than ours: go on from where it was.
            self.clock_timestamp = timestamp;
            self.clock_at = at;
        }
        timestamp
    }

    /// The timestamp, and whether what was sent before is ahead of our clock.
    fn timestamp_of_own(&self, at: Instant) -> (u32, bool) {
        let elapsed = samples_in(at.saturating_duration_since(self.clock_at)) as u32;
        let timestamp = self.clock_timestamp.wrapping_add(elapsed);
        let least = self.last_timestamp.wrapping_add(self.last_samples);
        if timestamp.wrapping_sub(least).cast_signed() < 0 {
            return (least, true);
        }
        (timestamp, false)
    }

    /// Where the stream would go on with an own packet at `now`.
    pub(crate) fn position(&self, now: Instant) -> Position {
        Position {
            ssrc: self.ssrc,
            sequence: self.next_sequence,
            timestamp: self.timestamp_of_own(now).0,
        }
    }

    /// Header of an own packet of `samples` samples. `talkspurt`: the first of a telephone-event.
    pub(crate) fn own(
        &mut self,
        payload_type: u8,
        timestamp: u32,
        samples: u32,
        marker: bool,
        at: Instant,
    ) -> Header {
        let sequence = self.next_sequence;
        self.next_sequence = sequence.wrapping_add(1);
        self.floor = sequence;
        // Sound that follows another source begins with the marker (RFC 3551 §4.1).
        let marker = marker || self.last_relayed;
        self.last_relayed = false;
        // An event's packets repeat its timestamp while the time goes on.
        if timestamp.wrapping_sub(self.last_timestamp).cast_signed() >= 0 {
            self.last_timestamp = timestamp;
            self.last_at = at;
            self.last_samples = samples;
        }
        if let Some(mapping) = &mut self.mapping {
            mapping.interrupted = true;
            mapping.sequence_offset = self
                .next_sequence
                .wrapping_sub(mapping.last_sequence.wrapping_add(1));
        }
        Header {
            marker,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        }
    }

    /// A packet of the source is not sent on: the next one takes its number.
    pub(crate) fn swallow(&mut self, sequence: u16, timestamp: u32, now: Instant) {
        if let Some(mapping) = &mut self.mapping
            && sequence.wrapping_sub(mapping.last_sequence).cast_signed() > 0
        {
            mapping.last_sequence = sequence;
            mapping.last_timestamp = timestamp;
            mapping.last_at = now;
            mapping.sequence_offset = self.next_sequence.wrapping_sub(sequence.wrapping_add(1));
        }
    }

    /// The next relayed packet begins a new mapping.
    pub(crate) fn forget_mapping(&mut self) {
        self.mapping = None;
    }

    /// Header of a relayed packet, `None` when it comes too late to be sent in its place.
    pub(crate) fn relayed(
        &mut self,
        source: &Header,
        payload_type: u8,
        samples: u32,
        now: Instant,
    ) -> Option<Header> {
        let goes_on = self.mapping.take().filter(|mapping| mapping.goes_on(source, now));
        let begins = goes_on.is_none();
        let mut mapping = goes_on.unwrap_or_else(|| Mapping {
            ssrc: source.ssrc,
            sequence_offset: self.next_sequence.wrapping_sub(source.sequence),
            timestamp_offset: self.own_timestamp(now).wrapping_sub(source.timestamp),
            last_sequence: source.sequence,
            last_timestamp: source.timestamp,
            last_at: now,
            interrupted: false,
        });
        let mut timestamp = source.timestamp.wrapping_add(mapping.timestamp_offset);
        if mapping.interrupted {
            mapping.interrupted = false;
            let least = self.last_timestamp.wrapping_add(self.last_samples);
            if timestamp.wrapping_sub(least).cast_signed() < 0 {
                mapping.timestamp_offset = least.wrapping_sub(source.timestamp);
                timestamp = least;
            }
        }
        let sequence = source.sequence.wrapping_add(mapping.sequence_offset);
        let ahead = sequence.wrapping_sub(self.next_sequence).cast_signed();
        if ahead < 0 && sequence.wrapping_sub(self.floor).cast_signed() <= 0 {
            self.mapping = Some(mapping);
            return None;
        }
        if ahead >= 0 {
            self.next_sequence = sequence.wrapping_add(1);
            mapping.last_sequence = source.sequence;
            mapping.last_timestamp = source.timestamp;
            mapping.last_at = now;
            if timestamp.wrapping_sub(self.last_timestamp).cast_signed() >= 0 {
                self.last_timestamp = timestamp;
                self.last_at = now;
                self.last_samples = samples;
            }
        }
        self.mapping = Some(mapping);
        let marker = source.marker || begins || !self.last_relayed;
        self.last_relayed = true;
        Some(Header {
            marker,
            payload_type,
            sequence,
            timestamp,
            ssrc: self.ssrc,
        })
    }
}

impl Mapping {
    /// The packet belongs to the same run of numbers.
    fn goes_on(&self, source: &Header, now: Instant) -> bool {
        let step = source.sequence.wrapping_sub(self.last_sequence).cast_signed();
        let moved = i64::from(source.timestamp.wrapping_sub(self.last_timestamp).cast_signed());
        let elapsed = samples_in(now.saturating_duration_since(self.last_at)) as i64;
        source.ssrc == self.ssrc
            && (MISORDER..DROPOUT).contains(&step)
            && (moved - elapsed).abs() < CLOCK_JUMP
    }
}
