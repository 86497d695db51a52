//! Any bytes as a prompt's file: a WAV is read, or refused in words.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = tandem_media::wav::Wav::parse(bytes);
});
