//! The replays of many calls, summed up: how many would have gone differently, where, and how often each way.
//!
//! A [`Finding`] is what one replay adds: small, made on the thread that replayed. [`Comparison`] folds findings, in
//! any order, into groups of equal divergences, so that memory does not grow with the number of calls.

use std::collections::HashMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::{Difference, Node, Side, diff};
use super::{Did, Divergence, ReplayEnd, ReplayReport};
use crate::journal::RecordedJournal;
use crate::op::Op;
use crate::run::End;

/// Groups that are told apart; what would be one more is counted in [`Comparison::ungrouped`].
const GROUPS_MAX: usize = 1_000;
/// Calls that could not be replayed and are named; the rest is counted.
const UNREAD_MAX: usize = 100;
/// Parts of a request that differ and are named in a group.
const CHANGED_MAX: usize = 8;
/// How much of the words of an end tells groups apart.
const WORDS_MAX: usize = 200;

/// What a replay came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It went the recorded way, to the recorded hash.
    Same,
    /// It asked for something else, or ended otherwise.
    Different,
    /// It trapped, went over its budget or could not be started, where the record did not.
    Failed,
}

/// What one call's replay found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    verdict: Verdict,
    steps: u64,
    lasted: Duration,
    /// Where and how it differs; none where it does not.
    differs: Option<(Kind, Difference)>,
}

/// What makes two divergences equal: the place in the scenario, what was done then and now, and which parts of an
/// otherwise equal request differ. Numbers, texts and the step's number may be another in each call.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    verdict: Verdict,
    node: Option<Node>,
    recorded: String,
    replayed: String,
    changed: Vec<String>,
}

/// Many calls, replayed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// How many were looked at.
    pub calls: u64,
    /// Went as recorded.
    pub same: u64,
    /// Would have gone differently.
    pub different: u64,
    /// Trapped, went over budget or were refused.
    pub failed: u64,
    /// Have no journal: it was removed for its age, or never kept.
    pub missing: u64,
    /// Have a journal, or ran a version, that cannot be read.
    pub unreadable: u64,
    /// Host calls replayed.
    pub steps: u64,
    /// How long the replayed calls' scenarios ran when they were recorded, in milliseconds, all together.
    pub recorded_ms: u64,
    /// The ways in which calls differ, the most frequent first once [sorted](Self::sort).
    pub groups: Vec<Group>,
    /// Calls that differ in still other ways.
    pub ungrouped: u64,
    /// The first calls that could not be read, and why.
    pub unread: Vec<Unread>,
    #[serde(skip)]
    places: Places,
}

/// Where a kind is among the groups. A lookup, not a part of the result.
#[derive(Debug, Clone, Default)]
struct Places(HashMap<Kind, usize>);

impl PartialEq for Places {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Places {}

/// Calls that differ in one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// How many.
    pub calls: u64,
    /// [`Verdict::Different`] or [`Verdict::Failed`].
    pub verdict: Verdict,
    /// The trace step in force.
    pub node: Option<Node>,
    /// The lowest number of the host call at which they differ.
    pub step_least: u32,
    /// The highest.
    pub step_most: u32,
    /// What was done then, in words without arguments: `leg.play`, `trace.step main`, `ended: returned`.
    pub recorded: String,
    /// What is done now.
    pub replayed: String,
    /// Where both ask for the same function: which of its parameters differ, eight at most.
    pub changed: Vec<String>,
    /// One of the calls.
    pub example_call: String,
    /// What it did there, both sides.
    pub example: Difference,
}

/// A call that could not be replayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// Its identifier.
    pub call: String,
    /// What is wrong, in words.
    pub why: String,
}

impl Finding {
    /// What `report`, a replay of `recorded` in which no answer was changed, found.
    pub fn of(recorded: &RecordedJournal, report: &ReplayReport) -> Self {
        let verdict = verdict(recorded, report);
        let differs = (verdict != Verdict::Same).then(|| {
            let example = example(recorded, report);
            (kind(verdict, report, &example), example)
        });
        Self {
            verdict,
            steps: report.steps.len() as u64,
            lasted: Duration::from_millis(recorded.entries.last().map_or(0, |last| last.at_ms)),
            differs,
        }
    }

    /// What it came to.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }
}

fn verdict(recorded: &RecordedJournal, report: &ReplayReport) -> Verdict {
    match &report.divergence {
        None if matches!(report.end, ReplayEnd::Refused(_)) => Verdict::Failed,
        None if report.agrees_with(recorded) => Verdict::Same,
        Some(Divergence {
            replayed: Did::Ended(End::Trapped { .. } | End::OverBudget(_) | End::Refused(_)),
            ..
        }) => Verdict::Failed,
        None | Some(_) => Verdict::Different,
    }
}

