//! What one call says: keys as telephone-events (RFC 4733), and silence now and then, as a keep-alive.

use super::ear::SAMPLES;
use std::time::{Duration, Instant};

const EVENT_PAYLOAD_TYPE: u8 = 101;
/// Packets of a key press: five with growing duration, then three that say "end" (RFC 4733 §2.5.1.4).
const GROWING: u16 = 5;
const ENDING: u16 = 3;
/// -10 dBm0.
const LEVEL: u8 = 10;

/// The outgoing stream.
pub struct Voice {
    began: Instant,
    ssrc: u32,
    sequence: u16,
    press: Option<Press>,
    silence_every: Duration,
    silence_due: Instant,
}

struct Press {
    code: u8,
    timestamp: u32,
    sent: u16,
}

impl Voice {
    /// A stream that begins now and says silence every so often.
    pub fn new(ssrc: u32, silence_every: Duration, now: Instant) -> Self {
        Self {
            began: now,
            ssrc,
            sequence: 0,
            press: None,
            silence_every,
            silence_due: now,
        }
    }

    /// Presses a key: the packets come with the next polls. Nothing happens while one is pressed.
    pub fn press(&mut self, key: char, now: Instant) {
        let code = match key {
            '0'..='9' => key as u8 - b'0',
            '*' => 10,
            _ => 11,
        };
        let timestamp = self.timestamp(now);
        self.press.get_or_insert(Press {
            code,
            timestamp,
            sent: 0,
        });
    }

    /// The packet that is due now. To be asked every 20 ms.
    pub fn poll(&mut self, now: Instant) -> Option<Vec<u8>> {
        if let Some(press) = &mut self.press {
            let n = press.sent;
            press.sent += 1;
            let end = if n >= GROWING { 0x80 } else { 0 };
            let duration = SAMPLES as u16 * (n + 1).min(GROWING);
            let (code, timestamp) = (press.code, press.timestamp);
            if press.sent == GROWING + ENDING {
                self.press = None;
            }
            // All packets of a press have the timestamp of its start (RFC 4733 §2.5.1.2).
            let mut packet = self.header(EVENT_PAYLOAD_TYPE, n == 0, timestamp);
            packet.extend_from_slice(&[code, end | LEVEL]);
            packet.extend_from_slice(&duration.to_be_bytes());
            return Some(packet);
        }
        if now < self.silence_due {
            return None;
        }
        self.silence_due = now + self.silence_every;
        let mut packet = self.header(0, false, self.timestamp(now));
        packet.resize(packet.len() + SAMPLES, 0xff);
        Some(packet)
    }

    fn header(&mut self, payload_type: u8, marker: bool, timestamp: u32) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type | if marker { 0x80 } else { 0 }];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&self.ssrc.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }

    fn timestamp(&self, now: Instant) -> u32 {
        (now.saturating_duration_since(self.began).as_micros() / 125) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_has_one_timestamp_a_marker_and_three_ends() {
        let began = Instant::now();
        let mut voice = Voice::new(7, Duration::from_secs(1), began);
        assert_eq!(voice.poll(began).unwrap().len(), 172, "silence first");
        voice.press('#', began + Duration::from_millis(100));
        let packets: Vec<Vec<u8>> = (5..30)
            .filter_map(|round| voice.poll(began + Duration::from_millis(20) * round))
            .collect();
        assert_eq!(packets.len(), 8);
        assert!(packets.iter().all(|packet| packet[4..8] == 800_u32.to_be_bytes()));
        assert!(packets.iter().all(|packet| packet[12] == 11));
        assert_eq!(packets.iter().filter(|packet| packet[1] & 0x80 != 0).count(), 1);
        assert_eq!(packets.iter().filter(|packet| packet[13] & 0x80 != 0).count(), 3);
        assert_eq!(packets[7][14..16], 800_u16.to_be_bytes());
        let numbers: Vec<u8> = packets.iter().map(|packet| packet[3]).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(
            voice.poll(began + Duration::from_millis(1_001)).unwrap().len(),
            172
        );
    }
}
