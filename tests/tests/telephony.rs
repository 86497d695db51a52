//! What scenarios do with phones beside calls: recordings, music on hold, transfers, messages.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::roles::Role;
use tandem_kit::sipp::{Sipp, scenario};
use tandem_kit::tandem::{Builder, Tandem};
use tandem_kit::tone::{self, Span, whole};
use tandem_kit::wav::Wav;
use tandem_kit::{ports, wait};
use tandem_tests::load::caller;
use tandem_tests::modules::{self, offer_built};
use tandem_tests::phones::{SOON, phone, registered, tone_hz};
use tandem_tests::web::{self, Answer, get};

/// Louder than any noise, softer than any music.
const AUDIBLE_DBFS: f64 = -45.0;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A server whose numbers 710 to 717 lead to the guest `phone`.
fn start() -> Tandem {
    start_with(Tandem::builder())
}

fn start_with(builder: Builder) -> Tandem {
    let tandem = builder.start().unwrap();
    offer_phone(&tandem, &tandem.demo().domain);
    tandem
}

/// Lets numbers 710 to 717 of a domain lead to the guest `phone`.
fn offer_phone(tandem: &Tandem, domain: &str) {
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/dist/phone.wasm");
    run(
        tandem,
        &[
            "scenario",
            "add",
            guest.to_str().unwrap(),
            "--name",
            "phone",
            "--domain",
            domain,
        ],
    );
    for number in ["710", "711", "712", "713", "714", "715", "716", "717"] {
        run(
            tandem,
            &["number", "add", number, "--scenario", "phone", "--domain", domain],
        );
    }
}

fn run(tandem: &Tandem, command: &[&str]) {
    let output = tandem.cli(command).unwrap();
    assert_eq!(output.code, Some(0), "{command:?}: {output:?}");
}

/// The first line of the scenario's log with `begins`, after what was there before.
fn said(tandem: &Tandem, begins: &str, before: usize) -> String {
    wait::until(Duration::from_secs(30), begins, || {
        let log = tandem.log();
        let new = log.get(before..)?;
        new.lines().find(|line| line.contains(begins)).map(str::to_owned)
    })
    .unwrap()
}

