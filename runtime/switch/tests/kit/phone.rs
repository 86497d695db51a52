//! Phones: they build requests and responses, and keep the dialogs that these make.

use tandem_bus::media::EndpointId;
use tandem_host_api::op::{LegId, Op, Outcome};
use tandem_sip::auth::Respond;
use tandem_sip::dialog::Dialog;
use tandem_sip::registrar::Aor;
use tandem_sip::{Builder, Message, Method, Name};
use tandem_switch::CallKey;

use super::{DOMAIN, NUMBER, World, flow};

/// A description of one G.711 stream at a port, with more attributes.
pub fn sdp(port: u16, more: &str) -> String {
    format!(
        "v=0\r\no=p 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio {port} RTP/AVP 8 101\r\n\
         a=rtpmap:101 telephone-event/8000\r\n{more}"
    )
}

/// One phone; its port tells it from the others.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its user.
    pub user: String,
    /// Its domain.
    pub domain: String,
    /// Its password.
    pub password: String,
    /// Its port.
    pub port: u16,
    /// Its Call-ID, tag and branches begin so.
    pub call_id: String,
    cseq: u32,
    /// The INVITE it sent, or got, last.
    pub invite: Option<Message>,
    /// Its dialog.
    pub dialog: Option<Dialog>,
}

impl Phone {
    /// A phone of the first domain.
    pub fn new(user: &str, port: u16) -> Self {
        Self::of(DOMAIN, user, port)
    }

    /// A phone of any domain.
    pub fn of(domain: &str, user: &str, port: u16) -> Self {
        Self {
            user: user.into(),
            domain: domain.into(),
            password: format!("pw-{domain}-{user}"),
            port,
            call_id: format!("call-{port}"),
            cseq: 0,
            invite: None,
            dialog: None,
        }
    }

    /// Adds the Via of a new transaction.
    pub fn via(&mut self, builder: Builder) -> Message {
        self.cseq += 100; // a number of its own for each branch
        self.with_branch(builder, self.cseq)
    }

    fn with_branch(&self, builder: Builder, branch: u32) -> Message {
        let port = self.port;
        let via = format!(
            "SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK-{}-{branch}",
            self.call_id
        );
        builder.build().unwrap().with_top_via(&via).unwrap()
    }

