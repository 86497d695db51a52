//! Which lane a message belongs to.

use tandem_bus::link::Lane;
use tandem_sip::{Message, Method};
use tandem_switch::shard_of;

/// The registrar's lane for REGISTER, else the shard that the Call-ID hashes to.
pub fn lane_of(message: &Message, shards: u16) -> Lane {
    // The method of a response is in its CSeq; we send no REGISTER, so a response to one is none of the registrar's.
    if message.method() == Some(Method::Register) {
        return Lane::REGISTRAR;
    }
    let shard = shard_of(message.call_id().unwrap_or_default(), u64::from(shards));
    Lane(shard as u16)
}

/// Every lane of call logic with so many shards.
pub fn all_lanes(shards: u16) -> impl Iterator<Item = Lane> {
    (0..shards).map(Lane).chain([Lane::REGISTRAR])
}

/// The lane whose role sent a message: where a response to REGISTER comes from the registrar.
pub fn lane_of_sent(message: &Message, shards: u16) -> Lane {
    if message
        .cseq()
        .is_ok_and(|cseq| cseq.method_str() == Method::Register.as_str())
    {
        return Lane::REGISTRAR;
    }
    lane_of(message, shards)
}
