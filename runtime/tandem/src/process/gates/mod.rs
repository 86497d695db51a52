//! The gates, as the call logic sees them: the same whether they are processes of their own or threads of this one.
//!
//! [`Gates`] takes what goes down and never waits; what comes up lies in [`Inboxes`], one lane per shard and one for
//! the registrar. [`remote`] speaks to processes, [`here`] holds sockets itself, [`inbox`] is a lane's queue.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tandem_bus::link::{Cursor, Lane};
use tandem_bus::media::{Command, Event};
use tandem_bus::sip::Counted;
use tandem_sip::{Flow, Message};
use tandem_web::Health;
use tokio::runtime::Handle;

use crate::config::Config;

mod here;
mod inbox;
mod remote;

pub use here::GatesError;
pub use inbox::{FromGate, Inbox};

/// One of the two gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateKind {
    /// SIP sockets.
    Sip,
    /// RTP sockets.
    Media,
}

/// What a SIP gate brings.
#[derive(Debug, Clone)]
#[allow(clippy::large_enum_variant)] // It is moved once, and most of them carry a message.
pub enum SipItem {
    /// A valid message whose top Via has `received` and `rport`.
    Message {
        /// The way it came.
        flow: Flow,
        /// The message.
        message: Message,
    },
    /// A TCP connection is gone, or one that was asked for did not come about.
    Closed {
        /// The connection.
        flow: Flow,
    },
}

/// What reaches one shard.
#[derive(Debug)]
pub struct ShardInbox {
    /// From the SIP gate; bounded by `sip.queue`.
    pub sip: Inbox<SipItem>,
    /// From the media gate; bounded by what the shard has asked for.
    pub media: Inbox<Event>,
}

/// What reaches the call logic.
#[derive(Debug)]
pub struct Inboxes {
    /// By the shard's number.
    pub shards: Vec<ShardInbox>,
    /// The registrar's.
    pub registrar: Inbox<SipItem>,
}

/// How far the call logic had come when it ended, as its logs tell. A lane without a cursor is left out.
#[derive(Debug, Clone, Default)]
pub struct Cursors {
    /// With the SIP gate.
    pub sip: HashMap<Lane, Cursor>,
    /// With the media gate.
    pub media: HashMap<Lane, Cursor>,
}

/// Where peers reach this server: the true ports.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For UDP.
    pub udp: Vec<SocketAddr>,
    /// For TCP.
    pub tcp: Vec<SocketAddr>,
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// Try again soon.
    #[error("too much waits for the gate already")]
    Full,
    /// The gate is away. What it should do follows again from the state once it is back: [`FromGate::Connected`].
    #[error("the gate is away")]
    Lost,
    /// This flow is gone: as [`SipItem::Closed`].
    #[error("the flow is gone")]
    Gone,
    /// It fits no datagram or no frame.
    #[error("{0}")]
    TooLong(String),
    /// The system refused.
    #[error(transparent)]
    System(io::Error),
}

/// The gates; a clone is the same.
#[derive(Clone)]
pub struct Gates {
    form: Form,
}

#[derive(Clone)]
enum Form {
    Here(Arc<here::Here>),
    Remote(Arc<remote::Remote>),
}

impl fmt::Debug for Gates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let form = match &self.form {
            Form::Here(_) => "here",
            Form::Remote(_) => "remote",
        };
        f.debug_tuple("Gates").field(&form).finish()
    }
}

impl Gates {
    /// Gates that are processes of their own: connects to their sockets in `run`, again and again. `sip_queue`: messages
    /// that may wait for one lane.
    pub fn connect(
        run: &Path,
        shards: u16,
        sip_queue: usize,
        cursors: Cursors,
        handle: &Handle,
    ) -> (Self, Inboxes) {
        let (ports, inboxes) = ports(shards, sip_queue);
        let remote = Arc::new(remote::Remote::start(run, ports, cursors, handle));
        let form = Form::Remote(remote);
        (Self { form }, inboxes)
    }

    /// Opens the sockets here. Every inbox begins with a fresh [`FromGate::Connected`].
    pub fn here(
        config: &Config,
        data: &Path,
        shards: u16,
        handle: &Handle,
    ) -> Result<(Self, Inboxes), GatesError> {
        let (ports, inboxes) = ports(shards, config.sip.queue as usize);
        let here = here::Here::start(config, data, ports, handle)?;
        let form = Form::Here(Arc::new(here));
        Ok((Self { form }, inboxes))
    }

