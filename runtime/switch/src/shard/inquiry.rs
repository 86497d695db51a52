//! What a shard is asked from outside its calls: to originate one, to give one away, to tell when one lets another
//! go; and to send a text that belongs to none.
//!
//! Nothing of it is written down: who asks asks again after a restart, and is answered alike.

use std::sync::Arc;

use tandem_host_api::op::{Address, Delivery, MessageFailure};
use tandem_sip::Moment;

use super::{CallKey, Output, Shard};
use crate::call::{Call, Origination, Picked, Picker};
use crate::context::Context;

/// A question to a shard; [`Output::Told`] answers it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Inquiry {
    /// Begin this call, once.
    Originate(Box<Origination>),
    /// Give away the call of the domain that has rung longest at one of these users.
    PickUp {
        domain: Arc<str>,
        users: Vec<String>,
        picker: Box<Picker>,
    },
    /// Tell when the call of this number and identifier no longer holds on to the call `by`.
    LetGo { call: CallKey, id: String, by: String },
    /// Send a text to a user's devices.
    Message {
        domain: Arc<str>,
        user: String,
        text: String,
        sender: Option<Address>,
    },
}

/// What a shard answers.
#[derive(Debug, Clone)]
pub enum Told {
    /// To [`Inquiry::Originate`]: the call is there, or was.
    Begun,
    /// To [`Inquiry::Originate`]: it is not, for this reason.
    Refused(String),
    /// To [`Inquiry::PickUp`].
    PickedUp(Option<Box<Picked>>),
    /// To [`Inquiry::LetGo`].
    LetGo,
    /// To [`Inquiry::Message`].
    Messaged(Result<Delivery, MessageFailure>),
}

impl Shard {
    pub(super) fn handle_inquiry(&mut self, number: u64, inquiry: Inquiry, now: Moment) {
        let told = match inquiry {
            Inquiry::Originate(it) => self.originate(&it, now),
            Inquiry::PickUp {
                domain,
                users,
                picker,
            } => Told::PickedUp(self.give_away(&domain, &users, &picker, now).map(Box::new)),
            Inquiry::Message {
                domain,
                user,
                text,
                sender,
            } => return self.send_text(number, domain, user, text, sender, now),
            Inquiry::LetGo { call, id, by } => {
                let holds = self
                    .calls
                    .get(&call)
                    .is_some_and(|it| it.origin.id == id && it.holds(&by));
                if holds {
                    self.held.entry(call).or_default().push((number, by));
                    return;
                }
                Told::LetGo
            }
        };
        self.out.push_back(Output::Told { number, told });
    }

    /// Tells those who wait for it that a call has let them go. None: the call is no more.
    pub(super) fn note_let_go(&mut self, key: CallKey, call: Option<&Call>) {
        let Some(waiting) = self.held.get_mut(&key) else {
            return;
        };
        let out = &mut self.out;
        waiting.retain(|(number, by)| {
            let holds = call.is_some_and(|call| call.holds(by));
            if !holds {
                let told = Told::LetGo;
                out.push_back(Output::Told {
                    number: *number,
                    told,
                });
            }
            holds
        });
        if waiting.is_empty() {
            self.held.remove(&key);
        }
    }

    fn originate(&mut self, it: &Origination, now: Moment) -> Told {
        if self.calls.values().any(|call| call.origin.id == it.id) {
            return Told::Begun;
        }
        if self.draining {
            return Told::Refused("the server stops".into());
        }
        if self.busy() >= self.config.calls_max {
            return Told::Refused("the server has as many calls as it may have".into());
        }
        if self.busy_in(&it.domain) >= self.config.calls_per_domain_max {
            return Told::Refused("the domain has as many calls as it may have".into());
        }
        let call = match Call::originated(it, now) {
            Ok(call) => call,
            Err(error) => return Told::Refused(error.to_string()),
        };
        self.numbers.call += 1;
        let key = CallKey(self.numbers.call);
        tracing::info!(domain = %it.domain, call = %it.id, to = %it.user, "originated call");
        self.count_in(&it.domain);
        self.calls.insert(key, call);
        self.with_call(key, now, |call, cx| call.ring(it, cx));
        Told::Begun
    }

    fn give_away(&mut self, domain: &str, users: &[String], picker: &Picker, now: Moment) -> Option<Picked> {
        let shard = self.config.shard;
        let mut own = self
            .calls
            .iter()
            .filter(|(_, call)| *call.origin.domain == *domain);
        // It has asked before.
        let user = users.first().map_or("", String::as_str);
        if let Some(picked) = own.find_map(|(key, call)| call.picked_by(picker, (shard, *key), user)) {
            return Some(picked);
        }
        let mut own = self
            .calls
            .iter()
            .filter(|(_, call)| *call.origin.domain == *domain);
        let key = own.find(|(_, call)| call.rings_at(users)).map(|(key, _)| *key)?;
        let mut picked = None;
        self.with_call(key, now, |call, cx: &mut Context<'_>| {
            picked = call.hand_to(picker, users, cx);
        });
        picked
    }
}
