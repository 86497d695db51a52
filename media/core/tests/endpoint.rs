//! Endpoints in virtual time: latching, digits under loss, relay and its switches, framing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]
#![allow(clippy::pedantic)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tandem_media::Endpoint;
use tandem_media::endpoint::{Agreed, Event, Output, PlayEnd, Settings, Snapshot, WallClock};
use tandem_media::g711::Codec;
use tandem_media::jitter::Bounds;
use tandem_media::player::Clip;
use tandem_media::rtcp::{self, Compound, Rtcp, SenderInfo};
use tandem_media::rtp::{Header, Packet};
use tandem_media::telephone_event::{DigitSender, DigitStep, TelephoneEvent};

fn addr(host: u8, port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], port))
}

struct Side {
    endpoint: Endpoint,
    agreed: Agreed,
    events: Vec<Event>,
    /// True sources of the peer that were told.
    heard: Vec<SocketAddr>,
    /// What the peer got: time in ms, header, payload.
    sent: Vec<(u64, Header, Vec<u8>)>,
    sent_to: Vec<SocketAddr>,
    rtcp: Vec<(SocketAddr, Vec<u8>)>,
}

/// Two endpoints and a clock.
struct Sim {
    start: Instant,
    now: Instant,
    settings: Settings,
    sides: [Side; 2],
}

impl Sim {
    fn new(codecs: [Codec; 2]) -> Sim {
        let start = Instant::now();
        let settings = Settings {
            unheard_after: Duration::from_secs(10),
            clock: WallClock { at: start, ntp: 0 },
            jitter: Bounds::default(),
        };
        let mut rng = StdRng::seed_from_u64(7);
        let sides = [1, 2].map(|n| {
            let mut endpoint = Endpoint::new(settings, &mut rng, start);
            let codec = codecs[usize::from(n) - 1];
            let agreed = Agreed {
                remote: addr(n, 4_000),
                codec,
                payload_type: if codec == Codec::Pcma { 8 } else { 0 },
                telephone_event: Some(96 + n),
                telephone_event_received: Some(96 + n),
                ptime_ms: 20,
                sends: true,
                receives: true,
            };
            endpoint.agree(agreed.clone(), start);
            Side {
                endpoint,
                agreed,
                events: vec![],
                heard: vec![],
                sent: vec![],
                sent_to: vec![],
                rtcp: vec![],
            }
        });
        Sim {
            start,
            now: start,
            settings,
            sides,
        }
    }

    fn drain(&mut self) {
        let at = (self.now - self.start).as_millis() as u64;
        for side in &mut self.sides {
            loop {
                match side.endpoint.poll_output() {
                    Output::Rtp { to, packet } => {
                        let packet = Packet::parse(packet).unwrap();
                        side.sent.push((at, packet.header, packet.payload.to_vec()));
                        side.sent_to.push(to);
                    }
                    Output::Rtcp { to, packet } => side.rtcp.push((to, packet.to_vec())),
                    Output::Event(Event::Heard(source)) => side.heard.push(source),
                    Output::Event(event) => side.events.push(event),
                    Output::Wait => break,
                }
            }
        }
    }

    fn join(&mut self) {
        for side in &mut self.sides {
            side.endpoint.join(9, self.now);
        }
        self.drain();
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.now += Duration::from_millis(10);
            for side in &mut self.sides {
                side.endpoint.handle_tick(self.now);
            }
            self.drain();
        }
    }

    fn rtp(&mut self, side: usize, from: SocketAddr, header: Header, payload: &[u8]) {
        let mut bytes = Vec::new();
        header.write(&mut bytes);
        bytes.extend_from_slice(payload);
        let frame = self.sides[side].endpoint.handle_rtp(&bytes, from, self.now);
        if let Some(frame) = frame {
            self.sides[1 - side].endpoint.handle_relayed(9, &frame, self.now);
        }
        self.drain();
    }

    fn voice(&mut self, side: usize, n: u32, samples: usize) {
        let header = Header {
            marker: false,
            payload_type: self.sides[side].agreed.payload_type,
            sequence: n.wrapping_add(65_500) as u16,
            timestamp: n.wrapping_mul(samples as u32).wrapping_add(u32::MAX - 5_000),
            ssrc: 77,
        };
        self.rtp(side, addr(side as u8 + 1, 4_000), header, &vec![n as u8; samples]);
    }
}

