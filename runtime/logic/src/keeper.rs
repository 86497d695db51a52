//! One batch after another: what changed since the last commit, and how far the gates were heard.
//!
//! A disk that refuses ends no call. From the first commit that fails, nothing is written any more: the log would have
//! pieces of values whose beginning it lacks. From time to time it is tried whether the disk takes something; once it
//! does, everything is written anew, and only then the log counts again.

use std::collections::HashSet;
use std::time::Duration;

use tandem_bus::link::{Cursor, Lane, Role};
use tandem_journal::{Batch, CommitError, Disk, EntryError, Log};
use tandem_sip::Moment;
use tandem_switch::keys::{Change, Key, Kind};

/// Keys that are written anew per commit while the oldest segment is being emptied.
const STALE_MAX: usize = 256;
/// Between two looks at a disk that refuses.
const PAUSE: Duration = Duration::from_secs(1);
/// After a disk that took something, but not everything: to write it all is work.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// A batch that was longer gives its memory back.
const BATCH_KEPT_BYTES: usize = 1 << 20;

const GATES: [Role; 2] = [Role::SipGate, Role::MediaGate];

/// A log with the batch that is being filled.
pub struct Keeper<D: Disk> {
    log: Log<D>,
    batch: Batch,
    /// Whose inputs are taken here.
    lane: Lane,
    /// How far each gate was heard, and whether the log has that.
    heard: [Option<Heard>; 2],
    state: State,
    /// Why a part of this batch, which was too long for one, could not be written.
    failed: Option<CommitError>,
    /// Bytes of batches since the start.
    written: u64,
}

#[derive(Clone, Copy)]
struct Heard {
    cursor: Cursor,
    kept: bool,
}

/// What the disk takes.
enum State {
    Sound,
    /// Nothing; it is tried again at this time.
    Broken {
        again: Moment,
    },
    /// Everything, anew. What of its keys was not put when that is done, is no more.
    Renewing {
        unseen: HashSet<Key>,
    },
}

