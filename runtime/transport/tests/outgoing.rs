//! TCP connections that we make.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::net::SocketAddr;
use std::time::Duration;

use tandem_sip::{Flow, Transport as Carrier};
use tandem_transport::{Config, Inbound, Limits, SendError, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(10);

fn house(limits: Limits) -> (Transport, mpsc::Receiver<Inbound>) {
    let (sender, inbound) = mpsc::channel(16);
    let config = Config {
        udp: Vec::new(),
        tcp: vec!["127.0.0.7:0".parse().unwrap()],
        limits,
    };
    (Transport::bind(&config, sender).unwrap(), inbound)
}

fn to(remote: SocketAddr) -> Flow {
    Flow {
        transport: Carrier::Tcp,
        local: "127.0.0.7:5060".parse().unwrap(),
        remote,
        connection: 0,
    }
}

fn request(call_id: &str) -> String {
    format!(
        "OPTIONS sip:302@demo.local SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{call_id}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:301@demo.local>;tag=a\r\nTo: <sip:302@demo.local>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
}

async fn read(stream: &mut TcpStream, length: usize) -> String {
    let mut bytes = vec![0; length];
    timeout(SOON, stream.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    String::from_utf8(bytes).unwrap()
}

async fn next(inbound: &mut mpsc::Receiver<Inbound>) -> Inbound {
    timeout(SOON, inbound.recv()).await.unwrap().unwrap()
}

async fn closed(inbound: &mut mpsc::Receiver<Inbound>) -> Flow {
    match next(inbound).await {
        Inbound::Closed { flow } => flow,
        other @ Inbound::Message { .. } => panic!("{other:?}"),
    }
}

fn counted(transport: &Transport, name: &str) -> u64 {
    let snapshot = transport.counters().snapshot();
    snapshot.into_iter().find(|(n, _)| *n == name).unwrap().1
}

/// One connection for all that is sent to a peer; what comes back has its number, and the address we listen on.
#[tokio::test]
async fn connection_zero_connects_once_and_answers_come_up_with_the_connections_own_number() {
    let (transport, mut inbound) = house(Limits::default());
    let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = to(peer.local_addr().unwrap());
    transport.send(flow, "one".into()).unwrap();
    transport.send(flow, "two".into()).unwrap(); // waits for the connection
    let (mut stream, source) = timeout(SOON, peer.accept()).await.unwrap().unwrap();
    assert_eq!(source.ip(), transport.tcp()[0].ip());
    assert_eq!(read(&mut stream, 6).await, "onetwo");
    transport.send(flow, "three".into()).unwrap(); // it is open
    assert_eq!(read(&mut stream, 5).await, "three");

    stream.write_all(request("1").as_bytes()).await.unwrap();
    let Inbound::Message { flow: real, .. } = next(&mut inbound).await else {
        panic!("closed");
    };
    assert_ne!(real.connection, 0);
    assert_eq!((real.remote, real.local), (flow.remote, transport.tcp()[0]));
    transport.send(real, "four".into()).unwrap();
    assert_eq!(read(&mut stream, 4).await, "four");
    assert_eq!(counted(&transport, "connections_made"), 1);

    // Its end is told under both names; the next message connects anew.
    drop(stream);
    assert_eq!(closed(&mut inbound).await, real);
    assert_eq!(closed(&mut inbound).await, flow);
    assert!(matches!(transport.send(real, "x".into()), Err(SendError::Gone)));
    transport.send(flow, "again".into()).unwrap();
    let (mut stream, _) = timeout(SOON, peer.accept()).await.unwrap().unwrap();
    assert_eq!(read(&mut stream, 5).await, "again");
}

#[tokio::test]
async fn a_connection_that_the_peer_made_is_used_for_its_address() {
    let (transport, mut inbound) = house(Limits::default());
    let mut phone = TcpStream::connect(transport.tcp()[0]).await.unwrap();
    phone.write_all(request("1").as_bytes()).await.unwrap();
    next(&mut inbound).await;
    transport
        .send(to(phone.local_addr().unwrap()), "hello".into())
        .unwrap();
    assert_eq!(read(&mut phone, 5).await, "hello");
    assert_eq!(counted(&transport, "connections_made"), 0);
}

#[tokio::test]
async fn a_refused_connection_is_told_as_closed_with_the_flow_that_was_asked_for() {
    let (transport, mut inbound) = house(Limits::default());
    // Bound, so that nobody else gets the port, but nobody listens.
    let nobody = TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let flow = to(nobody.local_addr().unwrap());
    for round in 1..=2 {
        transport.send(flow, "lost".into()).unwrap();
        assert_eq!(closed(&mut inbound).await, flow);
        assert_eq!(counted(&transport, "connections_failed"), round);
        assert_eq!(counted(&transport, "unsent"), round);
    }
}

/// A listener whose queue is full drops what comes.
#[tokio::test]
async fn a_peer_that_does_not_take_the_connection_is_given_up_after_its_time() {
    let silent = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    silent
        .bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into())
        .unwrap();
    silent.listen(1).unwrap();
    let address = silent.local_addr().unwrap().as_socket().unwrap();
    let mut fill = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
        fill.push(stream.unwrap());
    }
    let limits = Limits {
        connect_time: Duration::from_millis(300),
        connecting_max: 1,
        ..Limits::default()
    };
    let (transport, mut inbound) = house(limits);
    transport.send(to(address), "lost".into()).unwrap();
    // One attempt at a time here; another peer has to wait.
    let other = to("127.0.0.1:9".parse().unwrap());
    assert!(matches!(transport.send(other, "x".into()), Err(SendError::Full)));
    assert_eq!(closed(&mut inbound).await, to(address));
    assert_eq!(counted(&transport, "connections_failed"), 1);
}

/// A flow that another process wrote down never means a connection of this one.
#[tokio::test]
async fn connection_numbers_differ_from_instance_to_instance() {
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let (transport, mut inbound) = house(Limits::default());
        let mut phone = TcpStream::connect(transport.tcp()[0]).await.unwrap();
        phone.write_all(request("1").as_bytes()).await.unwrap();
        let Inbound::Message { flow, .. } = next(&mut inbound).await else {
            panic!("closed");
        };
        numbers.push(flow.connection);
    }
    numbers.sort_unstable();
    assert!(
        numbers.windows(2).all(|pair| pair[1] - pair[0] > 1_000),
        "{numbers:?}"
    );
}
