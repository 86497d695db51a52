//! Both ends over a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tandem_bus::link::frame::encode_hello;
use tandem_bus::link::{Bounds, Cursor, Held, Lane, LogicHello, Refused, Role, Taken};
use tandem_link::gate::{self, Server};
use tandem_link::logic::{self, Client, SendError};
use tandem_sip::Moment;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::Handle;

type Gate = Server<String, String>;
type FromLogic = gate::Event<String, String>;
type FromGate = logic::Event<String>;

const SOON: Duration = Duration::from_secs(20);

fn clock() -> Moment {
    Moment::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

struct House {
    dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("gate.sock")
    }

    fn gate(&self, held: Held<String>) -> (Gate, Receiver<FromLogic>) {
        let (sender, events) = channel();
        let config = gate::Config {
            role: Role::SipGate,
            clock,
        };
        let deliver = move |event| {
            let _ = sender.send(event);
            Ok(())
        };
        (
            Server::start(&Handle::current(), &self.path(), config, held, deliver).unwrap(),
            events,
        )
    }

    fn logic(&self, cursor: Option<Cursor>) -> (Client<String>, Receiver<FromGate>) {
        let (sender, events) = channel();
        let logic = self.logic_to(cursor, move |event| deliver(&sender, event));
        (logic, events)
    }

    fn logic_to(
        &self,
        cursor: Option<Cursor>,
        deliver: impl Fn(FromGate) -> Result<(), FromGate> + Send + Sync + 'static,
    ) -> Client<String> {
        let mut taken = Taken::new();
        taken.restore(Lane(0), cursor);
        taken.restore(Lane(1), cursor);
        let config = logic::Config {
            role: Role::SipGate,
            shards: 2,
        };
        Client::start(&Handle::current(), &self.path(), config, taken, deliver)
    }
}

#[expect(clippy::unnecessary_wraps)]
fn deliver(to: &Sender<FromGate>, event: FromGate) -> Result<(), FromGate> {
    let _ = to.send(event);
    Ok(())
}

fn held(instance: u64) -> Held<String> {
    Held::new(instance, Bounds::default())
}

/// The next event; what sends it runs on other threads.
fn next<T>(events: &Receiver<T>) -> T {
    tokio::task::block_in_place(|| events.recv_timeout(SOON)).unwrap()
}

fn up(event: FromGate) -> (Lane, Cursor, String) {
    match event {
        FromGate::Up { lane, cursor, item } => (lane, cursor, item),
        other => panic!("{other:?}"),
    }
}

