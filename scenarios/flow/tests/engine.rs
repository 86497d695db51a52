//! What each kind of node does, and what it does when something goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod script;

use flow::engine::Broken;
use flow::model::Failure;
use flow::phone::TalkEnd;
use script::Act::{Fail, HangUp, NoSound, Press, Refuse, Talk};
use script::{flow, run, trace};
use serde_json::{Value, json};

fn menu(extra: Value) -> Value {
    let mut menu = json!({"prompts": [{"say": "choose"}], "choices": {"1": "yes"}, "retries": 1});
    menu.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!([
        {"id": "menu", "name": "Menu", "do": {"menu": menu}},
        {"id": "yes", "name": "Yes", "do": {"hang_up": {}}},
        {"id": "no", "name": "No", "do": {"hang_up": {"cause": "declined"}}},
    ])
}

fn dial(extra: Value) -> Value {
    let mut dial = json!({"user": "302"});
    dial.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    json!([
        {"id": "dial", "name": "Dial", "do": {"dial_user": dial}},
        {"id": "more", "name": "More", "do": {"say": {"prompts": [{"say": "well"}]}}},
    ])
}

/// Nodes that the flow under test may leave out.
fn only_reached(mut nodes: Value) -> flow::Flow {
    let parsed: flow::Flow = serde_json::from_str(&script::document(nodes.clone())).unwrap();
    let unreached: Vec<_> = parsed
        .problems()
        .into_iter()
        .filter(|problem| problem.what == flow::What::Unreachable)
        .filter_map(|problem| problem.node)
        .collect();
    nodes
        .as_array_mut()
        .unwrap()
        .retain(|node| !unreached.iter().any(|id| node["id"] == id.as_str()));
    flow(nodes)
}

#[test]
fn say_answers_first_and_ends_the_call_when_nothing_follows() {
    let say = flow(json!([{"id": "s", "name": "S", "do": {"say": {"prompts": [
        {"silence_ms": 500}, {"say": "hello"}, {"speech": {"text": "привет", "language": "ru"}}, {"file": "a.wav"},
        {"tone": {"hz": 440, "duration_ms": 100}}
    ]}}}]));
    assert_eq!(
        trace(&say, &[]),
        [
            "[s] S",
            "  answer",
            "  play 500 ms of silence, \"hello\", \"привет\" (ru), a.wav, 440 Hz",
            "  hang up: Normal",
        ]
    );
}

#[test]
fn what_cannot_be_played_is_left_out_of_say() {
    let say = flow(json!([{"id": "s", "name": "S", "do": {"say": {"prompts": [{"file": "gone.wav"}]}}}]));
    let log = trace(&say, &[NoSound]);
    assert_eq!(
        log[3..],
        ["  warning: not played: no such file", "  hang up: Normal"]
    );
}

#[test]
fn a_menu_whose_prompts_cannot_be_played_still_takes_its_digit() {
    let log = trace(&only_reached(menu(json!({}))), &[NoSound, Press("1")]);
    assert_eq!(
        log[2..],
        [
            "  ask \"choose\"",
            "  warning: not played: no speech",
            "  ask",
            "  pressed 1",
            "[yes] Yes",
            "  hang up: Normal"
        ]
    );
}

#[test]
fn a_menu_takes_its_choice() {
    let log = trace(
        &only_reached(menu(json!({"greeting": [{"say": "hi"}]}))),
        &[Press("1")],
    );
    assert_eq!(
        log,
        [
            "[menu] Menu",
            "  answer",
            "  ask \"hi\", \"choose\"",
            "  pressed 1",
            "[yes] Yes",
            "  hang up: Normal"
        ]
    );
}

#[test]
fn a_menu_without_a_digit_is_repeated_without_its_greeting_and_then_left() {
    let nodes =
        menu(json!({"greeting": [{"say": "hi"}], "timeout_prompts": [{"say": "well?"}], "on_timeout": "no"}));
    let log = trace(&only_reached(nodes), &[Press(""), Press("")]);
    assert_eq!(
        log[4..],
        [
            "  play \"well?\"",
            "[menu] Menu",
            "  ask \"choose\"",
            "  nothing",
            "[no] No",
            "  hang up: Declined"
        ]
    );
}

#[test]
fn a_digit_that_is_no_choice_is_said_so_and_counts_as_a_try() {
    let nodes = menu(json!({"invalid_prompts": [{"say": "wrong"}], "on_invalid": "no"}));
    let log = trace(&only_reached(nodes), &[Press("9"), Press("8")]);
    assert_eq!(
        log[3..],
        [
            "  pressed 9",
            "  play \"wrong\"",
            "[menu] Menu",
            "  ask \"choose\"",
            "  pressed 8",
            "[no] No",
            "  hang up: Declined"
        ]
    );
}

