//! Opening hours and holidays that the administrator set for the domain, by name.

use crate::bindings::tandem::pbx::schedule as raw;
pub use crate::bindings::tandem::pbx::schedule::{ScheduleError, State, Status};

/// What a schedule says of this moment, and until when.
pub fn look_up(name: &str) -> Result<Status, ScheduleError> {
    raw::look_up(name)
}

/// Whether a schedule is open now.
pub fn is_open(name: &str) -> Result<bool, ScheduleError> {
    Ok(matches!(look_up(name)?.state, State::Open))
}

/// For `?` in a scenario: the text of its error.
impl From<ScheduleError> for String {
    fn from(error: ScheduleError) -> Self {
        match error {
            ScheduleError::NotFound => "schedule: there is none of this name".into(),
            ScheduleError::Unavailable => "schedule: unavailable".into(),
        }
    }
}
