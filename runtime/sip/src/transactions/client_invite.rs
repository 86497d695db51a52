//! Client side of INVITE (RFC 3261 §17.1.1, figure 5, as RFC 6026 §8.4 redraws it).
//!
//! ```text
//! Calling ──1xx──▶ Proceeding ──300-699──▶ Completed ──D──▶ Terminated
//!    │                 │   2xx                                  ▲
//!    └──2xx────────────┴─────────▶ Accepted ─────────M──────────┘
//! ```

use super::timers::{Timer, Timers, Times};
use super::{Action, Class};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Calling,
    Proceeding,
    Completed,
    Accepted,
    Terminated,
}
use State::*;

/// What happens to the machine.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// A response of this class came.
    Response(Class),
    /// The user gave the call up.
    Cancel,
    /// The user gave the call up because somebody else has answered it.
    CancelElsewhere,
    /// Time passed.
    Timeout,
    /// The transport could not send.
    TransportError,
}

/// The cancellation's way: RFC 3261 §9.1 forbids CANCEL before a provisional response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Cancel {
    No,
    Wanted,
    Sent,
    /// Wanted, as somebody else has answered.
    WantedElsewhere,
}

/// The machine. Its request is kept by the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientInvite {
    state: State,
    cancel: Cancel,
    reliable: bool,
    /// The table's: not written down with each transaction, see [`Self::adopt`].
    #[serde(skip)]
    times: Times,
    resend_after: std::time::Duration,
    /// What is set now.
    pub timers: Timers,
}

impl ClientInvite {
    /// Begins in Calling; the caller sends the request once.
    pub fn new(times: Times, reliable: bool, now: Moment) -> Self {
        let mut timers = Timers::default();
        if !reliable {
            timers.set(Timer::A, now + times.t1);
        }
        timers.set(Timer::B, now + times.give_up());
        ClientInvite {
            state: Calling,
            cancel: Cancel::No,
            reliable,
            times,
            resend_after: times.t1,
            timers,
        }
    }

    /// Takes one input; what is to be done is put on `actions` in order.
    pub fn handle(&mut self, input: Input, now: Moment, actions: &mut Vec<Action>) {
        match (self.state, input) {
            (Calling | Proceeding, Input::Response(Class::Provisional)) => {
                self.state = Proceeding;
                self.timers.stop(Timer::A);
                self.timers.stop(Timer::B);
                actions.push(Action::Deliver);
                match self.cancel {
                    Cancel::Wanted => self.send_cancel(Action::Cancel, now, actions),
                    Cancel::WantedElsewhere => self.send_cancel(Action::CancelElsewhere, now, actions),
                    Cancel::No | Cancel::Sent => (),
                }
            }
            (Calling | Proceeding, Input::Response(Class::Success)) => {
                self.state = Accepted;
                self.timers.clear();
                self.timers.set(Timer::M, now + self.times.give_up());
                actions.push(Action::Deliver);
            }
            (Calling | Proceeding, Input::Response(Class::Failure)) => {
                self.timers.clear();
                actions.push(Action::Ack);
                actions.push(Action::Deliver);
                if self.reliable {
                    self.terminate(actions);
                } else {
                    self.state = Completed;
                    self.timers
                        .set(Timer::D, now + self.times.absorb_invite_response());
                }
            }
            // Its server did not hear our ACK: say it again, tell nobody.
            (Completed, Input::Response(Class::Failure)) => actions.push(Action::Ack),
            // A final response has been given already: what comes late is absorbed.
            (Completed, Input::Response(Class::Provisional | Class::Success)) => (),
            // A repeat, or another branch of a fork that was answered: the dialog layer tells (RFC 6026 §7.2).
            (Accepted, Input::Response(Class::Success)) => actions.push(Action::Deliver),
            (Accepted, Input::Response(Class::Provisional | Class::Failure)) => (),

            (Calling, Input::Cancel) => self.cancel = Cancel::Wanted,
            (Calling, Input::CancelElsewhere) => self.cancel = Cancel::WantedElsewhere,
            (Proceeding, Input::Cancel | Input::CancelElsewhere) => {
                if self.cancel != Cancel::Sent {
                    let action = match input {
                        Input::CancelElsewhere => Action::CancelElsewhere,
                        _ => Action::Cancel,
                    };
                    self.send_cancel(action, now, actions);
                }
            }
            // Too late: the final response has come.
            (Completed | Accepted, Input::Cancel | Input::CancelElsewhere) => (),

            (Calling | Proceeding | Completed, Input::TransportError) => {
                // In Completed the ACK could not be sent (RFC 3261 §17.1.1.2).
                actions.push(Action::Failed);
                self.terminate(actions);
            }
            // The user owns the ACK now and hears of its failure where it sends it.
            (Accepted, Input::TransportError) => (),

            (Calling | Proceeding | Completed | Accepted, Input::Timeout) => self.fire_due(now, actions),
            (
                Terminated,
                Input::Response(_)
                | Input::Cancel
                | Input::CancelElsewhere
                | Input::Timeout
                | Input::TransportError,
            ) => (),
        }
    }

    /// Whether the request may never have left us: it has no response, and no timer is due that repeats or ends it.
    pub fn wants_resend(&self, now: Moment) -> bool {
        self.state == Calling && self.timers.next() > Some(now)
    }

    /// Goes on after it was read back, by these times. Deadlines stay as they were.
    pub fn adopt(&mut self, times: Times) {
        self.times = times;
        self.resend_after = times.repeat_gap(self.resend_after);
    }

