//! REGISTER: who is where.

use std::time::{Duration, Instant};

use tandem_sip::registrar::{Config, Registrar};
use tandem_sip::{Message, Method, Name};
use tandem_switch::registration::{Input, Output, Registration};
use tandem_switch::{Answer, Question};

use crate::kit::*;

struct Office {
    role: Registration,
    now: Instant,
    answers: bool,
}

impl Office {
    fn new(seed: u64) -> Self {
        let now = Instant::now();
        let role = Registration::new(Registrar::new(Config::default()), verifier(seed, now), seed);
        Self {
            role,
            now,
            answers: true,
        }
    }

    fn give(&mut self, input: Input) -> Vec<Message> {
        let mut sent = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.role.handle(input, self.now);
            loop {
                match self.role.poll_output() {
                    Output::Wait(_) => break,
                    Output::Send { bytes, .. } => sent.push(Message::parse(bytes).unwrap()),
                    Output::Ask {
                        number,
                        question: Question::Admit { host, user, dialled },
                    } => {
                        let answer = if self.answers {
                            Answer::Admit(admit(&host, &user, &dialled))
                        } else {
                            Answer::Unavailable
                        };
                        inputs.push(Input::Answered { number, answer });
                    }
                    Output::Ask { question, .. } => panic!("{question:?}"),
                }
            }
        }
        sent
    }

    fn sip(&mut self, port: u16, message: Message) -> Message {
        message.validate().unwrap();
        self.give(Input::Sip {
            flow: flow(port),
            message,
        })
        .remove(0)
    }

    /// REGISTER with a Contact, past the challenge.
    fn register(&mut self, phone: &mut Phone, contact: &str, expires: &str) -> Message {
        let (domain, aor) = (
            phone.domain.clone(),
            format!("sip:{}@{}", phone.user, phone.domain),
        );
        self.register_at(phone, &format!("sip:{domain}"), &aor, contact, expires)
    }

    fn register_at(
        &mut self,
        phone: &mut Phone,
        uri: &str,
        aor: &str,
        contact: &str,
        expires: &str,
    ) -> Message {
        let port = phone.port;
        let build = |phone: &mut Phone, credentials: Option<String>| {
            let mut request = phone
                .request(Method::Register, uri, aor)
                .without(Name::Contact)
                .header(Name::Expires, expires);
            if !contact.is_empty() {
                request = request.header(Name::Contact, contact);
            }
            if let Some(value) = credentials {
                request = request.header(Name::Authorization, value);
            }
            phone.via(request)
        };
        let first = build(phone, None);
        let reply = self.sip(port, first);
        if reply.status() != Some(401) {
            return reply;
        }
        let value = phone.credentials(&reply, Method::Register, uri);
        let second = build(phone, Some(value));
        self.sip(port, second)
    }
}

const CONTACT: &str = "<sip:301@127.0.0.1:6010>";

#[test]
fn a_phone_registers_past_the_challenge_and_is_told_its_contacts() {
    let mut o = Office::new(1);
    let mut a = Phone::new("301", 6010);
    let ok = o.register(&mut a, CONTACT, "600");
    assert_eq!(ok.status(), Some(200));
    assert_eq!(
        ok.header_str(Name::Contact),
        Some("<sip:301@127.0.0.1:6010>;expires=600")
    );
    assert_eq!(o.role.lookup(DOMAIN, "301", o.now).len(), 1);
    // Without Contact it only asks.
    let asked = o.register(&mut a, "", "600");
    assert_eq!(asked.headers(Name::Contact).count(), 1);
}

#[test]
fn a_wrong_password_registers_nothing_and_is_counted() {
    let mut o = Office::new(2);
    let mut a = Phone::new("301", 6010);
    a.password = "wrong".into();
    assert_eq!(o.register(&mut a, CONTACT, "600").status(), Some(403));
    assert_eq!((o.role.bindings(), o.role.refused()), (0, 1));
}

#[test]
fn too_brief_a_time_is_423_with_the_least_one() {
    let mut o = Office::new(3);
    let reply = o.register(&mut Phone::new("301", 6010), CONTACT, "5");
    assert_eq!(
        (reply.status(), reply.header_str(Name::MinExpires)),
        (Some(423), Some("60"))
    );
    assert_eq!(o.role.bindings(), 0);
}

#[test]
fn a_binding_ends_with_its_time_or_by_expires_0() {
    let mut o = Office::new(4);
    let mut a = Phone::new("301", 6010);
    o.register(&mut a, CONTACT, "60");
    o.now += Duration::from_secs(61);
    o.give(Input::Timeout);
    assert_eq!(o.role.bindings(), 0);
    o.register(&mut a, CONTACT, "600");
    assert_eq!(o.register(&mut a, "*", "0").status(), Some(200));
    assert_eq!(o.role.bindings(), 0);
}

#[test]
fn a_closed_flow_takes_its_bindings_along() {
    let mut o = Office::new(5);
    let mut a = Phone::new("301", 6010);
    let tcp = tandem_sip::Flow {
        transport: tandem_sip::Transport::Tcp,
        connection: 9,
        ..flow(6010)
    };
    let uri = format!("sip:{DOMAIN}");
    let aor = format!("sip:301@{DOMAIN}");
    let mut value = None;
    for status in [401, 200] {
        let mut request = a.request(Method::Register, &uri, &aor);
        if let Some(value) = value.take() {
            request = request.header(Name::Authorization, value);
        }
        let message = a.via(request);
        let reply = o.give(Input::Sip { flow: tcp, message }).remove(0);
        assert_eq!(reply.status(), Some(status));
        if status == 401 {
            value = Some(a.credentials(&reply, Method::Register, &uri));
        }
    }
    assert_eq!(o.role.bindings(), 1);
    o.give(Input::FlowClosed { flow: tcp });
    assert_eq!(o.role.bindings(), 0);
}

#[test]
fn domains_are_walled() {
    let mut o = Office::new(6);
    // A user of the one domain is nobody in the other, whatever To says.
    let mut b = Phone::of("b.example", "401", 6020);
    assert_eq!(
        o.register_at(&mut b, "sip:a.example", "sip:401@a.example", CONTACT, "600")
            .status(),
        Some(403)
    );
    let mut a = Phone::new("301", 6010);
    assert_eq!(
        o.register_at(&mut a, "sip:a.example", "sip:301@b.example", CONTACT, "600")
            .status(),
        Some(404)
    );
    // Nobody registers another user.
    assert_eq!(
        o.register_at(&mut a, "sip:a.example", "sip:302@a.example", CONTACT, "600")
            .status(),
        Some(403)
    );
    assert_eq!(
        o.register_at(&mut a, "sip:c.example", "sip:301@c.example", CONTACT, "600")
            .status(),
        Some(404)
    );
    assert_eq!(o.role.bindings(), 0);
}

#[test]
fn a_phone_may_register_at_the_servers_address() {
    let mut o = Office::new(7);
    let mut a = Phone::new("301", 6010);
    let ok = o.register_at(&mut a, "sip:127.0.0.1", "sip:301@a.example", CONTACT, "600");
    assert_eq!(ok.status(), Some(200));
    assert_eq!(o.role.lookup(DOMAIN, "301", o.now).len(), 1);
}

#[test]
fn a_directory_that_does_not_answer_is_503() {
    let mut o = Office::new(8);
    o.answers = false;
    assert_eq!(
        o.register(&mut Phone::new("301", 6010), CONTACT, "600").status(),
        Some(503)
    );
}
