//! The world: phones, network, gates, call logic, disks and directory under one clock, from one seed.
//!
//! Everything that happens is an [`Event`] at a moment, or something that is due; the earliest goes first. What several
//! parts do to each other is here; what a part does by itself is in its own file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tandem_bus::link::held::Encoded;
use tandem_bus::link::{Cursor, Held, Lane, Role};
use tandem_bus::media::{Command, Event as MediaEvent};
use tandem_journal::{Fault, SimDisk};
use tandem_sip::{Flow, Moment};
use tandem_switch::{Answer, Question};

use crate::clock::{self, BEGIN, ms, secs};
use crate::directory::Directory;
use crate::guests::{Told, modules};
use crate::logic::{Committed, Disks, Logic, Round, ToLane, lanes, round_delay};
use crate::media_gate::MediaGate;
use crate::phone::{Phone, Wish};
use crate::plan::{COUNTER, Crash, Faults, MENU, Scenario, When, Who, Window, dial_flow, menu_flow};
use crate::sip_gate::SipGate;
use crate::trace::Trace;

mod checks;
mod deaths;
mod effects;
mod links;
mod network;

/// What happens at a moment.
#[derive(Debug)]
enum Event {
    /// A message of a phone reaches the SIP gate.
    AtGate {
        phone: usize,
        connection: u64,
        bytes: Bytes,
    },
    /// A message reaches a phone.
    AtPhone {
        phone: usize,
        connection: u64,
        bytes: Bytes,
    },
    /// A phone's connection is gone.
    Disconnected { phone: usize, connection: u64 },
    /// A phone could not connect.
    Unsent { phone: usize },
    /// A digit reaches a port.
    Digit { at: std::net::SocketAddr, digit: char },
    /// A gate's frame reaches the call logic.
    Up { gate: Role, life: u64, frame: Bytes },
    /// Something reaches a gate.
    Down { gate: Role, instance: u64, what: Down },
    /// The call logic finds a gate.
    Connect { gate: Role, life: u64, instance: u64 },
    /// A lane begins a round.
    Round { life: u64, lane: Lane },
    /// A question reaches the directory.
    Ask {
        life: u64,
        lane: Lane,
        number: u64,
        question: Question,
    },
    /// Its answer reaches the lane.
    Answered {
        life: u64,
        lane: Lane,
        number: u64,
        answer: Answer,
    },
    /// A record reaches the store.
    Store {
        life: u64,
        lane: Lane,
        number: u64,
        ended: Box<tandem_logic::Ended>,
    },
    /// Its confirmation reaches the lane.
    Stored { life: u64, lane: Lane, number: u64 },
    /// A process dies.
    Die(Crash),
    /// A process is there again.
    Start(Who),
    /// The disks refuse, or no longer.
    Disks(Option<Fault>),
    /// Gates drop what waits too long.
    Expire,
}

/// What goes down to a gate.
#[derive(Debug)]
enum Down {
    Send { flow: Flow, bytes: Bytes },
    Media(Command),
    Acknowledge { lane: Lane, cursor: Cursor },
}

/// A media gate with its link.
struct Media {
    gate: MediaGate,
    held: Held<MediaEvent>,
}

/// The world.
pub struct World {
    queue: BTreeMap<(Moment, u64), Event>,
    sequence: u64,
    rng: StdRng,
    seed: u64,
    faults: Faults,
    phones: Vec<Phone>,
    sip: Option<SipGate>,
    media: Option<Media>,
    logic: Option<Logic>,
    /// Whether the call logic is connected to the SIP gate and the media gate.
    linked: (bool, bool),
    disks: Disks,
    directory: Directory,
    lives: u64,
    instances: u64,
    /// Rounds that are to come.
    rounds: BTreeSet<Lane>,
    /// When the last thing on an ordered way arrives.
    arrivals: BTreeMap<(u8, usize), Moment>,
    /// Deaths by commit that are to come.
    armed: Vec<Crash>,
    /// Commits so far that wrote something.
    commits: Vec<Committed>,
    /// When a process was last missing.
    troubled: Moment,
    /// Calls whose scenario was begun.
    launched: BTreeSet<String>,
    trace: Trace,
}

/// Longer than any plan takes.
const PATIENCE: Duration = secs(400);
/// After it, no transaction and no timer is left.
const SETTLING: Duration = secs(80);
/// More events at one moment mean that something goes in circles.
const EVENTS_AT_ONCE: u32 = 20_000;

