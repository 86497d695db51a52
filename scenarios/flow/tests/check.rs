//! What is wrong with a flow is named: all of it at once, with node and path.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    missing_docs
)]

use std::collections::BTreeSet;

use flow::{Flow, Known, Problem, check};
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
            "node \"b\", dial_number.number.variable: no node sets the variable \"n\"",
            "node \"b\", dial_number.timeout_s: 601 is not 1 to 600",
            "node \"b\", id: another node has this id",
            "node \"b\", say.prompts: 0 prompts, not 1 to 64",
            "node \"lost\", hang_up.cause.status: 200 is not 400 to 699",
        ]
    );
}

/// Code, severity and path of each, as `code error node path`.
fn codes(document: &Value, known: &Known<'_>) -> Vec<String> {
    check(&document.to_string(), known)
        .iter()
        .map(|problem| {
            let Problem { flow, node, path, .. } = problem;
            let flow = flow.as_ref().map(|flow| format!("{flow}/")).unwrap_or_default();
            let node = node.clone().unwrap_or_default();
            let line = format!(
                "{} {} {flow}{node} {path}",
                problem.severity.name(),
                problem.code()
            );
            line.trim_end().to_owned()
        })
        .collect()
}

fn document(nodes: Value) -> Value {
    json!({"version": 1, "name": "test", "start": "a", "nodes": nodes})
}

