//! The domain's store.

use serde::{Deserialize, Serialize};

/// What a successful key-value request gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvValue {
    /// `get`
    Value(Option<Vec<u8>>),
    /// `set`
    Written,
    /// `delete`
    Deleted(bool),
    /// `increment`
    Sum(i64),
    /// `keys`
    Keys(Vec<String>),
}

/// `key-value.kv-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvError {
    /// Outside its range.
    BadArgument(String),
    /// Not a decimal number.
    NotANumber,
    /// The domain's store is full.
    Full(String),
    /// No answer from the store.
    Unavailable,
}
