//! Drawn flows by HTTP, with a client and a phone that we did not write: saved, checked, tried out, published, dialled,
//! published again and rolled back. One server for all of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tandem_kit::baresip::{Baresip, Transport};
use tandem_kit::ctrl::EventKind;
use tandem_kit::tandem::Tandem;
use tandem_kit::{tone, wait};
use tandem_tests::calls;
use tandem_tests::modules::add_domain;
use tandem_tests::phones::{SOON, registered};
use tandem_tests::web::{self, Answer};

const OTHER: &str = "other.local";
/// The number that runs the flow.
const NUMBER: &str = "150";
const LEAST_DBFS: f64 = -40.0;

/// A program with a domain's token.
struct Client<'a> {
    tandem: &'a Tandem,
    bearer: String,
}

impl<'a> Client<'a> {
    fn of(tandem: &'a Tandem, domain: &str, scopes: &str) -> Self {
        let name = scopes.replace([':', ','], "-");
        let command = ["token", "add", &name, "--scopes", scopes, "--domain", domain];
        let token = tandem.json(&command).unwrap();
        let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
        Self { tandem, bearer }
    }

    fn ask(&self, method: &str, path: &str, body: &Value, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![("Authorization", self.bearer.as_str())];
        headers.extend(more);
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let path = format!("/api/v1{path}");
        web::request(self.tandem.web(), method, &path, &headers, &body).unwrap()
    }

    fn get(&self, path: &str) -> Value {
        told(&self.ask("GET", path, &Value::Null, &[]), 200)
    }

    /// Saves a flow as it is known by this tag; gives the new one.
    fn save(&self, name: &str, document: &Value, condition: (&str, &str)) -> Answer {
        self.ask("PUT", &format!("/flows/{name}"), document, &[condition])
    }

    fn publish(&self, name: &str, body: &Value) -> Answer {
        self.ask("POST", &format!("/flows/{name}/publish"), body, &[])
    }
}