fn header(payload_type: u8, sequence: u16) -> Header {
    Header {
        marker: false,
        payload_type,
        sequence,
        timestamp: u32::from(sequence) * 160,
        ssrc: 5,
    }
}

/// Every pair of neighbours: the sequence goes on by one, the timestamp by what the first holds at least.
fn assert_continuous(sent: &[(u64, Header, Vec<u8>)]) {
    for pair in sent.windows(2) {
        let ((_, a, _), (_, b, _)) = (&pair[0], &pair[1]);
        assert_eq!(b.sequence, a.sequence.wrapping_add(1));
        assert_eq!(b.ssrc, a.ssrc);
        let step = b.timestamp.wrapping_sub(a.timestamp).cast_signed();
        assert!((0..8_000).contains(&step), "{step}");
    }
}

/// An attacker who finds the port is neither heard nor sent to, whenever he comes after the peer.
#[test]
fn another_source_is_ignored() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    let (peer, attacker) = (addr(50, 999), addr(66, 666));
    sim.rtp(0, attacker, header(33, 1), &[0; 160]);
    sim.rtp(0, peer, header(8, 1), &[0; 160]);
    sim.run(40);
    assert_eq!(*sim.sides[0].sent_to.last().unwrap(), peer);
    for n in 0..50 {
        sim.rtp(0, attacker, header(8, 2 + n), &[0; 160]);
        sim.rtp(0, attacker, header(97, 2 + n), &[1, 10, 0, 160]);
    }
    sim.run(20_000);
    assert_eq!(*sim.sides[0].sent_to.last().unwrap(), peer);
    let statistics = sim.sides[0].endpoint.statistics();
    assert_eq!(
        (statistics.received, statistics.dropped, statistics.lost),
        (1, 101, 0)
    );
    assert_eq!(sim.sides[0].heard, [peer]);
    assert_eq!(
        sim.sides[0].events.len(),
        1,
        "no digit of the attacker's: {:?}",
        sim.sides[0].events
    );
}

#[test]
fn a_silent_peer_is_told_once_per_silence() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.run(30_000);
    assert!(sim.sides[0].events.is_empty(), "never heard is not unheard");
    for round in 1..=2 {
        sim.voice(0, round, 160);
        sim.run(30_000);
        assert_eq!(sim.sides[0].events.len(), round as usize);
        assert_eq!(sim.sides[0].events[0], Event::Unheard(Duration::from_secs(10)));
    }
    let mut agreed = sim.sides[0].agreed.clone();
    agreed.receives = false;
    sim.voice(0, 3, 160);
    sim.sides[0].endpoint.agree(agreed, sim.now);
    sim.run(30_000);
    assert_eq!(sim.sides[0].events.len(), 2, "who may not send is not missed");
}

/// What is agreed already changes nothing: neither the lock nor the silence that is being measured.
#[test]
fn the_same_agreement_again_has_no_effect() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.voice(0, 1, 160);
    sim.run(6_000);
    let agreed = sim.sides[0].agreed.clone();
    sim.sides[0].endpoint.agree(agreed, sim.now);
    sim.run(4_000);
    assert_eq!(
        sim.sides[0].events,
        [Event::Unheard(Duration::from_secs(10))],
        "counted from the packet on"
    );
    assert_continuous(&sim.sides[0].sent);
}

