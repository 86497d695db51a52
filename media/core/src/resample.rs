//! Resampling by a windowed sinc, any rate to any rate.
//!
//! For each output sample the sinc of the lower of the two rates, under a Blackman window, is laid over the input; the
//! kernel comes from one table with linear interpolation, so that the cost does not hang on how the rates divide.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// Zero crossings of the sinc on either side.
const CROSSINGS: usize = 16;
/// Table points between two crossings.
const POINTS: usize = 256;
/// The pass band ends at this share of the lower rate's half, so that the roll-off ends before it.
const CUTOFF: f64 = 0.94;

static KERNEL: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let length = CROSSINGS * POINTS;
    let at = |i: usize| {
        let x = i as f64 / POINTS as f64;
        let sinc = if i == 0 { 1.0 } else { (PI * x).sin() / (PI * x) };
        let w = PI * i as f64 / length as f64;
        let window = 0.42 + 0.5 * w.cos() + 0.08 * (2.0 * w).cos();
        (sinc * window) as f32
    };
    (0..=length + 1)
        .map(|i| if i > length { 0.0 } else { at(i) })
        .collect()
});

/// `input` at `from_hz` as samples at `to_hz`, equally long to the sample. Rates of 0 give nothing.
pub fn resample(input: &[f32], from_hz: u32, to_hz: u32) -> Vec<f32> {
    if from_hz == to_hz && from_hz > 0 {
        return input.to_vec();
    }
    let mut resampler = Resampler::new(from_hz, to_hz);
    let mut out = Vec::new();
    resampler.push(input, &mut out);
    resampler.finish(&mut out);
    out
}

/// As [`resample`], of a sound that comes piece by piece: it keeps no more than the kernel reaches back.
#[derive(Debug)]
pub struct Resampler {
    from_hz: u32,
    to_hz: u32,
    /// Input samples from one output sample to the next.
    ratio: f64,
    /// Kernel points for an input sample, over [`POINTS`].
    scale: f64,
    /// Input samples that the kernel covers on either side.
    reach: f64,
    /// Input that may still be needed, and the place of its first sample in all of it.
    kept: Vec<f32>,
    kept_from: usize,
    /// Output samples so far.
    made: u64,
}

impl Resampler {
    /// From `from_hz` to `to_hz`. Rates of 0 give nothing.
    pub fn new(from_hz: u32, to_hz: u32) -> Self {
        let ratio = f64::from(from_hz) / f64::from(to_hz.max(1));
        // Of the lower rate: when the rate goes down the kernel widens and cuts what would alias.
        let scale = CUTOFF * (1.0 / ratio).min(1.0);
        Self {
            from_hz,
            to_hz,
            ratio,
            scale,
            reach: CROSSINGS as f64 / scale,
            kept: Vec::new(),
            kept_from: 0,
            made: 0,
        }
    }

    /// Takes the next piece; what it makes known is added to `out`.
    pub fn push(&mut self, input: &[f32], out: &mut Vec<f32>) {
        if self.from_hz == 0 || self.to_hz == 0 {
            return;
        }
        self.kept.extend_from_slice(input);
        // Where the kernel would reach beyond what has come, the next piece is waited for.
        let end = self.end() as f64 - self.reach - 1.0;
        while self.made as f64 * self.ratio < end {
            self.make(out);
        }
        let needed = (self.made as f64 * self.ratio - self.reach).floor().max(0.0) as usize;
        // Moved seldom: in pieces as long as what stays.
        if needed.saturating_sub(self.kept_from) > self.kept.len() / 2 {
            self.kept.drain(..(needed - self.kept_from).min(self.kept.len()));
            self.kept_from = needed;
        }
    }

    /// Adds the rest to `out`: nothing comes any more.
    pub fn finish(mut self, out: &mut Vec<f32>) {
        if self.from_hz == 0 || self.to_hz == 0 {
            return;
        }
        let count = (self.end() as u64 * u64::from(self.to_hz)).div_ceil(u64::from(self.from_hz));
        while self.made < count {
            self.make(out);
        }
    }

