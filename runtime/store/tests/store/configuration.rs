//! Domains, users, numbers, entry points: what an administrator configures.

use std::fmt::Write as _;

use tandem_store::{EntryPointChange, LineFault, NewDomain, NewEntryPoint, StoreError, UserFile};

use crate::{home, new_user, secret};

#[tokio::test]
async fn domains_come_and_go() {
    let home = home().await;
    let new = NewDomain {
        name: "Demo.Local".to_owned(),
        realm: Some("Demo house".to_owned()),
        time_zone: "UTC".to_owned(),
        language: "ru".to_owned(),
    };
    let made = home.create_domain(&new).await.unwrap();
    assert_eq!(
        (made.name.as_str(), made.realm.as_str(), made.language.as_str()),
        ("demo.local", "Demo house", "ru")
    );
    home.create_domain(&NewDomain::named("a.example")).await.unwrap();

    let names: Vec<_> = home
        .domains()
        .await
        .unwrap()
        .into_iter()
        .map(|domain| domain.name)
        .collect();
    assert_eq!(names, ["a.example", "demo.local"]);
    let scope = home.domain_scope("DEMO.local").await.unwrap();
    assert_eq!(home.store.domain(&scope).await.unwrap(), made);
    assert_eq!(
        home.find_domain("demo.LOCAL").await.unwrap(),
        Some((scope.clone(), made))
    );
    assert_eq!(home.find_domain("other").await.unwrap(), None);
    assert_eq!(home.find_domain(&"a".repeat(10_000)).await.unwrap(), None);

    let again = home.create_domain(&NewDomain::named("demo.LOCAL")).await;
    assert!(
        matches!(again, Err(StoreError::Exists { what: "domain", .. })),
        "{again:?}"
    );
    home.delete_domain(&scope).await.unwrap();
    assert!(matches!(
        home.domain_scope("demo.local").await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        home.delete_domain(&scope).await,
        Err(StoreError::NotFound { .. })
    ));
}

/// A scope is of one domain, not of whoever has its name.
#[tokio::test]
async fn a_scope_does_not_pass_to_a_new_domain_of_the_same_name() {
    let home = home().await;
    let before = home.domain("demo.local").await;
    home.create_user(&before, &new_user("301")).await.unwrap();
    home.delete_domain(&before).await.unwrap();
    let after = home.domain("demo.local").await;
    assert_ne!(before, after);
    home.create_user(&after, &new_user("302")).await.unwrap();

    assert!(home.users(&before).await.unwrap().is_empty());
    let refused = home.create_user(&before, &new_user("303")).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "domain", .. })),
        "{refused:?}"
    );
    assert!(matches!(
        home.kv_set(&before, "k", b"v", 100).await,
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(
        home.put_module(&before, "m", "call-scenario", b"x").await,
        Err(StoreError::NotFound { .. })
    ));
}

#[tokio::test]
async fn users_come_change_and_go() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let made = home.create_user(&scope, &new_user("302")).await.unwrap();
    home.create_user(&scope, &new_user("301")).await.unwrap();
    assert_eq!(made.display_name, "User 302");
    assert_eq!(home.user(&scope, "302").await.unwrap(), Some(made));
    let names: Vec<_> = home
        .users(&scope)
        .await
        .unwrap()
        .into_iter()
        .map(|user| user.name)
        .collect();
    assert_eq!(names, ["301", "302"]);

    assert_eq!(home.credentials(&scope, "301").await.unwrap(), Some(secret("a")));
    home.set_user_credentials(&scope, "301", &secret("b"))
        .await
        .unwrap();
    assert_eq!(home.credentials(&scope, "301").await.unwrap(), Some(secret("b")));
    assert_eq!(home.credentials(&scope, "302").await.unwrap(), Some(secret("a")));
    assert!(matches!(
        home.set_user_credentials(&scope, "301", &secret("B")).await,
        Err(StoreError::Invalid { .. })
    ));

    home.delete_user(&scope, "301").await.unwrap();
    assert_eq!(home.user(&scope, "301").await.unwrap(), None);
    assert_eq!(home.credentials(&scope, "301").await.unwrap(), None);
    assert!(matches!(
        home.delete_user(&scope, "301").await,
        Err(StoreError::NotFound { .. })
    ));
    let gone = home.set_user_credentials(&scope, "301", &secret("b")).await;
    assert!(matches!(gone, Err(StoreError::NotFound { what: "user", .. })));
}

