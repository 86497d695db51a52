//! Music for those who wait, where a domain has none of its own: a short melody, synthesised.

use std::f32::consts::TAU;

use crate::g711::RATE_HZ;

/// Length of an eighth note in samples.
const EIGHTH: usize = RATE_HZ as usize * 3 / 10;
/// Notes in semitones above A3 (220 Hz), each with its length in eighths; none: a rest.
const MELODY: [(Option<u8>, usize); 31] = [
    (Some(3), 1),
    (Some(7), 1),
    (Some(10), 1),
    (Some(15), 2),
    (Some(14), 1),
    (Some(10), 2),
    (Some(8), 1),
    (Some(12), 1),
    (Some(15), 1),
    (Some(17), 2),
    (Some(15), 1),
    (Some(12), 2),
    (Some(5), 1),
    (Some(8), 1),
    (Some(12), 1),
    (Some(17), 2),
    (Some(15), 1),
    (Some(14), 2),
    (Some(10), 1),
    (Some(14), 1),
    (Some(12), 1),
    (Some(10), 2),
    (Some(8), 1),
    (Some(7), 2),
    (Some(3), 1),
    (Some(7), 1),
    (Some(10), 1),
    (Some(8), 1),
    (Some(5), 1),
    (Some(3), 3),
    (None, 2),
];
const AMPLITUDE: f32 = 5_000.0;

/// Some twelve seconds at 8,000 samples per second, to be played again and again.
pub fn melody() -> Vec<i16> {
    let mut samples = Vec::new();
    for (note, eighths) in MELODY {
        let length = EIGHTH * eighths;
        let hz = note.map_or(0.0, |semitones| 220.0 * (f32::from(semitones) / 12.0).exp2());
        samples.extend((0..length).map(|n| {
            let t = n as f32 / RATE_HZ as f32;
            // Struck, and fading: an octave above gives it some brightness. No step at either end, lest it clicks.
            let strike = (t / 0.01).min(1.0) * ((length - n) as f32 / 160.0).min(1.0);
            let wave = (TAU * hz * t).sin() + 0.3 * (TAU * 2.0 * hz * t).sin() * (-4.0 * t).exp();
            (AMPLITUDE * strike * (-1.5 * t).exp() * wave) as i16
        }));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_melody_sounds_and_does_not_clip() {
        let melody = melody();
        let seconds = melody.len() / RATE_HZ as usize;
        assert!((8..20).contains(&seconds), "{seconds} s");
        let loudest = melody.iter().map(|s| s.unsigned_abs()).max();
        assert!(
            loudest.is_some_and(|l| (3_000..20_000).contains(&l)),
            "{loudest:?}"
        );
        assert!(
            melody
                .first()
                .zip(melody.last())
                .is_some_and(|(a, b)| a.abs() < 50 && b.abs() < 50)
        );
    }
}
