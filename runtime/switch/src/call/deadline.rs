//! One time limit for all that the scenario waits for.

use std::time::Duration;

use tandem_host_api::op::{DeadlineOp, Op, Outcome, Waiting};
use tandem_sip::Moment;

use super::{Call, Pending};
use crate::context::Context;

impl Call {
    /// `deadline.…`
    pub(crate) fn deadline_op(&mut self, op: DeadlineOp, cx: &mut Context<'_>) {
        let outcome = match op {
            DeadlineOp::Set { after_ms } => {
                self.deadline = Some(cx.now + Duration::from_millis(u64::from(after_ms)));
                Outcome::Done
            }
            DeadlineOp::Clear => {
                self.deadline = None;
                Outcome::Done
            }
            DeadlineOp::Passed => Outcome::Flag(self.is_past_deadline(cx.now)),
        };
        self.done(outcome, cx);
    }

    fn is_past_deadline(&self, now: Moment) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// What a request that is about to begin comes to because the deadline has passed; none: it may begin.
    pub(crate) fn refused_by_deadline(&self, op: &Op, now: Moment) -> Option<Outcome> {
        let waiting = op.waiting().filter(|_| self.is_past_deadline(now))?;
        Some(waiting.past_deadline())
    }

    /// What of the request under way the deadline ends.
    fn waiting(&self) -> Option<Waiting> {
        match &self.core.pending {
            Pending::Playing { .. } => Some(Waiting::Play),
            Pending::Collecting { .. } => Some(Waiting::Collect),
            Pending::Dialling(_) => Some(Waiting::Dial),
            Pending::Bridging { .. } => Some(Waiting::Bridge),
            Pending::BridgingUntil { .. } => Some(Waiting::BridgeUntil),
            Pending::WaitingLegs { .. } => Some(Waiting::Legs),
            Pending::Sleeping { .. } => Some(Waiting::Sleep),
            Pending::Transferring(_) => Some(Waiting::Transfer),
            Pending::Asking { op, .. } => op.waiting(),
            Pending::Recording(it) => Some(Waiting::Record).filter(|_| !it.is_ending()),
            Pending::Nothing
            | Pending::Opening { .. }
            | Pending::Sending { .. }
            | Pending::Finishing { .. }
            | Pending::Messaging(_)
            | Pending::PickingUp { .. } => None,
        }
    }

    /// When the deadline ends the request under way; none: it does not.
    pub(super) fn deadline_of_pending(&self) -> Option<Moment> {
        self.deadline.filter(|_| self.waiting().is_some())
    }

    /// Time passed: the request under way ends where its deadline is over.
    pub(super) fn deadline_timeout(&mut self, cx: &mut Context<'_>) {
        if !self.is_past_deadline(cx.now) {
            return;
        }
        let Some(waiting) = self.waiting() else { return };
        match &self.core.pending {
            Pending::Playing { leg, .. } | Pending::Collecting { leg, .. } => {
                let leg = *leg;
                if let Some(leg) = self.leg(leg) {
                    leg.stop_play(cx);
                }
            }
            Pending::Dialling(_) => return self.dialling_past_deadline(cx),
            Pending::Recording(_) => return self.recording_past_deadline(cx),
            pending => {
                if let Some((first, second, true)) = pending.bridge() {
                    self.part(first, second, cx);
                }
            }
        }
        self.done(waiting.past_deadline(), cx);
    }
}
