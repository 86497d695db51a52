//! A phone: registers, calls, answers, holds, presses digits. It speaks SIP with the same transactions and dialogs as
//! the server, and behaves as its [`Script`] says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tandem_sip::auth::Respond;
use tandem_sip::dialog::{Answer, Dialog, UacInvite, UasInvite, UasOutput};
use tandem_sip::transactions::{ClientId, Config, Event, Output, ServerId, Times, Transactions};
use tandem_sip::{Builder, Flow, Message, Method, Moment, Name, Transport};

use crate::clock::{ms, secs};
use crate::directory::{DOMAIN, password};
use crate::plan::{COUNTER, Conduct, Dial, MENU, Script, Takes};

/// Where the server's SIP gate is.
pub const SERVER: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 5060);
const EXPIRES_S: u32 = 300;

/// What a phone wants of the world around it.
#[derive(Debug)]
pub enum Wish {
    /// Send a message to the server.
    Send(Bytes),
    /// A line for the trace.
    Say(String),
    /// Something that must not be.
    Violation(String),
    /// Press a digit towards a media port of the server.
    Press(SocketAddr, char),
    /// The server never acknowledged our 200.
    NoAck,
    /// A call of ours is over that was up: was the other side to blame?
    HungUp(usize),
    /// We are about to hang up a call in which we should hear the other side.
    Leaving(usize),
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// INVITE sent or received, no final response.
    Ringing,
    /// Answered.
    Up,
    /// Over: we hung up, or gave up.
    EndedByUs,
    /// Over: the other side hung up, refused or gave up.
    EndedByThem,
}

/// One call of a phone.
#[derive(Debug)]
pub struct Session {
    /// We made it.
    pub is_caller: bool,
    /// The number that we dialled, or the user that calls.
    pub peer: String,
    /// How far it is.
    pub phase: Phase,
    /// It was up once.
    pub answered: bool,
    /// Steps heard and digits pressed.
    pub step: u32,
    /// Digits pressed.
    pub pressed: u32,
    /// The flow's last words were heard.
    pub goodbye: bool,
    /// It is on hold.
    pub on_hold: bool,
    /// When it began.
    pub began: Moment,
    /// When hold last changed, or the call came up.
    pub changed: Moment,
    /// Its Call-ID.
    pub call_id: String,
    conduct: Conduct,
    /// How often we said BYE.
    pub byes: u32,
    /// A re-INVITE of ours has no final response yet.
    reinviting: bool,
    invite: Message,
    server: Option<ServerId>,
    tag: String,
    tries: u32,
    dialog: Option<Dialog>,
    /// Our 200 until its ACK.
    uas: Option<UasInvite>,
    /// An ACK came for a 200 of ours.
    acknowledged: bool,
    /// Where the server receives.
    media: Option<SocketAddr>,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "most of them are INVITEs")]
