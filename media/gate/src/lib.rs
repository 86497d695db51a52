//! The media-gate role: sockets and threads around `tandem-media`.
//!
//! [`Gate::start`] begins it; [`Gate::send`] takes the bus's commands and never waits; events come out of the closure.
//!
//! Threads: one carries out commands in their order (`control`), several move packets and keep time (`worker`), a few
//! fetch prompts (`prompts`), one writes what is recorded (`recordings`). An endpoint is a `cell` under its own lock,
//! served by one worker; a packet for the other side of a pair is sent by the worker that received it, whichever
//! worker the other side belongs to, one lock held at a time. Nothing allocates per packet.
//!
//! Endpoints outlive both sides. While the call logic is away they go on, until [`GateConfig::orphan_after`]; when it is
//! back, it asks by [`Command::Report`] and gives again what is missing: a command that has been carried out has no
//! effect a second time. When the gate has died, its successor makes them again by [`Command::Restore`]; when it is
//! replaced, [`Gate::hand_over`] and [`Gate::adopt`] pass them on without a gap.
//!
//! Not here: what the packets mean (`tandem-media`), SDP, call logic.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tandem_bus::media::{Command, Event};
use thiserror::Error;

mod cell;
mod control;
mod counters;
mod handover;
mod playback;
mod ports;
mod prompts;
mod recordings;
mod worker;

use control::Control;
pub use counters::Counted;
pub use handover::{EndpointState, HandOver, HandedEndpoint};
pub use prompts::files::{NameError, RECORDING as RECORDING_PREFIX, path as prompt_path};
pub use prompts::speech::{Espeak, Speech, SpeechError, TEXT_MAX as SPEECH_TEXT_MAX};

/// The file among a domain's prompts that those who wait hear; where there is none, a melody of the gate's.
pub const MUSIC_FILE: &str = "music-on-hold.wav";

/// A prompt as it is kept: the sound of a WAV or an MP3 file as a WAV file of 16-bit PCM, one channel, 8,000 samples per
/// second, which is played without another conversion. It lasts [`GateConfig::prompt_max_s`] by default at most.
///
/// # Errors
/// Why it cannot be played, in words.
pub fn prompt_sound(file: &[u8]) -> Result<Vec<u8>, String> {
    Ok(tandem_media::wav::write_8khz(&samples(file)?))
}

fn samples(file: &[u8]) -> Result<Vec<i16>, String> {
    let max_s = GateConfig::default().prompt_max_s;
    if tandem_media::mp3::is_mp3(file) {
        return tandem_media::mp3::to_8khz(file, max_s).map_err(|error| error.to_string());
    }
    match tandem_media::wav::Wav::parse(file) {
        Err(tandem_media::wav::WavError::NotWav) => Err("not a WAV file, nor MP3".to_owned()),
        parsed => parsed
            .and_then(|wav| wav.to_8khz(max_s))
            .map_err(|error| error.to_string()),
    }
}

/// How long a WAV file of `bytes` bytes lasts, by its beginning; none: the beginning is too short to tell, or it is none.
pub fn prompt_length_by_head(head: &[u8], bytes: u64) -> Option<Duration> {
    tandem_media::wav::Wav::length_of(head, bytes).ok().flatten()
}

