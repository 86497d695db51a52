//! Frames: a length as u32, little endian, and so many bytes of postcard.

use bytes::{Buf, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Role;

/// The longest frame that is written or read, in bytes without its length.
pub const FRAME_MAX: usize = 16 << 20;
/// What both sides must speak; any change of what crosses a link raises it.
pub const VERSION: u16 = 2;
/// Begins every hello, so that a stranger on the socket is known as one.
const MAGIC: [u8; 4] = *b"tndm";
/// Bytes of a frame's length.
pub(super) const LENGTH: usize = 4;

/// Why a link cannot be followed. The connection is to be closed: where the next frame begins is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// A frame that is longer than any we make.
    #[error("a frame of {length} bytes is longer than {max}")]
    TooLong {
        /// Its length, in bytes.
        length: usize,
        /// The most, in bytes.
        max: usize,
    },
    /// A frame that holds something else than it should.
    #[error("a frame of {length} bytes is malformed: {problem}")]
    Malformed {
        /// Its length, in bytes.
        length: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// What cannot be written as postcard: a sequence without a length.
    #[error("cannot be written: {problem}")]
    Unwritable {
        /// In postcard's words.
        problem: String,
    },
    /// The other end is none of ours.
    #[error("the other side does not speak this protocol")]
    Stranger,
    /// The other end is of another release.
    #[error("the other side speaks version {theirs} of the link, this one {ours}")]
    Version {
        /// The other side's.
        theirs: u16,
        /// This side's.
        ours: u16,
    },
    /// The socket of another gate.
    #[error("the other side is a {theirs}, not a {expected}")]
    Role {
        /// Who is there.
        theirs: Role,
        /// Who should be.
        expected: Role,
    },
}

/// Appends one frame. After an error `into` is as before.
pub fn encode<T: Serialize>(frame: &T, into: &mut Vec<u8>) -> Result<(), LinkError> {
    let begin = into.len();
    into.extend_from_slice(&[0; LENGTH]);
    let written = postcard::to_io(frame, &mut *into)
        .map_err(|error| LinkError::Unwritable {
            problem: error.to_string(),
        })
        .map(|into| into.len() - begin - LENGTH)
        .and_then(checked);
    match written {
        Ok(length) => {
            if let Some(place) = into.get_mut(begin..begin + LENGTH) {
                place.copy_from_slice(&(length as u32).to_le_bytes());
            }
            Ok(())
        }
        Err(error) => {
            into.truncate(begin);
            Err(error)
        }
    }
}

pub(super) fn checked(length: usize) -> Result<usize, LinkError> {
    if length > FRAME_MAX {
        return Err(LinkError::TooLong {
            length,
            max: FRAME_MAX,
        });
    }
    Ok(length)
}

/// Appends a hello of this version: [`super::GateHello`] or [`super::LogicHello`].
pub fn encode_hello<T: Serialize>(hello: &T, into: &mut Vec<u8>) -> Result<(), LinkError> {
    encode(&(MAGIC, VERSION, hello), into)
}

/// Cuts a stream into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: BytesMut,
}

impl Decoder {
    /// A decoder for a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where bytes of the stream are to be appended. Drain [`Self::poll_frame`] before the next: that bounds it.
    pub fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next frame's bytes; none until more come.
    pub fn poll_bytes(&mut self) -> Result<Option<Bytes>, LinkError> {
        let Some(length) = self.buffer.first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        // Checked before anything is kept for it.
        let length = checked(u32::from_le_bytes(*length) as usize)?;
        if self.buffer.len() < LENGTH + length {
            return Ok(None);
        }
        self.buffer.advance(LENGTH);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    /// The next frame; none until more bytes come.
    pub fn poll_frame<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LinkError> {
        self.poll_bytes()?.map(|bytes| decode(&bytes)).transpose()
    }

    /// The other side's hello; none until more bytes come. Its version is looked at before anything else.
    pub fn poll_hello<T: DeserializeOwned>(&mut self) -> Result<Option<T>, LinkError> {
        self.poll_bytes()?.map(|bytes| decode_hello(&bytes)).transpose()
    }
}

/// Reads a frame's bytes, all of them.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LinkError> {
    let malformed = |problem: String| LinkError::Malformed {
        length: bytes.len(),
        problem,
    };
    let (frame, rest) = postcard::take_from_bytes(bytes).map_err(|error| malformed(error.to_string()))?;
    if rest.is_empty() {
        Ok(frame)
    } else {
        Err(malformed(format!("{} bytes are left over", rest.len())))
    }
}

