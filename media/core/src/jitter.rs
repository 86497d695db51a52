//! Jitter buffer: packets in by arrival, samples out by the clock.
//!
//! What is played is chosen by RTP timestamps, so packets of any length give frames of any length. The delay grows when
//! packets come late and shrinks when all of a while came early, within bounds; gaps are concealed.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::conceal::Concealer;
use crate::endpoint::samples_in;
use crate::g711::Codec;
use crate::offset::Offset;
use crate::rtp::Header;

/// Longest packet kept: 60 ms.
const SAMPLES_MAX: usize = 480;
/// Packets kept: 320 ms in the shortest packets.
const SLOTS: usize = 32;
/// A timestamp further than a second from what is played belongs to another run.
const FAR: i32 = 8_000;
/// Packets over which the delay is judged.
const WINDOW: u32 = 100;
/// The delay is shortened only when every packet was early by more than this (10 ms).
const SPARE: i32 = 80;

/// Least and greatest delay that the buffer adds to the fastest packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Delay at the beginning.
    pub least: Duration,
    /// Delay never passed.
    pub most: Duration,
}

impl Default for Bounds {
    /// 20 to 200 ms.
    fn default() -> Self {
        Bounds {
            least: Duration::from_millis(20),
            most: Duration::from_millis(200),
        }
    }
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It will be played.
    Kept,
    /// Its time is over and the delay may not grow further.
    Late,
    /// It is there already.
    Duplicate,
    /// Too long, empty, or more than there is room for.
    Refused,
}

/// What a frame is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Got {
    /// Sound, in part at least.
    Sound,
    /// Nothing but concealment, or the silence it fades to.
    Concealed,
    /// Nothing came yet: silence.
    Empty,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    timestamp: u32,
    length: u16,
    codec: Codec,
    bytes: [u8; SAMPLES_MAX],
}

impl Slot {
    fn is_used(&self) -> bool {
        self.length > 0
    }

    /// Payloads longer than [`SAMPLES_MAX`] are cut off.
    fn fill(&mut self, timestamp: u32, codec: Codec, payload: &[u8]) {
        self.timestamp = timestamp;
        self.length = payload.len().min(SAMPLES_MAX) as u16;
        self.codec = codec;
        for (to, from) in self.bytes.iter_mut().zip(payload) {
            *to = *from;
        }
    }

    fn holds(&self, timestamp: u32) -> bool {
        timestamp.wrapping_sub(self.timestamp) < u32::from(self.length)
    }
}

/// A packet on its way to another process.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parcel {
    timestamp: u32,
    codec: Codec,
    payload: Vec<u8>,
}

/// A buffer on its way to another process: its delay and the packets that wait, not the memory for concealing gaps.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Packed {
    ssrc: u32,
    play: Option<u32>,
    played_at: Offset,
    window: u32,
    earliest: i32,
    latest: i32,
    parcels: Vec<Parcel>,
}

/// Order and evenness out of what a network delivers. About 17 KB; nothing is allocated after [`JitterBuffer::new`].
#[derive(Debug)]
pub struct JitterBuffer {
    least: i32,
    most: i32,
    slots: Vec<Slot>,
    ssrc: u32,
    /// Timestamp of the next sample to be played, and when the frame with it is due.
    play: Option<u32>,
    played_at: Instant,
    window: u32,
    earliest: i32,
    latest: i32,
    concealer: Concealer,
}

impl JitterBuffer {
    /// An empty buffer.
    pub fn new(bounds: Bounds, now: Instant) -> JitterBuffer {
        let slot = Slot {
            timestamp: 0,
            length: 0,
            codec: Codec::Pcmu,
            bytes: [0; SAMPLES_MAX],
        };
        let least = samples_in(bounds.least).min(2_400) as i32;
        JitterBuffer {
            least,
            most: (samples_in(bounds.most).min(2_400) as i32).max(least),
            slots: vec![slot; SLOTS],
            ssrc: 0,
            play: None,
            played_at: now,
            window: 0,
            earliest: i32::MIN,
            latest: i32::MAX,
            concealer: Concealer::default(),
        }
    }

    /// What another process needs to go on with the buffer.
    pub(crate) fn pack(&self, now: Instant) -> Packed {
        let used = self.slots.iter().filter(|slot| slot.is_used());
        Packed {
            ssrc: self.ssrc,
            play: self.play,
            played_at: Offset::of(self.played_at, now),
            window: self.window,
            earliest: self.earliest,
            latest: self.latest,
            parcels: used
                .map(|slot| Parcel {
                    timestamp: slot.timestamp,
                    codec: slot.codec,
                    payload: slot
                        .bytes
                        .iter()
                        .take(usize::from(slot.length))
                        .copied()
                        .collect(),
                })
                .collect(),
        }
    }

