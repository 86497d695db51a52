//! A shard in virtual time, with everything around it: phones that speak SIP, a directory, a media gate, and the
//! scenario's side of each call. Nothing here touches a socket or waits; [`World::run`] jumps from deadline to
//! deadline. The same seed gives the same bytes.

pub mod phone;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::{SeedableRng as _, rngs::StdRng};
use tandem_bus::media::{Command, EndpointId, Event, PlayEnd, PlayId, Prompt, Refusal, Statistics};
use tandem_directory::records::CallRecord;
use tandem_directory::{Credentials, EntryPoint};
use tandem_host_api::op::{KvValue, Op, Outcome, Target, User};
use tandem_host_api::{End, Input as JournalInput};
use tandem_sip::auth::{self, Algorithm, Verifier};
use tandem_sip::registrar::{Aor, Registrar};
use tandem_sip::{Flow, Message, Method, Name, Transport};
use tandem_switch::record::Clock;
use tandem_switch::{Admitted, Answer, CallKey, Input, Located, Output, Question, Shard, ShardConfig};

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

/// The verifier of shard and registrar.
pub fn verifier(seed: u64, now: Instant) -> Verifier {
    Verifier::new(auth::Config::default(), StdRng::seed_from_u64(seed), now)
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
    let entry = (dialled == NUMBER).then(|| {
        Arc::new(EntryPoint {
            number: NUMBER.into(),
            title: String::new(),
            module: "menu".into(),
            hash: "00ff".into(),
            config: "{}".into(),
            fallback_cause: "unavailable".into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        })
    });
    Some(Box::new(Admitted {
        domain: domain.into(),
        realm: domain.into(),
        credentials,
        display_name: format!("User {user}"),
        entry,
    }))
}

/// Users 301 to 309 live in the first domain, 401 to 409 in the second.
fn exists(domain: &str, user: &str) -> bool {
    let first = if domain == "a.example" { "30" } else { "40" };
    user.len() == 3 && user.starts_with(first)
}

/// The fake media gate: gives ports, ends plays when their length has passed.
#[derive(Default)]
pub struct Gate {
    /// All commands so far.
    pub commands: Vec<Command>,
    /// Refuses to open from now on.
    pub refuses: Option<Refusal>,
    open: Vec<EndpointId>,
    next_port: u16,
    plays: BTreeMap<PlayId, (Option<Instant>, EndpointId)>,
}

impl Gate {
    fn handle(&mut self, command: &Command, now: Instant) -> Vec<Event> {
        self.commands.push(command.clone());
        match command {
            Command::Open { endpoint, .. } => {
                if let Some(why) = self.refuses.clone() {
                    return vec![Event::Refused {
                        endpoint: *endpoint,
                        why,
                    }];
                }
                self.next_port += 2;
                self.open.push(*endpoint);
                let local = SocketAddr::from(([127, 0, 0, 1], 20_000 + self.next_port));
                vec![Event::Opened {
                    endpoint: *endpoint,
                    local,
                }]
            }
            Command::Play {
                endpoint,
                play,
                prompts,
                repeat,
            } => {
                let mut events = self.stop(*endpoint);
                if prompts.contains(&Prompt::File("missing.wav".into())) {
                    let end = PlayEnd::Failed("no such file".into());
                    events.push(Event::PlayEnded {
                        endpoint: *endpoint,
                        play: *play,
                        end,
                        played_ms: 0,
                    });
                } else {
                    let until = (!repeat).then(|| now + prompts.iter().map(length).sum::<Duration>());
                    self.plays.insert(*play, (until, *endpoint));
                }
                events
            }
            Command::Stop { endpoint, play } => {
                if self.plays.contains_key(play) {
                    self.stop(*endpoint)
                } else {
                    Vec::new()
                }
            }
            Command::SendDigits { endpoint, .. } => vec![Event::DigitsSent {
                endpoint: *endpoint,
                sent: true,
            }],
            Command::Join { a, b } => [self.stop(*a), self.stop(*b)].concat(),
            Command::Close { endpoint } => {
                let mut events = self.stop(*endpoint);
                if let Some(at) = self.open.iter().position(|open| open == endpoint) {
                    self.open.remove(at);
                    let statistics = Statistics {
                        sent: 50,
                        received: 49,
                        lost: 1,
                        ..Statistics::default()
                    };
                    events.push(Event::Closed {
                        endpoint: *endpoint,
                        statistics,
                    });
                }
                events
            }
            Command::Agree { .. } | Command::Part { .. } => Vec::new(),
        }
    }

    fn stop(&mut self, endpoint: EndpointId) -> Vec<Event> {
        self.end_plays(PlayEnd::Stopped, |_, of| of == endpoint)
    }

    fn end_plays(&mut self, end: PlayEnd, which: impl Fn(Option<Instant>, EndpointId) -> bool) -> Vec<Event> {
        let over: Vec<_> = self
            .plays
            .iter()
            .filter(|(_, (until, of))| which(*until, *of))
            .map(|(p, _)| *p)
            .collect();
        let event = |play: PlayId| {
            let (_, endpoint) = self.plays.remove(&play)?;
            Some(Event::PlayEnded {
                endpoint,
                play,
                end: end.clone(),
                played_ms: 0,
            })
        };
        over.into_iter().filter_map(event).collect()
    }