/// All recordings of the demo domain.
fn recordings(tandem: &Tandem) -> Vec<PathBuf> {
    let folder = tandem.data().join("recordings").join(&tandem.demo().domain);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

/// What sox says of a file: its length, and the frequency that it estimates.
fn sox(file: &Path, effects: &[&str]) -> (Duration, f64, f64) {
    let output = Command::new("sox")
        .arg(file)
        .arg("-n")
        .args(effects)
        .arg("stat")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let field = |name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let length = Duration::from_secs_f64(field("Length (seconds):"));
    (length, field("Rough   frequency:"), field("RMS     amplitude:"))
}

fn near(length: Duration, wanted: Duration, off: Duration) -> bool {
    length >= wanted.saturating_sub(off) && length <= wanted + off
}

fn spans(phone: &Baresip, hz: f64) -> Vec<Span> {
    spans_in(&phone.received().unwrap(), hz)
}

fn spans_in(wav: &Wav, hz: f64) -> Vec<Span> {
    let spans = tone::tone_spans(wav, hz, TONE_LEAST_DBFS);
    spans
        .into_iter()
        .filter(|span| span.length() >= ms(150))
        .collect()
}

fn heard(phone: &Baresip, hz: f64, what: &str) -> Span {
    wait::until(Duration::from_secs(20), what, || spans(phone, hz).last().copied()).unwrap()
}

#[test]
fn a_message_is_recorded_after_a_beep_until_silence_and_can_be_heard_and_deleted() {
    let tandem = start();
    let talks = Duration::from_secs(6);
    // At the end of its sound baresip would hang up.
    let mut voice = Wav::sine(8_000, tone_hz("301"), -12.0, talks);
    voice.samples.resize(8_000 * 60, 0);
    let file = tandem.folder().join("voice.wav");
    voice.write(&file).unwrap();
    let a = phone(&tandem, "301").unwrap().audio(&file).start().unwrap();
    a.wait_registered(SOON).unwrap();
    let before = tandem.log().len();
    a.dial("710").unwrap();
    let line = said(&tandem, "record: ", before);
    assert!(line.contains("RecordEnd::Silence"), "{line}");

    let files = recordings(&tandem);
    assert_eq!(files.len(), 1, "{files:?}");
    let (length, hz, _) = sox(&files[0], &["trim", "0.5", "2"]);
    assert!(near(length, ms(2_000), ms(10)), "{length:?}");
    assert!((hz - tone_hz("301")).abs() < 5.0, "{hz} Hz");
    // The phone talks from the answer on: what is lacking is the beep, and the silence that ended it is part of it.
    let recorded = Wav::read(&files[0]).unwrap();
    let voice = whole(&spans_in(&recorded, tone_hz("301")));
    assert!(voice >= ms(4_000), "{voice:?}");
    let silence = recorded.length().saturating_sub(voice);
    assert!(silence >= ms(1_800), "{silence:?}");

    let beep = spans(&a, 1_000.0)[0];
    assert!(near(beep.length(), ms(250), ms(40)), "{beep:?}");
    let end = heard(&a, 400.0, "the tone after the message");
    let own = spans(&a, tone_hz("301"));
    assert!(near(whole(&own), voice, ms(700)), "{own:?}, not {voice:?}");
    assert!(own[0].from > beep.to && own[own.len() - 1].to < end.from);

    a.press('7').unwrap();
    said(&tandem, "deleted: ", before);
    assert_eq!(recordings(&tandem), Vec::<PathBuf>::new());
    a.wait_for(&EventKind::Closed, SOON).unwrap();
}

#[test]
fn digits_pause_and_end_a_message() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let before = tandem.log().len();
    let dialled = Instant::now();
    a.dial("710").unwrap();
    wait::until(SOON, "the beep", || {
        let there = a.recordings() > 0 && !spans(&a, 1_000.0).is_empty();
        there.then_some(())
    })
    .unwrap();
    std::thread::sleep(ms(2_000));
    a.press('*').unwrap();
    let first = dialled.elapsed();
    std::thread::sleep(ms(3_000));
    let again = Instant::now();
    a.press('*').unwrap();
    std::thread::sleep(ms(1_000));
    a.press('#').unwrap();
    let line = said(&tandem, "record: ", before);
    let most = first + again.elapsed() + ms(1_000);
    assert!(
        line.contains("RecordEnd::Digit") && line.contains("digit: \"#\""),
        "{line}"
    );
    let (length, ..) = sox(&recordings(&tandem)[0], &[]);
    assert!((ms(2_100)..most).contains(&length), "{length:?} of {most:?}");
    a.hangup().unwrap();
}

#[test]
fn a_conversation_is_recorded_on_both_sides() {
    // What is beyond a file's size shall be an error, not a signal.
    let tandem = start_with(Tandem::builder().after_shell("trap '' XFSZ"));
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    // The two talk for four seconds; what the scenario says of it.
    let talk = || {
        let before = tandem.log().len();
        a.dial("711").unwrap();
        b.wait_for(&EventKind::Incoming, SOON).unwrap();
        b.accept().unwrap();
        b.wait_for(&EventKind::Established, SOON).unwrap();
        std::thread::sleep(ms(4_000));
        a.hangup().unwrap();
        said(&tandem, "tape: ", before)
    };
    let line = talk();
    assert!(
        line.contains("FirstHungUp") && line.contains("RecordEnd::LegGone"),
        "{line}"
    );
    let file = &recordings(&tandem)[0];
    let (length, ..) = sox(file, &[]);
    assert!(length >= ms(4_000), "{length:?}");
    let last_s = format!("{:.1}", length.as_secs_f64() - 2.5);
    let level = |band: &str| sox(file, &["trim", &last_s, "2", "sinc", band]).2;
    let (own, other, none) = (level("490-560"), level("660-740"), level("1000-1500"));
    assert!(own > 0.02 && other > 0.02, "301 {own}, 302 {other}");
    assert!(none < own / 10.0, "between {none}");

    // The kernel takes no more than 2 s of the next one. The two talk on, and the scenario is told.
    let gate = tandem.pid_of(Role::MediaGate).unwrap().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &gate, "--fsize=32044"])
        .status()
        .unwrap();
    assert!(limited.success());
    let line = talk();
    assert!(
        line.contains("FirstHungUp") && line.contains("RecordEnd::Storage(\"the recording cannot be written"),
        "{line}"
    );
    let length = |phone: &Baresip, of: &str| whole(&spans(phone, tone_hz(of)));
    let (heard, spoken) = (length(&a, "302"), length(&b, "301"));
    assert!(heard > ms(3_000) && spoken > ms(3_000), "{heard:?} {spoken:?}");
    let mut recorded: Vec<_> = recordings(&tandem).iter().map(|file| sox(file, &[]).0).collect();
    recorded.sort();
    assert_eq!(recorded[0], ms(2_000), "what there was room for can be played");
}

