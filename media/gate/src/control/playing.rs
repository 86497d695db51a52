//! Playbacks: their prompts are fetched and handed to their endpoints.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use tandem_bus::media::{EndpointId, PlayId, Prompt};
use tandem_media::g711::RATE_HZ;
use tandem_media::player::Clip;

use super::Control;
use crate::cell::lock;
use crate::counters::add;
use crate::playback::{Feed, Playback, Source, source};
use crate::prompts::speech::TEXT_MAX;
use crate::prompts::{Fetched, Request};

/// Longest list of prompts in one playback.
const PROMPTS_MAX: usize = 256;
/// A year: no playback lasts longer.
const FROM_MS_MAX: u64 = 366 * 24 * 3_600 * 1_000;

impl Control {
    pub(super) fn play(
        &mut self,
        endpoint: EndpointId,
        play: PlayId,
        mut prompts: Vec<Prompt>,
        repeat: bool,
        from_ms: u64,
    ) {
        let Some(open) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        // Numbers grow: what is not beyond the last was begun before.
        if open.play >= Some(play) {
            return;
        }
        open.play = Some(play);
        let from = from_ms.min(FROM_MS_MAX) * u64::from(RATE_HZ) / 1_000;
        let too_many = prompts.len() > PROMPTS_MAX;
        if too_many {
            prompts.clear();
        }
        let mut playback = Playback::new(play, prompts, repeat, from);
        if too_many {
            playback.lacks(format!("more than {PROMPTS_MAX} prompts"));
        }
        open.playback = Some(playback);
        self.with(endpoint, |state| {
            state.endpoint.play(play.0);
            state.endpoint.begin_at(play.0, from);
        });
        self.feed(endpoint);
    }

    /// Gets prompts ready and hands those that are to the endpoint.
    pub(super) fn feed(&mut self, endpoint: EndpointId) {
        let Some(open) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let Some(playback) = &mut open.playback else {
            return;
        };
        let play = playback.play.0;
        let mut feeds = Vec::new();
        // Bounded: what is taken from the list stays in the window until the endpoint has used it up.
        loop {
            while let Some(prompt) = playback.wants() {
                match source(&prompt, &open.domain, &self.language, self.plan) {
                    Source::Ready(clip) => playback.has(clip),
                    Source::Fetch(Request::Speech { text, .. }) if text.len() > TEXT_MAX => {
                        playback.lacks(format!(
                            "a text of {} bytes; {TEXT_MAX} can be spoken",
                            text.len()
                        ));
                    }
                    Source::Fetch(request) => match self.prompts.at_hand(&request) {
                        Some(samples) => playback.has(Clip::Pcm(samples)),
                        None => match self.awaited.entry(request.clone()) {
                            Entry::Occupied(mut waiting) => {
                                waiting.get_mut().push(endpoint);
                                playback.awaits(request);
                            }
                            Entry::Vacant(place) => {
                                if self.prompts.ask(request.clone()) {
                                    place.insert(vec![endpoint]);
                                    playback.awaits(request);
                                } else {
                                    playback.lacks("too many prompts wait to be fetched".into());
                                }
                            }
                        },
                    },
                }
            }
            match playback.feed() {
                Some(feed) => feeds.push(feed),
                None => break,
            }
        }
        let counters = Arc::clone(&self.shared.counters);
        self.with(endpoint, |state| {
            for feed in feeds {
                match feed {
                    Feed::Clip(clip) => state.endpoint.push_clip(play, clip),
                    Feed::Skipped => {}
                    Feed::Finish(length) => {
                        if let Some(length) = length {
                            state.endpoint.begin_at(play, length);
                        }
                        state.endpoint.finish_clips(play);
                    }
                    Feed::Fail(why) => {
                        add(&counters.prompts_failed, 1);
                        tracing::warn!(endpoint = endpoint.0, play, why, "a prompt cannot be played");
                        state.endpoint.fail_clips(play, why);
                    }
                }
            }
        });
    }

    pub(super) fn fetched(&mut self, request: &Request, fetched: &Fetched) {
        for endpoint in self.awaited.remove(request).unwrap_or_default() {
            if let Some(playback) = self
                .endpoints
                .get_mut(&endpoint)
                .and_then(|open| open.playback.as_mut())
            {
                playback.fetched(request, fetched);
            }
            self.feed(endpoint);
        }
    }

    pub(super) fn feed_hungry(&mut self) {
        let hungry = std::mem::take(&mut *lock(&self.shared.hungry));
        for (endpoint, play) in hungry {
            let playback = self
                .endpoints
                .get_mut(&endpoint)
                .and_then(|open| open.playback.as_mut());
            if let Some(playback) = playback.filter(|playback| playback.play == play) {
                playback.taken();
                self.feed(endpoint);
            }
        }
    }
}
