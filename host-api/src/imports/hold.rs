//! `hold`: legs that wait with music.

use tandem_bindings::LegHandle;
use tandem_bindings::tandem::pbx::{hold as wit, leg as wit_leg};
use wasmtime::Result;
use wasmtime::component::Resource;

use crate::door::Door;
use crate::op::Op;

impl wit::Host for Door {
    async fn hold(&mut self, handle: Resource<LegHandle>) -> Result<Result<(), wit_leg::LegError>> {
        self.on_leg(&handle, |leg| Op::Hold { leg }).await
    }

    async fn resume(&mut self, handle: Resource<LegHandle>) -> Result<Result<(), wit_leg::LegError>> {
        self.on_leg(&handle, |leg| Op::Resume { leg }).await
    }
}