#[tokio::test]
async fn several_users_are_made_together_or_not_at_all() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    home.create_user(&scope, &new_user("302")).await.unwrap();
    let refused = home
        .create_users(&scope, &[new_user("301"), new_user("302")])
        .await;
    assert!(
        matches!(&refused, Err(StoreError::Exists { name, .. }) if name == "302"),
        "{refused:?}"
    );
    assert_eq!(home.users(&scope).await.unwrap().len(), 1);
    let many: Vec<_> = (1_000..2_000)
        .map(|number| new_user(&number.to_string()))
        .collect();
    assert_eq!(home.create_users(&scope, &many).await.unwrap().len(), 1_000);
}

/// What an administrator has from elsewhere comes in one transaction, within seconds.
#[tokio::test]
async fn a_file_of_ten_thousand_users_is_taken_at_once_or_not_at_all() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let theirs = home.domain("theirs.local").await;
    let mut text = "name,display_name,numbers\n".to_owned();
    for number in 10_000..20_000 {
        writeln!(text, "{number},\"Ann, {number}\",+49{number} {number}#").unwrap();
    }
    let mut file = UserFile::read(text.as_bytes());
    home.check_user_file(&scope, &mut file).await.unwrap();
    assert_eq!((file.users.len(), &file.problems[..]), (10_000, &[][..]));
    let new: Vec<_> = file
        .users
        .iter()
        .map(|user| (new_user(&user.name), user.numbers.clone()))
        .collect();
    home.import_users(&scope, &new).await.unwrap();
    assert_eq!(home.users(&scope).await.unwrap().len(), 10_000);
    assert_eq!(home.user_numbers(&scope).await.unwrap().len(), 20_000);
    assert_eq!(home.users(&theirs).await.unwrap(), []);

    // What is there already is told; what somebody took after the look undoes all.
    let again = "name,numbers\n9,\n10000,\n8,+4919999\n";
    let mut file = UserFile::read(again.as_bytes());
    home.check_user_file(&scope, &mut file).await.unwrap();
    let told: Vec<_> = file
        .problems
        .iter()
        .map(|problem| (problem.line, problem.code))
        .collect();
    assert_eq!(told, [(3, LineFault::NameThere), (4, LineFault::NumberThere)]);
    let new = [
        (new_user("9"), Vec::new()),
        (new_user("8"), vec!["+4919999".to_owned()]),
    ];
    let refused = home.import_users(&scope, &new).await;
    assert!(
        matches!(&refused, Err(StoreError::Exists { what: "number", .. })),
        "{refused:?}"
    );
    assert_eq!(home.user(&scope, "9").await.unwrap(), None);
    home.check_user_file(&theirs, &mut UserFile::default())
        .await
        .unwrap();
    home.import_users(&theirs, &new).await.unwrap();
}