#[test]
fn default_takes_both_when_nothing_else_is_said() {
    for last in ["", "7"] {
        let log = trace(
            &only_reached(menu(json!({"default": "no"}))),
            &[Press("9"), Press(last)],
        );
        assert_eq!(log.last().unwrap(), "  hang up: Declined");
    }
}

#[test]
fn a_menu_without_default_ends_the_call() {
    let log = trace(&only_reached(menu(json!({"retries": 0}))), &[Press("")]);
    assert_eq!(log[3..], ["  nothing", "  hang up: Normal"]);
}

#[test]
fn collect_takes_digits_into_the_number_that_is_dialled() {
    let nodes = json!([
        {"id": "ask", "name": "Ask", "do": {"collect": {"into": "number", "min": 3, "max": 3, "next": "dial",
            "prompts": [{"say": "which?"}], "invalid_prompts": [{"say": "three digits"}]}}},
        {"id": "dial", "name": "Dial", "do": {"dial_number": {"number": {"variable": "number"}, "timeout_s": 7}}},
    ]);
    let log = trace(&flow(nodes), &[Press("30"), Press("303"), Talk(TalkEnd::Callee)]);
    assert_eq!(
        log[3..],
        [
            "  pressed 30",
            "  play \"three digits\"",
            "[ask] Ask",
            "  ask \"which?\"",
            "  pressed 303",
            "[dial] Dial",
            "  dial number 303 for 7 s",
            "  talk, ended by Callee",
            "  hang up: Normal",
        ]
    );
}

#[test]
fn collect_gives_up_after_its_retries() {
    let nodes = json!([
        {"id": "ask", "name": "Ask", "do": {"collect": {"into": "n", "max": 3, "retries": 1, "default": "no"}}},
        {"id": "no", "name": "No", "do": {"hang_up": {"cause": {"status": 480}}}},
    ]);
    let log = trace(&flow(nodes), &[Press(""), Press("")]);
    assert_eq!(log[log.len() - 2..], ["[no] No", "  hang up: Status(480)"]);
}

#[test]
fn a_variable_that_was_never_set_is_a_number_that_leads_to_nobody() {
    let nodes = json!([
        {"id": "menu", "name": "Menu", "do": {"menu": {"prompts": [], "choices": {"1": "dial", "2": "ask"}}}},
        {"id": "ask", "name": "Ask", "do": {"collect": {"into": "n", "max": 3, "next": "dial"}}},
        {"id": "dial", "name": "Dial", "do": {"dial_number": {"number": {"variable": "n"}}}},
    ]);
    let log = trace(&flow(nodes), &[Press("1")]);
    assert_eq!(
        log[4..],
        [
            "[dial] Dial",
            "  warning: the number is empty",
            "  hang up: NotFound"
        ]
    );
}

#[test]
fn the_dialled_number_and_the_caller_are_variables() {
    for (name, number) in [("dialled", "100"), ("caller", "301")] {
        let nodes = json!([{"id": "d", "name": "D", "do": {"dial_number": {"number": {"variable": name}}}}]);
        let log = trace(&flow(nodes), &[Talk(TalkEnd::Caller)]);
        assert_eq!(log[1], format!("  dial number {number} for 30 s"));
    }
}

#[test]
fn dialling_answers_nobody_before_the_callee_does() {
    let log = trace(&only_reached(dial(json!({}))), &[Talk(TalkEnd::Callee)]);
    assert_eq!(
        log,
        [
            "[dial] Dial",
            "  dial user 302 for 30 s",
            "  talk, ended by Callee",
            "  hang up: Normal"
        ]
    );
}

#[test]
fn after_a_talk_that_the_callee_ended_the_flow_may_go_on() {
    let log = trace(
        &only_reached(dial(json!({"next": "more"}))),
        &[Talk(TalkEnd::Callee)],
    );
    assert_eq!(log[3], "[more] More");
}

#[test]
fn a_caller_who_hangs_up_ends_the_flow_wherever_it_is() {
    let talked = trace(
        &only_reached(dial(json!({"next": "more"}))),
        &[Talk(TalkEnd::Caller)],
    );
    assert_eq!(talked.last().unwrap(), "  talk, ended by Caller");
    let dialled = trace(&only_reached(dial(json!({"default": "more"}))), &[HangUp]);
    assert_eq!(dialled.last().unwrap(), "  dial user 302 for 30 s");
    let asked = trace(&only_reached(menu(json!({}))), &[HangUp]);
    assert_eq!(asked.last().unwrap(), "  ask \"choose\"");
    let played = trace(
        &only_reached(dial(json!({"default": "more"}))),
        &[Fail(Failure::Busy), HangUp],
    );
    assert_eq!(played.last().unwrap(), "  play \"well\"");
}

