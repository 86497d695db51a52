//! A callee's leg: what comes of the INVITE that we sent (RFC 3261 §13.2).

use tandem_sip::Message;
use tandem_sip::dialog::{Answer, Dialog, UacInvite};

use super::{By, Happened, Leg, Media, Signalling, understand};
use crate::context::Context;
use crate::sip_text;

impl Leg {
    /// A response to our INVITE.
    pub fn handle_invite_response(
        &mut self,
        request: &Message,
        response: &Message,
        cx: &mut Context<'_>,
    ) -> Happened {
        let status = response.status().unwrap_or(500);
        match (&self.signalling, status) {
            (Signalling::Outgoing { cancelled: false, .. }, 180..=199) if !self.ringing => {
                self.ringing = true;
                Happened::Ringing
            }
            (Signalling::Outgoing { .. }, 100..=199) => Happened::Nothing,
            (Signalling::Outgoing { cancelled: false, .. }, 200..=299) => self.connect(request, response, cx),
            // It answered while our CANCEL was on its way, or a fork of it answered late: end that dialog.
            (Signalling::Outgoing { cancelled: true, .. }, 200..=299) => {
                self.handle_further_answer(request, response, cx);
                self.signalling = Signalling::Ended;
                Happened::Ended
            }
            (Signalling::Ended, 200..=299) => {
                self.handle_further_answer(request, response, cx);
                Happened::Nothing
            }
            (Signalling::Outgoing { .. }, _) => {
                self.end(By::Peer, status, &String::from_utf8_lossy(response.reason()), cx);
                Happened::Ended
            }
            // A repeated 200 gets the same ACK again, one of another fork its end (RFC 3261 §13.2.2.4).
            (Signalling::Up { .. }, 200..=299) => {
                self.handle_further_answer(request, response, cx);
                Happened::Nothing
            }
            (
                Signalling::Up { .. }
                | Signalling::Leaving { .. }
                | Signalling::Ended
                | Signalling::Elsewhere { .. }
                | Signalling::Incoming { .. }
                | Signalling::Planned { .. },
                _,
            ) => Happened::Nothing,
        }
    }

    /// A 200 after the first: a repeat gets the same ACK, another fork its end.
    fn handle_further_answer(&mut self, request: &Message, response: &Message, cx: &mut Context<'_>) {
        match self.answers.handle_answer(response) {
            Ok(Answer::Repeat { flow, ack }) => cx.send(flow, ack),
            Ok(Answer::First | Answer::Fork) => self.farewell(request, response, cx),
            Ok(Answer::Pending) | Err(_) => (),
        }
    }

    /// No further 200 can come.
    pub fn forget_answers(&mut self) {
        self.answers = UacInvite::new();
    }

    /// Ends a dialog that nobody wants: ACK, whose repeats are kept, and BYE.
    fn farewell(&mut self, request: &Message, response: &Message, cx: &mut Context<'_>) {
        let tag = response
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned))
            .unwrap_or_default();
        if let Some(ack) = sip_text::refuse_late_answer(request, response, self.way.flow, cx) {
            self.answers.acked(&tag, self.way.flow, ack);
        }
    }

    /// 200 to our INVITE: ACK, dialog, media.
    fn connect(&mut self, request: &Message, response: &Message, cx: &mut Context<'_>) -> Happened {
        let dialog = match Dialog::uac(request, response, self.way.flow) {
            Ok(dialog) => dialog,
            Err(error) => {
                self.end(By::Peer, 502, &format!("unusable 200: {error}"), cx);
                return Happened::Ended;
            }
        };
        self.note_call_id(request); // its INVITE may be from before a restart
        let first = self.answers.handle_answer(response);
        if let (Ok(Answer::First), Some(ack)) = (first, sip_text::ack(&dialog, request, self.way.flow, cx)) {
            self.answers.acked(&dialog.remote_tag, self.way.flow, ack);
        }
        cx.dialogs.insert(dialog.key(), (cx.call, self.id));
        self.signalling = Signalling::Up {
            dialog: Box::new(dialog),
            invite: None,
        };
        self.answered = Some(cx.now);
        let Media::Open(local) = self.media else {
            return Happened::Answered;
        };
        let Some((audio, agreed)) = understand(response.body(), None) else {
            self.hang_up_with(By::System, 488, "no common codec in the answer", cx);
            return Happened::Ended;
        };
        self.audio = Some(audio);
        self.agree(local, agreed, cx);
        Happened::Answered
    }
}
