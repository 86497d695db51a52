//! Effects of the call logic: to the gates, the directory, the store, the guests.

use rand::Rng as _;
use tandem_bus::link::{Lane, Role};
use tandem_bus::media::Command;
use tandem_host_api::End;
use tandem_host_api::op::{Target, User};
use tandem_logic::{Effect, Ended, Launch, RegistrarEffect};
use tandem_sip::{Flow, Message, Moment};
use tandem_switch::{Answer, Located, Question};

use super::{Down, Event, World, place};
use crate::logic::{Done, ToLane};
use crate::phone::Phase;
use crate::trace::Short;

impl World {
    pub(super) fn carry_out(&mut self, done: Done) {
        let life = self.life();
        match done {
            Done::Registrar(RegistrarEffect::Send { flow, bytes }) => self.send(flow, bytes),
            Done::Registrar(RegistrarEffect::Ask { number, question }) => {
                self.put(life, Lane::REGISTRAR, number, question);
            }
            Done::Registrar(RegistrarEffect::Presence { .. } | RegistrarEffect::Bound { .. }) => (),
            Done::Registrar(RegistrarEffect::Acknowledge { gate, cursor }) => {
                self.acknowledge(gate, Lane::REGISTRAR, cursor);
            }
            Done::Shard(shard, effect) => self.carry_out_of_shard(life, shard, effect),
        }
    }

    fn carry_out_of_shard(&mut self, life: u64, shard: u16, effect: Effect) {
        let lane = Lane(shard);
        match effect {
            Effect::Send { flow, bytes } => self.send(flow, bytes),
            Effect::Media(command) => {
                if self.is_linked(Role::MediaGate) {
                    self.down(Role::MediaGate, Down::Media(command));
                }
            }
            Effect::Ask { number, question } => self.put(life, lane, number, question),
            Effect::Launch(launch) => self.launch(shard, *launch),
            // A guest that is gone has nobody left to tell.
            Effect::Answer { reply, outcome } => drop(reply.send(outcome)),
            Effect::Store { number, ended } => {
                let delay = self.micros(200, 40_000);
                self.after(
                    delay,
                    Event::Store {
                        life,
                        lane,
                        number,
                        ended,
                    },
                );
            }
            // Nobody asks a shard anything here, or listens.
            Effect::Told { .. } | Effect::Happened(_) | Effect::StoreMessages(_) => (),
            Effect::Acknowledge { gate, cursor } => self.acknowledge(gate, lane, cursor),
        }
    }

    fn down(&mut self, gate: Role, what: Down) {
        let Some(instance) = self.instance(gate) else {
            return;
        };
        let at = self.in_order(3, place(gate), 10, 150);
        self.at(at, Event::Down { gate, instance, what });
    }

    fn acknowledge(&mut self, gate: Role, lane: Lane, cursor: tandem_bus::link::Cursor) {
        let Some(logic) = &mut self.logic else { return };
        let taken = match gate {
            Role::SipGate => &mut logic.sip,
            Role::MediaGate => &mut logic.media,
        };
        if taken.commit(lane, cursor) && self.is_linked(gate) {
            self.down(gate, Down::Acknowledge { lane, cursor });
        }
    }

    /// While the gate is away nothing is sent: what was said last is said again when it is back.
    fn send(&mut self, flow: Flow, bytes: bytes::Bytes) {
        if self.is_linked(Role::SipGate) {
            self.down(Role::SipGate, Down::Send { flow, bytes });
        } else {
            self.say_message("logic", "cannot send", &bytes);
        }
    }

    /// A gate carries out what the call logic said.
    pub(super) fn take_down(&mut self, gate: Role, instance: u64, what: Down, now: Moment) {
        if self.instance(gate) != Some(instance) {
            return;
        }
        match (gate, what) {
            (Role::SipGate, Down::Acknowledge { lane, cursor }) => {
                if let Some(sip) = &mut self.sip {
                    sip.held.acknowledge(lane, cursor);
                }
            }
            (_, Down::Acknowledge { lane, cursor }) => {
                if let Some(media) = &mut self.media {
                    media.held.acknowledge(lane, cursor);
                }
            }
            (_, Down::Send { flow, bytes }) => self.send_to_phone(flow, bytes, now),
            (_, Down::Media(command)) => {
                self.trace.say("media gate", format_args!("← {command:?}"));
                self.check_command(&command);
                let restores = matches!(command, Command::Restore { .. });
                let Some(media) = &mut self.media else { return };
                media.gate.handle(command, now);
                if restores {
                    self.check_restored();
                }
                self.listen(now);
            }
        }
    }