#[test]
fn who_is_held_hears_music_until_resumed() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    a.dial("712").unwrap();
    let tone = heard(&a, 1_500.0, "the tone at the end");
    let heard_all = a.received().unwrap();
    let music = tone::sounding(&heard_all.slice(Duration::ZERO, tone.from), AUDIBLE_DBFS, ms(400));
    assert_eq!(music.len(), 2, "{music:?}");
    assert!(music[0].length() >= ms(2_500), "{music:?}");
    let silence = music[1].from.saturating_sub(music[0].to);
    assert!(silence >= ms(1_500), "{music:?}");
    a.wait_for(&EventKind::Closed, SOON).unwrap();

    // A domain's own music, a second long: it is heard again and again.
    let file = tandem.folder().join("own.wav");
    Wav::sine(8_000, 880.0, -12.0, Duration::from_secs(1))
        .write(&file)
        .unwrap();
    let domain = tandem.demo().domain.clone();
    run(
        &tandem,
        &["domain", "set", &domain, "--music", file.to_str().unwrap()],
    );
    std::fs::write(&file, "no music").unwrap();
    let refused = tandem
        .cli(&["domain", "set", &domain, "--music", file.to_str().unwrap()])
        .unwrap();
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    b.dial("712").unwrap();
    heard(&b, 1_500.0, "the tone at the end");
    let own = spans(&b, 880.0);
    assert!(whole(&own) >= ms(4_200), "{own:?}");
}

/// An MP3 file with a tone of half a second, which LAME made.
fn mp3(name: &str) -> Vec<u8> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../media/core/tests/data");
    std::fs::read(data.join(name)).unwrap()
}

/// Sends a request about the music of a domain.
fn music(tandem: &Tandem, method: &str, token: &str, body: &[u8], kind: &str) -> Answer {
    let headers = [("Authorization", token), ("Content-Type", kind)];
    web::request(tandem.web(), method, "/api/v1/music", &headers, body).unwrap()
}

#[test]
fn each_domain_hears_the_music_that_it_was_given_by_http() {
    let tandem = start();
    let passwords = modules::add_domain(&tandem, "other.local", &["301"]).unwrap();
    offer_phone(&tandem, "other.local");
    let token = |domain: &str| {
        let add = ["token", "add", "music", "--domain", domain, "--scopes"];
        let token = tandem.json(&[&add[..], &["scenarios:read,scenarios:write"]].concat());
        format!("Bearer {}", token.unwrap()["token"].as_str().unwrap())
    };
    let (ours, theirs) = (token(&tandem.demo().domain), token("other.local"));

    let put = music(
        &tandem,
        "PUT",
        &ours,
        &mp3("tone-880-44100-stereo.mp3"),
        "audio/mpeg",
    );
    assert_eq!(put.status, 201, "{}", put.body);
    let told: serde_json::Value = serde_json::from_str(&put.body).unwrap();
    assert_eq!(told["name"], "music-on-hold");
    assert!(
        near(ms(told["duration_ms"].as_u64().unwrap()), ms(570), ms(120)),
        "{told}"
    );
    assert_eq!(
        music(&tandem, "GET", &theirs, b"", "").status,
        404,
        "another domain's"
    );
    let file = tandem.folder().join("theirs.wav");
    Wav::sine(44_100, 440.0, -12.0, Duration::from_secs(1))
        .write(&file)
        .unwrap();
    let put = music(
        &tandem,
        "PUT",
        &theirs,
        &std::fs::read(&file).unwrap(),
        "audio/wav",
    );
    assert_eq!(put.status, 201, "{}", put.body);
    for (sound, words) in [
        (&b"ID3\x04\0\0\0\0\0\0 and no music"[..], "MP3"),
        (b"OggS is neither", "not a WAV file, nor MP3"),
    ] {
        let refused = music(&tandem, "PUT", &ours, sound, "audio/mpeg");
        assert_eq!(refused.status, 422, "{}", refused.body);
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    let long = music(&tandem, "PUT", &ours, &vec![0; (32 << 20) + 1], "audio/wav");
    assert_eq!(long.status, 413, "{}", long.body);

    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = Baresip::builder("301", "other.local", &passwords[0], tandem.sip())
        .start()
        .unwrap();
    b.wait_registered(SOON).unwrap();
    for phone in [&a, &b] {
        phone.dial("712").unwrap();
    }
    for (phone, own, others) in [(&a, 880.0, 440.0), (&b, 440.0, 880.0)] {
        heard(phone, 1_500.0, "the tone at the end");
        let length = whole(&spans(phone, own));
        // Five seconds of hold; MP3 has a little silence around each round.
        assert!(length >= ms(3_200), "{own}: {length:?}");
        assert_eq!(spans(phone, others), [], "{own}");
    }

    assert_eq!(music(&tandem, "DELETE", &ours, b"", "").status, 204);
    assert_eq!(music(&tandem, "GET", &ours, b"", "").status, 404);
    assert_eq!(music(&tandem, "GET", &theirs, b"", "").status, 200);
}

#[test]
fn a_phone_is_sent_on_to_another() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    let before = tandem.log().len();
    a.dial("713").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    let line = said(&tandem, "transfer: ", before);
    assert!(line.contains("Ok(())"), "{line}");
    wait::until(SOON, "302's tone at 301's ear", || {
        (!spans(&a, tone_hz("302")).is_empty()).then_some(())
    })
    .unwrap();
}