/// The lost gate's endpoint is made again: where the peer was heard it is sent to, and the numbers go on ahead.
#[test]
fn a_restored_endpoint_goes_on_ahead_of_the_lost_one() {
    for (lost_after, away) in [(20, 0), (1_000, 300), (60_000, 2_000)] {
        let mut sim = Sim::new([Codec::Pcma; 2]);
        let noted = sim.sides[0].endpoint.position(sim.now);
        let (noted_at, heard) = (sim.now, addr(50, 999));
        sim.rtp(0, heard, header(8, 1), &[0; 160]);
        sim.run(lost_after);
        sim.now += Duration::from_millis(away);
        let mut restored = Endpoint::restore(
            sim.settings,
            noted.after(sim.now - noted_at),
            Some(heard),
            &mut StdRng::seed_from_u64(8),
            sim.now,
        );
        restored.agree(sim.sides[0].agreed.clone(), sim.now);
        sim.sides[0].endpoint = restored;
        sim.sides[0].events.clear();
        let before = sim.sides[0].sent.len();
        sim.run(200);
        let side = &sim.sides[0];
        let (last, first) = (side.sent[before - 1].1, side.sent[before].1);
        assert_eq!(first.ssrc, last.ssrc);
        assert!(first.marker);
        assert!(first.sequence.wrapping_sub(last.sequence).cast_signed() > 0);
        let step = first.timestamp.wrapping_sub(last.timestamp).cast_signed();
        assert!((160..away as i32 * 8 + 1_000).contains(&step), "{step}");
        assert!(side.sent_to[before..].iter().all(|to| *to == heard));
        assert_continuous(&side.sent[before..]);
        sim.rtp(0, addr(66, 666), header(8, 2), &[0; 160]);
        sim.rtp(0, heard, header(8, 3), &[0; 160]);
        sim.run(20_000);
        let side = &sim.sides[0];
        assert_eq!(side.heard, [heard], "no stranger, and nothing new");
        assert!(matches!(side.events[..], [Event::Unheard(_)]));
    }
}

/// Every endpoint is taken to another process in the midst of relay, playback, digits and cutting anew: what comes out
/// is what would have come out anyway.
#[test]
fn a_snapshot_goes_on_as_if_nothing_were() {
    let play = |handed_at: Option<u64>| {
        let mut sim = Sim::new([Codec::Pcma, Codec::Pcmu]);
        let sound: Arc<[i16]> = (0..8_000).map(|n| (n % 97 * 100) as i16).collect();
        sim.sides[0].endpoint.play(1);
        sim.sides[0].endpoint.push_clip(1, Clip::Pcm(Arc::clone(&sound)));
        sim.sides[0].endpoint.finish_clips(1);
        let mut sizes = Vec::new();
        for step in 0..400_u64 {
            if step == 120 {
                sim.join();
            }
            if step == 200 {
                sim.sides[1].endpoint.send_digits(6, "12", 100, 60);
            }
            if step >= 120 && step % 3 == 0 {
                sim.voice(0, step as u32 / 3, 240);
            }
            if step >= 120 && step % 2 == 1 {
                sim.voice(1, step as u32 / 2, 160);
            }
            if handed_at == Some(step) {
                for side in &mut sim.sides {
                    let heard = side.endpoint.playing().map(|(_, samples)| samples);
                    let snapshot = side.endpoint.snapshot(sim.now);
                    let bytes = postcard::to_stdvec(&snapshot).unwrap();
                    sizes.push(bytes.len());
                    let snapshot: Snapshot = postcard::from_bytes(&bytes).unwrap();
                    side.endpoint =
                        Endpoint::resume(sim.settings, snapshot, Some(side.agreed.clone()), sim.now);
                    if let Some(heard) = heard {
                        side.endpoint.begin_at(1, heard);
                        side.endpoint
                            .push_clip(1, Clip::Pcm(Arc::clone(&sound)).skip(heard));
                        side.endpoint.finish_clips(1);
                    }
                }
            }
            sim.run(10);
        }
        sim.run(10_000);
        let told = sim.sides.each_ref().map(|side| {
            let reports = side.rtcp.len();
            let events = side.events.clone();
            (
                side.sent.clone(),
                side.sent_to.clone(),
                side.heard.clone(),
                events,
                reports,
            )
        });
        (told, sizes)
    };
    let (expected, _) = play(None);
    for handed_at in [0, 33, 121, 207, 216, 222, 350, 399] {
        let (told, sizes) = play(Some(handed_at));
        assert!(told == expected, "handed over at {handed_at}");
        assert!(
            handed_at > 120 || sizes.iter().all(|size| *size < 160),
            "{sizes:?}"
        );
    }
}

