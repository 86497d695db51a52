//! What is recorded of an endpoint: what its peer says, or that and what the peer hears, as one stream of samples.
//!
//! It keeps the beat of the frames that are sent, so that its length is that of the time. What the peer sends goes
//! through a jitter buffer of its own; what does not come is silence.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::SAMPLES_MAX;
use crate::g711::Codec;
use crate::jitter::{Bounds, JitterBuffer};
use crate::rtp::Header;

/// Samples are given on in pieces of half a second.
const PIECE: usize = 4_000;
/// A frame whose mean amplitude is below this is silence: about -45 dBov, above the noise of lines.
const QUIET: u64 = 180;
/// Frames that were skipped become silence, up to a second at a time.
const SKIPPED_MAX: usize = 8_000;

/// Which sound is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sides {
    /// What the peer says.
    Peer,
    /// What the peer says and what it hears, mixed.
    Both,
}

/// How a recording is made; on its way to another process, all of it that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TapRule {
    /// Its number.
    pub record: u64,
    /// Which sound.
    pub sides: Sides,
    /// Ends when the peer was silent for so many samples in a row; 0: never.
    pub silence: u64,
    /// Silent samples so far.
    pub silent: u64,
    /// Nothing is taken while it is paused.
    pub paused: bool,
}

/// A recording under way.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) rule: TapRule,
    heard: JitterBuffer,
    relayed: JitterBuffer,
    bounds: Bounds,
    /// What was sent in the frame under way, and whether anything was.
    own: [i16; SAMPLES_MAX],
    has_own: bool,
    pub(super) piece: Vec<i16>,
}

impl Tap {
    pub(super) fn new(rule: TapRule, bounds: Bounds, now: Instant) -> Tap {
        Tap {
            rule,
            heard: JitterBuffer::new(bounds, now),
            relayed: JitterBuffer::new(bounds, now),
            bounds,
            own: [0; SAMPLES_MAX],
            has_own: false,
            piece: Vec::with_capacity(PIECE + SAMPLES_MAX),
        }
    }

    /// Pauses or goes on. What came before a pause is not heard after it.
    pub(super) fn pause(&mut self, paused: bool, now: Instant) {
        if self.rule.paused != paused {
            self.rule.paused = paused;
            self.rule.silent = 0;
            self.heard = JitterBuffer::new(self.bounds, now);
            self.relayed = JitterBuffer::new(self.bounds, now);
        }
    }

    /// A packet of the peer.
    pub(super) fn hear(&mut self, header: &Header, codec: Codec, payload: &[u8], now: Instant) {
        if !self.rule.paused {
            self.heard.put(header, codec, payload, now);
        }
    }

    /// A packet of the other side that goes on to the peer.
    pub(super) fn relay(&mut self, header: &Header, codec: Codec, payload: &[u8], now: Instant) {
        if !self.rule.paused && self.rule.sides == Sides::Both {
            self.relayed.put(header, codec, payload, now);
        }
    }

    /// Sound of our own that goes to the peer in this frame.
    pub(super) fn send(&mut self, sound: &[i16]) {
        if self.rule.sides == Sides::Both {
            for (to, from) in self.own.iter_mut().zip(sound) {
                *to = *from;
            }
            self.has_own = true;
        }
    }

    /// So many frames of the beat were skipped.
    pub(super) fn skip(&mut self, samples: usize) {
        if !self.rule.paused {
            let length = self.piece.len() + samples.min(SKIPPED_MAX);
            self.piece.resize(length, 0);
        }
    }

    /// Takes the frame that ends at `at`. True: the peer was silent for long enough.
    pub(super) fn take(&mut self, samples: usize, at: Instant) -> bool {
        let has_own = std::mem::take(&mut self.has_own);
        if self.rule.paused {
            return false;
        }
        let mut frame = [0_i16; SAMPLES_MAX];
        let mut other = [0_i16; SAMPLES_MAX];
        let samples = samples.min(SAMPLES_MAX);
        let (Some(frame), Some(other)) = (frame.get_mut(..samples), other.get_mut(..samples)) else {
            return false;
        };
        self.heard.get(frame, at);
        let amplitude: u64 = frame.iter().map(|s| u64::from(s.unsigned_abs())).sum();
        if amplitude < QUIET * samples as u64 {
            self.rule.silent += samples as u64;
        } else {
            self.rule.silent = 0;
        }
        if self.rule.sides == Sides::Both {
            self.relayed.get(other, at);
            for (to, from) in frame.iter_mut().zip(other.iter()) {
                *to = to.saturating_add(*from);
            }
            if has_own {
                for (to, from) in frame.iter_mut().zip(self.own.iter()) {
                    *to = to.saturating_add(*from);
                }
            }
        }
        self.piece.extend_from_slice(frame);
        self.rule.silence > 0 && self.rule.silent >= self.rule.silence
    }

    /// A piece that is to be given on.
    pub(super) fn ready(&mut self) -> Option<Vec<i16>> {
        (self.piece.len() >= PIECE).then(|| self.rest())
    }

    /// What there is.
    pub(super) fn rest(&mut self) -> Vec<i16> {
        std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE + SAMPLES_MAX))
    }
}
