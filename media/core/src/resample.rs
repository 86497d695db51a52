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
    if from_hz == 0 || to_hz == 0 {
        return Vec::new();
    }
    if from_hz == to_hz {
        return input.to_vec();
    }
    let ratio = f64::from(from_hz) / f64::from(to_hz);
    // Of the lower rate: when the rate goes down the kernel widens and cuts what would alias.
    let scale = CUTOFF * (1.0 / ratio).min(1.0);
    let reach = CROSSINGS as f64 / scale;
    let count = (input.len() as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize;
    let kernel = KERNEL.as_slice();
    let mut out = Vec::with_capacity(count);
    for i in 0..count {
        let centre = i as f64 * ratio;
        let first = (centre - reach).ceil().max(0.0) as usize;
        let last = ((centre + reach).floor().max(0.0) as usize).min(input.len().saturating_sub(1));
        let mut sum = 0.0_f32;
        for (offset, sample) in input.get(first..=last).unwrap_or_default().iter().enumerate() {
            let x = ((first + offset) as f64 - centre).abs() * scale * POINTS as f64;
            let index = x as usize;
            let part = (x - index as f64) as f32;
            if let Some(&[low, high]) = kernel.get(index..index + 2) {
                sum += sample * (low + (high - low) * part);
            }
        }
        out.push(sum * scale as f32);
    }
    out
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

    #[test]
    fn short_and_odd_input_is_harmless() {
        assert!(resample(&[], 44_100, 8_000).is_empty());
        assert!(resample(&[1.0], 0, 8_000).is_empty());
        assert_eq!(resample(&[0.5], 192_000, 8_000).len(), 1);
        assert_eq!(resample(&[0.5, 0.25], 8_000, 8_000), [0.5, 0.25]);
    }
}
