//! A graceful stop: no new calls, those in progress go on, until their end or the deadline.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::{Duration, Instant};
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{http, tone, wait};
use tandem_tests::calls;
use tandem_tests::listening::hears_talk;
use tandem_tests::phones::{SOON, phone, refusal, registered};

/// 301 and 302, in a call.
fn talking(tandem: &Tandem) -> (Baresip, Baresip) {
    let a = registered(tandem, "301", Transport::Udp).unwrap();
    let b = registered(tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    (a, b)
}

#[test]
fn stop_refuses_new_calls_and_waits_for_those_in_progress() {
    let mut tandem = Tandem::builder()
        .set("call.stop_deadline", "90s")
        .start()
        .unwrap();
    let (a, b) = talking(&tandem);
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    tandem.terminate().unwrap();
    wait::until(SOON, "/healthz to tell of the stop", || {
        matches!(http::get(tandem.web(), "/healthz"), Ok((503, _))).then_some(())
    })
    .unwrap();

    let menu = tandem.demo().menu.clone();
    let refused = refusal(&c, &menu, SOON).unwrap();
    assert!(refused.starts_with("503"), "{refused}");

    let since = b.received().map_or(Duration::ZERO, |heard| heard.length());
    hears_talk(&b, since, "301", Duration::from_secs(3)).unwrap();
    tandem.assert_alive().unwrap();

    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    let status = tandem.wait_end(SOON).unwrap();
    assert_eq!(status.code(), Some(0), "{}", tandem.log());
    // The record of the last call is written before the end.
    let call = calls::call_to(&tandem, "302").unwrap();
    assert_eq!(call.text("cause").unwrap(), "normal");
    assert_eq!(call.text("ended_by").unwrap(), "caller");
}

#[test]
fn deadline_hangs_up_both_phones_and_then_the_server_ends() {
    let mut tandem = Tandem::builder().set("call.stop_deadline", "2s").start().unwrap();
    let (a, b) = talking(&tandem);
    let told = Instant::now();
    tandem.terminate().unwrap();
    for phone in [&a, &b] {
        let closed = phone.wait_for(&EventKind::Closed, SOON).unwrap();
        let after = closed.at.saturating_duration_since(told);
        assert!(
            (Duration::from_millis(1_900)..Duration::from_secs(20)).contains(&after),
            "hung up after {after:?}"
        );
        assert!(phone.log().contains("BYE sip:"), "{}", phone.log());
    }
    let status = tandem.wait_end(SOON).unwrap();
    assert_eq!(status.code(), Some(0), "{}", tandem.log());
    let call = calls::call_to(&tandem, "302").unwrap();
    assert_eq!(call.text("ended_by").unwrap(), "system");
    assert_eq!(call.legs().unwrap().len(), 2);
}

#[test]
fn stop_without_calls_ends_at_once() {
    let tandem = Tandem::builder()
        .set("call.stop_deadline", "60s")
        .start()
        .unwrap();
    let phone = registered(&tandem, "301", Transport::Tcp).unwrap();
    // Half of what it would have waited for a call.
    let status = tandem.stop(Duration::from_secs(30)).unwrap();
    assert_eq!(status.code(), Some(0));
    drop(phone);
}

#[test]
fn ringing_call_is_refused_at_the_deadline() {
    let mut tandem = Tandem::builder().set("call.stop_deadline", "1s").start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    tandem.terminate().unwrap();
    let closed = a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.param.starts_with("503"), "{}", closed.param);
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    assert_eq!(tandem.wait_end(SOON).unwrap().code(), Some(0));
}

#[test]
fn server_that_starts_anew_on_the_same_data_serves_the_same_users() {
    let folder = tandem_kit::folder::Folder::new("data").unwrap();
    let data = folder.path().join("data");
    let first = Tandem::builder().data(&data).start().unwrap();
    let password = first.demo().user("301").unwrap().password.clone();
    first.stop(SOON).unwrap();
    let second = Tandem::builder().data(&data).start().unwrap();
    assert_eq!(second.demo().user("301").unwrap().password, password);
    let (a, b) = talking(&second);
    wait::until(SOON, "302's tone", || {
        tone::onset(&a.received().ok()?, 697.0, tandem_kit::baresip::TONE_LEAST_DBFS)
    })
    .unwrap();
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
}
