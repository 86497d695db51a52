//! One batch after another: what changed since the last commit, and how far the gates were heard.

use tandem_bus::link::{Cursor, Lane, Role};
use tandem_journal::{Batch, CommitError, Disk, EntryError, Log};
use tandem_switch::keys::{Change, Key, Kind};

/// Keys that are written anew per commit while the oldest segment is being emptied.
const STALE_MAX: usize = 256;

/// A log with the batch that is being filled.
pub struct Keeper<D: Disk> {
    log: Log<D>,
    batch: Batch,
    /// Whose inputs are taken here.
    lane: Lane,
    /// How far each gate was heard since the last commit.
    heard: [Option<Cursor>; 2],
    /// The last commit failed: the disk lacks what has happened since.
    broken: bool,
    /// Bytes of batches since the start.
    written: u64,
}

/// What came of a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the log.
    Well,
    /// It is in the log again, after a time in which nothing was: everything is to be written anew, once.
    Mended,
    /// The disk refuses: in words, the first time only. Calls go on without protection.
    Broken(Option<String>),
}

impl<D: Disk> Keeper<D> {
    /// Over an open log.
    pub fn new(log: Log<D>, lane: Lane) -> Self {
        Self {
            log,
            batch: Batch::default(),
            lane,
            heard: [None; 2],
            broken: false,
            written: 0,
        }
    }

    /// Takes a change of a state machine.
    pub fn change(&mut self, change: &Change<'_>) {
        match change {
            Change::Put { key, value } => self.put(*key, value),
            Change::Delete { key } => self.delete(*key),
        }
    }

    /// Sets a value.
    pub fn put(&mut self, key: Key, value: &[u8]) {
        let taken = self.batch.put(&key.to_bytes(), value);
        told(key, taken);
    }

    /// Adds to a value.
    pub fn append(&mut self, key: Key, value: &[u8]) {
        let taken = self.batch.append(&key.to_bytes(), value);
        told(key, taken);
    }

    /// Forgets a value.
    pub fn delete(&mut self, key: Key) {
        let taken = self.batch.delete(&key.to_bytes());
        told(key, taken);
    }

    /// Everything that a gate said up to `cursor` has been handled.
    pub fn heard(&mut self, gate: Role, cursor: Cursor) {
        if let Some(heard) = self.heard.get_mut(place(gate)) {
            *heard = Some(cursor);
        }
    }

    /// Writes the batch. What may be acknowledged now is handed to `acknowledge`.
    pub fn commit(&mut self, mut acknowledge: impl FnMut(Role, Cursor)) -> Kept {
        for gate in [Role::SipGate, Role::MediaGate] {
            if let Some(cursor) = self.heard.get(place(gate)).copied().flatten()
                && let Ok(value) = postcard::to_allocvec(&cursor)
            {
                self.put(cursor_key(self.lane, gate), &value);
            }
        }
        if self.batch.is_empty() {
            return Kept::Well;
        }
        self.written += self.batch.len_bytes() as u64;
        let written = self.log.commit(&mut self.batch);
        self.batch.clear();
        // On a broken disk too: what the gates hold is bounded, and the calls go on.
        for gate in [Role::SipGate, Role::MediaGate] {
            if let Some(cursor) = self.heard.get_mut(place(gate)).and_then(Option::take) {
                acknowledge(gate, cursor);
            }
        }
        self.outcome(written)
    }

    fn outcome(&mut self, written: Result<(), CommitError>) -> Kept {
        match (written, self.broken) {
            (Ok(()), false) => Kept::Well,
            (Ok(()), true) => {
                self.broken = false;
                Kept::Mended
            }
            (Err(error), false) => {
                self.broken = true;
                Kept::Broken(Some(error.to_string()))
            }
            (Err(_), true) => Kept::Broken(None),
        }
    }

    /// Keys to be written again in full, so that the oldest segment can go.
    pub fn stale(&mut self) -> Vec<Key> {
        let stale = self.log.stale_keys(STALE_MAX);
        stale.iter().filter_map(|key| Key::from_bytes(key)).collect()
    }

    /// Every key that the log holds: after a broken disk, what is no longer there must be deleted.
    pub fn keys(&self) -> Vec<Key> {
        self.log.keys().filter_map(Key::from_bytes).collect()
    }

    /// Bytes written since the start, and bytes on the disk now.
    pub fn bytes(&self) -> (u64, u64) {
        (self.written, self.log.stats().bytes)
    }
}

/// No value of ours is as long as the log's limit: one that is, is left out and told of.
fn told(key: Key, taken: Result<(), EntryError>) {
    if let Err(error) = taken {
        tracing::error!(?key, %error, "not written down");
    }
}

fn place(gate: Role) -> usize {
    match gate {
        Role::SipGate => 0,
        Role::MediaGate => 1,
    }
}

/// Where a lane's cursor of a gate lies.
fn cursor_key(lane: Lane, gate: Role) -> Key {
    Key::new(Kind::Cursor, u64::from(lane.0), place(gate) as u32)
}

/// The cursors among the values of a log: which gate, how far it was heard.
pub fn cursor_of(key: Key, value: &[u8]) -> Option<(Role, Cursor)> {
    if key.kind != Kind::Cursor {
        return None;
    }
    let gate = match key.part {
        0 => Role::SipGate,
        1 => Role::MediaGate,
        _ => return None,
    };
    Some((gate, postcard::from_bytes(value).ok()?))
}
