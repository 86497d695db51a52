//! `config`: what the administrator set for the activation.

use tandem_bindings::tandem::pbx::config as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome};

impl Door {
    async fn text(&mut self, op: Op) -> Result<String> {
        match self.ask(op).await? {
            Outcome::Text(text) => Ok(text),
            other => misfit(&other),
        }
    }
}

impl wit::Host for Door {
    async fn document(&mut self) -> Result<String> {
        self.text(Op::ConfigDocument).await
    }

    async fn entry_point(&mut self) -> Result<String> {
        self.text(Op::ConfigEntryPoint).await
    }

    async fn domain(&mut self) -> Result<String> {
        self.text(Op::ConfigDomain).await
    }
}
