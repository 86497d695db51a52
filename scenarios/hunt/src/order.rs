//! Who rings first.

use serde::{Deserialize, Serialize};

use crate::hunting::Office;

/// In which order the members ring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// All at once; the first to answer has the caller.
    #[default]
    All,
    /// One after another, as they are listed.
    InTurn,
    /// One after another, in an order that each call draws.
    Random,
    /// One after another, beginning with the member behind the one with whom the call before began.
    RoundRobin,
    /// One after another; who took a call of the group longest ago is the first.
    LeastRecent,
}

/// The members in the order of this call.
pub fn order<'a>(members: &'a [String], strategy: Strategy, office: &mut impl Office) -> Vec<&'a str> {
    let mut order: Vec<&str> = members.iter().map(String::as_str).collect();
    match strategy {
        Strategy::All | Strategy::InTurn => (),
        Strategy::Random => shuffle(&mut order, office),
        Strategy::RoundRobin => {
            let first = remainder(office.turn(), order.len());
            order.rotate_left(first);
        }
        // Equal ones, such as those who never took a call, stay as they are listed.
        Strategy::LeastRecent => order.sort_by_cached_key(|member| office.answered_ms(member)),
    }
    order
}

/// Fisher and Yates: every order is as likely as any other.
fn shuffle(order: &mut [&str], office: &mut impl Office) {
    for last in (1..order.len()).rev() {
        order.swap(last, remainder(office.chance(), last + 1));
    }
}

fn remainder(number: u64, count: usize) -> usize {
    let count = count.max(1) as u64;
    usize::try_from(number % count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hunting::tests::Script;

    fn ordered(strategy: Strategy, office: &mut Script) -> Vec<String> {
        let members = ["301", "302", "303"].map(str::to_owned);
        order(&members, strategy, office)
            .into_iter()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn each_call_begins_with_the_next_member() {
        let mut office = Script::default();
        for first in ["301", "302", "303", "301"] {
            assert_eq!(ordered(Strategy::RoundRobin, &mut office)[0], first);
        }
        assert_eq!(ordered(Strategy::RoundRobin, &mut office), ["302", "303", "301"]);
    }

    #[test]
    fn who_took_a_call_longest_ago_is_the_first() {
        let mut office = Script::default();
        office.answered.insert("301".into(), 2_000);
        office.answered.insert("303".into(), 1_000);
        assert_eq!(ordered(Strategy::LeastRecent, &mut office), ["302", "303", "301"]);
    }

    #[test]
    fn chance_gives_every_order() {
        let mut seen = std::collections::BTreeSet::new();
        for first in 0..3 {
            for second in 0..2 {
                let mut office = Script {
                    chances: vec![second, first],
                    ..Script::default()
                };
                seen.insert(ordered(Strategy::Random, &mut office));
            }
        }
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn in_turn_is_as_it_is_listed() {
        assert_eq!(
            ordered(Strategy::InTurn, &mut Script::default()),
            ["301", "302", "303"]
        );
    }
}
