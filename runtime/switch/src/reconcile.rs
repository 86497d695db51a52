//! What the media gate has, and what it should have: after its way was broken, or another gate took its place.
//!
//! While the gate has not told what exists it gets no commands (`Context::media`): whatever was wanted meanwhile stands
//! in the legs, and what is missing is asked for here.

use std::collections::HashMap;
use std::time::Duration;

use tandem_bus::media::{Command, EndpointId, Existing, PlayEnd};
use tandem_host_api::op::{LegError, LegId, Outcome};
use tandem_sip::Moment;

use crate::call::{Call, Pending};
use crate::context::Context;
use crate::leg::{Leg, Media};
use crate::shard::{Output, Shard};

/// After another gate has taken the place of one, new endpoints wait so long: a gate gives the first ports that are free,
/// and which of them belong to calls of another shard only that shard knows.
const OPENS_WAIT: Duration = Duration::from_millis(200);

/// What the gate has, by endpoint.
type Known = HashMap<EndpointId, Existing>;

impl Shard {
    /// The gate told what exists of this shard.
    pub(crate) fn reconcile(&mut self, endpoints: Vec<Existing>, now: Moment) {
        // One that was asked for before a restart may come late, and this one then comes twice. The first is enough:
        // while it was awaited the gate was told nothing.
        if !std::mem::take(&mut self.gate_reports) {
            return;
        }
        let known: Known = endpoints.into_iter().map(|it| (it.endpoint, it)).collect();
        for endpoint in known.keys() {
            if let Some((key, _)) = self.indexes.endpoints.get(endpoint).copied() {
                self.note_alive(key);
            }
        }
        // Who had ports gets them back before anybody gets new ones.
        self.opens_at = Some(now);
        for key in self.call_keys() {
            self.with_call(key, now, |call, cx| call.reconcile(&known, cx));
        }
        let mut unknown: Vec<_> = known
            .into_keys()
            .filter(|endpoint| !self.indexes.endpoints.contains_key(endpoint))
            .collect();
        unknown.sort_unstable();
        for endpoint in unknown {
            self.out.push_back(Output::Media(Command::Close { endpoint }));
        }
        if std::mem::take(&mut self.gate_lacks) && self.config.shards > 1 {
            self.opens_at = Some(now + OPENS_WAIT);
        } else {
            self.open_endpoints(now);
        }
    }

    /// Every shard has had its time to restore what it had: what waited for ports is opened.
    pub(crate) fn open_endpoints(&mut self, now: Moment) {
        self.opens_at = None;
        for key in self.call_keys() {
            self.with_call(key, now, |call, cx| {
                for leg in &call.legs {
                    leg.open_again(cx);
                }
            });
        }
    }
}

/// What a leg found out.
enum Found {
    /// Nothing that concerns its call.
    Nothing,
    /// Its endpoint had been opened.
    Opened,
    /// Its playback had ended.
    PlayOver,
}

impl Call {
    fn reconcile(&mut self, known: &Known, cx: &mut Context<'_>) {
        for id in (0..self.legs.len() as u32).map(LegId) {
            let Some(leg) = self.leg(id) else { continue };
            let existing = known.get(&leg.endpoint);
            match (leg.reconcile(existing, cx), existing) {
                (Found::Opened, Some(it)) => self.handle_opened(id, it.local, it.position, cx),
                (Found::PlayOver, Some(it)) => {
                    if let Some(play) = it.play {
                        self.handle_play_ended(id, play, PlayEnd::Finished, cx);
                    }
                }
                _ => (),
            }
        }
        self.reconcile_digits(known, cx);
        self.reconcile_pair(known, cx);
        self.reconcile_tapes(|endpoint| known.get(&endpoint).cloned(), cx);
    }