/// Digits with two thirds of their packets lost, whichever: all are heard, once each, and relayed in their order.
#[test]
fn digits_survive_loss() {
    for phase in 0..3 {
        let mut sim = Sim::new([Codec::Pcma, Codec::Pcmu]);
        sim.join();
        let mut sender = DigitSender::default();
        assert!(sender.queue("1123*#0", 120, 80));
        for n in 0..150_u16 {
            sim.run(20);
            let step = loop {
                match sender.next(u32::from(n) * 160, 160) {
                    DigitStep::Done => continue,
                    step => break step,
                }
            };
            let (header, payload) = match step {
                DigitStep::Packet {
                    marker,
                    timestamp,
                    event,
                } if n % 3 == phase => (
                    Header {
                        marker,
                        timestamp,
                        ..header(97, n)
                    },
                    event.to_bytes().to_vec(),
                ),
                DigitStep::Packet { .. } => continue,
                _ => (header(8, n), vec![0xD5; 160]),
            };
            sim.rtp(0, addr(1, 4_000), header, &payload);
        }
        let heard: String = sim.sides[0]
            .events
            .iter()
            .map(|event| match event {
                Event::Digit(digit) => *digit,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(heard, "1123*#0", "phase {phase}");
        let relayed = sim.sides[1].sent.iter().filter(|(_, h, _)| h.payload_type == 98);
        let mut codes: Vec<(u32, u8)> = relayed.map(|(_, h, p)| (h.timestamp, p[0])).collect();
        codes.dedup();
        assert_eq!(
            codes.iter().map(|(_, code)| *code).collect::<Vec<_>>(),
            [1, 1, 2, 3, 10, 11, 0]
        );
    }
}

/// Silence, relay, playback over it, relay, own digits, relay, part: one stream throughout.
#[test]
fn the_stream_runs_on_over_every_switch() {
    let mut sim = Sim::new([Codec::Pcma, Codec::Pcmu]);
    sim.run(200);
    sim.join();
    let mut n = 0;
    let mut relay = |sim: &mut Sim, count: u32| {
        for _ in 0..count {
            sim.voice(0, n, 160);
            n += 1;
            sim.run(20);
        }
    };
    relay(&mut sim, 40);
    sim.sides[1].endpoint.play(3);
    sim.sides[1]
        .endpoint
        .push_clip(3, Clip::Pcm(Arc::from(vec![5_000_i16; 160 * 10])));
    sim.sides[1].endpoint.finish_clips(3);
    relay(&mut sim, 20);
    sim.sides[1].endpoint.send_digits(1, "5", 100, 50);
    relay(&mut sim, 20);
    for side in &mut sim.sides {
        side.endpoint.part();
    }
    sim.run(200);
    let side = &sim.sides[1];
    assert_continuous(&side.sent);
    assert!(side.events.contains(&Event::PlayEnded {
        play: 3,
        end: PlayEnd::Finished,
        played: 1_600
    }));
    assert!(side.events.contains(&Event::DigitsSent { send: 1, sent: true }));
    let relayed = side
        .sent
        .iter()
        .filter(|(_, h, p)| h.payload_type == 0 && p[0] == p[159] && p[0] != 0xFF);
    assert!(relayed.count() > 60);
    assert_eq!(
        side.sent.iter().filter(|(_, h, _)| h.payload_type == 98).count(),
        7
    );
}

/// What was lost before us stays a gap, what was reordered keeps its number: the receiver sees what it must.
#[test]
fn loss_and_reordering_pass_through() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.run(100);
    sim.join();
    let from = sim.sides[1].sent.len();
    for n in [0, 1, 3, 2, 6, 7, 7] {
        sim.voice(0, n, 160);
    }
    let sent = &sim.sides[1].sent[from..];
    let first = sent[0].1;
    let steps: Vec<u16> = sent
        .iter()
        .map(|(_, h, _)| h.sequence.wrapping_sub(first.sequence))
        .collect();
    assert_eq!(steps, [0, 1, 3, 2, 6, 7, 7]);
    assert!(first.marker && sent[1..].iter().all(|(_, h, _)| !h.marker));
    for (step, (_, h, payload)) in steps.iter().zip(sent) {
        assert_eq!(h.timestamp.wrapping_sub(first.timestamp), u32::from(*step) * 160);
        assert_eq!(payload[0], *step as u8);
    }
    // A packet from before the pair was made is not squeezed in among our own.
    let count = sim.sides[1].sent.len();
    sim.voice(0, u32::MAX, 160);
    assert_eq!(sim.sides[1].sent.len(), count);
}

/// Every shift of the source's numbers leaves ours unbroken.
#[test]
fn a_source_that_starts_anew_is_followed() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.join();
    let mut sequence = 100_u16;
    for (n, ssrc) in [(10, 1_u32), (10, 2), (10, 1)] {
        for _ in 0..n {
            let header = Header {
                ssrc,
                timestamp: u32::from(sequence) * 160,
                ..header(8, sequence)
            };
            sim.rtp(0, addr(1, 4_000), header, &[1; 160]);
            sim.run(20);
            sequence = sequence.wrapping_add(1);
        }
        sequence = sequence.wrapping_add(20_000);
    }
    assert_continuous(&sim.sides[1].sent);
}

