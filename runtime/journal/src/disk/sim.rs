//! A disk in memory that fails, and forgets, when it is told to.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Aside, Disk, Found};

/// A disk in memory. Its clones are the same disk: one is the log's, the other the test's.
///
/// The same seed and the same calls give the same fate.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

/// What ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Death {
    /// The process: what was written stays. [`SimDisk::die_after`] lets it end within a write.
    Process,
    /// The machine: of each segment, what was done since its last sync is lost from some point on, perhaps within a
    /// write. Segments that were made or removed since the folder's last sync may be gone or back.
    Power,
}

/// How a disk refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing can be written or read.
    Broken,
    /// Nothing can be written; reading goes on.
    ReadOnly,
    /// Writing works, making it durable does not.
    Sync,
    /// Segments can be neither cut nor removed.
    Cut,
}

#[derive(Debug)]
struct State {
    segments: BTreeMap<u32, Node>,
    aside: BTreeMap<(u32, Aside), Node>,
    /// Removed since the folder was synced.
    removed: Vec<(u32, Node)>,
    fault: Option<Fault>,
    /// All segments together take at most so many bytes.
    room: Option<u64>,
    /// How many bytes and calls are left before the process ends.
    lives: Option<u64>,
    chance: Chance,
}

#[derive(Debug, Default)]
struct Node {
    bytes: Vec<u8>,
    /// The folder was synced since this was made.
    linked: bool,
    /// What was done since the last sync, so that it can be undone.
    unsynced: Vec<Done>,
}

#[derive(Debug)]
enum Done {
    Appended { from: usize },
    Cut { lost: Vec<u8> },
}

