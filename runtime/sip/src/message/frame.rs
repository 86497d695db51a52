//! Messages out of a byte stream: Content-Length says where one ends (RFC 3261 §18.3).

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

use super::lex::{is_space, number, trim};
use super::{MESSAGE_MAX, Message, Name, ParseError};

/// The longest header section of a message in a stream, in bytes.
pub const HEAD_MAX: usize = 64 * 1024;

/// One thing that came out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // Short-lived, and boxing would cost an allocation per message.
pub enum Frame {
    /// A whole message, not yet validated.
    Message(Message),
    /// A double CRLF between messages: answer it with one CRLF (RFC 5626 §3.5.1).
    Ping,
}

/// Why a stream cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// No empty line within [`HEAD_MAX`].
    #[error("headers longer than {max} bytes")]
    HeadTooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// The message would be longer than we take.
    #[error("message of {len} bytes is longer than {max}")]
    MessageTooLong {
        /// Head and body, in bytes.
        len: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// No Content-Length, one that is no number, or two that differ: nobody knows where the message ends.
    #[error("no usable Content-Length")]
    ContentLength,
    /// The message's bounds are known but it is none; the stream goes on behind it.
    #[error(transparent)]
    Message(#[from] ParseError),
}

impl FramingError {
    /// Whether the connection must be closed: the next message cannot be found. With a CR or LF alone in its
    /// head, a message's Content-Length may have been another for its sender.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Message(error) if !matches!(error, ParseError::BareLineEnd { .. }))
    }
}

/// Cuts one connection's bytes into messages. After a fatal error it gives that error for ever.
#[derive(Debug, Default)]
pub struct StreamFramer {
    buffer: BytesMut,
    /// How much of the buffer holds no end of headers, so that slow senders cost no second search.
    searched: usize,
    /// Length of the message at the front, once its head is read.
    needed: Option<usize>,
    failed: Option<FramingError>,
}

impl StreamFramer {
    /// A framer for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what the socket gave. Drain [`Self::next`] before the next read: that bounds the buffer.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next message or keep-alive; `None` until more bytes come.
    #[allow(clippy::should_implement_trait)] // An iterator's end is final; this one's is not.
    pub fn next(&mut self) -> Result<Option<Frame>, FramingError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let frame = self.read();
        if let Err(error) = &frame
            && error.is_fatal()
        {
            self.failed = Some(error.clone());
            self.buffer = BytesMut::new();
        }
        frame
    }

    /// Bytes held for a message that is not whole yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    /// Those bytes, for another framer to go on with.
    pub fn into_pending(self) -> Bytes {
        self.buffer.freeze()
    }

    fn read(&mut self) -> Result<Option<Frame>, FramingError> {
        let len = match self.needed {
            Some(len) => len,
            None => match self.read_head()? {
                Head::Ping => return Ok(Some(Frame::Ping)),
                Head::Incomplete => return Ok(None),
                Head::Needs(len) => *self.needed.insert(len),
            },
        };
        if self.buffer.len() < len {
            return Ok(None);
        }
        self.needed = None;
        self.searched = 0;
        let bytes = self.buffer.split_to(len).freeze();
        Ok(Some(Frame::Message(Message::parse(bytes)?)))
    }

    fn read_head(&mut self) -> Result<Head, FramingError> {
        if self.searched == 0 {
            // Single line ends before a message are skipped (RFC 3261 §7.5): a pong is one.
            loop {
                if self.buffer.starts_with(b"\r\n\r\n") {
                    self.buffer.advance(4);
                    return Ok(Head::Ping);
                }
                match *self.buffer {
                    // It may become a ping.
                    [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return Ok(Head::Incomplete),
                    [b'\r', b'\n', ..] => self.buffer.advance(2),
                    _ => break,
                }
            }
        }
        // The end may lie across what was searched and what is new.
        let from = self.searched.saturating_sub(3);
        let found =
            memmem::find(self.buffer.get(from..).unwrap_or_default(), b"\r\n\r\n").map(|at| from + at);
        let head_len = match found {
            Some(at) if at <= HEAD_MAX => at + 4,
            None if self.buffer.len() <= HEAD_MAX => {
                self.searched = self.buffer.len();
                return Ok(Head::Incomplete);
            }
            Some(_) | None => return Err(FramingError::HeadTooLong { max: HEAD_MAX }),
        };
        let body = content_length(self.buffer.get(..head_len).unwrap_or_default())?;
        let len = head_len.saturating_add(body);
        if len > MESSAGE_MAX {
            return Err(FramingError::MessageTooLong {
                len,
                max: MESSAGE_MAX,
            });
        }
        Ok(Head::Needs(len))
    }
}