/// What came of a commit.
#[derive(Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is in the log.
    Well,
    /// It is in the log again, as is everything else, after a time in which nothing was.
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
            state: State::Sound,
            failed: None,
            written: 0,
        }
    }

    /// A value that the log held when it was opened: how far the gates were heard is remembered.
    pub fn found(&mut self, key: Key, value: &[u8]) {
        if let Some((gate, cursor)) = cursor_of(key, value)
            && key.id == u64::from(self.lane.0)
            && let Some(heard) = self.heard.get_mut(place(gate))
        {
            *heard = Some(Heard { cursor, kept: true });
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
        if let State::Renewing { unseen } = &mut self.state {
            unseen.remove(&key);
        }
        self.fill(&key.to_bytes(), |batch, key| batch.put(key, value));
    }

    /// Adds to a value.
    pub fn append(&mut self, key: Key, value: &[u8]) {
        if let State::Renewing { unseen } = &mut self.state {
            unseen.remove(&key);
        }
        self.fill(&key.to_bytes(), |batch, key| batch.append(key, value));
    }

    /// Forgets a value.
    pub fn delete(&mut self, key: Key) {
        self.fill(&key.to_bytes(), Batch::delete);
    }

    /// Everything that a gate said up to `cursor` has been handled.
    pub fn heard(&mut self, gate: Role, cursor: Cursor) {
        if let Some(heard) = self.heard.get_mut(place(gate)) {
            *heard = Some(Heard { cursor, kept: false });
        }
    }

    /// Whether everything is to be put anew before the next [`Self::commit`]: the disk refused, and takes something
    /// again.
    pub fn renews(&mut self, now: Moment) -> bool {
        let State::Broken { again } = self.state else {
            return false;
        };
        if now < again {
            return false;
        }
        // A key that there is not: if this is all that comes to be written, nothing has changed.
        let mut trial = Batch::new();
        let tried = trial
            .delete(&Key::new(Kind::Cursor, u64::MAX, u32::MAX).to_bytes())
            .is_ok()
            && self.log.commit(&mut trial).is_ok();
        self.state = if tried {
            let unseen = self.log.keys().filter_map(Key::from_bytes).collect();
            State::Renewing { unseen }
        } else {
            State::Broken { again: now + PAUSE }
        };
        tried
    }

    /// When a disk that refuses is to be tried again.
    pub fn deadline(&self) -> Option<Moment> {
        match self.state {
            State::Broken { again } => Some(again),
            State::Sound | State::Renewing { .. } => None,
        }
    }

    /// Writes the batch. What may be acknowledged now is handed to `acknowledge`.
    pub fn commit(&mut self, now: Moment, mut acknowledge: impl FnMut(Role, Cursor)) -> Kept {
        let renewing = matches!(self.state, State::Renewing { .. });
        for gate in GATES {
            let heard = self.heard.get(place(gate)).copied().flatten();
            if heard.is_some_and(|heard| renewing || !heard.kept) {
                self.put_cursor(gate);
            }
        }
        if let State::Renewing { unseen } = &mut self.state {
            for key in std::mem::take(unseen) {
                self.delete(key);
            }
        }
        self.write_batch();
        // On a broken disk too: what the gates hold is bounded, and the calls go on.
        for gate in GATES {
            if let Some(heard) = self.heard.get_mut(place(gate)).and_then(Option::as_mut)
                && !std::mem::replace(&mut heard.kept, true)
            {
                acknowledge(gate, heard.cursor);
            }
        }
        let failed = self.failed.take();
        match (&self.state, failed) {
            (State::Sound, None) => Kept::Well,
            (State::Sound, Some(error)) => {
                self.state = State::Broken { again: now + PAUSE };
                Kept::Broken(Some(error.to_string()))
            }
            (State::Renewing { .. }, None) => {
                self.state = State::Sound;
                Kept::Mended
            }
            (State::Renewing { .. }, Some(_)) => {
                self.state = State::Broken {
                    again: now + LONG_PAUSE,
                };
                Kept::Broken(None)
            }
            (State::Broken { .. }, _) => Kept::Broken(None),
        }
    }

    /// Keys to be written again in full, so that the oldest segment can go.
    pub fn stale(&mut self) -> Vec<Key> {
        if !matches!(self.state, State::Sound) {
            return Vec::new();
        }
        let mut stale = Vec::new();
        for bytes in self.log.stale_keys(STALE_MAX) {
            match Key::from_bytes(&bytes) {
                Some(key) if key.kind == Kind::Cursor => self.write_cursor_again(key),
                Some(key) => stale.push(key),
                // The start has told of it; it must not hold its segment for ever.
                None => self.fill(&bytes, Batch::delete),
            }
        }
        stale
    }

    /// Bytes written since the start, and bytes on the disk now.
    pub fn bytes(&self) -> (u64, u64) {
        (self.written, self.log.stats().bytes)
    }

    /// Takes a change into the batch. One that is full is written: what is in it was not let out yet, so nobody has
    /// seen anything of a step that is then there in part only.
    fn fill(&mut self, key: &[u8], add: impl Fn(&mut Batch, &[u8]) -> Result<(), EntryError>) {
        if matches!(self.state, State::Broken { .. }) {
            return;
        }
        let mut taken = add(&mut self.batch, key);
        if matches!(taken, Err(EntryError::Batch { .. })) {
            self.write_batch();
            taken = add(&mut self.batch, key);
        }
        // No value of ours is as long as the log's limit: one that is, is left out.
        if let Err(error) = taken {
            tracing::error!(key = ?Key::from_bytes(key), %error, "not written down");
        }
    }

    fn write_batch(&mut self) {
        // What follows a part that is missing must be missing too.
        if !self.batch.is_empty() && self.failed.is_none() {
            let bytes = self.batch.len_bytes() as u64;
            match self.log.commit(&mut self.batch) {
                Ok(()) => self.written += bytes,
                Err(error) => self.failed = Some(error),
            }
            if bytes > BATCH_KEPT_BYTES as u64 {
                self.batch = Batch::new();
            }
        }
        self.batch.clear();
    }

    fn put_cursor(&mut self, gate: Role) {
        let heard = self.heard.get(place(gate)).copied().flatten();
        if let Some(value) = heard.and_then(|heard| postcard::to_allocvec(&heard.cursor).ok()) {
            self.put(cursor_key(self.lane, gate), &value);
        }
    }

    /// A gate that is silent holds the segment in which its cursor lies.
    fn write_cursor_again(&mut self, key: Key) {
        let ours = GATES.into_iter().find(|gate| {
            key == cursor_key(self.lane, *gate) && self.heard.get(place(*gate)).is_some_and(Option::is_some)
        });
        match ours {
            Some(gate) => self.put_cursor(gate),
            None => self.delete(key),
        }
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
