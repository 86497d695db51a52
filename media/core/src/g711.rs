//! G.711: A-law and µ-law by tables, 8,000 samples per second, one byte per sample.
//!
//! The tables are computed at compile time from the law's definition (ITU-T G.711; the rounding for 16-bit input is
//! that of ITU-T G.191: magnitudes of negative samples are taken in one's complement).

#![allow(
    clippy::indexing_slicing,
    reason = "every index is masked or shifted to its table's size"
)]

use serde::{Deserialize, Serialize};

/// Samples per second of both laws.
pub const RATE_HZ: u32 = 8_000;

/// Which of the two laws.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Codec {
    /// A-law, static payload type 8 (RFC 3551 §4.5.14).
    Pcma,
    /// µ-law, static payload type 0 (RFC 3551 §4.5.14).
    Pcmu,
}

static A_ENCODE: [u8; 4096] = a_encode_table();
static MU_ENCODE: [u8; 16_384] = mu_encode_table();
static A_DECODE: [i16; 256] = a_decode_table();
static MU_DECODE: [i16; 256] = mu_decode_table();
static A_TO_MU: [u8; 256] = a_to_mu_table();
static MU_TO_A: [u8; 256] = mu_to_a_table();

impl Codec {
    /// The byte that stands for no sound.
    pub const fn silence(self) -> u8 {
        match self {
            Codec::Pcma => 0xD5,
            Codec::Pcmu => 0xFF,
        }
    }

    /// One 16-bit sample as its byte.
    #[inline]
    pub fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Codec::Pcma => A_ENCODE[((sample >> 4) as u16 & 0x0FFF) as usize],
            Codec::Pcmu => MU_ENCODE[((sample >> 2) as u16 & 0x3FFF) as usize],
        }
    }

    /// One byte as its 16-bit sample.
    #[inline]
    pub fn decode_sample(self, byte: u8) -> i16 {
        match self {
            Codec::Pcma => A_DECODE[byte as usize],
            Codec::Pcmu => MU_DECODE[byte as usize],
        }
    }

    /// Appends the encoded samples to `out`.
    pub fn encode(self, samples: &[i16], out: &mut Vec<u8>) {
        match self {
            Codec::Pcma => {
                out.extend(
                    samples
                        .iter()
                        .map(|s| A_ENCODE[((s >> 4) as u16 & 0x0FFF) as usize]),
                );
            }
            Codec::Pcmu => {
                out.extend(
                    samples
                        .iter()
                        .map(|s| MU_ENCODE[((s >> 2) as u16 & 0x3FFF) as usize]),
                );
            }
        }
    }

    /// Decodes into `out`, as many samples as both have room for; returns that number.
    pub fn decode(self, bytes: &[u8], out: &mut [i16]) -> usize {
        let table = match self {
            Codec::Pcma => &A_DECODE,
            Codec::Pcmu => &MU_DECODE,
        };
        for (sample, byte) in out.iter_mut().zip(bytes) {
            *sample = table[*byte as usize];
        }
        bytes.len().min(out.len())
    }

    /// Appends `bytes` of this law to `out` as bytes of the law `to`.
    pub fn transcode(self, to: Codec, bytes: &[u8], out: &mut Vec<u8>) {
        match (self, to) {
            (Codec::Pcma, Codec::Pcmu) => out.extend(bytes.iter().map(|b| A_TO_MU[*b as usize])),
            (Codec::Pcmu, Codec::Pcma) => out.extend(bytes.iter().map(|b| MU_TO_A[*b as usize])),
            (Codec::Pcma, Codec::Pcma) | (Codec::Pcmu, Codec::Pcmu) => out.extend_from_slice(bytes),
        }
    }
}

const fn a_compress(sample: i16) -> u8 {
    let mut magnitude = if sample < 0 { !sample >> 4 } else { sample >> 4 };
    if magnitude > 15 {
        let mut exponent = 1;
        while magnitude > 31 {
            magnitude >>= 1;
            exponent += 1;
        }
        magnitude = magnitude - 16 + (exponent << 4);
    }
    let sign = if sample >= 0 { 0x80 } else { 0 };
    (magnitude as u8 | sign) ^ 0x55
}

const fn a_expand(byte: u8) -> i16 {
    let plain = byte ^ 0x55;
    let exponent = (plain >> 4) & 7;
    let mut magnitude = (plain & 0x0F) as i16;
    if exponent > 0 {
        magnitude += 16;
    }
    magnitude = (magnitude << 4) + 8;
    if exponent > 1 {
        magnitude <<= exponent - 1;
    }
    if plain & 0x80 == 0 { -magnitude } else { magnitude }
}

