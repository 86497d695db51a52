//! Lets the system fragment what is longer than the path's MTU.
//!
//! quinn-udp forbids it, as QUIC must; SIP needs it: responses grow past 1,500 bytes and RFC 3261 §18.1.1 has no way
//! to move a response to TCP.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Undoes what `quinn_udp::UdpSocketState::new` set on a socket of IPv4 or IPv6.
#[cfg(target_os = "linux")]
pub(crate) fn allow(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    set(
        socket,
        libc::IPPROTO_IP,
        libc::IP_MTU_DISCOVER,
        libc::IP_PMTUDISC_DONT,
    )?;
    if ipv6 {
        set(
            socket,
            libc::IPPROTO_IPV6,
            libc::IPV6_MTU_DISCOVER,
            libc::IPV6_PMTUDISC_DONT,
        )?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, 0)?;
    }
    Ok(())
}

/// Elsewhere the socket stays as quinn-udp left it: long datagrams are refused by the system and counted.
#[cfg(not(target_os = "linux"))]
pub(crate) fn allow(_socket: BorrowedFd<'_>, _ipv6: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn set(socket: BorrowedFd<'_>, level: libc::c_int, name: libc::c_int, value: libc::c_int) -> io::Result<()> {
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open for as long as `socket` is borrowed; the pointer is to a `c_int` that lives
    // through the call, and `length` is its size, which is what these options read.
    let result =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, name, (&raw const value).cast(), length) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
