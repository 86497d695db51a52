//! A shard with its log: calls, their scenarios' journals, and the records that the store has yet to confirm.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use tandem_bus::link::{Cursor, Role};
use tandem_bus::media::Command;
use tandem_directory::records::MessageWay;
use tandem_host_api::op::{OpIndex, Outcome};
use tandem_host_api::{Clock, End, Finished, Journal, JournalHeader, WORLD};
use tandem_journal::Disk;
use tandem_sip::{Flow, Moment};
use tandem_switch::door::Passed;
use tandem_switch::keys::{Key, Kind};
use tandem_switch::record::Record;
use tandem_switch::shard::{FallBack, Resume, Start};
use tandem_switch::{CallKey, Happening, Input, Inquiry, Output, Question, Shard, Told};
use tokio::sync::oneshot;

use crate::ended::Ended;
use crate::keeper::{Keeper, Kept};
use crate::messages::{Messages, Said};

/// What the driver does, once it is committed.
#[derive(Debug)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Effect {
    /// Send bytes on a flow.
    Send { flow: Flow, bytes: Bytes },
    /// Tell the media gate.
    Media(Command),
    /// Find something out; `Input::Answered` follows with the same number.
    Ask { number: u64, question: Question },
    /// Run a scenario: a new one, or one whose journal says how far it was.
    Launch(Box<Launch>),
    /// Answer a scenario's request. One who is gone needs no answer.
    Answer {
        reply: oneshot::Sender<Outcome>,
        outcome: Outcome,
    },
    /// Write a call down in the store, then say [`Calls::stored`] with its number.
    Store { number: u64, ended: Box<Ended> },
    /// Write down the SIP messages of a call whose record was given before.
    StoreMessages(Said),
    /// The answer to the inquiry of this number.
    Told { number: u64, told: Told },
    /// Something that event scenarios may want to hear of.
    Happened(Box<Happening>),
    /// Tell a gate how far it was heard.
    Acknowledge { gate: Role, cursor: Cursor },
}

/// A scenario to run.
#[derive(Debug)]
pub struct Launch {
    /// The call and what began it.
    pub start: Start,
    /// Its journal; what is recorded in it is not asked for again.
    pub journal: Journal,
}

struct Live {
    journal: Journal,
    id: String,
    domain: String,
    scenario: String,
    /// Who waits for the outcome of which request.
    reply: Option<(OpIndex, oneshot::Sender<Outcome>)>,
    /// The scenario is to end: it gets no more answers.
    stopped: bool,
}

/// A shard with its log.
pub struct Calls<D: Disk> {
    shard: Shard,
    keeper: Keeper<D>,
    clock: Clock,
    live: BTreeMap<CallKey, Live>,
    /// Calls whose journals may have grown since the last commit.
    grown: BTreeSet<CallKey>,
    /// Records that the store has not confirmed, as they are in the log.
    unconfirmed: BTreeMap<u64, Vec<u8>>,
    next_ended: u64,
    /// Not committed yet.
    waiting: Vec<Effect>,
    /// Committed.
    effects: VecDeque<Effect>,
    deadline: Option<Moment>,
    messages: Messages,
    /// The time of the last input.
    now: Moment,
    scratch: Vec<u8>,
}

impl<D: Disk> Calls<D> {
    /// A shard, new or restored, with the values of its log that are this module's. `clock` times the journals; `now`
    /// is the time. Problems are told to the log: a call whose journal cannot be read goes to its fall-back.
    pub fn new(
        shard: Shard,
        keeper: Keeper<D>,
        clock: Clock,
        values: impl IntoIterator<Item = (Key, Vec<u8>)>,
        now: Moment,
    ) -> Self {
        let mut calls = Self {
            shard,
            keeper,
            clock,
            live: BTreeMap::new(),
            grown: BTreeSet::new(),
            unconfirmed: BTreeMap::new(),
            next_ended: 0,
            waiting: Vec::new(),
            effects: VecDeque::new(),
            deadline: None,
            messages: Messages::default(),
            now,
            scratch: Vec::new(),
        };
        let mut journals = BTreeMap::new();
        for (key, value) in values {
            match key.kind {
                Kind::Scenario => drop(journals.insert(key.id, value)),
                Kind::Ended => calls.submit_again(key.id, value),
                _ => calls.keeper.found(key, &value),
            }
        }
        for call_id in calls.shard.call_ids() {
            calls.messages.open(call_id, now);
        }
        calls.drain(&mut journals, now);
        // What is left belongs to calls that could not be brought back.
        for id in journals.into_keys() {
            calls.keeper.delete(Key::new(Kind::Scenario, id, 0));
        }
        calls
    }

