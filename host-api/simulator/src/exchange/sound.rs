//! How long prompts take, and what is heard of them.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tandem_host_api::op::{LegError, LegId, ProgressTone, Prompt};

use super::Exchange;
use super::leg::{Heard, HeardEnd};
use crate::case::World;

/// What a held peer hears.
const MUSIC: &str = "music on hold";
/// Nothing is spoken faster.
const SPEECH_LEAST: Duration = Duration::from_millis(300);

/// One prompt on its way to the ear.
#[derive(Debug)]
struct Sound {
    /// What is heard; none: silence.
    what: Option<String>,
    /// None: until it is stopped.
    length: Option<Duration>,
}

/// Prompts that play one after another.
#[derive(Debug)]
pub struct Playing {
    /// The first one plays.
    sounds: VecDeque<Sound>,
    began: Duration,
}

impl Playing {
    /// Whether it is the domain's music.
    pub fn is_music(&self) -> bool {
        let first = self.sounds.front().and_then(|sound| sound.what.as_deref());
        first == Some(MUSIC)
    }

    /// When the one that plays is over.
    pub fn ends_at(&self) -> Option<Duration> {
        Some(self.began + self.sounds.front()?.length?)
    }
}

fn sound(prompt: &Prompt, world: &World, recordings: &BTreeMap<String, Duration>) -> Result<Sound, LegError> {
    let ms = |ms: u32| Duration::from_millis(ms.into());
    let (what, length) = match prompt {
        Prompt::Silence(time_ms) => (None, ms(*time_ms)),
        Prompt::File(name) => {
            let recorded = recordings.get(name);
            let length = world.files.get(name).or(recorded).ok_or_else(|| {
                LegError::Media(format!(
                    "{name}: no such file (the test names none under `files`)"
                ))
            })?;
            (Some(name.clone()), *length)
        }
        Prompt::Progress { tone, duration_ms } => (Some(tone_name(*tone).to_owned()), ms(*duration_ms)),
        Prompt::Tone {
            first_hz,
            second_hz: 0,
            duration_ms,
        } => (Some(format!("tone of {first_hz} Hz")), ms(*duration_ms)),
        Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        } => (
            Some(format!("tone of {first_hz} and {second_hz} Hz")),
            ms(*duration_ms),
        ),
        Prompt::Speech { text, .. } => {
            let length = world.speech_per_character * text.chars().count() as u32;
            (Some(text.clone()), length.max(SPEECH_LEAST))
        }
    };
    Ok(Sound {
        what,
        length: Some(length),
    })
}

fn tone_name(tone: ProgressTone) -> &'static str {
    match tone {
        ProgressTone::Dial => "dial tone",
        ProgressTone::Ringback => "ringback tone",
        ProgressTone::Busy => "busy tone",
        ProgressTone::Congestion => "congestion tone",
        ProgressTone::SpecialInformation => "special information tone",
    }
}

impl Exchange {
    /// Plays prompts in place of what is played now. An error: one of them cannot be played.
    pub(super) fn play_prompts(&mut self, id: LegId, prompts: &[Prompt]) -> Result<(), LegError> {
        let world = &self.case.world;
        let sounds = prompts
            .iter()
            .map(|prompt| sound(prompt, world, &self.recordings));
        let sounds = sounds.collect::<Result<VecDeque<_>, _>>()?;
        self.begin(id, sounds);
        Ok(())
    }

    /// Lets a caller hear that somebody rings.
    pub(super) fn play_ringback(&mut self, id: LegId) {
        let ringback = Sound {
            what: Some(tone_name(ProgressTone::Ringback).to_owned()),
            length: None,
        };
        self.begin(id, [ringback].into());
    }

    /// Lets a peer hear the domain's music until something else is played.
    pub(super) fn play_music(&mut self, id: LegId) {
        let music = Sound {
            what: Some(MUSIC.to_owned()),
            length: None,
        };
        self.begin(id, [music].into());
    }

    fn begin(&mut self, id: LegId, sounds: VecDeque<Sound>) {
        self.stop_sound(id);
        let began = self.now();
        if let Some(leg) = self.leg(id) {
            leg.playing = Some(Playing { sounds, began });
        }
        self.next_sound(id);
    }

    /// The first of what is left begins, or the playback is over.
    fn next_sound(&mut self, id: LegId) {
        let now = self.now();
        let Some(leg) = self.leg(id) else { return };
        let Some(playing) = &mut leg.playing else { return };
        playing.began = now;
        match playing.sounds.front() {
            Some(Sound { what: Some(what), .. }) => leg.heard.push(Heard {
                what: what.clone(),
                began: now,
                end: HeardEnd::Playing,
            }),
            Some(Sound { what: None, .. }) => (),
            None => {
                leg.playing = None;
                self.play_ended(id);
            }
        }
    }

    /// The prompt under way has been played.
    pub(super) fn prompt_played(&mut self, id: LegId) {
        let Some(leg) = self.leg(id) else { return };
        let played = leg
            .playing
            .as_mut()
            .and_then(|playing| playing.sounds.pop_front());
        if let Some(Sound {
            what: Some(what),
            length,
        }) = played
        {
            leg.heard_to(HeardEnd::Whole);
            self.note(
                id,
                format!("hears {what:?} ({} s)", seconds(length.unwrap_or_default())),
            );
        }
        self.next_sound(id);
    }

    /// Stops what is played now.
    pub(super) fn stop_sound(&mut self, id: LegId) {
        let now = self.now();
        let Some(leg) = self.leg(id) else { return };
        let Some(Playing { mut sounds, began }) = leg.playing.take() else {
            return;
        };
        if let Some(Sound { what: Some(what), .. }) = sounds.pop_front() {
            leg.heard_to(HeardEnd::Cut);
            let heard = seconds(now.saturating_sub(began));
            self.note(id, format!("hears {heard} s of {what:?}"));
        }
    }
}

impl super::leg::Leg {
    fn heard_to(&mut self, end: HeardEnd) {
        if let Some(last) = self.heard.last_mut() {
            last.end = end;
        }
    }
}

/// Such as `7.82`.
fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1_000.0
}
