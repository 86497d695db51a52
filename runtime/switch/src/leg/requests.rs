//! Requests within a leg's dialog, of either side: ACK, re-INVITE, OPTIONS, BYE (RFC 3261 §12.2, §14, §15).

use tandem_host_api::op::Cause;
use tandem_sip::dialog::{Dialog, UasInvite, UasOutput};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Method, Moment};

use super::{By, Happened, Leg, Media, Origin, Signalling, understand};
use crate::context::{ClientUse, Context, Way};
use crate::sdp;
use crate::sip_text;

impl Leg {
    /// A request of the peer came within the dialog: what we send goes where it came from (RFC 5626 §5.3). A phone
    /// whose connection was gone is reached again.
    pub fn note_way(&mut self, flow: Flow) {
        self.way = Way::open(flow);
        if let Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } = &mut self.signalling {
            dialog.flow = flow;
        }
    }

    /// ACK of our 200; it carries the answer where the offer was ours.
    pub fn handle_ack(&mut self, ack: &Message, cx: &mut Context<'_>) -> Happened {
        let Ok(cseq) = ack.cseq() else {
            return Happened::Nothing;
        };
        match &mut self.signalling {
            Signalling::Up { invite, .. } => {
                if invite.take_if(|invite| invite.handle_ack(cseq.seq)).is_none() {
                    return Happened::Nothing;
                }
            }
            Signalling::Leaving { invite, .. } => {
                if invite.handle_ack(cseq.seq) {
                    self.leave(cx);
                }
                return Happened::Nothing;
            }
            Signalling::Incoming { .. }
            | Signalling::Planned { .. }
            | Signalling::Outgoing { .. }
            | Signalling::Elsewhere { .. }
            | Signalling::Ended => {
                return Happened::Nothing;
            }
        }
        if !std::mem::take(&mut self.offered) {
            return Happened::Nothing;
        }
        let (Media::Open(local) | Media::Agreed(local, _)) = self.media else {
            return Happened::Nothing;
        };
        let Some((audio, agreed)) = understand(ack.body(), None) else {
            self.hang_up_with(By::System, 488, "no usable session description in the ACK", cx);
            return Happened::Ended;
        };
        self.audio = Some(audio);
        self.agree(local, agreed, cx);
        Happened::Changed
    }

    /// Whether a request of the peer has its place in the dialog; else it is refused here.
    pub fn takes_request(&mut self, server: ServerId, request: &Message, cx: &mut Context<'_>) -> bool {
        let refused = match &mut self.signalling {
            Signalling::Up { dialog, .. } => dialog.handle_request(request).err().map(|reject| reject.status),
            _ => Some(481),
        };
        if let Some(status) = refused {
            cx.respond(
                server,
                sip_text::reply(request, status, &self.tag, self.way.flow, None),
            );
        }
        refused.is_none()
    }

    /// A request within the leg's dialog, or its CANCEL's BYE-like end. The response is sent here.
    pub fn handle_request(&mut self, server: ServerId, request: &Message, cx: &mut Context<'_>) -> Happened {
        if let Signalling::Leaving { dialog, .. } = &mut self.signalling
            && request.method() == Some(Method::Bye)
        {
            cx.respond(
                server,
                sip_text::reply(request, 200, &self.tag, self.way.flow, None),
            );
            cx.dialogs.remove(&dialog.key());
            self.signalling = Signalling::Ended;
            return Happened::Nothing;
        }
        let Signalling::Up { dialog, invite } = &mut self.signalling else {
            cx.respond(
                server,
                sip_text::reply(request, 481, &self.tag, self.way.flow, None),
            );
            return Happened::Nothing;
        };
        if let Err(reject) = dialog.handle_request(request) {
            cx.respond(
                server,
                sip_text::reply(request, reject.status, &self.tag, self.way.flow, None),
            );
            return Happened::Nothing;
        }
        match request.method() {
            Some(Method::Bye) => {
                cx.respond(
                    server,
                    sip_text::reply(request, 200, &self.tag, self.way.flow, None),
                );
                self.end(By::Peer, 200, "hung up", cx);
                Happened::Ended
            }
            // Our own INVITE's 200 is not acknowledged yet (RFC 3261 §14.2).
            Some(Method::Invite) if invite.is_some() => {
                cx.respond(
                    server,
                    sip_text::reply(request, 491, &self.tag, self.way.flow, None),
                );
                Happened::Nothing
            }
            Some(Method::Invite) => self.handle_reinvite(server, request, cx),
            Some(Method::Options | Method::Info) => {
                cx.respond(
                    server,
                    sip_text::reply(request, 200, &self.tag, self.way.flow, None),
                );
                Happened::Nothing
            }
            _ => {
                cx.respond(
                    server,
                    sip_text::reply(request, 405, &self.tag, self.way.flow, None),
                );
                Happened::Nothing
            }
        }
    }

    /// A new offer on a leg that is up: hold, resume, a moved phone (RFC 3261 §14.2).
    fn handle_reinvite(&mut self, server: ServerId, request: &Message, cx: &mut Context<'_>) -> Happened {
        let (Media::Open(local) | Media::Agreed(local, _)) = self.media else {
            cx.respond(
                server,
                sip_text::reply(request, 488, &self.tag, self.way.flow, None),
            );
            return Happened::Nothing;
        };
        let next = Origin {
            version: self.origin.version + 1,
            ..self.origin
        };
        self.offered = request.body().is_empty();
        let body = if self.offered {
            // The peer wants an offer; its answer comes with the ACK. Until then sound flows as it did.
            sdp::offer(local, next, self.codec())
        } else {
            let Some((audio, agreed)) = understand(request.body(), self.codec()) else {
                // The session goes on as it was.
                cx.respond(
                    server,
                    sip_text::reply(request, 488, &self.tag, self.way.flow, None),
                );
                return Happened::Nothing;
            };
            let body = sdp::answer(local, next, &audio, &agreed);
            self.audio = Some(audio);
            self.agree(local, agreed, cx);
            body
        };
        self.origin = next;
        let reply = sip_text::reply(request, 200, &self.tag, self.way.flow, Some(&body));
        if let (Ok(response), Signalling::Up { invite, .. }) = (&reply, &mut self.signalling) {
            *invite = Self::await_ack(request, response, self.way.flow, cx.now);
            self.repeat_at = Some(cx.now); // asks the machine for its first deadline
        }
        cx.respond(server, reply);
        Happened::Changed
    }

    /// Time passed: our 200 is repeated until its ACK, and given up (RFC 3261 §13.3.1.4).
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Happened {
        let now = cx.now;
        if !self.repeat_answer(|invite| invite.handle_timeout(now), cx) {
            return Happened::Nothing;
        }
        if self.is_leaving() {
            self.leave(cx);
            return Happened::Nothing;
        }
        self.hang_up_with(By::System, 408, "no ACK came for our 200", cx);
        Happened::Ended
    }

    /// After a restart: our 200 may never have left.
    pub fn resend(&mut self, cx: &mut Context<'_>) {
        let now = cx.now;
        // It is given up when time passes, not here.
        let _ = self.repeat_answer(|invite| invite.resend(now), cx);
    }

    /// Gives our 200 that waits for its ACK an input and sends what it wants sent; true: no ACK came in time.
    fn repeat_answer(&mut self, input: impl FnOnce(&mut UasInvite), cx: &mut Context<'_>) -> bool {
        let (Signalling::Up {
            invite: Some(invite), ..
        }
        | Signalling::Leaving { invite, .. }) = &mut self.signalling
        else {
            return false;
        };
        input(invite);
        loop {
            match invite.poll_output() {
                // Not where the INVITE came from: the peer may have come back by another connection.
                UasOutput::Send { message, .. } => cx.send(self.way.flow, message),
                UasOutput::Wait(at) => {
                    self.repeat_at = at;
                    return false;
                }
                UasOutput::NoAck => return true,
            }
        }
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        let waits = matches!(
            self.signalling,
            Signalling::Up { invite: Some(_), .. } | Signalling::Leaving { .. }
        );
        self.repeat_at.filter(|_| waits)
    }

    /// Asks a peer that has fallen silent whether it is still there (OPTIONS in the dialog).
    pub fn probe(&mut self, cx: &mut Context<'_>) {
        if let Signalling::Up { dialog, .. } = &mut self.signalling
            && let Ok(request) = dialog.request(Method::Options).build()
        {
            cx.request_within(request, self.way, self.user.as_deref(), ClientUse::Probe(self.id));
        }
    }

    /// Ends the leg for a scenario's cause.
    pub fn hang_up(&mut self, cause: Cause, cx: &mut Context<'_>) {
        let words = match cause {
            Cause::Normal => "ended by the scenario",
            Cause::Busy => "busy",
            Cause::Declined => "declined",
            Cause::NotFound => "not found",
            Cause::Forbidden => "forbidden",
            Cause::Unavailable => "unavailable",
            Cause::Congested => "congested",
            Cause::Status(_) => "refused by the scenario",
        };
        self.hang_up_with(By::Scenario, cause.status(), words, cx);
    }

    /// Ends the leg: a final status, CANCEL or BYE, whichever its state wants.
    pub fn hang_up_with(&mut self, by: By, status: u16, cause: &str, cx: &mut Context<'_>) {
        match &mut self.signalling {
            Signalling::Incoming { .. } => {
                if let Some((server, request)) = self.open_invite() {
                    cx.respond(
                        server,
                        sip_text::reply(request, status, &self.tag, self.way.flow, None),
                    );
                }
                self.end(by, status, cause, cx);
            }
            Signalling::Outgoing { client, cancelled } if !*cancelled => {
                cx.cancel(*client);
                *cancelled = true;
                self.note_ending(by, 487, cause, cx.now);
                self.close_media(cx);
            }
            Signalling::Up { dialog, invite } => {
                // A lost peer gets its BYE at once: its ACK will not come.
                let waits = invite.take().filter(|_| by == By::Scenario);
                let status = if status == 480 { 200 } else { status };
                if let Some(invite) = waits {
                    let dialog = dialog.clone();
                    self.note_ending(by, status, cause, cx.now);
                    self.signalling = Signalling::Leaving { dialog, invite };
                    return self.close_media(cx);
                }
                Self::send_bye(dialog, self.way, self.user.as_deref(), cx);
                self.end(by, status, cause, cx);
            }
            Signalling::Planned { .. } => self.end(by, 487, cause, cx),
            // The other call hears of it: it has asked.
            Signalling::Elsewhere { .. } => {
                let status = if status == 480 { 200 } else { status };
                self.end(by, status, cause, cx);
            }
            // A server that stops waits for no ACK.
            Signalling::Leaving { .. } if by == By::System => self.leave(cx),
            Signalling::Outgoing { .. } | Signalling::Leaving { .. } | Signalling::Ended => (),
        }
    }

    /// Its call is lost: whatever can be is said to its peer.
    pub fn abandon(&mut self, cx: &mut Context<'_>) {
        match &mut self.signalling {
            Signalling::Incoming { .. } => {
                if let Some((server, request)) = self.open_invite() {
                    cx.respond(
                        server,
                        sip_text::reply(request, 500, &self.tag, self.way.flow, None),
                    );
                }
            }
            Signalling::Outgoing {
                client,
                cancelled: false,
            } => cx.cancel(*client),
            Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } => {
                Self::send_bye(dialog, self.way, self.user.as_deref(), cx);
            }
            Signalling::Outgoing { .. }
            | Signalling::Planned { .. }
            | Signalling::Elsewhere { .. }
            | Signalling::Ended => (),
        }
    }

    /// As [`Self::hang_up_with`], where somebody else has answered: a phone that rings is told so (RFC 3326).
    pub fn cancel_elsewhere(&mut self, cause: &str, cx: &mut Context<'_>) {
        match &mut self.signalling {
            Signalling::Outgoing { client, cancelled } if !*cancelled => {
                cx.cancel_elsewhere(*client);
                *cancelled = true;
                self.note_ending(By::Scenario, 487, cause, cx.now);
                self.close_media(cx);
            }
            _ => self.hang_up_with(By::Scenario, 487, cause, cx),
        }
    }

    fn send_bye(dialog: &mut Dialog, way: Way, user: Option<&str>, cx: &mut Context<'_>) {
        match dialog.request(Method::Bye).build() {
            Ok(request) => cx.request_within(request, way, user, ClientUse::Bye),
            Err(error) => tracing::error!(%error, "a BYE could not be written"),
        }
    }

    /// The ACK that our BYE waited for has come, or will not come.
    fn leave(&mut self, cx: &mut Context<'_>) {
        if let Signalling::Leaving { dialog, .. } = &mut self.signalling {
            Self::send_bye(dialog, self.way, self.user.as_deref(), cx);
            cx.dialogs.remove(&dialog.key());
            self.signalling = Signalling::Ended;
        }
    }
}
