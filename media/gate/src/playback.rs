//! A playback's prompts on their way to the endpoint: a few ahead, in their order.

use std::collections::VecDeque;

use tandem_bus::media::{PlayId, ProgressTone, Prompt};
use tandem_media::g711::RATE_HZ;
use tandem_media::plan::{NationalPlan, Tone};
use tandem_media::player::Clip;
use tandem_media::tone::{Cadence, ToneGenerator};

use crate::prompts::{Fetched, Request};

/// The sounding prompt and the two that follow are fetched, no more: long lists cost no memory.
pub(crate) const WINDOW: usize = 3;

#[derive(Debug)]
enum Slot {
    Here(Clip),
    Fetching(Request),
    Failed(String),
}

/// What the endpoint is to be told.
#[derive(Debug)]
pub(crate) enum Feed {
    Clip(Clip),
    /// A whole prompt was left out.
    Skipped,
    /// Nothing follows. So many samples there are in all, if fewer than were to be left out.
    Finish(Option<u64>),
    Fail(String),
}

/// What a prompt is made of.
#[derive(Debug)]
pub(crate) enum Source {
    Ready(Clip),
    Fetch(Request),
}

#[derive(Debug)]
pub(crate) struct Playback {
    pub(crate) play: PlayId,
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) repeat: bool,
    /// Samples to be left out at the beginning, and how many of them are left.
    from: u64,
    skip: u64,
    /// Prompts that came out, out of the list that is `lap` samples long so far.
    fed: usize,
    lap: u64,
    /// Nothing more comes out. The prompts are kept: another gate may have to go on.
    done: bool,
    next: usize,
    slots: VecDeque<Slot>,
    /// Clips that the endpoint has and has not used up.
    given: usize,
}

fn samples(ms: u32) -> u64 {
    u64::from(ms) * u64::from(RATE_HZ) / 1_000
}

/// Tones and silence are made, files and speech fetched.
pub(crate) fn source(prompt: &Prompt, domain: &str, language: &str, plan: NationalPlan) -> Source {
    let tone = |cadence, ms| Source::Ready(Clip::Tone(Box::new(ToneGenerator::new(cadence, samples(ms)))));
    match prompt {
        Prompt::File(name) => Source::Fetch(Request::File {
            domain: domain.to_owned(),
            name: name.clone(),
        }),
        Prompt::Progress {
            tone: meant,
            duration_ms,
        } => {
            let meant = match meant {
                ProgressTone::Dial => Tone::Dial,
                ProgressTone::Ringback => Tone::Ringback,
                ProgressTone::Busy => Tone::Busy,
                ProgressTone::Congestion => Tone::Congestion,
                ProgressTone::SpecialInformation => Tone::SpecialInformation,
            };
            tone(plan.cadence(meant), *duration_ms)
        }
        Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        } => tone(
            Cadence::steady(f32::from(*first_hz), f32::from(*second_hz)),
            *duration_ms,
        ),
        Prompt::Silence(ms) => Source::Ready(Clip::Silence(samples(*ms))),
        Prompt::Music => Source::Fetch(Request::Music {
            domain: domain.to_owned(),
        }),
        Prompt::Speech {
            text,
            language: wanted,
        } => {
            let language = if wanted.is_empty() { language } else { wanted };
            Source::Fetch(Request::Speech {
                text: text.clone(),
                language: language.to_owned(),
            })
        }
    }
}

impl Playback {
    /// Leaves out the first `from` samples.
    pub(crate) fn new(play: PlayId, prompts: Vec<Prompt>, repeat: bool, from: u64) -> Playback {
        // Nothing repeated is nothing.
        let repeat = repeat && !prompts.is_empty();
        Playback {
            play,
            prompts,
            repeat,
            from,
            skip: from,
            fed: 0,
            lap: 0,
            done: false,
            next: 0,
            slots: VecDeque::new(),
            given: 0,
        }
    }

    /// The prompt to get ready now, if there is room for one.
    pub(crate) fn wants(&mut self) -> Option<Prompt> {
        if self.done || self.slots.len() + self.given >= WINDOW {
            return None;
        }
        if self.next == self.prompts.len() && self.repeat {
            self.next = 0;
        }
        let prompt = self.prompts.get(self.next)?.clone();
        self.next += 1;
        Some(prompt)
    }

    /// The prompt asked for is here.
    pub(crate) fn has(&mut self, clip: Clip) {
        self.slots.push_back(Slot::Here(clip));
    }

    /// The prompt asked for is being fetched.
    pub(crate) fn awaits(&mut self, request: Request) {
        self.slots.push_back(Slot::Fetching(request));
    }

    /// The prompt asked for cannot be had.
    pub(crate) fn lacks(&mut self, why: String) {
        self.slots.push_back(Slot::Failed(why));
    }

    /// A prompt was fetched; every slot that waits for it has it now.
    pub(crate) fn fetched(&mut self, request: &Request, fetched: &Fetched) {
        for slot in &mut self.slots {
            if matches!(slot, Slot::Fetching(awaited) if awaited == request) {
                *slot = match fetched {
                    Ok(samples) => Slot::Here(Clip::Pcm(samples.clone())),
                    Err(why) => Slot::Failed(why.clone()),
                };
            }
        }
    }

    /// The endpoint used a clip up.
    pub(crate) fn taken(&mut self) {
        self.given = self.given.saturating_sub(1);
    }

