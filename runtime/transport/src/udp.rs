//! One UDP socket: batches in, single datagrams out.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quinn_udp::{BATCH_SIZE, RecvMeta, Transmit, UdpSocketState};
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, Socket, Type};
use tandem_sip as sip;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::Notify;
use tracing::warn;

use crate::counters::add;
use crate::hand_over::HandedUdp;
use crate::intake::Intake;
use crate::{Counters, SendError, fragment};

/// The longest payload that IPv4 carries.
pub(crate) const DATAGRAM_MAX: usize = 65_507;
/// What the kernel may hold for us while the call logic is busy; it grants less where the system says so.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// A datagram that found the socket's buffer full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    remote: SocketAddr,
    source: Option<IpAddr>,
    datagram: Bytes,
}

/// A bound socket, shared by its receiving task and all who send.
pub(crate) struct Udp {
    socket: UdpSocket,
    state: UdpSocketState,
    /// As the configuration has it; its port may be 0.
    configured: SocketAddr,
    local: SocketAddr,
    waiting: Mutex<VecDeque<Waiting>>,
    waiting_max: usize,
    woken: Notify,
    counters: Arc<Counters>,
}

impl Udp {
    /// Binds; call inside a tokio runtime.
    pub fn bind(address: SocketAddr, waiting_max: usize, counters: Arc<Counters>) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // IPv4 peers come by a socket of their own, so that flows never hold mapped addresses.
            socket.set_only_v6(true)?;
        }
        // Less than wished still works; bursts are then lost sooner, and repeated.
        let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(BUFFER_BYTES);
        socket.bind(&address.into())?;
        let handed = HandedUdp {
            configured: address,
            waiting: VecDeque::new(),
        };
        Self::adopt(socket.into(), handed, waiting_max, counters)
    }

    /// Goes on with a bound socket; call inside a tokio runtime.
    pub fn adopt(
        descriptor: OwnedFd,
        handed: HandedUdp,
        waiting_max: usize,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let HandedUdp { configured, waiting } = handed;
        let socket = Socket::from(descriptor);
        let state = UdpSocketState::new((&socket).into())?;
        fragment::allow(socket.as_fd(), configured.is_ipv6())?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        let woken = Notify::new();
        if !waiting.is_empty() {
            woken.notify_one();
        }
        Ok(Self {
            socket,
            state,
            configured,
            local,
            waiting: Mutex::new(waiting),
            waiting_max,
            woken,
            counters,
        })
    }

    /// The socket once more, for a successor.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.socket.as_fd().try_clone_to_owned()
    }

    /// What goes along with it, once the tasks have ended.
    pub fn hand_over(&self) -> HandedUdp {
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        HandedUdp {
            configured: self.configured,
            waiting,
        }
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether `local` of a flow is this socket's address.
    pub fn serves(&self, local: SocketAddr) -> bool {
        self.local == local
            || self.is_wildcard()
                && self.local.port() == local.port()
                && self.local.is_ipv4() == local.is_ipv4()
    }

    fn is_wildcard(&self) -> bool {
        self.local.ip().is_unspecified()
    }

    /// Sends now; where the socket's buffer is full, keeps the datagram for [`Self::drive_waiting`].
    pub fn send(&self, flow: sip::Flow, datagram: Bytes) -> Result<(), SendError> {
        if datagram.len() > DATAGRAM_MAX {
            return Err(SendError::TooLong {
                length: datagram.len(),
                max: DATAGRAM_MAX,
            });
        }
        // Behind a wildcard the answer must leave from the address that the question came to.
        let source = (self.is_wildcard() && !flow.local.ip().is_unspecified()).then_some(flow.local.ip());
        // The lock is not held over the system call: shards send at the same time.
        if self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
        {
            match self.try_send(flow.remote, source, &datagram) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                Err(error) => return Err(SendError::System(error)),
                Ok(()) => return Ok(()),
            }
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= self.waiting_max {
            return Err(SendError::Full);
        }
        waiting.push_back(Waiting {
            remote: flow.remote,
            source,
            datagram,
        });
        self.woken.notify_one();
        Ok(())
    }

    fn try_send(&self, remote: SocketAddr, source: Option<IpAddr>, datagram: &[u8]) -> io::Result<()> {
        let transmit = Transmit {
            destination: remote,
            ecn: None,
            contents: datagram,
            segment_size: None,
            src_ip: source,
        };
        self.socket.try_io(Interest::WRITABLE, || {
            self.state.try_send((&self.socket).into(), &transmit)
        })?;
        add(&self.counters.udp_sent);
        self.counters.outbound.count(datagram);
        Ok(())
    }

    /// Sends what [`Self::send`] had to keep; runs for as long as the socket lives. May be dropped wherever it waits.
    pub async fn drive_waiting(&self) {
        loop {
            self.woken.notified().await;
            while !self
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_empty()
            {
                if self.socket.writable().await.is_err() {
                    return; // the runtime is going down
                }
                self.send_waiting();
            }
        }
    }

    fn send_waiting(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(next) = waiting.pop_front() {
            match self.try_send(next.remote, next.source, &next.datagram) {
                Ok(()) => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    waiting.push_front(next);
                    return;
                }
                Err(_) => add(&self.counters.unsent),
            }
        }
    }

    /// Receives for as long as the socket lives. May be dropped wherever it waits: it holds no datagram there.
    pub async fn drive_receive(&self, mut intake: Intake) {
        // With GRO one buffer may hold many datagrams of one peer, 64 KiB in all.
        let mut buffers = vec![vec![0_u8; 65_536]; BATCH_SIZE];
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            if self.socket.readable().await.is_err() {
                return; // the runtime is going down
            }
            let received = self.socket.try_io(Interest::READABLE, || {
                let mut slices: Vec<IoSliceMut<'_>> =
                    buffers.iter_mut().map(|buffer| IoSliceMut::new(buffer)).collect();
                self.state.recv((&self.socket).into(), &mut slices, &mut metas)
            });
            let count = match received {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(error) => {
                    // An ICMP error of an earlier datagram, or memory is short: neither ends the socket.
                    warn!(local = %self.local, %error, "cannot receive");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            };
            for (buffer, meta) in buffers.iter().zip(&metas).take(count) {
                let flow = self.flow_of(meta);
                let bytes = buffer.get(..meta.len).unwrap_or_default();
                if bytes.is_empty() {
                    add(&self.counters.keep_alives);
                }
                for datagram in bytes.chunks(meta.stride.max(1)) {
                    intake.take_datagram(flow, datagram, |reply| {
                        // A lost answer is repeated when the request is.
                        let _ = self.send(flow, reply);
                    });
                }
            }
            // A flood on this socket must not starve what else runs on this thread.
            tokio::task::yield_now().await;
        }
    }

    fn flow_of(&self, meta: &RecvMeta) -> sip::Flow {
        let local = match meta.dst_ip {
            Some(ip) if self.is_wildcard() && !ip.is_multicast() => SocketAddr::new(ip, self.local.port()),
            _ => self.local,
        };
        sip::Flow {
            transport: sip::Transport::Udp,
            local,
            remote: meta.addr,
            connection: 0,
        }
    }
}
