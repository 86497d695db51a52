//! An endpoint on its way from one process to another that takes over its sockets.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::latch::Latch;
use super::outgoing::Outgoing;
use super::reports::Reports;
use super::tap::{Tap, TapRule};
use super::{Agreed, Endpoint, Playback, Settings};
use crate::jitter::{JitterBuffer, Packed};
use crate::offset::Offset;
use crate::player::Player;
use crate::statistics::SourceStatistics;
use crate::telephone_event::{DigitReceiver, DigitSender};

/// All that an endpoint knows, but what was agreed and the clips it plays: who takes it has these anyway. About a
/// hundred bytes, where no jitter buffer is at work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Snapshot {
    latch: Option<Latch<Offset>>,
    heard_before: Option<SocketAddr>,
    outgoing: Outgoing<Offset>,
    next_frame: Option<Offset>,
    playing: Option<u64>,
    digits: DigitSender,
    sends: VecDeque<u64>,
    pair: Option<u64>,
    recording: Option<TapRule>,
    relayed_at: Offset,
    event_relayed_at: Option<Offset>,
    misfits: u8,
    reframe: Option<Packed>,
    reports: Reports<Offset>,
    source: SourceStatistics,
    digits_received: DigitReceiver,
    heard_at: Option<Offset>,
    unheard: bool,
    epoch: Offset,
    received: u64,
    dropped: u64,
}

impl Snapshot {
    /// The pair it is in.
    pub fn pair(&self) -> Option<u64> {
        self.pair
    }
}

impl Endpoint {
    /// What another process needs to go on with it. Call [`Endpoint::flush_record`] and drain
    /// [`Endpoint::poll_output`] before: what lies there is not in it.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let from_now = |at| Offset::of(at, now);
        Snapshot {
            latch: self.agreed.as_ref().map(|(_, latch)| latch.timed(from_now)),
            heard_before: self.heard_before,
            outgoing: self.outgoing.timed(from_now),
            next_frame: self.next_frame.map(from_now),
            playing: self.playback.as_ref().map(|playback| playback.play),
            digits: self.digits.clone(),
            sends: self.sends.clone(),
            pair: self.pair,
            recording: self.recording(),
            relayed_at: from_now(self.relayed_at),
            event_relayed_at: self.event_relayed_at.map(from_now),
            misfits: self.misfits,
            reframe: self.reframe.as_ref().map(|reframe| reframe.pack(now)),
            reports: self.reports.timed(from_now),
            source: self.source.clone(),
            digits_received: self.digits_received.clone(),
            heard_at: self.heard_at.map(from_now),
            unheard: self.unheard,
            epoch: from_now(self.epoch),
            received: self.received,
            dropped: self.dropped,
        }
    }

    /// The endpoint of which a snapshot was taken at `taken`. Its playback has no clips and counts from nothing: tell
    /// it by [`Endpoint::begin_at`] what was heard, and push what follows.
    pub fn resume(
        settings: Settings,
        snapshot: Snapshot,
        agreed: Option<Agreed>,
        taken: Instant,
    ) -> Endpoint {
        let instant = |offset: Offset| offset.from(taken);
        Endpoint {
            settings,
            agreed: agreed
                .map(Agreed::held)
                .zip(snapshot.latch.map(|latch| latch.timed(instant))),
            heard_before: snapshot.heard_before,
            outgoing: snapshot.outgoing.timed(instant),
            next_frame: snapshot.next_frame.map(instant),
            playback: snapshot.playing.map(|play| Playback {
                play,
                player: Player::default(),
            }),
            digits: snapshot.digits,
            sends: snapshot.sends,
            pair: snapshot.pair,
            tap: snapshot
                .recording
                .map(|rule| Box::new(Tap::new(rule, settings.jitter, taken))),
            relayed_at: instant(snapshot.relayed_at),
            event_relayed_at: snapshot.event_relayed_at.map(instant),
            misfits: snapshot.misfits,
            reframe: snapshot
                .reframe
                .map(|packed| Box::new(JitterBuffer::unpack(settings.jitter, &packed, taken))),
            reports: snapshot.reports.timed(instant),
            source: snapshot.source,
            digits_received: snapshot.digits_received,
            heard_at: snapshot.heard_at.map(instant),
            unheard: snapshot.unheard,
            epoch: instant(snapshot.epoch),
            received: snapshot.received,
            dropped: snapshot.dropped,
            packets: VecDeque::new(),
            bytes: Vec::new(),
            drained: 0,
            events: VecDeque::new(),
        }
    }
}
