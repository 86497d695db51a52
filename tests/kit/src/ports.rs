//! Free ports on 127.0.0.1, so that tests and their peers run beside each other.
//!
//! A port is given once, and to one process of those that are tested with this at the same time: a server that is started
//! again finds its port as it left it. Somebody else may take it: the starters ([`crate::baresip`], [`crate::tandem`])
//! try again.

use crate::failure::{Doing, Failure, Result};
use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

const ATTEMPTS: usize = 200;
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
/// Of each port that this process was given a file, locked for as long as the process lives.
static LOCKED: Mutex<Vec<File>> = Mutex::new(Vec::new());
static ROUND: AtomicU32 = AtomicU32::new(0);

/// A port free for UDP and TCP.
///
/// # Errors
/// When no free port is found in 200 attempts.
pub fn free() -> Result<u16> {
    free_run(1)
}

/// The first of `count` neighbouring ports that are all free for UDP and TCP. (baresip listens for TLS on the port
/// after its SIP port.) They lie below the range from which systems take ephemeral ports: a server that is started again
/// would find its port with somebody's socket.
///
/// # Errors
/// When no such run is found in 200 attempts, or there is no folder for temporary files.
pub fn free_run(count: u16) -> Result<u16> {
    const LOWEST: u16 = 10_000;
    const ROOM: u16 = 9_900;
    for _ in 0..ATTEMPTS {
        let first = LOWEST + (somewhere() % u32::from(ROOM - count)) as u16;
        let ports = first..=first + count - 1;
        if ports.clone().all(is_free) && reserve(ports.clone()) && lock(ports)? {
            return Ok(first);
        }
    }
    Err(Failure::new(format!("no run of {count} free ports on 127.0.0.1")))
}

/// Another number each time. The process id spreads processes, the round spreads tests within one.
fn somewhere() -> u32 {
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    std::process::id()
        .wrapping_mul(7_919)
        .wrapping_add(round.wrapping_mul(2_003))
}

/// A block of `count` ports for RTP, starting at an even port, below the range from which systems take ephemeral
/// ports. Only its ends are probed: media gates skip a port that is taken.
///
/// # Errors
/// When no block is found in 200 attempts.
pub fn media_block(count: u16) -> Result<RangeInclusive<u16>> {
    const LOWEST: u32 = 20_000;
    const HIGHEST: u32 = 32_700;
    let room = HIGHEST - LOWEST - u32::from(count);
    for _ in 0..ATTEMPTS {
        let first = ((LOWEST + somewhere() % room) & !1) as u16;
        let last = first + count - 1;
        if is_free(first) && is_free(last) && reserve(first..=last) {
            return Ok(first..=last);
        }
    }
    Err(Failure::new(format!("no block of {count} ports for media")))
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn reserve(ports: RangeInclusive<u16>) -> bool {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let given = given.get_or_insert_with(HashSet::new);
    if ports.clone().any(|port| given.contains(&port)) {
        return false;
    }
    given.extend(ports);
    true
}

/// Whether no other process has one of them.
fn lock(ports: RangeInclusive<u16>) -> Result<bool> {
    let folder = std::env::temp_dir().join("tandem-ports");
    std::fs::create_dir_all(&folder).doing("making a folder for ports")?;
    for port in ports {
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true);
        let file = file
            .open(folder.join(port.to_string()))
            .doing("opening the file of a port")?;
        if file.try_lock().is_err() {
            return Ok(false);
        }
        LOCKED.lock().unwrap_or_else(PoisonError::into_inner).push(file);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice() {
        let mut seen = HashSet::new();
        for _ in 0..50 {
            assert!(seen.insert(free().unwrap()));
        }
    }

    #[test]
    fn media_blocks_do_not_overlap() {
        let (a, b) = (media_block(200).unwrap(), media_block(200).unwrap());
        assert!(a.start() > b.end() || b.start() > a.end());
        assert_eq!(a.start() % 2, 0);
    }
}
