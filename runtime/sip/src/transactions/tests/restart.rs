//! A table that is written down, lost, and read back.

use super::*;

/// What a journal holds of a table, as bytes.
#[derive(Default)]
struct Kept {
    records: BTreeMap<TransactionId, Vec<u8>>,
    ids: Vec<TransactionId>,
}

impl Kept {
    /// Writes down what changed.
    fn write(&mut self, table: &mut Transactions) {
        table.drain_touched(&mut self.ids);
        for id in self.ids.drain(..) {
            match table.record(id) {
                Some(record) => {
                    assert_eq!(record.id(), id);
                    self.records.insert(id, postcard::to_stdvec(&record).unwrap());
                }
                None => assert!(self.records.remove(&id).is_some(), "{id} was never written"),
            }
        }
    }

    /// A new table from what is written.
    fn read(&self, seed: u64) -> Transactions {
        let mut table = table(seed);
        for (id, bytes) in &self.records {
            let record: TransactionRecord = postcard::from_bytes(bytes).unwrap();
            table.restore(record.clone()).unwrap();
            assert_eq!(table.record(*id), Some(record));
        }
        assert_eq!(table.len(), self.records.len());
        table
    }
}

/// The table after a restart, `away` later, resends and due timers done.
fn restarted(table: &mut Transactions, now: Moment) -> Transactions {
    let mut kept = Kept::default();
    kept.write(table);
    let mut table = kept.read(99);
    table.resend(now);
    table.handle_timeout(now);
    table
}

fn later(now: Moment, ms: u64) -> Moment {
    now + Duration::from_millis(ms)
}

#[test]
fn a_ringing_invite_is_answered_after_a_restart_on_the_same_via() {
    let (mut table, now) = (table(1), Moment::default());
    let (server, invite) = start_call(&mut table, now);
    table.respond(server, reply(&invite, 180), now).unwrap();
    drain(&mut table);
    let now = later(now, 3_000);
    let mut table = restarted(&mut table, now);
    assert_eq!(
        statuses(&drain(&mut table).0),
        [180],
        "the peer hears that we live"
    );
    // The peer's repeat is no new call, and its CANCEL finds what it cancels.
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Invite, ";branch=z9hG4bKa"),
        now,
    );
    let (sent, events) = drain(&mut table);
    assert_eq!((statuses(&sent), events.len()), (vec![180], 0));
    table.respond(server, reply(&invite, 200), now).unwrap();
    let sent = drain(&mut table).0;
    assert_eq!(statuses(&sent), [200]);
    assert_eq!(sent[0].header(Name::Via), invite.header(Name::Via));
    table.handle_timeout(later(now, 32_000));
    assert!(table.is_empty());
}

#[test]
fn a_cancel_after_a_restart_finds_its_invite() {
    let (mut table, now) = (table(1), Moment::default());
    let (server, invite) = start_call(&mut table, now);
    drain(&mut table);
    let mut table = restarted(&mut table, now);
    assert!(drain(&mut table).0.is_empty(), "nothing was said yet");
    let cancel = from_phone(Method::Cancel, ";branch=z9hG4bKa");
    table.handle_inbound(flow(Transport::Udp), cancel.clone(), now);
    let (sent, events) = drain(&mut table);
    assert_eq!(statuses(&sent), [200]);
    assert!(matches!(events[..], [Event::Cancelled { server: told }] if told == server));
    // Told once, though both may hear of it again.
    let mut table = restarted(&mut table, now);
    assert_eq!(statuses(&drain(&mut table).0), [200]);
    table.handle_inbound(flow(Transport::Udp), cancel, now);
    assert!(drain(&mut table).1.is_empty());
    table.respond(server, reply(&invite, 487), now).unwrap();
    assert_eq!(statuses(&drain(&mut table).0), [487]);
}

/// Whether a repeat was due meanwhile or not, one copy goes out, and the rest in the old rhythm.
#[test]
fn an_invite_in_flight_is_sent_again_once_with_its_branch() {
    for away_ms in [100, 3_000] {
        let (mut table, now) = (table(1), Moment::default());
        let message = request(Method::Invite, "c").build().unwrap();
        let client = table.request(message, flow(Transport::Udp), "h", now);
        let first = drain(&mut table).0.remove(0);
        let now = later(now, away_ms);
        let mut table = restarted(&mut table, now);
        let (sent, events) = drain(&mut table);
        assert_eq!(
            (sent, events.len()),
            (vec![first.clone()], 0),
            "after {away_ms} ms"
        );
        table.handle_inbound(flow(Transport::Udp), reply(&first, 486), now);
        let (sent, events) = drain(&mut table);
        assert_eq!(sent[0].header(Name::Via), first.header(Name::Via));
        assert!(matches!(events[..], [Event::Response { client: told, .. }] if told == client));
    }
}

#[test]
fn a_deadline_that_the_outage_ate_ends_the_request() {
    let (mut table, now) = (table(1), Moment::default());
    let options = request(Method::Options, "c").build().unwrap();
    let client = table.request(options, flow(Transport::Tcp), "h", now);
    drain(&mut table);
    let mut table = restarted(&mut table, later(now, 40_000));
    let (sent, events) = drain(&mut table);
    assert!(sent.is_empty());
    assert!(
        matches!(events[..], [Event::ClientTimedOut { client: a }, Event::ClientDone { client: b }] if a == client && b == client)
    );
    let mut ids = Vec::new();
    table.drain_touched(&mut ids);
    assert_eq!(ids, [TransactionId::Client(client)]);
    assert_eq!(table.record(ids[0]), None);
}

