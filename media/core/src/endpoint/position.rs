//! Where an outgoing stream stands, and where another gate takes it up.

use std::time::Duration;

use super::samples_in;

/// The next own packet of a stream (RFC 3550 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The stream's SSRC.
    pub ssrc: u32,
    /// The next sequence number.
    pub sequence: u16,
    /// The next timestamp, in samples.
    pub timestamp: u32,
}

/// The shortest packet time: no stream that we send or relay counts faster.
const PACKET_MS_LEAST: u64 = 10;
/// The packet time of nearly every stream.
const PACKET_MS: u64 = 20;
/// Packets added to every estimate: what a stalled network delivers at once, and a wall clock that was set back a little.
const SEQUENCE_MARGIN: u16 = 100;
/// So long the shortest packets do not come half around the circle of sequence numbers.
const COUNTABLE: Duration = Duration::from_mins(5);
/// A quarter of the circle.
const QUARTER: u16 = 1 << 14;
/// Samples added to every estimate: one packet of 60 ms that may have been under way.
const TIMESTAMP_MARGIN: u64 = 480;
/// A relayed source's clock gains at most one sample in so many on ours (100 ppm).
const CLOCK_GAIN: u64 = 10_000;

impl Position {
    /// Where to take the stream up when it stood here `elapsed` ago and nobody knows what was sent since.
    ///
    /// Both numbers must be ahead of all that was sent, or the receiver takes the first packets as late ones and drops
    /// them (RFC 3550 A.1). In timestamps that is easy, they follow the time. Sequence numbers count packets, at most
    /// one each 10 ms; of the 65,536 on the circle those up to 32,768 ahead count as ahead. So up to five minutes the
    /// estimate is what the shortest packets would have reached: ahead, whatever was sent. After that no number is
    /// ahead of every possible one; it is then a quarter of the circle ahead of a stream of 20 ms, right for all
    /// streams that come within a quarter of that. For the others the receiver sees a source that starts anew, which
    /// costs it one packet. Whoever notes positions each few minutes never comes there.
    pub fn after(self, elapsed: Duration) -> Position {
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let packets = if elapsed <= COUNTABLE {
            (ms / PACKET_MS_LEAST) as u16 + SEQUENCE_MARGIN
        } else {
            ((ms / PACKET_MS) as u16).wrapping_add(QUARTER)
        };
        let samples = samples_in(elapsed);
        let samples = samples.wrapping_add(samples / CLOCK_GAIN + TIMESTAMP_MARGIN);
        Position {
            ssrc: self.ssrc,
            sequence: self.sequence.wrapping_add(packets),
            timestamp: self.timestamp.wrapping_add(samples as u32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within five minutes ahead of every packet time from 10 to 60 ms, wherever on the circle it began.
    #[test]
    fn a_stream_is_taken_up_ahead_of_all_that_was_sent() {
        for begin in [0_u16, 1, 30_000, 65_500] {
            let position = Position {
                ssrc: 7,
                sequence: begin,
                timestamp: u32::MAX - 100,
            };
            for seconds in [0, 1, 59, 300] {
                let taken_up = position.after(Duration::from_secs(seconds));
                for packet_ms in [10, 20, 30, 60] {
                    let sent = begin.wrapping_add((seconds * 1_000 / packet_ms) as u16);
                    assert!(taken_up.sequence.wrapping_sub(sent).cast_signed() >= 100);
                }
                let stood = position.timestamp.wrapping_add(seconds as u32 * 8_000);
                let ahead = taken_up.timestamp.wrapping_sub(stood);
                assert!((480..480 + 8_000).contains(&ahead), "{ahead}");
                assert_eq!(taken_up.ssrc, 7);
            }
        }
    }

    #[test]
    fn after_hours_packets_of_20_ms_are_still_overtaken() {
        let position = Position {
            ssrc: 7,
            sequence: 9,
            timestamp: 0,
        };
        for minutes in [6, 11, 60, 600] {
            let taken_up = position.after(Duration::from_mins(minutes));
            let sent = 9_u16.wrapping_add((minutes * 60 * 50) as u16);
            let ahead = taken_up.sequence.wrapping_sub(sent).cast_signed();
            assert!(ahead > 0, "{minutes} {ahead}");
        }
    }
}
