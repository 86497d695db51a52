//! Both sides of a link over a connection that breaks at random, and a call logic that is restarted at random.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::collections::BTreeMap;

use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use tandem_bus::link::held::Encoded;
use tandem_bus::link::{Bounds, Cursor, Decoder, FromGate, Held, Lane, Role, Taken};
use tandem_sip::Moment;

type Item = (Lane, u32, Vec<u8>);

const LANES: [Lane; 3] = [Lane(0), Lane(1), Lane::REGISTRAR];

/// What the call logic keeps on disk: what it committed, in order, and how far that is.
#[derive(Default)]
struct Disk {
    items: BTreeMap<Lane, Vec<u32>>,
    cursors: BTreeMap<Lane, Cursor>,
}

struct Logic {
    taken: Taken,
    /// Taken, not yet committed.
    waiting: Vec<(Lane, Cursor, u32)>,
}

impl Logic {
    fn start(disk: &Disk) -> Self {
        let mut taken = Taken::new();
        for lane in LANES {
            taken.restore(lane, disk.cursors.get(&lane).copied());
        }
        Self {
            taken,
            waiting: Vec::new(),
        }
    }

    /// Commits the first `count` items; what the gate is to be told.
    fn commit(&mut self, disk: &mut Disk, count: usize) -> Vec<(Lane, Cursor)> {
        let mut news = Vec::new();
        for (lane, cursor, n) in self.waiting.drain(..count) {
            disk.items.entry(lane).or_default().push(n);
            disk.cursors.insert(lane, cursor);
            if self.taken.commit(lane, cursor) {
                news.push((lane, cursor));
            }
        }
        news
    }
}

/// One run: returns how many connections and restarts it saw.
fn run(seed: u64) -> (u32, u32) {
    let mut rng = SmallRng::seed_from_u64(seed);
    let now = Moment::from_unix_micros(1);
    let mut held: Held<Item> = Held::new(rng.random(), Bounds::default());
    let mut disk = Disk::default();
    let mut logic = Logic::start(&disk);
    let mut pushed: BTreeMap<Lane, Vec<u32>> = BTreeMap::new();
    let (mut connections, mut restarts) = (0, 0);
    let mut wire: Option<(Vec<u8>, Decoder)> = None;

    for step in 0..400 {
        let last = step == 399;
        for _ in 0..rng.random_range(0..4) {
            let lane = LANES[rng.random_range(0..LANES.len())];
            let numbers = pushed.entry(lane).or_default();
            let n = numbers.len() as u32;
            let item = (lane, n, vec![7; rng.random_range(0..300)]);
            held.push(lane, Encoded::new(&item).unwrap(), false, now).unwrap();
            numbers.push(n);
        }
        if wire.is_none() && (last || rng.random_ratio(1, 3)) {
            connections += 1;
            let hello = logic.taken.hello(2);
            logic.taken.greet(&held.hello(Role::SipGate));
            held.connected(&hello.cursors);
            wire = Some((Vec::new(), Decoder::new()));
        }
        if let Some((stream, decoder)) = &mut wire {
            stream.extend(held.to_send().into_iter().flatten());
            // Any number of bytes arrives, down to a part of a frame.
            let arrived = if last {
                stream.len()
            } else {
                rng.random_range(0..=stream.len())
            };
            decoder.buffer().extend(stream.drain(..arrived));
            while let Some(frame) = decoder.poll_frame::<FromGate<Item>>().unwrap() {
                let FromGate::Item { lane, number, item } = frame else {
                    panic!("a note");
                };
                assert_eq!(lane, item.0);
                if let Some(cursor) = logic.taken.take(lane, number) {
                    logic.waiting.push((lane, cursor, item.1));
                }
            }
            let count = if last {
                logic.waiting.len()
            } else {
                rng.random_range(0..=logic.waiting.len())
            };
            for (lane, cursor) in logic.commit(&mut disk, count) {
                // An acknowledgement may be lost with the connection.
                if rng.random_ratio(3, 4) {
                    held.acknowledge(lane, cursor);
                }
            }
        } else {
            // Work that was taken goes on without a connection.
            let count = rng.random_range(0..=logic.waiting.len());
            logic.commit(&mut disk, count);
        }
        if !last && rng.random_ratio(1, 10) {
            wire = None;
            held.disconnected(now);
        }
        if !last && rng.random_ratio(1, 25) {
            restarts += 1;
            wire = None;
            held.disconnected(now);
            logic = Logic::start(&disk);
        }
        if !last && rng.random_ratio(1, 40) {
            // The gate hands over to a successor.
            wire = None;
            held = postcard::from_bytes(&postcard::to_allocvec(&held).unwrap()).unwrap();
            held.disconnected(now);
        }
    }
    assert_eq!(disk.items, pushed, "seed {seed}");
    (connections, restarts)
}

#[test]
fn each_item_is_taken_exactly_once_and_in_order_whatever_breaks() {
    let (mut connections, mut restarts) = (0, 0);
    for seed in 0..300 {
        let (c, r) = run(seed);
        connections += c;
        restarts += r;
    }
    assert!(
        connections > 1_000 && restarts > 1_000,
        "{connections} connections, {restarts} restarts"
    );
}

/// A new gate numbers from 1, and the call logic takes that as new.
#[test]
fn a_new_gate_is_not_taken_for_the_old_one() {
    let now = Moment::from_unix_micros(1);
    let mut taken = Taken::new();
    taken.restore(
        Lane(0),
        Some(Cursor {
            instance: 1,
            number: 50,
        }),
    );
    let mut held: Held<u8> = Held::new(2, Bounds::default());
    held.push(Lane(0), Encoded::new(&5).unwrap(), false, now).unwrap();
    held.connected(&taken.hello(1).cursors);
    assert_eq!(taken.greet(&held.hello(Role::SipGate)), [Lane(0)]);
    assert_eq!(held.to_send().len(), 1);
    assert_eq!(
        taken.take(Lane(0), 1),
        Some(Cursor {
            instance: 2,
            number: 1
        })
    );
}
