//! `/api/v1` over real sockets: who is let in, what they see, what bad uploads get.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tandem_host_api::{Engine, EngineConfig, Rules, Verdict};
use tandem_store::{
    Amount, DomainScope, Limit, LogKind, LogLevel, NewDomain, NewEntryPoint, NewLogLine, Options, Secret,
    SigningKey, Store, TokenScope, usage,
};
use tandem_web::{Allowed, Api, ApiLimits, Compile, Health, Limits, Metrics, WebServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Looks at components in this process: what the server's own compiler does in another one.
struct Here(Engine);

impl Compile for Here {
    fn compile(
        &self,
        component: axum::body::Bytes,
        allowed: Allowed,
    ) -> Pin<Box<dyn Future<Output = Result<Verdict, String>> + Send + '_>> {
        Box::pin(async move {
            let rules = Rules {
                grants: allowed.grants,
                ..Rules::default()
            };
            Ok(self.0.validate(&component, &rules).await)
        })
    }
}

struct Server {
    address: SocketAddr,
    store: Store,
    ours: DomainScope,
    _directory: tempfile::TempDir,
}

struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (is, value) = line.split_once(": ")?;
            is.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn detail(&self) -> &str {
        self.body["detail"].as_str().unwrap_or_default()
    }
}

impl Server {
    async fn start() -> Self {
        Self::start_with(ApiLimits::default()).await
    }

    async fn start_with(limits: ApiLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path(), Options::default()).await.unwrap();
        for name in ["ours.org", "theirs.org"] {
            store.create_domain(&NewDomain::named(name)).await.unwrap();
        }
        let ours = store.domain_scope("ours.org").await.unwrap();
        let config = EngineConfig {
            instances_max: 4,
            ..EngineConfig::default()
        };
        let api = Api::new(store.clone(), Here(Engine::new(config).unwrap()), limits);
        let server = WebServer::bind("127.0.0.1:0".parse().unwrap(), Limits::default())
            .unwrap()
            .with_api(api);
        let address = server.local_addr();
        tokio::spawn(server.serve(Health::new("9"), Metrics::new("9"), std::future::pending()));
        Self {
            address,
            store,
            ours,
            _directory: directory,
        }
    }

    async fn token(&self, domain: &str, scopes: &[TokenScope]) -> String {
        let scope = self.store.domain_scope(domain).await.unwrap();
        let secret = Secret::new(rand_bytes());
        let name = format!("t{}", &secret.reveal()[7..17]);
        self.store
            .add_token(&scope, &name, scopes, None, &secret)
            .await
            .unwrap();
        secret.reveal().to_owned()
    }

    async fn ask(&self, method: &str, path: &str, token: Option<&str>, body: &[u8]) -> Answer {
        self.ask_with(method, path, token, "", body).await
    }

    async fn ask_with(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &str,
        body: &[u8],
    ) -> Answer {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let authorization = token.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\r\n"));
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}{headers}\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let body = body.to_vec();
        let sending = tokio::spawn(async move {
            writer.write_all(head.as_bytes()).await?;
            writer.write_all(&body).await?;
            std::io::Result::Ok(writer)
        });
        let mut answer = Vec::new();
        // A server that has said no may close before it has read everything.
        let _ = reader.read_to_end(&mut answer).await;
        sending.abort();
        parse(&answer)
    }

    async fn upload(&self, token: &str, component: &[u8]) -> Answer {
        self.ask("POST", "/scenarios/menu/versions", Some(token), component)
            .await
    }
}

fn parse(answer: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_owned(),
        body: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

/// Different each time, which is all that a test's token needs.
fn rand_bytes() -> [u8; 32] {
    use std::hash::{BuildHasher, RandomState};
    let mut bytes = [0; 32];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&RandomState::new().hash_one(0).to_ne_bytes());
    }
    bytes
}

