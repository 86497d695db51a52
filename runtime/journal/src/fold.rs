//! Reading a log: all its segments become one map.

use std::collections::BTreeMap;

use crate::disk::{Aside, Disk, Found};
use crate::entry::{self, Change};
use crate::error::DiskError;
use crate::index::{Became, Index, Keys, Segment};
use crate::key::Key;
use crate::problem::{Problem, Problems, Reason};
use crate::record::{Step, Walk};
use crate::segment::{self, HEAD_BYTES, HeadFault};

/// No segment is longer: the longest that [`Options`](crate::Options) allow, and a batch.
const SEGMENT_BYTES_MAX: u64 = 1 << 30;

/// What a log held when it was opened.
#[derive(Debug, Default)]
pub struct Opened {
    /// Each key with its value: what was put, and behind it what was appended.
    pub map: BTreeMap<Box<[u8]>, Vec<u8>>,
    /// What was lost or left aside, in the order of the segments, then by key.
    pub problems: Vec<Problem>,
    /// How many segments were read.
    pub segments: usize,
    /// Their size.
    pub bytes: u64,
    /// The last batch that was ever committed, 0: there is none.
    pub batch: u64,
    /// Why the log cannot be written now: a full or read-only disk.
    pub unwritable: Option<DiskError>,
}

/// How the last segment ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tail {
    pub(crate) segment: u32,
    /// Up to here it is to be kept.
    pub(crate) bytes: u64,
    /// Its head is sound: it can be written to.
    pub(crate) sound: bool,
}

/// The log as it is being read.
#[derive(Default)]
pub(crate) struct Fold {
    pub(crate) index: Index,
    values: Keys<Vec<u8>>,
    /// Keys that were appended to without their base, with the batch that did it first.
    baseless: Keys<u64>,
    problems: Problems,
    /// The last batch read, or known to have been there.
    pub(crate) batch: u64,
    /// Whether `batch` is known: the head of a log may have been dropped.
    begun: bool,
    pub(crate) tail: Option<Tail>,
    /// The last file, if its head was being written when the process ended.
    pub(crate) stub: Option<u32>,
    /// The highest number that any segment has, aside ones too.
    pub(crate) highest: u32,
}

/// A segment that is to be read.
struct Candidate {
    found: Found,
    first_batch: Option<u64>,
}

impl Fold {
    /// Reads everything that can be read.
    pub(crate) fn read(disk: &mut impl Disk) -> Result<Self, DiskError> {
        let mut fold = Self::default();
        let mut found = disk.list().map_err(DiskError::doing("list", 0))?;
        found.sort_by_key(|found| found.segment);
        fold.highest = found.last().map_or(0, |found| found.segment);
        found.retain(|found| !found.aside);

        let last = found.last().map(|found| found.segment);
        let mut candidates: Vec<Candidate> = Vec::new();
        for found in found {
            candidates.extend(fold.candidate(disk, found, Some(found.segment) == last));
        }
        for at in 0..candidates.len() {
            let (Some(candidate), later) = (candidates.get(at), candidates.get(at + 1..).unwrap_or_default())
            else {
                break;
            };
            let until = later
                .iter()
                .find_map(|later| later.first_batch)
                .unwrap_or(u64::MAX);
            fold.segment(disk, candidate, until, later.is_empty());
        }
        Ok(fold)
    }

    /// The map, once everything is read.
    pub(crate) fn finish(self) -> (Index, Opened) {
        let Self {
            index,
            values,
            baseless,
            mut problems,
            batch,
            ..
        } = self;
        let mut baseless: Vec<(Box<[u8]>, u64)> = baseless
            .into_iter()
            .map(|(key, batch)| (boxed(&key), batch))
            .collect();
        baseless.sort();
        for (key, batch) in baseless {
            problems.push(Problem::LostBase { key, batch });
        }
        let opened = Opened {
            map: values
                .into_iter()
                .map(|(key, value)| (boxed(&key), value))
                .collect(),
            problems: problems.finish(),
            segments: index.segments.len(),
            bytes: index.bytes(),
            batch,
            unwritable: None,
        };
        (index, opened)
    }