    /// The buffer that was packed at `packed_at`.
    pub(crate) fn unpack(bounds: Bounds, packed: &Packed, packed_at: Instant) -> JitterBuffer {
        let mut buffer = JitterBuffer::new(bounds, packed_at);
        buffer.ssrc = packed.ssrc;
        buffer.play = packed.play;
        buffer.played_at = packed.played_at.from(packed_at);
        (buffer.window, buffer.earliest, buffer.latest) = (packed.window, packed.earliest, packed.latest);
        for (slot, parcel) in buffer.slots.iter_mut().zip(&packed.parcels) {
            slot.fill(parcel.timestamp, parcel.codec, &parcel.payload);
        }
        buffer
    }

    /// Takes a packet.
    pub fn put(&mut self, header: &Header, codec: Codec, payload: &[u8], now: Instant) -> Put {
        let timestamp = header.timestamp;
        if payload.is_empty() || payload.len() > SAMPLES_MAX {
            return Put::Refused;
        }
        let near = |play: &u32| timestamp.wrapping_sub(*play).cast_signed().abs() < FAR;
        let mut play = match self.play.filter(|play| header.ssrc == self.ssrc && near(play)) {
            Some(play) => play,
            None => self.begin(header, now),
        };
        let since = samples_in(now.saturating_duration_since(self.played_at)).min(FAR as u64) as u32;
        if since > SAMPLES_MAX as u32 {
            // No frames are taken at present: time goes on all the same.
            play = play.wrapping_add(since);
            self.play = Some(play);
            self.played_at = now;
            self.drop_before(play);
        }
        // How long before its time it came.
        let mut early = timestamp.wrapping_sub(play).cast_signed();
        if early < 0 {
            let grown = self.earliest.max(early).saturating_sub(early);
            if grown > self.most {
                return Put::Late;
            }
            // What was played in its place was concealment: go back by its lateness.
            play = play.wrapping_add_signed(early);
            self.play = Some(play);
            self.earliest = self.earliest.saturating_sub(early);
            self.latest = self.latest.saturating_sub(early);
            self.concealer.bridge();
            early = 0;
        }
        self.judge(early);
        if self
            .slots
            .iter()
            .any(|slot| slot.is_used() && slot.timestamp == timestamp)
        {
            return Put::Duplicate;
        }
        let Some(slot) = self.slots.iter_mut().find(|slot| !slot.is_used()) else {
            return Put::Refused;
        };
        slot.fill(timestamp, codec, payload);
        Put::Kept
    }

    fn begin(&mut self, header: &Header, now: Instant) -> u32 {
        for slot in &mut self.slots {
            slot.length = 0;
        }
        self.ssrc = header.ssrc;
        let play = header.timestamp.wrapping_add_signed(-self.least);
        self.play = Some(play);
        self.played_at = now;
        (self.window, self.earliest, self.latest) = (0, i32::MIN, i32::MAX);
        play
    }

    /// After a window in which even the slowest packet was early, the delay shrinks.
    fn judge(&mut self, early: i32) {
        self.earliest = self.earliest.max(early);
        self.latest = self.latest.min(early);
        self.window += 1;
        if self.window < WINDOW {
            return;
        }
        let spare = (self.latest - SPARE).min(self.earliest - self.least);
        if spare > 0
            && let Some(play) = &mut self.play
        {
            *play = play.wrapping_add_signed(spare);
            self.concealer.bridge();
        }
        (self.window, self.earliest, self.latest) = (0, i32::MIN, i32::MAX);
    }

    /// Fills a frame that is due at `now`.
    pub fn get(&mut self, out: &mut [i16], now: Instant) -> Got {
        let Some(play) = self.play else {
            out.fill(0);
            return Got::Empty;
        };
        let count = out.len();
        let mut heard = false;
        let mut at = 0;
        while at < count {
            let timestamp = play.wrapping_add(at as u32);
            let Some(rest) = out.get_mut(at..) else {
                break;
            };
            if let Some(slot) = self
                .slots
                .iter()
                .find(|slot| slot.is_used() && slot.holds(timestamp))
            {
                let from = timestamp.wrapping_sub(slot.timestamp) as usize;
                let bytes = slot.bytes.get(from..usize::from(slot.length)).unwrap_or_default();
                let run = slot.codec.decode(bytes, rest);
                self.concealer.hear(rest.get_mut(..run).unwrap_or_default());
                at += run.max(1);
                heard = true;
            } else {
                let to_next = |slot: &Slot| slot.timestamp.wrapping_sub(timestamp) as usize;
                let next = self
                    .slots
                    .iter()
                    .filter(|s| s.is_used())
                    .map(to_next)
                    .min()
                    .unwrap_or(usize::MAX);
                let run = next.min(rest.len()).max(1);
                self.concealer.conceal(rest.get_mut(..run).unwrap_or_default());
                at += run;
            }
        }
        let play = play.wrapping_add(count as u32);
        self.drop_before(play);
        self.play = Some(play);
        self.played_at = now;
        if heard { Got::Sound } else { Got::Concealed }
    }

