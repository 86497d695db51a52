//! What can go wrong, by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::error::ErrorKind;

/// What went wrong in the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing in this domain: tell whoever named it.
    #[error("no {what} `{name}`")]
    NotFound {
        /// Its kind, in words: `domain`, `user`, …
        what: &'static str,
        /// What it was called.
        name: String,
    },
    /// It is there already: choose another name, or change the one that is there.
    #[error("{what} `{name}` exists already")]
    Exists {
        /// Its kind, in words.
        what: &'static str,
        /// What it is called.
        name: String,
    },
    /// Something still refers to it: remove that first.
    #[error("{what} `{name}` is used by {by}")]
    InUse {
        /// Its kind, in words.
        what: &'static str,
        /// What it is called.
        name: String,
        /// Who uses it, in words, at most ten of them named.
        by: String,
    },
    /// A value is not allowed: correct it.
    #[error("{what}: {why}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it, and what would be right.
        why: String,
    },
    /// A value is too long: make it shorter.
    #[error("{what} of {bytes} bytes is over the limit of {most}")]
    TooLarge {
        /// Which value.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        most: usize,
    },
    /// The domain has used up its share of the key-value store: delete something, or raise the cap.
    #[error("the domain's key-value store would take {would_be_bytes} bytes, its cap is {cap_bytes}")]
    Full {
        /// What the domain's pairs would take with this write, keys and values.
        would_be_bytes: u64,
        /// What it may take.
        cap_bytes: u64,
    },
    /// One scenario has used up its share of its domain's key-value store.
    #[error(
        "the pairs of the scenario {scenario} would take {would_be_bytes} bytes of the key-value store, its cap is {cap_bytes}"
    )]
    FullOfScenario {
        /// The scenario's name.
        scenario: String,
        /// What the pairs that it wrote last would take with this write, keys and values.
        would_be_bytes: u64,
        /// What they may take.
        cap_bytes: u64,
    },
    /// The domain's voicemail has used up its share: delete messages, or raise the cap.
    #[error("the domain's voicemail would take {would_be_bytes} bytes, its cap is {cap_bytes}")]
    VoicemailFull {
        /// What the recordings of its messages would take with this one.
        would_be_bytes: u64,
        /// What they may take.
        cap_bytes: u64,
    },
    /// The domain does not take a module without, or with this signature: sign it with a key that the domain has.
    #[error("{why}")]
    Signature {
        /// What is wrong, in words.
        why: &'static str,
    },
    /// There would be more of these than there may be.
    #[error("more than {most} {what}")]
    TooMany {
        /// Their kind, in words.
        what: &'static str,
        /// The limit.
        most: usize,
    },
    /// The value to count up is not a decimal number of 64 bits.
    #[error("the value of `{key}` is not a decimal number")]
    NotANumber {
        /// The pair's key.
        key: String,
    },
    /// The sum leaves the 64 bits; the value stays as it was.
    #[error("the number at `{key}` would leave its 64 bits")]
    Overflow {
        /// The pair's key.
        key: String,
    },
    /// No space is left, on the disk or within [`crate::Options::max_bytes`]. Nothing was written; reading goes on,
    /// and writing does as soon as there is space.
    #[error("no space left for the database")]
    DiskFull,
    /// The directory or the database may not be written: its owner, its mode or a read-only file system.
    #[error("{path} cannot be written: {why}")]
    ReadOnly {
        /// The directory or file; empty where the database did not say.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// Another process held the database longer than [`crate::Options::busy_timeout`], or all connections are taken:
    /// try again later.
    #[error("the database is busy")]
    Busy,
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
    /// The database was written by a newer release, or its migrations were altered: use that release.
    #[error("the database's schema is not this release's: {why}")]
    Schema {
        /// What differs.
        why: String,
    },
    /// What is stored is damaged: restore a backup.
    #[error("the store is damaged: {what}")]
    Corrupt {
        /// What was found, and where.
        what: String,
    },
    /// A file could not be opened, read or written for another reason.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else that the database says: a fault of ours, or of the machine.
    #[error("database: {0}")]
    Database(#[source] sqlx::Error),
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>), without their extension, which is in the upper bits.
mod code {
    pub const BUSY: i64 = 5;
    pub const LOCKED: i64 = 6;
    pub const READONLY: i64 = 8;
    pub const IOERR: i64 = 10;
    pub const CORRUPT: i64 = 11;
    pub const FULL: i64 = 13;
    pub const CANTOPEN: i64 = 14;
    pub const NOTADB: i64 = 26;
    /// The shared-memory file could not grow: with WAL, how a full disk shows first.
    pub const IOERR_SHMSIZE: i64 = IOERR + (19 << 8);
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => return Self::Busy,
            sqlx::Error::PoolClosed => return Self::Closed,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                return Self::Corrupt {
                    what: error.to_string(),
                };
            }
            _ => (),
        }
        let Some(said) = error.as_database_error() else {
            return Self::Database(error);
        };
        let Some(full_code) = said.code().and_then(|text| text.parse::<i64>().ok()) else {
            return Self::Database(error);
        };
        if full_code == code::IOERR_SHMSIZE {
            return Self::DiskFull;
        }
        match full_code & 0xff {
            code::BUSY | code::LOCKED => Self::Busy,
            code::FULL => Self::DiskFull,
            code::READONLY => Self::ReadOnly {
                path: PathBuf::new(),
                why: said.message().to_owned(),
            },
            code::CORRUPT | code::NOTADB => Self::Corrupt {
                what: said.message().to_owned(),
            },
            code::IOERR | code::CANTOPEN => Self::Io {
                path: PathBuf::new(),
                source: io::Error::other(said.message().to_owned()),
            },
            _ => Self::Database(error),
        }
    }
}

