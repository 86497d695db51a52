//! Blows to a running server, and how long it takes until it acts again.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use tandem_kit::failure::Doing;
use tandem_kit::fleet::{Account, Plan, Steps};
use tandem_kit::folder::Folder;
use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result};

/// What is done to the server while calls are up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// Nothing: how the same call goes, and is measured, undisturbed.
    None,
    /// This process is killed, and the supervisor starts another.
    Kill(Role),
    /// All processes are replaced, as for a new version.
    Upgrade,
    /// All processes are killed at once; then the server is started again.
    Everything,
}

impl Blow {
    /// Strikes, and comes back when the server is whole again. Gives the moment of the blow; for
    /// [`Blow::Everything`] that of the new start.
    ///
    /// # Errors
    /// When it does not come back.
    pub fn strike(self, tandem: &mut Tandem) -> Result<Instant> {
        let struck = Instant::now();
        match self {
            Self::None => (),
            Self::Kill(role) => {
                let old = tandem.kill(role)?;
                tandem.wait_for_restart(role, old)?;
                tandem.wait_healthy()?;
            }
            Self::Upgrade => tandem.upgrade()?,
            Self::Everything => {
                tandem.kill_all()?;
                let started = Instant::now();
                tandem.start_again()?;
                return Ok(started);
            }
        }
        Ok(struck)
    }
}

/// How often the call logic is asked whether it is there.
const PING_EVERY: Duration = Duration::from_millis(20);
/// Longer than any recovery.
const PING_WITHIN: Duration = Duration::from_mins(1);

/// Kills the call logic and gives the time until it acts again: see [`until_answered`].
///
/// # Errors
/// When it does not within a minute.
pub fn kill_call_logic(tandem: &Tandem) -> Result<Duration> {
    let began = Instant::now();
    let old = tandem.kill(Role::CallLogic)?;
    until_answered(tandem)?;
    let took = began.elapsed();
    tandem.wait_for_restart(Role::CallLogic, old)?;
    Ok(took)
}

/// Waits until the call logic acts: until one of the OPTIONS that are sent from now on, 20 ms apart, is answered. The
/// gate that takes them has no answer of its own.
///
/// # Errors
/// When none is within a minute.
pub fn until_answered(tandem: &Tandem) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("binding a socket")?;
    let local = socket.local_addr().doing("asking for the port")?;
    // A port is used again, and an answer that comes late must not count for the next time.
    static TIMES: AtomicU32 = AtomicU32::new(0);
    let mine = format!("ping-{}-{}-", local.port(), TIMES.fetch_add(1, Ordering::Relaxed));
    let began = Instant::now();
    let mut answer = [0; 2_048];
    for number in 1.. {
        let ping = options(tandem, local, &format!("{mine}{number}"));
        socket.send_to(ping.as_bytes(), tandem.sip()).doing("asking")?;
        let next = began + PING_EVERY * number;
        while let left @ 1.. = next.saturating_duration_since(Instant::now()).as_micros() {
            let wait = Duration::from_micros(left as u64);
            socket.set_read_timeout(Some(wait)).doing("setting a timeout")?;
            let Ok(length) = socket.recv(&mut answer) else {
                break;
            };
            if answer
                .get(..length)
                .is_some_and(|text| text.starts_with(b"SIP/2.0 200"))
            {
                return Ok(());
            }
        }
        if began.elapsed() > PING_WITHIN {
            break;
        }
    }
    Err(Failure::new("the call logic does not answer"))
}

fn options(tandem: &Tandem, local: SocketAddr, id: &str) -> String {
    let domain = &tandem.demo().domain;
    format!(
        "OPTIONS sip:{domain} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{id};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:ping@{domain}>;tag={id}\r\nTo: <sip:{domain}>\r\n\
         Call-ID: {id}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:ping@{local}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// Lets a number of the demo domain lead to a flow (`docs/flows.md`).
///
/// # Errors
/// When the command is refused.
pub fn offer_flow(tandem: &Tandem, number: &str, flow: &serde_json::Value) -> Result<()> {
    let folder = Folder::new("flow")?;
    let file = folder.write("flow.json", flow.to_string())?;
    let file = file.to_str().doing("the flow's path")?;
    let output = tandem.cli(&["number", "add", number, "--scenario", "flow", "--settings", file])?;
    match output.code {
        // A server that runs sees a new number within about a second.
        Some(0) => {
            std::thread::sleep(Duration::from_secs(2));
            Ok(())
        }
        _ => Err(Failure::new(format!("number add: {output:?}"))),
    }
}

/// The number of [`fleet`]'s menu.
pub const RING_NUMBER: &str = "712";
/// Of its menu.
pub const RING_STEPS: usize = 12;

/// A server that has room for this many calls of [`fleet`], and the number they call.
///
/// # Errors
/// When it cannot be started.
pub fn start_for_fleet(calls: usize, settings: &[(&str, &str)]) -> Result<Tandem> {
    let room = (calls + 100) as u16;
    let mut builder = Tandem::builder()
        .media_ports(2 * room)
        .set("limits.calls", 2 * room)
        .set("limits.calls_per_domain", 2 * room)
        .set("log.level", "warn");
    for (key, value) in settings {
        builder = builder.set(key, value);
    }
    let tandem = builder.start()?;
    offer_flow(&tandem, RING_NUMBER, &Steps::ring(RING_STEPS).flow())?;
    Ok(tandem)
}

/// 301 calls a menu of twelve steps, so many times at once, and dwells in each step between these times.
///
/// # Errors
/// When there is no such user.
pub fn fleet(tandem: &Tandem, calls: usize, dwell: Option<(Duration, Duration)>) -> Result<Plan> {
    let demo = tandem.demo();
    let user = demo.user("301")?;
    Ok(Plan {
        server: tandem.sip(),
        account: Account {
            user: user.name.clone(),
            password: user.password.clone(),
            domain: demo.domain.clone(),
            number: RING_NUMBER.to_owned(),
        },
        steps: Steps::ring(RING_STEPS),
        calls,
        per_second: 40,
        dwell,
        silence_every: Duration::from_secs(1),
        seed: 1,
    })
}

/// The value that so many percent are not above; zero of nothing.
pub fn percentile(values: &[Duration], percent: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let index = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&values, 50), Duration::from_millis(100));
        assert_eq!(percentile(&values, 99), Duration::from_millis(198));
        assert_eq!(percentile(&values, 100), Duration::from_millis(200));
        assert_eq!(percentile(&values[..1], 50), Duration::from_millis(200));
        assert_eq!(percentile(&[], 99), Duration::ZERO);
    }
}
