//! The call logic's links to its gates: found, opened, lost; and what comes through them in its order.

use tandem_bus::link::{FromGate, Lane, Role};
use tandem_bus::media::Event as MediaEvent;
use tandem_bus::sip::Up;
use tandem_sip::Moment;

use super::{Event, World, place};
use crate::clock::{self, BEGIN};
use crate::logic::{ToLane, lanes};

impl World {
    /// The call logic will find a gate soon, if both are there.
    pub(super) fn find(&mut self, gate: Role) {
        let Some(instance) = self.instance(gate) else {
            return;
        };
        let life = self.life();
        if life == 0 {
            return;
        }
        let delay = self.micros(100, 20_000);
        // What the old connection still carried has been read before.
        let last = self.arrivals.get(&(2, place(gate))).copied().unwrap_or(BEGIN);
        let at = (clock::now() + delay).max(last);
        self.at(at, Event::Connect { gate, life, instance });
    }

    pub(super) fn is_linked(&self, gate: Role) -> bool {
        match gate {
            Role::SipGate => self.linked.0,
            Role::MediaGate => self.linked.1,
        }
    }

    pub(super) fn link(&mut self, gate: Role, is_up: bool) {
        match gate {
            Role::SipGate => self.linked.0 = is_up,
            Role::MediaGate => self.linked.1 = is_up,
        }
    }

    pub(super) fn instance(&self, gate: Role) -> Option<u64> {
        match gate {
            Role::SipGate => self.sip.as_ref().map(|sip| sip.held.instance()),
            Role::MediaGate => self.media.as_ref().map(|media| media.held.instance()),
        }
    }

    pub(super) fn connect(&mut self, gate: Role, life: u64, instance: u64) {
        if life != self.life() || self.instance(gate) != Some(instance) || self.is_linked(gate) {
            return;
        }
        let Some(logic) = &mut self.logic else { return };
        let ours = logic.hello(gate);
        let theirs = match gate {
            Role::SipGate => self.sip.as_mut().map(|sip| {
                let hello = sip.held.hello(gate);
                sip.held.connected(&ours.cursors);
                hello
            }),
            Role::MediaGate => self.media.as_mut().map(|media| {
                let hello = media.held.hello(gate);
                media.held.connected(&ours.cursors);
                hello
            }),
        };
        let Some(theirs) = theirs else { return };
        let taken = match gate {
            Role::SipGate => &mut logic.sip,
            Role::MediaGate => &mut logic.media,
        };
        let fresh = taken.greet(&theirs);
        self.link(gate, true);
        self.trace.say(
            "logic",
            format_args!("finds {gate} {instance}, fresh for {} lanes", fresh.len()),
        );
        for lane in lanes() {
            if gate == Role::MediaGate && lane == Lane::REGISTRAR {
                continue;
            }
            self.give(
                life,
                lane,
                ToLane::Connected(gate, instance, fresh.contains(&lane)),
            );
        }
        self.flush(gate);
    }

    /// A gate's frames set out.
    pub(super) fn flush(&mut self, gate: Role) {
        if !self.is_linked(gate) {
            return;
        }
        let frames = match gate {
            Role::SipGate => self.sip.as_mut().map(|sip| sip.held.to_send()),
            Role::MediaGate => self.media.as_mut().map(|media| media.held.to_send()),
        };
        let life = self.life();
        for frame in frames.into_iter().flatten() {
            let at = self.in_order(2, place(gate), 10, 150);
            self.at(at, Event::Up { gate, life, frame });
        }
    }

    pub(super) fn take_up(&mut self, gate: Role, life: u64, frame: &[u8]) {
        let Some(logic) = self.logic.as_mut().filter(|logic| logic.life == life) else {
            return;
        };
        // Four bytes of length, then the frame.
        let Some(body) = frame.get(4..) else { return };
        match gate {
            Role::SipGate => {
                if let Ok(FromGate::Item { lane, number, item }) = postcard::from_bytes::<FromGate<Up>>(body)
                    && let Some(cursor) = logic.sip.take(lane, number)
                {
                    self.give(life, lane, ToLane::Sip(cursor, item));
                }
            }
            Role::MediaGate => {
                if let Ok(FromGate::Item { lane, number, item }) =
                    postcard::from_bytes::<FromGate<MediaEvent>>(body)
                    && let Some(cursor) = logic.media.take(lane, number)
                {
                    self.give(life, lane, ToLane::Media(cursor, item));
                }
            }
        }
    }

    /// When the next thing on an ordered way arrives.
    pub(super) fn in_order(&mut self, way: u8, number: usize, from: u64, to: u64) -> Moment {
        let at = clock::now() + self.micros(from, to);
        let last = self.arrivals.entry((way, number)).or_insert(at);
        *last = (*last).max(at);
        *last
    }
}
