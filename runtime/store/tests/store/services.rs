//! What scenarios use of the world: hosts, secrets.

use tandem_store::{HostPattern, SecretValue, StoreError};

use crate::home;

fn pattern(text: &str) -> HostPattern {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_host_is_allowed_to_its_own_domain_until_it_is_denied() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let host = pattern("*.example.com");
    home.allow_http(&ours, &host, false).await.unwrap();
    home.allow_http(&ours, &host, true).await.unwrap();
    let hosts = home.http_hosts(&ours).await.unwrap();
    assert_eq!(hosts.len(), 1);
    assert!(hosts[0].private && hosts[0].pattern == host);
    assert!(home.http_hosts(&theirs).await.unwrap().is_empty());
    let denied = home.deny_http(&theirs, &host).await;
    assert!(matches!(denied, Err(StoreError::NotFound { .. })));
    home.deny_http(&ours, &host).await.unwrap();
    assert!(home.http_hosts(&ours).await.unwrap().is_empty());

    for number in 0..100 {
        home.allow_http(&ours, &pattern(&format!("h{number}.example")), false)
            .await
            .unwrap();
    }
    let one_more = home.allow_http(&ours, &host, false).await;
    assert!(matches!(one_more, Err(StoreError::TooMany { .. })));
}

#[tokio::test]
async fn a_secret_is_opened_in_its_domain_and_its_text_is_on_no_disk() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let text = "tok-5f1e0c77-unheard-of";
    let value = SecretValue::new(text).unwrap();
    let bound = [pattern("api.example.com")];
    home.set_secret(&ours, "crm", &value, &bound).await.unwrap();
    assert_eq!(format!("{value:?}"), "SecretValue");
    let opened = home.open_secret(&ours, "crm").await.unwrap().unwrap();
    assert_eq!((opened.value.reveal(), &opened.hosts[..]), (text, &bound[..]));
    assert!(home.open_secret(&theirs, "crm").await.unwrap().is_none());
    assert_eq!(home.secrets(&ours).await.unwrap()[0].name, "crm");

    let directory = home.directory.path();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let there = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!there, "{}", path.display());
        }
    }
    use std::os::unix::fs::PermissionsExt as _;
    let key = directory.join("secrets.key");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // The key of another directory opens nothing.
    std::fs::write(&key, [7; 32]).unwrap();
    let opened = home.open_secret(&ours, "crm").await;
    assert!(matches!(opened, Err(StoreError::Corrupt { .. })));
    home.remove_secret(&ours, "crm").await.unwrap();
    assert!(home.open_secret(&ours, "crm").await.unwrap().is_none());
}

#[test]
fn a_secret_is_what_a_header_can_carry() {
    for text in ["", "a\nb", "a\r\nX: y", "é", &"a".repeat(5_000)] {
        assert!(SecretValue::new(text).is_err(), "{text:?}");
    }
}
