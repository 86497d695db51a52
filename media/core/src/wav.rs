//! WAV files: read PCM of 8, 16 and 24 bits, A-law and µ-law, one or two channels; write PCM of 16 bits.
//!
//! Files come from administrators and from speech engines, and neither is trusted: every length is checked against the
//! bytes there are, and the sound is held to a bound. A data chunk longer than the file (engines that write to a pipe
//! cannot know its length) ends with the file.

use std::time::Duration;

use thiserror::Error;

use crate::g711::{Codec, RATE_HZ};
use crate::resample::Resampler;

/// Sampling rates taken, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;

/// Samples that are resampled at once.
const PIECE: usize = 4_096;

/// Why a file cannot be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WavError {
    /// No RIFF/WAVE header.
    #[error("not a WAV file")]
    NotWav,
    /// The chunks end before one that is needed.
    #[error("the WAV file has no {0} chunk")]
    Missing(&'static str),
    /// A format chunk shorter than 16 bytes, or one that contradicts itself.
    #[error("the format chunk is damaged")]
    Format,
    /// Compressed by something that is not read here.
    #[error("WAV encoding {tag:#06x} with {bits} bits is not PCM of 8, 16 or 24 bits, A-law or µ-law")]
    Encoding {
        /// Format tag.
        tag: u16,
        /// Bits per sample.
        bits: u16,
    },
    /// Other than one or two channels.
    #[error("{0} channels; one or two are read")]
    Channels(u16),
    /// A rate out of 4 to 192 kHz.
    #[error("{0} samples per second; 4,000 to 192,000 are read")]
    Rate(u32),
    /// Longer than allowed.
    #[error("the sound lasts {seconds} s, longer than {max_s} s")]
    Long {
        /// Whole seconds there are.
        seconds: u64,
        /// Seconds allowed.
        max_s: u32,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Unsigned8,
    Signed16,
    Signed24,
    G711(Codec),
}

impl Encoding {
    fn bytes(self) -> usize {
        match self {
            Encoding::Unsigned8 | Encoding::G711(_) => 1,
            Encoding::Signed16 => 2,
            Encoding::Signed24 => 3,
        }
    }

    fn sample(self, bytes: &[u8]) -> f32 {
        match (self, bytes) {
            (Encoding::Unsigned8, &[b]) => (f32::from(b) - 128.0) * 256.0,
            (Encoding::Signed16, &[a, b]) => f32::from(i16::from_le_bytes([a, b])),
            (Encoding::Signed24, &[a, b, c]) => (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 256.0,
            (Encoding::G711(codec), &[b]) => f32::from(codec.decode_sample(b)),
            (Encoding::Unsigned8 | Encoding::Signed16 | Encoding::Signed24 | Encoding::G711(_), _) => 0.0,
        }
    }
}

/// An opened file: what it holds, not yet decoded.
#[derive(Debug, Clone, Copy)]
pub struct Wav<'a> {
    encoding: Encoding,
    channels: u16,
    rate_hz: u32,
    data: &'a [u8],
    /// Bytes of the data chunk, as it says itself.
    announced: u32,
}

const PCM: u16 = 1;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xFFFE;

impl<'a> Wav<'a> {
    /// Finds the format and the data.
    ///
    /// # Errors
    /// [`WavError`] says what the file is not.
    pub fn parse(file: &'a [u8]) -> Result<Wav<'a>, WavError> {
        let (Some(b"RIFF"), Some(b"WAVE")) = (file.get(..4), file.get(8..12)) else {
            return Err(WavError::NotWav);
        };
        let mut rest = file.get(12..).unwrap_or_default();
        let mut format = None;
        while let Some((&[a, b, c, d, l0, l1, l2, l3], after)) = rest.split_first_chunk::<8>() {
            let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
            let body = after.get(..length).unwrap_or(after);
            match &[a, b, c, d] {
                b"fmt " => format = Some(Self::format(body)?),
                b"data" => {
                    let (encoding, channels, rate_hz) = format.ok_or(WavError::Missing("fmt"))?;
                    return Ok(Wav {
                        encoding,
                        channels,
                        rate_hz,
                        data: body,
                        announced: u32::from_le_bytes([l0, l1, l2, l3]),
                    });
                }
                _ => {}
            }
            // Chunks begin at even places.
            rest = after.get(length.saturating_add(length & 1)..).unwrap_or_default();
        }
        Err(WavError::Missing(if format.is_some() { "data" } else { "fmt" }))
    }

    fn format(body: &[u8]) -> Result<(Encoding, u16, u32), WavError> {
        let field = |at: usize| match body.get(at..at + 2) {
            Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
            _ => Err(WavError::Format),
        };
        let (mut tag, channels, bits) = (field(0)?, field(2)?, field(14)?);
        let rate_hz = u32::from(field(4)?) | u32::from(field(6)?) << 16;
        if tag == EXTENSIBLE {
            // The true tag begins the sub-format's GUID.
            tag = field(24)?;
        }
        let encoding = match (tag, bits) {
            (PCM, 8) => Encoding::Unsigned8,
            (PCM, 16) => Encoding::Signed16,
            (PCM, 24) => Encoding::Signed24,
            (A_LAW, 8) => Encoding::G711(Codec::Pcma),
            (MU_LAW, 8) => Encoding::G711(Codec::Pcmu),
            _ => return Err(WavError::Encoding { tag, bits }),
        };
        if !(1..=2).contains(&channels) {
            return Err(WavError::Channels(channels));
        }
        if !RATES.contains(&rate_hz) {
            return Err(WavError::Rate(rate_hz));
        }
        if usize::from(field(12)?) != encoding.bytes() * usize::from(channels) {
            return Err(WavError::Format);
        }
        Ok((encoding, channels, rate_hz))
    }

    /// How long a file of `file_bytes` bytes lasts, by its beginning alone: what comes before the sound, and a little of
    /// it. None: its sound begins later.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn length_of(head: &'a [u8], file_bytes: u64) -> Result<Option<Duration>, WavError> {
        let wav = match Self::parse(head) {
            Err(WavError::Missing(_) | WavError::Format) if file_bytes > head.len() as u64 => {
                return Ok(None);
            }
            other => other?,
        };
        // The data chunk is the last that is read: what it has here ends with the head, or with itself.
        let unread = file_bytes.saturating_sub(head.len() as u64);
        let untold = u64::from(wav.announced).saturating_sub(wav.data.len() as u64);
        let bytes = wav.data.len() as u64 + untold.min(unread);
        let frame = wav.encoding.bytes() as u64 * u64::from(wav.channels);
        let millis = bytes / frame * 1_000 / u64::from(wav.rate_hz);
        Ok(Some(Duration::from_millis(millis)))
    }

    /// Length in samples per channel.
    pub fn samples(&self) -> usize {
        self.data.len() / (self.encoding.bytes() * usize::from(self.channels))
    }

    /// Samples per second.
    pub fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// The sound at 8,000 samples per second, two channels mixed to one.
    ///
    /// # Errors
    /// [`WavError::Long`] when it lasts longer than `max_s` seconds; nothing was decoded then.
    pub fn to_8khz(&self, max_s: u32) -> Result<Vec<i16>, WavError> {
        let seconds = self.samples() as u64 / u64::from(self.rate_hz);
        if seconds > u64::from(max_s) {
            return Err(WavError::Long { seconds, max_s });
        }
        let size = self.encoding.bytes();
        let share = 1.0 / f32::from(self.channels);
        let frames = self.data.chunks_exact(size * usize::from(self.channels));
        let mixed = frames.map(|frame| {
            let samples = frame.chunks_exact(size).map(|s| self.encoding.sample(s));
            samples.sum::<f32>() * share
        });
        if self.rate_hz == RATE_HZ {
            return Ok(mixed.map(rounded).collect());
        }
        let (mut resampler, mut resampled) = (Resampler::new(self.rate_hz, RATE_HZ), Vec::new());
        let (mut piece, mut sound) = (Vec::with_capacity(PIECE), Vec::new());
        for sample in mixed {
            piece.push(sample);
            if piece.len() == PIECE {
                resampler.push(&piece, &mut resampled);
                piece.clear();
                sound.extend(resampled.drain(..).map(rounded));
            }
        }
        resampler.push(&piece, &mut resampled);
        resampler.finish(&mut resampled);
        sound.extend(resampled.drain(..).map(rounded));
        Ok(sound)
    }
}

/// As 16 bits; what overshoots clips and does not wrap.
pub(crate) fn rounded(sample: f32) -> i16 {
    sample.round() as i16
}

/// Length of [`header_8khz`] in bytes.
pub const HEADER_LEN: usize = 44;

/// What stands before `data_bytes` bytes of samples in a file of 16-bit PCM, one channel, 8,000 samples per second.
pub fn header_8khz(data_bytes: u32) -> Vec<u8> {
    let length = data_bytes.min(u32::MAX - 36);
    let mut header = Vec::with_capacity(HEADER_LEN);
    header.extend_from_slice(b"RIFF");
    header.extend_from_slice(&(length + 36).to_le_bytes());
    header.extend_from_slice(b"WAVEfmt ");
    header.extend_from_slice(&16_u32.to_le_bytes());
    for field in [PCM, 1, RATE_HZ as u16, 0, (RATE_HZ * 2) as u16, 0, 2, 16] {
        header.extend_from_slice(&field.to_le_bytes());
    }
    header.extend_from_slice(b"data");
    header.extend_from_slice(&length.to_le_bytes());
    header
}

/// A file of 16-bit PCM, one channel, 8,000 samples per second.
pub fn write_8khz(samples: &[i16]) -> Vec<u8> {
    let mut file = header_8khz(u32::try_from(samples.len() * 2).unwrap_or(u32::MAX));
    file.reserve(samples.len() * 2);
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        file.extend_from_slice(&tag.to_le_bytes());
        file.extend_from_slice(&channels.to_le_bytes());
        file.extend_from_slice(&rate.to_le_bytes());
        file.extend_from_slice(&(rate * u32::from(channels * bits / 8)).to_le_bytes());
        file.extend_from_slice(&(channels * bits / 8).to_le_bytes());
        file.extend_from_slice(&bits.to_le_bytes());
        file.extend_from_slice(b"LIST\x03\0\0\0abc\0data");
        file.extend_from_slice(&(data.len() as u32).to_le_bytes());
        file.extend_from_slice(data);
        file
    }

    #[test]
    fn what_is_written_is_read() {
        let samples = [0, 1, -1, i16::MAX, i16::MIN, 1_234];
        assert_eq!(
            Wav::parse(&write_8khz(&samples)).unwrap().to_8khz(1).unwrap(),
            samples
        );
    }

    #[test]
    fn every_encoding_gives_its_samples() {
        let read = |file: &[u8]| Wav::parse(file).unwrap().to_8khz(1).unwrap();
        assert_eq!(read(&wav(PCM, 1, 8_000, 8, &[128, 255, 0])), [0, 32_512, -32_768]);
        assert_eq!(read(&wav(PCM, 1, 8_000, 24, &[0, 0, 1, 0, 0, 0xFF])), [256, -256]);
        assert_eq!(read(&wav(A_LAW, 1, 8_000, 8, &[0xD5, 0xAA])), [8, 32_256]);
        assert_eq!(read(&wav(MU_LAW, 1, 8_000, 8, &[0xFF, 0x80])), [0, 32_124]);
        assert_eq!(
            read(&wav(PCM, 2, 8_000, 16, &[100, 0, 0, 1, 9])),
            [178],
            "mixed; half a frame is left out"
        );
    }

    #[test]
    fn the_beginning_of_a_file_tells_how_long_it_lasts() {
        let mut file = wav(PCM, 2, 16_000, 16, &vec![0; 64_000]);
        let all = file.len() as u64;
        for head in [file.len(), file.len() - 1, 100, 56] {
            let length = Wav::length_of(&file[..head], all).unwrap();
            assert_eq!(length, Some(Duration::from_secs(1)), "{head}");
        }
        assert_eq!(Wav::length_of(&file[..20], all), Ok(None));
        assert_eq!(Wav::length_of(&file[..20], 20), Err(WavError::Format));
        // One from a pipe, whose length is not what it says.
        let at = file.len() - 64_004;
        file[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(
            Wav::length_of(&file[..100], all),
            Ok(Some(Duration::from_secs(1)))
        );
    }

    /// A pipe's writer cannot know the length and writes a very great one.
    #[test]
    fn a_length_past_the_end_means_to_the_end() {
        let mut file = wav(PCM, 1, 8_000, 16, &[1, 0, 2, 0]);
        let at = file.len() - 8;
        file[at..at + 4].copy_from_slice(&0x7FFF_F000_u32.to_le_bytes());
        assert_eq!(Wav::parse(&file).unwrap().to_8khz(1).unwrap(), [1, 2]);
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        let error = |file: &[u8]| Wav::parse(file).unwrap_err();
        assert_eq!(error(b"ID3\x03 not a wave file"), WavError::NotWav);
        assert_eq!(error(b"RIFF\0\0\0\0WAVE"), WavError::Missing("fmt"));
        assert_eq!(
            error(&wav(3, 1, 8_000, 32, &[])),
            WavError::Encoding { tag: 3, bits: 32 }
        );
        assert_eq!(error(&wav(PCM, 6, 8_000, 16, &[])), WavError::Channels(6));
        assert_eq!(error(&wav(PCM, 1, 1, 16, &[])), WavError::Rate(1));
        let long = wav(PCM, 1, 8_000, 8, &vec![0; 24_000]);
        assert_eq!(
            Wav::parse(&long).unwrap().to_8khz(2),
            Err(WavError::Long { seconds: 3, max_s: 2 })
        );
    }

    /// Every prefix of a file and every byte changed: an answer, never a panic.
    #[test]
    fn damaged_files_are_harmless() {
        let file = wav(PCM, 2, 44_100, 24, &[7; 600]);
        for end in 0..file.len() {
            let _ = Wav::parse(&file[..end]).map(|w| w.to_8khz(1));
        }
        for at in 0..60 {
            for value in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut damaged = file.clone();
                damaged[at] = value;
                let _ = Wav::parse(&damaged).map(|w| w.to_8khz(1));
            }
        }
    }
}
