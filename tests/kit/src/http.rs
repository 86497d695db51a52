//! One HTTP/1.1 GET, enough for `/healthz` and `/metrics`.

use crate::failure::{Doing, Result};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(5);

/// Status and body of `GET path`.
///
/// # Errors
/// When the server does not answer within 5 s or does not speak HTTP.
pub fn get(addr: SocketAddr, path: &str) -> Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&addr, WITHIN).doing("connecting")?;
    stream.set_read_timeout(Some(WITHIN)).doing("setting a timeout")?;
    // In one piece: a server may answer and close after the first.
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).doing("asking")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).doing("reading")?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .doing("looking for the end of the head")?;
    let status = head
        .split(' ')
        .nth(1)
        .doing("looking for the status")?
        .parse()
        .doing("reading the status")?;
    Ok((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn status_and_body_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 1024];
            let count = stream.read(&mut asked).unwrap();
            stream
                .write_all(b"HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\nstopping")
                .unwrap();
            String::from_utf8_lossy(&asked[..count]).into_owned()
        });
        assert_eq!(get(addr, "/healthz").unwrap(), (503, "stopping".to_owned()));
        assert!(server.join().unwrap().starts_with("GET /healthz HTTP/1.1\r\n"));
    }
}
