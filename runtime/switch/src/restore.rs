//! A shard from what was written down of it: calls, transactions, questions, deadlines.
//!
//! What cannot be read costs the call it belongs to and nothing else: its peers get BYE where enough is left to write
//! one, and a [`RestoreProblem`] says why. What was under way goes on: questions are asked again, transactions repeat
//! their last message, and the gate is asked what exists once its way is open.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::de::DeserializeOwned;
use tandem_host_api::Input as JournalInput;
use tandem_host_api::op::LegId;
use tandem_sip::Moment;
use tandem_sip::auth::{NonceRecord, VerifierKey};
use tandem_sip::transactions::{TransactionId, TransactionRecord};

use crate::admission::Admission;
use crate::call::recording::Tape;
use crate::call::{Call, Core, Fallback, Origin, Originated, Phase};
use crate::changes::{Meta, OWNER, Waiting};
use crate::context::{ClientOwner, Context};
use crate::keys::{Key, Kind};
use crate::leg::{Leg, Media, Role, Signalling};
use crate::nonces::{Challenger, Nonces};
use crate::shard::{CallKey, Output, Resume, Shard, ShardConfig, Start};
use crate::written::{ReadError, read};

/// What could not be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreProblem {
    /// The call that is lost by it, where it is a call's.
    pub call: Option<CallKey>,
    /// That call's identifier, where it could be read.
    pub id: Option<String>,
    /// Why.
    pub why: String,
}

impl fmt::Display for RestoreProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.call, &self.id) {
            (_, Some(id)) => write!(f, "call {id} is lost: {}", self.why),
            (Some(call), None) => write!(f, "call number {} is lost: {}", call.0, self.why),
            (None, None) => f.write_str(&self.why),
        }
    }
}

/// Among how many shards the one was that wrote a value of [`Kind::Meta`]; none where it cannot be read. Calls live on
/// only among as many.
pub fn shards_before(meta: &[u8]) -> Option<u64> {
    read::<Meta>(meta).ok().map(|meta| meta.shards)
}

/// A value, or why it could not be read.
type Read<T> = Result<T, ReadError>;

/// What was found of one call.
#[derive(Default)]
struct Parts {
    core: Option<Read<(u32, Core)>>,
    origin: Option<Read<Origin>>,
    fallback: Option<Read<Fallback>>,
    legs: BTreeMap<u32, Read<Leg>>,
    tapes: Option<Read<Vec<Tape>>>,
    originated: Option<Read<Originated>>,
    deadline: Option<Read<Moment>>,
    keys: Vec<Key>,
}

#[derive(Default)]
struct Found {
    calls: BTreeMap<CallKey, Parts>,
    servers: Vec<(Key, TransactionRecord)>,
    clients: Vec<(Key, TransactionRecord)>,
    owners: HashMap<u64, ClientOwner>,
    waiting: BTreeMap<u64, Waiting>,
    key: Option<VerifierKey>,
    nonces: Vec<NonceRecord>,
    problems: Vec<RestoreProblem>,
}

impl Found {
    fn problem(&mut self, why: String) {
        self.problems.push(RestoreProblem {
            call: None,
            id: None,
            why,
        });
    }

    /// A value that is no call's; none, and a problem, where it cannot be read.
    fn read<T: DeserializeOwned>(&mut self, key: Key, value: &[u8]) -> Option<T> {
        read(value)
            .map_err(|error| self.problem(format!("{:?} {}: {error}", key.kind, key.id)))
            .ok()
    }

    fn part(&mut self, key: Key) -> &mut Parts {
        let parts = self.calls.entry(CallKey(key.id)).or_default();
        parts.keys.push(key);
        parts
    }
}

