//! The server dies wherever it can die, and nobody notices. See `tandem_sim` for what is real here.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::scope;

use tandem_sim::clock::ms;
use tandem_sim::{Crash, Faults, Outcome, Scenario, Window, run, run_traced};

/// Plays every one of `plans` on as many threads as there are processors; panics with what broke.
fn play_all(scenario: &Scenario, plans: &[(u64, Faults)]) {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let broken: Vec<String> = scope(|scope| {
        let work = || {
            let mut broken = Vec::new();
            while let Some((seed, faults)) = plans.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                let outcome = run(*seed, scenario, faults);
                if !outcome.violations.is_empty() {
                    broken.push(told(*seed, scenario, faults, &outcome));
                }
            }
            broken
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    assert!(
        broken.is_empty(),
        "{} of {} runs broke:\n{}",
        broken.len(),
        plans.len(),
        broken.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
}

fn told(seed: u64, scenario: &Scenario, faults: &Faults, outcome: &Outcome) -> String {
    let death = faults.crashes.first().map(Crash::told).unwrap_or_default();
    format!(
        "make sim ARGS=\"--seed {seed} --scenario {} {death}\": {:?}",
        scenario.name, outcome.violations
    )
}

/// Every commit of a run without faults, each with every window in which the process may die.
fn every_window(scenario: &Scenario, seed: u64) -> Vec<(u64, Faults)> {
    let undisturbed = run(seed, scenario, &Faults::none());
    assert_eq!(
        undisturbed.violations,
        Vec::<String>::new(),
        "{} undisturbed",
        scenario.name
    );
    assert!(undisturbed.commits.len() > 50);
    let mut plans = Vec::new();
    for (number, commit) in undisturbed.commits.iter().enumerate() {
        let mut windows = vec![Window::Before, Window::Torn(1), Window::Torn(commit.bytes / 2)];
        windows.extend((0..=commit.effects).map(Window::After));
        for (turn, window) in windows.into_iter().enumerate() {
            let outage = ms((number as u64 * 131 + turn as u64 * 377) % 900);
            plans.push((seed, Faults::one(number, window, outage)));
        }
    }
    println!(
        "{}: {} commits, {} deaths",
        scenario.name,
        undisturbed.commits.len(),
        plans.len()
    );
    plans
}

#[test]
fn a_death_in_every_window_of_every_commit_harms_no_call() {
    for (seed, scenario) in (1..).zip(Scenario::fixed()) {
        play_all(&scenario, &every_window(&scenario, seed));
    }
}

/// `make sim SEED=n` plays one of them and prints its trace.
#[test]
fn a_thousand_random_runs() {
    let next = AtomicU64::new(0);
    let broken: Vec<String> = scope(|scope| {
        let work = || {
            let mut broken = Vec::new();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= 1_000 {
                    return broken;
                }
                let (scenario, faults) = (Scenario::random(seed), Faults::random(seed));
                let outcome = run(seed, &scenario, &faults);
                if !outcome.violations.is_empty() {
                    broken.push(format!("make sim SEED={seed}: {:?}", outcome.violations));
                }
            }
        };
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    assert!(
        broken.is_empty(),
        "{} seeds broke:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

/// Each showed a fault of the server once: what it was.
const BROKE: &[(u64, &str)] = &[
    (
        286,
        "after a media gate's death a new call got the ports of a call of another shard",
    ),
    (735, "likewise, of the same shard"),
    (
        1361,
        "a BYE whose connection was gone went to another device of the user, and the right one never heard of it",
    ),
    (
        2651,
        "the callee hung up before it was connected: the flow spoke to a caller who was not answered",
    ),
    (
        6210,
        "the callee held while the caller's ports were on their way: the bridge was given up",
    ),
    (8118, "likewise"),
];

#[test]
fn seeds_that_broke_once() {
    for (seed, what) in BROKE {
        let outcome = run(*seed, &Scenario::random(*seed), &Faults::random(*seed));
        assert!(
            outcome.violations.is_empty(),
            "make sim SEED={seed} ({what}): {:?}",
            outcome.violations
        );
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..40 {
        let (scenario, faults) = (Scenario::random(seed), Faults::random(seed));
        let (first, second) = (
            run_traced(seed, &scenario, &faults),
            run_traced(seed, &scenario, &faults),
        );
        if first.trace_hash != second.trace_hash {
            let differs = first.trace.iter().zip(&second.trace).find(|(a, b)| a != b);
            panic!("seed {seed} gives two traces: {differs:#?}");
        }
    }
}
