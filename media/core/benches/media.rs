//! What one packet costs: relay, transcoding, G.711, jitter buffer; allocations counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tandem_media::Endpoint;
use tandem_media::endpoint::{Agreed, Output, Settings, WallClock};
use tandem_media::g711::Codec;
use tandem_media::jitter::{Bounds, JitterBuffer};
use tandem_media::player::Clip;
use tandem_media::rtp::Header;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes on to the system's allocator unchanged; the count is a thread's own and needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of one call in the steady state: over 1,000 calls, after 100 to warm up.
fn allocations(name: &str, mut act: impl FnMut()) {
    (0..100).for_each(|_| act());
    let before = ALLOCATIONS.with(Cell::get);
    (0..1_000).for_each(|_| act());
    let count = ALLOCATIONS.with(Cell::get) - before;
    println!("{name}: {} allocations in 1,000 calls", count);
}

fn endpoint(codec: Codec, now: Instant) -> Endpoint {
    let settings = Settings {
        unheard_after: Duration::from_secs(30),
        clock: WallClock { at: now, ntp: 0 },
        jitter: Bounds::default(),
    };
    let mut endpoint = Endpoint::new(settings, &mut StdRng::seed_from_u64(1), now);
    let agreed = Agreed {
        remote: SocketAddr::from(([127, 0, 0, 1], 4_000)),
        codec,
        payload_type: 8,
        telephone_event: Some(101),
        telephone_event_received: Some(101),
        ptime_ms: 20,
        sends: true,
        receives: true,
    };
    endpoint.agree(agreed, now);
    endpoint
}

fn drain(endpoint: &mut Endpoint) -> usize {
    let mut bytes = 0;
    loop {
        match endpoint.poll_output() {
            Output::Rtp { packet, .. } | Output::Rtcp { packet, .. } => bytes += black_box(packet).len(),
            Output::Event(_) => {}
            Output::Wait => return bytes,
        }
    }
}

fn relay(to: Codec) -> impl FnMut() {
    let mut now = Instant::now();
    let (mut a, mut b) = (endpoint(Codec::Pcma, now), endpoint(to, now));
    a.join(1, now);
    b.join(1, now);
    let from = SocketAddr::from(([127, 0, 0, 1], 4_000));
    let mut packet = Vec::new();
    Header {
        marker: false,
        payload_type: 8,
        sequence: 0,
        timestamp: 0,
        ssrc: 3,
    }
    .write(&mut packet);
    packet.resize(172, 0x55);
    let mut n = 0_u32;
    move || {
        n = n.wrapping_add(1);
        now += Duration::from_millis(20);
        packet[2..4].copy_from_slice(&(n as u16).to_be_bytes());
        packet[4..8].copy_from_slice(&(n.wrapping_mul(160)).to_be_bytes());
        let frame = a.handle_rtp(&packet, from, now).unwrap();
        b.handle_relayed(1, &frame, now);
        drain(&mut a);
        assert_eq!(drain(&mut b), 172);
    }
}

fn tick(play: bool) -> impl FnMut() {
    let mut now = Instant::now();
    let mut a = endpoint(Codec::Pcma, now);
    let clip: Arc<[i16]> = (0..8_000).map(|i| (i % 997) as i16 * 30).collect();
    if play {
        a.play(1);
    }
    let mut n = 0;
    move || {
        if play && n % 50 == 0 {
            a.push_clip(1, Clip::Pcm(Arc::clone(&clip)));
        }
        n += 1;
        now += Duration::from_millis(20);
        a.handle_tick(now);
        drain(&mut a);
    }
}

fn buffer() -> impl FnMut() {
    let mut now = Instant::now();
    let mut buffer = JitterBuffer::new(Bounds::default(), now);
    let mut n = 0_u32;
    let mut out = [0; 160];
    move || {
        n = n.wrapping_add(1);
        now += Duration::from_millis(20);
        let header = Header {
            marker: false,
            payload_type: 8,
            sequence: 0,
            timestamp: n.wrapping_mul(160),
            ssrc: 1,
        };
        buffer.put(&header, Codec::Pcma, &[0x55; 160], now);
        black_box(buffer.get(&mut out, now));
    }
}

fn encode(codec: Codec) -> impl FnMut() {
    let samples: Vec<i16> = (0..160).map(|i| (i * 397 % 30_000) as i16).collect();
    let mut out = Vec::with_capacity(160);
    move || {
        out.clear();
        codec.encode(black_box(&samples), &mut out);
        black_box(&out);
    }
}

fn all(c: &mut Criterion) {
    let mut bench = |name: &str, mut act: Box<dyn FnMut()>| {
        allocations(name, &mut act);
        c.bench_function(name, |b| b.iter(&mut act));
    };
    bench("RTP relay, one packet", Box::new(relay(Codec::Pcma)));
    bench("RTP relay, A-law to µ-law", Box::new(relay(Codec::Pcmu)));
    bench("G.711 A-law encode, 160 samples", Box::new(encode(Codec::Pcma)));
    bench("G.711 µ-law encode, 160 samples", Box::new(encode(Codec::Pcmu)));
    bench("jitter buffer put and get, 20 ms", Box::new(buffer()));
    bench("tick: silence frame", Box::new(tick(false)));
    bench("tick: playback frame", Box::new(tick(true)));
}

criterion_group! {
    name = media;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = all
}
criterion_main!(media);