impl Shard {
    /// A shard that goes on from what [`Self::changes`] gave, and what was lost of it. Entries of other kinds are passed
    /// over. `seed` is random as for [`Self::new`]. The gate gets no command before
    /// [`Input::GateConnected`](crate::Input::GateConnected).
    pub fn restore<'a>(
        config: ShardConfig,
        nonces: Nonces,
        seed: u64,
        entries: impl IntoIterator<Item = (Key, &'a [u8])>,
        now: Moment,
    ) -> (Self, Vec<RestoreProblem>) {
        let mut shard = Self::new(config, nonces.clone(), seed);
        shard.gate_reports = true;
        // The life before may have died while other shards' endpoints were being restored.
        shard.gate_lacks = true;
        let mut found = Found::default();
        for (key, value) in entries {
            shard.find(&mut found, key, value);
        }
        if let Some(key) = found.key.take() {
            shard.challenger = Challenger::new(nonces, Some(key));
            shard.challenger.restore(std::mem::take(&mut found.nonces), now);
        }
        shard.restore_transactions(&mut found);
        // Before anything new is said: only what was said before may be a repeat.
        shard.sip.resend(now);
        let mut restored = Vec::new();
        for (key, parts) in std::mem::take(&mut found.calls) {
            match shard.restore_call(key, parts, now) {
                Ok(()) => restored.push(key),
                Err(problem) => found.problems.push(problem),
            }
        }
        for key in restored {
            shard.with_call(key, now, Call::take_over);
        }
        for (number, waiting) in std::mem::take(&mut found.waiting) {
            shard.numbers.question = shard.numbers.question.max(number);
            match waiting {
                Waiting::Admission(admission) => shard.restore_admission(number, admission),
                Waiting::Seeking(seeking) => shard.seek_on(number, seeking),
            }
        }
        shard.drain_sip(now);
        (shard, found.problems)
    }

    fn find(&mut self, found: &mut Found, key: Key, value: &[u8]) {
        match key.kind {
            Kind::Meta => {
                if let Some(meta) = found.read::<Meta>(key, value) {
                    self.numbers.raise(meta.numbers, self.config.shard);
                    found.key = Some(meta.key);
                }
            }
            Kind::Call => found.part(key).core = Some(read(value)),
            Kind::Leg => drop(found.part(key).legs.insert(key.part, read(value))),
            Kind::Origin => found.part(key).origin = Some(read(value)),
            Kind::Tapes => found.part(key).tapes = Some(read(value)),
            Kind::Fallback => found.part(key).fallback = Some(read(value)),
            Kind::Originated => found.part(key).originated = Some(read(value)),
            Kind::Deadline => found.part(key).deadline = Some(read(value)),
            Kind::ServerTransaction => match found.read(key, value) {
                Some(record) => found.servers.push((key, record)),
                None => self.journal.note_stale_at(key, value),
            },
            Kind::ClientTransaction if key.part == OWNER => match found.read(key, value) {
                Some(owner) => drop(found.owners.insert(key.id, owner)),
                None => self.journal.note_stale_at(key, value),
            },
            Kind::ClientTransaction => match found.read(key, value) {
                Some(record) => found.clients.push((key, record)),
                None => self.journal.note_stale_at(key, value),
            },
            Kind::Waiting => match found.read(key, value) {
                Some(waiting) if is_sound(key.id) => drop(found.waiting.insert(key.id, waiting)),
                _ => self.journal.note_stale_at(key, value),
            },
            Kind::Nonce => match found.read(key, value) {
                Some(record) => found.nonces.push(record),
                None => self.journal.note_stale_at(key, value),
            },
            Kind::Scenario | Kind::Binding | Kind::Cursor | Kind::Ended => return,
        }
        self.journal.written.found(key, value);
    }

    fn restore_transactions(&mut self, found: &mut Found) {
        for (key, record) in std::mem::take(&mut found.servers) {
            if let Err(error) = self.sip.restore(record) {
                found.problem(error.to_string());
                self.journal.note_stale(key);
            }
        }
        for (key, record) in std::mem::take(&mut found.clients) {
            let id = record.id();
            match (self.sip.restore(record), id) {
                (Ok(()), TransactionId::Client(client)) => {
                    if let Some(owner) = found.owners.remove(&key.id) {
                        self.indexes.clients.insert(client, owner);
                    }
                }
                (Ok(()), TransactionId::Server(_)) => (),
                (Err(error), _) => {
                    found.problem(error.to_string());
                    self.journal.note_stale(key);
                }
            }
        }
        for id in found.owners.keys() {
            self.journal
                .note_stale(Key::new(Kind::ClientTransaction, *id, OWNER));
        }
    }

