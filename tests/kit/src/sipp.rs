//! SIPp: load and scripted peers.
//!
//! Our scenarios lie in `tests/kit/sipp/`: `register` and `options` and the calls `menu_call` (hangs up itself),
//! `menu_call_until_bye` (waits to be hung up), `short_call` (is hung up or refused at once) and `uas` (answers). Their media is not SIPp's, which needs raw sockets
//! for digits: the SDP names the port of a [`crate::rtp::MediaPeer`].
//!
//! SIPp 3.6 takes the first challenge only and knows MD5 only: with SHA-256 first it exits at once.

use crate::failure::{Doing, Failure, Result};
use crate::folder::Folder;
use crate::process::Process;
use std::collections::HashMap;
use std::fmt::Display;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub use crate::baresip::Transport;

/// Path of one of our scenarios, for example `scenario("uas")`.
pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("sipp")
        .join(format!("{name}.xml"))
}

/// A user for the injection file.
#[derive(Clone, Debug)]
pub struct Caller {
    /// User name, also for the digest.
    pub user: String,
    /// Password.
    pub password: String,
    /// Domain.
    pub domain: String,
    /// Whom to call; empty for registrations.
    pub number: String,
}

impl Caller {
    /// Request-URI of what it sends, without `sip:`.
    fn request_uri(&self) -> String {
        if self.number.is_empty() {
            self.domain.clone()
        } else {
            format!("{}@{}", self.number, self.domain)
        }
    }
}

/// How SIPp is to run.
#[derive(Clone, Debug)]
pub struct Sipp {
    scenario: PathBuf,
    remote: Option<SocketAddr>,
    local_port: Option<u16>,
    transport: Transport,
    calls: u64,
    rate: u64,
    limit: u64,
    hold: Duration,
    callers: Vec<Caller>,
    keys: Vec<(String, String)>,
    bound: Duration,
}

impl Sipp {
    /// Runs this scenario: one call, UDP, ended after a minute at the latest.
    pub fn new(scenario: PathBuf) -> Self {
        Self {
            scenario,
            remote: None,
            local_port: None,
            transport: Transport::Udp,
            calls: 1,
            rate: 10,
            limit: 2_000,
            hold: Duration::ZERO,
            callers: Vec::new(),
            keys: vec![("expires".into(), "600".into()), ("rtp_port".into(), "9".into())],
            bound: Duration::from_mins(1),
        }
    }

    /// Where to send to. Without it SIPp waits for calls.
    pub fn remote(mut self, addr: SocketAddr) -> Self {
        self.remote = Some(addr);
        self
    }

    /// Local SIP port; a free one if not said.
    pub fn local_port(mut self, port: u16) -> Self {
        self.local_port = Some(port);
        self
    }

    /// UDP or TCP, one socket for all calls.
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// Ends after this many calls.
    pub fn calls(mut self, calls: u64) -> Self {
        self.calls = calls;
        self
    }

    /// New calls per second.
    pub fn rate(mut self, per_second: u64) -> Self {
        self.rate = per_second;
        self
    }

    /// No more than this many calls at a time; 2,000 if not said.
    pub fn limit(mut self, calls: u64) -> Self {
        self.limit = calls;
        self
    }

    /// Length of each `<pause/>`.
    pub fn hold(mut self, pause: Duration) -> Self {
        self.hold = pause;
        self
    }

    /// Users of the injection file, taken in turn and from the start again. All with one number and domain: SIPp
    /// knows one URI for all its digests.
    pub fn callers(mut self, callers: impl IntoIterator<Item = Caller>) -> Self {
        self.callers = callers.into_iter().collect();
        self
    }

    /// The value of `[name]` in the scenario.
    pub fn key(mut self, name: &str, value: impl Display) -> Self {
        self.keys.retain(|(known, _)| known != name);
        self.keys.push((name.to_owned(), value.to_string()));
        self
    }