#[test]
fn a_transfer_that_fails_says_how() {
    let tandem = start();
    for (name, outcome) in [
        ("transferred", "Failed((486, \"Busy Here\"))"),
        ("not_transferred", "NotAccepted((603, \"Decline\"))"),
    ] {
        let before = tandem.log().len();
        let done = Sipp::new(scenario(name))
            .remote(tandem.sip())
            .callers([caller(&tandem, "301", "713").unwrap()])
            .run()
            .unwrap();
        assert_eq!((done.successful, done.failed), (1, 0), "{done:?}");
        let line = said(&tandem, "transfer: ", before);
        assert!(line.contains(outcome), "{line}");
    }
}

#[test]
fn a_text_reaches_a_users_phone() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let send = |wanted: &str| {
        let before = tandem.log().len();
        a.dial("714").unwrap();
        let line = said(&tandem, "message: ", before);
        assert!(line.contains(wanted), "{line}");
        a.wait_for(&EventKind::Closed, SOON).unwrap();
    };
    send("NoDevice");
    let domain = tandem.demo().domain.clone();
    offer_built(&tandem, &domain, "web", "web:/", "{}").unwrap();
    let post = || {
        let path = format!("/s/{domain}/text?302&The+order+is+ready");
        get(tandem.web(), &path).unwrap()
    };
    assert_eq!(post().status, 409);
    let port = ports::free().unwrap();
    let register = Sipp::new(scenario("register"))
        .remote(tandem.sip())
        .local_port(port);
    register
        .callers([caller(&tandem, "302", "").unwrap()])
        .run()
        .unwrap();
    for (name, wanted) in [
        ("messaged", "Delivery { accepted: 1, devices: 1 }"),
        ("message_refused", "Refused((415"),
    ] {
        let phone = Sipp::new(scenario(name)).local_port(port).start().unwrap();
        send(wanted);
        let done = phone.finish().unwrap();
        assert_eq!((done.successful, done.failed), (1, 0), "{done:?}");
    }
    // From a scenario without a call, the text comes from the domain.
    let phone = Sipp::new(scenario("messaged_by_domain"))
        .local_port(port)
        .start()
        .unwrap();
    let answer = post();
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, "Ok(Delivery { accepted: 1, devices: 1 })")
    );
    let done = phone.finish().unwrap();
    assert_eq!((done.successful, done.failed), (1, 0), "{done:?}");
}

