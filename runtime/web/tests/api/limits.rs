//! What a domain may use, and used.

use serde_json::json;
use tandem_store::{Amount, Limit, usage};

use crate::server::{CALLS, READ, Server};

#[tokio::test]
async fn limits_and_usage_are_read_by_their_own_domain() {
    let server = Server::start().await;
    let (store, ours) = (&server.store, &server.ours);
    store
        .set_limits(ours, &[(Limit::KvKeys, Some(500))])
        .await
        .unwrap();
    store.kv_set(ours, "visits", b"7", 1 << 20).await.unwrap();
    let amounts = [("calls".to_owned(), Amount::More(3))].into();
    let day = usage::day("2026-11-27").unwrap();
    store.add_usage(ours, day, &amounts).await.unwrap();
    let (reader, calls) = (
        server.token("ours.org", READ).await,
        server.token("ours.org", CALLS).await,
    );
    let (their_reader, their_calls) = (
        server.token("theirs.org", READ).await,
        server.token("theirs.org", CALLS).await,
    );
    let get = async |path: &str, token: &str| server.ask("GET", path, Some(token), b"").await;

    let limits = get("/limits", &reader).await;
    assert_eq!(
        limits.body["limits"],
        json!({ "kv-keys": 500 }),
        "{}",
        limits.body
    );
    assert_eq!(limits.body["key_value"], json!({ "bytes": 7, "keys": 1 }));
    let theirs = get("/limits", &their_reader).await;
    assert_eq!(
        (&theirs.body["limits"], &theirs.body["key_value"]["keys"]),
        (&json!({}), &json!(0))
    );
    assert_eq!(get("/limits", &calls).await.status, 403);

    server
        .store
        .put_module(ours, "menu", "call-scenario", b"m")
        .await
        .unwrap();
    let leg = ["leg".to_owned()];
    server
        .store
        .set_module_interfaces(ours, "menu", Some(&leg))
        .await
        .unwrap();
    let grants = get("/grants", &reader).await;
    assert_eq!(
        grants.body,
        json!({ "interfaces": null, "http_hosts": [], "scenarios": { "menu": { "interfaces": ["leg"], "http_hosts": null } } })
    );
    assert_eq!(get("/grants", &their_reader).await.body["scenarios"], json!({}));
    assert_eq!(get("/grants", &calls).await.status, 403);

    let usage = get("/usage", &calls).await;
    assert_eq!(
        usage.body["days"],
        json!([{ "day": "2026-11-27", "amounts": { "calls": 3 } }])
    );
    assert_eq!(
        get("/usage?since=2026-11-28", &calls).await.body["days"],
        json!([])
    );
    assert_eq!(get("/usage", &their_calls).await.body["days"], json!([]));
    assert_eq!(get("/usage", &reader).await.status, 403);
    let bad = get("/usage?since=yesterday", &calls).await;
    assert!(
        bad.status == 422 && bad.detail().contains("yesterday"),
        "{}",
        bad.body
    );
}