    /// SIPp is ended after this time, whatever is still going on; a minute if not said.
    pub fn within(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Runs to the end.
    ///
    /// # Errors
    /// As [`Self::start`] and [`Running::finish`].
    pub fn run(self) -> Result<SippResult> {
        self.start()?.finish()
    }

    /// Starts in the background.
    ///
    /// # Errors
    /// When SIPp is not installed, ends at once or (waiting for calls) does not bind its port.
    pub fn start(self) -> Result<Running> {
        let folder = Folder::new("sipp")?;
        let port = self.local_port.map_or_else(crate::ports::free, Ok)?;
        let stats = folder.path().join("stats.csv");
        let mut command = Command::new("sipp");
        if let Some(remote) = self.remote {
            command.arg(remote.to_string());
        }
        command.arg("-sf").arg(&self.scenario).args([
            "-i",
            "127.0.0.1",
            "-p",
            &port.to_string(),
            "-bind_local",
        ]);
        command.args([
            "-cp",
            &crate::ports::free()?.to_string(),
            "-nostdin",
            "-skip_rlimit",
        ]);
        command.args([
            "-t",
            if self.transport == Transport::Tcp {
                "t1"
            } else {
                "u1"
            },
        ]);
        command.args([
            "-m",
            &self.calls.to_string(),
            "-r",
            &self.rate.to_string(),
            "-l",
            &self.limit.to_string(),
        ]);
        command.args(["-d", &self.hold.as_millis().to_string()]);
        command.args([
            "-timeout",
            &format!("{}s", self.bound.as_secs().max(1)),
            "-timeout_error",
        ]);
        command.args(["-trace_stat", "-fd", "1", "-stf"]).arg(&stats);
        command
            .args(["-trace_err", "-error_file"])
            .arg(folder.path().join("errors.log"));
        // All messages of a small run; of a big one the errors say enough.
        if self.calls <= 20 {
            command
                .args(["-trace_msg", "-message_file"])
                .arg(folder.path().join("messages.log"));
        }
        for (name, value) in &self.keys {
            command.args(["-key", name, value]);
        }
        if let Some(first) = self.callers.first() {
            // Left alone, SIPp signs for the server's address instead of the Request-URI (RFC 7616 §3.4).
            command.args(["-auth_uri", &first.request_uri()]);
            command
                .arg("-inf")
                .arg(folder.write("callers.csv", csv(&self.callers))?);
        }
        let mut process = Process::start("sipp", command, &folder.path().join("screen.log"))?;
        if self.remote.is_none() {
            crate::wait::until(Duration::from_secs(10), "SIPp's port", || {
                (process.ended().is_some() || listens(port, self.transport)).then_some(())
            })?;
            if process.ended().is_some() {
                return Err(Failure::new(format!(
                    "SIPp ended at once; {}",
                    process.last_words()
                )));
            }
        }
        Ok(Running {
            process,
            folder,
            stats,
            port,
            bound: self.bound,
        })
    }
}

/// SIPp at work. Dropping it kills it.
pub struct Running {
    process: Process,
    folder: Folder,
    stats: PathBuf,
    port: u16,
    bound: Duration,
}

impl Running {
    /// Its SIP address.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Waits for its end and reads its statistics.
    ///
    /// # Errors
    /// When it does not end in time or leaves no statistics: it could not start then, and its output is quoted.
    pub fn finish(mut self) -> Result<SippResult> {
        // Its own bound comes first; these seconds are for it to report.
        let status = self.process.wait(self.bound + Duration::from_secs(20))?;
        let read = std::fs::read_to_string(&self.stats).doing("reading SIPp's statistics");
        let counts = read.and_then(|text| parse_stats(&text));
        let counts = counts
            .map_err(|failure| Failure::new(format!("{failure}; {status}; {}", self.process.last_words())))?;
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let errors = std::fs::read(self.folder.path().join("errors.log")).unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors);
        Ok(SippResult {
            created: count("TotalCallCreated"),
            successful: count("SuccessfulCall(C)"),
            failed: count("FailedCall(C)"),
            retransmissions: count("Retransmissions(C)"),
            unexpected: count("FailedUnexpectedMessage(C)"),
            timed_out: count("FailedTimeoutOnRecv(C)") + count("FailedMaxUDPRetrans(C)"),
            exit_code: status.code(),
            errors: errors.chars().take(4_000).collect(),
        })
    }
}

/// What became of the calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SippResult {
    /// Calls made or taken.
    pub created: u64,
    /// Calls that went through their whole scenario.
    pub successful: u64,
    /// Calls that did not.
    pub failed: u64,
    /// Messages that SIPp sent again.
    pub retransmissions: u64,
    /// Failed calls because of a message that the scenario does not expect there.
    pub unexpected: u64,
    /// Failed calls because nothing came.
    pub timed_out: u64,
    /// SIPp's exit code: 0 when all calls succeeded.
    pub exit_code: Option<i32>,
    /// The start of its error log.
    pub errors: String,
}

fn csv(callers: &[Caller]) -> String {
    let line = |Caller {
                    user,
                    password,
                    domain,
                    number,
                }: &Caller| {
        format!("{user};[authentication username={user} password={password}];{domain};{number}\n")
    };
    std::iter::once("SEQUENTIAL\n".to_owned())
        .chain(callers.iter().map(line))
        .collect()
}

/// The last line of `-trace_stat`, by column name. Times and rates, which are no whole numbers, are left out.
fn parse_stats(text: &str) -> Result<HashMap<String, u64>> {
    let mut lines = text.lines();
    let header = lines.next().doing("reading the header")?;
    let last = lines.next_back().doing("reading the last line")?;
    let pairs = header.split(';').zip(last.split(';'));
    Ok(pairs
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect())
}

fn listens(port: u16, transport: Transport) -> bool {
    let addr = (Ipv4Addr::LOCALHOST, port);
    match transport {
        Transport::Udp => std::net::UdpSocket::bind(addr).is_err(),
        Transport::Tcp => std::net::TcpListener::bind(addr).is_err(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read_by_name_from_the_last_line() {
        let text = "StartTime;TotalCallCreated;SuccessfulCall(C);\nx;1;0;\ny;100;99;\n";
        let counts = parse_stats(text).unwrap();
        assert_eq!(
            (counts["TotalCallCreated"], counts["SuccessfulCall(C)"]),
            (100, 99)
        );
        assert!(parse_stats("").is_err());
    }

    #[test]
    fn all_scenarios_are_there() {
        for name in [
            "register",
            "options",
            "menu_call",
            "menu_call_until_bye",
            "short_call",
            "uas",
        ] {
            assert!(scenario(name).is_file(), "{name}");
        }
    }
}