    /// Takes one input of the shard.
    pub fn handle(&mut self, input: Input, now: Moment) {
        self.now = now;
        if let Input::Sip { flow, message } = &input {
            self.messages.note(MessageWay::In, *flow, message.as_bytes(), now);
        }
        self.shard.handle(input, now);
        self.drain(&mut BTreeMap::new(), now);
    }

    /// Takes an inquiry of another call, or of nobody's. A call that is over, and whose record the store has not
    /// confirmed, is not begun again.
    pub fn handle_inquiry(&mut self, number: u64, inquiry: Inquiry, now: Moment) {
        if let Inquiry::Originate(it) = &inquiry
            && self
                .unconfirmed
                .values()
                .any(|value| Ended::from_value(value).is_ok_and(|ended| ended.record.summary.id == it.id))
        {
            let told = Told::Begun;
            return self.waiting.push(Effect::Told { number, told });
        }
        self.handle(Input::Inquire { number, inquiry }, now);
    }

    /// Takes a scenario's request. A dropped reply tells the guest that its call is over.
    pub fn handle_passed(&mut self, passed: Passed, now: Moment) {
        let Passed {
            call,
            index,
            op,
            again,
            reply,
        } = passed;
        let Some(live) = self.live.get_mut(&call).filter(|live| !live.stopped) else {
            return;
        };
        live.reply = Some((index, reply));
        self.grown.insert(call);
        let input = if again {
            Input::Reperform { call, index, op }
        } else {
            Input::Perform { call, index, op }
        };
        self.handle(input, now);
    }

    /// A scenario has come to its end, or never began.
    pub fn handle_scenario_ended(&mut self, call: CallKey, finished: Result<Finished, End>, now: Moment) {
        let end = match finished {
            Ok(finished) => finished.end,
            Err(end) => end,
        };
        if let Some(live) = self.live.get(&call) {
            live.log_end(&end);
        }
        self.grown.insert(call);
        self.handle(Input::ScenarioEnded { call, end }, now);
    }

    /// Everything that a gate said up to `cursor` has been handled.
    pub fn heard(&mut self, gate: Role, cursor: Cursor) {
        self.keeper.heard(gate, cursor);
    }

    /// The store has confirmed a record.
    pub fn stored(&mut self, number: u64) {
        if self.unconfirmed.remove(&number).is_some() {
            self.keeper.delete(Key::new(Kind::Ended, number, 0));
        }
    }

    /// Writes down what has changed; the effects of the inputs so far may be carried out.
    pub fn commit(&mut self) -> Kept {
        if self.keeper.renews(self.now) {
            self.write_all();
        } else {
            for key in self.keeper.stale() {
                self.write_again(key);
            }
        }
        let kept = self.write();
        self.effects.extend(self.waiting.drain(..));
        self.give_messages(false);
        let shard = &self.shard;
        self.messages.forget(|| shard.call_ids(), self.now);
        kept
    }

    /// Has the messages of calls that are over written down, where their time has come; `all`: of all of them, because
    /// the process ends.
    pub fn give_messages(&mut self, all: bool) {
        while let Some(said) = self.messages.poll(self.now, all) {
            self.effects.push_back(Effect::StoreMessages(said));
        }
    }

    /// The next effect that is committed.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When [`Input::Timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        [self.deadline, self.keeper.deadline(), self.messages.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The call logic, to be looked at.
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// Bytes written to the log since the start, and on the disk now.
    pub fn log_bytes(&self) -> (u64, u64) {
        self.keeper.bytes()
    }

    fn write(&mut self) -> Kept {
        let (keeper, shard) = (&mut self.keeper, &mut self.shard);
        shard.changes(&mut |change| keeper.change(&change));
        while let Some(call) = self.grown.pop_first() {
            self.scratch.clear();
            if let Some(live) = self.live.get(&call)
                && live.journal.take_unsaved(&mut self.scratch)
            {
                keeper.append(scenario_key(call), &self.scratch);
            }
        }
        let effects = &mut self.effects;
        // An acknowledgement is no effect of a call: it may go before them.
        keeper.commit(self.now, |gate, cursor| {
            effects.push_back(Effect::Acknowledge { gate, cursor });
        })
    }

