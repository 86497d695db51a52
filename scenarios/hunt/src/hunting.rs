//! Rings the members until one answers.

use std::collections::BTreeMap;

use crate::order::{Strategy, order};

/// Whom to ring, and how.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// Extensions, or numbers that lead to users: 1 to 16.
    pub members: &'a [String],
    /// In which order they ring.
    pub strategy: Strategy,
    /// How long a member rings, in seconds: 1 to 600. With [`Strategy::All`] the whole group does.
    pub ring_s: u32,
    /// The same for single members.
    pub member_ring_s: Option<&'a BTreeMap<String, u32>>,
    /// How long the caller waits at most, in seconds.
    pub whole_s: u32,
    /// How often the group is gone through while there is time.
    pub rounds: u32,
}

impl Plan<'_> {
    /// How long these ring, in seconds, where there is time.
    fn ring_s(&self, members: &[&str]) -> u32 {
        let own = match members {
            [one] => self.member_ring_s.and_then(|own| own.get(*one)),
            _ => None,
        };
        own.copied().unwrap_or(self.ring_s)
    }
}

/// What a hunt asks of the call and of the domain: the host in a guest, a script in tests.
pub trait Office {
    /// The time, in milliseconds.
    fn now_ms(&mut self) -> u64;
    /// A random number.
    fn chance(&mut self) -> u64;
    /// Whose turn it is: one more with each call of the group.
    fn turn(&mut self) -> u64;
    /// When the member took a call of the group, in milliseconds; 0: never.
    fn answered_ms(&mut self, member: &str) -> u64;
    /// Whether a phone of the member is registered.
    fn is_registered(&mut self, member: &str) -> bool;
    /// Rings these at once, for so many seconds at most.
    fn ring(&mut self, members: &[&str], time_s: u32) -> Rang;
}

/// What came of ringing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rang {
    /// Somebody answered.
    Answered,
    /// Nobody did: in time, or because all are busy or declined.
    Nobody,
    /// The caller hung up.
    CallerGone,
}

