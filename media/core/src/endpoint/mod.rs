//! One leg's sound as a state machine: symmetric RTP, silence, playback, digits both ways, relay.
//!
//! Bytes go in by [`Endpoint::handle_rtp`], time by [`Endpoint::handle_tick`]; after either, drain
//! [`Endpoint::poll_output`]. Packets of the peer that are for the other side come back from `handle_rtp` as a
//! [`Frame`]: give it to the other endpoint's [`Endpoint::handle_relayed`] at once, so a relay adds no jitter.
//!
//! An endpoint outlives its process: planned, as a [`Snapshot`]; lost, by the last [`Position`] that somebody noted.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;

use crate::jitter::JitterBuffer;
use crate::player::{Clip, Played, Player};
use crate::rtp::Packet;
use crate::statistics::SourceStatistics;
use crate::telephone_event::{DigitReceiver, DigitSender, DigitStep, TelephoneEvent};

mod latch;
mod outgoing;
mod position;
mod reports;
mod snapshot;
mod tap;
mod types;

use latch::Latch;
use outgoing::Outgoing;
pub(crate) use outgoing::samples_in;
pub use position::Position;
use reports::Reports;
pub use reports::WallClock;
pub use snapshot::Snapshot;
use tap::Tap;
pub use tap::{Sides, TapRule};
pub use types::{Agreed, Carries, Event, Frame, Output, PlayEnd, Settings, Statistics};

/// Frames that one tick may catch up with; what is further behind is skipped, not sent in a burst.
const CATCH_UP: u32 = 3;
/// A joined endpoint that was sent nothing for so long gets silence, so that its NAT stays open.
const RELAY_QUIET: Duration = Duration::from_millis(500);
/// An event's packets come each 20 to 50 ms; so long after one, sound may be sent again.
const EVENT_QUIET: Duration = Duration::from_millis(60);
/// So many packets in a row of another length than agreed are the source's packet time, not an odd one out.
const MISFITS: u8 = 3;
/// Longest packet of sound taken: 60 ms.
const SAMPLES_MAX: usize = 480;
/// Longest telephone-event payload relayed.
const EVENT_MAX: usize = 16;

/// A packet that lies ready in the endpoint's bytes.
#[derive(Debug, Clone, Copy)]
struct Ready {
    to: SocketAddr,
    length: usize,
    is_rtcp: bool,
}

#[derive(Debug)]
struct Playback {
    play: u64,
    player: Player,
}

/// One leg's sound.
#[derive(Debug)]
pub struct Endpoint {
    settings: Settings,
    agreed: Option<(Agreed, Latch)>,
    /// The peer's true source as another gate had heard it, until something is agreed.
    heard_before: Option<SocketAddr>,
    outgoing: Outgoing,
    next_frame: Option<Instant>,
    playback: Option<Playback>,
    digits: DigitSender,
    /// Whose digits they are, the one under way first.
    sends: VecDeque<u64>,
    pair: Option<u64>,
    tap: Option<Box<Tap>>,
    relayed_at: Instant,
    /// When an event was relayed last: sound of our own would tear it.
    event_relayed_at: Option<Instant>,
    /// Packets in a row whose length is not the agreed packet time.
    misfits: u8,
    /// Cuts the other side's sound anew, where its packet time differs.
    reframe: Option<Box<JitterBuffer>>,
    reports: Reports,
    source: SourceStatistics,
    digits_received: DigitReceiver,
    heard_at: Option<Instant>,
    unheard: bool,
    epoch: Instant,
    received: u64,
    dropped: u64,
    /// Packets to send, one behind the other in `bytes`; both are used again, so that nothing is allocated per packet.
    packets: VecDeque<Ready>,
    bytes: Vec<u8>,
    drained: usize,
    events: VecDeque<Event>,
}

impl Endpoint {
    /// An endpoint with nothing agreed yet: it sends nothing and takes nothing.
    pub fn new(settings: Settings, rng: &mut StdRng, now: Instant) -> Endpoint {
        let outgoing = Outgoing::new(rng, now);
        Endpoint::with(outgoing, settings, rng, now)
    }