    /// Waits until both gates are there.
    pub async fn ready(&self) -> Addresses {
        match &self.form {
            Form::Here(here) => here.addresses(),
            Form::Remote(remote) => remote.ready().await,
        }
    }

    /// Sends a message without waiting, from any thread. Ok: it is on its way or queued; a TCP connection on which it
    /// then cannot go comes back as [`SipItem::Closed`].
    pub fn send_sip(&self, flow: Flow, bytes: Bytes) -> Result<(), Unsent> {
        match &self.form {
            Form::Here(here) => here.send_sip(flow, bytes),
            Form::Remote(remote) => remote.send_sip(flow, bytes),
        }
    }

    /// Gives a command to the media gate without waiting, from any thread.
    pub fn send_media(&self, command: Command) -> Result<(), Unsent> {
        match &self.form {
            Form::Here(here) => here.send_media(command),
            Form::Remote(remote) => remote.send_media(&command),
        }
    }

    /// A lane has committed what followed from an item and all before it.
    pub fn acknowledge(&self, gate: GateKind, lane: Lane, cursor: Cursor) {
        match &self.form {
            Form::Here(_) => (), // threads of this process keep nothing for its successor
            Form::Remote(remote) => remote.acknowledge(gate, lane, cursor),
        }
    }

    /// What the SIP sockets did: of this moment, or of the last seconds.
    pub fn counted(&self) -> Arc<Counted> {
        match &self.form {
            Form::Here(here) => Arc::new(here.counted()),
            Form::Remote(remote) => remote.counted(),
        }
    }

    /// Media endpoints that are open: at this moment, or in the last seconds.
    pub fn media_endpoints(&self) -> u64 {
        match &self.form {
            Form::Here(here) => here.media_endpoints(),
            Form::Remote(remote) => remote.media_endpoints(),
        }
    }

    /// Lets `/healthz` tell while a gate is away. Call inside a tokio runtime.
    pub fn watch(&self, health: Health) {
        if let Form::Remote(remote) = &self.form {
            remote.watch(health);
        }
    }

    /// Sends what is queued, for as long as `within`; then closes sockets, or disconnects.
    pub async fn stop(&self, within: Duration) {
        match &self.form {
            Form::Here(here) => here.stop(within).await,
            Form::Remote(remote) => remote.stop(within).await,
        }
    }
}

/// The sending ends of all lanes.
struct Ports {
    shards: Vec<ShardPorts>,
    registrar: inbox::Port<SipItem>,
}

struct ShardPorts {
    sip: inbox::Port<SipItem>,
    media: inbox::Port<Event>,
}

fn ports(shards: u16, sip_queue: usize) -> (Ports, Inboxes) {
    let (registrar, registrar_in) = inbox::lane(sip_queue);
    let shards = (0..shards).map(|_| {
        let (sip, sip_in) = inbox::lane(sip_queue);
        let (media, media_in) = inbox::lane(usize::MAX);
        let inbox = ShardInbox {
            sip: sip_in,
            media: media_in,
        };
        (ShardPorts { sip, media }, inbox)
    });
    let (shards, shards_in) = shards.unzip();
    let inboxes = Inboxes {
        shards: shards_in,
        registrar: registrar_in,
    };
    (Ports { shards, registrar }, inboxes)
}

impl Ports {
    fn shards(&self) -> u16 {
        self.shards.len() as u16
    }

    fn sip(&self, lane: Lane) -> Option<&inbox::Port<SipItem>> {
        match lane {
            Lane::REGISTRAR => Some(&self.registrar),
            Lane(shard) => self.shards.get(usize::from(shard)).map(|ports| &ports.sip),
        }
    }

    fn media(&self, lane: Lane) -> Option<&inbox::Port<Event>> {
        self.shards.get(usize::from(lane.0)).map(|ports| &ports.media)
    }

    /// Every lane of the SIP gate.
    fn all_sip(&self) -> impl Iterator<Item = &inbox::Port<SipItem>> {
        self.shards
            .iter()
            .map(|ports| &ports.sip)
            .chain([&self.registrar])
    }
}
