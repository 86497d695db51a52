//! What is played: who calls whom and how they behave, and what breaks when.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};
use tandem_sip::Transport;

use crate::clock::{ms, secs};

/// The menu of [`STEPS`] steps.
pub const MENU: &str = "100";
/// Digits that add to a counter, by a guest of its own.
pub const COUNTER: &str = "101";
/// Steps of the menu.
pub const STEPS: u32 = 12;
/// The last words of every flow.
pub const GOODBYE: &str = "Goodbye";

/// Phones and what they do.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// The phones.
    pub phones: Vec<Script>,
}

/// What one phone does.
#[derive(Debug, Clone)]
pub struct Script {
    /// Its user. Several phones may have the same.
    pub user: String,
    /// How it reaches the server.
    pub transport: Transport,
    /// Calls it makes, one after another.
    pub calls: Vec<Dial>,
    /// What it does with calls that come.
    pub takes: Takes,
}

/// A call that a phone makes.
#[derive(Debug, Clone)]
pub struct Dial {
    /// After the phone is registered or its last call is over.
    pub after: Duration,
    /// The number.
    pub number: String,
    /// How it behaves.
    pub conduct: Conduct,
}

/// How a phone behaves in a call that is up.
#[derive(Debug, Clone, Default)]
pub struct Conduct {
    /// It hangs up after so long; none: the other side does.
    pub talk: Option<Duration>,
    /// It hangs up when it hears this step.
    pub until_step: Option<u32>,
    /// It holds the call after so long, for so long.
    pub hold: Option<(Duration, Duration)>,
}

/// What a phone does with a call that comes.
#[derive(Debug, Clone)]
pub enum Takes {
    /// It answers after so long and behaves so.
    Answers(Duration, Conduct),
    /// It refuses after so long with this status.
    Refuses(Duration, u16),
    /// It rings until nobody wants it any more.
    Rings,
}

/// What breaks.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    /// Processes that die.
    pub crashes: Vec<Crash>,
    /// What the network does to datagrams.
    pub network: Network,
    /// From when to when nothing passes between phones and server.
    pub partitions: Vec<(Duration, Duration)>,
    /// From when to when the disks take nothing.
    pub full_disks: Vec<(Duration, Duration)>,
}

/// A process dies and is started again.
#[derive(Debug, Clone)]
pub struct Crash {
    /// Which.
    pub who: Who,
    /// When.
    pub when: When,
    /// How long nothing of it is there.
    pub outage: Duration,
}

impl Crash {
    /// As the example `sim` takes it.
    pub fn told(&self) -> String {
        let outage = self.outage.as_millis();
        match self.when {
            When::Commit(number, Window::Before) => format!("--commit {number} --before --outage {outage}"),
            When::Commit(number, Window::Torn(bytes)) => {
                format!("--commit {number} --torn {bytes} --outage {outage}")
            }
            When::Commit(number, Window::After(effects)) => {
                format!("--commit {number} --after {effects} --outage {outage}")
            }
            When::At(_) | When::CommitAfter(..) => String::new(),
        }
    }
}

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The call logic.
    Logic,
    /// The media gate.
    MediaGate,
    /// The SIP gate.
    SipGate,
    /// All three.
    All,
}

/// When it dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long after the begin.
    At(Duration),
    /// With the first commit that is so long after the begin (call logic only).
    CommitAfter(Duration, Window),
    /// With the commit of this number, from 0 (call logic only).
    Commit(usize, Window),
}

/// Where in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Nothing of the record is on the disk.
    Before,
    /// So many bytes of it are, at most.
    Torn(u64),
    /// The record is there, and so many effects are made.
    After(usize),
}

/// What happens to a datagram, in thousandths; and how long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Network {
    /// It is lost.
    pub lost: u32,
    /// It comes twice.
    pub doubled: u32,
    /// The way takes so long at least.
    pub delay: Duration,
    /// And at most so much longer: datagrams overtake each other.
    pub jitter: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            lost: 0,
            doubled: 0,
            delay: ms(2),
            jitter: ms(3),
        }
    }
}

impl Faults {
    /// Nothing breaks.
    pub fn none() -> Self {
        Self::default()
    }

    /// One death of the call logic.
    pub fn one(number: usize, window: Window, outage: Duration) -> Self {
        let crash = Crash {
            who: Who::Logic,
            when: When::Commit(number, window),
            outage,
        };
        Self {
            crashes: vec![crash],
            ..Self::default()
        }
    }

