//! A switch without SIP and sound: what a scenario asks for, in virtual time.
//!
//! [`Exchange::perform`] takes a request and answers it at once, or later: [`Exchange::advance`] moves the clock to the
//! next thing that happens and lets that one thing happen, until [`Exchange::take_outcome`] has the answer. Everything
//! about order is decided here: what is due at the same time happens in the order of [`Due`].
//!
//! `perform` begins requests, `services` answers for web services and the like, `mailbox` for mail and voicemail,
//! `dialling` calls users, `party` is what people do, `sound` how long prompts take, `store` the key-value store,
//! `deadline` ends what waits for too long, `leg_events` tells of several legs, `leg` one side of a call, `record`
//! who ended it and why.

mod deadline;
mod dialling;
mod leg;
mod leg_events;
mod mailbox;
mod party;
mod perform;
mod record;
mod recording;
mod services;
mod sound;
mod store;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tandem_host_api::collect::{Collector, Progress};
use tandem_host_api::op::{
    self, Address, BridgeEnd, CollectEnd, LegError, LegEvent, LegId, Outcome, TransferFailure,
};
use tandem_host_api::{Clock, Input, Journal, WebResponse};

use crate::case::{Act, Case, EndedBy, Start};
use dialling::Dialling;
use leg::{By, Ending, Leg, State};
use party::Party;
use recording::{Foreground, Tape};
use store::KeyValues;

/// A scenario that goes on although all legs are gone is ended after so long, as the real switch does.
const LEGLESS_MAX: Duration = Duration::from_secs(30);

/// What a test can ask about a call.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Seen {
    /// What the caller heard, in part or to its end.
    pub heard: Vec<String>,
    /// When each of these began.
    pub heard_at: Vec<Duration>,
    /// The steps that were entered.
    pub steps: Vec<String>,
    /// The targets that were dialled.
    pub dialled: Vec<String>,
    /// How long the caller was bridged.
    pub bridged: Duration,
    /// The lines of the scenario's log.
    pub log: Vec<String>,
    /// The HTTP requests that were sent, as `METHOD URL NAME: VALUE … BODY`.
    pub requests: Vec<String>,
    /// The mails that were sent, as `TO: SUBJECT: TEXT [RECORDING]…`.
    pub mails: Vec<String>,
    /// What voicemail boxes have at the end, newest first, as `new 302`.
    pub voicemail: BTreeMap<String, Vec<String>>,
    /// The calls that were originated, as `USER ENTRY-POINT DATA`.
    pub originated: Vec<String>,
    /// The timers that wait at the end: by name, `AFTER-MS DATA`.
    pub timers: BTreeMap<String, String>,
    /// What metrics have at the end.
    pub metrics: BTreeMap<String, f64>,
    /// Who ended the call, once it has ended.
    pub ended_by: Option<EndedBy>,
    /// Why, in the caller's view, and the status behind it.
    pub cause: Option<(&'static str, u16)>,
    /// The caller's acts that were not carried out.
    pub acts_left: Vec<Act>,
    /// Why the call had to be given up.
    pub given_up: Option<String>,
    /// What a request was answered.
    pub response: Option<WebResponse>,
}

/// What the scenario waits for.
#[derive(Debug)]
enum Pending {
    Nothing,
    Playing {
        leg: LegId,
    },
    Collecting {
        leg: LegId,
        collector: Collector<Duration>,
    },
    Sending {
        leg: LegId,
        until: Duration,
    },
    Dialling(Box<Dialling>),
    Bridging {
        first: LegId,
        second: LegId,
        since: Duration,
        /// Digits of the first leg that end it; none: a plain bridge.
        until: Option<String>,
    },
    WaitingLegs {
        legs: Vec<LegId>,
        until: Duration,
    },
    Sleeping {
        until: Duration,
    },
    Recording(Foreground),
    Transferring {
        leg: LegId,
        until: Duration,
        outcome: Result<(), TransferFailure>,
    },
    Answering {
        until: Duration,
        outcome: Outcome,
    },
}

