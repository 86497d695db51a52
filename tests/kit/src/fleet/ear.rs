//! What one call hears: how its packets come, and which of the known tones they hold.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Samples of a packet of 20 ms at 8 kHz.
pub const SAMPLES: usize = 160;
/// Time of a packet.
pub const PACKET: Duration = Duration::from_millis(20);
const HEADER: usize = 12;
/// Every so many packets the tone is looked for; twice the same is believed.
const LISTEN_EVERY: u64 = 3;
/// The share of the energy that a tone has to itself.
const SHARE_LEAST: f32 = 0.8;
/// Mean square below which it is silence: -50 dBFS.
const POWER_LEAST: f32 = 10_000.0;

/// The tones to tell apart. Multiples of 50 Hz do not leak into each other within one packet.
pub struct Tones {
    coefficients: Vec<f32>,
    linear: Vec<f32>,
}

impl Tones {
    /// Of these frequencies.
    pub fn new(hz: &[u16]) -> Self {
        Self {
            coefficients: hz
                .iter()
                .map(|hz| (2.0 * (TAU * f64::from(*hz) / 8_000.0).cos()) as f32)
                .collect(),
            linear: (0..=255).map(from_mu_law).collect(),
        }
    }

    /// The index of the tone that this µ-law packet holds.
    fn find(&self, payload: &[u8]) -> Option<usize> {
        let samples: Vec<f32> = payload
            .iter()
            .filter_map(|byte| self.linear.get(usize::from(*byte)).copied())
            .collect();
        if samples.len() != SAMPLES {
            return None;
        }
        let power = samples.iter().map(|sample| sample * sample).sum::<f32>() / SAMPLES as f32;
        if power < POWER_LEAST {
            return None;
        }
        // A pure tone of amplitude a has the mean square a²/2 and, in Goertzel's sum, (a·N/2)².
        let pure = power * (SAMPLES * SAMPLES) as f32 / 2.0;
        self.coefficients
            .iter()
            .position(|coefficient| goertzel(&samples, *coefficient) >= SHARE_LEAST * pure)
    }
}

/// What has been heard.
pub struct Ear {
    tones: Arc<Tones>,
    /// Packets that came.
    pub packets: u64,
    /// Packets that their numbers tell to be missing.
    pub lost: u64,
    /// Packets that came twice or out of order.
    pub misplaced: u64,
    /// The longest time without sound between two packets.
    pub longest_gap: Duration,
    /// When the latest came.
    pub latest: Option<Instant>,
    sequence: u16,
    suspected: Option<usize>,
}

impl Ear {
    /// Nothing heard yet.
    pub fn new(tones: Arc<Tones>) -> Self {
        Self {
            tones,
            packets: 0,
            lost: 0,
            misplaced: 0,
            longest_gap: Duration::ZERO,
            latest: None,
            sequence: 0,
            suspected: None,
        }
    }

    /// Takes a packet; gives a tone that has been heard twice in a row. `held_up` tells for how long of a stretch of
    /// time the listener itself could not listen: that is no gap.
    pub fn hear(
        &mut self,
        packet: &[u8],
        now: Instant,
        held_up: impl FnOnce(Instant, Instant) -> Duration,
    ) -> Option<usize> {
        // RTP with a static payload type; RTCP comes elsewhere (RFC 3550 §5.1).
        let (first, sequence) = (packet.first()?, packet.get(2..4)?.first_chunk::<2>()?);
        let payload = packet.get(HEADER..)?;
        if first >> 6 != 2 {
            return None;
        }
        let sequence = u16::from_be_bytes(*sequence);
        if let Some(latest) = self.latest {
            let pause = (now - latest).saturating_sub(PACKET);
            if pause > self.longest_gap {
                self.longest_gap = self.longest_gap.max(pause.saturating_sub(held_up(latest, now)));
            }
            match sequence.wrapping_sub(self.sequence) {
                1 => (),
                skipped @ 2..1_000 => self.lost += u64::from(skipped - 1),
                // Zero, backward, or so far that the stream began anew.
                _ => self.misplaced += 1,
            }
        }
        (self.latest, self.sequence) = (Some(now), sequence);
        self.packets += 1;
        if !self.packets.is_multiple_of(LISTEN_EVERY) {
            return None;
        }
        let found = self.tones.find(payload);
        let believed = found.filter(|_| found == self.suspected);
        self.suspected = found;
        believed
    }
}

/// Goertzel's sum, squared.
fn goertzel(samples: &[f32], coefficient: f32) -> f32 {
    let (mut before, mut last) = (0.0_f32, 0.0_f32);
    for sample in samples {
        (before, last) = (last, sample + coefficient * last - before);
    }
    last * last + before * before - coefficient * last * before
}

/// ITU-T G.711.
fn from_mu_law(byte: u8) -> f32 {
    let byte = !byte;
    let magnitude = ((i32::from(byte & 0x0f) << 3) + 0x84) << ((byte & 0x70) >> 4);
    let sample = (magnitude - 0x84) as f32;
    if byte & 0x80 == 0 { sample } else { -sample }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_mu_law(sample: f32) -> u8 {
        let near = |byte: &u8| (from_mu_law(*byte) - sample).abs();
        (0..=255).min_by(|a, b| near(a).total_cmp(&near(b))).unwrap()
    }

    fn packet(sequence: u16, hz: f64, from: usize) -> Vec<u8> {
        let mut packet = vec![0x80, 0];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.resize(HEADER, 0);
        packet.extend(
            (from..from + SAMPLES).map(|i| to_mu_law((TAU * hz * i as f64 / 8_000.0).sin() as f32 * 6_000.0)),
        );
        packet
    }

    fn none(_: Instant, _: Instant) -> Duration {
        Duration::ZERO
    }

    #[test]
    fn neighbouring_tones_are_told_apart() {
        let hz: Vec<u16> = (0..13).map(|n| 400 + 50 * n).collect();
        let tones = Arc::new(Tones::new(&hz));
        for (index, hz) in hz.iter().enumerate() {
            assert_eq!(tones.find(&packet(0, f64::from(*hz), 37)[HEADER..]), Some(index));
        }
        assert_eq!(tones.find(&packet(0, 1_500.0, 0)[HEADER..]), None);
        assert_eq!(tones.find(&[0xff; SAMPLES]), None);
    }

    #[test]
    fn a_tone_is_believed_when_heard_twice() {
        let mut ear = Ear::new(Arc::new(Tones::new(&[400, 450])));
        let now = Instant::now();
        let heard: Vec<_> = (0..9)
            .map(|n| ear.hear(&packet(n, 450.0, usize::from(n) * SAMPLES), now, none))
            .collect();
        assert_eq!(heard.iter().flatten().count(), 2, "{heard:?}");
        assert_eq!(heard[5], Some(1));
    }

    #[test]
    fn gaps_losses_and_repetitions_are_counted() {
        let mut ear = Ear::new(Arc::new(Tones::new(&[400])));
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        for (sequence, ms) in [(65_534, 0), (65_535, 20), (0, 40), (0, 45), (3, 165), (4, 465)] {
            ear.hear(&packet(sequence, 400.0, 0), at(ms), |from, to| {
                // The listener slept through the last one.
                if (from, to) == (at(165), at(465)) {
                    Duration::from_millis(280)
                } else {
                    Duration::ZERO
                }
            });
        }
        assert_eq!((ear.packets, ear.lost, ear.misplaced), (6, 2, 1));
        assert_eq!(ear.longest_gap, Duration::from_millis(100));
        assert_eq!(ear.hear(b"no rtp", at(500), none), None);
    }
}