/// The number of a gate's ordered ways.
fn place(gate: Role) -> usize {
    match gate {
        Role::SipGate => 0,
        Role::MediaGate => 1,
    }
}

impl World {
    /// Before anything happens.
    pub fn new(seed: u64, scenario: &Scenario, faults: &Faults, keeps_trace: bool) -> Result<Self, String> {
        clock::set(BEGIN);
        let modules = modules()?;
        let mut directory = Directory::default();
        let flow = modules.flow.hash();
        directory.add_number(MENU, "flow", flow, menu_flow().to_string());
        directory.add_number(COUNTER, "counter", modules.counter.hash(), "{}".into());
        for user in ["201", "202", "203", "204"] {
            directory.add_number(user, "flow", flow, dial_flow(user).to_string());
        }
        let phones = scenario
            .phones
            .iter()
            .enumerate()
            .map(|(number, script)| Phone::new(number, script.clone(), seed, BEGIN))
            .collect();
        let mut world = Self {
            queue: BTreeMap::new(),
            sequence: 0,
            rng: StdRng::seed_from_u64(seed),
            seed,
            faults: faults.clone(),
            phones,
            sip: None,
            media: None,
            logic: None,
            linked: (false, false),
            disks: lanes()
                .map(|lane| (lane, SimDisk::new(seed ^ u64::from(lane.0))))
                .collect(),
            directory,
            lives: 0,
            instances: seed << 8,
            rounds: BTreeSet::new(),
            arrivals: BTreeMap::new(),
            armed: Vec::new(),
            commits: Vec::new(),
            troubled: BEGIN,
            launched: BTreeSet::new(),
            trace: Trace::new(keeps_trace),
        };
        world.plan();
        Ok(world)
    }

    fn plan(&mut self) {
        for crash in self.faults.crashes.clone() {
            match crash.when {
                When::At(after) => self.at(BEGIN + after, Event::Die(crash)),
                When::CommitAfter(..) | When::Commit(..) => self.armed.push(crash),
            }
        }
        for (from, until) in self.faults.full_disks.clone() {
            self.at(BEGIN + from, Event::Disks(Some(Fault::Broken)));
            self.at(BEGIN + until, Event::Disks(None));
        }
        self.start(Who::SipGate);
        self.start(Who::MediaGate);
        self.start(Who::Logic);
        self.at(BEGIN + ms(50), Event::Expire);
    }

