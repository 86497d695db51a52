//! Projects of scenarios at the command line: new, build, test. Those in TypeScript and Python are in
//! `tests/tests/first_scenario.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn tandem(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(line.split(' '))
        .current_dir(folder)
        .output()
        .unwrap()
}

/// What it says, where all went well.
fn ok(folder: &Path, line: &str) -> String {
    let output = tandem(folder, line);
    assert!(
        output.status.success(),
        "{line}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The exit code, and all that was said.
fn refused(folder: &Path, line: &str) -> (i32, String) {
    let output = tandem(folder, line);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(said).unwrap())
}

/// One project for all that needs one.
#[test]
fn a_new_project_is_built_tested_and_changed() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    ok(folder, "scenario new hello --lang rust");
    // What the stock scenarios are built with need not be compiled once more; `first_scenario.rs` begins with nothing.
    let compiled = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/target");
    std::os::unix::fs::symlink(compiled.canonicalize().unwrap(), folder.join("hello/target")).unwrap();
    let (code, said) = refused(folder, "scenario new hello");
    assert_eq!((code, said.trim()), (5, "tandem: hello is there already"));

    let (code, said) = refused(folder, "scenario test hello");
    assert!(
        code == 3 && said.contains("run `tandem scenario build"),
        "{code} {said}"
    );
    let said = ok(folder, "scenario build hello");
    assert!(
        said.contains("hello/dist/hello.wasm") && !said.contains("up to date"),
        "{said}"
    );
    let built: Value = serde_json::from_str(&ok(&folder.join("hello"), "scenario build --json")).unwrap();
    assert_eq!(built["up_to_date"], true);
    ok(folder, "scenario validate hello/dist/hello.wasm");

    let said = ok(folder, "scenario test hello --update");
    assert!(said.ends_with("3 of 3 cases passed\n"), "{said}");
    let traces = std::fs::read_to_string(folder.join("hello/tests/calls.trace")).unwrap();
    assert!(
        traces.starts_with("# 302 answers, talks and hangs up\n0:00.000  -  301 calls 200\n"),
        "{traces}"
    );
    let shown: Value = serde_json::from_str(&ok(folder, "scenario test hello --json")).unwrap();
    assert_eq!(shown[0]["snapshot"], "same");
    assert_eq!(shown[0]["cases"][1]["name"], "302 is busy");
    assert_eq!(shown[0]["cases"][1]["passed"], true);

    // Another text: one case fails, and the trace shows where it goes another way.
    let source = folder.join("hello/src/lib.rs");
    let text = std::fs::read_to_string(&source).unwrap();
    std::fs::write(
        &source,
        text.replace("Sorry, nobody is there.", "Nobody is there."),
    )
    .unwrap();
    ok(folder, "scenario build hello");
    let (code, said) = refused(folder, "scenario test hello");
    assert_eq!(code, 1, "{said}");
    for part in [
        "FAIL  302 is busy",
        "the caller hears \"Sorry\" after \"Hello, 301\": there was",
        "- 0:01.500  sorry  leg.play \"Sorry, nobody is there.\" (en)",
        "+ 0:01.500  sorry  leg.play \"Nobody is there.\" (en)",
        "1 of 3 cases failed, and 1 snapshots differ",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }

    // Its other worlds: their sources and tests in this project, which has compiled the SDK already.
    for (world, script) in [("web", "requests"), ("event", "events")] {
        let name = format!("hello-{world}");
        ok(folder, &format!("scenario new {name} --world {world}"));
        std::fs::copy(folder.join(&name).join("src/lib.rs"), &source).unwrap();
        ok(folder, "scenario build hello");
        let script = format!("{name}/tests/{script}.toml");
        let text = std::fs::read_to_string(folder.join(&script)).unwrap();
        let component = "scenario = \"../../hello/dist/hello.wasm\"\n";
        std::fs::write(folder.join(&script), format!("{component}{text}")).unwrap();
        let said = ok(folder, &format!("scenario test {script}"));
        assert!(
            said.contains("cases passed\n") && !said.contains("FAIL"),
            "{said}"
        );
    }

    // A mistake of the compiler's kind is the compiler's to tell.
    std::fs::write(&source, "fn handle() -> {").unwrap();
    let (code, said) = refused(folder, "scenario build hello");
    assert!(code == 1 && said.contains("src/lib.rs:1"), "{said}");
}

#[test]
fn stock_scenarios_pass_their_scripts_at_the_command_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let said = ok(&root, "scenario test scenarios/flow scenarios/entry");
    assert!(said.ends_with("20 of 20 cases passed\n"), "{said}");
}

#[test]
fn what_is_wrong_with_a_project_or_a_script_is_said() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    std::fs::create_dir(folder.join("tests")).unwrap();
    for (line, code, part) in [
        ("scenario new Hello", 2, "\"Hello\" is no name of a project"),
        (
            "scenario new hello --lang cobol",
            2,
            "\"cobol\" is no language of scenarios: choose rust",
        ),
        (
            "scenario build",
            3,
            "is no project of a scenario: there is no Cargo.toml",
        ),
        ("scenario test", 3, "there is no script (*.toml) in"),
        ("scenario test elsewhere.toml", 2, "elsewhere.toml: No such file"),
        ("scenario test tests", 3, "has no folder tests"),
    ] {
        let (found, said) = refused(folder, line);
        assert!(found == code && said.contains(part), "{line}: {found} {said}");
    }
    std::fs::write(
        folder.join("tests/calls.toml"),
        "[[case]]\nname = 'a'\nacts = ['sing']\n",
    )
    .unwrap();
    let (code, said) = refused(folder, "scenario test");
    assert!(
        code == 2 && said.contains("tests/calls.toml:3: unknown variant `sing`"),
        "{said}"
    );
    std::fs::write(folder.join("tests/calls.toml"), "[[case]]\nname = 'a'\n").unwrap();
    let (code, said) = refused(folder, "scenario test");
    assert!(code == 2 && said.contains("it lies in no project"), "{said}");
}

#[test]
fn without_cargo_it_is_said_that_rust_is_missing() {
    let place = tempfile::tempdir().unwrap();
    ok(place.path(), "scenario new hello");
    let output = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["scenario", "build", "hello"])
        .current_dir(place.path())
        .env("PATH", place.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        said.trim(),
        "tandem: cargo is missing: install Rust from https://rustup.rs"
    );
}
