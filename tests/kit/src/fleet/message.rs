//! As much of SIP's text as a caller needs (RFC 3261 §7). Its own reader, so that the server's is not tested by itself.

use std::net::SocketAddr;

/// A request or response with long header names, as Tandem writes them.
#[derive(Debug)]
pub struct Message<'a> {
    start: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Message<'a> {
    /// Reads a datagram; `None` for what is no SIP.
    pub fn parse(datagram: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(datagram).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        let (start, rest) = head.split_once("\r\n")?;
        let headers = rest.split("\r\n").filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim(), value.trim()))
        });
        start.contains("SIP/2.0").then(|| Self {
            start,
            headers: headers.collect(),
            body,
        })
    }

    /// Status of a response.
    pub fn status(&self) -> Option<u16> {
        self.start.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// Method of a request.
    pub fn method(&self) -> Option<&'a str> {
        self.start
            .ends_with("SIP/2.0")
            .then(|| self.start.split(' ').next())?
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.headers(name).next()
    }

    /// All headers of this name.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    /// Number and method of CSeq.
    pub fn cseq(&self) -> Option<(u32, &'a str)> {
        let (number, method) = self.header("CSeq")?.split_once(' ')?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// The branch of the first Via: which request a response answers.
    pub fn branch(&self) -> Option<&'a str> {
        self.header("Via")?
            .split(';')
            .find_map(|part| part.strip_prefix("branch="))
    }

    /// The URI of Contact: where requests in the dialog go.
    pub fn contact(&self) -> Option<&'a str> {
        let contact = self.header("Contact")?;
        match contact.split_once('<') {
            Some((_, rest)) => rest.split('>').next(),
            None => contact.split(';').next(),
        }
    }

    /// Where the SDP wants sound to be sent.
    pub fn media(&self) -> Option<SocketAddr> {
        let line = |start: &str| self.body.lines().find_map(|line| line.trim().strip_prefix(start));
        let address = line("c=IN IP4 ")?.parse().ok()?;
        let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
        Some(SocketAddr::new(address, port))
    }

    /// A response to this request: the headers that it has to repeat (RFC 3261 §8.2.6.2), then `more`.
    pub fn response(&self, status: &str, more: &str) -> String {
        let repeated = ["Via", "From", "To", "Call-ID", "CSeq"].map(|name| {
            let lines = self
                .headers(name)
                .map(|value| [name, ": ", value, "\r\n"].concat());
            lines.collect::<String>()
        });
        format!("SIP/2.0 {status}\r\n{}{more}", repeated.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_with_sdp_is_read() {
        let bytes = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:7;branch=z9hG4bK1;rport=7\r\n\
            CSeq: 2 INVITE\r\ncontact: \"x\" <sip:100@127.0.0.1:5060>;a=b\r\n\r\n\
            v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 20002 RTP/AVP 0 101\r\n";
        let message = Message::parse(bytes).unwrap();
        assert_eq!((message.status(), message.method()), (Some(200), None));
        assert_eq!(message.cseq(), Some((2, "INVITE")));
        assert_eq!(message.branch(), Some("z9hG4bK1"));
        assert_eq!(message.contact(), Some("sip:100@127.0.0.1:5060"));
        assert_eq!(message.media(), Some("127.0.0.1:20002".parse().unwrap()));
    }

    #[test]
    fn a_request_is_answered_with_its_own_headers() {
        let bytes = b"BYE sip:a@b SIP/2.0\r\nVia: 1\r\nVia: 2\r\nFrom: f\r\nTo: t\r\nCall-ID: c\r\nCSeq: 7 BYE\r\nX: y\r\n\r\n";
        let message = Message::parse(bytes).unwrap();
        assert_eq!((message.status(), message.method()), (None, Some("BYE")));
        assert_eq!(
            message.response("200 OK", "\r\n"),
            "SIP/2.0 200 OK\r\nVia: 1\r\nVia: 2\r\nFrom: f\r\nTo: t\r\nCall-ID: c\r\nCSeq: 7 BYE\r\n\r\n"
        );
        assert!(Message::parse(b"\r\n\r\n").is_none());
    }
}