    /// An endpoint in place of one that is lost: its stream goes on from `position`, for which [`Position::after`] is
    /// made, and the source that was `heard` is where it sends to as soon as something is agreed. What it receives is
    /// counted anew, and so are its reports, under another CNAME.
    pub fn restore(
        settings: Settings,
        position: Position,
        heard: Option<SocketAddr>,
        rng: &mut StdRng,
        now: Instant,
    ) -> Endpoint {
        Endpoint {
            heard_before: heard,
            // It was there: if it stays silent now, that is told.
            heard_at: heard.map(|_| now),
            ..Endpoint::with(Outgoing::at(position, now), settings, rng, now)
        }
    }

    fn with(outgoing: Outgoing, settings: Settings, rng: &mut StdRng, now: Instant) -> Endpoint {
        Endpoint {
            settings,
            agreed: None,
            heard_before: None,
            outgoing,
            next_frame: None,
            playback: None,
            digits: DigitSender::default(),
            sends: VecDeque::new(),
            pair: None,
            tap: None,
            relayed_at: now,
            event_relayed_at: None,
            misfits: 0,
            reframe: None,
            reports: Reports::new(rng, now),
            source: SourceStatistics::default(),
            digits_received: DigitReceiver::default(),
            heard_at: None,
            unheard: false,
            epoch: now,
            received: 0,
            dropped: 0,
            packets: VecDeque::new(),
            bytes: Vec::new(),
            drained: 0,
            events: VecDeque::new(),
        }
    }

    /// Sets or changes what was agreed; silence flows from the next tick on. The packet time is held to 10 to 60 ms.
    /// What is agreed already changes nothing.
    pub fn agree(&mut self, agreed: Agreed, now: Instant) {
        let agreed = agreed.held();
        if self
            .agreed
            .as_ref()
            .is_some_and(|(in_force, _)| *in_force == agreed)
        {
            return;
        }
        let latch = match (self.agreed.take(), self.heard_before.take()) {
            (Some((_, mut latch)), _) => {
                latch.agree(agreed.remote);
                latch
            }
            (None, Some(heard)) => Latch::locked_on(agreed.remote, heard, now),
            (None, None) => Latch::new(agreed.remote),
        };
        // Whoever may not send to us is not missed.
        self.heard_at = self.heard_at.map(|_| now);
        self.unheard = false;
        self.agreed = Some((agreed, latch));
        self.next_frame.get_or_insert(now);
    }

    /// Begins a playback in place of another; clips come by [`Self::push_clip`].
    pub fn play(&mut self, play: u64) {
        self.end_playback(PlayEnd::Stopped);
        self.playback = Some(Playback {
            play,
            player: Player::default(),
        });
    }

    /// The playback under way, and how many samples of it were heard.
    pub fn playing(&self) -> Option<(u64, u64)> {
        self.playback
            .as_ref()
            .map(|playback| (playback.play, playback.player.played()))
    }

    /// Counts as heard what is left out of the playback before its first clip.
    pub fn begin_at(&mut self, play: u64, samples: u64) {
        if let Some(playback) = self.playback_of(play) {
            playback.player.begin_at(samples);
        }
    }

    /// Adds a clip to the playback, if it is still that one.
    pub fn push_clip(&mut self, play: u64, clip: Clip) {
        if let Some(playback) = self.playback_of(play) {
            playback.player.push(clip);
        }
    }

    /// Nothing follows the clips given: the playback ends as finished behind them.
    pub fn finish_clips(&mut self, play: u64) {
        if let Some(playback) = self.playback_of(play) {
            playback.player.finish();
        }
    }

    /// The next clip cannot be had: the playback ends as failed behind those given.
    pub fn fail_clips(&mut self, play: u64, why: String) {
        if let Some(playback) = self.playback_of(play) {
            playback.player.fail(why);
        }
    }

    /// Ends a playback if it is still under way.
    pub fn stop(&mut self, play: u64) {
        if self.playback_of(play).is_some() {
            self.end_playback(PlayEnd::Stopped);
        }
    }

