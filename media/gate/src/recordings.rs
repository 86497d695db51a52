//! Recordings on their way to the disk: a thread of its own, so that no packet waits for a file.
//!
//! A recording lies at `DIR/DOMAIN/NAME.wav.part` while it is made: a header that says nothing yet, then samples as they
//! come. At its end the header is written and the file takes its name. A gate that dies leaves such a part; its
//! successor goes on with it when it is told to, and ends what nobody asks for after a minute.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tandem_bus::media::{EndpointId, Event, RecordEnd, RecordId, RecordRule};
use tandem_media::g711::RATE_HZ;
use tandem_media::wav::{HEADER_LEN, header_8khz};

use crate::prompts::files;

/// Which recording.
pub(crate) type Tape = (EndpointId, RecordId);

/// Samples that may wait for the disk: 16 MiB, some 17 minutes of one recording.
const WAITING_MAX: usize = 8 << 20;
/// Parts that a gate before this one had begun are ended when nobody has asked for them for so long.
const ORPHANED_AFTER: Duration = Duration::from_mins(1);
/// A gate that hands over waits so long for its disk.
const SETTLE_MAX: Duration = Duration::from_secs(2);
/// Bytes of a sample.
const SAMPLE: u64 = 2;

enum Job {
    Open(Tape, String, RecordRule),
    Sound(Tape, Vec<i16>),
    Finish(Tape, RecordEnd),
    /// Tell the end of one that has ended.
    Tell(Tape, String, String),
    /// Say so when all before is done.
    Settle(SyncSender<()>),
}

/// The way to the thread; it ends when this is dropped.
pub(crate) struct Recordings {
    jobs: Sender<Job>,
    /// Samples on their way. Everything else is as few as there are commands.
    waiting: Arc<AtomicUsize>,
}

impl Recordings {
    /// Starts the thread. `over` is called when a recording has ended, before its event is told.
    pub(crate) fn start(
        dir: PathBuf,
        domain_max: u64,
        on_event: Arc<dyn Fn(Event) + Send + Sync>,
        over: impl Fn(Tape) + Send + 'static,
    ) -> io::Result<(Recordings, JoinHandle<()>)> {
        let (jobs, inbox) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer {
            orphans: parts(&dir),
            orphans_due: Instant::now() + ORPHANED_AFTER,
            dir,
            domain_max,
            used: HashMap::new(),
            tapes: HashMap::new(),
            waiting: Arc::clone(&waiting),
            on_event,
            over: Box::new(over),
        };
        let thread = std::thread::Builder::new()
            .name("recordings".into())
            .spawn(move || writer.run(&inbox))?;
        Ok((Recordings { jobs, waiting }, thread))
    }

    fn give(&self, job: Job) {
        // The thread lives as long as this; if it has panicked, recordings are lost and calls go on.
        let _ = self.jobs.send(job);
    }

    pub(crate) fn open(&self, tape: Tape, domain: String, rule: RecordRule) {
        self.give(Job::Open(tape, domain, rule));
    }

    /// Takes samples; never waits. A disk that does not keep up ends the recording.
    pub(crate) fn sound(&self, tape: Tape, samples: Vec<i16>) {
        if samples.is_empty() {
            return;
        }
        if self.waiting.load(Ordering::Relaxed) > WAITING_MAX {
            let why = "the disk does not keep up with what is recorded";
            return self.finish(tape, RecordEnd::Failed(why.into()));
        }
        self.waiting.fetch_add(samples.len(), Ordering::Relaxed);
        self.give(Job::Sound(tape, samples));
    }

    pub(crate) fn finish(&self, tape: Tape, end: RecordEnd) {
        self.give(Job::Finish(tape, end));
    }

    pub(crate) fn tell(&self, tape: Tape, domain: &str, name: &str) {
        self.give(Job::Tell(tape, domain.to_owned(), name.to_owned()));
    }

    /// Waits until what was given is in the files.
    pub(crate) fn settle(&self) {
        let (to, done) = sync_channel(1);
        self.give(Job::Settle(to));
        if done.recv_timeout(SETTLE_MAX).is_err() {
            tracing::warn!("recordings are not all in their files yet");
        }
    }
}

/// A file that is being written.
struct Part {
    file: File,
    path: PathBuf,
    domain: String,
    samples: u64,
    samples_max: u64,
}

struct Writer {
    dir: PathBuf,
    domain_max: u64,
    /// Bytes of each domain's recordings, counted when one is begun.
    used: HashMap<String, u64>,
    tapes: HashMap<Tape, Part>,
    /// Parts of a gate before this one.
    orphans: Vec<PathBuf>,
    orphans_due: Instant,
    waiting: Arc<AtomicUsize>,
    on_event: Arc<dyn Fn(Event) + Send + Sync>,
    over: Box<dyn Fn(Tape) + Send>,
}