/// The two sides where they part. A replay that was refused, or that came to another hash on the same way, has none:
/// its end stands for it.
fn example(recorded: &RecordedJournal, report: &ReplayReport) -> Difference {
    let parted = report.divergence.as_ref().and_then(|divergence| {
        let rows = diff(recorded, report);
        rows.into_iter().find(|row| row.step == divergence.index.0)
    });
    parted.unwrap_or_else(|| Difference {
        step: report.steps.last().map_or(0, |step| step.index.0),
        node: None,
        recorded: None,
        replayed: match &report.end {
            ReplayEnd::Refused(why) => Some(Side::Ended(End::Refused(why.clone()))),
            ReplayEnd::Scenario(end) => Some(Side::Ended(end.clone())),
            ReplayEnd::Until(_) | ReplayEnd::JournalEnds(_) | ReplayEnd::Diverged => None,
        },
    })
}

fn kind(verdict: Verdict, report: &ReplayReport, example: &Difference) -> Kind {
    let in_words = |side: Option<&Side>| side.map_or_else(|| "the same".to_owned(), words);
    let changed = match &report.divergence {
        Some(Divergence {
            recorded: Did::Asked(then),
            replayed: Did::Asked(now),
            ..
        }) if then.name() == now.name() => changed(then, now),
        Some(_) | None => Vec::new(),
    };
    Kind {
        verdict,
        node: example.node.clone(),
        recorded: in_words(example.recorded.as_ref()),
        replayed: in_words(example.replayed.as_ref()),
        changed,
    }
}

fn words(side: &Side) -> String {
    let text = match side {
        Side::Asked {
            request: Op::Step { id, .. },
            name,
            ..
        } => format!("{name} {id}"),
        Side::Asked { name, .. } => name.clone(),
        Side::Ended(End::Returned) => "ended: returned".to_owned(),
        Side::Ended(End::Failed(text)) => format!("ended: returned the error {text}"),
        Side::Ended(End::Trapped { message, .. }) => format!("ended: trapped: {message}"),
        // Behind the colon are figures.
        Side::Ended(End::OverBudget(limit)) => {
            format!(
                "ended: over budget: {}",
                limit.split(':').next().unwrap_or_default()
            )
        }
        Side::Ended(End::CallOver) => "ended: the call was over".to_owned(),
        Side::Ended(End::Refused(why)) => format!("refused: {why}"),
        Side::Ended(End::Diverged(how)) => format!("ended: diverged: {how}"),
    };
    text.chars().take(WORDS_MAX).collect()
}

/// Which parameters of two requests of one function differ: `options.timeout_ms`, `prompts[0]`.
fn changed(then: &Op, now: &Op) -> Vec<String> {
    /// The parameters alone: around them is the variant's name.
    fn parameters(op: &Op) -> Value {
        match serde_json::to_value(op) {
            Ok(Value::Object(object)) if object.len() == 1 => {
                object.into_iter().next().map_or(Value::Null, |(_, inner)| inner)
            }
            Ok(value) => value,
            Err(_) => Value::Null,
        }
    }
    let mut paths = Vec::new();
    differing(&parameters(then), &parameters(now), "", &mut paths);
    paths.truncate(CHANGED_MAX);
    paths
}

/// Requests are at most a few levels deep: their types are.
fn differing(then: &Value, now: &Value, path: &str, paths: &mut Vec<String>) {
    match (then, now) {
        (Value::Object(then), Value::Object(now)) if then.keys().eq(now.keys()) => {
            for ((name, then), now) in then.iter().zip(now.values()) {
                let dot = if path.is_empty() { "" } else { "." };
                differing(then, now, &format!("{path}{dot}{name}"), paths);
            }
        }
        (Value::Array(then), Value::Array(now)) if then.len() == now.len() => {
            for (place, (then, now)) in then.iter().zip(now).enumerate() {
                differing(then, now, &format!("{path}[{place}]"), paths);
            }
        }
        (then, now) if then == now => (),
        _ => paths.push(path.to_owned()),
    }
}

impl Comparison {
    /// Adds a call that was replayed.
    pub fn add(&mut self, call: &str, finding: Finding) {
        self.calls += 1;
        self.steps += finding.steps;
        self.recorded_ms += u64::try_from(finding.lasted.as_millis()).unwrap_or(u64::MAX);
        match finding.verdict {
            Verdict::Same => self.same += 1,
            Verdict::Different => self.different += 1,
            Verdict::Failed => self.failed += 1,
        }
        if let Some((kind, example)) = finding.differs {
            self.group(call, kind, example);
        }
    }

    /// Adds a call that has no journal.
    pub fn add_missing(&mut self) {
        self.calls += 1;
        self.missing += 1;
    }

    /// Adds a call that could not be replayed.
    pub fn add_unreadable(&mut self, call: &str, why: String) {
        self.calls += 1;
        self.unreadable += 1;
        if self.unread.len() < UNREAD_MAX {
            self.unread.push(Unread {
                call: call.to_owned(),
                why,
            });
        }
    }

