//! Journals of scenarios that are damaged.

use tandem_directory::records::{MessageWay, SipMessage};
use tandem_journal::{Batch, Log, Options, SimDisk};
use tandem_logic::Effect;
use tandem_switch::{Key, Kind};

use crate::kit::{Phone, World, secs};
use crate::{Life, config, map, seed};

#[test]
fn call_whose_journal_is_lost_does_not_begin_its_scenario_anew() {
    let mut w = World::with_config(config(), 2);
    let call = Phone::new("301", 6010).talk(&mut w);
    let disk = SimDisk::new(2);
    seed(disk.clone(), &w, Options::default());
    let mut log = Log::open(disk.clone(), Options::default()).unwrap().0;
    let mut batch = Batch::new();
    batch
        .delete(&Key::new(Kind::Scenario, call.0, 0).to_bytes())
        .unwrap();
    log.commit(&mut batch).unwrap();
    drop(log);
    let mut life = Life::begin(disk, w.now, Options::default());
    assert_eq!(life.launches(), 0);
    life.run(secs(60));
    assert_eq!(life.calls.shard().calls(), 0);
}

#[test]
fn call_whose_journal_cannot_be_read_goes_to_its_fall_back_and_its_record_says_so() {
    let mut w = World::with_config(config(), 1);
    let damaged = Phone::new("301", 6010).talk(&mut w);
    Phone::new("302", 6020).talk(&mut w);
    let disk = SimDisk::new(1);
    seed(disk.clone(), &w, Options::default());
    drop(Life::begin(disk.clone(), w.now, Options::default()));
    let key = Key::new(Kind::Scenario, damaged.0, 0);
    let mut value = map(disk.clone())[&key].clone();
    let middle = value.len() / 2;
    value[middle] ^= 0x55;
    let mut log = Log::open(disk.clone(), Options::default()).unwrap().0;
    let mut batch = Batch::new();
    batch.put(&key.to_bytes(), &value[..=middle]).unwrap();
    // One that belongs to nobody.
    let lost = Key::new(Kind::Scenario, 77, 0);
    batch.put(&lost.to_bytes(), &value).unwrap();
    log.commit(&mut batch).unwrap();
    drop(log);

    let mut life = Life::begin(disk.clone(), w.now, Options::default());
    assert_eq!(life.launches(), 1, "only the other one's scenario runs");
    assert!(!map(disk.clone()).contains_key(&lost));
    life.run(secs(60));
    assert_eq!(life.calls.shard().calls(), 1);
    let ended = life.effects.iter().find_map(|effect| match effect {
        Effect::Store { ended, .. } => Some(ended),
        _ => None,
    });
    let summary = &ended.unwrap().record.summary;
    assert_eq!(summary.cause, "scenario-failed");
    // Its dialog is from before the restart, and what is said in it since is heard.
    let said = life.effects.iter().find_map(|effect| match effect {
        Effect::StoreMessages(said) => Some(said),
        _ => None,
    });
    let said = said.unwrap();
    assert_eq!(said.call, summary.id);
    let bye = |message: &SipMessage| message.way == MessageWay::Out && message.text.starts_with("BYE ");
    assert!(said.messages.items.iter().any(bye), "{said:?}");
}
