//! The ordered record of a call: what its scenario asked, what came of it, what happened meanwhile.
//!
//! *Started*, *ended* and *cancelled* are entries of their own, so that a digit that came while a prompt played stands
//! between them. Requests and outcomes (not inputs, not times) are chained into a rolling hash: two calls with the same
//! hash had the same conversation with their host. `codec.rs` is the form on disk; `saved.rs` the form in which a living
//! call's journal is saved piece by piece, to be restored when the process has died; `past.rs` how a resumed call is
//! told what it knows already.

mod chain;
mod codec;
mod past;
mod saved;
mod version1;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::op::{LegId, Op, OpIndex, Outcome};
use crate::run::End;

use chain::Chain;
pub use codec::JournalError;
pub(crate) use past::{HostCall, Known, Past, Record, Said};
use saved::Saved;

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

/// One entry of a journal. Variants are added at the end.
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
    /// The scenario had failed with `end`; the call goes on with its fall-back, the module of this name and hash, whose
    /// host calls are numbered on from `after`.
    FellBack {
        after: OpIndex,
        end: End,
        scenario: String,
        module_hash: String,
    },
    /// The scenario began anew from what it had handed over; its host calls are numbered on from `after`. What was
    /// before is given up.
    Anew { after: OpIndex, start: Start },
}

/// What a scenario hands over to the instance that goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Its own words.
    pub state: Vec<u8>,
    /// The legs that it held besides the caller's.
    pub legs: Vec<LegId>,
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
    FellBack {
        after: OpIndex,
        end: &'a End,
        scenario: &'a str,
        module_hash: &'a str,
    },
    Anew {
        after: OpIndex,
        start: &'a Start,
    },
}

impl EntryRef<'_> {
    /// Whether it is in the rolling hash.
    fn is_hashed(&self) -> bool {
        matches!(
            self,
            Self::Started { .. } | Self::Ended { .. } | Self::Cancelled { .. }
        )
    }
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

impl RecordedJournal {
    /// The scenario that the call fell back to when its own had failed: its module's name and hash. None: it did not.
    pub fn fell_back_to(&self) -> Option<(&str, &str)> {
        self.entries.iter().find_map(|timed| match &timed.entry {
            Entry::FellBack {
                scenario,
                module_hash,
                ..
            } => Some((scenario.as_str(), module_hash.as_str())),
            _ => None,
        })
    }
}

/// One call's journal while the call lives; a clone is another handle on the same journal.
#[derive(Clone)]
pub struct Journal {
    clock: Clock,
    /// The clock's time when this journal was made.
    opened: Duration,
    /// How old the call was then.
    age: Duration,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    header: JournalHeader,
    /// The entries in the form of `codec.rs`; none where only the hash is kept.
    entries: Option<Vec<u8>>,
    bytes_max: usize,
    /// Set by the first entry that found no room.
    full: bool,
    /// The last entry's moment.
    last_ms: u64,
    /// The last host call that was asked for.
    last: OpIndex,
    /// The host call after which those of the scenario that runs are numbered: none but for a fall-back.
    base: OpIndex,
    /// Where its entries begin.
    base_bytes: usize,
    chain: Chain,
    saved: Saved,
    /// Whether what was before a checkpoint stays.
    keeps_all: bool,
    /// What a restored journal says, until the run takes it.
    record: Option<Record>,
}

/// The journal of the call has reached its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has reached its limit of {bytes_max} bytes")]
pub(crate) struct JournalFull {
    bytes_max: usize,
}