/// How a gate is set up. Begin with [`GateConfig::default`].
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// Address of the sockets.
    pub address: IpAddr,
    /// Address told to peers, where it is another (NAT, or `address` is 0.0.0.0).
    pub announced: Option<IpAddr>,
    /// UDP ports to take: an even one for RTP and the next for RTCP per endpoint.
    pub ports: RangeInclusive<u16>,
    /// Threads that move packets, 1 to 64.
    pub threads: usize,
    /// Prompts lie in `prompts_dir/DOMAIN/NAME.wav`.
    pub prompts_dir: PathBuf,
    /// Recordings are made in `recordings_dir/DOMAIN/NAME.wav`, and are prompts as well.
    pub recordings_dir: PathBuf,
    /// Most bytes of one domain's recordings.
    pub recordings_max: u64,
    /// Spoken text is kept in `cache_dir/speech`.
    pub cache_dir: PathBuf,
    /// National plan of tones: `eu`, `ru`, `us`, `uk`, `de` or `fr`.
    pub plan: String,
    /// Language of speech that names none.
    pub language: String,
    /// Most endpoints at once.
    pub max_endpoints: usize,
    /// A peer that was heard and then not for so long raises [`Event::Unheard`].
    pub unheard_after: Duration,
    /// Endpoints are closed when no call logic has attended to them for so long ([`Gate::attended`]); none: never.
    pub orphan_after: Option<Duration>,
    /// Ports of an endpoint to be restored may be held for so long, by a process that is dying or an endpoint that is
    /// closing; then it is refused.
    pub patience: Duration,
    /// Commands that may wait; beyond, [`Gate::send`] says [`SendError::Full`].
    pub max_commands: usize,
    /// Bytes of decoded prompts kept in memory.
    pub prompt_memory: usize,
    /// Bytes of spoken text kept on disk.
    pub speech_disk: u64,
    /// Longest prompt in seconds.
    pub prompt_max_s: u32,
    /// Texts spoken at once.
    pub speech_threads: usize,
}

impl Default for GateConfig {
    /// Listens on 127.0.0.1, ports 20000 to 29999, European tones, English.
    fn default() -> Self {
        GateConfig {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            announced: None,
            ports: 20_000..=29_999,
            threads: 1,
            prompts_dir: PathBuf::from("prompts"),
            recordings_dir: PathBuf::from("recordings"),
            recordings_max: 1 << 30,
            cache_dir: PathBuf::from("cache"),
            plan: "eu".into(),
            language: "en".into(),
            max_endpoints: 5_000,
            unheard_after: Duration::from_secs(30),
            orphan_after: Some(Duration::from_mins(1)),
            patience: Duration::from_millis(500),
            max_commands: 8_192,
            prompt_memory: 64 << 20,
            speech_disk: 256 << 20,
            prompt_max_s: 1_200,
            speech_threads: 2,
        }
    }
}

