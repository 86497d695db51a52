//! `schedule`: opening hours and holidays.

use tandem_bindings::tandem::pbx::schedule as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, ScheduleError, ScheduleState, ScheduleStatus};

impl wit::Host for Door {
    async fn look_up(&mut self, name: String) -> Result<Result<wit::Status, wit::ScheduleError>> {
        match self.ask(Op::LookUpSchedule { name }).await? {
            Outcome::Schedule(result) => Ok(result.map(status_to_wit).map_err(|error| match error {
                ScheduleError::NotFound => wit::ScheduleError::NotFound,
                ScheduleError::Unavailable => wit::ScheduleError::Unavailable,
            })),
            other => misfit(&other),
        }
    }
}

fn status_to_wit(status: ScheduleStatus) -> wit::Status {
    wit::Status {
        state: match status.state {
            ScheduleState::Open => wit::State::Open,
            ScheduleState::Closed => wit::State::Closed,
            ScheduleState::Holiday(name) => wit::State::Holiday(name),
        },
        until_ms: status.until_ms,
    }
}
