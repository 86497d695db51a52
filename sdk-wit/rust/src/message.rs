use crate::bindings::tandem::pbx::message as raw;
use crate::{Address, Delivery, MessageFailure};

/// Sends a text (1 to 1,300 bytes) to every registered device of a user, and returns when each has answered or was given
/// up. `sender`: whom the user sees; `None`: the number that the caller dialled.
pub fn send_message(user: &str, text: &str, sender: Option<&Address>) -> Result<Delivery, MessageFailure> {
    raw::send(user, text, sender)
}

/// For `?` in a scenario: the text of its error.
impl From<MessageFailure> for String {
    fn from(failure: MessageFailure) -> Self {
        match failure {
            MessageFailure::NotFound(user) => format!("message: there is no user {user}"),
            MessageFailure::NoDevice => "message: no device could be reached".into(),
            MessageFailure::Refused((status, reason)) => format!("message: refused: {status} {reason}"),
            MessageFailure::TimedOut => "message: timed out".into(),
            MessageFailure::BadArgument(why) => format!("message: bad argument: {why}"),
            MessageFailure::Limit(why) => format!("message: limit: {why}"),
            MessageFailure::Unavailable => "message: the directory does not answer".into(),
        }
    }
}
