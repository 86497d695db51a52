//! A call by the steps that its scenario named (`trace.step`): what the caller heard and pressed in each.

use std::time::Duration;

use tandem_host_api::journal::TimedEntry;
use tandem_host_api::{Entry, Input, LegId, Op};

use crate::exchange::Seen;

/// A step, from its beginning to that of the next, or to the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The step's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was entered, since the call began.
    pub from: Duration,
    /// When it was left.
    pub to: Duration,
    /// What the caller heard, in part or to its end.
    pub heard: Vec<String>,
    /// What the caller pressed.
    pub digits: String,
}

/// The steps of a call that `lasted` so long. What came before the first is in none.
pub(crate) fn of(entries: &[TimedEntry], seen: &Seen, lasted: Duration) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for TimedEntry { at_ms, entry } in entries {
        let at = Duration::from_millis(*at_ms);
        match entry {
            Entry::Started {
                op: Op::Step { id, name },
                ..
            } => {
                if let Some(before) = steps.last_mut() {
                    before.to = at;
                }
                steps.push(Step {
                    id: id.clone(),
                    name: name.clone(),
                    from: at,
                    to: lasted,
                    heard: Vec::new(),
                    digits: String::new(),
                });
            }
            Entry::Input(Input::Digit { leg: LegId(0), digit }) => {
                if let Some(step) = steps.last_mut() {
                    step.digits.push(*digit);
                }
            }
            _ => (),
        }
    }
    for (what, at) in seen.heard.iter().zip(&seen.heard_at) {
        // Of those that were entered at the same moment, all but the last took no time.
        if let Some(step) = steps.iter_mut().rfind(|step| step.from <= *at) {
            step.heard.push(what.clone());
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use tandem_host_api::OpIndex;

    use super::*;

    fn at(at_ms: u64, entry: Entry) -> TimedEntry {
        TimedEntry { at_ms, entry }
    }

    fn step(index: u32, id: &str) -> Entry {
        Entry::Started {
            index: OpIndex(index),
            parent: OpIndex(0),
            op: Op::Step {
                id: id.to_owned(),
                name: id.to_uppercase(),
            },
        }
    }

    #[test]
    fn what_is_heard_and_pressed_belongs_to_the_step_in_force() {
        let digit = Entry::Input(Input::Digit {
            leg: LegId(0),
            digit: '1',
        });
        let entries = [
            at(0, step(0, "set")),
            at(0, step(1, "menu")),
            at(1_500, digit),
            at(1_500, step(2, "bye")),
        ];
        let ms = Duration::from_millis;
        let seen = Seen {
            heard: ["Press 1.".to_owned(), "Goodbye.".to_owned()].into(),
            heard_at: [ms(0), ms(1_500)].into(),
            ..Seen::default()
        };
        let steps = of(&entries, &seen, ms(2_000));
        let [set, menu, bye] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!((set.to, set.heard.len()), (ms(0), 0));
        assert_eq!((menu.from, menu.to), (ms(0), ms(1_500)));
        assert_eq!((menu.heard[0].as_str(), menu.digits.as_str()), ("Press 1.", "1"));
        assert_eq!((bye.heard[0].as_str(), bye.to), ("Goodbye.", ms(2_000)));
        assert_eq!(bye.name, "BYE");
    }
}
