//! The first call: phones register, a scenario greets and asks, two people talk, the record tells it.
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
use tandem_kit::tone;
use tandem_tests::calls::{self, as_measured};
use tandem_tests::listening::{SILENCE_DBFS, Talk, no_packet_missed, speech_then_silence};
use tandem_tests::phones::{SOON, registered};

const TALK: Duration = Duration::from_secs(10);

/// Who hangs up.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Caller,
    Callee,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Dials the menu, hears it to its end, presses 1; gives the moments of dialling and of the answer.
fn press_1_in_the_menu(tandem: &Tandem, a: &Baresip) -> (Instant, Instant) {
    let dialled = Instant::now();
    a.dial(&tandem.demo().menu).unwrap();
    let answered = a.wait_for(&EventKind::Established, SOON).unwrap().at;
    let speech = speech_then_silence(a, ms(1_500), Duration::from_secs(40)).unwrap();

    // The demo menu begins with half a second of silence, and says more than two sentences.
    let heard = a.received().unwrap();
    assert!(speech.from >= ms(350), "the greeting came too early: {speech:?}");
    assert!(
        speech.from <= ms(20_000),
        "the greeting came too late: {speech:?}"
    );
    assert!(
        speech.length() >= ms(4_000),
        "the greeting was too short: {speech:?}"
    );
    let before = tone::levels(&heard.slice(Duration::ZERO, speech.from), ms(20));
    assert!(
        before.iter().all(|level| *level <= SILENCE_DBFS),
        "not silent before the greeting: {before:?}"
    );
    let after = tone::levels(&heard.slice(speech.to, heard.length()), ms(20));
    assert!(
        after.iter().all(|level| *level <= SILENCE_DBFS),
        "not silent after the greeting: {after:?}"
    );
    let spoken = tone::level_dbfs(&heard.slice(speech.from, speech.to).samples);
    assert!((-40.0..-6.0).contains(&spoken), "the greeting has {spoken} dBFS");

    a.press('1').unwrap();
    (dialled, answered)
}

fn menu_call(transport: Transport, first: First) {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", transport).unwrap();
    let b = registered(&tandem, "302", transport).unwrap();

    let (dialled, a_answered) = press_1_in_the_menu(&tandem, &a);
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    std::thread::sleep(ms(700));
    let accepted = Instant::now();
    b.accept().unwrap();
    let b_answered = b.wait_for(&EventKind::Established, SOON).unwrap().at;
    Talk::begin(&a, &b).unwrap().goes_on(&a, &b, TALK).unwrap();

    let (ending, other) = if first == First::Caller {
        (&a, &b)
    } else {
        (&b, &a)
    };
    let ends = Instant::now();
    ending.hangup().unwrap();
    // The server says BYE to it when it has ended both legs.
    let ended = other.wait_for(&EventKind::Closed, SOON).unwrap().at;
    ending.wait_for(&EventKind::Closed, SOON).unwrap();
    no_packet_missed(&a).unwrap();
    no_packet_missed(&b).unwrap();

    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(call.legs().unwrap().len(), 2);
    let talk = |user: &str| call.leg_of(user).unwrap().talk().unwrap();
    for (what, recorded, from, before) in [
        ("call", call.duration().unwrap(), a_answered, dialled),
        ("301", talk("301"), a_answered, dialled),
        ("302", talk("302"), b_answered, accepted),
    ] {
        as_measured(what, recorded, ends - from, ended - before).unwrap();
    }
    assert!(call.text("scenario_hash").unwrap().len() >= 32);
    assert_eq!(call.text("from_number").unwrap(), "301");
    assert_eq!(call.text("to_number").unwrap(), tandem.demo().menu);
    assert_eq!(
        call.text("ended_by").unwrap(),
        if first == First::Caller {
            "caller"
        } else {
            "callee"
        }
    );
    for leg in call.legs().unwrap() {
        assert!(leg.rtp_received().unwrap() >= 500, "{leg:?}");
    }
    tandem.stop(SOON).unwrap();
}