#[test]
fn a_place_is_restored_once_and_within_bounds() {
    let (mut table, now) = (table(1), Moment::default());
    let (server, _) = start_call(&mut table, now);
    let record = table.record(TransactionId::Server(server)).unwrap();
    assert_eq!(
        table.restore(record.clone()),
        Err(RestoreError::Taken(record.id()))
    );
    let config = Config {
        servers_max: 0,
        clients_max: 0,
        ..Config::default()
    };
    let message = request(Method::Bye, "c").build().unwrap();
    let client = table.request(message, flow(Transport::Udp), "h", now);
    let second = table.record(TransactionId::Client(client)).unwrap();
    let mut small = Transactions::new(config, StdRng::seed_from_u64(2));
    assert!(matches!(
        small.restore(second.clone()),
        Err(RestoreError::Bound { slots_max: 1, .. })
    ));
    // The same key in another place: two records of one branch.
    let mut other = super::table(3);
    for n in 0..3 {
        other.request(
            request(Method::Bye, &format!("d{n}")).build().unwrap(),
            flow(Transport::Udp),
            "h",
            now,
        );
    }
    other.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Invite, ";branch=z9hG4bKa"),
        now,
    );
    let id = drain(&mut other).1.iter().find_map(|event| match event {
        Event::Request { server, .. } => Some(TransactionId::Server(*server)),
        _ => None,
    });
    let twin = other.record(id.unwrap()).unwrap();
    assert!(matches!(table.restore(twin), Err(RestoreError::Known(_))));
    assert_eq!(table.len(), 2);
    // What was refused left no trace, and the places between are free.
    let mut fresh = super::table(4);
    fresh.restore(second).unwrap();
    for n in 0..3 {
        fresh.request(
            request(Method::Bye, &format!("e{n}")).build().unwrap(),
            flow(Transport::Udp),
            "h",
            now,
        );
    }
    assert_eq!((fresh.len(), fresh.slots.len()), (4, 4));
}

/// Each table dies now and then: after an input was taken and written down, with all that it wanted to send lost.
#[test]
fn over_a_bad_network_and_restarts_each_request_is_offered_once_and_answered_once() {
    let mut total = 0;
    for seed in 0..40 {
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut pair = Pair::new(seed, transport);
            let mut chance = StdRng::seed_from_u64(seed);
            let (mut phone, mut pbx) = (Kept::default(), Kept::default());
            let mut restarts = 0;
            let calls = Calls::start(&mut pair);
            pair.run_with(|pair| {
                let dies = restarts < 20 && chance.random_bool(0.2);
                let phone_dies = chance.random_bool(0.5);
                pair.mute = dies.then_some(phone_dies);
                let accepted = pair.accepted.len();
                // What the users do on their events belongs to the same write.
                pair.drain();
                pair.mute = None;
                phone.write(&mut pair.phone);
                pbx.write(&mut pair.pbx);
                if !dies {
                    return;
                }
                restarts += 1;
                pair.now += Duration::from_millis(chance.random_range(0..1_500));
                if phone_dies {
                    pair.phone = phone.read(seed + 10_000 + restarts);
                } else {
                    pair.pbx = pbx.read(seed + 20_000 + restarts);
                    // UasInvite repeats a 2xx.
                    for ok in pair.accepted.split_off(accepted) {
                        for _ in 0..10 {
                            pair.pbx.send(flow(transport), &ok);
                        }
                    }
                }
                // What arrived meanwhile was kept for it.
                while pair
                    .network
                    .first_key_value()
                    .is_some_and(|((at, _), _)| *at <= pair.now)
                {
                    pair.deliver();
                }
                if phone_dies {
                    pair.phone.resend(pair.now);
                } else {
                    pair.pbx.resend(pair.now);
                }
            });
            total += restarts;
            calls.check(&pair, seed);
            phone.write(&mut pair.phone);
            pbx.write(&mut pair.pbx);
            assert!(phone.records.is_empty() && pbx.records.is_empty(), "seed {seed}");
        }
    }
    assert!(total > 400, "{total}");
}

/// Records of every kind of transaction, in several of their states.
fn samples() -> Vec<Vec<u8>> {
    let mut pair = Pair::new(5, Transport::Udp);
    let (mut phone, mut pbx, mut all) = (Kept::default(), Kept::default(), Vec::new());
    Calls::start(&mut pair);
    pair.run_with(|pair| {
        pair.drain();
        phone.write(&mut pair.phone);
        pbx.write(&mut pair.pbx);
        all.extend(phone.records.values().chain(pbx.records.values()).cloned());
    });
    all.sort();
    all.dedup();
    all
}

/// Whatever a record has become, a table that takes it lives on and comes to its end.
fn take(bytes: &[u8]) {
    let Ok(record) = postcard::from_bytes::<TransactionRecord>(bytes) else {
        return;
    };
    let (mut table, mut now) = (table(1), Moment::default());
    if table.restore(record).is_err() {
        assert!(table.is_empty() && table.by_key.is_empty() && table.by_merged.is_empty());
        return;
    }
    table.resend(now);
    for _ in 0..100 {
        match table.poll_output() {
            Output::Wait(Some(at)) => {
                now = now.max(at);
                table.handle_timeout(now);
            }
            Output::Wait(None) => return,
            Output::Send { .. } | Output::Event(_) => (),
        }
    }
}

#[test]
fn a_record_cut_short_or_with_a_flipped_bit_harms_nobody() {
    let samples = samples();
    assert!(samples.len() > 30, "{}", samples.len());
    for bytes in samples {
        for end in 0..bytes.len() {
            take(&bytes[..end]);
        }
        for place in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[place] ^= 1 << (place % 8);
            take(&broken);
        }
    }
}
