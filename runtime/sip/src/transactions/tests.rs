//! The table: matching, what it answers by itself, and a client and a server over a bad network.

use super::*;
use crate::flow::Transport;
use crate::message::{Builder, Name};
use rand::SeedableRng;
use std::collections::BTreeMap;

mod restart;

fn flow(transport: Transport) -> Flow {
    Flow {
        transport,
        local: ([192, 0, 2, 1], 5060).into(),
        remote: ([192, 0, 2, 2], 5060).into(),
        connection: u64::from(transport == Transport::Tcp),
    }
}

fn table(seed: u64) -> Transactions {
    Transactions::new(Config::default(), StdRng::seed_from_u64(seed))
}

fn request(method: Method, call_id: &str) -> Builder {
    Message::request(method, "sip:302@demo.example")
        .header(Name::MaxForwards, "70")
        .header(Name::From, "<sip:301@demo.example>;tag=alice")
        .header(Name::To, "<sip:302@demo.example>")
        .header(Name::CallId, call_id)
        .header_display(Name::CSeq, format_args!("1 {method}"))
}

/// A request as a phone sends it, with its Via.
fn from_phone(method: Method, branch: &str) -> Message {
    with_via(request(method, "call-1"), branch)
}

fn with_via(builder: Builder, branch: &str) -> Message {
    let via = format!("SIP/2.0/UDP 10.0.0.5:5060;rport{branch}");
    builder.build().unwrap().with_top_via(&via).unwrap()
}

fn reply(request: &Message, status: u16) -> Message {
    Builder::reply(request, status, "Reason")
        .to_tag("bob")
        .build()
        .unwrap()
}

/// What the table wants, up to its Wait.
fn drain(table: &mut Transactions) -> (Vec<Message>, Vec<Event>) {
    let (mut sent, mut events) = (Vec::new(), Vec::new());
    loop {
        match table.poll_output() {
            Output::Send { message, .. } => {
                let message = Message::parse(message).unwrap();
                message.validate().unwrap();
                sent.push(message);
            }
            Output::Event(event) => events.push(event),
            Output::Wait(_) => return (sent, events),
        }
    }
}

fn statuses(sent: &[Message]) -> Vec<u16> {
    sent.iter().filter_map(Message::status).collect()
}

fn server_of(events: &[Event]) -> (ServerId, Message) {
    match events {
        [Event::Request { server, message, .. }] => (*server, message.clone()),
        other => panic!("one request expected: {other:?}"),
    }
}

fn start_call(table: &mut Transactions, now: Moment) -> (ServerId, Message) {
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Invite, ";branch=z9hG4bKa"),
        now,
    );
    server_of(&drain(table).1)
}

#[test]
fn a_response_goes_back_with_received_and_rport() {
    let (mut table, now) = (table(1), Moment::default());
    let (server, invite) = start_call(&mut table, now);
    table.respond(server, reply(&invite, 180), now).unwrap();
    let (sent, _) = drain(&mut table);
    let via = sent[0].top_via().unwrap();
    assert_eq!(
        (via.received(), via.rport()),
        ("192.0.2.2".parse().ok(), Some(Some(5060)))
    );
}

#[test]
fn trying_is_sent_by_itself_and_repeats_are_absorbed() {
    let (mut table, now) = (table(1), Moment::default());
    start_call(&mut table, now);
    table.handle_timeout(now + Duration::from_millis(200));
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Invite, ";branch=z9hG4bKa"),
        now,
    );
    let (sent, events) = drain(&mut table);
    assert_eq!(statuses(&sent), [100, 100]);
    assert_eq!(sent[0].to().unwrap().tag(), None);
    assert!(events.is_empty());
}

/// RFC 3261 §17.2.3: same branch, other sent-by or other method is another transaction.
#[test]
fn branch_sent_by_and_method_name_a_transaction() {
    let (mut table, now) = (table(1), Moment::default());
    let via = |host: &str| format!("SIP/2.0/UDP {host};branch=z9hG4bKx");
    for (host, method, call_id, new) in [
        ("a.example", Method::Options, "c1", true),
        ("A.EXAMPLE:5060", Method::Options, "c1", false),
        ("b.example", Method::Options, "c2", true),
        ("a.example:5070", Method::Options, "c3", true),
        ("a.example", Method::Info, "c4", true),
    ] {
        let message = request(method, call_id)
            .build()
            .unwrap()
            .with_top_via(&via(host))
            .unwrap();
        table.handle_inbound(flow(Transport::Udp), message, now);
        assert_eq!(drain(&mut table).1.len(), usize::from(new), "{host} {method}");
    }
}

