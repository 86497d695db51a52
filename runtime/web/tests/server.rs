//! The web listener over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use tandem_web::{Health, Limits, Metrics, WebServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

struct Running {
    address: std::net::SocketAddr,
    health: Health,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<()>,
}

fn start(limits: Limits) -> Running {
    let server = WebServer::bind("127.0.0.1:0".parse().unwrap(), limits).unwrap();
    let address = server.local_addr();
    let (health, metrics) = (Health::new("9.9.9"), Metrics::new("9.9.9"));
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(server.serve(health.clone(), metrics, async {
        let _ = stopped.await;
    }));
    Running {
        address,
        health,
        stop,
        task,
    }
}

async fn get(address: std::net::SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[tokio::test]
async fn healthz_follows_the_health_of_the_roles() {
    let running = start(Limits::default());
    assert_eq!(get(running.address, "/healthz").await.0, 503);
    running.health.set_started();
    let (status, body) = get(running.address, "/healthz").await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, body["status"].as_str(), body["version"].as_str()),
        (200, Some("ok"), Some("9.9.9"))
    );
    running.health.set_broken("media", "no ports");
    let (status, body) = get(running.address, "/healthz").await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (status, body["broken"]["media"].as_str()),
        (503, Some("no ports"))
    );
}

#[tokio::test]
async fn metrics_are_open_metrics_text_and_a_file_that_is_not_there_is_not_found() {
    let running = start(Limits::default());
    let (status, body) = get(running.address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.ends_with("# EOF\n"), "{body}");
    assert_eq!(get(running.address, "/assets/nothing.js").await.0, 404);
}

#[tokio::test]
async fn a_slow_client_is_cut_off_and_does_not_take_the_place_of_others() {
    let limits = Limits {
        connections_max: 1,
        head_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let running = start(limits);
    let mut slow = TcpStream::connect(running.address).await.unwrap();
    slow.write_all(b"GET /healthz HTT").await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    assert_eq!(get(running.address, "/metrics").await.0, 200);
    assert!(began.elapsed() < Limits::default().head_timeout);
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_frees_the_port() {
    let running = start(Limits::default());
    let _idle = TcpStream::connect(running.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    running.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(30), running.task)
        .await
        .unwrap()
        .unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}
