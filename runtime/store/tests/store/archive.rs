//! Whole domains out of one store and into another one.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tandem_store::archive::{Archive, Component, Components};
use tandem_store::{
    CanaryChange, Contact, ContactNumber, DomainChange, DomainScope, Keep, Limit, NewEntryPoint, NewFallback,
    NewFlow, SigningKey, StoreError,
};

use crate::{Home, home, new_user};

const WORLD: &str = "call-scenario";

/// A domain with something of everything.
async fn full(home: &Home) -> DomainScope {
    let scope = home.domain("ours.org").await;
    home.create_users(&scope, &[new_user("301"), new_user("302")])
        .await
        .unwrap();
    home.add_user_number(&scope, "+4930301", "301").await.unwrap();
    for bytes in [b"one", b"two", b"new"] {
        home.put_module(&scope, "menu", WORLD, bytes).await.unwrap();
    }
    home.put_module(&scope, "night", WORLD, b"night").await.unwrap();
    let entry = NewEntryPoint {
        hash: Some(blake3_of(b"one")),
        config: r#"{"b": 1,  "a": [1.50]}"#.to_owned(),
        fallback: Some(NewFallback::Scenario {
            module: "night".to_owned(),
            version: None,
            config: "{}".to_owned(),
        }),
        ..NewEntryPoint::new("700", "menu")
    };
    home.add_entry_point(&scope, &entry).await.unwrap();
    let trial = CanaryChange {
        version: Some(blake3_of(b"two")),
        share_percent: Some(20),
        ..CanaryChange::default()
    };
    home.set_canary(&scope, "700", &trial).await.unwrap();
    home.set_schedule(&scope, "office", r#"{"week": {"mon": ["09:00-17:00"]}}"#)
        .await
        .unwrap();
    let flow = NewFlow {
        name: "desk",
        title: "Desk",
        document: "{}",
        problems: 1,
        changed_by: "anna",
    };
    home.save_flow(&scope, &flow).await.unwrap();
    home.put_contacts(&scope, &[contact()], false).await.unwrap();
    home.set_voicemail_box(&scope, "sales", Keep::ForEver)
        .await
        .unwrap();
    let key = SigningKey::new([1; 32]).unwrap().public();
    home.add_signing_key(&scope, "ci", &key).await.unwrap();
    home.allow_http(&scope, &"api.example.com".parse().unwrap(), false)
        .await
        .unwrap();
    home.set_limits(&scope, &[(Limit::KvKeys, Some(7))])
        .await
        .unwrap();
    home.set_module_limits(&scope, "menu", &[(Limit::CallCpuMs, Some(100))])
        .await
        .unwrap();
    home.set_grants(&scope, Some(&["leg".to_owned(), "http".to_owned()]))
        .await
        .unwrap();
    home.set_module_interfaces(&scope, "night", Some(&["leg".to_owned()]))
        .await
        .unwrap();
    let change = DomainChange {
        mail_sender: Some("pbx@ours.org"),
        keep_calls: Some(Keep::For(std::time::Duration::from_hours(48))),
        blocked: Some(true),
        ..DomainChange::default()
    };
    home.set_domain(&scope, &change).await.unwrap();
    scope
}

fn contact() -> Contact {
    Contact {
        name: "Eva".to_owned(),
        company: "Example".to_owned(),
        numbers: vec![ContactNumber {
            label: "work".to_owned(),
            number: "+49 30 1234567".to_owned(),
            tail: "1234567".to_owned(),
        }],
        ..Contact::default()
    }
}

fn blake3_of(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// The components that the archive names, lying ready.
async fn staged(from: &Home, scope: &DomainScope, archive: &Archive, to: &Home) -> Components {
    let mut components = BTreeMap::new();
    for version in &archive.scenarios {
        let bytes = from.module_bytes(scope, &version.hash).await.unwrap();
        let file = to.directory.path().join(format!("staged-{}", version.hash));
        fs::write(&file, &bytes).unwrap();
        let component = Component {
            file,
            size_bytes: bytes.len() as u64,
            world: WORLD.to_owned(),
            imports: vec!["leg".to_owned()],
            settings: None,
        };
        components.insert(version.hash.clone(), component);
    }
    components
}

/// The document but for when and by whom it was made.
fn plain(archive: &Archive) -> Value {
    let mut value = serde_json::to_value(archive).unwrap();
    value["made_at"] = Value::Null;
    value
}

fn as_read(archive: &Archive) -> Archive {
    let mut read: Archive = serde_json::from_str(&serde_json::to_string(archive).unwrap()).unwrap();
    for (read, own) in read.contacts.iter_mut().zip(&archive.contacts) {
        read.numbers.clone_from(&own.numbers);
    }
    read
}

#[tokio::test]
async fn a_domain_comes_to_another_store_as_it_was() {
    let (first, second) = (home().await, home().await);
    let scope = full(&first).await;
    let theirs = first.domain("theirs.org").await;
    first.create_user(&theirs, &new_user("stranger")).await.unwrap();
    let archive = first.read_archive(&scope, "test").await.unwrap();
    let text = serde_json::to_string(&archive).unwrap();
    assert!(!text.contains("theirs") && !text.contains("stranger"), "{text}");
    assert!(
        text.contains(r#"{"b": 1,  "a": [1.50]}"#),
        "settings as they were written: {text}"
    );
    assert!(
        !format!("{archive:?}").contains(&"a".repeat(32)),
        "secrets stay out of debug output"
    );

    let components = staged(&first, &scope, &archive, &second).await;
    let read = as_read(&archive);
    assert_eq!(read.problems(&components), []);
    let made = second.write_archive(&read, None, &components).await.unwrap();
    assert!(made.blocked);
    let there = second.domain_scope("ours.org").await.unwrap();
    let back = second.read_archive(&there, "test").await.unwrap();
    assert_eq!(plain(&back), plain(&archive));
    assert_eq!(
        second.module_bytes(&there, &blake3_of(b"two")).await.unwrap(),
        b"two"
    );
    assert_eq!(
        second.credentials(&there, "301").await.unwrap(),
        first.credentials(&scope, "301").await.unwrap()
    );
    let found = second.contacts_by_tail(&there, "1234567").await.unwrap();
    assert_eq!(found, [contact()]);
    second.store.check().await.unwrap();
}

/// Versions that no number needs stay behind, but for the newest.
#[tokio::test]
async fn versions_go_along_that_are_needed_and_the_newest() {
    let home = home().await;
    let scope = home.domain("ours.org").await;
    for bytes in [&b"old"[..], b"used", b"newest"] {
        home.put_module(&scope, "menu", WORLD, bytes).await.unwrap();
    }
    let entry = NewEntryPoint {
        hash: Some(blake3_of(b"used")),
        ..NewEntryPoint::new("700", "menu")
    };
    home.add_entry_point(&scope, &entry).await.unwrap();
    let archive = home.read_archive(&scope, "test").await.unwrap();
    let hashes: Vec<_> = archive
        .scenarios
        .iter()
        .map(|version| version.hash.as_str())
        .collect();
    assert_eq!(hashes, [blake3_of(b"newest"), blake3_of(b"used")]);
}

#[tokio::test]
async fn a_domain_gets_another_name_and_keeps_its_realm() {
    let (first, second) = (home().await, home().await);
    let scope = full(&first).await;
    let archive = first.read_archive(&scope, "test").await.unwrap();
    let components = staged(&first, &scope, &archive, &second).await;
    let made = second
        .write_archive(&archive, Some("New.org"), &components)
        .await
        .unwrap();
    assert_eq!((made.name.as_str(), made.realm.as_str()), ("new.org", "ours.org"));
    let wrong = second.write_archive(&archive, Some("no name"), &components).await;
    assert!(
        matches!(
            wrong,
            Err(StoreError::Invalid {
                what: "domain name",
                ..
            })
        ),
        "{wrong:?}"
    );
}

/// A name that is taken, or a component that is missing: no row and no file is left.
#[tokio::test]
async fn it_is_all_or_nothing() {
    let (first, second) = (home().await, home().await);
    let scope = full(&first).await;
    let archive = first.read_archive(&scope, "test").await.unwrap();
    let mut components = staged(&first, &scope, &archive, &second).await;
    let last = archive.scenarios.last().unwrap().hash.clone();
    let kept = components.remove(&last).unwrap();
    let refused = second.write_archive(&archive, None, &components).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    assert!(second.domains().await.unwrap().is_empty());
    let modules = second.directory.path().join("modules");
    assert_eq!(fs::read_dir(&modules).unwrap().count(), 0);

    let mut components = staged(&first, &scope, &archive, &second).await;
    components.insert(last, kept);
    second.domain("ours.org").await;
    let refused = second.write_archive(&archive, None, &components).await;
    assert!(
        matches!(refused, Err(StoreError::Exists { what: "domain", .. })),
        "{refused:?}"
    );
    assert_eq!(fs::read_dir(&modules).unwrap().count(), 0);
}

#[tokio::test]
async fn all_that_is_wrong_is_told() {
    let home = home().await;
    let scope = full(&home).await;
    let archive = home.read_archive(&scope, "test").await.unwrap();
    let wrong = |spoil: &dyn Fn(&mut Value)| {
        let mut value = serde_json::to_value(&archive).unwrap();
        spoil(&mut value);
        let archive: Archive = serde_json::from_value(value).unwrap();
        let told = archive.problems(&Components::new());
        told.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let twice = |list: &str| {
        wrong(&|value: &mut Value| {
            let first = value[list][0].clone();
            value[list].as_array_mut().unwrap().push(first);
        })
    };
    for list in [
        "users",
        "scenarios",
        "numbers",
        "schedules",
        "flows",
        "voicemail_boxes",
        "signing_keys",
        "http_hosts",
    ] {
        assert!(twice(list).contains("it is there twice"), "{list}");
    }
    let told = wrong(&|value| {
        value["format"] = json!(2);
        value["domain"]["name"] = json!("no name");
        value["domain"]["realm"] = json!("a\"b");
        value["domain"]["limits"]["kv-keys"] = json!(u64::MAX);
        value["users"][0]["ha1_sha256"] = json!("x");
        value["users"][1]["numbers"] = json!(["+4930301"]);
        value["numbers"][0]["version"] = json!("0".repeat(64));
        value["numbers"][0]["fallback_cause"] = json!("gone");
        value["numbers"][0]["canary"]["share_percent"] = json!(100);
        value["scenarios"][0]["hash"] = json!("../x");
        value["flows"][0]["name"] = json!("menu");
        value["scenario_limits"]["menu"]["instances"] = json!(1);
        value["contacts"][0]["name"] = json!("");
    });
    for words in [
        "this release reads 1 only",
        "`no name` is no host name",
        "realm",
        "is not from 0 to",
        "64 lower-case hexadecimal digits",
        "the number +4930301 is given twice",
        "there is no version 000000000000 of menu",
        "`gone` is not normal",
        "share: 100 is not from 1 to 99",
        "a BLAKE3 hash",
        "a flow has its name",
        "it is of all the domain's scenarios together",
        "it has no name",
    ] {
        assert!(told.contains(words), "{words}:\n{told}");
    }
}
