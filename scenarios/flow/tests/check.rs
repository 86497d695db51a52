//! What is wrong with a flow is named: all of it at once, with node and path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    missing_docs
)]

use flow::Flow;
use serde_json::{Value, json};

fn said(document: &str) -> Vec<String> {
    Flow::parse(document)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn problems(nodes: Value) -> Vec<String> {
    said(&json!({"version": 1, "name": "test", "start": "a", "nodes": nodes}).to_string())
}

fn one(action: Value) -> Vec<String> {
    problems(json!([{"id": "a", "name": "A", "do": action}]))
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let nodes = json!([
        {"id": "a", "name": "A", "do": {"menu": {"prompts": [], "choices": {"1": "b", "x": "c", "12": "b"},
            "timeout_ms": 0, "retries": 11, "default": "d"}}},
        {"id": "b", "name": "", "do": {"dial_number": {"number": {"variable": "n"}, "timeout_s": 601,
            "on": {"busy": "e"}}}},
        {"id": "b", "name": "B", "do": {"say": {"prompts": []}}},
        {"id": "lost", "name": "Lost", "do": {"hang_up": {"cause": {"status": 200}}}},
    ]);
    assert_eq!(
        problems(nodes),
        [
            "node \"a\", menu.choices.x: there is no node \"c\"",
            "node \"a\", menu.default: there is no node \"d\"",
            "node \"a\", menu.choices.12: \"12\" is no digit out of 0-9*#A-D",
            "node \"a\", menu.choices.x: \"x\" is no digit out of 0-9*#A-D",
            "node \"a\", menu.timeout_ms: 0 is not 1 to 600000",
            "node \"a\", menu.retries: 11 is not 0 to 10",
            "node \"b\", name: 0 bytes, not 1 to 256",
            "node \"b\", dial_number.on.busy: there is no node \"e\"",
            "node \"b\", dial_number.number.variable: no node collects the variable \"n\"",
            "node \"b\", dial_number.timeout_s: 601 is not 1 to 600",
            "node \"b\", id: another node has this id",
            "node \"b\", say.prompts: 0 prompts, not 1 to 64",
            "node \"lost\": no way leads to this node",
            "node \"lost\", hang_up.cause.status: 200 is not 400 to 699",
        ]
    );
}

#[test]
fn a_start_that_is_not_there_is_named() {
    assert_eq!(
        said(r#"{"version": 1, "name": "x", "start": "nowhere", "nodes": []}"#),
        [
            "flow, nodes: 0 nodes, not 1 to 1000",
            "flow, start: there is no node \"nowhere\""
        ]
    );
}

#[test]
fn another_version_is_refused_before_its_keys_are() {
    assert_eq!(
        said(r#"{"version": 2, "steps": {}}"#),
        ["flow: version 2 is not 1"]
    );
}

#[test]
fn what_is_no_flow_is_refused_in_words() {
    assert_eq!(said("{}"), ["flow: missing field `version` at line 1 column 2"]);
    assert_eq!(said(""), ["flow: EOF while parsing a value at line 1 column 0"]);
    assert_eq!(
        said(r#"{"version": 1, "name": "x", "start": "a", "node": []}"#),
        [
            "flow: unknown field `node`, expected one of `version`, `name`, `language`, `start`, `nodes` at line 1 column 48"
        ]
    );
}

#[test]
fn each_node_that_cannot_be_read_is_named() {
    let nodes = json!([
        {"id": "a", "name": "A", "do": {"say": {"prompts": [], "text": "x"}}},
        {"id": "b", "name": "B", "do": {"fax": {}}},
        {"name": "C"},
        {"id": "d", "name": "D", "do": {"hang_up": {"cause": "normal", "soft": true}}},
        {"id": "e", "name": "E", "do": {"menu": {"prompts": [], "choices": {}, "retries": 99}}},
    ]);
    let said = problems(nodes);
    assert_eq!(said.len(), 6, "{said:#?}");
    assert!(
        said[0].starts_with("node \"a\", nodes.0: unknown field `text`, expected `prompts` or `next`"),
        "{}",
        said[0]
    );
    assert!(
        said[1].starts_with("node \"b\", nodes.1: unknown variant `fax`, expected one of `say`"),
        "{}",
        said[1]
    );
    assert!(
        said[2].starts_with("flow, nodes.2: missing field `id`"),
        "{}",
        said[2]
    );
    assert!(
        said[3].starts_with("node \"d\", nodes.3: unknown field `soft`"),
        "{}",
        said[3]
    );
    // What the others hold is still checked; what may hang on the unreadable ones is not.
    assert_eq!(said[4], "node \"e\", menu.choices: 0 choices, not 1 to 16");
    assert_eq!(said[5], "node \"e\", menu.retries: 99 is not 0 to 10");
}

#[test]
fn prompts_keep_to_their_ranges() {
    let prompts = json!([
        {"say": ""}, {"say": "x".repeat(4_097)}, {"speech": {"text": "", "language": "ru"}}, {"file": ""},
        {"silence_ms": 0}, {"tone": {"hz": 19, "second_hz": 4_000, "duration_ms": 600_001}},
    ]);
    assert_eq!(
        one(json!({"say": {"prompts": prompts}})),
        [
            "node \"a\", say.prompts.0.say: 0 characters, not 1 to 4096",
            "node \"a\", say.prompts.1.say: 4097 characters, not 1 to 4096",
            "node \"a\", say.prompts.2.speech.text: 0 characters, not 1 to 4096",
            "node \"a\", say.prompts.3.file: 0 bytes, not 1 to 256",
            "node \"a\", say.prompts.4.silence_ms: 0 is not 1 to 600000",
            "node \"a\", say.prompts.5.tone.hz: 19 is not 20 to 3800",
            "node \"a\", say.prompts.5.tone.second_hz: 4000 is not 20 to 3800",
            "node \"a\", say.prompts.5.tone.duration_ms: 600001 is not 1 to 600000",
        ]
    );
}

#[test]
fn collections_keep_to_their_ranges() {
    let collect = json!({"into": "", "min": 5, "max": 4, "terminators": "#x", "timeout_ms": 0,
        "digit_timeout_ms": 700_000, "retries": 12});
    assert_eq!(
        one(json!({"collect": collect})),
        [
            "node \"a\", collect.into: 0 bytes, not 1 to 64",
            "node \"a\", collect.max: 4 is not 5 to 64",
            "node \"a\", collect.terminators: \"#x\" is no digit out of 0-9*#A-D",
            "node \"a\", collect.timeout_ms: 0 is not 1 to 600000",
            "node \"a\", collect.digit_timeout_ms: 700000 is not 1 to 600000",
            "node \"a\", collect.retries: 12 is not 0 to 10",
        ]
    );
}

#[test]
fn a_greeting_and_its_menu_fit_into_one_playback() {
    let half: Vec<Value> = (0..33).map(|_| json!({"say": "x"})).collect();
    let menu = json!({"greeting": half, "prompts": half, "choices": {"1": "a"}});
    assert_eq!(
        one(json!({"menu": menu})),
        ["node \"a\", menu.prompts: 66 prompts with the greeting, not 0 to 64"]
    );
}

#[test]
fn dials_keep_to_their_ranges() {
    assert_eq!(
        one(json!({"dial_user": {"user": "", "timeout_s": 0}})),
        [
            "node \"a\", dial_user.user: 0 bytes, not 1 to 256",
            "node \"a\", dial_user.timeout_s: 0 is not 1 to 600"
        ]
    );
    assert_eq!(
        one(json!({"dial_number": {"number": {"fixed": ""}}})),
        ["node \"a\", dial_number.number.fixed: 0 bytes, not 1 to 256"]
    );
}

#[test]
fn a_deep_document_is_refused_and_not_recursed_into() {
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let deep = format!(r#"{{"version": 1, "name": "x", "start": "a", "nodes": [{open}{close}]}}"#);
    assert!(
        said(&deep)[0].starts_with("flow, nodes.0: invalid type: sequence"),
        "{:?}",
        said(&deep)
    );
    let prompts = format!(r#"[{{"id": "a", "name": "A", "do": {{"say": {{"prompts": {open}{close}}}}}}}]"#);
    let deep = format!(r#"{{"version": 1, "name": "x", "start": "a", "nodes": {prompts}}}"#);
    assert!(
        said(&deep)[0].starts_with("node \"a\", nodes.0: "),
        "{:?}",
        said(&deep)
    );
}
