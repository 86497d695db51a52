//! A model of the SIP gate: one UDP socket, TCP connections, and the real reliable link to the call logic.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use tandem_bus::link::held::Encoded;
use tandem_bus::link::{Bounds, Held, Lane};
use tandem_bus::sip::Up;
use tandem_sip::{Flow, Message, Method, Moment, Transport};
use tandem_switch::shard_of;

use crate::phone::SERVER;

/// One run of the gate.
pub struct SipGate {
    /// What the call logic has not committed.
    pub held: Held<Up>,
    shards: u16,
    connections: BTreeMap<u64, SocketAddr>,
    next: u64,
}

impl SipGate {
    /// The run of this number.
    pub fn new(instance: u64, shards: u16, now: Moment) -> Self {
        let mut held = Held::new(instance, Bounds::default());
        held.disconnected(now);
        Self {
            held,
            shards,
            connections: BTreeMap::new(),
            next: instance << 20,
        }
    }

    /// A phone connects.
    pub fn connect(&mut self, phone: SocketAddr) -> u64 {
        self.next += 1;
        self.connections.insert(self.next, phone);
        self.next
    }

    /// Whether a connection is there.
    pub fn is_connected(&self, connection: u64) -> bool {
        self.connections.contains_key(&connection)
    }

    /// A message of a phone.
    pub fn receive(&mut self, phone: SocketAddr, connection: u64, bytes: Bytes, now: Moment) {
        let Ok(mut message) = Message::parse(bytes) else {
            return;
        };
        if message.validate().is_err() {
            return;
        }
        if message.is_request() {
            let Ok(seen) = message.with_received(phone) else {
                return;
            };
            message = seen;
        }
        let flow = Flow {
            transport: if connection == 0 {
                Transport::Udp
            } else {
                Transport::Tcp
            },
            local: SERVER,
            remote: phone,
            connection,
        };
        let begins = match message.method() {
            Some(Method::Invite) => message.to().is_ok_and(|to| to.tag().is_none()),
            Some(Method::Register) => true,
            _ => false,
        };
        let lane = self.lane_of(&message, message.method() == Some(Method::Register));
        let bytes = message.as_bytes().clone();
        self.push(lane, &Up::Message { flow, bytes }, begins, now);
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: u64, now: Moment) {
        let Some(phone) = self.connections.remove(&connection) else {
            return;
        };
        let flow = Flow {
            transport: Transport::Tcp,
            local: SERVER,
            remote: phone,
            connection,
        };
        for lane in (0..self.shards).map(Lane).chain([Lane::REGISTRAR]) {
            self.push(lane, &Up::Closed { flow }, false, now);
        }
    }

    /// What the call logic sends could not be: on TCP it hears of it.
    pub fn refuse(&mut self, flow: Flow, bytes: Bytes, now: Moment) {
        let Ok(message) = Message::parse(bytes) else {
            return;
        };
        let registers = message
            .cseq()
            .is_ok_and(|cseq| cseq.method_str() == Method::Register.as_str());
        let lane = self.lane_of(&message, registers);
        self.push(lane, &Up::Closed { flow }, false, now);
    }

    /// The connection that a message for `flow` goes by: the very one, or for connection 0 any to that peer.
    pub fn way(&self, flow: Flow) -> Option<u64> {
        if flow.connection != 0 {
            return self.is_connected(flow.connection).then_some(flow.connection);
        }
        let to_peer = |(_, phone): &(&u64, &SocketAddr)| **phone == flow.remote;
        self.connections
            .iter()
            .find(to_peer)
            .map(|(connection, _)| *connection)
    }

    fn lane_of(&self, message: &Message, registers: bool) -> Lane {
        if registers {
            return Lane::REGISTRAR;
        }
        Lane(shard_of(message.call_id().unwrap_or_default(), u64::from(self.shards)) as u16)
    }

    fn push(&mut self, lane: Lane, item: &Up, begins: bool, now: Moment) {
        if let Ok(item) = Encoded::new(item) {
            // One that is full says no, and its peer comes again.
            let _ = self.held.push(lane, item, begins, now);
        }
    }
}
