//! What it costs that calls survive: the same load with the journal off, flushed and synced; what is written for each
//! step of a call; how long recovery takes with more and more calls open.
//!
//! `make price` runs it. `--durability off,flush,sync,one-process` names the journals to compare (`default` leaves the
//! configuration alone, `one-process` runs it without the hop between processes), `--calls 300` how many of each load, `--open 0,200,1000,2000` the numbers of open calls; an empty list leaves
//! that table out.
#![allow(clippy::print_stdout, clippy::print_stderr)] // It is a report.

use std::time::{Duration, Instant};
use tandem_kit::failure::Doing;
use tandem_kit::fleet::Fleet;
use tandem_kit::sipp::{Sipp, scenario};
use tandem_kit::tandem::Tandem;
use tandem_kit::{Failure, Result, wait};
use tandem_tests::load::{caller, menu_calls};
use tandem_tests::recovery::{fleet, kill_call_logic, percentile, start_for_fleet};

/// Calls through the menu begin at this rate: well under what two processors carry.
const PER_SECOND: u64 = 20;
/// Calls of no length that are under way at once, as fast as they are answered.
const AT_ONCE: u64 = 50;
/// Calls that take steps, to see what a step writes.
const WALKERS: usize = 50;
const WALK: Duration = Duration::from_secs(15);
/// Kills for each number of open calls.
const KILLS: usize = 5;

struct Arguments {
    durability: Vec<String>,
    calls: u64,
    open: Vec<usize>,
}

fn main() -> Result<()> {
    let arguments = arguments()?;
    if !arguments.durability.is_empty() {
        println!(
            "| journal | CPU per menu call | short calls a second | CPU per short call | written per step |"
        );
        println!("|---|---|---|---|---|");
    }
    for durability in &arguments.durability {
        println!("{}", price(durability, arguments.calls)?);
    }
    if !arguments.open.is_empty() {
        println!("\n| open calls | time to recover, p50 / longest of {KILLS} |\n|---|---|");
    }
    for open in &arguments.open {
        let recoveries = recoveries(*open)?;
        let ms = |percent| percentile(&recoveries, percent).as_millis();
        println!("| {open} | {} ms / {} ms |", ms(50), ms(100));
    }
    Ok(())
}

/// A row of the first table.
fn price(durability: &str, calls: u64) -> Result<String> {
    let settings = match durability {
        "default" => vec![],
        "one-process" => vec![("server.processes", "false")],
        other => vec![("journal.durability", other)],
    };
    let tandem = start_for_fleet(1_000, &settings)?;
    // The first call fetches what all calls share: the compiled scenario, the greeting's speech.
    load(&tandem, 1)?;
    let cpu_per_call = load(&tandem, calls)?;
    let (per_second, cpu_per_short) = short_calls(&tandem, 10 * calls)?;
    let per_step = written_per_step(&tandem)?;
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
    Ok(format!(
        "| {durability} | {} | {per_second:.0} | {} | {per_step} |",
        ms(cpu_per_call),
        ms(cpu_per_short)
    ))
}

/// Calls that hear the greeting, press 1, are connected and talk; the server's processor time for each.
fn load(tandem: &Tandem, calls: u64) -> Result<Duration> {
    let before = tandem.cpu_time()?;
    let outcome = menu_calls(tandem, calls, PER_SECOND)?;
    if outcome.callers.successful != calls {
        return Err(Failure::new(format!("calls were lost: {outcome:?}")));
    }
    Ok(tandem.cpu_time()?.saturating_sub(before) / calls as u32)
}

/// Calls that are hung up as soon as they are answered: how many a second, and the processor time for each.
fn short_calls(tandem: &Tandem, calls: u64) -> Result<(f64, Duration)> {
    let (began, before) = (Instant::now(), tandem.cpu_time()?);
    let done = Sipp::new(scenario("menu_call"))
        .remote(tandem.sip())
        .callers([caller(tandem, "301", &tandem.demo().menu)?])
        .calls(calls)
        .rate(2_000)
        .limit(AT_ONCE)
        .within(Duration::from_mins(5))
        .run()?;
    if done.successful != calls {
        return Err(Failure::new(format!("calls were lost: {done:?}")));
    }
    let per_second = calls as f64 / began.elapsed().as_secs_f64();
    Ok((
        per_second,
        tandem.cpu_time()?.saturating_sub(before) / calls as u32,
    ))
}

/// Bytes that the journal takes for a step of a menu: a digit, the end of a prompt, the beginning of the next.
fn written_per_step(tandem: &Tandem) -> Result<String> {
    let written = || tandem.metric("tandem_journal_bytes_total");
    let dwell = (Duration::from_millis(300), Duration::from_secs(1));
    let fleet = Fleet::start(fleet(tandem, WALKERS, Some(dwell))?)?;
    fleet.wait_walking(Duration::from_mins(1))?;
    let (before, steps_before) = (written(), fleet.now().reached);
    std::thread::sleep(WALK);
    let (after, steps) = (written(), fleet.now().reached.saturating_sub(steps_before));
    fleet.hang_up()?;
    // A server without a journal has no such metric.
    Ok(match (before, after) {
        (Ok(before), Ok(after)) => format!("{:.0} bytes", (after - before) / steps.max(1) as f64),
        _ => "-".to_owned(),
    })
}

/// Kills the call logic while so many calls are open in which nothing happens.
fn recoveries(open: usize) -> Result<Vec<Duration>> {
    let tandem = start_for_fleet(open, &[])?;
    let calls = (open > 0)
        .then(|| {
            let fleet = Fleet::start(fleet(&tandem, open, None)?)?;
            fleet.wait_walking(Duration::from_secs(60 + open as u64 / 20))?;
            Ok(fleet)
        })
        .transpose()?;
    let kill = |_| {
        let took = kill_call_logic(&tandem)?;
        let back = || tandem.metric("tandem_calls_active").ok();
        wait::until(Duration::from_mins(1), "all calls to be taken up again", || {
            (back()? >= open as f64).then_some(())
        })?;
        std::thread::sleep(Duration::from_secs(1));
        Ok(took)
    };
    let recoveries = (0..KILLS).map(kill).collect::<Result<_>>()?;
    let reports = calls.map(Fleet::hang_up).transpose()?.unwrap_or_default();
    let lost = reports.iter().filter(|call| !call.survived()).count();
    if lost == 0 {
        return Ok(recoveries);
    }
    Err(Failure::new(format!("{lost} of {open} calls were lost")))
}

fn arguments() -> Result<Arguments> {
    let list = |text: &str| -> Vec<String> {
        let words = text.split(',').filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    };
    let mut arguments = Arguments {
        durability: list("off,flush,sync,one-process"),
        calls: 300,
        open: vec![0, 200, 1_000, 2_000],
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        let value = words.next().doing(&format!("the value of {name}"))?;
        match name.as_str() {
            "--durability" => arguments.durability = list(&value),
            "--calls" => arguments.calls = value.parse().doing("reading --calls")?,
            "--open" => {
                let numbers = list(&value).into_iter().map(|number| number.parse());
                arguments.open = numbers
                    .collect::<std::result::Result<_, _>>()
                    .doing("reading --open")?;
            }
            _ => {
                return Err(Failure::new(format!(
                    "{name} is none of --durability, --calls, --open"
                )));
            }
        }
    }
    Ok(arguments)
}