    /// Whether a machine can be like this: what was read back may be broken.
    pub fn is_sound(&self) -> bool {
        match self.state {
            Calling => self.timers.are(&[Timer::B], &[Timer::A]),
            Proceeding => self.timers.are(&[], &[Timer::Cancel]),
            Completed => self.timers.are(&[Timer::D], &[]),
            Accepted => self.timers.are(&[Timer::M], &[]),
            Terminated => false,
        }
    }

    fn fire_due(&mut self, now: Moment, actions: &mut Vec<Action>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::A => {
                    self.resend_after *= 2;
                    self.timers.set(Timer::A, now + self.resend_after);
                    actions.push(Action::Send);
                }
                Timer::B | Timer::Cancel => {
                    actions.push(Action::TimedOut);
                    self.terminate(actions);
                }
                Timer::D | Timer::M => self.terminate(actions),
                Timer::E
                | Timer::F
                | Timer::G
                | Timer::H
                | Timer::I
                | Timer::J
                | Timer::K
                | Timer::L
                | Timer::Trying => debug_assert!(false, "{timer:?} is not of this machine"),
            }
        }
    }

    fn send_cancel(&mut self, action: Action, now: Moment, actions: &mut Vec<Action>) {
        self.cancel = Cancel::Sent;
        // A server of RFC 2543 may never send the 487.
        self.timers.set(Timer::Cancel, now + self.times.give_up());
        actions.push(action);
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

    simulated!(ClientInvite);

    fn udp() -> Sim<ClientInvite> {
        Sim::new(|now| ClientInvite::new(Times::default(), false, now))
    }

    fn tcp() -> Sim<ClientInvite> {
        Sim::new(|now| ClientInvite::new(Times::default(), true, now))
    }

    /// Timer A doubles without a bound, timer B ends it (RFC 3261 §17.1.1.2).
    #[test]
    fn unanswered_invite_is_repeated_until_timer_b() {
        let mut sim = udp();
        sim.run_until_idle();
        assert_eq!(
            sim.at_ms(Action::Send),
            [500, 1_500, 3_500, 7_500, 15_500, 31_500]
        );
        assert_eq!(sim.at_ms(Action::TimedOut), [32_000]);
        assert_eq!(sim.at_ms(Action::Done), [32_000]);
    }

    #[test]
    fn invite_over_tcp_is_not_repeated() {
        let mut sim = tcp();
        sim.run_until_idle();
        assert_eq!(sim.log, [(32_000, Action::TimedOut), (32_000, Action::Done)]);
    }

    #[test]
    fn a_provisional_response_stops_repeats_and_timer_b() {
        let mut sim = udp();
        sim.give(Input::Response(Class::Provisional));
        sim.run_until_idle();
        assert_eq!(sim.log, [(0, Action::Deliver)]);
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time_but_told_once() {
        let mut sim = udp();
        sim.give(Input::Response(Class::Failure));
        sim.advance(secs(1));
        sim.give(Input::Response(Class::Failure));
        sim.run_until_idle();
        assert_eq!(
            sim.log,
            [
                (0, Action::Ack),
                (0, Action::Deliver),
                (1_000, Action::Ack),
                (32_000, Action::Done)
            ]
        );
    }

    #[test]
    fn a_refusal_over_tcp_ends_at_once() {
        let mut sim = tcp();
        sim.give(Input::Response(Class::Failure));
        assert_eq!(
            sim.log,
            [(0, Action::Ack), (0, Action::Deliver), (0, Action::Done)]
        );
    }

    /// Every 2xx goes up, on every transport, until timer M (RFC 6026 §8.4).
    #[test]
    fn each_2xx_is_told_until_timer_m() {
        for mut sim in [udp(), tcp()] {
            sim.give(Input::Response(Class::Success));
            sim.advance(secs(2));
            sim.give(Input::Response(Class::Success));
            sim.give(Input::Response(Class::Failure));
            sim.run_until_idle();
            assert_eq!(
                sim.log,
                [
                    (0, Action::Deliver),
                    (2_000, Action::Deliver),
                    (32_000, Action::Done)
                ]
            );
        }
    }

    #[test]
    fn cancel_waits_for_a_provisional_response() {
        let mut sim = udp();
        sim.give(Input::Cancel);
        assert_eq!(sim.log, []);
        sim.advance(secs(1));
        sim.give(Input::Response(Class::Provisional));
        sim.give(Input::Response(Class::Provisional));
        sim.give(Input::Cancel);
        assert_eq!(sim.at_ms(Action::Cancel), [1_000]);
        sim.run_until_idle();
        assert_eq!(sim.at_ms(Action::TimedOut), [33_000]);
    }

    /// Why a call is given up goes into its CANCEL, also where that has to wait (RFC 3326).
    #[test]
    fn cancel_of_a_call_that_was_answered_elsewhere_says_so() {
        let mut early = udp();
        early.give(Input::CancelElsewhere);
        early.give(Input::Response(Class::Provisional));
        let mut late = udp();
        late.give(Input::Response(Class::Provisional));
        late.give(Input::CancelElsewhere);
        late.give(Input::Cancel);
        for sim in [early, late] {
            assert_eq!(sim.at_ms(Action::CancelElsewhere), [0]);
            assert!(sim.at_ms(Action::Cancel).is_empty());
        }
    }

    #[test]
    fn cancel_after_the_final_response_does_nothing() {
        let mut sim = udp();
        sim.give(Input::Response(Class::Success));
        sim.give(Input::Cancel);
        assert!(sim.at_ms(Action::Cancel).is_empty());
    }

    #[test]
    fn a_transport_error_is_told_and_ends_it() {
        let mut sim = udp();
        sim.give(Input::TransportError);
        sim.run_until_idle();
        assert_eq!(sim.log, [(0, Action::Failed), (0, Action::Done)]);
    }
}
