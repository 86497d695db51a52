//! The media side of scripted calls: one UDP socket hears any number of calls and presses keys in them.
//!
//! SIPp names this socket in each call's SDP. Every new stream that arrives (sender's address and SSRC) is a call. Like
//! a phone it answers with audio, silence every 20 ms as long as the stream goes on; a while after the first packet it
//! presses the call's key, an RFC 4733 telephone-event. No raw sockets, thus no root.

use crate::failure::{Doing, Failure, Result};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PACKET_EVERY: Duration = Duration::from_millis(20);
const EVENT_PAYLOAD_TYPE: u8 = 101;
/// Packets of a key press: five with growing duration, then three that say "end" (RFC 4733 §2.5.1.4).
const GROWING: u16 = 5;
const ENDING: u16 = 3;
/// How loud the key claims to be: -10 dBm0.
const LEVEL_MINUS_DBM0: u8 = 10;
/// A stream that has been quiet for so long is over.
const OVER_AFTER: Duration = Duration::from_secs(1);
/// Samples per packet at 8 kHz.
const SAMPLES: u16 = 160;
const HEADER: usize = 12;

/// Sender and synchronisation source of a stream.
type StreamId = (SocketAddr, u32);

/// What has been heard of one stream.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    /// First packet.
    pub first: Instant,
    /// Latest packet.
    pub last: Instant,
    /// Number of packets.
    pub packets: u64,
    /// Longest time between two packets.
    pub longest_pause: Duration,
    /// Payload type of the latest packet: the codec to answer with.
    payload_type: u8,
    /// Packets sent back so far.
    sent: u32,
    /// Key-press packets among them.
    pressed: u16,
    /// RTP timestamp of the key press.
    press_began: u32,
}

/// A key to press in each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// 0 to 9, `*`, `#`.
    pub key: char,
    /// How long after the first packet heard.
    pub after: Duration,
}

/// The socket and its thread; both end with it.
pub struct MediaPeer {
    port: u16,
    heard: Arc<Mutex<HashMap<StreamId, Heard>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MediaPeer {
    /// Listens, and presses `press` once in each call.
    ///
    /// # Errors
    /// When no port is free or the key is none.
    pub fn start(press: Option<Press>) -> Result<Self> {
        let event = press
            .map(|press| event_code(press.key).map(|code| (code, press.after)))
            .transpose()?;
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).doing("binding a media socket")?;
        let port = socket.local_addr().doing("asking for the port")?.port();
        socket
            .set_read_timeout(Some(Duration::from_millis(5)))
            .doing("setting a timeout")?;
        let (heard, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let (heard_there, stop_there) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = std::thread::spawn(move || listen(&socket, event, &heard_there, &stop_there));
        Ok(Self {
            port,
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// Port for the SDP.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// All streams heard so far.
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.heard).values().copied().collect()
    }

    /// How many streams had at least `packets` packets.
    pub fn streams_with(&self, packets: u64) -> usize {
        lock(&self.heard)
            .values()
            .filter(|heard| heard.packets >= packets)
            .count()
    }

    /// In how many streams the key was pressed to the end.
    pub fn presses(&self) -> usize {
        lock(&self.heard)
            .values()
            .filter(|heard| heard.pressed == GROWING + ENDING)
            .count()
    }
}

impl Drop for MediaPeer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It panics only with the test, which then has its own message.
            let _ = thread.join();
        }
    }
}

fn event_code(key: char) -> Result<u8> {
    match key {
        '0'..='9' => Ok(key as u8 - b'0'),
        '*' => Ok(10),
        '#' => Ok(11),
        _ => Err(Failure::new(format!("{key} is no key"))),
    }
}

fn lock(heard: &Mutex<HashMap<StreamId, Heard>>) -> MutexGuard<'_, HashMap<StreamId, Heard>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(
    socket: &UdpSocket,
    event: Option<(u8, Duration)>,
    heard: &Mutex<HashMap<StreamId, Heard>>,
    stop: &AtomicBool,
) {
    let mut packet = [0; 2048];
    let mut next_round = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if let Ok((length, from)) = socket.recv_from(&mut packet)
            && let Some((ssrc, payload_type)) = packet.get(..length).and_then(stream_of)
        {
            hear(&mut lock(heard), (from, ssrc), payload_type, Instant::now());
        }
        let now = Instant::now();
        if now >= next_round {
            // Late rounds are made up for, unless the machine stood still.
            let stood_still = now - next_round > 5 * PACKET_EVERY;
            next_round = if stood_still { now } else { next_round } + PACKET_EVERY;
            for (stream, heard) in lock(heard).iter_mut() {
                if now - heard.last < OVER_AFTER {
                    let packet =
                        heard.next_packet(!stream.1, event.filter(|(_, after)| now - heard.first >= *after));
                    // A peer that has gone answers with an ICMP error; the next packet is for another.
                    let _ = socket.send_to(&packet, stream.0);
                }
            }
        }
    }
}

fn hear(streams: &mut HashMap<StreamId, Heard>, id: StreamId, payload_type: u8, now: Instant) {
    let stream = streams.entry(id).or_insert(Heard {
        first: now,
        last: now,
        packets: 0,
        longest_pause: Duration::ZERO,
        payload_type,
        sent: 0,
        pressed: 0,
        press_began: 0,
    });
    stream.longest_pause = stream.longest_pause.max(now - stream.last);
    stream.last = now;
    stream.packets += 1;
    if payload_type != EVENT_PAYLOAD_TYPE {
        stream.payload_type = payload_type;
    }
}