impl Writer {
    fn run(&mut self, inbox: &Receiver<Job>) {
        loop {
            let job = if self.orphans.is_empty() {
                inbox.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                inbox.recv_timeout(self.orphans_due.saturating_duration_since(Instant::now()))
            };
            match job {
                Ok(job) => self.carry_out(job),
                Err(RecvTimeoutError::Timeout) => self.end_orphans(),
                // What is not ended yet is a successor's.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Open(tape, domain, rule) => match self.open(&domain, &rule) {
                Ok(part) => {
                    self.orphans.retain(|orphan| *orphan != part.path);
                    self.tapes.insert(tape, part);
                }
                Err(why) => {
                    tracing::warn!(domain, name = rule.name, why, "a recording cannot begin");
                    self.told(tape, RecordEnd::Failed(why), 0, 0);
                }
            },
            Job::Sound(tape, samples) => {
                self.waiting.fetch_sub(samples.len(), Ordering::Relaxed);
                self.write(tape, &samples);
            }
            Job::Finish(tape, end) => self.finish(tape, end),
            Job::Tell(tape, domain, name) => {
                let length = files::path(&self.dir, &domain, &name)
                    .ok()
                    .and_then(|path| fs::metadata(path).ok())
                    .map_or(0, |file| file.len());
                self.told(tape, RecordEnd::Finished, samples_of(length), length);
            }
            Job::Settle(to) => {
                // Whoever waited has gone.
                let _ = to.send(());
            }
        }
    }

    fn told(&self, (endpoint, record): Tape, end: RecordEnd, samples: u64, bytes: u64) {
        (self.over)((endpoint, record));
        (self.on_event)(Event::RecordEnded {
            endpoint,
            record,
            end,
            duration_ms: samples * 1_000 / u64::from(RATE_HZ),
            bytes,
        });
    }

    fn open(&mut self, domain: &str, rule: &RecordRule) -> Result<Part, String> {
        let path = files::path(&self.dir, domain, &rule.name).map_err(|error| error.to_string())?;
        let folder = path.parent().unwrap_or(&self.dir).to_owned();
        fs::create_dir_all(&folder).map_err(|error| words(&error))?;
        let used = folder_bytes(&folder).map_err(|error| words(&error))?;
        self.used.insert(domain.to_owned(), used);
        if used >= self.domain_max {
            return Err(full(domain, used, self.domain_max));
        }
        let part = part_of(&path);
        if !part.exists() && path.exists() {
            fs::rename(&path, &part).map_err(|error| words(&error))?;
        }
        let (file, samples) = open_part(&part).map_err(|error| words(&error))?;
        Ok(Part {
            file,
            path: part,
            domain: domain.to_owned(),
            samples,
            samples_max: u64::from(rule.length_ms) * u64::from(RATE_HZ) / 1_000,
        })
    }

    fn write(&mut self, tape: Tape, samples: &[i16]) {
        let Some(part) = self.tapes.get_mut(&tape) else {
            return;
        };
        let room = part.samples_max.saturating_sub(part.samples);
        let fits = usize::try_from(room).map_or(samples.len(), |room| samples.len().min(room));
        let bytes: Vec<u8> = samples
            .iter()
            .take(fits)
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        let used = self.used.entry(part.domain.clone()).or_default();
        if *used + bytes.len() as u64 > self.domain_max {
            let why = full(&part.domain, *used, self.domain_max);
            return self.finish(tape, RecordEnd::Failed(why));
        }
        if let Err(error) = part.file.write_all(&bytes) {
            return self.finish(tape, RecordEnd::Failed(words(&error)));
        }
        *used += bytes.len() as u64;
        part.samples += fits as u64;
        if part.samples >= part.samples_max {
            self.finish(tape, RecordEnd::Length);
        }
    }

    fn finish(&mut self, tape: Tape, end: RecordEnd) {
        let Some(mut part) = self.tapes.remove(&tape) else {
            return;
        };
        if let RecordEnd::Failed(why) = &end {
            tracing::warn!(path = %part.path.display(), why, "a recording was cut short");
        }
        match close_part(&mut part.file, &part.path) {
            Ok(samples) => self.told(tape, end, samples, HEADER_LEN as u64 + samples * SAMPLE),
            Err(error) => {
                tracing::error!(path = %part.path.display(), %error, "a recording cannot be ended");
                // What it failed for first is what somebody can do something about.
                let why = match end {
                    RecordEnd::Failed(why) => why,
                    _ => words(&error),
                };
                self.told(tape, RecordEnd::Failed(why), part.samples, 0);
            }
        }
    }

    /// Parts that nobody asked for get their header and their name.
    fn end_orphans(&mut self) {
        for path in std::mem::take(&mut self.orphans) {
            let ended = open_part(&path).and_then(|(mut file, _)| close_part(&mut file, &path));
            match ended {
                Ok(samples) => tracing::info!(path = %path.display(), samples, "a recording was mended"),
                Err(error) => tracing::error!(path = %path.display(), %error, "a recording cannot be mended"),
            }
        }
    }
}

