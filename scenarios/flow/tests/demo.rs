//! The demo menu that a first start ships, heard to its end in every branch.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod script;

use std::fmt::Write as _;
use std::path::Path;

use flow::Flow;
use flow::model::Failure;
use flow::phone::TalkEnd;
use script::Act::{self, Fail, HangUp, Press, Talk};

const DEMO: &str = include_str!("../demo-menu.json");

/// The golden file is rewritten by `UPDATE_GOLDEN=1 cargo test`; read the diff.
#[test]
fn the_demo_menu_does_what_it_says() {
    let demo = Flow::parse(DEMO).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let calls: [(&str, &[Act]); 10] = [
        (
            "1, talk, the callee hangs up",
            &[Press("1"), Talk(TalkEnd::Callee)],
        ),
        (
            "2, talk, the caller hangs up",
            &[Press("2"), Talk(TalkEnd::Caller)],
        ),
        (
            "1 is busy, then 2 does not answer, then 1 is not registered",
            &[
                Press("1"),
                Fail(Failure::Busy),
                Press("2"),
                Fail(Failure::NoAnswer),
                Press("1"),
                Fail(Failure::Unreachable),
                HangUp,
            ],
        ),
        ("3, star", &[Press("3"), Press("*"), HangUp]),
        (
            "3, a wrong digit, nothing: back by itself",
            &[Press("3"), Press("5"), Press(""), HangUp],
        ),
        (
            "0 until the menu says goodbye",
            &[Press("0"), Press("0"), Press("0")],
        ),
        (
            "nothing until the menu says goodbye",
            &[Press(""), Press(""), Press("")],
        ),
        (
            "a wrong digit, then 1",
            &[Press("9"), Press("1"), Talk(TalkEnd::Callee)],
        ),
        (
            "wrong digits until the menu says goodbye",
            &[Press("9"), Press("8"), Press("7")],
        ),
        ("the caller hangs up at once", &[HangUp]),
    ];
    let mut traces = String::new();
    for (title, acts) in calls {
        writeln!(traces, "# {title}\n{}\n", script::trace(&demo, acts).join("\n")).unwrap();
    }

    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo-menu.traces");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&golden, &traces).unwrap();
    }
    assert_eq!(traces, std::fs::read_to_string(&golden).unwrap());
}

/// A flow that is read, written and read again is the same.
#[test]
fn a_flow_survives_being_written() {
    let demo = Flow::parse(DEMO).unwrap();
    let written = serde_json::to_string(&demo).unwrap();
    assert_eq!(Flow::parse(&written).unwrap(), demo);
}
