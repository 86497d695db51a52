//! The SIP side of one call that we make: INVITE with digest, ACK, BYE, and answers to what the server asks.
//!
//! Takes messages and the time, gives datagrams; sockets are the driver's.

use super::digest;
use super::message::Message;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// RFC 3261 §17.1.1.1.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// Without any answer for so long, a request has failed (timers B and F).
const TIMEOUT: Duration = Duration::from_secs(32);
/// An INVITE that was answered provisionally may take longer.
const RINGING_MOST: Duration = Duration::from_mins(2);

/// Who calls whom.
#[derive(Clone, Debug)]
pub struct Account {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Domain.
    pub domain: String,
    /// Number to call.
    pub number: String,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We hung up, and the server agreed.
    HungUp,
    /// The INVITE was refused with this status.
    Refused(u16),
    /// Our BYE was refused with this status: the server does not know the call.
    ByeRefused(u16),
    /// The server hung up.
    PeerHungUp,
    /// This request of ours was never answered.
    Unanswered(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Calling,
    Talking,
    Ending,
    Ended,
}

/// A request that waits for its response.
struct Pending {
    method: &'static str,
    branch: String,
    datagram: String,
    interval: Duration,
    /// None: a provisional response came, nothing is sent again (INVITE only).
    next: Option<Instant>,
    fails_at: Instant,
}

/// One call.
pub struct Dialog {
    account: Arc<Account>,
    local: SocketAddr,
    rtp_port: u16,
    call_id: String,
    cseq: u32,
    branches: u32,
    challenged: bool,
    state: State,
    pending: Option<Pending>,
    to: String,
    target: String,
    ack: Option<String>,
    media: Option<SocketAddr>,
    ending: Option<Ending>,
    began: Instant,
    under_way: Option<Instant>,
    out: VecDeque<String>,
}

impl Dialog {
    /// Begins to call. `call_id` is unique; SIP is received at `local`, sound at `rtp_port` of the same address.
    pub fn call(
        account: Arc<Account>,
        local: SocketAddr,
        rtp_port: u16,
        call_id: String,
        now: Instant,
    ) -> Self {
        let target = format!("sip:{}@{}", account.number, account.domain);
        let mut dialog = Self {
            account,
            local,
            rtp_port,
            call_id,
            cseq: 1,
            branches: 0,
            challenged: false,
            state: State::Calling,
            pending: None,
            to: format!("<{target}>"),
            target,
            ack: None,
            media: None,
            ending: None,
            began: now,
            under_way: None,
            out: VecDeque::new(),
        };
        dialog.invite("", now);
        dialog
    }

    /// From the INVITE to the first word that the call is under way: 180, 183 or 200 (post-dial delay).
    pub fn setup(&self) -> Option<Duration> {
        Some(self.under_way? - self.began)
    }

    /// Hangs up. A call that is not answered yet is given up silently: nobody asks how it went.
    pub fn hang_up(&mut self, now: Instant) {
        if self.state == State::Talking {
            self.state = State::Ending;
            self.cseq += 1;
            self.send("BYE", "", "", now);
        }
    }

    /// Where our sound goes, once the call is answered.
    pub fn media(&self) -> Option<SocketAddr> {
        self.media
    }

    /// How it ended, if it has.
    pub fn ending(&self) -> Option<&Ending> {
        self.ending.as_ref()
    }

    /// Takes a message with this call's Call-ID.
    pub fn handle(&mut self, message: &Message<'_>, now: Instant) {
        match (message.status(), message.method()) {
            (Some(status), _) => self.handle_response(status, message, now),
            (None, Some(method)) => self.handle_request(method, message),
            (None, None) => (),
        }
    }

    /// Sends again what is due, and gives up what waited too long.
    pub fn handle_timeout(&mut self, now: Instant) {
        let Some(pending) = &mut self.pending else { return };
        if now >= pending.fails_at {
            let method = pending.method;
            self.end(Ending::Unanswered(method));
        } else if pending.next.is_some_and(|next| now >= next) {
            self.out.push_back(pending.datagram.clone());
            pending.interval = (pending.interval * 2).min(if pending.method == "BYE" { T2 } else { TIMEOUT });
            pending.next = Some(now + pending.interval);
        }
    }

    /// The next datagram for the server.
    pub fn poll_transmit(&mut self) -> Option<String> {
        self.out.pop_front()
    }

    fn handle_response(&mut self, status: u16, message: &Message<'_>, now: Instant) {
        let answers = |pending: &Pending| message.branch() == Some(&pending.branch);
        let Some(pending) = self.pending.as_mut().filter(|pending| answers(pending)) else {
            // The 200 came again: our ACK did not arrive (RFC 3261 §13.2.2.4).
            if (200..300).contains(&status) && message.cseq().is_some_and(|(_, method)| method == "INVITE") {
                self.out.extend(self.ack.clone());
            }
            return;
        };
        if pending.method == "INVITE" && (101..300).contains(&status) {
            self.under_way.get_or_insert(now);
        }
        match (pending.method, status) {
            ("INVITE", 100..200) => {
                pending.next = None;
                pending.fails_at = now + RINGING_MOST;
            }
            ("INVITE", 200..300) => self.answered(message),
            ("INVITE", _) => self.refused(status, message, now),
            (_, 100..200) => (),
            (_, 200..300) => self.end(Ending::HungUp),
            (_, _) => self.end(Ending::ByeRefused(status)),
        }
    }