/// Why a gate does not start. Each names what in the configuration must change.
#[derive(Debug, Error)]
pub enum GateError {
    /// The range holds no even port with its odd one above.
    #[error("the port range {first}-{last} holds no pair of an even port and the next")]
    Ports {
        /// First port of the range.
        first: u16,
        /// Last port of the range.
        last: u16,
    },
    /// Peers cannot send to an unspecified address.
    #[error("media address {0} is no address that peers can send to: an announced address is needed")]
    Announced(IpAddr),
    /// No thread, or far too many.
    #[error("{0} media threads; 1 to 64 are possible")]
    Threads(usize),
    /// A national plan that is not there.
    #[error("no national tone plan is named {0:?}")]
    Plan(String),
    /// The address is not this machine's, or its sockets are refused.
    #[error("no socket on {address}: {error}")]
    Address {
        /// The configured address.
        address: IpAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// The system refused a thread or its poll.
    #[error("media threads cannot be started: {0}")]
    System(#[from] std::io::Error),
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// Too many commands wait: refuse new calls for a while.
    #[error("the media gate's queue is full")]
    Full,
    /// The gate has been stopped.
    #[error("the media gate is stopped")]
    Stopped,
}

/// A running gate. Dropping it stops it.
pub struct Gate {
    messages: SyncSender<control::Message>,
    counters: Arc<counters::Counters>,
    unattended: control::Unattended,
    /// Its endpoints are given away: what comes after would reach nobody.
    handed_over: AtomicBool,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate")
            .field("counted", &self.counted())
            .finish_non_exhaustive()
    }
}

impl Gate {
    /// Starts a gate that speaks by espeak-ng.
    ///
    /// `on_event` is called on the gate's own threads while an endpoint is locked: it must only hand the event on, and
    /// must never wait. Events of one endpoint come in their order; nothing but
    /// [`Event::RecordEnded`] comes after [`Event::Closed`], and an
    /// [`Event::Reported`] comes after all that it includes.
    ///
    /// # Errors
    /// [`GateError`] names what in the configuration is wrong, or what the system refused.
    pub fn start(
        config: GateConfig,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Gate, GateError> {
        Gate::start_with_speech(config, Arc::new(Espeak::default()), on_event)
    }

    /// Starts a gate with another voice.
    ///
    /// # Errors
    /// As [`Gate::start`].
    pub fn start_with_speech(
        config: GateConfig,
        speech: Arc<dyn Speech>,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Gate, GateError> {
        Gate::adopt(config, speech, on_event, Vec::new())
    }

    /// Starts a gate that goes on with what another gave away by [`Gate::hand_over`]: the same sockets, the next
    /// sequence numbers, playbacks where they were, pairs joined. Nothing is told of it: nothing has changed. When it
    /// returns, packets flow again. Endpoints may lie outside of the configured ports and be more than the limit.
    ///
    /// # Errors
    /// As [`Gate::start`]; the endpoints' sockets are closed then.
    pub fn adopt(
        config: GateConfig,
        speech: Arc<dyn Speech>,
        on_event: impl Fn(Event) + Send + Sync + 'static,
        handed: Vec<HandedEndpoint>,
    ) -> Result<Gate, GateError> {
        if !(1..=64).contains(&config.threads) {
            return Err(GateError::Threads(config.threads));
        }
        let (messages, inbox) = sync_channel(config.max_commands.max(16));
        let counters = Arc::new(counters::Counters::default());
        let unattended = control::Unattended::default();
        let (mut control, mut threads) = Control::new(control::Setup {
            config,
            speech,
            on_event: Arc::new(on_event),
            counters: Arc::clone(&counters),
            messages: messages.clone(),
            unattended: Arc::clone(&unattended),
            adopted: handed.len(),
        })?;
        control.adopt(handed, &inbox);
        let thread = std::thread::Builder::new()
            .name("media-control".into())
            .spawn(move || control.run(&inbox))?;
        threads.push(thread);
        Ok(Gate {
            messages,
            counters,
            unattended,
            handed_over: AtomicBool::new(false),
            threads: Mutex::new(threads),
        })
    }

    /// Says whether a call logic is connected. While none is, relay and playback go on; after
    /// [`GateConfig::orphan_after`] every endpoint is closed. A gate is attended from its start.
    pub fn attended(&self, attended: bool) {
        {
            let mut unattended = self.unattended.lock().unwrap_or_else(PoisonError::into_inner);
            if attended {
                *unattended = None;
            } else {
                unattended.get_or_insert_with(Instant::now);
            }
        }
        // A full queue rouses it as well.
        let _ = self.messages.try_send(control::Message::Roused);
    }

    /// Ends the gate and gives its endpoints away as they are, for [`Gate::adopt`]: none is closed, nothing is told of
    /// it, and no event comes after. Commands given before are carried out first; this may wait as long as
    /// [`Command::Restore`] does for its ports ([`GateConfig::patience`]). Of a gate that has ended there is nothing.
    pub fn hand_over(&self) -> HandOver {
        self.handed_over.store(true, Ordering::Release);
        let (to, handed) = sync_channel(1);
        if self.messages.send(control::Message::HandOver(to)).is_err() {
            return HandOver::default();
        }
        handed.recv().unwrap_or_default()
    }

    /// Gives a command; never waits.
    ///
    /// # Errors
    /// [`SendError::Full`] when too many wait, [`SendError::Stopped`] after [`Gate::stop`] or [`Gate::hand_over`].
    pub fn send(&self, command: Command) -> Result<(), SendError> {
        if self.handed_over.load(Ordering::Acquire) {
            return Err(SendError::Stopped);
        }
        self.messages
            .try_send(control::Message::Command(command))
            .map_err(|error| match error {
                TrySendError::Full(_) => SendError::Full,
                TrySendError::Disconnected(_) => SendError::Stopped,
            })
    }

    /// Closes every endpoint, each with its [`Event::Closed`], and ends all threads before it returns. Commands given
    /// before are carried out first.
    pub fn stop(&self) {
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        if threads.is_empty() {
            return;
        }
        // An error says that the control thread is gone already.
        let _ = self.messages.send(control::Message::Stop);
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a media thread had panicked");
            }
        }
    }

    /// What went through so far, for metrics; may be read from any thread at any time.
    pub fn counted(&self) -> Counted {
        self.counters.read()
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.stop();
    }
}
