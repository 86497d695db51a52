//! Logs that an earlier release wrote while calls were up: this release goes on with them.
//!
//! `tests/data/*.v1.log` are the logs of a server of two shards with a call in the middle of a menu on each, taken from
//! the disk while it ran. They are never written anew: a release that cannot read them ends its users' calls.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test may panic"
)]

use std::sync::Arc;
use std::time::Duration;

use rand::{SeedableRng as _, rngs::StdRng};
use tandem_bus::link::Lane;
use tandem_journal::{Log, Options, SimDisk};
use tandem_logic::{Calls, Effect, Keeper};
use tandem_sip::Moment;
use tandem_sip::auth;
use tandem_sip::registrar::{Config, Registrar};
use tandem_switch::registration::Registration;
use tandem_switch::restore::shards_before;
use tandem_switch::{Key, Kind, Nonces, Shard, ShardConfig};

/// When the logs were taken.
const THEN: Moment = Moment::from_unix_micros(1_795_262_080_000_000);

fn log(bytes: &[u8]) -> (Log<SimDisk>, Vec<(Key, Vec<u8>)>) {
    let disk = SimDisk::new(0);
    disk.tamper(1, bytes.to_vec());
    let (log, opened) = Log::open(disk, Options::default()).unwrap();
    assert_eq!(opened.problems, []);
    let values = opened.map.into_iter();
    let values = values.map(|(key, value)| (Key::from_bytes(&key).unwrap(), value));
    (log, values.collect())
}

fn nonces() -> Nonces {
    Nonces {
        config: auth::Config::default(),
        rng: StdRng::seed_from_u64(1),
    }
}

#[test]
fn calls_in_a_log_of_version_1_go_on() {
    let logs: [&[u8]; 2] = [
        include_bytes!("data/shard-0-of-2.v1.log"),
        include_bytes!("data/shard-1-of-2.v1.log"),
    ];
    for (number, bytes) in (0_u16..).zip(logs) {
        let (log, values) = log(bytes);
        let meta = values.iter().find(|(key, _)| key.kind == Kind::Meta).unwrap();
        assert_eq!(shards_before(&meta.1), Some(2));
        let config = ShardConfig {
            shard: u64::from(number),
            shards: 2,
            calls_max: 10,
            calls_per_domain_max: 10,
        };
        let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
        let (shard, problems) = Shard::restore(config, nonces(), 1, entries, THEN);
        assert_eq!(problems, []);
        assert_eq!(shard.calls(), 1);
        let clock = Arc::new(|| Duration::ZERO);
        let mut calls = Calls::new(shard, Keeper::new(log, Lane(number)), clock, values, THEN);
        calls.commit();
        let launched: Vec<_> = std::iter::from_fn(|| calls.poll_effect())
            .filter_map(|effect| match effect {
                Effect::Launch(launch) => Some(launch),
                _ => None,
            })
            .collect();
        assert_eq!(launched.len(), 1);
        // The scenario goes on behind what its journal holds.
        assert!(launched[0].journal.len_bytes() > 1_000);
        assert_eq!(launched[0].journal.header().call, launched[0].start.id);
    }
}

#[test]
fn registrar_of_version_1_keeps_its_secret() {
    let (_, values) = log(include_bytes!("data/registrar.v1.log"));
    let entries = values.iter().map(|(key, value)| (*key, value.as_slice()));
    let empty = Registrar::new(Config::default());
    let (_, problems) = Registration::restore(empty, nonces(), 1, entries, THEN);
    assert_eq!(problems, []);
}