    /// Digits on their way: a gate that has not heard of them is told again. How many of them a gate sent before it
    /// died, nobody knows.
    fn reconcile_digits(&mut self, known: &Known, cx: &mut Context<'_>) {
        let Pending::Sending { leg, send, digits } = &self.core.pending else {
            return;
        };
        let Some(leg) = self.legs.get(leg.0 as usize) else {
            return;
        };
        match known.get(&leg.endpoint) {
            Some(existing) if existing.send == Some(*send) => (),
            Some(_) => leg.send_digits(*send, digits.clone(), cx),
            None => {
                let why = "the media gate was lost while it sent digits";
                self.done(Outcome::Leg(Err(LegError::Media(why.into()))), cx);
            }
        }
    }

    /// The one pair that a call may have: its bridge.
    fn reconcile_pair(&self, known: &Known, cx: &mut Context<'_>) {
        let endpoint = |id: LegId| self.legs.get(id.0 as usize).map(|leg| leg.endpoint);
        let wanted = match self.core.pending.bridge() {
            Some((first, second, true)) => endpoint(first).zip(endpoint(second)),
            _ => None,
        };
        let joined = |a: EndpointId| known.get(&a).and_then(|it| it.joined);
        let elsewhere = |at: EndpointId| {
            let mut legs = self.legs.iter();
            legs.any(|leg| leg.media == Media::Elsewhere && leg.endpoint == at)
        };
        for a in self.legs.iter().map(|leg| leg.endpoint) {
            if let Some(b) = joined(a)
                // Two calls want that pair: the other one may still.
                && !elsewhere(a) && !elsewhere(b)
                && ![Some((a, b)), Some((b, a))].contains(&wanted)
                && (a < b || joined(b) != Some(a))
            {
                cx.media(Command::Part { a, b });
            }
        }
        if let Some((a, b)) = wanted
            && joined(a) != Some(b)
        {
            cx.media(Command::Join { a, b });
        }
    }
}

impl Leg {
    fn reconcile(&mut self, existing: Option<&Existing>, cx: &mut Context<'_>) -> Found {
        let endpoint = self.endpoint;
        match (&self.media, existing) {
            // The other call sees to it.
            (Media::Elsewhere, _) | (Media::None | Media::Closed(Some(_)), None) => Found::Nothing,
            (Media::None | Media::Closed(_), Some(_)) => {
                cx.media(Command::Close { endpoint });
                Found::Nothing
            }
            (Media::Closed(None), None) => {
                // What it counted went with its gate.
                self.media = Media::Closed(Some(tandem_bus::media::Statistics::default()));
                Found::Nothing
            }
            (Media::Opening, None) => {
                self.open_again(cx);
                Found::Nothing
            }
            (Media::Opening, Some(_)) => Found::Opened,
            (Media::Open(_) | Media::Agreed(..), Some(existing)) => {
                self.position = Some(existing.position);
                if let Media::Agreed(_, agreed) = &self.media
                    && existing.agreed.as_ref() != Some(agreed)
                {
                    cx.media(Command::Agree {
                        endpoint,
                        agreed: agreed.clone(),
                    });
                }
                self.reconcile_play(existing, cx)
            }
            (Media::Open(_) | Media::Agreed(..), None) => {
                self.restore_media(cx);
                Found::Nothing
            }
        }
    }

    fn reconcile_play(&mut self, existing: &Existing, cx: &mut Context<'_>) -> Found {
        match (&mut self.play, existing.play) {
            (Some(wanted), Some(play)) if wanted.play == play && existing.playing => (),
            // Its end would have been told before; where that was lost, it has ended all the same.
            (Some(wanted), Some(play)) if wanted.play == play => return Found::PlayOver,
            // The gate lives and has never heard of it: nothing of it was played.
            (Some(wanted), _) => {
                wanted.began = cx.now;
                self.play_on(0, cx);
            }
            (None, Some(play)) if existing.playing => cx.media(Command::Stop {
                endpoint: self.endpoint,
                play,
            }),
            (None, _) => (),
        }
        Found::Nothing
    }
}
