//! What is uploaded: taken in, activated, removed; and all that is refused.

use std::time::{Duration, Instant};

use serde_json::json;
use tandem_store::{Limit, NewEntryPoint, SigningKey};
use tandem_web::ApiLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Server, WRITE, guest, parse};

#[tokio::test]
async fn a_version_is_uploaded_listed_activated_and_removed() {
    let server = Server::start().await;
    let token = server.token("ours.org", WRITE).await;
    let path = "/scenarios/menu/versions?note=Says%20good%20evening%20%E2%98%BE";
    let first = server.ask("POST", path, Some(&token), &guest("idle")).await;
    assert_eq!(first.status, 201, "{}", first.body);
    assert_eq!(first.body["note"], "Says good evening ☾");
    let hash = first.body["hash"].as_str().unwrap().to_owned();
    let location = format!("/api/v1/scenarios/menu/versions/{hash}");
    assert_eq!(first.header("location"), Some(location.as_str()));
    let second = server.upload(&token, &guest("error")).await;
    assert_eq!(second.status, 201);
    let newest = second.body["hash"].as_str().unwrap().to_owned();

    let listed = server.ask("GET", "/scenarios", Some(&token), b"").await;
    assert_eq!(listed.body["scenarios"][0]["versions"], 2);
    assert_eq!(listed.body["scenarios"][0]["newest"]["hash"], newest);

    let mut number = NewEntryPoint::new("+49*", "menu");
    number.hash = Some(newest.clone());
    server.store.add_entry_point(&server.ours, &number).await.unwrap();
    let activation = json!({ "version": hash }).to_string();
    let path = "/numbers/%2B49*/activation";
    let activated = server.ask("PUT", path, Some(&token), activation.as_bytes()).await;
    assert_eq!(
        (activated.status, &activated.body["version"]),
        (200, &json!(hash))
    );
    let entry = server
        .store
        .entry_point(&server.ours, "+49*")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(entry.hash, hash);
    let numbers = server.ask("GET", "/numbers", Some(&token), b"").await;
    assert_eq!(numbers.body["items"][0]["scenario"], "menu");
    let versions = server
        .ask("GET", "/scenarios/menu/versions", Some(&token), b"")
        .await;
    assert_eq!(versions.body["versions"][1]["numbers"], json!(["+49*"]));

    // Neither the version that the number starts, nor the one that it could return to.
    for used in [&hash, &newest] {
        let path = format!("/scenarios/menu/versions/{used}");
        let in_use = server.ask("DELETE", &path, Some(&token), b"").await;
        assert_eq!(in_use.status, 409, "{}", in_use.body);
    }
    let third = server.upload(&token, &guest("branch")).await;
    let third = third.body["hash"].as_str().unwrap().to_owned();
    let path = format!("/scenarios/menu/versions/{third}");
    let removed = server.ask("DELETE", &path, Some(&token), b"").await;
    assert_eq!(removed.status, 204);
    let gone = server.ask("DELETE", &path, Some(&token), b"").await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_bad_component_gets_all_its_problems() {
    let server = Server::start().await;
    let token = server.token("ours.org", WRITE).await;
    let text = r#"(component
        (import "wasi:cli/environment@0.2.0" (instance (export "a" (func))))
        (import "tandem:pbx/dail@0.2.0" (instance (export "b" (func)))))"#;
    let refused = server.upload(&token, &wat::parse_str(text).unwrap()).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    let codes: Vec<_> = refused.body["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["wasi-import", "unknown-import", "no-handler"]);
    let zip = server.upload(&token, b"PK\x03\x04 a zip of nonsense").await;
    assert_eq!(
        (zip.status, &zip.body["problems"][0]["code"]),
        (422, &json!("not-wasm"))
    );

    server
        .store
        .set_grants(&server.ours, Some(&["dial".to_owned()]))
        .await
        .unwrap();
    let refused = server.upload(&token, &guest("idle")).await;
    assert_eq!(refused.body["problems"][0]["code"], "import-not-granted");
    for (path, status) in [
        ("/scenarios/a%20b/versions", 422),
        ("/scenarios/%FF/versions", 400),
        ("/scenarios/menu/versions?n=1", 422),
        (
            &format!("/scenarios/menu/versions?note={}", "x".repeat(1_025)),
            413,
        ),
    ] {
        let refused = server.ask("POST", path, Some(&token), &guest("idle")).await;
        assert_eq!(refused.status, status, "{path}: {}", refused.body);
        assert!(!refused.detail().is_empty());
    }
    assert!(server.store.modules(&server.ours).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_component_is_measured_by_what_its_domain_and_its_scenario_may_use() {
    let server = Server::start().await;
    let ours = server.token("ours.org", WRITE).await;
    let theirs = server.token("theirs.org", WRITE).await;
    let text = format!("{}/../../tests/guests/idle.wat", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(text).unwrap();
    let large = text.replace(r#"(export "memory") 1)"#, r#"(export "memory") 32)"#);
    let large = wat::parse_str(large).unwrap();
    let upload = async |token: &str, name: &str| {
        let path = format!("/scenarios/{name}/versions");
        let answer = server.ask("POST", &path, Some(token), &large).await;
        (answer.status, answer.body["problems"][0]["code"].clone())
    };
    let small = [(Limit::CallMemoryBytes, Some(1 << 20))];
    server.store.set_limits(&server.ours, &small).await.unwrap();
    assert_eq!(upload(&ours, "menu").await, (422, json!("memory-at-start")));
    assert_eq!(upload(&theirs, "menu").await.0, 201);
    let other = server.store.domain_scope("theirs.org").await.unwrap();
    let set = server.store.set_module_limits(&other, "menu", &small).await;
    set.unwrap();
    assert_eq!(upload(&theirs, "menu").await, (422, json!("memory-at-start")));
    assert_eq!(upload(&theirs, "desk").await.0, 201);
}

#[tokio::test]
async fn a_hundred_megabytes_are_refused_before_they_are_sent() {
    let server = Server::start().await;
    let token = server.token("ours.org", WRITE).await;
    let began = Instant::now();
    let refused = server.upload(&token, &vec![0; 100 << 20]).await;
    assert_eq!(refused.status, 413, "{}", refused.body);
    assert_eq!(refused.body["problems"][0]["code"], "too-large");
    assert!(began.elapsed() < Duration::from_secs(15));
}

/// No length is told in advance: it is the bytes that count.
#[tokio::test]
async fn an_endless_upload_is_cut_off_at_the_limit() {
    let limits = ApiLimits {
        component_bytes_max: 1 << 20,
        ..ApiLimits::default()
    };
    let server = Server::start_with(limits).await;
    let token = server.token("ours.org", WRITE).await;
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let head = format!(
        "POST /api/v1/scenarios/menu/versions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    writer.write_all(head.as_bytes()).await.unwrap();
    let flood = tokio::spawn(async move {
        let chunk = [b"10000\r\n".to_vec(), vec![0; 0x10000], b"\r\n".to_vec()].concat();
        let mut sent = 0_u64;
        while writer.write_all(&chunk).await.is_ok() {
            sent += 0x10000;
        }
        sent
    });
    let mut answer = Vec::new();
    let _ = reader.read_to_end(&mut answer).await;
    assert_eq!(parse(&answer).status, 413);
    drop(reader);
    let sent = tokio::time::timeout(Duration::from_secs(20), flood)
        .await
        .unwrap()
        .unwrap();
    assert!(sent < 64 << 20, "{sent}");
}

/// One domain's slow upload takes its own place and nobody else's.
#[tokio::test]
async fn a_slow_upload_is_ended_and_others_go_on_meanwhile() {
    let limits = ApiLimits {
        upload_idle: Duration::from_secs(5),
        ..ApiLimits::default()
    };
    let server = Server::start_with(limits).await;
    let (ours, theirs) = (
        server.token("ours.org", WRITE).await,
        server.token("theirs.org", WRITE).await,
    );
    let head = format!(
        "POST /api/v1/scenarios/menu/versions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Authorization: Bearer {ours}\r\nContent-Length: 1000\r\n\r\nab"
    );
    // Once it has its place, the domain's next one has none. If the next one came first, it is the slow one that is
    // refused: then it is tried again.
    let mut tries = 0;
    let mut slow = loop {
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(head.as_bytes()).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        if server.upload(&ours, &guest("idle")).await.status == 429 {
            break slow;
        }
        tries += 1;
        assert!(tries < 20);
    };
    assert_eq!(server.upload(&theirs, &guest("idle")).await.status, 201);
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut answer));
    let _ = read.await.expect("the slow upload is ended");
    assert_eq!(parse(&answer).status, 408);
    assert_eq!(server.upload(&ours, &guest("idle")).await.status, 201);
}

#[tokio::test]
async fn a_domain_that_wants_signatures_takes_no_module_without() {
    let server = Server::start().await;
    let token = server.token("ours.org", WRITE).await;
    let (trusted, other) = (
        SigningKey::new([4; 32]).unwrap(),
        SigningKey::new([5; 32]).unwrap(),
    );
    let component = guest("idle");
    let store = &server.store;
    store
        .add_signing_key(&server.ours, "release", &trusted.public())
        .await
        .unwrap();
    store.set_signed_only(&server.ours, true).await.unwrap();
    let path = "/scenarios/menu/versions";
    let upload = async |signature: Option<String>| {
        let header = signature.map_or_else(String::new, |s| format!("Tandem-Signature: {s}\r\n"));
        server
            .ask_with("POST", path, Some(&token), &header, &component)
            .await
    };
    assert_eq!(upload(None).await.status, 403);
    assert_eq!(upload(Some("nonsense".to_owned())).await.status, 422);
    assert_eq!(upload(Some(other.sign(&component).to_string())).await.status, 403);
    assert_eq!(upload(Some(trusted.sign(b"other").to_string())).await.status, 403);
    let taken = upload(Some(trusted.sign(&component).to_string())).await;
    assert_eq!(taken.status, 201, "{}", taken.body);
    assert_eq!(taken.body["signed_by"], trusted.public().to_string());
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    let token = server.token("ours.org", WRITE).await;
    let ask = async |method: &str, path: &str, body: &str| {
        let answer = server.ask(method, path, Some(&token), body.as_bytes()).await;
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{path}"
        );
        answer.status
    };
    assert_eq!(ask("GET", "/nothing", "").await, 404);
    assert_eq!(ask("PATCH", "/scenarios", "").await, 405);
    assert_eq!(ask("GET", "/scenarios/none/versions", "").await, 404);
    assert_eq!(
        ask("PUT", "/numbers/100/activation", r#"{"version":"ab"}"#).await,
        404
    );
    assert_eq!(ask("PUT", "/numbers/100/activation", "{").await, 422);
    assert_eq!(
        ask("PUT", "/numbers/100/activation", r#"{"versoin":"ab"}"#).await,
        422
    );
    let long = "x".repeat(100_000);
    assert_eq!(ask("PUT", "/numbers/100/activation", &long).await, 413);
}
