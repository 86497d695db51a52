//! What must hold, whatever breaks.

use tandem_bus::media::{Command, Event as MediaEvent};
use tandem_sip::Moment;
use tandem_switch::keys::Kind;

use super::World;
use crate::clock::secs;
use crate::logic::keys_left;
use crate::phone::{Phase, Session};
use crate::plan::{COUNTER, MENU, STEPS};

impl World {
    /// A phone complains. Sound that is lost with its gate is asked for once more by the scenario.
    pub(super) fn judge(&mut self, number: usize, what: &str) {
        let name = self.phones.get(number).map_or("", |phone| phone.name.as_str());
        if what.ends_with("(may be excused)") && self.faults.harms_sound() {
            self.trace.say(name, format_args!("{what}"));
        } else {
            self.trace.violation(format_args!("{name}: {what}"));
        }
    }

    /// The server hung up a call of a phone that was up: was there a reason?
    pub(super) fn check_hung_up(&mut self, number: usize, session: usize) {
        let Some(phone) = self.phones.get(number) else {
            return;
        };
        let Some(it) = phone.sessions.get(session) else {
            return;
        };
        let user = phone.script.user.as_str();
        let others = || self.phones.iter().filter(|other| other.script.user == it.peer);
        let is_right = if !it.is_caller {
            let caller_left = others().any(|other| {
                let ours = |session: &&Session| {
                    session.is_caller && session.peer == user && session.began <= it.began
                };
                let call = other.sessions.iter().rfind(ours);
                call.is_none_or(|session| session.is_over() || session.byes > 0)
            });
            let elsewhere = self
                .phones
                .iter()
                .enumerate()
                .filter(|(place, other)| *place != number && other.script.user == user)
                .any(|(_, other)| {
                    let taken =
                        |session: &Session| !session.is_caller && session.answered && session.peer == it.peer;
                    other.sessions.iter().any(taken)
                });
            // A 200 that came after the dial had been given up is acknowledged and ended (RFC 3261 §13.2.2.4).
            caller_left || elsewhere || it.awaits_ack()
        } else if it.peer == MENU {
            it.pressed >= STEPS
        } else if it.peer == COUNTER {
            let over = |session: &&Session| {
                session.peer == COUNTER && session.answered && session.phase == Phase::EndedByThem
            };
            let counted = self
                .phones
                .iter()
                .flat_map(|phone| &phone.sessions)
                .filter(over)
                .count();
            let tally = self.directory.pairs.get("tally").copied().unwrap_or_default();
            tally >= 12 * counted as i64
        } else {
            let talked = |session: &Session| !session.is_caller && session.answered && session.peer == user;
            let talks = others()
                .flat_map(|other| other.sessions.iter())
                .filter(|session| talked(session));
            let mut talks = talks.filter(|session| session.changed >= it.began).peekable();
            it.goodbye || talks.peek().is_none() || talks.any(|session| session.byes > 0)
        };
        if !is_right {
            let (name, peer) = (phone.name.clone(), it.peer.clone());
            self.trace
                .violation(format_args!("{name}: the call with {peer} was up and is lost"));
        }
    }

    /// A 200 that was sent along a connection which broke is lost with it (RFC 3261 §18.4).
    pub(super) fn check_acked(&mut self, number: usize) {
        let Some(phone) = self.phones.get(number) else {
            return;
        };
        let is_excused =
            phone.script.transport == tandem_sip::Transport::Tcp && self.faults.harms_connections();
        if !is_excused {
            let name = phone.name.clone();
            self.trace
                .violation(format_args!("{name}: no ACK came for its 200"));
        }
    }

    /// Two who have talked undisturbed for a while hear each other.
    pub(super) fn check_talk(&mut self, number: usize, session: usize, now: Moment) {
        let calm = secs(3);
        let parted = self
            .faults
            .partitions
            .iter()
            .any(|(_, until)| now < crate::clock::BEGIN + *until + secs(6));
        if now - self.troubled < calm || self.troubled > now || parted || self.faults.network.lost > 0 {
            return;
        }
        let Some(phone) = self.phones.get(number) else {
            return;
        };
        let Some(it) = phone.sessions.get(session) else {
            return;
        };
        if it.peer == MENU || it.peer == COUNTER || it.on_hold || now - it.changed < calm {
            return;
        }
        let user = phone.script.user.as_str();
        let partner = self
            .phones
            .iter()
            .enumerate()
            .filter(|(place, other)| *place != number && other.script.user == it.peer)
            .find_map(|(_, other)| {
                let ours = |session: &&Session| {
                    session.phase == Phase::Up && session.peer == user && session.is_caller != it.is_caller
                };
                let place = other.sessions.iter().position(|session| ours(&session))?;
                Some((other, place, other.sessions.get(place)?))
            });
        let Some((other, place, with)) = partner else {
            return;
        };
        if with.on_hold || now - with.changed < calm {
            return;
        }
        let Some(media) = &self.media else { return };
        let (a, b) = (phone.rtp(session), other.rtp(place));
        if !media.gate.carries(a, b) || !media.gate.carries(b, a) {
            let (a, b) = (phone.name.clone(), other.name.clone());
            self.trace
                .violation(format_args!("{a} and {b} do not hear each other"));
        }
    }

