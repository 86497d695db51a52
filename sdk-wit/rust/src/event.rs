//! What an event scenario is told.

pub use crate::bindings::event::exports::tandem::pbx::event_handler::Event;