/// As a kernel writes back in time: more than this is never lost.
const UNSYNCED_MAX: usize = 4096;

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        let state = State {
            segments: BTreeMap::new(),
            aside: BTreeMap::new(),
            removed: Vec::new(),
            fault: None,
            room: None,
            lives: None,
            chance: Chance(seed),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// The end, and the start after it. Faults and the bound of its room stay.
    pub fn crash(&self, death: Death) {
        let mut state = self.lock();
        state.lives = None;
        if death == Death::Power {
            state.lose_power();
        }
    }

    /// The process ends when it has written so many bytes more, each call counting as one more byte. Until
    /// [`Self::crash`], everything fails then.
    pub fn die_after(&self, bytes: u64) {
        self.lock().lives = Some(bytes);
    }

    /// From now on the disk refuses so, or no longer.
    pub fn fail(&self, fault: Option<Fault>) {
        self.lock().fault = fault;
    }

    /// All segments together may take this size: a write beyond it is done in part and fails.
    pub fn limit(&self, bytes: Option<u64>) {
        self.lock().room = bytes;
    }

    /// What all segments take.
    pub fn bytes(&self) -> u64 {
        self.lock().bytes()
    }

    /// The segments that are not aside, with what they hold.
    pub fn segments(&self) -> Vec<(u32, Vec<u8>)> {
        self.lock()
            .segments
            .iter()
            .map(|(number, node)| (*number, node.bytes.clone()))
            .collect()
    }

    /// The segments that were renamed aside.
    pub fn set_aside(&self) -> Vec<(u32, Aside)> {
        self.lock().aside.keys().copied().collect()
    }

    /// Replaces or makes a segment, durably, as nobody who writes a log does.
    pub fn tamper(&self, segment: u32, bytes: Vec<u8>) {
        let node = Node {
            bytes,
            linked: true,
            unsynced: Vec::new(),
        };
        self.lock().segments.insert(segment, node);
    }

    /// Takes a segment away, as nobody who writes a log does.
    pub fn steal(&self, segment: u32) {
        self.lock().segments.remove(&segment);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn bytes(&self) -> u64 {
        self.segments
            .values()
            .chain(self.aside.values())
            .map(|node| node.bytes.len() as u64)
            .sum()
    }

    fn segment(&mut self, segment: u32) -> io::Result<&mut Node> {
        self.segments
            .get_mut(&segment)
            .ok_or_else(|| ErrorKind::NotFound.into())
    }

    /// One call begins, which would write so many bytes: gives how many it may before the process ends.
    fn live(&mut self, bytes: usize) -> io::Result<usize> {
        let Some(lives) = &mut self.lives else {
            return Ok(bytes);
        };
        if *lives == 0 {
            return Err(ended());
        }
        *lives -= 1;
        let allowed = bytes.min(*lives as usize);
        *lives -= allowed as u64;
        Ok(allowed)
    }

    fn refuse(&self, faults: &[Fault]) -> io::Result<()> {
        match self.fault.filter(|fault| faults.contains(fault)) {
            None => Ok(()),
            Some(Fault::ReadOnly) => Err(ErrorKind::ReadOnlyFilesystem.into()),
            Some(Fault::Broken | Fault::Sync | Fault::Cut) => Err(io::Error::other("input/output error")),
        }
    }

    fn lose_power(&mut self) {
        for (number, node) in std::mem::take(&mut self.removed) {
            if self.chance.below(2) == 0 {
                self.segments.entry(number).or_insert(node);
            }
        }
        let chance = &mut self.chance;
        self.segments
            .retain(|_, node| node.linked || chance.below(2) == 0);
        for node in self.segments.values_mut() {
            node.lose_power(chance);
        }
    }
}

impl Node {
    fn done(&mut self, done: Done) {
        if self.unsynced.len() >= UNSYNCED_MAX {
            self.unsynced.drain(..UNSYNCED_MAX / 2);
        }
        self.unsynced.push(done);
    }

    fn lose_power(&mut self, chance: &mut Chance) {
        self.linked = true;
        let survive = chance.below(self.unsynced.len() as u64 + 1) as usize;
        let mut lost = self.unsynced.drain(survive..).rev().peekable();
        while let Some(done) = lost.next() {
            match done {
                Done::Cut { lost } => self.bytes.extend_from_slice(&lost),
                Done::Appended { from } if lost.peek().is_some() => self.bytes.truncate(from),
                // The first write that is lost may be lost in part, or its length may have come without its bytes.
                Done::Appended { from } => {
                    let written = self.bytes.len();
                    let keep = from + chance.below((written - from) as u64 + 1) as usize;
                    self.bytes.truncate(keep);
                    if chance.below(4) == 0 {
                        self.bytes.resize(written, 0);
                    }
                }
            }
        }
        drop(lost);
        self.unsynced.clear();
    }
}

fn ended() -> io::Error {
    io::Error::other("the process has ended")
}

impl Disk for SimDisk {
    fn list(&mut self) -> io::Result<Vec<Found>> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken])?;
        let found = |segment, node: &Node, aside| Found {
            segment,
            bytes: node.bytes.len() as u64,
            aside,
        };
        let there = state
            .segments
            .iter()
            .map(|(number, node)| found(*number, node, false));
        Ok(there
            .chain(
                state
                    .aside
                    .iter()
                    .map(|((number, _), node)| found(*number, node, true)),
            )
            .collect())
    }

    fn read(&mut self, segment: u32, at_most: u64) -> io::Result<Vec<u8>> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken])?;
        let node = state.segment(segment)?;
        Ok(node.bytes.iter().take(at_most as usize).copied().collect())
    }

    fn create(&mut self, segment: u32) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly])?;
        if state.segments.contains_key(&segment) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.segments.insert(segment, Node::default());
        Ok(())
    }

    fn append(&mut self, segment: u32, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        let lives = state.live(bytes.len())?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly])?;
        let room = state
            .room
            .map_or(usize::MAX, |room| room.saturating_sub(state.bytes()) as usize);
        let node = state.segment(segment)?;
        let from = node.bytes.len();
        node.bytes.extend(bytes.iter().take(lives.min(room)));
        node.done(Done::Appended { from });
        if lives < bytes.len() {
            return Err(ended());
        }
        if room < bytes.len() {
            return Err(ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn truncate(&mut self, segment: u32, bytes: u64) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly, Fault::Cut])?;
        let node = state.segment(segment)?;
        if (bytes as usize) < node.bytes.len() {
            let lost = node.bytes.split_off(bytes as usize);
            node.done(Done::Cut { lost });
        }
        Ok(())
    }

    fn sync(&mut self, segment: u32) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly, Fault::Sync])?;
        state.segment(segment)?.unsynced.clear();
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly, Fault::Sync])?;
        state.removed.clear();
        for node in state.segments.values_mut() {
            node.linked = true;
        }
        Ok(())
    }

    fn set_aside(&mut self, segment: u32, why: Aside) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly])?;
        let node = state.segments.remove(&segment).ok_or(ErrorKind::NotFound)?;
        state.aside.insert((segment, why), node);
        Ok(())
    }

    fn remove(&mut self, segment: u32) -> io::Result<()> {
        let mut state = self.lock();
        state.live(0)?;
        state.refuse(&[Fault::Broken, Fault::ReadOnly, Fault::Cut])?;
        let node = state.segments.remove(&segment).ok_or(ErrorKind::NotFound)?;
        if node.linked {
            state.removed.push((segment, node));
        }
        Ok(())
    }
}

/// SplitMix64.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// From 0 to `bound` exclusive; 0 for a bound of 0.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)).checked_rem(bound).unwrap_or(0)
    }
}
