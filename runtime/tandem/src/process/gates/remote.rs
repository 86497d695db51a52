//! Gates that are processes of their own, by their sockets.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tandem_bus::link::{Cursor, Lane, Role, Taken};
use tandem_bus::media::{self, Command};
use tandem_bus::sip::{self, Counted, Down};
use tandem_link::logic::{Client, Config, Event, SendError};
use tandem_sip::{Flow, Message};
use tandem_web::Health;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::{Addresses, Cursors, FromGate, GateKind, Ports, SipItem, Unsent};
use crate::process::lanes::all_lanes;
use crate::process::{role, run_dir};
use tandem_sip::message::Shown;

/// What is known of both gates.
#[derive(Debug, Default)]
struct Known {
    sip: bool,
    media: bool,
    addresses: Option<Addresses>,
    counted: Arc<Counted>,
}

/// The links to both gates.
pub(super) struct Remote {
    sip: Client<Down>,
    media: Client<Command>,
    known: Arc<watch::Sender<Known>>,
    media_endpoints: Arc<AtomicU64>,
}

impl Remote {
    pub fn start(run: &Path, ports: Ports, cursors: Cursors, handle: &Handle) -> Self {
        let Cursors {
            sip: sip_cursors,
            media: media_cursors,
        } = cursors;
        let shards = ports.shards();
        let ports = Arc::new(ports);
        let known = Arc::new(watch::Sender::new(Known::default()));
        let media_endpoints = Arc::new(AtomicU64::new(0));
        let mut taken = Taken::new();
        for lane in all_lanes(shards) {
            taken.restore(lane, sip_cursors.get(&lane).copied());
        }
        let lanes = SipLanes {
            ports: ports.clone(),
            known: known.clone(),
        };
        #[allow(clippy::result_large_err)] // It is what was handed in.
        let take = move |event| lanes.take(event);
        let sip = Client::start(
            handle,
            &run_dir::socket_in(run, role::Role::SipGate),
            Config {
                role: Role::SipGate,
                shards,
            },
            taken,
            take,
        );
        let mut taken = Taken::new();
        for lane in (0..shards).map(Lane) {
            taken.restore(lane, media_cursors.get(&lane).copied());
        }
        let lanes = MediaLanes {
            ports,
            known: known.clone(),
            endpoints: media_endpoints.clone(),
        };
        let media = Client::start(
            handle,
            &run_dir::socket_in(run, role::Role::MediaGate),
            Config {
                role: Role::MediaGate,
                shards,
            },
            taken,
            move |event| {
                lanes.take(event);
                Ok(())
            },
        );
        Self {
            sip,
            media,
            known,
            media_endpoints,
        }
    }

    pub async fn ready(&self) -> Addresses {
        let mut known = self.known.subscribe();
        let there = known.wait_for(|known| known.sip && known.media && known.addresses.is_some());
        // The sender lives as long as we do.
        there
            .await
            .ok()
            .and_then(|known| known.addresses.clone())
            .unwrap_or_default()
    }

    pub fn send_sip(&self, flow: Flow, bytes: Bytes) -> Result<(), Unsent> {
        self.sip.send(&Down::Send { flow, bytes }).map_err(unsent)
    }

    pub fn send_media(&self, command: &Command) -> Result<(), Unsent> {
        self.media.send(command).map_err(unsent)
    }

    pub fn acknowledge(&self, gate: GateKind, lane: Lane, cursor: Cursor) {
        match gate {
            GateKind::Sip => self.sip.acknowledge(lane, cursor),
            GateKind::Media => self.media.acknowledge(lane, cursor),
        }
    }

    pub fn counted(&self) -> Arc<Counted> {
        self.known.borrow().counted.clone()
    }

    pub fn media_endpoints(&self) -> u64 {
        self.media_endpoints.load(Ordering::Relaxed)
    }

    pub fn watch(&self, health: Health) {
        let mut known = self.known.subscribe();
        tokio::spawn(async move {
            loop {
                let (sip, media) = {
                    let known = known.borrow_and_update();
                    (known.sip, known.media)
                };
                for (role, there) in [(Role::SipGate, sip), (Role::MediaGate, media)] {
                    let name = role.to_string();
                    if there {
                        health.set_repaired(&name);
                    } else {
                        health.set_broken(&name, "its process is away");
                    }
                }
                if known.changed().await.is_err() {
                    return;
                }
            }
        });
    }

