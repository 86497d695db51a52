//! `tandem scenario dev`: a file is edited, and a phone that calls meets the other scenario.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tandem_kit::folder::Folder;
use tandem_kit::tandem::{Tandem, binary};
use tandem_kit::wait;
use tandem_tests::modules::offer;
use tandem_tests::phones::{SOON, phone, refusal};

const NUMBER: &str = "700";
/// A build in TypeScript, on a machine that does something else too.
const BUILT: Duration = Duration::from_mins(2);

fn scenario(cause: &str, log: &str) -> String {
    format!(
        "import {{ log, scenario }} from '@tandem/scenario';\n\
         scenario((caller) => {{\n  log.info('{log}');\n  caller.hangUp('{cause}');\n}});\n"
    )
}

struct Dev {
    child: Child,
    out: PathBuf,
}

impl Dev {
    fn shows(&self, text: &str) {
        let shown = || std::fs::read_to_string(&self.out).unwrap();
        wait::until(BUILT, text, || shown().contains(text).then_some(()))
            .unwrap_or_else(|error| panic!("{error}\n{}", shown()));
    }
}

#[test]
fn an_edited_file_changes_what_a_phone_meets() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    offer(&tandem, &domain, "trap", NUMBER, &[]).unwrap();
    let scopes = "scenarios:read,scenarios:write,calls:read";
    let token = tandem
        .json(&["token", "add", "dev", "--scopes", scopes, "--domain", &domain])
        .unwrap();
    let folder = Folder::new("dev").unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary().unwrap());
        command.args(arguments).current_dir(folder.path());
        command
    };
    let made = run(&["scenario", "new", "desk", "--lang", "ts"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let main = folder.path().join("desk/src/main.ts");
    std::fs::write(&main, scenario("busy", "the first version")).unwrap();

    let out = folder.path().join("out");
    File::create(&out).unwrap();
    let appended = || File::options().append(true).open(&out).unwrap();
    let (stdout, stderr) = (appended(), appended());
    let server = format!("http://{}", tandem.web());
    let child = run(&["scenario", "dev", "desk", "--number", NUMBER, "--server", &server])
        .env("TANDEM_TOKEN", token["token"].as_str().unwrap())
        .stdout(stdout)
        .stderr(stderr)
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let mut dev = Dev { child, out };
    dev.shows(&format!("and {NUMBER} starts it"));
    wait::until(SOON, "the log's stream", || {
        tandem.log().contains("a log is followed").then_some(())
    })
    .unwrap();
    let caller = phone(&tandem, "301").unwrap().start().unwrap();
    let meets = |status: &str| {
        let refused = refusal(&caller, NUMBER, SOON).unwrap();
        assert!(refused.starts_with(status), "{refused}");
    };
    meets("486");
    dev.shows("the first version");

    // What does not build is told with its line; the version before goes on.
    std::fs::write(&main, scenario("bored", "never")).unwrap();
    dev.shows("src/main.ts(4,17): error");
    meets("486");

    std::fs::write(&main, scenario("declined", "the second version")).unwrap();
    wait::until(BUILT, "the second version", || {
        refusal(&caller, NUMBER, SOON)
            .ok()?
            .starts_with("603")
            .then_some(())
    })
    .unwrap();
    dev.shows("INFO   700  desk");
    dev.shows("the second version");

    let pid = dev.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert!(dev.child.wait().unwrap().success());
    dev.shows(&format!("{NUMBER} goes on starting desk"));
    meets("603");
}
