//! A shard in virtual time, with everything around it: phones that speak SIP, a directory, a media gate, and the
//! scenario's side of each call. Nothing here touches a socket or waits; [`World::run`] jumps from deadline to
//! deadline. The same seed gives the same bytes.

pub mod crash;
pub mod gate;
pub mod phone;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tandem_sip::Moment;

use rand::{SeedableRng as _, rngs::StdRng};
use tandem_bus::media::{EndpointId, Event};
use tandem_directory::records::CallRecord;
use tandem_directory::{Credentials, EntryPoint, Resolved, ResolvedCanary};
use tandem_host_api::op::{KvValue, Op, OpIndex, Outcome, Target, User};
use tandem_host_api::{End, Input as JournalInput};
use tandem_sip::auth::{self, Algorithm};
use tandem_sip::registrar::{Aor, Registrar};
use tandem_sip::{Flow, Message, Method, Name, Transport};
use tandem_switch::{
    Admitted, Answer, CallKey, Happening, Input, Inquiry, Located, Nonces, Output, Question, Shard,
    ShardConfig, Told,
};

pub use crash::Crash;
pub use gate::Gate;
pub use phone::{Phone, sdp};

/// The domain of most tests.
pub const DOMAIN: &str = "a.example";
/// The number that leads to a scenario.
pub const NUMBER: &str = "100";

/// Whole seconds.
pub fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Milliseconds.
pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The way between the server and a phone.
pub fn flow(port: u16) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: "127.0.0.1:5060".parse().unwrap(),
        remote: SocketAddr::from(([127, 0, 0, 1], port)),
        connection: 0,
    }
}

/// The way by a TCP connection.
pub fn tcp(port: u16, connection: u64) -> Flow {
    Flow {
        transport: Transport::Tcp,
        connection,
        ..flow(port)
    }
}

/// The nonces of shard and registrar.
pub fn nonces(seed: u64) -> Nonces {
    Nonces {
        config: auth::Config::default(),
        rng: StdRng::seed_from_u64(seed),
    }
}

/// What the directory says of an INVITE or REGISTER: two domains, each with users of three digits whose password is
/// `pw-` and their domain and name.
pub fn admit(host: &str, user: &str, dialled: &str) -> Option<Box<Admitted>> {
    let by_address = host.parse::<std::net::IpAddr>().is_ok();
    let domain = if by_address { DOMAIN } else { host };
    if !["a.example", "b.example"].contains(&domain) {
        return None;
    }
    let password = format!("pw-{domain}-{user}");
    let credentials = exists(domain, user).then(|| Credentials {
        ha1_md5: auth::ha1(Algorithm::Md5, user, domain, &password),
        ha1_sha256: auth::ha1(Algorithm::Sha256, user, domain, &password),
    });
    let entry = (dialled == NUMBER).then(|| Resolved::from(entry_point("00ff")));
    Some(Box::new(Admitted {
        domain: domain.into(),
        realm: domain.into(),
        credentials,
        display_name: format!("User {user}"),
        entry,
    }))
}