    /// What breaks in the run of this seed.
    pub fn random(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xfa17);
        let mut crashes = Vec::new();
        let mut at = ms(rng.random_range(0..8_000));
        for _ in 0..rng.random_range(0..=4) {
            let who = *[
                Who::Logic,
                Who::Logic,
                Who::Logic,
                Who::MediaGate,
                Who::SipGate,
                Who::All,
            ]
            .choose(&mut rng)
            .unwrap_or(&Who::Logic);
            let window = match rng.random_range(0..5) {
                0 => Window::Before,
                1 => Window::Torn(rng.random_range(1..1_500)),
                _ => Window::After(rng.random_range(0..6)),
            };
            let when = if who == Who::Logic && rng.random_ratio(4, 5) {
                When::CommitAfter(at, window)
            } else {
                When::At(at)
            };
            crashes.push(Crash {
                who,
                when,
                outage: ms(rng.random_range(0..900)),
            });
            at += ms(rng.random_range(20..12_000));
        }
        let network = match rng.random_range(0..3) {
            0 => Network::default(),
            _ => Network {
                lost: rng.random_range(0..120),
                doubled: rng.random_range(0..60),
                delay: ms(rng.random_range(0..40)),
                jitter: ms(rng.random_range(1..80)),
            },
        };
        let mut span = |chance: u32, most_ms: u64| -> Vec<(Duration, Duration)> {
            if !rng.random_ratio(1, chance) {
                return Vec::new();
            }
            let from = ms(rng.random_range(0..25_000));
            vec![(from, from + ms(rng.random_range(100..most_ms)))]
        };
        let partitions = span(5, 2_500);
        // What happens while a disk refuses is not there after a death.
        let full_disks = if crashes.is_empty() {
            span(2, 6_000)
        } else {
            Vec::new()
        };
        Self {
            crashes,
            network,
            partitions,
            full_disks,
        }
    }

    /// Whether something other than the call logic breaks: sound or messages may be lost for good then.
    pub fn harms_sound(&self) -> bool {
        !self.partitions.is_empty()
            || self
                .crashes
                .iter()
                .any(|it| matches!(it.who, Who::MediaGate | Who::All))
    }

    /// Whether connections may break.
    pub fn harms_connections(&self) -> bool {
        self.crashes
            .iter()
            .any(|it| matches!(it.who, Who::SipGate | Who::All))
    }
}

impl Script {
    /// A phone that only registers.
    pub fn new(user: &str) -> Self {
        Self {
            user: user.into(),
            transport: Transport::Udp,
            calls: Vec::new(),
            takes: Takes::Refuses(ms(300), 486),
        }
    }

    /// Adds a call.
    #[must_use]
    pub fn calls(mut self, after: Duration, number: &str, conduct: Conduct) -> Self {
        self.calls.push(Dial {
            after,
            number: number.into(),
            conduct,
        });
        self
    }

    /// Says what it does with calls that come.
    #[must_use]
    pub fn takes(mut self, takes: Takes) -> Self {
        self.takes = takes;
        self
    }

    /// By TCP.
    #[must_use]
    pub fn by_tcp(mut self) -> Self {
        self.transport = Transport::Tcp;
        self
    }
}

impl Scenario {
    /// The scenarios that are played with every death.
    pub fn fixed() -> Vec<Self> {
        vec![
            Self::twelve_steps("twelve-steps", None),
            Self::twelve_steps("seven-steps", Some(7)),
            Self::counter(),
            Self::two_devices("caller-hangs-up", true, false),
            Self::two_devices("callee-hangs-up", false, false),
            Self::two_devices("by-tcp", false, true),
        ]
    }

    /// One phone goes through the menu of twelve steps and is hung up, or hangs up in the middle.
    fn twelve_steps(name: &'static str, until_step: Option<u32>) -> Self {
        let conduct = Conduct {
            until_step,
            ..Conduct::default()
        };
        Self {
            name,
            phones: vec![Script::new("201").calls(ms(200), MENU, conduct)],
        }
    }

    /// One phone calls the guest that counts.
    fn counter() -> Self {
        Self {
            name: "counter",
            phones: vec![Script::new("201").calls(ms(200), COUNTER, Conduct::default())],
        }
    }

