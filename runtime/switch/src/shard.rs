//! One shard of the call logic: takes inputs, finds the call that each concerns, collects what leaves.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::media::{Command, Event};
use tandem_directory::{Credentials, EntryPoint};
use tandem_host_api::op::{KvError, KvValue, LegId, Op, Outcome, Target, User};
use tandem_host_api::{End, Input as JournalInput};
use tandem_sip::auth::Verifier;
use tandem_sip::registrar::Binding;
use tandem_sip::transactions::{
    ClientId, Config as TransactionsConfig, Event as SipEvent, Output as SipOutput, ServerId, Supported,
    Transactions,
};
use tandem_sip::{Flow, Message, Method};

use crate::admission::Admission;
use crate::call::{Call, Origin, Phase};
use crate::context::{ClientOwner, ClientUse, Context, Indexes, Numbers};
use crate::leg::By;
use crate::record::{Clock, Record};
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
            endpoints: &mut $shard.indexes.endpoints,
            out: &mut $shard.out,
            rng: &mut $shard.rng,
            numbers: &mut $shard.numbers,
            shard: ($shard.config.shard, $shard.config.shards),
        }
    };
}

/// A call's number within its shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallKey(pub u64);

/// The shard that a Call-ID belongs to, out of `shards` (FNV-1a: the same on every server and in every release).
pub fn shard_of(call_id: &str, shards: u64) -> u64 {
    let hash = call_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash % shards.max(1)
}

/// What happens to a shard.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once, and most of them carry a message"
)]
pub enum Input {
    /// A message from the network that passed [`Message::validate`].
    Sip { flow: Flow, message: Message },
    /// A connection is gone.
    FlowClosed { flow: Flow },
    /// The media gate tells something.
    Media(Event),
    /// A scenario asks for something.
    Perform { call: CallKey, op: Op },
    /// A scenario has ended.
    ScenarioEnded { call: CallKey, end: End },
    /// A question was answered.
    Answered { number: u64, answer: Answer },
    /// Take no new calls.
    Drain,
    /// End the calls that are left.
    EndAll,
    /// The time of [`Output::Wait`] has come.
    Timeout,
}

/// What the driver does.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Output {
    /// Send bytes on a flow.
    Send { flow: Flow, bytes: Bytes },
    /// Tell the media gate.
    Media(Command),
    /// Find something out; [`Input::Answered`] follows with the same number.
    Ask {
        call: CallKey,
        number: u64,
        question: Question,
    },
    /// Run the scenario of a new call; its requests follow as [`Input::Perform`].
    Start(Box<Start>),
    /// The request that a call's scenario waits for has this outcome.
    Done { call: CallKey, outcome: Outcome },
    /// Something for the call's journal.
    Journal { call: CallKey, input: JournalInput },
    /// End a scenario that has nothing left to do; [`Input::ScenarioEnded`] follows.
    StopScenario { call: CallKey },
    /// A call is over: write it down, with its journal where `call` is given.
    Ended {
        call: Option<CallKey>,
        record: Box<Record>,
    },
    /// Nothing more now; come back with [`Input::Timeout`] then.
    Wait(Option<Instant>),
}

/// What a scenario begins with.
#[derive(Debug)]
pub struct Start {
    /// The call.
    pub call: CallKey,
    /// Its identifier in journal and CDR.
    pub id: String,
    /// Its domain.
    pub domain: Arc<str>,
    /// What was dialled leads here.
    pub entry: Arc<EntryPoint>,
    /// The INVITE, for the headers a scenario may read.
    pub request: Message,
    /// Who calls.
    pub caller: tandem_host_api::op::Address,
    /// What was dialled.
    pub dialled: tandem_host_api::op::Address,
}

/// What a shard must find out.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Question {
    /// Everything about a new INVITE: the domain of `host`, the credentials of `user`, what `dialled` leads to.
    Admit {
        host: String,
        user: String,
        dialled: String,
    },
    /// The devices behind a dial target.
    Locate { domain: Arc<str>, target: Target },
    /// A user by number.
    FindUser { domain: Arc<str>, number: String },
    /// A key-value request.
    KeyValue { domain: Arc<str>, op: Op },
}

