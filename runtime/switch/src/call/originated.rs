//! Calls that no caller began: the target is rung first, and whoever answers is the scenario's caller.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_directory::Resolved;
use tandem_host_api::op::{Address, DialFailure, LegId, Target};
use tandem_sip::transactions::ClientId;
use tandem_sip::{Message, Method, Moment, Name, ParseError};

use super::{Call, Core, Fallback, Origin, Phase};
use crate::canary;
use crate::context::{ClientUse, Context};
use crate::leg::Role;
use crate::shard::{Output, Start};
use crate::sip_text;

/// What a shard is asked to originate.
#[derive(Debug, Clone)]
pub struct Origination {
    /// The call's identifier: asked for again under it, there is one call.
    pub id: String,
    /// Its domain.
    pub domain: Arc<str>,
    /// What is to handle it.
    pub resolved: Resolved,
    /// The name of the user that is rung.
    pub user: String,
    /// Who the user sees.
    pub from: Address,
    /// What the scenario can read.
    pub data: String,
    /// How long the user's devices ring.
    pub ring_ms: u32,
}

/// What is written down of an origination.
#[derive(Debug, Serialize, Deserialize)]
pub struct Originated {
    /// What the scenario can read.
    pub data: String,
    /// Why nobody answered.
    pub failure: Option<DialFailure>,
}

impl Originated {
    /// Who ended a call that nobody answered, in the word of records.
    pub fn ended_by(&self) -> &'static str {
        match self.failure {
            Some(DialFailure::Busy | DialFailure::Declined | DialFailure::Rejected(..)) => "callee",
            _ => "system",
        }
    }

    /// The status that says why nobody answered, as a caller would have got it.
    pub fn status(&self) -> Option<u16> {
        Some(match self.failure.as_ref()? {
            DialFailure::NotFound(_) => 404,
            DialFailure::Busy => 486,
            DialFailure::NoAnswer => 408,
            DialFailure::Declined => 603,
            DialFailure::Rejected(status, _) => *status,
            DialFailure::Media(_) => 488,
            DialFailure::Limit(_) => 503,
            DialFailure::Unreachable | DialFailure::CallerGone | DialFailure::BadArgument(_) => 480,
        })
    }
}

impl Call {
    /// A call that is to ring somebody: [`Self::ring`] follows. Errors: what is asked for cannot be said in SIP.
    pub fn originated(it: &Origination, now: Moment) -> Result<Self, ParseError> {
        let caller = Address {
            user: it.user.clone(),
            host: it.domain.to_string(),
            display_name: String::new(),
        };
        let origin = Origin {
            id: it.id.clone(),
            domain: it.domain.clone(),
            entry: Arc::clone(canary::chosen(&it.resolved, &it.id)),
            request: request(it, &caller)?,
            caller,
            dialled: it.from.clone(),
            started: now,
            max_forwards: 70,
        };
        let fallback = it.resolved.fallback.clone();
        Ok(Self {
            origin,
            legs: Vec::new(),
            core: Core::new(Phase::Originating),
            tapes: Vec::new(),
            fallback: fallback.map(|entry| Fallback { entry, failed: None }),
            originated: Some(Originated {
                data: it.data.clone(),
                failure: None,
            }),
            deadline: None,
        })
    }

    /// Rings the target.
    pub fn ring(&mut self, it: &Origination, cx: &mut Context<'_>) {
        let target = Target::User(it.user.clone());
        self.dial_for_nobody(target, it.from.clone(), it.ring_ms, cx);
    }

    /// The target has answered, or will not.
    pub(crate) fn rung(&mut self, result: Result<LegId, DialFailure>, cx: &mut Context<'_>) {
        match result {
            Ok(winner) => {
                self.make_caller(winner, cx);
                self.core.phase = Phase::Running;
                let start = Start::of(cx.call, self);
                cx.out.push_back(Output::Start(Box::new(start)));
                let begun = self.happening(false, cx.now);
                cx.out.push_back(Output::Happened(Box::new(begun)));
            }
            Err(failure) => {
                tracing::info!(domain = %cx.domain, call = %self.origin.id, ?failure, "nobody answered");
                if let Some(originated) = &mut self.originated {
                    originated.failure = Some(failure);
                }
                self.close(cx);
            }
        }
    }

    /// The leg that answered takes the caller's number, 0, and the one that has it takes its own.
    fn make_caller(&mut self, winner: LegId, cx: &mut Context<'_>) {
        let place = winner.0 as usize;
        if place >= self.legs.len() {
            return;
        }
        self.legs.swap(0, place);
        let key = cx.call;
        let renamed = |id: LegId| match id {
            LegId(0) => winner,
            id if id == winner => LegId(0),
            id => id,
        };
        for leg in &mut self.legs {
            leg.id = renamed(leg.id);
        }
        for (call, leg) in cx.endpoints.values_mut().chain(cx.dialogs.values_mut()) {
            if *call == key {
                *leg = renamed(*leg);
            }
        }
        let mut touched: Vec<ClientId> = Vec::new();
        for (client, owner) in cx.clients.iter_mut().filter(|(_, owner)| owner.call == key) {
            if let ClientUse::Invite(leg) | ClientUse::Probe(leg) = &mut owner.used {
                *leg = renamed(*leg);
                touched.push(*client);
            }
        }
        for client in touched {
            cx.sip.touch_client(client); // whose it is has to be written down again
        }
        if let Some(leg) = self.legs.first_mut() {
            leg.role = Role::Caller;
        }
    }
}

/// What a scenario can read the headers of: the INVITE that the target would have sent.
fn request(it: &Origination, caller: &Address) -> Result<Message, ParseError> {
    let to = sip_text::name_addr(&it.from);
    let uri = format!("sip:{}@{}", sip_text::escape_user(&it.from.user), it.domain);
    Message::request(Method::Invite, &uri)
        .header(
            Name::From,
            format!("{};tag={}", sip_text::name_addr(caller), it.id),
        )
        .header(Name::To, to)
        .header(Name::CallId, &it.id)
        .header(Name::CSeq, "1 INVITE")
        .header(Name::MaxForwards, "70")
        .build()
}