    /// To the end.
    pub fn run(mut self) -> crate::Outcome {
        let mut settled = None;
        let (mut moment, mut events) = (BEGIN, 0);
        while let Some(next) = self.next() {
            if next > settled.unwrap_or(BEGIN + PATIENCE) {
                break;
            }
            if next > moment {
                (moment, events) = (next, 0);
            }
            events += 1;
            if events > EVENTS_AT_ONCE {
                self.trace.violation(format_args!("time does not pass"));
                break;
            }
            clock::set(moment);
            self.step(moment);
            if settled.is_none() && self.phones.iter().all(Phone::is_done) {
                self.phones.iter_mut().for_each(Phone::be_quiet);
                self.trace.say("world", format_args!("all phones are done"));
                settled = Some(moment + SETTLING);
            }
        }
        self.check_end(settled.is_some());
        let (trace_hash, trace, violations) = self.trace.finish();
        crate::Outcome {
            trace_hash,
            trace,
            violations,
            commits: self.commits,
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<Moment> {
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        let phones = self.phones.iter().filter_map(Phone::deadline).min();
        let media = self.media.as_ref().and_then(|media| media.gate.deadline());
        let logic = self
            .logic
            .iter()
            .flat_map(|logic| lanes().filter_map(|lane| logic.deadline(lane)))
            .min();
        [queued, phones, media, logic].into_iter().flatten().min()
    }

    fn step(&mut self, now: Moment) {
        if let Some(entry) = self.queue.first_entry()
            && entry.key().0 <= now
        {
            let event = entry.remove();
            return self.handle(event, now);
        }
        if let Some(number) = (0..self.phones.len()).find(|number| self.is_phone_due(*number, now)) {
            if let Some(phone) = self.phones.get_mut(number) {
                phone.handle_timeout(now);
            }
            return self.grant(number, now);
        }
        if self
            .media
            .as_ref()
            .is_some_and(|media| media.gate.deadline().is_some_and(|at| at <= now))
        {
            if let Some(media) = &mut self.media {
                media.gate.handle_timeout(now);
            }
            return self.listen(now);
        }
        let due = |logic: &Logic| lanes().find(|lane| logic.deadline(*lane).is_some_and(|at| at <= now));
        if let Some(lane) = self.logic.as_ref().and_then(due) {
            self.round(lane, now);
        }
    }

    fn is_phone_due(&self, number: usize, now: Moment) -> bool {
        self.phones
            .get(number)
            .and_then(Phone::deadline)
            .is_some_and(|at| at <= now)
    }

    fn at(&mut self, at: Moment, event: Event) {
        self.sequence += 1;
        self.queue.insert((at, self.sequence), event);
    }

    fn after(&mut self, delay: Duration, event: Event) {
        self.at(clock::now() + delay, event);
    }

    /// A time between microseconds.
    fn micros(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_micros(self.rng.random_range(from..=to))
    }

    fn life(&self) -> u64 {
        self.logic.as_ref().map_or(0, |logic| logic.life)
    }

    fn handle(&mut self, event: Event, now: Moment) {
        match event {
            Event::AtGate {
                phone,
                connection,
                bytes,
            } => self.at_gate(phone, connection, bytes, now),
            Event::AtPhone {
                phone,
                connection,
                bytes,
            } => self.at_phone(phone, connection, bytes, now),
            Event::Disconnected { phone, connection } => {
                if let Some(it) = self.phones.get_mut(phone)
                    && it.connection == Some(connection)
                {
                    it.handle_disconnected(now);
                    self.grant(phone, now);
                }
            }
            Event::Unsent { phone } => {
                if let Some(it) = self.phones.get_mut(phone) {
                    it.handle_unsent(now);
                    self.grant(phone, now);
                }
            }
            Event::Digit { at, digit } => {
                if let Some(media) = &mut self.media {
                    media.gate.handle_digit(at, digit);
                    self.listen(now);
                }
            }
            Event::Up { gate, life, frame } => self.take_up(gate, life, &frame),
            Event::Down { gate, instance, what } => self.take_down(gate, instance, what, now),
            Event::Connect { gate, life, instance } => self.connect(gate, life, instance),
            Event::Round { life, lane } => {
                if life == self.life() {
                    self.rounds.remove(&lane);
                    self.round(lane, now);
                }
            }
            Event::Ask {
                life,
                lane,
                number,
                question,
            } => self.ask(life, lane, number, question),
            Event::Answered {
                life,
                lane,
                number,
                answer,
            } => {
                self.give(life, lane, ToLane::Answered(number, answer));
            }
            Event::Store {
                life,
                lane,
                number,
                ended,
            } => self.store(life, lane, number, &ended),
            Event::Stored { life, lane, number } => self.give(life, lane, ToLane::Stored(number)),
            Event::Die(crash) => self.die(crash.who, crash.outage, true),
            Event::Start(who) => self.start(who),
            Event::Disks(fault) => {
                self.trace.say("disks", format_args!("{fault:?}"));
                self.disks.values().for_each(|disk| disk.fail(fault));
            }
            Event::Expire => self.expire(now),
        }
    }

    /// Something for a lane of this life.
    fn give(&mut self, life: u64, lane: Lane, what: ToLane) {
        let Some(logic) = self.logic.as_mut().filter(|logic| logic.life == life) else {
            return;
        };
        logic.give(lane, what);
        if self.rounds.insert(lane) {
            let delay = round_delay(self.rng.random());
            self.after(delay, Event::Round { life, lane });
        }
    }

    /// One round of a lane, and the guests after it.
    fn round(&mut self, lane: Lane, now: Moment) {
        let number = self.commits.len();
        let dies = self.armed.iter().position(|crash| match crash.when {
            When::Commit(at, _) => at == number,
            When::CommitAfter(after, _) => now >= BEGIN + after,
            When::At(_) => false,
        });
        let window = dies.and_then(|place| match self.armed.get(place)?.when {
            When::Commit(_, window) | When::CommitAfter(_, window) => Some(window),
            When::At(_) => None,
        });
        let Some(logic) = &mut self.logic else { return };
        let life = logic.life;
        let (done, committed) = match logic.round(lane, window) {
            Round::Over(done, committed) => (done, committed),
            Round::Died => {
                self.trace
                    .say("logic", format_args!("commit {number} of {lane} {window:?}"));
                return self.die_armed(dies);
            }
        };
        let mut left = usize::MAX;
        if let Some(committed) = committed {
            self.trace.say(
                "logic",
                format_args!(
                    "commit {number} of {lane}: {} bytes, {} effects",
                    committed.bytes, committed.effects
                ),
            );
            self.commits.push(committed);
            if let Some(Window::After(effects)) = window {
                left = effects;
            }
        }
        for effect in done {
            if left == 0 {
                break;
            }
            left = left.saturating_sub(1);
            self.carry_out(effect);
        }
        if committed.is_some() && matches!(window, Some(Window::After(_))) {
            return self.die_armed(dies);
        }
        self.run_guests(life);
        let Some(logic) = &self.logic else { return };
        if logic.has_input(lane) && self.rounds.insert(lane) {
            self.after(Duration::from_micros(10), Event::Round { life, lane });
        }
    }

    fn run_guests(&mut self, life: u64) {
        let told = match &mut self.logic {
            Some(logic) if !logic.guests.is_idle() => logic.guests.run_to_idle(),
            _ => return,
        };
        for told in told {
            match told {
                Told::Passed(shard, passed) => {
                    self.trace.say(
                        "guest",
                        format_args!(
                            "call {} {}{} {:?}",
                            passed.call.0,
                            passed.index,
                            if passed.again { " again" } else { "" },
                            passed.op
                        ),
                    );
                    self.give(life, Lane(shard), ToLane::Perform(passed));
                }
                Told::Ended(shard, call, finished) => {
                    self.trace.say(
                        "guest",
                        format_args!("call {} ended: {:?}", call.0, finished.as_ref().map(|it| &it.end)),
                    );
                    self.check_finished(&finished);
                    self.give(life, Lane(shard), ToLane::ScenarioEnded(call, finished));
                }
            }
        }
    }

    /// What the media gate wants to say, and what it lets phones hear.
    fn listen(&mut self, now: Moment) {
        let Some(media) = &mut self.media else { return };
        let (events, heard) = (media.gate.events(), media.gate.heard());
        for event in events {
            self.trace.say("media gate", format_args!("{event:?}"));
            if let Ok(item) = Encoded::new(&event) {
                let lane = Lane(event.shard());
                // It is bounded by what was asked for.
                let _ = media.held.push(lane, item, false, now);
            }
        }
        self.flush(Role::MediaGate);
        for heard in heard {
            if let Some(number) = self
                .phones
                .iter()
                .position(|phone| phone.address.ip() == heard.to.ip())
                && let tandem_bus::media::Prompt::Speech { text, .. } = &heard.prompt
            {
                if let Some(phone) = self.phones.get_mut(number) {
                    phone.hear(heard.to, text, heard.from_its_start, now);
                }
                self.grant(number, now);
            }
        }
    }

    /// What a phone wants.
    fn grant(&mut self, number: usize, now: Moment) {
        let Some(phone) = self.phones.get_mut(number) else {
            return;
        };
        for wish in phone.wishes() {
            match wish {
                Wish::Say(what) => {
                    let name = self.phones.get(number).map_or("", |phone| phone.name.as_str());
                    self.trace.say(name, format_args!("{what}"));
                }
                Wish::Send(bytes) => self.send_from_phone(number, bytes, now),
                Wish::Violation(what) => self.judge(number, &what),
                Wish::Press(at, digit) => {
                    let delay = self.micros(1_000, 30_000);
                    if !self.is_parted(now) {
                        self.after(delay, Event::Digit { at, digit });
                    }
                }
                Wish::NoAck => self.check_acked(number),
                Wish::HungUp(session) => self.check_hung_up(number, session),
                Wish::Leaving(session) => self.check_talk(number, session, now),
            }
        }
    }

    /// Gates drop what waits too long for the call logic; who began something new is told to come again.
    fn expire(&mut self, now: Moment) {
        if let Some(sip) = &mut self.sip {
            let expired = sip.held.expire(now);
            for item in expired {
                self.trace
                    .say("sip gate", format_args!("gives up an item of {}", item.lane));
                self.turn_away(item.item, item.was_sent, now);
            }
        }
        if let Some(media) = &mut self.media {
            drop(media.held.expire(now));
        }
        self.after(ms(50), Event::Expire);
    }
}
