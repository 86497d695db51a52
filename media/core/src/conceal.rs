//! Loss concealment: the last pitch period again and again, fading (in the spirit of ITU-T G.711 appendix I).

#![allow(
    clippy::indexing_slicing,
    reason = "indexes stay within HISTORY and PITCH_MAX by construction"
)]

/// Pitch periods looked for: 66 to 200 Hz.
const PITCH_MIN: usize = 40;
const PITCH_MAX: usize = 120;
/// Stretch on which periods are compared: 20 ms.
const COMPARED: usize = 160;
const HISTORY: usize = PITCH_MAX * 2 + COMPARED;
/// Full level for 10 ms, silence after 60 ms: longer guesses sound like machines.
const FADE_FROM: usize = 80;
const FADE_TO: usize = 480;
/// The true sound is blended in over 5 ms.
const BLEND: usize = 40;

/// Fills gaps in a run of samples.
#[derive(Debug, Clone)]
pub struct Concealer {
    history: [i16; HISTORY],
    period: [i16; PITCH_MAX],
    pitch: usize,
    /// Samples made since the gap began; `None` while there is sound.
    made: Option<usize>,
}

impl Default for Concealer {
    fn default() -> Self {
        Concealer {
            history: [0; HISTORY],
            period: [0; PITCH_MAX],
            pitch: PITCH_MAX,
            made: None,
        }
    }
}

impl Concealer {
    /// Samples that came: remembered, and blended with what was made up before them.
    pub fn hear(&mut self, samples: &mut [i16]) {
        if let Some(made) = self.made.take() {
            let blend = BLEND.min(samples.len());
            for (i, sample) in samples.iter_mut().take(blend).enumerate() {
                let share = (i + 1) as f32 / (blend + 1) as f32;
                let guess = f32::from(self.guess(made + i));
                *sample = (guess + (f32::from(*sample) - guess) * share) as i16;
            }
        }
        self.remember(samples);
    }

    /// Makes up samples that did not come.
    pub fn conceal(&mut self, out: &mut [i16]) {
        let made = self.made.unwrap_or_else(|| {
            self.find_period();
            0
        });
        for (i, sample) in out.iter_mut().enumerate() {
            *sample = self.guess(made + i);
        }
        self.made = Some(made.saturating_add(out.len()).min(FADE_TO * 100));
        self.remember(out);
    }

    /// A jump in the sound's time is to be smoothed: the next samples are blended with the continuation of the last.
    pub fn bridge(&mut self) {
        if self.made.is_none() {
            self.find_period();
            self.made = Some(0);
        }
    }

    fn guess(&self, index: usize) -> i16 {
        if index >= FADE_TO {
            return 0;
        }
        let fade = index.saturating_sub(FADE_FROM) as f32 / (FADE_TO - FADE_FROM) as f32;
        (f32::from(self.period[index % self.pitch]) * (1.0 - fade)) as i16
    }

    fn remember(&mut self, samples: &[i16]) {
        let kept = samples.len().min(HISTORY);
        self.history.copy_within(kept.., 0);
        self.history[HISTORY - kept..].copy_from_slice(&samples[samples.len() - kept..]);
    }

    fn find_period(&mut self) {
        let end = &self.history[HISTORY - COMPARED..];
        let mut best = (0.0_f32, PITCH_MAX);
        for lag in PITCH_MIN..=PITCH_MAX {
            let earlier = &self.history[HISTORY - COMPARED - lag..HISTORY - lag];
            let (mut product, mut energy) = (0.0_f32, 1.0_f32);
            for (a, b) in end.iter().zip(earlier) {
                product += f32::from(*a) * f32::from(*b);
                energy += f32::from(*b) * f32::from(*b);
            }
            let likeness = product / energy.sqrt();
            if likeness > best.0 {
                best = (likeness, lag);
            }
        }
        self.pitch = best.1;
        let start = HISTORY - self.pitch;
        let joint = self.pitch / 4;
        for i in 0..self.pitch {
            let sample = f32::from(self.history[start + i]);
            // The period's end is led over to its beginning by what came before that.
            let share = (i + joint).saturating_sub(self.pitch) as f32 / joint as f32;
            let before = f32::from(self.history[start + i - self.pitch]);
            self.period[i] = (sample + (before - sample) * share) as i16;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, from: usize, count: usize) -> Vec<i16> {
        let at = |i: usize| (std::f64::consts::TAU * hz * i as f64 / 8_000.0).sin() * 8_000.0;
        (from..from + count).map(|i| at(i) as i16).collect()
    }

    /// A vowel's pitch goes on through 20 ms of loss, without a step at either edge.
    #[test]
    fn a_lost_packet_of_a_steady_sound_is_hardly_heard() {
        for hz in [100.0, 160.0, 437.0] {
            let mut concealer = Concealer::default();
            for n in 0..5 {
                concealer.hear(&mut sine(hz, n * 160, 160));
            }
            let mut gap = [0; 160];
            concealer.conceal(&mut gap);
            let mut after = sine(hz, 960, 160);
            concealer.hear(&mut after);
            let mut all = sine(hz, 640, 160);
            all.extend_from_slice(&gap);
            all.extend_from_slice(&after);
            let steepest = 8_000.0 * std::f64::consts::TAU * hz / 8_000.0;
            for pair in all.windows(2) {
                let step = f64::from((i32::from(pair[1]) - i32::from(pair[0])).abs());
                assert!(step < steepest * 2.0 + 300.0, "{hz} Hz: a step of {step}");
            }
            let ideal = sine(hz, 800, 80);
            let error: f64 = gap
                .iter()
                .zip(&ideal)
                .map(|(a, b)| f64::from(a - b).powi(2))
                .sum();
            let power: f64 = ideal.iter().map(|s| f64::from(*s).powi(2)).sum();
            assert!(error < power * 0.1, "{hz} Hz: {}", error / power);
        }
    }

    #[test]
    fn a_long_gap_fades_to_silence() {
        let mut concealer = Concealer::default();
        concealer.hear(&mut sine(200.0, 0, 480));
        let mut gap = vec![0; 800];
        concealer.conceal(&mut gap);
        assert!(gap[..80].iter().any(|s| s.abs() > 7_000));
        assert!(gap[480..].iter().all(|s| *s == 0));
    }
}