    fn answered(&mut self, message: &Message<'_>) {
        self.pending = None;
        self.state = State::Talking;
        self.media = message.media();
        message.header("To").unwrap_or_default().clone_into(&mut self.to);
        message
            .contact()
            .unwrap_or(&self.target)
            .to_owned()
            .clone_into(&mut self.target);
        let branch = self.new_branch();
        let ack = self.request("ACK", &branch, "", "");
        self.out.push_back(ack.clone());
        self.ack = Some(ack);
    }

    fn refused(&mut self, status: u16, message: &Message<'_>, now: Instant) {
        // The ACK of a refusal belongs to the INVITE's transaction (RFC 3261 §17.1.1.3).
        let branch = self
            .pending
            .take()
            .map(|pending| pending.branch)
            .unwrap_or_default();
        let to = std::mem::replace(&mut self.to, message.header("To").unwrap_or_default().to_owned());
        let ack = self.request("ACK", &branch, "", "");
        self.out.push_back(ack);
        self.to = to;
        let Account { user, password, .. } = &*self.account;
        let authorization = message
            .headers("WWW-Authenticate")
            .find_map(|challenge| digest::authorization(challenge, "INVITE", &self.target, user, password));
        match authorization {
            Some(answer) if status == 401 && !self.challenged => {
                self.challenged = true;
                self.cseq += 1;
                self.invite(&format!("Authorization: {answer}\r\n"), now);
            }
            _ => self.end(Ending::Refused(status)),
        }
    }

    fn handle_request(&mut self, method: &str, message: &Message<'_>) {
        let empty = "Content-Length: 0\r\n\r\n";
        match method {
            "ACK" => (),
            "BYE" => {
                self.out.push_back(message.response("200 OK", empty));
                if self.state == State::Talking {
                    self.end(Ending::PeerHungUp);
                }
            }
            "INVITE" => {
                let sdp = self.sdp();
                let more = format!(
                    "Contact: {}\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
                    self.contact(),
                    sdp.len()
                );
                self.out.push_back(message.response("200 OK", &more));
            }
            _ => self.out.push_back(message.response("200 OK", empty)),
        }
    }

    fn invite(&mut self, more: &str, now: Instant) {
        let sdp = self.sdp();
        let more = format!("{more}Content-Type: application/sdp\r\n");
        self.send("INVITE", &more, &sdp, now);
    }

    fn send(&mut self, method: &'static str, more: &str, body: &str, now: Instant) {
        let branch = self.new_branch();
        let datagram = self.request(method, &branch, more, body);
        self.out.push_back(datagram.clone());
        self.pending = Some(Pending {
            method,
            branch,
            datagram,
            interval: T1,
            next: Some(now + T1),
            fails_at: now + TIMEOUT,
        });
    }

    fn end(&mut self, ending: Ending) {
        self.state = State::Ended;
        self.pending = None;
        self.ending.get_or_insert(ending);
    }

    fn request(&self, method: &str, branch: &str, more: &str, body: &str) -> String {
        let Account { user, domain, .. } = &*self.account;
        format!(
            "{method} {} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch={branch};rport\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{domain}>;tag={}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {} {method}\r\n\
             Contact: {}\r\n{more}Content-Length: {}\r\n\r\n{body}",
            self.target,
            self.local,
            self.call_id,
            self.to,
            self.call_id,
            self.cseq,
            self.contact(),
            body.len()
        )
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{}>", self.account.user, self.local)
    }

    fn new_branch(&mut self) -> String {
        self.branches += 1;
        format!("z9hG4bK{}-{}", self.call_id, self.branches)
    }

