//! What a neighbour notices of a domain whose modules mean harm: post-dial delay and lost frames of one domain's calls
//! while another domain runs each of them.
//!
//! `make hostile` runs it. `--only loop,storm` names the modules, `--calls 300` how many calls the neighbour makes in
//! each round, `--rate 10` how many each of the two domains begins in a second, `--rounds 2` how often each is tried.
//! Rounds without a hostile module come between the others, so that what the machine does by itself is seen beside.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a report.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tandem_kit::failure::Doing;
use tandem_kit::fleet::{CallReport, Fleet};
use tandem_kit::sipp::{Caller, Running, Sipp, scenario};
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result};
use tandem_tests::modules;
use tandem_tests::recovery::{fleet, percentile, start_for_fleet};

const HOSTILE_DOMAIN: &str = "hostile.local";
const HOSTILE_USER: &str = "901";
/// Calls of these run; the first means no harm, and shows what as many calls cost that do nothing.
const GUESTS: [&str; 12] = [
    "idle",
    "loop",
    "memory-bomb",
    "table-bomb",
    "recursion",
    "storm",
    "log-storm",
    "kv-flood",
    "giant-string",
    "leak",
    "trap",
    "sleeper",
];
/// This is uploaded again and again.
const BIG: &str = "100 MB";
/// The rounds that the others are compared with.
const QUIET: &str = "none";

struct Arguments {
    only: Vec<String>,
    calls: usize,
    rate: u32,
    rounds: usize,
}

/// What the neighbour saw in all rounds of a kind.
#[derive(Default)]
struct Seen {
    setups: Vec<Duration>,
    calls: usize,
    failed: usize,
    packets: u64,
    lost: u64,
    longest_gap: Duration,
}

impl Seen {
    fn add(&mut self, reports: Vec<CallReport>) {
        self.calls += reports.len();
        for call in reports {
            self.failed += usize::from(!call.survived());
            self.setups.extend(call.setup);
            self.packets += call.packets;
            self.lost += call.packets_lost;
            self.longest_gap = self.longest_gap.max(call.longest_gap);
        }
    }

    fn row(&self, kind: &str, quiet: &Self) -> String {
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        let p99 = ms(percentile(&self.setups, 99));
        format!(
            "| {kind} | {:.2} ms | {p99:.2} ms | {:+.0} % | {} of {} | {} of {} | {:.0} ms |",
            ms(percentile(&self.setups, 50)),
            (p99 / ms(percentile(&quiet.setups, 99)) - 1.0) * 100.0,
            self.failed,
            self.calls,
            self.lost,
            self.packets,
            ms(self.longest_gap),
        )
    }
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let tandem = start_for_fleet(4 * arguments.calls, &[])?;
    let password = modules::add_domain(&tandem, HOSTILE_DOMAIN, &[HOSTILE_USER])?
        .pop()
        .doing("the user's password")?;
    for (index, guest) in GUESTS.iter().enumerate() {
        modules::offer(&tandem, HOSTILE_DOMAIN, guest, &number(index), &[])?;
    }
    std::thread::sleep(Duration::from_secs(2));

    // The first callers wait until the menu is compiled.
    let warm = Arguments {
        only: Vec::new(),
        calls: 10,
        ..arguments
    };
    neighbour(&tandem, &warm)?;

    let mut quiet = Seen::default();
    let mut rows: Vec<(String, Seen)> = Vec::new();
    for kind in &arguments.only {
        let mut seen = Seen::default();
        for round in 0..arguments.rounds {
            quiet.add(neighbour(&tandem, &arguments)?);
            let harm = Harm::begin(&tandem, kind, &password, &arguments, round)?;
            seen.add(neighbour(&tandem, &arguments)?);
            eprintln!("{kind}: {}", harm.end()?);
        }
        rows.push((kind.clone(), seen));
    }
    println!(
        "| module | post-dial delay p50 | p99 | p99 beside quiet | calls failed | frames lost | longest gap |"
    );
    println!("|---|---|---|---|---|---|---|");
    println!("{}", quiet.row(QUIET, &quiet));
    for (kind, seen) in &rows {
        println!("{}", seen.row(kind, &quiet));
    }
    Ok(())
}

fn number(index: usize) -> String {
    format!("{}", 6_600 + index)
}

/// The neighbour's calls: each is answered by a menu and listens to it until the last has begun.
fn neighbour(tandem: &Tandem, arguments: &Arguments) -> Result<Vec<CallReport>> {
    let mut plan = fleet(tandem, arguments.calls, None)?;
    plan.per_second = arguments.rate;
    let calls = Fleet::start(plan)?;
    let lasts = Duration::from_secs_f64(arguments.calls as f64 / f64::from(arguments.rate));
    calls.wait_walking(lasts + Duration::from_secs(20))?;
    let reports = calls.hang_up()?;
    // The ends are over before the next begin.
    std::thread::sleep(Duration::from_secs(1));
    Ok(reports)
}

