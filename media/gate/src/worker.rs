//! A thread that moves the packets of its endpoints and keeps their time.

use std::collections::HashMap;
use std::io;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use tandem_bus::media::{Event, Statistics};

use crate::cell::{Cell, lock};
use crate::counters::{Counters, add};

/// Packet times are multiples of this.
const TICK: Duration = Duration::from_millis(10);
/// A thread that was held up for longer gives the missed ticks up.
const HELD_UP: Duration = Duration::from_millis(100);
/// Datagrams taken from one socket in a row: a flood on one port must not keep the others waiting.
const BURST: usize = 16;
/// Longer datagrams are cut off, and are no packets of ours.
const DATAGRAM_MAX: usize = 2_048;
const ROUSED: Token = Token(usize::MAX);

enum Change {
    Add(Arc<Cell>),
    Remove(usize, Statistics),
}

/// The handle that the control thread holds.
pub(crate) struct Worker {
    changes: Arc<Mutex<Vec<Change>>>,
    stopping: Arc<AtomicBool>,
    waker: Waker,
    /// Endpoints there, for an even spread.
    pub(crate) load: usize,
    thread: JoinHandle<()>,
}

impl Worker {
    pub(crate) fn start(number: usize, counters: Arc<Counters>) -> io::Result<Worker> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), ROUSED)?;
        let changes = Arc::new(Mutex::new(Vec::new()));
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = Thread {
            poll,
            cells: HashMap::new(),
            changes: Arc::clone(&changes),
            stopping: Arc::clone(&stopping),
            counters,
            unfinished: Vec::new(),
            buffer: [0; DATAGRAM_MAX],
        };
        let handle = std::thread::Builder::new()
            .name(format!("media-{number}"))
            .spawn(move || thread.run())?;
        Ok(Worker {
            changes,
            stopping,
            waker,
            load: 0,
            thread: handle,
        })
    }

    pub(crate) fn add(&mut self, cell: Arc<Cell>) {
        self.load += 1;
        self.hand(cell);
    }

    /// As [`Worker::add`], where the load counts the cell already.
    pub(crate) fn hand(&self, cell: Arc<Cell>) {
        self.change(Change::Add(cell));
    }

    /// Lets go of a cell, tells that it is closed.
    pub(crate) fn remove(&mut self, number: usize, statistics: Statistics) {
        self.load = self.load.saturating_sub(1);
        self.change(Change::Remove(number, statistics));
    }

    fn change(&self, change: Change) {
        lock(&self.changes).push(change);
        self.rouse();
    }

    /// Ends the threads once their changes are carried out; they have let go of all cells then.
    pub(crate) fn stop_all(workers: Vec<Worker>) {
        for worker in &workers {
            worker.stopping.store(true, Ordering::Release);
            worker.rouse();
        }
        for worker in workers {
            if worker.thread.join().is_err() {
                tracing::error!("a media thread had panicked");
            }
        }
    }

    fn rouse(&self) {
        if let Err(error) = self.waker.wake() {
            // The next tick looks anyway.
            tracing::warn!(%error, "a media thread could not be roused");
        }
    }
}

struct Thread {
    poll: Poll,
    cells: HashMap<usize, Arc<Cell>>,
    changes: Arc<Mutex<Vec<Change>>>,
    stopping: Arc<AtomicBool>,
    counters: Arc<Counters>,
    /// Sockets that may hold more than one burst.
    unfinished: Vec<usize>,
    buffer: [u8; DATAGRAM_MAX],
}

impl Thread {
    fn run(mut self) {
        let mut events = Events::with_capacity(1_024);
        let mut tick_at = Instant::now() + TICK;
        loop {
            let wait = if self.unfinished.is_empty() {
                tick_at.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            if let Err(error) = self.poll.poll(&mut events, Some(wait))
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "polling media sockets failed");
                std::thread::sleep(TICK);
            }
            let stopping = self.stopping.load(Ordering::Acquire);
            self.carry_out_changes();
            if stopping {
                return;
            }
            let now = Instant::now();
            let before = self.unfinished.len();
            for index in 0..before {
                if let Some(token) = self.unfinished.get(index).copied() {
                    self.receive(token, now);
                }
            }
            // What still holds more was added again behind.
            self.unfinished.drain(..before);
            for event in &events {
                if event.token() != ROUSED {
                    self.receive(event.token().0, now);
                }
            }
            let now = Instant::now();
            if now >= tick_at {
                if now.saturating_duration_since(tick_at) > HELD_UP {
                    add(&self.counters.late_ticks, 1);
                    tick_at = now;
                } else if now.saturating_duration_since(tick_at) > 2 * TICK {
                    add(&self.counters.late_ticks, 1);
                }
                for cell in self.cells.values() {
                    // The tick's own time, not that of its being late: frames are counted by it.
                    cell.handle_tick(tick_at);
                }
                tick_at += TICK;
            }
        }
    }

    fn carry_out_changes(&mut self) {
        let changes = std::mem::take(&mut *lock(&self.changes));
        for change in changes {
            match change {
                Change::Add(cell) => {
                    let registry = self.poll.registry();
                    let register =
                        |fd, token| registry.register(&mut SourceFd(&fd), Token(token), Interest::READABLE);
                    let registered = register(cell.rtp.as_raw_fd(), cell.number * 2)
                        .and_then(|()| register(cell.rtcp.as_raw_fd(), cell.number * 2 + 1));
                    if let Err(error) = registered {
                        tracing::error!(endpoint = cell.id.0, %error, "an endpoint will hear nothing");
                    }
                    self.cells.insert(cell.number, cell);
                }
                Change::Remove(number, statistics) => {
                    let Some(cell) = self.cells.remove(&number) else {
                        continue;
                    };
                    let registry = self.poll.registry();
                    for fd in [cell.rtp.as_raw_fd(), cell.rtcp.as_raw_fd()] {
                        // Closing takes it out of the poll in any case.
                        let _ = registry.deregister(&mut SourceFd(&fd));
                    }
                    self.counters.endpoints.fetch_sub(1, Ordering::Relaxed);
                    add(&self.counters.received, statistics.received);
                    add(&self.counters.dropped, statistics.dropped);
                    add(&self.counters.lost, statistics.lost);
                    let (endpoint, shared) = (cell.id, Arc::clone(&cell.shared));
                    drop(cell);
                    (shared.on_event)(Event::Closed { endpoint, statistics });
                }
            }
        }
    }

    /// Takes what lies in one socket, a burst at most.
    fn receive(&mut self, token: usize, now: Instant) {
        let Some(cell) = self.cells.get(&(token / 2)) else {
            return;
        };
        let is_rtcp = token % 2 == 1;
        let socket = if is_rtcp { &cell.rtcp } else { &cell.rtp };
        for _ in 0..BURST {
            match socket.recv_from(&mut self.buffer) {
                Ok((length, from)) => {
                    add(&self.counters.datagrams, 1);
                    let datagram = self.buffer.get(..length).unwrap_or_default();
                    if is_rtcp {
                        cell.handle_rtcp(datagram, from, now);
                    } else {
                        cell.handle_rtp(datagram, from, now);
                    }
                }
                // Errors on a UDP socket are ICMP answers to what we sent: the next datagram may be there.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {}
            }
        }
        let listed = self.unfinished.iter().filter(|listed| **listed == token).count();
        if listed < 2 {
            // Its entry of this round goes when the round ends.
            self.unfinished.push(token);
        }
    }
}
