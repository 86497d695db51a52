use super::testing::flow;
use super::*;
use crate::moment::Moment;
use crate::transactions::Times;
use bytes::Bytes;
use rand::SeedableRng;

fn invite(extra: &[(Name, &str)]) -> Message {
    let mut builder = Message::request(Method::Invite, "sip:302@demo.example")
        .header(Name::Via, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK1")
        .header(Name::From, "\"A\" <sip:301@demo.example>;tag=alice")
        .header(Name::To, "<sip:302@demo.example>")
        .header(Name::CallId, "call-1")
        .header(Name::CSeq, "7 INVITE")
        .header(Name::Contact, "<sip:301@10.0.0.5:5062;ob>;x=y");
    for (name, value) in extra {
        builder = builder.header(*name, value);
    }
    builder.build().unwrap()
}

fn ok(invite: &Message, tag: &str, extra: &[(Name, &str)]) -> Message {
    let mut builder = Builder::reply(invite, 200, "OK")
        .to_tag(tag)
        .header(Name::Contact, "<sip:302@10.0.0.6>");
    for (name, value) in extra {
        builder = builder.header(*name, value);
    }
    builder.build().unwrap()
}

fn in_dialog(method: Method, seq: u32, contact: Option<&str>) -> Message {
    let mut builder = Message::request(method, "sip:x@192.0.2.1")
        .header(Name::Via, "SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK2")
        .header(Name::From, "<sip:301@demo.example>;tag=alice")
        .header(Name::To, "<sip:302@demo.example>;tag=ours")
        .header(Name::CallId, "call-1")
        .header_display(Name::CSeq, format_args!("{seq} {method}"));
    if let Some(contact) = contact {
        builder = builder.header(Name::Contact, contact);
    }
    builder.build().unwrap()
}

fn routes(message: &Message) -> Vec<String> {
    message
        .headers(Name::Route)
        .map(|route| String::from_utf8_lossy(route).into_owned())
        .collect()
}

#[test]
fn the_callees_request_turns_the_invite_round() {
    let invite = invite(&[(Name::RecordRoute, "<sip:p1;lr>, <sip:p2;lr>")]);
    let mut dialog = Dialog::uas(&invite, "ours", flow()).unwrap();
    let bye = dialog.request(Method::Bye).build().unwrap();
    assert_eq!(bye.uri_str(), "sip:301@10.0.0.5:5062;ob");
    assert_eq!(
        bye.header(Name::From),
        Some(&b"<sip:302@demo.example>;tag=ours"[..])
    );
    assert_eq!(
        bye.header(Name::To),
        Some(&b"\"A\" <sip:301@demo.example>;tag=alice"[..])
    );
    assert_eq!(bye.cseq().unwrap().seq, 1);
    assert_eq!(routes(&bye), ["<sip:p1;lr>", "<sip:p2;lr>"]);
    assert_eq!(
        DialogId::of_request(&in_dialog(Method::Bye, 8, None)),
        Ok(Some(dialog.key()))
    );
}

#[test]
fn the_callers_route_set_is_reversed_and_its_ack_has_the_invites_number() {
    let invite = invite(&[]);
    let response = ok(
        &invite,
        "bob",
        &[
            (Name::RecordRoute, "<sip:p1;lr>"),
            (Name::RecordRoute, "<sip:p2;lr>"),
        ],
    );
    let mut dialog = Dialog::uac(&invite, &response, flow()).unwrap();
    let ack = dialog.ack(7).build().unwrap();
    assert_eq!((ack.uri_str(), ack.cseq().unwrap().seq), ("sip:302@10.0.0.6", 7));
    assert_eq!(routes(&ack), ["<sip:p2;lr>", "<sip:p1;lr>"]);
    assert_eq!(
        dialog.request(Method::Bye).build().unwrap().cseq().unwrap().seq,
        8
    );
    assert_eq!(DialogId::of_response(&response), Ok(Some(dialog.key())));
}

/// RFC 3261 §12.2.1.1, its example of a strict router.
#[test]
fn a_strict_router_stands_in_the_request_uri() {
    let invite = invite(&[
        (Name::RecordRoute, "<sip:proxy1>"),
        (Name::RecordRoute, "<sip:proxy2>"),
    ]);
    let mut dialog = Dialog::uas(&invite, "ours", flow()).unwrap();
    let bye = dialog.request(Method::Bye).build().unwrap();
    assert_eq!(bye.uri_str(), "sip:proxy1");
    assert_eq!(routes(&bye), ["<sip:proxy2>", "<sip:301@10.0.0.5:5062;ob>"]);
}

#[test]
fn a_request_older_than_the_last_gets_500_and_changes_nothing() {
    let mut dialog = Dialog::uas(&invite(&[]), "ours", flow()).unwrap();
    assert!(dialog.handle_request(&in_dialog(Method::Info, 20, None)).is_ok());
    let before = dialog.clone();
    let late = in_dialog(Method::Invite, 19, Some("<sip:new@h>"));
    assert_eq!(
        dialog.handle_request(&late).map_err(|reject| reject.status),
        Err(500)
    );
    assert_eq!(dialog, before);
    // An ACK has its INVITE's number, however old.
    assert!(dialog.handle_request(&in_dialog(Method::Ack, 7, None)).is_ok());
}

#[test]
fn only_target_refresh_requests_and_their_2xx_move_the_target() {
    let mut dialog = Dialog::uas(&invite(&[]), "ours", flow()).unwrap();
    dialog
        .handle_request(&in_dialog(Method::Info, 8, Some("<sip:info@h>")))
        .unwrap();
    assert_eq!(dialog.remote_target, "sip:301@10.0.0.5:5062;ob");
    dialog
        .handle_request(&in_dialog(Method::Invite, 9, Some("<sip:moved@h>")))
        .unwrap();
    assert_eq!(dialog.remote_target, "sip:moved@h");
    let reinvite = invite(&[]);
    dialog.handle_response(&ok(&reinvite, "alice", &[])).unwrap();
    assert_eq!(dialog.remote_target, "sip:302@10.0.0.6");
}

#[test]
fn an_invite_without_contact_makes_no_dialog() {
    let invite = invite(&[]);
    let bare = Builder::from_message(&invite)
        .without(Name::Contact)
        .build()
        .unwrap();
    assert_eq!(
        Dialog::uas(&bare, "ours", flow()).unwrap_err(),
        HeaderError::Missing(Name::Contact)
    );
}

#[test]
fn a_dialog_survives_being_stored() {
    let dialog = Dialog::uas(&invite(&[]), "ours", flow()).unwrap();
    let stored = serde_json::to_string(&dialog).unwrap();
    assert_eq!(serde_json::from_str::<Dialog>(&stored).unwrap(), dialog);
}

#[test]
fn a_repeated_2xx_brings_the_same_ack_and_a_forked_one_is_hung_up() {
    let invite = invite(&[]);
    let mut answers = UacInvite::new();
    let first = ok(&invite, "bob", &[]);
    assert_eq!(answers.handle_answer(&first), Ok(Answer::First));
    assert_eq!(answers.handle_answer(&first), Ok(Answer::Pending));
    let ack = Bytes::from_static(b"ACK");
    answers.acked("bob", flow(), ack.clone());
    assert_eq!(
        answers.handle_answer(&first),
        Ok(Answer::Repeat { flow: flow(), ack })
    );

    let forked = ok(&invite, "carol", &[]);
    assert_eq!(answers.handle_answer(&forked), Ok(Answer::Fork));
    let (dialog, ack, bye) = fork_farewell(&invite, &forked, flow()).unwrap();
    let (ack, bye) = (ack.build().unwrap(), bye.build().unwrap());
    assert_eq!((ack.cseq().unwrap().seq, bye.cseq().unwrap().seq), (7, 8));
    assert_eq!(bye.to().unwrap().tag(), Some("carol"));
    assert_eq!(dialog.remote_tag, "carol");
}

#[test]
fn tags_differ() {
    let mut rng = rand::rngs::StdRng::seed_from_u64(1);
    assert_ne!(new_tag(&mut rng), new_tag(&mut rng));
}

/// Written down and read back, as a restart does.
fn again<T: serde::Serialize + serde::de::DeserializeOwned>(what: &T) -> T {
    postcard::from_bytes(&postcard::to_stdvec(what).unwrap()).unwrap()
}

#[test]
fn a_restored_dialog_counts_on_both_ways_and_knows_its_routes_and_target() {
    let invite = invite(&[(Name::RecordRoute, "<sip:p1;lr>, <sip:p2;lr>")]);
    let mut dialog = Dialog::uas(&invite, "ours", flow()).unwrap();
    dialog
        .handle_request(&in_dialog(Method::Invite, 9, Some("<sip:moved@10.0.0.9>")))
        .unwrap();
    dialog.request(Method::Info);
    let mut dialog = again(&dialog);
    let late = in_dialog(Method::Info, 8, None);
    assert_eq!(
        dialog.handle_request(&late).map_err(|reject| reject.status),
        Err(500)
    );
    let bye = dialog.request(Method::Bye).build().unwrap();
    assert_eq!(
        (bye.cseq().unwrap().seq, bye.uri_str()),
        (2, "sip:moved@10.0.0.9")
    );
    assert_eq!(routes(&bye), ["<sip:p1;lr>", "<sip:p2;lr>"]);
}

#[test]
fn without_its_flow_a_dialog_knows_the_address_of_its_next_hop() {
    let udp = |text: &str| Some((Transport::Udp, text.parse().unwrap()));
    let mut dialog = Dialog::uas(&invite(&[]), "ours", flow()).unwrap();
    assert_eq!(dialog.next_hop(), udp("10.0.0.5:5062"));
    for (target, wanted) in [
        (
            "sip:a@[2001:db8::1];transport=TCP",
            Some((Transport::Tcp, "[2001:db8::1]:5060".parse().unwrap())),
        ),
        ("sip:a@phone.example", None),
        ("sips:a@10.0.0.5", None),
        ("sip:a@10.0.0.5;transport=ws", None),
    ] {
        target.clone_into(&mut dialog.remote_target);
        assert_eq!(dialog.next_hop(), wanted, "{target}");
    }
    dialog.route_set = vec!["<sip:10.0.0.7:5070;lr>".to_owned()];
    assert_eq!(dialog.next_hop(), udp("10.0.0.7:5070"));
    // What came by TCP goes by TCP, unless the peer says otherwise.
    dialog.set_flow(Flow {
        transport: Transport::Tcp,
        connection: 3,
        ..flow()
    });
    assert_eq!(
        dialog.next_hop().map(|(transport, _)| transport),
        Some(Transport::Tcp)
    );
}

#[test]
fn a_message_is_stored_as_its_bytes_and_read_only_if_it_is_one() {
    let message = invite(&[]);
    assert_eq!(again(&message), message);
    assert_eq!(
        postcard::to_stdvec(&message).unwrap(),
        postcard::to_stdvec(message.as_bytes()).unwrap()
    );
    let nonsense = postcard::to_stdvec(&Bytes::from_static(b"no message")).unwrap();
    assert!(postcard::from_bytes::<Message>(&nonsense).is_err());
}

#[test]
fn a_restored_client_knows_which_2xx_it_acknowledged() {
    let invite = invite(&[]);
    let mut answers = UacInvite::new();
    let first = ok(&invite, "bob", &[]);
    answers.handle_answer(&first).unwrap();
    answers.acked("bob", flow(), Bytes::from_static(b"ACK"));
    let mut answers = again(&answers);
    assert!(matches!(answers.handle_answer(&first), Ok(Answer::Repeat { .. })));
    assert_eq!(
        answers.handle_answer(&ok(&invite, "carol", &[])),
        Ok(Answer::Fork)
    );
}

#[test]
fn what_is_read_back_cut_short_or_with_a_flipped_bit_harms_nobody() {
    let start = Moment::from_unix_micros(1_700_000_000_000_000);
    let dialog = Dialog::uas(&invite(&[(Name::RecordRoute, "<sip:p1;lr>")]), "ours", flow()).unwrap();
    let accepted = UasInvite::new(flow(), 7, Bytes::from_static(b"200"), Times::default(), start);
    let take_dialog = |bytes: &[u8]| {
        let Ok(mut dialog) = postcard::from_bytes::<Dialog>(bytes) else {
            return;
        };
        let _ = dialog.next_hop();
        // A CSeq at its end or a line break in a text is refused where the message is made.
        let _ = dialog.request(Method::Bye).build();
    };
    let take_accepted = |bytes: &[u8]| {
        let Ok(mut accepted) = postcard::from_bytes::<UasInvite>(bytes) else {
            return;
        };
        let mut now = start;
        accepted.resend(now);
        for _ in 0..100 {
            match accepted.poll_output() {
                UasOutput::Wait(Some(at)) => now = now.max(at),
                UasOutput::Wait(None) => return,
                UasOutput::Send { .. } | UasOutput::NoAck => (),
            }
            accepted.handle_timeout(now);
        }
    };
    spoil(&postcard::to_stdvec(&dialog).unwrap(), take_dialog);
    spoil(&postcard::to_stdvec(&accepted).unwrap(), take_accepted);
}

/// Gives `take` every beginning of `bytes`, and `bytes` with each bit flipped.
fn spoil(bytes: &[u8], take: impl Fn(&[u8])) {
    for end in 0..bytes.len() {
        take(&bytes[..end]);
    }
    for bit in 0..bytes.len() * 8 {
        let mut broken = bytes.to_vec();
        broken[bit / 8] ^= 1 << (bit % 8);
        take(&broken);
    }
}
