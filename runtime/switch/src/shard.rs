//! One shard of the call logic: takes inputs, finds the call that each concerns, collects what leaves.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};
use tandem_bus::media::{Command, Event};
use tandem_host_api::op::LegId;
use tandem_sip::transactions::{
    ClientId, Config as TransactionsConfig, Event as SipEvent, Output as SipOutput, ServerId, Supported,
    Transactions,
};
use tandem_sip::{Flow, Message, Method, Moment};

use crate::admission::Admission;
use crate::call::{Call, Phase};
use crate::changes::Unwritten;
use crate::context::{ClientOwner, ClientUse, Context, Indexes, Numbers, Way};
use crate::errand::Errands;
use crate::leg::{By, Leg, Media};
use crate::nonces::{Challenger, Nonces};
use crate::record::Record;
use crate::sip_text;

/// The reach of a call: every field of the shard that it may touch, borrowed apart.
macro_rules! context {
    ($shard:expr, $key:expr, $domain:expr, $now:expr) => {
        Context {
            call: $key,
            domain: $domain,
            now: $now,
            sip: &mut $shard.sip,
            dialogs: &mut $shard.indexes.dialogs,
            clients: &mut $shard.indexes.clients,
            seeking: &mut $shard.seeking,
            endpoints: &mut $shard.indexes.endpoints,
            out: &mut $shard.out,
            rng: &mut $shard.rng,
            numbers: &mut $shard.numbers,
            shard: ($shard.config.shard, $shard.config.shards),
            gate_reports: $shard.gate_reports,
            opens_wait: $shard.opens_at.is_some(),
        }
    };
}

mod admitting;
mod inquiry;
mod io;
mod limits;
mod texts;

pub use inquiry::{Inquiry, Told};
pub use io::{Admitted, Answer, FallBack, Happening, Input, Located, Output, Question, Resume, Start};

/// A call's number within its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallKey(pub u64);

/// The shard that a Call-ID belongs to, out of `shards` (FNV-1a: the same on every server and in every release).
pub fn shard_of(call_id: &str, shards: u64) -> u64 {
    let hash = call_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % shards.max(1)
}

/// A shard's settings.
#[derive(Debug, Clone)]
pub struct ShardConfig {
    /// This shard's number.
    pub shard: u64,
    /// Out of how many.
    pub shards: u64,
    /// Calls at a time, over all domains; more get 503. Calls from before a restart count once their peers have shown
    /// that they are there.
    pub calls_max: usize,
    /// Calls at a time in one domain; more get 503. They are counted likewise.
    pub calls_per_domain_max: usize,
}

/// One shard of the call logic.
#[derive(Debug)]
pub struct Shard {
    pub(crate) config: ShardConfig,
    pub(crate) sip: Transactions,
    pub(crate) challenger: Challenger,
    pub(crate) calls: BTreeMap<CallKey, Call>,
    pub(crate) per_domain: HashMap<String, usize>,
    /// Calls from before a restart whose peers may be gone.
    pub(crate) silent: BTreeSet<CallKey>,
    /// Requests that are to seek a way.
    pub(crate) seeking: Vec<ClientOwner>,
    /// Requests that seek a way.
    pub(crate) errands: Errands,
    pub(crate) indexes: Indexes,
    pub(crate) admissions: HashMap<u64, Admission>,
    pub(crate) asked: HashMap<u64, CallKey>,
    /// Texts of scenarios that no call starts, by numbers as calls have them.
    texts: HashMap<CallKey, texts::Text>,
    /// Who waits for a call to let go of another: the inquiry, and that other.
    held: HashMap<CallKey, Vec<(u64, String)>>,
    deadlines: BTreeSet<(Moment, CallKey)>,
    due: HashMap<CallKey, Moment>,
    pub(crate) out: VecDeque<Output>,
    pub(crate) numbers: Numbers,
    rng: StdRng,
    supported: Supported,
    sip_deadline: Option<Moment>,
    draining: bool,
    /// The gate has been, or is to be, asked what exists.
    pub(crate) gate_reports: bool,
    /// The gate may lack endpoints that other shards have: their ports must be theirs again before any is opened.
    pub(crate) gate_lacks: bool,
    /// Until then no endpoint is opened.
    pub(crate) opens_at: Option<Moment>,
    pub(crate) journal: Unwritten,
}