/// The entry point of [`NUMBER`] with this version.
pub fn entry_point(hash: &str) -> EntryPoint {
    EntryPoint {
        number: NUMBER.into(),
        title: String::new(),
        module: "menu".into(),
        hash: hash.into(),
        config: "{}".into(),
        fallback_cause: "unavailable".into(),
        created_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Users 301 to 309 live in the first domain, 401 to 409 in the second.
fn exists(domain: &str, user: &str) -> bool {
    let first = if domain == "a.example" { "30" } else { "40" };
    user.len() == 3 && user.starts_with(first)
}

/// A scenario as its journal has it.
#[derive(Debug, Default, Clone)]
pub struct Scenario {
    /// The last request's number.
    pub index: OpIndex,
    /// The request without an answer.
    pub waits: Option<Op>,
    /// How it ended.
    pub end: Option<End>,
    /// Its request has reached the shard in this life of the server.
    pub listens: bool,
}

/// The world around one shard.
pub struct World {
    /// The time.
    pub now: Moment,
    /// The shard.
    pub shard: Shard,
    /// The gate.
    pub gate: Gate,
    /// What event scenarios would hear.
    pub happened: Vec<Happening>,
    /// What the shard answered to originations.
    pub told: Vec<Told>,
    /// Who is registered.
    pub registrar: Registrar,
    /// The version of [`NUMBER`] that is tried, and its share.
    pub canary: Option<(u8, &'static str)>,
    /// The version that takes over where the one of [`NUMBER`] fails.
    pub fallback: Option<&'static str>,
    /// Questions of a kind are kept back while set.
    pub silent: bool,
    /// Questions that were kept back.
    pub kept: Vec<(u64, Question)>,
    /// Calls whose scenario was started.
    pub started: Vec<CallKey>,
    /// The version of each scenario, each time that it was started or taken up again.
    pub versions: Vec<(CallKey, String)>,
    /// Outcomes nobody has looked at.
    pub outcomes: VecDeque<Outcome>,
    /// All outcomes.
    pub all_outcomes: Vec<Outcome>,
    /// What each scenario waits for, and how it ended: what is in its journal.
    pub scenarios: BTreeMap<CallKey, Scenario>,
    /// What is written down of the shard.
    pub log: BTreeMap<tandem_switch::Key, Vec<u8>>,
    /// Nothing is expected of what the shard says.
    pub forgiving: bool,
    /// When the server is to die.
    pub crash: Option<Crash>,
    /// The server dies by chance.
    pub fate: Option<crash::Fate>,
    /// Inputs so far.
    pub inputs: usize,
    /// All that went to phones, once each: the port and what it was in short.
    pub sent: Vec<(u16, String)>,
    config: ShardConfig,
    sent_bytes: std::collections::HashSet<(u16, bytes::Bytes)>,
    /// Scenarios that were told to stop.
    pub stopped: Vec<CallKey>,
    /// Records of calls that are over.
    pub records: Vec<CallRecord>,
    /// What the journals got.
    pub journal: Vec<JournalInput>,
    inboxes: HashMap<u16, VecDeque<Message>>,
    /// The flow by which a phone was reached last.
    pub flows: HashMap<u16, Flow>,
    /// Phones whose messages come by another way than [`flow`].
    pub ways: HashMap<u16, Flow>,
    /// Phones that take no connection.
    pub unreachable: Vec<u16>,
    deadline: Option<Moment>,
}

impl World {
    /// Nothing has happened yet.
    pub fn new(seed: u64) -> Self {
        let config = ShardConfig {
            shard: 0,
            shards: 1,
            calls_max: 4,
            calls_per_domain_max: 2,
        };
        Self::with_config(config, seed)
    }

    /// With other limits.
    pub fn with_config(config: ShardConfig, seed: u64) -> Self {
        println!("seed {seed}");
        let now = Moment::default(); // an arbitrary beginning; from here on time is ours
        Self {
            now,
            shard: Shard::new(config.clone(), nonces(seed), seed),
            all_outcomes: Vec::new(),
            scenarios: BTreeMap::new(),
            log: BTreeMap::new(),
            forgiving: false,
            crash: None,
            fate: None,
            inputs: 0,
            sent: Vec::new(),
            config,
            sent_bytes: std::collections::HashSet::new(),
            gate: Gate::default(),
            happened: Vec::new(),
            told: Vec::new(),
            registrar: Registrar::new(tandem_sip::registrar::Config::default()),
            canary: None,
            fallback: None,
            silent: false,
            kept: Vec::new(),
            started: Vec::new(),
            versions: Vec::new(),
            outcomes: VecDeque::new(),
            stopped: Vec::new(),
            records: Vec::new(),
            journal: Vec::new(),
            inboxes: HashMap::new(),
            flows: HashMap::new(),
            ways: HashMap::new(),
            unreachable: Vec::new(),
            deadline: None,
        }
    }

    /// Gives one input and carries out all that follows at this moment. What changed is written down first, as the
    /// driver does it.
    pub fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            if let Input::Reperform { call, .. } = &input {
                self.scenarios.get_mut(call).unwrap().listens = true;
            }
            self.shard.handle(input, self.now);
            self.write_down();
            self.inputs += 1;
            let planned = self.crash.take_if(|crash| crash.after_inputs == self.inputs);
            match planned.or_else(|| self.fate.as_mut().and_then(crash::Fate::strikes)) {
                Some(crash) => self.die(&crash, &mut inputs),
                None => self.drain(&mut inputs),
            }
        }
    }

    pub(crate) fn drain(&mut self, inputs: &mut VecDeque<Input>) {
        for _ in 0..100_000 {
            match self.shard.poll_output() {
                Output::Wait(at) => {
                    self.deadline = at;
                    return;
                }
                output => self.carry_out(output, inputs),
            }
        }
        panic!("the shard does not come to rest");
    }

    fn carry_out(&mut self, output: Output, inputs: &mut VecDeque<Input>) {
        if self.forgiving && !matches!(output, Output::Media(_)) {
            return;
        }
        match output {
            Output::Wait(_) => (),
            Output::Send { flow, bytes } => {
                let message = Message::parse(bytes.clone()).unwrap();
                message.validate().unwrap();
                if let Some(ack) = ack_of_refusal(&message) {
                    inputs.push_back(Input::Sip { flow, message: ack });
                }
                let port = flow.remote.port();
                if self.unreachable.contains(&port) {
                    return inputs.push_back(Input::FlowClosed { flow });
                }
                if self.sent_bytes.insert((port, bytes)) {
                    self.sent.push((port, short(&message)));
                }
                self.flows.insert(port, flow);
                self.inboxes.entry(port).or_default().push_back(message);
            }
            Output::Media(command) => {
                inputs.extend(self.gate.handle(&command, self.now).into_iter().map(Input::Media));
            }
            Output::Ask { number, question, .. } => {
                if let Some(inquiry) = inquiry(&question) {
                    inputs.push_back(Input::Inquire { number, inquiry });
                } else if self.silent {
                    self.kept.push((number, question));
                } else {
                    let answer = self.answer(&question);
                    inputs.push_back(Input::Answered { number, answer });
                }
            }
            Output::Start(start) => {
                self.started.push(start.call);
                self.versions.push((start.call, start.entry.hash.clone()));
                self.scenarios.insert(start.call, Scenario::default());
            }
            Output::FallBack(fall_back) => {
                let start = &fall_back.start;
                self.versions.push((start.call, start.entry.hash.clone()));
                self.begin_fallback(start.call);
            }
            Output::Resume(resume) => {
                let start = &resume.start;
                self.versions.push((start.call, start.entry.hash.clone()));
                self.resume(&resume, inputs);
            }
            Output::Done { call, index, outcome } => {
                let scenario = self.scenarios.get_mut(&call).unwrap();
                assert_eq!(scenario.index, index, "{outcome:?}");
                if !scenario.listens {
                    return; // it will ask again
                }
                let op = scenario.waits.take().expect("one outcome for each request");
                assert!(op.accepts(&outcome), "{op:?} {outcome:?}");
                self.all_outcomes.push(outcome.clone());
                self.outcomes.push_back(outcome);
            }
            Output::Happened(happening) => self.happened.push(*happening),
            Output::Told { number, told } => match told {
                Told::PickedUp(picked) => {
                    let answer = Answer::PickedUp(picked);
                    inputs.push_back(Input::Answered { number, answer });
                }
                Told::LetGo => {
                    let answer = Answer::LetGo;
                    inputs.push_back(Input::Answered { number, answer });
                }
                Told::Begun | Told::Refused(_) | Told::Messaged(_) => self.told.push(told),
            },
            Output::Journal { input, .. } => self.journal.push(input),
            Output::StopScenario { call } => {
                if !self.stopped.contains(&call) {
                    self.stopped.push(call);
                }
                self.scenarios.get_mut(&call).unwrap().end = Some(End::CallOver);
                inputs.push_back(Input::ScenarioEnded {
                    call,
                    end: End::CallOver,
                });
            }
            Output::Ended { record, .. } => self.records.push(record.call),
        }
    }

    /// What the directory says.
    pub fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Admit { host, user, dialled } => {
                let mut admitted = admit(host, user, dialled);
                if let Some(resolved) = admitted.as_mut().and_then(|it| it.entry.as_mut()) {
                    resolved.canary = self.canary.map(|(share_percent, hash)| ResolvedCanary {
                        share_percent,
                        entry: Arc::new(entry_point(hash)),
                    });
                    resolved.fallback = self.fallback.map(|hash| Arc::new(entry_point(hash)));
                }
                Answer::Admit(admitted)
            }
            Question::Locate {
                domain,
                target: Target::User(user) | Target::Number(user),
            } => Answer::Located(exists(domain, user).then(|| Located {
                user: user.clone(),
                bindings: self.registrar.lookup(&Aor::new(domain, user), self.now),
            })),
            Question::FindUser { domain, number } => Answer::User(exists(domain, number).then(|| User {
                name: number.clone(),
                display_name: String::new(),
                registered: false,
            })),
            Question::KeyValue { .. } => Answer::KeyValue(Ok(KvValue::Value(None))),
            Question::DeleteRecording { .. } => Answer::Recording(Ok(())),
            Question::Service { .. } | Question::PickUp { .. } | Question::LetGo { .. } => {
                Answer::Unavailable
            }
        }
    }

    /// Answers what was kept back.
    pub fn answer_kept(&mut self) {
        self.silent = false;
        for (number, question) in std::mem::take(&mut self.kept) {
            let answer = self.answer(&question);
            self.give(Input::Answered { number, answer });
        }
    }

    /// Lets time pass, from deadline to deadline.
    pub fn run(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..10_000 {
            let next = [self.deadline, self.gate.deadline()].into_iter().flatten().min();
            let Some(at) = next.filter(|at| *at <= until) else {
                self.now = until;
                return;
            };
            self.now = self.now.max(at);
            let now = self.now;
            for event in self.gate.finish_plays(now) {
                self.give(Input::Media(event));
            }
            self.give(Input::Timeout);
        }
        panic!("time does not pass");
    }

    /// A message from a phone.
    pub fn sip(&mut self, port: u16, message: Message) {
        message.validate().unwrap();
        let flow = self.way(port);
        self.give(Input::Sip { flow, message });
    }

    /// The flow by which a phone's messages come.
    pub fn way(&self, port: u16) -> Flow {
        self.ways.get(&port).copied().unwrap_or(flow(port))
    }

    /// What a phone got since it last looked, in short: `"180"`, `"BYE"`.
    pub fn got(&mut self, port: u16) -> Vec<String> {
        self.inbox(port).iter().map(short).collect()
    }

    /// What a phone got since it last looked.
    pub fn inbox(&mut self, port: u16) -> Vec<Message> {
        self.inboxes.remove(&port).unwrap_or_default().into()
    }

    /// A scenario asks for something; what became of it at once.
    pub fn perform(&mut self, call: CallKey, op: Op) -> Option<Outcome> {
        assert!(
            self.outcomes.is_empty(),
            "outcomes nobody looked at: {:?}",
            self.outcomes
        );
        let scenario = self.scenarios.get_mut(&call).unwrap();
        scenario.index = scenario.index.next();
        scenario.waits = Some(op.clone());
        scenario.listens = true;
        let index = scenario.index;
        self.give(Input::Perform { call, index, op });
        self.outcomes.pop_front()
    }

    /// A scenario returns.
    pub fn end(&mut self, call: CallKey, end: End) {
        let scenario = self.scenarios.get_mut(&call).unwrap();
        scenario.end = Some(end.clone());
        scenario.waits = None;
        self.give(Input::ScenarioEnded { call, end });
    }

    /// The one record there is.
    pub fn record(&self) -> &CallRecord {
        assert_eq!(self.records.len(), 1, "records");
        &self.records[0]
    }

    /// The media event of a leg that has a port: the n-th endpoint that was opened.
    pub fn digit(&mut self, endpoint: EndpointId, digit: char) {
        self.give(Input::Media(Event::Digit { endpoint, digit }));
    }
}

