//! A baresip phone without a sound card.
//!
//! It sends its own tone (a WAV made by the kit, through `aufile`), and `sndfile` writes what it sends and what it
//! hears to WAV files. baresip 1.0.0 as Debian ships it has no player that writes a file: `sndfile` taps the decoder
//! instead, so the recording holds exactly the audio of the packets that came: lost packets make it shorter than
//! [`Baresip::sent`], they leave no silence in it. A test for gaps therefore compares both lengths, or
//! looks at [`Baresip::media_report`], beside looking for holes.
//!
//! Its digest authentication knows MD5 only, and it gives up when a challenge names another algorithm, even when an
//! MD5 challenge stands beside it.

use crate::ctrl::{Control, Event, EventKind};
use crate::failure::{Doing, Failure, Result};
use crate::folder::Folder;
use crate::process::Process;
use crate::wav::Wav;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Level of a phone's tone.
pub const TONE_DBFS: f64 = -12.0;
/// A level that a phone's tone exceeds after any G.711 leg, and that nothing else does.
pub const TONE_LEAST_DBFS: f64 = -18.0;

const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
const START_WITHIN: Duration = Duration::from_secs(10);
const STARTS: usize = 4;

/// SIP transport of a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// RFC 3261 §18 over UDP.
    Udp,
    /// RFC 3261 §18 over TCP.
    Tcp,
}

impl Transport {
    /// As it stands in `;transport=`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// How a phone is to be; see [`Baresip::builder`].
#[derive(Clone, Debug)]
pub struct Builder {
    user: String,
    domain: String,
    password: String,
    server: Option<SocketAddr>,
    transport: Transport,
    tone_hz: f64,
    audio: Option<PathBuf>,
    audio_length: Duration,
    codec: Option<String>,
    expires_s: u32,
}

impl Builder {
    /// Transport to the server; UDP if not said.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Frequency of the tone it sends; 440 Hz if not said. Give each phone its own, no multiple of another's.
    pub fn tone_hz(mut self, hz: f64) -> Self {
        self.tone_hz = hz;
        self
    }

    /// Sends this file (8 kHz, one channel, 16 bits) instead of a tone.
    pub fn audio(mut self, path: &Path) -> Self {
        self.audio = Some(path.to_owned());
        self
    }

    /// How long it can send its tone before it falls silent; two minutes if not said.
    pub fn tone_length(mut self, length: Duration) -> Self {
        self.audio_length = length;
        self
    }

    /// Offers only this codec, "PCMA" or "PCMU"; both if not said, µ-law first.
    pub fn codec(mut self, codec: &str) -> Self {
        self.codec = Some(codec.to_owned());
        self
    }

    /// Expiry it asks for when it registers; 600 s if not said, 0 never registers.
    pub fn expires_s(mut self, seconds: u32) -> Self {
        self.expires_s = seconds;
        self
    }

