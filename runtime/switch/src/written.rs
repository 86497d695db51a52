//! Values as they are written down: one version byte, then `postcard`; and what is known to be written already.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use twox_hash::XxHash3_64;

use crate::keys::{Change, Key};

/// The form of all values now. A value of another version is not read.
pub const VERSION: u8 = 1;

/// Why a value cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A release that we do not know wrote it.
    #[error("its form {0} is not known here")]
    Version(u8),
    /// It is not what its key says.
    #[error("its bytes are damaged: {0}")]
    Damaged(String),
}

/// Reads a value.
pub fn read<T: DeserializeOwned>(value: &[u8]) -> Result<T, ReadError> {
    match value.split_first() {
        None => Err(ReadError::Damaged("it is empty".into())),
        Some((&VERSION, bytes)) => match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok(_) => Err(ReadError::Damaged("it is too long".into())),
            Err(error) => Err(ReadError::Damaged(error.to_string())),
        },
        Some((version, _)) => Err(ReadError::Version(*version)),
    }
}

/// What stands under which key, as hashes: a value that has not changed is not written again. None: in doubt.
#[derive(Debug, Default)]
pub struct Written {
    hashes: HashMap<Key, Option<u64>>,
    /// Kept for its memory.
    buffer: Vec<u8>,
}

impl Written {
    /// A value that was found.
    pub fn found(&mut self, key: Key, value: &[u8]) {
        self.hashes.insert(key, Some(XxHash3_64::oneshot(value)));
    }

    /// Whether a key has a value.
    pub fn has(&self, key: Key) -> bool {
        self.hashes.contains_key(&key)
    }

    /// Forgets what stands under a key, but not that something does: its value is written next time, whatever it is.
    /// False: nothing stands there.
    pub fn doubt(&mut self, key: Key) -> bool {
        self.hashes.get_mut(&key).map(|hash| *hash = None).is_some()
    }

    /// Every key that has a value.
    pub fn keys(&self) -> Vec<Key> {
        self.hashes.keys().copied().collect()
    }

    /// Writes a value if it is not what stands there.
    pub fn put<T: Serialize + ?Sized>(&mut self, key: Key, value: &T, write: &mut impl FnMut(Change<'_>)) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        buffer.push(VERSION);
        match postcard::to_extend(value, buffer) {
            Ok(buffer) => {
                let hash = Some(XxHash3_64::oneshot(&buffer));
                if self.hashes.insert(key, hash) != Some(hash) {
                    write(Change::Put { key, value: &buffer });
                }
                self.buffer = buffer;
            }
            // Our types have no form that cannot be written; what is lost is this value's next life.
            Err(error) => tracing::error!(?key, %error, "a value could not be written down"),
        }
    }

    /// Writes a value that never changes, if it does not stand there.
    pub fn put_once<T: Serialize + ?Sized>(
        &mut self,
        key: Key,
        value: &T,
        write: &mut impl FnMut(Change<'_>),
    ) {
        if self.hashes.get(&key).copied().flatten().is_none() {
            self.put(key, value, write);
        }
    }

    /// Takes a value away if there is one.
    pub fn delete(&mut self, key: Key, write: &mut impl FnMut(Change<'_>)) {
        if self.hashes.remove(&key).is_some() {
            write(Change::Delete { key });
        }
    }
}

/// Shared text and records as plain ones.
pub mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize + ?Sized, S: Serializer>(value: &Arc<T>, to: S) -> Result<S::Ok, S::Error> {
        (**value).serialize(to)
    }

    pub fn deserialize<'de, T, D>(from: D) -> Result<Arc<T>, D::Error>
    where
        T: ?Sized,
        Box<T>: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Box::<T>::deserialize(from).map(Arc::from)
    }
}