/// What other shards are asked: here there is one.
fn inquiry(question: &Question) -> Option<Inquiry> {
    match question {
        Question::PickUp {
            domain,
            users,
            picker,
        } => Some(Inquiry::PickUp {
            domain: domain.clone(),
            users: users.clone(),
            picker: picker.clone(),
        }),
        Question::LetGo { call, id, by, .. } => Some(Inquiry::LetGo {
            call: *call,
            id: id.clone(),
            by: by.clone(),
        }),
        _ => None,
    }
}

/// A status or a method.
pub fn short(message: &Message) -> String {
    message
        .status()
        .map_or_else(|| message.method_str().to_owned(), |status| status.to_string())
}

/// What every phone sends for a final response to its INVITE that is no 2xx (RFC 3261 §17.1.1.3).
fn ack_of_refusal(message: &Message) -> Option<Message> {
    let refused = message.status().is_some_and(|status| status >= 300);
    let cseq = message.cseq().ok()?;
    if !refused || cseq.method != Method::Invite {
        return None;
    }
    let ack = Message::request(Method::Ack, "sip:server.example")
        .header(Name::Via, message.header(Name::Via)?)
        .header(Name::From, message.header(Name::From)?)
        .header(Name::To, message.header(Name::To)?)
        .header(Name::CallId, message.header(Name::CallId)?)
        .header(Name::CSeq, format!("{} ACK", cseq.seq))
        .header(Name::MaxForwards, "70");
    Some(ack.build().unwrap())
}
