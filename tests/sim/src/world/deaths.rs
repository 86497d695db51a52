//! Who dies, with what of its last words, and how it starts again.

use std::time::Duration;

use rand::Rng as _;
use tandem_bus::link::{Bounds, Held, Role};
use tandem_journal::Death;

use super::{Event, Media, World};
use crate::clock;
use crate::logic::{Logic, SHARDS, lanes};
use crate::media_gate::MediaGate;
use crate::plan::{When, Who};
use crate::sip_gate::SipGate;

impl World {
    pub(super) fn die_armed(&mut self, place: Option<usize>) {
        if let Some(place) = place {
            let crash = self.armed.remove(place);
            let loses = matches!(crash.when, When::CommitAfter(..));
            self.die(crash.who, crash.outage, loses);
        }
    }

    /// A process dies. `loses`: some of what it said last may never have left it.
    pub(super) fn die(&mut self, who: Who, outage: Duration, loses: bool) {
        let now = clock::now();
        self.trace.say(
            "world",
            format_args!("{who:?} dies for {} ms", outage.as_millis()),
        );
        self.troubled = self.troubled.max(now + outage);
        if matches!(who, Who::Logic | Who::All) {
            if loses {
                self.lose_last_words();
            }
            self.logic = None;
            self.rounds.clear();
            self.disks.values().for_each(|disk| disk.crash(Death::Process));
            self.linked = (false, false);
            if let Some(sip) = &mut self.sip {
                sip.held.disconnected(now);
            }
            if let Some(media) = &mut self.media {
                media.held.disconnected(now);
            }
        }
        if matches!(who, Who::MediaGate | Who::All) {
            self.media = None;
            self.link(Role::MediaGate, false);
        }
        if matches!(who, Who::SipGate | Who::All) {
            self.sip = None;
            self.link(Role::SipGate, false);
            for number in 0..self.phones.len() {
                if let Some(connection) = self.phones.get(number).and_then(|phone| phone.connection) {
                    let delay = self.micros(1_000, 60_000);
                    self.after(
                        delay,
                        Event::Disconnected {
                            phone: number,
                            connection,
                        },
                    );
                }
            }
        }
        self.after(outage, Event::Start(who));
    }

    /// What was written to a socket arrives up to some point.
    pub(super) fn lose_last_words(&mut self) {
        for gate in [Role::SipGate, Role::MediaGate] {
            let under_way: Vec<_> = self
                .queue
                .iter()
                .filter(|(_, event)| matches!(event, Event::Down { gate: of, .. } if *of == gate))
                .map(|(key, _)| *key)
                .collect();
            let kept = self.rng.random_range(0..=under_way.len());
            for key in under_way.into_iter().skip(kept) {
                self.queue.remove(&key);
            }
        }
    }

    /// A process begins. One that was started meanwhile stays.
    pub(super) fn start(&mut self, who: Who) {
        let now = clock::now();
        if matches!(who, Who::SipGate | Who::All) && self.sip.is_none() {
            self.instances += 1;
            self.sip = Some(SipGate::new(self.instances, SHARDS, now));
            self.trace
                .say("sip gate", format_args!("begins as {}", self.instances));
            self.find(Role::SipGate);
        }
        if matches!(who, Who::MediaGate | Who::All) && self.media.is_none() {
            self.instances += 1;
            let mut held = Held::new(self.instances, Bounds::default());
            held.disconnected(now);
            self.media = Some(Media {
                gate: MediaGate::default(),
                held,
            });
            self.trace
                .say("media gate", format_args!("begins as {}", self.instances));
            self.find(Role::MediaGate);
        }
        if matches!(who, Who::Logic | Who::All) && self.logic.is_none() {
            self.lives += 1;
            self.trace
                .say("logic", format_args!("begins life {}", self.lives));
            match Logic::begin(self.lives, &self.disks, self.seed, &mut self.trace) {
                Ok(logic) => self.logic = Some(logic),
                Err(error) => {
                    return self
                        .trace
                        .violation(format_args!("the logs cannot be opened: {error}"));
                }
            }
            let life = self.lives;
            for lane in lanes() {
                self.rounds.insert(lane);
                let delay = self.micros(10, 2_000);
                self.after(delay, Event::Round { life, lane });
            }
            self.find(Role::SipGate);
            self.find(Role::MediaGate);
        }
        self.troubled = self.troubled.max(now);
    }
}