#[test]
fn each_failure_of_dialling_has_its_way_or_its_cause() {
    let causes = [
        (Failure::NotFound, "NotFound"),
        (Failure::Unreachable, "Unavailable"),
        (Failure::Busy, "Busy"),
        (Failure::NoAnswer, "Unavailable"),
        (Failure::Declined, "Declined"),
        (Failure::Refused, "Unavailable"),
    ];
    for (failure, cause) in causes {
        let log = trace(&only_reached(dial(json!({}))), &[Fail(failure)]);
        assert_eq!(log.last().unwrap(), &format!("  hang up: {cause}"));
        let named = dial(json!({"on": {failure.key(): "more"}}));
        assert_eq!(trace(&only_reached(named), &[Fail(failure)])[3], "[more] More");
        let any = dial(json!({"default": "more"}));
        assert_eq!(trace(&only_reached(any), &[Fail(failure)])[3], "[more] More");
    }
}

/// Two menus, each with a choice that goes back, and a text between them.
fn nested() -> flow::Flow {
    flow(json!([
        {"id": "a", "name": "A", "do": {"menu": {"greeting": [{"say": "hi"}], "prompts": [{"say": "a"}],
            "choices": {"1": "b", "2": "text", "*": "back", "0": "again"}, "retries": 1}}},
        {"id": "b", "name": "B", "do": {"menu": {"prompts": [{"say": "b"}],
            "choices": {"2": "text", "*": "back", "0": "again"}, "retries": 1}}},
        {"id": "text", "name": "Text", "do": {"say": {"prompts": [{"say": "text"}], "next": "back"}}},
        {"id": "back", "name": "Back", "do": {"go_back": {}}},
        {"id": "again", "name": "Again", "do": {"repeat": {}}},
    ]))
}

fn asked(log: &[String]) -> Vec<&str> {
    log.iter()
        .filter_map(|line| line.strip_prefix("  ask "))
        .collect()
}

#[test]
fn back_chosen_in_a_menu_leads_to_the_menu_before_it() {
    let log = trace(&nested(), &[Press("1"), Press("*"), HangUp]);
    assert_eq!(asked(&log), ["\"hi\", \"a\"", "\"b\"", "\"a\""]);
}

#[test]
fn back_after_another_node_leads_to_the_menu_that_led_there() {
    let log = trace(&nested(), &[Press("1"), Press("2"), Press("*"), HangUp]);
    assert_eq!(asked(&log), ["\"hi\", \"a\"", "\"b\"", "\"b\"", "\"a\""]);
}

#[test]
fn back_in_the_first_menu_stays_there() {
    let log = trace(&nested(), &[Press("*"), HangUp]);
    assert_eq!(asked(&log), ["\"hi\", \"a\"", "\"a\""]);
}

#[test]
fn back_and_repeat_without_a_menu_begin_again_and_are_a_circle() {
    for kind in ["go_back", "repeat"] {
        let nodes = json!([{"id": "x", "name": "X", "do": {kind: {}}}]);
        assert_eq!(run(&flow(nodes), &[]).1, Err(Broken::Circle("x".into())));
    }
}

#[test]
fn repeat_counts_as_a_try_of_the_menu() {
    let log = trace(&nested(), &[Press("0"), Press("0")]);
    assert_eq!(asked(&log), ["\"hi\", \"a\"", "\"a\""]);
    assert_eq!(log[log.len() - 2..], ["[again] Again", "  hang up: Normal"]);
}

#[test]
fn a_menu_that_is_returned_to_has_all_its_tries_again() {
    let log = trace(
        &nested(),
        &[Press("0"), Press("1"), Press("*"), Press("0"), HangUp],
    );
    assert_eq!(asked(&log).len(), 5);
}

#[test]
fn a_circle_without_input_is_broken_off() {
    let nodes = json!([
        {"id": "a", "name": "A", "do": {"say": {"prompts": [{"say": "a"}], "next": "b"}}},
        {"id": "b", "name": "B", "do": {"goto": {"node": "a"}}},
    ]);
    let (log, end) = run(&flow(nodes), &[]);
    assert_eq!(end, Err(Broken::Circle("a".into())));
    assert_eq!(log.iter().filter(|line| line.starts_with('[')).count(), 100);
}

#[test]
fn a_caller_who_presses_without_end_is_stopped_too() {
    let (log, end) = run(&nested(), &vec![Press("*"); 500]);
    assert_eq!(end, Err(Broken::TooManySteps("a".into())));
    assert_eq!(log.iter().filter(|line| line.starts_with('[')).count(), 1_000);
}

#[test]
fn what_the_host_refuses_is_told_with_its_node() {
    let (_, end) = run(&only_reached(menu(json!({}))), &[Refuse]);
    assert_eq!(end.unwrap_err().to_string(), "node \"menu\": refused");
}