fn node(id: &str, action: Value) -> Value {
    json!({"id": id, "name": id, "do": action})
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_way_that_must_lead_somewhere_and_does_not_is_named_with_its_place() {
    let fork = json!({"if": {"when": {"open": "office"}, "then": "", "else": "a"}});
    let menu = json!({"menu": {"prompts": [], "choices": {"1": "", "#": "b"}}});
    let document = document(json!([
        node("a", menu),
        node("b", fork),
        node("c", json!({"goto": {"node": ""}}))
    ]));
    let problems = Flow::parse(&document.to_string()).unwrap_err();
    let said: Vec<_> = problems
        .iter()
        .map(|problem| (problem.code(), problem.path.as_str(), problem.pointer.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("leads_nowhere", "menu.choices.1", "/nodes/0/do/menu/choices/1"),
            ("leads_nowhere", "if.then", "/nodes/1/do/if/then"),
            ("leads_nowhere", "goto.node", "/nodes/2/do/goto/node"),
        ]
    );
    // The place is in the document: what the pointer finds there is the empty text.
    for problem in problems {
        assert_eq!(document.pointer(&problem.pointer), Some(&json!("")));
    }
    let no_start = json!({"version": 1, "name": "x", "start": "", "nodes": []});
    assert_eq!(
        codes(&no_start, &Known::default()),
        ["error count  nodes", "error no_start  start"]
    );
}

#[test]
fn what_looks_wrong_is_a_warning_and_does_not_hinder() {
    let document = document(json!([
        node(
            "a",
            json!({"menu": {"prompts": [], "choices": {"1": "b"}, "default": "d"}})
        ),
        node("b", json!({"say": {"prompts": [{"say": " "}], "next": "c"}})),
        node("c", json!({"goto": {"node": "b"}})),
        node("d", json!({"dial_user": {"user": "302"}})),
        node("e", json!({"group": {"users": ["302", "302"], "default": "f"}})),
        node(
            "f",
            json!({"if": {"when": {"open": "x"}, "then": "f", "else": "d"}})
        ),
        node(
            "g",
            json!({"http": {"method": "POST", "url": "https://a.example/", "body": "{", "into": {"a b": "/x"}}})
        ),
    ]));
    assert!(Flow::parse(&document.to_string()).is_ok());
    assert_eq!(
        codes(&document, &Known::default()),
        [
            "warning silent_menu a menu.prompts",
            "warning loop b",
            "warning empty_prompt b say.prompts.0.say",
            "warning loop c",
            "warning call_ends d dial_user.default",
            "warning unreachable e",
            "warning duplicate_user e group.users.1",
            "warning unreachable f",
            "warning maybe_loop f",
            "warning unreachable g",
            "warning bad_json g http.body",
            "warning bad_name g http.into.a b",
            "warning call_ends g http.default",
        ]
    );
}

#[test]
fn what_the_domain_lacks_is_named() {
    let document = document(json!([
        node(
            "a",
            json!({"say": {"prompts": [{"file": "hi"}, {"file": "ho.wav"}, {"file": "no"}], "next": "b"}})
        ),
        node("b", json!({"group": {"users": ["301", "309"], "default": "c"}})),
        node("c", json!({"dial_user": {"user": "308", "default": "d"}})),
        node(
            "d",
            json!({"dial_number": {"number": {"fixed": "301"}, "default": "e"}})
        ),
        node(
            "e",
            json!({"dial_number": {"number": {"fixed": "900"}, "default": "f"}})
        ),
        node(
            "f",
            json!({"if": {"when": {"any": [{"open": "office"}, {"open": "lab"}]}, "then": "g", "else": "h"}})
        ),
        node("g", json!({"flow": {"name": "sales"}})),
        node("h", json!({"flow": {"name": "none"}})),
    ]));
    let (prompts, users) = (names(&["hi.wav", "ho"]), names(&["301", "302"]));
    let (schedules, flows) = (names(&["office"]), names(&["sales", "test"]));
    let known = Known {
        name: Some("test"),
        prompts: Some(&prompts),
        users: Some(&users),
        numbers: Some(&|number: &str| number == "100"),
        schedules: Some(&schedules),
        flows: Some(&flows),
    };
    assert_eq!(
        codes(&document, &known),
        [
            "warning unknown_prompt a say.prompts.2.file",
            "warning unknown_user b group.users.1",
            "warning unknown_user c dial_user.user",
            "warning unknown_number e dial_number.number.fixed",
            "warning unknown_schedule f if.when.any.1.open",
            "error unknown_flow h flow.name",
        ]
    );
    // A call has only the flows of its document.
    assert_eq!(
        said(&document.to_string()),
        [
            "node \"g\", flow.name: there is no flow \"sales\"",
            "node \"h\", flow.name: there is no flow \"none\""
        ]
    );
}

#[test]
fn a_variable_that_nothing_sets_is_named_wherever_it_is_read() {
    let variable = |name: &str| json!({"variable": name});
    let when = json!({"all": [{"equals": [variable("x"), {"fixed": ""}]}, {"not": {"matches": [variable("y"), "*"]}}]});
    let http = json!({"method": "GET", "url": "https://a.example/{u}", "headers": {"X-A": "{h}", "B": "Bearer {secret.b}"},
        "body": "{b}", "into": {"from_http": "/a"}});
    let nodes = json!([
        node(
            "a",
            json!({"menu": {"greeting": [{"say": "{g} {caller}"}], "prompts": [{"speech": {"text": "{s}", "language": "ru"}}],
            "choices": {"1": "b"}}})
        ),
        node("b", json!({"if": {"when": when, "then": "c", "else": "c"}})),
        node(
            "c",
            json!({"set": {"variable": "from_set", "value": {"text": "{t}{from_http}{weekday}"}, "next": "d"}})
        ),
        node("d", json!({"http": http})),
        node(
            "e",
            json!({"voicemail": {"box": variable("v"), "greeting": [{"say": "{from_set}"}]}})
        ),
        node("f", json!({"transfer": {"number": variable("from_sub")}})),
        node("g", json!({"scenario": {"number": variable("n")}})),
    ]);
    let mut document = document(nodes);
    let set = json!({"set": {"variable": "from_sub", "value": {"fixed": ""}}});
    document["flows"] = json!({"sub": {"start": "s", "nodes": [node("s", set)]}});
    let said: Vec<String> = Flow::parse(&document.to_string())
        .unwrap_err()
        .iter()
        .map(|problem| format!("{} {}", problem.path, problem.detail()))
        .collect();
    assert_eq!(
        said,
        [
            "menu.greeting.0.say no node sets the variable \"g\"",
            "menu.prompts.0.speech.text no node sets the variable \"s\"",
            "if.when.all.0.equals.0.variable no node sets the variable \"x\"",
            "if.when.all.1.not.matches.0.variable no node sets the variable \"y\"",
            "set.value.text no node sets the variable \"t\"",
            "http.url no node sets the variable \"u\"",
            "http.headers.X-A no node sets the variable \"h\"",
            "http.body no node sets the variable \"b\"",
            "voicemail.box.variable no node sets the variable \"v\"",
            "scenario.number.variable no node sets the variable \"n\"",
        ]
    );
}

#[test]
fn flows_beside_are_checked_as_well() {
    let mut document = document(json!([node("a", json!({"flow": {"name": "b/~"}}))]));
    document["flows"] = json!({
        "b/~": {"start": "x", "nodes": [node("y", json!({"flow": {"name": "c"}})), node("z", json!({"goto": {"node": "a"}}))]},
        "c": {"start": "y", "nodes": [node("y", json!({"flow": {"name": "b/~"}})), {"id": "q"}]},
    });
    let problems = check(&document.to_string(), &Known::default());
    let said: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(
        said[0].starts_with("flow \"c\", node \"q\", nodes.1: missing field `name`"),
        "{said:#?}"
    );
    assert_eq!(problems[0].pointer, "/flows/c/nodes/1");
    assert_eq!(said.len(), 3, "{said:#?}");
    document["flows"]["c"]["nodes"].as_array_mut().unwrap().pop();
    assert_eq!(
        codes(&document, &Known::default()),
        [
            "error unknown_node b/~/ start",
            "warning unreachable b/~/y",
            "warning calls_itself b/~/y flow.name",
            "warning unreachable b/~/z",
            "error unknown_node b/~/z goto.node",
            "warning calls_itself c/y flow.name",
        ]
    );
    let pointer = &check(&document.to_string(), &Known::default())[4].pointer;
    assert_eq!(pointer, "/flows/b~1~0/nodes/1/do/goto/node");
    assert_eq!(document.pointer(pointer), Some(&json!("a")));
}

#[test]
fn requests_and_conditions_keep_to_their_ranges() {
    for url in [
        "ftp://a.example/",
        "https://{caller}.example/",
        "https:///x",
        "https://u:p@a.example/",
        "https://a.example/ x",
        "/x",
    ] {
        let said = one(json!({"http": {"method": "GET", "url": url}}));
        assert!(said[0].contains("is no URL of http or https"), "{url}: {said:?}");
    }
    let http = json!({"method": "GET", "url": "http://[::1]:8080/{caller}?n={dialled}", "timeout_s": 61,
        "headers": {"A B": "x", "C": "й", "D": "{secret.a} x"}, "into": {"": "a"}});
    assert_eq!(
        one(json!({"http": http})),
        [
            "node \"a\", http.headers.A B: \"A B\" is no name of a header",
            "node \"a\", http.headers.C: a value is printable ASCII, at most 4096 bytes",
            "node \"a\", http.headers.D: a secret is the end of a value",
            "node \"a\", http.timeout_s: 61 is not 1 to 60",
            "node \"a\", http.into.: 0 bytes, not 1 to 64",
            "node \"a\", http.into.: \"a\" is no JSON pointer: it begins with /",
        ]
    );
    let mut deep = json!({"open": "x"});
    for _ in 0..17 {
        deep = json!({"not": deep});
    }
    let fork = |when: Value| json!({"if": {"when": when, "then": "a", "else": "a"}});
    let said = one(fork(deep));
    assert!(said[0].ends_with("it is nested deeper than 16"), "{said:?}");
    assert_eq!(
        one(fork(
            json!({"all": [{"any": []}, {"open": ""}, {"matches": [{"fixed": ""}, ""]}]})
        )),
        [
            "node \"a\", if.when.all.0.any: there is no condition in it",
            "node \"a\", if.when.all.1.open: 0 bytes, not 1 to 256",
            "node \"a\", if.when.all.2.matches.1: 0 bytes, not 1 to 1024",
        ]
    );
    let many: Vec<Value> = (0..64).map(|_| json!({"open": "x"})).collect();
    assert_eq!(
        one(fork(json!({"all": many}))),
        ["node \"a\", if.when: 65 conditions, not 1 to 64"]
    );
    assert_eq!(
        one(json!({"group": {"users": [], "timeout_s": 0}})),
        [
            "node \"a\", group.users: 0 users, not 1 to 16",
            "node \"a\", group.timeout_s: 0 is not 1 to 600"
        ]
    );
}

#[test]
fn problems_have_an_end_and_errors_go_first() {
    let nodes: Vec<Value> = (0..300)
        .map(|index| {
            let action = if index < 250 {
                json!({"goto": {"node": format!("{index}")}})
            } else {
                json!({"goto": {"node": ""}})
            };
            node(&index.to_string(), action)
        })
        .collect();
    let document = json!({"version": 1, "name": "x", "start": "0", "nodes": nodes});
    let problems = check(&document.to_string(), &Known::default());
    assert_eq!(problems.len(), flow::check::PROBLEMS);
    let errors = problems
        .iter()
        .filter(|problem| problem.code() == "leads_nowhere");
    assert_eq!(errors.count(), 50);
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
            "flow: unknown field `node`, expected one of `version`, `name`, `language`, `start`, `nodes`, `flows` at line 1 column 48"
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
