//! What the media gate tells of a call's endpoints.

use std::net::SocketAddr;

use tandem_bus::media::{Event, PlayEnd, PlayId, Refusal, RtpPosition};
use tandem_host_api::Input;
use tandem_host_api::collect::Progress;
use tandem_host_api::op::{self, BridgeEnd, LegError, LegEvent, LegId, Outcome};

use super::recording::Ended;
use super::{Call, Pending};
use crate::context::Context;
use crate::leg::{By, Happened, Media, Role};
use crate::shard::Output;

impl Call {
    /// The gate tells something of an endpoint of this call.
    pub fn handle_media(&mut self, id: LegId, event: Event, cx: &mut Context<'_>) {
        match event {
            Event::Opened { local, position, .. } => self.handle_opened(id, local, position, cx),
            Event::Heard { remote, .. } => {
                if let Some(leg) = self.leg(id) {
                    leg.heard = Some(remote);
                }
            }
            Event::Refused { why, .. } => self.handle_refused(id, &why, cx),
            Event::PlayEnded { play, end, .. } => self.handle_play_ended(id, play, end, cx),
            Event::Digit { digit, .. } => self.handle_digit(id, digit, cx),
            Event::DigitsSent { send, sent, .. } => {
                if matches!(self.core.pending, Pending::Sending { leg, send: waited, .. } if leg == id && waited == send)
                {
                    let outcome = sent
                        .then_some(())
                        .ok_or_else(|| LegError::Media("the peer takes no telephone-event".into()));
                    self.done(Outcome::Leg(outcome), cx);
                }
            }
            Event::Unheard { .. } => {
                if let Some(leg) = self.leg(id) {
                    leg.probe(cx);
                }
            }
            Event::Closed { statistics, .. } => {
                if let Some(leg) = self.leg(id) {
                    leg.media = Media::Closed(Some(statistics));
                }
            }
            Event::RecordEnded {
                record,
                end,
                duration_ms,
                bytes,
                ..
            } => {
                let ended = Ended {
                    end,
                    duration_ms,
                    bytes,
                };
                self.handle_record_ended(record, ended, cx);
            }
            // It is about no leg: see `reconcile`.
            Event::Reported { .. } => (),
        }
    }

    /// The endpoint of a leg has ports.
    pub fn handle_opened(
        &mut self,
        id: LegId,
        local: SocketAddr,
        position: RtpPosition,
        cx: &mut Context<'_>,
    ) {
        let Some(leg) = self.leg(id) else { return };
        leg.handle_opened(local, position, cx);
        match self.core.pending {
            Pending::Opening { leg, answer } if leg == id => {
                let outcome = self.describe_leg(id, answer, cx);
                self.done(Outcome::Leg(outcome), cx);
            }
            _ if matches!(self.core.pending.bridge(), Some((first, ..)) if first == id) => self.join(cx),
            _ => self.after(id, Happened::Nothing, cx),
        }
    }

    /// Sends 183 or 200 on a leg whose endpoint is open.
    pub fn describe_leg(&mut self, id: LegId, answer: bool, cx: &mut Context<'_>) -> Result<(), LegError> {
        let leg = self.leg(id).ok_or(LegError::Gone)?;
        if !answer {
            return leg.send_early_media(cx);
        }
        leg.send_answer(cx)?;
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::LegAnswered { leg: id },
        });
        Ok(())
    }

    fn handle_refused(&mut self, id: LegId, why: &Refusal, cx: &mut Context<'_>) {
        let words = match why {
            Refusal::PortsTaken => "every media port is taken".to_owned(),
            Refusal::Full => "the media gate takes no more endpoints".to_owned(),
            Refusal::System(error) => format!("no media port: {error}"),
        };
        tracing::warn!(call = %self.origin.id, leg = id.0, why = %words, "no media endpoint");
        let Some(leg) = self.leg(id) else { return };
        let had = matches!(leg.media, Media::Open(_) | Media::Agreed(..));
        leg.media = Media::Closed(Some(tandem_bus::media::Statistics::default()));
        if leg.is_over() {
            return;
        }
        if had {
            // Another gate could not go on with it.
            let words = format!("media could not be restored: {words}");
            leg.hang_up_with(By::System, 503, &words, cx);
            return self.after_end(id, BridgeEnd::Lost, cx);
        }
        if leg.role == Role::Callee {
            leg.end(By::System, 503, &words, cx);
            return self.after(id, Happened::Ended, cx);
        }
        leg.media = Media::None;
        match self.core.pending {
            Pending::Opening { leg, .. } if leg == id => {
                self.done(Outcome::Leg(Err(LegError::Media(words))), cx);
            }
            _ if matches!(self.core.pending.bridge(), Some((first, ..)) if first == id) => {
                self.bridged(Err(LegError::Media(words)), cx);
            }
            _ => (),
        }
    }

    /// A playback is over.
    pub fn handle_play_ended(&mut self, id: LegId, play: PlayId, end: PlayEnd, cx: &mut Context<'_>) {
        let current = self
            .leg(id)
            .is_some_and(|leg| leg.play.take_if(|current| current.play == play).is_some());
        if let PlayEnd::Failed(why) = &end {
            tracing::warn!(call = %self.origin.id, leg = id.0, %why, "a prompt could not be played");
        }
        match &mut self.core.pending {
            Pending::Playing { leg, play: waited } if *leg == id && *waited == play => {
                let outcome = match end {
                    PlayEnd::Finished => Ok(op::PlayEnd::Finished),
                    PlayEnd::Stopped => Ok(op::PlayEnd::Stopped),
                    PlayEnd::Failed(why) => Err(LegError::Media(why)),
                };
                self.done(Outcome::Played(outcome), cx);
            }
            Pending::Recording(_) => self.beep_ended(id, play, cx),
            // The end of a tone before the prompts is not theirs.
            Pending::Collecting { leg, collector } if *leg == id && current => match end {
                PlayEnd::Failed(why) => self.done(Outcome::Collected(Err(LegError::Media(why))), cx),
                PlayEnd::Finished | PlayEnd::Stopped => collector.handle_prompts_ended(cx.now),
            },
            _ => (),
        }
    }

    fn handle_digit(&mut self, id: LegId, digit: char, cx: &mut Context<'_>) {
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::Digit { leg: id, digit },
        });
        if let Some(place) = self.waited_place(id) {
            return self.done(Outcome::LegEvent(Ok(LegEvent::Digit(place, digit))), cx);
        }
        match &mut self.core.pending {
            Pending::Collecting { leg, collector } if *leg == id => {
                let progress = collector.handle_digit(digit, cx.now);
                self.collecting(id, progress, cx);
            }
            Pending::Recording(it) if it.leg == id => self.recording_digit(digit, cx),
            // Digits of a conversation belong to it.
            Pending::Bridging { joined: true, .. } => (),
            Pending::BridgingUntil { joined: true, .. } => self.bridge_digit(id, digit, cx),
            _ => {
                if let Some(leg) = self.leg(id) {
                    leg.keep_digit(digit);
                }
            }
        }
    }

    /// Carries out what a collector wants.
    pub fn collecting(&mut self, id: LegId, progress: Progress, cx: &mut Context<'_>) {
        match progress {
            Progress::Going => (),
            Progress::StopPrompts => {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
            }
            Progress::Over(collected) => {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
                self.done(Outcome::Collected(Ok(collected)), cx);
            }
        }
    }
}