/// A joined leg whose other side says nothing gets silence again.
#[test]
fn a_quiet_relay_is_filled_with_silence() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.join();
    sim.voice(0, 0, 160);
    let before = sim.sides[1].sent.len();
    sim.run(480);
    assert_eq!(sim.sides[1].sent.len(), before);
    sim.run(520);
    assert!(sim.sides[1].sent.len() > before + 20);
    // Its voice activity detection counts packets on and lets the timestamp jump.
    let spoke = sim.sides[1].sent.len();
    let header = Header {
        sequence: 65_501,
        timestamp: (u32::MAX - 5_000).wrapping_add(8_000),
        ssrc: 77,
        ..header(8, 0)
    };
    sim.rtp(0, addr(1, 4_000), header, &[1; 160]);
    assert_eq!(sim.sides[1].sent.len(), spoke + 1);
    assert_continuous(&sim.sides[1].sent);
}

/// 30-ms packets for a peer that agreed on 20 ms are cut anew, nothing of the sound is lost.
#[test]
fn packet_times_that_differ_are_cut_anew() {
    let mut sim = Sim::new([Codec::Pcma, Codec::Pcma]);
    sim.join();
    for n in 0..100 {
        sim.voice(0, n, 240);
        sim.run(30);
    }
    let sent: Vec<_> = sim.sides[1].sent.iter().skip(10).collect();
    assert!(sent.iter().all(|(_, _, payload)| payload.len() == 160));
    assert!((130..=142).contains(&sent.len()), "{}", sent.len());
    assert_continuous(&sim.sides[1].sent[10..]);
    // Bytes tell the packet they came in: each value for 240 samples.
    let bytes: Vec<u8> = sent.iter().flat_map(|(_, _, payload)| payload.clone()).collect();
    for n in 30..90_u8 {
        let count = bytes.iter().filter(|b| **b == n).count();
        assert!((200..=280).contains(&count), "{n} {count}");
    }
}

#[test]
fn a_held_leg_is_sent_nothing() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    let mut agreed = sim.sides[0].agreed.clone();
    agreed.sends = false;
    sim.sides[0].endpoint.agree(agreed, sim.now);
    sim.join();
    sim.voice(1, 0, 160);
    sim.sides[0].endpoint.send_digits(4, "1", 100, 50);
    sim.run(1_000);
    assert!(sim.sides[0].sent.is_empty());
    assert_eq!(sim.sides[0].events, [Event::DigitsSent { send: 4, sent: false }]);
}

