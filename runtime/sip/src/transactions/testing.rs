//! Virtual time for the tests of one machine.

use super::Action;
use crate::moment::Moment;
use std::time::Duration;

/// A machine as the simulator drives it.
pub trait Machine {
    /// What it takes.
    type Input;
    /// Gives it one input.
    fn handle(&mut self, input: Self::Input, now: Moment, actions: &mut Vec<Action>);
    /// The input that says that time passed.
    fn timeout() -> Self::Input;
    /// Its next deadline.
    fn next(&self) -> Option<Moment>;
}

/// Lets the simulator drive one of the four machines, beside whose `Input` it is written.
macro_rules! simulated {
    ($machine:ident) => {
        impl $crate::transactions::testing::Machine for $machine {
            type Input = Input;

            fn handle(&mut self, input: Input, now: Moment, actions: &mut Vec<Action>) {
                $machine::handle(self, input, now, actions);
            }

            fn timeout() -> Input {
                Input::Timeout
            }

            fn next(&self) -> Option<Moment> {
                self.timers.next()
            }
        }
    };
}
pub(crate) use simulated;

/// One machine, its clock, and what it did when (ms since the start).
pub struct Sim<M> {
    machine: M,
    start: Moment,
    now: Moment,
    /// (ms, action) in order.
    pub log: Vec<(u64, Action)>,
}

impl<M: Machine> Sim<M> {
    pub fn new(make: impl FnOnce(Moment) -> M) -> Self {
        let start = Moment::default();
        Sim {
            machine: make(start),
            start,
            now: start,
            log: Vec::new(),
        }
    }

    pub fn give(&mut self, input: M::Input) {
        let mut actions = Vec::new();
        self.machine.handle(input, self.now, &mut actions);
        let at = (self.now - self.start).as_millis() as u64;
        self.log.extend(actions.into_iter().map(|action| (at, action)));
    }

    /// Lets `time` pass, stopping at each deadline.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.machine.next().filter(|at| *at <= until) {
            self.now = at;
            self.give(M::timeout());
        }
        self.now = until;
    }

    /// Jumps from deadline to deadline until none is left.
    pub fn run_until_idle(&mut self) {
        for _ in 0..1_000 {
            let Some(at) = self.machine.next() else { return };
            self.now = at;
            self.give(M::timeout());
        }
        panic!("the machine never comes to rest");
    }

    /// When `action` was taken.
    pub fn at_ms(&self, action: Action) -> Vec<u64> {
        self.log
            .iter()
            .filter(|(_, taken)| *taken == action)
            .map(|(at, _)| *at)
            .collect()
    }
}

pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}
