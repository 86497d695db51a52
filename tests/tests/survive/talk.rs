//! Two people talk, one over UDP, one over TCP.

use super::*;
use std::collections::BTreeSet;
use tandem_kit::baresip::Transport;
use tandem_kit::roles::Role;
use tandem_kit::watch::Watch;
use tandem_tests::phones::registered;
use tandem_tests::recovery::Blow;

/// Who hangs up: 301, over UDP, or 302, over TCP.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Udp,
    Tcp,
}

/// 301 over UDP and 302 over TCP talk; then the blow; then they talk on, and one of them hangs up.
fn struck_while_talking(blow: Blow, first: First) -> Vec<Measured> {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    a.dial("302").unwrap();
    rings_and_talks(&a, &b);
    let (connections, registered) = (tandem.sip_connections().unwrap(), registrations(&b));
    assert_eq!(connections.len(), 1);
    let processes = processes(&tandem);

    let watch = Watch::start(&[&a, &b]).unwrap();
    std::thread::sleep(ms(500));
    let began = Instant::now();
    let struck = blow.strike(&mut tandem).unwrap();
    std::thread::sleep(TALK);
    let ended = Instant::now();
    let seen = watch.finish().unwrap();
    if !matches!(blow, Blow::Kill(Role::SipGate) | Blow::Everything) {
        assert_eq!(
            tandem.sip_connections().unwrap(),
            connections,
            "another connection"
        );
        assert_eq!(registrations(&b), registered, "302 had to register anew");
    }
    let times = sound_of(blow, &seen, began, struck, ended);
    if blow == Blow::Upgrade {
        assert!(
            processes.is_disjoint(&self::processes(&tandem)),
            "not all were replaced"
        );
    }
    talk(&a, "301", &b, "302");
    match first {
        First::Udp => both_close(&a, &b),
        First::Tcp => both_close(&b, &a),
    }
    let recovered = matches!(
        blow,
        Blow::Kill(Role::CallLogic) | Blow::Everything | Blow::Upgrade
    );
    recorded_once(&tandem, "302", 1, recovered.then_some(1));
    times
}

/// The ids of the processes that carry calls.
fn processes(tandem: &Tandem) -> BTreeSet<u32> {
    let roles = [Role::SipGate, Role::CallLogic, Role::MediaGate];
    roles
        .into_iter()
        .filter_map(|role| tandem.pid_of(role).ok())
        .collect()
}

fn registrations(phone: &Baresip) -> usize {
    let registered = |event: &&tandem_kit::ctrl::Event| event.kind == EventKind::Registered;
    phone.events().iter().filter(registered).count()
}

fn sound_of(blow: Blow, seen: &Timeline, began: Instant, struck: Instant, ended: Instant) -> Vec<Measured> {
    let phones = [("301 hears", 1, 0), ("302 hears", 0, 1)];
    match blow {
        // The gate that plays and relays is not touched, or gives its sockets to its successor.
        Blow::None | Blow::Kill(Role::CallLogic | Role::SipGate) | Blow::Upgrade => phones
            .map(|(what, talker, listener)| {
                // Whoever is held up makes up for it, what is lost does not come: the least of the last two seconds.
                let looks = (0..20).map(|n| began + (ended - began).saturating_sub(ms(100) * n));
                let lost = looks.map(|at| seen.lost(talker, listener, began, at)).min();
                // 40 ms, and a packet that is under way at either end.
                assert!(
                    lost <= Some(GAP_MOST + ms(40)),
                    "{what} {lost:?} less than was said"
                );
                Measured::gap(what, seen, listener, began, ended)
            })
            .into(),
        Blow::Kill(_) => phones
            .map(|(what, _, listener)| Measured {
                what,
                was: seen.longest_gap(listener, began, ended),
                most: Duration::from_secs(1) + seen.held_up(began, ended),
            })
            .into(),
        Blow::Everything => phones
            .map(|(what, _, listener)| Measured {
                what,
                // A fifth of a second of sound, which then goes on: that is asked afterwards.
                was: seen.heard_after(listener, struck, ms(200)).unwrap_or(LONG),
                most: Duration::from_secs(2) + seen.held_up(struck, ended),
            })
            .into(),
    }
}

#[test]
fn undisturbed_talk_has_no_gap() {
    in_time(|| struck_while_talking(Blow::None, First::Udp));
}

#[test]
fn call_logic_killed_in_a_talk_is_not_heard_and_the_caller_hangs_up() {
    in_time(|| struck_while_talking(Blow::Kill(Role::CallLogic), First::Udp));
}

#[test]
fn call_logic_killed_in_a_talk_is_not_heard_and_the_callee_hangs_up() {
    in_time(|| struck_while_talking(Blow::Kill(Role::CallLogic), First::Tcp));
}

#[test]
fn sip_gate_killed_in_a_talk_is_not_heard_and_the_phone_on_udp_hangs_up() {
    in_time(|| struck_while_talking(Blow::Kill(Role::SipGate), First::Udp));
}

#[test]
fn sip_gate_killed_in_a_talk_is_not_heard_and_the_phone_on_tcp_hangs_up() {
    in_time(|| struck_while_talking(Blow::Kill(Role::SipGate), First::Tcp));
}

#[test]
fn media_gate_killed_in_a_talk_is_heard_for_less_than_a_second() {
    in_time(|| struck_while_talking(Blow::Kill(Role::MediaGate), First::Udp));
}

#[test]
fn upgrade_in_a_talk_is_not_heard() {
    in_time(|| struck_while_talking(Blow::Upgrade, First::Tcp));
}

#[test]
fn everything_killed_in_a_talk_is_back_within_two_seconds_of_its_start() {
    in_time(|| struck_while_talking(Blow::Everything, First::Udp));
}
