//! One time limit for all that the scenario waits for, as the switch has it.

use std::time::Duration;

use tandem_host_api::op::{DeadlineOp, Op, Outcome, Waiting};

use super::{Exchange, Pending};

impl Exchange {
    pub(super) fn deadline_op(&mut self, op: DeadlineOp) -> Outcome {
        match op {
            DeadlineOp::Set { after_ms } => {
                self.deadline = Some(self.now() + Duration::from_millis(after_ms.into()));
            }
            DeadlineOp::Clear => self.deadline = None,
            DeadlineOp::Passed => return Outcome::Flag(self.is_past_deadline()),
        }
        Outcome::Done
    }

    fn is_past_deadline(&self) -> bool {
        self.deadline.is_some_and(|deadline| self.now() >= deadline)
    }

    /// What a request that is about to begin comes to because the deadline has passed; none: it may begin.
    pub(super) fn refused_by_deadline(&self, op: &Op) -> Option<Outcome> {
        let waiting = op.waiting().filter(|_| self.is_past_deadline())?;
        Some(waiting.past_deadline())
    }

    fn waiting(&self) -> Option<Waiting> {
        match &self.pending {
            Pending::Playing { .. } => Some(Waiting::Play),
            Pending::Collecting { .. } => Some(Waiting::Collect),
            Pending::Dialling(_) => Some(Waiting::Dial),
            Pending::Bridging { until: None, .. } => Some(Waiting::Bridge),
            Pending::Bridging { .. } => Some(Waiting::BridgeUntil),
            Pending::WaitingLegs { .. } => Some(Waiting::Legs),
            Pending::Sleeping { .. } => Some(Waiting::Sleep),
            Pending::Recording(_) => Some(Waiting::Record),
            Pending::Transferring { .. } => Some(Waiting::Transfer),
            Pending::Answering {
                outcome: Outcome::Http(_),
                ..
            } => Some(Waiting::Http),
            Pending::Nothing | Pending::Sending { .. } | Pending::Answering { .. } => None,
        }
    }

    /// When the deadline ends the request under way; none: it does not.
    pub(super) fn deadline_of_pending(&self) -> Option<Duration> {
        self.deadline.filter(|_| self.waiting().is_some())
    }

    /// The deadline is over while a request is under way.
    pub(super) fn deadline_due(&mut self) {
        let Some(waiting) = self.waiting() else { return };
        match &self.pending {
            Pending::Playing { leg } | Pending::Collecting { leg, .. } => {
                let leg = *leg;
                self.stop_sound(leg);
            }
            Pending::Dialling(_) => return self.dialling_past_deadline(),
            Pending::Recording(_) => return self.recording_past_deadline(),
            Pending::Bridging {
                first, second, since, ..
            } => {
                let (first, second, since) = (*first, *second, *since);
                self.part(first, second, since);
            }
            _ => (),
        }
        self.done(waiting.past_deadline());
    }
}
