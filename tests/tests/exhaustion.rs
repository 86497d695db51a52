//! What runs out: media ports, the disk, places for calls. A specific answer or log line, and nobody else is harmed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::Path;
use std::time::Duration;
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{http, wait};
use tandem_tests::calls;
use tandem_tests::disk::Tiny;
use tandem_tests::listening::{Talk, no_packet_missed};
use tandem_tests::phones::{SOON, menu_greets, phone, refusal, registered};

/// 301 and 302, in a call.
fn talking(tandem: &Tandem) -> (Baresip, Baresip, Talk) {
    let a = registered(tandem, "301", Transport::Udp).unwrap();
    let b = registered(tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    let talk = Talk::begin(&a, &b).unwrap();
    (a, b, talk)
}

/// The call of [`talking`] goes on, then ends well.
fn unharmed(a: &Baresip, b: &Baresip, talk: Talk) {
    talk.goes_on(a, b, Duration::from_secs(6)).unwrap();
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    no_packet_missed(b).unwrap();
}

#[test]
fn menu_without_a_media_port_left_falls_back_and_the_others_go_on() {
    // Two legs: one call.
    let tandem = Tandem::builder().media_ports(4).start().unwrap();
    let (a, b, talk) = talking(&tandem);
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    let menu = tandem.demo().menu.clone();
    // The menu cannot answer, and so its number's fall-back does.
    let refused = refusal(&c, &menu, SOON).unwrap();
    assert!(refused.starts_with("480"), "{refused}");
    let id = calls::call_to(&tandem, &menu).unwrap().id().unwrap();
    tells_of_ports(&tandem, &id);
    unharmed(&a, &b, talk);

    // The ports come back.
    menu_greets(&tandem, &c).unwrap();
}

#[test]
fn callee_without_a_media_port_left_is_not_rung_and_the_caller_is_told() {
    let tandem = Tandem::builder().media_ports(4).start().unwrap();
    let (a, b, talk) = talking(&tandem);
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    let refused = refusal(&c, "301", SOON).unwrap();
    assert!(without_media(&refused), "{refused}");
    let rung = |event: &tandem_kit::ctrl::Event| event.kind == EventKind::Incoming;
    assert!(!a.events().iter().any(rung));
    let id = calls::call_to(&tandem, "301").unwrap().id().unwrap();
    tells_of_ports(&tandem, &id);
    unharmed(&a, &b, talk);
}

/// The callee's leg takes the last pair: it answers, and the caller cannot be connected.
#[test]
fn answered_callee_is_hung_up_when_the_caller_gets_no_media_port() {
    let tandem = Tandem::builder().media_ports(4).start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    c.dial(&tandem.demo().menu).unwrap();
    c.wait_for(&EventKind::Established, SOON).unwrap();

    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    let closed = a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(without_media(&closed.param), "{}", closed.param);
    let id = calls::call_to(&tandem, "302").unwrap().id().unwrap();
    tells_of_ports(&tandem, &id);

    c.hangup().unwrap();
    c.wait_for(&EventKind::Closed, SOON).unwrap();
    let menu = calls::call_to(&tandem, &tandem.demo().menu).unwrap();
    assert_eq!(menu.text("cause").unwrap(), "normal");
}

/// The scenario is told that there is no media; which of these it answers is its own choice.
fn without_media(status: &str) -> bool {
    ["480", "488", "503"]
        .iter()
        .any(|known| status.starts_with(known))
}

/// The log says what ran out, and for which call.
fn tells_of_ports(tandem: &Tandem, call: &str) {
    let log = tandem.log();
    let told = log
        .lines()
        .any(|line| line.contains(call) && line.contains("every media port is taken"));
    assert!(told, "{log}");
}

#[test]
fn call_beyond_the_domains_limit_is_refused_and_the_others_go_on() {
    let tandem = Tandem::builder()
        .set("limits.calls_per_domain", 1)
        .set("call.shards", 1)
        .start()
        .unwrap();
    let (a, b, talk) = talking(&tandem);
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    let refused = refusal(&c, &tandem.demo().menu, SOON).unwrap();
    assert!(refused.starts_with("503"), "{refused}");
    unharmed(&a, &b, talk);
}

/// A server that has compiled its scenarios: a full disk keeps no code, so that each call would compile it again.
fn compiled(data: &Path) -> Tandem {
    let tandem = Tandem::builder().data(data).start().unwrap();
    wait::until(Duration::from_mins(2), "compiled scenarios", || {
        let told = tandem
            .log()
            .contains("the scenarios that numbers lead to are compiled");
        told.then_some(())
    })
    .unwrap();
    tandem
}

#[test]
fn full_disk_stops_no_call_and_the_log_keeps_the_record() {
    let Some(disk) = Tiny::mount() else {
        println!("skipped: full_disk_stops_no_call_and_the_log_keeps_the_record (mounting is not allowed)");
        return;
    };
    let data = disk.path().join("data");
    let mut tandem = compiled(&data);
    assert!(disk.fill());

    let (a, b, talk) = talking(&tandem);
    // Also one that needs speech which is not in the cache yet.
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    menu_greets(&tandem, &c).unwrap();
    unharmed(&a, &b, talk);
    for number in [&tandem.demo().menu, "302"] {
        let to = format!("\"to_number\":\"{number}\"");
        wait::until(SOON, "the record in the log", || {
            let log = tandem.log();
            let escaped = to.replace('"', "\\\"");
            let kept = |line: &str| {
                line.contains("call record could not be written")
                    && (line.contains(&to) || line.contains(&escaped))
            };
            log.lines().any(kept).then_some(())
        })
        .map_err(|failure| format!("{failure}: {}", tandem.log()))
        .unwrap();
    }
    tandem.assert_alive().unwrap();
    assert!(http::get(tandem.web(), "/healthz").is_ok());
    assert_eq!(tandem.stop(SOON).unwrap().code(), Some(0));

    assert!(disk.make_room());
    let tandem = Tandem::builder().data(&data).start().unwrap();
    menu_greets(
        &tandem,
        &phone(&tandem, "303").unwrap().expires_s(0).start().unwrap(),
    )
    .unwrap();
    calls::call_to(&tandem, &tandem.demo().menu).unwrap();
    assert_eq!(tandem.stop(SOON).unwrap().code(), Some(0));
}

/// Without stopping in between.
#[test]
fn records_are_written_again_once_there_is_room() {
    let Some(disk) = Tiny::mount() else {
        println!("skipped: records_are_written_again_once_there_is_room (mounting is not allowed)");
        return;
    };
    let tandem = compiled(&disk.path().join("data"));
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    assert!(disk.fill());
    menu_greets(&tandem, &c).unwrap();
    wait::until(SOON, "the record in the log", || {
        tandem
            .log()
            .contains("call record could not be written")
            .then_some(())
    })
    .unwrap();
    assert!(disk.make_room());
    menu_greets(&tandem, &c).unwrap();
    calls::call_to(&tandem, &tandem.demo().menu).unwrap();
    // The one that found no room as well.
    wait::until(SOON, "both records", || {
        (calls::list(&tandem).ok()?.len() == 2).then_some(())
    })
    .unwrap();
}
