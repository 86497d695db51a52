//! Disks that are full for a while, and logs that are longer than they may be.

use std::collections::BTreeMap;

use tandem_bus::link::Role;
use tandem_host_api::End;
use tandem_host_api::op::OpIndex;
use tandem_journal::{Batch, Fault, Log, Options, SimDisk};
use tandem_logic::Kept;
use tandem_switch::{CallKey, Key, Kind};

use crate::kit::{Phone, World, secs};
use crate::{Life, config, map, seed};

/// Two calls that talk.
fn talking() -> (World, [CallKey; 2]) {
    let mut w = World::with_config(config(), 1);
    let first = Phone::new("301", 6010).talk(&mut w);
    let second = Phone::new("302", 6020).talk(&mut w);
    (w, [first, second])
}

/// What is in the log after a life in which a disk refuses for a while, or does not.
fn lived(refuse: impl Fn(&SimDisk), accept: impl Fn(&SimDisk)) -> (BTreeMap<Key, Vec<u8>>, Vec<Kept>) {
    let (w, [first, second]) = talking();
    let disk = SimDisk::new(1);
    seed(disk.clone(), &w, Options::default());
    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    let mut kept = vec![life.hears(Role::MediaGate, 1)];
    refuse(&disk);
    kept.push(life.plays(first, OpIndex::default().next()));
    // It hangs up, nobody answers, and the call is over while nothing is written.
    life.calls
        .handle_scenario_ended(second, Err(End::Returned), life.now);
    kept.push(life.commit());
    kept.push(life.run(secs(60)));
    assert_eq!(life.calls.shard().calls(), 1);
    kept.push(life.hears(Role::SipGate, 7));
    accept(&disk);
    kept.push(life.run(secs(30)));
    drop(life);

    let kept_map = map(disk.clone());
    let life = Life::begin(disk, w.now + secs(90), Options::default());
    assert_eq!((life.calls.shard().calls(), life.launches()), (1, 1));
    assert_eq!(life.stores(), [1], "the record of the one that ended");
    (kept_map, kept)
}

/// A value; of a journal what is in it, not in how many pieces it was written.
fn plain(key: &Key, value: &[u8]) -> Vec<u8> {
    if key.kind != Kind::Scenario {
        return value.to_vec();
    }
    let journal = tandem_host_api::Journal::restore(value, std::sync::Arc::new(|| secs(0)), 0);
    journal.unwrap().to_bytes()
}

#[test]
fn after_a_full_disk_the_log_has_all_that_it_would_have_had() {
    let (undisturbed, kept) = lived(|_| (), |_| ());
    assert!(kept.iter().all(|kept| *kept == Kept::Well), "{kept:?}");
    let full = |disk: &SimDisk| disk.limit(Some(disk.bytes() + 10));
    let read_only = |disk: &SimDisk| disk.fail(Some(Fault::ReadOnly));
    for refuse in [&full as &dyn Fn(&SimDisk), &read_only] {
        let (mended, kept) = lived(refuse, |disk| {
            disk.limit(None);
            disk.fail(None);
        });
        assert!(matches!(kept[1], Kept::Broken(Some(_))), "{kept:?}");
        assert_eq!(
            kept[2..5],
            [Kept::Broken(None), Kept::Broken(None), Kept::Broken(None)]
        );
        assert_eq!(kept[5], Kept::Mended);
        assert_eq!(
            mended.keys().collect::<Vec<_>>(),
            undisturbed.keys().collect::<Vec<_>>()
        );
        for (key, value) in &undisturbed {
            assert_eq!(plain(key, &mended[key]), plain(key, value), "{key:?}");
        }
    }
}

