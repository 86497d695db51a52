//! The scenario's log, kept with the call. A line has up to 4,096 bytes; longer ones are cut.

pub use crate::bindings::tandem::pbx::log::Level;

/// Writes one line.
pub fn write(level: Level, text: &str) {
    crate::bindings::tandem::pbx::log::write(level, text);
}

/// A line for whoever debugs the scenario.
pub fn debug(text: &str) {
    write(Level::Debug, text);
}

/// A milestone of the call.
pub fn info(text: &str) {
    write(Level::Info, text);
}

/// Something is not as it should be; the call goes on.
pub fn warn(text: &str) {
    write(Level::Warn, text);
}

/// Someone must act.
pub fn error(text: &str) {
    write(Level::Error, text);
}
