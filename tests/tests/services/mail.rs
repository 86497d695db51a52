//! Mail: what a mail server of Python sees, from whom, with which recordings; what it refuses, and what is not sent.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tandem_kit::baresip::Baresip;
use tandem_kit::folder::Folder;
use tandem_kit::process::Process;
use tandem_kit::roles::Role;
use tandem_kit::tandem::{Builder, Tandem};
use tandem_kit::wav::Wav;
use tandem_kit::{ports, wait};
use tandem_tests::web::get;
use tandem_tests::{modules, python};

use super::{LONG, answers, caller, offer, ok};

const OTHER: &str = "other.local";
const PASSWORD: &str = "right";

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/services")
        .join(name)
}

/// A mail server, aiosmtpd.
pub(super) struct MailServer {
    folder: Folder,
    plain: u16,
    starttls: u16,
    implicit: u16,
    _process: Process,
}

impl MailServer {
    pub(super) fn start() -> Self {
        let folder = Folder::new("mail-server").unwrap();
        let [plain, starttls, implicit] = [(); 3].map(|()| ports::free().unwrap());
        let mut command = Command::new(python::program("python").unwrap());
        command
            .arg(beside("mail_server.py"))
            .args([plain, starttls, implicit].map(|port| port.to_string()))
            .arg(folder.path().join("mails"))
            .args([beside("data/mail.pem"), beside("data/mail.key")]);
        let process = Process::start("mail server", command, &folder.path().join("log")).unwrap();
        wait::until(LONG, "the mail server", || {
            [plain, starttls, implicit]
                .iter()
                .all(|port| TcpStream::connect(("127.0.0.1", *port)).is_ok())
                .then_some(())
        })
        .unwrap();
        Self {
            folder,
            plain,
            starttls,
            implicit,
            _process: process,
        }
    }

    /// Its port for plain text.
    pub(super) fn plain(&self) -> u16 {
        self.plain
    }

    /// What it took, once that is so many.
    pub(super) fn wait_for(&self, count: usize) -> Vec<Value> {
        wait::until(LONG, "a mail", || {
            Some(self.mails()).filter(|seen| seen.len() == count)
        })
        .unwrap()
    }

    /// What it took, in order.
    fn mails(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("mails")).unwrap_or_default();
        let all = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        all.filter(|line| line.get("mail").is_some()).collect()
    }
}

pub(super) fn server(port: u16, tls: &str) -> Builder {
    Tandem::builder()
        .set("mail.server", "localhost")
        .set("mail.port", port)
        .set("mail.tls", tls)
        .set("mail.sender", "pbx@demo.example")
        .set("mail.timeout", "15s")
}

fn mail(to: &str, subject: &str) -> Value {
    json!({ "mail": { "to": [to], "subject": subject, "text": "Hello." } })
}

/// A second of a tone as the domain's recording of this name.
fn recorded(tandem: &Tandem, domain: &str, name: &str, hz: f64) {
    let folder = tandem.data().join("recordings").join(domain);
    std::fs::create_dir_all(&folder).unwrap();
    Wav::sine(8_000, hz, -12.0, Duration::from_secs(1))
        .write(&folder.join(format!("{name}.wav")))
        .unwrap();
}