    /// Looks at a segment's head: whether it is ours to read, and with which batch it begins.
    fn candidate(&mut self, disk: &mut impl Disk, found: Found, last: bool) -> Option<Candidate> {
        let Found { segment, bytes, .. } = found;
        if bytes > SEGMENT_BYTES_MAX {
            let reason = format!("no segment is longer than {SEGMENT_BYTES_MAX} bytes");
            return self.unreadable(disk, segment, bytes, reason);
        }
        let head = match disk.read(segment, HEAD_BYTES as u64) {
            Ok(head) => head,
            Err(e) => return self.unreadable(disk, segment, bytes, e.to_string()),
        };
        match segment::parse(segment, &head) {
            Ok(head) => Some(Candidate {
                found,
                first_batch: Some(head.first_batch),
            }),
            Err(HeadFault::Short) => {
                if last {
                    let reason = Reason::Cut {
                        needs: HEAD_BYTES as u64,
                        left: bytes,
                    };
                    self.problems.push(Problem::TornTail {
                        segment,
                        at: 0,
                        bytes,
                        reason,
                    });
                    self.stub = Some(segment);
                    return None;
                }
                self.problems.push(Problem::Header {
                    segment,
                    reason: "it is cut",
                });
                Some(Candidate {
                    found,
                    first_batch: None,
                })
            }
            Err(HeadFault::Newer { version }) => {
                self.problems.push(Problem::Newer {
                    segment,
                    version,
                    bytes,
                });
                self.set_aside(disk, segment, Aside::Newer);
                None
            }
            Err(HeadFault::Damaged(reason)) => {
                self.problems.push(Problem::Header { segment, reason });
                Some(Candidate {
                    found,
                    first_batch: None,
                })
            }
        }
    }

    fn unreadable<T>(&mut self, disk: &mut impl Disk, segment: u32, bytes: u64, reason: String) -> Option<T> {
        self.problems.push(Problem::Unreadable {
            segment,
            bytes,
            reason,
        });
        self.set_aside(disk, segment, Aside::Unreadable);
        None
    }

    fn set_aside(&mut self, disk: &mut impl Disk, segment: u32, why: Aside) {
        if let Err(e) = disk.set_aside(segment, why) {
            self.problems.push(Problem::NotAside {
                segment,
                reason: e.to_string(),
            });
        }
    }

    fn segment(&mut self, disk: &mut impl Disk, candidate: &Candidate, until: u64, last: bool) {
        let Found { segment, bytes, .. } = candidate.found;
        let content = match disk.read(segment, SEGMENT_BYTES_MAX) {
            Ok(content) => content,
            Err(e) => {
                self.unreadable::<()>(disk, segment, bytes, e.to_string());
                return;
            }
        };
        if let Some(first) = candidate.first_batch {
            self.expect(segment, first);
        }
        self.index.segments.push_back(Segment {
            number: segment,
            bytes: content.len() as u64,
            live: 0,
        });
        let mut keep = content.len();
        for step in Walk::new(&content, segment, self.batch, until) {
            match step {
                Step::Record(record) => {
                    self.expect(segment, record.batch);
                    self.batch = record.batch;
                    self.apply(segment, record.batch, record.entries);
                }
                Step::Dropped { at, bytes, reason } => {
                    let tail = last && at + bytes == content.len();
                    let (from, bytes) = (at as u64, bytes as u64);
                    self.problems.push(if tail {
                        keep = at;
                        Problem::TornTail {
                            segment,
                            at: from,
                            bytes,
                            reason,
                        }
                    } else {
                        Problem::Damaged {
                            segment,
                            at: from,
                            bytes,
                            reason,
                        }
                    });
                }
            }
        }
        if last {
            let sound = candidate.first_batch.is_some();
            self.tail = Some(Tail {
                segment,
                bytes: keep as u64,
                sound,
            });
        }
    }

    /// The next batch is this one.
    fn expect(&mut self, segment: u32, next: u64) {
        let after = next.saturating_sub(1);
        if self.begun && after > self.batch {
            self.problems.push(Problem::Gap {
                segment,
                after: self.batch,
                next,
            });
        }
        self.begun = true;
        self.batch = self.batch.max(after);
    }

    fn apply(&mut self, segment: u32, batch: u64, entries: &[u8]) {
        // The walk has seen that each of them makes sense.
        for entry in entry::entries(entries).flatten() {
            let became = self.index.apply(&entry, batch, segment);
            if became != Became::Baseless && !self.baseless.is_empty() {
                self.baseless.remove(entry.key);
            }
            match (became, entry.change) {
                (Became::Put, Change::Put { value } | Change::Append { value, .. }) => {
                    match self.values.get_mut(entry.key) {
                        Some(known) => {
                            known.clear();
                            known.extend_from_slice(value);
                        }
                        None => _ = self.values.insert(Key::new(entry.key), value.to_vec()),
                    }
                }
                (Became::Grown, Change::Append { value, .. }) => {
                    if let Some(known) = self.values.get_mut(entry.key) {
                        known.extend_from_slice(value);
                    }
                }
                (Became::Baseless, _) => {
                    self.values.remove(entry.key);
                    self.baseless.entry(Key::new(entry.key)).or_insert(batch);
                }
                (Became::Deleted | Became::Put | Became::Grown, _) => _ = self.values.remove(entry.key),
            }
        }
    }
}

fn boxed(key: &Key) -> Box<[u8]> {
    std::borrow::Borrow::<[u8]>::borrow(key).into()
}
