//! What a receiver knows about its source: sequence numbers, loss, jitter (RFC 3550 A.1, A.3, A.8).

use serde::{Deserialize, Serialize};

/// A step forward of fewer packets than this is loss (A.1).
const MAX_DROPOUT: u16 = 3_000;
/// A step back of at most so many packets is reordering (A.1).
const MAX_MISORDER: u16 = 100;
const SEQ_MOD: u32 = 1 << 16;

/// What a packet's sequence number told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first, the next, or one after a loss.
    Forward,
    /// Late or a duplicate.
    Backward,
    /// So far off that the source has perhaps started anew; the next one in sequence proves it.
    Jump,
    /// The source started anew; the count began again.
    Restart,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Sequence {
    base: u32,
    max: u16,
    cycles: u32,
    bad: Option<u16>,
    received: u32,
    expected_prior: u32,
    received_prior: u32,
}

impl Sequence {
    fn starting_with(sequence: u16) -> Sequence {
        let base = u32::from(sequence);
        Sequence {
            base,
            max: sequence,
            cycles: 0,
            bad: None,
            received: 0,
            expected_prior: 0,
            received_prior: 0,
        }
    }

    fn extended_max(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.max))
    }

    fn expected(&self) -> u32 {
        self.extended_max().wrapping_sub(self.base).wrapping_add(1)
    }

    fn lost(&self) -> i64 {
        i64::from(self.expected()) - i64::from(self.received)
    }
}

/// Loss and jitter of one receiver's source. A change of SSRC begins a new source; losses add up over sources.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct SourceStatistics {
    ssrc: Option<u32>,
    sequence: Option<Sequence>,
    earlier_lost: u64,
    transit: Option<u32>,
    /// Jitter in samples, times 16 (A.8).
    jitter_q4: u32,
}

impl SourceStatistics {
    /// Counts one packet of the source.
    pub fn handle(&mut self, ssrc: u32, sequence: u16) -> Order {
        if self.ssrc != Some(ssrc) {
            self.fold();
            self.ssrc = Some(ssrc);
        }
        let Some(s) = &mut self.sequence else {
            let mut begun = Sequence::starting_with(sequence);
            begun.received = 1;
            self.sequence = Some(begun);
            return Order::Forward;
        };
        let delta = sequence.wrapping_sub(s.max);
        if delta == 0 || delta > u16::MAX - MAX_MISORDER {
            s.received = s.received.wrapping_add(1);
            return Order::Backward;
        }
        if delta < MAX_DROPOUT {
            if sequence < s.max {
                s.cycles = s.cycles.wrapping_add(SEQ_MOD);
            }
            s.max = sequence;
            s.bad = None;
            s.received = s.received.wrapping_add(1);
            return Order::Forward;
        }
        if s.bad == Some(sequence) {
            self.fold();
            let mut begun = Sequence::starting_with(sequence);
            begun.received = 1;
            self.sequence = Some(begun);
            return Order::Restart;
        }
        s.bad = Some(sequence.wrapping_add(1));
        Order::Jump
    }

    fn fold(&mut self) {
        if let Some(s) = self.sequence.take() {
            self.earlier_lost += u64::try_from(s.lost()).unwrap_or(0);
        }
        self.transit = None;
    }

