//! The domain's key-value store, shared by all its scenarios. Keys are 1 to 512 bytes, values up to 64 KiB.

use crate::bindings::tandem::pbx::key_value as raw;
pub use crate::bindings::tandem::pbx::key_value::KvError;

/// The value of a key; `None`: there is none.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, KvError> {
    raw::get(key)
}

/// Writes a value.
pub fn set(key: &str, value: &[u8]) -> Result<(), KvError> {
    raw::set(key, value)
}

/// Deletes a key and says whether there was one.
pub fn delete(key: &str) -> Result<bool, KvError> {
    raw::delete(key)
}

/// Adds `by` to a decimal number, atomically, and gives the sum; a missing key counts as 0.
pub fn increment(key: &str, by: i64) -> Result<i64, KvError> {
    raw::increment(key, by)
}

/// Up to `limit` (1 to 1,000) keys that begin with `prefix` and come after `after`, in byte order.
pub fn keys(prefix: &str, after: &str, limit: u32) -> Result<Vec<String>, KvError> {
    raw::keys(prefix, after, limit)
}

/// For `?` in a scenario: the text of its error.
impl From<KvError> for String {
    fn from(error: KvError) -> Self {
        match error {
            KvError::BadArgument(why) => format!("key-value: bad argument: {why}"),
            KvError::NotANumber => "key-value: not a number".into(),
            KvError::Full(why) => format!("key-value: full: {why}"),
            KvError::Unavailable => "key-value: unavailable".into(),
        }
    }
}
