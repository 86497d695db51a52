//! What the nodes do that decide, reckon and connect, and how variables get into what is said and sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    missing_docs
)]

mod script;

use flow::Flow;
use flow::engine::Broken;
use flow::model::Failure;
use flow::phone::TalkEnd;
use script::Act::{
    self, Answer, Fail, Goes, HangUp, Leave, NoAnswer, NoBox, NoHours, Open, Press, Refuse, Talk,
};
use script::{flow, run, trace};
use serde_json::{Value, json};

fn node(id: &str, action: Value) -> Value {
    json!({"id": id, "name": id, "do": action})
}

fn end(id: &str) -> Value {
    node(id, json!({"hang_up": {}}))
}

/// The node `a`, from which `yes` and `no` can be reached.
fn with_ends(action: Value) -> Flow {
    flow(json!([node("a", action), end("yes"), end("no")]))
}

/// Whether the condition leads to `yes`.
fn holds(when: Value, acts: &[Act]) -> bool {
    let log = trace(
        &with_ends(json!({"if": {"when": when, "then": "yes", "else": "no"}})),
        acts,
    );
    log.contains(&"[yes] yes".to_owned())
}

#[test]
fn conditions_compare_texts_numbers_and_patterns() {
    let fixed = |text: &str| json!({"fixed": text});
    let variable = |name: &str| json!({"variable": name});
    for (when, is) in [
        (json!({"equals": [variable("caller"), fixed("301")]}), true),
        (json!({"equals": [fixed("01"), fixed("1")]}), false),
        (json!({"matches": [variable("caller"), "3*"]}), true),
        (json!({"matches": [variable("dialled"), "3*"]}), false),
        (json!({"less": [fixed("9"), fixed("10")]}), true),
        (json!({"less": [fixed("b"), fixed("a")]}), false),
        (json!({"less": [fixed("1"), fixed("1")]}), false),
        // It is 09:05 on a Sunday.
        (json!({"less": [variable("time"), fixed("09:30")]}), true),
        (json!({"equals": [variable("weekday"), fixed("7")]}), true),
        (json!({"less": [variable("hour"), fixed("10")]}), true),
        (json!({"equals": [variable("date"), fixed("2026-11-29")]}), true),
        (
            json!({"all": [{"equals": [variable("year"), fixed("2026")]}, {"not": {"equals": [variable("month"), fixed("1")]}}]}),
            true,
        ),
        (
            json!({"any": [{"equals": [variable("day"), fixed("1")]}, {"equals": [variable("minute"), fixed("5")]}]}),
            true,
        ),
        (json!({"not": {"not": {"matches": [fixed("x"), "y"]}}}), false),
    ] {
        assert_eq!(holds(when.clone(), &[]), is, "{when}");
    }
}

#[test]
fn opening_hours_are_asked_only_where_they_matter() {
    assert!(holds(json!({"open": "office"}), &[Open(true)]));
    assert!(!holds(json!({"open": "office"}), &[Open(false)]));
    assert!(holds(
        json!({"any": [{"open": "office"}, {"open": "lab"}]}),
        &[Open(true)]
    ));
    assert!(!holds(
        json!({"all": [{"open": "office"}, {"open": "lab"}]}),
        &[Open(false)]
    ));
    assert!(
        holds(json!({"open": "office"}), &[NoHours]),
        "what is not known is open"
    );
}

#[test]
fn variables_are_set_and_spoken() {
    let walk = flow(json!([
        node(
            "a",
            json!({"set": {"variable": "who", "value": {"text": "{caller} at {time}"}, "next": "b"}})
        ),
        node(
            "b",
            json!({"set": {"variable": "same", "value": {"variable": "who"}, "next": "c"}})
        ),
        node(
            "c",
            json!({"set": {"variable": "empty", "value": {"fixed": ""}, "next": "d"}})
        ),
        node(
            "d",
            json!({"say": {"prompts": [{"say": "Hello {same}, {not a name}."}, {"say": "{empty}"},
            {"speech": {"text": "{dialled}", "language": "ru"}}]}})
        ),
    ]));
    assert_eq!(
        trace(&walk, &[]),
        [
            "[a] a",
            "[b] b",
            "[c] c",
            "[d] d",
            "  answer",
            "  play \"Hello 301 at 09:05, {not a name}.\", \"100\" (ru)",
            "  hang up: Normal"
        ]
    );
}

#[test]
fn a_text_that_doubles_in_a_circle_stays_short() {
    let double = flow(json!([node(
        "a",
        json!({"set": {"variable": "x", "value": {"text": "{x}{x}{caller}"}, "next": "a"}})
    ),]));
    assert_eq!(run(&double, &[]).1, Err(Broken::Circle("a".into())));
}

