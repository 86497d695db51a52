//! What a phone sends: requests, responses, and a 200 until its ACK comes.

use bytes::Bytes;
use rand::Rng as _;
use tandem_sip::auth::Respond;
use tandem_sip::dialog::{Dialog, UacInvite, UasInvite, UasOutput};
use tandem_sip::transactions::{ServerId, Times};
use tandem_sip::{Builder, Message, Method, Moment, Name, Transport};

use super::{Act, EXPIRES_S, Phase, Phone, Session, Use, Wish};
use crate::clock::ms;
use crate::directory::{DOMAIN, password};
use crate::plan::{COUNTER, MENU};

impl Phone {
    fn headers(&mut self, request: Builder, to: &str, call_id: &str, tag: &str) -> Builder {
        let user = &self.script.user;
        self.seq += 1;
        request
            .header(Name::From, format!("<sip:{user}@{DOMAIN}>;tag={tag}"))
            .header(Name::To, format!("<{to}>"))
            .header(Name::CallId, call_id)
            .header(Name::MaxForwards, "70")
            .header(Name::Contact, self.contact())
    }

    fn contact(&self) -> String {
        let transport = match self.script.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
        };
        format!("<sip:{}@{}{transport}>", self.script.user, self.address)
    }

    fn credentials(&mut self, method: Method, uri: &str) -> Option<String> {
        let challenge = self.challenge.clone()?;
        self.nc += 1;
        let cnonce = format!("{:08x}", self.rng.random::<u32>());
        let with = Respond {
            user: &self.script.user,
            password: &password(&self.script.user),
            method: method.as_str(),
            uri,
            cnonce: &cnonce,
            nc: self.nc,
        };
        tandem_sip::auth::respond(&challenge, with).ok()
    }

    fn request(&mut self, request: Builder, used: impl FnOnce(Message) -> Use, now: Moment) {
        let Ok(message) = request.build() else {
            return self.violation("a request that cannot be built");
        };
        let sent_by = self.address.to_string();
        let client = self.sip.request(message.clone(), self.flow(), &sent_by, now);
        self.uses.insert(client, used(message));
    }

    pub(super) fn register(&mut self, now: Moment) {
        let uri = format!("sip:{DOMAIN}");
        let aor = format!("sip:{}@{DOMAIN}", self.script.user);
        let call_id = format!("reg-{}", self.address.ip());
        let request = Message::request(Method::Register, &uri);
        let mut request = self
            .headers(request, &aor, &call_id, "r")
            .header(Name::CSeq, format!("{} REGISTER", self.seq))
            .header(Name::Expires, EXPIRES_S.to_string());
        if let Some(value) = self.credentials(Method::Register, &uri) {
            request = request.header(Name::Authorization, value);
        }
        self.request(request, |_| Use::Register, now);
    }

    pub(super) fn dial(&mut self, now: Moment) {
        self.dials = self.dials.saturating_sub(1);
        if self.sessions.iter().any(|session| !session.is_over()) {
            // Busy with a call that came: later.
            self.dials += 1;
            let later = now + ms(self.rng.random_range(500..1_500));
            self.plan(later, Act::Dial);
            return;
        }
        let Some(dial) = self.left.pop_front() else { return };
        let call_id = format!("{:016x}@{}", self.rng.random::<u64>(), self.address.ip());
        let tag = format!("{:08x}", self.rng.random::<u32>());
        self.say(&format!("dials {}", dial.number));
        let Ok(placeholder) = Message::request(Method::Invite, "sip:x@x").build() else {
            return;
        };
        self.sessions.push(Session {
            is_caller: true,
            ..Session::new(dial.number, call_id, tag, dial.conduct, placeholder, now)
        });
        self.invite(self.sessions.len() - 1, now);
    }

    pub(super) fn invite(&mut self, number: usize, now: Moment) {
        let Some(session) = self.sessions.get_mut(number) else {
            return;
        };
        session.tries += 1;
        let uri = format!("sip:{}@{DOMAIN}", session.peer);
        let (call_id, tag) = (session.call_id.clone(), session.tag.clone());
        let request = Message::request(Method::Invite, &uri);
        let mut request = self
            .headers(request, &uri, &call_id, &tag)
            .header(Name::CSeq, format!("{} INVITE", self.seq));
        if let Some(value) = self.credentials(Method::Invite, &uri) {
            request = request.header(Name::Authorization, value);
        }
        let request = request.body("application/sdp", self.sdp(number, "sendrecv"));
        self.send_invite(number, request, now);
    }

    fn send_invite(&mut self, number: usize, request: Builder, now: Moment) {
        let used = |invite: Message| Use::Invite {
            session: number,
            invite,
            answers: UacInvite::new(),
        };
        self.request(request, used, now);
    }

    pub(super) fn reinvite(&mut self, number: usize, on: bool, now: Moment) {
        let direction = if on { "sendonly" } else { "sendrecv" };
        let (contact, body) = (self.contact(), self.sdp(number, direction));
        let Some(session) = self.sessions.get_mut(number).filter(|it| it.phase == Phase::Up) else {
            return;
        };
        if session.byes > 0 {
            return; // it waits for a connection to say BYE again
        }
        if session.reinviting || session.uas.is_some() {
            // One at a time (RFC 3261 §14.1), and none before the ACK of our 200.
            self.plan(now + ms(250), Act::Hold(number, on));
            return;
        }
        let Some(dialog) = &mut session.dialog else { return };
        session.reinviting = true;
        session.on_hold = on;
        session.changed = now;
        let request = dialog.request(Method::Invite);
        let request = request
            .header(Name::Contact, contact)
            .body("application/sdp", body);
        self.say(if on { "holds" } else { "resumes" });
        self.send_invite(number, request, now);
    }

    pub(super) fn hang_up(&mut self, number: usize, now: Moment) {
        let up = |session: &&mut Session| session.phase == Phase::Up;
        let Some(session) = self.sessions.get_mut(number).filter(up) else {
            return;
        };
        if session.uas.is_some() {
            // Not before the ACK of our 200 (RFC 3261 §15).
            self.plan(now + ms(250), Act::HangUp(number));
            return;
        }
        let Some(dialog) = &mut session.dialog else { return };
        let request = dialog.request(Method::Bye);
        self.wishes.push(Wish::Leaving(number));
        self.say("hangs up");
        if let Some(session) = self.sessions.get_mut(number) {
            session.phase = Phase::EndedByUs;
            session.byes += 1;
        }
        self.request(request, |_| Use::Bye(number), now);
        self.next_call(now);
    }

    pub(super) fn answer(&mut self, number: usize, now: Moment) {
        let ringing = |session: &&mut Session| session.phase == Phase::Ringing;
        let body = self.sdp(number, "sendrecv");
        let flow = self.flow();
        let Some(session) = self.sessions.get_mut(number).filter(ringing) else {
            return;
        };
        let (server, invite, tag) = (session.server, session.invite.clone(), session.tag.clone());
        session.phase = Phase::Up;
        session.answered = true;
        session.changed = now;
        session.dialog = Dialog::uas(&invite, &tag, flow).ok();
        self.say("answers");
        let Some(sent) = self.respond(server, &invite, 200, &tag, Some(body), now) else {
            return;
        };
        if let (Some(session), Ok(cseq)) = (self.sessions.get_mut(number), invite.cseq()) {
            session.uas = Some(UasInvite::new(flow, cseq.seq, sent, Times::default(), now));
        }
        self.behave(number, now);
    }

    /// What the script has it do in a call that is up.
    pub(super) fn behave(&mut self, number: usize, now: Moment) {
        let Some(session) = self.sessions.get(number) else {
            return;
        };
        let conduct = session.conduct.clone();
        let is_guided = session.is_caller && [MENU, COUNTER].contains(&session.peer.as_str());
        if let (Some(talk), false) = (conduct.talk, is_guided) {
            self.plan(now + talk, Act::HangUp(number));
        }
        if let (Some((after, length)), false) = (conduct.hold, is_guided) {
            self.plan(now + after, Act::Hold(number, true));
            self.plan(now + after + length, Act::Hold(number, false));
        }
    }

    fn sdp(&self, session: usize, direction: &str) -> String {
        let rtp = self.rtp(session);
        let (ip, port) = (rtp.ip(), rtp.port());
        format!(
            "v=0\r\no=p 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
             a=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
        )
    }

    pub(super) fn respond(
        &mut self,
        server: Option<ServerId>,
        request: &Message,
        status: u16,
        tag: &str,
        body: Option<String>,
        now: Moment,
    ) -> Option<Bytes> {
        let mut reply = Builder::reply(request, status, "Says The Phone")
            .to_tag(tag)
            .header(Name::Contact, self.contact());
        if let Some(body) = body {
            reply = reply.body("application/sdp", body);
        }
        let reply = reply.build().ok()?;
        let bytes = reply.as_bytes().clone();
        // One whose transaction is gone needs no answer.
        self.sip.respond(server?, reply, now).ok()?;
        Some(bytes)
    }

    pub(super) fn repeat_answer(&mut self, number: usize, now: Moment) {
        let Some(uas) = self
            .sessions
            .get_mut(number)
            .and_then(|session| session.uas.as_mut())
        else {
            return;
        };
        uas.handle_timeout(now);
        let mut no_ack = false;
        loop {
            match uas.poll_output() {
                UasOutput::Send { message, .. } => self.wishes.push(Wish::Send(message)),
                UasOutput::NoAck => no_ack = true,
                UasOutput::Wait(_) => break,
            }
        }
        if no_ack {
            // It hangs up (RFC 3261 §13.3.1.4).
            self.wishes.push(Wish::NoAck);
            if let Some(session) = self.sessions.get_mut(number) {
                session.uas = None;
            }
            self.hang_up(number, now);
        }
    }
}
