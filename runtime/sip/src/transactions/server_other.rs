//! Server side of a request other than INVITE and ACK (RFC 3261 §17.2.2, figure 8).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──200-699──▶ Completed ──J──▶ Terminated
//!    └───────────────200-699────────────────▲
//! ```

use super::timers::{Timer, Timers, Times};
use super::{Action, Class};
use std::time::Instant;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Trying,
    Proceeding,
    Completed,
    Terminated,
}
use State::*;

/// What happens to the machine.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// The request came again.
    Request,
    /// The user answers.
    Respond(Class),
    /// Time passed.
    Timeout,
    /// The transport could not send.
    TransportError,
}

/// The machine. Its last response is kept by the table.
#[derive(Debug)]
pub struct ServerOther {
    state: State,
    reliable: bool,
    times: Times,
    /// What is set now.
    pub timers: Timers,
}

impl ServerOther {
    /// Begins in Trying; the caller tells the user of the request.
    pub fn new(times: Times, reliable: bool) -> Self {
        ServerOther {
            state: Trying,
            reliable,
            times,
            timers: Timers::default(),
        }
    }

    /// Takes one input; what is to be done is put on `actions` in order.
    pub fn handle(&mut self, input: Input, now: Instant, actions: &mut Vec<Action>) {
        match (self.state, input) {
            (Trying | Proceeding, Input::Respond(Class::Provisional)) => {
                self.state = Proceeding;
                actions.push(Action::Send);
            }
            (Trying | Proceeding, Input::Respond(Class::Success | Class::Failure)) => {
                actions.push(Action::Send);
                if self.reliable {
                    self.terminate(actions);
                } else {
                    self.state = Completed;
                    self.timers.set(Timer::J, now + self.times.give_up());
                }
            }
            (Completed | Terminated, Input::Respond(_)) => actions.push(Action::TooLate),
            // Nothing to say yet.
            (Trying, Input::Request) => (),
            (Proceeding | Completed, Input::Request) => actions.push(Action::Send),
            // While in Trying nothing of ours can have failed but the connection itself.
            (Trying | Proceeding | Completed, Input::TransportError) => {
                actions.push(Action::Failed);
                self.terminate(actions);
            }
            (Trying | Proceeding | Completed, Input::Timeout) => {
                if self.timers.take_due(now) == Some(Timer::J) {
                    self.terminate(actions);
                }
            }
            (Terminated, Input::Request | Input::Timeout | Input::TransportError) => (),
        }
    }

    fn terminate(&mut self, actions: &mut Vec<Action>) {
        self.state = Terminated;
        self.timers.clear();
        actions.push(Action::Done);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Machine, Sim, secs};
    use super::*;

    impl Machine for ServerOther {
        type Input = Input;
        fn handle(&mut self, input: Input, now: Instant, actions: &mut Vec<Action>) {
            ServerOther::handle(self, input, now, actions);
        }
        fn timeout() -> Input {
            Input::Timeout
        }
        fn next(&self) -> Option<Instant> {
            self.timers.next()
        }
    }

    fn udp() -> Sim<ServerOther> {
        Sim::new(|_| ServerOther::new(Times::default(), false))
    }

    #[test]
    fn repeats_are_absorbed_while_the_user_thinks() {
        let mut sim = udp();
        sim.give(Input::Request);
        sim.give(Input::Request);
        sim.run_until_idle();
        assert_eq!(sim.log, []);
    }

    #[test]
    fn repeats_bring_the_last_response_again_until_timer_j() {
        let mut sim = udp();
        sim.give(Input::Respond(Class::Provisional));
        sim.give(Input::Request);
        sim.give(Input::Respond(Class::Success));
        sim.advance(secs(1));
        sim.give(Input::Request);
        sim.give(Input::Respond(Class::Failure));
        sim.run_until_idle();
        assert_eq!(
            sim.log,
            [
                (0, Action::Send),
                (0, Action::Send),
                (0, Action::Send),
                (1_000, Action::Send),
                (1_000, Action::TooLate),
                (32_000, Action::Done)
            ]
        );
    }

    #[test]
    fn a_final_response_over_tcp_ends_at_once() {
        let mut sim = Sim::new(|_| ServerOther::new(Times::default(), true));
        sim.give(Input::Respond(Class::Success));
        assert_eq!(sim.log, [(0, Action::Send), (0, Action::Done)]);
    }

    #[test]
    fn a_transport_error_is_told_and_ends_it() {
        let mut sim = udp();
        sim.give(Input::Respond(Class::Provisional));
        sim.give(Input::TransportError);
        sim.run_until_idle();
        assert_eq!(
            sim.log,
            [(0, Action::Send), (0, Action::Failed), (0, Action::Done)]
        );
    }
}
