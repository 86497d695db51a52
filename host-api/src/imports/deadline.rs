//! `deadline`: one time limit for all that a scenario waits for.

use tandem_bindings::tandem::pbx::deadline as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{DeadlineOp, Op, Outcome};

/// One day: longer ones are taken for that, as the WIT says.
const AFTER_MS_MAX: u32 = 86_400_000;

impl wit::Host for Door {
    async fn set(&mut self, after_ms: u32) -> Result<()> {
        let after_ms = after_ms.min(AFTER_MS_MAX);
        self.ask(Op::Deadline(DeadlineOp::Set { after_ms })).await?;
        Ok(())
    }

    async fn clear(&mut self) -> Result<()> {
        self.ask(Op::Deadline(DeadlineOp::Clear)).await?;
        Ok(())
    }

    async fn passed(&mut self) -> Result<bool> {
        match self.ask(Op::Deadline(DeadlineOp::Passed)).await? {
            Outcome::Flag(passed) => Ok(passed),
            other => misfit(&other),
        }
    }
}
