//! The bus's words and those of `tandem-media`, and what time it is.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tandem_bus::media::{self, RtpPosition};
use tandem_media::endpoint::{self, Position, WallClock};
use tandem_media::g711;

/// Seconds from 1900 to 1970 (RFC 3550 §4).
const NTP_OFFSET: u64 = 2_208_988_800;

pub(super) fn wall_clock() -> WallClock {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
    WallClock {
        at: Instant::now(),
        ntp: since.as_secs().wrapping_add(NTP_OFFSET) << 32 | fraction,
    }
}

pub(super) fn agreement(agreed: &media::Agreed) -> endpoint::Agreed {
    endpoint::Agreed {
        remote: agreed.remote,
        codec: match agreed.codec {
            media::Codec::Pcma => g711::Codec::Pcma,
            media::Codec::Pcmu => g711::Codec::Pcmu,
        },
        payload_type: agreed.payload_type,
        telephone_event: agreed.telephone_event,
        telephone_event_received: agreed.telephone_event_received,
        ptime_ms: agreed.ptime_ms,
        sends: agreed.sends,
        receives: agreed.receives,
    }
}

/// Microseconds since 1970.
pub(super) fn wall_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// How long ago that was; nothing, when the clock was set back.
pub(super) fn since_us(at_us: u64) -> Duration {
    Duration::from_micros(wall_us().saturating_sub(at_us))
}

pub(super) fn position(position: Position, at_us: u64) -> RtpPosition {
    RtpPosition {
        ssrc: position.ssrc,
        sequence: position.sequence,
        timestamp: position.timestamp,
        at_us,
    }
}
