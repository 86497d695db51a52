//! One peer's side of a call: its SIP dialog and its media endpoint.
//!
//! A leg does what its call tells it and tells the call what happened by [`Happened`]. Not here: what follows from
//! it for the other legs or the scenario (`call`), or how digits make an entry (`collect`).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use tandem_bus::media::{Agreed, Codec, Command, EndpointId, PlayId, Prompt, Statistics};
use tandem_host_api::op::{Address, Cause, LegError, LegId};
use tandem_sip::dialog::{Answer, Dialog, UacInvite, UasInvite, UasOutput};
use tandem_sip::transactions::{ServerId, Times};
use tandem_sip::{Flow, Message, Method};

use crate::context::{ClientUse, Context};
use crate::sdp::{self, Audio, Origin};
use crate::sip_text;

mod state;

pub use state::{By, Ending, Happened, Media, Planned, Role, Signalling};

/// Digits kept for a later collection; the oldest go first.
const DIGITS_MAX: usize = 64;

/// A leg of a call.
#[derive(Debug)]
pub struct Leg {
    /// Its number in the call.
    pub id: LegId,
    /// Which side began it.
    pub role: Role,
    /// The peer.
    pub peer: Address,
    /// What our INVITE's 200s mean.
    answers: UacInvite,
    /// What was dialled (caller), or who calls (callee).
    pub local: Address,
    /// The domain's user behind the peer.
    pub user: Option<String>,
    /// Where its messages go.
    pub flow: Flow,
    /// The dialog.
    pub signalling: Signalling,
    /// The endpoint's number.
    pub endpoint: EndpointId,
    /// The endpoint's state.
    pub media: Media,
    /// The peer's description, where it has sent one that holds.
    pub audio: Option<Audio>,
    /// The codec that was agreed last.
    pub codec_used: Option<Codec>,
    /// Our description's identity.
    pub origin: Origin,
    /// Our tag of the dialog.
    pub tag: String,
    /// The playback under way.
    pub play: Option<PlayId>,
    /// Digits nobody has asked for yet.
    pub digits: VecDeque<char>,
    /// Rings, as far as the other side was told.
    pub ringing: bool,
    /// When it began.
    pub started: Instant,
    /// When it was answered.
    pub answered: Option<Instant>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// When our 200 is due again.
    repeat_at: Option<Instant>,
    /// Our 200 made an offer: the ACK brings the answer.
    offered: bool,
}

impl Leg {
    /// A leg that an INVITE began; `audio` is its offer, if it made one.
    pub fn incoming(
        server: ServerId,
        request: Message,
        flow: Flow,
        audio: Option<Audio>,
        (peer, local): (Address, Address),
        cx: &mut Context<'_>,
    ) -> Self {
        let user = Some(peer.user.clone());
        let mut leg = Self::new(LegId(0), Role::Caller, (peer, local), flow, cx);
        leg.signalling = Signalling::Incoming {
            server,
            request,
            early: false,
        };
        leg.audio = audio;
        leg.user = user;
        leg
    }

    /// A leg to a binding of `user`; the INVITE leaves once media is open ([`Self::handle_opened`]).
    pub fn outgoing(id: LegId, user: &str, planned: Planned, flow: Flow, cx: &mut Context<'_>) -> Self {
        let peer = Address {
            user: user.into(),
            host: cx.domain.to_string(),
            display_name: String::new(),
        };
        let mut leg = Self::new(id, Role::Callee, (peer, planned.from.clone()), flow, cx);
        leg.user = Some(user.into());
        leg.signalling = Signalling::Planned {
            target: Box::new(planned),
        };
        leg.open_media(cx);
        leg
    }

    fn new(
        id: LegId,
        role: Role,
        (peer, local): (Address, Address),
        flow: Flow,
        cx: &mut Context<'_>,
    ) -> Self {
        Self {
            id,
            role,
            peer,
            answers: UacInvite::new(),
            local,
            user: None,
            flow,
            signalling: Signalling::Ended,
            endpoint: cx.new_endpoint(id),
            media: Media::None,
            audio: None,
            codec_used: None,
            origin: Origin {
                session: u64::from(cx.random_u32()),
                version: 1,
            },
            tag: cx.new_tag(),
            play: None,
            digits: VecDeque::new(),
            ringing: false,
            started: cx.now,
            answered: None,
            ending: None,
            repeat_at: None,
            offered: false,
        }
    }

