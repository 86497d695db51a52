//! Server side of INVITE (RFC 3261 §17.2.1, figure 7, as RFC 6026 §8.5 redraws it).
//!
//! ```text
//! Proceeding ──300-699──▶ Completed ──ACK──▶ Confirmed ──I──▶ Terminated
//!     │                       └────────────H (no ACK)────────────▲
//!     └──2xx──▶ Accepted ──────────────────L─────────────────────┘
//! ```

use super::timers::{Timer, Timers, Times};
use super::{Action, Class};
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Proceeding,
    Completed,
    Confirmed,
    Accepted,
    Terminated,
}
use State::*;

/// What happens to the machine.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    /// The INVITE came again.
    Invite,
    /// An ACK came within the transaction.
    Ack,
    /// The user answers.
    Respond(Class),
    /// Time passed.
    Timeout,
    /// The transport could not send.
    TransportError,
}

/// The machine. Its last response is kept by the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerInvite {
    state: State,
    reliable: bool,
    /// The table's: not written down with each transaction, see [`Self::adopt`].
    #[serde(skip)]
    times: Times,
    resend_after: Duration,
    /// Whether there is a response to repeat.
    responded: bool,
    /// What is set now.
    pub timers: Timers,
}

impl ServerInvite {
    /// Begins in Proceeding; the caller tells the user of the INVITE.
    pub fn new(times: Times, reliable: bool, now: Moment) -> Self {
        let mut timers = Timers::default();
        timers.set(Timer::Trying, now + times.trying_after);
        ServerInvite {
            state: Proceeding,
            reliable,
            times,
            resend_after: times.t1,
            responded: false,
            timers,
        }
    }

    /// Takes one input; what is to be done is put on `actions` in order.
    pub fn handle(&mut self, input: Input, now: Moment, actions: &mut Vec<Action>) {
        match (self.state, input) {
            (Proceeding, Input::Respond(class)) => {
                self.responded = true;
                self.timers.clear();
                actions.push(Action::Send);
                match class {
                    Class::Provisional => (),
                    Class::Success => {
                        self.state = Accepted;
                        self.timers.set(Timer::L, now + self.times.give_up());
                    }
                    Class::Failure => {
                        self.state = Completed;
                        if !self.reliable {
                            self.timers.set(Timer::G, now + self.times.t1);
                        }
                        self.timers.set(Timer::H, now + self.times.give_up());
                    }
                }
            }
            // The user repeats its 2xx until the ACK (RFC 3261 §13.3.1.4): the transaction only carries it.
            (Accepted, Input::Respond(Class::Success)) => actions.push(Action::Send),
            (Accepted, Input::Respond(Class::Provisional | Class::Failure)) => actions.push(Action::TooLate),
            (Completed | Confirmed, Input::Respond(_)) => actions.push(Action::TooLate),

            (Proceeding, Input::Invite) => {
                if self.responded {
                    actions.push(Action::Send);
                } else {
                    // The peer has waited long enough to ask again: 100 now.
                    self.send_trying(actions);
                }
            }
            (Completed, Input::Invite) => actions.push(Action::Send),
            (Confirmed | Accepted, Input::Invite) => (),

            // Nothing final to acknowledge yet.
            (Proceeding, Input::Ack) => (),
            (Completed, Input::Ack) => {
                self.timers.clear();
                if self.reliable {
                    self.terminate(actions);
                } else {
                    self.state = Confirmed;
                    self.timers.set(Timer::I, now + self.times.t4);
                }
            }
            (Confirmed, Input::Ack) => (),
            // An old client acknowledges a 2xx with the INVITE's branch: it is the dialog's (RFC 6026 §7.1).
            (Accepted, Input::Ack) => actions.push(Action::Deliver),

            (Proceeding | Completed, Input::TransportError) => {
                actions.push(Action::Failed);
                self.terminate(actions);
            }
            // RFC 6026 §8.5: the user repeats the 2xx and hears there; the transaction stays to absorb.
            (Accepted, Input::TransportError) => actions.push(Action::Failed),
            (Confirmed, Input::TransportError) => (),

            (Proceeding | Completed | Confirmed | Accepted, Input::Timeout) => self.fire_due(now, actions),
            (Terminated, Input::Respond(_)) => actions.push(Action::TooLate),
            (Terminated, Input::Invite | Input::Ack | Input::Timeout | Input::TransportError) => (),
        }
    }

    /// Whether no final response has been given: a CANCEL still has an effect.
    pub fn is_open(&self) -> bool {
        self.state == Proceeding
    }

    /// Whether the peer may wait for what was said last, and no timer is due that repeats it or gives it up. In
    /// Accepted the user repeats its 2xx until the ACK ([`crate::dialog::UasInvite`]); in Confirmed the ACK has come.
    pub fn wants_resend(&self, now: Moment) -> bool {
        match self.state {
            Proceeding => self.responded,
            Completed => self.timers.next() > Some(now),
            Confirmed | Accepted | Terminated => false,
        }
    }

    /// Goes on after it was read back, by these times. Deadlines stay as they were.
    pub fn adopt(&mut self, times: Times) {
        self.times = times;
        self.resend_after = times.repeat_gap(self.resend_after);
    }

    /// Whether a machine can be like this: what was read back may be broken.
    pub fn is_sound(&self) -> bool {
        match self.state {
            Proceeding => self.timers.are(&[], &[Timer::Trying]),
            Completed => self.timers.are(&[Timer::H], &[Timer::G]),
            Confirmed => self.timers.are(&[Timer::I], &[]),
            Accepted => self.timers.are(&[Timer::L], &[]),
            Terminated => false,
        }
    }