const fn mu_compress(sample: i16) -> u8 {
    let mut magnitude = (if sample < 0 { !sample >> 2 } else { sample >> 2 }) + 33;
    if magnitude > 0x1FFF {
        magnitude = 0x1FFF;
    }
    let mut rest = magnitude >> 6;
    let mut segment = 1;
    while rest != 0 {
        segment += 1;
        rest >>= 1;
    }
    let low = 0x0F - ((magnitude >> segment) & 0x0F);
    let byte = ((8 - segment) << 4) as u8 | low as u8;
    if sample >= 0 { byte | 0x80 } else { byte }
}

const fn mu_expand(byte: u8) -> i16 {
    let plain = !byte;
    let exponent = (plain >> 4) & 7;
    let step = 4 << (exponent + 1);
    let magnitude = (0x80 << exponent) + step * (plain & 0x0F) as i32 + step / 2 - 4 * 33;
    if plain & 0x80 != 0 {
        -magnitude as i16
    } else {
        magnitude as i16
    }
}

const fn a_encode_table() -> [u8; 4096] {
    let mut table = [0; 4096];
    let mut i = 0;
    while i < 4096 {
        table[i] = a_compress(((i as u16) << 4) as i16);
        i += 1;
    }
    table
}

const fn mu_encode_table() -> [u8; 16_384] {
    let mut table = [0; 16_384];
    let mut i = 0;
    while i < 16_384 {
        table[i] = mu_compress(((i as u16) << 2) as i16);
        i += 1;
    }
    table
}

const fn a_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = a_expand(i as u8);
        i += 1;
    }
    table
}

const fn mu_decode_table() -> [i16; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = mu_expand(i as u8);
        i += 1;
    }
    table
}

const fn a_to_mu_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = mu_compress(a_expand(i as u8));
        i += 1;
    }
    table
}

const fn mu_to_a_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = a_compress(mu_expand(i as u8));
        i += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both laws give every byte back that they decoded, but for µ-law's second zero (0x7F, negative zero).
    #[test]
    fn decoding_then_encoding_gives_the_same_byte() {
        for byte in 0..=255_u8 {
            assert_eq!(
                Codec::Pcma.encode_sample(Codec::Pcma.decode_sample(byte)),
                byte,
                "A {byte:#x}"
            );
            let again = Codec::Pcmu.encode_sample(Codec::Pcmu.decode_sample(byte));
            assert!(
                again == byte || (byte == 0x7F && again == 0xFF),
                "µ {byte:#x} became {again:#x}"
            );
        }
    }

    /// Known points of the laws: silence, the extremes, and the sign bit.
    #[test]
    fn known_points_hold() {
        assert_eq!(Codec::Pcma.encode_sample(0), 0xD5);
        assert_eq!(Codec::Pcmu.encode_sample(0), 0xFF);
        assert_eq!(Codec::Pcma.decode_sample(0xAA), 32_256);
        assert_eq!(Codec::Pcma.decode_sample(0x2A), -32_256);
        assert_eq!(Codec::Pcmu.decode_sample(0x80), 32_124);
        assert_eq!(Codec::Pcmu.decode_sample(0x00), -32_124);
        assert_eq!(Codec::Pcmu.encode_sample(i16::MIN), 0x00);
        assert_eq!(Codec::Pcma.encode_sample(i16::MAX), 0xAA);
    }

    /// The quantisation error stays under a thirtieth of the sample (about 38 dB), plus the smallest step.
    #[test]
    fn every_sample_comes_back_close() {
        for codec in [Codec::Pcma, Codec::Pcmu] {
            for sample in i16::MIN..=i16::MAX {
                let back = i32::from(codec.decode_sample(codec.encode_sample(sample)));
                let clip = i32::from(sample).clamp(-32_635, 32_635);
                assert!(
                    (back - clip).abs() <= clip.abs() / 30 + 16,
                    "{codec:?} {sample} became {back}"
                );
            }
        }
    }

    #[test]
    fn transcoding_is_decoding_and_encoding() {
        let all: Vec<u8> = (0..=255).collect();
        let mut mu = Vec::new();
        Codec::Pcma.transcode(Codec::Pcmu, &all, &mut mu);
        for (byte, became) in all.iter().zip(&mu) {
            assert_eq!(
                *became,
                Codec::Pcmu.encode_sample(Codec::Pcma.decode_sample(*byte))
            );
        }
    }
}
