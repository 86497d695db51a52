//! The transport over real sockets of 127.0.0.1.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tandem_sip::{Flow, Method};
use tandem_transport::{Config, Inbound, Limits, SendError, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(30);

struct House {
    transport: Transport,
    inbound: mpsc::Receiver<Inbound>,
}

impl House {
    fn new(queue: usize, limits: Limits) -> Self {
        Self::on("127.0.0.1:0", queue, limits)
    }

    fn on(address: &str, queue: usize, limits: Limits) -> Self {
        let address: SocketAddr = address.parse().unwrap();
        let (sender, inbound) = mpsc::channel(queue);
        let config = Config {
            udp: vec![address],
            tcp: vec![address],
            limits,
        };
        Self {
            transport: Transport::bind(&config, sender).unwrap(),
            inbound,
        }
    }

    async fn next(&mut self) -> Inbound {
        timeout(SOON, self.inbound.recv()).await.unwrap().unwrap()
    }

    async fn message(&mut self) -> (Flow, tandem_sip::Message) {
        match self.next().await {
            Inbound::Message { flow, message } => (flow, message),
            Inbound::Closed { flow } => panic!("{flow} closed"),
        }
    }

    fn counted(&self, name: &str) -> u64 {
        self.transport
            .counters()
            .snapshot()
            .into_iter()
            .find(|(n, _)| *n == name)
            .unwrap()
            .1
    }
}

fn request(method: &str, call_id: &str) -> String {
    format!(
        "{method} sip:302@demo.local SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;rport;branch=z9hG4bK{call_id}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:301@demo.local>;tag=a\r\nTo: <sip:302@demo.local>\r\n\
         Call-ID: {call_id}\r\nCSeq: 1 {method}\r\nContent-Length: 0\r\n\r\n"
    )
}

async fn phone(house: &House) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(house.transport.udp()[0]).await.unwrap();
    socket
}

