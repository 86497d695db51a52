//! Pick-up: a call that rings at one user's phones is answered from another call, on whichever shard that is.
//!
//! The two calls stay where they are. Each gets a leg that stands for the other's ([`Signalling::Elsewhere`]): the one
//! that rang has it as the leg that answered its dial, the one that picked up bridges its own with it. Their media
//! endpoints are one gate's, so they can be joined. Each of the two has asked the other's shard to tell when it lets go
//! ([`Question::LetGo`]); as all questions, that is asked again after a restart.
//!
//! [`Signalling::Elsewhere`]: crate::leg::Signalling::Elsewhere

use std::sync::Arc;

use tandem_bus::media::EndpointId;
use tandem_host_api::Input;
use tandem_host_api::op::{Address, BridgeEnd, LegId, Outcome, PickUpFailure};

use super::{Call, Pending, Phase};
use crate::context::Context;
use crate::leg::{By, Leg, Link};
use crate::shard::{Answer, CallKey, Output, Question};

/// Who picks up.
#[derive(Debug, Clone)]
pub struct Picker {
    /// The shard of the call.
    pub shard: u64,
    /// Its number there.
    pub call: CallKey,
    /// Its identifier.
    pub id: String,
    /// The number of its question: asked again, it is known by it.
    pub question: u64,
    /// The endpoint of the leg that answers.
    pub endpoint: EndpointId,
    /// Who is on it.
    pub address: Address,
}

/// What was picked up.
#[derive(Debug, Clone)]
pub struct Picked {
    /// The shard of the call that rang.
    pub shard: u64,
    /// Its number there.
    pub call: CallKey,
    /// Its identifier.
    pub id: String,
    /// The endpoint of its caller.
    pub endpoint: EndpointId,
    /// Who calls.
    pub caller: Address,
    /// Who was called.
    pub called: Address,
}

impl Call {
    /// `pickup.pick-up`
    pub(crate) fn pick_up(&mut self, picker: LegId, users: Vec<String>, cx: &mut Context<'_>) {
        let refused = match self.leg(picker).filter(|leg| !leg.is_over()) {
            None => Some(PickUpFailure::Gone),
            Some(leg) if leg.is_audible() => None,
            Some(_) => Some(PickUpFailure::WrongState("answer the leg first".into())),
        };
        if let Some(failure) = refused {
            return self.done(Outcome::PickedUp(Err(failure)), cx);
        }
        self.core.pending = Pending::PickingUp {
            picker,
            users,
            question: cx.new_question(),
        };
        if let Some((number, question)) = self.pick_up_question((cx.shard.0, cx.call)) {
            cx.ask(number, question);
        }
    }

    /// What the shards are asked.
    pub(crate) fn pick_up_question(&self, (shard, call): (u64, CallKey)) -> Option<(u64, Question)> {
        let Pending::PickingUp {
            picker,
            users,
            question,
        } = &self.core.pending
        else {
            return None;
        };
        let leg = self.legs.get(picker.0 as usize)?;
        let picker = Picker {
            shard,
            call,
            id: self.origin.id.clone(),
            question: *question,
            endpoint: leg.endpoint,
            address: leg.peer.clone(),
        };
        let asked = Question::PickUp {
            domain: self.origin.domain.clone(),
            users: users.clone(),
            picker: Box::new(picker),
        };
        Some((*question, asked))
    }

    /// What the other calls of its links are asked.
    pub(crate) fn link_questions(&self) -> impl Iterator<Item = (u64, Question)> {
        self.legs.iter().filter_map(Leg::link).map(|link| {
            let question = Question::LetGo {
                shard: link.shard,
                call: link.call,
                id: link.id.clone(),
                by: self.origin.id.clone(),
            };
            (link.question, question)
        })
    }

    /// The shards told whether there was something to be picked up.
    pub(super) fn picked_up(&mut self, answer: Answer, cx: &mut Context<'_>) {
        let Pending::PickingUp { picker, .. } = self.core.pending else {
            return;
        };
        let Answer::PickedUp(Some(picked)) = answer else {
            return self.done(Outcome::PickedUp(Err(PickUpFailure::NothingRings)), cx);
        };
        let Picked {
            shard,
            call,
            id,
            endpoint,
            caller,
            called,
        } = *picked;
        let link = Link {
            shard,
            call,
            id,
            beside: picker,
            question: cx.new_question(),
            asked: 0,
        };
        let leg = self.add_elsewhere((caller, called), endpoint, link, cx);
        self.done(Outcome::PickedUp(Ok(leg)), cx);
    }

