//! Whole domains, out and in.

use tandem_store::TokenScope;

use crate::server::{READ, Server};

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
