//! `tandem call replay`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use tandem_host_api::op::{CollectEnd, Collected};
use tandem_host_api::replay::ReplayEnd;
use tandem_host_api::{
    Entry, Op, OpIndex, Outcome, RecordedJournal, ReplayOptions, ReplayReport, ReplayStep, replay,
};
use tandem_store::{DomainScope, Store};

use super::{Context, Failure, call, scenario};
use crate::output::{self, Table};

/// How much of a request or an outcome a table shows.
const CELL_CHARACTERS: usize = 72;

/// Runs the scenario again, with the recorded answers in place of the world's: nothing outside is touched. Prints
/// each step; exits with 4 where the scenario does something else than it did then.
#[derive(Debug, Args)]
pub struct Replay {
    /// The call's identifier
    id: String,
    /// Answer step N with this instead: the digits of a collect step, the number or text of a step that gives one,
    /// or an outcome as `--json` shows it
    #[arg(long, value_name = "N=VALUE")]
    set: Vec<String>,
    /// Stop after this step
    #[arg(long, value_name = "N")]
    until: Option<u32>,
    /// Run this component instead of the version that the call ran
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Hash all linear memory at every step
    #[arg(long)]
    memory: bool,
}

impl Replay {
    pub(super) async fn run(
        &self,
        context: &Context,
        store: &Store,
        scope: &DomainScope,
    ) -> Result<(), Failure> {
        call::find(store, scope, &self.id).await?;
        let bytes = store.journal(scope, &self.id).await?;
        let bytes = bytes.ok_or_else(|| Failure::NotFound(format!("call {} has no journal", self.id)))?;
        let recorded = RecordedJournal::from_bytes(&bytes)
            .map_err(|error| Failure::Failed(format!("the journal of {}: {error}", self.id)))?;
        let component = match &self.module {
            Some(path) => {
                std::fs::read(path).map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?
            }
            None => store.module_bytes(scope, &recorded.header.module_hash).await?,
        };
        let engine = scenario::engine()?;
        let module = engine
            .load(&component)
            .map_err(|error| Failure::Failed(error.to_string()))?;
        let set = self
            .set
            .iter()
            .map(|text| answer(&recorded, text))
            .collect::<Result<Vec<_>, _>>()?;
        let changed = !set.is_empty() || self.until.is_some() || self.module.is_some();
        let options = ReplayOptions {
            set,
            until: self.until.map(OpIndex),
            memory_hashes: self.memory,
        };
        let report = replay(&engine, &module, &recorded, options);
        if let ReplayEnd::Refused(why) = &report.end {
            return Err(Failure::Failed(why.clone()));
        }
        let verdict = Verdict::of(&recorded, &report, changed);
        if context.json {
            let shown = self.as_json(&recorded, &report, &verdict)?;
            output::write(&format!("{}\n", serde_json::to_string_pretty(&shown)?))?;
        } else {
            output::print(false, &(), || self.table(&report))?;
            output::write(&format!("{}\n", verdict.lines.join("\n")))?;
        }
        if verdict.diverged {
            return Err(Failure::Diverged("the replay left the record".to_owned()));
        }
        Ok(())
    }

    fn table(&self, report: &ReplayReport) -> Table {
        let empty = "the scenario asked for nothing";
        let memory = |step: &ReplayStep| step.memory_hash.map(|hash| hex(&hash)).unwrap_or_default();
        let mut table = if self.memory {
            Table::new(["STEP", "AT", "NODE", "REQUEST", "OUTCOME", "MEMORY"], empty)
        } else {
            Table::new(["STEP", "AT", "NODE", "REQUEST", "OUTCOME"], empty)
        };
        for step in &report.steps {
            let node = step
                .node
                .as_ref()
                .map(|(id, name)| format!("{id} ({name})"))
                .unwrap_or_default();
            let outcome = step.outcome.as_ref().map_or_else(|| "-".to_owned(), brief);
            let request = format!("{} {}", step.op.name(), brief(&step.op));
            let cells = [
                step.index.to_string(),
                seconds(step.at_ms),
                node,
                request.trim().to_owned(),
                outcome,
            ];
            if self.memory {
                let [index, at, node, request, outcome] = cells;
                let hash = memory(step).chars().take(16).collect();
                table.row([index, at, node, request, outcome, hash]);
            } else {
                table.row(cells);
            }
        }
        table
    }

