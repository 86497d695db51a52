//! Who is let in.

use std::time::Duration;

use serde_json::json;
use tandem_store::{NewEntryPoint, Secret, TokenScope};

use crate::server::{CALLS, READ, Server, WRITE, guest};

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