async fn receive(socket: &UdpSocket) -> String {
    let mut buffer = vec![0; 65_536];
    let length = timeout(SOON, socket.recv(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

async fn read_some(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 65_536];
    let length = timeout(SOON, stream.read(&mut buffer)).await.unwrap().unwrap();
    buffer.truncate(length);
    buffer
}

/// RFC 3581 §4: the answer's way is in the top Via, and the flow leads back to the phone.
#[tokio::test]
async fn a_datagram_comes_up_with_its_source_and_is_answered_along_its_flow() {
    let mut house = House::new(16, Limits::default());
    let phone = phone(&house).await;
    phone.send(request("OPTIONS", "1").as_bytes()).await.unwrap();
    let (flow, message) = house.message().await;
    let source = phone.local_addr().unwrap();
    assert_eq!(
        (flow.remote, flow.local, flow.connection),
        (source, house.transport.udp()[0], 0)
    );
    assert_eq!(message.top_via().unwrap().rport(), Some(Some(source.port())));
    house
        .transport
        .send(flow, "SIP/2.0 200 OK\r\n\r\n".into())
        .unwrap();
    assert_eq!(receive(&phone).await, "SIP/2.0 200 OK\r\n\r\n");
    assert_eq!((house.counted("udp_received"), house.counted("udp_sent")), (1, 1));
}

#[tokio::test]
async fn a_burst_of_datagrams_comes_up_whole_and_apart() {
    let mut house = House::new(1_000, Limits::default());
    let phone = phone(&house).await;
    for n in 0..500 {
        phone
            .send(request("OPTIONS", &format!("burst{n}")).as_bytes())
            .await
            .unwrap();
    }
    for n in 0..500 {
        assert_eq!(house.message().await.1.call_id().unwrap(), format!("burst{n}"));
    }
}

/// Behind a wildcard address an answer must leave from where the question came to.
#[tokio::test]
async fn a_wildcard_socket_answers_from_the_address_that_was_asked() {
    let mut house = House::on("0.0.0.0:0", 16, Limits::default());
    let port = house.transport.udp()[0].port();
    let phone = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    phone.connect(("127.0.0.2", port)).await.unwrap(); // takes answers from there only
    phone.send(request("OPTIONS", "1").as_bytes()).await.unwrap();
    let (flow, _) = house.message().await;
    assert_eq!(flow.local, SocketAddr::from(([127, 0, 0, 2], port)));
    house
        .transport
        .send(flow, "SIP/2.0 200 OK\r\n\r\n".into())
        .unwrap();
    assert!(receive(&phone).await.starts_with("SIP/2.0 200"));
}

/// Longer than any Ethernet frame: the system must be allowed to fragment it.
#[tokio::test]
async fn a_long_datagram_passes_both_ways() {
    let mut house = House::new(16, Limits::default());
    let phone = phone(&house).await;
    let long = request("OPTIONS", "1").replace("Max-", &format!("X-Long: {}\r\nMax-", "x".repeat(40_000)));
    phone.send(long.as_bytes()).await.unwrap();
    let (flow, _) = house.message().await;
    house.transport.send(flow, "y".repeat(50_000).into()).unwrap();
    assert_eq!(receive(&phone).await.len(), 50_000);
    let refused = house.transport.send(flow, "y".repeat(70_000).into());
    assert!(matches!(refused, Err(SendError::TooLong { length: 70_000, .. })));
}

/// A request that breaks a rule is answered, at most so often; what is no SIP, and an ACK, never is.
#[tokio::test]
async fn garbage_is_counted_and_bad_requests_get_a_bounded_number_of_answers() {
    let mut house = House::new(
        16,
        Limits {
            complaints_per_second: 5,
            ..Limits::default()
        },
    );
    let phone = phone(&house).await;
    phone.send(b"\x80\x00RTP, perhaps").await.unwrap();
    phone.send(b"\r\n\r\n").await.unwrap();
    phone
        .send(
            request("ACK", "0")
                .replace("CSeq: 1 ACK", "CSeq: 1 BYE")
                .as_bytes(),
        )
        .await
        .unwrap();
    for n in 0..50 {
        let bad = request("INVITE", &n.to_string()).replace("CSeq: 1 INVITE", "CSeq: x INVITE");
        phone.send(bad.as_bytes()).await.unwrap();
    }
    phone.send(request("OPTIONS", "good").as_bytes()).await.unwrap();
    assert_eq!(house.message().await.1.call_id().unwrap(), "good");
    let answer = receive(&phone).await;
    assert!(answer.starts_with("SIP/2.0 400 "), "{answer}");
    assert!(answer.contains("\r\nTo: <sip:302@demo.local>;tag="), "{answer}");
    let mut answers = 1;
    let mut buffer = [0; 2_000];
    while timeout(Duration::from_millis(100), phone.recv(&mut buffer))
        .await
        .is_ok()
    {
        answers += 1;
    }
    assert!((3..=12).contains(&answers), "{answers} answers");
    assert_eq!((house.counted("malformed"), house.counted("keep_alives")), (1, 1));
    assert_eq!(house.counted("refused"), 51);
    assert_eq!(house.counted("answers_withheld"), 50 - answers);
}

/// The call logic is full: what begins a call is told when to come again, the rest is left to its repeats.
#[tokio::test]
async fn overload_answers_503_with_retry_after_to_what_is_new() {
    let mut house = House::new(1, Limits::default());
    let phone = phone(&house).await;
    for (method, id) in [("OPTIONS", "fills"), ("INVITE", "new"), ("BYE", "dropped")] {
        phone.send(request(method, id).as_bytes()).await.unwrap();
    }
    let answer = receive(&phone).await;
    assert!(
        answer.starts_with("SIP/2.0 503 Service Unavailable\r\n"),
        "{answer}"
    );
    assert!(answer.contains("\r\nRetry-After: 5\r\n"), "{answer}");
    assert!(answer.contains("\r\nCall-ID: new\r\n"), "{answer}");
    while house.counted("dropped") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(house.message().await.1.call_id().unwrap(), "fills");
    assert_eq!((house.counted("overloaded"), house.counted("dropped")), (1, 1));
}

/// For what waits outside the transport too, while there is no call logic.
#[tokio::test]
async fn what_is_new_can_be_told_to_come_again_without_a_transaction() {
    let mut house = House::new(16, Limits::default());
    let phone = phone(&house).await;
    for (method, told) in [("BYE", false), ("INVITE", true)] {
        phone.send(request(method, "1").as_bytes()).await.unwrap();
        let (flow, message) = house.message().await;
        assert_eq!(tandem_transport::begins(&message), told);
        assert_eq!(house.transport.answer_overload(flow, &message), told);
    }
    let answer = receive(&phone).await;
    assert!(answer.starts_with("SIP/2.0 503 "), "{answer}");
    assert!(answer.contains("\r\nCSeq: 1 INVITE\r\n"), "{answer}");
}

#[tokio::test]
async fn a_stream_is_framed_answered_and_its_end_told() {
    let mut house = House::new(16, Limits::default());
    let mut stream = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    let both = request("OPTIONS", "1") + &request("OPTIONS", "2");
    for piece in both.as_bytes().chunks(97) {
        stream.write_all(piece).await.unwrap();
        tokio::task::yield_now().await;
    }
    let (flow, first) = house.message().await;
    assert_eq!(flow.remote, stream.local_addr().unwrap());
    assert!(flow.connection > 0);
    assert_eq!(first.call_id().unwrap(), "1");
    assert_eq!(house.message().await.1.call_id().unwrap(), "2");
    house
        .transport
        .send(flow, "SIP/2.0 200 OK\r\n\r\n".into())
        .unwrap();
    assert_eq!(read_some(&mut stream).await, b"SIP/2.0 200 OK\r\n\r\n");
    stream.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read_some(&mut stream).await, b"\r\n"); // RFC 5626 §3.5.1
    drop(stream);
    assert!(matches!(house.next().await, Inbound::Closed { flow: gone } if gone == flow));
    assert!(matches!(
        house.transport.send(flow, "x".into()),
        Err(SendError::Gone)
    ));
    assert_eq!(house.counted("connections_open"), 0);
}

/// A stream's sender repeats nothing: a full house makes it slower instead.
#[tokio::test]
async fn a_full_house_slows_a_stream_down_and_loses_nothing() {
    let mut house = House::new(1, Limits::default());
    let mut stream = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    for n in 0..20 {
        stream
            .write_all(request("BYE", &n.to_string()).as_bytes())
            .await
            .unwrap();
    }
    for n in 0..20 {
        assert_eq!(house.message().await.1.call_id().unwrap(), n.to_string());
    }
    assert_eq!(house.counted("dropped"), 0);
}

#[tokio::test]
async fn a_connection_that_never_completes_a_message_is_cut_off() {
    let time = Duration::from_millis(200);
    let mut house = House::new(
        16,
        Limits {
            message_time: time,
            ..Limits::default()
        },
    );
    let mut slow = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    // A byte now and then gives no more time.
    let began = std::time::Instant::now();
    while slow.write_all(b"O").await.is_ok() && began.elapsed() < SOON {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() < SOON);
    assert!(matches!(house.next().await, Inbound::Closed { .. }));
    assert_eq!(house.counted("connections_cut"), 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_time() {
    let idle = Duration::from_millis(200);
    let mut house = House::new(
        16,
        Limits {
            connection_idle: idle,
            ..Limits::default()
        },
    );
    let mut stream = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    stream
        .write_all(request("OPTIONS", "1").as_bytes())
        .await
        .unwrap();
    house.message().await;
    assert_eq!(read_some(&mut stream).await, b"");
    assert!(matches!(house.next().await, Inbound::Closed { .. }));
}

#[tokio::test]
async fn a_stream_that_cannot_be_framed_or_is_too_long_is_closed() {
    let mut house = House::new(
        16,
        Limits {
            message_bytes_max: 5_000,
            ..Limits::default()
        },
    );
    let no_length = request("OPTIONS", "1").replace("Content-Length: 0\r\n", "");
    let too_long = request("OPTIONS", "1").replace("Max-", &format!("X: {}\r\nMax-", "x".repeat(6_000)));
    let body_never_ends = request("OPTIONS", "1").replace("Length: 0", "Length: 900000") + &"x".repeat(8_000);
    // Where a line ends is not certain, so neither is where the message does.
    let bare_line_end = request("OPTIONS", "1").replace("Max-", "X: a\nMax-");
    for bytes in [no_length, too_long, body_never_ends, bare_line_end] {
        let mut stream = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.unwrap();
        assert!(matches!(house.next().await, Inbound::Closed { .. }));
    }
    assert_eq!(house.counted("connections_cut"), 4);
}

#[tokio::test]
async fn connections_are_bounded_per_address_and_in_all() {
    let limits = Limits {
        connections_per_address_max: 2,
        connections_max: 3,
        ..Limits::default()
    };
    let house = House::on("0.0.0.0:0", 16, limits);
    let port = house.transport.tcp()[0].port();
    let connect = async |from: &str| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
        socket
            .connect(SocketAddr::from(([127, 0, 0, 1], port)))
            .await
            .unwrap()
    };
    let mut kept = Vec::new();
    for from in ["127.0.0.1", "127.0.0.1", "127.0.0.2"] {
        kept.push(connect(from).await);
    }
    for from in ["127.0.0.1", "127.0.0.3"] {
        let mut refused = connect(from).await;
        let mut buffer = [0; 1];
        let read = timeout(SOON, refused.read(&mut buffer)).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)));
    }
    assert_eq!(house.counted("connections_refused"), 2);
    assert_eq!(house.counted("connections_open"), 3);
}

