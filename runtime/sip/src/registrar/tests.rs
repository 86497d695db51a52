use super::*;
use crate::flow::Transport;
use crate::message::Method;

struct Bench {
    registrar: Registrar,
    now: Instant,
    cseq: u32,
}

fn flow(port: u16) -> Flow {
    Flow {
        transport: Transport::Udp,
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([198, 51, 100, 7], port).into(),
        connection: 0,
    }
}

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn alice() -> Aor {
    Aor::new("demo.example", "301")
}

impl Bench {
    fn new() -> Self {
        Bench {
            registrar: Registrar::new(Config::default()),
            now: Instant::now(),
            cseq: 0,
        }
    }

    fn message(&self, call_id: &str, contacts: &[&str], expires: Option<u32>) -> Message {
        let mut builder = Message::request(Method::Register, "sip:demo.example")
            .header(Name::Via, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1")
            .header(Name::From, "<sip:301@demo.example>;tag=1")
            .header(Name::To, "<sip:301@demo.example>")
            .header(Name::CallId, call_id)
            .header_display(Name::CSeq, format_args!("{} REGISTER", self.cseq))
            .header(Name::UserAgent, "test phone")
            .headers(Name::Contact, contacts);
        if let Some(expires) = expires {
            builder = builder.header_display(Name::Expires, expires);
        }
        builder.build().unwrap()
    }

    fn register(&mut self, contacts: &[&str], expires: Option<u32>) -> Result<Vec<Binding>, RegisterError> {
        self.cseq += 1;
        let message = self.message("one", contacts, expires);
        self.registrar.register(&alice(), &message, flow(5060), self.now)
    }

    fn found(&self, aor: &Aor) -> Vec<String> {
        self.registrar
            .lookup(aor, self.now)
            .into_iter()
            .map(|binding| binding.contact_uri)
            .collect()
    }
}

#[test]
fn a_binding_is_found_with_its_flow_until_it_ends() {
    let mut bench = Bench::new();
    let bindings = bench.register(&["<sip:301@10.0.0.5>"], Some(120)).unwrap();
    assert_eq!(
        bindings[0].contact_header(bench.now),
        "<sip:301@10.0.0.5>;expires=120"
    );
    assert_eq!(bindings[0].flow, flow(5060));
    assert_eq!(bindings[0].user_agent.as_deref(), Some("test phone"));
    assert_eq!(bench.registrar.next_deadline(), Some(bench.now + secs(120)));
    bench.now += secs(119);
    assert_eq!(bench.registrar.expire(bench.now), []);
    assert_eq!(bench.found(&alice()), ["sip:301@10.0.0.5"]);
    bench.now += secs(1);
    assert_eq!(bench.found(&alice()), [""; 0]);
    let gone = bench.registrar.expire(bench.now);
    assert_eq!((gone.len(), &gone[0].0), (1, &alice()));
    assert!(bench.registrar.is_empty());
    assert_eq!(bench.registrar.next_deadline(), None);
}

#[test]
fn a_second_domain_sees_nothing() {
    let mut bench = Bench::new();
    bench.register(&["<sip:301@10.0.0.5>"], None).unwrap();
    assert_eq!(bench.found(&Aor::new("other.example", "301")), [""; 0]);
    assert_eq!(bench.found(&Aor::new("DEMO.example", "301")).len(), 1);
    bench.cseq += 1;
    let star = bench.message("one", &["*"], Some(0));
    let other = Aor::new("other.example", "301");
    assert_eq!(
        bench.registrar.register(&other, &star, flow(1), bench.now),
        Ok(vec![])
    );
    assert_eq!(bench.found(&alice()).len(), 1);
}

#[test]
fn contacts_are_ordered_by_q_and_then_by_freshness() {
    let mut bench = Bench::new();
    bench
        .register(&["<sip:a@h>;q=0.5", "<sip:b@h>;q=0.7", "<sip:c@h>;q=0.5"], None)
        .unwrap();
    assert_eq!(bench.found(&alice()), ["sip:b@h", "sip:c@h", "sip:a@h"]);
    bench.register(&["<sip:a@h>;q=0.5"], None).unwrap();
    assert_eq!(bench.found(&alice()), ["sip:b@h", "sip:a@h", "sip:c@h"]);
}

#[test]
fn the_contacts_own_time_counts_before_the_header_and_that_before_the_default() {
    let mut bench = Bench::new();
    bench
        .register(&["<sip:a@h>;expires=100", "<sip:b@h>"], Some(200))
        .unwrap();
    let all = bench.register(&["<sip:c@h>"], None).unwrap();
    let time = |uri: &str| {
        all.iter()
            .find(|b| b.contact_uri == uri)
            .map(|b| (b.expires_at - bench.now).as_secs())
    };
    assert_eq!(
        [time("sip:a@h"), time("sip:b@h"), time("sip:c@h")],
        [Some(100), Some(200), Some(3600)]
    );
    let capped = bench.register(&["<sip:d@h>;expires=4294967295"], None).unwrap();
    assert_eq!(capped[0].expires_at, bench.now + secs(7200));
}

#[test]
fn under_a_minute_is_refused_with_423_and_nothing_is_done() {
    let mut bench = Bench::new();
    let error = bench
        .register(&["<sip:a@h>;expires=3600", "<sip:b@h>;expires=59"], None)
        .unwrap_err();
    assert_eq!(
        error,
        RegisterError::TooBrief {
            asked_s: 59,
            least_s: 60
        }
    );
    assert_eq!((error.reject().status, error.min_expires_s()), (423, Some(60)));
    assert_eq!(bench.found(&alice()), [""; 0]);
}

#[test]
fn a_contact_is_refreshed_and_removed_by_an_equivalent_uri() {
    let mut bench = Bench::new();
    bench.register(&["<sip:a@H.example>"], Some(100)).unwrap();
    bench.now += secs(50);
    let refreshed = bench.register(&["<sip:a@h.example>"], Some(100)).unwrap();
    assert_eq!(
        (refreshed.len(), refreshed[0].expires_at),
        (1, bench.now + secs(100))
    );
    bench.now += secs(60);
    assert_eq!(bench.registrar.expire(bench.now), []);
    assert_eq!(bench.register(&["<sip:a@h.example>;expires=0"], None), Ok(vec![]));
}

#[test]
fn star_removes_all_only_alone_and_with_expires_0() {
    let mut bench = Bench::new();
    bench.register(&["<sip:a@h>", "<sip:b@h>"], None).unwrap();
    for (contacts, expires) in [
        (&["*"][..], None),
        (&["*"], Some(60)),
        (&["*", "<sip:a@h>"], Some(0)),
    ] {
        assert_eq!(bench.register(contacts, expires), Err(RegisterError::Star));
    }
    assert_eq!(bench.found(&alice()).len(), 2);
    assert_eq!(bench.register(&["*"], Some(0)), Ok(vec![]));
}

#[test]
fn an_older_register_of_the_same_call_id_changes_nothing() {
    let mut bench = Bench::new();
    bench.cseq = 10;
    bench.register(&["<sip:a@h>"], None).unwrap();
    bench.cseq = 9;
    assert_eq!(
        bench.register(&["<sip:a@h>;expires=0"], None),
        Err(RegisterError::OutOfOrder)
    );
    bench.cseq = 9;
    assert_eq!(bench.register(&["*"], Some(0)), Err(RegisterError::OutOfOrder));
    // Another Call-ID is another life of the phone: its CSeq starts anywhere.
    bench.cseq = 20;
    bench.register(&["<sip:a@h>"], None).unwrap();
    bench.cseq = 1;
    let message = bench.message("two", &["<sip:a@h>;expires=0"], None);
    assert_eq!(
        bench.registrar.register(&alice(), &message, flow(1), bench.now),
        Ok(vec![])
    );
}

#[test]
fn more_contacts_than_allowed_are_refused_whole() {
    let mut bench = Bench::new();
    let contacts: Vec<String> = (0..11).map(|n| format!("<sip:{n}@h>")).collect();
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    let error = bench.register(&contacts, None).unwrap_err();
    assert_eq!(error.reject().status, 403);
    assert_eq!(bench.found(&alice()), [""; 0]);
    assert_eq!(bench.register(&contacts[..10], None).unwrap().len(), 10);
    // A refresh is no further contact.
    assert_eq!(bench.register(&contacts[..10], None).unwrap().len(), 10);
}

#[test]
fn without_contacts_it_is_a_query() {
    let mut bench = Bench::new();
    bench.register(&["<sip:a@h>"], None).unwrap();
    assert_eq!(bench.register(&[], None).unwrap().len(), 1);
}

#[test]
fn a_device_with_a_new_address_replaces_its_old_self() {
    let mut bench = Bench::new();
    let instance = "+sip.instance=\"<urn:uuid:1>\";reg-id=1";
    bench
        .register(&[&format!("<sip:a@10.0.0.5>;{instance}")], None)
        .unwrap();
    let all = bench
        .register(&[&format!("<sip:a@10.0.0.9>;{instance}")], None)
        .unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        all[0].contact_header(bench.now),
        "<sip:a@10.0.0.9>;expires=3600;+sip.instance=\"<urn:uuid:1>\";reg-id=1"
    );
}

#[test]
fn a_closed_flow_takes_its_bindings_along() {
    let mut bench = Bench::new();
    bench.register(&["<sip:a@h>"], None).unwrap();
    bench.cseq += 1;
    let message = bench.message("two", &["<sip:b@h>"], None);
    bench
        .registrar
        .register(&alice(), &message, flow(7777), bench.now)
        .unwrap();
    let gone = bench.registrar.handle_flow_closed(flow(5060));
    assert_eq!(gone.len(), 1);
    assert_eq!(bench.found(&alice()), ["sip:b@h"]);
}

#[test]
fn what_no_call_can_be_sent_to_is_refused() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.register(&["<mailto:a@h>"], None),
        Err(RegisterError::Contact)
    );
    assert_eq!(
        bench.register(&["<sip:a@h"], None).unwrap_err().reject().status,
        400
    );
}
