//! The address book.

use serde::{Deserialize, Serialize};

/// `contacts.contact-number`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactNumber {
    /// What it is.
    pub label: String,
    /// As it was written.
    pub number: String,
}

/// `contacts.contact`
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// A person's, or a company's.
    pub name: String,
    /// May be empty.
    pub company: String,
    /// May be empty.
    pub email: String,
    /// May be empty.
    pub note: String,
    /// In order.
    pub numbers: Vec<ContactNumber>,
}

/// `contacts.contacts-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContactsError {
    /// Outside its range.
    BadArgument(String),
    /// No answer from the store.
    Unavailable,
}