/// Rings the group: each member for its time, all together for the whole time at most. Who is not registered is passed
/// over, and so is who is busy: such a dial is over at once.
pub fn hunt(plan: &Plan<'_>, office: &mut impl Office) -> Rang {
    let until_ms = office.now_ms() + u64::from(plan.whole_s) * 1_000;
    let members = order(plan.members, plan.strategy, office);
    let together = match plan.strategy {
        Strategy::All => members.len(),
        Strategy::InTurn | Strategy::Random | Strategy::RoundRobin | Strategy::LeastRecent => 1,
    };
    for _ in 0..plan.rounds {
        let began_ms = office.now_ms();
        for group in members.chunks(together) {
            let there: Vec<&str> = group
                .iter()
                .copied()
                .filter(|member| office.is_registered(member))
                .collect();
            // A dial rings for a second at least.
            let left_s = until_ms.saturating_sub(office.now_ms()) / 1_000;
            if left_s == 0 {
                return Rang::Nobody;
            }
            if there.is_empty() {
                continue;
            }
            let left_s = u32::try_from(left_s).unwrap_or(u32::MAX);
            match office.ring(&there, plan.ring_s(&there).min(left_s)) {
                Rang::Nobody => (),
                end @ (Rang::Answered | Rang::CallerGone) => return end,
            }
        }
        // Nobody could ring: another round would be over as fast.
        if office.now_ms().saturating_sub(began_ms) < 1_000 {
            break;
        }
    }
    Rang::Nobody
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// An office in virtual time. Who is neither away, busy nor answering rings until the time is over.
    #[derive(Default)]
    pub(crate) struct Script {
        pub(crate) now_ms: u64,
        pub(crate) turns: u64,
        pub(crate) chances: Vec<u64>,
        pub(crate) answered: BTreeMap<String, u64>,
        pub(crate) away: BTreeSet<&'static str>,
        pub(crate) busy: BTreeSet<&'static str>,
        pub(crate) answers: BTreeMap<&'static str, u32>,
        pub(crate) rang: Vec<(Vec<String>, u32)>,
    }

    impl Office for Script {
        fn now_ms(&mut self) -> u64 {
            self.now_ms
        }

        fn chance(&mut self) -> u64 {
            self.chances.pop().unwrap_or_default()
        }

        fn turn(&mut self) -> u64 {
            self.turns += 1;
            self.turns - 1
        }

        fn answered_ms(&mut self, member: &str) -> u64 {
            self.answered.get(member).copied().unwrap_or_default()
        }

        fn is_registered(&mut self, member: &str) -> bool {
            !self.away.contains(member)
        }

        fn ring(&mut self, members: &[&str], time_s: u32) -> Rang {
            self.rang.push((
                members.iter().map(|member| (*member).to_owned()).collect(),
                time_s,
            ));
            let first = members.iter().filter_map(|member| self.answers.get(member)).min();
            if let Some(after_s) = first.filter(|after_s| **after_s < time_s) {
                self.now_ms += u64::from(*after_s) * 1_000;
                return Rang::Answered;
            }
            if members.iter().any(|member| !self.busy.contains(member)) {
                self.now_ms += u64::from(time_s) * 1_000;
            }
            Rang::Nobody
        }
    }

    fn members() -> [String; 3] {
        ["301", "302", "303"].map(str::to_owned)
    }

    fn plan(members: &[String], strategy: Strategy) -> Plan<'_> {
        Plan {
            members,
            strategy,
            ring_s: 20,
            member_ring_s: None,
            whole_s: 60,
            rounds: 1,
        }
    }

    fn rang(office: &Script) -> Vec<(String, u32)> {
        office
            .rang
            .iter()
            .map(|(members, time_s)| (members.join("+"), *time_s))
            .collect()
    }

    fn each(list: &[(&str, u32)]) -> Vec<(String, u32)> {
        list.iter()
            .map(|(members, time_s)| ((*members).to_owned(), *time_s))
            .collect()
    }

    #[test]
    fn all_ring_at_once_but_who_is_away() {
        let mut office = Script {
            away: ["302"].into(),
            answers: [("303", 5)].into(),
            ..Script::default()
        };
        let members = members();
        let plan = Plan {
            ring_s: 25,
            ..plan(&members, Strategy::All)
        };
        assert_eq!(hunt(&plan, &mut office), Rang::Answered);
        assert_eq!(rang(&office), each(&[("301+303", 25)]));
    }

    #[test]
    fn one_after_another_rings_each_for_its_time_and_the_last_for_what_is_left() {
        let mut office = Script::default();
        let (members, own) = (members(), [("302".to_owned(), 30)].into());
        let plan = Plan {
            ring_s: 10,
            member_ring_s: Some(&own),
            whole_s: 45,
            ..plan(&members, Strategy::InTurn)
        };
        assert_eq!(hunt(&plan, &mut office), Rang::Nobody);
        assert_eq!(rang(&office), each(&[("301", 10), ("302", 30), ("303", 5)]));
        assert_eq!(office.now_ms, 45_000);
    }

    #[test]
    fn who_is_busy_or_away_is_passed_over_at_once() {
        let mut office = Script {
            away: ["301"].into(),
            busy: ["302"].into(),
            answers: [("303", 2)].into(),
            ..Script::default()
        };
        let members = members();
        let plan = plan(&members, Strategy::InTurn);
        assert_eq!(hunt(&plan, &mut office), Rang::Answered);
        assert_eq!(rang(&office), each(&[("302", 20), ("303", 20)]));
        assert_eq!(office.now_ms, 2_000);
    }

    #[test]
    fn rounds_go_on_while_there_is_time_and_somebody_who_rings() {
        let mut office = Script {
            away: ["303"].into(),
            ..Script::default()
        };
        let members = members();
        let again = Plan {
            ring_s: 10,
            rounds: 10,
            whole_s: 35,
            ..plan(&members, Strategy::InTurn)
        };
        assert_eq!(hunt(&again, &mut office), Rang::Nobody);
        assert_eq!(
            rang(&office),
            each(&[("301", 10), ("302", 10), ("301", 10), ("302", 5)])
        );

        let mut office = Script {
            busy: ["301", "302", "303"].into(),
            ..Script::default()
        };
        assert_eq!(hunt(&again, &mut office), Rang::Nobody);
        assert_eq!(office.rang.len(), 3, "one round of busy members is enough");
    }
}