    /// Writes a value in full whose segment is to go.
    fn write_again(&mut self, key: Key) {
        match key.kind {
            Kind::Scenario => self.write_journal(CallKey(key.id)),
            Kind::Ended => match self.unconfirmed.get(&key.id) {
                Some(value) => self.keeper.put(key, value),
                None => self.keeper.delete(key),
            },
            _ if self.shard.write_again(key) => (),
            // Nobody knows it any more.
            _ => self.keeper.delete(key),
        }
    }

    fn write_journal(&mut self, call: CallKey) {
        let Some(live) = self.live.get(&call) else {
            return self.keeper.delete(scenario_key(call));
        };
        self.scratch.clear();
        live.journal.take_all(&mut self.scratch);
        self.keeper.put(scenario_key(call), &self.scratch);
    }

    /// The log missed some commits: everything is written anew.
    fn write_all(&mut self) {
        self.shard.write_all();
        for call in self.live.keys().copied().collect::<Vec<_>>() {
            self.write_journal(call);
        }
        for (number, value) in &self.unconfirmed {
            self.keeper.put(Key::new(Kind::Ended, *number, 0), value);
        }
    }

    /// What the shard wants, until it wants nothing more.
    fn drain(&mut self, journals: &mut BTreeMap<u64, Vec<u8>>, now: Moment) {
        loop {
            match self.shard.poll_output() {
                Output::Wait(at) => {
                    self.deadline = at;
                    return;
                }
                Output::Send { flow, bytes } => {
                    self.messages.note(MessageWay::Out, flow, &bytes, now);
                    self.waiting.push(Effect::Send { flow, bytes });
                }
                Output::Media(command) => self.waiting.push(Effect::Media(command)),
                Output::Ask { number, question, .. } => self.waiting.push(Effect::Ask { number, question }),
                Output::Start(start) => {
                    let journal = self.new_journal(&start, now);
                    self.launch(*start, journal, true);
                }
                Output::FallBack(fall_back) => self.fall_back(*fall_back, now),
                Output::Resume(resume) => self.resume(*resume, journals, now),
                Output::Done { call, index, outcome } => self.answer(call, index, outcome),
                Output::Happened(happening) => self.waiting.push(Effect::Happened(happening)),
                Output::Told { number, told } => self.waiting.push(Effect::Told { number, told }),
                Output::Journal { call, input } => {
                    if let Some(live) = self.live.get(&call) {
                        live.journal.input(input);
                        self.grown.insert(call);
                    }
                }
                Output::StopScenario { call } => {
                    if let Some(live) = self.live.get_mut(&call) {
                        live.stopped = true;
                        live.reply = None;
                    }
                }
                Output::Ended { call, record } => self.end(call, *record),
            }
        }
    }

    fn new_journal(&self, start: &Start, now: Moment) -> Journal {
        let header = JournalHeader {
            call: start.id.clone(),
            domain: start.domain.to_string(),
            entry: start.entry.number.clone(),
            module_hash: start.entry.hash.clone(),
            world: WORLD.to_owned(),
            began_ms: now.unix_micros() / 1_000,
        };
        Journal::new(header, self.clock.clone())
    }

    fn launch(&mut self, start: Start, journal: Journal, runs: bool) {
        let live = Live {
            journal: journal.clone(),
            id: start.id.clone(),
            domain: start.domain.to_string(),
            scenario: start.entry.module.clone(),
            reply: None,
            stopped: !runs,
        };
        self.grown.insert(start.call);
        self.live.insert(start.call, live);
        if runs {
            self.waiting
                .push(Effect::Launch(Box::new(Launch { start, journal })));
        }
    }

    /// A call's scenario has failed: the journal goes on with the one that takes over.
    fn fall_back(&mut self, fall_back: FallBack, now: Moment) {
        let FallBack { start, end, asked } = fall_back;
        let journal = match self.live.get(&start.call) {
            Some(live) => live.journal.clone(),
            None => self.new_journal(&start, now),
        };
        let entry = &start.entry;
        tracing::info!(
            domain = %start.domain, call = %start.id, scenario = %entry.module, hash = %entry.hash,
            "the fall-back takes over"
        );
        journal.fell_back(&end, asked, &entry.module, &entry.hash);
        self.launch(start, journal, true);
    }