/// A thread that was held up goes on in its beat without a burst.
#[test]
fn a_late_tick_sends_no_burst() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.run(100);
    let before = sim.sides[0].sent.len();
    sim.now += Duration::from_millis(500);
    sim.run(20);
    assert!(
        sim.sides[0].sent.len() - before <= 3,
        "{}",
        sim.sides[0].sent.len() - before
    );
    let (last, earlier) = (
        sim.sides[0].sent.last().unwrap().1,
        sim.sides[0].sent[before - 1].1,
    );
    assert!(last.timestamp.wrapping_sub(earlier.timestamp) >= 500 * 8);
}

/// Reports tell loss and delay, go to the port above, and the last one says goodbye.
#[test]
fn reports_are_sent_and_read() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    for n in [0, 1, 2, 4] {
        sim.voice(0, n, 160);
    }
    let mut theirs = Vec::new();
    let sender = SenderInfo {
        ntp: 0x1234_5678_9ABC_DEF0,
        timestamp: 0,
        packets: 4,
        octets: 640,
    };
    Compound {
        ssrc: 77,
        sender: Some(sender),
        block: None,
        cname: "peer",
        bye: false,
    }
    .write(&mut theirs);
    sim.sides[0]
        .endpoint
        .handle_rtcp(&theirs, addr(9, 4_001), sim.now);
    sim.sides[0]
        .endpoint
        .handle_rtcp(&theirs, addr(1, 4_444), sim.now);
    assert_eq!(sim.sides[0].endpoint.statistics().dropped, 1);
    sim.run(60_000);
    let now = sim.now;
    sim.sides[0].endpoint.close(now);
    sim.drain();
    let reports = &sim.sides[0].rtcp;
    assert!((8..=25).contains(&reports.len()), "{}", reports.len());
    let read = |bytes: &[u8]| {
        let mut packets = Vec::new();
        rtcp::parse(bytes, |packet| packets.push(packet)).unwrap();
        packets
    };
    let (to, first) = &reports[0];
    assert_eq!(*to, addr(1, 4_444));
    let Rtcp::Report {
        sender: Some(_),
        block: Some(block),
        ..
    } = read(first)[0]
    else {
        panic!("{:?}", read(first));
    };
    assert_eq!(
        (block.ssrc, block.cumulative_lost, block.fraction_lost),
        (77, 1, 51)
    );
    assert_eq!(block.last_sr, 0x5678_9ABC);
    assert!((2 * 65_536..8 * 65_536).contains(&block.delay_since_last_sr));
    assert!(matches!(
        read(&reports.last().unwrap().1).last(),
        Some(Rtcp::Bye { .. })
    ));
    assert_eq!(sim.sides[1].rtcp[0].0, addr(2, 4_001));
}

/// Whatever bytes come, from wherever: no panic, no digit, no destination moved.
#[test]
fn noise_is_dropped() {
    let mut sim = Sim::new([Codec::Pcma; 2]);
    sim.join();
    sim.voice(0, 0, 160);
    let mut state = 99_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u32
    };
    for _ in 0..20_000 {
        let length = random() as usize % 200;
        let mut bytes: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        if random() % 2 == 0 && length > 1 {
            bytes[0] = 0x80 | (bytes[0] & 0x3F);
            bytes[1] = [8, 97, 200, 201, 0x88][random() as usize % 5];
        }
        let from = if random() % 2 == 0 {
            addr(1, 4_000)
        } else {
            addr(3, 1)
        };
        let now = sim.now;
        if let Some(frame) = sim.sides[0].endpoint.handle_rtp(&bytes, from, now) {
            sim.sides[1].endpoint.handle_relayed(9, &frame, now);
        }
        sim.sides[0].endpoint.handle_rtcp(&bytes, from, now);
        sim.drain();
    }
    sim.run(1_000);
    assert_eq!(*sim.sides[0].sent_to.last().unwrap(), addr(1, 4_000));
    let bad = TelephoneEvent {
        code: 200,
        end: false,
        volume: 0,
        duration: 1,
    };
    sim.rtp(0, addr(1, 4_000), header(97, 9), &bad.to_bytes());
}