enum Head {
    Ping,
    Incomplete,
    /// Head and body, in bytes.
    Needs(usize),
}

/// The one Content-Length of a head. A stream needs it (RFC 3261 §20.14): guessing 0 would read a body as the
/// next message, which is how requests get smuggled.
fn content_length(head: &[u8]) -> Result<usize, FramingError> {
    let mut found = None;
    let mut lines = head.split(|b| *b == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let mut halves = line.splitn(2, |b| *b == b':');
        let (Some(name), Some(value)) = (halves.next(), halves.next()) else {
            continue;
        };
        if name.first().is_some_and(|b| is_space(*b)) || Name::from_bytes(trim(name)) != Name::ContentLength {
            continue;
        }
        let mut value = trim(value.strip_suffix(b"\r").unwrap_or(value));
        // The number itself may stand on a folded line.
        if value.is_empty()
            && let Some(next) = lines.peek()
            && next.first().is_some_and(|b| is_space(*b))
        {
            value = trim(next.strip_suffix(b"\r").unwrap_or(next));
        }
        let value = number(value)
            .and_then(|n| usize::try_from(n).ok())
            .ok_or(FramingError::ContentLength)?;
        if found.is_some_and(|other| other != value) {
            return Err(FramingError::ContentLength);
        }
        found = Some(value);
    }
    found.ok_or(FramingError::ContentLength)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Method;

    fn message(body: &str) -> Vec<u8> {
        Message::request(Method::Message, "sip:a@b")
            .header(Name::CallId, "1")
            .body("text/plain", body.to_owned())
            .build()
            .unwrap()
            .as_bytes()
            .to_vec()
    }

    #[test]
    fn messages_and_pings_in_any_pieces() {
        let mut stream = b"\r\n".to_vec();
        stream.extend(message("one\r\n\r\ntwo"));
        stream.extend(b"\r\n\r\n");
        stream.extend(message(""));
        for piece in [1, 2, 3, 7, 64, stream.len()] {
            let mut framer = StreamFramer::new();
            let mut got = Vec::new();
            for bytes in stream.chunks(piece) {
                // Each piece may meet another framer, as in a handover.
                let mut next = StreamFramer::new();
                next.push(&framer.into_pending());
                framer = next;
                framer.push(bytes);
                while let Some(frame) = framer.next().unwrap() {
                    got.push(match frame {
                        Frame::Message(m) => String::from_utf8(m.body().to_vec()).unwrap(),
                        Frame::Ping => "ping".to_owned(),
                    });
                }
            }
            assert_eq!(got, ["one\r\n\r\ntwo", "ping", ""], "pieces of {piece}");
            assert_eq!(framer.pending(), 0);
        }
    }

    #[test]
    fn a_stream_without_bounds_ends() {
        let feed = |text: &str| {
            let mut framer = StreamFramer::new();
            framer.push(text.as_bytes());
            framer.next()
        };
        let start = "OPTIONS sip:a@b SIP/2.0\r\n";
        assert_eq!(
            feed(&format!("{start}X: y\r\n\r\n")),
            Err(FramingError::ContentLength)
        );
        assert_eq!(
            feed(&format!("{start}l: 1\r\nContent-Length: 2\r\n\r\nxy")),
            Err(FramingError::ContentLength)
        );
        assert_eq!(
            feed(&format!("{start}l: -1\r\n\r\n")),
            Err(FramingError::ContentLength)
        );
        assert!(matches!(feed(&format!("{start}l: 99999999999999999999\r\n\r\n")), Err(e) if e.is_fatal()));
        assert_eq!(
            feed(&"x".repeat(HEAD_MAX + 1)),
            Err(FramingError::HeadTooLong { max: HEAD_MAX })
        );
        assert_eq!(
            feed(&format!("{start}l:\r\n 0\r\n\r\n")).map(|f| f.is_some()),
            Ok(true)
        );
    }

    #[test]
    fn behind_a_broken_message_the_stream_goes_on() {
        let mut framer = StreamFramer::new();
        framer.push(b"what is this\r\nl: 2\r\n\r\nxy");
        framer.push(&message("next"));
        assert!(matches!(framer.next(), Err(e) if !e.is_fatal()));
        assert!(matches!(framer.next(), Ok(Some(Frame::Message(m))) if m.body() == b"next"));
    }
}