impl Heard {
    /// The packet to send back now: one of the key press as long as it lasts, else silence.
    fn next_packet(&mut self, ssrc: u32, due: Option<(u8, Duration)>) -> Vec<u8> {
        let timestamp = self.sent * u32::from(SAMPLES);
        let header = |payload_type: u8, marker: bool, timestamp: u32| {
            let mut packet = Vec::with_capacity(HEADER + usize::from(SAMPLES));
            packet.extend_from_slice(&[0x80, payload_type | if marker { 0x80 } else { 0 }]);
            packet.extend_from_slice(&(self.sent as u16).to_be_bytes());
            packet.extend_from_slice(&timestamp.to_be_bytes());
            packet.extend_from_slice(&ssrc.to_be_bytes());
            packet
        };
        let packet = match due {
            Some((code, _)) if self.pressed < GROWING + ENDING => {
                let n = self.pressed;
                if n == 0 {
                    self.press_began = timestamp;
                }
                // All packets of a press have one timestamp, that of its start (RFC 4733 §2.5.1.2).
                let mut packet = header(EVENT_PAYLOAD_TYPE, n == 0, self.press_began);
                packet.extend_from_slice(&[
                    code,
                    if n >= GROWING {
                        0x80 + LEVEL_MINUS_DBM0
                    } else {
                        LEVEL_MINUS_DBM0
                    },
                ]);
                packet.extend_from_slice(&(SAMPLES * (n + 1).min(GROWING)).to_be_bytes());
                self.pressed += 1;
                packet
            }
            _ => {
                let mut packet = header(self.payload_type, self.sent == 0, timestamp);
                // Silence in µ-law and in A-law (payload type 8).
                let silence = if self.payload_type == 8 { 0xD5 } else { 0xFF };
                packet.resize(HEADER + usize::from(SAMPLES), silence);
                packet
            }
        };
        self.sent += 1;
        packet
    }
}

/// SSRC and payload type of an RTP packet (RFC 3550 §5.1); `None` for anything else.
fn stream_of(packet: &[u8]) -> Option<(u32, u8)> {
    let is_rtp = packet.first()? >> 6 == 2 && !(200..=204).contains(packet.get(1)?);
    let ssrc = packet.get(8..HEADER)?.first_chunk::<4>()?;
    is_rtp.then_some((u32::from_be_bytes(*ssrc), packet.get(1)? & 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stream_gets_one_key_press() {
        let peer = MediaPeer::start(Some(Press {
            key: '5',
            after: Duration::from_millis(50),
        }))
        .unwrap();
        let calls: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        for call in &calls {
            call.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            call.send_to(
                &[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0xff],
                ("127.0.0.1", peer.port()),
            )
            .unwrap();
            // RTCP and rubbish are no streams.
            call.send_to(
                &[0x80, 200, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0],
                ("127.0.0.1", peer.port()),
            )
            .unwrap();
            call.send_to(b"hello", ("127.0.0.1", peer.port())).unwrap();
        }
        for call in &calls {
            let mut packets: Vec<[u8; 16]> = Vec::new();
            while packets.len() < 8 {
                let mut packet = [0; 200];
                let length = call.recv(&mut packet).unwrap();
                if packet[1] & 0x7f == EVENT_PAYLOAD_TYPE {
                    assert_eq!(length, 16);
                    packets.push(*packet.first_chunk().unwrap());
                } else {
                    assert_eq!(
                        (length, packet[1] & 0x7f, packet[100]),
                        (172, 0, 0xff),
                        "silence in their codec"
                    );
                }
            }
            assert!(
                packets
                    .iter()
                    .all(|packet| packet[12] == 5 && packet[4..8] == packets[0][4..8])
            );
            assert_eq!(
                packets.iter().filter(|packet| packet[1] & 0x80 != 0).count(),
                1,
                "one marker"
            );
            assert_eq!(
                packets.iter().filter(|packet| packet[13] & 0x80 != 0).count(),
                3,
                "three ends"
            );
            assert_eq!(u16::from_be_bytes([packets[7][14], packets[7][15]]), 800);
        }
        assert_eq!((peer.presses(), peer.streams_with(1)), (3, 3));
    }

    /// The load test has some 200 calls at a time on one socket. All that comes is heard, and each stream is answered.
    /// A socket holds little more than one round: the next is sent once this one is heard.
    #[test]
    fn two_hundred_and_fifty_streams_are_answered() {
        const STREAMS: usize = 250;
        let peer = MediaPeer::start(None).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let began = Instant::now();
        let (mut rounds, mut answers) = (0, [0; STREAMS]);
        while rounds < 50 || answers.iter().any(|count| *count < 45) {
            for ssrc in 0..STREAMS as u32 {
                let mut packet = [0; 172];
                packet[0] = 0x80;
                packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
                socket.send_to(&packet, ("127.0.0.1", peer.port())).unwrap();
            }
            rounds += 1;
            let due = Instant::now() + PACKET_EVERY;
            while Instant::now() < due || peer.streams_with(rounds) < STREAMS {
                assert!(
                    began.elapsed() < Duration::from_secs(30),
                    "round {rounds}: {answers:?}"
                );
                let mut packet = [0; 200];
                if socket.recv(&mut packet).is_ok() {
                    // The answer's SSRC is the stream's own, turned round.
                    answers[!stream_of(&packet).unwrap().0 as usize] += 1;
                }
            }
        }
    }
}