/// What can be due, in the order in which it happens where several are due at the same time: what was playing has been
/// heard before anyone acts on it, and who presses a digit in the last moment has pressed it in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A prompt of a leg has been played.
    Prompt(LegId),
    /// A dialled device does what it does.
    Reaction(LegId),
    /// The party of a leg acts.
    Act(LegId),
    /// What the scenario waits for is over.
    Pending,
    /// The deadline of what the scenario waits for is over.
    Deadline,
    /// All legs have been gone for long enough.
    Legless,
}

/// What became of [`Exchange::advance`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Something happened.
    Happened,
    /// The call is over for the scenario: it is not to be answered any more.
    Over,
}

/// The call's time, which its journal and its quota read too.
#[derive(Debug, Clone, Default)]
pub struct VirtualTime(Arc<AtomicU64>);

impl VirtualTime {
    /// Time since the call began.
    pub fn now(&self) -> Duration {
        Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// The same for the door.
    pub fn clock(&self) -> Clock {
        let time = self.clone();
        Arc::new(move || time.now())
    }

    fn set(&self, now: Duration) {
        self.0.store(now.as_millis() as u64, Ordering::Relaxed);
    }
}

/// One call's switch and world.
#[derive(Debug)]
pub struct Exchange {
    case: Arc<Case>,
    time: VirtualTime,
    journal: Journal,
    legs: Vec<Leg>,
    pending: Pending,
    outcome: Option<Outcome>,
    store: KeyValues,
    rng: StdRng,
    legless_since: Option<Duration>,
    /// By when what the scenario waits for must be over.
    deadline: Option<Duration>,
    /// How often each user was dialled.
    dialled: BTreeMap<String, usize>,
    tapes: Vec<Tape>,
    /// Recordings that are over, with their length.
    recordings: BTreeMap<String, Duration>,
    /// How often each web service was asked.
    requests_to: BTreeMap<usize, usize>,
    metrics: BTreeMap<String, services::Metric>,
    /// Messages of voicemail, oldest first.
    kept: Vec<mailbox::Kept>,
    /// Users whose ringing calls were picked up.
    picked: BTreeSet<String>,
    seen: Seen,
}

impl Exchange {
    /// A call that has just come in.
    pub fn new(case: Arc<Case>, time: VirtualTime, journal: Journal) -> Self {
        let world = &case.world;
        let address = |user: &str, display_name: &str| Address {
            user: user.to_owned(),
            host: world.domain.clone(),
            display_name: display_name.to_owned(),
        };
        let mut caller = Leg::incoming(
            address(&world.caller, &world.caller_name),
            address(&world.number, ""),
        );
        caller.party = Party::new(case.acts.clone(), Duration::ZERO);
        // The caller of a call that was originated has answered before its scenario begins.
        if world.data.is_some() {
            caller.state = State::Up;
            caller.answered = true;
        }
        let legs = match case.start {
            Start::Call => vec![caller],
            Start::Request(_) | Start::Event(_) => Vec::new(),
        };
        let mut exchange = Self {
            store: KeyValues::new(world.key_values.clone()),
            rng: StdRng::seed_from_u64(world.seed),
            legs,
            pending: Pending::Nothing,
            outcome: None,
            legless_since: None,
            deadline: None,
            dialled: BTreeMap::new(),
            tapes: Vec::new(),
            recordings: BTreeMap::new(),
            requests_to: BTreeMap::new(),
            metrics: BTreeMap::new(),
            kept: Vec::new(),
            picked: BTreeSet::new(),
            seen: Seen::default(),
            case,
            time,
            journal,
        };
        exchange.fill_boxes();
        exchange
    }

    fn now(&self) -> Duration {
        self.time.now()
    }

    fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.get_mut(id.0 as usize)
    }

