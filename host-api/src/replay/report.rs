//! What a replay found, as it is shown: plain data, the same on the command line (`--json`) and for whoever serves it.
//! `docs/replay.md` describes it field by field.
//!
//! The diff has what is known and nothing else: answers that were [set](super::ReplayOptions::set), the first request
//! that is not the recorded one, and what the record has from there on. What the scenario would have been answered
//! there nobody knows, so the replayed side ends at that request.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Did, Divergence, ReplayEnd, ReplayReport, ReplayStep};
use crate::journal::{HostCall, Record, RecordedJournal};
use crate::op::{Op, Outcome};
use crate::run::End;

/// A replay against its call's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The call's identifier.
    pub call: String,
    /// The domain's name.
    pub domain: String,
    /// The version that the call ran, by its hash.
    pub scenario_hash: String,
    /// The version that was replayed.
    pub replayed_scenario_hash: String,
    /// All host calls of the replay, in order; the last one may be the one that diverged.
    pub steps: Vec<Step>,
    /// Why the replay stopped, in words.
    pub end: String,
    /// The record's rolling hash, in hexadecimal.
    pub recorded_hash: String,
    /// The replay's.
    pub replayed_hash: String,
    /// Whether the two are equal.
    pub same_hash: bool,
    /// Whether the replay left the record: it asked for something else, ended otherwise, or, where nothing was changed,
    /// came to another hash.
    pub diverged: bool,
    /// Where it left the record, if it did.
    pub divergence: Option<Parting>,
    /// Where the two differ, side by side, in the order of steps.
    pub diff: Vec<Difference>,
    /// Where the call's fall-back took over, if the replay came so far.
    #[serde(default)]
    pub fallback: Option<TakenOver>,
}

/// Where a call went over to its fall-back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// The fall-back's scenario.
    pub scenario: String,
    /// Its version, by its hash.
    pub scenario_hash: String,
    /// Its steps are those after this one.
    pub after_step: u32,
    /// Whether they were replayed too. They are not beside another version of the scenario that failed.
    pub replayed: bool,
}

/// One host call of a replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number in the call, from 1.
    pub step: u32,
    /// The number of the `trace.step` that it belongs to; 0 before the first.
    pub parent: u32,
    /// When it was asked for, in milliseconds since the call began.
    pub at_ms: u64,
    /// When it was answered.
    pub ended_ms: Option<u64>,
    /// The trace step that it belongs to.
    pub node: Option<Node>,
    /// The WIT function: `leg.play`.
    pub name: String,
    /// What was asked.
    pub request: Op,
    /// What was answered; none where the call was over first.
    pub outcome: Option<Outcome>,
    /// BLAKE3 of all linear memory when it was asked, in hexadecimal, where that was wanted.
    pub memory_hash: Option<String>,
}

/// A trace step.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Node {
    /// As the scenario calls it.
    pub id: String,
    /// For people.
    pub name: String,
}

/// Where a replay left the record, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parting {
    /// The host call's number.
    pub step: u32,
    /// What the record has there.
    pub recorded: String,
    /// What the replay did there.
    pub replayed: String,
}

/// A place at which record and replay differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The host call's number; of an end, the number that the next one would have had.
    pub step: u32,
    /// The trace step in force there.
    pub node: Option<Node>,
    /// What the record has; none: nothing, it ends before.
    pub recorded: Option<Side>,
    /// What the replay did; none: it had ended before, because what it would have been answered is not known.
    pub replayed: Option<Side>,
}

/// What one of the two did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "two of them are made in a replay")]
pub enum Side {
    /// It made a host call.
    Asked {
        /// The WIT function.
        name: String,
        /// What was asked.
        request: Op,
        /// What was answered; none: nothing, or it is not known.
        outcome: Option<Outcome>,
    },
    /// The scenario ended.
    Ended(End),
}

impl Side {
    fn asked(op: &Op, outcome: Option<&Outcome>) -> Self {
        Self::Asked {
            name: op.name().to_owned(),
            request: op.clone(),
            outcome: outcome.cloned(),
        }
    }

