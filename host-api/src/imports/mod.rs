//! One file a WIT interface: arguments become an [`Op`](crate::op::Op), the door is asked, the outcome becomes what the
//! guest reads. Nothing is decided here except where the WIT says that a text is cut.

mod bridge;
mod checkpoint;
mod clock;
mod config;
mod contacts;
mod deadline;
mod dial;
mod directory;
mod hold;
mod http;
mod key_value;
mod leg;
mod leg_events;
mod log;
mod mail;
mod message;
mod metrics;
mod originate;
mod pickup;
mod random;
mod recording;
mod schedule;
mod timers;
mod trace;
mod transfer;
mod types;
mod voicemail;

use crate::door::Stop;
use crate::op::Outcome;

/// The arm that [`Op::accepts`](crate::op::Op::accepts) has ruled out before; an error all the same, never a panic.
fn misfit<T>(outcome: &Outcome) -> wasmtime::Result<T> {
    Err(wasmtime::Error::new(Stop::Broken(format!(
        "an outcome of another request: {outcome:?}"
    ))))
}

/// Cuts a text to at most `bytes_max` bytes, at a character's edge.
fn cut(mut text: String, bytes_max: usize) -> String {
    text.truncate(text.floor_char_boundary(bytes_max));
    text
}
