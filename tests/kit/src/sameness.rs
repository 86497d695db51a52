//! Whether a phone heard what another phone heard of the same prompt.
//!
//! A prompt is encoded in the same way each time, and a recording holds the samples of the packets that came. So an
//! undisturbed playback is, from its first sound on, equal to the reference sample by sample, and everything that was
//! left out, put in or played twice shows as a place where the recording has to be moved against the reference.

use crate::tone::level_dbfs;
use crate::wav::Wav;
use std::time::Duration;

/// Compared at a time. A place where both go on together is believed after [`BELIEVED`] of these with sound.
const BLOCK: Duration = Duration::from_millis(10);
const BELIEVED: usize = 5;
/// A playback that goes on from somewhere does so at a whole millisecond.
const STEP: Duration = Duration::from_millis(1);
/// How far the recording may have moved against the reference.
const FARTHEST: Duration = Duration::from_secs(3);
/// Louder than this is sound: a prompt begins there.
const SOUND_DBFS: f64 = -50.0;

/// Where a recording departs from its reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// The longest stretch of the reference that was not heard.
    pub missing: Duration,
    /// The longest stretch that was heard and is not in the reference there: silence, noise, a repetition.
    pub inserted: Duration,
}

impl Difference {
    /// The longer of the two: how long a listener did not hear what was due.
    pub fn longest(&self) -> Duration {
        self.missing.max(self.inserted)
    }
}

/// Compares `heard` with `reference`, each from its first sound, over `length` of the reference.
pub fn compare(reference: &Wav, heard: &Wav, length: Duration) -> Difference {
    let block = samples(reference, BLOCK);
    let (wanted, heard) = (from_first_sound(reference, block), from_first_sound(heard, block));
    let wanted = wanted
        .get(..samples(reference, length).min(wanted.len()))
        .unwrap_or_default();
    let (farthest, step) = (samples(reference, FARTHEST), samples(reference, STEP));
    let mut difference = Difference::default();
    let (mut at, mut there) = (0, 0);
    while at < wanted.len() {
        let size = block.min(wanted.len() - at);
        if alike(wanted, at, heard, there, size) {
            (at, there) = (at + size, there + size);
            continue;
        }
        // The next place where both go on together, the nearest first.
        let found = (0..=farthest).step_by(step).find_map(|sum| {
            let mut splits = (0..=sum).step_by(step);
            splits.find_map(|skipped| {
                let (at, there) = (at + skipped, there + (sum - skipped));
                in_step(wanted, at, heard, there, block).then_some((at, there))
            })
        });
        let (next_at, next_there) = found.unwrap_or((wanted.len(), heard.len()));
        let time = |samples: usize| Duration::from_secs_f64(samples as f64 / f64::from(reference.rate));
        difference.missing = difference.missing.max(time(next_at - at));
        difference.inserted = difference.inserted.max(time(next_there.saturating_sub(there)));
        (at, there) = (next_at, next_there);
    }
    difference
}

/// Whether both go on together from here, until enough sound was the same: all silence is alike.
fn in_step(wanted: &[i16], at: usize, heard: &[i16], there: usize, block: usize) -> bool {
    let (mut passed, mut sounding) = (0, 0);
    while sounding < BELIEVED && at + passed < wanted.len() {
        let size = block.min(wanted.len() - at - passed);
        if !alike(wanted, at + passed, heard, there + passed, size) {
            return false;
        }
        let chunk = wanted.get(at + passed..at + passed + size).unwrap_or_default();
        sounding += usize::from(level_dbfs(chunk) > SOUND_DBFS);
        passed += size;
    }
    true
}

fn alike(wanted: &[i16], at: usize, heard: &[i16], there: usize, size: usize) -> bool {
    match (wanted.get(at..at + size), heard.get(there..there + size)) {
        (Some(wanted), Some(heard)) => wanted == heard,
        _ => false,
    }
}

fn from_first_sound(wav: &Wav, block: usize) -> &[i16] {
    let first = wav
        .samples
        .chunks(block)
        .position(|chunk| level_dbfs(chunk) > SOUND_DBFS)
        .unwrap_or_default();
    // To the sample: blocks begin elsewhere in each recording.
    let from = first.saturating_sub(1) * block;
    let rest = wav.samples.get(from..).unwrap_or_default();
    let threshold = 150;
    let onset = rest
        .iter()
        .position(|sample| sample.abs() > threshold)
        .unwrap_or_default();
    rest.get(onset..).unwrap_or_default()
}

fn samples(wav: &Wav, length: Duration) -> usize {
    ((length.as_secs_f64() * f64::from(wav.rate)).round() as usize).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Something like speech: noise in syllables with pauses of 60 to 200 ms, after half a second of silence.
    fn speech(lead_ms: usize) -> Wav {
        let mut state = 7_u64;
        let mut below = |bound: u64| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % bound
        };
        let mut samples = vec![0; lead_ms * 8];
        while samples.len() < 8 * 6_000 {
            let (syllable, pause) = (below(1_600) + 800, below(1_200) + 480);
            samples.extend((0..syllable).map(|_| below(12_000) as i16 - 6_000));
            samples.extend((0..pause).map(|_| 0));
        }
        Wav { rate: 8_000, samples }
    }

    #[test]
    fn the_same_prompt_after_another_silence_is_the_same() {
        let difference = compare(&speech(500), &speech(733), ms(5_000));
        assert_eq!(difference, Difference::default());
    }

    #[test]
    fn what_is_left_out_and_put_in_is_measured() {
        let reference = speech(500);
        for length in [20, 40, 60, 500, 1_000] {
            for from in [1_100, 2_003, 3_500] {
                let mut cut = reference.clone();
                cut.samples.drain(from * 8..(from + length) * 8);
                let difference = compare(&reference, &cut, ms(5_000));
                assert!(
                    difference.missing.abs_diff(ms(length as u64)) <= ms(10) && difference.inserted <= ms(10),
                    "{length} ms left out at {from} ms: {difference:?}"
                );

                let mut stretched = reference.clone();
                stretched.samples.splice(from * 8..from * 8, vec![0; length * 8]);
                let difference = compare(&reference, &stretched, ms(5_000));
                assert!(
                    difference.inserted.abs_diff(ms(length as u64)) <= ms(10) && difference.missing <= ms(10),
                    "{length} ms put in at {from} ms: {difference:?}"
                );
            }
        }
    }

    #[test]
    fn silence_in_place_of_sound_is_both() {
        let reference = speech(500);
        let mut muted = reference.clone();
        muted.samples[2_000 * 8..2_500 * 8].fill(0);
        let difference = compare(&reference, &muted, ms(5_000));
        assert!(
            difference.longest().abs_diff(ms(500)) <= ms(210),
            "{difference:?}"
        );
    }

    #[test]
    fn a_prompt_begun_again_and_one_cut_short_are_seen() {
        let reference = speech(500);
        let mut again = reference.clone();
        again.samples.truncate(2_500 * 8);
        again.samples.extend_from_slice(&reference.samples[500 * 8..]);
        assert!(compare(&reference, &again, ms(5_000)).longest() >= ms(1_000));
        let mut short = reference.clone();
        short.samples.truncate(3_000 * 8);
        assert!(compare(&reference, &short, ms(5_000)).missing >= ms(2_000));
    }
}