    /// Begins to record, in place of a recording under way (which ends); pieces come as [`Event::Recorded`].
    pub fn record(&mut self, rule: TapRule, now: Instant) {
        self.end_tap(false);
        self.tap = Some(Box::new(Tap::new(rule, self.settings.jitter, now)));
    }

    /// Pauses a recording or lets it go on, if it is under way.
    pub fn pause_record(&mut self, record: u64, paused: bool, now: Instant) {
        if let Some(tap) = self.tap.as_mut().filter(|tap| tap.rule.record == record) {
            tap.pause(paused, now);
        }
    }

    /// Ends a recording if it is under way; [`Event::RecordEnded`] follows.
    pub fn end_record(&mut self, record: u64) {
        if self.tap.as_ref().is_some_and(|tap| tap.rule.record == record) {
            self.end_tap(false);
        }
    }

    /// The recording under way.
    pub fn recording(&self) -> Option<TapRule> {
        self.tap.as_ref().map(|tap| tap.rule)
    }

    /// Gives on what was recorded so far, lest another process miss it.
    pub fn flush_record(&mut self) {
        if let Some(tap) = &mut self.tap {
            let (record, samples) = (tap.rule.record, tap.rest());
            self.events.push_back(Event::Recorded { record, samples });
        }
    }

    fn end_tap(&mut self, silence: bool) {
        self.flush_record();
        if let Some(tap) = self.tap.take() {
            let record = tap.rule.record;
            self.events.push_back(Event::RecordEnded { record, silence });
        }
    }

    fn take_record(&mut self, samples: usize, at: Instant) {
        let Some(tap) = &mut self.tap else { return };
        let over = tap.take(samples, at);
        let record = tap.rule.record;
        if let Some(samples) = tap.ready() {
            self.events.push_back(Event::Recorded { record, samples });
        }
        if over {
            self.end_tap(true);
        }
    }

    fn playback_of(&mut self, play: u64) -> Option<&mut Playback> {
        self.playback.as_mut().filter(|playback| playback.play == play)
    }

    fn end_playback(&mut self, end: PlayEnd) {
        if let Some(Playback { play, player }) = self.playback.take() {
            self.events.push_back(Event::PlayEnded {
                play,
                end,
                played: player.played(),
            });
        }
    }

    /// Sends digits behind those under way; [`Event::DigitsSent`] answers, with false where the peer takes none, we may
    /// not send, or a character is none of `0-9*#A-D,`.
    pub fn send_digits(&mut self, send: u64, digits: &str, tone_ms: u16, gap_ms: u16) {
        let takes = self
            .agreed
            .as_ref()
            .is_some_and(|(a, _)| a.sends && a.telephone_event.is_some());
        if takes && self.digits.queue(digits, tone_ms, gap_ms) {
            self.sends.push_back(send);
        } else {
            self.events.push_back(Event::DigitsSent { send, sent: false });
        }
    }

    fn fail_digits(&mut self) {
        self.digits.clear();
        for send in self.sends.drain(..) {
            self.events.push_back(Event::DigitsSent { send, sent: false });
        }
    }

    /// Joins this endpoint to another under a pair's number; a playback under way ends as stopped.
    pub fn join(&mut self, pair: u64, now: Instant) {
        self.end_playback(PlayEnd::Stopped);
        self.pair = Some(pair);
        self.relayed_at = now;
        self.begin_relay();
    }

    fn begin_relay(&mut self) {
        self.outgoing.forget_mapping();
        self.misfits = 0;
        self.reframe = None;
        self.event_relayed_at = None;
    }

    /// Takes this endpoint out of its pair; silence flows again from the next tick on.
    pub fn part(&mut self) {
        self.pair = None;
        self.begin_relay();
    }

    /// The pair it is in.
    pub fn pair(&self) -> Option<u64> {
        self.pair
    }

    /// Ends what is under way, so that every command is answered, and says goodbye to the peer (RFC 3550 §6.6).
    pub fn close(&mut self, now: Instant) {
        self.report(true, now);
        self.end_playback(PlayEnd::Stopped);
        self.end_tap(false);
        self.fail_digits();
    }

