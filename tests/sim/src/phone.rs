//! A phone: registers, calls, answers, holds, presses digits. It speaks SIP with the same transactions and dialogs as
//! the server, and behaves as its [`Script`] says.

mod receives;
mod sends;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tandem_sip::dialog::{Dialog, UacInvite, UasInvite, UasOutput};
use tandem_sip::transactions::{ClientId, Config, ServerId, Transactions};
use tandem_sip::{Flow, Message, Moment};

use crate::clock::ms;
use crate::plan::{Conduct, Dial, Script};

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
}

impl Session {
    /// One that rings, and that another began.
    fn new(
        peer: String,
        call_id: String,
        tag: String,
        conduct: Conduct,
        invite: Message,
        now: Moment,
    ) -> Self {
        Self {
            is_caller: false,
            peer,
            phase: Phase::Ringing,
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
            invite,
            server: None,
            tag,
            tries: 0,
            dialog: None,
            uas: None,
            acknowledged: false,
            media: None,
        }
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::EndedByUs | Phase::EndedByThem)
    }

    /// Whether our 200 has had no ACK: the caller may not know that it was answered.
    pub fn awaits_ack(&self) -> bool {
        !self.is_caller && !self.acknowledged
    }
}