    /// Puts the most frequent groups first.
    pub fn sort(&mut self) {
        self.groups.sort_by_key(|group| std::cmp::Reverse(group.calls));
        self.places.0.clear();
    }

    /// Whether no call that was replayed differs.
    pub fn is_same(&self) -> bool {
        self.different == 0 && self.failed == 0
    }

    fn group(&mut self, call: &str, kind: Kind, example: Difference) {
        let known = self
            .places
            .0
            .get(&kind)
            .and_then(|place| self.groups.get_mut(*place));
        if let Some(group) = known {
            group.calls += 1;
            group.step_least = group.step_least.min(example.step);
            group.step_most = group.step_most.max(example.step);
            return;
        }
        if self.groups.len() >= GROUPS_MAX {
            self.ungrouped += 1;
            return;
        }
        self.places.0.insert(kind.clone(), self.groups.len());
        self.groups.push(Group {
            calls: 1,
            verdict: kind.verdict,
            node: kind.node,
            step_least: example.step,
            step_most: example.step,
            recorded: kind.recorded,
            replayed: kind.replayed,
            changed: kind.changed,
            example_call: call.to_owned(),
            example,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{DialOptions, LegId, Prompt, Strategy, Target};

    fn dial(user: &str, timeout_ms: u32) -> Op {
        Op::Dial {
            caller: LegId(0),
            targets: vec![Target::User(user.to_owned())],
            options: DialOptions {
                strategy: Strategy::Parallel,
                timeout_ms,
                caller_id: None,
                ringback: true,
            },
        }
    }

    fn finding(kind: Kind, step: u32) -> Finding {
        let example = Difference {
            step,
            node: None,
            recorded: None,
            replayed: None,
        };
        Finding {
            verdict: kind.verdict,
            steps: 3,
            lasted: Duration::from_secs(2),
            differs: Some((kind, example)),
        }
    }

    fn different(replayed: &str) -> Kind {
        Kind {
            verdict: Verdict::Different,
            node: None,
            recorded: "leg.play".to_owned(),
            replayed: replayed.to_owned(),
            changed: Vec::new(),
        }
    }

    #[test]
    fn parameters_that_differ_are_named() {
        assert_eq!(
            changed(&dial("302", 20_000), &dial("302", 30_000)),
            ["options.timeout_ms"]
        );
        assert_eq!(
            changed(&dial("302", 1), &dial("303", 2)),
            ["options.timeout_ms", "targets[0].User"]
        );
        let play = |prompts| Op::Play {
            leg: LegId(0),
            prompts,
        };
        let one = vec![Prompt::Silence(1)];
        assert_eq!(changed(&play(one.clone()), &play(Vec::new())), ["prompts"]);
        assert_eq!(changed(&play(one.clone()), &play(one)), [""; 0]);
    }

    #[test]
    fn equal_divergences_are_one_line_with_a_count_and_an_example() {
        let mut comparison = Comparison::default();
        for number in 0..1_000_u32 {
            comparison.add(
                &format!("call-{number}"),
                finding(different("leg.answer"), 7 + number % 2),
            );
        }
        comparison.add("call-x", finding(different("leg.hang-up"), 3));
        comparison.sort();
        let lines: Vec<_> = comparison
            .groups
            .iter()
            .map(|group| {
                (
                    group.calls,
                    group.step_least,
                    group.step_most,
                    group.example_call.as_str(),
                )
            })
            .collect();
        assert_eq!(lines, [(1_000, 7, 8, "call-0"), (1, 3, 3, "call-x")]);
        assert_eq!((comparison.calls, comparison.different), (1_001, 1_001));
        assert_eq!(comparison.recorded_ms, 2_002_000);
        assert!(!comparison.is_same());
    }

    #[test]
    fn groups_and_unread_calls_are_bounded() {
        let mut comparison = Comparison::default();
        for number in 0..GROUPS_MAX + 5 {
            comparison.add("c", finding(different(&number.to_string()), 1));
            comparison.add_unreadable("c", "cut".to_owned());
        }
        assert_eq!((comparison.groups.len(), comparison.ungrouped), (GROUPS_MAX, 5));
        assert_eq!(
            (comparison.unread.len(), comparison.unreadable),
            (UNREAD_MAX, GROUPS_MAX as u64 + 5)
        );
    }

    #[test]
    fn a_comparison_comes_back_from_json() {
        let mut comparison = Comparison::default();
        comparison.add("c", finding(different("leg.answer"), 1));
        comparison.add_missing();
        let text = serde_json::to_string(&comparison).unwrap();
        assert_eq!(serde_json::from_str::<Comparison>(&text).unwrap(), comparison);
    }
}