impl StoreError {
    /// What a failed INSERT means: a row with this key is there, the domain is gone, or something else.
    pub(crate) fn on_insert(error: sqlx::Error, what: &'static str, name: &str) -> Self {
        match error.as_database_error().map(sqlx::error::DatabaseError::kind) {
            Some(ErrorKind::UniqueViolation) => Self::Exists {
                what,
                name: name.to_owned(),
            },
            // The scope outlived its domain: it was deleted meanwhile.
            Some(ErrorKind::ForeignKeyViolation) => Self::NotFound {
                what: "domain",
                name: format!("(deleted) of {what} {name}"),
            },
            _ => error.into(),
        }
    }

    /// What a failed file operation means.
    pub(crate) fn on_file(error: io::Error, path: &Path) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly {
                path: path.to_owned(),
                why: error.to_string(),
            },
            _ => Self::Io {
                path: path.to_owned(),
                source: error,
            },
        }
    }

    /// Names the file where the database's own error could not.
    pub(crate) fn at(self, at: &Path) -> Self {
        match self {
            Self::ReadOnly { path, why } if path.as_os_str().is_empty() => Self::ReadOnly {
                path: at.to_owned(),
                why,
            },
            Self::Io { path, source } if path.as_os_str().is_empty() => Self::Io {
                path: at.to_owned(),
                source,
            },
            other => other,
        }
    }

    /// A domain that takes signed modules only was given one without a signature.
    pub fn unsigned() -> Self {
        Self::Signature {
            why: "the domain takes signed modules only, and this one has no signature",
        }
    }

    /// Something still refers to it: `kind` says what they are, the first ten of `users` are named.
    pub fn in_use(what: &'static str, name: &str, kind: &str, users: &[String]) -> Self {
        const NAMED: usize = 10;
        let named: Vec<&str> = users.iter().take(NAMED).map(String::as_str).collect();
        let more = if users.len() > NAMED { " and more" } else { "" };
        Self::InUse {
            what,
            name: name.to_owned(),
            by: format!("{kind} {}{more}", named.join(", ")),
        }
    }

    pub(crate) fn not_found(what: &'static str, name: &str) -> Self {
        Self::NotFound {
            what,
            name: name.to_owned(),
        }
    }

    pub(crate) fn invalid(what: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid {
            what,
            why: why.into(),
        }
    }
}

/// Refuses what is longer than `most` bytes.
pub(crate) fn at_most(what: &'static str, bytes: usize, most: usize) -> Result<(), StoreError> {
    if bytes > most {
        return Err(StoreError::TooLarge { what, bytes, most });
    }
    Ok(())
}
