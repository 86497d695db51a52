//! Client side of a request other than INVITE and ACK (RFC 3261 §17.1.2, figure 6).
//!
//! ```text
//! Trying ──1xx──▶ Proceeding ──200-699──▶ Completed ──K──▶ Terminated
//!    └───────────────200-699────────────────▲
//! ```

use super::timers::{Timer, Timers, Times};
use super::{Action, Class};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

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
    /// A response of this class came.
    Response(Class),
    /// Time passed.
    Timeout,
    /// The transport could not send.
    TransportError,
}

/// The machine. Its request is kept by the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientOther {
    state: State,
    reliable: bool,
    /// The table's: not written down with each transaction, see [`Self::adopt`].
    #[serde(skip)]
    times: Times,
    resend_after: Duration,
    /// What is set now.
    pub timers: Timers,
}

impl ClientOther {
    /// Begins in Trying; the caller sends the request once.
    pub fn new(times: Times, reliable: bool, now: Moment) -> Self {
        let mut timers = Timers::default();
        if !reliable {
            timers.set(Timer::E, now + times.t1);
        }
        timers.set(Timer::F, now + times.give_up());
        ClientOther {
            state: Trying,
            reliable,
            times,
            resend_after: times.t1,
            timers,
        }
    }

    /// Takes one input; what is to be done is put on `actions` in order.
    pub fn handle(&mut self, input: Input, now: Moment, actions: &mut Vec<Action>) {
        match (self.state, input) {
            (Trying | Proceeding, Input::Response(Class::Provisional)) => {
                // E goes on, at T2 from its next firing; F goes on too.
                self.state = Proceeding;
                actions.push(Action::Deliver);
            }
            (Trying | Proceeding, Input::Response(Class::Success | Class::Failure)) => {
                self.timers.clear();
                actions.push(Action::Deliver);
                if self.reliable {
                    self.terminate(actions);
                } else {
                    self.state = Completed;
                    self.timers.set(Timer::K, now + self.times.t4);
                }
            }
            // Each repeat of ours may bring the final response again: absorb it.
            (Completed, Input::Response(_)) => (),
            (Trying | Proceeding, Input::TransportError) => {
                actions.push(Action::Failed);
                self.terminate(actions);
            }
            // Nothing is left to send.
            (Completed, Input::TransportError) => (),
            (Trying | Proceeding | Completed, Input::Timeout) => self.fire_due(now, actions),
            (Terminated, Input::Response(_) | Input::Timeout | Input::TransportError) => (),
        }
    }

    /// Whether the request may never have left us: it has no response, and no timer is due that repeats or ends it.
    pub fn wants_resend(&self, now: Moment) -> bool {
        self.state == Trying && self.timers.next() > Some(now)
    }

    /// Goes on after it was read back, by these times. Deadlines stay as they were.
    pub fn adopt(&mut self, times: Times) {
        self.times = times;
        self.resend_after = times.repeat_gap(self.resend_after);
    }

    /// Whether a machine can be like this: what was read back may be broken.
    pub fn is_sound(&self) -> bool {
        match self.state {
            Trying | Proceeding => self.timers.are(&[Timer::F], &[Timer::E]),
            Completed => self.timers.are(&[Timer::K], &[]),
            Terminated => false,
        }
    }

    fn fire_due(&mut self, now: Moment, actions: &mut Vec<Action>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::E => {
                    self.resend_after = if self.state == Proceeding {
                        self.times.t2
                    } else {
                        (self.resend_after * 2).min(self.times.t2)
                    };
                    self.timers.set(Timer::E, now + self.resend_after);
                    actions.push(Action::Send);
                }
                Timer::F => {
                    actions.push(Action::TimedOut);
                    self.terminate(actions);
                }
                Timer::K => self.terminate(actions),
                Timer::A
                | Timer::B
                | Timer::D
                | Timer::G
                | Timer::H
                | Timer::I
                | Timer::J
                | Timer::L
                | Timer::M
                | Timer::Trying
                | Timer::Cancel => debug_assert!(false, "{timer:?} is not of this machine"),
            }
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
    use super::super::testing::{Sim, ms, secs, simulated};
    use super::*;

    simulated!(ClientOther);

    fn udp() -> Sim<ClientOther> {
        Sim::new(|now| ClientOther::new(Times::default(), false, now))
    }

    fn tcp() -> Sim<ClientOther> {
        Sim::new(|now| ClientOther::new(Times::default(), true, now))
    }

    /// Timer E doubles up to T2, timer F ends it (RFC 3261 §17.1.2.2).
    #[test]
    fn unanswered_request_is_repeated_until_timer_f() {
        let mut sim = udp();
        sim.run_until_idle();
        assert_eq!(
            sim.at_ms(Action::Send),
            [
                500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
            ]
        );
        assert_eq!(sim.at_ms(Action::TimedOut), [32_000]);
    }

    #[test]
    fn request_over_tcp_is_not_repeated() {
        let mut sim = tcp();
        sim.run_until_idle();
        assert_eq!(sim.log, [(32_000, Action::TimedOut), (32_000, Action::Done)]);
    }

    #[test]
    fn after_a_provisional_response_repeats_come_every_t2() {
        let mut sim = udp();
        sim.advance(ms(100));
        sim.give(Input::Response(Class::Provisional));
        sim.run_until_idle();
        assert_eq!(sim.at_ms(Action::Send)[..3], [500, 4_500, 8_500]);
        assert_eq!(sim.at_ms(Action::TimedOut), [32_000]);
    }

    #[test]
    fn a_final_response_is_told_once_and_repeats_absorbed_until_timer_k() {
        let mut sim = udp();
        sim.give(Input::Response(Class::Failure));
        sim.advance(secs(1));
        sim.give(Input::Response(Class::Failure));
        sim.run_until_idle();
        assert_eq!(sim.log, [(0, Action::Deliver), (5_000, Action::Done)]);
    }

    #[test]
    fn a_final_response_over_tcp_ends_at_once() {
        let mut sim = tcp();
        sim.give(Input::Response(Class::Success));
        assert_eq!(sim.log, [(0, Action::Deliver), (0, Action::Done)]);
    }

    #[test]
    fn a_transport_error_is_told_and_ends_it() {
        let mut sim = udp();
        sim.give(Input::TransportError);
        sim.run_until_idle();
        assert_eq!(sim.log, [(0, Action::Failed), (0, Action::Done)]);
    }
}
