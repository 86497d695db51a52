//! `--set N=VALUE`: another answer than the recorded one.

use tandem_host_api::op::{CollectEnd, Collected};
use tandem_host_api::{Entry, Op, OpIndex, Outcome, RecordedJournal};

use crate::cli::Failure;

/// `N=VALUE` as the outcome that takes the place of the recorded one.
pub(super) fn answer(recorded: &RecordedJournal, text: &str) -> Result<(OpIndex, Outcome), Failure> {
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
