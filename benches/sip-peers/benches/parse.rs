//! What reading one INVITE costs: tandem-sip, rsip 0.4 and rsipstack 0.7 in one run. Allocations are counted.
//!
//! *Lazy* is a parser's least: the message in its own shape. *Typed* is that and Via×2, From, To, Contact, CSeq,
//! Call-ID, Route and Max-Forwards as each crate's typed views, which for Call-ID is its text everywhere.
//!
//! `cargo bench` here, or `make bench`.

#![allow(missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};

/// The message that tandem-sip's own tests and benches read.
static INVITE: &[u8] = include_bytes!("../../../runtime/sip/tests/data/invite.sip");

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

fn allocations(run: &mut dyn FnMut()) -> u64 {
    run();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    run();
    ALLOCATIONS.load(Ordering::Relaxed) - before
}

/// The shortest of many short runs in ns: says what the code costs even while others use the machine.
fn best_ns(run: &mut dyn FnMut()) -> f64 {
    let mut one = || {
        let start = Instant::now();
        for _ in 0..200 {
            run();
        }
        start.elapsed().as_nanos() as f64 / 200.0
    };
    (0..2_000).map(|_| one()).fold(f64::INFINITY, f64::min)
}

fn tandem(bytes: &Bytes) {
    let m = tandem_sip::Message::parse(bytes.clone()).unwrap();
    let vias = m.vias().map(|via| black_box(via.unwrap())).count();
    assert_eq!(vias, 2);
    black_box((m.from().unwrap(), m.to().unwrap()));
    black_box(m.contacts().next().unwrap().unwrap());
    black_box((m.cseq().unwrap(), m.call_id().unwrap()));
    black_box(m.routes().next().unwrap().unwrap());
    black_box(m.max_forwards().unwrap().unwrap());
}

fn rsip(bytes: &[u8]) {
    use rsip::prelude::*;
    let m = rsip::Request::try_from(bytes).unwrap();
    let vias = m.headers.iter().filter_map(|header| match header {
        rsip::Header::Via(via) => Some(black_box(via.typed().unwrap())),
        _ => None,
    });
    assert_eq!(vias.count(), 2);
    let (from, to) = (m.from_header().unwrap(), m.to_header().unwrap());
    black_box((from.typed().unwrap(), to.typed().unwrap()));
    black_box(m.contact_header().unwrap().typed().unwrap());
    black_box((m.cseq_header().unwrap().typed().unwrap(), m.call_id_header().unwrap().value()));
    black_box(m.route_header().unwrap().typed().unwrap());
    black_box(m.max_forwards_header().unwrap().num().unwrap());
}

fn rsipstack(bytes: &[u8]) {
    use rsipstack::sip::prelude::*;
    let m = rsipstack::sip::Request::try_from(bytes).unwrap();
    let vias = m.headers.iter().filter_map(|header| match header {
        rsipstack::sip::Header::Via(via) => Some(black_box(via.typed().unwrap())),
        _ => None,
    });
    assert_eq!(vias.count(), 2);
    let (from, to) = (m.from_header().unwrap(), m.to_header().unwrap());
    black_box((from.typed().unwrap(), to.typed().unwrap()));
    black_box(m.contact_header().unwrap().typed().unwrap());
    black_box((m.cseq_header().unwrap().typed().unwrap(), m.call_id_header().unwrap().value()));
    black_box(m.route_header().unwrap().typed().unwrap());
    black_box(m.max_forwards_header().unwrap().value().trim().parse::<u32>().unwrap());
}

fn benches(c: &mut Criterion) {
    let invite = Bytes::from_static(INVITE);
    let mut all: [(&str, Box<dyn FnMut()>); 6] = [
        (
            "tandem-sip lazy",
            Box::new(|| drop(black_box(tandem_sip::Message::parse(black_box(invite.clone())).unwrap()))),
        ),
        (
            "rsip lazy",
            Box::new(|| drop(black_box(rsip::Request::try_from(black_box(INVITE)).unwrap()))),
        ),
        (
            "rsipstack lazy",
            Box::new(|| drop(black_box(rsipstack::sip::Request::try_from(black_box(INVITE)).unwrap()))),
        ),
        ("tandem-sip typed", Box::new(|| tandem(black_box(&invite)))),
        ("rsip typed", Box::new(|| rsip(black_box(INVITE)))),
        ("rsipstack typed", Box::new(|| rsipstack(black_box(INVITE)))),
    ];
    println!("{} bytes; shortest of 2,000 runs, and allocations:", INVITE.len());
    let mut best = Vec::new();
    for (name, run) in &mut all {
        let (ns, count) = (best_ns(run), allocations(run));
        println!("  {name:<18}{ns:>7.0} ns {count:>4}");
        assert!(*name != "tandem-sip lazy" || count == 0, "parsing allocates");
        best.push(ns);
    }
    if let [_, _, _, ours, rsip, rsipstack] = best[..] {
        println!("  typed: {:.2} of the faster peer's time", ours / rsip.min(rsipstack));
    }
    let mut group = c.benchmark_group("INVITE beside peers");
    for (name, run) in &mut all {
        group.bench_function(*name, |b| b.iter(&mut *run));
    }
    group.finish();
}

criterion_group!(group, benches);
criterion_main!(group);