/// What was found out.
#[derive(Debug, Clone)]
pub enum Answer {
    /// To [`Question::Admit`]; none: no such domain.
    Admit(Option<Box<Admitted>>),
    /// To [`Question::Locate`]; none: no such user.
    Located(Option<Located>),
    /// To [`Question::FindUser`].
    User(Option<User>),
    /// To [`Question::KeyValue`].
    KeyValue(Result<KvValue, KvError>),
    /// The directory does not answer.
    Unavailable,
}

impl Answer {
    /// The outcome of the scenario's request behind the question; none where it answers no such request.
    pub fn into_outcome(self) -> Option<Outcome> {
        match self {
            Self::User(user) => Some(Outcome::User(user)),
            Self::KeyValue(result) => Some(Outcome::Kv(result)),
            Self::Admit(_) | Self::Located(_) | Self::Unavailable => None,
        }
    }
}

/// What is known of a new INVITE.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// The domain.
    pub domain: Arc<str>,
    /// The realm of its digest authentication.
    pub realm: String,
    /// The caller's credentials, where it is a user of the domain.
    pub credentials: Option<Credentials>,
    /// The caller's display name as the directory has it.
    pub display_name: String,
    /// What the dialled number leads to.
    pub entry: Option<Arc<EntryPoint>>,
}

/// A user's devices.
#[derive(Debug, Clone)]
pub struct Located {
    /// The user's name.
    pub user: String,
    /// Registered devices.
    pub bindings: Vec<Binding>,
}

/// A shard's settings.
#[derive(Debug, Clone)]
pub struct ShardConfig {
    /// This shard's number.
    pub shard: u64,
    /// Out of how many.
    pub shards: u64,
    /// Calls at a time, over all domains; more get 503.
    pub calls_max: usize,
    /// Calls at a time in one domain; more get 503.
    pub calls_per_domain_max: usize,
}

/// One shard of the call logic.
#[derive(Debug)]
pub struct Shard {
    config: ShardConfig,
    sip: Transactions,
    verifier: Verifier,
    calls: HashMap<CallKey, Call>,
    per_domain: HashMap<String, usize>,
    indexes: Indexes,
    admissions: HashMap<u64, Admission>,
    asked: HashMap<u64, CallKey>,
    deadlines: BTreeSet<(Instant, CallKey)>,
    due: HashMap<CallKey, Instant>,
    out: VecDeque<Output>,
    numbers: Numbers,
    next_call: u64,
    clock: Clock,
    rng: StdRng,
    supported: Supported,
    sip_deadline: Option<Instant>,
    draining: bool,
}

impl Shard {
    /// An empty shard. `clock` says what time it is in the world; `seed` and `secret` (of the nonces) are random.
    pub fn new(config: ShardConfig, verifier: Verifier, clock: Clock, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let sip = Transactions::new(TransactionsConfig::default(), StdRng::seed_from_u64(rng.random()));
        let numbers = Numbers {
            endpoint: config.shard << 48,
            play: 0,
            question: 0,
        };
        Self {
            config,
            sip,
            verifier,
            calls: HashMap::new(),
            per_domain: HashMap::new(),
            indexes: Indexes::default(),
            admissions: HashMap::new(),
            asked: HashMap::new(),
            deadlines: BTreeSet::new(),
            due: HashMap::new(),
            out: VecDeque::new(),
            numbers,
            next_call: 0,
            clock,
            rng,
            supported: Supported::default(),
            sip_deadline: None,
            draining: false,
        }
    }

    /// Calls at this moment.
    pub fn calls(&self) -> usize {
        self.calls.len()
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
            + self.deadlines.len()
            + self.due.len()
            + self.per_domain.len()
            + clients.len()
            + servers.len()
            + dialogs.len()
            + endpoints.len()
    }