    /// A request outside a dialog, its body added by the caller.
    pub fn request(&mut self, method: Method, uri: &str, to: &str) -> Builder {
        self.cseq += 1;
        let (user, domain, port) = (&self.user, &self.domain, self.port);
        Message::request(method, uri)
            .header(Name::From, format!("<sip:{user}@{domain}>;tag=from-{port}"))
            .header(Name::To, format!("<{to}>"))
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format!("{} {method}", self.cseq))
            .header(Name::MaxForwards, "70")
            .header(Name::Contact, format!("<sip:{user}@127.0.0.1:{port}>"))
    }

    /// Credentials for the challenges of a 401.
    pub fn credentials(&self, challenged: &Message, method: Method, uri: &str) -> String {
        let value = challenged.header(Name::WwwAuthenticate).expect("a challenge");
        let (user, password) = (self.user.as_str(), self.password.as_str());
        let with = Respond {
            user,
            password,
            method: method.as_str(),
            uri,
            cnonce: "c0ffee",
            nc: 1,
        };
        tandem_sip::auth::respond(value, with).unwrap()
    }

    /// Sends an INVITE with `body`, answers the challenge; the INVITE with credentials is kept.
    pub fn invite_with(&mut self, w: &mut World, number: &str, body: Option<String>, host: &str) {
        let uri = format!("sip:{number}@{host}");
        let built = |phone: &mut Self, credentials: Option<String>| {
            let mut request = phone.request(Method::Invite, &uri, &uri);
            if let Some(value) = credentials {
                request = request.header(Name::Authorization, value);
            }
            if let Some(body) = &body {
                request = request.body("application/sdp", body.clone());
            }
            phone.via(request)
        };
        let first = built(self, None);
        w.sip(self.port, first.clone());
        let replies = w.inbox(self.port);
        let Some(challenged) = replies.iter().find(|reply| reply.status() == Some(401)) else {
            w.inboxes.insert(self.port, replies.into());
            self.invite = Some(first);
            return;
        };
        let value = self.credentials(challenged, Method::Invite, &uri);
        let second = built(self, Some(value));
        w.sip(self.port, second.clone());
        self.invite = Some(second);
    }

    /// Calls the scenario's number; the call.
    pub fn call(&mut self, w: &mut World) -> CallKey {
        self.invite_with(w, NUMBER, Some(sdp(self.port + 1, "")), DOMAIN);
        *w.started.last().expect("the call begins")
    }

    /// Calls and is answered by the scenario; ACKs.
    pub fn talk(&mut self, w: &mut World) -> CallKey {
        let call = self.call(w);
        assert_eq!(
            w.perform(call, Op::Answer { leg: LegId(0) }),
            Some(Outcome::Leg(Ok(())))
        );
        let ok = self.take_ok(w);
        assert!(ok.body().starts_with(b"v=0"));
        self.ack(w, None);
        call
    }

    /// Finds the 200 to its INVITE and makes the dialog.
    pub fn take_ok(&mut self, w: &mut World) -> Message {
        let ok = w
            .inbox(self.port)
            .into_iter()
            .rfind(|m| m.status() == Some(200))
            .expect("a 200");
        let invite = self.invite.clone().unwrap();
        self.dialog = Some(Dialog::uac(&invite, &ok, flow(self.port)).unwrap());
        ok
    }

    /// ACKs the last 200 to an INVITE of its own.
    pub fn ack(&mut self, w: &mut World, body: Option<String>) {
        let seq = self.invite.as_ref().unwrap().cseq().unwrap().seq;
        let mut ack = self.dialog.as_ref().unwrap().ack(seq);
        if let Some(body) = body {
            ack = ack.body("application/sdp", body);
        }
        let ack = self.via(ack);
        w.sip(self.port, ack);
    }

    /// Sends a request within the dialog; what came back.
    pub fn within(&mut self, w: &mut World, method: Method, body: Option<String>) -> Vec<Message> {
        let dialog = self.dialog.as_mut().unwrap();
        dialog.local_seq = dialog.local_seq.max(1);
        let mut request = dialog.request(method);
        if method == Method::Invite {
            request = request.header(
                Name::Contact,
                format!("<sip:{}@127.0.0.1:{}>", self.user, self.port),
            );
        }
        if let Some(body) = body {
            request = request.body("application/sdp", body);
        }
        let request = self.via(request);
        if method == Method::Invite {
            self.invite = Some(request.clone());
        }
        w.sip(self.port, request);
        w.inbox(self.port)
    }

    /// Hangs up.
    pub fn bye(&mut self, w: &mut World) {
        let replies = self.within(w, Method::Bye, None);
        assert!(replies.iter().any(|m| m.status() == Some(200)), "{replies:?}");
    }

    /// Takes its INVITE back.
    pub fn cancel(&mut self, w: &mut World) {
        let invite = self.invite.clone().unwrap();
        let cancel = Message::request(Method::Cancel, invite.uri_str())
            .header(Name::Via, invite.header(Name::Via).unwrap())
            .header(Name::From, invite.header(Name::From).unwrap())
            .header(Name::To, invite.header(Name::To).unwrap())
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, format!("{} CANCEL", invite.cseq().unwrap().seq))
            .header(Name::MaxForwards, "70");
        w.sip(self.port, cancel.build().unwrap());
    }

    /// Registers with the world's registrar, past the challenge.
    pub fn register(&mut self, w: &mut World, q: &str) {
        let aor = format!("sip:{}@{}", self.user, self.domain);
        let register = self
            .request(Method::Register, &format!("sip:{}", self.domain), &aor)
            .header(Name::Expires, "3600");
        let contact = format!("<sip:{}@127.0.0.1:{}>;q={q}", self.user, self.port);
        let register = self.via(register.without(Name::Contact).header(Name::Contact, contact));
        w.registrar
            .register(
                &Aor::new(&self.domain, &self.user),
                &register,
                w.way(self.port),
                w.now,
            )
            .unwrap();
    }

    /// Whether an INVITE came; it is kept.
    pub fn rings(&mut self, w: &mut World) -> bool {
        let got = w.inbox(self.port);
        let Some(invite) = got.into_iter().find(|m| m.method() == Some(Method::Invite)) else {
            return false;
        };
        self.invite = Some(invite);
        true
    }

    /// Answers the INVITE that came with a status; `body` makes it one with a description.
    pub fn respond(&mut self, w: &mut World, status: u16, body: Option<String>) {
        let invite = self.invite.clone().expect("an INVITE came");
        let tag = format!("to-{}", self.port);
        let mut reply = Builder::reply(&invite, status, "Says The Phone")
            .to_tag(&tag)
            .header(
                Name::Contact,
                format!("<sip:{}@127.0.0.1:{}>", self.user, self.port),
            );
        if let Some(body) = body {
            reply = reply.body("application/sdp", body);
        }
        if status == 200 {
            self.dialog = Some(Dialog::uas(&invite, &tag, flow(self.port)).unwrap());
        }
        w.sip(self.port, reply.build().unwrap());
    }

    /// Picks up.
    pub fn pick_up(&mut self, w: &mut World) {
        self.respond(w, 200, Some(sdp(self.port + 1, "")));
    }

    /// Answers a request with a bare status.
    pub fn reply(&self, w: &mut World, request: &Message, status: u16) {
        w.sip(
            self.port,
            Builder::reply(request, status, "Says The Phone").build().unwrap(),
        );
    }
}

/// Endpoints get numbers from 1 on, in the order of the legs of a world's only shard.
pub fn endpoint(leg: u64) -> EndpointId {
    EndpointId(leg + 1)
}
