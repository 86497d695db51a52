//! Server side of a request other than INVITE and ACK (RFC 3261 §17.2.2, figure 8).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──200-699──▶ Completed ──J──▶ Terminated
//!    └───────────────200-699────────────────▲
//! ```

use super::timers::{Timer, Timers, Times};
use super::{Action, Class};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerOther {
    state: State,
    reliable: bool,
    /// The table's: not written down with each transaction, see [`Self::adopt`].
    #[serde(skip)]
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
    pub fn handle(&mut self, input: Input, now: Moment, actions: &mut Vec<Action>) {
        match (self.state, input) {
            (Trying | Proceeding, Input::Respond(Class::Provisional)) => {
                self.state = Proceeding;
                actions.push(Action::Send);
            }
            (Trying | Proceeding, Input::Respond(Class::Success | Class::Failure)) => {
                actions.push(Action::Send);
                self.state = Completed;
                // On TCP no repeat is to be absorbed and J would be zero. But nobody repeats a request there whose
                // response we lost by a crash before it left: so it is known for a moment yet.
                let linger = if self.reliable {
                    self.times.t1
                } else {
                    self.times.give_up()
                };
                self.timers.set(Timer::J, now + linger);
            }
            (Completed | Terminated, Input::Respond(_)) => actions.push(Action::TooLate),
            // Nothing to say yet.
            (Trying, Input::Request) => (),
            (Proceeding | Completed, Input::Request) => actions.push(Action::Send),
            // Who has its response may close the connection.
            (Completed, Input::TransportError) if self.reliable => self.terminate(actions),
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

    /// Whether the peer may wait for what was said last. A timer J that is due changes nothing: the peer may have
    /// waited as long as we were away.
    pub fn wants_resend(&self) -> bool {
        match self.state {
            Proceeding | Completed => true,
            Trying | Terminated => false,
        }
    }

    /// Goes on after it was read back, by these times. Deadlines stay as they were.
    pub fn adopt(&mut self, times: Times) {
        self.times = times;
    }

    /// Whether a machine can be like this: what was read back may be broken.
    pub fn is_sound(&self) -> bool {
        match self.state {
            Trying | Proceeding => self.timers.are(&[], &[]),
            Completed => self.timers.are(&[Timer::J], &[]),
            Terminated => false,
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
    use super::super::testing::{Sim, secs, simulated};
    use super::*;

    simulated!(ServerOther);

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
    fn a_final_response_over_tcp_is_kept_for_a_moment_and_a_closed_connection_is_no_failure() {
        for (closed, done_ms) in [(false, 500), (true, 0)] {
            let mut sim = Sim::new(|_| ServerOther::new(Times::default(), true));
            sim.give(Input::Respond(Class::Success));
            if closed {
                sim.give(Input::TransportError);
            }
            sim.run_until_idle();
            assert_eq!(sim.log, [(0, Action::Send), (done_ms, Action::Done)]);
        }
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