/// A peer that does not read is cut off; nobody waits for it, and what it may hold is bounded.
#[tokio::test]
async fn a_peer_that_does_not_read_fills_its_own_queue_only() {
    let limits = Limits {
        send_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut house = House::new(16, limits);
    let mut stream = TcpStream::connect(house.transport.tcp()[0]).await.unwrap();
    stream
        .write_all(request("OPTIONS", "1").as_bytes())
        .await
        .unwrap();
    let (flow, _) = house.message().await;
    let mut full = false;
    for _ in 0..10_000 {
        match house.transport.send(flow, "x".repeat(60_000).into()) {
            Ok(()) => tokio::task::yield_now().await,
            Err(SendError::Full) => {
                full = true;
                break;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(full);
    assert!(matches!(house.next().await, Inbound::Closed { .. }));
    assert_eq!(
        house.transport.counters().connections_cut.load(Ordering::Relaxed),
        1
    );
}

#[tokio::test]
async fn closing_sends_what_is_queued_and_frees_the_addresses() {
    let mut house = House::new(16, Limits::default());
    let address = house.transport.tcp()[0];
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(request("OPTIONS", "1").as_bytes())
        .await
        .unwrap();
    let (flow, _) = house.message().await;
    house.transport.send(flow, "last words".into()).unwrap();
    house.transport.close(SOON).await;
    let mut heard = Vec::new();
    timeout(SOON, stream.read_to_end(&mut heard))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(heard, b"last words");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_told_with_its_transport() {
    let house = House::new(16, Limits::default());
    let taken = house.transport.udp()[0];
    let (sender, _inbound) = mpsc::channel(1);
    let config = Config {
        udp: vec![taken],
        tcp: Vec::new(),
        limits: Limits::default(),
    };
    let error = Transport::bind(&config, sender).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot listen on {taken} (UDP): ")),
        "{error}"
    );
}

/// At the method's own level too: what comes up is typed.
#[tokio::test]
async fn responses_come_up_without_being_changed() {
    let mut house = House::new(16, Limits::default());
    let phone = phone(&house).await;
    let response = "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK1\r\n\
                    From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: r\r\nCSeq: 7 INVITE\r\n\
                    Content-Length: 0\r\n\r\n";
    phone.send(response.as_bytes()).await.unwrap();
    let (_, message) = house.message().await;
    assert_eq!(message.as_bytes().as_ref(), response.as_bytes());
    assert_eq!(
        (message.status(), message.cseq().unwrap().method),
        (Some(180), Method::Invite)
    );
}