#[test]
fn what_is_longer_than_a_batch_is_written_anew_all_the_same() {
    let (w, calls) = talking();
    let disk = SimDisk::new(2);
    seed(disk.clone(), &w, Options::default());
    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    for call in calls {
        life.calls
            .handle_scenario_ended(call, Err(End::Returned), life.now);
    }
    life.run(secs(60));
    assert_eq!(life.stores(), [1, 2]);
    drop(life);
    // Records with journals of 12 MiB: a batch takes five.
    let one = map(disk.clone())[&Key::new(Kind::Ended, 1, 0)].clone();
    let (mut log, _) = Log::open(disk.clone(), Options::default()).unwrap();
    let mut batch = Batch::new();
    for number in 1..=12_u64 {
        let value = longer(&one, 12 << 20);
        batch
            .put(&Key::new(Kind::Ended, number, 0).to_bytes(), &value)
            .unwrap();
        log.commit(&mut batch).unwrap();
    }
    drop(log);

    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    assert_eq!(life.stores().len(), 12);
    let before = map(disk.clone());
    disk.fail(Some(Fault::ReadOnly));
    assert!(matches!(life.hears(Role::SipGate, 1), Kept::Broken(Some(_))));
    disk.fail(None);
    // There is room for some of it, then for all.
    disk.limit(Some(disk.bytes() + (100 << 20)));
    life.run(secs(5));
    assert!(matches!(life.hears(Role::SipGate, 2), Kept::Broken(None)));
    disk.limit(None);
    assert_eq!(life.run(secs(30)), Kept::Mended);
    assert_eq!(life.hears(Role::SipGate, 3), Kept::Well);
    drop(life);
    let mut after = map(disk);
    after.retain(|key, _| key.kind == Kind::Ended);
    assert_eq!(after.len(), 12);
    assert!(after.iter().all(|(key, value)| before[key] == *value));
}

/// The value of an ended call, with a journal of so many bytes.
fn longer(value: &[u8], bytes: usize) -> Vec<u8> {
    let mut ended: tandem_logic::Ended = postcard::from_bytes(&value[1..]).unwrap();
    ended.journal = Some(vec![7; bytes]);
    postcard::to_extend(&ended, vec![value[0]]).unwrap()
}

#[test]
fn a_gate_that_is_silent_does_not_make_the_log_grow() {
    let (w, [first, _]) = talking();
    let disk = SimDisk::new(3);
    let options = Options {
        segment_bytes: 8 << 10,
        keep_bytes: 32 << 10,
        ..Options::default()
    };
    seed(disk.clone(), &w, options);
    let mut log = Log::open(disk.clone(), options).unwrap().0;
    let mut batch = Batch::new();
    batch.put(b"none of ours", b"1").unwrap();
    log.commit(&mut batch).unwrap();
    drop(log);
    let mut life = Life::begin(disk.clone(), w.now, options);
    life.hears(Role::MediaGate, 5);
    life.plays(first, OpIndex::default().next());
    let most = disk.bytes().max(64 << 10);
    for number in 1..20_000 {
        assert_eq!(life.hears(Role::SipGate, number), Kept::Well);
        assert!(disk.bytes() <= 2 * most, "{number}: {}", disk.bytes());
    }
    drop(life);
    // From another life, in which the media gate says nothing at all.
    let mut life = Life::begin(disk.clone(), w.now, options);
    for number in 20_000..40_000 {
        life.hears(Role::SipGate, number);
        assert!(disk.bytes() <= 2 * most, "{number}: {}", disk.bytes());
    }
    drop(life);
    let log = map(disk.clone());
    let cursors = log.keys().filter(|key| key.kind == Kind::Cursor).count();
    assert_eq!(cursors, 2);
    let life = Life::begin(disk, w.now, options);
    assert_eq!((life.calls.shard().calls(), life.launches()), (2, 2));
}

#[test]
fn record_stays_in_the_log_until_the_store_has_it() {
    let (w, calls) = talking();
    let disk = SimDisk::new(4);
    seed(disk.clone(), &w, Options::default());
    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    for call in calls {
        life.calls
            .handle_scenario_ended(call, Err(End::Returned), life.now);
    }
    life.run(secs(60));
    assert_eq!(life.stores(), [1, 2]);
    life.calls.stored(1);
    assert_eq!(life.commit(), Kept::Well);
    // The confirmation of the other comes while the disk refuses.
    disk.fail(Some(Fault::ReadOnly));
    life.calls.stored(2);
    assert!(matches!(life.commit(), Kept::Broken(Some(_))));
    drop(life);
    disk.fail(None);
    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    assert_eq!(life.stores(), [2], "the store takes a call once");
    life.calls.stored(2);
    life.commit();
    drop(life);
    assert!(Life::begin(disk, w.now, Options::default()).stores().is_empty());
}