/// A header of a mail, with its folded lines.
pub(super) fn header(mail: &Value, name: &str) -> String {
    let text = mail["mail"].as_str().unwrap().replace("\r\n ", " ");
    let begins = format!("{name}: ");
    let line = text.lines().find_map(|line| line.strip_prefix(&begins));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

/// The attached file, as Python's own reader of mail takes it out.
pub(super) fn attached(mail: &Value, to: &Path) {
    let script = "import email, email.policy, sys\n\
         mail = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.default)\n\
         [part] = mail.iter_attachments()\n\
         assert part.get_content_type() == 'audio/wav', part.get_content_type()\n\
         open(sys.argv[1], 'wb').write(part.get_content())\n\
         print(part.get_filename())\n";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .arg(to)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let bytes: Vec<u8> = mail["mail"].as_str().unwrap().chars().map(|c| c as u8).collect();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let name = String::from_utf8(output.stdout).unwrap();
    assert!(
        name.starts_with("recording-") && name.ends_with(".wav\n"),
        "{name}"
    );
}

/// The frequency that sox estimates.
pub(super) fn sox_hz(file: &Path) -> f64 {
    let output = Command::new("sox")
        .arg(file)
        .args(["-n", "stat"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().find(|line| line.starts_with("Rough   frequency:"));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_mail_arrives_with_its_recording_and_what_is_refused_is_said() {
    let mails = MailServer::start();
    let tandem = server(mails.plain, "none").start().unwrap();
    let passwords = modules::add_domain(&tandem, OTHER, &["301"]).unwrap();
    let domain = tandem.demo().domain.clone();
    recorded(&tandem, &domain, "recording-test-0", 620.0);
    ok(
        &tandem,
        &[
            "domain",
            "set",
            OTHER,
            "--mail-sender",
            "Other <pbx@other.example>",
        ],
    );
    let steps = json!([
        { "mail": {
            "to": ["ann@example.com", "bob@example.com"], "subject": "Größe: 7", "text": "Grüße\n.\n",
            "attach": ["recording-test-0"],
        } },
        { "mail": { "to": ["ann@example.com"], "subject": "two ways", "text": "plain", "html": "<b>bold</b>" } },
        mail("unknown@example.com", "to nobody"),
        { "mail": { "to": ["ann@example.com", "unknown@example.com"], "subject": "to one of two" } },
        mail("later@example.com", "later"),
        mail("hang@example.com", "never"),
        mail("ann@example.com", "hello\r\nBcc: eve@example.com"),
        mail("ann@example.com\r\nRCPT TO:<eve@example.com>", "hello"),
        { "mail": { "to": ["ann@example.com"], "subject": "a", "attach": ["recording-test-1"] } },
        { "mail": { "to": ["ann@example.com"], "subject": "a", "attach": ["../secrets"] } },
    ]);
    offer(&tandem, &domain, "700", &steps);
    let caller = caller(&tandem);
    let said = answers(&tandem, &caller, "700", steps.as_array().unwrap().len());
    for (step, words) in [
        (0, "Ok(\"<"),
        (1, "Ok(\"<"),
        (2, "Refused(\"550 5.1.1 nobody here has this name"),
        (3, "Refused(\"550 5.1.1"),
        (4, "Unavailable(\"451 4.7.1 come back later"),
        (5, "Unavailable(\"the mail server did not answer within 15s"),
        (6, "BadArgument(\"subject has a line break"),
        (7, "BadArgument(\"to: "),
        (8, "NotFound(\"recording-test-1"),
        (9, "BadArgument(\"attachments: "),
    ] {
        let said = &said[step];
        assert!(said.contains(words), "step {step}: {said}");
    }

    let seen = mails.mails();
    let [first, second] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(first["to"], json!(["ann@example.com", "bob@example.com"]));
    assert_eq!(first["from"], "pbx@demo.example");
    assert_eq!(header(first, "From"), "pbx@demo.example");
    assert!(said[0].contains(&header(first, "Message-ID")), "{said:?}");
    assert_eq!(header(first, "Auto-Submitted"), "auto-generated");
    let file = mails.folder.path().join("attached.wav");
    attached(first, &file);
    let hz = sox_hz(&file);
    // sox takes the steps between samples for the slope, which makes it a hundredth less.
    assert!((hz - 620.0).abs() < 10.0, "{hz} Hz");
    assert!(header(second, "Content-Type").starts_with("multipart/alternative"));
    assert_ne!(header(first, "Message-ID"), header(second, "Message-ID"));
    assert!(!tandem.log().contains("Grüße"));

    // Another domain sends as itself, and has not this one's recordings.
    let steps = json!([
        mail("ann@example.com", "from the other"),
        { "mail": { "to": ["ann@example.com"], "subject": "a", "attach": ["recording-test-0"] } },
        mail("ann@example.com", "a third"),
        mail("ann@example.com", "too many"),
    ]);
    ok(&tandem, &["domain", "limits", OTHER, "--mails-per-minute", "3"]);
    offer(&tandem, OTHER, "700", &steps);
    let stranger = Baresip::builder("301", OTHER, &passwords[0], tandem.sip())
        .expires_s(0)
        .start()
        .unwrap();
    let said = answers(&tandem, &stranger, "700", 4);
    assert!(said[0].contains("@other.local>"), "{said:?}");
    assert!(said[1].contains("NotFound"), "{said:?}");
    assert!(said[2].starts_with("Ok"), "{said:?}");
    assert!(
        said[3].contains("Limit(\"the domain sends 3 mails a minute"),
        "{said:?}"
    );
    let seen = mails.mails();
    assert_eq!(seen.len(), 4);
    assert_eq!(header(&seen[2], "From"), "Other <pbx@other.example>");

    // Scenarios that no call starts mail too.
    modules::offer_built(&tandem, &domain, "web", "web:/", "{}").unwrap();
    let page = format!("/s/{domain}/mail?ann@example.com");
    let answer = get(tandem.web(), &page).unwrap();
    assert_eq!(answer.body, header(&mails.wait_for(5)[4], "Message-ID"));
    let messages = get(tandem.web(), &format!("/s/{domain}/messages?301")).unwrap();
    assert_eq!(messages.body, "0");
    let settings = "{\"mail\":\"ann@example.com\"}";
    modules::offer_built(&tandem, &domain, "events", "event:call-ended", settings).unwrap();
    caller.dial("999").unwrap();
    let told = mails.wait_for(6);
    assert_eq!(header(&told[5], "Subject"), "call-ended");
}

#[test]
fn a_password_goes_by_tls_to_a_server_that_is_trusted_and_to_no_other() {
    let mails = MailServer::start();
    let folder = Folder::new("mail-password").unwrap();
    let password = folder.write("password", format!("{PASSWORD}\n")).unwrap();
    for (port, tls, trusted) in [
        (mails.starttls, "starttls", true),
        (mails.implicit, "implicit", true),
        (mails.starttls, "starttls", false),
        // This one offers no TLS: nothing is said to it.
        (mails.plain, "starttls", true),
    ] {
        let mut server = server(port, tls)
            .set("mail.user", "pbx")
            .set("mail.password_file", password.display());
        if trusted {
            server = server.env("SSL_CERT_FILE", beside("data/ca.pem").display());
        }
        let tandem = server.start().unwrap();
        let domain = tandem.demo().domain.clone();
        offer(&tandem, &domain, "700", &json!([mail("ann@example.com", tls)]));
        let caller = caller(&tandem);
        let before = mails.mails().len();
        let said = answers(&tandem, &caller, "700", 1);
        if port == mails.plain || !trusted {
            assert!(said[0].starts_with("Err(MailError::Unavailable("), "{said:?}");
            assert_eq!(mails.mails().len(), before);
            continue;
        }
        assert!(said[0].starts_with("Ok"), "{tls}: {said:?}");
        let last = mails.mails().pop().unwrap();
        assert_eq!(last["user"], "pbx");
        if tls == "starttls" {
            assert_eq!(last["tls"], true);
            // The file is read for each mail.
            std::fs::write(&password, "wrong").unwrap();
            let said = answers(&tandem, &caller, "700", 1);
            assert!(said[0].contains("Refused(\"535"), "{said:?}");
            std::fs::write(&password, PASSWORD).unwrap();
        }
    }
}

/// The call logic is killed while the mail server holds its answer back: the mail is sent again, and whoever reads it can
/// tell.
#[test]
fn a_mail_that_a_crash_cut_off_is_sent_again_under_the_same_identifier() {
    let mails = MailServer::start();
    let tandem = server(mails.plain, "none")
        .set("mail.timeout", "30s")
        .start()
        .unwrap();
    let domain = tandem.demo().domain.clone();
    offer(
        &tandem,
        &domain,
        "700",
        &json!([mail("hang-once@example.com", "a")]),
    );
    let caller = caller(&tandem);
    caller.dial("700").unwrap();
    mails.wait_for(1);
    let old = tandem.kill(Role::CallLogic).unwrap();
    tandem.wait_for_restart(Role::CallLogic, old).unwrap();
    let both = mails.wait_for(2);
    assert_eq!(header(&both[0], "Message-ID"), header(&both[1], "Message-ID"));
    let closed = caller
        .wait_for(&tandem_kit::ctrl::EventKind::Closed, LONG)
        .unwrap();
    assert!(closed.param.starts_with("480"), "{}", closed.param);
}
