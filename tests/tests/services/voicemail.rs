//! Voicemail boxes: what scenarios put there, what administrators and programs see, what a crash does not do twice.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::folder::Folder;
use tandem_kit::roles::Role;
use tandem_kit::tandem::Tandem;
use tandem_kit::tone::{self, Span};
use tandem_kit::wait;
use tandem_kit::wav::Wav;
use tandem_tests::modules;
use tandem_tests::phones::{SOON, registered, tone_hz};
use tandem_tests::web::request;

use super::mail::{self, MailServer};
use super::{LONG, answers, caller, offer, ok};

const OTHER: &str = "other.local";

fn file(tandem: &Tandem, domain: &str, name: &str) -> PathBuf {
    let folder = tandem.data().join("recordings").join(domain);
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.wav"))
}

fn recorded(tandem: &Tandem, domain: &str, name: &str) {
    Wav::sine(8_000, 620.0, -12.0, Duration::from_secs(2))
        .write(&file(tandem, domain, name))
        .unwrap();
}

#[test]
fn messages_live_in_boxes_of_their_domain() {
    let tandem = Tandem::builder().start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301", "302"]).unwrap();
    let domain = tandem.demo().domain.clone();
    for number in 0..4 {
        recorded(&tandem, &domain, &format!("recording-t-{number}"));
    }
    ok(&tandem, &["voicemail", "box", &domain, "sales", "--keep", "30d"]);
    ok(
        &tandem,
        &["domain", "limits", &domain, "--voicemail-messages", "2"],
    );
    let steps = json!([
        { "store": ["301", "recording-t-0"] },
        { "store": ["301", "recording-t-1"] },
        { "store": ["301", "recording-t-1"] },
        { "store": ["sales", "recording-t-1"] },
        { "store": ["301", "recording-t-2"] },
        { "store": ["sales", "recording-t-2"] },
        { "store": ["nobody", "recording-t-3"] },
        { "store": ["sales", "recording-t-9"] },
        { "store": ["sales", "../../secrets"] },
        { "boxed": "301" },
        { "mark": ["301", 0, "heard"] },
        { "list": ["301", null, 0, 10] },
        { "list": ["301", "new", 0, 10] },
        { "list": ["301", null, 1, 10] },
        { "list": ["301", null, 0, 101] },
        { "delete-recording": "recording-t-0" },
        { "delete": ["301", 1] },
        { "delete": ["301", 7] },
        { "boxed": "301" },
        { "mark": ["sales", 3, "saved"] },
    ]);
    offer(&tandem, &domain, "700", &steps);
    let ours = caller(&tandem);
    let said = answers(&tandem, &ours, "700", steps.as_array().unwrap().len());
    for (step, words) in [
        (0, "stored State::New recording-t-0 302"),
        (1, "stored State::New recording-t-1 302"),
        (2, "stored State::New recording-t-1 302"),
        (
            3,
            "BadArgument(\"recording: recording-t-1 is a message of the box 301",
        ),
        (4, "Full(\"more than 2 messages in the voicemail box"),
        (5, "stored State::New recording-t-2"),
        (6, "NoBox"),
        (7, "NotFound"),
        (8, "BadArgument("),
        (9, "new: 2, heard: 0, saved: 0"),
        (10, "Ok(())"),
        (11, "listed State::Heard recording-t-1, State::New recording-t-0"),
        (12, "listed State::New recording-t-0"),
        (13, "listed State::New recording-t-0"),
        (14, "BadArgument(\"limit is 101"),
        (15, "WrongState(\"the recording is a message of the box 301"),
        (16, "Ok(())"),
        (17, "Ok(())"),
        (18, "new: 0, heard: 1, saved: 0"),
        (19, "NotFound"),
    ] {
        let said = &said[step];
        assert!(said.contains(words), "step {step}: {said}");
    }
    assert!(!file(&tandem, &domain, "recording-t-0").exists());
    assert!(file(&tandem, &domain, "recording-t-1").exists());

    // A domain with a user of the same name sees none of it.
    let steps = json!([
        { "list": ["301", null, 0, 10] },
        { "boxed": "sales" },
        { "store": ["301", "recording-t-3"] },
        { "mail": { "to": ["a@b.example"], "subject": "a", "attach": ["recording-t-3"] } },
    ]);
    offer(&tandem, OTHER, "700", &steps);
    let stranger = Baresip::builder("301", OTHER, &passwords[0], tandem.sip())
        .expires_s(0)
        .start()
        .unwrap();
    let said = answers(&tandem, &stranger, "700", 4);
    assert_eq!(said[0], "listed ");
    assert!(
        said[1].contains("NoBox") && said[2].contains("NotFound"),
        "{said:?}"
    );
    assert!(said[3].contains("no mail server is set"), "{said:?}");

    administered(&tandem, &domain);
    by_http(&tandem, &domain);
}

