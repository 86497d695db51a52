//! Which INVITEs become calls.

use tandem_host_api::op::{LegId, Op, Outcome};
use tandem_sip::{Method, Name};
use tandem_switch::{Input, ShardConfig};

use crate::kit::*;

#[test]
fn a_caller_is_challenged_and_admitted_with_the_right_digest() {
    let mut w = World::new(1);
    let mut a = Phone::new("301", 6010);
    a.invite_with(&mut w, NUMBER, Some(sdp(6011, "")), DOMAIN);
    assert_eq!(w.started.len(), 1);
    assert_eq!(
        w.perform(w.started[0], Op::Ring { leg: LegId(0) }),
        Some(Outcome::Leg(Ok(())))
    );
    assert_eq!(w.got(6010), ["180"]);
}

#[test]
fn a_challenge_offers_md5_and_sha_256_in_the_domains_realm() {
    let mut w = World::new(2);
    let mut a = Phone::new("301", 6010);
    let invite = a.request(Method::Invite, "sip:100@a.example", "sip:100@a.example");
    let invite = a.via(invite.body("application/sdp", sdp(6011, "")));
    w.sip(6010, invite);
    let got = w.inbox(6010);
    let challenges: Vec<_> = got[0]
        .headers(Name::WwwAuthenticate)
        .map(|v| String::from_utf8_lossy(v).into_owned())
        .collect();
    assert_eq!(challenges.len(), 2);
    assert!(
        challenges.iter().all(|c| c.contains("realm=\"a.example\"")),
        "{challenges:?}"
    );
}

#[test]
fn a_wrong_password_is_forbidden_and_begins_nothing() {
    let mut w = World::new(3);
    let mut a = Phone::new("301", 6010);
    a.password = "wrong".into();
    a.invite_with(&mut w, NUMBER, Some(sdp(6011, "")), DOMAIN);
    assert_eq!(w.got(6010), ["403"]);
    assert!(w.started.is_empty() && w.records.is_empty());
}

#[test]
fn a_user_that_does_not_exist_is_forbidden_after_the_challenge() {
    let mut w = World::new(4);
    Phone::new("999", 6010).invite_with(&mut w, NUMBER, Some(sdp(6011, "")), DOMAIN);
    assert_eq!(w.got(6010), ["403"]);
}

#[test]
fn a_user_of_another_domain_cannot_call_here() {
    let mut w = World::new(5);
    Phone::of("b.example", "401", 6010).invite_with(&mut w, NUMBER, Some(sdp(6011, "")), DOMAIN);
    assert_eq!(w.got(6010), ["403"]);
    // Not even under its name with the domain's in From.
    let mut b = Phone::new("401", 6020);
    b.password = "pw-b.example-401".into();
    b.invite_with(&mut w, NUMBER, Some(sdp(6021, "")), DOMAIN);
    assert_eq!(w.got(6020), ["403"]);
    assert!(w.started.is_empty());
}

#[test]
fn an_unknown_domain_is_not_found() {
    let mut w = World::new(6);
    Phone::new("301", 6010).invite_with(&mut w, NUMBER, Some(sdp(6011, "")), "c.example");
    assert_eq!(w.got(6010), ["404"]);
    assert!(w.records.is_empty());
}

#[test]
fn a_phone_may_dial_the_servers_address() {
    let mut w = World::new(7);
    Phone::new("301", 6010).invite_with(&mut w, NUMBER, Some(sdp(6011, "")), "127.0.0.1");
    // The challenge is for the domain of From.
    assert_eq!(w.started.len(), 1);
}

#[test]
fn a_number_that_leads_nowhere_is_not_found_and_recorded() {
    let mut w = World::new(8);
    Phone::new("301", 6010).invite_with(&mut w, "999", Some(sdp(6011, "")), DOMAIN);
    assert_eq!(w.got(6010), ["404"]);
    let record = w.record();
    assert_eq!(
        (record.summary.cause.as_str(), record.summary.sip_status),
        ("not-found", Some(404))
    );
    assert_eq!(
        (
            record.summary.from_number.as_str(),
            record.summary.to_number.as_str()
        ),
        ("301", "999")
    );
    assert_eq!(
        (record.summary.ended_by.as_str(), record.legs.len()),
        ("system", 1)
    );
}

#[test]
fn an_offer_without_our_codecs_is_not_acceptable() {
    let mut w = World::new(9);
    let offer = sdp(6011, "").replace("RTP/AVP 8 101", "RTP/AVP 18 101");
    Phone::new("301", 6010).invite_with(&mut w, NUMBER, Some(offer), DOMAIN);
    assert_eq!(w.got(6010), ["488"]);
    assert_eq!(w.record().summary.cause, "not-acceptable");
}

#[test]
fn a_body_that_is_no_session_description_is_named_unsupported() {
    let mut w = World::new(10);
    let mut a = Phone::new("301", 6010);
    let uri = "sip:100@a.example";
    let first = a.request(Method::Invite, uri, uri);
    let first = a.via(first);
    w.sip(6010, first);
    let challenged = w.inbox(6010).remove(0);
    let value = a.credentials(&challenged, Method::Invite, uri);
    let second = a
        .request(Method::Invite, uri, uri)
        .header(Name::Authorization, value)
        .body("text/plain", "hello");
    let second = a.via(second);
    w.sip(6010, second);
    let got = w.inbox(6010);
    assert_eq!(got[0].status(), Some(415));
    assert_eq!(got[0].header_str(Name::Accept), Some("application/sdp"));
}

