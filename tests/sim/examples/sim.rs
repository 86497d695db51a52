//! Plays many seeds, or one with its trace.
//!
//! - `sim [--seeds COUNT] [--from N]`: so many random worlds
//! - `sim --seed N`: one of them, with its trace
//! - `sim --seed N --scenario NAME [--commit N --before | --torn BYTES | --after EFFECTS] [--outage MS]`: a fixed
//!   scenario with one death, as a failed test names it

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tandem_sim::clock::ms;
use tandem_sim::{Faults, Scenario, Window, run, run_traced};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)?.parse::<u64>().ok()
    };
    let text = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1)
    };
    let named = text("--scenario").and_then(|name| Scenario::fixed().into_iter().find(|it| it.name == name));
    match (value("--seed"), named) {
        (Some(seed), Some(scenario)) => {
            let window = value("--torn").map(Window::Torn);
            let window = window.or(value("--after").map(|effects| Window::After(effects as usize)));
            let outage = ms(value("--outage").unwrap_or_default());
            let faults = value("--commit").map_or_else(Faults::none, |number| {
                Faults::one(number as usize, window.unwrap_or(Window::Before), outage)
            });
            one(seed, &scenario, &faults)
        }
        (Some(seed), None) => one(seed, &Scenario::random(seed), &Faults::random(seed)),
        (None, _) => many(value("--from").unwrap_or(0), value("--seeds").unwrap_or(100_000)),
    }
}

fn one(seed: u64, scenario: &Scenario, faults: &Faults) -> ExitCode {
    println!("{scenario:#?}\n{faults:#?}");
    let outcome = run_traced(seed, scenario, faults);
    for line in &outcome.trace {
        println!("{line}");
    }
    println!(
        "seed {seed}: trace {:016x}, {} commits",
        outcome.trace_hash,
        outcome.commits.len()
    );
    for violation in &outcome.violations {
        println!("violated: {violation}");
    }
    if outcome.violations.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn many(from: u64, seeds: u64) -> ExitCode {
    let begin = Instant::now();
    let (next, broken) = (AtomicU64::new(from), AtomicU64::new(0));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= from + seeds {
                return;
            }
            let outcome = run(seed, &Scenario::random(seed), &Faults::random(seed));
            if !outcome.violations.is_empty() {
                broken.fetch_add(1, Ordering::Relaxed);
                println!("make sim SEED={seed}: {:?}", outcome.violations);
            }
            let done = seed + 1 - from;
            if done.is_multiple_of(10_000) {
                println!("{done} seeds after {:.0?}", begin.elapsed());
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let broken = broken.into_inner();
    println!("{seeds} seeds in {:.1?}, {broken} broke", begin.elapsed());
    if broken == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
