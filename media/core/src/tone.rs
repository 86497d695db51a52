//! Tones: sums of sines with raised edges, and cadences over them.

#![allow(
    clippy::indexing_slicing,
    reason = "the table is indexed by the top bits of a 32-bit phase"
)]

use std::f64::consts::TAU;
use std::sync::LazyLock;

use crate::g711::RATE_HZ;

/// Most frequencies that sound at once.
pub const VOICES: usize = 4;

/// Frequencies in Hz that sound together for a time, 0 standing for none; all 0 is a pause.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    /// Sounding frequencies in Hz.
    pub frequencies_hz: [f32; VOICES],
    /// How long, in milliseconds.
    pub duration_ms: u32,
}

/// A tone as a cadence: its segments one after another, again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Cadence {
    /// Segments in their order.
    pub segments: Vec<Segment>,
}

impl Cadence {
    /// One or two frequencies without interruption; 0 for none.
    pub fn steady(first_hz: f32, second_hz: f32) -> Cadence {
        let segment = Segment {
            frequencies_hz: [first_hz, second_hz, 0.0, 0.0],
            duration_ms: u32::MAX,
        };
        Cadence {
            segments: vec![segment],
        }
    }
}

const TABLE_BITS: u32 = 10;
static SINE: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let steps = 1_usize << TABLE_BITS;
    (0..=steps)
        .map(|i| (TAU * i as f64 / steps as f64).sin() as f32)
        .collect()
});

/// Peak of a whole tone, about -12 dB under full scale; its frequencies share it.
const PEAK: f32 = 8_000.0;
/// Edges rise and fall over 5 ms, so that no click is heard.
const EDGE_SAMPLES: u32 = RATE_HZ / 200;

fn sine(phase: u32) -> f32 {
    let index = (phase >> (32 - TABLE_BITS)) as usize;
    let part = (phase << TABLE_BITS) as f32 / 4_294_967_296.0;
    let (low, high) = (SINE[index], SINE[index + 1]);
    low + (high - low) * part
}

/// Renders a cadence for a given number of samples. Phases run on from frame to frame and over segments that keep their
/// frequencies, so only true edges are edges.
#[derive(Debug, Clone)]
pub struct ToneGenerator {
    cadence: Cadence,
    segment: usize,
    segment_left: u64,
    segment_length: u64,
    left: u64,
    phases: [u32; VOICES],
    steps: [u32; VOICES],
    amplitude: f32,
}

impl ToneGenerator {
    /// `samples` long in all. A cadence without segments or of no length is silence.
    pub fn new(cadence: Cadence, samples: u64) -> ToneGenerator {
        let mut generator = ToneGenerator {
            cadence,
            segment: 0,
            segment_left: 0,
            segment_length: 0,
            left: samples,
            phases: [0; VOICES],
            steps: [0; VOICES],
            amplitude: 0.0,
        };
        generator.enter(0);
        generator
    }

    fn enter(&mut self, segment: usize) {
        let Some(entered) = self.cadence.segments.get(segment).copied() else {
            return;
        };
        self.segment = segment;
        self.segment_length = u64::from(entered.duration_ms) * u64::from(RATE_HZ) / 1_000;
        self.segment_left = self.segment_length;
        let mut sounding = 0;
        for (step, hz) in self.steps.iter_mut().zip(entered.frequencies_hz) {
            // What cannot be sampled would come back as another frequency.
            let hz = if hz.is_finite() && hz > 0.0 && hz < RATE_HZ as f32 / 2.0 {
                f64::from(hz)
            } else {
                0.0
            };
            *step = (hz * 4_294_967_296.0 / f64::from(RATE_HZ)) as u32;
            sounding += u32::from(*step != 0);
        }
        self.amplitude = if sounding == 0 {
            0.0
        } else {
            PEAK / sounding as f32
        };
    }

    /// Samples still to come.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Leaves samples out; what follows sounds as it would have behind them.
    pub fn skip(&mut self, samples: u64) {
        let mut skipped = samples.min(self.left);
        self.left -= skipped;
        let cycle: u64 = self
            .cadence
            .segments
            .iter()
            .map(|segment| u64::from(segment.duration_ms) * u64::from(RATE_HZ) / 1_000)
            .sum();
        // Whole cadences change nothing but the phases, which no ear knows behind a pause.
        if cycle > 0 && skipped > cycle {
            skipped %= cycle;
        }
        while skipped > 0 && cycle > 0 {
            if self.segment_left == 0 {
                self.enter((self.segment + 1) % self.cadence.segments.len());
            }
            let step = skipped.min(self.segment_left);
            self.segment_left -= step;
            skipped -= step;
            for (phase, each) in self.phases.iter_mut().zip(self.steps) {
                *phase = phase.wrapping_add(each.wrapping_mul(step as u32));
            }
        }
    }

