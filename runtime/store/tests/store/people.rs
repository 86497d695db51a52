//! People who log in, and what is written down of what they change.

use std::time::Duration;

use tandem_store::{
    AccountChange, AuditFilter, AuditPage, DomainScope, NewAccount, NewAuditEntry, Role, Secret,
    SessionLasts, Store, StoreError,
};

use crate::{home, new_user};

async fn note(store: &Store, home: Option<&DomainScope>, who: &str, action: &str, what: &str) {
    let entry = NewAuditEntry {
        who,
        address: "192.0.2.7",
        action,
        what,
        before: None,
        after: None,
    };
    store.note_audit(home, &entry).await.unwrap();
}

fn whats(page: &AuditPage) -> Vec<&str> {
    page.entries.iter().map(|entry| entry.what.as_str()).collect()
}

#[tokio::test]
async fn changes_are_found_by_who_what_action_and_time_and_only_those_of_the_home() {
    let store = home().await;
    let one = store.domain("one.example").await;
    let two = store.domain("two.example").await;
    note(&store, Some(&one), "anna@one.example", "create", "user 301").await;
    note(&store, Some(&one), "token:50%", "change", "user 301").await;
    note(&store, Some(&one), "anna@one.example", "remove", "number 100").await;
    note(&store, Some(&two), "anna@two.example", "create", "user 301").await;
    note(&store, None, "admin", "create", "domain one.example").await;

    let filter = |set: fn(&mut AuditFilter)| {
        let mut filter = AuditFilter::default();
        set(&mut filter);
        filter
    };
    let all = store.audit(Some(&one), &AuditFilter::default()).await.unwrap();
    assert_eq!(whats(&all), ["number 100", "user 301", "user 301"]);
    assert_eq!(all.next, None);
    let who = filter(|filter| filter.who = Some("ANNA".into()));
    let who = store.audit(Some(&one), &who).await.unwrap();
    assert_eq!(whats(&who), ["number 100", "user 301"]);
    let percent = filter(|filter| filter.who = Some("50%".into()));
    assert_eq!(store.audit(Some(&one), &percent).await.unwrap().entries.len(), 1);
    let what = filter(|filter| (filter.what, filter.action) = (Some("301".into()), Some("create".into())));
    assert_eq!(
        whats(&store.audit(Some(&one), &what).await.unwrap()),
        ["user 301"]
    );
    let words = filter(|filter| filter.words = Some("192.0.2".into()));
    assert_eq!(store.audit(None, &words).await.unwrap().entries.len(), 1);

    let at = who.entries[0].at;
    let since = AuditFilter {
        since: Some(at),
        ..AuditFilter::default()
    };
    assert_eq!(
        whats(&store.audit(Some(&one), &since).await.unwrap()),
        ["number 100"]
    );
    let until = AuditFilter {
        until: Some(at),
        ..AuditFilter::default()
    };
    assert_eq!(
        whats(&store.audit(Some(&one), &until).await.unwrap()),
        ["user 301", "user 301"]
    );

    let first = AuditFilter {
        limit: Some(2),
        ..AuditFilter::default()
    };
    let next = store.audit(Some(&one), &first).await.unwrap().next;
    let second = AuditFilter {
        before: next,
        ..first
    };
    assert_eq!(
        whats(&store.audit(Some(&one), &second).await.unwrap()),
        ["user 301"]
    );
    let long = AuditFilter {
        what: Some("x".repeat(257)),
        ..AuditFilter::default()
    };
    assert!(matches!(
        store.audit(Some(&one), &long).await,
        Err(StoreError::Invalid { what: "what", .. })
    ));
}

/// What somebody may is asked anew once it is another: his sessions end.
#[tokio::test]
async fn an_account_takes_another_role_or_user_and_its_sessions_end() {
    let store = home().await;
    let scope = store.domain("a.example").await;
    for name in ["301", "302"] {
        store.create_user(&scope, &new_user(name)).await.unwrap();
    }
    let domain = Some(&scope);
    let new = NewAccount {
        name: "anna",
        display_name: "",
        role: Role::Supervisor,
        user: None,
        password: "$argon2id$",
    };
    let login = store.add_account(domain, &new).await.unwrap().login;
    let secret = Secret::new([7; 32]);
    let lasts = SessionLasts {
        idle: Duration::from_mins(1),
        whole: Duration::from_mins(1),
    };
    store.open_session(&login, &secret, "csrf", lasts).await.unwrap();

    let change = |role, user| AccountChange {
        role,
        user,
        ..AccountChange::default()
    };
    for (wrong, at) in [
        (change(Some(Role::User), None), "user"),
        (change(None, Some("301")), "user"),
        (change(Some(Role::System), None), "role"),
    ] {
        let error = store.set_account(domain, &login, &wrong).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Invalid { what, .. } if what == at),
            "{error}"
        );
    }
    let nobody = change(Some(Role::User), Some("399"));
    assert!(matches!(
        store.set_account(domain, &login, &nobody).await,
        Err(StoreError::NotFound { what: "user", .. })
    ));
    let same = change(Some(Role::Supervisor), None);
    store.set_account(domain, &login, &same).await.unwrap();
    assert!(store.session_stands(&secret, lasts).await.unwrap());

    let user = change(Some(Role::User), Some("301"));
    let user = store.set_account(domain, &login, &user).await.unwrap();
    assert_eq!((user.role, user.user.as_deref()), (Role::User, Some("301")));
    assert!(!store.session_stands(&secret, lasts).await.unwrap());
    let other = store
        .set_account(domain, &login, &change(None, Some("302")))
        .await
        .unwrap();
    assert_eq!(other.user.as_deref(), Some("302"));
    let back = change(Some(Role::Administrator), None);
    let back = store.set_account(domain, &login, &back).await.unwrap();
    assert_eq!((back.role, back.user), (Role::Administrator, None));
}
