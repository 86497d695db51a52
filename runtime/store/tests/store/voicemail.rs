//! Voicemail: caps, retention, files that go with their messages, domains that see nothing of each other.

use std::path::PathBuf;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tandem_store::{
    DomainScope, Keep, NewVoicemail, Store, StoreError, Voicemail, VoicemailCap, VoicemailState,
};

use crate::{Home, home, new_user};

const CAP: VoicemailCap = VoicemailCap {
    messages: 3,
    bytes: 1_000,
};
const DAY: Duration = Duration::from_hours(24);

fn file(store: &Store, scope: &DomainScope, name: &str) -> PathBuf {
    let folder = store.directory().join("recordings").join(scope.name());
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.wav"))
}

/// Stores a recording that is there.
async fn store(
    home: &Home,
    scope: &DomainScope,
    box_name: &str,
    recording: &str,
) -> Result<Voicemail, StoreError> {
    let new = NewVoicemail {
        recording,
        caller: ["301", "demo.local", "Ann"],
        duration: Duration::from_secs(2),
    };
    home.store_voicemail(scope, box_name, new, CAP).await
}

fn record(home: &Home, scope: &DomainScope, name: &str, bytes: usize) {
    std::fs::write(file(home, scope, name), vec![0; bytes]).unwrap();
}

async fn recordings(home: &Home, scope: &DomainScope, box_name: &str) -> Vec<String> {
    let listed = home.list_voicemail(scope, box_name, None, 0, 100).await.unwrap();
    listed.into_iter().map(|message| message.recording).collect()
}

#[tokio::test]
async fn a_recording_is_one_message_however_often_it_is_stored() {
    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    for scope in [&ours, &theirs] {
        home.create_users(scope, &[new_user("301"), new_user("302")])
            .await
            .unwrap();
    }
    record(&home, &ours, "recording-a-0", 100);
    let stored = store(&home, &ours, "301", "recording-a-0").await.unwrap();
    assert_eq!((stored.bytes, stored.state), (100, VoicemailState::New));
    assert_eq!(store(&home, &ours, "301", "recording-a-0").await.unwrap(), stored);
    let elsewhere = store(&home, &ours, "302", "recording-a-0").await;
    assert!(
        matches!(elsewhere, Err(StoreError::Invalid { .. })),
        "{elsewhere:?}"
    );
    let not_theirs = store(&home, &theirs, "301", "recording-a-0").await;
    assert!(matches!(
        not_theirs,
        Err(StoreError::NotFound {
            what: "recording",
            ..
        })
    ));
    assert!(recordings(&home, &theirs, "301").await.is_empty());
    assert!(!home.delete_voicemail(&theirs, "301", stored.id).await.unwrap());
    assert!(!home.delete_voicemail(&ours, "302", stored.id).await.unwrap());
    assert_eq!(
        home.voicemail_box_of(&theirs, "recording-a-0").await.unwrap(),
        None
    );
    let kept = home.voicemail_box_of(&ours, "recording-a-0").await.unwrap();
    assert_eq!(kept.as_deref(), Some("301"));
    for name in ["../x", "recording-a-0.wav", ""] {
        let refused = store(&home, &ours, "301", name).await;
        assert!(matches!(refused, Err(StoreError::Invalid { .. })), "{name}");
    }
    assert!(home.delete_voicemail(&ours, "301", stored.id).await.unwrap());
    assert!(!file(&home, &ours, "recording-a-0").exists());
    assert!(!home.delete_voicemail(&ours, "301", stored.id).await.unwrap());
}

