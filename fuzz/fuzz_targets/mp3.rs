//! Any bytes as a prompt's file: an MP3 is decoded, or refused in words.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = tandem_media::mp3::to_8khz(bytes, 10);
});
