//! What the HTTP API's document says is what the API does: schemathesis asks it, by nothing but the document. And the
//! document can be read in a browser.

use std::path::Path;
use std::process::Command;
use std::thread;

use tandem_kit::tandem::Tandem;
use tandem_tests::{python, web};

use crate::browser::{system, text};
use crate::routes::furnish;

/// Each scope that there is.
const SCOPES: &str = "scenarios:read,scenarios:write,calls:read,voicemail:read,voicemail:write,users:read,users:write,\
                      domain:read,domain:write";
/// Streams have no end; what removes the domain or the asker's token leaves nothing to ask.
const OF_DOMAIN: [&str; 5] = [
    "--exclude-operation-id=domain_remove",
    "--exclude-operation-id=events_events",
    "--exclude-operation-id=tokens_name_remove",
    "--exclude-operation-id=domains_create",
    "--exclude-path-regex=^/(session|accounts|audit)",
];
/// Wrong passwords make who guesses wait, also who asks rightly; what ends the session or blocks the domain leaves nothing
/// to ask.
const OF_SYSTEM: [&str; 10] = [
    "--include-tag=session",
    "--include-tag=accounts",
    "--include-tag=domains",
    "--exclude-operation-id=domain_remove",
    "--exclude-operation-id=domain_change",
    "--exclude-operation-id=session_open",
    "--exclude-operation-id=session_close",
    "--exclude-operation-id=session_password_set_password",
    "--exclude-operation-id=session_totp_set",
    "--exclude-operation-id=session_totp_end",
];

/// No failure of ours, no status and no shape that the document does not have, whatever is asked: what it describes, and
/// what it does not.
#[test]
fn the_api_is_what_its_document_says() {
    let tandem = Tandem::builder().start().unwrap();
    it_can_be_read_in_a_browser(&tandem);
    let system = system(&tandem);
    furnish(&tandem, &system);
    let made = [
        "token",
        "add",
        "asks",
        "--domain",
        "demo.local",
        "--scopes",
        SCOPES,
    ];
    let token = text(&tandem.json(&made).unwrap()["token"]);
    let program = [format!("--header=Authorization: Bearer {token}")];
    let person = [
        format!("--header=Cookie: {}", system.cookie),
        format!("--header=X-CSRF-Token: {}", system.csrf),
    ];
    thread::scope(|scope| {
        scope.spawn(|| asked(&tandem, &program, &OF_DOMAIN));
        scope.spawn(|| asked(&tandem, &person, &OF_SYSTEM));
    });
    assert_eq!(system.get("/session").status, 200);
}

/// Asks what is included, and fails with what schemathesis found.
fn asked(tandem: &Tandem, who: &[String], what: &[&str]) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console");
    let output = Command::new(python::program("st").unwrap())
        .env("PYTHONPATH", &here)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .arg("--config-file")
        .arg(here.join("schemathesis.toml"))
        .arg("run")
        .arg(format!("http://{}/api/v1/openapi.json", tandem.web()))
        .args(who)
        .args(what)
        .current_dir(tandem.folder())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
    // All of it was asked, and nothing was refused at the door.
    assert!(said.contains("No issues found"), "{said}");
}

/// The page may run our scripts and nothing else, and they are there.
fn it_can_be_read_in_a_browser(tandem: &Tandem) {
    let page = web::get(tandem.web(), "/api/docs").unwrap();
    assert_eq!(page.status, 200, "{}", page.body);
    let policy = page.header("content-security-policy")[0];
    assert!(
        policy.contains("default-src 'none'; script-src 'self'; "),
        "{policy}"
    );
    assert!(!page.body.contains("<script>"), "{}", page.body);
    let files: Vec<&str> = page
        .body
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert!(files.len() >= 2, "{}", page.body);
    let mut scripts = String::new();
    for file in files {
        let asset = web::get(tandem.web(), file).unwrap();
        assert_eq!(asset.status, 200, "{file}");
        scripts += &asset.body;
    }
    assert!(scripts.contains("/assets/swagger-ui-bundle-"), "{}", page.body);
    // Other pages do not load it, and it does not come without its policy.
    let console = web::get(tandem.web(), "/").unwrap();
    assert!(!console.body.contains("reference"), "{}", console.body);
    let bare = web::get(tandem.web(), "/reference.html").unwrap();
    assert_eq!(bare.body.len(), console.body.len());
}
