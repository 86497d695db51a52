//! The registrar role with its log: who is registered where, and which nonces are in use.

use std::collections::VecDeque;

use bytes::Bytes;
use tandem_bus::link::{Cursor, Role};
use tandem_journal::Disk;
use tandem_sip::{Flow, Moment};
use tandem_switch::Question;
use tandem_switch::registration::{BindingChange, Input, Output, Registration};

use crate::keeper::{Keeper, Kept};

/// What the driver does, once it is committed.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum RegistrarEffect {
    /// Send bytes on a flow.
    Send { flow: Flow, bytes: Bytes },
    /// Find something out; `Input::Answered` follows with the same number.
    Ask { number: u64, question: Question },
    /// A user has a first device, or the last one is gone.
    Presence {
        domain: String,
        user: String,
        registered: bool,
        at: Moment,
    },
    /// A device's binding has changed.
    Bound {
        domain: String,
        user: String,
        contact: String,
        change: BindingChange,
    },
    /// Tell the SIP gate how far it was heard.
    Acknowledge { gate: Role, cursor: Cursor },
}

/// A registrar with its log.
pub struct Registrations<D: Disk> {
    registration: Registration,
    keeper: Keeper<D>,
    /// Not committed yet.
    waiting: Vec<RegistrarEffect>,
    /// Committed.
    effects: VecDeque<RegistrarEffect>,
    deadline: Option<Moment>,
    /// The time of the last input.
    now: Moment,
}

impl<D: Disk> Registrations<D> {
    /// A registrar, new or restored. `now` is the time.
    pub fn new(registration: Registration, keeper: Keeper<D>, now: Moment) -> Self {
        let mut registrations = Self {
            registration,
            keeper,
            waiting: Vec::new(),
            effects: VecDeque::new(),
            deadline: None,
            now,
        };
        registrations.drain();
        registrations
    }

    /// Takes one input.
    pub fn handle(&mut self, input: Input, now: Moment) {
        self.now = now;
        self.registration.handle(input, now);
        self.drain();
    }

    /// Everything that the SIP gate said up to `cursor` has been handled.
    pub fn heard(&mut self, cursor: Cursor) {
        self.keeper.heard(Role::SipGate, cursor);
    }

    /// Writes down what has changed; the effects of the inputs so far may be carried out.
    pub fn commit(&mut self) -> Kept {
        if self.keeper.renews(self.now) {
            self.registration.write_all();
        } else {
            for key in self.keeper.stale() {
                if !self.registration.write_again(key) {
                    self.keeper.delete(key);
                }
            }
        }
        let kept = self.write();
        self.effects.extend(self.waiting.drain(..));
        kept
    }

    /// The next effect that is committed.
    pub fn poll_effect(&mut self) -> Option<RegistrarEffect> {
        self.effects.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        [self.deadline, self.keeper.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The registrar, to be asked.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Bytes written to the log since the start, and on the disk now.
    pub fn log_bytes(&self) -> (u64, u64) {
        self.keeper.bytes()
    }

    fn write(&mut self) -> Kept {
        let keeper = &mut self.keeper;
        self.registration.changes(&mut |change| keeper.change(&change));
        let effects = &mut self.effects;
        keeper.commit(self.now, |gate, cursor| {
            effects.push_back(RegistrarEffect::Acknowledge { gate, cursor });
        })
    }

    fn drain(&mut self) {
        loop {
            match self.registration.poll_output() {
                Output::Wait(at) => {
                    self.deadline = at;
                    return;
                }
                Output::Send { flow, bytes } => self.waiting.push(RegistrarEffect::Send { flow, bytes }),
                Output::Presence {
                    domain,
                    user,
                    registered,
                    at,
                } => self.waiting.push(RegistrarEffect::Presence {
                    domain,
                    user,
                    registered,
                    at,
                }),
                Output::Bound {
                    domain,
                    user,
                    contact,
                    change,
                } => self.waiting.push(RegistrarEffect::Bound {
                    domain,
                    user,
                    contact,
                    change,
                }),
                Output::Ask { number, question } => {
                    self.waiting.push(RegistrarEffect::Ask { number, question });
                }
            }
        }
    }
}
