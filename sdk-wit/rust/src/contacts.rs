//! The domain's address book.

use crate::bindings::tandem::pbx::contacts as raw;
pub use crate::bindings::tandem::pbx::contacts::{Contact, ContactNumber, ContactsError};

/// Who has a number, however it is written; `None`: nobody.
pub fn find_by_number(number: &str) -> Result<Option<Contact>, ContactsError> {
    raw::find_by_number(number)
}

/// Up to `limit` (1 to 100) contacts by name that have each word of `text`, or these digits.
pub fn search(text: &str, limit: u32) -> Result<Vec<Contact>, ContactsError> {
    raw::search(text, limit)
}

/// For `?` in a scenario: the text of its error.
impl From<ContactsError> for String {
    fn from(error: ContactsError) -> Self {
        match error {
            ContactsError::BadArgument(why) => format!("contacts: bad argument: {why}"),
            ContactsError::Unavailable => "contacts: unavailable".into(),
        }
    }
}
