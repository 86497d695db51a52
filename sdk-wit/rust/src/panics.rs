//! A trap carries no message: this writes it to the scenario's log before the instance dies.

use std::panic::PanicHookInfo;

use crate::log;

/// Logs every panic with its message, file and line from now on.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|info| log::error(&describe(info))));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let message = info.payload_as_str().unwrap_or("a payload that is no text");
    match info.location() {
        Some(at) => format!("panic at {}:{}:{}: {message}", at.file(), at.line(), at.column()),
        None => format!("panic: {message}"),
    }
}