fn guest(name: &str) -> Vec<u8> {
    wat::parse_file(format!(
        "{}/../../tests/guests/{name}.wat",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

const READ: &[TokenScope] = &[TokenScope::ScenariosRead];
const WRITE: &[TokenScope] = &[TokenScope::ScenariosRead, TokenScope::ScenariosWrite];
const CALLS: &[TokenScope] = &[TokenScope::CallsRead];

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

/// Every route, with every kind of token that must not open it.
#[tokio::test]
async fn no_route_opens_without_its_token() {
    let server = Server::start().await;
    let module = server
        .store
        .put_module(&server.ours, "menu", "call-scenario", b"component")
        .await
        .unwrap();
    server
        .store
        .add_entry_point(&server.ours, &NewEntryPoint::new("100", "menu"))
        .await
        .unwrap();
    let idle = guest("idle");
    let activation = json!({ "version": module.hash }).to_string();
    let version = format!("/scenarios/menu/versions/{}", module.hash);
    let routes: [(&str, &str, &[u8], TokenScope); 6] = [
        ("GET", "/scenarios", b"", TokenScope::ScenariosRead),
        ("GET", "/scenarios/menu/versions", b"", TokenScope::ScenariosRead),
        (
            "POST",
            "/scenarios/menu/versions",
            &idle,
            TokenScope::ScenariosWrite,
        ),
        ("DELETE", &version, b"", TokenScope::ScenariosWrite),
        ("GET", "/numbers", b"", TokenScope::ScenariosRead),
        (
            "PUT",
            "/numbers/100/activation",
            activation.as_bytes(),
            TokenScope::ScenariosWrite,
        ),
    ];
    let theirs = server.token("theirs.org", WRITE).await;
    let (reader, calls) = (
        server.token("ours.org", READ).await,
        server.token("ours.org", CALLS).await,
    );
    for (method, path, body, scope) in routes {
        let nobody = server.ask(method, path, None, body).await;
        assert_eq!(nobody.status, 401, "{method} {path}");
        assert_eq!(nobody.header("www-authenticate"), Some("Bearer realm=\"tandem\""));
        assert_eq!(nobody.header("content-type"), Some("application/problem+json"));
        assert_eq!(nobody.body["status"], 401);

        let mut short = vec![&calls];
        if scope == TokenScope::ScenariosWrite {
            short.push(&reader);
        }
        for token in short {
            let refused = server.ask(method, path, Some(token), body).await;
            assert_eq!(refused.status, 403, "{method} {path}");
            let challenge = refused.header("www-authenticate").unwrap();
            assert!(challenge.contains(&format!("scope=\"{scope}\"")), "{challenge}");
        }
    }
    // A good token of another domain is let in there, and finds nothing of ours.
    for (method, path, body, _) in routes {
        let foreign = server.ask(method, path, Some(&theirs), body).await;
        let expected = match (method, path) {
            ("GET", "/scenarios" | "/numbers") => 200,
            ("POST", _) => 201,
            _ => 404,
        };
        assert_eq!(foreign.status, expected, "{method} {path}: {}", foreign.body);
        // What was asked for by its hash may be named in the answer.
        let told = path.contains(&module.hash) || !foreign.body.to_string().contains(&module.hash);
        assert!(told, "{method} {path}");
    }
    assert_eq!(server.store.modules(&server.ours).await.unwrap(), [module]);
}

#[tokio::test]
async fn wrong_tokens_are_refused_and_slowed_down() {
    let server = Server::start().await;
    let good = server.token("ours.org", READ).await;
    let unknown = Secret::new([1; 32]);
    let long = "x".repeat(8_000);
    let wrong = ["", "x", "tandem_", &long, &good[..70], unknown.reveal()];
    let mut refusals = 0;
    let mut tokens = wrong.iter().cycle();
    let slowed = loop {
        let token = tokens.next().unwrap();
        let refused = server.ask("GET", "/scenarios", Some(token), b"").await;
        if refused.status == 429 {
            break refused;
        }
        assert_eq!(refused.status, 401, "{token}");
        assert!(
            refused
                .header("www-authenticate")
                .unwrap()
                .contains("invalid_token")
        );
        refusals += 1;
        assert!(refusals < 100);
    };
    assert!(refusals >= 10, "{refusals}");
    let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=7).contains(&wait), "{wait}");
    // Nobody is told whether one is right while too many were wrong.
    assert_eq!(
        server.ask("GET", "/scenarios", Some(&good), b"").await.status,
        429
    );
}

#[tokio::test]
async fn a_token_ends_with_its_time_and_its_removal() {
    let server = Server::start().await;
    let (brief, removed) = (Secret::new([2; 32]), Secret::new([3; 32]));
    let (store, ours) = (&server.store, &server.ours);
    let second = Some(Duration::from_millis(1));
    store
        .add_token(ours, "brief", READ, second, &brief)
        .await
        .unwrap();
    store
        .add_token(ours, "removed", READ, None, &removed)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(
        server
            .ask("GET", "/numbers", Some(brief.reveal()), b"")
            .await
            .status,
        401
    );
    assert_eq!(
        server
            .ask("GET", "/numbers", Some(removed.reveal()), b"")
            .await
            .status,
        200
    );
    store.remove_token(ours, "removed").await.unwrap();
    assert_eq!(
        server
            .ask("GET", "/numbers", Some(removed.reveal()), b"")
            .await
            .status,
        401
    );
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

fn line(level: LogLevel, run: &str, text: &str) -> NewLogLine {
    NewLogLine {
        at: "2026-11-28T20:00:00Z".parse().unwrap(),
        level,
        kind: LogKind::Log,
        run: run.to_owned(),
        entry_point: "300".to_owned(),
        scenario: "menu".to_owned(),
        scenario_hash: "ab12".to_owned(),
        text: text.to_owned(),
    }
}

#[tokio::test]
async fn a_log_is_read_by_its_own_domain_and_by_filter() {
    let server = Server::start().await;
    let lines = [
        line(LogLevel::Info, "c1", "one"),
        line(LogLevel::Error, "c2", "two"),
        line(LogLevel::Debug, "c1", "three"),
    ];
    server.store.add_log(&server.ours, &lines).await.unwrap();
    let ours = server.token("ours.org", CALLS).await;
    let theirs = server.token("theirs.org", CALLS).await;
    let read = server.token("ours.org", READ).await;
    let ask = async |path: &str, token: &str| server.ask("GET", path, Some(token), b"").await;

    let texts = |answer: &Answer| -> Vec<String> {
        let lines = answer.body["lines"].as_array().unwrap();
        let text = |line: &Value| line["text"].as_str().unwrap().to_owned();
        lines.iter().map(text).collect()
    };
    assert_eq!(texts(&ask("/logs", &ours).await), ["one", "two", "three"]);
    assert_eq!(texts(&ask("/logs?level=warn", &ours).await), ["two"]);
    assert_eq!(texts(&ask("/logs?call=c1&last=1", &ours).await), ["three"]);
    assert_eq!(
        texts(&ask("/logs?after=1&number=300", &ours).await),
        ["two", "three"]
    );
    assert!(texts(&ask("/logs?scenario=flow", &ours).await).is_empty());
    assert!(texts(&ask("/logs", &theirs).await).is_empty());
    assert_eq!(ask("/logs", &read).await.status, 403);
    for bad in ["level=loud", "last=x", "after=-1", "last=5000", "colour=red"] {
        let refused = ask(&format!("/logs?{bad}"), &ours).await;
        assert!(
            [400, 422].contains(&refused.status),
            "{bad}: {}",
            refused.detail()
        );
        assert!(!refused.detail().is_empty(), "{bad}");
    }
}

/// Reads from a stream until it has this in it.
async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut read = Vec::new();
    let reading = async {
        let mut looked = 0;
        while !read[looked..]
            .windows(text.len())
            .any(|part| part == text.as_bytes())
        {
            looked = read.len().saturating_sub(text.len());
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it ended");
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(20), reading).await;
    let read = String::from_utf8_lossy(&read).into_owned();
    within.unwrap_or_else(|_| panic!("{text} is not in\n{read}"));
    read
}

async fn follow(server: &Server, token: &str, query: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /api/v1/logs?follow=true{query} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

#[tokio::test]
async fn a_log_is_followed_from_a_place_by_so_many_at_most() {
    let server = Server::start().await;
    let token = server.token("ours.org", CALLS).await;
    let add = async |text: &str| {
        let lines = [line(LogLevel::Info, "c1", text)];
        server.store.add_log(&server.ours, &lines).await.unwrap();
    };
    add("one").await;
    add("two").await;
    let mut stream = follow(&server, &token, "&after=1").await;
    let head = read_until(&mut stream, "two").await;
    assert!(head.contains("text/event-stream"), "{head}");
    assert!(head.contains("id: 2\ndata: {") && !head.contains("one"), "{head}");
    add("three").await;
    assert!(read_until(&mut stream, "three").await.contains("id: 3\n"));

    let mut others = Vec::new();
    for _ in 0..7 {
        let mut stream = follow(&server, &token, "&last=0").await;
        read_until(&mut stream, "id: 3").await;
        others.push(stream);
    }
    let refused = server.ask("GET", "/logs?follow=true", Some(&token), b"").await;
    assert_eq!(refused.status, 429, "{}", refused.detail());
    // One that goes away makes room.
    others.clear();
    let again = || server.ask("GET", "/logs?follow=true&last=0", Some(&token), b"");
    let gone = tokio::time::timeout(Duration::from_secs(10), async {
        while tokio::time::timeout(Duration::from_millis(200), again())
            .await
            .is_ok()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    gone.await.expect("a place");
}

/// It costs what waits for it, and no more; when it reads at last, it hears why nothing more comes.
#[tokio::test]
async fn who_reads_nothing_is_dropped_with_a_note() {
    let limits = ApiLimits {
        reader_idle: Duration::from_millis(500),
        ..ApiLimits::default()
    };
    let server = Server::start_with(limits).await;
    let token = server.token("ours.org", CALLS).await;
    let many = vec![line(LogLevel::Info, "c1", &"x".repeat(8_000)); 3_000];
    server.store.add_log(&server.ours, &many).await.unwrap();
    let mut stream = follow(&server, &token, "&after=0").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let all = read_until(&mut stream, "event: dropped").await;
    assert!(all.contains("nothing was read for"), "no reason");
    assert!(!all.contains("id: 3000\n"), "all of it was waiting");
}

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

/// The file has what users register with: who may only see the domain does not get it.
#[tokio::test]
async fn a_domain_goes_out_for_who_may_change_it_and_comes_in_for_the_system_alone() {
    let server = Server::start().await;
    for scopes in [&[TokenScope::DomainRead][..], &[TokenScope::UsersWrite], READ] {
        let token = server.token("ours.org", scopes).await;
        let refused = server.ask("GET", "/export", Some(&token), b"").await;
        assert_eq!(refused.status, 403, "{scopes:?}: {}", refused.body);
    }
    let all = server.token("ours.org", &TokenScope::ALL).await;
    let foreign = server
        .ask("GET", "/domains/theirs.org/export", Some(&all), b"")
        .await;
    assert_eq!(foreign.status, 404, "{}", foreign.body);
    for (token, status) in [(None, 401), (Some(all.as_str()), 403)] {
        let refused = server.ask("POST", "/domains/import", token, b"an archive").await;
        assert_eq!(refused.status, status, "{}", refused.body);
    }
    // A domain may be called `import`.
    let found = server.ask("GET", "/domains/import", Some(&all), b"").await;
    assert_eq!(found.status, 404, "{}", found.body);
    assert!(found.detail().contains("no domain `import`"), "{}", found.body);
}
