//! Any bytes as a TCP stream: what comes out does not depend on how the stream was cut into reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tandem_sip::{Frame, FramingError, StreamFramer};

fn drain(framer: &mut StreamFramer, out: &mut Vec<Result<Frame, FramingError>>) {
    loop {
        match framer.next() {
            Ok(Some(frame)) => out.push(Ok(frame)),
            Ok(None) => return,
            Err(error) => {
                let fatal = error.is_fatal();
                if out.last() != Some(&Err(error.clone())) {
                    out.push(Err(error));
                }
                if fatal {
                    return;
                }
            }
        }
    }
}

fuzz_target!(|input: (u8, Vec<u8>)| {
    let (piece, bytes) = input;
    let (mut whole, mut pieces) = (Vec::new(), Vec::new());
    let mut framer = StreamFramer::new();
    framer.push(&bytes);
    drain(&mut framer, &mut whole);
    let mut framer = StreamFramer::new();
    for part in bytes.chunks(usize::from(piece).max(1)) {
        framer.push(part);
        drain(&mut framer, &mut pieces);
    }
    assert_eq!(whole, pieces);
});