impl std::fmt::Debug for Journal {
    /// Which call it is of, and how long it is.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shared = self.lock();
        f.debug_struct("Journal")
            .field("call", &shared.header.call)
            .field("bytes", &shared.entries.as_ref().map_or(0, Vec::len))
            .finish_non_exhaustive()
    }
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
        let shared = Shared {
            header,
            entries,
            bytes_max: Limits::default().journal_bytes as usize,
            full: false,
            last_ms: 0,
            last: OpIndex::NONE,
            base: OpIndex::NONE,
            base_bytes: 0,
            chain: Chain::default(),
            saved: Saved::default(),
            keeps_all: false,
            record: None,
        };
        Self::opened(shared, clock, Duration::ZERO)
    }

    /// What was before a checkpoint stays in it: for whoever wants to see the whole call, and has room for it.
    #[must_use]
    pub fn keeping_all(self) -> Self {
        self.lock().keeps_all = true;
        self
    }

    fn opened(shared: Shared, clock: Clock, age: Duration) -> Self {
        Self {
            opened: clock(),
            clock,
            age,
            shared: Arc::new(Mutex::new(shared)),
        }
    }

    /// A dead process's journal again, from all that [`Self::take_unsaved`] gave, one after another: a run with it
    /// resumes the call. Bytes of [`Self::to_bytes`] are taken too; nothing of those counts as saved.
    ///
    /// Times go on: `now_unix_ms` is the real time now, in milliseconds since 1970, from which `clock` counts on. No
    /// entry comes before one that is there. The limits of the call's beginning are in force again.
    ///
    /// Bytes that were damaged, cut within a piece or written by a newer version are an error; where whole pieces are
    /// missing at the end, the journal ends earlier.
    pub fn restore(bytes: &[u8], clock: Clock, now_unix_ms: u64) -> Result<Self, JournalError> {
        let stored = codec::read(bytes)?;
        let last_ms = stored.entries.last().map_or(0, |last| last.at_ms);
        let age_ms = now_unix_ms.saturating_sub(stored.header.began_ms).max(last_ms);
        let (entries, chain) = codec::encode_entries(&stored.entries);
        let begins = stored
            .entries
            .iter()
            .rposition(|timed| matches!(timed.entry, Entry::FellBack { .. } | Entry::Anew { .. }));
        let base_bytes = begins.map_or(0, |at| {
            let before = stored.entries.get(..=at).unwrap_or_default();
            codec::encode_entries(before).0.len()
        });
        let record = Record::of(stored.entries).map_err(|reason| JournalError::Malformed {
            what: "order of entries",
            at: 0,
            reason,
        })?;
        let limits = record.limits.clone().unwrap_or_default();
        let bytes_max = usize::try_from(limits.journal_bytes)
            .unwrap_or(usize::MAX)
            .saturating_add(base_bytes);
        let shared = Shared {
            header: stored.header,
            full: entries.len() > bytes_max,
            saved: Saved::up_to(stored.link, entries.len()),
            entries: Some(entries),
            bytes_max,
            last_ms,
            last: record.last(),
            keeps_all: false,
            base: record.base,
            base_bytes,
            chain,
            record: Some(record),
        };
        Ok(Self::opened(shared, clock, Duration::from_millis(age_ms)))
    }

    /// Appends what was written since the last time to `into`; false: nothing was. The first piece begins with the head,
    /// so that all pieces together, in their order, are what [`Self::restore`] reads. Nothing is allocated but what
    /// `into` needs.
    ///
    /// Dropping a run writes *cancelled* for the host call that waits: who wants the call to live on in another process
    /// saves nothing after that.
    pub fn take_unsaved(&self, into: &mut Vec<u8>) -> bool {
        let shared = &mut *self.lock();
        let Some(entries) = &shared.entries else {
            return false;
        };
        shared.saved.take(&shared.header, entries, into)
    }

    /// Appends the whole journal so far to `into`, as all pieces of [`Self::take_unsaved`] together would be, and goes on
    /// behind it; false: it is empty.
    pub fn take_all(&self, into: &mut Vec<u8>) -> bool {
        let shared = &mut *self.lock();
        let Some(entries) = &shared.entries else {
            return false;
        };
        shared.saved = Saved::up_to(None, 0);
        shared.saved.take(&shared.header, entries, into)
    }

    /// Which call it is of.
    pub fn header(&self) -> JournalHeader {
        self.lock().header.clone()
    }

    /// How the call's scenario had ended, where a restored journal says that it had.
    pub fn known_end(&self) -> Option<End> {
        match self.lock().record.as_ref()?.end()? {
            Known::Finished(end) => Some(end),
            Known::CallOver => None,
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

    /// The call goes on with another scenario, its fall-back: the next run with this journal is that one's, from its
    /// beginning. The one before has ended with `end`. `asked` is the last host call that is known from elsewhere to
    /// have been asked for: where this journal lacks it, none of its number is made again.
    pub fn fell_back(&self, end: &End, asked: OpIndex, scenario: &str, module_hash: &str) {
        let now = self.now();
        let shared = &mut *self.lock();
        let after = shared.last.max(asked);
        shared.append_always(
            now,
            &EntryRef::FellBack {
                after,
                end,
                scenario,
                module_hash,
            },
        );
        (shared.last, shared.base, shared.full) = (after, after, false);
        shared.base_bytes = shared.entries.as_ref().map_or(0, Vec::len);
        shared.bytes_max = shared.bytes_max.max(shared.base_bytes);
        shared.record = None;
    }

    /// The scenario begins anew with `start`. The journal has nothing else then, and what is saved next replaces what
    /// was saved before.
    pub(crate) fn anew(&self, after: OpIndex, start: &Start) {
        let now = self.now();
        let shared = &mut *self.lock();
        if !shared.keeps_all {
            shared.entries.iter_mut().for_each(Vec::clear);
            shared.saved = Saved::default();
        }
        shared.append_always(now, &EntryRef::Anew { after, start });
        (shared.last, shared.base, shared.full) = (after, after, false);
        shared.base_bytes = shared.entries.as_ref().map_or(0, Vec::len);
    }

    /// The hash over all requests and outcomes so far, since the last checkpoint.
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
        self.age + (self.clock)().saturating_sub(self.opened)
    }

    /// Whether it was restored and not yet run with: its run goes on with a call.
    pub fn resumes(&self) -> bool {
        self.lock().record.is_some()
    }

    /// What is known of the call already: nothing, unless the journal was restored and not yet run with.
    pub(crate) fn take_record(&self) -> Record {
        self.lock().record.take().unwrap_or_default()
    }

    /// Whether there is room for more.
    pub(crate) fn room(&self) -> Result<(), JournalFull> {
        self.lock().room()
    }

    /// The host call after which the next run's are numbered.
    pub(crate) fn base(&self) -> OpIndex {
        self.lock().base
    }

    pub(crate) fn began(&self, limits: &Limits) -> Result<(), JournalFull> {
        let now = self.now();
        let mut shared = self.lock();
        let most = usize::try_from(limits.journal_bytes).unwrap_or(usize::MAX);
        shared.bytes_max = most.saturating_add(shared.base_bytes);
        shared.append(now, &EntryRef::Began { limits })
    }

    pub(crate) fn started(
        &self,
        now: Duration,
        index: OpIndex,
        parent: OpIndex,
        op: &Op,
    ) -> Result<(), JournalFull> {
        let mut shared = self.lock();
        shared.last = index;
        shared.append(now, &EntryRef::Started { index, parent, op })
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
        self.room()
    }

    fn room(&self) -> Result<(), JournalFull> {
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
        // The door reads the clock once for an answer that comes at once; an input may have come in between.
        self.last_ms = self.last_ms.max(now.as_millis() as u64);
        match &mut self.entries {
            Some(entries) => codec::push_entry(entries, self.last_ms, entry, &mut self.chain),
            None => self.chain.add_entry(entry),
        }
    }
}