    fn launch(&mut self, shard: u16, launch: Launch) {
        let id = launch.start.id.clone();
        let call = launch.start.call;
        self.trace.say(
            "guest",
            format_args!(
                "call {} ({id}) of {} to {} begins",
                call.0, launch.start.caller.user, launch.start.dialled.user
            ),
        );
        self.launched.insert(id);
        let (life, seed) = (self.life(), self.rng.random());
        let Some(logic) = &mut self.logic else { return };
        if let Err(end) = logic.guests.launch(shard, launch, seed) {
            self.trace
                .violation(format_args!("a scenario cannot begin: {end:?}"));
            self.give(life, Lane(shard), ToLane::ScenarioEnded(call, Err(end)));
        }
    }

    fn put(&mut self, life: u64, lane: Lane, number: u64, question: Question) {
        let delay = self.micros(50, 4_000);
        self.after(
            delay,
            Event::Ask {
                life,
                lane,
                number,
                question,
            },
        );
    }

    /// A question reaches the directory. The store may carry out what a process that is gone had asked.
    pub(super) fn ask(&mut self, life: u64, lane: Lane, number: u64, question: Question) {
        let is_alive = life == self.life();
        let is_late = matches!(question, Question::KeyValue { .. }) && self.rng.random_ratio(1, 2);
        if !(is_alive || is_late) {
            return;
        }
        self.trace
            .say("directory", format_args!("{lane} {number} {question:?}"));
        let answer = self.answer(question);
        let delay = self.micros(50, 4_000);
        self.after(
            delay,
            Event::Answered {
                life,
                lane,
                number,
                answer,
            },
        );
    }

    fn answer(&mut self, question: Question) -> Answer {
        let bindings = |world: &Self, domain: &str, user: &str| {
            world
                .logic
                .as_ref()
                .map(|logic| logic.lookup(domain, user))
                .unwrap_or_default()
        };
        match question {
            Question::Admit { host, user, dialled } => {
                Answer::Admit(self.directory.admit(&host, &user, &dialled))
            }
            Question::Locate {
                domain,
                target: Target::User(user) | Target::Number(user),
            } => Answer::Located(self.directory.exists(&user).then(|| Located {
                bindings: bindings(self, &domain, &user),
                user,
            })),
            Question::FindUser { domain, number } => {
                Answer::User(self.directory.exists(&number).then(|| User {
                    registered: !bindings(self, &domain, &number).is_empty(),
                    display_name: String::new(),
                    name: number,
                }))
            }
            // The world has no files.
            Question::DeleteRecording { .. } => Answer::Recording(Ok(())),
            Question::KeyValue { op, once, .. } => Answer::KeyValue(self.directory.key_value(&op, once)),
            // No guest of the simulator uses one.
            Question::Service { .. } | Question::PickUp { .. } | Question::LetGo { .. } => {
                Answer::Unavailable
            }
        }
    }

    /// A record reaches the store. One of a process that is gone may have, or may not.
    pub(super) fn store(&mut self, life: u64, lane: Lane, number: u64, ended: &Ended) {
        if life != self.life() && self.rng.random_ratio(1, 2) {
            return;
        }
        let summary = &ended.record.summary;
        let what = match self.directory.store(&ended.record) {
            Ok(true) => "is stored",
            Ok(false) => "is there already",
            Err(differs) => return self.trace.violation(format_args!("{differs}")),
        };
        self.trace.say(
            "store",
            format_args!(
                "call {} {what}: {} to {}, {} by {}, {} legs, taken over {} times",
                summary.id,
                summary.from_number,
                summary.to_number,
                summary.cause,
                summary.ended_by,
                ended.record.legs.len(),
                summary.recoveries
            ),
        );
        let delay = self.micros(50, 10_000);
        self.after(delay, Event::Stored { life, lane, number });
    }

    /// Whether a phone at this address talks: answered, and not over.
    pub(super) fn is_up(&self, rtp: std::net::SocketAddr) -> bool {
        let talks = |phone: &crate::phone::Phone| {
            let mut sessions = phone.sessions.iter().enumerate();
            sessions.any(|(number, session)| phone.rtp(number) == rtp && session.phase == Phase::Up)
        };
        self.phones.iter().any(talks)
    }

    pub(super) fn check_finished(&mut self, finished: &Result<tandem_host_api::Finished, End>) {
        let end = match finished {
            Ok(finished) => &finished.end,
            Err(end) => end,
        };
        if !matches!(end, End::Returned | End::CallOver) {
            self.trace
                .violation(format_args!("a scenario ended badly: {end:?}"));
        }
    }

    pub(super) fn say_message(&mut self, who: &str, arrow: &str, bytes: &bytes::Bytes) {
        self.trace.bytes(bytes);
        if let Ok(message) = Message::parse(bytes.clone()) {
            self.trace.say(who, format_args!("{arrow} {}", Short(&message)));
        }
    }
}