#[tokio::test]
async fn numbers_come_and_go_with_their_user_at_the_latest() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let anna = home.create_user(&scope, &new_user("301")).await.unwrap();
    home.create_user(&scope, &new_user("302")).await.unwrap();
    let made = home.add_user_number(&scope, "+49301", "301").await.unwrap();
    assert_eq!((made.number.as_str(), made.user.as_str()), ("+49301", "301"));
    for (number, user) in [("*61#", "301"), ("0302", "302")] {
        home.add_user_number(&scope, number, user).await.unwrap();
    }
    let numbers = async || -> Vec<(String, String)> {
        let all = home.user_numbers(&scope).await.unwrap();
        all.into_iter().map(|one| (one.number, one.user)).collect()
    };
    let pair = |number: &str, user: &str| (number.to_owned(), user.to_owned());
    assert_eq!(
        numbers().await,
        [pair("*61#", "301"), pair("+49301", "301"), pair("0302", "302")]
    );
    assert_eq!(home.user_of_number(&scope, "*61#").await.unwrap(), Some(anna));
    for nobodys in ["301", "49301", "", "+49301 "] {
        assert_eq!(home.user_of_number(&scope, nobodys).await.unwrap(), None);
    }

    // A number leads to one user only, its own included.
    for user in ["301", "302"] {
        let again = home.add_user_number(&scope, "+49301", user).await;
        assert!(
            matches!(&again, Err(StoreError::Exists { what: "number", name }) if name == "+49301"),
            "{again:?}"
        );
    }
    let nobody = home.add_user_number(&scope, "0399", "399").await;
    assert!(
        matches!(&nobody, Err(StoreError::NotFound { what: "user", name }) if name == "399"),
        "{nobody:?}"
    );
    let invalid = home.add_user_number(&scope, "3X", "301").await;
    assert!(
        matches!(invalid, Err(StoreError::Invalid { what: "number", .. })),
        "{invalid:?}"
    );
    let long = home.add_user_number(&scope, &"3".repeat(65), "301").await;
    assert!(matches!(long, Err(StoreError::TooLarge { .. })), "{long:?}");

    home.remove_user_number(&scope, "*61#").await.unwrap();
    let gone = home.remove_user_number(&scope, "*61#").await;
    assert!(
        matches!(gone, Err(StoreError::NotFound { what: "number", .. })),
        "{gone:?}"
    );
    home.delete_user(&scope, "301").await.unwrap();
    assert_eq!(numbers().await, [pair("0302", "302")]);
    // A number that was freed may be given again.
    home.add_user_number(&scope, "+49301", "302").await.unwrap();
    home.delete_domain(&scope).await.unwrap();
    assert!(numbers().await.is_empty());
}

#[tokio::test]
async fn entry_points_come_change_and_go() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let first = home
        .put_module(&scope, "flow", "call-scenario", b"first")
        .await
        .unwrap();
    let second = home
        .put_module(&scope, "flow", "call-scenario", b"second")
        .await
        .unwrap();

    let mut new = NewEntryPoint::new("300", "flow");
    new.title = "Menu".to_owned();
    new.config = r#"{"greeting":"hello"}"#.to_owned();
    let made = home.add_entry_point(&scope, &new).await.unwrap();
    assert_eq!(made.hash, second.hash, "the newest version");
    assert_eq!(
        (made.fallback_cause.as_str(), made.fallback_status()),
        ("unavailable", 480)
    );
    assert_eq!(home.entry_point(&scope, "300").await.unwrap(), Some(made.clone()));
    let again = home.add_entry_point(&scope, &new).await;
    assert!(
        matches!(
            again,
            Err(StoreError::Exists {
                what: "entry point",
                ..
            })
        ),
        "{again:?}"
    );

    let pinned = NewEntryPoint {
        hash: Some(first.hash.clone()),
        ..NewEntryPoint::new("3XX", "flow")
    };
    assert_eq!(
        home.add_entry_point(&scope, &pinned).await.unwrap().hash,
        first.hash
    );
    assert_eq!(home.entry_point_numbers(&scope).await.unwrap(), ["300", "3XX"]);
    assert_eq!(home.entry_points(&scope).await.unwrap()[0], made);

    let change = EntryPointChange {
        fallback_cause: Some("486".to_owned()),
        ..EntryPointChange::default()
    };
    let changed = home.set_entry_point(&scope, "300", &change).await.unwrap();
    assert_eq!(changed.fallback_status(), 486);
    assert_eq!(
        (&changed.config, &changed.hash, &changed.title),
        (&made.config, &made.hash, &made.title)
    );
    let change = EntryPointChange {
        title: Some("Other".to_owned()),
        module: Some(("flow".to_owned(), Some(first.hash.clone()))),
        config: Some("[]".to_owned()),
        ..EntryPointChange::default()
    };
    let changed = home.set_entry_point(&scope, "300", &change).await.unwrap();
    assert_eq!(
        (changed.title.as_str(), &changed.hash, changed.config.as_str()),
        ("Other", &first.hash, "[]")
    );
    assert_eq!(home.entry_point(&scope, "300").await.unwrap(), Some(changed));

    home.remove_entry_point(&scope, "300").await.unwrap();
    assert_eq!(home.entry_point(&scope, "300").await.unwrap(), None);
    assert!(matches!(
        home.remove_entry_point(&scope, "300").await,
        Err(StoreError::NotFound { .. })
    ));
    let gone = home
        .set_entry_point(&scope, "300", &EntryPointChange::default())
        .await;
    assert!(
        matches!(
            gone,
            Err(StoreError::NotFound {
                what: "entry point",
                ..
            })
        ),
        "{gone:?}"
    );
}

