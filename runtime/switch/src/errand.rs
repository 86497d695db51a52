//! Requests within a dialog whose connection is gone: where else is the device?
//!
//! First the user's registrations are asked for (a phone that lost its connection soon registers by another), then a
//! connection to the device's own address is tried. What fails is tried again until its time is over. A leg whose
//! device was never found is lost; one that nobody has to be told anything stays.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_host_api::op::Target;
use tandem_sip::registrar::{Binding, Reach};
use tandem_sip::{Flow, Moment, Name, NameAddr, Transport, Uri};

use crate::context::{ClientOwner, ClientUse, Way};
use crate::shard::{Answer, Located, Output, Question, Shard};

/// A device is sought for so long: as long as a request would wait for its answer (64*T1).
const SEEK_MAX: Duration = Duration::from_secs(32);
/// Between two tries.
const SEEK_PAUSE: Duration = Duration::from_secs(2);

/// A request that has no way yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seeking {
    owner: ClientOwner,
    /// When to ask again; none: the question is under way.
    again: Option<Moment>,
}

/// Requests that have no way yet, by their question.
#[derive(Debug, Default)]
pub struct Errands {
    seeking: HashMap<u64, Seeking>,
    due: BTreeSet<(Moment, u64)>,
}

impl Errands {
    /// How many.
    pub fn len(&self) -> usize {
        self.seeking.len()
    }

    /// When the next is due.
    pub fn deadline(&self) -> Option<Moment> {
        self.due.first().map(|(at, _)| *at)
    }

    /// One, to be written down.
    pub fn at(&self, number: u64) -> Option<&Seeking> {
        self.seeking.get(&number)
    }

    fn insert(&mut self, number: u64, seeking: Seeking) {
        if let Some(at) = seeking.again {
            self.due.insert((at, number));
        }
        self.seeking.insert(number, seeking);
    }

    fn remove(&mut self, number: u64) -> Option<Seeking> {
        let seeking = self.seeking.remove(&number)?;
        if let Some(at) = seeking.again {
            self.due.remove(&(at, number));
        }
        Some(seeking)
    }
}

impl Shard {
    /// A request's connection is gone: by what way does it go?
    pub(crate) fn seek(&mut self, mut owner: ClientOwner, now: Moment) {
        let Some(errand) = &mut owner.errand else { return };
        let first = errand.until.is_none();
        let until = *errand.until.get_or_insert(now + SEEK_MAX);
        if let Some(flow) = self.known_way(&owner) {
            owner.flow = flow;
            return self.send_errand(owner, now);
        }
        let number = self.new_errand();
        let again = (!first).then(|| (now + SEEK_PAUSE).min(until));
        let seeking = Seeking { owner, again };
        if first {
            self.ask_way(number, &seeking);
        }
        self.errands.insert(number, seeking);
    }

    /// Takes up what sought a way before a restart.
    pub(crate) fn seek_on(&mut self, number: u64, seeking: Seeking) {
        if seeking.again.is_none() {
            self.ask_way(number, &seeking);
        }
        self.errands.insert(number, seeking);
    }

    /// Tries again what is due.
    pub(crate) fn seek_again(&mut self, now: Moment) {
        while let Some((at, number)) = self.errands.due.first().copied()
            && at <= now
        {
            let Some(Seeking { owner, .. }) = self.errands.remove(number) else {
                self.errands.due.remove(&(at, number));
                continue;
            };
            self.journal.note_waiting(number);
            let until = owner.errand.as_ref().and_then(|errand| errand.until);
            if until.is_none_or(|until| now >= until) {
                tracing::info!(call = owner.call.0, used = ?owner.used, "a peer whose connection is gone was not found");
                self.with_call(owner.call, now, |call, cx| {
                    call.handle_unreachable(owner.used, cx);
                });
            } else {
                let number = self.new_errand();
                let seeking = Seeking { owner, again: None };
                self.ask_way(number, &seeking);
                self.errands.insert(number, seeking);
            }
        }
    }

    /// The registrations of a device's user are known.
    pub(crate) fn errand_answered(&mut self, number: u64, answer: Answer, now: Moment) {
        let Some(Seeking { mut owner, .. }) = self.errands.remove(number) else {
            return;
        };
        self.journal.note_waiting(number);
        let bindings = match answer {
            Answer::Located(Some(Located { bindings, .. })) => bindings,
            _ => Vec::new(),
        };
        let way = self
            .known_way(&owner)
            .or_else(|| registered(&owner, &bindings))
            .or_else(|| own_address(&owner));
        if let Some(flow) = way {
            owner.flow = flow;
            self.send_errand(owner, now);
        } else {
            self.seek(owner, now);
        }
    }