#[test]
fn a_recording_outlives_the_media_gate_and_the_call_logic() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let before = tandem.log().len();
    let dialled = Instant::now();
    a.dial("715").unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    for role in [Role::MediaGate, Role::CallLogic] {
        std::thread::sleep(ms(3_000));
        let old = tandem.kill(role).unwrap();
        tandem.wait_for_restart(role, old).unwrap();
    }
    std::thread::sleep(ms(3_000));
    a.press('#').unwrap();
    let line = said(&tandem, "long: ", before);
    assert!(line.contains("RecordEnd::Digit"), "{line}");
    let files = recordings(&tandem);
    assert_eq!(files.len(), 1, "{files:?}");
    // What the dead gate had not written, and the time without one, are lacking.
    let (length, hz, _) = sox(&files[0], &[]);
    assert!((ms(7_000)..dialled.elapsed()).contains(&length), "{length:?}");
    assert!((hz - tone_hz("301")).abs() < 10.0, "{hz} Hz");
    a.hangup().unwrap();
}

/// Each digit is handed over to a new instance; the leg of 302 and the state come along, also through two deaths. What
/// is kept of the call begins with the last of them.
#[test]
fn a_scenario_begins_anew_with_what_it_handed_over() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    let before = tandem.log().len();
    a.dial("716").unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    for (count, digit) in (1..).zip(['1', '2', '3', '#']) {
        wait::until(Duration::from_secs(20), "the tone of a new beginning", || {
            (spans(&a, 400.0).len() >= count).then_some(())
        })
        .unwrap();
        if digit == '2' || digit == '#' {
            let old = tandem.kill(Role::CallLogic).unwrap();
            tandem.wait_for_restart(Role::CallLogic, old).unwrap();
            std::thread::sleep(ms(1_000));
        }
        a.press(digit).unwrap();
    }
    said(&tandem, "anew: 123", before);
    heard(&a, tone_hz("302"), "302, whose leg was handed on three times");
    a.hangup().unwrap();

    let call = wait::until(SOON, "the call's record", || {
        tandem_tests::calls::call_to(&tandem, "716").ok()
    })
    .unwrap();
    let output = tandem.cli(&["replay", &call.id().unwrap()]).unwrap();
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(
        !output.stdout.contains("dial"),
        "it begins after that: {}",
        output.stdout
    );
}

/// A menu has two seconds, though its prompt has a minute. Then two talk; a star parts them, the caller alone hears a tone,
/// a key of the other phone joins them again, and so it is after the death of the call logic.
#[test]
fn a_star_parts_two_who_talk_and_a_deadline_ends_a_menu() {
    let tandem = start();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Tcp).unwrap();
    let before = tandem.log().len();
    a.dial("717").unwrap();
    let late = said(&tandem, "late: ", before);
    assert!(
        late.contains("late: true Err(LegError::Limit(\"the deadline has passed\"))"),
        "{late}"
    );
    let menu = wait::until(SOON, "the menu", || {
        Some(whole(&spans(&a, 1_200.0))).filter(|heard| *heard >= ms(1_700))
    });
    assert!(menu.unwrap() < ms(20_000));

    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    for (count, event) in (1..).zip(["Digit(1, '5')", "Digit(0, '6')"]) {
        wait::until(SOON, "the other's tone", || {
            let heard = |phone, other| spans(phone, tone_hz(other)).len() >= count;
            (heard(&a, "302") && heard(&b, "301")).then_some(())
        })
        .unwrap();
        if count == 2 {
            let old = tandem.kill(Role::CallLogic).unwrap();
            tandem.wait_for_restart(Role::CallLogic, old).unwrap();
            std::thread::sleep(ms(1_000));
        }
        let before = tandem.log().len();
        a.press('*').unwrap();
        said(&tandem, "codes: Digit('*')", before);
        wait::until(SOON, "the tone of the code", || {
            (spans(&a, 1_500.0).len() >= count).then_some(())
        })
        .unwrap();
        assert_eq!(spans(&b, 1_500.0), Vec::<Span>::new());
        std::thread::sleep(ms(1_000));
        let phone = if count == 1 { &b } else { &a };
        phone.press(if count == 1 { '5' } else { '6' }).unwrap();
        said(&tandem, event, before);
    }
    heard(&a, tone_hz("302"), "302 again");
    b.hangup().unwrap();
    said(&tandem, "codes: SecondHungUp", before);
    a.wait_for(&EventKind::Closed, SOON).unwrap();
}