    /// Fills `out` from the front; returns how many samples there were.
    pub fn render(&mut self, out: &mut [i16]) -> usize {
        let count = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        let segments = self.cadence.segments.len();
        for sample in out.iter_mut().take(count) {
            let mut tries = 0;
            while self.segment_left == 0 && tries < segments {
                self.enter((self.segment + 1) % segments);
                tries += 1;
            }
            let mut sum = 0.0;
            for (phase, step) in self.phases.iter_mut().zip(self.steps) {
                if step != 0 {
                    sum += sine(*phase);
                    *phase = phase.wrapping_add(step);
                }
            }
            let risen = self.segment_length - self.segment_left;
            let falls = self.segment_left.min(self.left);
            let edge =
                risen.min(falls.saturating_sub(1)).min(u64::from(EDGE_SAMPLES)) as f32 / EDGE_SAMPLES as f32;
            // A raised cosine's cheaper sister: smoothstep has no corner at either end.
            let gain = edge * edge * (3.0 - 2.0 * edge);
            *sample = (sum * self.amplitude * gain) as i16;
            self.segment_left = self.segment_left.saturating_sub(1);
            self.left -= 1;
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn power(samples: &[i16], hz: f64) -> f64 {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, s) in samples.iter().enumerate() {
            let phase = TAU * hz * i as f64 / 8_000.0;
            re += f64::from(*s) * phase.cos();
            im += f64::from(*s) * phase.sin();
        }
        (re * re + im * im).sqrt() * 2.0 / samples.len() as f64
    }

    fn render(mut generator: ToneGenerator, frame: usize) -> Vec<i16> {
        let mut all = Vec::new();
        let mut buffer = vec![0; frame];
        loop {
            let n = generator.render(&mut buffer);
            all.extend_from_slice(&buffer[..n]);
            if n < frame {
                return all;
            }
        }
    }

    #[test]
    fn both_frequencies_sound_and_no_other() {
        let all = render(ToneGenerator::new(Cadence::steady(350.0, 440.0), 8_000), 160);
        assert_eq!(all.len(), 8_000);
        let middle = &all[400..7_600];
        assert!(
            (3_900.0..4_100.0).contains(&power(middle, 350.0)),
            "{}",
            power(middle, 350.0)
        );
        assert!((3_900.0..4_100.0).contains(&power(middle, 440.0)));
        assert!(power(middle, 1_000.0) < 40.0);
    }

    /// The size of frames leaves no trace, and no step is steeper than the sine itself: edges are raised.
    #[test]
    fn frames_join_without_a_click() {
        let cadence = Cadence {
            segments: vec![
                Segment {
                    frequencies_hz: [425.0, 0.0, 0.0, 0.0],
                    duration_ms: 400,
                },
                Segment {
                    frequencies_hz: [0.0; 4],
                    duration_ms: 400,
                },
            ],
        };
        let all = render(ToneGenerator::new(cadence.clone(), 12_000), 160);
        assert_eq!(all, render(ToneGenerator::new(cadence, 12_000), 77));
        let steepest = f64::from(PEAK) * TAU * 425.0 / 8_000.0;
        let worst = all
            .windows(2)
            .map(|w| f64::from((i32::from(w[1]) - i32::from(w[0])).abs()))
            .fold(0.0, f64::max);
        assert!(worst <= steepest * 1.02, "{worst} over {steepest}");
        assert_eq!(all[0], 0);
        assert!(all[3_200..6_400].iter().all(|s| *s == 0), "the pause is silent");
        assert!(power(&all[6_500..9_500], 425.0) > 7_500.0);
    }

    /// What follows the skipped samples is what would have followed them anyway.
    #[test]
    fn what_is_skipped_is_only_left_out() {
        let segment = |hz, duration_ms| Segment {
            frequencies_hz: [hz, 0.0, 0.0, 0.0],
            duration_ms,
        };
        let paused = Cadence {
            segments: vec![segment(425.0, 200), segment(0.0, 100)],
        };
        for (cadence, skipped) in [
            (Cadence::steady(425.0, 480.0), 1),
            (Cadence::steady(425.0, 480.0), 4_321),
            (paused.clone(), 2_000),
            (paused.clone(), 1_600),
            (paused.clone(), 7_999),
            (paused, 9_000),
        ] {
            let whole = render(ToneGenerator::new(cadence.clone(), 8_000), 160);
            let mut generator = ToneGenerator::new(cadence, 8_000);
            generator.skip(skipped);
            let rest = render(generator, 160);
            let expected = whole.get(skipped as usize..).unwrap_or_default();
            assert_eq!(rest.len(), expected.len());
            let apart = rest
                .iter()
                .zip(expected)
                .filter(|(a, b)| a.abs_diff(**b) > 1)
                .count();
            // Phases may differ once a whole cadence was left out.
            assert!(apart == 0 || skipped > 2_400, "{skipped}: {apart}");
        }
        let mut empty = ToneGenerator::new(Cadence { segments: vec![] }, 500);
        empty.skip(400);
        assert_eq!(render(empty, 160), vec![0; 100]);
    }

    #[test]
    fn nonsense_is_silence() {
        for cadence in [
            Cadence { segments: vec![] },
            Cadence {
                segments: vec![Segment {
                    frequencies_hz: [400.0; 4],
                    duration_ms: 0,
                }],
            },
            Cadence::steady(f32::NAN, 60_000.0),
        ] {
            assert_eq!(render(ToneGenerator::new(cadence, 500), 160), vec![0; 500]);
        }
    }
}
