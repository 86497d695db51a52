//! What calls notice when the call logic dies again and again: calls lost, steps wrong, gaps in the sound, time to
//! recover.
//!
//! `make survive` runs it twice: 200 calls through 100 kills, 2,000 calls through 5. The calls walk round a menu of twelve
//! steps, each with a tone of its own, so that a digit that is lost or counts twice is heard. Gaps are the callers': what
//! their own thread was held up is taken off, what the media gate was held up by a busy machine is not.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a report.

use std::time::{Duration, Instant};
use tandem_kit::failure::Doing;
use tandem_kit::fleet::{CallReport, Fleet, Snapshot};
use tandem_kit::{Failure, Result, wait};
use tandem_tests::calls;
use tandem_tests::recovery::{fleet, kill_call_logic, percentile, start_for_fleet};

/// After the last blow: every call takes a step or two more.
const SETTLE: Duration = Duration::from_secs(8);

/// `--calls 200 --kills 100 --dwell-ms 500-4000 --silence-ms 1000`
struct Arguments {
    calls: usize,
    kills: usize,
    dwell: (Duration, Duration),
    silence_every: Duration,
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    let Arguments { calls, kills, .. } = arguments;
    let tandem = start_for_fleet(calls, &[])?;
    let mut plan = fleet(&tandem, calls, Some(arguments.dwell))?;
    plan.silence_every = arguments.silence_every;
    let fleet = Fleet::start(plan)?;
    fleet.wait_walking(Duration::from_secs(60 + calls as u64 / 20))?;

    let (began, before) = (Instant::now(), fleet.now());
    let mut recoveries = Vec::new();
    for kill in 0..kills {
        // 0.3 to 1 s after it is back, never at the same distance from the second before.
        std::thread::sleep(Duration::from_millis(300 + (kill as u64 * 379) % 700));
        recoveries.push(kill_call_logic(&tandem)?);
        if (kill + 1) % 10 == 0 {
            eprintln!("{} kills: {:?}", kill + 1, fleet.now());
        }
    }
    std::thread::sleep(SETTLE);
    let (lasted, after) = (began.elapsed(), fleet.now());
    let reports = fleet.hang_up()?;
    // The list has at most a hundred on its first page.
    let recorded = || Some(calls::list(&tandem).ok()?.len());
    let all = |recorded: &usize| *recorded >= reports.len().min(100);
    let _ = wait::until(Duration::from_mins(1), "a record of each call", || {
        recorded().filter(all)
    });
    table(&arguments, &reports, &recoveries, &heard(before, after, lasted));
    println!(
        "| call records on the first page of 100 | {} |",
        recorded().unwrap_or_default()
    );
    println!(
        "| processor time, the server's processes that live | {:.1} s |",
        tandem.cpu_time()?.as_secs_f64()
    );
    println!();
    if reports.iter().all(CallReport::survived) && reports.iter().all(|call| call.wrong.is_empty()) {
        return Ok(());
    }
    Err(Failure::new("calls were lost or led astray"))
}

/// Packets a second that each call heard.
fn heard(before: Snapshot, after: Snapshot, lasted: Duration) -> String {
    let packets = after.packets.saturating_sub(before.packets) as f64;
    let each = packets / lasted.as_secs_f64() / after.answered.max(1) as f64;
    format!("{each:.1}")
}

fn table(arguments: &Arguments, reports: &[CallReport], recoveries: &[Duration], packets: &str) {
    let row = |what: &str, value: String| println!("| {what} | {value} |");
    let ms = |time: Duration| format!("{:.0} ms", time.as_secs_f64() * 1_000.0);
    let spread =
        |times: &[Duration]| format!("{} / {}", ms(percentile(times, 50)), ms(percentile(times, 99)));
    let lost: Vec<_> = reports.iter().filter(|call| !call.survived()).collect();
    let gaps: Vec<Duration> = reports.iter().map(|call| call.longest_gap).collect();
    let waits: Vec<Duration> = reports
        .iter()
        .flat_map(|call| call.waits.iter().copied())
        .collect();

    println!(
        "\n| {} calls, {} kills | |\n|---|---|",
        arguments.calls, arguments.kills
    );
    row("calls lost", lost.len().to_string());
    row(
        "steps wrong",
        reports
            .iter()
            .map(|call| call.wrong.len())
            .sum::<usize>()
            .to_string(),
    );
    row(
        "steps taken",
        reports.iter().map(|call| call.reached).sum::<u64>().to_string(),
    );
    row("longest gap of each call, p50 / p99", spread(&gaps));
    row(
        "packets lost",
        reports
            .iter()
            .map(|call| call.packets_lost)
            .sum::<u64>()
            .to_string(),
    );
    row("time to recover, p50 / p99", spread(recoveries));
    row("from a key to the next step's tone, p50 / p99", spread(&waits));
    row("packets a second that each call heard", packets.to_owned());
    for call in lost.iter().take(5) {
        eprintln!("lost: {call:?}");
    }
    for call in reports.iter().filter(|call| !call.wrong.is_empty()).take(5) {
        eprintln!("astray: {:?}", call.wrong);
    }
}

fn arguments() -> Result<Arguments> {
    let mut arguments = Arguments {
        calls: 200,
        kills: 100,
        dwell: (Duration::from_millis(500), Duration::from_secs(4)),
        silence_every: Duration::from_secs(1),
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().doing(&format!("the value of {name}"))?;
        let number = |text: &str| text.parse::<u64>().doing(&format!("reading {name} {text}"));
        match name.as_str() {
            "--calls" => arguments.calls = number(&value)? as usize,
            "--kills" => arguments.kills = number(&value)? as usize,
            "--silence-ms" => arguments.silence_every = Duration::from_millis(number(&value)?),
            "--dwell-ms" => {
                let (least, most) = value.split_once('-').doing("reading --dwell-ms LEAST-MOST")?;
                arguments.dwell = (
                    Duration::from_millis(number(least)?),
                    Duration::from_millis(number(most)?),
                );
            }
            _ => {
                return Err(Failure::new(format!(
                    "{name} is none of --calls, --kills, --dwell-ms, --silence-ms"
                )));
            }
        }
    }
    Ok(arguments)
}