    fn as_json(
        &self,
        recorded: &RecordedJournal,
        report: &ReplayReport,
        verdict: &Verdict,
    ) -> Result<Value, serde_json::Error> {
        let mut steps = Vec::new();
        for step in &report.steps {
            let node = step
                .node
                .as_ref()
                .map(|(id, name)| json!({ "id": id, "name": name }));
            steps.push(json!({
                "step": step.index.0,
                "parent": step.parent.0,
                "at_ms": step.at_ms,
                "ended_ms": step.ended_ms,
                "node": node,
                "name": step.op.name(),
                "request": serde_json::to_value(&step.op)?,
                "outcome": serde_json::to_value(&step.outcome)?,
                "memory_hash": step.memory_hash.map(|hash| hex(&hash)),
            }));
        }
        let divergence = report.divergence.as_ref().map(|divergence| {
            json!({
                "step": divergence.index.0,
                "recorded": divergence.recorded.to_string(),
                "replayed": divergence.replayed.to_string(),
            })
        });
        Ok(json!({
            "call": self.id,
            "scenario_hash": recorded.header.module_hash,
            "steps": steps,
            "end": verdict.end,
            "recorded_hash": hex(&recorded.rolling_hash),
            "replayed_hash": hex(&report.rolling_hash),
            "same_hash": recorded.rolling_hash == report.rolling_hash,
            "divergence": divergence,
        }))
    }
}

/// What a replay comes to.
struct Verdict {
    end: String,
    lines: Vec<String>,
    diverged: bool,
}

impl Verdict {
    fn of(recorded: &RecordedJournal, report: &ReplayReport, changed: bool) -> Self {
        let end = match &report.end {
            ReplayEnd::Scenario(end) => format!("the scenario ended: {end:?}"),
            ReplayEnd::Until(index) => format!("stopped after step {index}"),
            ReplayEnd::JournalEnds(how) => how.clone(),
            ReplayEnd::Diverged => "the scenario left the record".to_owned(),
            ReplayEnd::Refused(why) => why.clone(),
        };
        let mut lines = vec![end.clone()];
        let (then, now) = (hex(&recorded.rolling_hash), hex(&report.rolling_hash));
        let same = then == now;
        if same {
            lines.push(format!("rolling hash {now}: as recorded"));
        } else {
            lines.push(format!("rolling hash {now}; recorded {then}"));
        }
        if let Some(divergence) = &report.divergence {
            lines.push(format!("diverged at step {}:", divergence.index));
            lines.push(format!("  recorded: {}", divergence.recorded));
            lines.push(format!("  replayed: {}", divergence.replayed));
        }
        // Where nothing was changed, an equal path must have an equal hash.
        let cut_short = matches!(report.end, ReplayEnd::JournalEnds(_));
        let diverged = report.divergence.is_some() || (!same && !changed && !cut_short);
        Self { end, lines, diverged }
    }
}

/// `N=VALUE` as the outcome that takes the place of the recorded one.
fn answer(recorded: &RecordedJournal, text: &str) -> Result<(OpIndex, Outcome), Failure> {
    let usage = |why: String| Failure::Usage(format!("--set {text}: {why}"));
    let (number, value) = text
        .split_once('=')
        .ok_or_else(|| usage("expected N=VALUE".to_owned()))?;
    let number = number
        .trim()
        .parse()
        .map(OpIndex)
        .map_err(|_| usage("N must be a step's number".to_owned()))?;
    let op = recorded.entries.iter().find_map(|timed| match &timed.entry {
        Entry::Started { index, op, .. } if *index == number => Some(op),
        _ => None,
    });
    let op = op.ok_or_else(|| usage(format!("the call has no step {number}")))?;
    let outcome = outcome_of(op, value).map_err(usage)?;
    if !op.accepts(&outcome) {
        return Err(usage(format!("{} cannot be answered so", op.name())));
    }
    Ok((number, outcome))
}