fn told(answer: &Answer, status: u16) -> Value {
    assert_eq!(answer.status, status, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap_or_default()
}

fn tag(answer: &Answer) -> String {
    answer.header("etag")[0].to_owned()
}

/// A flow that plays a tone, asks for a digit and calls 302 for a 1.
fn flow(hz: u32) -> Value {
    json!({ "version": 1, "name": "Front desk", "start": "main", "nodes": [
        { "id": "main", "name": "Main menu", "do": { "menu": {
            "prompts": [{ "tone": { "hz": hz, "duration_ms": 1500 } }, { "say": "Press 1." }],
            "choices": { "1": "anna" }, "timeout_ms": 1000, "retries": 0, "default": "bye" } } },
        { "id": "anna", "name": "Call Anna", "do": { "dial_user": { "user": "302", "on": { "busy": "bye" } } } },
        { "id": "bye", "name": "Goodbye", "do": { "hang_up": {} } } ] })
}

fn document(hz: u32) -> Value {
    json!({ "flow": flow(hz), "drawing": { "version": 1, "nodes": { "main": { "x": hz, "y": 0 } } } })
}

/// Dials the flow's number and hears this tone; then the flow ends the call.
fn hears(phone: &Baresip, hz: f64) {
    let second = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let now = second();
    wait::until(SOON, "the next second", || (second() > now).then_some(())).unwrap();
    let closed = || {
        let events = phone.events().into_iter();
        events.filter(|event| event.kind == EventKind::Closed).count()
    };
    let (before, ended) = (phone.recordings(), closed());
    phone.dial(NUMBER).unwrap();
    wait::until(SOON, &format!("a tone of {hz} Hz"), || {
        let heard = (phone.recordings() > before).then(|| phone.received().ok())??;
        let spans = tone::tone_spans(&heard, hz, LEAST_DBFS);
        (tone::whole(&spans) >= Duration::from_millis(1_000)).then_some(())
    })
    .unwrap();
    wait::until(Duration::from_secs(20), "the flow's end", || {
        (closed() > ended).then_some(())
    })
    .unwrap();
}

#[test]
fn a_flow_is_drawn_tried_out_published_dialled_and_rolled_back() {
    let tandem = Tandem::builder().start().unwrap();
    let domain = tandem.demo().domain.clone();
    add_domain(&tandem, OTHER, &[]).unwrap();
    let ours = Client::of(&tandem, &domain, "scenarios:read,scenarios:write");
    let theirs = Client::of(&tandem, OTHER, "scenarios:read,scenarios:write");
    let reader = Client::of(&tandem, &domain, "scenarios:read");
    let phone = registered(&tandem, "301", Transport::Udp).unwrap();
    let added = tandem.cli(&[
        "number",
        "add",
        NUMBER,
        "--scenario",
        "entry",
        "--domain",
        &domain,
    ]);
    assert_eq!(added.unwrap().code, Some(0));

    let tag = drafts_are_saved(&ours, &reader);
    drafts_are_checked(&ours);
    drafts_are_tried_out(&ours, &reader);
    let (first, second) = versions_are_dialled(&ours, &phone, &tag);

    // A call that ran on the first version is shown on the picture of that version.
    let call = wait::until(SOON, "the call's record", || {
        let calls = calls::list_in(&tandem, &domain).ok()?;
        calls.into_iter().find(|call| call["to_number"] == NUMBER)
    });
    assert_eq!(call.unwrap()["scenario"], "desk");
    for (version, hz) in [(&first, 1_000), (&second, 1_400)] {
        let shown = ours.get(&format!("/scenarios/desk/versions/{version}/flow"));
        assert_eq!(shown, document(hz));
    }

    names_are_not_shared(&ours);
    another_domain_sees_nothing(&ours, &theirs, &first);
    flows_are_removed(&tandem, &ours);
}

fn errors(problems: &Value) -> usize {
    let problems = problems.as_array().unwrap().iter();
    problems.filter(|problem| problem["severity"] == "error").count()
}

fn has(problems: &Value, code: &str) -> bool {
    let mut problems = problems.as_array().unwrap().iter();
    problems.any(|problem| problem["code"] == code)
}

fn drafts_are_saved(ours: &Client<'_>, reader: &Client<'_>) -> String {
    let new = ("If-None-Match", "*");
    let draft =
        json!({ "flow": { "version": 1, "name": "Front desk", "start": "", "nodes": [] }, "drawing": {} });
    assert_eq!(reader.save("desk", &draft, new).status, 403);
    for (wrong, status) in [
        (json!([]), 422),
        (json!({ "flow": 1 }), 422),
        (json!({ "flow": {}, "more": 1 }), 422),
        (json!({ "flow": { "name": "x".repeat(1_200_000) } }), 413),
    ] {
        assert_eq!(ours.save("desk", &wrong, new).status, status);
    }
    assert_eq!(ours.save("a%20b", &draft, new).status, 422);

    // What is not right yet is saved all the same, and says how much is wrong.
    let made = ours.save("desk", &draft, new);
    assert!(
        told(&made, 201)["problems"].as_u64().unwrap() > 0,
        "{}",
        made.body
    );
    assert_eq!(ours.save("desk", &draft, new).status, 412);
    assert_eq!(ours.ask("PUT", "/flows/desk", &draft, &[]).status, 428);
    let read = ours.ask("GET", "/flows/desk", &Value::Null, &[]);
    assert_eq!((told(&read, 200), tag(&read)), (draft, tag(&made)));
    let refused = ours.publish("desk", &json!({ "note": "" }));
    assert!(errors(&told(&refused, 422)["problems"]) > 0, "{}", refused.body);

    // Two people: the second one is told.
    let saved = ours.save("desk", &document(1_000), ("If-Match", &tag(&made)));
    let shown = told(&saved, 200);
    assert_eq!(
        (&shown["title"], &shown["problems"], &shown["numbers"]),
        (&json!("Front desk"), &json!(0), &json!([]))
    );
    let late = ours.save("desk", &document(1), ("If-Match", &tag(&made)));
    assert_eq!(late.status, 412, "{}", late.body);
    assert_eq!(ours.get("/flows")["items"], json!([shown]));
    tag(&saved)
}

fn drafts_are_checked(ours: &Client<'_>) {
    let check = |body: &Value| told(&ours.ask("POST", "/flows/check", body, &[]), 200)["problems"].clone();
    // Warnings do not hinder.
    assert_eq!(errors(&check(&document(1_000))), 0);
    let mut wrong = flow(1_000);
    wrong["nodes"][1]["do"]["dial_user"]["on"]["busy"] = json!("nowhere");
    let problems = check(&wrong);
    let problem = problems
        .as_array()
        .unwrap()
        .iter()
        .find(|problem| problem["code"] == "unknown_node")
        .unwrap();
    assert_eq!(
        (&problem["node"], &problem["path"], &problem["severity"]),
        (&json!("anna"), &json!("dial_user.on.busy"), &json!("error")),
        "{problems}"
    );
    let broken = ours.ask("POST", "/flows/check", &json!("text"), &[]);
    assert_eq!(told(&broken, 200)["problems"][0]["code"], "malformed");
}

fn drafts_are_tried_out(ours: &Client<'_>, reader: &Client<'_>) {
    let test = |body: &Value| ours.ask("POST", "/flows/test", body, &[]);
    let call = |dials: Value| {
        json!({ "flow": flow(1_000), "caller": "301", "dialled": NUMBER, "at": "2026-12-24T09:00:00Z",
                "digits": [{ "after_ms": 1_000, "digit": "1" }], "dials": dials })
    };
    assert_eq!(
        reader.ask("POST", "/flows/test", &call(json!({})), &[]).status,
        403
    );
    let busy = told(&test(&call(json!({ "302": "busy" }))), 200);
    let went: Vec<&Value> = busy["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["went"])
        .collect();
    assert_eq!(went, ["choices.1", "on.busy", ""], "{busy}");
    let menu = &busy["steps"][0];
    assert_eq!(
        (&menu["node"], &menu["name"], &menu["digits"], &menu["heard"]),
        (
            &json!("main"),
            &json!("Main menu"),
            &json!("1"),
            &json!(["tone of 1000 Hz"])
        )
    );
    assert_eq!(menu["to_ms"], busy["steps"][1]["from_ms"]);
    assert_eq!(busy["end"]["cause"], "normal", "{busy}");
    // Whom nothing is said of lets it ring; who answers talks.
    let rings = told(&test(&call(json!({}))), 200);
    assert_eq!(rings["end"]["cause"], "normal", "the menu had answered: {rings}");
    let answered = told(&test(&call(json!({ "302": "answered" }))), 200);
    let dial = &answered["steps"][1];
    let talk = dial["to_ms"].as_u64().unwrap() - dial["from_ms"].as_u64().unwrap();
    assert!((11_000..15_000).contains(&talk), "{answered}");

    let mut wrong = call(json!({}));
    wrong["digits"][0]["digit"] = json!("x");
    let refused = told(&test(&wrong), 422);
    assert_eq!(refused["errors"][0]["pointer"], "/digits/0/digit", "{refused}");
    let mut wrong = call(json!({}));
    wrong["flow"]["start"] = json!("nowhere");
    let refused = told(&test(&wrong), 422)["problems"].clone();
    assert!(has(&refused, "unknown_node"), "{refused}");

    // One flow runs another one of the domain, as it was saved last.
    let mut outer = call(json!({ "302": "busy" }));
    outer["flow"] = json!({ "version": 1, "name": "Outer", "start": "first", "nodes": [
        { "id": "first", "name": "The desk", "do": { "flow": { "name": "desk", "next": "bye" } } },
        { "id": "bye", "name": "Goodbye", "do": { "hang_up": {} } } ] });
    let inner = told(&test(&outer), 200);
    let nodes: Vec<&Value> = inner["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["node"])
        .collect();
    assert_eq!(nodes, ["first", "desk/main", "desk/anna", "desk/bye"], "{inner}");
    assert_eq!(inner["steps"][1]["went"], "choices.1", "{inner}");
    outer["flow"]["nodes"][0]["do"]["flow"]["name"] = json!("nowhere");
    let refused = told(&test(&outer), 422)["problems"].clone();
    assert!(has(&refused, "unknown_flow"), "{refused}");
}

fn versions_are_dialled(ours: &Client<'_>, phone: &Baresip, tag_now: &str) -> (String, String) {
    let version = |answer: &Answer| told(answer, 201)["version"].as_str().unwrap().to_owned();
    let unknown = ours.publish("desk", &json!({ "numbers": [NUMBER, "999999"] }));
    assert_eq!(
        told(&unknown, 422)["errors"][0]["pointer"],
        "/numbers/1",
        "{}",
        unknown.body
    );
    let first = version(&ours.publish("desk", &json!({ "note": "first", "numbers": [NUMBER] })));
    hears(phone, 1_000.0);

    let saved = ours.save("desk", &document(1_400), ("If-Match", tag_now));
    assert_eq!(saved.status, 200, "{}", saved.body);
    let second = version(&ours.publish("desk", &json!({ "note": "second", "numbers": [NUMBER] })));
    assert_ne!(first, second);
    hears(phone, 1_400.0);
    assert_eq!(ours.get("/flows")["items"][0]["numbers"], json!([NUMBER]));
    let versions = ours.get("/scenarios/desk/versions")["versions"].clone();
    assert_eq!(
        (
            &versions[0]["note"],
            &versions[0]["numbers"],
            &versions[0]["from_flow"]
        ),
        (&json!("second"), &json!([NUMBER]), &json!(true)),
        "{versions}"
    );

    // A step back takes the flow along.
    let domain = ours.tandem.demo().domain.clone();
    let back = ours
        .tandem
        .cli(&["number", "rollback", NUMBER, "--domain", &domain]);
    assert_eq!(back.unwrap().code, Some(0));
    // A running server sees what another process did within about a second.
    std::thread::sleep(Duration::from_secs(1));
    hears(phone, 1_000.0);
    (first, second)
}

fn names_are_not_shared(ours: &Client<'_>) {
    let taken = ours.save("entry", &document(1_000), ("If-None-Match", "*"));
    assert_eq!(taken.status, 409, "{}", taken.body);
}

fn another_domain_sees_nothing(ours: &Client<'_>, theirs: &Client<'_>, version: &str) {
    assert_eq!(theirs.get("/flows")["items"], json!([]));
    let before = ours.get("/flows");
    let any = ("If-Match", "*");
    for (method, path) in [
        ("GET", "/flows/desk".to_owned()),
        ("DELETE", "/flows/desk".to_owned()),
        ("GET", format!("/scenarios/desk/versions/{version}/flow")),
        ("GET", format!("/domains/{}/flows", ours.tandem.demo().domain)),
    ] {
        let answer = theirs.ask(method, &path, &Value::Null, &[any]);
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.body);
    }
    assert_eq!(theirs.publish("desk", &json!({})).status, 404);
    assert_eq!(
        theirs.save("desk", &document(1), any).status,
        412,
        "they have none"
    );
    assert_eq!(ours.get("/flows"), before);
}

fn flows_are_removed(tandem: &Tandem, ours: &Client<'_>) {
    let any = ("If-Match", "*");
    let used = ours.ask("DELETE", "/flows/desk", &Value::Null, &[any]);
    assert_eq!(used.status, 409, "{}", used.body);
    assert!(used.body.contains(NUMBER), "{}", used.body);
    let domain = tandem.demo().domain.clone();
    let removed = tandem.cli(&["number", "remove", NUMBER, "--domain", &domain]);
    assert_eq!(removed.unwrap().code, Some(0));
    assert_eq!(ours.ask("DELETE", "/flows/desk", &Value::Null, &[]).status, 428);
    assert_eq!(
        ours.ask("DELETE", "/flows/desk", &Value::Null, &[any]).status,
        204
    );
    assert_eq!(ours.ask("GET", "/flows/desk", &Value::Null, &[]).status, 404);
    // What was published stays, for the calls that ran on it.
    assert_eq!(
        ours.get("/scenarios/desk/versions")["versions"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