    fn deadline(&self) -> Option<Instant> {
        self.plays.values().filter_map(|(until, _)| *until).min()
    }

    /// Endpoints whose ports are taken now.
    pub fn endpoints(&self) -> &[EndpointId] {
        &self.open
    }

    /// The last thing that was agreed with an endpoint: whether we send and whether we receive.
    pub fn directions(&self, endpoint: EndpointId) -> Option<(bool, bool)> {
        self.commands.iter().rev().find_map(|command| match command {
            Command::Agree { endpoint: of, agreed } if *of == endpoint => {
                Some((agreed.sends, agreed.receives))
            }
            _ => None,
        })
    }

    /// Whether such a command was given.
    pub fn was_told(&self, which: impl Fn(&Command) -> bool) -> bool {
        self.commands.iter().any(which)
    }
}

fn length(prompt: &Prompt) -> Duration {
    match prompt {
        Prompt::Silence(ms_of)
        | Prompt::Tone {
            duration_ms: ms_of, ..
        }
        | Prompt::Progress {
            duration_ms: ms_of, ..
        } => ms((*ms_of).into()),
        Prompt::File(_) | Prompt::Speech { .. } => secs(2),
    }
}

/// The world around one shard.
pub struct World {
    /// The time.
    pub now: Instant,
    /// The shard.
    pub shard: Shard,
    /// The gate.
    pub gate: Gate,
    /// Who is registered.
    pub registrar: Registrar,
    /// Questions of a kind are kept back while set.
    pub silent: bool,
    /// Questions that were kept back.
    pub kept: Vec<(u64, Question)>,
    /// Calls whose scenario was started.
    pub started: Vec<CallKey>,
    /// Outcomes nobody has looked at.
    pub outcomes: VecDeque<Outcome>,
    /// Scenarios that were told to stop.
    pub stopped: Vec<CallKey>,
    /// Records of calls that are over.
    pub records: Vec<CallRecord>,
    /// What the journals got.
    pub journal: Vec<JournalInput>,
    inboxes: HashMap<u16, VecDeque<Message>>,
    deadline: Option<Instant>,
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
        let now = Instant::now(); // an arbitrary beginning; from here on time is ours
        let clock = Clock {
            instant: now,
            timestamp: jiff::Timestamp::UNIX_EPOCH,
        };
        Self {
            now,
            shard: Shard::new(config, verifier(seed, now), clock, seed),
            gate: Gate::default(),
            registrar: Registrar::new(tandem_sip::registrar::Config::default()),
            silent: false,
            kept: Vec::new(),
            started: Vec::new(),
            outcomes: VecDeque::new(),
            stopped: Vec::new(),
            records: Vec::new(),
            journal: Vec::new(),
            inboxes: HashMap::new(),
            deadline: None,
        }
    }

    /// Gives one input and carries out all that follows at this moment.
    pub fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.shard.handle(input, self.now);
            self.drain(&mut inputs);
        }
    }

    fn drain(&mut self, inputs: &mut VecDeque<Input>) {
        for _ in 0..100_000 {
            match self.shard.poll_output() {
                Output::Wait(at) => {
                    self.deadline = at;
                    return;
                }
                Output::Send { flow, bytes } => {
                    let message = Message::parse(bytes).unwrap();
                    message.validate().unwrap();
                    if let Some(ack) = ack_of_refusal(&message) {
                        inputs.push_back(Input::Sip { flow, message: ack });
                    }
                    self.inboxes
                        .entry(flow.remote.port())
                        .or_default()
                        .push_back(message);
                }
                Output::Media(command) => {
                    inputs.extend(self.gate.handle(&command, self.now).into_iter().map(Input::Media));
                }
                Output::Ask { number, question, .. } => {
                    if self.silent {
                        self.kept.push((number, question));
                    } else {
                        let answer = self.answer(&question);
                        inputs.push_back(Input::Answered { number, answer });
                    }
                }
                Output::Start(start) => self.started.push(start.call),
                Output::Done { outcome, .. } => self.outcomes.push_back(outcome),
                Output::Journal { input, .. } => self.journal.push(input),
                Output::StopScenario { call } => {
                    self.stopped.push(call);
                    inputs.push_back(Input::ScenarioEnded {
                        call,
                        end: End::CallOver,
                    });
                }
                Output::Ended { record, .. } => self.records.push(record.call),
            }
        }
        panic!("the shard does not come to rest");
    }

    /// What the directory says.
    pub fn answer(&self, question: &Question) -> Answer {
        match question {
            Question::Admit { host, user, dialled } => Answer::Admit(admit(host, user, dialled)),
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
            for event in self
                .gate
                .end_plays(PlayEnd::Finished, |end, _| end.is_some_and(|end| end <= now))
            {
                self.give(Input::Media(event));
            }
            self.give(Input::Timeout);
        }
        panic!("time does not pass");
    }

    /// A message from a phone.
    pub fn sip(&mut self, port: u16, message: Message) {
        message.validate().unwrap();
        self.give(Input::Sip {
            flow: flow(port),
            message,
        });
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
        self.give(Input::Perform { call, op });
        self.outcomes.pop_front()
    }

    /// A scenario returns.
    pub fn end(&mut self, call: CallKey, end: End) {
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
