//! `timers`: times at which an event scenario is started.

use tandem_bindings::tandem::pbx::timers as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, TimerError, TimerOp};

impl Door {
    async fn timer(&mut self, name: String, op: TimerOp) -> Result<Result<bool, wit::TimerError>> {
        match self.ask(Op::Timer { name, op }).await? {
            Outcome::Timer(waited) => Ok(waited.map_err(timer_error)),
            other => misfit(&other),
        }
    }
}

impl wit::Host for Door {
    async fn set(
        &mut self,
        name: String,
        after_ms: u64,
        data: String,
    ) -> Result<Result<(), wit::TimerError>> {
        let set = self.timer(name, TimerOp::Set { after_ms, data }).await?;
        Ok(set.map(drop))
    }

    async fn cancel(&mut self, name: String) -> Result<Result<bool, wit::TimerError>> {
        self.timer(name, TimerOp::Cancel).await
    }
}

fn timer_error(error: TimerError) -> wit::TimerError {
    match error {
        TimerError::NoEntryPoint(name) => wit::TimerError::NoEntryPoint(name),
        TimerError::BadArgument(words) => wit::TimerError::BadArgument(words),
        TimerError::Limit(words) => wit::TimerError::Limit(words),
        TimerError::Unavailable => wit::TimerError::Unavailable,
    }
}