    /// A call came back. Its scenario goes on where its journal ends; one that cannot goes to the fall-back.
    fn resume(&mut self, resume: Resume, journals: &mut BTreeMap<u64, Vec<u8>>, now: Moment) {
        let Resume {
            start,
            running,
            began,
            ..
        } = resume;
        let call = start.call;
        let journal = match journals.remove(&call.0) {
            // Begun anew, it would do everything a second time.
            None if began => Err("it is lost".to_owned()),
            // It was to be started when the process ended.
            None => Ok(self.new_journal(&start, now)),
            Some(bytes) => Journal::restore(&bytes, self.clock.clone(), now.unix_micros() / 1_000)
                .map_err(|error| error.to_string()),
        };
        match journal {
            Ok(journal) => self.launch(start, journal, running),
            Err(error) => {
                let lost = self.new_journal(&start, now);
                self.launch(start, lost, false);
                // The damaged one is in the log: the new one takes its place.
                self.write_journal(call);
                if running {
                    let end = End::Diverged(format!("its journal cannot be read: {error}"));
                    if let Some(live) = self.live.get(&call) {
                        live.log_end(&end);
                    }
                    self.shard.handle(Input::ScenarioEnded { call, end }, now);
                }
            }
        }
    }

    fn answer(&mut self, call: CallKey, index: OpIndex, outcome: Outcome) {
        let Some(live) = self.live.get_mut(&call) else {
            return;
        };
        if let Some((_, reply)) = live.reply.take_if(|(asked, _)| *asked == index) {
            self.waiting.push(Effect::Answer { reply, outcome });
            self.grown.insert(call);
        }
    }

    fn end(&mut self, call: Option<CallKey>, mut record: Record) {
        let live = call.and_then(|call| self.live.remove(&call));
        if let Some(call) = call {
            self.grown.remove(&call);
            self.keeper.delete(scenario_key(call));
        }
        record.call.summary.rolling_hash = live.as_ref().map(|live| hex(&live.journal.rolling_hash()));
        let dialogs = std::mem::take(&mut record.dialogs);
        let summary = &record.call.summary;
        self.messages
            .close(record.domain.clone(), summary.id.clone(), dialogs, self.now);
        tracing::info!(
            domain = %record.domain, call = %summary.id, from = %summary.from_number, to = %summary.to_number,
            cause = %summary.cause, duration_ms = summary.duration_ms, "call over"
        );
        let ended = Ended {
            domain: record.domain.to_string(),
            record: record.call,
            journal: live.map(|live| live.journal.to_bytes()),
        };
        self.next_ended += 1;
        let number = self.next_ended;
        match ended.to_value() {
            Ok(value) => {
                self.keeper.put(Key::new(Kind::Ended, number, 0), &value);
                self.unconfirmed.insert(number, value);
            }
            Err(error) => tracing::error!(%error, "a record cannot be kept until the store has it"),
        }
        self.waiting.push(Effect::Store {
            number,
            ended: Box::new(ended),
        });
    }

    /// A record that the store had not confirmed when the process ended. It may have it: it takes a call once.
    fn submit_again(&mut self, number: u64, value: Vec<u8>) {
        self.next_ended = self.next_ended.max(number);
        match Ended::from_value(&value) {
            Ok(ended) => {
                self.unconfirmed.insert(number, value);
                self.waiting.push(Effect::Store {
                    number,
                    ended: Box::new(ended),
                });
            }
            Err(error) => {
                tracing::error!(number, %error, "a record in the log cannot be read");
                self.keeper.delete(Key::new(Kind::Ended, number, 0));
            }
        }
    }
}

fn scenario_key(call: CallKey) -> Key {
    Key::new(Kind::Scenario, call.0, 0)
}

impl Live {
    /// Tells the log of a scenario that did not end well.
    fn log_end(&self, end: &End) {
        let (what, why, at) = match end {
            End::Returned | End::CallOver => return,
            End::Failed(why) => ("scenario failed", why.as_str(), &[][..]),
            End::Trapped { message, backtrace } => {
                ("scenario trapped", message.as_str(), backtrace.as_slice())
            }
            End::OverBudget(why) => ("scenario exceeded a limit", why.as_str(), &[][..]),
            End::Refused(why) => ("scenario could not be started", why.as_str(), &[][..]),
            End::Diverged(why) => ("scenario could not go on after a restart", why.as_str(), &[][..]),
        };
        let (domain, call, scenario) = (&self.domain, &self.id, &self.scenario);
        // An error's text is the guest's: escaped, it cannot forge a line.
        tracing::warn!(%domain, %call, %scenario, ?why, ?at, "{what}");
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            let _ = write!(out, "{byte:02x}"); // writing to a String cannot fail
            out
        })
}
