//! MP3 files (MPEG-1 and MPEG-2 layer III, ISO 11172-3 and 13818-3): read, as music for those who wait mostly comes.
//!
//! A file is decoded frame by frame, so that memory is taken for the 8 kHz sound alone; its length is known, and bounded,
//! as it is decoded. Symphonia does the decoding.

use std::io::ErrorKind;

use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions, ReadOnlySource};
use symphonia::core::meta::MetadataOptions;
use thiserror::Error;

use crate::g711::RATE_HZ;
use crate::resample::Resampler;
use crate::wav::rounded;

/// Sampling rates of MPEG-1, 2 and 2.5, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=48_000;

/// Places without a frame after which no more is sought.
const DAMAGED_MOST: u64 = 1_000;

/// Why a file cannot be played.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mp3Error {
    /// Neither a tag nor a frame at its beginning, or nothing behind that.
    #[error("not an MP3 file")]
    NotMp3,
    /// Too little of it can be decoded.
    #[error("the MP3 file is damaged: {damaged} of its {frames} frames cannot be decoded")]
    Damaged {
        /// Frames that cannot.
        damaged: u64,
        /// All frames.
        frames: u64,
    },
    /// What it is changes midway, or cannot be played.
    #[error("the MP3 file cannot be decoded: {0}")]
    Unsupported(String),
    /// Longer than allowed.
    #[error("the sound lasts longer than {max_s} s")]
    Long {
        /// Seconds allowed.
        max_s: u32,
    },
}

/// Whether a file may be MP3: it begins with an ID3 tag or a frame of layer III.
pub fn is_mp3(file: &[u8]) -> bool {
    file.starts_with(TAG) || begins_with_frame(file)
}

/// What an ID3v2 tag begins with: title, picture and so on, before the sound.
const TAG: &[u8] = b"ID3";

fn begins_with_frame(file: &[u8]) -> bool {
    let (Some(0xFF), Some(second)) = (file.first(), file.get(1)) else {
        return false;
    };
    // Eleven bits of sync, a version that there is, layer III.
    second & 0xE0 == 0xE0 && second & 0x18 != 0x08 && second & 0x06 == 0x02
}

/// The file behind its ID3v2 tags (ID3v2.4 §3.1) and what they are filled up with.
fn without_tags(mut file: &[u8]) -> &[u8] {
    while file.starts_with(TAG) {
        let Some(&[flags, a, b, c, d]) = file.get(5..10) else {
            return &[];
        };
        // Seven bits of each byte.
        let size = [a, b, c, d]
            .iter()
            .fold(0_usize, |size, byte| (size << 7) | usize::from(byte & 0x7F));
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        file = file.get(10 + size + footer..).unwrap_or_default();
    }
    let filling = file.iter().take_while(|byte| **byte == 0).count();
    file.get(filling..).unwrap_or_default()
}

/// The sound at 8,000 samples per second, two channels mixed to one. A frame here and there may be damaged: it is left
/// out, as players do.
///
/// # Errors
/// [`Mp3Error`]; where it is [`Mp3Error::Long`], no more than `max_s` seconds were decoded.
pub fn to_8khz(file: &[u8], max_s: u32) -> Result<Vec<i16>, Mp3Error> {
    let file = without_tags(file);
    if !begins_with_frame(file) {
        return Err(Mp3Error::NotMp3);
    }
    // Read from its beginning to its end: a length that is estimated by the first frames' bit rate would cut off a sound
    // whose rate varies.
    let source = Box::new(ReadOnlySource::new(file));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let mut hint = Hint::new();
    hint.with_extension("mp3");
    let mut format = symphonia::default::get_probe()
        .probe(
            &hint,
            stream,
            FormatOptions::default(),
            MetadataOptions::default(),
        )
        .map_err(|_| Mp3Error::NotMp3)?;
    let track = format.default_track(TrackType::Audio).ok_or(Mp3Error::NotMp3)?;
    let parameters = track.codec_params.as_ref().and_then(CodecParameters::audio);
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(
            parameters.ok_or(Mp3Error::NotMp3)?,
            &AudioDecoderOptions::default(),
        )
        .map_err(|error| Mp3Error::Unsupported(error.to_string()))?;
    decoded(format.as_mut(), decoder.as_mut(), max_s)
}

