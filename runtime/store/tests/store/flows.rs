//! Flows: drafts, and the versions that are published of them.

use tandem_store::flows::DOCUMENT_MOST;
use tandem_store::{
    CanaryChange, EntryPointChange, NewEntryPoint, NewFallback, NewFlow, NewVersion, Saved, StoreError,
};

use crate::{Home, home};

fn draft<'a>(name: &'a str, document: &'a str) -> NewFlow<'a> {
    NewFlow {
        name,
        title: "Front desk",
        document,
        problems: 3,
        changed_by: "anna@demo.local",
    }
}

fn version<'a>(name: &'a str, component: &'a [u8], settings: Option<&'a str>) -> NewVersion<'a> {
    NewVersion {
        name,
        world: "call-scenario",
        component,
        note: "",
        signature: None,
        imports: None,
        settings,
        from_flow: true,
    }
}

async fn told(home: &Home, scope: &tandem_store::DomainScope, number: &str) -> String {
    home.starts(scope, number).await.unwrap().unwrap().active.config
}

#[tokio::test]
async fn a_draft_is_saved_listed_and_deleted_by_its_own_domain() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let saved = home.save_flow(&ours, &draft("desk", "{\"flow\": 1}")).await;
    assert_eq!(saved.unwrap(), Saved::Created);
    let saved = home.save_flow(&ours, &draft("desk", "{\"flow\": 2}")).await;
    assert_eq!(saved.unwrap(), Saved::Changed);
    home.save_flow(&ours, &draft("night", "{}")).await.unwrap();
    let document = home.flow_document(&ours, "desk").await.unwrap();
    assert_eq!(document.as_deref(), Some("{\"flow\": 2}"), "as it was written");
    let desk = home.flow(&ours, "desk").await.unwrap().unwrap();
    assert_eq!(
        (desk.title.as_str(), desk.changed_by.as_str(), desk.problems),
        ("Front desk", "anna@demo.local", 3)
    );
    let page = |after: &'static str, limit| home.flows_page(&ours, after, limit);
    let names = |flows: Vec<tandem_store::Flow>| flows.into_iter().map(|flow| flow.name).collect::<Vec<_>>();
    assert_eq!(names(page("", 10).await.unwrap()), ["desk", "night"]);
    assert_eq!(names(page("desk", 10).await.unwrap()), ["night"]);
    assert_eq!(names(page("", 1).await.unwrap()), ["desk"]);

    assert_eq!(home.flow(&theirs, "desk").await.unwrap(), None);
    assert_eq!(home.flow_document(&theirs, "desk").await.unwrap(), None);
    assert!(home.flow_names(&theirs).await.unwrap().is_empty());
    assert!(home.flows_page(&theirs, "", 10).await.unwrap().is_empty());
    let deleted = home.delete_flow(&theirs, "desk").await;
    assert!(matches!(deleted, Err(StoreError::NotFound { .. })));

    home.delete_flow(&ours, "desk").await.unwrap();
    assert_eq!(home.flow_names(&ours).await.unwrap(), ["night"]);
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let long = "x".repeat(DOCUMENT_MOST + 1);
    let saved = home.save_flow(&ours, &draft("desk", &long)).await;
    assert!(matches!(saved, Err(StoreError::TooLarge { .. })));
    let saved = home.save_flow(&ours, &draft("a b", "{}")).await;
    assert!(matches!(saved, Err(StoreError::Invalid { .. })));
    let settings = "1".repeat((256 << 10) + 1);
    let put = home
        .put_version(&ours, &version("desk", b"c", Some(&settings)))
        .await;
    assert!(matches!(put, Err(StoreError::TooLarge { .. })));
}

/// Neither a flow under the name of an upload, nor an upload under the name of a flow.
#[tokio::test]
async fn flows_and_uploads_do_not_share_a_name() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    home.put_module(&ours, "menu", "call-scenario", b"uploaded")
        .await
        .unwrap();
    let taken = [
        home.save_flow(&ours, &draft("menu", "{}")).await.map(drop),
        home.put_version(&ours, &version("menu", b"c", None))
            .await
            .map(drop),
    ];
    home.save_flow(&ours, &draft("desk", "{}")).await.unwrap();
    home.put_version(&ours, &version("desk", b"c", None))
        .await
        .unwrap();
    let uploaded = home.put_module(&ours, "desk", "call-scenario", b"uploaded").await;
    for taken in taken.into_iter().chain([uploaded.map(drop)]) {
        assert!(matches!(taken, Err(StoreError::Exists { .. })), "{taken:?}");
    }
    let listed = home.modules(&ours).await.unwrap();
    let of: Vec<(&str, bool)> = listed.iter().map(|m| (m.name.as_str(), m.from_flow)).collect();
    assert_eq!(of, [("desk", true), ("menu", false)]);
}

