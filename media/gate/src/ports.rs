//! The range of ports: pairs of an even port and the odd one above, handed out in turn.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};

use crate::cell::lock;

/// Pairs taken by other programs that one opening steps over before it gives up.
const TRIES: usize = 64;

/// Free pairs in the order of their use. A freed pair goes to the end: what the former peer still sends must not reach
/// the next call.
#[derive(Debug)]
pub(crate) struct Ports {
    address: IpAddr,
    range: RangeInclusive<u16>,
    free: VecDeque<u16>,
}

/// A pair in use; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) ports: Arc<Mutex<Ports>>,
    pub(crate) port: u16,
}

impl Drop for Lease {
    fn drop(&mut self) {
        lock(&self.ports).give_back(self.port);
    }
}

/// Sockets of one endpoint, neither of which blocks.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) port: u16,
    pub(crate) rtp: UdpSocket,
    pub(crate) rtcp: UdpSocket,
}

#[derive(Debug)]
pub(crate) enum PortError {
    Taken,
    System(io::Error),
}

impl Ports {
    pub(crate) fn new(address: IpAddr, range: RangeInclusive<u16>) -> Ports {
        let mut ports = Ports {
            address,
            range: range.clone(),
            free: VecDeque::new(),
        };
        ports.free = range.filter(|port| ports.holds(*port)).collect();
        ports
    }

    /// The pair is one of the range.
    fn holds(&self, port: u16) -> bool {
        port.is_multiple_of(2) && port != 0 && self.range.contains(&port) && port < *self.range.end()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// The next pair that can be had.
    pub(crate) fn take(&mut self) -> Result<Sockets, PortError> {
        for _ in 0..TRIES.min(self.free.len()) {
            let Some(port) = self.free.pop_front() else {
                break;
            };
            match self.bind(port) {
                Ok(sockets) => return Ok(sockets),
                Err(error) => {
                    self.free.push_back(port);
                    if error.kind() != io::ErrorKind::AddrInUse {
                        return Err(PortError::System(error));
                    }
                }
            }
        }
        Err(PortError::Taken)
    }

    /// This very pair: of the range, or one that an earlier range held.
    pub(crate) fn take_port(&mut self, port: u16) -> Result<Sockets, PortError> {
        let place = self.free.iter().position(|free| *free == port);
        if place.is_none() && self.holds(port) {
            return Err(PortError::Taken);
        }
        let sockets = self.bind(port).map_err(PortError::System)?;
        if let Some(place) = place {
            self.free.remove(place);
        }
        Ok(sockets)
    }

    /// The pair is in use by sockets that came from elsewhere.
    pub(crate) fn claim(&mut self, port: u16) {
        self.free.retain(|free| *free != port);
    }

    fn bind(&self, port: u16) -> io::Result<Sockets> {
        let bind = |port| {
            let socket = UdpSocket::bind(SocketAddr::new(self.address, port))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        let above = port.checked_add(1).filter(|_| port != 0);
        let above = above.ok_or_else(|| io::Error::other(format!("{port} is no RTP port")))?;
        Ok(Sockets {
            port,
            rtp: bind(port)?,
            rtcp: bind(above)?,
        })
    }

    pub(crate) fn give_back(&mut self, port: u16) {
        if self.holds(port) {
            self.free.push_back(port);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn only_whole_pairs_are_handed_out() {
        assert_eq!(Ports::new(HERE, 41_001..=41_006).free, [41_002, 41_004]);
        assert_eq!(Ports::new(HERE, 65_530..=65_535).free, [65_530, 65_532, 65_534]);
        assert!(Ports::new(HERE, 41_001..=41_002).is_empty());
    }

    #[test]
    fn a_freed_pair_is_used_last() {
        let mut ports = Ports::new(HERE, 41_010..=41_015);
        let first = ports.take().unwrap();
        assert_eq!(first.port, 41_010);
        drop(first);
        ports.give_back(41_010);
        assert_eq!(ports.take().unwrap().port, 41_012);
    }

    #[test]
    fn one_pair_is_taken_by_its_number() {
        let mut ports = Ports::new(HERE, 41_030..=41_035);
        let wanted = ports.take_port(41_032).unwrap();
        assert_eq!((wanted.port, &ports.free), (41_032, &[41_030, 41_034].into()));
        assert!(matches!(ports.take_port(41_032), Err(PortError::Taken)));
        let _theirs = UdpSocket::bind((HERE, 41_035)).unwrap();
        assert!(matches!(ports.take_port(41_034), Err(PortError::System(_))));
        assert!(matches!(ports.take_port(u16::MAX), Err(PortError::System(_))));
        let _elsewhere = ports.take_port(41_040).unwrap();
        ports.give_back(41_040);
        assert_eq!(
            ports.free,
            [41_030, 41_034],
            "what the range does not hold stays out"
        );
    }

    #[test]
    fn pairs_of_other_programs_are_stepped_over() {
        let mut ports = Ports::new(HERE, 41_020..=41_023);
        let _theirs = UdpSocket::bind((HERE, 41_021)).unwrap();
        assert_eq!(ports.take().unwrap().port, 41_022);
        assert!(matches!(ports.take(), Err(PortError::Taken)));
    }
}