    /// Whether the leg is over.
    pub fn is_over(&self) -> bool {
        matches!(self.signalling, Signalling::Ended | Signalling::Leaving { .. })
    }

    /// Whether the leg is over, but its BYE still waits for an ACK.
    pub fn is_leaving(&self) -> bool {
        matches!(self.signalling, Signalling::Leaving { .. })
    }

    /// Whether it was answered and is still up.
    pub fn is_up(&self) -> bool {
        matches!(self.signalling, Signalling::Up { .. })
    }

    /// The codec in use.
    pub fn codec(&self) -> Option<Codec> {
        match &self.media {
            Media::Agreed(_, agreed) => Some(agreed.codec),
            _ => None,
        }
    }

    /// Whether something can be played to the peer.
    pub fn is_audible(&self) -> bool {
        matches!(self.media, Media::Agreed(..)) && !self.is_over()
    }

    /// Asks the gate for ports, once.
    pub fn open_media(&mut self, cx: &mut Context<'_>) {
        if self.media == Media::None {
            self.media = Media::Opening;
            cx.media(Command::Open {
                endpoint: self.endpoint,
                domain: cx.domain.to_string(),
            });
        }
    }

    /// The gate gave ports. A planned INVITE leaves.
    pub fn handle_opened(&mut self, local: SocketAddr, cx: &mut Context<'_>) {
        if self.media != Media::Opening {
            return;
        }
        self.media = Media::Open(local);
        if let Signalling::Planned { target } = &self.signalling {
            let body = sdp::offer(local, self.origin, target.codec);
            match sip_text::invite(target, self, &body, cx) {
                Ok(request) => {
                    let sent = cx.request(request, self.flow, ClientUse::Invite(self.id));
                    self.signalling = Signalling::Outgoing {
                        client: sent,
                        cancelled: false,
                    };
                }
                Err(error) => self.end(By::System, 500, &error.to_string(), cx),
            }
        }
    }

