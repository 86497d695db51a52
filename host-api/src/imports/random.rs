//! `random`: random numbers as the journal knows them.

use tandem_bindings::tandem::pbx::random as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome};

impl wit::Host for Door {
    async fn next(&mut self) -> Result<u64> {
        match self.ask(Op::Random).await? {
            Outcome::Number(bits) => Ok(bits),
            other => misfit(&other),
        }
    }
}
