//! RTP packets: header parsed and built (RFC 3550 §5.1).

use thiserror::Error;

/// Why a datagram is no RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtpError {
    /// Shorter than its header says.
    #[error("{have} bytes where the RTP header needs {need}")]
    Short {
        /// Bytes there are.
        have: usize,
        /// Bytes that the header, as far as read, asks for.
        need: usize,
    },
    /// Another version than 2 (STUN, DTLS and noise end here).
    #[error("RTP version {0}, not 2")]
    Version(u8),
    /// A payload type between 64 and 95 with these bits is RTCP on the wrong port (RFC 5761 §4).
    #[error("RTCP packet type {0} where RTP belongs")]
    Rtcp(u8),
    /// The padding count is zero or longer than the payload.
    #[error("padding of {padding} bytes in a payload of {payload}")]
    Padding {
        /// What the last byte says.
        padding: u8,
        /// Length of the payload with its padding.
        payload: usize,
    },
}

/// Fixed part of the header that we keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// First packet after a pause (RFC 3551 §4.1), or of an event (RFC 4733 §2.2).
    pub marker: bool,
    /// 0 to 127.
    pub payload_type: u8,
    /// Grows by one per packet, wraps.
    pub sequence: u16,
    /// Sampling instant of the first sample, in samples, wraps.
    pub timestamp: u32,
    /// Who sends.
    pub ssrc: u32,
}

/// Length in bytes of the header that [`Header::write`] builds.
pub const HEADER_LEN: usize = 12;

impl Header {
    /// Appends the 12 bytes of this header: version 2, no padding, no extension, no contributing sources.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut bytes = [0; HEADER_LEN];
        let [v, pt, s0, s1, rest @ ..] = &mut bytes;
        *v = 0x80;
        *pt = (self.payload_type & 0x7F) | if self.marker { 0x80 } else { 0 };
        [*s0, *s1] = self.sequence.to_be_bytes();
        let both = (u64::from(self.timestamp) << 32) | u64::from(self.ssrc);
        *rest = both.to_be_bytes();
        out.extend_from_slice(&bytes);
    }
}

/// A packet as received; the payload without extension and padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The header.
    pub header: Header,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads one datagram; every length in it is checked against the datagram.
    ///
    /// # Errors
    /// [`RtpError`] says which rule of RFC 3550 §5.1 the datagram breaks.
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, RtpError> {
        let short = |need| RtpError::Short {
            have: datagram.len(),
            need,
        };
        let Some((&[first, second, s0, s1, t0, t1, t2, t3, c0, c1, c2, c3], rest)) =
            datagram.split_first_chunk::<HEADER_LEN>()
        else {
            return Err(short(HEADER_LEN));
        };
        if first >> 6 != 2 {
            return Err(RtpError::Version(first >> 6));
        }
        if (192..=223).contains(&second) {
            return Err(RtpError::Rtcp(second));
        }
        let sources = usize::from(first & 0x0F) * 4;
        let mut payload = rest.get(sources..).ok_or_else(|| short(HEADER_LEN + sources))?;
        if first & 0x10 != 0 {
            let Some((&[_, _, l0, l1], after)) = payload.split_first_chunk::<4>() else {
                return Err(short(HEADER_LEN + sources + 4));
            };
            let words = usize::from(u16::from_be_bytes([l0, l1])) * 4;
            payload = after
                .get(words..)
                .ok_or_else(|| short(HEADER_LEN + sources + 4 + words))?;
        }
        if first & 0x20 != 0 {
            let padding = payload.last().copied().unwrap_or(0);
            let bad = RtpError::Padding {
                padding,
                payload: payload.len(),
            };
            let kept = payload
                .len()
                .checked_sub(usize::from(padding))
                .filter(|_| padding > 0)
                .ok_or(bad)?;
            payload = payload.get(..kept).ok_or(bad)?;
        }
        let header = Header {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7F,
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: u32::from_be_bytes([c0, c1, c2, c3]),
        };
        Ok(Packet { header, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header {
        marker: true,
        payload_type: 8,
        sequence: 0xFFFE,
        timestamp: 0xDEAD_BEEF,
        ssrc: 0x0102_0304,
    };

    fn packet(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        HEADER.write(&mut bytes);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn what_is_built_is_parsed() {
        let bytes = packet(&[1, 2, 3]);
        assert_eq!(bytes[..4], [0x80, 0x88, 0xFF, 0xFE]);
        assert_eq!(
            Packet::parse(&bytes),
            Ok(Packet {
                header: HEADER,
                payload: &[1, 2, 3]
            })
        );
    }

    /// Contributing sources, extension and padding are left out of the payload.
    #[test]
    fn optional_parts_are_skipped() {
        let mut bytes = packet(&[0, 0, 0, 9, 0xBE, 0xDE, 0, 1, 7, 7, 7, 7, 42, 43, 0, 2]);
        bytes[0] = 0x80 | 0x20 | 0x10 | 1;
        assert_eq!(Packet::parse(&bytes).unwrap().payload, [42, 43]);
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        assert_eq!(
            Packet::parse(&[0x80; 5]),
            Err(RtpError::Short { have: 5, need: 12 })
        );
        let mut sources = packet(&[]);
        sources[0] = 0x8F;
        assert_eq!(
            Packet::parse(&sources),
            Err(RtpError::Short { have: 12, need: 72 })
        );
        let mut extension = packet(&[0, 0, 0xFF, 0xFF]);
        extension[0] = 0x90;
        assert!(matches!(
            Packet::parse(&extension),
            Err(RtpError::Short { have: 16, .. })
        ));
        for last in [0, 4] {
            let mut padding = packet(&[1, 1, last]);
            padding[0] = 0xA0;
            assert_eq!(
                Packet::parse(&padding),
                Err(RtpError::Padding {
                    padding: last,
                    payload: 3
                })
            );
        }
    }

    #[test]
    fn other_protocols_are_told_apart() {
        assert_eq!(Packet::parse(&[0; 20]), Err(RtpError::Version(0)));
        let mut rtcp = packet(&[]);
        rtcp[1] = 200;
        assert_eq!(Packet::parse(&rtcp), Err(RtpError::Rtcp(200)));
    }
}
