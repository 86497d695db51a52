//! Calls that change just then: one rings, one is held, one of two phones answers.

use super::*;
use tandem_kit::baresip::Transport;
use tandem_kit::roles::Role;
use tandem_tests::phones::{phone, registered};
use tandem_tests::recovery::Blow;

#[test]
fn call_logic_killed_while_it_rings_connects_who_answers_then() {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    a.wait_for(&EventKind::Ringing, LONG).unwrap();
    Blow::Kill(Role::CallLogic).strike(&mut tandem).unwrap();
    rings_and_talks(&a, &b);
    both_close(&b, &a);
    recorded_once(&tandem, "302", 1, Some(1));

    // Who had registered before is still known.
    let c = phone(&tandem, "303").unwrap().expires_s(0).start().unwrap();
    c.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, LONG).unwrap();
    c.hangup().unwrap();
    b.wait_for(&EventKind::Closed, LONG).unwrap();
}

/// The caller gives up while nobody is there to hear it.
#[test]
fn caller_who_gives_up_while_there_is_no_call_logic_stops_the_ringing() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    a.wait_for(&EventKind::Ringing, LONG).unwrap();
    let old = tandem.kill(Role::CallLogic).unwrap();
    a.hangup().unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    b.wait_for(&EventKind::Closed, LONG).unwrap();
    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(call.text("ended_by").unwrap(), "caller");
}

/// The caller holds the call; the blow; then it takes the call up again, and both talk.
fn struck_on_hold(blow: Blow) {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    rings_and_talks(&a, &b);
    a.hold().unwrap();
    wait::until(LONG, "the hold to be agreed", || {
        a.log().contains("a=recvonly").then_some(())
    })
    .unwrap();
    blow.strike(&mut tandem).unwrap();
    std::thread::sleep(ms(500));
    let before = recorded(&a);
    // baresip's jitter buffer gives up to ten packets of before the hold only when others follow them.
    let since = recorded(&b) + ms(500);
    a.resume().unwrap();
    hears_talk(&b, since, "301", TALK).unwrap();
    std::thread::sleep(TALK);
    both_close(&a, &b);
    // After a hold baresip records nothing more of what it hears, but it counts: three seconds of the four at least.
    let packets = a.media_report().unwrap().packets_received;
    let after = packets.saturating_sub((before.as_millis() / 20) as u64);
    assert!(after >= 150, "301 heard {after} packets after the hold");
    recorded_once(&tandem, "302", 1, (blow != Blow::None).then_some(1));
}

#[test]
fn undisturbed_hold_is_taken_up_again() {
    struck_on_hold(Blow::None);
}

#[test]
fn call_logic_killed_on_hold_takes_the_call_up_again() {
    struck_on_hold(Blow::Kill(Role::CallLogic));
}

/// Two phones of 302 ring, and one answers.
fn answered_by_one_of_two(strike: impl FnOnce(&mut Tandem, &Baresip), recoveries: Option<u64>) {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    let other = registered(&tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, LONG).unwrap();
    other.wait_for(&EventKind::Incoming, LONG).unwrap();
    strike(&mut tandem, &b);
    other.wait_for(&EventKind::Closed, LONG).unwrap();
    a.wait_for(&EventKind::Established, LONG).unwrap();
    talk(&a, "301", &b, "302");
    both_close(&b, &a);
    recorded_once(&tandem, "302", 1, recoveries);
}

#[test]
fn undisturbed_answer_cancels_the_other_phone() {
    answered_by_one_of_two(|_, answering| answering.accept().unwrap(), None);
}

#[test]
fn call_logic_killed_right_after_one_of_two_answered_cancels_the_other() {
    answered_by_one_of_two(
        |tandem, answering| {
            answering.accept().unwrap();
            Blow::Kill(Role::CallLogic).strike(tandem).unwrap();
        },
        Some(1),
    );
}

#[test]
fn one_of_two_answers_while_there_is_no_call_logic_and_the_other_is_cancelled() {
    answered_by_one_of_two(
        |tandem, answering| {
            let old = tandem.kill(Role::CallLogic).unwrap();
            answering.accept().unwrap();
            tandem.wait_for_restart(Role::CallLogic, old).unwrap();
        },
        Some(1),
    );
}