fn decoded(
    format: &mut dyn FormatReader,
    decoder: &mut dyn AudioDecoder,
    max_s: u32,
) -> Result<Vec<i16>, Mp3Error> {
    let (mut frames, mut damaged) = (0_u64, 0_u64);
    let (mut rate, mut resampler) = (0, None);
    let (mut samples, mut mixed, mut made, mut sound) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            // A file that was cut off ends so.
            Err(SymphoniaError::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => break,
            // The frame after it is sought. What is no more than that ends as damaged.
            Err(SymphoniaError::DecodeError(_)) if damaged < DAMAGED_MOST => {
                frames += 1;
                damaged += 1;
                continue;
            }
            Err(error) => return Err(Mp3Error::Unsupported(error.to_string())),
        };
        frames += 1;
        let Ok(frame) = decoder.decode(&packet) else {
            damaged += 1;
            continue;
        };
        let (frame_rate, channels) = (frame.spec().rate(), frame.spec().channels().count());
        if !RATES.contains(&frame_rate) || !(1..=2).contains(&channels) {
            let words = format!("{frame_rate} samples per second, {channels} channels");
            return Err(Mp3Error::Unsupported(words));
        }
        if rate != frame_rate && rate != 0 {
            return Err(Mp3Error::Unsupported("its sampling rate changes".to_owned()));
        }
        rate = frame_rate;
        frame.copy_to_vec_interleaved::<f32>(&mut samples);
        mixed.clear();
        let whole = samples.chunks_exact(channels);
        mixed.extend(whole.map(|frame| frame.iter().sum::<f32>() / channels as f32 * 32_768.0));
        resampler
            .get_or_insert_with(|| Resampler::new(rate, RATE_HZ))
            .push(&mixed, &mut made);
        sound.extend(made.drain(..).map(rounded));
        if sound.len() as u64 > u64::from(max_s) * u64::from(RATE_HZ) {
            return Err(Mp3Error::Long { max_s });
        }
    }
    if damaged > frames / 10 {
        return Err(Mp3Error::Damaged { damaged, frames });
    }
    let Some(resampler) = resampler else {
        return Err(Mp3Error::NotMp3);
    };
    resampler.finish(&mut made);
    sound.extend(made.drain(..).map(rounded));
    Ok(sound)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    /// Written by LAME: tones of half a second.
    const STEREO_880: &[u8] = include_bytes!("../tests/data/tone-880-44100-stereo.mp3");
    const MONO_440: &[u8] = include_bytes!("../tests/data/tone-440-22050-mono.mp3");

    /// How much of the sound's power is at `hz` (Goertzel), 0 to 1.
    fn share_at(hz: f64, sound: &[i16]) -> f64 {
        let w = 2.0 * PI * hz / f64::from(RATE_HZ);
        let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
        for (i, sample) in sound.iter().enumerate() {
            let sample = f64::from(*sample);
            re += sample * (w * i as f64).cos();
            im += sample * (w * i as f64).sin();
            power += sample * sample;
        }
        2.0 * (re * re + im * im) / (power * sound.len() as f64)
    }

    #[test]
    fn tones_are_heard_at_their_frequency_and_level() {
        for (file, hz) in [(STEREO_880, 880.0), (MONO_440, 440.0)] {
            let sound = to_8khz(file, 10).unwrap();
            // The encoder adds silence before and after: half a second and less than two tenths.
            assert!((4_000..5_600).contains(&sound.len()), "{hz}: {}", sound.len());
            let middle = &sound[1_500..3_500];
            assert!(share_at(hz, middle) > 0.95, "{hz}: {}", share_at(hz, middle));
            let loudest = middle.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!((7_000..9_000).contains(&loudest), "{hz}: {loudest}");
        }
    }

    #[test]
    fn what_is_no_mp3_and_what_is_too_long_is_told() {
        for file in [&b""[..], b"RIFF\0\0\0\0WAVE", b"ID3\x03 no music", &[0xFF; 4_000]] {
            let error = to_8khz(file, 10).unwrap_err();
            assert!(
                !error.to_string().is_empty() && !matches!(error, Mp3Error::Long { .. }),
                "{error}"
            );
        }
        assert_eq!(to_8khz(STEREO_880, 0), Err(Mp3Error::Long { max_s: 0 }));
    }

    /// Players write title and picture before the sound, and their own names behind it.
    #[test]
    fn tags_are_not_heard() {
        let mut tagged = b"ID3\x04\0\0\0\0\x10\0".to_vec();
        // 2,048 bytes of a picture, in which something looks like a frame.
        tagged.extend(STEREO_880.iter().take(1_000));
        tagged.resize(10 + 2_048 + 30, 0);
        tagged.extend_from_slice(STEREO_880);
        tagged.extend_from_slice(b"TAGmusic");
        tagged.resize(tagged.len() + 120, b' ');
        assert_eq!(to_8khz(&tagged, 10), to_8khz(STEREO_880, 10));
    }

    #[test]
    fn a_cut_off_file_is_played_as_far_as_it_goes() {
        let half = to_8khz(&STEREO_880[..STEREO_880.len() / 2], 10).unwrap();
        assert!((1_500..3_000).contains(&half.len()), "{}", half.len());
    }

    /// Prefixes and changed bytes: an answer, never a panic.
    #[test]
    fn damaged_files_are_harmless() {
        for end in (0..MONO_440.len()).step_by(13) {
            let _ = to_8khz(&MONO_440[..end], 1);
        }
        for at in (0..MONO_440.len()).step_by(7) {
            for value in [0, 0x7F, 0xFF] {
                let mut damaged = MONO_440.to_vec();
                damaged[at] = value;
                let _ = to_8khz(&damaged, 1);
            }
        }
    }
}