fn outcome_of(op: &Op, value: &str) -> Result<Outcome, String> {
    match op {
        Op::Collect { rule, .. } if !value.starts_with('{') => {
            let end_at = value.find(|digit| rule.terminators.contains(digit));
            let digits = value.get(..end_at.unwrap_or(value.len())).unwrap_or(value);
            if let Some(wrong) = digits.chars().find(|digit| !"0123456789*#ABCD".contains(*digit)) {
                return Err(format!("`{wrong}` is no digit"));
            }
            if digits.len() > rule.max as usize {
                return Err(format!("the step takes {} digits at most", rule.max));
            }
            let end = if end_at.is_some() {
                CollectEnd::Terminator
            } else if digits.len() == rule.max as usize {
                CollectEnd::Full
            } else {
                CollectEnd::Timeout
            };
            let complete = digits.len() >= rule.min as usize;
            Ok(Outcome::Collected(Ok(Collected {
                digits: digits.to_owned(),
                complete,
                end,
            })))
        }
        Op::NowMs | Op::Random if !value.starts_with('{') => value
            .parse()
            .map(Outcome::Number)
            .map_err(|_| "expected a number".to_owned()),
        Op::ConfigDocument | Op::ConfigEntryPoint | Op::ConfigDomain if !value.starts_with("{\"Text\"") => {
            Ok(Outcome::Text(value.to_owned()))
        }
        _ => serde_json::from_str(value)
            .map_err(|error| format!("expected an outcome of {} as --json shows it: {error}", op.name())),
    }
}

/// What a request or an outcome holds, short enough for a line.
fn brief<T: serde::Serialize>(value: &T) -> String {
    let text = match serde_json::to_value(value) {
        // The variant's name is told by the operation already.
        Ok(Value::Object(object)) if object.len() == 1 => object
            .into_iter()
            .next()
            .map(|(_, inner)| inner.to_string())
            .unwrap_or_default(),
        Ok(Value::String(name)) => name.to_lowercase(),
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    };
    if text.chars().count() <= CELL_CHARACTERS {
        return text;
    }
    let mut cut: String = text.chars().take(CELL_CHARACTERS - 1).collect();
    cut.push('…');
    cut
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}s", ms / 1_000, ms % 1_000)
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

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_host_api::LegId;
    use tandem_host_api::op::CollectRule;

    fn collect(max: u32) -> Op {
        let rule = CollectRule {
            prompts: Vec::new(),
            barge_in: true,
            min: 1,
            max,
            terminators: "#".to_owned(),
            first_digit_timeout_ms: 1,
            inter_digit_timeout_ms: 1,
        };
        Op::Collect { leg: LegId(0), rule }
    }

    fn collected(digits: &str, complete: bool, end: CollectEnd) -> Outcome {
        Outcome::Collected(Ok(Collected {
            digits: digits.to_owned(),
            complete,
            end,
        }))
    }

    #[test]
    fn digits_answer_a_collect_step_as_a_caller_would() {
        assert_eq!(
            outcome_of(&collect(1), "2"),
            Ok(collected("2", true, CollectEnd::Full))
        );
        assert_eq!(
            outcome_of(&collect(4), "12#"),
            Ok(collected("12", true, CollectEnd::Terminator))
        );
        assert_eq!(
            outcome_of(&collect(4), "12"),
            Ok(collected("12", true, CollectEnd::Timeout))
        );
        assert_eq!(
            outcome_of(&collect(4), ""),
            Ok(collected("", false, CollectEnd::Timeout))
        );
        assert!(outcome_of(&collect(1), "12").is_err());
        assert!(outcome_of(&collect(4), "x").is_err());
    }

    #[test]
    fn other_steps_take_numbers_texts_and_outcomes_as_shown() {
        assert_eq!(outcome_of(&Op::Random, "7"), Ok(Outcome::Number(7)));
        assert_eq!(
            outcome_of(&Op::ConfigDocument, "{}"),
            Ok(Outcome::Text("{}".to_owned()))
        );
        let played = serde_json::to_string(&Outcome::Leg(Ok(()))).unwrap();
        assert_eq!(
            outcome_of(&Op::Answer { leg: LegId(0) }, &played),
            Ok(Outcome::Leg(Ok(())))
        );
    }
}