    /// Feeds the jitter estimate: arrival and RTP timestamp, both in samples (A.8). Not for telephone-events, whose
    /// timestamps stand still.
    pub fn handle_arrival(&mut self, arrival: u32, timestamp: u32) {
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let d = transit.wrapping_sub(before).cast_signed().unsigned_abs();
            // A jump of the timestamp by more than ten seconds is a new beginning, not jitter.
            if d < 80_000 {
                self.jitter_q4 = (self.jitter_q4 + d).saturating_sub((self.jitter_q4 + 8) >> 4);
            }
        }
    }

    /// The source's SSRC, once heard.
    pub fn ssrc(&self) -> Option<u32> {
        self.ssrc
    }

    /// Packets that never came, over all sources; duplicates make up for losses (A.3).
    pub fn lost(&self) -> u64 {
        let now = self.sequence.map_or(0, |s| u64::try_from(s.lost()).unwrap_or(0));
        self.earlier_lost + now
    }

    /// Interarrival jitter in samples (§6.4.1).
    pub fn jitter(&self) -> u32 {
        self.jitter_q4 >> 4
    }

    /// Interarrival jitter in microseconds at 8,000 samples per second.
    pub fn jitter_us(&self) -> u32 {
        // 125 µs per sample, 16ths of samples.
        u32::try_from(u64::from(self.jitter_q4) * 125 / 16).unwrap_or(u32::MAX)
    }

    /// Extended highest sequence number received (§6.4.1).
    pub fn highest_sequence(&self) -> u32 {
        self.sequence.map_or(0, |s| s.extended_max())
    }

    /// Loss of the current source, held to 24 bits with sign (A.3).
    pub fn cumulative_lost(&self) -> i32 {
        self.sequence
            .map_or(0, |s| s.lost().clamp(-0x80_0000, 0x7F_FFFF) as i32)
    }

    /// Share of packets lost since the last call, in 256ths (A.3).
    pub fn take_fraction_lost(&mut self) -> u8 {
        let Some(s) = &mut self.sequence else {
            return 0;
        };
        let expected = s.expected();
        let expected_interval = expected.wrapping_sub(s.expected_prior);
        let received_interval = s.received.wrapping_sub(s.received_prior);
        s.expected_prior = expected;
        s.received_prior = s.received;
        let lost = i64::from(expected_interval) - i64::from(received_interval);
        if expected_interval == 0 || lost <= 0 {
            return 0;
        }
        u8::try_from((lost << 8) / i64::from(expected_interval)).unwrap_or(u8::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_counted_over_the_wrap() {
        let mut source = SourceStatistics::default();
        for sequence in [65_533, 65_534, 65_535, 1, 2, 5] {
            assert_eq!(source.handle(1, sequence), Order::Forward);
        }
        assert_eq!(source.lost(), 3);
        assert_eq!(source.highest_sequence(), 65_536 + 5);
        assert_eq!(source.take_fraction_lost(), (3 * 256 / 9) as u8);
        assert_eq!(source.take_fraction_lost(), 0);
        assert_eq!(source.handle(1, 4), Order::Backward);
        assert_eq!(source.lost(), 2);
    }

    #[test]
    fn a_restart_needs_two_packets_in_sequence() {
        let mut source = SourceStatistics::default();
        source.handle(1, 10);
        assert_eq!(source.handle(1, 30_000), Order::Jump);
        assert_eq!(source.handle(1, 11), Order::Forward);
        assert_eq!(source.handle(1, 40_000), Order::Jump);
        assert_eq!(source.handle(1, 40_001), Order::Restart);
        assert_eq!(source.lost(), 0);
    }

    #[test]
    fn another_source_begins_anew_and_keeps_the_losses() {
        let mut source = SourceStatistics::default();
        source.handle(1, 10);
        source.handle(1, 13);
        source.handle(2, 9_000);
        source.handle(2, 9_002);
        assert_eq!((source.ssrc(), source.lost()), (Some(2), 3));
    }

    /// Alternating 5 ms early and late: the estimate comes close to the 10 ms between neighbours.
    #[test]
    fn jitter_approaches_the_difference_of_transits() {
        let mut source = SourceStatistics::default();
        for i in 0..500_u32 {
            let wobble = if i % 2 == 0 { 0 } else { 80 };
            source.handle_arrival(i * 160 + wobble, i * 160);
        }
        assert!(
            (9_000..=10_100).contains(&source.jitter_us()),
            "{}",
            source.jitter_us()
        );
        source.handle_arrival(500 * 160, 7_000_000);
        assert!(source.jitter_us() < 10_100);
    }
}