    /// Tells the caller that it rings: 180, or nothing where 183 went before it.
    pub fn ring(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        match &self.signalling {
            Signalling::Incoming {
                server,
                request,
                early,
            } => {
                if !self.ringing && !early {
                    let reply = sip_text::reply(request, 180, &self.tag, self.flow, None);
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
        let Signalling::Incoming {
            server,
            request,
            early,
        } = &mut self.signalling
        else {
            return Err(LegError::Gone);
        };
        if !*early {
            *early = true;
            let reply = sip_text::reply(request, 183, &self.tag, self.flow, Some(&body));
            cx.respond(*server, reply);
        }
        Ok(())
    }

    /// Sends 200 with our description and makes the dialog.
    pub fn send_answer(&mut self, cx: &mut Context<'_>) -> Result<(), LegError> {
        let body = self.describe(cx)?;
        let Signalling::Incoming { server, request, .. } = &self.signalling else {
            return Err(LegError::Gone);
        };
        let Ok(dialog) = Dialog::uas(request, &self.tag, self.flow) else {
            return Err(LegError::WrongState("the INVITE makes no dialog".into()));
        };
        let reply = sip_text::reply(request, 200, &self.tag, self.flow, Some(&body));
        let Ok(response) = reply else {
            return Err(LegError::WrongState("the answer cannot be written".into()));
        };
        let invite = Self::await_ack(request, &response, self.flow, cx.now);
        cx.respond(*server, Ok(response));
        cx.dialogs.insert(dialog.key(), (cx.call, self.id));
        self.signalling = Signalling::Up {
            dialog: Box::new(dialog),
            invite,
        };
        self.answered = Some(cx.now);
        self.repeat_at = Some(cx.now);
        Ok(())
    }

    fn await_ack(request: &Message, response: &Message, flow: Flow, now: Instant) -> Option<Box<UasInvite>> {
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

    fn agree(&mut self, local: SocketAddr, agreed: Agreed, cx: &mut Context<'_>) {
        if self.media != Media::Agreed(local, agreed.clone()) {
            self.codec_used = Some(agreed.codec);
            cx.media(Command::Agree {
                endpoint: self.endpoint,
                agreed: agreed.clone(),
            });
            self.media = Media::Agreed(local, agreed);
        }
    }

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

    /// Ends a dialog that nobody wants: ACK, whose repeats are kept, and BYE.
    fn farewell(&mut self, request: &Message, response: &Message, cx: &mut Context<'_>) {
        let tag = response
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned))
            .unwrap_or_default();
        if let Some(ack) = sip_text::refuse_late_answer(request, response, self.flow, cx) {
            self.answers.acked(&tag, self.flow, ack);
        }
    }

    /// 200 to our INVITE: ACK, dialog, media.
    fn connect(&mut self, request: &Message, response: &Message, cx: &mut Context<'_>) -> Happened {
        let dialog = match Dialog::uac(request, response, self.flow) {
            Ok(dialog) => dialog,
            Err(error) => {
                self.end(By::Peer, 502, &format!("unusable 200: {error}"), cx);
                return Happened::Ended;
            }
        };
        let first = self.answers.handle_answer(response);
        if let (Ok(Answer::First), Some(ack)) = (first, sip_text::ack(&dialog, request, self.flow, cx)) {
            self.answers.acked(&dialog.remote_tag, self.flow, ack);
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

    /// A request within the leg's dialog, or its CANCEL's BYE-like end. The response is sent here.
    pub fn handle_request(&mut self, server: ServerId, request: &Message, cx: &mut Context<'_>) -> Happened {
        if let Signalling::Leaving { dialog, .. } = &mut self.signalling
            && request.method() == Some(Method::Bye)
        {
            cx.respond(server, sip_text::reply(request, 200, &self.tag, self.flow, None));
            cx.dialogs.remove(&dialog.key());
            self.signalling = Signalling::Ended;
            return Happened::Nothing;
        }
        let Signalling::Up { dialog, invite } = &mut self.signalling else {
            cx.respond(server, sip_text::reply(request, 481, &self.tag, self.flow, None));
            return Happened::Nothing;
        };
        if let Err(reject) = dialog.handle_request(request) {
            cx.respond(
                server,
                sip_text::reply(request, reject.status, &self.tag, self.flow, None),
            );
            return Happened::Nothing;
        }
        match request.method() {
            Some(Method::Bye) => {
                cx.respond(server, sip_text::reply(request, 200, &self.tag, self.flow, None));
                self.end(By::Peer, 200, "hung up", cx);
                Happened::Ended
            }
            // Our own INVITE's 200 is not acknowledged yet (RFC 3261 §14.2).
            Some(Method::Invite) if invite.is_some() => {
                cx.respond(server, sip_text::reply(request, 491, &self.tag, self.flow, None));
                Happened::Nothing
            }
            Some(Method::Invite) => self.handle_reinvite(server, request, cx),
            Some(Method::Options | Method::Info) => {
                cx.respond(server, sip_text::reply(request, 200, &self.tag, self.flow, None));
                Happened::Nothing
            }
            _ => {
                cx.respond(server, sip_text::reply(request, 405, &self.tag, self.flow, None));
                Happened::Nothing
            }
        }
    }

    /// A new offer on a leg that is up: hold, resume, a moved phone (RFC 3261 §14.2).
    fn handle_reinvite(&mut self, server: ServerId, request: &Message, cx: &mut Context<'_>) -> Happened {
        let (Media::Open(local) | Media::Agreed(local, _)) = self.media else {
            cx.respond(server, sip_text::reply(request, 488, &self.tag, self.flow, None));
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
                cx.respond(server, sip_text::reply(request, 488, &self.tag, self.flow, None));
                return Happened::Nothing;
            };
            let body = sdp::answer(local, next, &audio, &agreed);
            self.audio = Some(audio);
            self.agree(local, agreed, cx);
            body
        };
        self.origin = next;
        let reply = sip_text::reply(request, 200, &self.tag, self.flow, Some(&body));
        if let (Ok(response), Signalling::Up { invite, .. }) = (&reply, &mut self.signalling) {
            *invite = Self::await_ack(request, response, self.flow, cx.now);
            self.repeat_at = Some(cx.now); // asks the machine for its first deadline
        }
        cx.respond(server, reply);
        Happened::Changed
    }

    /// Time passed: our 200 is repeated until its ACK, and given up (RFC 3261 §13.3.1.4).
    pub fn handle_timeout(&mut self, cx: &mut Context<'_>) -> Happened {
        let (Signalling::Up {
            invite: Some(invite), ..
        }
        | Signalling::Leaving { invite, .. }) = &mut self.signalling
        else {
            return Happened::Nothing;
        };
        invite.handle_timeout(cx.now);
        loop {
            match invite.poll_output() {
                UasOutput::Send { flow, message } => cx.send(flow, message),
                UasOutput::Wait(at) => {
                    self.repeat_at = at;
                    return Happened::Nothing;
                }
                UasOutput::NoAck => break,
            }
        }
        if self.is_leaving() {
            self.leave(cx);
            return Happened::Nothing;
        }
        self.hang_up_with(By::System, 408, "no ACK came for our 200", cx);
        Happened::Ended
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Instant> {
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
            cx.request(request, self.flow, ClientUse::Probe(self.id));
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
            Signalling::Incoming { server, request, .. } => {
                let reply = sip_text::reply(request, status, &self.tag, self.flow, None);
                cx.respond(*server, reply);
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
                Self::send_bye(dialog, self.flow, cx);
                self.end(by, status, cause, cx);
            }
            Signalling::Planned { .. } => self.end(by, 487, cause, cx),
            // A server that stops waits for no ACK.
            Signalling::Leaving { .. } if by == By::System => self.leave(cx),
            Signalling::Outgoing { .. } | Signalling::Leaving { .. } | Signalling::Ended => (),
        }
    }

    fn send_bye(dialog: &mut Dialog, flow: Flow, cx: &mut Context<'_>) {
        match dialog.request(Method::Bye).build() {
            Ok(request) => drop(cx.request(request, flow, ClientUse::Bye)),
            Err(error) => tracing::error!(%error, "a BYE could not be written"),
        }
    }

    /// The ACK that our BYE waited for has come, or will not come.
    fn leave(&mut self, cx: &mut Context<'_>) {
        if let Signalling::Leaving { dialog, .. } = &mut self.signalling {
            Self::send_bye(dialog, self.flow, cx);
            cx.dialogs.remove(&dialog.key());
            self.signalling = Signalling::Ended;
        }
    }

    /// The caller took its INVITE back.
    pub fn handle_cancelled(&mut self, cx: &mut Context<'_>) -> Happened {
        let Signalling::Incoming { server, request, .. } = &self.signalling else {
            return Happened::Nothing;
        };
        cx.respond(*server, sip_text::reply(request, 487, &self.tag, self.flow, None));
        self.end(By::Peer, 487, "cancelled by the caller", cx);
        Happened::Ended
    }

    /// The leg is over without a further message.
    pub fn end(&mut self, by: By, status: u16, cause: &str, cx: &mut Context<'_>) {
        if let Signalling::Up { dialog, .. } | Signalling::Leaving { dialog, .. } = &self.signalling {
            cx.dialogs.remove(&dialog.key());
        }
        self.note_ending(by, status, cause, cx.now);
        self.signalling = Signalling::Ended;
        self.close_media(cx);
    }

    fn note_ending(&mut self, by: By, status: u16, cause: &str, at: Instant) {
        self.ending.get_or_insert_with(|| Ending {
            at,
            by,
            status,
            cause: cause.into(),
        });
    }

    fn close_media(&mut self, cx: &mut Context<'_>) {
        match self.media {
            Media::None => self.media = Media::Closed(Some(Statistics::default())),
            Media::Closed(_) => (),
            Media::Opening | Media::Open(_) | Media::Agreed(..) => {
                cx.media(Command::Close {
                    endpoint: self.endpoint,
                });
                self.media = Media::Closed(None);
            }
        }
    }

    /// Plays prompts in place of what is played now.
    pub fn play(&mut self, prompts: Vec<Prompt>, repeat: bool, cx: &mut Context<'_>) -> PlayId {
        let play = cx.new_play();
        cx.media(Command::Play {
            endpoint: self.endpoint,
            play,
            prompts,
            repeat,
        });
        self.play = Some(play);
        play
    }

    /// Stops what is played now.
    pub fn stop_play(&mut self, cx: &mut Context<'_>) {
        if let Some(play) = self.play.take() {
            cx.media(Command::Stop {
                endpoint: self.endpoint,
                play,
            });
        }
    }

    /// Keeps a digit that nobody collects.
    pub fn keep_digit(&mut self, digit: char) {
        if self.digits.len() == DIGITS_MAX {
            self.digits.pop_front();
        }
        self.digits.push_back(digit);
    }
}

/// A peer's description and what it means for the gate, with `keep` as the codec where it allows that; none where it
/// cannot be used.
fn understand(body: &[u8], keep: Option<Codec>) -> Option<(Audio, Agreed)> {
    let audio = sdp::read(body).ok()?;
    let agreed = audio.agree(keep)?;
    Some((audio, agreed))
}