    /// What to tell the endpoint next; nothing after `Finish` and `Fail`.
    pub(crate) fn feed(&mut self) -> Option<Feed> {
        match self.slots.front() {
            _ if self.done => None,
            Some(Slot::Fetching(_)) => None,
            None if self.next < self.prompts.len() || self.repeat => None,
            None => {
                self.done = true;
                let length = self.from.saturating_sub(self.skip);
                Some(Feed::Finish((self.skip > 0).then_some(length)))
            }
            Some(Slot::Here(_) | Slot::Failed(_)) => match self.slots.pop_front()? {
                Slot::Here(clip) => Some(self.give(clip)),
                Slot::Failed(why) => {
                    self.done = true;
                    self.slots.clear();
                    Some(Feed::Fail(why))
                }
                Slot::Fetching(_) => None,
            },
        }
    }

    /// A clip's turn: what is to be left out of it is left out.
    fn give(&mut self, clip: Clip) -> Feed {
        let length = clip.samples();
        let skipped = self.skip;
        self.skip = skipped.saturating_sub(length);
        if skipped > 0 {
            self.fed += 1;
            self.lap += length;
            if self.repeat && self.fed == self.prompts.len() {
                // The length of all is known now: whole rounds need not be gone through. What has no length has no end.
                self.skip = self.skip.checked_rem(self.lap).unwrap_or(0);
                (self.fed, self.lap) = (0, 0);
            }
        }
        if skipped > 0 && skipped >= length {
            return Feed::Skipped;
        }
        self.given += 1;
        Feed::Clip(if skipped > 0 { clip.skip(skipped) } else { clip })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_fetched_ahead_and_given_in_order() {
        let mut playback = Playback::new(PlayId(1), (1..=5).map(Prompt::Silence).collect(), false, 0);
        let request = Request::File {
            domain: "d".into(),
            name: "n".into(),
        };
        assert_eq!(playback.wants(), Some(Prompt::Silence(1)));
        playback.awaits(request.clone());
        assert_eq!(playback.wants(), Some(Prompt::Silence(2)));
        playback.has(Clip::Silence(2));
        assert_eq!(playback.wants(), Some(Prompt::Silence(3)));
        playback.lacks("gone".into());
        assert_eq!(playback.wants(), None);
        assert!(playback.feed().is_none(), "the first is not here yet");
        playback.fetched(&request, &Ok(vec![0_i16; 7].into()));
        assert!(matches!(playback.feed(), Some(Feed::Clip(Clip::Pcm(_)))));
        assert!(matches!(playback.feed(), Some(Feed::Clip(Clip::Silence(2)))));
        assert!(matches!(playback.feed(), Some(Feed::Fail(_))));
    }

    #[test]
    fn repeating_begins_again_and_nothing_ends_at_once() {
        let mut playback = Playback::new(PlayId(1), vec![Prompt::Silence(1)], true, 0);
        for _ in 0..10 {
            assert_eq!(playback.wants(), Some(Prompt::Silence(1)));
            playback.has(Clip::Silence(8));
            assert!(matches!(playback.feed(), Some(Feed::Clip(_))));
            playback.taken();
        }
        let mut empty = Playback::new(PlayId(1), vec![], true, 0);
        assert_eq!(empty.wants(), None);
        assert!(matches!(empty.feed(), Some(Feed::Finish(None))));
        assert!(empty.feed().is_none(), "once");
    }

    /// Lengths of the clips that come out, up to four, and what the end says.
    #[expect(clippy::option_option, reason = "whether it ends, and what the end says")]
    fn from(from: u64, lengths: &[u64], repeat: bool) -> (Vec<u64>, Option<Option<u64>>) {
        let prompts = vec![Prompt::Silence(0); lengths.len()];
        let mut playback = Playback::new(PlayId(1), prompts, repeat, from);
        let mut clips = Vec::new();
        let mut turn = lengths.iter().cycle();
        while clips.len() < 4 {
            while playback.wants().is_some() {
                playback.has(Clip::Silence(*turn.next().unwrap()));
            }
            match playback.feed().unwrap() {
                Feed::Clip(clip) => {
                    clips.push(clip.samples());
                    playback.taken();
                }
                Feed::Skipped => {}
                Feed::Finish(length) => return (clips, Some(length)),
                Feed::Fail(why) => panic!("{why}"),
            }
        }
        (clips, None)
    }

    #[test]
    fn the_beginning_is_left_out_over_prompts_and_rounds() {
        assert_eq!(from(0, &[8, 5], false), (vec![8, 5], Some(None)));
        assert_eq!(from(3, &[8, 5], false), (vec![5, 5], Some(None)));
        assert_eq!(from(8, &[8, 5], false), (vec![5], Some(None)));
        assert_eq!(from(12, &[8, 5, 2], false), (vec![1, 2], Some(None)));
        assert_eq!(from(13, &[8, 5], false), (vec![], Some(None)));
        assert_eq!(from(99, &[8, 0, 5], false), (vec![], Some(Some(13))));
        assert_eq!(from(9, &[8, 5], true), (vec![4, 8, 5, 8], None));
        assert_eq!(from(13_000_001, &[8, 5], true), (vec![7, 5, 8, 5], None));
        assert_eq!(from(13_000_009, &[8, 5], true), (vec![4, 8, 5, 8], None));
        assert_eq!(from(7, &[0, 0], true), (vec![0, 0, 0, 0], None));
        assert_eq!(from(u64::MAX, &[1], true), (vec![1, 1, 1, 1], None));
    }
}
