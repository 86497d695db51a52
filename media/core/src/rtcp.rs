//! RTCP: sender and receiver reports, source description, goodbye (RFC 3550 §6).

use thiserror::Error;

/// Packet types.
const SR: u8 = 200;
const RR: u8 = 201;
const SDES: u8 = 202;
const BYE: u8 = 203;

/// Why a datagram is no compound RTCP packet (RFC 3550 A.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RtcpError {
    /// A packet in it is longer than the datagram.
    #[error("an RTCP packet runs past the end")]
    Short,
    /// Another version than 2.
    #[error("RTCP version {0}, not 2")]
    Version(u8),
    /// A compound packet begins with a report.
    #[error("RTCP begins with packet type {0}, not a report")]
    First(u8),
}

/// What is said of one source (§6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// Share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost in all, 24 bits with sign.
    pub cumulative_lost: i32,
    /// Extended highest sequence number received.
    pub highest_sequence: u32,
    /// Interarrival jitter in samples.
    pub jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time, 0 for none.
    pub last_sr: u32,
    /// Time since that report, in 65536ths of a second.
    pub delay_since_last_sr: u32,
}

/// The sender's part of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// Wall clock in NTP's format: seconds since 1900, times 2^32.
    pub ntp: u64,
    /// The same instant as an RTP timestamp.
    pub timestamp: u32,
    /// RTP packets sent.
    pub packets: u32,
    /// Payload bytes sent.
    pub octets: u32,
}

/// One packet of a compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rtcp {
    /// SR or RR; the first of its blocks, as one endpoint hears one source.
    Report {
        /// Who reports.
        ssrc: u32,
        /// Present in sender reports.
        sender: Option<SenderInfo>,
        /// What is said of the first source.
        block: Option<ReportBlock>,
    },
    /// The source leaves.
    Bye {
        /// Who.
        ssrc: u32,
    },
    /// Anything else (SDES, APP, feedback), by its type.
    Other(u8),
}

/// Reads a compound packet; `each` gets its packets in order. Nothing is kept of the rest after an error.
///
/// # Errors
/// [`RtcpError`] by the checks of RFC 3550 A.2.
pub fn parse(datagram: &[u8], mut each: impl FnMut(Rtcp)) -> Result<(), RtcpError> {
    let mut rest = datagram;
    let mut first = true;
    while !rest.is_empty() {
        let Some((&[flags, kind, l0, l1], after)) = rest.split_first_chunk::<4>() else {
            return Err(RtcpError::Short);
        };
        if flags >> 6 != 2 {
            return Err(RtcpError::Version(flags >> 6));
        }
        if first && !matches!(kind, SR | RR) {
            return Err(RtcpError::First(kind));
        }
        first = false;
        let length = usize::from(u16::from_be_bytes([l0, l1])) * 4;
        let body = after.get(..length).ok_or(RtcpError::Short)?;
        rest = after.get(length..).unwrap_or_default();
        let count = flags & 0x1F;
        let word = |at: usize| match body.get(at * 4..at * 4 + 4) {
            Some(&[a, b, c, d]) => Ok(u32::from_be_bytes([a, b, c, d])),
            _ => Err(RtcpError::Short),
        };
        each(match kind {
            SR | RR => {
                let sender = if kind == SR {
                    let ntp = u64::from(word(1)?) << 32 | u64::from(word(2)?);
                    Some(SenderInfo {
                        ntp,
                        timestamp: word(3)?,
                        packets: word(4)?,
                        octets: word(5)?,
                    })
                } else {
                    None
                };
                let at = if kind == SR { 6 } else { 1 };
                let block = if count == 0 {
                    None
                } else {
                    let lost = word(at + 1)?;
                    Some(ReportBlock {
                        ssrc: word(at)?,
                        fraction_lost: (lost >> 24) as u8,
                        cumulative_lost: (lost << 8).cast_signed() >> 8,
                        highest_sequence: word(at + 2)?,
                        jitter: word(at + 3)?,
                        last_sr: word(at + 4)?,
                        delay_since_last_sr: word(at + 5)?,
                    })
                };
                Rtcp::Report {
                    ssrc: word(0)?,
                    sender,
                    block,
                }
            }
            BYE if count > 0 => Rtcp::Bye { ssrc: word(0)? },
            other => Rtcp::Other(other),
        });
    }
    if first { Err(RtcpError::Short) } else { Ok(()) }
}

