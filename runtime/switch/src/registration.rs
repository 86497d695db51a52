//! The registrar role without sockets: REGISTER with authentication (RFC 3261 §10), and who is where.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};
use tandem_sip::registrar::{Aor, Binding, Registrar};
use tandem_sip::transactions::{
    Config as TransactionsConfig, Event as SipEvent, Output as SipOutput, ServerId, Supported, Transactions,
};
use tandem_sip::{Builder, Flow, Message, Method, Moment, Name};

use crate::admission::{Verdict, check_credentials};
use crate::context::Way;
use crate::nonces::{Challenger, Nonces};
use crate::shard::{Admitted, Answer, Question};
use crate::sip_text;

mod lasting;

/// REGISTERs that may wait for the directory at a time; more get 503.
const WAITING_MAX: usize = 10_000;

/// What happens to the role.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once, and most of them carry a message"
)]
pub enum Input {
    /// A REGISTER that passed [`Message::validate`].
    Sip { flow: Flow, message: Message },
    /// A connection is gone.
    FlowClosed { flow: Flow },
    /// The way to a SIP gate is open: at the start, and whenever it was broken. What was sent meanwhile may be lost and is
    /// sent again. `fresh`: it is another gate than before, every connection of that one is gone.
    SipGateConnected { fresh: bool },
    /// A question was answered.
    Answered { number: u64, answer: Answer },
    /// The time of [`Output::Wait`] has come.
    Timeout,
}

/// What the driver does.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Output {
    /// Send bytes on a flow.
    Send { flow: Flow, bytes: Bytes },
    /// Find something out.
    Ask { number: u64, question: Question },
    /// A user has a first device, or the last one is gone.
    Presence {
        domain: String,
        user: String,
        registered: bool,
        at: Moment,
    },
    /// Nothing more now; come back with [`Input::Timeout`] then.
    Wait(Option<Moment>),
    /// A device's binding has changed.
    Bound {
        domain: String,
        user: String,
        contact: String,
        change: BindingChange,
    },
}

/// What has become of a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindingChange {
    /// It is new.
    Added,
    /// It was there.
    Refreshed,
    /// It is gone.
    Removed,
}

impl Output {
    fn is_presence_of(&self, aor: &Aor) -> bool {
        matches!(self, Self::Presence { domain, user, .. } if *domain == aor.domain && *user == aor.user)
    }
}

/// A REGISTER that waits for the directory's answer.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    server: ServerId,
    flow: Flow,
    request: Message,
    host: String,
    user: String,
}

/// The registrar of all domains of this server.
#[derive(Debug)]
pub struct Registration {
    sip: Transactions,
    registrar: Registrar,
    challenger: Challenger,
    supported: Supported,
    waiting: HashMap<u64, Waiting>,
    next_question: u64,
    out: VecDeque<Output>,
    sip_deadline: Option<Moment>,
    rng: StdRng,
    /// REGISTERs refused for their credentials.
    refused: u64,
    journal: lasting::Unwritten,
}

impl Registration {
    /// With nobody registered.
    pub fn new(registrar: Registrar, nonces: Nonces, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let sip = Transactions::new(TransactionsConfig::default(), StdRng::seed_from_u64(rng.random()));
        Self {
            sip,
            registrar,
            challenger: Challenger::new(nonces, None),
            supported: Supported::default(),
            waiting: HashMap::new(),
            next_question: 0,
            out: VecDeque::new(),
            sip_deadline: None,
            rng,
            refused: 0,
            journal: lasting::Unwritten::default(),
        }
    }

    /// The devices of a user, the most wanted first.
    pub fn lookup(&self, domain: &str, user: &str, now: Moment) -> Vec<Binding> {
        self.registrar.lookup(&Aor::new(domain, user), now)
    }

    /// Bindings at this moment.
    pub fn bindings(&self) -> usize {
        self.registrar.len()
    }

    /// Devices that are registered, of a domain's users or of all.
    pub fn devices(&self, domain: Option<&str>) -> usize {
        self.registrar.count(domain)
    }

    /// Devices that are registered, by domain.
    pub fn devices_by_domain(&self) -> HashMap<String, usize> {
        self.registrar.count_by_domain()
    }

