//! Menus: a greeting that is not broken off, digits that are not lost.

use super::*;
use tandem_kit::baresip::Transport;
use tandem_kit::roles::Role;
use tandem_kit::sameness;
use tandem_kit::tone::Span;
use tandem_kit::watch::Watch;
use tandem_tests::listening::speech_then_silence;
use tandem_tests::phones::registered;
use tandem_tests::recovery::Blow;

/// The demo menu, called twice: the second time the call logic dies in the middle of the greeting, and again while the
/// menu waits for the digit. The greeting is heard as in the first call, and 1 leads to 302.
fn killed_in_the_menu(blow: Blow, recoveries: Option<u64>) -> Vec<Measured> {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    let menu = tandem.demo().menu.clone();
    a.dial(&menu).unwrap();
    a.wait_for(&EventKind::Established, LONG).unwrap();
    let speech = speech_then_silence(&a, ms(1_500), 2 * LONG).unwrap();
    let reference = a.received().unwrap();
    a.hangup().unwrap();
    a.wait_for(&EventKind::Closed, LONG).unwrap();

    a.dial(&menu).unwrap();
    a.wait_for(&EventKind::Established, LONG).unwrap();
    // A phone that begins to hear opens its devices meanwhile.
    wait::until(LONG, "a new recording", || {
        (a.recordings() == 2 && a.received().ok()?.length() >= ms(200)).then_some(())
    })
    .unwrap();
    let watch = Watch::start(&[&a]).unwrap();
    let began = Instant::now();
    wait::until(LONG, "the middle of the greeting", || {
        (a.received().ok()?.length() >= speech.from + speech.length() / 3).then_some(())
    })
    .unwrap();
    blow.strike(&mut tandem).unwrap();
    speech_then_silence(&a, ms(1_500), 2 * LONG).unwrap();
    blow.strike(&mut tandem).unwrap();
    std::thread::sleep(ms(500));
    let ended = Instant::now();
    let heard = a.received().unwrap();
    let seen = watch.finish().unwrap();

    let difference = sameness::compare(&reference, &heard, speech.length());
    assert!(difference.longest() <= GAP_MOST, "{difference:?}");
    a.press('1').unwrap();
    rings_and_talks(&a, &b);
    both_close(&a, &b);
    recorded_once(&tandem, &menu, 2, recoveries);
    vec![Measured::gap("greeting", &seen, 0, began, ended)]
}

#[test]
fn undisturbed_greeting_is_the_same_each_time() {
    in_time(|| killed_in_the_menu(Blow::None, None));
}

#[test]
fn call_logic_killed_in_the_greeting_and_in_the_collection_is_not_heard() {
    in_time(|| killed_in_the_menu(Blow::Kill(Role::CallLogic), Some(2)));
}

/// The greeting is one tone, so that every hole would be heard.
fn killed_in_the_tone(blow: Blow) -> Vec<Measured> {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Tcp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial(TONE_NUMBER).unwrap();
    let onset = hears(&a, GREETING_HZ);
    let watch = Watch::start(&[&a]).unwrap();
    let began = Instant::now();
    std::thread::sleep(ms(1_500));
    blow.strike(&mut tandem).unwrap();
    wait::until(LONG, "the end of the greeting", || {
        (a.received().ok()?.length() >= onset + GREETING + ms(500)).then_some(())
    })
    .unwrap();
    let ended = Instant::now();
    let seen = watch.finish().unwrap();
    let within = Span {
        from: onset,
        to: onset + GREETING.saturating_sub(ms(50)),
    };
    let gap = tone::longest_gap(&a.received().unwrap(), GREETING_HZ, TONE_LEAST_DBFS, within);
    assert!(gap <= GAP_MOST, "a hole of {gap:?} in the greeting");
    a.press('1').unwrap();
    rings_and_talks(&a, &b);
    both_close(&b, &a);
    vec![Measured::gap("tone", &seen, 0, began, ended)]
}

#[test]
fn undisturbed_tone_has_no_gap() {
    in_time(|| killed_in_the_tone(Blow::None));
}

#[test]
fn call_logic_killed_in_a_tone_leaves_no_gap() {
    in_time(|| killed_in_the_tone(Blow::Kill(Role::CallLogic)));
}

#[test]
fn sip_gate_killed_in_a_tone_leaves_no_gap() {
    in_time(|| killed_in_the_tone(Blow::Kill(Role::SipGate)));
}

/// Three digits, with a blow after the first and after the second.
fn killed_between_digits(blow: Blow) {
    let mut tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial(TONE_NUMBER).unwrap();
    hears(&a, GREETING_HZ);
    a.press('2').unwrap();
    hears(&a, ASKING_HZ);
    a.press('3').unwrap();
    std::thread::sleep(ms(700));
    blow.strike(&mut tandem).unwrap();
    a.press('0').unwrap();
    std::thread::sleep(ms(700));
    blow.strike(&mut tandem).unwrap();
    a.press('2').unwrap();
    rings_and_talks(&a, &b);
    both_close(&a, &b);
    let recoveries = (blow != Blow::None).then_some(2);
    recorded_once(&tandem, TONE_NUMBER, 1, recoveries);
}

#[test]
fn undisturbed_digits_lead_to_their_extension() {
    killed_between_digits(Blow::None);
}

#[test]
fn call_logic_killed_between_two_digits_keeps_those_pressed() {
    killed_between_digits(Blow::Kill(Role::CallLogic));
}

/// The gate keeps what is pressed while nobody is there to take it.
#[test]
fn digit_pressed_while_there_is_no_call_logic_counts() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial(TONE_NUMBER).unwrap();
    hears(&a, GREETING_HZ);
    let old = tandem.kill(Role::CallLogic).unwrap();
    a.press('1').unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    rings_and_talks(&a, &b);
    both_close(&a, &b);
    recorded_once(&tandem, TONE_NUMBER, 1, Some(1));
}
