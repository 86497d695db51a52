//! Replays as tables.

use serde_json::Value;
use tandem_host_api::Outcome;
use tandem_host_api::replay::{Comparison, Difference, Group, Node, Report, Side};

use crate::output::Table;

/// How much of a request or an outcome a table shows.
const CELL_CHARACTERS: usize = 72;
/// The same in a table that shows two sides.
const SIDE_CHARACTERS: usize = 48;
/// Rows that a table shows of what only the record has; `--json` has all.
const ROWS_AFTER_MAX: usize = 20;
/// Groups that a table shows; `--json` has up to 1,000.
const GROUPS_MAX: usize = 50;
/// Calls that could not be read and are named.
const UNREAD_MAX: usize = 10;

/// A replay's steps.
pub(super) fn steps(report: &Report, memory: bool) -> Table {
    let empty = "the scenario asked for nothing";
    let mut table = if memory {
        Table::new(["STEP", "AT", "NODE", "REQUEST", "OUTCOME", "MEMORY"], empty)
    } else {
        Table::new(["STEP", "AT", "NODE", "REQUEST", "OUTCOME"], empty)
    };
    let mut fallback = report.fallback.as_ref().filter(|fallback| fallback.replayed);
    for step in &report.steps {
        if let Some(taken_over) = fallback.take_if(|fallback| step.step > fallback.after_step) {
            let hash: String = taken_over.scenario_hash.chars().take(12).collect();
            let none = String::new;
            let words = format!("the fall-back begins: {} {hash}", taken_over.scenario);
            if memory {
                table.row([none(), none(), none(), words, none(), none()]);
            } else {
                table.row([none(), none(), none(), words, none()]);
            }
        }
        let outcome = outcome(step.outcome.as_ref(), CELL_CHARACTERS);
        let request = format!("{} {}", step.name, brief(&step.request, CELL_CHARACTERS));
        let cells = [
            step.step.to_string(),
            seconds(step.at_ms),
            node(step.node.as_ref()),
            request.trim().to_owned(),
            outcome,
        ];
        if memory {
            let [index, at, node, request, outcome] = cells;
            let hash = step
                .memory_hash
                .iter()
                .flat_map(|hash| hash.chars())
                .take(16)
                .collect();
            table.row([index, at, node, request, outcome, hash]);
        } else {
            table.row(cells);
        }
    }
    table
}

/// How a replay ended, and whether that is the recorded way.
pub(super) fn verdict(report: &Report) -> String {
    let (then, now) = (&report.recorded_hash, &report.replayed_hash);
    let hash = if report.same_hash {
        format!("rolling hash {now}: as recorded")
    } else {
        format!("rolling hash {now}; recorded {then}")
    };
    let mut lines = vec![report.end.clone()];
    if let Some(fallback) = report.fallback.as_ref().filter(|fallback| !fallback.replayed) {
        lines.push(format!(
            "the fall-back {} {} took over after step {}; it is not replayed",
            fallback.scenario, fallback.scenario_hash, fallback.after_step
        ));
    }
    lines.push(hash);
    if let Some(parting) = &report.divergence {
        lines.push(format!("diverged at step {}:", parting.step));
        lines.push(format!("  recorded: {}", parting.recorded));
        lines.push(format!("  replayed: {}", parting.replayed));
    }
    format!("{}\n", lines.join("\n"))
}

/// The steps that differ, side by side.
pub(super) fn diff(rows: &[Difference]) -> Table {
    let mut table = Table::new(["STEP", "NODE", "RECORDED", "REPLAYED"], "no step differs");
    let mut after = 0;
    for row in rows {
        if row.replayed.is_none() {
            after += 1;
            if after > ROWS_AFTER_MAX {
                continue;
            }
        }
        table.row([
            row.step.to_string(),
            node(row.node.as_ref()),
            side(row.recorded.as_ref()),
            row.replayed
                .as_ref()
                .map_or_else(|| "(not known)".to_owned(), |replayed| side(Some(replayed))),
        ]);
    }
    if after > ROWS_AFTER_MAX {
        let more = format!("… {} more steps in the record", after - ROWS_AFTER_MAX);
        table.row([String::new(), String::new(), more, String::new()]);
    }
    table
}

