//! All TCP connections by their numbers, and by where they lead.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use tandem_sip::Flow;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::tcp::Outbox;
use crate::{Limits, SendError};

/// Flows with connection 0 that one connection answers for.
const ASKED_MAX: usize = 8;

#[derive(Debug)]
struct Entry {
    outbox: Outbox,
    remote: SocketAddr,
    /// Flows with connection 0 that messages came by; they are told of its end too.
    asked: Vec<Flow>,
}

#[derive(Debug)]
struct Open {
    /// The last number given.
    last: u64,
    connections: HashMap<u64, Entry>,
    per_address: HashMap<IpAddr, usize>,
    /// The newest connection to each peer.
    by_remote: HashMap<SocketAddr, u64>,
}

/// All connections of all listeners, and those that we made.
#[derive(Debug)]
pub(crate) struct Table {
    open: RwLock<Open>,
}

/// A connection that has its place and its queue.
pub(crate) struct Place {
    pub number: u64,
    pub outbox: Outbox,
    pub queue: mpsc::Receiver<Bytes>,
}

impl Table {
    /// Numbers grow from `last`.
    pub fn new(last: u64) -> Self {
        let open = Open {
            last,
            connections: HashMap::new(),
            per_address: HashMap::new(),
            by_remote: HashMap::new(),
        };
        Self {
            open: RwLock::new(open),
        }
    }

    /// A number to begin with. It is drawn for each process: a flow that was written down by one that is gone must
    /// never name a connection of this one.
    pub fn draw() -> u64 {
        // Its keys come from the system's randomness. A quarter of all numbers lies ahead, so none is used twice.
        RandomState::new().hash_one(std::process::id()) >> 2
    }

    fn read(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last number given.
    pub fn last(&self) -> u64 {
        self.read().last
    }

    /// Queues along the connection of `flow`.
    pub fn send(&self, flow: Flow, message: Bytes) -> Result<(), SendError> {
        let outbox = {
            let open = self.read();
            open.connections
                .get(&flow.connection)
                .map(|entry| entry.outbox.clone())
        };
        outbox.ok_or(SendError::Gone)?.send(message)
    }

    /// Queues along any connection to the peer of `flow`; where there is none, along a new one, which is to be made
    /// with one of the `attempts`.
    pub fn send_to_peer(
        &self,
        flow: Flow,
        message: &Bytes,
        limits: &Limits,
        attempts: &Arc<Semaphore>,
    ) -> Result<Option<(Place, OwnedSemaphorePermit)>, SendError> {
        let mut open = self.write();
        let known = open.by_remote.get(&flow.remote).copied();
        if let Some(entry) = known.and_then(|number| open.connections.get_mut(&number)) {
            match entry.outbox.send(message.clone()) {
                Err(SendError::Gone) => (), // it is closing
                sent => {
                    if sent.is_ok() && !entry.asked.contains(&flow) && entry.asked.len() < ASKED_MAX {
                        entry.asked.push(flow);
                    }
                    return sent.map(|()| None);
                }
            }
        }
        let permit = Arc::clone(attempts)
            .try_acquire_owned()
            .map_err(|_| SendError::Full)?;
        let place = open.enter(flow.remote, limits).ok_or(SendError::Full)?;
        if let Err(error) = place.outbox.send(message.clone()) {
            open.leave(place.number);
            return Err(error);
        }
        if let Some(entry) = open.connections.get_mut(&place.number) {
            entry.asked.push(flow);
        }
        Ok(Some((place, permit)))
    }

    /// Takes a place for a connection; none: a limit is met.
    pub fn enter(&self, peer: SocketAddr, limits: &Limits) -> Option<Place> {
        self.write().enter(peer, limits)
    }

    /// Gives a connection of a predecessor its place again, with the number that it had.
    pub fn enter_again(&self, number: u64, peer: SocketAddr, asked: Vec<Flow>, limits: &Limits) -> Place {
        self.write().insert(number, peer, asked, limits)
    }

    /// Gives the place back. The flows with connection 0 that it served.
    pub fn leave(&self, number: u64) -> Vec<Flow> {
        self.write().leave(number)
    }
}

impl Open {
    fn enter(&mut self, peer: SocketAddr, limits: &Limits) -> Option<Place> {
        let of_peer = self.per_address.get(&peer.ip()).copied().unwrap_or(0);
        if self.connections.len() >= limits.connections_max || of_peer >= limits.connections_per_address_max {
            return None;
        }
        self.last += 1; // so none is 0: that is UDP's
        Some(self.insert(self.last, peer, Vec::new(), limits))
    }

    fn insert(&mut self, number: u64, peer: SocketAddr, asked: Vec<Flow>, limits: &Limits) -> Place {
        let (outbox, queue) = Outbox::new(limits);
        let entry = Entry {
            outbox: outbox.clone(),
            remote: peer,
            asked,
        };
        self.connections.insert(number, entry);
        self.by_remote.insert(peer, number);
        *self.per_address.entry(peer.ip()).or_default() += 1;
        Place {
            number,
            outbox,
            queue,
        }
    }

    fn leave(&mut self, number: u64) -> Vec<Flow> {
        let Some(Entry { remote, asked, .. }) = self.connections.remove(&number) else {
            return Vec::new();
        };
        if self.by_remote.get(&remote) == Some(&number) {
            self.by_remote.remove(&remote);
        }
        let peer = remote.ip();
        if let Some(of_peer) = self.per_address.get_mut(&peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                self.per_address.remove(&peer);
            }
        }
        asked
    }
}
