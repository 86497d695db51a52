//! Packets with open files between processes of one machine: a pair of unix sockets that keep message boundaries.
//!
//! [`pair`] makes both ends; [`send`] and [`receive`] pass one packet; [`send_parcel`] and [`receive_parcel`] pass any
//! number of bytes and files in many packets, each acknowledged before the next: the system bounds how many files
//! may be under way at once.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::{Deserialize, Serialize};

/// Longest packet in bytes; the system's own bound is above 200,000.
pub const PACKET_MAX: usize = 64 * 1024;
/// Files in one packet at most; the system's own bound is 253 (`SCM_MAX_FD`).
pub const FILES_MAX: usize = 250;
/// Bytes of one parcel at most: a wrong length must not take all memory.
const PARCEL_MAX: u64 = 1 << 30;

/// Files of one parcel at most.
const PARCEL_FILES_MAX: u64 = 1 << 20;

/// Two connected ends. Neither is inherited by a program that this process starts.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends one packet of at most [`PACKET_MAX`] bytes and [`FILES_MAX`] files; waits for room.
pub fn send(socket: impl AsFd, bytes: &[u8], files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::Error::other("too many files for one packet"));
    }
    // A peer that is gone is an error, not a signal that ends this process.
    let sent = rustix::io::retry_on_intr(|| {
        sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
    })?;
    if sent == bytes.len() {
        Ok(())
    } else {
        Err(io::Error::other("a packet was cut"))
    }
}

/// One packet: its bytes and the files that came along.
pub type Packet = (Vec<u8>, Vec<OwnedFd>);

/// Receives one packet; none: the other end is closed.
pub fn receive(socket: impl AsFd) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; PACKET_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let into = &mut [IoSliceMut::new(&mut bytes)];
        recvmsg(&socket, into, &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    if received.flags.contains(rustix::net::ReturnFlags::TRUNC)
        || received.flags.contains(rustix::net::ReturnFlags::CTRUNC)
    {
        return Err(io::Error::other(
            "a packet did not fit, or its files: is the limit on open files too low?",
        ));
    }
    let mut files = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            files.extend(rights);
        }
    }
    if received.bytes == 0 && files.is_empty() {
        return Ok(None);
    }
    bytes.truncate(received.bytes);
    Ok(Some((bytes, files)))
}

/// What a parcel's first packet says.
#[derive(Serialize, Deserialize)]
struct Label {
    bytes: u64,
    files: u64,
}

/// Sends bytes and files in as many packets as it takes. The files stay open here.
pub fn send_parcel(socket: impl AsFd, bytes: &[u8], files: &[OwnedFd]) -> io::Result<()> {
    let label = Label {
        bytes: bytes.len() as u64,
        files: files.len() as u64,
    };
    send(&socket, &serde_json::to_vec(&label)?, &[])?;
    let mut chunks = bytes.chunks(PACKET_MAX - 1);
    let mut groups = files.chunks(FILES_MAX);
    loop {
        let (chunk, group) = (chunks.next(), groups.next());
        if chunk.is_none() && group.is_none() {
            return Ok(());
        }
        // A packet is never empty: that would read as the end.
        let mut packet = vec![0];
        packet.extend_from_slice(chunk.unwrap_or_default());
        let group: Vec<BorrowedFd<'_>> = group.unwrap_or_default().iter().map(AsFd::as_fd).collect();
        send(&socket, &packet, &group)?;
        receive(&socket)?.ok_or_else(gone)?;
    }
}

/// Receives what [`send_parcel`] sent.
pub fn receive_parcel(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let (label, _) = receive(&socket)?.ok_or_else(gone)?;
    let label: Label = serde_json::from_slice(&label)?;
    if label.bytes > PARCEL_MAX || label.files > PARCEL_FILES_MAX {
        return Err(io::Error::other("a parcel is too big"));
    }
    let (mut bytes, mut files) = (Vec::new(), Vec::new());
    while (bytes.len() as u64) < label.bytes || (files.len() as u64) < label.files {
        let (packet, group) = receive(&socket)?.ok_or_else(gone)?;
        bytes.extend_from_slice(packet.get(1..).unwrap_or_default());
        files.extend(group);
        send(&socket, &[0], &[])?;
    }
    Ok((bytes, files))
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the other process is gone")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read as _, Seek as _, Write as _};

    #[test]
    fn a_file_arrives_open_and_the_end_is_told() {
        let (here, there) = pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"what was open").unwrap();
        send(&here, b"hello", &[file.as_fd()]).unwrap();
        drop((here, file));
        let (bytes, mut files) = receive(&there).unwrap().unwrap();
        assert_eq!((bytes.as_slice(), files.len()), (&b"hello"[..], 1));
        let mut file = File::from(files.remove(0));
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "what was open");
        assert!(receive(&there).unwrap().is_none());
    }

    /// More files than one packet takes, and more bytes.
    #[test]
    fn parcels_arrive_whole_and_in_order() {
        for (length, count) in [(0, 0), (1, 0), (200_000, 3), (10, 700)] {
            let (here, there) = pair().unwrap();
            let bytes: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let files: Vec<OwnedFd> = (0..count).map(numbered).collect();
            let sent = bytes.clone();
            let sender = std::thread::spawn(move || send_parcel(&here, &sent, &files));
            let (got, files) = receive_parcel(&there).unwrap();
            sender.join().unwrap().unwrap();
            assert_eq!(got, bytes);
            assert_eq!(files.len(), count);
            for (number, file) in files.into_iter().enumerate() {
                let mut file = File::from(file);
                file.rewind().unwrap();
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                assert_eq!(text, number.to_string());
            }
        }
    }

    fn numbered(number: usize) -> OwnedFd {
        let mut file = tempfile::tempfile().unwrap();
        write!(file, "{number}").unwrap();
        file.into()
    }

    #[test]
    fn a_parcel_from_one_that_dies_is_an_error() {
        let (here, there) = pair().unwrap();
        send(&here, br#"{"bytes":100,"files":0}"#, &[]).unwrap();
        drop(here);
        assert_eq!(
            receive_parcel(&there).unwrap_err().kind(),
            io::ErrorKind::UnexpectedEof
        );
    }
}
