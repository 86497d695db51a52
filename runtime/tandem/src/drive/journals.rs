//! The logs of the shards and of the registrar: opened at the start, watched while they are written.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tandem_bus::link::{Lane, Role};
use tandem_journal::{Durability, Files, Log, OpenError, Opened, Options};
use tandem_logic::keeper::cursor_of;
use tandem_switch::keys::{Key, Kind};
use tandem_switch::restore::shards_before;
use tandem_web::Health;

use crate::process::gates::Cursors;

/// How long a lock is waited for, and between two tries.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(5);

/// One log as it was found.
pub struct Found {
    /// To be written on.
    pub log: Log<Files>,
    /// What it holds.
    pub values: Vec<(Key, Vec<u8>)>,
}

/// All logs of a server.
pub struct Journals {
    /// One for each shard.
    pub shards: Vec<Found>,
    /// The registrar's.
    pub registrar: Found,
}

/// A log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the log in {folder} cannot be opened: {source}")]
pub struct JournalsError {
    folder: String,
    source: OpenError,
}

impl Journals {
    /// Opens the logs below `data`. Where calls of a start with another number of shards live in them, that number
    /// stays in force: their Call-IDs lead to those shards.
    pub fn open(data: &Path, shards: u16, durability: Durability) -> Result<Self, JournalsError> {
        let folder = data.join("journal");
        let mut found = Vec::new();
        let mut wanted = shards;
        let mut number = 0;
        while number < wanted.max(count(&folder)) {
            let one = open(&folder.join(format!("shard-{number}")), durability)?;
            if let Some(before) = one.shards_before()
                && before != wanted
                && one.holds_calls()
            {
                tracing::warn!(
                    shards = before,
                    configured = shards,
                    "calls of the last start go on: its number of shards stays in force"
                );
                wanted = before;
            }
            found.push(one);
            number += 1;
        }
        found.truncate(usize::from(wanted));
        let registrar = open(&folder.join("registrar"), durability)?;
        Ok(Self {
            shards: found,
            registrar,
        })
    }

    /// How far each lane had heard each gate.
    pub fn cursors(&self) -> Cursors {
        let mut cursors = Cursors::default();
        let lanes = (0..).map(Lane).zip(&self.shards);
        for (lane, found) in lanes.chain([(Lane::REGISTRAR, &self.registrar)]) {
            for (gate, cursor) in found
                .values
                .iter()
                .filter_map(|(key, value)| cursor_of(*key, value))
            {
                let of_gate = match gate {
                    Role::SipGate => &mut cursors.sip,
                    Role::MediaGate => &mut cursors.media,
                };
                of_gate.insert(lane, cursor);
            }
        }
        cursors
    }
}

impl Found {
    fn shards_before(&self) -> Option<u16> {
        let meta = self.values.iter().find(|(key, _)| key.kind == Kind::Meta)?;
        shards_before(&meta.1).and_then(|count| u16::try_from(count).ok())
    }

    fn holds_calls(&self) -> bool {
        self.values
            .iter()
            .any(|(key, _)| matches!(key.kind, Kind::Call | Kind::Ended))
    }
}

/// Folders of shards that are there.
fn count(folder: &Path) -> u16 {
    (0..u16::MAX)
        .find(|number| !folder.join(format!("shard-{number}")).exists())
        .unwrap_or(u16::MAX)
}

fn open(folder: &Path, durability: Durability) -> Result<Found, JournalsError> {
    let failed = |source| JournalsError {
        folder: folder.display().to_string(),
        source,
    };
    let options = Options {
        durability,
        ..Options::default()
    };
    let files = claim(folder).map_err(failed)?;
    let (log, opened) = Log::open(files, options).map_err(failed)?;
    let Opened { map, problems, .. } = opened;
    for problem in problems {
        tracing::error!(folder = %folder.display(), %problem, "a part of the log was dropped");
    }
    let mut values = Vec::with_capacity(map.len());
    for (bytes, value) in map {
        match Key::from_bytes(&bytes) {
            Some(key) => values.push((key, value)),
            None => {
                tracing::error!(folder = %folder.display(), ?bytes, "the log holds a key that is none of ours");
            }
        }
    }
    Ok(Found { log, values })
}

/// Takes a log for this process. The one before may be dying: the system gives its lock back a little later.
fn claim(folder: &Path) -> Result<Files, OpenError> {
    let until = Instant::now() + LOCK_WAIT;
    loop {
        match Files::open(folder) {
            Err(OpenError::Locked { .. }) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
            opened => return opened,
        }
    }
}

/// Tells log and health page of logs that cannot be written.
#[derive(Clone)]
pub struct Watch {
    health: Health,
    broken: Arc<Mutex<HashMap<Lane, String>>>,
}

/// Its name in `/healthz`.
const ROLE: &str = "journal";

impl Watch {
    /// Nothing is broken yet.
    pub fn new(health: Health) -> Self {
        Self {
            health,
            broken: Arc::default(),
        }
    }

    /// A log cannot be written: its calls go on, but would not survive.
    pub fn broken(&self, lane: Lane, why: &str) {
        tracing::error!(
            ?lane,
            why,
            "the log cannot be written: calls would not survive a crash"
        );
        self.broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(lane, why.to_owned());
        self.health
            .set_broken(ROLE, format!("the log cannot be written: {why}"));
    }

    /// It can be written again, and everything is in it.
    pub fn mended(&self, lane: Lane) {
        tracing::info!(?lane, "the log is written again");
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.remove(&lane);
        if broken.is_empty() {
            self.health.set_repaired(ROLE);
        }
    }
}
