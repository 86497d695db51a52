//! `log`: the scenario's log.

use tandem_bindings::tandem::pbx::log as wit;
use wasmtime::Result;

use super::cut;
use crate::door::Door;
use crate::op::Level;

const LINE_BYTES_MAX: usize = 4_096;

impl wit::Host for Door {
    async fn write(&mut self, level: wit::Level, text: String) -> Result<()> {
        let level = match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        };
        self.log(level, cut(text, LINE_BYTES_MAX)).await
    }
}
