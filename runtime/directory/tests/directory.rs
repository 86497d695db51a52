//! The directory over a real store: answers, what is remembered, and when it is forgotten.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tandem_directory::{Directory, Domain};
use tandem_store::{
    CanaryChange, Credentials, DomainScope, EntryPointChange, NewDomain, NewEntryPoint, NewUser, Options,
    Store, StoreError,
};
use tempfile::TempDir;

const NEVER: Duration = Duration::from_hours(1);

struct House {
    path: TempDir,
    store: Store,
    directory: Directory,
    scope: DomainScope,
    domain: Arc<Domain>,
}

async fn house(poll_every: Duration) -> House {
    let path = tempfile::tempdir().unwrap();
    let store = Store::open(path.path(), Options::default()).await.unwrap();
    store
        .create_domain(&NewDomain::named("demo.local"))
        .await
        .unwrap();
    let scope = store.domain_scope("demo.local").await.unwrap();
    store
        .put_module(&scope, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    let directory = Directory::with_poll_every(store.clone(), poll_every);
    let domain = directory.domain("demo.local").await.unwrap().unwrap();
    House {
        path,
        store,
        directory,
        scope,
        domain,
    }
}

fn user(name: &str, letter: &str) -> NewUser {
    let credentials = Credentials {
        ha1_md5: letter.repeat(32),
        ha1_sha256: letter.repeat(64),
    };
    NewUser {
        name: name.to_owned(),
        display_name: String::new(),
        credentials,
    }
}

impl House {
    async fn add(&self, number: &str) {
        self.directory
            .add_entry_point(&self.scope, &NewEntryPoint::new(number, "flow"))
            .await
            .unwrap();
    }

    async fn leads_to(&self, dialled: &str) -> Option<String> {
        let found = self.directory.resolve(&self.domain, dialled).await.unwrap();
        found.map(|resolved| resolved.entry.number.clone())
    }

    async fn is_user(&self, name: &str) -> bool {
        self.directory.user(&self.domain, name).await.unwrap().is_some()
    }

    async fn rings(&self, number: &str) -> Option<String> {
        let found = self.directory.user_by_number(&self.domain, number).await.unwrap();
        found.map(|user| user.name.clone())
    }
}

#[tokio::test]
async fn questions_have_answers() {
    let house = house(NEVER).await;
    house
        .store
        .create_user(&house.scope, &user("301", "a"))
        .await
        .unwrap();
    let directory = &house.directory;
    let domain = directory.domain("DEMO.Local").await.unwrap().unwrap();
    assert_eq!(
        (domain.name.as_str(), domain.realm.as_str()),
        ("demo.local", "demo.local")
    );
    assert_eq!(domain.scope(), &house.scope);
    assert_eq!(directory.domain("other.local").await.unwrap(), None);
    assert_eq!(directory.domain(&"a".repeat(100_000)).await.unwrap(), None);
    assert_eq!(directory.user(&domain, "301").await.unwrap().unwrap().name, "301");
    assert_eq!(
        directory.credentials(&domain, "301").await.unwrap(),
        Some(user("301", "a").credentials)
    );
    for unknown in ["302", "", &"3".repeat(100_000)] {
        assert_eq!(directory.user(&domain, unknown).await.unwrap(), None);
        assert_eq!(directory.user_by_number(&domain, unknown).await.unwrap(), None);
        assert_eq!(directory.credentials(&domain, unknown).await.unwrap(), None);
        assert_eq!(directory.resolve(&domain, unknown).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_number_leads_to_its_own_then_the_most_specific_then_the_default() {
    let house = house(NEVER).await;
    for number in ["3XX", "300", "30*"] {
        house.add(number).await;
    }
    assert_eq!(house.leads_to("300").await.as_deref(), Some("300"));
    assert_eq!(house.leads_to("305").await.as_deref(), Some("30*"));
    assert_eq!(house.leads_to("315").await.as_deref(), Some("3XX"));
    assert_eq!(house.leads_to("4").await, None);
    house.add("*").await;
    assert_eq!(house.leads_to("4").await.as_deref(), Some("*"));
    // Its text is dialled: a pattern is not its own number.
    assert_eq!(house.leads_to("3XX").await.as_deref(), Some("*"));

    let refused = house
        .directory
        .add_entry_point(&house.scope, &NewEntryPoint::new("3N", "flow"))
        .await;
    assert!(matches!(&refused, Err(StoreError::Invalid { why, .. }) if why.contains("`N` at place 2")));
}

#[tokio::test]
async fn a_number_rings_whose_extension_it_is_then_whose_it_is_besides() {
    let house = house(NEVER).await;
    let (store, scope) = (&house.store, &house.scope);
    store.create_user(scope, &user("301", "a")).await.unwrap();
    assert_eq!(house.rings("301").await.as_deref(), Some("301"));
    assert_eq!(house.rings("302").await, None);
    for number in ["302", "+49301"] {
        store.add_user_number(scope, number, "301").await.unwrap();
        assert_eq!(house.rings(number).await.as_deref(), Some("301"));
    }
    // Nobody registers by such a number.
    assert!(!house.is_user("+49301").await);

    store.create_user(scope, &user("302", "a")).await.unwrap();
    assert_eq!(house.rings("302").await.as_deref(), Some("302"));
    store.delete_user(scope, "302").await.unwrap();
    assert_eq!(house.rings("302").await.as_deref(), Some("301"));
    store.remove_user_number(scope, "302").await.unwrap();
    assert_eq!(house.rings("302").await, None);
    store.delete_user(scope, "301").await.unwrap();
    assert_eq!(house.rings("+49301").await, None);
}

/// Known answers outlive the store: no SQL is behind them.
#[tokio::test]
async fn what_was_asked_before_needs_no_sql() {
    let house = house(NEVER).await;
    house
        .store
        .create_user(&house.scope, &user("301", "a"))
        .await
        .unwrap();
    house
        .store
        .add_user_number(&house.scope, "+49301", "301")
        .await
        .unwrap();
    for number in ["300", "3XX"] {
        house.add(number).await;
    }
    for round in 0..2 {
        let domain = house.directory.domain("demo.local").await.unwrap().unwrap();
        assert!(
            house.is_user("301").await && !house.is_user("399").await,
            "round {round}"
        );
        for number in ["301", "+49301"] {
            assert_eq!(house.rings(number).await.as_deref(), Some("301"));
        }
        assert_eq!(house.rings("+49399").await, None);
        assert!(
            house
                .directory
                .credentials(&domain, "301")
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(house.leads_to("300").await.as_deref(), Some("300"));
        // Another number of a known pattern is known.
        assert_eq!(
            house.leads_to(&format!("31{round}")).await.as_deref(),
            Some("3XX")
        );
        assert_eq!(house.leads_to("9").await, None);
        house.store.close().await;
    }
    assert!(matches!(
        house.directory.user(&house.domain, "302").await,
        Err(StoreError::Closed)
    ));
}

/// An outage of the store is not waited for by those whose answer is known.
#[tokio::test]
async fn known_answers_survive_a_failing_poll() {
    let house = house(Duration::ZERO).await;
    house
        .store
        .create_user(&house.scope, &user("301", "a"))
        .await
        .unwrap();
    assert!(house.is_user("301").await);
    house.store.close().await;
    let began = Instant::now();
    assert!(house.is_user("301").await);
    // As long as the store is waited for.
    assert!(began.elapsed() < Options::default().busy_timeout);
}

#[tokio::test]
async fn changes_through_the_store_are_seen_at_once() {
    let house = house(NEVER).await;
    let (store, scope) = (&house.store, &house.scope);
    assert!(!house.is_user("301").await);
    store.create_user(scope, &user("301", "a")).await.unwrap();
    assert!(house.is_user("301").await);
    assert!(
        house
            .directory
            .credentials(&house.domain, "301")
            .await
            .unwrap()
            .is_some()
    );
    store
        .set_user_credentials(scope, "301", &user("301", "b").credentials)
        .await
        .unwrap();
    let credentials = house
        .directory
        .credentials(&house.domain, "301")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(credentials, user("301", "b").credentials);
    store.delete_user(scope, "301").await.unwrap();
    assert!(!house.is_user("301").await);

    assert_eq!(house.leads_to("300").await, None);
    house.add("3XX").await;
    assert_eq!(house.leads_to("300").await.as_deref(), Some("3XX"));
    let change = EntryPointChange {
        config: Some("[1]".to_owned()),
        ..EntryPointChange::default()
    };
    store.set_entry_point(scope, "3XX", &change).await.unwrap();
    assert_eq!(
        house
            .directory
            .resolve(&house.domain, "300")
            .await
            .unwrap()
            .unwrap()
            .entry
            .config,
        "[1]"
    );
    house.add("300").await;
    assert_eq!(house.leads_to("300").await.as_deref(), Some("300"));
    store.remove_entry_point(scope, "300").await.unwrap();
    assert_eq!(house.leads_to("300").await.as_deref(), Some("3XX"));
    store.delete_domain(scope).await.unwrap();
    assert_eq!(house.directory.domain("demo.local").await.unwrap(), None);
    assert_eq!(house.leads_to("300").await, None);
}

#[tokio::test]
async fn changes_by_another_process_are_seen_soon() {
    let house = house(Duration::from_millis(50)).await;
    let other = Store::open(house.path.path(), Options::default()).await.unwrap();
    assert!(!house.is_user("301").await);
    other.create_user(&house.scope, &user("301", "a")).await.unwrap();
    let soon = Duration::from_secs(30);
    let seen = async {
        while !house.is_user("301").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(soon, seen).await.unwrap();
    other.delete_domain(&house.scope).await.unwrap();
    let gone = async {
        while house.directory.domain("demo.local").await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(soon, gone).await.unwrap();
}

/// Nothing older than the last change is kept, however questions and changes interleave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_during_a_question_is_not_missed() {
    let house = house(NEVER).await;
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (directory, domain) = (house.directory.clone(), house.domain.clone());
            tokio::spawn(async move {
                loop {
                    directory.user(&domain, "301").await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for round in 0..40 {
        house
            .store
            .create_user(&house.scope, &user("301", "a"))
            .await
            .unwrap();
        assert!(house.is_user("301").await, "round {round}");
        house.store.delete_user(&house.scope, "301").await.unwrap();
        assert!(!house.is_user("301").await, "round {round}");
    }
    for task in asking {
        task.abort();
    }
}

#[tokio::test]
async fn domains_do_not_see_each_other() {
    let house = house(NEVER).await;
    house
        .store
        .create_domain(&NewDomain::named("other.local"))
        .await
        .unwrap();
    house
        .store
        .create_user(&house.scope, &user("301", "a"))
        .await
        .unwrap();
    house
        .store
        .add_user_number(&house.scope, "+49301", "301")
        .await
        .unwrap();
    house.add("*").await;
    let other = house.directory.domain("other.local").await.unwrap().unwrap();
    for _ in 0..2 {
        assert!(house.is_user("301").await);
        assert_eq!(house.leads_to("1").await.as_deref(), Some("*"));
        assert_eq!(house.directory.user(&other, "301").await.unwrap(), None);
        assert_eq!(house.rings("+49301").await.as_deref(), Some("301"));
        for number in ["301", "+49301"] {
            assert_eq!(
                house.directory.user_by_number(&other, number).await.unwrap(),
                None
            );
        }
        assert_eq!(house.directory.credentials(&other, "301").await.unwrap(), None);
        assert_eq!(house.directory.resolve(&other, "1").await.unwrap(), None);
    }
}

/// Otherwise calls would still get a version that was taken back.
#[tokio::test]
async fn a_version_that_is_tried_is_there_at_once_and_at_once_gone() {
    let house = house(NEVER).await;
    let (store, scope) = (&house.store, &house.scope);
    house.add("3XX").await;
    let resolved = async || {
        let found = house
            .directory
            .resolve(&house.domain, "300")
            .await
            .unwrap()
            .unwrap();
        let canary = found.canary.map(|it| (it.share_percent, it.entry.hash.clone()));
        (found.entry.hash.clone(), canary)
    };
    let (first, none) = resolved().await;
    assert_eq!(none, None);
    let second = store
        .put_module(scope, "flow", "call-scenario", b"another")
        .await
        .unwrap()
        .hash;
    let change = CanaryChange {
        share_percent: Some(10),
        ..CanaryChange::default()
    };
    store.set_canary(scope, "3XX", &change).await.unwrap();
    assert_eq!(resolved().await, (first.clone(), Some((10, second.clone()))));
    store.roll_back(scope, "3XX").await.unwrap();
    assert_eq!(resolved().await, (first.clone(), None));
    store.set_canary(scope, "3XX", &change).await.unwrap();
    assert_eq!(resolved().await.1, Some((10, second.clone())));
    store.promote(scope, "3XX").await.unwrap();
    assert_eq!(resolved().await, (second, None));
}
