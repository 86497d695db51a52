//! How often somebody may be wrong: an address with tokens and passwords, a login with passwords.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::locked;

/// How often one may be wrong at once.
const BURST: u32 = 10;
/// Once more after each of these.
const REFILL: Duration = Duration::from_secs(6);
/// Those that are remembered; beyond, the one that was wrong longest ago is forgiven.
const REMEMBERED_MAX: usize = 4_096;

/// Counts what was wrong, by whose it was. Who was wrong too often is not even looked up.
#[derive(Debug)]
pub(crate) struct Throttle<K> {
    wrong: Mutex<HashMap<K, Wrong>>,
}

impl<K> Default for Throttle<K> {
    fn default() -> Self {
        Self {
            wrong: Mutex::default(),
        }
    }
}

/// What is not forgiven yet, and since when they are counted.
#[derive(Debug, Clone, Copy)]
struct Wrong {
    count: u32,
    since: Instant,
}

impl Wrong {
    /// As of `now`: one is forgiven each [`REFILL`].
    fn at(self, now: Instant) -> Self {
        let passed = now.saturating_duration_since(self.since);
        let forgiven = u32::try_from(passed.as_nanos() / REFILL.as_nanos()).unwrap_or(u32::MAX);
        if forgiven >= self.count {
            return Self { count: 0, since: now };
        }
        Self {
            count: self.count - forgiven,
            since: self.since + REFILL * forgiven,
        }
    }
}

impl<K: Hash + Eq + Clone> Throttle<K> {
    /// Whether this one may try now; else how long it has to wait.
    pub(crate) fn check(&self, who: &K, now: Instant) -> Result<(), Duration> {
        let wrong = locked(&self.wrong).get(who).map(|wrong| wrong.at(now));
        match wrong {
            Some(wrong) if wrong.count >= BURST => Err((wrong.since + REFILL).saturating_duration_since(now)),
            Some(_) | None => Ok(()),
        }
    }

    /// It was a wrong one.
    pub(crate) fn was_wrong(&self, who: K, now: Instant) {
        let mut table = locked(&self.wrong);
        if table.len() >= REMEMBERED_MAX && !table.contains_key(&who) {
            table.retain(|_, wrong| wrong.at(now).count > 0);
            if table.len() >= REMEMBERED_MAX
                && let Some(oldest) = table
                    .iter()
                    .min_by_key(|(_, wrong)| wrong.since)
                    .map(|(who, _)| who.clone())
            {
                table.remove(&oldest);
            }
        }
        let entry = table.entry(who).or_insert(Wrong { count: 0, since: now });
        *entry = entry.at(now);
        entry.count += 1;
    }
}

/// Whom an address stands for: an IPv6 host has a whole /64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_wrong_tokens_then_one_each_six_seconds() {
        let (throttle, began) = (Throttle::default(), Instant::now());
        let (one, other) = ("one", "other");
        for _ in 0..10 {
            throttle.check(&one, began).unwrap();
            throttle.was_wrong(one, began);
        }
        assert_eq!(throttle.check(&one, began), Err(REFILL));
        assert_eq!(throttle.check(&other, began), Ok(()));
        let later = began + REFILL;
        assert_eq!(throttle.check(&one, later), Ok(()));
        throttle.was_wrong(one, later);
        assert!(throttle.check(&one, later).is_err());
        assert_eq!(throttle.check(&one, later + REFILL * 11), Ok(()));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_and_the_table_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for host in 0..10_u128 {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + host);
            throttle.was_wrong(network(address.into()), now);
        }
        let neighbour: IpAddr = Ipv6Addr::from_bits((0x2001_0db8 << 96) + 99).into();
        assert!(throttle.check(&network(neighbour), now).is_err());
        for number in 0..10_000_u128 {
            throttle.was_wrong(network(Ipv6Addr::from_bits(number << 64).into()), now);
        }
        assert!(locked(&throttle.wrong).len() <= REMEMBERED_MAX);
    }
}