    /// Takes one input. Drain [`Self::poll_output`] before giving the next.
    pub fn handle(&mut self, input: Input, now: Instant) {
        match input {
            Input::Sip { flow, message } => self.sip.handle_inbound(flow, message, now),
            Input::FlowClosed { flow } => self.sip.handle_transport_error(flow, now),
            Input::Media(event) => self.handle_media(event, now),
            Input::Perform { call, op } => self.with_call(call, now, |call, cx| call.perform(op, cx)),
            Input::ScenarioEnded { call, end } => {
                self.with_call(call, now, |call, cx| call.handle_scenario_ended(end, cx));
            }
            Input::Answered { number, answer } => self.handle_answer(number, answer, now),
            Input::Drain => self.draining = true,
            Input::EndAll => {
                for key in self.calls.keys().copied().collect::<Vec<_>>() {
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

    /// What to do next; [`Output::Wait`] ends the drain.
    pub fn poll_output(&mut self) -> Output {
        self.out.pop_front().unwrap_or_else(|| {
            let calls = self.deadlines.first().map(|(at, _)| *at);
            Output::Wait([calls, self.sip_deadline].into_iter().flatten().min())
        })
    }

    fn handle_media(&mut self, event: Event, now: Instant) {
        let endpoint = event.endpoint();
        if let Some((call, leg)) = self.indexes.endpoints.get(&endpoint).copied() {
            self.with_call(call, now, |call, cx| call.handle_media(leg, event, cx));
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.sip.handle_timeout(now);
        while let Some((at, key)) = self.deadlines.first().copied()
            && at <= now
        {
            self.deadlines.remove(&(at, key));
            self.due.remove(&key);
            self.with_call(key, now, Call::handle_timeout);
        }
    }

    fn handle_answer(&mut self, number: u64, answer: Answer, now: Instant) {
        if let Some(admission) = self.admissions.remove(&number) {
            self.admit(admission, answer, now);
        } else if let Some(key) = self.asked.remove(&number) {
            self.with_call(key, now, |call, cx| call.handle_answer(number, answer, cx));
        }
    }

    /// Events of the transaction layer, until there are none.
    fn drain_sip(&mut self, now: Instant) {
        loop {
            match self.sip.poll_output() {
                SipOutput::Send { flow, message } => {
                    self.out.push_back(Output::Send { flow, bytes: message });
                }
                SipOutput::Event(event) => self.handle_sip_event(event, now),
                SipOutput::Wait(at) => {
                    self.sip_deadline = at;
                    return;
                }
            }
        }
    }

    fn handle_sip_event(&mut self, event: SipEvent, now: Instant) {
        match event {
            SipEvent::Request {
                server,
                flow,
                message,
            } => self.handle_request(server, flow, &message, now),
            SipEvent::Ack { message, .. } => {
                if let Some((key, leg)) = self.dialog_of(&message) {
                    self.with_call(key, now, |call, cx| call.handle_ack(leg, &message, cx));
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
                } = owner;
                if self.calls.contains_key(&call) {
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
                self.handle_client_failed(client, "the request could not be sent", now);
            }
            SipEvent::ServerFailed { server } => self.handle_server_failed(server, now),
            SipEvent::StrayResponse { .. } => (),
            SipEvent::ClientDone { client } => drop(self.indexes.clients.remove(&client)),
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

    fn handle_client_failed(&mut self, client: ClientId, words: &str, now: Instant) {
        if let Some(owner) = self.indexes.clients.remove(&client) {
            self.with_call(owner.call, now, |call, cx| {
                call.handle_failed(owner.used, words, cx);
            });
        }
    }

    /// The connection of an INVITE is gone. Without a final response its caller is; a 200 is repeated by its leg, other
    /// final responses need nobody.
    fn handle_server_failed(&mut self, server: ServerId, now: Instant) {
        self.admissions.retain(|_, admission| admission.server != server);
        if let Some(key) = self.indexes.servers.get(&server).copied() {
            self.with_call(key, now, Call::handle_caller_lost);
        }
    }

    fn handle_cancelled(&mut self, server: ServerId, now: Instant) {
        if let Some(key) = self.indexes.servers.remove(&server) {
            self.with_call(key, now, Call::handle_cancelled);
        } else if let Some(number) = self
            .admissions
            .iter()
            .find(|(_, a)| a.server == server)
            .map(|(number, _)| *number)
            && let Some(admission) = self.admissions.remove(&number)
        {
            self.refuse(&admission, 487, now);
        }
    }

    fn dialog_of(&self, message: &Message) -> Option<(CallKey, LegId)> {
        let id = tandem_sip::dialog::DialogId::of_request(message).ok()??;
        self.indexes.dialogs.get(&id).copied()
    }

    fn handle_request(&mut self, server: ServerId, flow: Flow, message: &Message, now: Instant) {
        if let Err(reject) = self.sip.check_request(message, &self.supported) {
            let tag = self.new_tag();
            let reply = self.supported.refuse(message, &reject, &tag);
            return self.respond(server, reply, now);
        }
        let in_dialog = sip_text::tag_of_to(message).is_some();
        if in_dialog {
            match self.dialog_of(message) {
                Some((key, leg)) => {
                    return self
                        .with_call(key, now, |call, cx| call.handle_request(leg, server, message, cx));
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
        now: Instant,
    ) {
        let tag = self.new_tag();
        self.respond(server, sip_text::reply(request, status, &tag, flow, None), now);
    }

    fn new_tag(&mut self) -> String {
        tandem_sip::dialog::new_tag(&mut self.rng)
    }

    fn respond(&mut self, server: ServerId, reply: Result<Message, tandem_sip::ParseError>, now: Instant) {
        match reply {
            // A transaction that is gone needs no answer.
            Ok(reply) => drop(self.sip.respond(server, reply, now)),
            Err(error) => tracing::error!(%error, "a response could not be written"),
        }
    }

    fn begin_admission(&mut self, server: ServerId, flow: Flow, message: &Message, now: Instant) {
        if self.draining || self.calls.len() + self.admissions.len() >= self.config.calls_max {
            return self.reply(server, message, flow, 503, now);
        }
        let Some(admission) = Admission::read(server, flow, message.clone()) else {
            return self.reply(server, message, flow, 400, now);
        };
        self.numbers.question += 1;
        let number = self.numbers.question;
        let question = admission.question();
        self.admissions.insert(number, admission);
        self.out.push_back(Output::Ask {
            call: CallKey(0),
            number,
            question,
        });
    }

    fn admit(&mut self, admission: Admission, answer: Answer, now: Instant) {
        let admitted = match answer {
            // It came before the drain, but its call would begin after it.
            _ if self.draining => return self.refuse(&admission, 503, now),
            Answer::Admit(Some(admitted)) => admitted,
            Answer::Admit(None) => return self.refuse(&admission, 404, now),
            _ => return self.refuse(&admission, 503, now),
        };
        let domain = admitted.domain.clone();
        match admission.authenticate(&admitted, &mut self.verifier, now) {
            crate::admission::Verdict::Caller => (),
            crate::admission::Verdict::Challenge(values) => {
                let tag = self.new_tag();
                let reply = sip_text::challenge(&admission.request, &values, &tag);
                return self.respond(admission.server, reply, now);
            }
            crate::admission::Verdict::Refused(why) => {
                tracing::info!(domain = %domain, remote = %admission.flow.remote, why, "call refused");
                return self.refuse(&admission, 403, now);
            }
        }
        let Some(entry) = admitted.entry.clone() else {
            return self.refuse_and_record(&admission, &admitted, 404, now);
        };
        let busy = self.per_domain.get(&*domain).copied().unwrap_or(0);
        if busy >= self.config.calls_per_domain_max {
            return self.refuse_and_record(&admission, &admitted, 503, now);
        }
        let audio = match admission.offer() {
            Ok(audio) => audio,
            Err(error) => {
                tracing::info!(domain = %domain, %error, "call refused");
                return self.refuse_and_record(&admission, &admitted, error.status().0, now);
            }
        };
        self.begin_call(admission, *admitted, entry, audio, now);
    }

    fn refuse(&mut self, admission: &Admission, status: u16, now: Instant) {
        self.reply(admission.server, &admission.request, admission.flow, status, now);
    }

    /// A caller we know dialled what cannot be: it belongs into the domain's records.
    fn refuse_and_record(&mut self, admission: &Admission, admitted: &Admitted, status: u16, now: Instant) {
        self.refuse(admission, status, now);
        let id = self.clock.new_id(now, self.rng.random());
        let record = Record::of_refused(id, admission, admitted, status, &self.clock, now);
        self.out.push_back(Output::Ended {
            call: None,
            record: Box::new(record),
        });
    }

    fn begin_call(
        &mut self,
        admission: Admission,
        admitted: Admitted,
        entry: Arc<EntryPoint>,
        audio: Option<crate::sdp::Audio>,
        now: Instant,
    ) {
        self.next_call += 1;
        let key = CallKey(self.next_call);
        let id = self.clock.new_id(now, self.rng.random());
        let caller = admission.caller(&admitted);
        let Admission {
            server,
            flow,
            request,
            dialled,
            ..
        } = admission;
        let start = Start {
            call: key,
            id: id.clone(),
            domain: admitted.domain.clone(),
            entry: entry.clone(),
            request: request.clone(),
            caller: caller.clone(),
            dialled: dialled.clone(),
        };
        tracing::info!(domain = %admitted.domain, call = %id, from = %caller.user, to = %dialled.user, "call");
        let origin = Origin {
            server,
            request,
            flow,
            audio,
            caller,
            dialled,
        };
        self.indexes.servers.insert(server, key);
        *self.per_domain.entry(admitted.domain.to_string()).or_default() += 1;
        let mut cx = context!(self, key, admitted.domain, now);
        let call = Call::new(id, entry, origin, &mut cx);
        self.calls.insert(key, call);
        self.out.push_back(Output::Start(Box::new(start)));
    }

    /// Runs `f` on a call, then notes its next deadline, or its end.
    fn with_call(&mut self, key: CallKey, now: Instant, f: impl FnOnce(&mut Call, &mut Context<'_>)) {
        let Some(mut call) = self.calls.remove(&key) else {
            return;
        };
        let before = self.out.len();
        let mut cx = context!(self, key, call.domain.clone(), now);
        f(&mut call, &mut cx);
        call.settle(now);
        for output in self.out.iter().skip(before) {
            if let Output::Ask { number, call, .. } = output {
                self.asked.insert(*number, *call);
            }
        }
        if let Some(at) = self.due.remove(&key) {
            self.deadlines.remove(&(at, key));
        }
        if call.phase == Phase::Over {
            return self.forget(key, &call, now);
        }
        if let Some(at) = call.deadline() {
            self.due.insert(key, at);
            self.deadlines.insert((at, key));
        }
        self.calls.insert(key, call);
    }

    /// Runs `f` for a call that is no more.
    fn detached(&mut self, key: CallKey, now: Instant, f: impl FnOnce(&mut Context<'_>)) {
        f(&mut context!(self, key, Arc::from(""), now));
    }

    fn forget(&mut self, key: CallKey, call: &Call, now: Instant) {
        for leg in &call.legs {
            self.indexes.endpoints.remove(&leg.endpoint);
        }
        if let Some(count) = self.per_domain.get_mut(&*call.domain) {
            *count -= 1;
            if *count == 0 {
                self.per_domain.remove(&*call.domain);
            }
        }
        let record = Record::of_call(call, &self.clock, now);
        self.out.push_back(Output::Ended {
            call: Some(key),
            record: Box::new(record),
        });
    }
}
