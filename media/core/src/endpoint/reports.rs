//! An endpoint's RTCP: when it reports, what it says, where to.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use super::outgoing::Outgoing;
use crate::rtcp::{self, Compound, ReportBlock, Rtcp, SenderInfo};
use crate::statistics::SourceStatistics;

/// Least interval between reports, randomised by half (RFC 3550 §6.2, §6.3.1).
const INTERVAL_MS: u64 = 5_000;

/// An instant and what the wall clock said then.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    /// The instant.
    pub at: Instant,
    /// Its NTP time: seconds since 1900, times 2^32.
    pub ntp: u64,
}

impl WallClock {
    fn ntp_at(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.at);
        let fraction = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        self.ntp
            .wrapping_add(since.as_secs() << 32)
            .wrapping_add(fraction)
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Reports<T = Instant> {
    /// Random per endpoint: no address in it (RFC 7022).
    cname: u64,
    chance: u64,
    due: T,
    packets_reported: u64,
    source: Option<SocketAddr>,
    last_sr: Option<(u32, T)>,
}

impl<T: Copy> Reports<T> {
    /// The same with its times told in another way.
    pub(super) fn timed<U>(&self, time: impl Fn(T) -> U) -> Reports<U> {
        Reports {
            cname: self.cname,
            chance: self.chance,
            due: time(self.due),
            packets_reported: self.packets_reported,
            source: self.source,
            last_sr: self.last_sr.map(|(sr, at)| (sr, time(at))),
        }
    }
}

impl Reports {
    pub(super) fn new(rng: &mut StdRng, now: Instant) -> Reports {
        let (cname, chance) = (rng.random(), rng.random::<u64>() | 1);
        let mut reports = Reports {
            cname,
            chance,
            due: now,
            packets_reported: 0,
            source: None,
            last_sr: None,
        };
        reports.schedule(now);
        reports
    }

    fn schedule(&mut self, now: Instant) {
        // Xorshift: enough to keep reports from marching in step.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let wait = INTERVAL_MS / 2 + self.chance % INTERVAL_MS;
        self.due = now + Duration::from_millis(wait);
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.due <= now
    }

    /// The peer's RTCP port: where it was heard from, if that is the same host, else one above RTP.
    pub(super) fn destination(&self, rtp: SocketAddr) -> SocketAddr {
        let heard = self.source.filter(|source| source.ip() == rtp.ip());
        heard.unwrap_or_else(|| SocketAddr::new(rtp.ip(), rtp.port().saturating_add(1)))
    }

    /// Takes a datagram of the peer's host; false when it is no RTCP.
    pub(super) fn handle(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) -> bool {
        let mut sr = None;
        let well_formed = rtcp::parse(datagram, |packet| {
            if let Rtcp::Report {
                sender: Some(sender), ..
            } = packet
            {
                sr = Some((sender.ntp >> 16) as u32);
            }
        });
        if well_formed.is_err() {
            return false;
        }
        self.source.get_or_insert(from);
        if let Some(sr) = sr {
            self.last_sr = Some((sr, now));
        }
        true
    }

    /// Appends a compound packet and sets the time of the next.
    pub(super) fn write(
        &mut self,
        outgoing: &Outgoing,
        source: &mut SourceStatistics,
        clock: &WallClock,
        bye: bool,
        now: Instant,
        out: &mut Vec<u8>,
    ) {
        self.schedule(now);
        let sender = (outgoing.packets() > self.packets_reported).then(|| SenderInfo {
            ntp: clock.ntp_at(now),
            timestamp: outgoing.timestamp_at(now),
            packets: outgoing.packets() as u32,
            octets: outgoing.octets() as u32,
        });
        self.packets_reported = outgoing.packets();
        let (last_sr, delay_since_last_sr) = self.last_sr.map_or((0, 0), |(sr, at)| {
            let since = now.saturating_duration_since(at);
            (sr, (since.as_micros() * 65_536 / 1_000_000) as u32)
        });
        let block = source.ssrc().map(|ssrc| ReportBlock {
            ssrc,
            fraction_lost: source.take_fraction_lost(),
            cumulative_lost: source.cumulative_lost(),
            highest_sequence: source.highest_sequence(),
            jitter: source.jitter(),
            last_sr,
            delay_since_last_sr,
        });
        let mut name = [0; 16];
        for (i, digit) in name.iter_mut().enumerate() {
            let nibble = (self.cname >> (i * 4)) as u8 & 0x0F;
            *digit = if nibble < 10 {
                b'0' + nibble
            } else {
                b'a' + nibble - 10
            };
        }
        let cname = std::str::from_utf8(&name).unwrap_or_default();
        Compound {
            ssrc: outgoing.ssrc(),
            sender,
            block,
            cname,
            bye,
        }
        .write(out);
    }
}
