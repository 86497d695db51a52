//! Playback of clips one after another, gap-free.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::tone::ToneGenerator;

/// One piece of sound, 8,000 samples per second.
#[derive(Debug, Clone)]
pub enum Clip {
    /// Ready samples, shared with a cache.
    Pcm(Arc<[i16]>),
    /// Ready samples without so many at their beginning.
    PcmFrom(Arc<[i16]>, usize),
    /// A tone, rendered as it is played.
    Tone(Box<ToneGenerator>),
    /// So many samples of silence.
    Silence(u64),
}

impl Clip {
    /// Length in samples.
    pub fn samples(&self) -> u64 {
        match self {
            Clip::Pcm(samples) => samples.len() as u64,
            Clip::PcmFrom(samples, from) => samples.len().saturating_sub(*from) as u64,
            Clip::Tone(generator) => generator.left(),
            Clip::Silence(samples) => *samples,
        }
    }

    /// The clip without so many samples at its beginning.
    pub fn skip(self, skipped: u64) -> Clip {
        let skipped_of = |from: usize, length: usize| {
            usize::try_from(skipped).map_or(length, |skipped| length.min(from.saturating_add(skipped)))
        };
        match self {
            Clip::Pcm(samples) => {
                let from = skipped_of(0, samples.len());
                Clip::PcmFrom(samples, from)
            }
            Clip::PcmFrom(samples, from) => {
                let from = skipped_of(from, samples.len());
                Clip::PcmFrom(samples, from)
            }
            Clip::Tone(mut generator) => {
                generator.skip(skipped);
                Clip::Tone(generator)
            }
            Clip::Silence(samples) => Clip::Silence(samples.saturating_sub(skipped)),
        }
    }
}

/// What follows the clips that are queued.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Then {
    More,
    Finish,
    Fail(String),
}

/// How [`Player::render`] left off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Played {
    /// Sound goes on.
    Going,
    /// The next clip is not there yet; the rest of the frame is silence.
    Waiting,
    /// All was played; the rest of the frame is silence.
    Finished,
    /// What came next could not be had, in words.
    Failed(String),
}

/// Clips in the order in which they are heard.
#[derive(Debug)]
pub struct Player {
    clips: VecDeque<Clip>,
    position: usize,
    then: Then,
    played: u64,
}

impl Default for Player {
    fn default() -> Self {
        Player {
            clips: VecDeque::new(),
            position: 0,
            then: Then::More,
            played: 0,
        }
    }
}

impl Player {
    /// Adds a clip behind the others.
    pub fn push(&mut self, clip: Clip) {
        self.clips.push_back(clip);
    }

    /// No clip will follow.
    pub fn finish(&mut self) {
        self.then = Then::Finish;
    }

    /// The clip that should follow could not be had.
    pub fn fail(&mut self, why: String) {
        self.then = Then::Fail(why);
    }

    /// Clips queued, the sounding one included.
    pub fn queued(&self) -> usize {
        self.clips.len()
    }

    /// Counts as heard what is left out before the first clip.
    pub fn begin_at(&mut self, samples: u64) {
        self.played = samples;
    }

    /// Samples of clips heard so far, those left out included; waiting does not count.
    pub fn played(&self) -> u64 {
        self.played
    }

    /// Fills the whole of `out`.
    pub fn render(&mut self, out: &mut [i16]) -> Played {
        let mut filled = 0;
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let Some(clip) = self.clips.front_mut() else {
                rest.fill(0);
                return match std::mem::replace(&mut self.then, Then::More) {
                    Then::More => Played::Waiting,
                    Then::Finish => Played::Finished,
                    Then::Fail(why) => Played::Failed(why),
                };
            };
            let wanted = rest.len();
            let taken = match clip {
                Clip::Pcm(samples) => {
                    let taken = copy(samples.get(self.position..), rest);
                    self.position += taken;
                    taken
                }
                Clip::PcmFrom(samples, from) => {
                    let taken = copy(samples.get(*from..), rest);
                    *from += taken;
                    taken
                }
                Clip::Tone(generator) => generator.render(rest),
                Clip::Silence(left) => {
                    let taken = usize::try_from(*left).map_or(wanted, |left| left.min(wanted));
                    *left -= taken as u64;
                    for to in rest.iter_mut().take(taken) {
                        *to = 0;
                    }
                    taken
                }
            };
            if taken < wanted {
                self.clips.pop_front();
                self.position = 0;
            }
            filled += taken;
            self.played += taken as u64;
        }
        Played::Going
    }
}

/// As many samples as there are and fit; returns how many.
fn copy(from: Option<&[i16]>, to: &mut [i16]) -> usize {
    let from = from.unwrap_or_default();
    for (to, sample) in to.iter_mut().zip(from) {
        *to = *sample;
    }
    from.len().min(to.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Cadence;

    #[test]
    fn clips_follow_each_other_within_a_frame() {
        let mut player = Player::default();
        player.push(Clip::Pcm(Arc::from([1_i16, 2, 3])));
        player.push(Clip::Silence(2));
        player.push(Clip::Pcm(Arc::from([4_i16; 5])));
        let mut out = [9; 8];
        assert_eq!(player.render(&mut out), Played::Going);
        assert_eq!(out, [1, 2, 3, 0, 0, 4, 4, 4]);
        assert_eq!(player.render(&mut out), Played::Waiting);
        assert_eq!(out, [4, 4, 0, 0, 0, 0, 0, 0]);
        player.push(Clip::Tone(Box::new(ToneGenerator::new(
            Cadence::steady(425.0, 0.0),
            4,
        ))));
        player.finish();
        assert_eq!(player.render(&mut out), Played::Finished);
        assert_eq!(player.played(), 14);
    }

    #[test]
    fn a_clip_without_its_beginning_is_the_rest_of_it() {
        let mut player = Player::default();
        player.push(Clip::Pcm(Arc::from([1_i16, 2, 3])).skip(1).skip(1));
        player.push(Clip::Silence(2).skip(1));
        player.push(Clip::Pcm(Arc::from([4_i16])).skip(u64::MAX));
        player.begin_at(4);
        player.finish();
        let mut out = [9; 4];
        assert_eq!(player.render(&mut out), Played::Finished);
        assert_eq!((out, player.played()), ([3, 0, 0, 0], 6));
    }

    #[test]
    fn what_fails_fails_in_its_turn() {
        let mut player = Player::default();
        player.push(Clip::Pcm(Arc::from([1_i16; 4])));
        player.fail("no such file".into());
        let mut out = [0; 4];
        assert_eq!(player.render(&mut out), Played::Going);
        assert_eq!(player.render(&mut out), Played::Failed("no such file".into()));
    }
}
