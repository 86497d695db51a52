//! A domain's log, read and followed.

use std::time::Duration;

use serde_json::Value;
use tandem_store::{LogKind, LogLevel, NewLogLine};
use tandem_web::ApiLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::server::{Answer, CALLS, READ, Server};

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
    tokio::time::sleep(Duration::from_secs(8)).await;
    let all = read_until(&mut stream, "event: dropped").await;
    assert!(all.contains("nothing was read for"), "no reason");
    assert!(!all.contains("id: 3000\n"), "all of it was waiting");
}
