//! What the peers of a call do, and what follows from it for the others and for the request under way.

use tandem_bus::media::Command;
use tandem_host_api::Input;
use tandem_host_api::op::{BridgeEnd, LegError, LegEvent, LegId, Outcome, PickUpFailure, TransferFailure};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Method};

use super::{Call, Pending};
use crate::context::{ClientUse, Context};
use crate::leg::{By, Happened};
use crate::shard::Output;

impl Call {
    /// A request within the dialog of a leg.
    pub fn handle_request(
        &mut self,
        id: LegId,
        server: ServerId,
        flow: Flow,
        request: &Message,
        cx: &mut Context<'_>,
    ) {
        if request.method() == Some(Method::Notify) {
            return self.handle_notify(id, server, flow, request, cx);
        }
        let Some(leg) = self.leg(id) else { return };
        leg.note_way(flow);
        let happened = leg.handle_request(server, request, cx);
        self.after(id, happened, cx);
    }

    /// The ACK of a 200 of ours.
    pub fn handle_ack(&mut self, id: LegId, flow: Flow, ack: &Message, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id) else { return };
        leg.note_way(flow);
        let happened = leg.handle_ack(ack, cx);
        self.after(id, happened, cx);
    }

    /// The caller cancelled its INVITE.
    pub fn handle_cancelled(&mut self, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(LegId(0)) else { return };
        let happened = leg.handle_cancelled(cx);
        self.after(LegId(0), happened, cx);
    }

    /// The caller's connection is gone before its INVITE was answered.
    pub fn handle_caller_lost(&mut self, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(LegId(0)) else { return };
        if matches!(leg.signalling, crate::leg::Signalling::Incoming { .. }) {
            leg.end(By::System, 408, "the caller's connection is gone", cx);
            self.after(LegId(0), Happened::Ended, cx);
        }
    }

    /// A response to a request of ours.
    pub fn handle_response(
        &mut self,
        used: ClientUse,
        request: &Message,
        response: &Message,
        cx: &mut Context<'_>,
    ) {
        match used {
            ClientUse::Invite(id) => {
                let Some(leg) = self.leg(id) else { return };
                let happened = leg.handle_invite_response(request, response, cx);
                self.after(id, happened, cx);
            }
            // The peer has no such dialog any more (RFC 3261 §12.2.1.2).
            ClientUse::Probe(id) if matches!(response.status(), Some(408 | 481)) => self.lose(id, cx),
            ClientUse::Refer(id) => self.refer_answered(id, response, cx),
            ClientUse::Message => self.message_answered(Some(response), cx),
            ClientUse::Probe(_) | ClientUse::Bye => (),
        }
    }

    /// A request of ours got no answer, or could not be sent.
    pub fn handle_failed(&mut self, used: ClientUse, words: &str, cx: &mut Context<'_>) {
        match used {
            ClientUse::Invite(id) => {
                let Some(leg) = self.leg(id) else { return };
                if matches!(leg.signalling, crate::leg::Signalling::Outgoing { .. }) {
                    leg.end(By::System, 408, words, cx);
                    self.after(id, Happened::Ended, cx);
                }
            }
            ClientUse::Probe(id) => self.lose(id, cx),
            ClientUse::Refer(id) => self.refer_failed(id, cx),
            ClientUse::Message => self.message_answered(None, cx),
            ClientUse::Bye => (),
        }
    }

    /// A request of ours found no way to its peer in all the time it had.
    pub fn handle_unreachable(&mut self, used: ClientUse, cx: &mut Context<'_>) {
        if let ClientUse::Refer(id) = used {
            return self.refer_failed(id, cx);
        }
        if let ClientUse::Probe(id) = used
            && let Some(leg) = self.leg(id).filter(|leg| leg.is_up())
        {
            // No BYE: it would find no way either.
            leg.end(
                By::System,
                408,
                "the peer's connection is gone and it came by no other",
                cx,
            );
            self.after_end(id, BridgeEnd::Lost, cx);
        }
    }

    /// A peer is gone without a word.
    fn lose(&mut self, id: LegId, cx: &mut Context<'_>) {
        let Some(leg) = self.leg(id).filter(|leg| leg.is_up()) else {
            return;
        };
        leg.hang_up_with(By::System, 408, "the peer was lost", cx);
        self.after_end(id, BridgeEnd::Lost, cx);
    }

    /// What follows for the others from something that happened on a leg.
    pub(super) fn after(&mut self, id: LegId, happened: Happened, cx: &mut Context<'_>) {
        match happened {
            Happened::Nothing => {
                // A planned leg may have failed while its endpoint opened.
                if self.leg(id).is_some_and(|leg| leg.is_over())
                    && matches!(self.core.pending, Pending::Dialling(_))
                {
                    self.dialling_leg_ended(id, cx);
                }
            }
            Happened::Ringing => {
                cx.out.push_back(Output::Journal {
                    call: cx.call,
                    input: Input::LegRinging { leg: id },
                });
                self.dialling_leg_rings(cx);
            }
            Happened::Answered => {
                cx.out.push_back(Output::Journal {
                    call: cx.call,
                    input: Input::LegAnswered { leg: id },
                });
                self.dialling_leg_answered(id, cx);
            }
            Happened::Changed => {
                if matches!(self.core.pending.bridge(), Some((_, _, false))) {
                    self.join(cx);
                }
            }
            Happened::Ended => {
                let end = match self.core.pending.bridge() {
                    Some((first, ..)) if first == id => BridgeEnd::FirstHungUp,
                    _ => BridgeEnd::SecondHungUp,
                };
                self.after_end(id, end, cx);
            }
        }
    }

    /// A leg is over: the request that was about it ends.
    pub(super) fn after_end(&mut self, id: LegId, bridge_end: BridgeEnd, cx: &mut Context<'_>) {
        let cause = self
            .leg(id)
            .and_then(|leg| leg.ending.clone())
            .map(|e| e.cause)
            .unwrap_or_default();
        cx.out.push_back(Output::Journal {
            call: cx.call,
            input: Input::LegEnded { leg: id, cause },
        });
        match &self.core.pending {
            Pending::Opening { leg, .. } | Pending::Sending { leg, .. } if *leg == id => {
                self.done(Outcome::Leg(Err(LegError::Gone)), cx);
            }
            Pending::Playing { leg, .. } if *leg == id => self.done(Outcome::Played(Err(LegError::Gone)), cx),
            Pending::Collecting { leg, .. } if *leg == id => {
                self.done(Outcome::Collected(Err(LegError::Gone)), cx);
            }
            Pending::Bridging { .. } | Pending::BridgingUntil { .. } => {
                let Some((first, second, joined)) = self.core.pending.bridge() else {
                    return;
                };
                if ![first, second].contains(&id) {
                    return;
                }
                if joined {
                    self.part(first, second, cx);
                    self.bridged(Ok(bridge_end), cx);
                } else {
                    self.bridged(Err(LegError::Gone), cx);
                }
            }
            Pending::WaitingLegs { .. } => {
                if let Some(place) = self.waited_place(id) {
                    self.done(Outcome::LegEvent(Ok(LegEvent::Gone(place))), cx);
                }
            }
            Pending::Dialling(_) => self.dialling_leg_ended(id, cx),
            Pending::Recording(it) if it.leg == id => self.recording_leg_ended(cx),
            Pending::PickingUp { picker, .. } if *picker == id => {
                self.done(Outcome::PickedUp(Err(PickUpFailure::Gone)), cx);
            }
            Pending::Transferring(it) if it.leg == id => {
                self.done(Outcome::Transferred(Err(TransferFailure::Gone)), cx);
            }
            _ => (),
        }
    }

    pub(super) fn part(&mut self, first: LegId, second: LegId, cx: &mut Context<'_>) {
        let ends = (
            self.leg(first).map(|l| l.endpoint),
            self.leg(second).map(|l| l.endpoint),
        );
        if let (Some(a), Some(b)) = ends {
            cx.media(Command::Part { a, b });
        }
        for id in [first, second] {
            if let Some(leg) = self.leg(id) {
                leg.digits.clear();
            }
        }
    }

    /// Connects the two legs of a pending bridge as soon as both have media; answers the first if need be.
    pub fn join(&mut self, cx: &mut Context<'_>) {
        let Some((first, second, _)) = self.core.pending.bridge() else {
            return;
        };
        // Its ports are on their way: `handle_opened` comes back here.
        if self
            .leg(first)
            .is_some_and(|leg| leg.media == crate::leg::Media::Opening)
        {
            return;
        }
        if self.leg(first).is_some_and(|leg| !leg.is_up())
            && let Err(error) = self.describe_leg(first, true, cx)
        {
            return self.bridged(Err(error), cx);
        }
        let (Some(a), Some(b)) = (self.legs.get(first.0 as usize), self.legs.get(second.0 as usize)) else {
            return;
        };
        if a.can_be_joined() && b.can_be_joined() {
            let (a, b) = (a.endpoint, b.endpoint);
            for id in [first, second] {
                if let Some(leg) = self.leg(id) {
                    leg.stop_play(cx);
                }
            }
            cx.media(Command::Join { a, b });
            self.core.pending.set_joined();
        }
    }
}
