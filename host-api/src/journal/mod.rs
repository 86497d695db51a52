//! The ordered record of a call: what its scenario asked, what came of it, what happened meanwhile.
//!
//! *Started*, *ended* and *cancelled* are entries of their own, so that a digit that came while a prompt played stands
//! between them. Requests and outcomes (not inputs, not times) are chained into a rolling hash: two calls with the same
//! hash had the same conversation with their host. `codec.rs` is the form on disk.

mod codec;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use crate::limits::Limits;
use crate::op::{LegId, Op, OpIndex, Outcome};
use crate::run::End;

pub use codec::JournalError;

/// Tells the time since some moment of its own choosing: [`monotonic_clock`], or a simulator's virtual time.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// The machine's monotonic clock, counted from this call on.
pub fn monotonic_clock() -> Clock {
    let begin = Instant::now();
    Arc::new(move || begin.elapsed())
}

/// A rolling hash over requests and outcomes.
pub type RollingHash = [u8; 16];

/// Which call a journal is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalHeader {
    /// The call's identifier.
    pub call: String,
    /// The domain's name.
    pub domain: String,
    /// The entry point that started the scenario.
    pub entry: String,
    /// [`Module::hash`](crate::Module::hash) of the scenario.
    pub module_hash: String,
    /// The world that it was written for: [`WORLD`](crate::WORLD).
    pub world: String,
    /// When the call began, in milliseconds since 1970-01-01T00:00:00Z.
    pub began_ms: u64,
}

/// What reached the call from outside; told to the journal by the switch when it happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields say the leg and what came from it")]
pub enum Input {
    /// A digit was pressed: out of `0-9*#A-D`.
    Digit { leg: LegId, digit: char },
    /// A dialled leg rings.
    LegRinging { leg: LegId },
    /// A dialled leg answered.
    LegAnswered { leg: LegId },
    /// A leg ended, with the reason in words.
    LegEnded { leg: LegId, cause: String },
    /// Anything else that explains the call to its reader.
    Note { leg: Option<LegId>, text: String },
}

/// One entry of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(
    missing_docs,
    reason = "`index` is the host call, `parent` the trace step in force"
)]
pub enum Entry {
    /// The scenario was started under these limits.
    Began { limits: Limits },
    /// A host call was asked for; nothing of it is visible outside yet.
    Started { index: OpIndex, parent: OpIndex, op: Op },
    /// It was answered.
    Ended { index: OpIndex, outcome: Outcome },
    /// It was given up: the call was over first.
    Cancelled { index: OpIndex },
    /// Something came from outside.
    Input(Input),
    /// The scenario ended.
    Finished { end: End },
}

/// [`Entry`] by reference, to write without a copy: the variants are the same, in the same order.
#[derive(Serialize)]
pub(crate) enum EntryRef<'a> {
    Began {
        limits: &'a Limits,
    },
    Started {
        index: OpIndex,
        parent: OpIndex,
        op: &'a Op,
    },
    Ended {
        index: OpIndex,
        outcome: &'a Outcome,
    },
    Cancelled {
        index: OpIndex,
    },
    Input(&'a Input),
    Finished {
        end: &'a End,
    },
}

/// An entry with its moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedEntry {
    /// Milliseconds since the call began.
    pub at_ms: u64,
    /// What was recorded.
    pub entry: Entry,
}

/// A journal that was read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedJournal {
    /// Which call it is of.
    pub header: JournalHeader,
    /// All entries, in order.
    pub entries: Vec<TimedEntry>,
    /// The rolling hash over the requests and outcomes among them.
    pub rolling_hash: RollingHash,
}

/// One call's journal while the call lives; a clone is another handle on the same journal.
#[derive(Clone)]
pub struct Journal {
    clock: Clock,
    began: Duration,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    header: JournalHeader,
    /// The entries in the form of `codec.rs`; none where only the hash is kept.
    entries: Option<Vec<u8>>,
    bytes_max: usize,
    /// Set by the first entry that found no room.
    full: bool,
    chain: Chain,
}

/// The journal of the call has reached its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has reached its limit of {bytes_max} bytes")]
pub(crate) struct JournalFull {
    bytes_max: usize,
}

impl Journal {
    /// An empty journal whose times count from now by `clock`.
    pub fn new(header: JournalHeader, clock: Clock) -> Self {
        Self::with_entries(header, clock, Some(Vec::with_capacity(1_024)))
    }

    /// A journal that keeps the rolling hash and no entries: for replays and benches.
    pub fn hash_only(header: JournalHeader, clock: Clock) -> Self {
        Self::with_entries(header, clock, None)
    }