    /// Starts the phone. With a server it begins to register: see [`Baresip::wait_registered`].
    ///
    /// # Errors
    /// When baresip is not installed, does not come up within 10 s, or refuses the account.
    pub fn start(self) -> Result<Baresip> {
        let mut last = Failure::new("baresip was not started");
        // A free port may be taken by somebody else before baresip binds it.
        for _ in 0..STARTS {
            match self.try_start() {
                Ok(phone) => return Ok(phone),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    fn try_start(&self) -> Result<Baresip> {
        let folder = Folder::new(&format!("baresip-{}", self.user))?;
        // SIP on the first, baresip's TLS on the second whether wanted or not, control on the third, keys on the fourth.
        let sip_port = crate::ports::free_run(4)?;
        let local = |offset| SocketAddr::from((Ipv4Addr::LOCALHOST, sip_port + offset));
        let (sip, control_addr, keys) = (local(0), local(2), local(3));
        let audio = if let Some(path) = &self.audio {
            path.clone()
        } else {
            let path = folder.path().join("tone.wav");
            Wav::sine(8_000, self.tone_hz, TONE_DBFS, self.audio_length).write(&path)?;
            path
        };
        let recordings = folder.path().join("recordings");
        std::fs::create_dir(&recordings).doing("making the folder for recordings")?;
        folder.write("config", config(sip, control_addr, keys, &audio, &recordings)?)?;
        folder.write("contacts", "")?;
        // The account comes by control, so that no registration event is missed.
        folder.write("accounts", "")?;

        // stdbuf, which becomes baresip under the same process id, has it write its log line by line.
        let mut command = Command::new("stdbuf");
        command
            .args(["-oL", "-eL", "baresip", "-4", "-v", "-s", "-f"])
            .arg(folder.path());
        let mut process = Process::start("baresip", command, &folder.path().join("baresip.log"))?;
        let control = crate::wait::until(START_WITHIN, "baresip's control port", || {
            if process.ended().is_some() || process.log().contains("ctrl_tcp: failed to listen") {
                return Some(None);
            }
            Control::connect(control_addr).ok().map(Some)
        });
        let Ok(Some(control)) = control else {
            return Err(Failure::new(format!(
                "baresip did not start; {}",
                process.last_words()
            )));
        };
        let phone = Baresip {
            user: self.user.clone(),
            sip,
            keys,
            control,
            process,
            recordings,
            folder,
        };
        phone.control.command("uanew", &self.account(sip))?;
        Ok(phone)
    }

    fn account(&self, sip: SocketAddr) -> String {
        let transport = self.transport.as_str();
        let account = match self.server {
            Some(server) => format!(
                "<sip:{}@{};transport={transport}>;auth_user={};auth_pass={};outbound=\"sip:{server};transport={transport}\";regint={}",
                self.user, self.domain, self.user, self.password, self.expires_s
            ),
            None => format!("<sip:{}@{sip};transport={transport}>;regint=0", self.user),
        };
        let codec = self
            .codec
            .as_ref()
            .map(|codec| format!(";audio_codecs={codec}/8000/1"));
        account + codec.as_deref().unwrap_or_default()
    }
}

/// A running phone. Its process ends with it; its folder is kept when the test panics.
pub struct Baresip {
    user: String,
    sip: SocketAddr,
    keys: SocketAddr,
    control: Control,
    process: Process,
    recordings: PathBuf,
    folder: Folder,
}

/// What baresip counted in its last call.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MediaReport {
    /// RTP packets sent.
    pub packets_sent: u64,
    /// RTP packets received.
    pub packets_received: u64,
    /// Packets it sent that the other end reported lost (RTCP).
    pub lost_sent: i64,
    /// Packets it found missing by sequence number.
    pub lost_received: i64,
    /// Inter-arrival jitter of what it received, in ms.
    pub jitter_received_ms: f64,
}

impl Baresip {
    /// A phone of `user`@`domain` that sends everything to `server`, whatever the domain's name resolves to.
    pub fn builder(user: &str, domain: &str, password: &str, server: SocketAddr) -> Builder {
        Builder {
            user: user.to_owned(),
            domain: domain.to_owned(),
            password: password.to_owned(),
            server: Some(server),
            transport: Transport::Udp,
            tone_hz: 440.0,
            audio: None,
            audio_length: Duration::from_mins(2),
            codec: None,
            expires_s: 600,
        }
    }

    /// A phone without a server: it is called at [`Self::uri`].
    pub fn direct(user: &str) -> Builder {
        Builder {
            server: None,
            ..Self::builder(user, "", "", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        }
    }

    /// Its own URI, for calls without a server.
    pub fn uri(&self) -> String {
        format!("sip:{}@{}", self.user, self.sip)
    }

    /// Where it listens.
    pub fn sip_addr(&self) -> SocketAddr {
        self.sip
    }

    /// Waits until its registration is accepted.
    ///
    /// # Errors
    /// When it is refused (the status is in the text) or nothing comes within `within`.
    pub fn wait_registered(&self, within: Duration) -> Result<Event> {
        let outcome = crate::wait::until(within, &format!("the registration of {}", self.user), || {
            let (ok, failed) = (EventKind::Registered, EventKind::RegisterFailed);
            self.control
                .events()
                .into_iter()
                .find(|event| event.kind == ok || event.kind == failed)
        })?;
        if outcome.kind == EventKind::Registered {
            return Ok(outcome);
        }
        Err(Failure::new(format!(
            "registration of {} failed: {}",
            self.user, outcome.param
        )))
    }

    /// Waits until its registration is refused and gives the reason, for example "403 Forbidden".
    ///
    /// # Errors
    /// When none is refused within `within`.
    pub fn wait_refused(&self, within: Duration) -> Result<String> {
        self.wait_for(&EventKind::RegisterFailed, within)
            .map(|event| event.param)
    }

    /// Calls a number of its domain or a whole SIP URI.
    ///
    /// # Errors
    /// When baresip refuses the target.
    pub fn dial(&self, target: &str) -> Result<()> {
        self.control.command("dial", target).map(drop)
    }

    /// Answers the call that rings.
    ///
    /// # Errors
    /// When none rings.
    pub fn accept(&self) -> Result<()> {
        self.control.command("accept", "").map(drop)
    }

    /// Ends or refuses the current call.
    ///
    /// # Errors
    /// When baresip does not answer.
    pub fn hangup(&self) -> Result<()> {
        self.control.command("hangup", "").map(drop)
    }

    /// Presses a key: an RFC 4733 telephone-event in the RTP stream of the current call.
    ///
    /// # Errors
    /// When there is no call.
    pub fn press(&self, key: char) -> Result<()> {
        self.control.command("sndcode", &key.to_string()).map(drop)
    }

    /// Puts the current call on hold: a re-INVITE that says `sendonly` (RFC 3264 §8.4).
    ///
    /// # Errors
    /// When baresip cannot be told.
    pub fn hold(&self) -> Result<()> {
        self.key(b'x')
    }

    /// Takes the current call off hold: a re-INVITE that says `sendrecv`. Who is in such a call, on
    /// either side of these re-INVITEs, hears again but records it no longer: baresip 1.0 forgets to.
    /// [`Self::media_report`] counts the packets.
    ///
    /// # Errors
    /// When baresip cannot be told.
    pub fn resume(&self) -> Result<()> {
        self.key(b'X')
    }

    /// A key of baresip's own keyboard: what its control does not know by a name.
    fn key(&self, key: u8) -> Result<()> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("binding a socket")?;
        socket
            .send_to(&[key], self.keys)
            .doing("pressing a key of baresip")
            .map(drop)
    }

    /// See [`Control::wait_for`].
    ///
    /// # Errors
    /// After `within`; what did happen is listed.
    pub fn wait_for(&self, kind: &EventKind, within: Duration) -> Result<Event> {
        self.control
            .wait_for(kind, within)
            .map_err(|failure| Failure::new(format!("{}: {failure}", self.user)))
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Event> {
        self.control.events()
    }

    /// The newest recording of what it heard. Readable also during the call.
    ///
    /// # Errors
    /// When nothing has been heard yet.
    pub fn received_wav(&self) -> Result<PathBuf> {
        self.newest("-dec.wav")
    }

    /// The newest recording of what it sent.
    ///
    /// # Errors
    /// When nothing has been sent yet.
    pub fn sent_wav(&self) -> Result<PathBuf> {
        self.newest("-enc.wav")
    }

    /// What it heard in its newest call.
    ///
    /// # Errors
    /// When there is no such recording.
    pub fn received(&self) -> Result<Wav> {
        Wav::read(&self.received_wav()?)
    }

    /// What it sent in its newest call.
    ///
    /// # Errors
    /// When there is no such recording.
    pub fn sent(&self) -> Result<Wav> {
        Wav::read(&self.sent_wav()?)
    }

    /// Number of recordings of what it heard: more than one per call means that its audio was started anew.
    pub fn recordings(&self) -> usize {
        self.recorded("-dec.wav").len()
    }

    /// What it counted in its last call; ask after [`EventKind::Closed`]. It reports only calls in which RTCP reports
    /// came: those of more than 5 s.
    ///
    /// # Errors
    /// When no such call has ended.
    pub fn media_report(&self) -> Result<MediaReport> {
        crate::wait::until(Duration::from_secs(20), "baresip's report", || {
            parse_report(&self.process.log())
        })
    }

    /// baresip's own log with all SIP messages.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its folder: configuration, log, recordings.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn newest(&self, ending: &str) -> Result<PathBuf> {
        self.recorded(ending)
            .pop()
            .doing(&format!("looking for a recording of {}", self.user))
    }

    /// Oldest first: their names carry the time.
    fn recorded(&self, ending: &str) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = std::fs::read_dir(&self.recordings)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.to_string_lossy().ends_with(ending))
            .collect();
        found.sort();
        found
    }
}

fn config(
    sip: SocketAddr,
    control: SocketAddr,
    keys: SocketAddr,
    audio: &Path,
    recordings: &Path,
) -> Result<String> {
    let modules = MODULES
        .iter()
        .find(|path| Path::new(path).is_dir())
        .doing("looking for baresip's modules")?;
    // aubridge as player needs no sound card and, without a source at its other end, drops what it is given.
    // net_interface keeps the address in SDP and Contact at 127.0.0.1 whatever else the machine has.
    Ok(format!(
        "sip_listen {sip}\nnet_interface 127.0.0.1\n\
         audio_source aufile,{}\naudio_player aubridge,ear\naudio_alert aubridge,bell\n\
         audio_srate 8000-8000\naudio_channels 1-1\nrtp_ports 10000-19998\nrtp_stats yes\ncall_local_timeout 120\n\
         module_path {modules}\nmodule g711.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule rtcpsummary.so\n\
         snd_path {}\nmodule_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n\
         ctrl_tcp_listen {control}\nmodule cons.so\ncons_listen {keys}\n",
        audio.display(),
        recordings.display(),
    ))
}

/// Reads the table that baresip prints at the end of a call: columns Transmit and Receive.
fn parse_report(log: &str) -> Option<MediaReport> {
    let table = log.get(log.rfind("Transmit:")?..)?;
    let row = |name: &str| -> Option<(f64, f64)> {
        let line = table.lines().find_map(|line| line.strip_prefix(name))?;
        let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    };
    let (packets, lost) = (row("packets:")?, row("lost:").unwrap_or_default());
    Some(MediaReport {
        packets_sent: packets.0 as u64,
        packets_received: packets.1 as u64,
        lost_sent: lost.0 as i64,
        lost_received: lost.1 as i64,
        jitter_received_ms: row("jitter:").unwrap_or_default().1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_report_is_read() {
        let log = "audio           Transmit:     Receive:\npackets:   1   2\n\n\
                   audio           Transmit:     Receive:\npackets:            324          300\n\
                   errors:               0            0\nlost:                 0            3\n\
                   jitter:             9.6          0.7  (ms)\n";
        let report = parse_report(log).unwrap();
        assert_eq!(
            (report.packets_sent, report.packets_received, report.lost_received),
            (324, 300, 3)
        );
        assert!((report.jitter_received_ms - 0.7).abs() < 1e-9);
        assert_eq!(parse_report("baresip is ready."), None);
    }
}