    fn restore_admission(&mut self, number: u64, admission: Admission) {
        self.out.push_back(Output::Ask {
            call: CallKey(0),
            number,
            question: admission.question(),
        });
        self.admissions.insert(number, admission);
    }

    fn restore_call(&mut self, key: CallKey, parts: Parts, now: Moment) -> Result<(), RestoreProblem> {
        self.numbers.call = self.numbers.call.max(if is_sound(key.0) { key.0 } else { 0 });
        for leg in parts.legs.values().flatten() {
            self.numbers.see(leg, self.config.shard);
        }
        let id = parts
            .origin
            .as_ref()
            .and_then(|origin| origin.as_ref().ok())
            .map(|origin| origin.id.clone());
        let keys = parts.keys.clone();
        let (why, legs) = match self.assemble(key, parts) {
            Ok(call) => {
                self.index(key, &call);
                self.calls.insert(key, call);
                return Ok(());
            }
            Err(lost) => lost,
        };
        for key in keys {
            self.journal.note_stale(key);
        }
        self.detached(key, now, |cx| {
            for mut leg in legs {
                leg.abandon(cx);
            }
        });
        Err(RestoreProblem {
            call: Some(key),
            id,
            why,
        })
    }

    /// A call from its parts; where it cannot be, why, and the legs that could be read.
    fn assemble(&self, key: CallKey, parts: Parts) -> Result<Call, (String, Vec<Leg>)> {
        let mut legs = Vec::new();
        let mut why = None;
        for (number, leg) in parts.legs {
            match leg {
                Ok(leg) if self.is_leg_sound(&leg, number) => legs.push(leg),
                Ok(_) => drop(why.get_or_insert(format!("leg {number} contradicts itself"))),
                Err(error) => drop(why.get_or_insert(format!("leg {number}: {error}"))),
            }
        }
        let origin = match parts.origin {
            Some(Ok(origin)) => Some(origin),
            Some(Err(error)) => {
                why.get_or_insert(format!("what began it: {error}"));
                None
            }
            None => {
                why.get_or_insert("what began it is missing".into());
                None
            }
        };
        if let (Some(origin), Some(leg)) = (&origin, legs.first_mut())
            && matches!(leg.signalling, Signalling::Incoming { .. })
        {
            leg.invite = Some(origin.request.clone());
        }
        let core = match parts.core {
            Some(Ok((count, core))) => {
                if legs.len() != count as usize {
                    let found = legs.len();
                    why.get_or_insert(format!("{found} of {count} legs are there"));
                }
                Some(core)
            }
            Some(Err(error)) => {
                why.get_or_insert(format!("where it stands: {error}"));
                None
            }
            None => {
                why.get_or_insert("where it stands is missing".into());
                None
            }
        };
        let tapes = match parts.tapes {
            Some(Ok(tapes)) => tapes,
            Some(Err(error)) => {
                why.get_or_insert(format!("its recordings: {error}"));
                Vec::new()
            }
            None => Vec::new(),
        };
        let fallback = match parts.fallback {
            Some(Ok(fallback)) => Some(fallback),
            Some(Err(error)) => {
                why.get_or_insert(format!("its fall-back: {error}"));
                None
            }
            None => None,
        };
        let originated = match parts.originated {
            Some(Ok(originated)) => Some(originated),
            Some(Err(error)) => {
                why.get_or_insert(format!("what it was originated with: {error}"));
                None
            }
            None => None,
        };
        let deadline = match parts.deadline {
            Some(Ok(deadline)) => Some(deadline),
            Some(Err(error)) => {
                why.get_or_insert(format!("its deadline: {error}"));
                None
            }
            None => None,
        };
        if !is_sound(key.0) {
            why.get_or_insert("it has no possible number".into());
        }
        match (origin, core, why) {
            (Some(origin), Some(core), None) => Ok(Call {
                origin,
                legs,
                core,
                tapes,
                fallback,
                originated,
                deadline,
            }),
            (_, _, why) => Err((why.unwrap_or_default(), legs)),
        }
    }