    fn with_entries(header: JournalHeader, clock: Clock, entries: Option<Vec<u8>>) -> Self {
        let began = clock();
        let shared = Shared {
            header,
            entries,
            bytes_max: Limits::default().journal_bytes as usize,
            full: false,
            chain: Chain::default(),
        };
        Self {
            clock,
            began,
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// Records what came from outside. A full journal drops it; the scenario's next host call then ends the scenario.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "an input is told once; its teller has no use for it after"
    )]
    pub fn input(&self, input: Input) {
        let now = self.now();
        // Nothing to tell the caller: what came from outside has happened, recorded or not.
        let _ = self.lock().append(now, &EntryRef::Input(&input));
    }

    /// The hash over all requests and outcomes so far.
    pub fn rolling_hash(&self) -> RollingHash {
        self.lock().chain.hash()
    }

    /// The journal's size now, in bytes of entries.
    pub fn len_bytes(&self) -> usize {
        self.lock().entries.as_ref().map_or(0, Vec::len)
    }

    /// The whole journal so far, versioned and checksummed: see [`RecordedJournal::from_bytes`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let shared = self.lock();
        codec::write(
            &shared.header,
            shared.entries.as_deref().unwrap_or_default(),
            shared.chain.hash(),
        )
    }

    /// Time since the call began.
    pub(crate) fn now(&self) -> Duration {
        (self.clock)().saturating_sub(self.began)
    }

    pub(crate) fn began(&self, limits: &Limits) -> Result<(), JournalFull> {
        let now = self.now();
        let mut shared = self.lock();
        shared.bytes_max = usize::try_from(limits.journal_bytes).unwrap_or(usize::MAX);
        shared.append(now, &EntryRef::Began { limits })
    }

    pub(crate) fn started(
        &self,
        now: Duration,
        index: OpIndex,
        parent: OpIndex,
        op: &Op,
    ) -> Result<(), JournalFull> {
        self.lock().append(now, &EntryRef::Started { index, parent, op })
    }

    pub(crate) fn ended(&self, now: Duration, index: OpIndex, outcome: &Outcome) -> Result<(), JournalFull> {
        self.lock().append(now, &EntryRef::Ended { index, outcome })
    }

    pub(crate) fn cancelled(&self, index: OpIndex) {
        let now = self.now();
        self.lock().append_always(now, &EntryRef::Cancelled { index });
    }

    pub(crate) fn finished(&self, end: &End) {
        let now = self.now();
        self.lock().append_always(now, &EntryRef::Finished { end });
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn append(&mut self, now: Duration, entry: &EntryRef<'_>) -> Result<(), JournalFull> {
        self.push(now, entry);
        let len = self.entries.as_ref().map_or(0, Vec::len);
        if len > self.bytes_max {
            self.full = true;
        }
        if self.full {
            return Err(JournalFull {
                bytes_max: self.bytes_max,
            });
        }
        Ok(())
    }

    /// For the two short entries that close something: they are written even past the limit.
    fn append_always(&mut self, now: Duration, entry: &EntryRef<'_>) {
        let full = std::mem::take(&mut self.full);
        self.push(now, entry);
        self.full = full;
    }

    fn push(&mut self, now: Duration, entry: &EntryRef<'_>) {
        // The entry that passes the limit is still written whole, so the limit is exceeded by one entry at most; after
        // that nothing is.
        if self.full {
            return;
        }
        let hashed = matches!(
            entry,
            EntryRef::Started { .. } | EntryRef::Ended { .. } | EntryRef::Cancelled { .. }
        );
        match &mut self.entries {
            Some(entries) => {
                let body = codec::push_entry(entries, now.as_millis() as u64, entry);
                if hashed {
                    self.chain.add(entries.get(body..).unwrap_or_default());
                }
            }
            None if hashed => self.chain.add_entry(entry),
            None => (),
        }
    }
}

/// The rolling hash: each link is the hash of the link before it and of one entry.
#[derive(Default)]
struct Chain {
    link: u128,
    scratch: Vec<u8>,
}

impl Chain {
    fn add(&mut self, encoded: &[u8]) {
        let before = self.link.to_le_bytes();
        let seed = u64::from_le_bytes([
            before[0], before[1], before[2], before[3], before[4], before[5], before[6], before[7],
        ]);
        // Both halves of the link before enter: one as the seed, one by addition to the result.
        let high = self.link >> 64;
        self.link = XxHash3_128::oneshot_with_seed(seed, encoded).wrapping_add(high);
    }

    fn add_entry(&mut self, entry: &EntryRef<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        codec::encode(&mut scratch, entry);
        self.add(&scratch);
        self.scratch = scratch;
    }

    fn hash(&self) -> RollingHash {
        self.link.to_le_bytes()
    }
}
