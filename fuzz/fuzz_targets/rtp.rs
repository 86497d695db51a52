//! Any bytes on a media port: RTP, RTCP and telephone-event are read or refused, never worse.
#![no_main]

use tandem_media::{rtcp, rtp, telephone_event::TelephoneEvent};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(packet) = rtp::Packet::parse(bytes) {
        let _ = TelephoneEvent::parse(packet.payload);
    }
    let _ = rtcp::parse(bytes, |_| ());
});
