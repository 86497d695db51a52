//! How often an address may be wrong.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::locked;

/// Wrong tokens that an address may show at once.
const BURST: u32 = 10;
/// One more after each of these.
const REFILL: Duration = Duration::from_secs(6);
/// Addresses that are remembered; beyond, the one that was wrong longest ago is forgiven.
const ADDRESSES_MAX: usize = 4_096;

/// Counts wrong tokens by address. One that has shown too many is not even looked up.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
}

/// Wrong tokens that are not forgiven yet, and since when they are counted.
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

impl Throttle {
    /// Whether this address may show a token now; else how long it has to wait.
    pub(crate) fn check(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let wrong = locked(&self.wrong)
            .get(&network(address))
            .map(|wrong| wrong.at(now));
        match wrong {
            Some(wrong) if wrong.count >= BURST => Err((wrong.since + REFILL).saturating_duration_since(now)),
            Some(_) | None => Ok(()),
        }
    }

    /// It was a wrong one.
    pub(crate) fn was_wrong(&self, address: IpAddr, now: Instant) {
        let mut table = locked(&self.wrong);
        let address = network(address);
        if table.len() >= ADDRESSES_MAX && !table.contains_key(&address) {
            table.retain(|_, wrong| wrong.at(now).count > 0);
            if table.len() >= ADDRESSES_MAX
                && let Some(oldest) = table.iter().min_by_key(|(_, wrong)| wrong.since).map(|(a, _)| *a)
            {
                table.remove(&oldest);
            }
        }
        let entry = table.entry(address).or_insert(Wrong { count: 0, since: now });
        *entry = entry.at(now);
        entry.count += 1;
    }
}

/// An IPv6 host has a whole /64 of addresses.
fn network(address: IpAddr) -> IpAddr {
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
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for _ in 0..10 {
            throttle.check(one, began).unwrap();
            throttle.was_wrong(one, began);
        }
        assert_eq!(throttle.check(one, began), Err(REFILL));
        assert_eq!(throttle.check(other, began), Ok(()));
        let later = began + REFILL;
        assert_eq!(throttle.check(one, later), Ok(()));
        throttle.was_wrong(one, later);
        assert!(throttle.check(one, later).is_err());
        assert_eq!(throttle.check(one, later + REFILL * 11), Ok(()));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_and_the_table_is_bounded() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for host in 0..10_u128 {
            let address = Ipv6Addr::from_bits((0x2001_0db8 << 96) + host);
            throttle.was_wrong(address.into(), now);
        }
        let neighbour: IpAddr = Ipv6Addr::from_bits((0x2001_0db8 << 96) + 99).into();
        assert!(throttle.check(neighbour, now).is_err());
        for network in 0..10_000_u128 {
            throttle.was_wrong(Ipv6Addr::from_bits(network << 64).into(), now);
        }
        assert!(locked(&throttle.wrong).len() <= ADDRESSES_MAX);
    }
}