    fn fire_due(&mut self, now: Moment, actions: &mut Vec<Action>) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Trying => self.send_trying(actions),
                Timer::G => {
                    self.resend_after = (self.resend_after * 2).min(self.times.t2);
                    self.timers.set(Timer::G, now + self.resend_after);
                    actions.push(Action::Send);
                }
                Timer::H => {
                    actions.push(Action::Failed);
                    self.terminate(actions);
                }
                Timer::I | Timer::L => self.terminate(actions),
                Timer::A
                | Timer::B
                | Timer::D
                | Timer::E
                | Timer::F
                | Timer::J
                | Timer::K
                | Timer::M
                | Timer::Cancel => debug_assert!(false, "{timer:?} is not of this machine"),
            }
        }
    }

    fn send_trying(&mut self, actions: &mut Vec<Action>) {
        self.timers.stop(Timer::Trying);
        self.responded = true;
        actions.push(Action::Trying);
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

    simulated!(ServerInvite);

    fn udp() -> Sim<ServerInvite> {
        Sim::new(|now| ServerInvite::new(Times::default(), false, now))
    }

    fn tcp() -> Sim<ServerInvite> {
        Sim::new(|now| ServerInvite::new(Times::default(), true, now))
    }

    #[test]
    fn trying_is_sent_after_200_ms_of_thinking() {
        let mut sim = udp();
        sim.run_until_idle();
        assert_eq!(sim.log, [(200, Action::Trying)]);
    }

    #[test]
    fn no_trying_when_the_user_is_quick() {
        let mut sim = udp();
        sim.advance(ms(199));
        sim.give(Input::Respond(Class::Provisional));
        sim.run_until_idle();
        assert_eq!(sim.log, [(199, Action::Send)]);
    }

    #[test]
    fn a_repeated_invite_brings_the_last_provisional_again() {
        let mut sim = udp();
        sim.give(Input::Invite);
        sim.give(Input::Invite);
        sim.give(Input::Respond(Class::Provisional));
        sim.give(Input::Invite);
        assert_eq!(
            sim.log.iter().map(|(_, action)| *action).collect::<Vec<_>>(),
            [Action::Trying, Action::Send, Action::Send, Action::Send]
        );
    }

    /// Timer G doubles up to T2, timer H ends it (RFC 3261 §17.2.1).
    #[test]
    fn a_refusal_without_ack_is_repeated_until_timer_h() {
        let mut sim = udp();
        sim.give(Input::Respond(Class::Failure));
        sim.run_until_idle();
        assert_eq!(
            sim.at_ms(Action::Send),
            [
                0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
            ]
        );
        assert_eq!(sim.at_ms(Action::Failed), [32_000]);
    }

    #[test]
    fn a_refusal_over_tcp_is_not_repeated_but_waits_for_its_ack() {
        let mut sim = tcp();
        sim.give(Input::Respond(Class::Failure));
        sim.run_until_idle();
        assert_eq!(
            sim.log,
            [
                (0, Action::Send),
                (32_000, Action::Failed),
                (32_000, Action::Done)
            ]
        );
    }

    #[test]
    fn an_ack_stops_the_repeats_and_its_own_repeats_are_absorbed_until_timer_i() {
        let mut sim = udp();
        sim.give(Input::Respond(Class::Failure));
        sim.advance(secs(1));
        sim.give(Input::Ack);
        sim.give(Input::Ack);
        sim.give(Input::Invite);
        sim.run_until_idle();
        assert_eq!(
            sim.log,
            [(0, Action::Send), (500, Action::Send), (6_000, Action::Done)]
        );
    }

    #[test]
    fn an_ack_over_tcp_ends_at_once() {
        let mut sim = tcp();
        sim.give(Input::Respond(Class::Failure));
        sim.give(Input::Ack);
        assert_eq!(sim.log, [(0, Action::Send), (0, Action::Done)]);
    }

    #[test]
    fn a_repeated_invite_after_refusal_brings_the_refusal_again() {
        let mut sim = udp();
        sim.give(Input::Respond(Class::Failure));
        sim.give(Input::Invite);
        assert_eq!(sim.log, [(0, Action::Send), (0, Action::Send)]);
    }

    /// RFC 6026 §7.1: Accepted absorbs INVITEs, carries the user's 2xx, ends by timer L.
    #[test]
    fn after_a_2xx_invites_are_absorbed_until_timer_l() {
        for mut sim in [udp(), tcp()] {
            sim.give(Input::Respond(Class::Success));
            sim.give(Input::Invite);
            sim.advance(ms(500));
            sim.give(Input::Respond(Class::Success));
            sim.give(Input::Ack);
            sim.give(Input::Respond(Class::Failure));
            sim.run_until_idle();
            assert_eq!(
                sim.log,
                [
                    (0, Action::Send),
                    (500, Action::Send),
                    (500, Action::Deliver),
                    (500, Action::TooLate),
                    (32_000, Action::Done)
                ]
            );
        }
    }

    #[test]
    fn a_transport_error_is_told_and_ends_it() {
        let mut sim = udp();
        sim.give(Input::TransportError);
        sim.run_until_idle();
        assert_eq!(sim.log, [(0, Action::Failed), (0, Action::Done)]);
    }
}