async fn until(what: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !what() {
        assert!(began.elapsed() < SOON);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_go_up_words_come_down_and_what_is_committed_is_forgotten() {
    let house = House::new();
    let (gate, from_logic) = house.gate(held(7));
    assert_eq!(gate.shards(), None);
    gate.push(Lane(0), &"before".to_owned(), false).unwrap();
    assert!(!gate.note(&"nobody hears it".to_owned()));
    let (logic, from_gate) = house.logic(None);
    let fresh = vec![Lane(0), Lane(1)];
    assert_eq!(next(&from_gate), FromGate::Connected { instance: 7, fresh });
    assert!(matches!(next(&from_logic), FromLogic::Connected { shards: 2 }));
    assert_eq!(gate.shards(), Some(2));
    let cursor = Cursor {
        instance: 7,
        number: 1,
    };
    assert_eq!(up(next(&from_gate)), (Lane(0), cursor, "before".to_owned()));
    gate.push(Lane(1), &"after".to_owned(), true).unwrap();
    assert_eq!(up(next(&from_gate)), (Lane(1), cursor, "after".to_owned()));
    assert!(gate.note(&"by the way".to_owned()));
    assert_eq!(next(&from_gate), FromGate::Note("by the way".to_owned()));
    logic.send(&"down".to_owned()).unwrap();
    assert!(matches!(next(&from_logic), FromLogic::Down(down) if down == "down"));
    assert_eq!(gate.held(), 2);
    logic.acknowledge(Lane(0), cursor);
    logic.acknowledge(Lane(1), cursor);
    until(|| gate.held() == 0).await;
    logic.send(&"last words".to_owned()).unwrap();
    logic.stop().await;
    assert!(matches!(next(&from_logic), FromLogic::Down(down) if down == "last words"));
    assert!(matches!(next(&from_logic), FromLogic::Lost));
}

/// What the one before had not committed comes again, to the next only what is new to it.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_call_logic_gets_what_the_one_before_had_not_committed() {
    let house = House::new();
    let (gate, _from_logic) = house.gate(held(7));
    let (logic, from_gate) = house.logic(None);
    next(&from_gate);
    for n in 1..=5 {
        gate.push(Lane(0), &n.to_string(), false).unwrap();
        assert_eq!(up(next(&from_gate)).2, n.to_string());
    }
    drop(logic);
    // It had committed 3 but died before it could say so.
    let committed = Cursor {
        instance: 7,
        number: 3,
    };
    let (_logic, from_gate) = house.logic(Some(committed));
    assert_eq!(
        next(&from_gate),
        FromGate::Connected {
            instance: 7,
            fresh: Vec::new()
        }
    );
    assert_eq!(up(next(&from_gate)).2, "4");
    assert_eq!(up(next(&from_gate)).2, "5");
    until(|| gate.held() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_hands_over_loses_nothing_and_a_new_one_is_known_as_new() {
    let house = House::new();
    let (gate, _from_logic) = house.gate(held(7));
    let (logic, from_gate) = house.logic(None);
    next(&from_gate);
    gate.push(Lane(0), &"1".to_owned(), false).unwrap();
    up(next(&from_gate));
    let kept = gate.stop().await;
    assert_eq!(next(&from_gate), FromGate::Lost);
    assert_eq!(logic.send(&"x".to_owned()), Err(SendError::Lost));
    assert!(!house.path().exists());

    let (gate, _from_logic) = house.gate(kept);
    gate.push(Lane(0), &"2".to_owned(), false).unwrap();
    assert_eq!(
        next(&from_gate),
        FromGate::Connected {
            instance: 7,
            fresh: Vec::new()
        }
    );
    assert_eq!(up(next(&from_gate)).2, "2"); // 1 was taken before
    drop(gate.stop().await);

    let (gate, _from_logic) = house.gate(held(8));
    gate.push(Lane(0), &"new".to_owned(), false).unwrap();
    assert_eq!(next(&from_gate), FromGate::Lost);
    let fresh = vec![Lane(0), Lane(1)];
    assert_eq!(next(&from_gate), FromGate::Connected { instance: 8, fresh });
    let cursor = Cursor {
        instance: 8,
        number: 1,
    };
    assert_eq!(up(next(&from_gate)), (Lane(0), cursor, "new".to_owned()));
}

/// Nobody repeats what was sent on TCP just when the gate hands over.
#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_hands_over_takes_all_that_was_sent_to_it() {
    let house = House::new();
    let (gate, from_logic) = house.gate(held(7));
    let (logic, from_gate) = house.logic(None);
    next(&from_gate);
    let sender = std::thread::spawn(move || {
        let mut sent = 0;
        while logic.send(&format!("{sent} {}", "x".repeat(300))) != Err(SendError::Lost) {
            sent += 1;
            if sent % 16 == 0 {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        sent
    });
    assert!(matches!(next(&from_logic), FromLogic::Connected { .. }));
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.disconnect().await;
    gate.push(Lane(0), &"is held".to_owned(), false).unwrap();
    let sent = tokio::task::block_in_place(|| sender.join()).unwrap();
    let mut taken = 0;
    while let FromLogic::Down(down) = next(&from_logic) {
        assert!(down.starts_with(&format!("{taken} ")));
        taken += 1;
        if taken == sent {
            break;
        }
    }
    assert_eq!(taken, sent);
    assert_eq!(gate.stop().await.len(), 1);
}

/// Two processes must not both think that they are the call logic.
#[tokio::test(flavor = "multi_thread")]
async fn a_newer_call_logic_takes_the_place_of_the_older() {
    let house = House::new();
    let (gate, from_logic) = house.gate(held(7));
    let (older, from_gate) = house.logic(None);
    next(&from_gate);
    next(&from_logic);
    // Not yet: this one says nothing.
    let silent = UnixStream::connect(house.path()).await.unwrap();
    gate.push(Lane(0), &"1".to_owned(), false).unwrap();
    up(next(&from_gate));
    let newer = greet(&house.path()).await;
    assert!(matches!(next(&from_logic), FromLogic::Lost));
    assert!(matches!(next(&from_logic), FromLogic::Connected { shards: 3 }));
    assert_eq!(next(&from_gate), FromGate::Lost);
    drop((newer, silent, older));
}

/// A call logic by hand.
async fn greet(path: &Path) -> UnixStream {
    let mut stream = UnixStream::connect(path).await.unwrap();
    let mut hello = Vec::new();
    let ours = LogicHello {
        shards: 3,
        cursors: Vec::new(),
    };
    encode_hello(&ours, &mut hello).unwrap();
    stream.write_all(&hello).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn new_work_that_finds_no_call_logic_comes_back_after_a_second() {
    let house = House::new();
    let (gate, from_logic) = house.gate(held(7));
    gate.push(Lane(0), &"INVITE".to_owned(), true).unwrap();
    gate.push(Lane(0), &"BYE".to_owned(), false).unwrap();
    match next(&from_logic) {
        FromLogic::Expired(expired) => {
            assert_eq!((expired.item.as_str(), expired.was_sent), ("INVITE", false));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(gate.held(), 1);
}

/// What finds no room waits, is not lost, and the gate's bound says so to those who push.
#[tokio::test(flavor = "multi_thread")]
async fn call_logic_without_room_slows_the_gate_down_and_loses_nothing() {
    let house = House::new();
    let bounds = Bounds {
        items_per_lane: 40,
        ..Bounds::default()
    };
    let (gate, _from_logic) = house.gate(Held::new(7, bounds));
    let (sender, from_gate) = std::sync::mpsc::sync_channel(1);
    let logic = house.logic_to(None, move |event| {
        sender.try_send(event).map_err(|refused| match refused {
            std::sync::mpsc::TrySendError::Full(event)
            | std::sync::mpsc::TrySendError::Disconnected(event) => event,
        })
    });
    next(&from_gate);
    let (mut pushed, mut full) = (0, 0);
    let (mut taken, mut begun) = (0, std::time::Instant::now());
    while taken < 200 {
        assert!(begun.elapsed() < SOON);
        match gate.push(Lane(0), &pushed.to_string(), false) {
            Ok(_) if pushed < 1_000 => pushed += 1,
            Ok(_) => (),
            Err(Refused::Full { items, .. }) => {
                assert_eq!(items, 40);
                full += 1;
                if taken == pushed {
                    // All is taken, and the gate has not read the acknowledgements yet.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    continue;
                }
                let (lane, cursor, item) = up(next(&from_gate));
                assert_eq!(item, taken.to_string());
                taken += 1;
                logic.acknowledge(lane, cursor);
                begun = std::time::Instant::now();
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(full >= 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_or_another_version_is_refused_and_does_no_harm() {
    let house = House::new();
    let (gate, _from_logic) = house.gate(held(7));
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x07\0\0\0tndm\x63\0\0",
    ] {
        let mut stream = UnixStream::connect(house.path()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut rest = Vec::new();
        let read = tokio::time::timeout(SOON, stream.read_to_end(&mut rest))
            .await
            .unwrap();
        assert!(read.is_ok() || !rest.is_empty());
    }
    // One that is refused later: a frame that is none.
    let mut stream = greet(&house.path()).await;
    stream.write_all(b"\xff\xff\xff\xff").await.unwrap();
    let mut rest = Vec::new();
    let _ = tokio::time::timeout(SOON, stream.read_to_end(&mut rest))
        .await
        .unwrap();

    let (_logic, from_gate) = house.logic(None);
    next(&from_gate);
    gate.push(Lane(0), &"fine".to_owned(), false).unwrap();
    assert_eq!(up(next(&from_gate)).2, "fine");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_is_its_owners_alone_and_replaces_a_stale_one() {
    let house = House::new();
    drop(std::os::unix::net::UnixListener::bind(house.path()).unwrap());
    assert!(house.path().exists());
    let (gate, _from_logic) = house.gate(held(7));
    let mode = std::fs::metadata(house.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A successor that is there already keeps its file when this one stops.
    let (_successor, _events) = house.gate(held(7));
    gate.stop().await;
    assert!(house.path().exists());
}
