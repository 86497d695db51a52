//! What passed, and what did not.

use std::sync::atomic::{AtomicU64, Ordering};

/// Methods that are counted apart; others are one, for a peer can invent as many as it likes.
const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "PRACK",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "INFO",
    "REFER",
    "MESSAGE",
    "UPDATE",
];
const OTHER: &str = "other";
const CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];

/// Messages of one direction by what they are.
#[derive(Debug, Default)]
pub struct Traffic {
    methods: [AtomicU64; METHODS.len() + 1],
    classes: [AtomicU64; CLASSES.len()],
}

impl Traffic {
    /// Counts a message by its first line.
    pub(crate) fn count(&self, message: &[u8]) {
        let counter = if let Some(status) = message.strip_prefix(b"SIP/2.0 ") {
            let class = status.first().map_or(u8::MAX, |digit| digit.wrapping_sub(b'1'));
            self.classes.get(usize::from(class))
        } else {
            let end = message
                .iter()
                .take(16)
                .position(|byte| *byte == b' ')
                .unwrap_or(0);
            let method = message.get(..end).unwrap_or_default();
            let place = METHODS.iter().position(|known| known.as_bytes() == method);
            self.methods.get(place.unwrap_or(METHODS.len()))
        };
        if let Some(counter) = counter {
            add(counter);
        }
    }

    /// Requests by method.
    pub fn requests(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = METHODS.into_iter().chain([OTHER]);
        names.zip(self.methods.iter().map(|counter| counter.load(Ordering::Relaxed)))
    }

    /// Responses by class of status.
    pub fn responses(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CLASSES
            .into_iter()
            .zip(self.classes.iter().map(|counter| counter.load(Ordering::Relaxed)))
    }
}

macro_rules! counters {
    ($( $(#[doc = $doc:literal])+ $name:ident; )+) => {
        /// Counted since the start; one instance for all sockets.
        #[derive(Debug, Default)]
        pub struct Counters {
            $( $(#[doc = $doc])+ pub $name: AtomicU64, )+
            /// Messages that came and parsed.
            pub inbound: Traffic,
            /// Messages that were sent.
            pub outbound: Traffic,
        }

        impl Counters {
            /// Every counter with its name, for metrics; `connections_open` goes down too.
            pub fn snapshot(&self) -> Vec<(&'static str, u64)> {
                vec![$( (stringify!($name), self.$name.load(Ordering::Relaxed)), )+]
            }
        }
    };
}

counters! {
    /// Messages taken from UDP.
    udp_received;
    /// Messages sent by UDP.
    udp_sent;
    /// Messages taken from TCP.
    tcp_received;
    /// Messages sent by TCP.
    tcp_sent;
    /// Keep-alives (RFC 5626 §3.5.1, §4.4.1), empty datagrams included.
    keep_alives;
    /// What is not SIP: dropped.
    malformed;
    /// SIP that breaks a rule: requests were answered, unless their source complains too much; responses dropped.
    refused;
    /// Answers to refused requests that were not sent, for their source had its share.
    answers_withheld;
    /// Requests answered with 503 because the call logic was full.
    overloaded;
    /// Other messages dropped because the call logic was full.
    dropped;
    /// Messages that could not be sent: connection gone, queue full, refused by the system.
    unsent;
    /// TCP connections taken.
    connections_accepted;
    /// TCP connections that we made.
    connections_made;
    /// TCP connections that we could not make.
    connections_failed;
    /// TCP connections closed at once because of a limit.
    connections_refused;
    /// TCP connections cut off: idle, too slow, not SIP.
    connections_cut;
    /// TCP connections open now.
    connections_open;
}

pub(crate) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_by_method_and_class() {
        let traffic = Traffic::default();
        for message in [
            "INVITE sip:a SIP/2.0",
            "FROB sip:a SIP/2.0",
            "x",
            "SIP/2.0 180 Ringing",
            "SIP/2.0 999",
            "SIP/2.0 ",
        ] {
            traffic.count(message.as_bytes());
        }
        let requests: Vec<_> = traffic.requests().filter(|(_, count)| *count > 0).collect();
        assert_eq!(requests, [("INVITE", 1), ("other", 2)]);
        let responses: Vec<_> = traffic.responses().filter(|(_, count)| *count > 0).collect();
        assert_eq!(responses, [("1xx", 1)]);
    }
}