    fn new_errand(&mut self) -> u64 {
        self.numbers.question += 1;
        self.journal.note_waiting(self.numbers.question);
        self.numbers.question
    }

    fn ask_way(&mut self, number: u64, seeking: &Seeking) {
        let Some(errand) = &seeking.owner.errand else {
            return;
        };
        // A caller that is no user of the domain has no registrations; the answer says so like any other.
        let user = errand.user.clone().unwrap_or_default();
        self.out.push_back(Output::Ask {
            call: seeking.owner.call,
            number,
            question: Question::Locate {
                domain: Arc::from(errand.domain.as_str()),
                target: Target::User(user),
            },
        });
    }

    /// The way that the leg has, where the peer has shown another meanwhile.
    fn known_way(&self, owner: &ClientOwner) -> Option<Flow> {
        let ClientUse::Probe(id) = owner.used else {
            return None;
        };
        let way = self.calls.get(&owner.call)?.legs.get(id.0 as usize)?.way;
        (!way.closed && way.flow != owner.flow).then_some(way.flow)
    }

    fn send_errand(&mut self, owner: ClientOwner, now: Moment) {
        let flow = owner.flow;
        if let ClientUse::Probe(id) = owner.used {
            self.with_call(owner.call, now, |call, _| {
                if let Some(leg) = call.leg(id) {
                    leg.note_way(flow);
                }
            });
        }
        let request = owner.request.clone();
        let client = self.sip.request(request, flow, &flow.local.to_string(), now);
        self.indexes.clients.insert(client, owner);
    }

    /// Connections are gone: INVITEs without an answer fail, answered legs stay and seek a way when they need one.
    pub(crate) fn handle_flows_closed(&mut self, lost: impl Fn(Flow) -> bool, now: Moment) {
        for (key, call) in &mut self.calls {
            for leg in call
                .legs
                .iter_mut()
                .filter(|leg| !leg.way.closed && lost(leg.way.flow))
            {
                leg.way.closed = true;
                self.journal.note_call(*key);
            }
        }
        self.sip.handle_transport_errors(|flow| lost(*flow), now);
    }
}

impl Way {
    /// Whether this is the end of a connection that a new SIP gate does not have.
    pub(crate) fn is_connection(flow: Flow) -> bool {
        flow.transport == Transport::Tcp
    }
}

/// The flow of the registration that is most likely the same device: its contact is the dialog's target, or on the same
/// host. Another device of the user would answer 481, and the right one would never hear of the request.
fn registered(owner: &ClientOwner, bindings: &[Binding]) -> Option<Flow> {
    let target = owner.request.uri_str();
    let host = |uri: &str| Uri::parse(uri.as_bytes()).ok().map(|uri| uri.host.to_string());
    let target_host = host(target);
    let likeness = |binding: &&Binding| {
        u8::from(binding.contact_uri == target) * 2 + u8::from(host(&binding.contact_uri) == target_host)
    };
    bindings
        .iter()
        // The last of equals is taken: reversed, that is the most wanted one.
        .rev()
        .filter(|binding| likeness(binding) > 0 && way_to(binding).is_some_and(|way| way != owner.flow))
        .max_by_key(likeness)
        .and_then(way_to)
}

/// The flow of a binding; where its connection is gone, a new one to where the phone may take it.
pub(crate) fn way_to(binding: &Binding) -> Option<Flow> {
    match binding.reach() {
        Reach::Flow(flow) => Some(flow),
        Reach::Address(transport, remote) => Some(Flow {
            transport,
            local: binding.flow.local,
            remote,
            connection: 0,
        }),
        Reach::Nowhere => None,
    }
}

/// A new connection to the address of the first route, else of the dialog's target.
fn own_address(owner: &ClientOwner) -> Option<Flow> {
    let (_, remote) = match owner.request.header(Name::Route) {
        Some(route) => NameAddr::parse(route).ok()?.uri.address(Transport::Tcp),
        None => owner.request.uri().ok()?.address(Transport::Tcp),
    }?;
    Some(Flow {
        transport: Transport::Tcp,
        local: owner.flow.local,
        remote,
        connection: 0,
    })
}
