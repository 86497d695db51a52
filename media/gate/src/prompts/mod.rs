//! Prompts as 8 kHz samples: files of a domain and spoken text, fetched by threads of their own and kept by content.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

use crate::cell::lock;
use crate::playback::WINDOW;

mod disk;
pub(crate) mod files;
mod memory;
pub(crate) mod speech;

use disk::SpeechDisk;
use memory::Memory;
use speech::Speech;

/// Requests that may wait for one kind of thread.
const QUEUE_MAX: usize = 256;

/// Samples of one prompt, shared between those who play it.
pub(crate) type Samples = Arc<[i16]>;

/// A prompt that must be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Request {
    /// A WAV file of a domain.
    File { domain: String, name: String },
    /// Text to speak, the language named.
    Speech { text: String, language: String },
    /// What a domain's callers hear while they wait.
    Music { domain: String },
}

/// What was fetched, or why not, in words.
pub(crate) type Fetched = Result<Samples, String>;

/// How prompts are fetched.
pub(crate) struct Sources {
    pub(crate) prompts_dir: PathBuf,
    pub(crate) recordings_dir: PathBuf,
    pub(crate) cache_dir: PathBuf,
    pub(crate) memory_bytes: usize,
    pub(crate) disk_bytes: u64,
    pub(crate) max_s: u32,
    pub(crate) speech: Arc<dyn Speech>,
    pub(crate) speech_threads: usize,
    /// Playbacks that another gate had begun: their prompts are fetched at once, whatever their number.
    pub(crate) adopted: usize,
}

/// A file as it was when it was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

/// What the fetching threads share.
struct Store {
    prompts_dir: PathBuf,
    recordings_dir: PathBuf,
    max_s: u32,
    speech: Arc<dyn Speech>,
    memory: Mutex<Memory>,
    disk: SpeechDisk,
    /// The gate ends: what still waits is not fetched any more.
    ending: AtomicBool,
    /// Content of files read before, so that an unchanged file is not read again.
    stamps: Mutex<HashMap<PathBuf, (Stamp, blake3::Hash)>>,
}

/// Fetches prompts. Files and speech have threads apart: a slow voice must not hold up files.
pub(crate) struct Prompts {
    store: Arc<Store>,
    files: SyncSender<Request>,
    speech: SyncSender<Request>,
}

impl Prompts {
    /// Starts the threads; each prompt fetched is given to `done`, on one of them.
    pub(crate) fn start(
        sources: Sources,
        done: impl Fn(Request, Fetched) + Send + Sync + 'static,
    ) -> std::io::Result<(Prompts, Vec<JoinHandle<()>>)> {
        let store = Arc::new(Store {
            prompts_dir: sources.prompts_dir,
            recordings_dir: sources.recordings_dir,
            max_s: sources.max_s,
            speech: sources.speech,
            memory: Mutex::new(Memory::new(sources.memory_bytes)),
            disk: SpeechDisk::new(sources.cache_dir.join("speech"), sources.disk_bytes),
            ending: AtomicBool::new(false),
            stamps: Mutex::default(),
        });
        let done = Arc::new(done);
        let queue = QUEUE_MAX + sources.adopted * WINDOW;
        let mut threads = Vec::new();
        let mut pool = |name: &str, size: usize| {
            let (sender, receiver) = sync_channel(queue);
            let receiver = Arc::new(Mutex::new(receiver));
            for number in 0..size.max(1) {
                let (store, done, receiver) = (Arc::clone(&store), Arc::clone(&done), Arc::clone(&receiver));
                let work = move || serve(&store, &receiver, done.as_ref());
                threads.push(
                    std::thread::Builder::new()
                        .name(format!("{name}-{number}"))
                        .spawn(work)?,
                );
            }
            Ok::<_, std::io::Error>(sender)
        };
        let files = pool("prompt-files", 1)?;
        let speech = pool("prompt-speech", sources.speech_threads)?;
        Ok((Prompts { store, files, speech }, threads))
    }

    /// Spoken text that is in memory already.
    pub(crate) fn at_hand(&self, request: &Request) -> Option<Samples> {
        match request {
            // A file may have changed: only its thread looks.
            Request::File { .. } | Request::Music { .. } => None,
            Request::Speech { text, language } => lock(&self.store.memory).get(&spoken_key(text, language)),
        }
    }