/// RFC 3261 §17.2.3, second half: a client that knows no magic cookie.
#[test]
fn without_a_branch_the_older_rules_match_repeats_and_acks() {
    for branch in ["", ";branch=1"] {
        let (mut table, now) = (table(1), Moment::default());
        let invite = from_phone(Method::Invite, branch);
        table.handle_inbound(flow(Transport::Udp), invite.clone(), now);
        let (server, taken) = server_of(&drain(&mut table).1);
        table.respond(server, reply(&taken, 486), now).unwrap();
        table.handle_inbound(flow(Transport::Udp), invite, now);
        assert_eq!(statuses(&drain(&mut table).0), [486, 486]);
        // The ACK of somebody else's response stays outside.
        for (tag, inside) in [("other", false), ("bob", true)] {
            let builder = request(Method::Ack, "call-1").without(Name::To);
            let to = format!("<sip:302@demo.example>;tag={tag}");
            table.handle_inbound(
                flow(Transport::Udp),
                with_via(builder.header(Name::To, to), branch),
                now,
            );
            assert_eq!(drain(&mut table).1.is_empty(), inside, "{tag}");
        }
        table.handle_timeout(now + Duration::from_secs(4));
        assert!(drain(&mut table).0.is_empty(), "the ACK stopped the repeats");
    }
}

#[test]
fn the_same_request_by_another_way_is_merged_with_482() {
    let (mut table, now) = (table(1), Moment::default());
    start_call(&mut table, now);
    let other = from_phone(Method::Invite, ";branch=z9hG4bKb");
    table.handle_inbound(flow(Transport::Udp), other.clone(), now);
    table.handle_inbound(flow(Transport::Udp), other, now);
    let (sent, events) = drain(&mut table);
    assert_eq!(statuses(&sent), [482, 482]);
    assert_eq!(sent[0], sent[1], "the same To tag each time (§8.2.7)");
    assert!(events.is_empty());
    // The next attempt has another CSeq.
    let next = request(Method::Invite, "call-1")
        .without(Name::CSeq)
        .header(Name::CSeq, "2 INVITE");
    table.handle_inbound(flow(Transport::Udp), with_via(next, ";branch=z9hG4bKc"), now);
    assert_eq!(drain(&mut table).1.len(), 1);
}

#[test]
fn cancel_is_answered_and_told_once() {
    let (mut table, now) = (table(1), Moment::default());
    let (server, invite) = start_call(&mut table, now);
    table.respond(server, reply(&invite, 180), now).unwrap();
    drain(&mut table);
    let cancel = from_phone(Method::Cancel, ";branch=z9hG4bKa");
    table.handle_inbound(flow(Transport::Udp), cancel.clone(), now);
    table.handle_inbound(flow(Transport::Udp), cancel, now);
    let (sent, events) = drain(&mut table);
    assert_eq!(statuses(&sent), [200, 200]);
    assert_eq!(sent[0].cseq().unwrap().method, Method::Cancel);
    assert_eq!(sent[0].to().unwrap().tag(), Some("bob"), "as the 180 (§9.2)");
    assert!(
        matches!(events[..], [Event::Cancelled { server: told }] if told == server),
        "{events:?}"
    );
    table.respond(server, reply(&invite, 487), now).unwrap();
    assert_eq!(statuses(&drain(&mut table).0), [487]);
}

#[test]
fn a_cancel_of_nothing_gets_481_and_one_too_late_only_200() {
    let (mut table, now) = (table(1), Moment::default());
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Cancel, ";branch=z9hG4bKno"),
        now,
    );
    assert_eq!(statuses(&drain(&mut table).0), [481]);
    let (server, invite) = start_call(&mut table, now);
    table.respond(server, reply(&invite, 200), now).unwrap();
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Cancel, ";branch=z9hG4bKa"),
        now,
    );
    let (sent, events) = drain(&mut table);
    assert_eq!((statuses(&sent), events.len()), (vec![200, 200], 0));
}

