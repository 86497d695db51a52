//! What lies between phones and the SIP gate: datagrams that get lost, doubled and overtaken, connections that keep
//! their order, and times in which nothing passes.

use bytes::Bytes;
use rand::Rng as _;
use tandem_bus::sip::Up;
use tandem_sip::{Builder, Flow, Message, Moment, Transport};

use super::{Event, World};
use crate::clock::{BEGIN, ms};

/// Ordered ways: from a phone, and to it.
const FROM_PHONE: u8 = 0;
const TO_PHONE: u8 = 1;

impl World {
    /// Whether nothing passes between phones and server.
    pub(super) fn is_parted(&self, now: Moment) -> bool {
        self.parted_until(now).is_some()
    }

    fn parted_until(&self, now: Moment) -> Option<Moment> {
        let since = now - BEGIN;
        let partition = self.faults.partitions.iter();
        partition
            .filter(|(from, until)| (*from..*until).contains(&since))
            .map(|(_, until)| BEGIN + *until)
            .max()
    }

    /// When a datagram arrives, each time it does.
    fn datagram(&mut self, now: Moment) -> Vec<Moment> {
        let network = self.faults.network;
        let lost = self.rng.random_range(0..1_000) < network.lost || self.is_parted(now);
        let doubled = self.rng.random_range(0..1_000) < network.doubled;
        let copies = usize::from(!lost) * (1 + usize::from(doubled));
        (0..copies)
            .map(|_| {
                let jitter = self.rng.random_range(0..=network.jitter.as_micros() as u64);
                now + network.delay + std::time::Duration::from_micros(jitter)
            })
            .collect()
    }

    fn stream(&mut self, way: u8, phone: usize, now: Moment) -> Moment {
        let network = self.faults.network;
        let (delay, jitter) = (
            network.delay.as_micros() as u64,
            network.jitter.as_micros() as u64,
        );
        let at = self.in_order(way, phone, delay, delay + jitter);
        let Some(until) = self.parted_until(now) else {
            return at;
        };
        // What was lost is sent again by TCP when the way is open.
        let at = at.max(until + ms(200));
        self.arrivals.insert((way, phone), at);
        at
    }

    /// A phone sends.
    pub(super) fn send_from_phone(&mut self, phone: usize, bytes: Bytes, now: Moment) {
        let Some(it) = self.phones.get(phone) else { return };
        let (name, transport, address, connection) =
            (it.name.clone(), it.script.transport, it.address, it.connection);
        self.say_message(&name, "→", &bytes);
        if transport == Transport::Udp {
            for at in self.datagram(now) {
                let bytes = bytes.clone();
                self.at(
                    at,
                    Event::AtGate {
                        phone,
                        connection: 0,
                        bytes,
                    },
                );
            }
            return;
        }
        let is_parted = self.is_parted(now);
        let connection = match (connection, &mut self.sip) {
            (Some(connection), _) => connection,
            (None, Some(sip)) if !is_parted => sip.connect(address),
            _ => return self.after(ms(3), Event::Unsent { phone }),
        };
        if let Some(it) = self.phones.get_mut(phone) {
            it.connection = Some(connection);
        }
        let at = self.stream(FROM_PHONE, phone, now);
        self.at(
            at,
            Event::AtGate {
                phone,
                connection,
                bytes,
            },
        );
    }

    pub(super) fn at_gate(&mut self, phone: usize, connection: u64, bytes: Bytes, now: Moment) {
        let Some(address) = self.phones.get(phone).map(|phone| phone.address) else {
            return;
        };
        let Some(sip) = &mut self.sip else { return };
        if connection != 0 && !sip.is_connected(connection) {
            return;
        }
        sip.receive(address, connection, bytes, now);
        self.flush(tandem_bus::link::Role::SipGate);
    }

    /// The SIP gate sends.
    pub(super) fn send_to_phone(&mut self, flow: Flow, bytes: Bytes, now: Moment) {
        let found = self.phones.iter().position(|phone| phone.address == flow.remote);
        let Some(phone) = found else { return };
        if flow.transport == Transport::Udp {
            for at in self.datagram(now) {
                let bytes = bytes.clone();
                self.at(
                    at,
                    Event::AtPhone {
                        phone,
                        connection: 0,
                        bytes,
                    },
                );
            }
            return;
        }
        let is_parted = self.is_parted(now);
        let takes = self
            .phones
            .get(phone)
            .is_some_and(|phone| phone.script.transport == Transport::Tcp);
        let Some(sip) = &mut self.sip else { return };
        let way = match sip.way(flow) {
            Some(connection) => Some(connection),
            None if flow.connection == 0 && takes && !is_parted => Some(sip.connect(flow.remote)),
            None => None,
        };
        let Some(connection) = way else {
            self.trace
                .say("sip gate", format_args!("has no connection {}", flow.connection));
            sip.refuse(flow, bytes, now);
            return self.flush(tandem_bus::link::Role::SipGate);
        };
        let at = self.stream(TO_PHONE, phone, now);
        self.at(
            at,
            Event::AtPhone {
                phone,
                connection,
                bytes,
            },
        );
    }

    pub(super) fn at_phone(&mut self, phone: usize, connection: u64, bytes: Bytes, now: Moment) {
        if connection != 0 {
            let is_there = self.sip.as_ref().is_some_and(|sip| sip.is_connected(connection));
            if !is_there {
                return;
            }
        }
        let Some(it) = self.phones.get_mut(phone) else {
            return;
        };
        if connection != 0 {
            // The server may have connected to it.
            it.connection.get_or_insert(connection);
        }
        let name = it.name.clone();
        self.say_message(&name, "←", &bytes);
        if let Some(it) = self.phones.get_mut(phone) {
            it.handle(bytes, now);
        }
        self.grant(phone, now);
    }

    /// What found no call logic: who began something new hears that he may come again.
    pub(super) fn turn_away(&mut self, item: Up, was_sent: bool, now: Moment) {
        let Up::Message { flow, bytes } = item else { return };
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        if was_sent || !message.is_request() || message.method() == Some(tandem_sip::Method::Ack) {
            return;
        }
        if let Ok(reply) = Builder::reply(&message, 503, "Service Unavailable")
            .to_tag("gate")
            .build()
        {
            self.send_to_phone(flow, reply.as_bytes().clone(), now);
        }
    }
}