    /// Asks for a prompt; false: too many wait.
    pub(crate) fn ask(&self, request: Request) -> bool {
        let pool = match request {
            Request::File { .. } | Request::Music { .. } => &self.files,
            Request::Speech { .. } => &self.speech,
        };
        match pool.try_send(request) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Drop for Prompts {
    fn drop(&mut self) {
        self.store.ending.store(true, Ordering::Release);
    }
}

fn serve(store: &Store, requests: &Mutex<Receiver<Request>>, done: &(impl Fn(Request, Fetched) + ?Sized)) {
    loop {
        // The lock is held while waiting: one thread of the pool waits in the channel, the others for it.
        let request = lock(requests).recv();
        let Ok(request) = request else {
            return;
        };
        if store.ending.load(Ordering::Acquire) {
            return;
        }
        let fetched = store.fetch(&request);
        done(request, fetched);
    }
}

/// Content key of spoken text.
fn spoken_key(text: &str, language: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("tandem 2026 spoken prompt");
    hasher.update(&(language.len() as u64).to_le_bytes());
    hasher.update(language.as_bytes());
    hasher.update(text.as_bytes());
    hasher.finalize()
}

impl Store {
    fn fetch(&self, request: &Request) -> Fetched {
        match request {
            Request::File { domain, name } => self.file(domain, name),
            Request::Speech { text, language } => self.spoken(text, language),
            Request::Music { domain } => Ok(self.music(domain)),
        }
    }

    /// The domain's own music, if it can be played; else the gate's melody.
    fn music(&self, domain: &str) -> Samples {
        let own = files::path(&self.prompts_dir, domain, files::MUSIC);
        if own.is_ok_and(|path| path.exists()) {
            match self.file(domain, files::MUSIC) {
                Ok(samples) => return samples,
                Err(why) => tracing::warn!(domain, why, "the domain's music cannot be played"),
            }
        }
        let key = blake3::hash(b"tandem 2026 melody");
        if let Some(samples) = lock(&self.memory).get(&key) {
            return samples;
        }
        let samples = Samples::from(tandem_media::music::melody());
        lock(&self.memory).put(key, Arc::clone(&samples));
        samples
    }

    fn file(&self, domain: &str, name: &str) -> Fetched {
        let mut path = files::path(&self.prompts_dir, domain, name).map_err(|error| error.to_string())?;
        if name.starts_with(files::RECORDING) {
            let recording = files::path(&self.recordings_dir, domain, name);
            path = recording.ok().filter(|path| path.exists()).unwrap_or(path);
        }
        let stamp = std::fs::metadata(&path)
            .map(|m| Stamp {
                modified: m.modified().ok(),
                length: m.len(),
            })
            .map_err(|error| format!("prompt {name:?}: {error}"))?;
        let known = lock(&self.stamps)
            .get(&path)
            .filter(|(known, _)| *known == stamp)
            .map(|(_, key)| *key);
        if let Some(samples) = known.and_then(|key| lock(&self.memory).get(&key)) {
            return Ok(samples);
        }
        let bytes = files::read(&path).map_err(|error| format!("prompt {name:?}: {error}"))?;
        let key = blake3::hash(&bytes);
        let held = lock(&self.memory).get(&key);
        let samples = if let Some(samples) = held {
            samples
        } else {
            let samples = tandem_media::wav::Wav::parse(&bytes)
                .and_then(|wav| wav.to_8khz(self.max_s))
                .map_err(|error| format!("prompt {name:?}: {error}"))?;
            let samples = Samples::from(samples);
            lock(&self.memory).put(key, Arc::clone(&samples));
            samples
        };
        let mut stamps = lock(&self.stamps);
        if stamps.len() >= files::STAMPS_MAX {
            stamps.clear();
        }
        stamps.insert(path, (stamp, key));
        Ok(samples)
    }

    fn spoken(&self, text: &str, language: &str) -> Fetched {
        let key = spoken_key(text, language);
        if let Some(samples) = lock(&self.memory).get(&key) {
            return Ok(samples);
        }
        let samples = if let Some(samples) = self.disk.read(&key) {
            samples
        } else {
            let wav = self
                .speech
                .speak(text, language)
                .map_err(|error| error.to_string())?;
            let samples = tandem_media::wav::Wav::parse(&wav)
                .and_then(|wav| wav.to_8khz(self.max_s))
                .map_err(|error| format!("speech: {error}"))?;
            self.disk.write(&key, &samples);
            samples
        };
        let samples = Samples::from(samples);
        lock(&self.memory).put(key, Arc::clone(&samples));
        Ok(samples)
    }
}
