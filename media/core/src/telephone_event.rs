//! Digits as telephone-events (RFC 4733): one payload, a receiver that raises each digit once, and a sender.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Greatest number of digits and pauses that wait in a [`DigitSender`].
pub const MAX_QUEUED: usize = 512;

/// What one packet says about an event (RFC 4733 §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelephoneEvent {
    /// Event code; 0 to 15 are the digits `0-9*#A-D`.
    pub code: u8,
    /// The event is over.
    pub end: bool,
    /// Power in dBm0 without its sign, 0 to 63.
    pub volume: u8,
    /// Length so far in samples.
    pub duration: u16,
}

impl TelephoneEvent {
    /// Reads a payload; `None` when it is shorter than four bytes. A second event in one payload (RFC 2833) is not read.
    pub fn parse(payload: &[u8]) -> Option<TelephoneEvent> {
        let (&[code, flags, d0, d1], _) = payload.split_first_chunk::<4>()?;
        let duration = u16::from_be_bytes([d0, d1]);
        Some(TelephoneEvent {
            code,
            end: flags & 0x80 != 0,
            volume: flags & 0x3F,
            duration,
        })
    }

    /// The four bytes of this payload.
    pub fn to_bytes(self) -> [u8; 4] {
        let [d0, d1] = self.duration.to_be_bytes();
        [
            self.code,
            (self.volume & 0x3F) | if self.end { 0x80 } else { 0 },
            d0,
            d1,
        ]
    }
}

/// The digit of an event code (RFC 4733 §3.2).
pub fn digit_of(code: u8) -> Option<char> {
    match code {
        0..=9 => Some(char::from(b'0' + code)),
        10 => Some('*'),
        11 => Some('#'),
        12..=15 => Some(char::from(b'A' + code - 12)),
        _ => None,
    }
}