/// The ways in which many calls differ.
pub(super) fn groups(comparison: &Comparison) -> Table {
    let columns = [
        "CALLS",
        "STEP",
        "NODE",
        "RECORDED",
        "REPLAYED",
        "DIFFERS IN",
        "EXAMPLE",
    ];
    let mut table = Table::new(columns, "no call differs");
    for group in comparison.groups.iter().take(GROUPS_MAX) {
        table.row([
            group.calls.to_string(),
            place(group),
            node(group.node.as_ref()),
            cut(&group.recorded, SIDE_CHARACTERS),
            cut(&group.replayed, SIDE_CHARACTERS),
            cut(&group.changed.join(", "), SIDE_CHARACTERS),
            group.example_call.clone(),
        ]);
    }
    table
}

/// What is left to say of many calls.
pub(super) fn summary(comparison: &Comparison, wall_s: f64) -> String {
    let more = comparison.groups.len().saturating_sub(GROUPS_MAX);
    let mut lines = Vec::new();
    if more > 0 || comparison.ungrouped > 0 {
        let calls: u64 = comparison
            .groups
            .iter()
            .skip(GROUPS_MAX)
            .map(|group| group.calls)
            .sum();
        lines.push(format!(
            "and {} calls in other ways; --json tells more",
            calls + comparison.ungrouped
        ));
    }
    for unread in comparison.unread.iter().take(UNREAD_MAX) {
        lines.push(format!("call {}: {}", unread.call, unread.why));
    }
    let Comparison {
        calls,
        same,
        different,
        failed,
        missing,
        unreadable,
        steps,
        recorded_ms,
        ..
    } = comparison;
    lines.push(format!(
        "{calls} calls: {same} same, {different} different, {failed} failed; {missing} without a journal, \
         {unreadable} unreadable"
    ));
    let recorded_s = *recorded_ms as f64 / 1_000.0;
    lines.push(format!(
        "{steps} steps, {} recorded, replayed in {wall_s:.3} s: {:.0} times real time",
        seconds(*recorded_ms),
        recorded_s / wall_s.max(0.000_001)
    ));
    format!("{}\n", lines.join("\n"))
}

fn place(group: &Group) -> String {
    if group.step_least == group.step_most {
        group.step_least.to_string()
    } else {
        format!("{}-{}", group.step_least, group.step_most)
    }
}

fn node(node: Option<&Node>) -> String {
    node.map(|node| format!("{} ({})", node.id, node.name))
        .unwrap_or_default()
}

fn side(side: Option<&Side>) -> String {
    match side {
        None => "-".to_owned(),
        Some(Side::Ended(end)) => cut(&format!("ended: {end:?}"), SIDE_CHARACTERS),
        Some(Side::Asked {
            name,
            request,
            outcome: answered,
        }) => {
            let request = format!("{name} {}", brief(request, SIDE_CHARACTERS));
            match answered {
                Some(_) => format!(
                    "{} → {}",
                    request.trim(),
                    outcome(answered.as_ref(), SIDE_CHARACTERS)
                ),
                None => request.trim().to_owned(),
            }
        }
    }
}

fn outcome(outcome: Option<&Outcome>, most: usize) -> String {
    outcome.map_or_else(|| "-".to_owned(), |outcome| brief(outcome, most))
}

/// What a request or an outcome holds, short enough for a line.
fn brief<T: serde::Serialize>(value: &T, most: usize) -> String {
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
    cut(&text, most)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(most - 1).collect();
    cut.push('…');
    cut
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}s", ms / 1_000, ms % 1_000)
}
