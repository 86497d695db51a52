//! PCM WAV files: reads recordings, also while they are still being written, and writes tones.

use crate::failure::{Doing, Failure, Result};
use std::path::Path;
use std::time::Duration;

/// One channel of 16-bit linear audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Wav {
    /// Samples per second.
    pub rate: u32,
    /// The samples of the first channel.
    pub samples: Vec<i16>,
}

impl Wav {
    /// Reads a RIFF file with 16-bit PCM. A data chunk whose length is zero or beyond the end of the file is read up
    /// to the end of the file: recorders write the length when they close.
    ///
    /// # Errors
    /// When the file cannot be read or is no 16-bit PCM WAV.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).doing(&format!("reading {}", path.display()))?;
        Self::parse(&bytes).map_err(|failure| Failure::new(format!("{}: {failure}", path.display())))
    }

    fn parse(bytes: &[u8]) -> Result<Self> {
        if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
            return Err(Failure::new("not a RIFF/WAVE file"));
        }
        let mut rest = bytes.get(12..).unwrap_or_default();
        let mut format: Option<(u16, u32)> = None;
        while let (Some(name), Some(size)) = (rest.get(..4), rest.get(4..8)) {
            let size = u32_le(size) as usize;
            let body = rest.get(8..).unwrap_or_default();
            match name {
                b"fmt " => format = Some(parse_format(body)?),
                b"data" => {
                    let (channels, rate) = format.doing("data before fmt")?;
                    let size = if size == 0 {
                        body.len()
                    } else {
                        size.min(body.len())
                    };
                    let data = body.get(..size).unwrap_or_default();
                    let samples = data
                        .chunks_exact(2 * usize::from(channels))
                        .filter_map(|frame| frame.first_chunk::<2>())
                        .map(|sample| i16::from_le_bytes(*sample))
                        .collect();
                    return Ok(Self { rate, samples });
                }
                _ => (),
            }
            // Chunks are padded to even lengths.
            rest = body.get(size + size % 2..).unwrap_or_default();
        }
        Err(Failure::new("no data chunk"))
    }

    /// A sine of `hz` at `dbfs` (0 is a sine that just fits), with 5 ms of fade at both ends.
    pub fn sine(rate: u32, hz: f64, dbfs: f64, length: Duration) -> Self {
        let count = (length.as_secs_f64() * f64::from(rate)) as usize;
        let fade = f64::from(rate) * 0.005;
        let amplitude = 32_767.0 * 10f64.powf(dbfs / 20.0);
        let samples = (0..count)
            .map(|i| {
                let edge = (i.min(count - 1 - i) as f64 / fade).min(1.0);
                let phase = std::f64::consts::TAU * hz * i as f64 / f64::from(rate);
                (amplitude * edge * phase.sin()) as i16
            })
            .collect();
        Self { rate, samples }
    }

    /// Writes it as 16-bit PCM, one channel.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let data = self.samples.len() * 2;
        let mut bytes = Vec::with_capacity(44 + data);
        bytes.extend_from_slice(b"RIFF");
        bytes.extend_from_slice(&(36 + data as u32).to_le_bytes());
        bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        bytes.extend_from_slice(&self.rate.to_le_bytes());
        bytes.extend_from_slice(&(self.rate * 2).to_le_bytes());
        bytes.extend_from_slice(b"\x02\0\x10\0data");
        bytes.extend_from_slice(&(data as u32).to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        std::fs::write(path, bytes).doing(&format!("writing {}", path.display()))
    }

    /// How long it plays.
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.samples.len() as f64 / f64::from(self.rate))
    }

    /// The part between two moments, cut to what is there.
    pub fn slice(&self, from: Duration, to: Duration) -> Self {
        let index = |at: Duration| {
            ((at.as_secs_f64() * f64::from(self.rate)).round() as usize).min(self.samples.len())
        };
        let (from, to) = (index(from), index(to));
        Self {
            rate: self.rate,
            samples: self.samples.get(from..to).unwrap_or_default().to_vec(),
        }
    }
}

fn parse_format(body: &[u8]) -> Result<(u16, u32)> {
    let (Some(tag), Some(channels), Some(rate), Some(bits)) =
        (body.get(..2), body.get(2..4), body.get(4..8), body.get(14..16))
    else {
        return Err(Failure::new("fmt chunk too short"));
    };
    // 0xFFFE is WAVE_FORMAT_EXTENSIBLE, which sox writes for some formats.
    if !matches!(u16_le(tag), 1 | 0xFFFE) || u16_le(bits) != 16 || u16_le(channels) == 0 || u32_le(rate) == 0
    {
        return Err(Failure::new("not 16-bit PCM"));
    }
    Ok((u16_le(channels), u32_le(rate)))
}

fn u16_le(bytes: &[u8]) -> u16 {
    bytes.first_chunk::<2>().map_or(0, |b| u16::from_le_bytes(*b))
}

fn u32_le(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<4>().map_or(0, |b| u32::from_le_bytes(*b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    #[test]
    fn what_is_written_is_read() {
        let folder = Folder::new("wav").unwrap();
        let path = folder.path().join("tone.wav");
        let tone = Wav::sine(8_000, 440.0, -6.0, Duration::from_millis(250));
        tone.write(&path).unwrap();
        assert_eq!(Wav::read(&path).unwrap(), tone);
        assert_eq!(tone.length(), Duration::from_millis(250));
    }

    #[test]
    fn a_recording_still_open_is_read_to_its_end() {
        let folder = Folder::new("wav").unwrap();
        let path = folder.path().join("open.wav");
        Wav::sine(8_000, 440.0, -6.0, Duration::from_millis(100))
            .write(&path)
            .unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40..44].fill(0);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Wav::read(&path).unwrap().samples.len(), 800);
    }

    #[test]
    fn what_is_no_wav_is_refused() {
        assert!(Wav::parse(b"RIFF").is_err());
        assert!(Wav::parse(b"RIFF\0\0\0\0WAVEdata\0\0\0\0").is_err());
        assert!(Wav::parse(b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff").is_err());
    }
}
