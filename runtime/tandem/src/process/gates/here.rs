//! Gates that are threads of this process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_bus::link::{Cursor, Lane};
use tandem_bus::media::Command;
use tandem_bus::sip::Counted;
use tandem_gate::Gate;
use tandem_sip::Flow;
use tandem_transport::{Deliver, Inbound, SendError, Transport};
use tokio::runtime::Handle;

use super::{Addresses, FromGate, Ports, SipItem, Unsent};
use crate::config::Config;
use crate::process::lanes::lane_of;
use crate::process::{media_gate, sip_gate};
use tandem_sip::message::Shown;

/// Why there are no sockets.
#[derive(Debug, thiserror::Error)]
pub enum GatesError {
    /// Media ports or threads.
    #[error(transparent)]
    Media(#[from] tandem_gate::GateError),
    /// SIP sockets.
    #[error(transparent)]
    Sip(#[from] tandem_transport::TransportError),
}

/// Sockets and media threads.
pub(super) struct Here {
    transport: Transport,
    gate: Gate,
}

/// What sockets and media threads deliver into.
struct Lanes {
    ports: Ports,
    instance: u64,
    /// Only counts: nothing is given twice within a process.
    number: AtomicU64,
}

impl Here {
    pub fn start(
        config: &Config,
        data: &Path,
        ports: Ports,
        handle: &Handle,
    ) -> Result<Self, super::GatesError> {
        let lanes = Arc::new(Lanes {
            ports,
            instance: StdRng::from_os_rng().random(),
            number: AtomicU64::new(0),
        });
        lanes.tell_connected();
        let media = lanes.clone();
        let gate = media_gate::start(config, data, move |event| media.take_event(event))?;
        let _inside = handle.enter();
        let transport = Transport::bind(&sip_gate::transport_config(config), lanes)?;
        Ok(Self { transport, gate })
    }

    pub fn addresses(&self) -> Addresses {
        Addresses {
            udp: self.transport.udp(),
            tcp: self.transport.tcp(),
        }
    }

    pub fn send_sip(&self, flow: Flow, bytes: Bytes) -> Result<(), Unsent> {
        self.transport.send(flow, bytes).map_err(|error| match error {
            SendError::Gone | SendError::Full => Unsent::Gone, // who takes nothing is given up on TCP
            SendError::TooLong { .. } => Unsent::TooLong(error.to_string()),
            SendError::System(error) => Unsent::System(error),
        })
    }

    pub fn send_media(&self, command: Command) -> Result<(), Unsent> {
        self.gate.send(command).map_err(|error| match error {
            tandem_gate::SendError::Full => Unsent::Full,
            tandem_gate::SendError::Stopped => Unsent::Lost,
        })
    }

    pub fn counted(&self) -> Counted {
        sip_gate::counted(self.transport.counters())
    }

    pub fn media_endpoints(&self) -> u64 {
        self.gate.counted().endpoints
    }

    pub async fn stop(&self, within: Duration) {
        self.transport.close(within).await;
        self.gate.stop();
    }
}

impl Lanes {
    fn tell_connected(&self) {
        let instance = self.instance;
        for port in self.ports.all_sip() {
            port.tell(FromGate::Connected {
                instance,
                fresh: true,
            });
        }
        for ports in &self.ports.shards {
            ports.media.tell(FromGate::Connected {
                instance,
                fresh: true,
            });
        }
    }

    fn cursor(&self) -> Cursor {
        Cursor {
            instance: self.instance,
            number: self.number.fetch_add(1, Ordering::Relaxed) + 1,
        }
    }

    fn take_event(&self, event: tandem_bus::media::Event) {
        if let Some(port) = self.ports.media(Lane(event.shard())) {
            port.push(self.cursor(), event);
        }
    }
}

impl Deliver for Lanes {
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound> {
        let (flow, message) = match inbound {
            Inbound::Closed { flow } => {
                for port in self.ports.all_sip() {
                    port.push(self.cursor(), SipItem::Closed { flow });
                }
                return Ok(());
            }
            Inbound::Message { flow, message } => (flow, message),
        };
        let Some(port) = self.ports.sip(lane_of(&message, self.ports.shards())) else {
            return Err(Inbound::Message { flow, message });
        };
        tracing::debug!(
            target: "sip", remote = %flow.remote,
            message = %Shown(message.as_bytes()), "received"
        );
        let offered = port.offer(self.cursor(), SipItem::Message { flow, message });
        offered.map_err(|back| match back {
            SipItem::Message { flow, message } => Inbound::Message { flow, message },
            SipItem::Closed { flow } => Inbound::Closed { flow },
        })
    }
}
