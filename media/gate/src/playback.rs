//! A playback's prompts on their way to the endpoint: a few ahead, in their order.

use std::collections::VecDeque;

use tandem_bus::media::{PlayId, ProgressTone, Prompt};
use tandem_media::g711::RATE_HZ;
use tandem_media::plan::{NationalPlan, Tone};
use tandem_media::player::Clip;
use tandem_media::tone::{Cadence, ToneGenerator};

use crate::prompts::{Fetched, Request};

/// The sounding prompt and the two that follow are fetched, no more: long lists cost no memory.
const WINDOW: usize = 3;

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
    Finish,
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
    prompts: Vec<Prompt>,
    repeat: bool,
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
    pub(crate) fn new(play: PlayId, prompts: Vec<Prompt>, repeat: bool) -> Playback {
        // Nothing repeated is nothing.
        let repeat = repeat && !prompts.is_empty();
        Playback {
            play,
            prompts,
            repeat,
            next: 0,
            slots: VecDeque::new(),
            given: 0,
        }
    }

    /// The prompt to get ready now, if there is room for one.
    pub(crate) fn wants(&mut self) -> Option<Prompt> {
        if self.slots.len() + self.given >= WINDOW {
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

    /// What to tell the endpoint next. After `Finish` and `Fail` the playback is done here.
    pub(crate) fn feed(&mut self) -> Option<Feed> {
        match self.slots.front() {
            Some(Slot::Fetching(_)) => None,
            None if self.next < self.prompts.len() || self.repeat => None,
            None => Some(Feed::Finish),
            Some(Slot::Here(_) | Slot::Failed(_)) => match self.slots.pop_front()? {
                Slot::Here(clip) => {
                    self.given += 1;
                    Some(Feed::Clip(clip))
                }
                Slot::Failed(why) => Some(Feed::Fail(why)),
                Slot::Fetching(_) => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_fetched_ahead_and_given_in_order() {
        let mut playback = Playback::new(PlayId(1), (1..=5).map(Prompt::Silence).collect(), false);
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
        let mut playback = Playback::new(PlayId(1), vec![Prompt::Silence(1)], true);
        for _ in 0..10 {
            assert_eq!(playback.wants(), Some(Prompt::Silence(1)));
            playback.has(Clip::Silence(8));
            assert!(matches!(playback.feed(), Some(Feed::Clip(_))));
            playback.taken();
        }
        let mut empty = Playback::new(PlayId(1), vec![], true);
        assert_eq!(empty.wants(), None);
        assert!(matches!(empty.feed(), Some(Feed::Finish)));
    }
}