    /// REGISTERs refused for their credentials so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes one input. Drain [`Self::poll_output`] before giving the next.
    pub fn handle(&mut self, input: Input, now: Moment) {
        match input {
            Input::Sip { flow, message } => self.sip.handle_inbound(flow, message, now),
            Input::FlowClosed { flow } => self.handle_flows_closed(|other| *other == flow, now),
            Input::SipGateConnected { fresh } => {
                if fresh {
                    self.handle_flows_closed(|flow| Way::is_connection(*flow), now);
                }
                self.sip.resend(now);
            }
            Input::Answered { number, answer } => {
                if let Some(waiting) = self.waiting.remove(&number) {
                    self.journal.note_waiting(number);
                    self.register(&waiting, answer, now);
                }
            }
            Input::Timeout => {
                self.sip.handle_timeout(now);
                for (aor, binding) in self.registrar.expire(now) {
                    tracing::info!(domain = %aor.domain, user = %aor.user, "registration expired");
                    self.note_bound(&aor, &binding, BindingChange::Removed);
                    self.note_presence(&aor, true, now);
                }
            }
        }
        self.drain_sip(now);
    }

    /// What to do next; [`Output::Wait`] ends the drain.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            Output::Wait(
                [self.sip_deadline, self.registrar.next_deadline()]
                    .into_iter()
                    .flatten()
                    .min(),
            )
        })
    }

    fn handle_flows_closed(&mut self, closed: impl Fn(&Flow) -> bool, now: Moment) {
        self.sip.handle_transport_errors(&closed, now);
        for (aor, _) in self.registrar.handle_flows_closed(closed) {
            tracing::info!(domain = %aor.domain, user = %aor.user, "connection of a registration closed");
        }
    }

    fn drain_sip(&mut self, now: Moment) {
        loop {
            match self.sip.poll_output() {
                SipOutput::Send { flow, message } => {
                    self.out.push_back(Output::Send { flow, bytes: message });
                }
                SipOutput::Event(SipEvent::Request {
                    server,
                    flow,
                    message,
                }) => {
                    self.handle_request(server, flow, &message, now);
                }
                SipOutput::Event(_) => (),
                SipOutput::Wait(at) => {
                    self.sip_deadline = at;
                    return;
                }
            }
        }
    }

    fn handle_request(&mut self, server: ServerId, flow: Flow, request: &Message, now: Moment) {
        let refused = match self.sip.check_request(request, &self.supported) {
            Err(reject) => Some(reject),
            Ok(()) if self.waiting.len() >= WAITING_MAX => {
                Some(tandem_sip::Reject::new(503, "Service Unavailable"))
            }
            Ok(()) => None,
        };
        if let Some(reject) = refused {
            let tag = tandem_sip::dialog::new_tag(&mut self.rng);
            let reply = self.supported.refuse(request, &reject, &tag);
            return self.respond(server, reply, now);
        }
        let (Ok(uri), Ok(to)) = (request.uri(), request.to()) else {
            return self.reply(server, request, flow, 400, now);
        };
        // The domain is the Request-URI's host; a phone that registers at this server's address means that of To.
        let host = if uri.host.ip().is_some() {
            &to.uri.host
        } else {
            &uri.host
        };
        let user = to
            .uri
            .user()
            .map(std::borrow::Cow::into_owned)
            .unwrap_or_default();
        self.next_question += 1;
        let waiting = Waiting {
            server,
            flow,
            request: request.clone(),
            host: host.to_string(),
            user,
        };
        self.journal.note_waiting(self.next_question);
        self.wait(self.next_question, waiting);
    }

    /// Asks the directory.
    fn wait(&mut self, number: u64, waiting: Waiting) {
        let question = Question::Admit {
            host: waiting.host.clone(),
            user: waiting.user.clone(),
            dialled: String::new(),
        };
        self.out.push_back(Output::Ask { number, question });
        self.waiting.insert(number, waiting);
    }

    fn register(&mut self, waiting: &Waiting, answer: Answer, now: Moment) {
        let Waiting {
            server,
            flow,
            request,
            user,
            ..
        } = waiting;
        let admitted = match answer {
            Answer::Admit(Some(admitted)) => admitted,
            Answer::Admit(None) => return self.reply(*server, request, *flow, 404, now),
            _ => return self.reply(*server, request, *flow, 503, now),
        };
        // To must name a user of the domain that the Request-URI names (RFC 3261 §10.3 item 5).
        let of_domain = request.to().is_ok_and(|to| {
            to.uri.host.ip().is_some() || to.uri.host.to_string().eq_ignore_ascii_case(&admitted.domain)
        });
        if !of_domain {
            return self.reply(*server, request, *flow, 404, now);
        }
        match check_credentials(
            request,
            Method::Register,
            user,
            &admitted,
            &mut self.challenger.verifier,
            now,
        ) {
            Verdict::Caller => self.bind(waiting, &admitted, now),
            Verdict::Challenge(values) => {
                let tag = tandem_sip::dialog::new_tag(&mut self.rng);
                self.respond(*server, sip_text::challenge(request, &values, &tag), now);
            }
            Verdict::Refused(why) => {
                self.refused += 1;
                let domain = &admitted.domain;
                tracing::warn!(%domain, %user, remote = %flow.remote, why, "registration refused");
                self.reply(*server, request, *flow, 403, now);
            }
        }
    }

    fn bind(&mut self, waiting: &Waiting, admitted: &Admitted, now: Moment) {
        let Waiting {
            server,
            flow,
            request,
            user,
            ..
        } = waiting;
        let domain = &admitted.domain;
        let tag = tandem_sip::dialog::new_tag(&mut self.rng);
        let aor = Aor::new(domain, user);
        let before = self.registrar.lookup(&aor, now);
        let registered = self.registrar.register(&aor, request, *flow, now);
        self.note_presence(&aor, !before.is_empty(), now);
        if let Ok(after) = &registered {
            self.note_changes(&aor, &before, after);
        }
        let reply = match registered {
            Ok(bindings) => {
                tracing::info!(%domain, %user, remote = %flow.remote, devices = bindings.len(), "registered");
                let contacts = bindings.iter().map(|binding| binding.contact_header(now));
                Builder::reply(request, 200, "OK")
                    .to_tag(&tag)
                    .headers(Name::Contact, contacts)
                    .build()
            }
            Err(error) => {
                tracing::warn!(%domain, %user, remote = %flow.remote, %error, "registration refused");
                let reject = error.reject();
                let least = error.min_expires_s().map(|s| s.to_string());
                let reply = Builder::reply(request, reject.status, &reject.reason);
                reply.to_tag(&tag).headers(Name::MinExpires, least).build()
            }
        };
        self.respond(*server, reply, now);
    }

    /// Tells of a user whose devices have become some, or none.
    fn note_presence(&mut self, aor: &Aor, before: bool, at: Moment) {
        let registered = !self.registrar.lookup(aor, at).is_empty();
        // Of several devices that went at once one tells.
        if registered != before && !self.out.iter().any(|out| out.is_presence_of(aor)) {
            self.out.push_back(Output::Presence {
                domain: aor.domain.clone(),
                user: aor.user.clone(),
                registered,
                at,
            });
        }
    }

    /// Tells what a REGISTER has done. What it did not name is as it was.
    fn note_changes(&mut self, aor: &Aor, before: &[Binding], after: &[Binding]) {
        let same = |there: &[Binding], binding: &Binding| {
            let found = there.iter().find(|it| it.contact_uri == binding.contact_uri);
            found.map(Binding::freshness)
        };
        for binding in after {
            match same(before, binding) {
                None => self.note_bound(aor, binding, BindingChange::Added),
                Some(freshness) if freshness != binding.freshness() => {
                    self.note_bound(aor, binding, BindingChange::Refreshed);
                }
                Some(_) => (),
            }
        }
        for binding in before.iter().filter(|binding| same(after, binding).is_none()) {
            self.note_bound(aor, binding, BindingChange::Removed);
        }
    }

    fn note_bound(&mut self, aor: &Aor, binding: &Binding, change: BindingChange) {
        self.out.push_back(Output::Bound {
            domain: aor.domain.clone(),
            user: aor.user.clone(),
            contact: binding.contact_uri.clone(),
            change,
        });
    }

    fn reply(&mut self, server: ServerId, request: &Message, flow: Flow, status: u16, now: Moment) {
        let tag = tandem_sip::dialog::new_tag(&mut self.rng);
        self.respond(server, sip_text::reply(request, status, &tag, flow, None), now);
    }

    fn respond(&mut self, server: ServerId, reply: Result<Message, tandem_sip::ParseError>, now: Moment) {
        match reply {
            // A transaction that is gone needs no answer.
            Ok(reply) => drop(self.sip.respond(server, reply, now)),
            Err(error) => tracing::error!(%error, "a response could not be written"),
        }
    }
}