fn decode_hello<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, LinkError> {
    let Ok((magic, rest)) = postcard::take_from_bytes::<[u8; 4]>(bytes) else {
        return Err(LinkError::Stranger);
    };
    if magic != MAGIC {
        return Err(LinkError::Stranger);
    }
    let Ok((theirs, rest)) = postcard::take_from_bytes::<u16>(rest) else {
        return Err(LinkError::Stranger);
    };
    if theirs != VERSION {
        return Err(LinkError::Version {
            theirs,
            ours: VERSION,
        });
    }
    decode(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::{Cursor, FromGate, FromLogic, GateHello, Lane, LogicHello};

    fn decoder(bytes: &[u8]) -> Decoder {
        let mut decoder = Decoder::new();
        decoder.buffer().extend_from_slice(bytes);
        decoder
    }

    #[test]
    fn many_frames_in_one_buffer_come_out_of_any_pieces() {
        let frames: Vec<FromLogic<Vec<u8>>> = (0..20)
            .map(|n| match n % 3 {
                0 => FromLogic::Acknowledge {
                    lane: Lane(n),
                    cursor: Cursor {
                        instance: u64::MAX,
                        number: u64::from(n),
                    },
                },
                _ => FromLogic::Down(vec![n as u8; usize::from(n) * 40]),
            })
            .collect();
        let mut stream = Vec::new();
        for frame in &frames {
            encode(frame, &mut stream).unwrap();
        }
        for piece in [1, 2, 3, 7, 64, stream.len()] {
            let mut decoder = Decoder::new();
            let mut got = Vec::new();
            for bytes in stream.chunks(piece) {
                decoder.buffer().extend_from_slice(bytes);
                while let Some(frame) = decoder.poll_frame::<FromLogic<Vec<u8>>>().unwrap() {
                    got.push(frame);
                }
            }
            assert_eq!(got, frames, "pieces of {piece}");
        }
    }

    #[test]
    fn a_frame_too_long_is_refused_by_its_length_alone() {
        let mut stream = decoder(&(FRAME_MAX as u32 + 1).to_le_bytes());
        let error = stream.poll_frame::<FromGate<u8>>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a frame of 16777217 bytes is longer than 16777216"
        );

        let mut out = b"kept".to_vec();
        let long = FromGate::Note("x".repeat(FRAME_MAX));
        assert!(matches!(encode(&long, &mut out), Err(LinkError::TooLong { .. })));
        assert_eq!(out, b"kept");
    }

    #[test]
    fn a_bad_frame_is_told_with_what_is_wrong() {
        let unknown = decoder(&[1, 0, 0, 0, 9])
            .poll_frame::<FromGate<u8>>()
            .unwrap_err();
        assert!(
            unknown
                .to_string()
                .starts_with("a frame of 1 bytes is malformed: "),
            "{unknown}"
        );
        let more = decoder(&[4, 0, 0, 0, 1, 5, 0, 0])
            .poll_frame::<FromGate<u8>>()
            .unwrap_err();
        assert_eq!(
            more.to_string(),
            "a frame of 4 bytes is malformed: 2 bytes are left over"
        );
        let short = decoder(&[1, 0, 0, 0, 1]).poll_frame::<FromGate<u8>>();
        assert!(matches!(short, Err(LinkError::Malformed { length: 1, .. })));
    }

    #[test]
    fn a_hello_of_another_version_is_known_as_one_whatever_follows() {
        let mut bytes = Vec::new();
        encode(&(MAGIC, 7_u16, "quite different"), &mut bytes).unwrap();
        let error = decoder(&bytes).poll_hello::<GateHello>().unwrap_err();
        assert_eq!(
            error,
            LinkError::Version {
                theirs: 7,
                ours: VERSION
            }
        );

        bytes.clear();
        encode(&"GET / HTTP/1.1", &mut bytes).unwrap();
        assert_eq!(
            decoder(&bytes).poll_hello::<GateHello>(),
            Err(LinkError::Stranger)
        );

        bytes.clear();
        let hello = LogicHello {
            shards: 4,
            cursors: vec![(
                Lane::REGISTRAR,
                Cursor {
                    instance: 3,
                    number: 4,
                },
            )],
        };
        encode_hello(&hello, &mut bytes).unwrap();
        assert_eq!(decoder(&bytes).poll_hello(), Ok(Some(hello)));
        assert_eq!(
            decoder(bytes.split_last().unwrap().1).poll_hello::<LogicHello>(),
            Ok(None)
        );
    }
}