#[tokio::test]
async fn an_entry_point_needs_a_module_of_its_domain() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    let other = home.domain("other.local").await;
    let theirs = home
        .put_module(&other, "flow", "call-scenario", b"theirs")
        .await
        .unwrap();
    let missing = home
        .add_entry_point(&scope, &NewEntryPoint::new("300", "flow"))
        .await;
    assert!(matches!(&missing, Err(StoreError::NotFound { what: "module", name }) if name == "flow"));
    home.put_module(&scope, "flow", "call-scenario", b"ours")
        .await
        .unwrap();
    let pinned = NewEntryPoint {
        hash: Some(theirs.hash),
        ..NewEntryPoint::new("300", "flow")
    };
    assert!(matches!(
        home.add_entry_point(&scope, &pinned).await,
        Err(StoreError::NotFound { .. })
    ));
}

#[tokio::test]
async fn bad_values_are_refused_with_their_reason() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    home.put_module(&scope, "flow", "call-scenario", b"x")
        .await
        .unwrap();
    let good = NewEntryPoint::new("300", "flow");
    for (bad, what) in [
        (
            NewEntryPoint {
                number: String::new(),
                ..good.clone()
            },
            "number",
        ),
        (
            NewEntryPoint {
                number: "3 0".to_owned(),
                ..good.clone()
            },
            "number",
        ),
        (
            NewEntryPoint {
                title: "a\nb".to_owned(),
                ..good.clone()
            },
            "title",
        ),
        (
            NewEntryPoint {
                config: "not json".to_owned(),
                ..good.clone()
            },
            "config",
        ),
        (
            NewEntryPoint {
                fallback_cause: "200".to_owned(),
                ..good.clone()
            },
            "fallback cause",
        ),
    ] {
        match home.add_entry_point(&scope, &bad).await {
            Err(StoreError::Invalid { what: said, .. }) => assert_eq!(said, what),
            other => panic!("{what}: {other:?}"),
        }
    }
    let zone = NewDomain {
        time_zone: "Mars/Olympus".to_owned(),
        ..NewDomain::named("mars.local")
    };
    let refused = home.create_domain(&zone).await.unwrap_err();
    assert!(refused.to_string().contains("Mars/Olympus"), "{refused}");
}

/// What a cache relies on: each change counts, and nothing else does.
#[tokio::test]
async fn the_directory_revision_counts_changes() {
    let home = home().await;
    let scope = home.domain("demo.local").await;
    home.put_module(&scope, "flow", "call-scenario", b"x")
        .await
        .unwrap();
    let start = home.directory_revision().await.unwrap();
    let epoch = home.directory_epoch();
    home.create_user(&scope, &new_user("301")).await.unwrap();
    home.set_user_credentials(&scope, "301", &secret("b"))
        .await
        .unwrap();
    home.add_user_number(&scope, "+49301", "301").await.unwrap();
    home.remove_user_number(&scope, "+49301").await.unwrap();
    home.add_entry_point(&scope, &NewEntryPoint::new("300", "flow"))
        .await
        .unwrap();
    home.set_entry_point(&scope, "300", &EntryPointChange::default())
        .await
        .unwrap();
    home.remove_entry_point(&scope, "300").await.unwrap();
    home.delete_user(&scope, "301").await.unwrap();
    home.delete_domain(&scope).await.unwrap();
    let other = home.domain("other.local").await;
    assert_eq!(home.directory_revision().await.unwrap(), start + 10);
    assert_eq!(home.directory_epoch(), epoch + 10);

    home.kv_set(&other, "k", b"v", 100).await.unwrap();
    home.insert_call(&other, &crate::call("1", 0), None)
        .await
        .unwrap();
    assert!(home.delete_user(&other, "nobody").await.is_err());
    assert!(home.add_user_number(&other, "1", "nobody").await.is_err());
    assert!(home.remove_user_number(&other, "1").await.is_err());
    assert_eq!(home.directory_revision().await.unwrap(), start + 10);
    assert_eq!(home.directory_epoch(), epoch + 10);
}