#[test]
fn menu_connects_two_phones_over_udp_and_the_caller_hangs_up() {
    menu_call(Transport::Udp, First::Caller);
}

#[test]
fn menu_connects_two_phones_over_udp_and_the_callee_hangs_up() {
    menu_call(Transport::Udp, First::Callee);
}

#[test]
fn menu_connects_two_phones_over_tcp_and_the_caller_hangs_up() {
    menu_call(Transport::Tcp, First::Caller);
}

#[test]
fn menu_connects_two_phones_over_tcp_and_the_callee_hangs_up() {
    menu_call(Transport::Tcp, First::Callee);
}

/// Also: one over UDP, the other over TCP.
#[test]
fn extension_rings_its_user_and_both_talk() {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    let incoming = b.wait_for(&EventKind::Incoming, SOON).unwrap();
    assert!(
        incoming.peer.contains("301@"),
        "the callee sees who calls: {}",
        incoming.peer
    );
    a.wait_for(&EventKind::Ringing, SOON).unwrap();
    b.accept().unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    let talk = Talk::begin(&a, &b).unwrap();
    talk.goes_on(&a, &b, Duration::from_secs(6)).unwrap();
    b.hangup().unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    no_packet_missed(&b).unwrap();
    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(call.legs().unwrap().len(), 2);
    assert_eq!(call.text("ended_by").unwrap(), "callee");
}

#[test]
fn busy_callee_is_told_to_the_caller_and_recorded() {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.hangup().unwrap();
    let closed = a.wait_for(&EventKind::Closed, SOON).unwrap();
    assert!(closed.param.contains("486"), "{}", closed.param);
    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(
        (call.text("cause").unwrap().as_str(), call.legs().unwrap().len()),
        ("busy", 2)
    );
}

#[test]
fn caller_who_gives_up_stops_the_ringing() {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("302").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    a.hangup().unwrap();
    b.wait_for(&EventKind::Closed, SOON).unwrap();
    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(call.text("ended_by").unwrap(), "caller");
}

#[test]
fn replay_names_the_nodes_and_a_changed_digit_takes_another_branch() {
    let tandem = Tandem::builder().start().unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    press_1_in_the_menu(&tandem, &a);
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    std::thread::sleep(ms(1_000));
    a.hangup().unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    let id = calls::only_call(&tandem).unwrap().id().unwrap();

    let told = calls::replay(&tandem, &id, &[]).unwrap();
    assert_eq!(told.code, Some(0), "{told:?}");
    let (menu, dial) = (told.stdout.find("Main menu"), told.stdout.find("Call 302"));
    assert!(
        menu.is_some() && menu < dial,
        "both nodes in their order: {told:?}"
    );
    assert_eq!(
        calls::replay(&tandem, &id, &[]).unwrap().stdout,
        told.stdout,
        "a replay is repeatable"
    );

    let at_the_top = tandem.cli(&["replay", &id]).unwrap();
    assert_eq!(at_the_top.stdout, told.stdout, "one command by two names");
    let all = tandem.cli(&["replay", "--last", "10"]).unwrap();
    assert!(all.stdout.contains("1 calls: 1 same"), "{all:?}");

    let digit = calls::collected_digit(&told).unwrap();
    let forked = calls::replay(&tandem, &id, &["--set", &format!("{digit}=2")]).unwrap();
    assert_eq!(forked.code, Some(calls::REPLAY_DIVERGED), "{forked:?}");
    let said = format!("{}{}", forked.stdout, forked.stderr);
    assert!(said.contains("Call 303"), "the other branch is named: {forked:?}");
    assert!(
        said.to_lowercase().contains("diverge"),
        "it says where: {forked:?}"
    );
    let both = forked
        .stdout
        .lines()
        .find(|line| line.contains("call-302") && line.contains("call-303"));
    assert!(both.is_some(), "both sides in one line: {forked:?}");
}
