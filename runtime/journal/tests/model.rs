//! Random batches and random ends: what is read back is what was committed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod kit;

use kit::{Chance, Map, Model, open, small};
use tandem_journal::{Batch, Death, Durability, Fault, Log, Options, Problem, SimDisk};

/// One life after the other of a log on one disk.
struct Run {
    seed: u64,
    chance: Chance,
    disk: SimDisk,
    options: Options,
    model: Model,
    /// The map after each batch since the last one that is sure to be kept.
    boundaries: Vec<Map>,
}

impl Run {
    fn new(seed: u64, durability: Durability) -> Self {
        Self {
            seed,
            chance: Chance::new(seed),
            disk: SimDisk::new(seed),
            options: small(Options {
                durability,
                ..Options::default()
            }),
            model: Model::default(),
            boundaries: vec![Map::new()],
        }
    }

    /// Commits until the process ends, somewhere. What returned is kept in `boundaries` alone.
    fn live(&mut self, log: &mut Log<SimDisk>, commits: u64, sure: bool) {
        let mut batch = Batch::new();
        for _ in 0..commits {
            self.model.tidy(log, &mut batch, 2);
            self.model.change(&mut batch, &mut self.chance);
            let committed = log.commit(&mut batch);
            if committed.is_ok() && sure {
                self.boundaries.clear();
            }
            self.boundaries.push(self.model.map.clone());
            if committed.is_err() {
                return;
            }
        }
    }

    /// The log is read after a crash; the model goes on from what it says.
    fn check(&mut self, opened: &tandem_journal::Opened, life: u64) {
        let context = format!("seed {} life {life}: {:?}", self.seed, opened.problems);
        assert!(
            self.boundaries.contains(&opened.map),
            "{context}: no boundary: {:?}",
            opened.map
        );
        self.model.map.clone_from(&opened.map);
        self.boundaries = vec![opened.map.clone()];
    }
}

#[test]
fn commits_survive_the_end_of_the_process_at_any_byte() {
    for seed in 0..400 {
        let mut run = Run::new(
            seed,
            if seed % 2 == 0 {
                Durability::Flush
            } else {
                Durability::Sync
            },
        );
        for life in 0..8 {
            let (mut log, opened) = open(run.disk.clone(), run.options);
            run.check(&opened, life);
            let ordinary = |problem: &Problem| matches!(problem, Problem::TornTail { .. });
            assert!(
                opened.problems.iter().all(ordinary),
                "seed {seed}: {:?}",
                opened.problems
            );
            run.disk.die_after(run.chance.below(6_000));
            run.live(&mut log, 60, true);
            run.disk.crash(Death::Process);
        }
    }
}

#[test]
fn synced_commits_survive_power_loss() {
    for seed in 0..400 {
        let mut run = Run::new(seed, Durability::Sync);
        for life in 0..8 {
            let (mut log, opened) = open(run.disk.clone(), run.options);
            run.check(&opened, life);
            run.disk.die_after(run.chance.below(6_000));
            run.live(&mut log, 60, true);
            run.disk.crash(Death::Power);
        }
    }
}

#[test]
fn power_loss_while_opening_loses_nothing_synced() {
    for seed in 0..400 {
        let mut run = Run::new(seed, Durability::Sync);
        for life in 0..12 {
            run.disk.die_after(run.chance.below(40));
            if let Ok((_, opened)) = Log::open(run.disk.clone(), run.options)
                && opened.unwritable.is_none()
            {
                run.check(&opened, life);
            }
            run.disk.crash(Death::Power);
            let (mut log, opened) = open(run.disk.clone(), run.options);
            run.check(&opened, life);
            run.disk.die_after(run.chance.below(2_000));
            run.live(&mut log, 60, true);
            run.disk.crash(if run.chance.below(2) == 0 {
                Death::Power
            } else {
                Death::Process
            });
        }
    }
}

/// As long as no segment was removed, what a flushed log loses to a power loss it names.
#[test]
fn flushed_commits_may_be_lost_with_the_power_but_nothing_is_invented() {
    for seed in 0..400 {
        let mut run = Run::new(seed, Durability::Flush);
        run.options.keep_bytes = 1 << 20;
        for life in 0..6 {
            let (mut log, opened) = open(run.disk.clone(), run.options);
            let context = format!("seed {seed} life {life}");
            run.model.assert_nothing_invented(&opened.map, &context);
            let gap = opened
                .problems
                .iter()
                .any(|p| matches!(p, Problem::Gap { .. } | Problem::LostBase { .. }));
            let dropped = opened.segments > 0 && run.disk.segments().first().is_some_and(|(n, _)| *n > 1);
            assert!(
                gap || dropped || run.boundaries.contains(&opened.map),
                "{context}: {:?}",
                opened.problems
            );
            run.model.map.clone_from(&opened.map);
            run.boundaries.push(opened.map);
            run.live(&mut log, 60, false);
            run.disk.crash(Death::Power);
        }
    }
}

/// Writes, syncs, cuts and the whole disk fail now and then; what a commit said holds.
#[test]
fn failed_commits_never_count_and_later_ones_do() {
    for seed in 0..400 {
        let durability = if seed % 2 == 0 {
            Durability::Flush
        } else {
            Durability::Sync
        };
        let mut run = Run::new(seed, durability);
        let (mut log, _) = open(run.disk.clone(), run.options);
        let mut batch = Batch::new();
        for step in 0..150 {
            let fault = match run.chance.below(12) {
                0 => Some(Fault::Broken),
                1 => Some(Fault::ReadOnly),
                2 => Some(Fault::Sync),
                3 => Some(Fault::Cut),
                _ => None,
            };
            run.disk.fail(fault);
            let room = run.chance.below(200);
            run.disk
                .limit((run.chance.below(6) == 0).then(|| run.disk.bytes() + room));
            let before = run.model.clone();
            run.model.tidy(&mut log, &mut batch, 2);
            run.model.change(&mut batch, &mut run.chance);
            let committed = log.commit(&mut batch);
            run.disk.fail(None);
            run.disk.limit(None);
            if committed.is_err() {
                // Half of them are tried again, half are given up.
                if run.chance.below(2) == 0 {
                    log.commit(&mut batch).unwrap();
                } else {
                    batch.clear();
                    run.model.map = before.map;
                    // Given up, but its bytes may be there until the next commit.
                    continue;
                }
            }
            if run.chance.below(8) == 0 {
                drop(log);
                run.disk.crash(if durability == Durability::Sync {
                    Death::Power
                } else {
                    Death::Process
                });
                let opened;
                (log, opened) = open(run.disk.clone(), run.options);
                assert_eq!(
                    opened.map, run.model.map,
                    "seed {seed} step {step}: {:?}",
                    opened.problems
                );
            }
        }
    }
}
