//! What a domain takes as a module: signatures, grants; and what of it nothing refers to any more.

use std::fs;

use tandem_store::{
    CanaryChange, EntryPointChange, NewEntryPoint, NewFallback, NewVersion, Signature, SigningKey, Spare,
    StoreError,
};

use crate::{Home, call, home};

fn version<'a>(component: &'a [u8], signature: Option<&'a Signature>) -> NewVersion<'a> {
    NewVersion {
        name: "flow",
        world: "call-scenario",
        component,
        note: "first try",
        signature,
        imports: None,
        settings: None,
        from_flow: false,
    }
}

#[tokio::test]
async fn a_version_keeps_its_note_and_whose_signature_it_came_with() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let key = SigningKey::new([1; 32]).unwrap();
    home.add_signing_key(&ours, "release", &key.public())
        .await
        .unwrap();
    let signature = key.sign(b"component");
    let put = home
        .put_version(&ours, &version(b"component", Some(&signature)))
        .await;
    assert_eq!(put.unwrap(), home.modules(&ours).await.unwrap()[0]);
    let kept = home.module(&ours, "flow").await.unwrap().unwrap();
    assert_eq!(
        (kept.note.as_str(), kept.signed_by),
        ("first try", Some(key.public().to_string()))
    );
    let long = "x".repeat(1_025);
    let refused = home
        .put_version(
            &ours,
            &NewVersion {
                note: &long,
                ..version(b"c", None)
            },
        )
        .await;
    assert!(matches!(refused, Err(StoreError::TooLarge { what: "note", .. })));
}

#[tokio::test]
async fn a_domain_that_wants_signatures_takes_nothing_without() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let (trusted, other) = (
        SigningKey::new([1; 32]).unwrap(),
        SigningKey::new([2; 32]).unwrap(),
    );
    home.add_signing_key(&ours, "release", &trusted.public())
        .await
        .unwrap();
    home.add_signing_key(&theirs, "theirs", &other.public())
        .await
        .unwrap();
    assert!(!home.signed_only(&ours).await.unwrap());
    home.put_version(&ours, &version(b"before", None)).await.unwrap();
    home.set_signed_only(&ours, true).await.unwrap();
    assert!(home.signed_only(&ours).await.unwrap() && !home.signed_only(&theirs).await.unwrap());

    let good = trusted.sign(b"component");
    for signature in [
        None,
        Some(other.sign(b"component")),
        Some(trusted.sign(b"Component")),
    ] {
        let put = home
            .put_version(&ours, &version(b"component", signature.as_ref()))
            .await;
        assert!(matches!(put, Err(StoreError::Signature { .. })), "{put:?}");
    }
    let plain = home
        .put_module(&ours, "flow", "call-scenario", b"component")
        .await;
    assert!(matches!(plain, Err(StoreError::Signature { .. })));
    assert_eq!(
        home.modules(&ours).await.unwrap().len(),
        1,
        "what was there stays"
    );
    home.put_version(&ours, &version(b"component", Some(&good)))
        .await
        .unwrap();
    home.put_version(&theirs, &version(b"component", None))
        .await
        .unwrap();

    home.remove_signing_key(&ours, "release").await.unwrap();
    let put = home.put_version(&ours, &version(b"component", Some(&good))).await;
    assert!(matches!(put, Err(StoreError::Signature { .. })));
    let removed = home.remove_signing_key(&ours, "theirs").await;
    assert!(matches!(removed, Err(StoreError::NotFound { .. })));
    assert_eq!(home.signing_keys(&theirs).await.unwrap()[0].name, "theirs");
}

#[tokio::test]
async fn a_key_is_there_once_and_keys_are_bounded() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let key = |number| SigningKey::new([number; 32]).unwrap().public();
    home.add_signing_key(&ours, "one", &key(0)).await.unwrap();
    for (name, number) in [("one", 1), ("again", 0)] {
        let refused = home.add_signing_key(&ours, name, &key(number)).await;
        assert!(matches!(refused, Err(StoreError::Exists { .. })), "{name}");
    }
    for number in 1..32 {
        home.add_signing_key(&ours, &format!("k{number}"), &key(number))
            .await
            .unwrap();
    }
    let refused = home.add_signing_key(&ours, "more", &key(99)).await;
    assert!(matches!(refused, Err(StoreError::TooMany { .. })));
}

