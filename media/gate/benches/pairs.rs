//! 500 joined pairs at 50 packets a second each way over 127.0.0.1: what the gate costs, and what it loses.
//!
//! The phones are one thread of this process; the gate's threads are counted by their names, so that the phones' own
//! cost stays out of the figure. Figures: CPU of the gate, resident bytes per endpoint, packets lost, delay; then what
//! a report and a hand-over to another gate cost.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tandem_bus::media::{Agreed, Codec, Command, EndpointId, Event};
use tandem_gate::{Espeak, Gate, GateConfig};
use tandem_media::rtp::Header;

const ENDPOINTS: usize = 1_000;
const SECONDS: usize = 10;

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}

/// CPU time of the gate's threads in clock ticks of 10 ms.
fn gate_ticks() -> u64 {
    let mut ticks = 0;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        if let Some((name, rest)) = stat.rsplit_once(')')
            && name.contains("media-")
        {
            let fields: Vec<&str> = rest.split_whitespace().collect();
            ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        }
    }
    ticks
}

fn main() {
    if std::env::args().any(|a| a == "--test") {
        return;
    }
    let (told, events) = channel();
    let config = GateConfig {
        ports: 30_000..=33_999,
        ..GateConfig::default()
    };
    let gate = Gate::start(config.clone(), move |event| drop(told.send(event))).unwrap();
    let before = resident();
    let mut gates: Vec<SocketAddr> = vec![SocketAddr::from(([0, 0, 0, 0], 0)); ENDPOINTS];
    for id in 0..ENDPOINTS {
        gate.send(Command::Open {
            endpoint: EndpointId(id as u64),
            domain: "demo".into(),
        })
        .unwrap();
    }
    for _ in 0..ENDPOINTS {
        match events.recv().unwrap() {
            Event::Opened { endpoint, local, .. } => gates[endpoint.0 as usize] = local,
            other => panic!("{other:?}"),
        }
    }
    let after_open = resident();
    let phones: Vec<UdpSocket> = (0..ENDPOINTS)
        .map(|id| {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(gates[id]).unwrap();
            socket.set_nonblocking(true).unwrap();
            let agreed = Agreed {
                remote: socket.local_addr().unwrap(),
                codec: Codec::Pcma,
                payload_type: 8,
                telephone_event: Some(101),
                telephone_event_received: Some(101),
                ptime_ms: 20,
                sends: true,
                receives: true,
            };
            gate.send(Command::Agree {
                endpoint: EndpointId(id as u64),
                agreed,
            })
            .unwrap();
            socket
        })
        .collect();
    for id in (0..ENDPOINTS as u64).step_by(2) {
        gate.send(Command::Join {
            a: EndpointId(id),
            b: EndpointId(id + 1),
        })
        .unwrap();
    }
    std::thread::sleep(Duration::from_millis(300));
    let mut buffer = [0; 2_048];
    for phone in &phones {
        while phone.recv(&mut buffer).is_ok() {}
    }
    let (start, ticks) = (Instant::now(), gate_ticks());
    let mut heard = 0_u64;
    let mut delays = Vec::with_capacity(ENDPOINTS * SECONDS * 50);
    let mut packet = Vec::with_capacity(172);
    let mut hear = |ids: &mut dyn Iterator<Item = usize>, heard: &mut u64, delays: &mut Vec<u64>| {
        for id in ids {
            while let Ok(length) = phones[id].recv(&mut buffer) {
                if length == 172 && buffer[20] == 0x55 && buffer[12] == 0 {
                    *heard += 1;
                    let sent = u64::from_be_bytes(buffer[12..20].try_into().unwrap());
                    delays.push(start.elapsed().as_nanos() as u64 - sent);
                }
            }
        }
    };
    for round in 0..SECONDS * 50 {
        // Phones are spread over the 20 ms, in ten groups.
        for group in 0..10 {
            for id in (group..ENDPOINTS).step_by(10) {
                packet.clear();
                let header = Header {
                    marker: false,
                    payload_type: 8,
                    sequence: round as u16,
                    timestamp: round as u32 * 160,
                    ssrc: id as u32,
                };
                header.write(&mut packet);
                packet.resize(172, 0x55);
                packet[12..20].copy_from_slice(&(start.elapsed().as_nanos() as u64).to_be_bytes());
                let _ = phones[id].send(&packet);
            }
            let due = Duration::from_millis(round as u64 * 20 + (group as u64 + 1) * 2);
            loop {
                hear(
                    &mut (0..ENDPOINTS).filter(|id| (id ^ 1) % 10 == group),
                    &mut heard,
                    &mut delays,
                );
                if start.elapsed() >= due {
                    break;
                }
                std::thread::sleep(Duration::from_micros(200));
            }
        }
    }
    let (wall, used) = (start.elapsed(), gate_ticks() - ticks);
    // What is still on its way when the last round ends.
    while start.elapsed() < wall + Duration::from_millis(400) {
        hear(&mut (0..ENDPOINTS), &mut heard, &mut delays);
        std::thread::sleep(Duration::from_millis(1));
    }
    let sent = (ENDPOINTS * SECONDS * 50) as u64;
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize] / 1_000;
    println!(
        "{ENDPOINTS} endpoints in pairs, {SECONDS} s, {} packets per second in",
        ENDPOINTS * 50
    );
    println!(
        "CPU of the gate: {:.1} % of one core",
        used as f64 / wall.as_secs_f64()
    );
    println!(
        "packets relayed: {heard} of {sent} ({} lost)",
        sent.saturating_sub(heard)
    );
    println!(
        "delay, phone to phone: median {} µs, 99 % {} µs, most {} µs",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    println!(
        "resident bytes per endpoint: {} opened, {} in a call",
        (after_open - before) / ENDPOINTS as u64,
        (resident() - before).saturating_sub((delays.capacity() * 8) as u64) / ENDPOINTS as u64
    );
    println!("{:?}", gate.counted());
    while events.try_recv().is_ok() {}
    let asked = Instant::now();
    gate.send(Command::Report { shard: 0 }).unwrap();
    let reported = events.iter().find_map(|event| match event {
        Event::Reported { endpoints, .. } => Some(endpoints.len()),
        _ => None,
    });
    println!("report of {} endpoints: {:?}", reported.unwrap(), asked.elapsed());
    let stopped = Instant::now();
    let handed = gate.hand_over().endpoints;
    let given = stopped.elapsed();
    let bytes: usize = handed
        .iter()
        .map(|handed| postcard::to_stdvec(&handed.state).unwrap().len())
        .sum();
    let adopting = Instant::now();
    let speech = std::sync::Arc::new(Espeak::default());
    let next = Gate::adopt(config, speech, |_| {}, handed).unwrap();
    println!(
        "hand-over: given away in {given:?}, adopted in {:?}, {} bytes per endpoint",
        adopting.elapsed(),
        bytes / ENDPOINTS
    );
    drop(next);
}
