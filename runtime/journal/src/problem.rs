//! What was wrong with a log that was opened.

use std::fmt;

use crate::segment::Name;

/// Not more than this many problems are told one by one.
const PROBLEMS_MAX: usize = 1000;

/// Something that was lost or left aside. All but [`Self::TornTail`] mean that a disk, a file system or a person did
/// what the writer did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The log does not end in a whole record: what is behind the last one was cut off. Ordinary after a crash, for
    /// a record that was being written; its commit had not returned.
    TornTail {
        /// The last segment.
        segment: u32,
        /// Where the cut is.
        at: u64,
        /// What was cut off.
        bytes: u64,
        /// What is wrong with it. After the end of a process it is always [`Reason::Cut`].
        reason: Reason,
    },
    /// Records were left out.
    Damaged {
        /// The segment.
        segment: u32,
        /// Where the first of them begins.
        at: u64,
        /// How much was left out from there.
        bytes: u64,
        /// What is wrong with the first.
        reason: Reason,
    },
    /// A segment's head is damaged. Its records were read all the same.
    Header {
        /// The segment.
        segment: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The disk cannot read a segment. It was left out and renamed to `*.log.unreadable`.
    Unreadable {
        /// The segment.
        segment: u32,
        /// Its size, as far as the disk knows.
        bytes: u64,
        /// What the disk says.
        reason: String,
    },
    /// A segment was written by a later version of this program. It was left out and renamed to `*.log.newer`.
    Newer {
        /// The segment.
        segment: u32,
        /// Its version.
        version: u16,
        /// Its size.
        bytes: u64,
    },
    /// A segment that is left out could not be renamed.
    NotAside {
        /// The segment.
        segment: u32,
        /// What the disk says.
        reason: String,
    },
    /// Batches are missing: keys that they changed may have an older value, keys that they deleted may be there.
    Gap {
        /// The segment that goes on after the gap.
        segment: u32,
        /// The last batch before it.
        after: u64,
        /// The first batch behind it.
        next: u64,
    },
    /// A key was appended to after a change that was lost. The key is left out.
    LostBase {
        /// The key.
        key: Box<[u8]>,
        /// The batch that appended to it first.
        batch: u64,
    },
    /// There were more problems than are told one by one.
    More {
        /// How many.
        count: u64,
    },
}

/// Why a record was not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The segment ends within it.
    Cut {
        /// What it needs.
        needs: u64,
        /// What is left of the segment.
        left: u64,
    },
    /// It says that it is longer than any batch.
    Length {
        /// The length it says.
        bytes: u64,
    },
    /// Its content is not what was written.
    Checksum,
    /// Its number does not belong where it lies.
    Order {
        /// The number.
        batch: u64,
        /// The batch before it.
        after: u64,
    },
    /// Its checksum is right but an entry makes no sense: it was written by a faulty program.
    Entry(&'static str),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { needs, left } => {
                write!(f, "what begins there needs {needs} bytes and {left} are left")
            }
            Self::Length { bytes } => write!(f, "a record claims {bytes} bytes, more than any batch has"),
            Self::Checksum => write!(f, "a record's checksum does not match its content"),
            Self::Order { batch, after } => write!(f, "batch {batch} lies behind batch {after}"),
            Self::Entry(what) => write!(f, "an entry makes no sense: {what}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TornTail {
                segment,
                at,
                bytes,
                reason,
            } => {
                write!(
                    f,
                    "{}: cut off the last {bytes} bytes, from byte {at}: {reason}",
                    Name(*segment)
                )
            }
            Self::Damaged {
                segment,
                at,
                bytes,
                reason,
            } => {
                write!(
                    f,
                    "{}: left out {bytes} bytes at byte {at}: {reason}",
                    Name(*segment)
                )
            }
            Self::Header { segment, reason } => {
                write!(
                    f,
                    "{}: its head is damaged ({reason}); its records were read",
                    Name(*segment)
                )
            }
            Self::Unreadable {
                segment,
                bytes,
                reason,
            } => {
                write!(f, "{}: left out all {bytes} bytes: {reason}", Name(*segment))
            }
            Self::Newer {
                segment,
                version,
                bytes,
            } => write!(
                f,
                "{}: left out all {bytes} bytes: they are of version {version}, this program reads version {}",
                Name(*segment),
                crate::segment::VERSION
            ),
            Self::NotAside { segment, reason } => {
                write!(f, "{}: could not be renamed aside: {reason}", Name(*segment))
            }
            Self::Gap { segment, after, next } => {
                let missing = next.saturating_sub(after + 1);
                write!(
                    f,
                    "{}: {missing} batches are missing between {after} and {next}",
                    Name(*segment)
                )
            }
            Self::LostBase { key, batch } => {
                write!(f, "key ")?;
                key.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(
                    f,
                    ": left out, because batch {batch} appends to a state that was lost"
                )
            }
            Self::More { count } => write!(f, "{count} more problems"),
        }
    }
}

/// Problems as they are found, a bounded number of them.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    told: Vec<Problem>,
    untold: u64,
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.told.len() < PROBLEMS_MAX {
            self.told.push(problem);
        } else {
            self.untold += 1;
        }
    }

    pub(crate) fn finish(mut self) -> Vec<Problem> {
        if self.untold > 0 {
            self.told.push(Problem::More { count: self.untold });
        }
        self.told
    }
}