#[tokio::test]
async fn a_box_and_a_domain_have_a_bound() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    home.create_users(&ours, &[new_user("301")]).await.unwrap();
    home.set_voicemail_box(&ours, "sales", Keep::ForEver)
        .await
        .unwrap();
    for number in 0..5 {
        record(&home, &ours, &format!("recording-{number}"), 300);
    }
    for number in 0..3 {
        store(&home, &ours, "301", &format!("recording-{number}"))
            .await
            .unwrap();
    }
    let full = store(&home, &ours, "301", "recording-3").await;
    assert!(
        matches!(full, Err(StoreError::TooMany { most: 3, .. })),
        "{full:?}"
    );
    let full = store(&home, &ours, "sales", "recording-3").await;
    assert!(
        matches!(
            full,
            Err(StoreError::VoicemailFull {
                would_be_bytes: 1_200,
                cap_bytes: 1_000
            })
        ),
        "{full:?}"
    );
    let newest = home.list_voicemail(&ours, "301", None, 0, 1).await.unwrap();
    home.delete_voicemail(&ours, "301", newest[0].id).await.unwrap();
    store(&home, &ours, "sales", "recording-3").await.unwrap();
    let in_use = home.remove_voicemail_box(&ours, "sales").await;
    assert!(matches!(in_use, Err(StoreError::InUse { .. })));
    assert_eq!(
        recordings(&home, &ours, "301").await,
        ["recording-1", "recording-0"]
    );
    let second = home.list_voicemail(&ours, "301", None, 1, 10).await.unwrap();
    assert_eq!(second[0].recording, "recording-0");
    home.mark_voicemail(&ours, "301", second[0].id, VoicemailState::Heard)
        .await
        .unwrap();
    let counts = home.count_voicemail(&ours, "301").await.unwrap();
    assert_eq!((counts.new, counts.heard, counts.saved), (1, 1, 0));
    let boxes = home.voicemail_boxes(&ours).await.unwrap();
    let shown: Vec<_> = boxes
        .iter()
        .map(|one| (one.name.as_str(), one.of_user, one.messages.new))
        .collect();
    assert_eq!(shown, [("301", true, 1), ("sales", false, 1)]);
    let unknown = home.count_voicemail(&ours, "nobody").await;
    assert!(matches!(
        unknown,
        Err(StoreError::NotFound {
            what: "voicemail box",
            ..
        })
    ));
}

#[tokio::test]
async fn what_is_not_saved_goes_when_its_box_keeps_it_no_longer() {
    let home = home().await;
    let ours = home.domain("demo.local").await;
    home.create_users(&ours, &[new_user("301"), new_user("302")])
        .await
        .unwrap();
    home.set_voicemail_box(&ours, "301", Keep::For(DAY))
        .await
        .unwrap();
    for (number, name) in ["301", "301", "302"].into_iter().enumerate() {
        let recording = format!("recording-{number}");
        record(&home, &ours, &recording, 10);
        store(&home, &ours, name, &recording).await.unwrap();
    }
    let saved = home.list_voicemail(&ours, "301", None, 0, 1).await.unwrap();
    home.mark_voicemail(&ours, "301", saved[0].id, VoicemailState::Saved)
        .await
        .unwrap();
    let now = Timestamp::now();
    assert_eq!(home.purge_voicemail(&ours, now).await.unwrap(), 0);
    let later = now + SignedDuration::from_hours(25);
    assert_eq!(home.purge_voicemail(&ours, later).await.unwrap(), 1);
    assert_eq!(recordings(&home, &ours, "301").await, ["recording-1"]);
    assert!(!file(&home, &ours, "recording-0").exists());
    assert!(file(&home, &ours, "recording-1").exists());
    // A user who is gone leaves nothing, saved or not.
    home.delete_user(&ours, "302").await.unwrap();
    assert_eq!(home.purge_voicemail(&ours, now).await.unwrap(), 1);
    assert!(!file(&home, &ours, "recording-2").exists());
}

/// What is played is the message's own recording: another box's, another domain's, and one that is gone are none.
#[tokio::test]
async fn a_messages_recording_is_opened_in_its_own_box_and_domain() {
    use std::io::Read as _;

    let home = home().await;
    let (ours, theirs) = (home.domain("demo.local").await, home.domain("other.local").await);
    for scope in [&ours, &theirs] {
        home.create_users(scope, &[new_user("301"), new_user("302")])
            .await
            .unwrap();
    }
    std::fs::write(file(&home, &ours, "recording-b-0"), b"RIFF it is").unwrap();
    let id = store(&home, &ours, "301", "recording-b-0").await.unwrap().id;
    let (mut open, bytes) = home.open_voicemail(&ours, "301", id).await.unwrap().unwrap();
    let mut heard = String::new();
    open.read_to_string(&mut heard).unwrap();
    assert_eq!((heard.as_str(), bytes), ("RIFF it is", 10));
    assert!(home.open_voicemail(&ours, "302", id).await.unwrap().is_none());
    assert!(home.open_voicemail(&theirs, "301", id).await.unwrap().is_none());
    assert!(matches!(
        home.open_voicemail(&ours, "399", id).await,
        Err(StoreError::NotFound { .. })
    ));
    std::fs::remove_file(file(&home, &ours, "recording-b-0")).unwrap();
    assert!(home.open_voicemail(&ours, "301", id).await.unwrap().is_none());
}
