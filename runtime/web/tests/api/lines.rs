//! Numbers with a fall-back, and the rules of a line.

use serde_json::{Value, json};
use tandem_store::NewEntryPoint;

use crate::server::{CALLS, Server, WRITE};

#[tokio::test]
async fn a_fallback_is_set_and_taken_away_over_http() {
    let server = Server::start().await;
    let world = "tandem:pbx/call-scenario@0.2.0";
    for name in ["menu", "plain"] {
        let bytes = name.as_bytes();
        server
            .store
            .put_module(&server.ours, name, world, bytes)
            .await
            .unwrap();
    }
    let entry = NewEntryPoint::new("100", "menu");
    server.store.add_entry_point(&server.ours, &entry).await.unwrap();
    let token = server.token("ours.org", WRITE).await;
    let theirs = server.token("theirs.org", WRITE).await;
    let put = async |token: &str, body: Value| {
        let body = body.to_string();
        let path = "/numbers/100/activation";
        server.ask("PUT", path, Some(token), body.as_bytes()).await
    };
    let set = put(
        &token,
        json!({ "fallback": "plain", "fallback_settings": { "a": 1 } }),
    )
    .await;
    assert_eq!(
        (set.status, &set.body["fallback"]["scenario"]),
        (200, &json!("plain")),
        "{}",
        set.body
    );
    let cause = put(&token, json!({ "fallback": "busy" })).await;
    assert_eq!(
        (&cause.body["fallback"], &cause.body["fallback_cause"]),
        (&Value::Null, &json!("busy"))
    );
    for (body, status, words) in [
        (json!({}), 400, "`version` or `fallback` is missing"),
        (json!({ "fallback_settings": {} }), 400, "needs `fallback`"),
        (
            json!({ "fallback": "busy", "fallback_settings": {} }),
            400,
            "is a cause",
        ),
        (json!({ "fallback": "nobody" }), 404, "nobody"),
    ] {
        let refused = put(&token, body).await;
        assert_eq!(refused.status, status, "{}", refused.body);
        assert!(refused.detail().contains(words), "{}", refused.body);
    }
    assert_eq!(put(&theirs, json!({ "fallback": "busy" })).await.status, 404);
}

