//! What a recording sounds like: levels, the dominant frequency, where an expected tone is missing.
//!
//! All positions are measured from the start of the recording. Levels are dBFS of a sine: a sine of full scale has
//! 0 dBFS, silence has [`SILENCE_DBFS`].

use crate::wav::Wav;
use std::f64::consts::TAU;
use std::time::Duration;

/// The level given for a window without any energy.
pub const SILENCE_DBFS: f64 = -120.0;

/// Window of tone detection; it moves in steps of half its length.
const TONE_WINDOW: Duration = Duration::from_millis(10);

/// A stretch of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub from: Duration,
    /// Where it ends.
    pub to: Duration,
}

impl Span {
    /// How long it is.
    pub fn length(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// Level of each full window of `window` length, in dBFS.
pub fn levels(wav: &Wav, window: Duration) -> Vec<f64> {
    let size = samples_in(wav, window);
    wav.samples.chunks_exact(size).map(level_dbfs).collect()
}

/// Level of these samples in dBFS.
pub fn level_dbfs(samples: &[i16]) -> f64 {
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    // A sine of full scale has half the energy of its peak squared.
    power_dbfs(2.0 * energy / samples.len().max(1) as f64)
}

/// Where it is louder than `threshold_dbfs`, in windows of 20 ms; pauses up to `bridge` belong to the span (speech
/// has pauses between words).
pub fn sounding(wav: &Wav, threshold_dbfs: f64, bridge: Duration) -> Vec<Span> {
    let window = Duration::from_millis(20);
    let mut spans: Vec<Span> = Vec::new();
    for (index, level) in levels(wav, window).into_iter().enumerate() {
        if level <= threshold_dbfs {
            continue;
        }
        let (from, to) = (window * index as u32, window * (index as u32 + 1));
        match spans.last_mut() {
            Some(last) if from.saturating_sub(last.to) <= bridge => last.to = to,
            _ => spans.push(Span { from, to }),
        }
    }
    spans
}

/// The strongest frequency in Hz and the share of the energy it carries (1.0 for a pure tone), looked for from
/// 50 Hz to just under half the sampling rate. `None` for silence and for less than 50 ms of audio.
///
/// The first second of audio is looked at: cut with [`Wav::slice`] first.
pub fn dominant(wav: &Wav) -> Option<(f64, f64)> {
    let rate = f64::from(wav.rate);
    let samples = wav.samples.get(..wav.samples.len().min(wav.rate as usize))?;
    if samples.len() < samples_in(wav, Duration::from_millis(50)) || level_dbfs(samples) < -70.0 {
        return None;
    }
    // Half the width of the main lobe, so that the coarse search cannot step over a peak.
    let coarse = (rate / samples.len() as f64 / 2.0).max(0.5);
    let strongest = |from: f64, to: f64, step: f64| {
        let count = ((to - from) / step) as usize;
        (0..=count)
            .map(|i| from + step * i as f64)
            .map(|hz| (hz, tone_power(samples, hz, rate)))
            .max_by(|a, b| a.1.total_cmp(&b.1))
    };
    let (near, _) = strongest(50.0, rate / 2.0 - 50.0, coarse)?;
    let (hz, power) = strongest(near - coarse, near + coarse, coarse / 20.0)?;
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    Some((hz, power / (2.0 * energy / samples.len() as f64)))
}

/// How long spans are together. Who is held up, a phone or a gate, is heard with a hole.
pub fn whole(spans: &[Span]) -> Duration {
    spans.iter().map(Span::length).sum()
}

/// Where the tone of `hz` sounds at least at `least_dbfs` and carries most of the energy. Resolution 5 ms.
pub fn tone_spans(wav: &Wav, hz: f64, least_dbfs: f64) -> Vec<Span> {
    let size = samples_in(wav, TONE_WINDOW);
    let step = TONE_WINDOW / 2;
    let hop = samples_in(wav, step);
    let mut spans: Vec<Span> = Vec::new();
    for (index, start) in (0..(wav.samples.len() + 1).saturating_sub(size))
        .step_by(hop)
        .enumerate()
    {
        let Some(samples) = wav.samples.get(start..start + size) else {
            break;
        };
        if !has_tone(samples, hz, f64::from(wav.rate), least_dbfs) {
            continue;
        }
        let (from, to) = (step * index as u32, step * index as u32 + TONE_WINDOW);
        match spans.last_mut() {
            Some(last) if from <= last.to => last.to = to,
            _ => spans.push(Span { from, to }),
        }
    }
    spans
}

/// Where the tone of `hz` is missing inside `within`, longest first. `least_dbfs` as in [`tone_spans`].
///
/// A gap is measured to about 5 ms. The recording has to cover `within`: what lies beyond its end counts as missing.
pub fn gaps(wav: &Wav, hz: f64, least_dbfs: f64, within: Span) -> Vec<Span> {
    let mut gaps = Vec::new();
    let mut at = within.from;
    for span in tone_spans(wav, hz, least_dbfs) {
        if span.from > at && at < within.to {
            gaps.push(Span {
                from: at,
                to: span.from.min(within.to),
            });
        }
        at = at.max(span.to);
    }
    if at < within.to {
        gaps.push(Span {
            from: at,
            to: within.to,
        });
    }
    gaps.sort_by_key(|gap| std::cmp::Reverse(gap.length()));
    gaps
}

/// The longest stretch of `within` without the tone of `hz`, to about 5 ms; see [`gaps`].
pub fn longest_gap(wav: &Wav, hz: f64, least_dbfs: f64, within: Span) -> Duration {
    let gaps = gaps(wav, hz, least_dbfs, within);
    gaps.first().map(Span::length).unwrap_or_default()
}

/// First moment at which the tone of `hz` sounds for 50 ms without a gap.
pub fn onset(wav: &Wav, hz: f64, least_dbfs: f64) -> Option<Duration> {
    let held = |span: &Span| span.length() >= Duration::from_millis(50);
    tone_spans(wav, hz, least_dbfs)
        .into_iter()
        .find(held)
        .map(|span| span.from)
}

fn has_tone(samples: &[i16], hz: f64, rate: f64, least_dbfs: f64) -> bool {
    if level_dbfs(samples) < least_dbfs {
        return false;
    }
    let energy: f64 = samples.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    let total = 2.0 * energy / samples.len().max(1) as f64;
    let power = fitted_power(samples, hz, rate);
    power_dbfs(power) >= least_dbfs && power >= 0.7 * total
}

/// Squared amplitude of the sine of `hz` that fits best (least squares: exact also for short windows, where plain
/// Goertzel leaks).
fn fitted_power(samples: &[i16], hz: f64, rate: f64) -> f64 {
    let (mut ss, mut cc, mut sc, mut xs, mut xc) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, &sample) in samples.iter().enumerate() {
        let (s, c) = (TAU * hz * i as f64 / rate).sin_cos();
        let x = f64::from(sample);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        xs += x * s;
        xc += x * c;
    }
    let determinant = ss * cc - sc * sc;
    if determinant.abs() < 1e-9 {
        return 0.0;
    }
    let a = (xs * cc - xc * sc) / determinant;
    let b = (xc * ss - xs * sc) / determinant;
    a * a + b * b
}

/// Squared amplitude at `hz` (Goertzel's recursion).
fn tone_power(samples: &[i16], hz: f64, rate: f64) -> f64 {
    let coefficient = 2.0 * (TAU * hz / rate).cos();
    let (mut before, mut last) = (0.0, 0.0);
    for &sample in samples {
        let now = f64::from(sample) + coefficient * last - before;
        before = last;
        last = now;
    }
    let power = last * last + before * before - coefficient * last * before;
    let half = samples.len().max(1) as f64 / 2.0;
    power / (half * half)
}

fn power_dbfs(squared_amplitude: f64) -> f64 {
    (10.0 * (squared_amplitude.max(1e-12) / (32_767.0f64 * 32_767.0)).log10()).max(SILENCE_DBFS)
}

fn samples_in(wav: &Wav, length: Duration) -> usize {
    ((length.as_secs_f64() * f64::from(wav.rate)).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;
    use std::process::Command;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn near(a: Duration, b: Duration, within_ms: u64) -> bool {
        a.abs_diff(b) <= ms(within_ms)
    }

    fn tone(hz: f64, length_ms: u64) -> Wav {
        Wav::sine(8_000, hz, -12.0, ms(length_ms))
    }

    /// Sets everything from `from` for `length` to zero.
    fn silence(wav: &mut Wav, from_ms: usize, length_ms: usize) {
        wav.samples[from_ms * 8..(from_ms + length_ms) * 8].fill(0);
    }

    #[test]
    fn frequency_is_found_to_a_fraction_of_a_hertz() {
        for hz in [100.0, 440.0, 523.3, 697.0, 1_633.0, 3_100.0] {
            let (found, share) = dominant(&tone(hz, 1_000)).unwrap();
            assert!((found - hz).abs() < 0.3, "{hz} was heard as {found}");
            assert!(share > 0.97, "{share}");
        }
        assert_eq!(
            dominant(&Wav {
                rate: 8_000,
                samples: vec![0; 8_000]
            }),
            None
        );
    }

    #[test]
    fn levels_are_those_of_a_sine() {
        assert!(
            levels(&tone(400.0, 1_000), ms(20))
                .iter()
                .skip(1)
                .take(40)
                .all(|level| (level + 12.0).abs() < 0.1)
        );
        assert!(level_dbfs(&[0; 160]) <= SILENCE_DBFS);
    }

    #[test]
    fn each_gap_is_measured_to_five_milliseconds() {
        for length in [20, 30, 40, 41, 60, 200] {
            for from in [1_000, 1_003, 1_237] {
                let mut wav = tone(523.0, 3_000);
                silence(&mut wav, from, length);
                let gaps = gaps(
                    &wav,
                    523.0,
                    -18.0,
                    Span {
                        from: ms(50),
                        to: ms(2_950),
                    },
                );
                assert_eq!(gaps.len(), 1, "{gaps:?}");
                assert!(
                    near(gaps[0].length(), ms(length as u64), 5),
                    "{length} ms was measured as {gaps:?}"
                );
            }
        }
    }

    /// Of several, the longest; and through A-law, as phones record it.
    #[test]
    fn longest_gap_is_found_to_ten_milliseconds() {
        let within = Span {
            from: ms(50),
            to: ms(5_950),
        };
        for length in [20, 40, 60, 1_000] {
            let mut wav = tone(650.0, 6_000);
            silence(&mut wav, 1_000, length / 2);
            silence(&mut wav, 2_015, length);
            silence(&mut wav, 4_500, length / 2);
            // What is left of the quietest sample of G.711 is no tone.
            for sample in &mut wav.samples {
                *sample = (*sample / 16) * 16 + 8;
            }
            let longest = longest_gap(&wav, 650.0, -18.0, within);
            assert!(near(longest, ms(length as u64), 5), "{length} ms: {longest:?}");
        }
        let unbroken = longest_gap(&tone(650.0, 6_000), 650.0, -18.0, within);
        assert_eq!(unbroken, Duration::ZERO);
    }

    #[test]
    fn an_unbroken_tone_has_no_gap_and_another_tone_is_one() {
        let within = Span {
            from: ms(10),
            to: ms(1_980),
        };
        assert_eq!(gaps(&tone(523.0, 2_000), 523.0, -18.0, within), []);
        let other = gaps(&tone(697.0, 2_000), 523.0, -18.0, within);
        assert_eq!(other.first().map(Span::length), Some(ms(1_970)));
    }

    #[test]
    fn the_end_of_a_recording_counts_as_missing() {
        let gaps = gaps(
            &tone(523.0, 1_000),
            523.0,
            -18.0,
            Span {
                from: ms(10),
                to: ms(1_500),
            },
        );
        assert!(near(gaps[0].length(), ms(500), 10), "{gaps:?}");
    }

    #[test]
    fn onset_and_sounding_spans_are_found() {
        let mut wav = tone(523.0, 3_000);
        silence(&mut wav, 0, 400);
        silence(&mut wav, 1_000, 100);
        silence(&mut wav, 2_000, 500);
        assert!(near(onset(&wav, 523.0, -18.0).unwrap(), ms(400), 5));
        let spans = sounding(&wav, -40.0, ms(300));
        assert_eq!(spans.len(), 2, "{spans:?}");
        assert!(
            near(spans[0].from, ms(400), 20) && near(spans[0].to, ms(2_000), 20),
            "{spans:?}"
        );
        assert!(near(spans[1].from, ms(2_500), 20), "{spans:?}");
    }

    /// A file of another program, through µ-law and back as on a line, with noise under the tone.
    #[test]
    fn sox_tones_are_recognised_through_mu_law() {
        let folder = Folder::new("tone").unwrap();
        let (ulaw, path) = (
            folder.path().join("tone-ulaw.wav"),
            folder.path().join("tone.wav"),
        );
        let sox = |command: &mut Command| assert!(command.status().unwrap().success());
        sox(Command::new("sox")
            .args(["-n", "-r", "8000", "-c", "1", "-e", "u-law"])
            .arg(&ulaw)
            .args(["synth", "2", "sine", "941", "gain", "-10", "pad", "0.5", "0.5"]));
        sox(Command::new("sox")
            .arg(&ulaw)
            .args(["-e", "signed-integer", "-b", "16"])
            .arg(&path));
        let wav = Wav::read(&path).unwrap();
        assert!(near(wav.length(), ms(3_000), 1));
        let (hz, share) = dominant(&wav.slice(ms(800), ms(1_800))).unwrap();
        assert!((hz - 941.0).abs() < 0.3 && share > 0.97, "{hz} Hz, {share}");
        assert!(near(onset(&wav, 941.0, -16.0).unwrap(), ms(500), 5));
        assert_eq!(
            gaps(
                &wav,
                941.0,
                -16.0,
                Span {
                    from: ms(510),
                    to: ms(2_490)
                }
            ),
            []
        );
    }
}
