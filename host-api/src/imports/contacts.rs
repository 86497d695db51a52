//! `contacts`: the domain's address book.

use tandem_bindings::tandem::pbx::contacts as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{Contact, ContactNumber, ContactsError, Op, Outcome};

impl wit::Host for Door {
    async fn find_by_number(
        &mut self,
        number: String,
    ) -> Result<Result<Option<wit::Contact>, wit::ContactsError>> {
        match self.ask(Op::FindContact { number }).await? {
            Outcome::Contact(result) => Ok(result
                .map(|found| found.map(contact_to_wit))
                .map_err(error_to_wit)),
            other => misfit(&other),
        }
    }

    async fn search(
        &mut self,
        text: String,
        limit: u32,
    ) -> Result<Result<Vec<wit::Contact>, wit::ContactsError>> {
        match self.ask(Op::SearchContacts { text, limit }).await? {
            Outcome::Contacts(result) => Ok(result
                .map(|found| found.into_iter().map(contact_to_wit).collect())
                .map_err(error_to_wit)),
            other => misfit(&other),
        }
    }
}

fn contact_to_wit(contact: Contact) -> wit::Contact {
    let number = |ContactNumber { label, number }| wit::ContactNumber { label, number };
    wit::Contact {
        name: contact.name,
        company: contact.company,
        email: contact.email,
        note: contact.note,
        numbers: contact.numbers.into_iter().map(number).collect(),
    }
}

fn error_to_wit(error: ContactsError) -> wit::ContactsError {
    match error {
        ContactsError::BadArgument(words) => wit::ContactsError::BadArgument(words),
        ContactsError::Unavailable => wit::ContactsError::Unavailable,
    }
}