impl Shard {
    /// An empty shard. `seed` is random.
    pub fn new(config: ShardConfig, nonces: Nonces, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let sip = Transactions::new(TransactionsConfig::default(), StdRng::seed_from_u64(rng.random()));
        let numbers = Numbers {
            endpoint: config.shard << 48,
            play: 0,
            send: 0,
            question: 0,
            call: 0,
        };
        Self {
            config,
            sip,
            challenger: Challenger::new(nonces, None),
            calls: BTreeMap::new(),
            per_domain: HashMap::new(),
            silent: BTreeSet::new(),
            seeking: Vec::new(),
            errands: Errands::default(),
            indexes: Indexes::default(),
            admissions: HashMap::new(),
            asked: HashMap::new(),
            texts: HashMap::new(),
            held: HashMap::new(),
            deadlines: BTreeSet::new(),
            due: HashMap::new(),
            out: VecDeque::new(),
            numbers,
            rng,
            supported: Supported::default(),
            sip_deadline: None,
            draining: false,
            gate_reports: false,
            gate_lacks: false,
            opens_at: None,
            journal: Unwritten::default(),
        }
    }

    /// Calls at this moment.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// The Call-IDs of calls at this moment, and of INVITEs that may become one.
    pub fn call_ids(&self) -> impl Iterator<Item = &str> {
        let legs = self.calls.values().flat_map(|call| &call.legs);
        let waiting = self.admissions.values();
        legs.filter_map(|leg| leg.call_id.as_deref())
            .chain(waiting.filter_map(|admission| admission.request.call_id().ok()))
    }

    /// How many things are remembered: calls, INVITEs and questions under way, and the ways by which inputs find their
    /// call. 0 once the last transaction of the last call is done.
    pub fn remembered(&self) -> usize {
        let Indexes {
            clients,
            servers,
            dialogs,
            endpoints,
        } = &self.indexes;
        self.calls.len()
            + self.admissions.len()
            + self.asked.len()
            + self.held.len()
            + self.errands.len()
            + self.deadlines.len()
            + self.due.len()
            + self.per_domain.len()
            + self.silent.len()
            + clients.len()
            + servers.len()
            + dialogs.len()
            + endpoints.len()
    }

    /// Takes one input. Drain [`Self::poll_output`] before giving the next.
    pub fn handle(&mut self, input: Input, now: Moment) {
        match input {
            Input::Sip { flow, message } => self.sip.handle_inbound(flow, message, now),
            Input::FlowClosed { flow } => self.handle_flows_closed(|other| other == flow, now),
            Input::SipGateConnected { fresh } => {
                if fresh {
                    self.handle_flows_closed(Way::is_connection, now);
                }
                self.sip.resend(now);
                for call in self.call_keys() {
                    self.with_call(call, now, Call::resend);
                }
            }
            Input::Media(Event::Reported { endpoints, .. }) => self.reconcile(endpoints, now),
            Input::Media(event) => self.handle_media(event, now),
            Input::GateConnected { fresh } => {
                tracing::info!(shard = self.config.shard, fresh, "media gate connected");
                self.gate_reports = true;
                self.gate_lacks |= fresh;
                let shard = self.config.shard as u16;
                self.out.push_back(Output::Media(Command::Report { shard }));
            }
            Input::Perform { call, index, op } => {
                self.with_call(call, now, |call, cx| call.perform(index, op, cx));
            }
            Input::Reperform { call, index, op } => {
                self.with_call(call, now, |call, cx| call.perform_again(index, op, cx));
            }
            Input::ScenarioEnded { call, end } => {
                self.with_call(call, now, |call, cx| call.handle_scenario_ended(end, cx));
            }
            Input::Answered { number, answer } => self.handle_answer(number, answer, now),
            Input::Inquire { number, inquiry } => self.handle_inquiry(number, inquiry, now),
            Input::Drain { on } => self.draining = on,
            Input::EndAll => {
                for key in self.call_keys() {
                    self.with_call(key, now, |call, cx| {
                        call.end_all(By::System, 503, "the server stops", cx);
                        call.stop_scenario(cx);
                    });
                }
            }
            Input::Timeout => self.handle_timeout(now),
        }
        self.drain_sip(now);
    }

