//! A gate on 127.0.0.1 and phones that are plain sockets.
#![allow(dead_code)]

use std::net::{SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tandem_bus::media::{Agreed, Codec, Command, EndpointId, Event, Existing};
use tandem_gate::{Gate, GateConfig};
use tandem_media::g711;
use tandem_media::rtp::{Header, Packet};

/// The gate is waited for so long at most.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Rig {
    pub gate: Gate,
    pub events: Receiver<Event>,
    pub dir: tempfile::TempDir,
}

pub fn config(ports: RangeInclusive<u16>, dir: &tempfile::TempDir) -> GateConfig {
    GateConfig {
        ports,
        threads: 2,
        prompts_dir: dir.path().join("prompts"),
        recordings_dir: dir.path().join("recordings"),
        cache_dir: dir.path().join("cache"),
        unheard_after: Duration::from_secs(30),
        ..GateConfig::default()
    }
}

impl Rig {
    pub fn new(ports: RangeInclusive<u16>) -> Rig {
        Rig::with(ports, |_| {})
    }

    pub fn with(ports: RangeInclusive<u16>, change: impl FnOnce(&mut GateConfig)) -> Rig {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(ports, &dir);
        change(&mut config);
        let (told, events) = channel();
        let gate = Gate::start(config, move |event| drop(told.send(event))).unwrap();
        Rig { gate, events, dir }
    }

    pub fn send(&self, command: Command) {
        self.gate.send(command).unwrap();
    }

    /// What the gate says of shard 0, by endpoint.
    pub fn report(&self) -> Vec<Existing> {
        self.send(Command::Report { shard: 0 });
        loop {
            if let Event::Reported {
                shard: 0,
                mut endpoints,
            } = self.event()
            {
                endpoints.sort_by_key(|existing| existing.endpoint);
                return endpoints;
            }
        }
    }

    /// All commands given before are carried out. What else is told meanwhile is left out.
    pub fn settle(&self) {
        self.report();
    }

    /// The next event that is not about where a peer was heard.
    pub fn event(&self) -> Event {
        loop {
            let event = self.events.recv_timeout(PATIENCE);
            match event.expect("an event") {
                Event::Heard { .. } => {}
                event => return event,
            }
        }
    }

    pub fn open(&self, id: u64) -> SocketAddr {
        self.gate
            .send(Command::Open {
                endpoint: EndpointId(id),
                domain: "demo".into(),
            })
            .unwrap();
        match self.event() {
            Event::Opened {
                endpoint: EndpointId(opened),
                local,
                position: _,
            } if opened == id => local,
            other => panic!("{other:?}"),
        }
    }

    /// Opens an endpoint and agrees with a phone of its own.
    pub fn phone(&self, id: u64, codec: Codec) -> Phone {
        let gate = self.open(id);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        let mut phone = Phone {
            socket,
            gate,
            codec,
            sequence: 65_530,
            timestamp: 1_000,
            ssrc: id as u32,
        };
        self.agree(id, &mut phone, |_| {});
        phone
    }

    pub fn agree(&self, id: u64, phone: &mut Phone, change: impl FnOnce(&mut Agreed)) {
        let mut agreed = Agreed {
            remote: phone.socket.local_addr().unwrap(),
            codec: phone.codec,
            payload_type: phone.payload_type(),
            telephone_event: Some(101),
            telephone_event_received: Some(101),
            ptime_ms: 20,
            sends: true,
            receives: true,
        };
        change(&mut agreed);
        self.gate
            .send(Command::Agree {
                endpoint: EndpointId(id),
                agreed,
            })
            .unwrap();
    }
}

pub struct Phone {
    pub socket: UdpSocket,
    pub gate: SocketAddr,
    pub codec: Codec,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

#[derive(Debug, Clone)]
pub struct Heard {
    pub header: Header,
    pub payload: Vec<u8>,
    pub at: Instant,
}

impl Phone {
    pub fn law(&self) -> g711::Codec {
        match self.codec {
            Codec::Pcma => g711::Codec::Pcma,
            Codec::Pcmu => g711::Codec::Pcmu,
        }
    }

    pub fn payload_type(&self) -> u8 {
        match self.codec {
            Codec::Pcma => 8,
            Codec::Pcmu => 0,
        }
    }

