//! What a phone makes of what it receives.

use std::net::SocketAddr;

use rand::Rng as _;
use tandem_sip::dialog::{Answer, Dialog};
use tandem_sip::transactions::{ClientId, Event, Output, ServerId};
use tandem_sip::{Message, Method, Moment, Name};

use super::{Act, EXPIRES_S, Phase, Phone, Session, Use, Wish};
use crate::clock::{ms, secs};
use crate::plan::{Conduct, Takes};

impl Phone {
    pub(super) fn drain(&mut self, now: Moment) {
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

    pub(super) fn next_call(&mut self, now: Moment) {
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
            phase: if busy { Phase::EndedByUs } else { Phase::Ringing },
            server: Some(server),
            media: media_of(invite),
            ..Session::new(peer, call_id, tag.clone(), conduct, invite.clone(), now)
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

/// Where a description says that its sender receives.
fn media_of(message: &Message) -> Option<SocketAddr> {
    let body = std::str::from_utf8(message.body()).ok()?;
    let line = |prefix: &str| body.lines().find_map(|line| line.strip_prefix(prefix));
    let ip = line("c=IN IP4 ")?.trim().parse().ok()?;
    let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(ip, port))
}
