//! What a log asks of a disk: segments by their number.

use std::io;

pub mod files;
pub mod sim;

/// A segment that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Its number, from 1.
    pub segment: u32,
    /// Its size.
    pub bytes: u64,
    /// It was renamed aside: its number is taken, its content is not the log's.
    pub aside: bool,
}

/// Why a segment is renamed aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Aside {
    /// A later program wrote it.
    Newer,
    /// The disk cannot read it.
    Unreadable,
}

/// A folder of segments, for one writer at a time.
pub trait Disk {
    /// All segments, in any order.
    fn list(&mut self) -> io::Result<Vec<Found>>;

    /// The segment's first bytes: all of them, but not more than `at_most`.
    fn read(&mut self, segment: u32, at_most: u64) -> io::Result<Vec<u8>>;

    /// Makes an empty segment.
    fn create(&mut self, segment: u32) -> io::Result<()>;

    /// Writes behind the segment's end, in one write if the system takes it. After an error any part may be written.
    fn append(&mut self, segment: u32, bytes: &[u8]) -> io::Result<()>;

    /// Cuts the segment to this length, which it has at least.
    fn truncate(&mut self, segment: u32, bytes: u64) -> io::Result<()>;

    /// The segment's content survives a power loss when this returns.
    fn sync(&mut self, segment: u32) -> io::Result<()>;

    /// Which segments there are survives a power loss when this returns.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// Renames the segment, so that it is kept and never read as part of the log.
    fn set_aside(&mut self, segment: u32, why: Aside) -> io::Result<()>;

    /// Removes the segment.
    fn remove(&mut self, segment: u32) -> io::Result<()>;
}
