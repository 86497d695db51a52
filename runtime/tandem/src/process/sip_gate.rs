//! The SIP gate: sockets and framing, no calls.

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tandem_bus::link::Role as LinkRole;
use tandem_bus::sip::{Counted, Down, Up};
use tandem_sip::{Flow, Message};
use tandem_transport::{Counters, Deliver, HandOver, Handed, Inbound, Traffic, Transport, TransportError};

use super::gate::{Post, Sockets};
use super::lanes::{all_lanes, lane_of, lane_of_sent};
use super::role::Role;
use crate::config::Config;

/// How long queued messages may take at the end.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// The sockets of a SIP gate.
pub struct SipSockets {
    transport: Transport,
    post: Arc<Post<Self>>,
}

impl Sockets for SipSockets {
    type Up = Up;
    type Down = Down;
    type State = Handed;
    type Error = TransportError;
    const ROLE: Role = Role::SipGate;
    const LINK_ROLE: LinkRole = LinkRole::SipGate;

    fn open(config: &Config, _: &Path, post: Arc<Post<Self>>) -> Result<Self, TransportError> {
        let transport = Transport::bind(&transport_config(config), Intake(post.clone()))?;
        Ok(Self { transport, post })
    }

    fn adopt(
        config: &Config,
        _: &Path,
        post: Arc<Post<Self>>,
        state: Handed,
        descriptors: Vec<OwnedFd>,
    ) -> Result<Self, TransportError> {
        let handed = HandOver { state, descriptors };
        let transport = Transport::adopt(&transport_config(config), handed, Intake(post.clone()))?;
        Ok(Self { transport, post })
    }

    async fn hand_over(self) -> Result<(Handed, Vec<OwnedFd>), TransportError> {
        let HandOver { state, descriptors } = self.transport.hand_over().await?;
        Ok((state, descriptors))
    }

    fn take_down(&self, down: Down) -> Result<(), Down> {
        let Down::Send { flow, bytes } = down;
        if let Err(error) = self.transport.send(flow, bytes.clone()) {
            tracing::debug!(target: "sip", remote = %flow.remote, %error, "not sent");
            if flow.transport.is_reliable() {
                self.tell_closed(flow, bytes);
            }
        }
        Ok(())
    }

    fn set_attended(&self, _: bool) {}

    fn take_expired(&self, item: Up) {
        if let Up::Message { flow, bytes } = item
            && let Ok(message) = Message::parse(bytes)
        {
            self.transport.answer_overload(flow, &message);
        }
    }

    fn notes(&self) -> Vec<Up> {
        let listening = Up::Listening {
            udp: self.transport.udp(),
            tcp: self.transport.tcp(),
        };
        vec![listening, Up::Counted(counted(self.transport.counters()))]
    }

    async fn stop(self) {
        self.transport.close(CLOSE_WITHIN).await;
    }
}

impl SipSockets {
    /// Nobody repeats what was lost on a stream: whoever sent it gives the flow up.
    fn tell_closed(&self, flow: Flow, sent: bytes::Bytes) {
        let (Some(shards), Ok(message)) = (self.post.shards(), Message::parse(sent)) else {
            return;
        };
        self.post
            .push(lane_of_sent(&message, shards), &Up::Closed { flow }, false);
    }
}

/// What comes from the sockets goes to the lane that it concerns.
struct Intake(Arc<Post<SipSockets>>);

impl Deliver for Intake {
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound> {
        let Some(shards) = self.0.shards() else {
            return Err(inbound); // there was no call logic yet
        };
        match inbound {
            Inbound::Closed { flow } => {
                for lane in all_lanes(shards) {
                    self.0.push(lane, &Up::Closed { flow }, false);
                }
                Ok(())
            }
            Inbound::Message { flow, message } => {
                let lane = lane_of(&message, shards);
                let begins = tandem_transport::begins(&message);
                let bytes = message.as_bytes().clone();
                if self.0.push(lane, &Up::Message { flow, bytes }, begins) {
                    Ok(())
                } else {
                    Err(Inbound::Message { flow, message })
                }
            }
        }
    }
}

/// What the configuration says to the sockets.
pub fn transport_config(config: &Config) -> tandem_transport::Config {
    tandem_transport::Config {
        udp: config.sip.udp.clone(),
        tcp: config.sip.tcp.clone(),
        limits: tandem_transport::Limits {
            connections_max: config.sip.connections_max as usize,
            connections_per_address_max: config.sip.connections_per_address_max as usize,
            connection_idle: config.sip.connection_idle,
            message_bytes_max: config.sip.message_size_max.0 as usize,
            ..tandem_transport::Limits::default()
        },
    }
}

/// The sockets' figures, as they cross a link.
pub fn counted(counters: &Counters) -> Counted {
    let own = |(name, value): (&str, u64)| (name.to_owned(), value);
    let requests = |traffic: &Traffic| traffic.requests().map(own).collect();
    let responses = |traffic: &Traffic| traffic.responses().map(own).collect();
    Counted {
        counters: counters.snapshot().into_iter().map(own).collect(),
        requests_in: requests(&counters.inbound),
        responses_in: responses(&counters.inbound),
        requests_out: requests(&counters.outbound),
        responses_out: responses(&counters.outbound),
    }
}
