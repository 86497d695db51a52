//! Tokens: what opens a domain, and nothing else.

use std::time::Duration;

use tandem_store::{Secret, StoreError, TokenScope};

use crate::home;

const READ: &[TokenScope] = &[TokenScope::ScenariosRead];

#[tokio::test]
async fn a_token_opens_its_own_domain_for_what_it_may() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    let secret = Secret::new([1; 32]);
    let scopes = [
        TokenScope::ScenariosWrite,
        TokenScope::ScenariosRead,
        TokenScope::ScenariosRead,
    ];
    let token = home.add_token(&ours, "ci", &scopes, None, &secret).await.unwrap();
    assert_eq!(
        token.scopes,
        [TokenScope::ScenariosRead, TokenScope::ScenariosWrite]
    );
    let bearer = home.bearer(&secret).await.unwrap().unwrap();
    assert_eq!((&bearer.scope, &bearer.token.name), (&ours, &token.name));
    assert!(home.bearer(&Secret::new([2; 32])).await.unwrap().is_none());

    // The time of its use is written once in an hour.
    let used = home.tokens(&ours).await.unwrap()[0].last_used_at.unwrap();
    home.bearer(&secret).await.unwrap().unwrap();
    assert_eq!(home.tokens(&ours).await.unwrap()[0].last_used_at, Some(used));

    assert!(home.tokens(&theirs).await.unwrap().is_empty());
    let removed = home.remove_token(&theirs, "ci").await;
    assert!(matches!(removed, Err(StoreError::NotFound { .. })));
    home.remove_token(&ours, "ci").await.unwrap();
    assert!(home.bearer(&secret).await.unwrap().is_none());
}

#[tokio::test]
async fn an_expired_token_and_one_of_a_deleted_domain_open_nothing() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let (brief, lasting) = (Secret::new([1; 32]), Secret::new([2; 32]));
    let soon = Some(Duration::from_millis(1));
    home.add_token(&ours, "brief", READ, soon, &brief).await.unwrap();
    let month = Some(Duration::from_hours(720));
    home.add_token(&ours, "lasting", READ, month, &lasting)
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(home.bearer(&brief).await.unwrap().is_none());
    assert!(home.bearer(&lasting).await.unwrap().is_some());
    home.delete_domain(&ours).await.unwrap();
    assert!(home.bearer(&lasting).await.unwrap().is_none());
}

#[tokio::test]
async fn what_cannot_be_a_token_is_refused() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    let secret = Secret::new([1; 32]);
    let refused = home.add_token(&ours, "a b", READ, None, &secret).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    let refused = home.add_token(&ours, "none", &[], None, &secret).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })));
    let for_ever = Some(Duration::from_secs(u64::MAX));
    let refused = home.add_token(&ours, "long", READ, for_ever, &secret).await;
    assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{refused:?}");
    for number in 0..100 {
        let secret = Secret::new([number; 32]);
        home.add_token(&ours, &format!("t{number}"), READ, None, &secret)
            .await
            .unwrap();
    }
    let refused = home
        .add_token(&ours, "more", READ, None, &Secret::new([200; 32]))
        .await;
    assert!(matches!(refused, Err(StoreError::TooMany { .. })));
    let refused = home
        .add_token(&ours, "t1", READ, None, &Secret::new([200; 32]))
        .await;
    assert!(matches!(
        refused,
        Err(StoreError::TooMany { .. } | StoreError::Exists { .. })
    ));
}