/// What one compound packet of ours says.
#[derive(Debug, Clone, Copy)]
pub struct Compound<'a> {
    /// Our SSRC.
    pub ssrc: u32,
    /// Present when we sent since the last report: SR, else RR.
    pub sender: Option<SenderInfo>,
    /// What we heard of the peer.
    pub block: Option<ReportBlock>,
    /// Our canonical name, at most 255 bytes (§6.5.1).
    pub cname: &'a str,
    /// We leave.
    pub bye: bool,
}

impl Compound<'_> {
    /// Appends SR or RR, SDES with the CNAME and, when leaving, BYE.
    pub fn write(&self, out: &mut Vec<u8>) {
        let word = |out: &mut Vec<u8>, value: u32| out.extend_from_slice(&value.to_be_bytes());
        let head = |out: &mut Vec<u8>, count: u8, kind: u8, words: u16| {
            out.extend_from_slice(&[0x80 | count, kind]);
            out.extend_from_slice(&words.to_be_bytes());
        };
        let blocks = u8::from(self.block.is_some());
        let block_words = u16::from(blocks) * 6;
        if let Some(sender) = self.sender {
            head(out, blocks, SR, 6 + block_words);
            word(out, self.ssrc);
            out.extend_from_slice(&sender.ntp.to_be_bytes());
            word(out, sender.timestamp);
            word(out, sender.packets);
            word(out, sender.octets);
        } else {
            head(out, blocks, RR, 1 + block_words);
            word(out, self.ssrc);
        }
        if let Some(block) = self.block {
            word(out, block.ssrc);
            let lost = block.cumulative_lost.clamp(-0x80_0000, 0x7F_FFFF).cast_unsigned() & 0xFF_FFFF;
            word(out, u32::from(block.fraction_lost) << 24 | lost);
            word(out, block.highest_sequence);
            word(out, block.jitter);
            word(out, block.last_sr);
            word(out, block.delay_since_last_sr);
        }
        let name = self.cname.as_bytes();
        let name = name.get(..name.len().min(255)).unwrap_or_default();
        // Chunk: SSRC, item CNAME, at least one zero, to a whole word.
        let words = (4 + 2 + name.len() + 1).div_ceil(4);
        head(out, 1, SDES, words as u16);
        let from = out.len();
        word(out, self.ssrc);
        out.extend_from_slice(&[1, name.len() as u8]);
        out.extend_from_slice(name);
        out.resize(from + words * 4, 0);
        if self.bye {
            head(out, 1, BYE, 1);
            word(out, self.ssrc);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compound(bye: bool) -> (Compound<'static>, Vec<u8>) {
        let block = ReportBlock {
            ssrc: 2,
            fraction_lost: 64,
            cumulative_lost: -5,
            highest_sequence: 70_000,
            jitter: 12,
            last_sr: 0x1234_5678,
            delay_since_last_sr: 65_536,
        };
        let sender = SenderInfo {
            ntp: 0x0102_0304_0506_0708,
            timestamp: 9,
            packets: 10,
            octets: 1_600,
        };
        let compound = Compound {
            ssrc: 1,
            sender: Some(sender),
            block: Some(block),
            cname: "abc",
            bye,
        };
        let mut bytes = Vec::new();
        compound.write(&mut bytes);
        (compound, bytes)
    }

    #[test]
    fn what_is_built_is_parsed() {
        let (built, bytes) = compound(true);
        assert_eq!(bytes.len() % 4, 0);
        let mut packets = Vec::new();
        parse(&bytes, |packet| packets.push(packet)).unwrap();
        let report = Rtcp::Report {
            ssrc: 1,
            sender: built.sender,
            block: built.block,
        };
        assert_eq!(packets, [report, Rtcp::Other(SDES), Rtcp::Bye { ssrc: 1 }]);
    }

    #[test]
    fn damage_is_named() {
        let (_, bytes) = compound(false);
        assert_eq!(parse(&[], |_| {}), Err(RtcpError::Short));
        assert_eq!(parse(&bytes[52..], |_| {}), Err(RtcpError::First(SDES)));
        assert_eq!(parse(&[0; 8], |_| {}), Err(RtcpError::Version(0)));
        for end in 1..bytes.len() {
            let result = parse(&bytes[..end], |_| {});
            assert!(end == 52 || result == Err(RtcpError::Short), "{end}");
        }
        // A count of blocks that are not there.
        assert_eq!(
            parse(&[0x9F, RR, 0, 1, 0, 0, 0, 1], |_| {}),
            Err(RtcpError::Short)
        );
    }
}