    /// 201 calls 202, who has two devices; one answers. They talk, one holds and resumes, one hangs up.
    fn two_devices(name: &'static str, caller_hangs_up: bool, tcp: bool) -> Self {
        let (mut caller, mut callee) = (Conduct::default(), Conduct::default());
        let (holder, ender) = if caller_hangs_up {
            (&mut callee, &mut caller)
        } else {
            (&mut caller, &mut callee)
        };
        holder.hold = Some((ms(1_500), ms(1_500)));
        ender.talk = Some(secs(5));
        let phones = [
            Script::new("201").calls(ms(400), "202", caller),
            Script::new("202").takes(Takes::Rings),
            Script::new("202").takes(Takes::Answers(ms(900), callee)),
        ];
        Self {
            name,
            phones: phones
                .into_iter()
                .map(|phone| if tcp { phone.by_tcp() } else { phone })
                .collect(),
        }
    }

    /// Several phones that do what the seed says.
    pub fn random(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x5_ceae);
        let users = rng.random_range(2..=4_u32);
        let mut phones = Vec::new();
        for user in 1..=users {
            for device in 0..rng.random_range(1..=2) {
                let mut phone = Script::new(&format!("20{user}"));
                if rng.random_ratio(1, 4) {
                    phone = phone.by_tcp();
                }
                let conduct = random_conduct(&mut rng);
                phone.takes = match rng.random_range(0..6) {
                    0 => Takes::Rings,
                    1 => Takes::Refuses(
                        ms(rng.random_range(50..1_500)),
                        *[486, 480, 603, 404].choose(&mut rng).unwrap_or(&486),
                    ),
                    _ => Takes::Answers(ms(rng.random_range(0..3_000)), conduct),
                };
                if device == 0 {
                    for _ in 0..rng.random_range(0..=2) {
                        let number = match rng.random_range(0..4) {
                            0 => MENU.into(),
                            1 => COUNTER.into(),
                            _ => format!("20{}", rng.random_range(1..=users)),
                        };
                        let conduct = random_conduct(&mut rng);
                        phone = phone.calls(ms(rng.random_range(100..4_000)), &number, conduct);
                    }
                }
                phones.push(phone);
            }
        }
        Self {
            name: "random",
            phones,
        }
    }
}

fn random_conduct(rng: &mut StdRng) -> Conduct {
    Conduct {
        talk: Some(ms(rng.random_range(500..12_000))),
        until_step: rng.random_ratio(1, 2).then(|| rng.random_range(1..=STEPS)),
        hold: rng
            .random_ratio(1, 3)
            .then(|| (ms(rng.random_range(300..2_000)), ms(rng.random_range(300..2_000)))),
    }
}

/// The words of a step.
pub fn step_words(step: u32) -> String {
    format!("Step {step}")
}

/// The menu as a flow: menus and collections take turns.
pub fn menu_flow() -> Value {
    let next = |step: u32| {
        if step == STEPS {
            "bye".to_owned()
        } else {
            format!("step-{}", step + 1)
        }
    };
    let mut nodes: Vec<Value> = (1..=STEPS)
        .map(|step| {
            let prompts = json!([{ "say": step_words(step) }]);
            let action = if step % 3 == 0 {
                json!({ "collect": { "prompts": prompts, "into": format!("v{step}"), "min": 1, "max": 1, "retries": 10,
                                     "next": next(step) } })
            } else {
                json!({ "menu": { "prompts": prompts, "choices": { "1": next(step) }, "retries": 10 } })
            };
            json!({ "id": format!("step-{step}"), "name": step_words(step), "do": action })
        })
        .collect();
    nodes.extend(ending("bye"));
    json!({ "version": 1, "name": "Twelve steps", "language": "en", "start": "step-1", "nodes": nodes })
}

/// A call to a user.
pub fn dial_flow(user: &str) -> Value {
    let dial = json!({ "dial_user": { "user": user, "timeout_s": 8, "next": "bye", "default": "bye" } });
    let mut nodes = vec![json!({ "id": "dial", "name": "Dial", "do": dial })];
    nodes.extend(ending("bye"));
    json!({ "version": 1, "name": "Dial", "language": "en", "start": "dial", "nodes": nodes })
}

fn ending(id: &str) -> [Value; 2] {
    let say = json!({ "say": { "prompts": [{ "say": GOODBYE }], "next": "end" } });
    [
        json!({ "id": id, "name": "Goodbye", "do": say }),
        json!({ "id": "end", "name": "End", "do": { "hang_up": { "cause": "normal" } } }),
    ]
}