enum Use {
    Register,
    Invite {
        session: usize,
        invite: Message,
        answers: UacInvite,
    },
    Bye(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Register,
    Dial,
    Answer(usize),
    Refuse(usize, u16),
    Hold(usize, bool),
    HangUp(usize),
    Press(usize, char),
}

/// A phone.
pub struct Phone {
    /// What the trace calls it.
    pub name: String,
    /// Its script.
    pub script: Script,
    /// Its SIP address.
    pub address: SocketAddr,
    /// Its calls so far.
    pub sessions: Vec<Session>,
    /// The TCP connection that it has.
    pub connection: Option<u64>,
    /// Calls that it still is to make.
    pub left: std::collections::VecDeque<Dial>,
    /// It was registered once.
    pub registered: bool,
    sip: Transactions,
    rng: StdRng,
    uses: BTreeMap<ClientId, Use>,
    acts: BTreeSet<(Moment, Act)>,
    sip_deadline: Option<Moment>,
    wishes: Vec<Wish>,
    seq: u32,
    dials: u32,
    challenge: Option<Vec<u8>>,
    nc: u32,
    /// Nothing is done any more but ending what is there.
    quiet: bool,
}

impl Phone {
    /// The phone of this number among all.
    pub fn new(number: usize, script: Script, seed: u64, now: Moment) -> Self {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1_000 + number as u64));
        let address = SocketAddr::from(([10, 0, 1, number as u8 + 1], 5060));
        let sip = Transactions::new(Config::default(), StdRng::seed_from_u64(rng.random()));
        let begin = now + ms(rng.random_range(0..100));
        Self {
            name: format!("phone-{number}/{}", script.user),
            left: script.calls.iter().cloned().collect(),
            script,
            address,
            sessions: Vec::new(),
            connection: None,
            registered: false,
            sip,
            rng,
            uses: BTreeMap::new(),
            acts: BTreeSet::from([(begin, Act::Register)]),
            sip_deadline: None,
            wishes: Vec::new(),
            seq: 0,
            dials: 0,
            challenge: None,
            nc: 0,
            quiet: false,
        }
    }

    /// Whether it has nothing more to do.
    pub fn is_done(&self) -> bool {
        self.left.is_empty() && self.dials == 0 && self.sessions.iter().all(Session::is_over)
    }

    /// It registers no more and begins nothing.
    pub fn be_quiet(&mut self) {
        self.quiet = true;
        self.acts.clear();
    }

    /// When [`Self::handle_timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        let acts = self.acts.first().map(|(at, _)| *at);
        let uas = |session: &Session| match session.uas.clone()?.poll_output() {
            UasOutput::Wait(at) => at,
            _ => None,
        };
        [acts, self.sip_deadline]
            .into_iter()
            .chain(self.sessions.iter().map(uas))
            .flatten()
            .min()
    }

    /// What it wants.
    pub fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// A message from the server.
    pub fn handle(&mut self, bytes: Bytes, now: Moment) {
        let message = match Message::parse(bytes) {
            Ok(message) if message.validate().is_ok() => message,
            _ => return self.violation("a message that is no SIP"),
        };
        self.sip.handle_inbound(self.flow(), message, now);
        self.drain(now);
    }

    /// Its connection is gone.
    pub fn handle_disconnected(&mut self, now: Moment) {
        if self.connection.take().is_none() {
            return;
        }
        self.say("connection lost");
        self.sip.handle_transport_errors(|_| true, now);
        let soon = now + ms(self.rng.random_range(50..800));
        if !self.quiet {
            self.plan(soon, Act::Register);
        }
        self.drain(now);
    }

    /// Nobody takes its connection.
    pub fn handle_unsent(&mut self, now: Moment) {
        self.sip.handle_transport_errors(|_| true, now);
        self.drain(now);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some((_, act)) = self.acts.first().copied().filter(|(at, _)| *at <= now) {
            self.acts.pop_first();
            self.act(act, now);
        }
        self.sip.handle_timeout(now);
        for number in 0..self.sessions.len() {
            self.repeat_answer(number, now);
        }
        self.drain(now);
    }

    /// Words reach its ear.
    pub fn hear(&mut self, at: SocketAddr, words: &str, from_their_start: bool, now: Moment) {
        let listens = |(number, session): (usize, &Session)| self.rtp(number) == at && !session.is_over();
        let Some(number) = self.sessions.iter().enumerate().position(listens) else {
            return;
        };
        self.say(&format!(
            "hears {words:?}{}",
            if from_their_start { "" } else { " from the middle" }
        ));
        let Some(session) = self.sessions.get_mut(number) else {
            return;
        };
        if words == crate::plan::GOODBYE {
            session.goodbye = true;
            return;
        }
        let Some(step) = words
            .strip_prefix("Step ")
            .and_then(|step| step.parse::<u32>().ok())
        else {
            return;
        };
        let before = session.step;
        if step == before && !from_their_start {
            return;
        }
        let pressed = session.pressed;
        session.step = step;
        let is_last = session.conduct.until_step == Some(step);
        if step == before {
            self.wishes.push(Wish::Violation(format!(
                "step {step} is heard twice (may be excused)"
            )));
        } else if step != before + 1 {
            self.violation(&format!("step {step} is heard after {before}"));
        } else if pressed + 1 < step {
            self.violation(&format!("step {step} is heard after {pressed} digits"));
        }
        let soon = now + ms(self.rng.random_range(80..2_500));
        let act = if is_last {
            Act::HangUp(number)
        } else {
            Act::Press(number, '1')
        };
        self.acts.retain(|(_, act)| !matches!(act, Act::Press(..)));
        self.plan(soon, act);
    }

    /// Where it sends and receives the sound of a call.
    pub fn rtp(&self, session: usize) -> SocketAddr {
        SocketAddr::new(self.address.ip(), 4_000 + 2 * session as u16)
    }

    /// The way to the server.
    pub fn flow(&self) -> Flow {
        Flow {
            transport: self.script.transport,
            local: self.address,
            remote: SERVER,
            connection: 0, // it has one at a time
        }
    }

    fn plan(&mut self, at: Moment, act: Act) {
        self.acts.insert((at, act));
    }

    fn say(&mut self, what: &str) {
        self.wishes.push(Wish::Say(what.to_owned()));
    }

    fn violation(&mut self, what: &str) {
        self.wishes.push(Wish::Violation(what.to_owned()));
    }

    fn act(&mut self, act: Act, now: Moment) {
        match act {
            Act::Register => self.register(now),
            Act::Dial => self.dial(now),
            Act::Answer(number) => self.answer(number, now),
            Act::Refuse(number, status) => {
                let ringing = |session: &&mut Session| session.phase == Phase::Ringing;
                if let Some(session) = self.sessions.get_mut(number).filter(ringing) {
                    session.phase = Phase::EndedByUs;
                    let (server, invite, tag) = (session.server, session.invite.clone(), session.tag.clone());
                    self.respond(server, &invite, status, &tag, None, now);
                }
            }
            Act::Hold(number, on) => self.reinvite(number, on, now),
            Act::HangUp(number) => {
                let rings = |session: &Session| session.phase == Phase::Ringing;
                if self.sessions.get(number).is_some_and(rings) {
                    // The words were quicker than the 200.
                    return self.plan(now + ms(200), act);
                }
                self.hang_up(number, now);
            }
            Act::Press(number, digit) => {
                let Some(session) = self.sessions.get_mut(number).filter(|it| !it.is_over()) else {
                    return;
                };
                if session.phase == Phase::Ringing {
                    // The words were quicker than the 200.
                    self.plan(now + ms(200), act);
                    return;
                }
                if session.pressed < session.step {
                    session.pressed = session.step;
                }
                if let Some(media) = session.media {
                    self.say(&format!("presses {digit}"));
                    self.wishes.push(Wish::Press(media, digit));
                }
            }
        }
    }

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

    fn register(&mut self, now: Moment) {
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

    fn dial(&mut self, now: Moment) {
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
            peer: dial.number.clone(),
            phase: Phase::Ringing,
            answered: false,
            step: 0,
            pressed: 0,
            goodbye: false,
            on_hold: false,
            began: now,
            changed: now,
            call_id,
            conduct: dial.conduct,
            byes: 0,
            reinviting: false,
            invite: placeholder,
            server: None,
            tag,
            tries: 0,
            dialog: None,
            uas: None,
            acknowledged: false,
            media: None,
        });
        self.invite(self.sessions.len() - 1, now);
    }

    fn invite(&mut self, number: usize, now: Moment) {
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

    fn reinvite(&mut self, number: usize, on: bool, now: Moment) {
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

    fn hang_up(&mut self, number: usize, now: Moment) {
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

    fn answer(&mut self, number: usize, now: Moment) {
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
    fn behave(&mut self, number: usize, now: Moment) {
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

    fn respond(
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

    fn repeat_answer(&mut self, number: usize, now: Moment) {
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

    fn drain(&mut self, now: Moment) {
        loop {
            match self.sip.poll_output() {
                Output::Wait(at) => {
                    self.sip_deadline = at;
                    return;
                }
                Output::Send { message, .. } => self.wishes.push(Wish::Send(message)),
                Output::Event(event) => self.handle_event(event, now),
            }
        }
    }

    fn handle_event(&mut self, event: Event, now: Moment) {
        match event {
            Event::Request { server, message, .. } => self.handle_request(server, &message, now),
            Event::Ack { message, .. } => {
                let Ok(cseq) = message.cseq() else { return };
                let call_id = message.call_id().unwrap_or_default();
                for session in self.sessions.iter_mut().filter(|it| it.call_id == call_id) {
                    session.acknowledged |= session.uas.take_if(|uas| uas.handle_ack(cseq.seq)).is_some();
                }
            }
            Event::Cancelled { server } => {
                let ringing = |it: &Session| it.server == Some(server) && it.phase == Phase::Ringing;
                if let Some(number) = self.sessions.iter().position(ringing) {
                    self.say("is cancelled");
                    self.end(number, Phase::EndedByThem, now);
                    if let Some(session) = self.sessions.get(number) {
                        let (invite, tag) = (session.invite.clone(), session.tag.clone());
                        self.respond(Some(server), &invite, 487, &tag, None, now);
                    }
                }
            }
            Event::Response { client, message } => self.handle_response(client, &message, now),
            Event::ClientTimedOut { client } => self.handle_failed(client, true, now),
            Event::ClientFailed { client } => self.handle_failed(client, false, now),
            Event::ClientDone { client } => drop(self.uses.remove(&client)),
            Event::ServerFailed { server } => {
                let ringing = |it: &Session| it.server == Some(server) && it.phase == Phase::Ringing;
                if let Some(number) = self.sessions.iter().position(ringing) {
                    self.say("lost the connection by which it was called");
                    self.end(number, Phase::EndedByThem, now);
                }
            }
            Event::StrayResponse { .. } | Event::ServerDone { .. } => (),
        }
    }

    fn end(&mut self, number: usize, phase: Phase, now: Moment) {
        let Some(session) = self.sessions.get_mut(number) else {
            return;
        };
        if session.is_over() {
            return;
        }
        let was_up = session.phase == Phase::Up;
        session.phase = phase;
        session.uas = None;
        if was_up {
            self.wishes.push(Wish::HungUp(number));
        }
        self.next_call(now);
    }

    fn next_call(&mut self, now: Moment) {
        if self.dials == 0
            && !self.quiet
            && let Some(after) = self.left.front().map(|dial| dial.after)
        {
            self.dials += 1;
            self.plan(now + after, Act::Dial);
        }
    }

    fn handle_request(&mut self, server: ServerId, request: &Message, now: Moment) {
        let call_id = request.call_id().unwrap_or_default().to_owned();
        let is_inside = request.to().is_ok_and(|to| to.tag().is_some());
        let known = self
            .sessions
            .iter()
            .position(|session| session.call_id == call_id);
        let method = request.method();
        match (method, known) {
            (Some(Method::Bye), Some(number)) if is_inside => {
                self.respond(Some(server), request, 200, "", None, now);
                self.say("is hung up");
                self.end(number, Phase::EndedByThem, now);
            }
            (Some(Method::Options), Some(number)) if is_inside => {
                let is_up = self
                    .sessions
                    .get(number)
                    .is_some_and(|session| session.phase == Phase::Up);
                self.respond(
                    Some(server),
                    request,
                    if is_up { 200 } else { 481 },
                    "",
                    None,
                    now,
                );
            }
            (Some(Method::Invite), Some(_)) if !is_inside => {
                self.violation("a second INVITE of the same call, with another branch");
                self.respond(Some(server), request, 482, "twice", None, now);
            }
            (Some(Method::Invite), None) if !is_inside => self.ring(server, request, call_id, now),
            _ => drop(self.respond(Some(server), request, 481, "none", None, now)),
        }
    }

    fn ring(&mut self, server: ServerId, invite: &Message, call_id: String, now: Moment) {
        let tag = format!("{:08x}", self.rng.random::<u32>());
        let busy = self.sessions.iter().any(|session| !session.is_over());
        let peer = invite
            .from()
            .ok()
            .and_then(|from| from.uri.user().map(std::borrow::Cow::into_owned))
            .unwrap_or_default();
        let conduct = match &self.script.takes {
            Takes::Answers(_, conduct) => conduct.clone(),
            Takes::Refuses(..) | Takes::Rings => Conduct::default(),
        };
        self.sessions.push(Session {
            is_caller: false,
            peer,
            phase: if busy { Phase::EndedByUs } else { Phase::Ringing },
            answered: false,
            step: 0,
            pressed: 0,
            goodbye: false,
            on_hold: false,
            began: now,
            changed: now,
            call_id,
            conduct,
            byes: 0,
            reinviting: false,
            invite: invite.clone(),
            server: Some(server),
            tag: tag.clone(),
            tries: 0,
            dialog: None,
            uas: None,
            acknowledged: false,
            media: media_of(invite),
        });
        let number = self.sessions.len() - 1;
        if busy {
            self.respond(Some(server), invite, 486, &tag, None, now);
            return;
        }
        self.say("rings");
        self.respond(Some(server), invite, 180, &tag, None, now);
        match self.script.takes {
            Takes::Answers(after, _) => self.plan(now + after, Act::Answer(number)),
            Takes::Refuses(after, status) => {
                self.plan(now + after, Act::Refuse(number, status));
            }
            Takes::Rings => (),
        }
    }

    fn handle_response(&mut self, client: ClientId, response: &Message, now: Moment) {
        let status = response.status().unwrap_or_default();
        if status < 200 {
            return;
        }
        match self.uses.get(&client) {
            Some(Use::Register) => self.handle_registered(response, status, now),
            Some(Use::Invite { session, .. }) => {
                let number = *session;
                if status < 300 {
                    self.handle_answer(client, number, response, now);
                } else {
                    self.handle_refused(number, response, status, now);
                }
            }
            // The other side's BYE may have crossed ours.
            Some(Use::Bye(session)) if status == 481 => {
                let number = *session;
                // One that is said again because its connection broke may have come through the first time.
                if self.sessions.get(number).is_some_and(|session| session.byes == 1) {
                    self.wishes.push(Wish::HungUp(number));
                }
            }
            Some(Use::Bye(_)) if status >= 300 => self.violation(&format!("BYE is answered with {status}")),
            Some(Use::Bye(_)) | None => (),
        }
    }

    fn handle_registered(&mut self, response: &Message, status: u16, now: Moment) {
        if status == 401 {
            self.challenge = response.header(Name::WwwAuthenticate).map(<[u8]>::to_vec);
            self.nc = 0;
            return self.register(now);
        }
        if status != 200 {
            return self.register_later(&format!("REGISTER is answered with {status}"), now);
        }
        if !self.registered {
            self.registered = true;
            self.say("is registered");
            self.next_call(now);
        }
        if !self.quiet {
            self.acts
                .insert((now + secs(u64::from(EXPIRES_S / 2)), Act::Register));
        }
    }

    fn register_later(&mut self, why: &str, now: Moment) {
        self.say(why);
        let later = now + ms(self.rng.random_range(500..2_000));
        if !self.quiet {
            self.plan(later, Act::Register);
        }
    }

    /// A 200 to an INVITE of ours.
    fn handle_answer(&mut self, client: ClientId, number: usize, response: &Message, now: Moment) {
        let flow = self.flow();
        let sent_by = self.address.to_string();
        let (Some(Use::Invite { invite, answers, .. }), Some(session)) =
            (self.uses.get_mut(&client), self.sessions.get_mut(number))
        else {
            return;
        };
        match answers.handle_answer(response) {
            Ok(Answer::First) => (),
            Ok(Answer::Repeat { ack, .. }) => return self.wishes.push(Wish::Send(ack)),
            Ok(Answer::Pending | Answer::Fork) => return self.violation("two answers to one INVITE"),
            Err(error) => return self.violation(&format!("a 200 that cannot be read: {error}")),
        }
        session.reinviting = false;
        let is_first = session.dialog.is_none();
        if is_first {
            session.dialog = Dialog::uac(invite, response, flow).ok();
        }
        session.media = media_of(response).or(session.media);
        let (Some(dialog), Ok(cseq)) = (&mut session.dialog, invite.cseq()) else {
            return;
        };
        let tag = dialog.remote_tag.clone();
        let Ok(ack) = dialog.ack(cseq.seq).build() else {
            return;
        };
        if let Ok(sent) = self.sip.send_ack(&ack, flow, &sent_by) {
            answers.acked(&tag, flow, sent);
        }
        if is_first && session.phase == Phase::Ringing {
            session.phase = Phase::Up;
            session.answered = true;
            session.changed = now;
            self.say("is answered");
            self.behave(number, now);
        }
    }

    fn handle_refused(&mut self, number: usize, response: &Message, status: u16, now: Moment) {
        let Some(session) = self.sessions.get_mut(number) else {
            return;
        };
        session.reinviting = false;
        match (session.phase, status) {
            (Phase::Ringing, 401) if session.tries < 3 => {
                self.challenge = response.header(Name::WwwAuthenticate).map(<[u8]>::to_vec);
                self.nc = 0;
                self.invite(number, now);
            }
            (Phase::Ringing, _) => {
                self.say(&format!("is refused: {status}"));
                self.end(number, Phase::EndedByThem, now);
            }
            (Phase::Up, 491) => {
                let on = session.on_hold;
                let later = now + ms(self.rng.random_range(1_000..2_000));
                self.plan(later, Act::Hold(number, on));
            }
            // Its BYE is on the way.
            (Phase::Up, 481) => self.end(number, Phase::EndedByThem, now),
            (Phase::Up, _) => self.violation(&format!("a re-INVITE is answered with {status}")),
            (Phase::EndedByUs | Phase::EndedByThem, _) => (),
        }
    }

    /// No answer came, or the request could not be sent.
    fn handle_failed(&mut self, client: ClientId, timed_out: bool, now: Moment) {
        let why = if timed_out { "no answer" } else { "not sent" };
        match self.uses.get(&client) {
            Some(Use::Register) if timed_out => self.violation("no answer to REGISTER"),
            Some(Use::Register) => self.register_later("REGISTER is not sent", now),
            Some(Use::Invite { session, .. }) => {
                let number = *session;
                // Who hangs up while his re-INVITE is under way waits for nothing.
                if timed_out
                    && self
                        .sessions
                        .get(number)
                        .is_some_and(|session| !session.is_over())
                {
                    self.violation("no answer to INVITE");
                }
                if let Some(session) = self.sessions.get_mut(number) {
                    session.reinviting = false;
                }
                match self
                    .sessions
                    .get(number)
                    .map(|session| (session.phase, session.on_hold))
                {
                    Some((Phase::Ringing, _)) => {
                        self.say(&format!("INVITE: {why}"));
                        self.end(number, Phase::EndedByThem, now);
                    }
                    // The connection broke: the phone says it again by the next one.
                    Some((Phase::Up, on)) => self.plan(now + secs(2), Act::Hold(number, on)),
                    _ => (),
                }
            }
            Some(Use::Bye(number)) => {
                let number = *number;
                if timed_out {
                    self.violation("no answer to BYE");
                } else if let Some(session) = self.sessions.get_mut(number)
                    && session.byes < 20
                {
                    // Again by the next connection, once there is one.
                    session.phase = Phase::Up;
                    self.plan(now + secs(2), Act::HangUp(number));
                }
            }
            None => (),
        }
    }
}

impl Session {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::EndedByUs | Phase::EndedByThem)
    }

    /// Whether our 200 has had no ACK: the caller may not know that it was answered.
    pub fn awaits_ack(&self) -> bool {
        !self.is_caller && !self.acknowledged
    }
}

/// Where a description says that its sender receives.
fn media_of(message: &Message) -> Option<SocketAddr> {
    let body = std::str::from_utf8(message.body()).ok()?;
    let line = |prefix: &str| body.lines().find_map(|line| line.strip_prefix(prefix));
    let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
    let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}