#[test]
fn a_draining_shard_takes_no_call_not_even_one_that_came_before() {
    let mut w = World::new(11);
    let mut a = Phone::new("301", 6010);
    w.silent = true;
    let uri = "sip:100@a.example";
    let invite = a.request(Method::Invite, uri, uri);
    let invite = a.via(invite);
    w.sip(6010, invite);
    w.give(Input::Drain { on: true });
    w.answer_kept();
    assert_eq!(w.got(6010), ["503"]);
    Phone::new("302", 6020).invite_with(&mut w, NUMBER, None, DOMAIN);
    assert_eq!(w.got(6020), ["503"]);
}

#[test]
fn calls_beyond_the_shards_limit_are_told_to_come_again() {
    let config = ShardConfig {
        shard: 0,
        shards: 1,
        calls_max: 1,
        calls_per_domain_max: 9,
    };
    let mut w = World::with_config(config, 12);
    Phone::new("301", 6010).call(&mut w);
    Phone::new("302", 6020).invite_with(&mut w, NUMBER, None, DOMAIN);
    let got = w.inbox(6020);
    assert_eq!(got[0].status(), Some(503));
    assert_eq!(got[0].header_str(Name::RetryAfter), Some("5"));
}

#[test]
fn calls_from_before_a_restart_keep_nobody_out_until_their_peers_show_that_they_are_there() {
    let config = ShardConfig {
        shard: 0,
        shards: 1,
        calls_max: 1,
        calls_per_domain_max: 1,
    };
    let mut w = World::with_config(config.clone(), 15);
    let mut a = Phone::new("301", 6010);
    a.talk(&mut w);
    // A gate that has lived on has the call's sound: it counts as before.
    w.crash_and_restore(false);
    let mut b = Phone::new("302", 6020);
    b.invite_with(&mut w, NUMBER, None, DOMAIN);
    assert_eq!(w.got(6020), ["503"]);
    // Everything died: perhaps the phones did too.
    w.crash_and_restore(true);
    let mut b = Phone::new("302", 6020);
    b.call_id = "another".into();
    b.invite_with(&mut w, NUMBER, Some(sdp(6021, "")), DOMAIN);
    assert_eq!(w.started.len(), 2);
    b.cancel(&mut w);
    w.end(w.started[1], tandem_host_api::End::CallOver);
    assert_eq!(w.shard.calls(), 1);

    let replies = a.within(&mut w, Method::Info, None);
    assert!(!replies.is_empty());
    Phone::new("303", 6030).invite_with(&mut w, NUMBER, None, DOMAIN);
    assert_eq!(w.got(6030), ["503"]);
    a.bye(&mut w);
    w.end(w.started[0], tandem_host_api::End::CallOver);
    w.run(secs(60));
    assert_eq!(w.shard.remembered(), 0);
}

#[test]
fn one_domains_calls_are_limited_apart_from_anothers() {
    let mut w = World::new(13);
    Phone::new("301", 6010).call(&mut w);
    let mut second = Phone::new("302", 6020);
    second.call(&mut w);
    Phone::new("303", 6030).invite_with(&mut w, NUMBER, Some(sdp(6031, "")), DOMAIN);
    assert_eq!(w.got(6030), ["503"]);
    assert_eq!(w.record().summary.cause, "congested");
    Phone::of("b.example", "401", 6040).invite_with(&mut w, NUMBER, Some(sdp(6041, "")), "b.example");
    assert_eq!(w.started.len(), 3);
    // A place that is free again is given again.
    second.cancel(&mut w);
    w.end(w.started[1], tandem_host_api::End::CallOver);
    Phone::new("304", 6050).call(&mut w);
    assert_eq!(w.started.len(), 4);
}

#[test]
fn an_admission_that_is_cancelled_ends_with_487_and_its_late_answer_is_ignored() {
    let mut w = World::new(14);
    let mut a = Phone::new("301", 6010);
    w.silent = true;
    a.invite_with(&mut w, NUMBER, None, DOMAIN);
    a.cancel(&mut w);
    assert_eq!(w.got(6010), ["200", "487"]);
    w.answer_kept();
    assert!(w.got(6010).is_empty() && w.started.is_empty());
}

#[test]
fn a_silent_directory_is_service_unavailable() {
    let mut w = World::new(15);
    w.silent = true;
    Phone::new("301", 6010).invite_with(&mut w, NUMBER, None, DOMAIN);
    let number = w.kept[0].0;
    w.give(Input::Answered {
        number,
        answer: tandem_switch::Answer::Unavailable,
    });
    assert_eq!(w.got(6010), ["503"]);
}

#[test]
fn requests_that_begin_nothing_are_answered_as_rfc_3261_wants() {
    let mut w = World::new(16);
    let mut a = Phone::new("301", 6010);
    let uri = "sip:100@a.example";
    let hops = a
        .request(Method::Invite, uri, uri)
        .without(Name::MaxForwards)
        .header(Name::MaxForwards, "0");
    for (request, status) in [
        (hops, "483"),
        (a.request(Method::Options, uri, uri), "200"),
        (a.request(Method::Subscribe, uri, uri), "405"),
        (a.request(Method::Bye, uri, uri), "481"),
        (
            a.request(Method::Invite, uri, uri)
                .header(Name::Require, "100rel"),
            "420",
        ),
    ] {
        let request = a.via(request);
        w.sip(6010, request);
        assert_eq!(w.got(6010), [status]);
    }
}

#[test]
fn a_request_in_a_dialog_nobody_knows_gets_481() {
    let mut w = World::new(17);
    let mut a = Phone::new("301", 6010);
    let reinvite = a.request(Method::Invite, "sip:100@a.example", "sip:100@a.example");
    let reinvite = reinvite
        .without(Name::To)
        .header(Name::To, "<sip:100@a.example>;tag=gone");
    let reinvite = a.via(reinvite);
    w.sip(6010, reinvite);
    assert_eq!(w.got(6010), ["481"]);
}