#[test]
fn beyond_the_bound_requests_get_503_and_calls_in_progress_go_on() {
    let config = Config {
        servers_max: 1,
        clients_max: 1,
        ..Config::default()
    };
    let (mut table, now) = (
        Transactions::new(config, StdRng::seed_from_u64(1)),
        Moment::default(),
    );
    let (server, invite) = start_call(&mut table, now);
    table.handle_inbound(
        flow(Transport::Udp),
        with_via(request(Method::Options, "c2"), ";branch=z9hG4bKb"),
        now,
    );
    let (sent, events) = drain(&mut table);
    assert_eq!((statuses(&sent), events.len()), (vec![503], 0));
    assert_eq!(sent[0].header(Name::RetryAfter), Some(&b"5"[..]));
    // A CANCEL is heard all the same.
    table.handle_inbound(
        flow(Transport::Udp),
        from_phone(Method::Cancel, ";branch=z9hG4bKa"),
        now,
    );
    let (sent, events) = drain(&mut table);
    assert_eq!((statuses(&sent), events.len()), (vec![200], 1));
    table.respond(server, reply(&invite, 487), now).unwrap();
    let first = table.request(
        request(Method::Bye, "c3").build().unwrap(),
        flow(Transport::Udp),
        "192.0.2.1",
        now,
    );
    let second = table.request(
        request(Method::Bye, "c4").build().unwrap(),
        flow(Transport::Udp),
        "192.0.2.1",
        now,
    );
    assert_ne!(first, second);
    let events = drain(&mut table).1;
    assert!(
        matches!(events[0], Event::ClientFailed { client } if client == second),
        "{events:?}"
    );
}