#[tokio::test]
async fn grants_are_a_domains_own() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    assert_eq!(home.grants(&ours).await.unwrap(), None);
    let some = ["leg".to_owned(), "dial".to_owned()];
    home.set_grants(&ours, Some(&some)).await.unwrap();
    assert_eq!(home.grants(&ours).await.unwrap().unwrap(), some);
    assert_eq!(home.grants(&theirs).await.unwrap(), None);
    home.set_grants(&ours, Some(&[])).await.unwrap();
    assert_eq!(home.grants(&ours).await.unwrap(), Some(Vec::new()));
    home.set_grants(&ours, None).await.unwrap();
    assert_eq!(home.grants(&ours).await.unwrap(), None);
    let refused = home.set_grants(&ours, Some(&["a b".to_owned()])).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
}

fn importing<'a>(component: &'a [u8], imports: &'a [String]) -> NewVersion<'a> {
    NewVersion {
        imports: Some(imports),
        ..version(component, None)
    }
}

/// The words of a refusal that says what is not granted.
fn not_granted<T: std::fmt::Debug>(refused: Result<T, StoreError>) -> String {
    match refused {
        Err(error @ StoreError::Invalid { what: "scenario", .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// However a version comes to be started: a new number, another version, a canary and its promotion, a fall-back, a step
/// back.
#[tokio::test]
async fn a_version_that_imports_what_its_scenario_is_not_granted_is_started_by_nothing() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let (few, more) = (["leg".to_owned()], ["leg".to_owned(), "http".to_owned()]);
    for scope in [&ours, &theirs] {
        home.put_version(scope, &importing(b"more", &more)).await.unwrap();
        home.put_version(scope, &importing(b"few", &few)).await.unwrap();
    }
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let (more_hash, few_hash) = (hash(b"more"), hash(b"few"));
    home.add_entry_point(&ours, &NewEntryPoint::new("1", "flow"))
        .await
        .unwrap();
    let canary = CanaryChange {
        version: Some(more_hash.clone()),
        share_percent: Some(10),
        ..CanaryChange::default()
    };
    home.set_canary(&ours, "1", &canary).await.unwrap();
    home.add_entry_point(&ours, &NewEntryPoint::new("2", "flow"))
        .await
        .unwrap();
    home.activate(&ours, "2", Some(&more_hash)).await.unwrap();
    home.activate(&ours, "2", Some(&few_hash)).await.unwrap();

    let own = home
        .set_module_interfaces(&ours, "flow", Some(&few))
        .await
        .unwrap();
    assert_eq!(
        home.module_grants(&ours).await.unwrap(),
        [("flow".to_owned(), own)].into()
    );
    let wanted = Some(more_hash.clone());
    let added = NewEntryPoint {
        hash: wanted.clone(),
        ..NewEntryPoint::new("3", "flow")
    };
    let words = not_granted(home.add_entry_point(&ours, &added).await);
    assert!(
        words.contains("imports http,") && words.contains(&more_hash[..12]),
        "{words}"
    );
    let change = EntryPointChange {
        module: Some(("flow".to_owned(), wanted.clone())),
        ..EntryPointChange::default()
    };
    not_granted(home.set_entry_point(&ours, "2", &change).await);
    not_granted(home.activate(&ours, "2", Some(&more_hash)).await);
    not_granted(home.set_canary(&ours, "2", &canary).await);
    not_granted(home.promote(&ours, "1").await);
    not_granted(home.roll_back(&ours, "2").await);
    let fallback = NewFallback::Scenario {
        module: "flow".to_owned(),
        version: wanted,
        config: "{}".to_owned(),
    };
    not_granted(home.set_fallback(&ours, "2", &fallback).await);
    // What it is granted is started, a trial can be ended, and nothing of this is another domain's.
    home.activate(&ours, "1", Some(&few_hash)).await.unwrap();
    home.add_entry_point(&theirs, &NewEntryPoint::new("2", "flow"))
        .await
        .unwrap();
    home.activate(&theirs, "2", Some(&more_hash)).await.unwrap();
    home.set_module_interfaces(&ours, "flow", None).await.unwrap();
    home.activate(&ours, "2", Some(&more_hash)).await.unwrap();
    assert!(home.module_grants(&ours).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_scenario_is_granted_no_more_than_its_domain_and_what_nobody_looked_at_is_not_started() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    home.set_grants(&ours, Some(&["leg".to_owned(), "dial".to_owned()]))
        .await
        .unwrap();
    home.put_version(&ours, &version(b"old", None)).await.unwrap();
    let leg = ["leg".to_owned()];
    home.set_module_interfaces(&ours, "flow", Some(&leg))
        .await
        .unwrap();
    let more = home
        .set_module_interfaces(&ours, "flow", Some(&["http".to_owned()]))
        .await;
    assert!(
        more.unwrap_err()
            .to_string()
            .contains("not given `http`: they may import leg, dial")
    );
    let none = home.set_module_interfaces(&ours, "none", Some(&leg)).await;
    assert!(matches!(none, Err(StoreError::NotFound { .. })));

    let words = not_granted(
        home.add_entry_point(&ours, &NewEntryPoint::new("1", "flow"))
            .await,
    );
    assert!(words.contains("never looked at"), "{words}");
    let unsurveyed = home.unsurveyed(&ours, "flow").await.unwrap();
    home.note_imports(&ours, &unsurveyed[0], &leg).await.unwrap();
    assert!(home.unsurveyed(&ours, "flow").await.unwrap().is_empty());
    home.add_entry_point(&ours, &NewEntryPoint::new("1", "flow"))
        .await
        .unwrap();
    // Given again without a look, what is known of it stays.
    home.put_version(&ours, &version(b"old", None)).await.unwrap();
    assert!(home.unsurveyed(&ours, "flow").await.unwrap().is_empty());

    let hosts = ["api.example.com".parse().unwrap()];
    let own = home
        .set_module_http_hosts(&ours, "flow", Some(&hosts))
        .await
        .unwrap();
    assert_eq!(own.http_hosts.as_deref(), Some(&hosts[..]));
    assert_eq!(own.interfaces.as_deref(), Some(&leg[..]), "the rest stays");
    let own = home.set_module_http_hosts(&ours, "flow", None).await.unwrap();
    assert_eq!(own.http_hosts, None);
}

async fn unused(home: &Home, domain: &str, newest: usize, journals: bool) -> Vec<String> {
    let scope = home.domain_scope(domain).await.unwrap();
    let unused = home
        .unused_versions(&scope, Spare { newest, journals })
        .await
        .unwrap();
    unused.into_iter().map(|module| module.hash).collect()
}

#[tokio::test]
async fn a_version_is_unused_when_nothing_refers_to_it() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let mut hashes = Vec::new();
    for component in [b"1", b"2", b"3", b"4", b"5"] {
        let put = home
            .put_module(&ours, "flow", "call-scenario", component)
            .await
            .unwrap();
        hashes.push(put.hash);
        home.put_module(&theirs, "flow", "call-scenario", component)
            .await
            .unwrap();
    }
    let mut number = NewEntryPoint::new("300", "flow");
    number.hash = Some(hashes[0].clone());
    home.add_entry_point(&ours, &number).await.unwrap();
    let mut record = call("0001", 0);
    record.summary.scenario_hash = Some(hashes[1].clone());
    home.insert_call(&ours, &record, Some(b"journal")).await.unwrap();
    let mut record = call("0002", 0);
    record.summary.scenario_hash = Some(hashes[2].clone());
    home.insert_call(&ours, &record, None).await.unwrap();

    assert_eq!(unused(&home, "demo.local", 2, true).await, [hashes[2].clone()]);
    assert_eq!(
        unused(&home, "demo.local", 2, false).await,
        [hashes[2].clone(), hashes[1].clone()]
    );
    assert!(unused(&home, "demo.local", 5, false).await.is_empty());
    assert_eq!(unused(&home, "other.local", 0, true).await.len(), 5);
}

#[tokio::test]
async fn stray_files_are_found_and_those_of_modules_stay() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let module = home
        .put_module(&ours, "flow", "call-scenario", b"component")
        .await
        .unwrap();
    let folder = home.directory.path().join("modules");
    let strays = ["ab".repeat(32) + ".wasm", "cd".repeat(32) + ".tmp"];
    for stray in &strays {
        fs::write(folder.join(stray), b"12345").unwrap();
    }
    fs::write(folder.join("notes.txt"), b"somebody's own").unwrap();
    let found = home.stray_module_files(false).await.unwrap();
    assert_eq!((found.len(), found[0].bytes), (2, 5));
    home.stray_module_files(true).await.unwrap();
    assert!(home.stray_module_files(true).await.unwrap().is_empty());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    assert_eq!(
        home.module_bytes(&ours, &module.hash).await.unwrap(),
        b"component"
    );
}
