use super::*;
use crate::flow::Transport;
use crate::message::Method;

struct Bench {
    registrar: Registrar,
    now: Moment,
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
            now: Moment::default(),
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

fn tcp(connection: u64) -> Flow {
    Flow {
        transport: Transport::Tcp,
        connection,
        ..flow(40_000 + connection as u16)
    }
}

impl Bench {
    fn register_by(&mut self, flow: Flow, call_id: &str, contact: &str) -> Vec<Binding> {
        self.cseq += 1;
        let message = self.message(call_id, &[contact], None);
        self.registrar
            .register(&alice(), &message, flow, self.now)
            .unwrap()
    }

    fn reach(&self) -> Vec<Reach> {
        let found = self.registrar.lookup(&alice(), self.now);
        found.iter().map(Binding::reach).collect()
    }
}

/// The flow's remote address is 198.51.100.7.
#[test]
fn a_binding_outlives_its_connection_and_is_reached_by_a_new_one_where_that_can_be() {
    let at = |transport, text: &str| Reach::Address(transport, text.parse().unwrap());
    for (contact, wanted) in [
        (
            "sip:a@198.51.100.7:5070;transport=tcp",
            at(Transport::Tcp, "198.51.100.7:5070"),
        ),
        ("sip:a@198.51.100.7", at(Transport::Tcp, "198.51.100.7:5060")),
        (
            "sip:a@198.51.100.7;transport=udp",
            at(Transport::Udp, "198.51.100.7:5060"),
        ),
        ("sip:a@10.0.0.5:5070;transport=tcp", Reach::Nowhere),
        ("sip:a@phone.example;transport=tcp", Reach::Nowhere),
    ] {
        let mut bench = Bench::new();
        bench.register_by(tcp(1), "one", &format!("<{contact}>"));
        assert_eq!(bench.reach(), [Reach::Flow(tcp(1))]);
        let marked = bench.registrar.handle_flow_closed(tcp(1));
        assert_eq!((marked.len(), &marked[0].0), (1, &alice()));
        assert_eq!(bench.registrar.handle_flow_closed(tcp(1)), []);
        assert_eq!(bench.reach(), [wanted], "{contact}");
        // The phone is back.
        bench.register_by(tcp(2), "two", &format!("<{contact}>"));
        assert_eq!(bench.reach(), [Reach::Flow(tcp(2))]);
        bench.registrar.handle_flow_closed(tcp(2));
        bench.now += secs(3_600);
        assert_eq!(bench.registrar.expire(bench.now).len(), 1);
        assert!(bench.registrar.is_empty());
    }
}

#[test]
fn a_closed_flow_leaves_other_bindings_as_they_are() {
    let mut bench = Bench::new();
    bench.register_by(tcp(1), "one", "<sip:a@h>");
    bench.register_by(tcp(2), "two", "<sip:b@h>");
    assert_eq!(bench.registrar.handle_flow_closed(tcp(1)).len(), 1);
    assert_eq!(bench.reach(), [Reach::Flow(tcp(2)), Reach::Nowhere]);
}

#[test]
fn a_phone_that_names_itself_anew_after_its_connection_closed_replaces_its_old_self() {
    let instance = "+sip.instance=\"<urn:uuid:1>\"";
    for (call_ids, params) in [(["one", "one"], ""), (["one", "two"], instance)] {
        let mut bench = Bench::new();
        let contact = |port: u16| format!("<sip:a@198.51.100.7:{port}>;{params}");
        bench.register_by(tcp(1), call_ids[0], &contact(40_001));
        // While both connections stand they are two.
        assert_eq!(bench.register_by(tcp(2), call_ids[1], &contact(40_002)).len(), 2);
        bench.registrar.handle_flow_closed(tcp(1));
        let left = bench.register_by(tcp(3), call_ids[1], &contact(40_003));
        assert_eq!(left.iter().filter(|binding| binding.flow_closed).count(), 0);
        assert_eq!(left.len(), 2);
    }
}

#[test]
fn bindings_without_a_connection_make_room_for_those_with_one() {
    let mut bench = Bench::new();
    for n in 0..30 {
        let all = bench.register_by(tcp(n), &format!("call-{n}"), &format!("<sip:{n}@h>"));
        assert!(all.len() <= 10 && all[0].contact_uri == format!("sip:{n}@h"));
        bench.registrar.handle_flow_closed(tcp(n));
    }
}

#[test]
fn registrations_survive_being_written_down() {
    let mut bench = Bench::new();
    let mut touched = Vec::new();
    let contact = "<sip:a@h>;expires=100, <sip:b@h>;q=0.5;expires=200";
    bench.register(&[contact], None).unwrap();
    bench.register(&[], None).unwrap();
    bench.registrar.drain_touched(&mut touched);
    assert_eq!(touched, [alice()]);
    // A query changes nothing.
    bench.register(&[], None).unwrap();
    bench.registrar.drain_touched(&mut touched);
    assert_eq!(touched.len(), 1);
    let bytes = postcard::to_stdvec(&bench.registrar.record(&alice()).unwrap()).unwrap();

    bench.registrar = Registrar::new(Config::default());
    bench.now += secs(150);
    bench
        .registrar
        .restore(postcard::from_bytes(&bytes).unwrap(), bench.now);
    assert_eq!(bench.found(&alice()), ["sip:b@h"]);
    assert_eq!(bench.registrar.next_deadline(), Some(bench.now + secs(50)));
    touched.clear();
    bench.registrar.drain_touched(&mut touched);
    assert_eq!(touched, [alice()], "what ended meanwhile is to be written down");
    // What is older than what was done before the restart is still out of order.
    bench.cseq = 0;
    assert_eq!(
        bench.register(&["<sip:b@h>"], None),
        Err(RegisterError::OutOfOrder)
    );
    bench.cseq = 10;
    assert_eq!(bench.register(&["<sip:b@h>;expires=0"], None), Ok(vec![]));
    touched.clear();
    bench.registrar.drain_touched(&mut touched);
    assert_eq!((touched.len(), bench.registrar.record(&alice())), (1, None));
}

#[test]
fn a_record_cut_short_or_with_a_flipped_bit_harms_nobody() {
    let mut bench = Bench::new();
    bench
        .register(
            &["<sip:a@h>;+sip.instance=\"<urn:uuid:1>\";reg-id=1", "<sip:b@h>"],
            None,
        )
        .unwrap();
    let bytes = postcard::to_stdvec(&bench.registrar.record(&alice()).unwrap()).unwrap();
    let mut take = |bytes: &[u8]| {
        let Ok(record) = postcard::from_bytes::<AorRecord>(bytes) else {
            return;
        };
        let aor = record.aor.clone();
        bench.registrar = Registrar::new(Config::default());
        bench.registrar.restore(record, bench.now);
        for binding in bench.registrar.lookup(&aor, bench.now) {
            let _ = (binding.reach(), binding.contact_header(bench.now));
        }
        bench.cseq = 100;
        let _ = bench.register(&["<sip:a@h>"], None);
        bench.registrar.expire(Moment::from_unix_micros(u64::MAX));
        assert!(bench.registrar.is_empty());
    };
    for end in 0..bytes.len() {
        take(&bytes[..end]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut broken = bytes.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        take(&broken);
    }
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