#[test]
fn an_old_id_never_means_a_new_transaction() {
    let (mut table, now) = (table(1), Moment::default());
    let tcp = flow(Transport::Tcp);
    let mut seen = Vec::new();
    for n in 0..3 {
        let message = with_via(
            request(Method::Options, &format!("c{n}")),
            &format!(";branch=z9hG4bK{n}"),
        );
        table.handle_inbound(tcp, message, now);
        let (server, options) = server_of(&drain(&mut table).1);
        table.respond(server, reply(&options, 200), now).unwrap();
        table.handle_timeout(now + Duration::from_secs(1));
        assert_eq!(
            table.respond(server, reply(&options, 200), now),
            Err(RespondError::Gone)
        );
        drain(&mut table);
        seen.push(server);
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
    assert!(table.is_empty());
}

#[test]
fn a_broken_connection_ends_what_went_over_it() {
    let (mut table, now) = (table(1), Moment::default());
    let (tcp, udp) = (flow(Transport::Tcp), flow(Transport::Udp));
    let lost = table.request(
        request(Method::Invite, "c1").build().unwrap(),
        tcp,
        "192.0.2.1",
        now,
    );
    table.request(
        request(Method::Options, "c2").build().unwrap(),
        udp,
        "192.0.2.1",
        now,
    );
    drain(&mut table);
    table.handle_transport_error(tcp, now);
    let events = drain(&mut table).1;
    assert!(
        matches!(events[..], [Event::ClientFailed { client: a }, Event::ClientDone { client: b }] if a == lost && b == lost),
        "{events:?}"
    );
    assert_eq!(table.len(), 1);
}

#[test]
fn a_refusal_is_acknowledged_with_the_invites_branch_and_routes() {
    let (mut table, now) = (table(1), Moment::default());
    let invite = request(Method::Invite, "c1")
        .header(Name::Route, "<sip:p.example;lr>")
        .build()
        .unwrap();
    table.request(invite, flow(Transport::Udp), "192.0.2.1:5060", now);
    let invite = drain(&mut table).0.remove(0);
    table.handle_inbound(flow(Transport::Udp), reply(&invite, 486), now);
    let ack = drain(&mut table).0.remove(0);
    assert_eq!(ack.method(), Some(Method::Ack));
    assert_eq!(ack.header(Name::Via), invite.header(Name::Via));
    assert_eq!(ack.header(Name::Route), invite.header(Name::Route));
    assert_eq!(ack.to().unwrap().tag(), Some("bob"));
    assert_eq!(ack.cseq().unwrap().seq, invite.cseq().unwrap().seq);
}

#[test]
fn cancel_goes_out_after_the_provisional_with_the_invites_branch() {
    let (mut table, now) = (table(1), Moment::default());
    let client = table.request(
        request(Method::Invite, "c1").build().unwrap(),
        flow(Transport::Udp),
        "h",
        now,
    );
    let invite = drain(&mut table).0.remove(0);
    table.cancel(client, now);
    assert!(drain(&mut table).0.is_empty());
    table.handle_inbound(flow(Transport::Udp), reply(&invite, 180), now);
    let cancel = drain(&mut table).0.remove(0);
    assert_eq!(cancel.method(), Some(Method::Cancel));
    assert_eq!(cancel.header(Name::Via), invite.header(Name::Via));
    assert_eq!(cancel.header(Name::To), invite.header(Name::To));
    // Its 200 is the transaction's own, the INVITE's 487 is the user's.
    table.handle_inbound(flow(Transport::Udp), reply(&cancel, 200), now);
    assert!(drain(&mut table).1.is_empty());
    table.handle_inbound(flow(Transport::Udp), reply(&invite, 487), now);
    assert!(
        matches!(&drain(&mut table).1[..], [Event::Response { message, .. }] if message.status() == Some(487))
    );
}

#[test]
fn responses_that_nobody_asked_for_are_strays_and_forwarded_ones_are_dropped() {
    let (mut table, now) = (table(1), Moment::default());
    let stray = reply(&from_phone(Method::Invite, ";branch=z9hG4bKno"), 200);
    table.handle_inbound(flow(Transport::Udp), stray.clone(), now);
    assert!(matches!(drain(&mut table).1[..], [Event::StrayResponse { .. }]));
    let two = stray.with_top_via("SIP/2.0/UDP h;branch=z9hG4bK2").unwrap();
    table.handle_inbound(flow(Transport::Udp), two, now);
    assert!(drain(&mut table).1.is_empty());
}

#[test]
fn requests_are_checked_before_call_logic() {
    let (mut table, now) = (table(1), Moment::default());
    let supported = Supported::new(["timer"]);
    let check = |table: &Transactions, m: &Message| table.check_request(m, &supported).map_err(|r| r.status);
    assert_eq!(check(&table, &from_phone(Method::Invite, "")), Ok(()));
    let hops = |method| {
        request(method, "c")
            .without(Name::MaxForwards)
            .header(Name::MaxForwards, "0")
            .build()
            .unwrap()
    };
    assert_eq!(check(&table, &hops(Method::Invite)), Err(483));
    assert_eq!(check(&table, &hops(Method::Options)), Ok(()));
    let other = Message::request(Method::Options, "nobodyKnowsThisScheme:x")
        .build()
        .unwrap();
    assert_eq!(check(&table, &other), Err(416));

    let demanding = request(Method::Invite, "c")
        .header(Name::Require, "timer, 100rel")
        .build()
        .unwrap();
    let demanding = with_via(Builder::from_message(&demanding), "");
    let reject = table.check_request(&demanding, &supported).unwrap_err();
    assert_eq!(reject.status, 420);
    let refusal = supported.refuse(&demanding, &reject, "bob").unwrap();
    assert_eq!(refusal.header(Name::Unsupported), Some(&b"100rel"[..]));

    // What we sent, come back behind a proxy: a loop with the same Request-URI, else a spiral.
    table.request(
        request(Method::Invite, "c").build().unwrap(),
        flow(Transport::Udp),
        "h",
        now,
    );
    let ours = drain(&mut table).0.remove(0);
    let back = ours.with_top_via("SIP/2.0/UDP proxy;branch=z9hG4bKp").unwrap();
    assert_eq!(check(&table, &back), Err(482));
    let text = back.to_string().replacen("sip:302@demo", "sip:303@demo", 1);
    assert_eq!(
        check(&table, &Message::parse(text.into_bytes().into()).unwrap()),
        Ok(())
    );
}

/// Two tables and a network that loses, doubles and delays by chance, in virtual time.
struct Pair {
    phone: Transactions,
    pbx: Transactions,
    network: BTreeMap<(Moment, u64), (bool, Bytes)>,
    rng: StdRng,
    now: Moment,
    sent: u64,
    transport: Transport,
    /// What the users of both heard.
    offered: HashMap<String, u32>,
    finals: HashMap<ClientId, Vec<u16>>,
    timed_out: Vec<ClientId>,
    done: Vec<ClientId>,
    /// What the pbx's dialog layer would repeat.
    accepted: Vec<Message>,
    /// What this side (`true`: the phone) sends now never leaves.
    mute: Option<bool>,
}

impl Pair {
    fn new(seed: u64, transport: Transport) -> Self {
        let rng = StdRng::seed_from_u64(seed);
        Pair {
            phone: table(seed + 1_000),
            pbx: table(seed + 2_000),
            network: BTreeMap::new(),
            rng,
            now: Moment::default(),
            sent: 0,
            transport,
            offered: HashMap::new(),
            finals: HashMap::new(),
            timed_out: Vec::new(),
            done: Vec::new(),
            accepted: Vec::new(),
            mute: None,
        }
    }

    fn carry(&mut self, to_pbx: bool, message: &Bytes) {
        let (lost, copies) = match self.transport {
            Transport::Tcp => (false, 1),
            Transport::Udp => (
                self.rng.random_bool(0.2),
                1 + u64::from(self.rng.random_bool(0.2)),
            ),
        };
        if lost || self.mute == Some(to_pbx) {
            return;
        }
        for _ in 0..copies {
            self.sent += 1;
            let delay = match self.transport {
                Transport::Tcp => 20,
                Transport::Udp => self.rng.random_range(1..400),
            };
            let at = self.now + Duration::from_millis(delay);
            self.network.insert((at, self.sent), (to_pbx, message.clone()));
        }
    }

    fn drain(&mut self) -> Option<Moment> {
        let flow = flow(self.transport);
        let mut next = None::<Moment>;
        loop {
            let output = self.phone.poll_output();
            match output {
                Output::Send { message, .. } => self.carry(true, &message),
                Output::Event(Event::Response { client, message }) => {
                    let status = message.status().unwrap();
                    if status >= 200 {
                        self.finals.entry(client).or_default().push(status);
                    }
                }
                Output::Event(Event::ClientTimedOut { client }) => self.timed_out.push(client),
                Output::Event(Event::ClientDone { client }) => self.done.push(client),
                Output::Event(_) => (),
                Output::Wait(at) => {
                    next = next.into_iter().chain(at).min();
                    break;
                }
            }
        }
        loop {
            match self.pbx.poll_output() {
                Output::Send { message, .. } => self.carry(false, &message),
                Output::Event(Event::Request { server, message, .. }) => {
                    *self
                        .offered
                        .entry(message.call_id().unwrap().to_owned())
                        .or_default() += 1;
                    // Every third INVITE is refused, the others ring and are accepted at once.
                    let invite = message.method() == Some(Method::Invite);
                    let refused = message.call_id().unwrap().ends_with('3');
                    if invite {
                        self.pbx.respond(server, reply(&message, 180), self.now).unwrap();
                    }
                    let status = if refused { 486 } else { 200 };
                    self.pbx
                        .respond(server, reply(&message, status), self.now)
                        .unwrap();
                    // The dialog layer's repeats of the 2xx are not played here: the INVITE's repeats
                    // are absorbed, so a 2xx that is lost must be sent again by hand.
                    if invite && !refused {
                        self.accepted.push(reply(&message, 200));
                        for _ in 0..10 {
                            self.pbx.send(flow, &reply(&message, 200));
                        }
                    }
                }
                Output::Event(_) => (),
                Output::Wait(at) => return next.into_iter().chain(at).min(),
            }
        }
    }

    /// Jumps from deadline to deadline until both tables are empty.
    fn run(&mut self) {
        self.run_with(|_| ());
    }

    /// The same, with `before_drain` called when an input was taken and nothing of it went out yet.
    fn run_with(&mut self, mut before_drain: impl FnMut(&mut Pair)) {
        for _ in 0..100_000 {
            before_drain(self);
            let deadline = self.drain();
            let arrival = self.network.first_key_value().map(|((at, _), _)| *at);
            let Some(next) = deadline.into_iter().chain(arrival).min() else {
                return;
            };
            self.now = self.now.max(next);
            if arrival == Some(next) {
                self.deliver();
            } else {
                self.phone.handle_timeout(self.now);
                self.pbx.handle_timeout(self.now);
            }
        }
        panic!("they never come to rest");
    }

    /// Hands over what arrives first.
    fn deliver(&mut self) {
        let (_, (to_pbx, message)) = self.network.pop_first().unwrap();
        let table = if to_pbx { &mut self.pbx } else { &mut self.phone };
        table.handle_inbound(flow(self.transport), Message::parse(message).unwrap(), self.now);
    }
}

/// Requests that the phone makes, and what must have become of each in the end.
struct Calls(Vec<(ClientId, Method, u32)>);

impl Calls {
    fn start(pair: &mut Pair) -> Calls {
        let mut clients = Vec::new();
        for n in 0..12 {
            let method = if n % 2 == 0 {
                Method::Options
            } else {
                Method::Invite
            };
            let message = request(method, &format!("call-{n}")).build().unwrap();
            let client = pair
                .phone
                .request(message, flow(pair.transport), "192.0.2.9:5060", pair.now);
            clients.push((client, method, n));
        }
        Calls(clients)
    }

    fn check(self, pair: &Pair, seed: u64) {
        assert!(
            pair.offered.len() == 12 && pair.offered.values().all(|times| *times == 1),
            "seed {seed}: {:?}",
            pair.offered
        );
        for (client, method, n) in self.0 {
            let finals = pair.finals.get(&client).cloned().unwrap_or_default();
            let wanted = if n == 3 { 486 } else { 200 };
            let said = format!("seed {seed} {} {method} {n}: {finals:?}", pair.transport);
            assert!(!pair.timed_out.contains(&client), "{said}");
            // Only a 2xx of an INVITE is told as often as it comes (RFC 6026).
            let once = method != Method::Invite || wanted != 200;
            assert!(
                !finals.is_empty() && finals.iter().all(|status| *status == wanted),
                "{said}"
            );
            assert!(!once || finals.len() == 1, "{said}");
            assert_eq!(
                pair.done.iter().filter(|done| **done == client).count(),
                1,
                "{said}"
            );
        }
        assert!(pair.phone.is_empty() && pair.pbx.is_empty(), "seed {seed}");
        assert_eq!(
            pair.phone.by_key.len() + pair.pbx.by_key.len() + pair.pbx.by_merged.len(),
            0
        );
    }
}

#[test]
fn over_a_bad_network_each_request_is_offered_once_and_answered_once() {
    for seed in 0..40 {
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut pair = Pair::new(seed, transport);
            let calls = Calls::start(&mut pair);
            pair.run();
            calls.check(&pair, seed);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_branches() {
    let sent = |seed| {
        let mut table = table(seed);
        table.request(
            request(Method::Options, "c").build().unwrap(),
            flow(Transport::Udp),
            "h",
            Moment::default(),
        );
        drain(&mut table).0.remove(0).to_string()
    };
    assert_eq!(sent(4), sent(4));
    assert_ne!(sent(4), sent(5));
}

/// Fifty thousand waiting transactions do not slow one that is due.
#[test]
fn a_full_table_wakes_only_who_is_due() {
    let (mut table, now) = (table(1), Moment::default());
    let tcp = flow(Transport::Tcp);
    for n in 0..50_000 {
        table.request(
            request(Method::Options, &format!("c{n}")).build().unwrap(),
            tcp,
            "h",
            now,
        );
    }
    while !matches!(table.poll_output(), Output::Wait(_)) {}
    for step in 0..1_000_000_u64 {
        table.handle_timeout(now + Duration::from_micros(step));
    }
    assert_eq!(table.len(), 50_000);
    table.handle_timeout(now + Duration::from_secs(32));
    assert!(table.is_empty());
}
