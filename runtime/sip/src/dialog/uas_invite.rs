//! Our 2xx to an INVITE, repeated until the ACK comes (RFC 3261 §13.3.1.4).
//!
//! On every transport: the 2xx goes from end to end, and a hop behind ours may lose it.

use crate::flow::Flow;
use crate::moment::Moment;
use crate::transactions::Times;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum UasOutput {
    /// Send the 2xx again, with [`crate::transactions::Transactions::send_bytes`].
    Send {
        /// The way the INVITE came by.
        flow: Flow,
        /// The 2xx.
        message: Bytes,
    },
    /// No ACK came within 64*T1: the dialog stands, so end it with BYE.
    NoAck,
    /// Nothing more until this deadline; `None`: it is over.
    Wait(Option<Moment>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Waiting {
        again: Moment,
        gap: Duration,
        give_up: Moment,
    },
    Over,
}

/// One INVITE that we accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UasInvite {
    state: State,
    cseq: u32,
    flow: Flow,
    message: Bytes,
    times: Times,
    outputs: VecDeque<UasOutput>,
}

impl UasInvite {
    /// Begins when `message`, a 2xx to the INVITE with this CSeq, was given to
    /// [`crate::transactions::Transactions::respond`] and so sent once.
    pub fn new(flow: Flow, cseq: u32, message: Bytes, times: Times, now: Moment) -> Self {
        let state = State::Waiting {
            again: now + times.t1,
            gap: times.t1,
            give_up: now + times.give_up(),
        };
        UasInvite {
            state,
            cseq,
            flow,
            message,
            times,
            outputs: VecDeque::new(),
        }
    }

    /// An ACK of the dialog came. `true` the first time it acknowledges this INVITE: its SDP, if
    /// any, counts then.
    pub fn handle_ack(&mut self, cseq: u32) -> bool {
        match self.state {
            State::Waiting { .. } if cseq == self.cseq => {
                self.state = State::Over;
                self.message = Bytes::new();
                self.outputs.clear();
                true
            }
            State::Waiting { .. } | State::Over => false,
        }
    }

    /// The dialog ended (BYE, ours or the peer's): nothing is repeated any more.
    pub fn handle_end(&mut self) {
        self.state = State::Over;
        self.outputs.clear();
    }

    /// Lets time pass to `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        match &mut self.state {
            State::Waiting { give_up, .. } if *give_up <= now => {
                self.state = State::Over;
                self.outputs.push_back(UasOutput::NoAck);
            }
            State::Waiting { again, gap, .. } if *again <= now => {
                *gap = gap.saturating_mul(2).min(self.times.t2);
                *again = now + *gap;
                self.send();
            }
            State::Waiting { .. } | State::Over => (),
        }
    }

    /// The way of the INVITE is gone and this is another.
    pub fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    fn send(&mut self) {
        self.outputs.push_back(UasOutput::Send {
            flow: self.flow,
            message: self.message.clone(),
        });
    }

    /// Sends the 2xx once more, now, unless its ACK has come or its next repeat is due anyway: after a restart the last
    /// may never have left.
    pub fn resend(&mut self, now: Moment) {
        match self.state {
            State::Waiting { again, give_up, .. } if again.min(give_up) > now => self.send(),
            State::Waiting { .. } | State::Over => (),
        }
    }

    /// What to do next. [`UasOutput::Wait`] ends the drain and names the next deadline.
    pub fn poll_output(&mut self) -> UasOutput {
        let next = match self.state {
            State::Waiting { again, give_up, .. } => Some(again.min(give_up)),
            State::Over => None,
        };
        self.outputs.pop_front().unwrap_or(UasOutput::Wait(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialog::testing::flow;

    /// Runs from deadline to deadline until `until`; the times (ms) at which the 2xx went out, and at
    /// which it was given up.
    fn run(invite: &mut UasInvite, start: Moment, until: Duration) -> (Vec<u128>, Option<u128>) {
        let (mut sent, mut gave_up, mut now) = (Vec::new(), None, start);
        loop {
            match invite.poll_output() {
                UasOutput::Send { .. } => sent.push((now - start).as_millis()),
                UasOutput::NoAck => gave_up = Some((now - start).as_millis()),
                UasOutput::Wait(Some(at)) if at <= start + until => {
                    now = at;
                    invite.handle_timeout(now);
                }
                UasOutput::Wait(_) => return (sent, gave_up),
            }
        }
    }

    #[test]
    fn a_2xx_is_repeated_up_to_t2_apart_until_64_t1() {
        let start = Moment::default();
        let mut invite = UasInvite::new(flow(), 1, Bytes::from_static(b"200"), Times::default(), start);
        let (sent, gave_up) = run(&mut invite, start, Duration::from_secs(100));
        assert_eq!(
            sent,
            [
                500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500
            ]
        );
        assert_eq!(gave_up, Some(32_000));
        assert_eq!(invite.poll_output(), UasOutput::Wait(None));
    }

    #[test]
    fn only_the_ack_of_this_invite_stops_it_and_counts_once() {
        let start = Moment::default();
        let mut invite = UasInvite::new(flow(), 2, Bytes::from_static(b"200"), Times::default(), start);
        assert!(!invite.handle_ack(1));
        assert_eq!(run(&mut invite, start, Duration::from_secs(1)).0, [500]);
        assert!(invite.handle_ack(2));
        assert!(!invite.handle_ack(2));
        assert_eq!(run(&mut invite, start, Duration::from_secs(100)), (vec![], None));
    }

    /// The 2xx may have been lost with the process: it is said at once, and then in the old rhythm.
    #[test]
    fn a_restored_2xx_is_repeated_until_its_ack() {
        let start = Moment::default();
        let mut invite = UasInvite::new(flow(), 2, Bytes::from_static(b"200"), Times::default(), start);
        for (away_ms, sent_ms) in [(100, vec![100, 500]), (1_000, vec![1_000])] {
            let mut invite: UasInvite = postcard::from_bytes(&postcard::to_stdvec(&invite).unwrap()).unwrap();
            let now = start + Duration::from_millis(away_ms);
            invite.resend(now);
            invite.handle_timeout(now);
            let mut sent = Vec::new();
            while let UasOutput::Send { .. } = invite.poll_output() {
                sent.push(u128::from(away_ms));
            }
            sent.extend(run(&mut invite, start, Duration::from_millis(1_499)).0);
            assert_eq!(sent, sent_ms);
            assert!(invite.handle_ack(2));
            invite.resend(now);
            assert_eq!(run(&mut invite, start, Duration::from_secs(100)), (vec![], None));
        }
        invite.handle_end();
        invite.resend(start);
        assert_eq!(invite.poll_output(), UasOutput::Wait(None));
    }

    #[test]
    fn a_bye_stops_it() {
        let start = Moment::default();
        let mut invite = UasInvite::new(flow(), 2, Bytes::from_static(b"200"), Times::default(), start);
        invite.handle_end();
        assert_eq!(run(&mut invite, start, Duration::from_secs(100)), (vec![], None));
    }
}