    fn add_elsewhere(
        &mut self,
        parties: (Address, Address),
        endpoint: EndpointId,
        link: Link,
        cx: &mut Context<'_>,
    ) -> LegId {
        let id = LegId(self.legs.len() as u32);
        let question = Question::LetGo {
            shard: link.shard,
            call: link.call,
            id: link.id.clone(),
            by: self.origin.id.clone(),
        };
        cx.ask(link.question, question);
        self.legs.push(Leg::elsewhere(id, parties, endpoint, link, cx));
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::LegAnswered { leg: id },
        });
        id
    }

    /// Whether this call rings at one of these users and can be picked up.
    pub fn rings_at(&self, users: &[String]) -> bool {
        self.core.phase == Phase::Running
            && matches!(&self.core.pending, Pending::Dialling(dialling) if dialling.rings_at(users, &self.legs))
    }

    /// Gives the caller of this call, which rings, to who picks up. None: the call has no place for another leg.
    pub fn hand_to(&mut self, picker: &Picker, users: &[String], cx: &mut Context<'_>) -> Option<Picked> {
        let Pending::Dialling(dialling) = &self.core.pending else {
            return None;
        };
        if self.legs.len() >= crate::dialling::LEGS_MAX {
            return None;
        }
        let (caller, from) = (dialling.caller(), dialling.from().clone());
        let user = dialling.user_among(users)?;
        // It has ports from now on: the one who picked up may be quicker with its bridge.
        if let Some(leg) = self.leg(caller) {
            leg.open_media(cx);
        }
        let link = Link {
            shard: picker.shard,
            call: picker.call,
            id: picker.id.clone(),
            beside: caller,
            question: cx.new_question(),
            asked: picker.question,
        };
        let parties = (picker.address.clone(), from);
        let leg = self.add_elsewhere(parties, picker.endpoint, link, cx);
        tracing::info!(
            domain = %cx.domain, call = %self.origin.id, %user, by = %picker.address.user, "picked up"
        );
        let words: Arc<str> = format!("picked up by {}", picker.address.user).into();
        self.dialling_taken(leg, &words, cx);
        self.picked_by(picker, (cx.shard.0, cx.call), &user)
    }

    /// What this question of another call was given here, if it was.
    pub fn picked_by(&self, picker: &Picker, (shard, call): (u64, CallKey), user: &str) -> Option<Picked> {
        let link = self
            .legs
            .iter()
            .filter_map(Leg::link)
            .find(|link| link.id == picker.id && link.asked == picker.question)?;
        let caller = self.legs.get(link.beside.0 as usize)?;
        Some(Picked {
            shard,
            call,
            id: self.origin.id.clone(),
            endpoint: caller.endpoint,
            caller: caller.peer.clone(),
            called: Address {
                user: user.to_owned(),
                host: self.origin.domain.to_string(),
                display_name: String::new(),
            },
        })
    }

    /// Whether this call holds on to the one with that identifier.
    pub fn holds(&self, other: &str) -> bool {
        let is_there = |id: LegId| self.legs.get(id.0 as usize).is_some_and(|leg| !leg.is_over());
        // One that picks up may have been given something, and not know it yet.
        matches!(self.core.pending, Pending::PickingUp { picker, .. } if is_there(picker))
            || self
                .legs
                .iter()
                .filter_map(Leg::link)
                .any(|link| link.id == other && is_there(link.beside))
    }

    /// The other call of a link has let go.
    pub(super) fn link_ended(&mut self, question: u64, cx: &mut Context<'_>) {
        let asked = |leg: &Leg| leg.link().is_some_and(|link| link.question == question);
        let Some(place) = self.legs.iter().position(asked) else {
            return;
        };
        let id = LegId(place as u32);
        if let Some(leg) = self.leg(id) {
            leg.end(By::Peer, 200, "hung up", cx);
        }
        let end = match self.core.pending.bridge() {
            Some((first, ..)) if first == id => BridgeEnd::FirstHungUp,
            _ => BridgeEnd::SecondHungUp,
        };
        self.after_end(id, end, cx);
    }
}
