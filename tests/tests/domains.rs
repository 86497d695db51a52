//! Two domains on one server with the same user names: neither calls, sees or answers for the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_tests::phones::{SOON, menu_greets, refusal, registered};
use tandem_tests::{calls, modules};

const OTHER: &str = "other.local";

/// A server with both domains, and the passwords of the other domain's 301 and 302.
fn start() -> (Tandem, Vec<String>) {
    let tandem = Tandem::builder().start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301", "302"]).unwrap();
    (tandem, passwords)
}

fn other(tandem: &Tandem, user: &str, password: &str) -> Baresip {
    Baresip::builder(user, OTHER, password, tandem.sip())
        .start()
        .unwrap()
}

fn was_rung(phone: &Baresip) -> bool {
    phone
        .events()
        .iter()
        .any(|event| event.kind == EventKind::Incoming)
}

#[test]
fn other_domains_user_reaches_nobody_of_the_first() {
    let (tandem, passwords) = start();
    let theirs = registered(&tandem, "302", Transport::Udp).unwrap();
    let stranger = other(&tandem, "301", &passwords[0]);
    stranger.wait_registered(SOON).unwrap();

    let domain = &tandem.demo().domain;
    // In its own domain 302 is another, who has no phone, and nothing is known of a menu.
    for (target, of_its_own) in [("302", "480"), (tandem.demo().menu.as_str(), "404")] {
        let refused = refusal(&stranger, &format!("sip:{target}@{domain}"), SOON).unwrap();
        assert!(refused.starts_with("403"), "{target} of the first: {refused}");
        let refused = refusal(&stranger, target, SOON).unwrap();
        assert!(refused.starts_with(of_its_own), "{target} of its own: {refused}");
    }
    // Nor does the server's address stand for the first domain.
    let menu = format!("sip:{}@{}", tandem.demo().menu, tandem.sip());
    let refused = refusal(&stranger, &menu, SOON).unwrap();
    assert!(refused.starts_with("404"), "{refused}");
    assert!(!was_rung(&theirs));
}

#[test]
fn other_domains_password_does_not_pass_for_the_first() {
    let (tandem, passwords) = start();
    let domain = tandem.demo().domain.clone();
    let pretender = Baresip::builder("301", &domain, &passwords[0], tandem.sip())
        .start()
        .unwrap();
    let reason = pretender.wait_refused(SOON).unwrap();
    assert!(reason.contains("401") || reason.contains("403"), "{reason}");
    let refused = refusal(&pretender, "302", SOON).unwrap();
    assert!(
        refused.starts_with("401") || refused.starts_with("403"),
        "{refused}"
    );
}

/// Both domains' 302 are registered, with the same name, at the same server.
#[test]
fn calls_stay_within_their_domain() {
    let (tandem, passwords) = start();
    let ours = registered(&tandem, "302", Transport::Udp).unwrap();
    let namesake = other(&tandem, "302", &passwords[1]);
    namesake.wait_registered(SOON).unwrap();
    let a = registered(&tandem, "301", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    ours.wait_for(&EventKind::Incoming, SOON).unwrap();
    ours.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    a.hangup().unwrap();
    ours.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(!was_rung(&namesake));
}

#[test]
fn other_domain_sees_none_of_the_firsts_calls() {
    let (tandem, _) = start();
    let domain = tandem.demo().domain.clone();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    menu_greets(&tandem, &a).unwrap();
    let listed = tandem_kit::wait::until(SOON, "the call's record", || {
        calls::list_in(&tandem, &domain)
            .ok()
            .filter(|calls| !calls.is_empty())
    })
    .unwrap();
    let id = listed[0]["id"].as_str().unwrap();
    assert!(calls::list_in(&tandem, OTHER).unwrap().is_empty());
    for command in ["show", "replay"] {
        let output = tandem.cli(&["call", command, id, "--domain", OTHER]).unwrap();
        assert_eq!(output.code, Some(3), "call {command}: {output:?}");
    }
    // Which domain is asked about must be said.
    let unsaid = tandem.cli(&["call", "list"]).unwrap();
    assert_eq!(unsaid.code, Some(2), "{unsaid:?}");
    assert!(
        unsaid.stderr.contains(&domain) && unsaid.stderr.contains(OTHER),
        "{unsaid:?}"
    );
}
