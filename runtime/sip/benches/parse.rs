//! What a message costs: parse, typed views, validate, response. Allocations are counted. Other parsers beside it:
//! `benches/sip-peers`.
//!
//! `cargo bench --profile dev -p tandem-sip --bench parse`

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use tandem_sip::{Builder, Message, Name};

static INVITE: &[u8] = include_bytes!("../tests/data/invite.sip");
static OK: &[u8] = include_bytes!("../tests/data/ok.sip");

/// The system's allocator, counting.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above, so from the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut run: impl FnMut()) -> u64 {
    run();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    run();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// The shortest of many short runs in ns: says what the code costs even while others use the machine.
fn best_ns(mut run: impl FnMut()) -> u128 {
    let one = || {
        let start = std::time::Instant::now();
        for _ in 0..200 {
            run();
        }
        start.elapsed().as_nanos() / 200
    };
    std::iter::repeat_with(one).take(2_000).min().unwrap()
}

/// Via×2, From, To, Contact, CSeq, Call-ID, Route, Max-Forwards.
fn typed(bytes: &Bytes) {
    let m = Message::parse(bytes.clone()).unwrap();
    black_box(m.vias().flatten().count());
    black_box((m.from().unwrap().tag(), m.to().unwrap().tag()));
    black_box(m.contacts().next().unwrap().unwrap());
    black_box((m.cseq().unwrap(), m.call_id().unwrap()));
    black_box(m.routes().next().unwrap().unwrap());
    black_box(m.max_forwards().unwrap());
}

fn reply(request: &Message) {
    let reply = Builder::reply(request, 180, "Ringing")
        .to_tag("8f2c")
        .header(Name::Contact, "<sip:202@192.0.2.9>");
    black_box(reply.build().unwrap());
}

fn benches(c: &mut Criterion) {
    let invite = Bytes::from_static(INVITE);
    let ok = Bytes::from_static(OK);
    let message = Message::parse(invite.clone()).unwrap();

    let lazy = allocations(|| drop(black_box(Message::parse(invite.clone()))));
    println!(
        "{} bytes; allocations: lazy {lazy}, typed {}, validate {}, 200 OK {}, reply {}",
        INVITE.len(),
        allocations(|| typed(&invite)),
        allocations(|| drop(black_box(message.validate()))),
        allocations(|| drop(black_box(Message::parse(ok.clone())))),
        allocations(|| reply(&message)),
    );
    assert_eq!(lazy, 0, "parsing allocates");
    println!(
        "best ns: lazy {}, typed {}, validate {}, 200 OK {}, reply {}",
        best_ns(|| drop(black_box(Message::parse(black_box(invite.clone()))))),
        best_ns(|| typed(black_box(&invite))),
        best_ns(|| drop(black_box(black_box(&message).validate()))),
        best_ns(|| drop(black_box(Message::parse(black_box(ok.clone()))))),
        best_ns(|| reply(black_box(&message))),
    );

    c.bench_function("invite lazy", |b| {
        b.iter(|| Message::parse(black_box(invite.clone())));
    });
    c.bench_function("invite typed", |b| b.iter(|| typed(black_box(&invite))));
    c.bench_function("invite validate only", |b| {
        b.iter(|| black_box(&message).validate());
    });
    c.bench_function("200 OK lazy", |b| {
        b.iter(|| Message::parse(black_box(ok.clone())));
    });
    c.bench_function("reply 180", |b| b.iter(|| reply(black_box(&message))));
}

criterion_group! {
    name = group;
    config = Criterion::default().without_plots().sample_size(50)
        .warm_up_time(std::time::Duration::from_millis(500))
        .measurement_time(std::time::Duration::from_secs(2));
    targets = benches
}
criterion_main!(group);