#[tokio::test]
async fn settings_go_with_the_version_where_the_activation_has_none() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let first = home
        .put_version(&ours, &version("desk", b"1", Some("[1]")))
        .await
        .unwrap();
    home.add_entry_point(&ours, &NewEntryPoint::new("300", "desk"))
        .await
        .unwrap();
    assert_eq!(told(&home, &ours, "300").await, "[1]");
    assert_eq!(
        home.entry_point(&ours, "300").await.unwrap().unwrap().config,
        "{}",
        "what was set is another thing"
    );

    // A canary has its own, also before it is promoted; a step back takes the former ones along.
    let second = home
        .put_version(&ours, &version("desk", b"2", Some("[2]")))
        .await
        .unwrap();
    let change = CanaryChange {
        version: Some(second.hash.clone()),
        share_percent: Some(10),
        ..CanaryChange::default()
    };
    home.set_canary(&ours, "300", &change).await.unwrap();
    let starts = home.starts(&ours, "300").await.unwrap().unwrap();
    let canary = starts.canary.unwrap();
    assert_eq!(
        (canary.share_percent, canary.entry.hash.as_str()),
        (10, second.hash.as_str())
    );
    assert_eq!(
        (starts.active.config.as_str(), canary.entry.config.as_str()),
        ("[1]", "[2]")
    );
    home.promote(&ours, "300").await.unwrap();
    assert_eq!(told(&home, &ours, "300").await, "[2]");
    home.roll_back(&ours, "300").await.unwrap();
    let starts = home.starts(&ours, "300").await.unwrap().unwrap();
    assert_eq!(
        (starts.active.config.as_str(), &starts.active.hash),
        ("[1]", &first.hash)
    );

    // A fall-back's too.
    let fallback = NewFallback::Scenario {
        module: "desk".to_owned(),
        version: Some(second.hash),
        config: "{}".to_owned(),
    };
    home.set_fallback(&ours, "300", &fallback).await.unwrap();
    let starts = home.starts(&ours, "300").await.unwrap().unwrap();
    assert_eq!(starts.fallback.unwrap().config, "[2]");

    // The activation's own take the place of all of them.
    let change = EntryPointChange {
        config: Some("{\"own\":1}".to_owned()),
        ..EntryPointChange::default()
    };
    home.set_entry_point(&ours, "300", &change).await.unwrap();
    assert_eq!(told(&home, &ours, "300").await, "{\"own\":1}");
    let theirs = home.domain("other.local").await;
    assert_eq!(home.starts(&theirs, "300").await.unwrap(), None);
}

#[tokio::test]
async fn a_publication_starts_on_all_its_numbers_or_on_none() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    home.put_module(&ours, "entry", "call-scenario", b"entry")
        .await
        .unwrap();
    for number in ["300", "301"] {
        let other = NewEntryPoint {
            config: "{\"others\":1}".to_owned(),
            ..NewEntryPoint::new(number, "entry")
        };
        home.add_entry_point(&ours, &other).await.unwrap();
    }
    home.save_flow(&ours, &draft("desk", "{}")).await.unwrap();
    let first = home
        .put_version(&ours, &version("desk", b"1", Some("[1]")))
        .await
        .unwrap();
    let numbers = |numbers: &[&str]| numbers.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let half = home
        .start_on(&ours, &numbers(&["300", "999"]), "desk", &first.hash)
        .await;
    assert!(matches!(half, Err(StoreError::NotFound { .. })));
    assert_eq!(told(&home, &ours, "300").await, "{\"others\":1}");

    let both = numbers(&["300", "301"]);
    home.start_on(&ours, &both, "desk", &first.hash).await.unwrap();
    assert_eq!(told(&home, &ours, "301").await, "[1]");
    assert_eq!(home.flow(&ours, "desk").await.unwrap().unwrap().numbers, both);
    let second = home
        .put_version(&ours, &version("desk", b"2", Some("[2]")))
        .await
        .unwrap();
    home.start_on(&ours, &numbers(&["300"]), "desk", &second.hash)
        .await
        .unwrap();
    assert_eq!(told(&home, &ours, "300").await, "[2]");
    home.roll_back(&ours, "300").await.unwrap();
    assert_eq!(told(&home, &ours, "300").await, "[1]");

    match home.delete_flow(&ours, "desk").await {
        Err(StoreError::InUse { what: "flow", by, .. }) => assert!(by.contains("301"), "{by}"),
        other => panic!("{other:?}"),
    }
    let theirs = home.domain("other.local").await;
    let foreign = home.start_on(&theirs, &both, "desk", &first.hash).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
}