/// The event code of a digit; letters in either case.
pub fn code_of(digit: char) -> Option<u8> {
    match digit {
        '0'..='9' => Some(digit as u8 - b'0'),
        '*' => Some(10),
        '#' => Some(11),
        'A'..='D' => Some(digit as u8 - b'A' + 12),
        'a'..='d' => Some(digit as u8 - b'a' + 12),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Current {
    ssrc: u32,
    code: u8,
    timestamp: u32,
    duration: u16,
    ended: bool,
}

/// Makes one digit of each event, in spite of repeated, lost and late packets.
///
/// An event is known by its RTP timestamp (RFC 4733 §2.5.1.2): whichever of its packets comes first raises the digit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DigitReceiver {
    current: Option<Current>,
}

/// Timestamps of one event may be so many samples past its last duration, for senders that move them.
const DRIFT: u32 = 160;

impl DigitReceiver {
    /// Takes one event packet; returns the digit if this is the first packet heard of it.
    pub fn handle(&mut self, ssrc: u32, timestamp: u32, marker: bool, event: TelephoneEvent) -> Option<char> {
        if let Some(current) = &mut self.current
            && current.ssrc == ssrc
        {
            let ahead = timestamp.wrapping_sub(current.timestamp);
            let late = ahead > u32::MAX / 2;
            // A long event goes on in segments (§2.5.1.3), and some senders move the timestamp within an event: what
            // begins before the known end of an event that has not ended is no new press.
            let goes_on = current.code == event.code
                && !current.ended
                && !marker
                && ahead <= u32::from(current.duration) + DRIFT;
            if late {
                return None;
            }
            if ahead == 0 || goes_on {
                current.timestamp = timestamp;
                current.duration = if ahead == 0 {
                    current.duration.max(event.duration)
                } else {
                    event.duration
                };
                current.ended |= event.end;
                return None;
            }
        }
        let digit = digit_of(event.code)?;
        let (code, duration, ended) = (event.code, event.duration, event.end);
        self.current = Some(Current {
            ssrc,
            code,
            timestamp,
            duration,
            ended,
        });
        Some(digit)
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Item {
    Digit { code: u8, tone: u16, gap: u32 },
    Pause(u32),
    Done,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum State {
    Idle,
    Sending {
        code: u8,
        timestamp: u32,
        tone: u16,
        gap: u32,
        duration: u16,
        ends_sent: u8,
    },
    Waiting {
        samples: u32,
    },
}

/// What a [`DigitSender`] wants at one frame's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigitStep {
    /// Nothing to send: ordinary sound goes on.
    Idle,
    /// One packet in place of the frame's sound.
    Packet {
        /// On the first packet of an event.
        marker: bool,
        /// The event's beginning.
        timestamp: u32,
        /// The payload.
        event: TelephoneEvent,
    },
    /// All digits of one [`DigitSender::queue`] are sent; ask again for this frame.
    Done,
}

/// Sends digits: updates each frame while the tone lasts, the end three times (RFC 4733 §2.5.1).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DigitSender {
    queue: VecDeque<Item>,
    state: State,
}

impl Default for DigitSender {
    fn default() -> Self {
        DigitSender {
            queue: VecDeque::new(),
            state: State::Idle,
        }
    }
}

/// Three packets say that an event is over (§2.5.1.4).
const END_PACKETS: u8 = 3;
/// -10 dBm0, what a telephone's keys send.
const VOLUME: u8 = 10;
/// A comma's length.
const PAUSE_MS: u32 = 500;
/// One event carries at most 0xFFFF samples; a digit is never wanted longer.
const TONE_MS_MAX: u16 = 8_000;
/// Shorter digits are missed by detectors (ITU-T Q.24).
const TONE_MS_LEAST: u16 = 40;

impl DigitSender {
    /// Adds digits `0-9*#A-D` and pauses `,`; tones are held to 40 to 8,000 ms. One [`DigitStep::Done`] will follow.
    /// False, and nothing is added, when a character is no digit or the queue would grow past [`MAX_QUEUED`].
    pub fn queue(&mut self, digits: &str, tone_ms: u16, gap_ms: u16) -> bool {
        let well_formed = digits.chars().all(|d| d == ',' || code_of(d).is_some());
        if !well_formed || digits.len() + self.queue.len() >= MAX_QUEUED {
            return false;
        }
        let tone = tone_ms.clamp(TONE_MS_LEAST, TONE_MS_MAX) * 8;
        for digit in digits.chars() {
            self.queue.push_back(match code_of(digit) {
                Some(code) => Item::Digit {
                    code,
                    tone,
                    gap: u32::from(gap_ms) * 8,
                },
                None => Item::Pause(PAUSE_MS * 8),
            });
        }
        self.queue.push_back(Item::Done);
        true
    }

    /// Something is sent or waits to be.
    pub fn is_busy(&self) -> bool {
        !matches!(self.state, State::Idle) || !self.queue.is_empty()
    }

    /// Packets of an event are under way, so that no sound may be sent.
    pub fn is_sending(&self) -> bool {
        matches!(self.state, State::Sending { .. })
    }

    /// Drops all; returns how many [`DigitStep::Done`] are thereby owed.
    pub fn clear(&mut self) -> usize {
        self.state = State::Idle;
        self.queue
            .drain(..)
            .filter(|item| matches!(item, Item::Done))
            .count()
    }

    /// One frame of `frame` samples begins at `timestamp`.
    pub fn next(&mut self, timestamp: u32, frame: u16) -> DigitStep {
        loop {
            match &mut self.state {
                State::Sending {
                    code,
                    timestamp,
                    tone,
                    gap,
                    duration,
                    ends_sent,
                } => {
                    let marker = *duration == 0;
                    *duration = duration.saturating_add(frame).min(*tone);
                    let end = *duration == *tone;
                    let event = TelephoneEvent {
                        code: *code,
                        end,
                        volume: VOLUME,
                        duration: *duration,
                    };
                    let timestamp = *timestamp;
                    if end {
                        *ends_sent += 1;
                        if *ends_sent == END_PACKETS {
                            // The repeats of the end have taken some of the gap.
                            let repeats = u32::from(frame) * u32::from(END_PACKETS - 1);
                            self.state = State::Waiting {
                                samples: gap.saturating_sub(repeats),
                            };
                        }
                    }
                    return DigitStep::Packet {
                        marker,
                        timestamp,
                        event,
                    };
                }
                State::Waiting { samples } if *samples > 0 => {
                    *samples = samples.saturating_sub(u32::from(frame));
                    return DigitStep::Idle;
                }
                State::Idle | State::Waiting { .. } => match self.queue.pop_front() {
                    Some(Item::Digit { code, tone, gap }) => {
                        self.state = State::Sending {
                            code,
                            timestamp,
                            tone,
                            gap,
                            duration: 0,
                            ends_sent: 0,
                        };
                    }
                    Some(Item::Pause(samples)) => self.state = State::Waiting { samples },
                    Some(Item::Done) => {
                        self.state = State::Idle;
                        return DigitStep::Done;
                    }
                    None => {
                        self.state = State::Idle;
                        return DigitStep::Idle;
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(sender: &mut DigitSender, frames: u32) -> Vec<(bool, u32, TelephoneEvent)> {
        let mut sent = Vec::new();
        for frame in 0..frames {
            loop {
                match sender.next(frame * 160, 160) {
                    DigitStep::Packet {
                        marker,
                        timestamp,
                        event,
                    } => sent.push((marker, timestamp, event)),
                    DigitStep::Done => continue,
                    DigitStep::Idle => {}
                }
                break;
            }
        }
        sent
    }

    /// Marker on the first, durations grow by a frame, three ends of the full length, one timestamp.
    #[test]
    fn a_digit_is_sent_as_the_rfc_says() {
        let mut sender = DigitSender::default();
        assert!(sender.queue("#", 90, 50));
        let sent = packets(&mut sender, 20);
        let durations: Vec<u16> = sent.iter().map(|p| p.2.duration).collect();
        assert_eq!(durations, [160, 320, 480, 640, 720, 720, 720]);
        let ends: Vec<bool> = sent.iter().map(|p| p.2.end).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
        assert!(
            sent.iter()
                .enumerate()
                .all(|(i, p)| p.0 == (i == 0) && p.1 == 0 && p.2.code == 11)
        );
        assert!(!sender.is_busy());
    }

    #[test]
    fn what_is_sent_is_received_with_any_packets_lost() {
        let mut sender = DigitSender::default();
        assert!(sender.queue("11*,D0", 100, 60));
        let sent = packets(&mut sender, 200);
        // Every pattern of loss in which of each event at least one packet arrives: keep each third, by phase.
        for phase in 0..3 {
            let mut receiver = DigitReceiver::default();
            let heard: String = sent
                .iter()
                .enumerate()
                .filter(|(i, _)| i % 3 == phase)
                .filter_map(|(_, (marker, ts, event))| receiver.handle(7, *ts, *marker, *event))
                .collect();
            assert_eq!(heard, "11*D0", "phase {phase}");
        }
    }

    /// An end that was overtaken by the next event is not a third digit.
    #[test]
    fn late_packets_raise_nothing() {
        let mut receiver = DigitReceiver::default();
        let event = |code, end| TelephoneEvent {
            code,
            end,
            volume: 10,
            duration: 800,
        };
        assert_eq!(receiver.handle(1, 1_000, true, event(1, false)), Some('1'));
        assert_eq!(receiver.handle(1, 3_000, true, event(2, false)), Some('2'));
        assert_eq!(receiver.handle(1, 1_000, false, event(1, true)), None);
        assert_eq!(receiver.handle(1, 3_000, false, event(2, true)), None);
    }

    /// A press longer than 8.2 s is one digit (§2.5.1.3), and so is one whose sender moves the timestamp.
    #[test]
    fn segments_and_moving_timestamps_are_one_press() {
        let mut receiver = DigitReceiver::default();
        let event = |duration| TelephoneEvent {
            code: 5,
            end: false,
            volume: 10,
            duration,
        };
        assert_eq!(receiver.handle(1, u32::MAX - 100, true, event(0xFFFF)), Some('5'));
        assert_eq!(receiver.handle(1, 0xFFFF - 101, false, event(400)), None);
        let mut moving = DigitReceiver::default();
        assert_eq!(moving.handle(1, 0, true, event(160)), Some('5'));
        for step in 1..20 {
            assert_eq!(
                moving.handle(1, step * 160, false, event(160 + step as u16 * 160)),
                None
            );
        }
    }

    #[test]
    fn what_is_no_digit_is_not_queued() {
        let mut sender = DigitSender::default();
        assert!(!sender.queue("12x", 100, 50));
        assert!(!sender.queue(&"1".repeat(MAX_QUEUED), 100, 50));
        assert!(!sender.is_busy());
        assert_eq!(digit_of(16), None);
        assert_eq!(TelephoneEvent::parse(&[1, 2, 3]), None);
    }

    #[test]
    fn payload_bytes_go_both_ways() {
        let event = TelephoneEvent {
            code: 11,
            end: true,
            volume: 10,
            duration: 0x1234,
        };
        assert_eq!(event.to_bytes(), [11, 0x8A, 0x12, 0x34]);
        assert_eq!(TelephoneEvent::parse(&event.to_bytes()), Some(event));
    }
}
