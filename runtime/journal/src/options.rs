//! What an owner chooses.

/// What a commit survives once it has returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Nothing is kept, for measurement. Opening gives what was kept before once more, then removes it: it would be
    /// out of date ever after.
    Off,
    /// The end of the process (`write(2)`), but not a power loss.
    #[default]
    Flush,
    /// Also a power loss (`fdatasync(2)` in each commit).
    Sync,
}

/// How a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// What a commit survives.
    pub durability: Durability,
    /// A segment that would become longer than this is followed by a new one. At most 512 MiB count.
    pub segment_bytes: u64,
    /// Up to this size of all segments no key is ever named stale.
    pub keep_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            segment_bytes: 16 << 20,
            keep_bytes: 64 << 20,
        }
    }
}