#[test]
fn a_service_is_asked_and_its_answer_is_kept() {
    let http = json!({"method": "POST", "url": "https://crm.example/{dialled}/{who}?x",
        "headers": {"X-Caller": "{caller}", "Authorization": "Bearer {secret.crm-token}"},
        "body": "{\"who\": \"{who}\", \"n\": {caller}}", "timeout_s": 3,
        "into": {"name": "/person/name", "vip": "/vip", "none": "/none", "all": ""}, "next": "say", "default": "no"});
    let walk = flow(json!([
        node(
            "a",
            json!({"set": {"variable": "who", "value": {"fixed": "a\"/.b"}, "next": "http"}})
        ),
        node("http", json!({"http": http})),
        node(
            "say",
            json!({"say": {"prompts": [{"say": "{name} {vip} {none}| {all}"}]}})
        ),
        end("no"),
    ]));
    assert_eq!(
        trace(&walk, &[Answer(r#"{"person": {"name": "Ann"}, "vip": true}"#)])[1..],
        [
            "[http] http",
            "  ring",
            "  POST https://crm.example/100/a%22%2F%2Eb?x within 3 s",
            "    Authorization: Bearer <crm-token>",
            "    X-Caller: 301",
            "    application/json: {\"who\": \"a\\\"/.b\", \"n\": 301}",
            "[say] say",
            "  answer",
            r#"  play "Ann true | {\"person\":{\"name\":\"Ann\"},\"vip\":true}""#,
            "  hang up: Normal"
        ]
    );
    assert_eq!(
        trace(&walk, &[NoAnswer])[7..],
        ["  warning: time-out", "[no] no", "  hang up: Normal"]
    );
    let log = trace(&walk, &[Answer("<html>")]);
    assert!(
        log[7].starts_with("  warning: the service's answer is no JSON"),
        "{log:#?}"
    );
    assert_eq!(log[8], "[no] no");
}

#[test]
fn other_bodies_are_escaped_as_their_type_needs_it() {
    let sent = |content_type: &str| {
        let http = json!({"method": "POST", "url": "https://a.example/", "headers": {"content-type": content_type},
            "body": "who={who}"});
        let walk = flow(json!([
            node(
                "a",
                json!({"set": {"variable": "who", "value": {"fixed": "a&\"b"}, "next": "b"}})
            ),
            node("b", json!({"http": http})),
        ]));
        trace(&walk, &[Answer("")])[4].clone()
    };
    assert_eq!(
        sent("application/x-www-form-urlencoded"),
        "    application/x-www-form-urlencoded: who=a%26%22b"
    );
    assert_eq!(sent("text/plain"), "    text/plain: who=a&\"b");
}

#[test]
fn a_group_is_hunted_and_its_failure_has_a_way() {
    let group = with_ends(
        json!({"group": {"users": ["302", "303"], "strategy": "round_robin", "timeout_s": 20,
        "next": "yes", "on": {"busy": "no"}}}),
    );
    assert_eq!(
        trace(&group, &[Talk(TalkEnd::Callee)])[1..],
        [
            "  hunt 302+303, RoundRobin, for 20 s, as a",
            "  talk, ended by Callee",
            "[yes] yes",
            "  hang up: Normal"
        ]
    );
    assert_eq!(
        trace(&group, &[Fail(Failure::Busy)])[3..],
        ["[no] no", "  hang up: Normal"]
    );
    assert_eq!(
        trace(&group, &[Fail(Failure::NoAnswer)])[3..],
        ["  hang up: Unavailable"]
    );
    assert_eq!(trace(&group, &[HangUp]).len(), 2);
}

#[test]
fn a_message_is_taken_and_the_call_goes_on() {
    let box_of = |of: Value, next: Value| {
        with_ends(
            json!({"voicemail": {"box": of, "greeting": [{"say": "After the beep, {caller}."}], "next": next}}),
        )
    };
    let walk = box_of(json!({"fixed": "sales"}), json!("yes"));
    assert_eq!(
        trace(&walk, &[Leave])[1..],
        [
            "  message for \"sales\" after [\"After the beep, 301.\"] in en",
            "[yes] yes",
            "  hang up: Normal"
        ]
    );
    assert_eq!(
        trace(&walk, &[NoBox])[2..],
        [
            "  warning: there is no box \"sales\"",
            "[yes] yes",
            "  hang up: Normal"
        ]
    );
    let log = trace(&box_of(json!({"variable": "dialled"}), Value::Null), &[NoBox]);
    assert_eq!(log.last().unwrap(), "  hang up: NotFound");
    assert_eq!(trace(&walk, &[HangUp]).len(), 2);
}

#[test]
fn a_transfer_ends_the_call_and_its_failure_goes_on() {
    let walk = with_ends(json!({"transfer": {"number": {"variable": "caller"}, "default": "no"}}));
    assert_eq!(
        trace(&walk, &[Goes])[1..],
        ["  answer", "  transfer to 301", "  hang up: Normal"]
    );
    assert_eq!(
        trace(&walk, &[Refuse])[3..],
        ["  warning: 603 Decline", "[no] no", "  hang up: Normal"]
    );
    assert_eq!(trace(&walk, &[HangUp]).len(), 3);
    let elsewhere = with_ends(json!({"scenario": {"number": {"fixed": "600"}}}));
    assert_eq!(
        trace(&elsewhere, &[Goes])[1..],
        ["  answer", "  transfer to 600", "  hang up: Normal"]
    );
    assert_eq!(
        trace(&elsewhere, &[Refuse])[3..],
        ["  warning: 603 Decline", "  hang up: Unavailable"]
    );
}

/// A flow with others beside it; the first node is `a`.
fn nested(nodes: Value, flows: Value) -> Flow {
    let document =
        json!({"version": 1, "name": "test", "language": "en", "start": "a", "nodes": nodes, "flows": flows});
    Flow::parse(&document.to_string()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn another_flow_is_run_and_comes_back() {
    let inner = json!({"say": {"prompts": [{"say": "in"}]}});
    let walk = nested(
        json!([
            node("a", json!({"flow": {"name": "one", "next": "b"}})),
            node("b", json!({"say": {"prompts": [{"say": "{x}"}]}})),
        ]),
        json!({
            "one": {"start": "a", "nodes": [
                node("a", json!({"set": {"variable": "x", "value": {"fixed": "from one"}, "next": "b"}})),
                node("b", json!({"flow": {"name": "two"}})),
            ]},
            "two": {"start": "a", "language": "ru", "nodes": [node("a", inner)]},
        }),
    );
    assert_eq!(
        trace(&walk, &[]),
        [
            "[a] a",
            "[one/a] a",
            "[one/b] b",
            "[two/a] a",
            "  answer",
            "  play \"in\" in ru",
            "[b] b",
            "  play \"from one\"",
            "  hang up: Normal"
        ]
    );
}

#[test]
fn a_failed_call_in_another_flow_comes_back_and_a_hang_up_does_not() {
    let walk = nested(
        json!([node("a", json!({"flow": {"name": "one", "next": "b"}})), end("b")]),
        json!({"one": {"start": "a", "nodes": [
            node("a", json!({"dial_user": {"user": "302", "next": "c"}})),
            node("c", json!({"hang_up": {"cause": "declined"}})),
        ]}}),
    );
    assert_eq!(
        trace(&walk, &[Fail(Failure::Busy)])[2..],
        ["  dial user 302 for 30 s", "  busy", "[b] b", "  hang up: Normal"]
    );
    assert_eq!(
        trace(&walk, &[Talk(TalkEnd::Callee)])[4..],
        ["[one/c] c", "  hang up: Declined"]
    );
}

#[test]
fn back_leads_out_of_another_flow_to_the_menu_that_led_there() {
    let menu = |choices: Value| json!({"menu": {"prompts": [{"say": "choose"}], "choices": choices}});
    let walk = nested(
        json!([
            node("a", menu(json!({"1": "sub", "2": "bye"}))),
            node("sub", json!({"flow": {"name": "one"}})),
            end("bye"),
        ]),
        json!({"one": {"start": "a", "nodes": [
            node("a", menu(json!({"*": "back", "0": "again"}))),
            node("back", json!({"go_back": {}})),
            node("again", json!({"repeat": {}})),
        ]}}),
    );
    let log = trace(&walk, &[Press("1"), Press("0"), Press("*"), Press("2")]);
    let steps: Vec<&str> = log
        .iter()
        .filter_map(|line| line.strip_prefix('[')?.split(']').next())
        .collect();
    assert_eq!(
        steps,
        ["a", "sub", "one/a", "one/again", "one/a", "one/back", "a", "bye"]
    );
}

#[test]
fn flows_that_run_each_other_have_an_end() {
    let walk = nested(
        json!([node("a", json!({"flow": {"name": "one"}}))]),
        json!({"one": {"start": "a", "nodes": [node("a", json!({"flow": {"name": "one"}}))]}}),
    );
    assert_eq!(run(&walk, &[]).1, Err(Broken::TooDeep("one/a".into())));
}