    /// Input samples that have come.
    fn end(&self) -> usize {
        self.kept_from + self.kept.len()
    }

    fn make(&mut self, out: &mut Vec<f32>) {
        let kernel = KERNEL.as_slice();
        let centre = self.made as f64 * self.ratio;
        let first = (centre - self.reach).ceil().max(0.0) as usize;
        let last = ((centre + self.reach).floor().max(0.0) as usize).min(self.end().saturating_sub(1));
        let range = first.saturating_sub(self.kept_from)..=last.saturating_sub(self.kept_from);
        let mut sum = 0.0_f32;
        for (offset, sample) in self.kept.get(range).unwrap_or_default().iter().enumerate() {
            let x = ((first + offset) as f64 - centre).abs() * self.scale * POINTS as f64;
            let index = x as usize;
            let part = (x - index as f64) as f32;
            if let Some(&[low, high]) = kernel.get(index..index + 2) {
                sum += sample * (low + (high - low) * part);
            }
        }
        out.push(sum * self.scale as f32);
        self.made += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f64, rate: u32, count: usize) -> Vec<f32> {
        (0..count)
            .map(|i| (2.0 * PI * hz * i as f64 / f64::from(rate)).sin() as f32)
            .collect()
    }

    fn rms(samples: &[f32]) -> f32 {
        (samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32).sqrt()
    }

    /// Speech band within half a decibel, and error under -50 dB against the ideal sine.
    #[test]
    fn the_speech_band_passes_unchanged() {
        for rate in [11_025, 16_000, 22_050, 44_100, 48_000, 6_000] {
            for hz in [300.0, 1_000.0, 2_000.0] {
                let out = resample(&sine(hz, rate, rate as usize / 2), rate, 8_000);
                assert_eq!(out.len(), 4_000, "{rate}");
                let ideal = sine(hz, 8_000, 4_000);
                let error: Vec<f32> = out.iter().zip(&ideal).map(|(a, b)| a - b).collect();
                let noise = rms(&error[200..3_800]) / rms(&ideal[200..3_800]);
                assert!(noise < 0.004, "{rate} Hz, tone of {hz} Hz: {noise}");
            }
        }
    }

    /// What 8 kHz cannot carry is gone, not folded back.
    #[test]
    fn what_would_alias_is_cut() {
        for hz in [5_000.0, 7_000.0, 10_000.0] {
            let out = resample(&sine(hz, 48_000, 24_000), 48_000, 8_000);
            assert!(rms(&out[200..3_800]) < 0.003, "{hz}: {}", rms(&out[200..3_800]));
        }
    }

    /// In whatever pieces a sound comes, it is the same to the last bit.
    #[test]
    fn pieces_sound_like_the_whole() {
        for rate in [44_100, 48_000, 11_025, 6_000] {
            let input = sine(700.0, rate, rate as usize / 3);
            let whole = resample(&input, rate, 8_000);
            for size in [1, 7, 1_152, 5_000] {
                let (mut resampler, mut out) = (Resampler::new(rate, 8_000), Vec::new());
                for piece in input.chunks(size) {
                    resampler.push(piece, &mut out);
                    assert!(resampler.kept.len() < 4 * size + 2_000, "{rate} {size}");
                }
                resampler.finish(&mut out);
                assert!(out == whole, "{rate} in pieces of {size}");
            }
        }
    }

    #[test]
    fn short_and_odd_input_is_harmless() {
        assert!(resample(&[], 44_100, 8_000).is_empty());
        assert!(resample(&[1.0], 0, 8_000).is_empty());
        assert_eq!(resample(&[0.5], 192_000, 8_000).len(), 1);
        assert_eq!(resample(&[0.5, 0.25], 8_000, 8_000), [0.5, 0.25]);
    }
}