    /// Whether a leg can be like this: nothing it says leads astray.
    fn is_leg_sound(&self, leg: &Leg, number: u32) -> bool {
        let shard = leg.endpoint.0 >> 48;
        leg.id == LegId(number)
            && (leg.media == Media::Elsewhere
                || shard == self.config.shard && !self.indexes.endpoints.contains_key(&leg.endpoint))
            && leg.is_sound()
            && (number == 0 || !matches!(leg.signalling, Signalling::Incoming { .. }))
    }

    fn index(&mut self, key: CallKey, call: &Call) {
        self.silent.insert(key);
        for leg in &call.legs {
            if leg.media != Media::Elsewhere {
                self.indexes.endpoints.insert(leg.endpoint, (key, leg.id));
            }
            match &leg.signalling {
                Signalling::Incoming { server, .. } => drop(self.indexes.servers.insert(*server, key)),
                Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } => {
                    self.indexes.dialogs.insert(dialog.key(), (key, leg.id));
                }
                Signalling::Planned { .. }
                | Signalling::Outgoing { .. }
                | Signalling::Elsewhere { .. }
                | Signalling::Ended => (),
            }
        }
        let key = (self.config.shard, key);
        let questions: BTreeSet<u64> = call
            .questions(key)
            .into_iter()
            .map(|(number, _)| number)
            .collect();
        let highest = questions.into_iter().filter(|number| is_sound(*number)).max();
        self.numbers.question = self.numbers.question.max(highest.unwrap_or_default());
    }
}

impl Call {
    /// Goes on after a restart.
    fn take_over(&mut self, cx: &mut Context<'_>) {
        self.core.recoveries = self.core.recoveries.saturating_add(1);
        for leg in &mut self.legs {
            leg.find_call_id();
            if leg.role == Role::Caller {
                leg.note_call_id(&self.origin.request);
            }
        }
        if self.core.phase == Phase::Originating {
            // Nothing runs yet: it rings on.
            for (number, question) in self.questions((cx.shard.0, cx.call)) {
                cx.ask(number, question);
            }
            return self.resend(cx);
        }
        let running = matches!(self.core.phase, Phase::Running | Phase::Stopping);
        cx.out.push_back(Output::Resume(Box::new(Resume {
            start: Start::of(cx.call, self),
            running,
            pending: self.core.index,
            began: self.core.index.is_some()
                || self.core.last_done.is_some()
                || self
                    .fallback
                    .as_ref()
                    .is_some_and(|fallback| fallback.failed.is_some()),
            recoveries: self.core.recoveries,
        })));
        if running {
            // A journal that has come to its end stays as it is.
            cx.out.push_back(Output::Journal {
                call: cx.call,
                input: JournalInput::Note {
                    leg: None,
                    text: "recovered".into(),
                },
            });
        }
        if self.core.phase == Phase::Stopping {
            cx.out.push_back(Output::StopScenario { call: cx.call });
        }
        for (number, question) in self.questions((cx.shard.0, cx.call)) {
            cx.ask(number, question);
        }
        self.resend(cx);
    }

    /// What was said last may not have left: it is said again, and changes nothing for those who have heard it.
    pub fn resend(&mut self, cx: &mut Context<'_>) {
        for leg in &mut self.legs {
            leg.resend(cx);
        }
    }
}

/// Whether a number can have been given: a server that gave a million a second would reach the end of these in
/// thousands of years.
fn is_sound(number: u64) -> bool {
    number < 1 << 62
}
