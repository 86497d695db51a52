//! Endpoints that come: new ones, and those of a gate that died.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tandem_bus::media::{Command, EndpointId, Event, Refusal, RtpPosition};
use tandem_media::Endpoint;
use tandem_media::endpoint::Position;

use super::{Control, Open, convert};
use crate::cell::{Cell, lock};
use crate::counters::add;
use crate::ports::{PortError, Sockets};

/// Ports that are held are tried again so often.
const RETRY: Duration = Duration::from_millis(25);
/// Commands that may wait for endpoints whose ports are taken; beyond, these are refused.
const DEFERRED_MAX: usize = 65_536;

/// An endpoint to be restored.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) endpoint: EndpointId,
    pub(super) domain: String,
    pub(super) local: SocketAddr,
    pub(super) position: RtpPosition,
    pub(super) heard: Option<SocketAddr>,
    pub(super) give_up_at: Instant,
}

/// The endpoints that a command is about.
fn touched(command: &Command) -> [Option<EndpointId>; 2] {
    match command {
        Command::Open { endpoint, .. }
        | Command::Restore { endpoint, .. }
        | Command::Agree { endpoint, .. }
        | Command::Play { endpoint, .. }
        | Command::Stop { endpoint, .. }
        | Command::SendDigits { endpoint, .. }
        | Command::Close { endpoint }
        | Command::Record { endpoint, .. }
        | Command::PauseRecord { endpoint, .. }
        | Command::EndRecord { endpoint, .. } => [Some(*endpoint), None],
        Command::Join { a, b } | Command::Part { a, b } => [Some(*a), Some(*b)],
        Command::Report { .. } => [None, None],
    }
}

impl Control {
    /// Carries a command out, or keeps it until the endpoints are there that it must wait for.
    pub(super) fn take(&mut self, command: Command) {
        let touched = touched(&command);
        if touched.iter().flatten().any(|id| self.held.contains(id)) {
            self.held.extend(touched.into_iter().flatten());
            self.deferred.push(command);
        } else {
            self.carry_out(command);
        }
    }

    fn refuse(&self, endpoint: EndpointId, domain: &str, why: Refusal) {
        add(&self.shared.counters.refused, 1);
        tracing::warn!(endpoint = endpoint.0, domain, ?why, "no media endpoint");
        (self.shared.on_event)(Event::Refused { endpoint, why });
    }

    /// Tells that an endpoint is there, and where its stream stands.
    fn tell_opened(&self, endpoint: EndpointId, now: Instant) {
        let Some(open) = self.endpoints.get(&endpoint) else {
            return;
        };
        let position = open.cell.lock().endpoint.position(now);
        (self.shared.on_event)(Event::Opened {
            endpoint,
            local: open.cell.local,
            position: convert::position(position, convert::wall_us()),
        });
    }

    pub(super) fn open(&mut self, endpoint: EndpointId, domain: String, now: Instant) {
        if self.endpoints.contains_key(&endpoint) {
            return self.tell_opened(endpoint, now);
        }
        if self.endpoints.len() + self.waiting.len() >= self.max_endpoints {
            return self.refuse(endpoint, &domain, Refusal::Full);
        }
        let taken = lock(&self.shared.ports).take();
        let sockets = match taken {
            Ok(sockets) => sockets,
            Err(error) => return self.refuse(endpoint, &domain, refusal(error)),
        };
        let local = SocketAddr::new(self.announced, sockets.port);
        let made = Endpoint::new(self.settings, &mut self.rng, now);
        self.begin(endpoint, domain, local, sockets, made, now);
    }

    /// Makes an endpoint again on its ports; while they are taken it waits, and with it all that is about it.
    pub(super) fn restore(&mut self, wanted: Waiting, now: Instant) {
        if self.endpoints.contains_key(&wanted.endpoint) {
            return self.tell_opened(wanted.endpoint, now);
        }
        if self.endpoints.len() + self.waiting.len() >= self.max_endpoints {
            return self.refuse(wanted.endpoint, &wanted.domain, Refusal::Full);
        }
        if self.waiting.is_empty() {
            self.retry_at = now + RETRY;
        }
        if let Some(wanted) = self.try_restore(wanted, now) {
            self.held.insert(wanted.endpoint);
            self.waiting.push(wanted);
        }
    }