fn administered(tandem: &Tandem, domain: &str) {
    let boxes = tandem.json(&["voicemail", "boxes", domain]).unwrap();
    let sales = boxes
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "sales")
        .unwrap();
    assert_eq!(
        (&sales["keep_s"], &sales["of_user"]),
        (&json!(2_592_000), &json!(false))
    );
    assert_eq!(sales["messages"]["new"], 1);
    let table = ok(tandem, &["voicemail", "list", domain, "301"]);
    assert!(table.contains("heard") && table.contains("Bob"), "{table}");
    let refused = tandem.cli(&["voicemail", "list", OTHER, "sales"]).unwrap();
    assert_eq!(refused.code, Some(3), "{refused:?}");
    let refused = tandem.cli(&["voicemail", "remove-box", domain, "sales"]).unwrap();
    assert_eq!(refused.code, Some(5), "{refused:?}");
}

fn by_http(tandem: &Tandem, domain: &str) {
    let token = |domain: &str, scope: &str| {
        let name = scope.replace(':', "-");
        let arguments = ["token", "add", &name, "--scopes", scope, "--domain", domain];
        let made = tandem.json(&arguments).unwrap();
        made["token"].as_str().unwrap().to_owned()
    };
    let (read, write) = (token(domain, "voicemail:read"), token(domain, "voicemail:write"));
    let stranger = token(OTHER, "voicemail:write");
    let ask = |method: &str, path: &str, token: &str| {
        let path = format!("/api/v1/voicemail{path}");
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str())];
        let answer = request(tandem.web(), method, &path, &headers, "").unwrap();
        let body = serde_json::from_str::<Value>(&answer.body);
        (answer.status, body.unwrap_or(Value::Null))
    };
    let (status, boxes) = ask("GET", "", &read);
    assert_eq!(status, 200, "{boxes}");
    let (status, listed) = ask("GET", "/sales?state=new", &read);
    assert_eq!(status, 200, "{listed}");
    let message = &listed["messages"][0];
    assert_eq!(message["recording"], "recording-t-2");
    let path = format!("/sales/{}", message["id"]);
    // What is heard is the recording's own sound, or a part of it.
    let listen = |path: &str, range: &str, token: &str| {
        let (path, bearer) = (format!("/api/v1/voicemail{path}"), format!("Bearer {token}"));
        let headers = [("Authorization", bearer.as_str()), ("Range", range)];
        request(tandem.web(), "GET", &path, &headers, "").unwrap()
    };
    let bytes = std::fs::metadata(file(tandem, domain, "recording-t-2"))
        .unwrap()
        .len();
    let heard = listen(&path, "bytes=0-3", &read);
    assert_eq!((heard.status, heard.body.as_str()), (206, "RIFF"));
    assert_eq!(heard.header("content-range"), [format!("bytes 0-3/{bytes}")]);
    let whole = listen(&path, "", &read);
    assert_eq!(
        (whole.status, whole.header("content-length")),
        (200, vec![bytes.to_string().as_str()])
    );
    assert_eq!(whole.header("content-type"), ["audio/wav"]);
    assert_eq!(listen(&path, &format!("bytes={bytes}-"), &read).status, 416);
    assert_eq!(listen(&path, "", &write).status, 403);
    assert_eq!(listen(&path, "", &token(OTHER, "voicemail:read")).status, 404);
    assert_eq!(ask("DELETE", &path, &read).0, 403);
    assert_eq!(ask("DELETE", &path, &stranger).0, 404);
    assert_eq!(ask("GET", "/sales?state=old", &read).0, 400);
    assert!(file(tandem, domain, "recording-t-2").exists());
    assert_eq!(ask("DELETE", &path, &write).0, 204);
    assert!(!file(tandem, domain, "recording-t-2").exists());
    assert_eq!(ask("DELETE", &path, &write).0, 404);
    let (_, listed) = ask("GET", "/sales", &read);
    assert_eq!(listed["messages"], json!([]));
}

