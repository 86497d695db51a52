//! Any bytes as a datagram: everything a message can be asked comes back, and its own output parses the same.
#![no_main]

#[path = "../../runtime/sip/tests/shared/exercise.rs"]
mod exercise;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| exercise::exercise(bytes));