    /// Where its stream stands.
    pub fn position(&self, now: Instant) -> Position {
        self.outgoing.position(now)
    }

    /// What passed through so far.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            sent: self.outgoing.packets(),
            received: self.received,
            lost: self.source.lost(),
            dropped: self.dropped,
            jitter_us: self.source.jitter_us(),
        }
    }

    /// Takes one datagram from the RTP socket. What is returned is for the other side of the pair, if there is one.
    pub fn handle_rtp<'a>(
        &mut self,
        datagram: &'a [u8],
        from: SocketAddr,
        now: Instant,
    ) -> Option<Frame<'a>> {
        let frame = self.accept(datagram, from, now);
        if frame.is_none() {
            self.dropped += 1;
        }
        let frame = frame?;
        self.received += 1;
        self.heard_at = Some(now);
        self.unheard = false;
        let header = frame.header;
        self.source.handle(header.ssrc, header.sequence);
        let receives = self.agreed.as_ref().is_some_and(|(agreed, _)| agreed.receives);
        match frame.carries {
            Carries::Sound(codec) => {
                let arrival = samples_in(now.saturating_duration_since(self.epoch)) as u32;
                self.source.handle_arrival(arrival, header.timestamp);
                if let Some(tap) = self.tap.as_mut().filter(|_| receives) {
                    tap.hear(&header, codec, frame.payload, now);
                }
            }
            Carries::Event => {
                let digit = TelephoneEvent::parse(frame.payload)
                    .filter(|_| receives)
                    .and_then(|event| {
                        self.digits_received
                            .handle(header.ssrc, header.timestamp, header.marker, event)
                    });
                if let Some(digit) = digit {
                    self.events.push_back(Event::Digit(digit));
                }
            }
        }
        Some(frame).filter(|_| receives && self.pair.is_some())
    }

    /// The datagram as a frame, if it is RTP of an agreed payload type from the right source.
    fn accept<'a>(&mut self, datagram: &'a [u8], from: SocketAddr, now: Instant) -> Option<Frame<'a>> {
        let (agreed, latch) = self.agreed.as_mut()?;
        let packet = Packet::parse(datagram).ok()?;
        let carries = if packet.header.payload_type == agreed.payload_type {
            Carries::Sound(agreed.codec)
        } else if Some(packet.header.payload_type) == agreed.telephone_event_received {
            Carries::Event
        } else {
            return None;
        };
        let bounds = match carries {
            Carries::Sound(_) => 1..=SAMPLES_MAX,
            Carries::Event => 4..=EVENT_MAX,
        };
        let source = latch.source();
        if !bounds.contains(&packet.payload.len()) || !latch.admits(from, now) {
            return None;
        }
        if source != Some(from) {
            self.events.push_back(Event::Heard(from));
        }
        Some(Frame {
            header: packet.header,
            carries,
            payload: packet.payload,
        })
    }

    /// Takes a frame that the other endpoint of the pair received, and sends it on at once.
    pub fn handle_relayed(&mut self, pair: u64, frame: &Frame<'_>, now: Instant) {
        let Some((agreed, latch)) = self
            .agreed
            .as_ref()
            .filter(|(a, _)| a.sends && self.pair == Some(pair))
        else {
            return;
        };
        if let Carries::Sound(codec) = frame.carries {
            let fits = frame.payload.len() == usize::from(agreed.ptime_ms) * 8;
            self.misfits = if fits { 0 } else { self.misfits.saturating_add(1) };
            if self.misfits >= MISFITS {
                let jitter = self.settings.jitter;
                self.reframe
                    .get_or_insert_with(|| Box::new(JitterBuffer::new(jitter, now)));
            }
            if let Some(reframe) = &mut self.reframe {
                reframe.put(&frame.header, codec, frame.payload, now);
                self.outgoing
                    .swallow(frame.header.sequence, frame.header.timestamp, now);
                return;
            }
        }
        // Playback and own digits are heard alone.
        let busy = self.playback.is_some() || self.digits.is_sending();
        let (payload_type, samples) = match frame.carries {
            Carries::Sound(_) => (Some(agreed.payload_type), frame.payload.len() as u32),
            Carries::Event => (agreed.telephone_event, 0),
        };
        let Some(payload_type) = payload_type.filter(|_| !busy) else {
            self.outgoing
                .swallow(frame.header.sequence, frame.header.timestamp, now);
            return;
        };
        let Some(header) = self.outgoing.relayed(&frame.header, payload_type, samples, now) else {
            return;
        };
        self.relayed_at = now;
        if let (Some(tap), Carries::Sound(codec)) = (&mut self.tap, frame.carries) {
            tap.relay(&frame.header, codec, frame.payload, now);
        }
        let to = latch.destination();
        let from = self.bytes.len();
        header.write(&mut self.bytes);
        match frame.carries {
            Carries::Sound(codec) => codec.transcode(agreed.codec, frame.payload, &mut self.bytes),
            Carries::Event => {
                self.event_relayed_at = Some(now);
                self.bytes.extend_from_slice(frame.payload);
            }
        }
        self.packets.push_back(Ready {
            to,
            length: self.bytes.len() - from,
            is_rtcp: false,
        });
        self.outgoing.sent(frame.payload.len());
    }

    /// Takes one datagram from the RTCP socket; anything but RTCP of the peer is dropped.
    pub fn handle_rtcp(&mut self, datagram: &[u8], from: SocketAddr, now: Instant) {
        let peer = self.agreed.as_ref().map(|(_, latch)| latch.destination().ip());
        if peer != Some(from.ip()) || !self.reports.handle(datagram, from, now) {
            self.dropped += 1;
            return;
        }
        // A muted phone may send reports only: it is there.
        self.heard_at = self.heard_at.map(|_| now);
    }

    fn report(&mut self, bye: bool, now: Instant) {
        let Some((_, latch)) = &self.agreed else {
            return;
        };
        let from = self.bytes.len();
        let to = self.reports.destination(latch.destination());
        self.reports.write(
            &self.outgoing,
            &mut self.source,
            &self.settings.clock,
            bye,
            now,
            &mut self.bytes,
        );
        self.packets.push_back(Ready {
            to,
            length: self.bytes.len() - from,
            is_rtcp: true,
        });
    }

    /// Time has come to `now`; call it at least each 10 ms, on a steady beat.
    pub fn handle_tick(&mut self, now: Instant) {
        self.notice_silence(now);
        if self.reports.is_due(now) {
            self.report(false, now);
        }
        let Some((agreed, _)) = &self.agreed else {
            return;
        };
        let ptime = Duration::from_millis(u64::from(agreed.ptime_ms));
        let samples = usize::from(agreed.ptime_ms) * 8;
        let Some(mut at) = self.next_frame.filter(|at| *at <= now) else {
            return;
        };
        let behind = now.saturating_duration_since(at);
        if behind >= ptime * CATCH_UP {
            // Keep the beat: skip whole frames.
            let skipped = (behind.as_micros() / ptime.as_micros().max(1)) as u32;
            at += ptime * skipped;
            if let Some(tap) = &mut self.tap {
                tap.skip(skipped as usize * samples);
            }
        }
        while at <= now {
            self.send_frame(at);
            self.take_record(samples, at);
            at += ptime;
        }
        self.next_frame = Some(at);
    }

    fn notice_silence(&mut self, now: Instant) {
        let receives = self.agreed.as_ref().is_some_and(|(agreed, _)| agreed.receives);
        let Some(heard_at) = self.heard_at.filter(|_| receives && !self.unheard) else {
            return;
        };
        let quiet = now.saturating_duration_since(heard_at);
        if quiet >= self.settings.unheard_after {
            self.unheard = true;
            self.events.push_back(Event::Unheard(quiet));
        }
    }

    /// Sends what sounds at `at`, for one packet time.
    fn send_frame(&mut self, at: Instant) {
        let Some((agreed, latch)) = &self.agreed else {
            return;
        };
        let (codec, payload_type, to) = (agreed.codec, agreed.payload_type, latch.destination());
        let (sends, event_type) = (agreed.sends, agreed.telephone_event);
        let samples = u16::from(agreed.ptime_ms) * 8;
        let mut sound = [0_i16; SAMPLES_MAX];
        if !sends {
            // The playback runs on unheard, so that a held call does not wait for ever; digits fail.
            self.fail_digits();
            self.render(sound.get_mut(..usize::from(samples)).unwrap_or_default());
            return;
        }
        let timestamp = self.outgoing.own_timestamp(at);
        loop {
            match self.digits.next(timestamp, samples) {
                DigitStep::Done => {
                    if let Some(send) = self.sends.pop_front() {
                        self.events.push_back(Event::DigitsSent { send, sent: true });
                    }
                }
                DigitStep::Idle => break,
                DigitStep::Packet {
                    marker,
                    timestamp,
                    event,
                } => {
                    // An agreement without events may have come in the midst of a digit: it is then cut short.
                    if let Some(event_type) = event_type {
                        self.send(event_type, timestamp, samples, marker, at, to, |out| {
                            out.extend_from_slice(&event.to_bytes());
                        });
                    }
                    return;
                }
            }
        }
        let relay_flows = self.pair.is_some() && at.saturating_duration_since(self.relayed_at) < RELAY_QUIET;
        let in_event = self
            .event_relayed_at
            .is_some_and(|e| at.saturating_duration_since(e) < EVENT_QUIET);
        let sound = sound.get_mut(..usize::from(samples)).unwrap_or_default();
        if self.playback.is_some() {
            self.render(sound);
            if let Some(tap) = &mut self.tap {
                tap.send(sound);
            }
            self.send(payload_type, timestamp, samples, false, at, to, |out| {
                codec.encode(sound, out);
            });
        } else if let Some(reframe) = &mut self.reframe {
            reframe.get(sound, at);
            if let Some(tap) = &mut self.tap {
                tap.send(sound);
            }
            if in_event {
                return;
            }
            self.send(payload_type, timestamp, samples, false, at, to, |out| {
                codec.encode(sound, out);
            });
        } else if !relay_flows {
            self.send(payload_type, timestamp, samples, false, at, to, |out| {
                out.resize(out.len() + usize::from(samples), codec.silence());
            });
        }
    }

    fn render(&mut self, sound: &mut [i16]) {
        let Some(Playback { play, player }) = &mut self.playback else {
            return;
        };
        let queued = player.queued();
        let played = player.render(sound);
        if player.queued() < queued {
            self.events.push_back(Event::ClipTaken(*play));
        }
        match played {
            Played::Going | Played::Waiting => {}
            Played::Finished => self.end_playback(PlayEnd::Finished),
            Played::Failed(why) => self.end_playback(PlayEnd::Failed(why)),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one packet's parts, named at each of three calls"
    )]
    fn send(
        &mut self,
        payload_type: u8,
        timestamp: u32,
        samples: u16,
        marker: bool,
        at: Instant,
        to: SocketAddr,
        payload: impl FnOnce(&mut Vec<u8>),
    ) {
        let header = self
            .outgoing
            .own(payload_type, timestamp, u32::from(samples), marker, at);
        let from = self.bytes.len();
        header.write(&mut self.bytes);
        payload(&mut self.bytes);
        let length = self.bytes.len() - from;
        self.packets.push_back(Ready {
            to,
            length,
            is_rtcp: false,
        });
        self.outgoing.sent(length - crate::rtp::HEADER_LEN);
    }

    /// What to do next. [`Output::Wait`] ends the drain.
    pub fn poll_output(&mut self) -> Output<'_> {
        if let Some(Ready { to, length, is_rtcp }) = self.packets.pop_front() {
            let from = self.drained;
            self.drained += length;
            let packet = self.bytes.get(from..self.drained).unwrap_or_default();
            return if is_rtcp {
                Output::Rtcp { to, packet }
            } else {
                Output::Rtp { to, packet }
            };
        }
        self.bytes.clear();
        self.drained = 0;
        match self.events.pop_front() {
            Some(event) => Output::Event(event),
            None => Output::Wait,
        }
    }
}