    /// A pair is taken apart only when one of the two has hung up.
    pub(super) fn check_command(&mut self, command: &Command) {
        let Command::Part { a, b } = command else { return };
        let Some(media) = &self.media else { return };
        let (Some(first), Some(second)) = (media.gate.peer(*a), media.gate.peer(*b)) else {
            return;
        };
        if self.is_up(first) && self.is_up(second) && first != second {
            self.trace
                .violation(format_args!("{first} and {second} are parted while both talk"));
        }
    }

    /// Ports that were in use are free for who had them.
    pub(super) fn check_restored(&mut self) {
        let Some(media) = &mut self.media else { return };
        let events = media.gate.events();
        let refused = events
            .iter()
            .any(|event| matches!(event, MediaEvent::Refused { .. }));
        media.gate.give_back(events);
        if refused {
            self.trace
                .violation(format_args!("an endpoint's ports were given to another"));
        }
    }

    /// In the end nothing is left, and everything is written down once.
    pub(super) fn check_end(&mut self, done: bool) {
        if !done {
            for phone in &self.phones {
                if !phone.is_done() {
                    let sessions: Vec<_> = phone
                        .sessions
                        .iter()
                        .map(|it| (it.peer.as_str(), it.phase))
                        .collect();
                    self.trace
                        .violation(format_args!("{} is not done: {sessions:?}", phone.name));
                }
            }
        }
        self.check_left();
        self.check_records();
        self.check_invites();
        let counted: usize = self
            .phones
            .iter()
            .flat_map(|phone| &phone.sessions)
            .filter(|session| session.is_caller && session.answered && session.peer == COUNTER)
            .count();
        let tally = self.directory.pairs.get("tally").copied().unwrap_or_default();
        if done && tally != 12 * counted as i64 && !self.faults.harms_connections() {
            self.trace.violation(format_args!(
                "{counted} calls have counted to {tally} instead of {}",
                12 * counted
            ));
        }
    }

    fn check_left(&mut self) {
        if let Some(logic) = &self.logic {
            for (shard, (calls, remembered)) in logic.remembered().into_iter().enumerate() {
                if remembered > 0 {
                    self.trace.violation(format_args!(
                        "shard {shard} remembers {remembered} things of {calls} calls"
                    ));
                }
            }
        } else {
            self.trace
                .violation(format_args!("there is no call logic in the end"));
        }
        if let Some(media) = &self.media {
            let left = media.gate.endpoints();
            if !left.is_empty() {
                self.trace
                    .violation(format_args!("endpoints that nobody has: {left:?}"));
            }
            if !media.held.is_empty() {
                self.trace.violation(format_args!(
                    "{} events were never acknowledged",
                    media.held.len()
                ));
            }
        }
        if let Some(held) = self
            .sip
            .as_ref()
            .map(|sip| sip.held.len())
            .filter(|held| *held > 0)
        {
            self.trace
                .violation(format_args!("{held} messages were never acknowledged"));
        }
        for (lane, disk) in &self.disks {
            let left: Vec<_> = keys_left(disk)
                .into_iter()
                .filter(|key| !matches!(key.kind, Kind::Meta | Kind::Cursor | Kind::Nonce | Kind::Binding))
                .collect();
            if !left.is_empty() {
                self.trace
                    .violation(format_args!("the log of {lane} still has {left:?}"));
            }
        }
    }

    fn check_records(&mut self) {
        for id in &self.launched {
            if !self.directory.records.contains_key(id) {
                self.trace.violation(format_args!("call {id} has no record"));
            }
        }
        for phone in &self.phones {
            let user = phone.script.user.as_str();
            let mut wanted = std::collections::BTreeMap::<&str, usize>::new();
            for session in phone.sessions.iter().filter(|it| it.is_caller && it.answered) {
                *wanted.entry(session.peer.as_str()).or_default() += 1;
            }
            for (peer, wanted) in wanted {
                let summaries = self.directory.records.values().map(|record| &record.summary);
                let found = summaries
                    .filter(|it| it.from_number == user && it.to_number == peer && it.answered_at.is_some())
                    .count();
                if found < wanted {
                    self.trace.violation(format_args!(
                        "{user} had {wanted} calls with {peer} answered, and {found} records say so"
                    ));
                }
            }
        }
    }

    /// A device is called once for each call to its user.
    fn check_invites(&mut self) {
        for phone in &self.phones {
            for caller in ["201", "202", "203", "204"] {
                let came = phone
                    .sessions
                    .iter()
                    .filter(|it| !it.is_caller && it.peer == caller)
                    .count();
                let made: usize = self
                    .phones
                    .iter()
                    .filter(|other| other.script.user == caller)
                    .flat_map(|other| &other.sessions)
                    .filter(|it| it.is_caller && it.peer == phone.script.user)
                    .count();
                if came > made {
                    self.trace.violation(format_args!(
                        "{} was called {came} times by {caller}, who dialled {made} times",
                        phone.name
                    ));
                }
            }
        }
    }
}
