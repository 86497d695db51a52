//! What scenarios use of the world: hosts, secrets, schedules, contacts.

use tandem_store::{
    Contact, ContactNumber, ContactsWritten, HostPattern, NewEntryPoint, NewFallback, SecretValue, StoreError,
};

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

#[tokio::test]
async fn a_schedule_is_its_domains_own() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    home.set_schedule(&ours, "office", "{}").await.unwrap();
    home.set_schedule(&ours, "office", r#"{"week":{}}"#)
        .await
        .unwrap();
    let text = home.schedule(&ours, "office").await.unwrap();
    assert_eq!(text.as_deref(), Some(r#"{"week":{}}"#));
    assert_eq!(home.schedules(&ours).await.unwrap().len(), 1);
    assert_eq!(home.schedule(&theirs, "office").await.unwrap(), None);
    let deleted = home.delete_schedule(&theirs, "office").await;
    assert!(matches!(deleted, Err(StoreError::NotFound { .. })));
    home.delete_schedule(&ours, "office").await.unwrap();
    assert!(home.schedules(&ours).await.unwrap().is_empty());
    let named = home.set_schedule(&ours, "a b", "{}").await;
    assert!(matches!(named, Err(StoreError::Invalid { .. })));
}

#[tokio::test]
async fn numbers_that_a_schedule_decides_about_are_told() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    home.put_module(&ours, "hours", "call-scenario", b"hours")
        .await
        .unwrap();
    let says = r#"{"schedule": "office", "open": "fall_back"}"#;
    let new = |number: &str, config: &str| NewEntryPoint {
        config: config.to_owned(),
        ..NewEntryPoint::new(number, "hours")
    };
    let night = NewEntryPoint {
        fallback: Some(NewFallback::Scenario {
            module: "hours".to_owned(),
            version: None,
            config: says.to_owned(),
        }),
        ..NewEntryPoint::new("3", "hours")
    };
    for new in [
        new("1", says),
        new("2", r#"{"schedule": "offices", "say": "\"office\""}"#),
        night,
        new("4", r#"{"say": "office"}"#),
    ] {
        home.add_entry_point(&ours, &new).await.unwrap();
    }
    assert_eq!(home.schedule_users(&ours, "office").await.unwrap(), ["1", "3"]);
    assert!(home.schedule_users(&ours, "offic_").await.unwrap().is_empty());
    assert!(home.schedule_users(&theirs, "office").await.unwrap().is_empty());
}

fn contact(name: &str, company: &str, number: &str) -> Contact {
    Contact {
        name: name.to_owned(),
        company: company.to_owned(),
        numbers: vec![ContactNumber {
            label: "work".to_owned(),
            number: number.to_owned(),
            tail: number.to_owned(),
        }],
        ..Contact::default()
    }
}

#[tokio::test]
async fn contacts_are_written_whole_found_and_their_domains_own() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let book = [
        contact("Ann 50%", "Acme", "1234567"),
        contact("Bob", "", "7654321"),
    ];
    let written = home.put_contacts(&ours, &book, false).await.unwrap();
    let expected = ContactsWritten {
        added: 2,
        replaced: 0,
        present: 2,
    };
    assert_eq!(written, expected);
    let found = home.contacts_by_tail(&ours, "1234567").await.unwrap();
    assert_eq!(found, [book[0].clone()]);
    let names = async |text: &str| -> Vec<String> {
        let found = home.search_contacts(&ours, text, 0, 10).await.unwrap();
        found.into_iter().map(|contact| contact.name).collect()
    };
    assert_eq!(names("ACME ann").await, ["Ann 50%"]);
    assert_eq!(names("50%").await, ["Ann 50%"]);
    assert_eq!(names("7654").await, ["Bob"]);
    assert_eq!(names("acme bob").await, [""; 0]);
    assert_eq!(names("").await, ["Ann 50%", "Bob"]);

    // One bad line of many changes nothing.
    let bad = [contact("Cid", "", "1"), contact("", "", "2")];
    assert!(home.put_contacts(&ours, &bad, true).await.is_err());
    assert_eq!(names("").await.len(), 2);
    let moved = [contact("Bob", "", "1111111")];
    let written = home.put_contacts(&ours, &moved, false).await.unwrap();
    assert_eq!((written.added, written.replaced, written.present), (0, 1, 2));
    assert!(home.contacts_by_tail(&ours, "7654321").await.unwrap().is_empty());

    assert!(
        home.contacts_by_tail(&theirs, "1234567")
            .await
            .unwrap()
            .is_empty()
    );
    assert!(home.search_contacts(&theirs, "", 0, 10).await.unwrap().is_empty());
    let removed = home.remove_contacts(&theirs, Some("Bob")).await;
    assert!(matches!(removed, Err(StoreError::NotFound { .. })));
    assert_eq!(home.remove_contacts(&theirs, None).await.unwrap(), 0);
    assert_eq!(home.remove_contacts(&ours, Some("Bob")).await.unwrap(), 1);
    assert_eq!(home.put_contacts(&ours, &moved, true).await.unwrap().present, 1);
}