/// What goes on beside.
enum Harm {
    Calls(Running),
    Uploads(Arc<AtomicBool>, JoinHandle<Result<u32>>),
}

impl Harm {
    fn begin(
        tandem: &Tandem,
        kind: &str,
        password: &str,
        arguments: &Arguments,
        round: usize,
    ) -> Result<Self> {
        if kind == BIG {
            return Self::uploads(tandem, arguments.rate, &format!("big-{round}"));
        }
        let index = GUESTS.iter().position(|guest| *guest == kind);
        let index = index.ok_or_else(|| Failure::new(format!("{kind} is none of {GUESTS:?}, {BIG}")))?;
        let caller = Caller {
            user: HOSTILE_USER.to_owned(),
            password: password.to_owned(),
            domain: HOSTILE_DOMAIN.to_owned(),
            number: number(index),
        };
        // As many as the neighbour's, and somewhat longer.
        let seconds = arguments.calls as u64 / u64::from(arguments.rate) + 3;
        let sipp = Sipp::new(scenario("short_call"))
            .remote(tandem.sip())
            .callers([caller])
            .calls(seconds * u64::from(arguments.rate))
            .rate(u64::from(arguments.rate))
            .limit(200)
            .within(Duration::from_secs(seconds + 20));
        let running = sipp.start()?;
        std::thread::sleep(Duration::from_secs(1));
        Ok(Self::Calls(running))
    }

    /// By HTTP, as a tenant's own tools do, with a token of this name.
    fn uploads(tandem: &Tandem, rate: u32, name: &str) -> Result<Self> {
        let made = [
            "token",
            "add",
            name,
            "--scopes",
            "scenarios:write",
            "--domain",
            HOSTILE_DOMAIN,
        ];
        let made = tandem.json(&made)?;
        let token = made
            .get("token")
            .and_then(|token| token.as_str())
            .doing("the token")?
            .to_owned();
        let server = tandem.web();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let began = Instant::now();
            let mut times = 0;
            while !stopped.load(Ordering::Relaxed) {
                upload(server, &token)?;
                times += 1;
                let next = began + Duration::from_secs(1) * times / rate;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            Ok(times)
        });
        Ok(Self::Uploads(stop, thread))
    }

    /// Waits for its end; what there was of it.
    fn end(self) -> Result<String> {
        match self {
            Self::Calls(running) => {
                let done = running.finish()?;
                Ok(format!(
                    "{} of {} calls as expected",
                    done.successful,
                    done.successful + done.failed
                ))
            }
            Self::Uploads(stop, thread) => {
                stop.store(true, Ordering::Relaxed);
                let times = thread
                    .join()
                    .map_err(|_| Failure::new("the uploads' thread panicked"))??;
                Ok(format!("refused {times} times"))
            }
        }
    }
}

/// Says that it uploads 100 MB, and does so until it is answered.
fn upload(server: SocketAddr, token: &str) -> Result<()> {
    let mut stream = TcpStream::connect(server).doing("connecting")?;
    let head = format!(
        "POST /api/v1/scenarios/big/versions HTTP/1.1\r\nHost: {server}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/wasm\r\nContent-Length: {}\r\n\r\n",
        100 << 20
    );
    stream.write_all(head.as_bytes()).doing("uploading")?;
    let piece = vec![0; 64 << 10];
    let mut answer = [0; 12];
    for _ in 0..(100 << 20) / piece.len() {
        stream.set_nonblocking(true).doing("looking for an answer")?;
        let answered = stream.peek(&mut answer).is_ok_and(|bytes| bytes == answer.len());
        stream.set_nonblocking(false).doing("uploading")?;
        if answered || stream.write_all(&piece).is_err() {
            break;
        }
    }
    stream.read_exact(&mut answer).doing("reading the answer")?;
    if answer == *b"HTTP/1.1 413" {
        return Ok(());
    }
    let answer = String::from_utf8_lossy(&answer).into_owned();
    Err(Failure::new(format!("100 MB were answered with {answer}")))
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        only: GUESTS
            .iter()
            .map(|guest| (*guest).to_owned())
            .chain([BIG.to_owned()])
            .collect(),
        calls: 300,
        rate: 10,
        rounds: 2,
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().doing(&format!("the value of {name}"))?;
        match name.as_str() {
            "--only" => arguments.only = value.split(',').map(str::to_owned).collect(),
            "--calls" => arguments.calls = value.parse().doing("reading --calls")?,
            "--rate" => arguments.rate = value.parse().doing("reading --rate")?,
            "--rounds" => arguments.rounds = value.parse().doing("reading --rounds")?,
            _ => {
                return Err(Failure::new(format!(
                    "{name} is none of --only, --calls, --rate, --rounds"
                )));
            }
        }
    }
    Ok(arguments)
}