    fn recorded(call: &HostCall) -> Self {
        Self::asked(&call.op, call.outcome.as_ref().map(|(_, outcome)| outcome))
    }
}

impl From<&Did> for Side {
    fn from(did: &Did) -> Self {
        match did {
            Did::Asked(op) => Self::asked(op, None),
            Did::Ended(end) => Self::Ended(end.clone()),
        }
    }
}

impl Report {
    /// What `report` says of a replay of `recorded` with the version `replayed_hash`. `changed`: an answer or the
    /// version was changed, or the replay was to stop early; only then may hashes differ for no other reason.
    pub fn new(
        recorded: &RecordedJournal,
        replayed_scenario_hash: &str,
        changed: bool,
        report: &ReplayReport,
    ) -> Self {
        let same_hash = recorded.rolling_hash == report.rolling_hash;
        let header = &recorded.header;
        Self {
            call: header.call.clone(),
            domain: header.domain.clone(),
            scenario_hash: header.module_hash.clone(),
            replayed_scenario_hash: replayed_scenario_hash.to_owned(),
            steps: report.steps.iter().map(Step::from).collect(),
            end: report.end.to_string(),
            recorded_hash: hex(&recorded.rolling_hash),
            replayed_hash: hex(&report.rolling_hash),
            same_hash,
            diverged: report.divergence.is_some() || (!changed && !report.agrees_with(recorded)),
            divergence: report.divergence.as_ref().map(|divergence| Parting {
                step: divergence.index.0,
                recorded: divergence.recorded.to_string(),
                replayed: divergence.replayed.to_string(),
            }),
            diff: diff(recorded, report),
            fallback: report.fallback.as_ref().map(|fell_back| TakenOver {
                scenario: fell_back.scenario.clone(),
                scenario_hash: fell_back.module_hash.clone(),
                after_step: fell_back.after.0,
                replayed: fell_back.replayed,
            }),
        }
    }
}

impl ReplayReport {
    /// Whether the replay went the recorded way: nothing else was asked for, and the hash is the recorded one where the
    /// record goes to the end.
    pub(super) fn agrees_with(&self, recorded: &RecordedJournal) -> bool {
        let cut_short = matches!(self.end, ReplayEnd::JournalEnds(_))
            || self
                .fallback
                .as_ref()
                .is_some_and(|fell_back| !fell_back.replayed);
        self.divergence.is_none() && (cut_short || self.rolling_hash == recorded.rolling_hash)
    }
}

/// The host calls of a record in their order, as a replay that went the same way would show them. Errors: its entries do
/// not fit together; in words.
pub fn recorded_steps(recorded: &RecordedJournal) -> Result<Vec<Step>, String> {
    let (before, last) = Record::parts(recorded.entries.iter().cloned())?;
    let mut steps = Vec::new();
    for record in before.into_iter().map(|(record, _)| record).chain([last]) {
        let nodes = nodes(&record.calls);
        let mut parent = 0;
        for (call, node) in record.calls.into_iter().zip(nodes) {
            let (ended_ms, outcome) = call.outcome.unzip();
            let number = call.index.0;
            let names_step = matches!(call.op, Op::Step { .. });
            steps.push(Step {
                step: number,
                parent,
                at_ms: call.at_ms,
                ended_ms,
                node,
                name: call.op.name().to_owned(),
                request: call.op,
                outcome,
                memory_hash: None,
            });
            if names_step {
                parent = number;
            }
        }
    }
    Ok(steps)
}

impl From<&ReplayStep> for Step {
    fn from(step: &ReplayStep) -> Self {
        Self {
            step: step.index.0,
            parent: step.parent.0,
            at_ms: step.at_ms,
            ended_ms: step.ended_ms,
            node: step.node.clone().map(Node::from),
            name: step.op.name().to_owned(),
            request: step.op.clone(),
            outcome: step.outcome.clone(),
            memory_hash: step.memory_hash.map(|hash| hex(&hash)),
        }
    }
}