    /// All calls, in an order that is the same in every run.
    pub(crate) fn call_keys(&self) -> Vec<CallKey> {
        let mut keys: Vec<_> = self.calls.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    /// What to do next; [`Output::Wait`] ends the drain.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            let calls = self.deadlines.first().map(|(at, _)| *at);
            Output::Wait(
                [calls, self.sip_deadline, self.errands.deadline(), self.opens_at]
                    .into_iter()
                    .flatten()
                    .min(),
            )
        })
    }

    fn handle_media(&mut self, event: Event, now: Moment) {
        let Some(endpoint) = event.endpoint() else { return };
        if let Some((call, leg)) = self.indexes.endpoints.get(&endpoint).copied() {
            if matches!(event, Event::Heard { .. } | Event::Digit { .. }) {
                self.note_alive(call);
            }
            self.with_call(call, now, |call, cx| call.handle_media(leg, event, cx));
        }
    }

    fn handle_timeout(&mut self, now: Moment) {
        self.sip.handle_timeout(now);
        if self.opens_at.is_some_and(|at| at <= now) {
            self.open_endpoints(now);
        }
        while let Some((at, key)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.remove(&(at, key));
            self.due.remove(&key);
            self.with_call(key, now, Call::handle_timeout);
        }
        self.seek_again(now);
    }

    fn handle_answer(&mut self, number: u64, answer: Answer, now: Moment) {
        if let Some(admission) = self.admissions.remove(&number) {
            self.journal.note_waiting(number);
            self.admit(admission, answer, now);
        } else if let Some(key) = self.asked.remove(&number) {
            if self.texts.contains_key(&key) {
                self.with_text(key, now, |text, own, cx| text.located(number, answer, own, cx));
            } else {
                self.with_call(key, now, |call, cx| call.handle_answer(number, answer, cx));
            }
        } else {
            self.errand_answered(number, answer, now);
        }
    }

    /// Events of the transaction layer, until there are none.
    pub(crate) fn drain_sip(&mut self, now: Moment) {
        loop {
            match self.sip.poll_output() {
                SipOutput::Send { flow, message } => {
                    self.out.push_back(Output::Send { flow, bytes: message });
                }
                SipOutput::Event(event) => self.handle_sip_event(event, now),
                SipOutput::Wait(at) => {
                    if self.seeking.is_empty() {
                        self.sip_deadline = at;
                        return;
                    }
                    for owner in std::mem::take(&mut self.seeking) {
                        self.seek(owner, now);
                    }
                }
            }
        }
    }

    fn handle_sip_event(&mut self, event: SipEvent, now: Moment) {
        match event {
            SipEvent::Request {
                server,
                flow,
                message,
            } => self.handle_request(server, flow, &message, now),
            SipEvent::Ack { flow, message } => {
                if let Some((key, leg)) = self.dialog_of(&message) {
                    self.note_alive(key);
                    self.with_call(key, now, |call, cx| call.handle_ack(leg, flow, &message, cx));
                }
            }
            SipEvent::Cancelled { server } => self.handle_cancelled(server, now),
            SipEvent::Response { client, message } => {
                let Some(owner) = self.owner(client, message.status().is_some_and(|s| s >= 200)) else {
                    return;
                };
                let ClientOwner {
                    call,
                    used,
                    request,
                    flow,
                    ..
                } = owner;
                if self.text_answered(call, Some(&message), now) {
                    return;
                }
                if self.calls.contains_key(&call) {
                    self.note_alive(call);
                    self.with_call(call, now, |call, cx| {
                        call.handle_response(used, &request, &message, cx);
                    });
                } else if matches!(used, ClientUse::Invite(_))
                    && message.status().is_some_and(|s| s / 100 == 2)
                {
                    self.detached(call, now, |cx| {
                        drop(sip_text::refuse_late_answer(&request, &message, flow, cx));
                    });
                }
            }
            SipEvent::ClientTimedOut { client } => {
                self.handle_client_failed(client, "no answer to our request", now);
            }
            SipEvent::ClientFailed { client } => {
                self.handle_client_unsent(client, now);
            }
            SipEvent::ServerFailed { server } => self.handle_server_failed(server, now),
            SipEvent::StrayResponse { .. } => (),
            SipEvent::ClientDone { client } => {
                // No further 200 comes to it: what they mean need not be known any more.
                if let Some(ClientOwner { call, used, .. }) = self.indexes.clients.remove(&client)
                    && let ClientUse::Invite(id) = used
                {
                    self.with_call(call, now, |call, _| call.leg(id).map_or((), Leg::forget_answers));
                }
            }
            SipEvent::ServerDone { server } => drop(self.indexes.servers.remove(&server)),
        }
    }

    fn owner(&mut self, client: ClientId, is_final: bool) -> Option<ClientOwner> {
        let owner = self.indexes.clients.get(&client)?;
        // An INVITE's transaction may bring further 200s until it is done (RFC 6026).
        if is_final && !matches!(owner.used, ClientUse::Invite(_)) {
            return self.indexes.clients.remove(&client);
        }
        Some(owner.clone())
    }

    fn handle_client_failed(&mut self, client: ClientId, words: &str, now: Moment) {
        if let Some(owner) = self.indexes.clients.remove(&client)
            && !self.text_answered(owner.call, None, now)
        {
            self.with_call(owner.call, now, |call, cx| {
                call.handle_failed(owner.used, words, cx);
            });
        }
    }

    /// A request could not be sent: within a dialog another way may lead there.
    fn handle_client_unsent(&mut self, client: ClientId, now: Moment) {
        if self
            .indexes
            .clients
            .get(&client)
            .is_some_and(|owner| owner.errand.is_some())
        {
            self.seeking.extend(self.indexes.clients.remove(&client));
        } else {
            self.handle_client_failed(client, "the request could not be sent", now);
        }
    }

    /// The connection of an INVITE is gone. Without a final response its caller is; a 200 is repeated by its leg, other
    /// final responses need nobody.
    fn handle_server_failed(&mut self, server: ServerId, now: Moment) {
        let journal = &mut self.journal;
        self.admissions.retain(|number, admission| {
            let stays = admission.server != server;
            if !stays {
                journal.note_waiting(*number);
            }
            stays
        });
        if let Some(key) = self.indexes.servers.get(&server).copied() {
            self.with_call(key, now, Call::handle_caller_lost);
        }
    }

    fn handle_cancelled(&mut self, server: ServerId, now: Moment) {
        if let Some(key) = self.indexes.servers.remove(&server) {
            self.with_call(key, now, Call::handle_cancelled);
        } else if let Some(number) = self
            .admissions
            .iter()
            .find(|(_, a)| a.server == server)
            .map(|(number, _)| *number)
            && let Some(admission) = self.admissions.remove(&number)
        {
            self.journal.note_waiting(number);
            self.refuse(&admission, 487, now);
        }
    }

    fn dialog_of(&self, message: &Message) -> Option<(CallKey, LegId)> {
        let id = tandem_sip::dialog::DialogId::of_request(message).ok()??;
        self.indexes.dialogs.get(&id).copied()
    }

    fn handle_request(&mut self, server: ServerId, flow: Flow, message: &Message, now: Moment) {
        if let Err(reject) = self.sip.check_request(message, &self.supported) {
            let tag = self.new_tag();
            let reply = self.supported.refuse(message, &reject, &tag);
            return self.respond(server, reply, now);
        }
        let in_dialog = sip_text::tag_of_to(message).is_some();
        if in_dialog {
            match self.dialog_of(message) {
                Some((key, leg)) => {
                    self.note_alive(key);
                    return self.with_call(key, now, |call, cx| {
                        call.handle_request(leg, server, flow, message, cx);
                    });
                }
                None => return self.reply(server, message, flow, 481, now),
            }
        }
        match message.method() {
            Some(Method::Invite) => self.begin_admission(server, flow, message, now),
            Some(Method::Options) => self.reply(server, message, flow, 200, now),
            Some(Method::Bye | Method::Cancel | Method::Ack) => self.reply(server, message, flow, 481, now),
            Some(Method::Other) | None => self.reply(server, message, flow, 501, now),
            Some(_) => self.reply(server, message, flow, 405, now),
        }
    }

    /// Answers outside any call.
    pub(crate) fn reply(
        &mut self,
        server: ServerId,
        request: &Message,
        flow: Flow,
        status: u16,
        now: Moment,
    ) {
        let tag = self.new_tag();
        self.respond(server, sip_text::reply(request, status, &tag, flow, None), now);
    }

    fn new_tag(&mut self) -> String {
        tandem_sip::dialog::new_tag(&mut self.rng)
    }

    fn respond(&mut self, server: ServerId, reply: Result<Message, tandem_sip::ParseError>, now: Moment) {
        match reply {
            // A transaction that is gone needs no answer.
            Ok(reply) => drop(self.sip.respond(server, reply, now)),
            Err(error) => tracing::error!(%error, "a response could not be written"),
        }
    }

    /// Runs `f` on a call, then notes its next deadline, or its end.
    pub(crate) fn with_call(
        &mut self,
        key: CallKey,
        now: Moment,
        f: impl FnOnce(&mut Call, &mut Context<'_>),
    ) {
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        let before = self.out.len();
        self.journal.note_call(key);
        let was_answered = call.is_answered();
        let mut cx = context!(self, key, call.origin.domain.clone(), now);
        f(&mut call, &mut cx);
        call.settle(now);
        if !was_answered && call.is_answered() {
            self.out
                .push_back(Output::Happened(Box::new(call.happening(true, now))));
        }
        for output in self.out.iter().skip(before) {
            if let Output::Ask { number, call, .. } = output {
                self.asked.insert(*number, *call);
            }
        }
        if let Some(at) = self.due.remove(&key) {
            self.deadlines.remove(&(at, key));
        }
        if call.core.phase == Phase::Over {
            self.note_let_go(key, None);
            return self.forget(key, &call, now);
        }
        self.note_let_go(key, Some(&call));
        if let Some(at) = call.deadline() {
            self.due.insert(key, at);
            self.deadlines.insert((at, key));
        }
        self.calls.insert(key, call);
    }

    /// Runs `f` for a call that is no more.
    pub(crate) fn detached(&mut self, key: CallKey, now: Moment, f: impl FnOnce(&mut Context<'_>)) {
        f(&mut context!(self, key, Arc::from(""), now));
    }

    fn forget(&mut self, key: CallKey, call: &Call, now: Moment) {
        for leg in &call.legs {
            // One of another call is that call's.
            if leg.media != Media::Elsewhere {
                self.indexes.endpoints.remove(&leg.endpoint);
            }
        }
        self.journal.note_over(key, call.legs.len());
        self.count_out(key, &call.origin.domain);
        let record = Record::of_call(call, now);
        self.out.push_back(Output::Ended {
            call: Some(key),
            record: Box::new(record),
        });
    }
}