/// A line's rules: at the morning of a Monday, at its evening, and of a caller who hides.
#[tokio::test]
async fn the_rules_of_a_line_are_checked_and_tried_out() {
    let server = Server::start().await;
    let (store, ours) = (&server.store, &server.ours);
    let world = "tandem:pbx/call-scenario@0.2.0";
    for name in ["line", "entry", "menu"] {
        store
            .put_module(ours, name, world, name.as_bytes())
            .await
            .unwrap();
    }
    store
        .add_entry_point(ours, &NewEntryPoint::new("*", "entry"))
        .await
        .unwrap();
    let week = r#"{"week": {"mon-fri": ["09:00-17:00"]}}"#;
    store.set_schedule(ours, "office", week).await.unwrap();
    let token = server.token("ours.org", WRITE).await;
    let theirs = server.token("theirs.org", WRITE).await;
    let calls = server.token("ours.org", CALLS).await;
    let ask = async |method: &str, path: &str, token: &str, headers: &str, body: &Value| {
        let body = body.to_string();
        server
            .ask_with(method, path, Some(token), headers, body.as_bytes())
            .await
    };
    let rules = json!([
        { "name": "Hidden", "withheld": true, "to": { "hang_up": "declined" } },
        { "name": "Day", "called": ["+4930901XXX"], "schedule": "office", "to": { "user": { "user": "301" } } },
        { "name": "Rest", "to": { "voicemail": { "box": "301" } } },
    ]);
    let made = json!({ "number": "+4930901XXX", "title": "Berlin", "scenario": "line", "settings": { "rules": rules } });
    assert_eq!(ask("POST", "/numbers", &token, "", &made).await.status, 201);

    // What is wrong is refused at its place; a scenario of another name is told what it likes.
    let wrong = json!({ "rules": [{ "to": { "user": { "user": "301", "ring_s": 0 } } }] });
    let path = "/numbers/%2B4930901XXX";
    for (body, place) in [
        (json!({ "settings": wrong }), "/settings/rules/0/to/user/ring_s"),
        (
            json!({ "settings": { "rules": [{ "called": ["3 X"], "to": "fall_back" }] } }),
            "/settings/rules/0/called/0",
        ),
        (
            json!({ "fallback": "line", "fallback_settings": wrong }),
            "/fallback_settings/rules/0/to/user/ring_s",
        ),
    ] {
        let refused = ask("PATCH", path, &token, "If-Match: *\r\n", &body).await;
        let told = (refused.status, &refused.body["errors"][0]["pointer"]);
        assert_eq!(told, (422, &json!(place)), "{}", refused.body);
    }
    let other = json!({ "number": "200", "scenario": "menu", "settings": { "rules": 1 } });
    assert_eq!(ask("POST", "/numbers", &token, "", &other).await.status, 201);

    let test = async |token: &str, body: Value| ask("POST", "/lines/test", token, "", &body).await;
    let monday = |time: &str, caller: &str| json!({ "number": "+4930901100", "caller": caller, "at": format!("2026-01-05T{time}") });
    let day = test(&token, monday("10:00", "+4917")).await;
    assert_eq!(day.status, 200, "{}", day.body);
    assert_eq!(
        day.body["number"],
        json!({ "number": "+4930901XXX", "title": "Berlin", "scenario": "line" })
    );
    assert_eq!(
        (&day.body["local"], &day.body["at"]),
        (&json!("2026-01-05T10:00:00"), &json!("2026-01-05T10:00:00Z"))
    );
    let decision = &day.body["decision"];
    assert_eq!(
        (&decision["rule"], &decision["to"]["user"]["user"]),
        (&json!(1), &json!("301"))
    );
    let results: Vec<_> = decision["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["result"])
        .collect();
    assert_eq!(results, ["passes", "decides", "not_reached"]);
    let facts = &decision["rules"][1]["facts"];
    assert_eq!(
        (&facts[0]["code"], &facts[0]["pattern"]),
        (&json!("called"), &json!("+4930901XXX"))
    );
    assert_eq!(
        (&facts[1]["schedule"], &facts[1]["state"]),
        (&json!("office"), &json!("open"))
    );

    let night = test(&token, monday("20:00", "+4917")).await;
    assert_eq!(night.body["decision"]["rule"], 2);
    assert_eq!(
        night.body["decision"]["rules"][1]["facts"][1]["detail"],
        "office is closed"
    );
    let hidden = test(&token, monday("10:00", "anonymous")).await;
    assert_eq!(
        (&hidden.body["decision"]["rule"], &hidden.body["withheld"]),
        (&json!(0), &json!(true))
    );

    // Rules that are not saved decide in the place of those that are.
    let mut draft = monday("10:00", "+4917");
    draft["settings"] = json!({ "rules": [], "otherwise": { "hang_up": "busy" } });
    let drafted = test(&token, draft.clone()).await;
    assert_eq!(
        (&drafted.body["decision"]["rule"], &drafted.body["decision"]["to"]),
        (&Value::Null, &json!({ "hang_up": "busy" }))
    );
    draft["settings"] = wrong;
    let refused = test(&token, draft).await;
    assert_eq!(
        refused.body["errors"][0]["pointer"],
        "/settings/rules/0/to/user/ring_s"
    );

    // Another number, another scenario; and who may not, and another domain.
    let extension = test(&token, json!({ "number": "301" })).await;
    assert_eq!(
        (&extension.body["number"]["scenario"], &extension.body["decision"]),
        (&json!("entry"), &Value::Null)
    );
    for (body, place) in [
        (json!({ "number": "" }), "/number"),
        (json!({ "number": "1", "at": "tomorrow" }), "/at"),
    ] {
        let refused = test(&token, body).await;
        assert_eq!(
            (refused.status, &refused.body["errors"][0]["pointer"]),
            (422, &json!(place))
        );
    }
    assert_eq!(test(&calls, monday("10:00", "1")).await.status, 403);
    let nothing = test(&theirs, monday("10:00", "1")).await;
    assert_eq!(
        (&nothing.body["number"], &nothing.body["decision"]),
        (&Value::Null, &Value::Null)
    );
}
