//! A caller's leg up to its answer: 180, 183 and 200 to the INVITE that began it (RFC 3261 §13.3).

use tandem_host_api::op::LegError;
use tandem_sip::dialog::{Dialog, UasInvite};
use tandem_sip::transactions::{ServerId, Times};
use tandem_sip::{Flow, Message, Moment};

use super::{By, Happened, Leg, Media, Role, Signalling};
use crate::context::Context;
use crate::sdp;
use crate::sip_text;

impl Leg {
    /// Tells the caller that it rings: 180, or nothing where 183 went before it.
    pub fn ring(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        match &self.signalling {
            Signalling::Incoming { server, early } => {
                if !self.ringing
                    && !early
                    && let Some(request) = &self.invite
                {
                    let reply = sip_text::reply(request, 180, &self.tag, self.way.flow, None);
                    cx.respond(*server, reply);
                }
                self.ringing = true;
                Ok(())
            }
            Signalling::Up { .. } if self.role == Role::Caller => Ok(()),
            Signalling::Ended | Signalling::Leaving { .. } => Err(LegError::Gone),
            _ => Err(LegError::WrongState(
                "a leg that was dialled cannot be told to ring".into(),
            )),
        }
    }

    /// Agrees on media from the caller's offer and sends 183 with our description.
    pub fn send_early_media(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        // Without 100rel an offer of ours may only go into the 200 (RFC 3261 §13.2.1).
        if self.audio.is_none() {
            return Err(LegError::Media(
                "the caller made no offer: it hears nothing before the answer".into(),
            ));
        }
        let body = self.describe(cx)?;
        let (Signalling::Incoming { server, early }, Some(request)) = (&mut self.signalling, &self.invite)
        else {
            return Err(LegError::Gone);
        };
        if !*early {
            *early = true;
            let reply = sip_text::reply(request, 183, &self.tag, self.way.flow, Some(&body));
            cx.respond(*server, reply);
        }
        Ok(())
    }

    /// Sends 200 with our description and makes the dialog.
    pub fn send_answer(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        let body = self.describe(cx)?;
        let Some((server, request)) = self.open_invite() else {
            return Err(LegError::Gone);
        };
        let Ok(dialog) = Dialog::uas(request, &self.tag, self.way.flow) else {
            return Err(LegError::WrongState("the INVITE makes no dialog".into()));
        };
        let reply = sip_text::reply(request, 200, &self.tag, self.way.flow, Some(&body));
        let Ok(response) = reply else {
            return Err(LegError::WrongState("the answer cannot be written".into()));
        };
        let invite = Self::await_ack(request, &response, self.way.flow, cx.now);
        cx.respond(server, Ok(response));
        cx.dialogs.insert(dialog.key(), (cx.call, self.id));
        self.signalling = Signalling::Up {
            dialog: Box::new(dialog),
            invite,
        };
        self.invite = None;
        self.answered = Some(cx.now);
        self.repeat_at = Some(cx.now);
        Ok(())
    }

    pub(super) fn await_ack(
        request: &Message,
        response: &Message,
        flow: Flow,
        now: Moment,
    ) -> Option<Box<UasInvite>> {
        let seq = request.cseq().ok()?.seq;
        Some(Box::new(UasInvite::new(
            flow,
            seq,
            response.as_bytes().clone(),
            Times::default(),
            now,
        )))
    }

    /// Our description: the answer to the caller's offer, or an offer where it made none. Tells the gate.
    fn describe(&mut self, cx: &mut Context<'_>) -> Result<String, LegError> {
        match (&self.media, &self.audio) {
            (Media::Open(local) | Media::Agreed(local, _), Some(audio)) => {
                let local = *local;
                let agreed = audio
                    .agree(None)
                    .ok_or_else(|| LegError::Media(sdp::SdpError::NoCodec.to_string()))?;
                let body = sdp::answer(local, self.origin, audio, &agreed);
                self.agree(local, agreed, cx);
                Ok(body)
            }
            // The offer is ours, the answer comes with the ACK (RFC 3261 §13.2.1).
            (Media::Open(local), None) => {
                self.offered = true;
                Ok(sdp::offer(*local, self.origin, None))
            }
            _ => Err(LegError::Media("the media endpoint is not open".into())),
        }
    }

    /// The caller took its INVITE back.
    pub fn handle_cancelled(&mut self, cx: &mut Context<'_>) -> Happened {
        let Some((server, request)) = self.open_invite() else {
            return Happened::Nothing;
        };
        cx.respond(
            server,
            sip_text::reply(request, 487, &self.tag, self.way.flow, None),
        );
        self.end(By::Peer, 487, "cancelled by the caller", cx);
        Happened::Ended
    }

    /// The INVITE that has no final response of ours yet, with its transaction.
    pub(super) fn open_invite(&self) -> Option<(ServerId, &Message)> {
        match &self.signalling {
            Signalling::Incoming { server, .. } => Some((*server, self.invite.as_ref()?)),
            _ => None,
        }
    }
}
