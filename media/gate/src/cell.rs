//! An endpoint with its sockets, under its lock.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tandem_bus::media::{EndpointId, Event, PlayEnd, PlayId, RecordEnd, RecordId, SendId};
use tandem_media::endpoint::{self, Endpoint, Output};
use tandem_media::g711::RATE_HZ;

use crate::counters::{Counters, add};
use crate::ports::{Lease, Ports, Sockets};
use crate::recordings::Recordings;

/// What all threads share.
pub(crate) struct Shared {
    pub(crate) on_event: Arc<dyn Fn(Event) + Send + Sync>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) ports: Arc<Mutex<Ports>>,
    /// Playbacks that took a clip and have room for another; the control thread looks here.
    pub(crate) hungry: Mutex<Vec<(EndpointId, PlayId)>>,
    /// Rouses the control thread.
    pub(crate) rouse: Arc<dyn Fn() + Send + Sync>,
    /// Takes what is recorded to the disk.
    pub(crate) recordings: Recordings,
}

pub(crate) struct Cell {
    pub(crate) id: EndpointId,
    /// Names the cell within its worker.
    pub(crate) number: usize,
    pub(crate) worker: usize,
    /// Where peers send RTP to.
    pub(crate) local: SocketAddr,
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
    /// Behind the sockets, so that they are closed before their ports are given back.
    _lease: Lease,
    pub(crate) shared: Arc<Shared>,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) endpoint: Endpoint,
    /// The other side of the pair, and the pair's number.
    pub(crate) peer: Option<(Arc<Cell>, u64)>,
    /// Nothing is told any more.
    pub(crate) closed: bool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while a lock was held ends one call at worst; the others must go on.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cell {
    pub(crate) fn new(
        id: EndpointId,
        number: usize,
        worker: usize,
        local: SocketAddr,
        sockets: Sockets,
        endpoint: Endpoint,
        shared: Arc<Shared>,
    ) -> Cell {
        add(&shared.counters.endpoints, 1);
        let state = Mutex::new(State {
            endpoint,
            peer: None,
            closed: false,
        });
        Cell {
            id,
            number,
            worker,
            local,
            rtp: sockets.rtp,
            rtcp: sockets.rtcp,
            _lease: Lease {
                ports: Arc::clone(&shared.ports),
                port: sockets.port,
            },
            shared,
            state,
        }
    }

    /// The sockets and what they are for, for another gate.
    pub(crate) fn into_parts(self) -> (State, UdpSocket, UdpSocket) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state, self.rtp, self.rtcp)
    }

    /// The state, locked. Never hold two cells at once.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// A datagram for the RTP port; what is for the other side of the pair is sent there at once.
    pub(crate) fn handle_rtp(&self, datagram: &[u8], from: SocketAddr, now: Instant) {
        let (frame, peer) = {
            let mut state = self.lock();
            if state.closed {
                return;
            }
            let frame = state.endpoint.handle_rtp(datagram, from, now);
            let peer = frame.and(state.peer.clone());
            self.drain(&mut state);
            (frame, peer)
        };
        if let (Some(frame), Some((peer, pair))) = (frame, peer) {
            let mut state = peer.lock();
            if !state.closed {
                state.endpoint.handle_relayed(pair, &frame, now);
                peer.drain(&mut state);
            }
        }
    }

    /// A datagram for the RTCP port.
    pub(crate) fn handle_rtcp(&self, datagram: &[u8], from: SocketAddr, now: Instant) {
        let mut state = self.lock();
        if !state.closed {
            state.endpoint.handle_rtcp(datagram, from, now);
        }
    }

    pub(crate) fn handle_tick(&self, now: Instant) {
        let mut state = self.lock();
        if !state.closed {
            state.endpoint.handle_tick(now);
            self.drain(&mut state);
        }
    }

    /// Carries out what the endpoint wants done.
    pub(crate) fn drain(&self, state: &mut State) {
        loop {
            match state.endpoint.poll_output() {
                Output::Rtp { to, packet } => {
                    // A full send buffer loses the packet, as the network would.
                    let counter = match self.rtp.send_to(packet, to) {
                        Ok(_) => &self.shared.counters.sent,
                        Err(_) => &self.shared.counters.unsent,
                    };
                    add(counter, 1);
                }
                Output::Rtcp { to, packet } => {
                    if self.rtcp.send_to(packet, to).is_err() {
                        add(&self.shared.counters.unsent, 1);
                    }
                }
                Output::Event(event) => self.tell(event),
                Output::Wait => return,
            }
        }
    }

    fn tell(&self, event: endpoint::Event) {
        let endpoint = self.id;
        let event = match event {
            endpoint::Event::Digit(digit) => Event::Digit { endpoint, digit },
            endpoint::Event::Heard(remote) => Event::Heard { endpoint, remote },
            endpoint::Event::DigitsSent { send, sent } => Event::DigitsSent {
                endpoint,
                send: SendId(send),
                sent,
            },
            endpoint::Event::Unheard(time) => Event::Unheard {
                endpoint,
                for_ms: millis(time),
            },
            endpoint::Event::PlayEnded { play, end, played } => Event::PlayEnded {
                endpoint,
                play: PlayId(play),
                end: match end {
                    endpoint::PlayEnd::Finished => PlayEnd::Finished,
                    endpoint::PlayEnd::Stopped => PlayEnd::Stopped,
                    endpoint::PlayEnd::Failed(why) => PlayEnd::Failed(why),
                },
                played_ms: played * 1_000 / u64::from(RATE_HZ),
            },
            endpoint::Event::ClipTaken(play) => {
                lock(&self.shared.hungry).push((endpoint, PlayId(play)));
                (self.shared.rouse)();
                return;
            }
            endpoint::Event::Recorded { record, samples } => {
                let recordings = &self.shared.recordings;
                return recordings.sound((endpoint, RecordId(record)), samples);
            }
            endpoint::Event::RecordEnded { record, silence } => {
                let end = if silence {
                    RecordEnd::Silence
                } else {
                    RecordEnd::Finished
                };
                return self.shared.recordings.finish((endpoint, RecordId(record)), end);
            }
        };
        (self.shared.on_event)(event);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
