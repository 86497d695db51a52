//! The store on a real SQLite file: every query, walls between domains, concurrency, trouble with the disk.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod activations;
mod archive;
mod calls;
mod configuration;
mod flows;
mod journals;
mod kv;
mod modules;
mod people;
mod retention;
mod samples;
mod scenario_log;
mod services;
mod timers;
mod tokens;
mod trouble;
mod trust;
mod voicemail;
mod walls;

use jiff::Timestamp;
use tandem_store::{
    CallRecord, CallSummary, Credentials, Direction, DomainScope, LegRecord, LegRole, NewDomain, NewUser,
    Options, ScenarioEnd, Store,
};
use tempfile::TempDir;

/// A store in a directory that goes with it.
pub struct Home {
    pub store: Store,
    pub directory: TempDir,
}

impl std::ops::Deref for Home {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

pub async fn home() -> Home {
    home_with(Options::default()).await
}

pub async fn home_with(options: Options) -> Home {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path(), options).await.unwrap();
    Home { store, directory }
}

impl Home {
    pub async fn domain(&self, name: &str) -> DomainScope {
        self.create_domain(&NewDomain::named(name)).await.unwrap();
        self.domain_scope(name).await.unwrap()
    }
}

pub fn secret(letter: &str) -> Credentials {
    Credentials {
        ha1_md5: letter.repeat(32),
        ha1_sha256: letter.repeat(64),
    }
}

pub fn new_user(name: &str) -> NewUser {
    NewUser {
        name: name.to_owned(),
        display_name: format!("User {name}"),
        credentials: secret("a"),
    }
}

/// A call that began so many seconds into 2026-11-21.
pub fn call(id: &str, second: i64) -> CallRecord {
    let at = |offset_ms: i64| {
        Timestamp::from_microsecond(1_795_219_200_000_000 + second * 1_000_000 + offset_ms * 1_000).unwrap()
    };
    let leg = |index, role, user: &str, codec: Option<&str>| LegRecord {
        index,
        role,
        peer_uri: format!("sip:{user}@demo.local"),
        user: Some(user.to_owned()),
        started_at: at(0),
        answered_at: codec.map(|_| at(500)),
        ended_at: at(10_500),
        talk_ms: 10_000,
        cause: "normal".to_owned(),
        sip_status: Some(200),
        codec: codec.map(str::to_owned),
        rtp_sent: 500,
        rtp_received: 498,
        rtp_lost: 2,
    };
    CallRecord {
        summary: CallSummary {
            id: id.to_owned(),
            direction: Direction::Internal,
            from_number: "301".to_owned(),
            to_number: "300".to_owned(),
            entry_point: Some("3XX".to_owned()),
            scenario: Some("flow".to_owned()),
            scenario_hash: Some("ab".repeat(32)),
            started_at: at(0),
            answered_at: Some(at(500)),
            ended_at: at(10_500),
            duration_ms: 10_500,
            cause: "normal".to_owned(),
            sip_status: Some(200),
            ended_by: "caller".to_owned(),
            rolling_hash: Some("cd".repeat(32)),
            journal_stored: false,
            recoveries: 0,
            scenario_end: Some(ScenarioEnd::Returned),
            scenario_error: None,
            fallback: None,
        },
        legs: vec![
            leg(0, LegRole::Caller, "301", Some("PCMA")),
            leg(1, LegRole::Callee, "302", None),
        ],
    }
}