    pub async fn stop(&self, within: Duration) {
        let both = async { tokio::join!(self.sip.clone().stop(), self.media.clone().stop()) };
        let _ = tokio::time::timeout(within, both).await; // past the time the process ends anyway
    }
}

fn unsent(error: SendError) -> Unsent {
    match error {
        SendError::Lost => Unsent::Lost,
        SendError::Full { .. } => Unsent::Full,
        SendError::Frame(error) => Unsent::TooLong(error.to_string()),
    }
}

struct SipLanes {
    ports: Arc<Ports>,
    known: Arc<watch::Sender<Known>>,
}

impl SipLanes {
    #[allow(clippy::result_large_err)] // It is what was handed in.
    fn take(&self, event: Event<sip::Up>) -> Result<(), Event<sip::Up>> {
        match event {
            Event::Connected { instance, fresh } => {
                for lane in all_lanes(self.ports.shards()) {
                    if let Some(port) = self.ports.sip(lane) {
                        let fresh = fresh.contains(&lane);
                        port.tell(FromGate::Connected { instance, fresh });
                    }
                }
                self.known.send_modify(|known| known.sip = true);
            }
            Event::Lost => {
                for port in self.ports.all_sip() {
                    port.tell(FromGate::Lost);
                }
                self.known.send_modify(|known| known.sip = false);
            }
            Event::Note(sip::Up::Listening { udp, tcp }) => {
                let addresses = Some(Addresses { udp, tcp });
                self.known.send_modify(|known| known.addresses = addresses);
            }
            Event::Note(sip::Up::Counted(counted)) => {
                self.known.send_if_modified(|known| {
                    known.counted = Arc::new(counted);
                    false // nobody waits for figures
                });
            }
            Event::Note(sip::Up::Message { .. } | sip::Up::Closed { .. }) => (), // never sent so
            Event::Up { lane, cursor, item } => return self.take_item(lane, cursor, item),
        }
        Ok(())
    }

    #[allow(clippy::result_large_err)]
    fn take_item(&self, lane: Lane, cursor: Cursor, item: sip::Up) -> Result<(), Event<sip::Up>> {
        let Some(port) = self.ports.sip(lane) else {
            return Ok(()); // a lane of call logic with more shards
        };
        match item {
            sip::Up::Closed { flow } => port.push(cursor, SipItem::Closed { flow }),
            sip::Up::Message { flow, bytes } => {
                // The gate has parsed it before, so it parses.
                let Ok(message) = Message::parse(bytes.clone()) else {
                    return Ok(());
                };
                tracing::debug!(target: "sip", remote = %flow.remote, message = %Shown(&bytes), "received");
                if port.offer(cursor, SipItem::Message { flow, message }).is_err() {
                    let item = sip::Up::Message { flow, bytes };
                    return Err(Event::Up { lane, cursor, item });
                }
            }
            sip::Up::Listening { .. } | sip::Up::Counted(_) => (), // never sent so
        }
        Ok(())
    }
}

struct MediaLanes {
    ports: Arc<Ports>,
    known: Arc<watch::Sender<Known>>,
    endpoints: Arc<AtomicU64>,
}

impl MediaLanes {
    fn take(&self, event: Event<media::Up>) {
        match event {
            Event::Connected { instance, fresh } => {
                for (number, ports) in self.ports.shards.iter().enumerate() {
                    let fresh = fresh.contains(&Lane(number as u16));
                    ports.media.tell(FromGate::Connected { instance, fresh });
                }
                self.known.send_modify(|known| known.media = true);
            }
            Event::Lost => {
                for ports in &self.ports.shards {
                    ports.media.tell(FromGate::Lost);
                }
                self.known.send_modify(|known| known.media = false);
            }
            Event::Note(media::Up::Counted { endpoints }) => {
                self.endpoints.store(endpoints, Ordering::Relaxed);
            }
            Event::Note(media::Up::Event(_)) => (), // never sent so
            Event::Up {
                lane,
                cursor,
                item: media::Up::Event(event),
            } => {
                if let Some(port) = self.ports.media(lane) {
                    port.push(cursor, event);
                }
            }
            Event::Up { .. } => (), // figures are never numbered
        }
    }
}