    fn drop_before(&mut self, play: u32) {
        for slot in &mut self.slots {
            let end = slot.timestamp.wrapping_add(u32::from(slot.length));
            if end.wrapping_sub(play).cast_signed() <= 0 {
                slot.length = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Duration = Duration::from_millis(20);

    struct Line {
        buffer: JitterBuffer,
        start: Instant,
    }

    impl Line {
        fn new() -> Line {
            let start = Instant::now();
            Line {
                buffer: JitterBuffer::new(Bounds::default(), start),
                start,
            }
        }

        /// Packet `n` of 20 ms, whose samples tell its number, at a time in milliseconds.
        fn put(&mut self, n: u32, at_ms: u64) -> Put {
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: n as u16,
                timestamp: n * 160,
                ssrc: 1,
            };
            let byte = Codec::Pcmu.encode_sample(1_000 + (n % 20) as i16 * 500);
            self.buffer.put(
                &header,
                Codec::Pcmu,
                &[byte; 160],
                self.start + Duration::from_millis(at_ms),
            )
        }

        fn get(&mut self, at_ms: u64) -> (Got, i16) {
            let mut out = [0; 160];
            let got = self
                .buffer
                .get(&mut out, self.start + Duration::from_millis(at_ms));
            (got, out[120])
        }
    }

    fn value(n: u32) -> i16 {
        Codec::Pcmu.decode_sample(Codec::Pcmu.encode_sample(1_000 + (n % 20) as i16 * 500))
    }

    #[test]
    fn reordered_and_doubled_packets_come_out_in_order() {
        let mut line = Line::new();
        assert_eq!(line.get(0).0, Got::Empty);
        for (n, at) in [(0, 0), (2, 21), (1, 22), (1, 23), (3, 40)] {
            let put = line.put(n, at);
            assert!(
                put == Put::Kept || (put == Put::Duplicate && at == 23),
                "{n} {put:?}"
            );
            if at == 0 {
                assert_eq!(line.get(20).0, Got::Concealed, "the least delay passes first");
            }
        }
        for n in 0..4 {
            assert_eq!(line.get(40 + u64::from(n) * 20), (Got::Sound, value(n)));
        }
    }

    #[test]
    fn the_delay_grows_for_late_packets_and_shrinks_again() {
        let mut line = Line::new();
        let mut concealed = 0;
        // 60 ms of jitter on each tenth packet: after the first it is played whole.
        for n in 0..600_u32 {
            let now = u64::from(n) * 20;
            if n < 200 {
                if n % 10 != 7 {
                    line.put(n, now);
                }
                if n % 10 == 0 && n > 0 {
                    assert_eq!(line.put(n - 3, now), Put::Kept, "{n}");
                }
            } else {
                line.put(n, now);
            }
            let (got, _) = line.get(now + 1);
            concealed += u32::from(got != Got::Sound && n > 20);
        }
        assert!(concealed <= 4, "{concealed}");
        let play = line.buffer.play.unwrap();
        let delay = 600 * 160 - play.cast_signed();
        assert!(delay <= 480, "shrunk to {delay} samples");
    }

    #[test]
    fn the_delay_keeps_its_bound() {
        let mut line = Line::new();
        for n in 0..10 {
            line.put(n, u64::from(n) * 20);
            line.get(u64::from(n) * 20 + 1);
        }
        for n in 30..41 {
            line.get(n * 20);
        }
        assert_eq!(line.put(10, 801), Put::Late);
    }

    #[test]
    fn another_run_of_timestamps_begins_anew() {
        let mut line = Line::new();
        line.put(0, 0);
        line.put(100_000, 20);
        for n in 1..30 {
            line.put(100_000 + n, 20 + u64::from(n) * 20);
            let (got, _) = line.get(21 + u64::from(n) * 20);
            assert!(n < 3 || got == Got::Sound);
        }
    }

    /// Whatever the numbers, no panic and no more than is there.
    #[test]
    fn wild_numbers_are_harmless() {
        let mut line = Line::new();
        let mut state = 7_u32;
        let mut out = [0; 480];
        for step in 0..20_000_u64 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let near = (step as u32 * 20).wrapping_add(state >> 20);
            let timestamp = if state.is_multiple_of(8) { state } else { near };
            let header = Header {
                marker: false,
                payload_type: 0,
                sequence: 0,
                timestamp,
                ssrc: state >> 31,
            };
            let payload = vec![3; (state >> 22) as usize % 500];
            let now = line.start + FRAME / 8 * step as u32;
            line.buffer.put(&header, Codec::Pcma, &payload, now);
            if state.is_multiple_of(4) {
                line.buffer.get(&mut out[..80 * (1 + state as usize % 6)], now);
            }
        }
    }
}