    fn sdp(&self) -> String {
        let (address, port) = (self.local.ip(), self.rtp_port);
        format!(
            "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(now: Instant) -> Dialog {
        let account = Account {
            user: "301".into(),
            password: "secret".into(),
            domain: "demo.local".into(),
            number: "700".into(),
        };
        let local = "127.0.0.1:7000".parse().unwrap();
        Dialog::call(Arc::new(account), local, 8_000, "c1".into(), now)
    }

    /// The server's response to the newest request.
    fn respond(dialog: &mut Dialog, request: &str, status: &str, more: &str, now: Instant) {
        let request = Message::parse(request.as_bytes()).unwrap();
        let response = request.response(status, &format!("{more}\r\n")).replace(
            "To: <sip:700@demo.local>\r\n",
            "To: <sip:700@demo.local>;tag=s\r\n",
        );
        dialog.handle(&Message::parse(response.as_bytes()).unwrap(), now);
    }

    const ANSWER: &str =
        "Contact: <sip:700@127.0.0.1:5060>\r\n\r\nc=IN IP4 127.0.0.1\r\nm=audio 20000 RTP/AVP 0\r\n";

    fn talking(now: Instant) -> (Dialog, String) {
        let mut dialog = call(now);
        let invite = dialog.poll_transmit().unwrap();
        respond(&mut dialog, &invite, "200 OK", ANSWER, now);
        assert!(
            dialog
                .poll_transmit()
                .unwrap()
                .starts_with("ACK sip:700@127.0.0.1:5060 ")
        );
        (dialog, invite)
    }

    #[test]
    fn challenge_is_acknowledged_and_answered_once() {
        let now = Instant::now();
        let mut dialog = call(now);
        let invite = dialog.poll_transmit().unwrap();
        let challenge = "WWW-Authenticate: Digest realm=\"demo.local\", nonce=\"n\", algorithm=MD5\r\n";
        respond(&mut dialog, &invite, "401 Unauthorized", challenge, now);
        let ack = dialog.poll_transmit().unwrap();
        assert!(
            ack.starts_with("ACK ") && ack.contains(";tag=s") && ack.contains("branch=z9hG4bKc1-1"),
            "{ack}"
        );
        let second = dialog.poll_transmit().unwrap();
        assert!(
            second.contains("Authorization: Digest username=\"301\"") && second.contains("CSeq: 2 INVITE"),
            "{second}"
        );
        respond(&mut dialog, &second, "401 Unauthorized", challenge, now);
        assert_eq!(dialog.ending(), Some(&Ending::Refused(401)));
    }

    #[test]
    fn invite_is_repeated_until_something_comes_and_given_up_after_32_seconds() {
        let began = Instant::now();
        let mut dialog = call(began);
        let mut sent_ms = Vec::new();
        for ms in (0..40_000).step_by(100) {
            dialog.handle_timeout(began + Duration::from_millis(ms));
            while dialog.poll_transmit().is_some() {
                sent_ms.push(ms);
            }
        }
        assert_eq!(sent_ms, [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500]);
        assert_eq!(dialog.ending(), Some(&Ending::Unanswered("INVITE")));

        let mut dialog = call(began);
        let invite = dialog.poll_transmit().unwrap();
        respond(&mut dialog, &invite, "100 Trying", "", began);
        dialog.handle_timeout(began + Duration::from_secs(40));
        assert!(dialog.poll_transmit().is_none() && dialog.ending().is_none());
    }

    #[test]
    fn answer_that_comes_again_is_acknowledged_again() {
        let now = Instant::now();
        let (mut dialog, invite) = talking(now);
        assert_eq!(dialog.media(), Some("127.0.0.1:20000".parse().unwrap()));
        respond(&mut dialog, &invite, "200 OK", ANSWER, now);
        assert!(dialog.poll_transmit().unwrap().starts_with("ACK "));
    }

    #[test]
    fn bye_is_repeated_until_it_is_answered() {
        let now = Instant::now();
        let (mut dialog, _) = talking(now);
        dialog.hang_up(now);
        let bye = dialog.poll_transmit().unwrap();
        assert!(bye.contains("To: <sip:700@demo.local>;tag=s"), "{bye}");
        dialog.handle_timeout(now + T1);
        assert_eq!(dialog.poll_transmit(), Some(bye.clone()));
        respond(&mut dialog, &bye, "200 OK", "", now);
        assert_eq!(dialog.ending(), Some(&Ending::HungUp));

        let (mut dialog, _) = talking(now);
        dialog.hang_up(now);
        let bye = dialog.poll_transmit().unwrap();
        respond(&mut dialog, &bye, "481 Call Does Not Exist", "", now);
        assert_eq!(dialog.ending(), Some(&Ending::ByeRefused(481)));
    }

    #[test]
    fn what_the_server_asks_is_answered() {
        let (mut dialog, _) = talking(Instant::now());
        let ask = |method: &str| {
            format!(
                "{method} sip:301@127.0.0.1:7000 SIP/2.0\r\nVia: v\r\nFrom: f\r\nTo: t\r\nCall-ID: c1\r\nCSeq: 1 {method}\r\n\r\n"
            )
        };
        for method in ["OPTIONS", "INVITE", "BYE"] {
            let request = ask(method);
            dialog.handle(&Message::parse(request.as_bytes()).unwrap(), Instant::now());
            let answer = dialog.poll_transmit().unwrap();
            assert!(answer.starts_with("SIP/2.0 200 OK\r\nVia: v\r\n"), "{answer}");
            assert_eq!(answer.contains("m=audio 8000"), method == "INVITE", "{answer}");
        }
        assert_eq!(dialog.ending(), Some(&Ending::PeerHungUp));
    }
}