    pub fn send(&mut self, samples: &[i16]) {
        let mut payload = Vec::new();
        self.law().encode(samples, &mut payload);
        self.send_payload(self.payload_type(), false, self.timestamp, &payload);
        self.timestamp = self.timestamp.wrapping_add(samples.len() as u32);
    }

    pub fn send_payload(&mut self, payload_type: u8, marker: bool, timestamp: u32, payload: &[u8]) {
        let header = Header {
            marker,
            payload_type,
            sequence: self.sequence,
            timestamp,
            ssrc: self.ssrc,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut packet = Vec::new();
        header.write(&mut packet);
        packet.extend_from_slice(payload);
        self.socket.send_to(&packet, self.gate).unwrap();
    }

    pub fn hear(&self) -> Option<Heard> {
        let mut buffer = [0; 2_048];
        let (length, from) = self.socket.recv_from(&mut buffer).ok()?;
        let at = Instant::now();
        assert_eq!(from, self.gate, "RTP comes from the port that was announced");
        let packet = Packet::parse(&buffer[..length]).unwrap();
        Some(Heard {
            header: packet.header,
            payload: packet.payload.to_vec(),
            at,
        })
    }

    /// What is heard until it is enough.
    pub fn listen_until(&self, enough: impl Fn(&[Heard]) -> bool) -> Vec<Heard> {
        let end = Instant::now() + PATIENCE;
        let mut all = Vec::new();
        while !enough(&all) {
            assert!(Instant::now() < end, "{} packets are not enough", all.len());
            all.extend(self.hear());
        }
        all
    }

    /// What lies there, without a wait for more.
    pub fn drain(&self) -> Vec<Heard> {
        self.socket.set_nonblocking(true).unwrap();
        let all = std::iter::from_fn(|| self.hear()).collect();
        self.socket.set_nonblocking(false).unwrap();
        all
    }

    /// It is no silence of the gate's.
    pub fn sounds(&self, heard: &Heard) -> bool {
        let silence = match self.codec {
            Codec::Pcma => 0xD5,
            Codec::Pcmu => 0xFF,
        };
        heard.payload.iter().any(|byte| *byte != silence)
    }

    pub fn decode(&self, heard: &[Heard]) -> Vec<i16> {
        let mut samples = Vec::new();
        for packet in heard
            .iter()
            .filter(|h| h.header.payload_type == self.payload_type())
        {
            samples.extend(packet.payload.iter().map(|byte| self.law().decode_sample(*byte)));
        }
        samples
    }

    /// The samples from the first loud one on.
    pub fn sound(&self, heard: &[Heard]) -> Vec<i16> {
        let samples = self.decode(heard);
        samples.into_iter().skip_while(|s| s.abs() <= 500).collect()
    }
}

/// Waits until something is so.
pub fn wait_until(so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "it is not so");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Amplitude of one frequency.
pub fn power(samples: &[i16], hz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (i, s) in samples.iter().enumerate() {
        let phase = std::f64::consts::TAU * hz * i as f64 / 8_000.0;
        re += f64::from(*s) * phase.cos();
        im += f64::from(*s) * phase.sin();
    }
    (re * re + im * im).sqrt() * 2.0 / samples.len().max(1) as f64
}

/// Sequence and timestamps run on without a gap.
pub fn assert_continuous(heard: &[Heard]) {
    for pair in heard.windows(2) {
        let (a, b) = (&pair[0].header, &pair[1].header);
        assert_eq!(b.sequence, a.sequence.wrapping_add(1), "{a:?} {b:?}");
        assert_eq!(b.ssrc, a.ssrc);
        assert!(
            b.timestamp.wrapping_sub(a.timestamp).cast_signed() >= 0,
            "{a:?} {b:?}"
        );
    }
}

/// By its timestamps the gate sent a packet each 20 ms, but where it was held up, which it counts.
pub fn assert_steady(heard: &[Heard], gate: &Gate) {
    let step = |pair: &&[Heard]| pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
    let holes = heard.windows(2).filter(|pair| step(pair) != 160).count() as u64;
    let late = gate.counted().late_ticks;
    assert!(holes <= late, "{holes} holes, {late} late ticks");
}
