//! The call logic's side: how far each lane has come.

use std::collections::BTreeMap;

use super::{Cursor, GateHello, Lane, LogicHello};

#[derive(Debug, Clone, Copy)]
struct Progress {
    instance: u64,
    taken: u64,
    /// What is committed; never more than `taken`.
    committed: u64,
}

/// What was taken from one gate, and what of it is committed.
///
/// The two differ: after a lost connection the gate sends again what is not committed, and what was taken already is
/// refused here; but should this process end too, the next one still gets it.
#[derive(Debug, Default)]
pub struct Taken {
    /// The gate that was met last.
    instance: u64,
    lanes: BTreeMap<Lane, Option<Progress>>,
}

impl Taken {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a lane known, with the cursor that was committed last. Call it for every lane before the first connection.
    pub fn restore(&mut self, lane: Lane, committed: Option<Cursor>) {
        let progress = committed.map(|Cursor { instance, number }| Progress {
            instance,
            taken: number,
            committed: number,
        });
        self.lanes.insert(lane, progress);
    }

    /// What to say to the gate.
    pub fn hello(&self, shards: u16) -> LogicHello {
        let cursor = |(lane, progress): (&Lane, &Option<Progress>)| {
            let Progress {
                instance, committed, ..
            } = (*progress)?;
            let number = committed;
            Some((*lane, Cursor { instance, number }))
        };
        LogicHello {
            shards,
            cursors: self.lanes.iter().filter_map(cursor).collect(),
        }
    }

    /// Takes the gate's hello. Gives the lanes that knew another instance, or none: what they had in that gate is gone,
    /// and they begin anew. They should commit [`Cursor`] `{instance, number: 0}`, so that the next process knows too.
    pub fn greet(&mut self, hello: &GateHello) -> Vec<Lane> {
        self.instance = hello.instance;
        let mut fresh = Vec::new();
        for (lane, progress) in &mut self.lanes {
            if progress.is_none_or(|progress| progress.instance != hello.instance) {
                *progress = Some(Progress {
                    instance: hello.instance,
                    taken: 0,
                    committed: 0,
                });
                fresh.push(*lane);
            }
        }
        fresh
    }

    /// Takes an item's number; the cursor to commit with what follows from it. None: it was taken before. A lane that
    /// was not known becomes so.
    #[must_use]
    pub fn take(&mut self, lane: Lane, number: u64) -> Option<Cursor> {
        let instance = self.instance;
        let nothing = Progress {
            instance,
            taken: 0,
            committed: 0,
        };
        let progress = self.lanes.entry(lane).or_default().get_or_insert(nothing);
        if number <= progress.taken {
            return None;
        }
        progress.taken = number;
        Some(Cursor { instance, number })
    }

    /// A lane has committed; true: the gate is to be told. What is older, or of another instance, is no news.
    #[must_use]
    pub fn commit(&mut self, lane: Lane, cursor: Cursor) -> bool {
        let Some(Some(progress)) = self.lanes.get_mut(&lane) else {
            return false;
        };
        let news = progress.instance == cursor.instance
            && (progress.committed + 1..=progress.taken).contains(&cursor.number);
        if news {
            progress.committed = cursor.number;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Role;

    fn hello(instance: u64) -> GateHello {
        GateHello {
            role: Role::SipGate,
            instance,
            held: Vec::new(),
        }
    }

    #[test]
    fn what_was_taken_is_refused_but_only_what_is_committed_is_said() {
        let mut taken = Taken::new();
        taken.restore(
            Lane(0),
            Some(Cursor {
                instance: 9,
                number: 4,
            }),
        );
        assert!(taken.greet(&hello(9)).is_empty());
        assert_eq!(taken.take(Lane(0), 4), None);
        assert_eq!(
            taken.take(Lane(0), 5),
            Some(Cursor {
                instance: 9,
                number: 5
            })
        );
        assert_eq!(taken.take(Lane(0), 5), None);
        // One that is left out was dropped by the gate.
        assert_eq!(
            taken.take(Lane(0), 7),
            Some(Cursor {
                instance: 9,
                number: 7
            })
        );
        assert_eq!(
            taken.hello(1).cursors,
            [(
                Lane(0),
                Cursor {
                    instance: 9,
                    number: 4
                }
            )]
        );

        assert!(taken.commit(
            Lane(0),
            Cursor {
                instance: 9,
                number: 5
            }
        ));
        assert!(!taken.commit(
            Lane(0),
            Cursor {
                instance: 9,
                number: 5
            }
        ));
        assert!(!taken.commit(
            Lane(0),
            Cursor {
                instance: 8,
                number: 7
            }
        ));
        assert!(!taken.commit(
            Lane(0),
            Cursor {
                instance: 9,
                number: 8
            }
        ));
        assert_eq!(
            taken.hello(1).cursors,
            [(
                Lane(0),
                Cursor {
                    instance: 9,
                    number: 5
                }
            )]
        );
    }

    #[test]
    fn a_new_gate_begins_each_lane_that_knew_another() {
        let mut taken = Taken::new();
        taken.restore(
            Lane(0),
            Some(Cursor {
                instance: 1,
                number: 4,
            }),
        );
        taken.restore(
            Lane(1),
            Some(Cursor {
                instance: 2,
                number: 6,
            }),
        );
        taken.restore(Lane::REGISTRAR, None);
        assert_eq!(taken.greet(&hello(2)), [Lane(0), Lane::REGISTRAR]);
        assert!(taken.greet(&hello(2)).is_empty());
        assert!(taken.take(Lane(0), 1).is_some());
        assert!(taken.take(Lane(1), 6).is_none());
        assert!(taken.take(Lane(7), 1).is_some());
        assert!(taken.take(Lane(7), 1).is_none());
    }
}