    /// Gives back what is to be tried again.
    fn try_restore(&mut self, wanted: Waiting, now: Instant) -> Option<Waiting> {
        let taken = lock(&self.shared.ports).take_port(wanted.local.port());
        let sockets = match taken {
            Ok(sockets) => sockets,
            Err(error) if error.may_pass() && now < wanted.give_up_at => return Some(wanted),
            Err(error) => {
                self.refuse(wanted.endpoint, &wanted.domain, refusal(error));
                return None;
            }
        };
        let stood = Position {
            ssrc: wanted.position.ssrc,
            sequence: wanted.position.sequence,
            timestamp: wanted.position.timestamp,
        };
        let position = stood.after(convert::since_us(wanted.position.at_us));
        let made = Endpoint::restore(self.settings, position, wanted.heard, &mut self.rng, now);
        self.begin(wanted.endpoint, wanted.domain, wanted.local, sockets, made, now);
        None
    }

    fn begin(
        &mut self,
        endpoint: EndpointId,
        domain: String,
        local: SocketAddr,
        sockets: Sockets,
        made: Endpoint,
        now: Instant,
    ) {
        add(&self.shared.counters.opened, 1);
        let cell = self.make_cell(endpoint, local, sockets, made);
        if let Some(worker) = self.workers.get_mut(cell.worker) {
            worker.add(Arc::clone(&cell));
        }
        let open = Open {
            cell,
            domain,
            agreed: None,
            playback: None,
            play: None,
            send: None,
            record: None,
            recording: None,
        };
        self.endpoints.insert(endpoint, open);
        self.tell_opened(endpoint, now);
    }

    /// A cell for the worker with the fewest, which does not have it yet.
    pub(super) fn make_cell(
        &mut self,
        endpoint: EndpointId,
        local: SocketAddr,
        sockets: Sockets,
        made: Endpoint,
    ) -> Arc<Cell> {
        let least = self
            .workers
            .iter()
            .enumerate()
            .min_by_key(|(_, worker)| worker.load);
        let worker = least.map_or(0, |(number, _)| number);
        let number = self.next_number;
        self.next_number += 1;
        let shared = Arc::clone(&self.shared);
        Arc::new(Cell::new(endpoint, number, worker, local, sockets, made, shared))
    }

    /// Tries what waits again, when it is time.
    pub(super) fn retry_waiting(&mut self) {
        let now = Instant::now();
        let crowded = self.deferred.len() >= DEFERRED_MAX;
        if self.waiting.is_empty() || (now < self.retry_at && !crowded) {
            return;
        }
        self.retry_at = now + RETRY;
        let before = self.waiting.len();
        for mut wanted in std::mem::take(&mut self.waiting) {
            if crowded {
                wanted.give_up_at = now;
            }
            if let Some(wanted) = self.try_restore(wanted, now) {
                self.waiting.push(wanted);
            }
        }
        if self.waiting.len() < before {
            self.held = self.waiting.iter().map(|wanted| wanted.endpoint).collect();
            for command in std::mem::take(&mut self.deferred) {
                self.take(command);
            }
        }
    }

    /// The gate ends.
    pub(super) fn give_up_waiting(&mut self) {
        for wanted in std::mem::take(&mut self.waiting) {
            self.refuse(wanted.endpoint, &wanted.domain, Refusal::Full);
        }
        self.held.clear();
        self.deferred.clear();
    }
}

impl PortError {
    /// Whoever holds the ports may be about to let go of them.
    fn may_pass(&self) -> bool {
        match self {
            PortError::Taken => true,
            PortError::System(error) => error.kind() == io::ErrorKind::AddrInUse,
        }
    }
}

fn refusal(error: PortError) -> Refusal {
    match error {
        PortError::Taken => Refusal::PortsTaken,
        PortError::System(error) => Refusal::System(error.to_string()),
    }
}
