//! One INVITE transaction round, client and server, no sockets: INVITE, 180, 200 with its ACK; and
//! INVITE refused with 486 and its ACK. Messages are parsed at each arrival as a driver does.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tandem_sip::Moment;
use tandem_sip::dialog::Dialog;
use tandem_sip::transactions::{Config, Event, Output, Transactions};
use tandem_sip::{Builder, Flow, Message, Method, Name, Transport};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps GlobalAlloc's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n";

struct Round {
    client: Transactions,
    server: Transactions,
    flow: Flow,
    now: Moment,
    n: u64,
}

impl Round {
    fn new() -> Self {
        let table = |seed| Transactions::new(Config::default(), StdRng::seed_from_u64(seed));
        let flow = Flow {
            transport: Transport::Udp,
            local: ([192, 0, 2, 1], 5060).into(),
            remote: ([192, 0, 2, 2], 5060).into(),
            connection: 0,
        };
        Round {
            client: table(1),
            server: table(2),
            flow,
            now: Moment::default(),
            n: 0,
        }
    }

    /// One INVITE that is rung and then answered with `status`, up to its ACK.
    fn run(&mut self, status: u16) {
        self.n += 1;
        // Each round is a second after the last, so that old ones end as they do in life.
        self.now += Duration::from_secs(1);
        self.client.handle_timeout(self.now);
        self.server.handle_timeout(self.now);
        let invite = Message::request(Method::Invite, "sip:302@demo.example")
            .header(Name::MaxForwards, "70")
            .header(Name::From, "\"Alice\" <sip:301@demo.example>;tag=a1b2c3d4e5f6")
            .header(Name::To, "<sip:302@demo.example>")
            .header_display(Name::CallId, format_args!("{:032x}", self.n))
            .header(Name::CSeq, "1 INVITE")
            .header(Name::Contact, "<sip:301@192.0.2.1:5060>")
            .header(Name::UserAgent, "bench")
            .body("application/sdp", SDP)
            .build()
            .unwrap();
        self.client
            .request(invite.clone(), self.flow, "192.0.2.1:5060", self.now);
        let mut acked = false;
        loop {
            let (from_client, more) = self.drain_client(&invite);
            for bytes in from_client {
                let message = Message::parse(bytes).unwrap();
                acked |= message.method() == Some(Method::Ack);
                self.server.handle_inbound(self.flow, message, self.now);
            }
            for bytes in self.drain_server(status) {
                self.client
                    .handle_inbound(self.flow, Message::parse(bytes).unwrap(), self.now);
            }
            if acked && !more {
                return;
            }
        }
    }

    fn drain_client(&mut self, invite: &Message) -> (Vec<Bytes>, bool) {
        let mut sent = Vec::with_capacity(2);
        let mut more = false;
        loop {
            match self.client.poll_output() {
                Output::Send { message, .. } => sent.push(message),
                Output::Event(Event::Response { message, .. }) => {
                    more = true;
                    if message.status() == Some(200) {
                        let dialog = Dialog::uac(invite, &message, self.flow).unwrap();
                        let ack = dialog.ack(1).build().unwrap();
                        self.client.send_ack(&ack, self.flow, "192.0.2.1:5060").unwrap();
                    }
                }
                Output::Event(_) => (),
                Output::Wait(_) => return (sent, more),
            }
        }
    }

    fn drain_server(&mut self, status: u16) -> Vec<Bytes> {
        let mut sent = Vec::with_capacity(2);
        loop {
            match self.server.poll_output() {
                Output::Send { message, .. } => sent.push(message),
                Output::Event(Event::Request { server, message, .. }) => {
                    for status in [180, status] {
                        let reply = Builder::reply(&message, status, "Reason")
                            .to_tag("0123456789abcdef")
                            .header(Name::Contact, "<sip:302@192.0.2.2>")
                            .build()
                            .unwrap();
                        self.server.respond(server, reply, self.now).unwrap();
                    }
                }
                Output::Event(_) => (),
                Output::Wait(_) => return sent,
            }
        }
    }
}

fn bench(c: &mut Criterion) {
    for (name, status) in [("invite_200_ack", 200), ("invite_486_ack", 486)] {
        let mut round = Round::new();
        for _ in 0..1_000 {
            round.run(status);
        }
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..1_000 {
            round.run(status);
        }
        let each = (ALLOCATIONS.load(Ordering::Relaxed) - before) as f64 / 1_000.0;
        println!("transactions/{name}: {each:.1} allocations a round, both sides");
        c.bench_function(&format!("transactions/{name}"), |b| {
            b.iter(|| round.run(black_box(status)));
        });
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
