//! A server that dies, and another that goes on from what it had written down.

use std::collections::VecDeque;

use rand::{Rng as _, rngs::StdRng};
use tandem_bus::media::Event;
use tandem_switch::shard::Resume;
use tandem_switch::{Change, Input, Key, Output, RestoreProblem, Shard};

use super::{Gate, World, nonces};

/// How a server dies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crash {
    /// After so many inputs, once what they changed is written down.
    pub after_inputs: usize,
    /// Before anything that the last one caused has left.
    pub silently: bool,
    /// The media gate dies too.
    pub gate: bool,
    /// The server lives; only the gate dies, and is told nothing of what the last input caused.
    pub server_lives: bool,
    /// The SIP gate dies too: every connection is gone.
    pub connections: bool,
}

/// Deaths by chance.
#[derive(Debug)]
pub struct Fate {
    /// Chance.
    pub rng: StdRng,
    /// One input in so many is the last.
    pub one_in: u32,
    /// Whether what the last input caused may be lost.
    pub silently: bool,
}

impl Fate {
    pub(super) fn strikes(&mut self) -> Option<Crash> {
        self.rng.random_ratio(1, self.one_in).then(|| Crash {
            after_inputs: 0,
            silently: self.silently && self.rng.random(),
            gate: self.rng.random(),
            ..Crash::default()
        })
    }
}

impl World {
    /// Takes what changed into the log, as the driver does after each batch.
    pub fn write_down(&mut self) {
        let log = &mut self.log;
        self.shard.changes(&mut |change| match change {
            Change::Put { key, value } => {
                let before = log.insert(key, value.to_vec());
                assert!(
                    before.is_none_or(|before| before != value),
                    "{key:?} is written without need"
                );
            }
            Change::Delete { key } => assert!(log.remove(&key).is_some(), "{key:?} was never written"),
        });
    }

    /// The server dies, and another takes over.
    pub(super) fn die(&mut self, crash: &Crash, inputs: &mut VecDeque<Input>) {
        if crash.server_lives {
            self.gate.is_dead = true;
            self.drain(inputs);
            inputs.retain(|input| !matches!(input, Input::Media(_)));
            self.gate = Gate {
                commands: std::mem::take(&mut self.gate.commands),
                files: std::mem::take(&mut self.gate.files),
                ..Gate::default()
            };
            return inputs.push_back(Input::GateConnected { fresh: true });
        }
        if crash.silently {
            self.write_ended();
        } else {
            self.drain(inputs);
        }
        // Answers and scenarios die with the server; what phones and gates have sent reaches the next one.
        inputs.retain(|input| match input {
            Input::Sip { .. } => true,
            Input::Media(Event::Reported { .. }) => false,
            Input::Media(_) => !crash.gate,
            _ => false,
        });
        if crash.gate {
            self.gate = Gate {
                commands: std::mem::take(&mut self.gate.commands),
                files: std::mem::take(&mut self.gate.files),
                ..Gate::default()
            };
        }
        for scenario in self.scenarios.values_mut() {
            scenario.listens = false;
        }
        let problems = self.restore();
        assert_eq!(problems, []);
        self.write_down();
        self.drain(inputs);
        if crash.connections {
            inputs.push_back(Input::SipGateConnected { fresh: true });
        }
        inputs.push_back(Input::GateConnected { fresh: crash.gate });
    }

    /// A record and the journal's end are in the same batch as what ends the call.
    fn write_ended(&mut self) {
        loop {
            match self.shard.poll_output() {
                Output::Wait(_) => return,
                Output::Ended { record, .. } => self.records.push(record.call),
                Output::Journal { input, .. } => self.journal.push(input),
                Output::Start(start) => {
                    self.started.push(start.call);
                    self.scenarios.insert(start.call, super::Scenario::default());
                }
                Output::FallBack(fall_back) => self.begin_fallback(fall_back.start.call),
                _ => (),
            }
        }
    }

    /// The driver runs another scenario for the call, whose requests are numbered on.
    pub(super) fn begin_fallback(&mut self, call: tandem_switch::CallKey) {
        let index = self
            .scenarios
            .get(&call)
            .map(|before| before.index)
            .unwrap_or_default();
        let scenario = super::Scenario {
            index,
            listens: true,
            ..super::Scenario::default()
        };
        self.scenarios.insert(call, scenario);
    }

    /// Puts a shard in place of the one there is, from the log.
    pub fn restore(&mut self) -> Vec<RestoreProblem> {
        let entries: Vec<(Key, Vec<u8>)> = self
            .log
            .iter()
            .map(|(key, value)| (*key, value.clone()))
            .collect();
        let entries = entries.iter().map(|(key, value)| (*key, value.as_slice()));
        let seed = 1_000 + self.inputs as u64;
        let (shard, problems) = Shard::restore(self.config.clone(), nonces(seed), seed, entries, self.now);
        self.shard = shard;
        problems
    }

    /// A whole crash, now: nothing is under way.
    pub fn crash_and_restore(&mut self, gate: bool) {
        let crash = Crash {
            gate,
            ..Crash::default()
        };
        let mut inputs = VecDeque::new();
        self.die(&crash, &mut inputs);
        for input in inputs {
            self.give(input);
        }
    }

    /// The driver runs the scenario again; it comes as far as its journal has it.
    pub(super) fn resume(&mut self, resume: &Resume, inputs: &mut VecDeque<Input>) {
        let call = resume.start.call;
        let Some(scenario) = self.scenarios.get(&call).cloned() else {
            panic!("{call:?} was never started")
        };
        if !resume.running {
            assert!(scenario.end.is_some());
            return;
        }
        if let Some(end) = scenario.end {
            inputs.push_back(Input::ScenarioEnded { call, end });
        } else if let Some(op) = scenario.waits {
            let index = scenario.index;
            inputs.push_back(Input::Reperform { call, index, op });
        } else {
            assert_eq!(resume.pending, None);
        }
    }
}