/// Why a file cannot be written, for people.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".into(),
        _ => format!("the recording cannot be written: {error}"),
    }
}

fn full(domain: &str, used: u64, max: u64) -> String {
    format!("the recordings of {domain} have {used} bytes, {max} are allowed")
}

fn part_of(path: &Path) -> PathBuf {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    PathBuf::from(part)
}

/// Samples in a file of so many bytes.
fn samples_of(bytes: u64) -> u64 {
    bytes.saturating_sub(HEADER_LEN as u64) / SAMPLE
}

/// A part, to be written at its end, and how many samples are in it.
fn open_part(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let samples = samples_of(file.metadata()?.len());
    if samples == 0 {
        file.set_len(0)?;
        file.write_all(&header_8khz(0))?;
    } else {
        // Half a sample may have been written.
        file.set_len(HEADER_LEN as u64 + samples * SAMPLE)?;
        file.seek(SeekFrom::End(0))?;
    }
    Ok((file, samples))
}

/// Writes the header and gives the file its name; returns how many samples are in it.
fn close_part(file: &mut File, path: &Path) -> io::Result<u64> {
    let samples = samples_of(file.metadata()?.len());
    file.set_len(HEADER_LEN as u64 + samples * SAMPLE)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&header_8khz(u32::try_from(samples * SAMPLE).unwrap_or(u32::MAX)))?;
    file.sync_all()?;
    fs::rename(path, path.with_extension(""))?;
    Ok(samples)
}

fn folder_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        // One that was deleted meanwhile counts nothing.
        bytes += entry?.metadata().map_or(0, |file| file.len());
    }
    Ok(bytes)
}

/// All parts in the folders of domains.
fn parts(dir: &Path) -> Vec<PathBuf> {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten();
    entries(dir)
        .flat_map(|domain| entries(&domain.path()))
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "part"))
        .collect()
}

#[cfg(test)]
mod tests {
    use tandem_media::wav::Wav;

    use super::*;

    /// What the kernel says of a device that is always full (`full(4)`).
    #[test]
    fn a_full_disk_ends_the_recording_in_words_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let (told, events) = channel();
        let mut writer = Writer {
            dir: dir.path().to_owned(),
            domain_max: 1 << 20,
            used: HashMap::new(),
            tapes: HashMap::new(),
            orphans: Vec::new(),
            orphans_due: Instant::now(),
            waiting: Arc::default(),
            on_event: Arc::new(move |event| drop(told.send(event))),
            over: Box::new(|_| {}),
        };
        let [full, other] = [1, 2].map(|id| (EndpointId(id), RecordId(id)));
        let begin = |name: &str| RecordRule {
            name: name.to_owned(),
            sides: tandem_bus::media::Sides::Peer,
            length_ms: 60_000,
            silence_ms: 0,
            paused: false,
        };
        for (tape, name) in [(full, "a"), (other, "b")] {
            writer.carry_out(Job::Open(tape, "demo".to_owned(), begin(name)));
        }
        writer.tapes.get_mut(&full).unwrap().file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        for tape in [full, other] {
            writer.waiting.fetch_add(160, Ordering::Relaxed);
            writer.carry_out(Job::Sound(tape, vec![7; 160]));
        }
        writer.carry_out(Job::Finish(other, RecordEnd::Finished));
        let ends: Vec<_> = events
            .try_iter()
            .map(|event| match event {
                Event::RecordEnded {
                    record, end, bytes, ..
                } => (record, end, bytes),
                other => panic!("{other:?}"),
            })
            .collect();
        let failed = RecordEnd::Failed("the disk is full".to_owned());
        assert_eq!(
            ends,
            [(full.1, failed, 0), (other.1, RecordEnd::Finished, 44 + 320)]
        );
        assert!(dir.path().join("demo/b.wav").exists());
    }

    #[test]
    fn a_torn_part_is_gone_on_with_and_mended() {
        let dir = tempfile::tempdir().unwrap();
        let part = dir.path().join("a.wav.part");
        for length in [0_usize, 7, 44, 45, 47, 48] {
            let mut torn = header_8khz(0);
            torn.extend([1, 0, 2, 0]);
            torn.truncate(length);
            fs::write(&part, &torn).unwrap();
            let (mut file, samples) = open_part(&part).unwrap();
            file.write_all(&9_i16.to_le_bytes()).unwrap();
            assert_eq!(
                close_part(&mut file, &part).unwrap(),
                samples + 1,
                "{length} bytes"
            );
            let bytes = fs::read(dir.path().join("a.wav")).unwrap();
            let sound = Wav::parse(&bytes).unwrap().to_8khz(1).unwrap();
            assert_eq!(sound.last(), Some(&9));
            assert_eq!(sound.len() as u64, samples + 1);
        }
    }
}