/// Waits until the phone has heard so much of a tone, all together.
fn hears(phone: &Baresip, hz: f64, least: Duration, what: &str) {
    wait::until(Duration::from_secs(40), what, || {
        let spans = tone::tone_spans(&phone.received().ok()?, hz, TONE_LEAST_DBFS);
        let lengths = spans.iter().map(Span::length);
        let heard: Duration = lengths
            .filter(|length| *length >= Duration::from_millis(150))
            .sum();
        (heard >= least).then_some(())
    })
    .unwrap();
}

/// 301 calls 302, which has no phone: a message is left, with 301's tone in it. The call logic is killed while the mail
/// server has the mail and says nothing; then 302 listens, and hears that tone.
#[test]
fn a_message_is_left_mailed_and_heard_through_a_crash() {
    let mails = MailServer::start();
    let tandem = mail::server(mails.plain(), "none")
        .set("mail.timeout", "30s")
        .start()
        .unwrap();
    let domain = tandem.demo().domain.clone();
    let folder = Folder::new("voicemail").unwrap();
    let settings = json!({ "timeout_s": 5, "voicemail": { "mail": { "302": "hang-once@example.com" } } });
    let settings = folder.write("entry.json", settings.to_string()).unwrap();
    let number = ["number", "add", "302", "--scenario", "entry", "--settings"];
    ok(&tandem, &[&number[..], &[settings.to_str().unwrap()]].concat());
    ok(&tandem, &["number", "add", "797", "--scenario", "voicemail"]);

    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let dialled = Instant::now();
    a.dial("302").unwrap();
    hears(&a, 1_000.0, Duration::from_millis(200), "the beep");
    std::thread::sleep(Duration::from_secs(3));
    a.press('#').unwrap();
    std::thread::sleep(Duration::from_millis(700));
    a.press('1').unwrap();
    mails.wait_for(1);
    let left = dialled.elapsed();
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    let both = mails.wait_for(2);
    a.wait_for(&EventKind::Closed, LONG).unwrap();
    let message_id = mail::header(&both[0], "Message-ID");
    assert_eq!(message_id, mail::header(&both[1], "Message-ID"));
    assert!(mail::header(&both[0], "Subject").contains("301"));
    let attached = folder.path().join("attached.wav");
    mail::attached(&both[0], &attached);
    let hz = mail::sox_hz(&attached);
    assert!((hz - tone_hz("301")).abs() < 10.0, "{hz} Hz");

    let listed = tandem.json(&["voicemail", "list", &domain, "302"]).unwrap();
    let [message] = &listed.as_array().unwrap()[..] else {
        panic!("one message: {listed}")
    };
    assert_eq!(
        (&message["state"], &message["caller"]),
        (&json!("new"), &json!("301"))
    );
    let length = Duration::from_millis(message["duration_ms"].as_u64().unwrap());
    assert!(
        (Duration::from_secs(2)..left).contains(&length),
        "{length:?} of {left:?}"
    );

    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    b.dial("797").unwrap();
    hears(
        &b,
        tone_hz("301"),
        Duration::from_secs(2),
        "301's tone in the message",
    );
    b.press('3').unwrap();
    wait::until(SOON, "the message to be saved", || {
        let listed = tandem.json(&["voicemail", "list", &domain, "302"]).ok()?;
        (listed[0]["state"] == "saved").then_some(())
    })
    .unwrap();
    b.wait_for(&EventKind::Closed, LONG).unwrap();
}