    fn ids(&self) -> impl Iterator<Item = LegId> + use<> {
        (0..self.legs.len() as u32).map(LegId)
    }

    /// Ends the request under way.
    fn done(&mut self, outcome: Outcome) {
        self.pending = Pending::Nothing;
        self.outcome = Some(outcome);
    }

    /// The outcome of the request that waited, once it is there.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    fn note(&self, leg: LegId, text: String) {
        self.journal.input(Input::Note { leg: Some(leg), text });
    }

    /// Moves the clock to the next thing that happens, and lets it happen.
    pub fn advance(&mut self) -> Advance {
        let Some((at, due)) = self.next_due() else {
            let waits = self.waits_for();
            return self.give_up(format!("nothing ends the call any more: {waits}"));
        };
        let most = self
            .case
            .start
            .time_max()
            .unwrap_or(self.case.world.lasts_at_most);
        if at > most {
            self.time.set(most);
            let what = match self.case.start {
                Start::Call => "the call lasts",
                Start::Request(_) | Start::Event(_) => "the scenario takes",
            };
            return self.give_up(format!("{what} longer than {most:?}"));
        }
        self.time.set(at.max(self.now()));
        match due {
            Due::Prompt(leg) => self.prompt_played(leg),
            Due::Reaction(leg) => self.react(leg),
            Due::Act(leg) => self.act(leg),
            Due::Pending => self.pending_due(),
            Due::Deadline => self.deadline_due(),
            Due::Legless => return Advance::Over,
        }
        self.settle();
        Advance::Happened
    }

    /// What happens next, and when. Everything is looked at each time: a call has few legs.
    fn next_due(&mut self) -> Option<(Duration, Due)> {
        let now = self.now();
        let mut dues: Vec<(Duration, Due)> = Vec::with_capacity(4);
        for (number, leg) in self.legs.iter_mut().enumerate() {
            let id = LegId(number as u32);
            dues.extend(leg.sound_ends_at().map(|at| (at, Due::Prompt(id))));
            dues.extend(leg.reacts_at().map(|at| (at, Due::Reaction(id))));
            dues.extend(leg.acts_at(now).map(|at| (at, Due::Act(id))));
        }
        let pending = match &self.pending {
            Pending::Collecting { collector, .. } => collector.deadline(),
            Pending::Sending { until, .. }
            | Pending::Sleeping { until }
            | Pending::WaitingLegs { until, .. }
            | Pending::Transferring { until, .. }
            | Pending::Answering { until, .. } => Some(*until),
            Pending::Recording(it) => it.deadline(&self.tapes),
            Pending::Dialling(dialling) => Some(dialling.deadline()),
            Pending::Nothing | Pending::Playing { .. } | Pending::Bridging { .. } => None,
        };
        dues.extend(pending.map(|at| (at, Due::Pending)));
        dues.extend(self.deadline_of_pending().map(|at| (at, Due::Deadline)));
        dues.extend(
            self.legless_since
                .map(|since| (since + LEGLESS_MAX, Due::Legless)),
        );
        // What was due before now is due now, in the order of its kind.
        dues.into_iter().map(|(at, due)| (at.max(now), due)).min()
    }

    fn pending_due(&mut self) {
        let now = self.now();
        match &mut self.pending {
            Pending::Collecting { leg, collector } => {
                let (leg, progress) = (*leg, collector.handle_timeout(now));
                self.collecting(leg, progress);
            }
            Pending::Sending { .. } => self.done(Outcome::Leg(Ok(()))),
            Pending::Sleeping { .. } => self.done(Outcome::Done),
            Pending::WaitingLegs { .. } => self.done(Outcome::LegEvent(Ok(LegEvent::Timeout))),
            Pending::Answering { outcome, .. } => {
                let outcome = outcome.clone();
                self.done(outcome);
            }
            Pending::Dialling(_) => self.dialling_timeout(),
            Pending::Recording(_) => self.recording_due(),
            Pending::Transferring { outcome, .. } => {
                let outcome = outcome.clone();
                self.done(Outcome::Transferred(outcome));
            }
            Pending::Nothing | Pending::Playing { .. } | Pending::Bridging { .. } => (),
        }
    }

    /// The scenario is not answered any more.
    fn give_up(&mut self, why: String) -> Advance {
        self.seen.given_up = Some(why);
        Advance::Over
    }

    fn waits_for(&self) -> String {
        match &self.pending {
            Pending::Bridging { first, second, .. } => format!(
                "{} and {} talk, and neither has an act that hangs up",
                self.name(*first),
                self.name(*second)
            ),
            Pending::Nothing => "the scenario waits for nothing".to_owned(),
            other => format!("the scenario waits: {other:?}"),
        }
    }

    /// Who is on a leg.
    fn name(&self, id: LegId) -> String {
        match self.legs.get(id.0 as usize) {
            Some(leg) if id == LegId(0) => format!("the caller {}", leg.peer.user),
            Some(leg) => leg.peer.user.clone(),
            None => "nobody".to_owned(),
        }
    }

    /// A digit of a leg's peer.
    fn handle_digit(&mut self, id: LegId, digit: char) {
        let now = self.now();
        if !self.leg(id).is_some_and(|leg| leg.is_audible()) {
            return self.note(id, format!("{digit} is not heard: the leg has no media"));
        }
        self.journal.input(Input::Digit { leg: id, digit });
        if let Some(place) = self.waited_place(id) {
            return self.done(Outcome::LegEvent(Ok(LegEvent::Digit(place, digit))));
        }
        match &mut self.pending {
            Pending::Collecting { leg, collector } if *leg == id => {
                let progress = collector.handle_digit(digit, now);
                self.collecting(id, progress);
            }
            Pending::Recording(it) if it.leg == id => self.recording_digit(digit),
            // Digits of a conversation belong to it.
            Pending::Bridging { .. } => self.bridge_digit(id, digit),
            _ => {
                if let Some(leg) = self.leg(id) {
                    leg.keep_digit(digit);
                }
            }
        }
    }

    /// Carries out what a collector wants.
    fn collecting(&mut self, id: LegId, progress: Progress) {
        match progress {
            Progress::Going => (),
            Progress::StopPrompts => self.stop_sound(id),
            Progress::Over(collected) => {
                self.stop_sound(id);
                if collected.end == CollectEnd::Timeout
                    && let Some(leg) = self.leg(id)
                {
                    leg.timeouts += 1;
                }
                self.done(Outcome::Collected(Ok(collected)));
            }
        }
    }

    /// Ends a leg: its sound, its party, its talk. What follows for the scenario is [`Self::after_end`].
    fn end_leg(&mut self, id: LegId, by: By, status: u16, cause: &str) {
        self.stop_sound(id);
        let now = self.now();
        if let Some(leg) = self.leg(id)
            && !leg.is_over()
        {
            leg.state = State::Over;
            leg.ending = Some(Ending {
                at: now,
                by,
                status,
                cause: cause.to_owned(),
            });
        }
    }

    /// A peer has hung up, or refused: the request that was about its leg ends.
    fn after_end(&mut self, id: LegId) {
        self.end_tapes_of(id);
        let cause = self
            .leg(id)
            .and_then(|leg| leg.ending.as_ref())
            .map(|e| e.cause.clone());
        self.journal.input(Input::LegEnded {
            leg: id,
            cause: cause.unwrap_or_default(),
        });
        match &self.pending {
            Pending::Sending { leg, .. } if *leg == id => self.done(Outcome::Leg(Err(LegError::Gone))),
            Pending::Playing { leg } if *leg == id => self.done(Outcome::Played(Err(LegError::Gone))),
            Pending::Collecting { leg, .. } if *leg == id => {
                self.done(Outcome::Collected(Err(LegError::Gone)));
            }
            Pending::Bridging {
                first,
                second,
                since,
                until,
            } if *first == id || *second == id => {
                let (first, second, since, until) = (*first, *second, *since, until.is_some());
                let end = if first == id {
                    BridgeEnd::FirstHungUp
                } else {
                    BridgeEnd::SecondHungUp
                };
                self.part(first, second, since);
                self.bridged(Ok(end), until);
            }
            Pending::WaitingLegs { .. } => {
                if let Some(place) = self.waited_place(id) {
                    self.done(Outcome::LegEvent(Ok(LegEvent::Gone(place))));
                }
            }
            Pending::Dialling(_) => self.dialling_leg_ended(id),
            Pending::Recording(it) if it.leg == id => self.recording_leg_ended(),
            Pending::Transferring { leg, .. } if *leg == id => {
                self.done(Outcome::Transferred(Err(TransferFailure::Gone)));
            }
            Pending::Nothing
            | Pending::Sending { .. }
            | Pending::Playing { .. }
            | Pending::Collecting { .. }
            | Pending::Bridging { .. }
            | Pending::Recording(_)
            | Pending::Transferring { .. }
            | Pending::Sleeping { .. }
            | Pending::Answering { .. } => (),
        }
    }

    fn part(&mut self, first: LegId, second: LegId, since: Duration) {
        if [first, second].contains(&LegId(0)) {
            self.seen.bridged += self.now().saturating_sub(since);
        }
        for id in [first, second] {
            if let Some(leg) = self.leg(id) {
                leg.digits.clear();
            }
        }
    }

    /// Notes since when no leg is left.
    fn settle(&mut self) {
        if matches!(self.case.start, Start::Call) && self.legs.iter().all(Leg::is_over) {
            let now = self.now();
            self.legless_since.get_or_insert(now);
        } else {
            self.legless_since = None; // a scenario without a caller may dial on
        }
    }

    /// The scenario has ended: what is still up is hung up; where it failed, the caller gets the fall-back's status.
    /// Gives what there was to see, and what is in the key-value store.
    pub fn finish(&mut self, failed: bool) -> (Seen, BTreeMap<String, Vec<u8>>) {
        if let Pending::Bridging {
            first, second, since, ..
        } = self.pending
        {
            self.part(first, second, since);
        }
        self.pending = Pending::Nothing;
        let (status, words) = if failed {
            (self.case.world.fallback_status, "the scenario failed")
        } else {
            (480, "the scenario ended")
        };
        for id in self.ids() {
            self.hang_up(id, status, words);
        }
        let metrics = std::mem::take(&mut self.metrics).into_iter();
        self.seen.metrics = metrics.map(|(name, metric)| (name, metric.value())).collect();
        for kept in self.kept.iter().rev() {
            let messages = self.seen.voicemail.entry(kept.box_name.clone()).or_default();
            messages.push(kept.said());
        }
        self.seen.ended_by = record::ended_by(&self.legs);
        self.seen.cause = record::cause(&self.legs, failed);
        if let Some(caller) = self.legs.first() {
            self.seen.acts_left = caller.party.left().to_vec();
            self.seen.heard = caller.heard.iter().map(|heard| heard.what.clone()).collect();
            self.seen.heard_at = caller.heard.iter().map(|heard| heard.began).collect();
        }
        (std::mem::take(&mut self.seen), self.store.take_pairs())
    }

    fn play_ended(&mut self, id: LegId) {
        let now = self.now();
        match &mut self.pending {
            Pending::Playing { leg } if *leg == id => self.done(Outcome::Played(Ok(op::PlayEnd::Finished))),
            Pending::Collecting { leg, collector } if *leg == id => collector.handle_prompts_ended(now),
            Pending::Recording(it) if it.leg == id => self.beep_ended(),
            _ => (),
        }
    }
}