impl From<(String, String)> for Node {
    fn from((id, name): (String, String)) -> Self {
        Self { id, name }
    }
}

impl std::fmt::Display for ReplayEnd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scenario(end) => write!(f, "the scenario ended: {end:?}"),
            Self::Until(index) => write!(f, "stopped after step {index}"),
            Self::JournalEnds(words) | Self::Refused(words) => f.write_str(words),
            Self::Diverged => f.write_str("the scenario left the record"),
        }
    }
}

/// Where record and replay differ, side by side.
pub(super) fn diff(recorded: &RecordedJournal, report: &ReplayReport) -> Vec<Difference> {
    // A record whose entries do not fit together was refused before anything was replayed.
    let (before, last) = Record::parts(recorded.entries.iter().cloned()).unwrap_or_default();
    let parted = report.divergence.as_ref().map(|divergence| divergence.index);
    let came_far = report
        .fallback
        .as_ref()
        .is_some_and(|fell_back| fell_back.replayed);
    let mut record = Record::default();
    for (part, is_last) in before
        .into_iter()
        .map(|(part, _)| (part, false))
        .chain([(last, true)])
    {
        record.calls.extend(part.calls);
        // The end that the replayed side is compared with is that of the scenario which it left.
        if record.end.is_none() && (is_last || !came_far) {
            record.end = part.end;
        }
    }
    let nodes = nodes(&record.calls);
    let mut rows: Vec<_> = record
        .calls
        .iter()
        .zip(&report.steps)
        .zip(&nodes)
        .filter(|((call, step), _)| Some(step.index) != parted && answered_otherwise(call, step))
        .map(|((call, step), node)| Difference {
            step: step.index.0,
            node: node.clone(),
            recorded: Some(Side::recorded(call)),
            replayed: Some(Side::asked(&step.op, step.outcome.as_ref())),
        })
        .collect();
    if let Some(divergence) = &report.divergence {
        rows.extend(after_parting(divergence, &record, &nodes));
    }
    rows
}

fn answered_otherwise(call: &HostCall, step: &ReplayStep) -> bool {
    call.outcome.as_ref().map(|(_, outcome)| outcome) != step.outcome.as_ref()
}

/// The two sides at the divergence, then what the record has after it.
fn after_parting(divergence: &Divergence, record: &Record, nodes: &[Option<Node>]) -> Vec<Difference> {
    let place = |step: u32| record.calls.partition_point(|call| call.index.0 < step);
    let at = place(divergence.index.0);
    let row = |step: u32, recorded: Side, replayed: Option<Side>| Difference {
        step,
        node: nodes.get(place(step)).cloned().flatten(),
        recorded: Some(recorded),
        replayed,
    };
    let then = record
        .calls
        .get(at)
        .filter(|_| matches!(divergence.recorded, Did::Asked(_)))
        .map_or_else(|| Side::from(&divergence.recorded), Side::recorded);
    let mut rows = vec![row(
        divergence.index.0,
        then,
        Some(Side::from(&divergence.replayed)),
    )];
    let shown = usize::from(matches!(divergence.recorded, Did::Asked(_)));
    let later = record.calls.get(at + shown..).unwrap_or_default();
    rows.extend(
        later
            .iter()
            .map(|call| row(call.index.0, Side::recorded(call), None)),
    );
    if let (Some(end), Some(last)) = (&record.end, record.calls.last())
        && matches!(divergence.recorded, Did::Asked(_))
    {
        rows.push(row(last.index.next().0, Side::Ended(end.clone()), None));
    }
    rows
}

/// The trace step in force at each host call, and after the last one.
fn nodes(calls: &[HostCall]) -> Vec<Option<Node>> {
    let mut node = None;
    let mut nodes = Vec::with_capacity(calls.len() + 1);
    for call in calls {
        nodes.push(node.clone());
        if let Op::Step { id, name } = &call.op {
            node = Some(Node::from((id.clone(), name.clone())));
        }
    }
    nodes.push(node);
    nodes
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // A String takes all that is written to it.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
