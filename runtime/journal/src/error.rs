//! What can go wrong with the disk and with an owner's wishes.

use std::io;
use std::path::PathBuf;

use crate::segment::Name;

/// The disk refused.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", Name(*segment))]
pub struct DiskError {
    /// What was tried, as a verb: "append to", "create".
    pub doing: &'static str,
    /// The segment it was tried on; 0: the folder.
    pub segment: u32,
    /// What the disk said. [`io::ErrorKind::StorageFull`]: there is no room.
    #[source]
    pub source: io::Error,
}

impl DiskError {
    /// For `map_err`.
    pub(crate) fn doing(doing: &'static str, segment: u32) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            doing,
            segment,
            source,
        }
    }
}

/// Why a log could not be opened. Damaged content is no reason, see [`Problem`](crate::Problem), nor is a disk that
/// takes nothing, see [`Opened::unwritable`](crate::Opened::unwritable).
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process writes this log.
    #[error("{} is in use by another process", folder.display())]
    Locked {
        /// The log's folder.
        folder: PathBuf,
    },
    /// The segments cannot be listed.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Why a batch was not written. The batch is unchanged and can be committed again; the log goes on when it can.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The disk is full, read-only or broken.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A value would grow beyond what one `Put` can hold.
    #[error(
        "the value of a key would have {bytes} bytes, at most {} are kept",
        crate::VALUE_BYTES_MAX
    )]
    TooLong {
        /// The key that is appended to.
        key: Box<[u8]>,
        /// The size with all that the batch appends up to this entry.
        bytes: u64,
    },
}

impl CommitError {
    /// There is no room on the disk: the same commit may succeed later.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Disk(e) if matches!(e.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
    }
}
