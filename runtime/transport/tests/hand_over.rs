//! A successor goes on with the sockets; what it is told crosses as bytes, as it would to another process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::net::SocketAddr;
use std::time::Duration;

use tandem_sip::{Flow, Transport as Carrier};
use tandem_transport::{Config, HandOver, Inbound, Limits, SendError, Transport, TransportError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

struct House {
    config: Config,
    transport: Transport,
    inbound: mpsc::Receiver<Inbound>,
}

impl House {
    fn new(queue: usize) -> Self {
        let address: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let config = Config {
            udp: vec![address],
            tcp: vec![address],
            limits: Limits::default(),
        };
        let (sender, inbound) = mpsc::channel(queue);
        let transport = Transport::bind(&config, sender).unwrap();
        Self {
            config,
            transport,
            inbound,
        }
    }

    async fn hand_over(&self) -> HandOver {
        let handed = timeout(SOON, self.transport.hand_over()).await.unwrap().unwrap();
        let bytes = postcard::to_allocvec(&handed.state).unwrap();
        HandOver {
            state: postcard::from_bytes(&bytes).unwrap(),
            descriptors: handed.descriptors,
        }
    }

    /// What the predecessor delivered and nobody read is given back too.
    async fn succeed(self) -> (Self, Vec<Inbound>) {
        let handed = self.hand_over().await;
        let Self {
            config,
            transport,
            inbound: mut before,
        } = self;
        drop(transport);
        let (sender, inbound) = mpsc::channel(1_000);
        let transport = Transport::adopt(&config, handed, sender).unwrap();
        let mut delivered = Vec::new();
        while let Some(inbound) = before.recv().await {
            delivered.push(inbound);
        }
        let next = Self {
            config,
            transport,
            inbound,
        };
        (next, delivered)
    }

    async fn next(&mut self) -> Inbound {
        timeout(SOON, self.inbound.recv()).await.unwrap().unwrap()
    }

    async fn message(&mut self) -> (Flow, String) {
        match self.next().await {
            Inbound::Message { flow, message } => (flow, message.call_id().unwrap().to_owned()),
            Inbound::Closed { flow } => panic!("{flow} closed"),
        }
    }
}

fn request(call_id: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:302@demo.local SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;rport;branch=z9hG4bK{call_id}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:301@demo.local>;tag=a\r\nTo: <sip:302@demo.local>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(SOON, stream.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    bytes
}

#[tokio::test]
async fn a_stream_in_the_middle_of_a_message_goes_on_in_the_successor() {
    let mut house = House::new(16);
    let address = house.transport.tcp()[0];
    let mut phone = TcpStream::connect(address).await.unwrap();
    phone.write_all(&request("whole")).await.unwrap();
    let (flow, _) = house.message().await;
    let half = request("half");
    let (first, second) = half.split_at(100);
    phone.write_all(first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await; // mostly read by then; where it is not, it must work as well

    let (mut house, _) = house.succeed().await;
    assert_eq!(house.transport.tcp(), [address]);
    phone.write_all(second).await.unwrap();
    assert_eq!(house.message().await, (flow, "half".to_owned()));
    house.transport.send(flow, "answer".into()).unwrap();
    assert_eq!(read(&mut phone, 6).await, b"answer");

    let mut other = TcpStream::connect(address).await.unwrap();
    other.write_all(&request("new")).await.unwrap();
    let (new, _) = house.message().await;
    assert_eq!(new.connection, flow.connection + 1);
    drop(phone);
    assert!(matches!(house.next().await, Inbound::Closed { flow: gone } if gone == flow));
}

/// What is queued for a slow peer arrives whole and once, wherever in it the handover fell.
#[tokio::test]
async fn a_peer_that_reads_slowly_gets_everything_in_order() {
    let mut house = House::new(16);
    let mut phone = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    phone.write_all(&request("1")).await.unwrap();
    let (flow, _) = house.message().await;
    let mut sent = Vec::new();
    for n in 0_u8.. {
        let message = vec![n; 50_000];
        match house.transport.send(flow, message.clone().into()) {
            Ok(()) => sent.extend(message),
            Err(SendError::Full) => break,
            Err(other) => panic!("{other}"),
        }
        tokio::task::yield_now().await;
    }
    let (house, _) = house.succeed().await;
    let (house, _) = house.succeed().await;
    house.transport.send(flow, "end".into()).unwrap();
    sent.extend(b"end");
    assert!(read(&mut phone, sent.len()).await == sent);
}

/// Messages that find no room are not lost with the process that could not place them.
#[tokio::test]
async fn a_full_house_hands_over_what_it_could_not_place() {
    let house = House::new(1);
    let mut phone = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    for n in 0..20 {
        phone.write_all(&request(&n.to_string())).await.unwrap();
    }
    let mut dying = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    dying.write_all(b"x").await.unwrap();
    while house
        .transport
        .counters()
        .connections_open
        .load(std::sync::atomic::Ordering::Relaxed)
        < 2
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(dying);
    while house
        .transport
        .counters()
        .connections_open
        .load(std::sync::atomic::Ordering::Relaxed)
        > 1
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (mut house, delivered) = house.succeed().await;
    let mut calls = Vec::new();
    let mut closed = 0;
    let mut take = |inbound| match inbound {
        Inbound::Message { message, .. } => {
            calls.push(message.call_id().unwrap().to_owned());
            calls.len() == 20
        }
        Inbound::Closed { .. } => {
            closed += 1;
            false
        }
    };
    for inbound in delivered {
        take(inbound);
    }
    while !take(house.next().await) {}
    if closed == 0 {
        assert!(matches!(house.next().await, Inbound::Closed { .. }));
    }
    assert_eq!(calls, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn datagrams_during_the_handover_arrive_once_each() {
    let mut house = House::new(1_000);
    let phone = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    phone.connect(house.transport.udp()[0]).await.unwrap();
    let address = phone.local_addr().unwrap();
    let sending = tokio::spawn(async move {
        for n in 0..300 {
            phone.send(&request(&n.to_string())).await.unwrap();
            if n % 10 == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        phone
    });
    let mut calls = Vec::new();
    for _ in 0..4 {
        let (flow, call) = house.message().await;
        assert_eq!(flow.remote, address);
        calls.push(call);
        let delivered;
        (house, delivered) = house.succeed().await;
        for inbound in delivered {
            if let Inbound::Message { message, .. } = inbound {
                calls.push(message.call_id().unwrap().to_owned());
            }
        }
    }
    while calls.len() < 300 {
        calls.push(house.message().await.1);
    }
    assert_eq!(calls, (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    let phone = sending.await.unwrap();
    let flow = Flow {
        transport: Carrier::Udp,
        local: house.transport.udp()[0],
        remote: address,
        connection: 0,
    };
    house.transport.send(flow, "answer".into()).unwrap();
    let mut buffer = [0; 100];
    assert_eq!(timeout(SOON, phone.recv(&mut buffer)).await.unwrap().unwrap(), 6);
}

/// A connection that was being made is made by the successor, with what waits for it.
#[tokio::test]
async fn what_we_connected_to_stays_connected_or_is_connected_again() {
    let house = House::new(16);
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = Flow {
        transport: Carrier::Tcp,
        local: house.transport.tcp()[0],
        remote: peer.local_addr().unwrap(),
        connection: 0,
    };
    house.transport.send(flow, "one".into()).unwrap(); // no task has run yet
    let (house, _) = house.succeed().await;
    house.transport.send(flow, "two".into()).unwrap();
    // An attempt of the predecessor may have reached the peer before it was given up.
    let mut stream = loop {
        let (mut stream, _) = timeout(SOON, peer.accept()).await.unwrap().unwrap();
        let mut first = [0; 3];
        if timeout(SOON, stream.read_exact(&mut first))
            .await
            .unwrap()
            .is_ok()
        {
            assert_eq!(&first, b"one");
            break stream;
        }
    };
    assert_eq!(read(&mut stream, 3).await, b"two");
    let (mut house, _) = house.succeed().await;
    house.transport.send(flow, "three".into()).unwrap();
    assert_eq!(read(&mut stream, 5).await, b"three");
    drop(stream);
    assert!(matches!(house.next().await, Inbound::Closed { flow: gone } if gone.connection != 0));
    assert!(matches!(house.next().await, Inbound::Closed { flow: gone } if gone == flow));
}

#[tokio::test]
async fn a_predecessor_is_dead_and_its_descriptors_are_counted() {
    let house = House::new(16);
    let flow = Flow {
        transport: Carrier::Udp,
        local: house.transport.udp()[0],
        remote: "127.0.0.1:9".parse().unwrap(),
        connection: 0,
    };
    let mut handed = house.hand_over().await;
    assert!(matches!(
        house.transport.send(flow, "x".into()),
        Err(SendError::Gone)
    ));
    assert!(matches!(
        house.transport.hand_over().await,
        Err(TransportError::Stopped)
    ));
    handed.descriptors.pop();
    let (sender, _inbound) = mpsc::channel(1);
    let error = Transport::adopt(&house.config, handed, sender).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 descriptors were handed over where there should be 2"
    );
}
