//! REGISTER: who is where.

use std::collections::BTreeMap;
use std::time::Duration;
use tandem_sip::Moment;

use tandem_sip::registrar::{Config, Registrar};
use tandem_sip::{Message, Method, Name};
use tandem_switch::registration::{BindingChange, Input, Output, Registration};
use tandem_switch::{Answer, Change, Key, Kind, Question, RestoreProblem};

use crate::kit::*;

struct Office {
    role: Registration,
    now: Moment,
    answers: bool,
    log: BTreeMap<Key, Vec<u8>>,
    /// Questions without an answer yet.
    kept: Vec<Input>,
    silent: bool,
    /// Who was told to have come or gone.
    presences: Vec<(String, bool)>,
    /// What was told of devices.
    bound: Vec<(String, BindingChange)>,
}

impl Office {
    fn new(seed: u64) -> Self {
        let now = Moment::default();
        let role = Registration::new(Registrar::new(Config::default()), nonces(seed), seed);
        Self {
            role,
            now,
            answers: true,
            log: BTreeMap::new(),
            kept: Vec::new(),
            silent: false,
            presences: Vec::new(),
            bound: Vec::new(),
        }
    }

    fn write_down(&mut self) {
        let log = &mut self.log;
        self.role.changes(&mut |change| match change {
            Change::Put { key, value } => drop(log.insert(key, value.to_vec())),
            Change::Delete { key } => assert!(log.remove(&key).is_some(), "{key:?}"),
        });
    }

    /// Another process takes over.
    fn restart(&mut self) -> (Vec<Message>, Vec<RestoreProblem>) {
        let entries = self.log.iter().map(|(key, value)| (*key, value.as_slice()));
        let registrar = Registrar::new(Config::default());
        let (role, problems) = Registration::restore(registrar, nonces(99), 99, entries, self.now);
        self.role = role;
        (self.give(Input::Timeout), problems)
    }

    fn give(&mut self, input: Input) -> Vec<Message> {
        let mut sent = Vec::new();
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            self.role.handle(input, self.now);
            self.write_down();
            loop {
                match self.role.poll_output() {
                    Output::Wait(_) => break,
                    Output::Presence { user, registered, .. } => self.presences.push((user, registered)),
                    Output::Bound { contact, change, .. } => self.bound.push((contact, change)),
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
                        let input = Input::Answered { number, answer };
                        if self.silent {
                            self.kept.push(input);
                        } else {
                            inputs.push(input);
                        }
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
fn a_user_comes_with_the_first_device_and_goes_with_the_last() {
    let mut o = Office::new(11);
    let (mut a, mut b) = (Phone::new("301", 6010), Phone::new("301", 6011));
    o.register(&mut a, CONTACT, "600");
    o.register(&mut b, "<sip:301@127.0.0.1:6011>", "60");
    o.register(&mut a, CONTACT, "600");
    assert_eq!(o.presences, [("301".to_owned(), true)]);
    o.register(&mut a, CONTACT, "0");
    assert_eq!(o.presences.len(), 1, "the other device is there");
    o.now += secs(61);
    o.give(Input::Timeout);
    assert_eq!(o.presences, [("301".to_owned(), true), ("301".to_owned(), false)]);
    let told = |port: u16, change| (format!("sip:301@127.0.0.1:{port}"), change);
    assert_eq!(
        o.bound,
        [
            told(6010, BindingChange::Added),
            told(6011, BindingChange::Added),
            told(6010, BindingChange::Refreshed),
            told(6010, BindingChange::Removed),
            told(6011, BindingChange::Removed),
        ]
    );
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
fn a_closed_flow_leaves_its_bindings() {
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
    let left = o.role.lookup(DOMAIN, "301", o.now);
    assert!(
        left[0].flow_closed,
        "the phone may come back or be reached at its contact"
    );
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

#[test]
fn registrations_and_nonces_outlive_the_process() {
    let mut o = Office::new(9);
    let mut a = Phone::new("301", 6010);
    let uri = format!("sip:{DOMAIN}");
    o.register(&mut a, CONTACT, "600");
    o.register(&mut Phone::new("302", 6020), "<sip:302@127.0.0.1:6020>", "600");
    let before = o.role.lookup(DOMAIN, "301", o.now);
    // One is challenged before the end and answers after it.
    let mut c = Phone::new("303", 6030);
    let register = |c: &mut Phone, value: Option<String>| {
        let request = c.request(Method::Register, &uri, "sip:303@a.example");
        let request = match value {
            Some(value) => request.header(Name::Authorization, value),
            None => request,
        };
        c.via(request)
    };
    let first = register(&mut c, None);
    let challenge = o.sip(6030, first);
    assert_eq!(o.restart().1, []);
    assert_eq!(o.role.lookup(DOMAIN, "301", o.now), before);
    assert_eq!(o.role.bindings(), 2);
    let value = c.credentials(&challenge, Method::Register, &uri);
    let second = register(&mut c, Some(value.clone()));
    assert_eq!(o.sip(6030, second).status(), Some(200));
    // What was answered once is a replay, also in the next life.
    o.restart();
    let third = register(&mut c, Some(value));
    assert_eq!(o.sip(6030, third).status(), Some(401));
    o.now += Duration::from_secs(601);
    o.restart();
    assert_eq!(o.role.lookup(DOMAIN, "301", o.now), []);
    o.now += Duration::from_hours(2);
    o.give(Input::Timeout);
    let kinds: Vec<_> = o
        .log
        .keys()
        .map(|key| key.kind)
        .filter(|kind| *kind != Kind::Nonce)
        .collect();
    assert_eq!(kinds, [Kind::Meta]);
}

#[test]
fn a_register_that_waited_for_the_directory_is_answered_by_the_next_process() {
    let mut o = Office::new(10);
    o.silent = true;
    let mut a = Phone::new("301", 6010);
    let request = a.request(Method::Register, "sip:a.example", "sip:301@a.example");
    let message = a.via(request);
    let flow = flow(6010);
    assert_eq!(o.give(Input::Sip { flow, message }).len(), 0);
    o.kept.clear();
    o.silent = false;
    let (sent, problems) = o.restart();
    assert_eq!(problems, []);
    assert_eq!(sent[0].status(), Some(401));
}

#[test]
fn a_damaged_registration_costs_nobody_else() {
    let mut o = Office::new(11);
    for (user, port) in [("301", 6010), ("302", 6020)] {
        let contact = format!("<sip:{user}@127.0.0.1:{port}>");
        o.register(&mut Phone::new(user, port), &contact, "600");
    }
    let whole = o.log.clone();
    for (key, value) in &whole {
        for length in 0..value.len() {
            o.log.clone_from(&whole);
            o.log.get_mut(key).unwrap().truncate(length);
            let (_, problems) = o.restart();
            assert_eq!(problems.len(), 1, "{key:?}");
            assert_eq!(o.role.bindings(), if key.kind == Kind::Binding { 1 } else { 2 });
            o.write_down();
            if key.kind == Kind::Binding {
                assert!(!o.log.contains_key(key));
            }
        }
    }
}
