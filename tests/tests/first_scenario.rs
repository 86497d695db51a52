//! The book's first scenario: its very commands, from an empty folder to a call.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tandem_kit::baresip::Transport;
use tandem_kit::ctrl::EventKind;
use tandem_kit::folder::Folder;
use tandem_kit::tandem::{Tandem, binary};
use tandem_tests::calls;
use tandem_tests::listening::{hears_talk, speech_then_silence};
use tandem_tests::phones::{SOON, registered};

const BOOK: &str = include_str!("../../docs/scenarios/first-scenario.md");

/// They are timed: none waits for what another compiles.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The commands that the book has under a heading, up to the next of its rank.
fn commands(heading: &str) -> Vec<String> {
    let (_, chapter) = BOOK.split_once(&format!("\n{heading}\n")).expect("the chapter");
    let chapter = chapter.split("\n## ").next().unwrap();
    let blocks = chapter.split("```sh\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.map(str::to_owned).collect()
}

/// Types a command into a shell that finds `tandem`, and gives what it prints.
fn typed(folder: &Path, command: &str) -> String {
    let tandem = binary().unwrap();
    let path = format!(
        "{}:{}",
        tandem.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let began = Instant::now();
    let output = Command::new("bash")
        .args(["-euc", command])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{:>6.1} s  $ {command}\n{said}", began.elapsed().as_secs_f64());
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

#[test]
fn the_books_commands_lead_from_an_empty_folder_to_a_call_in_rust() {
    let _alone = alone();
    let folder = Folder::new("first-scenario").unwrap();
    let tandem = Tandem::builder()
        .data(&folder.path().join("data"))
        .start()
        .unwrap();
    let commands = commands("## In Rust");
    assert!(commands.len() >= 5, "{commands:?}");
    for command in &commands {
        let said = typed(folder.path(), command);
        if command.starts_with("tandem scenario test") {
            assert!(said.ends_with("3 of 3 cases passed\n"), "{said}");
        }
    }

    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    a.dial("200").unwrap();
    a.wait_for(&EventKind::Established, SOON).unwrap();
    speech_then_silence(&a, Duration::from_millis(300), Duration::from_secs(20)).unwrap();
    b.wait_for(&EventKind::Incoming, SOON).unwrap();
    b.accept().unwrap();
    b.wait_for(&EventKind::Established, SOON).unwrap();
    hears_talk(&b, Duration::ZERO, "301", Duration::from_secs(3)).unwrap();
    b.hangup().unwrap();
    a.wait_for(&EventKind::Closed, SOON).unwrap();
    let call = calls::only_call(&tandem).unwrap();
    assert_eq!(call.text("scenario").unwrap(), "hello");
    assert_eq!(call.text("ended_by").unwrap(), "callee");
    tandem.stop(SOON).unwrap();
}

/// Each with a warm toolchain: what is fetched at first is there, as `make guests` has fetched it.
#[test]
fn the_books_commands_lead_to_a_call_in_typescript_and_python() {
    let _alone = alone();
    let folder = Folder::new("first-languages").unwrap();
    let tandem = Tandem::builder()
        .data(&folder.path().join("data"))
        .start()
        .unwrap();
    let a = registered(&tandem, "301", Transport::Udp).unwrap();
    let b = registered(&tandem, "302", Transport::Udp).unwrap();
    for (heading, number, scenario) in [
        ("## In TypeScript", "201", "desk"),
        ("## In Python", "202", "front"),
    ] {
        let began = Instant::now();
        let commands = commands(heading);
        assert_eq!(commands.len(), 5, "{commands:?}");
        for command in &commands {
            let said = typed(folder.path(), command);
            if command.starts_with("tandem scenario test") {
                assert!(said.ends_with("3 of 3 cases passed\n"), "{said}");
            }
        }
        a.dial(number).unwrap();
        a.wait_for(&EventKind::Established, SOON).unwrap();
        speech_then_silence(&a, Duration::from_millis(300), Duration::from_secs(20)).unwrap();
        a.press('1').unwrap();
        b.wait_for(&EventKind::Incoming, SOON).unwrap();
        b.accept().unwrap();
        b.wait_for(&EventKind::Established, SOON).unwrap();
        b.hangup().unwrap();
        a.wait_for(&EventKind::Closed, SOON).unwrap();
        let took = began.elapsed();
        println!(
            "{:>6.1} s  {heading}, from an empty folder to a call",
            took.as_secs_f64()
        );
        assert!(took < Duration::from_mins(5), "{took:?}");
        let call = calls::call_to(&tandem, number).unwrap();
        assert_eq!(call.text("scenario").unwrap(), scenario);
    }
    tandem.stop(SOON).unwrap();
}
