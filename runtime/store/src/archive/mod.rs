//! A whole domain as it leaves a server and comes to another one: what its administrator set, in one document.
//!
//! [`crate::Store::read_archive`] makes a document of a domain's rows (`read.rs`), [`Archive::problems`] says all
//! that is wrong with one that came from outside (`check.rs`), [`crate::Store::write_archive`] makes a domain of it
//! (`write.rs`). The components that it names are files of their own: of those of a domain, it names the versions
//! that its entry points need, and the newest of each scenario.
//!
//! What calls left behind is not in it, nor what lets people and programs in: see [`LEFT_OUT`].

mod check;
mod read;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use check::{PROBLEMS_MOST, is_hash};

use crate::{Contact, DomainLimits, HostPattern, ModuleGrants, Retention};

/// The form of [`Archive`]. One that has more or other fields gets the next number.
pub const FORMAT: u32 = 1;
/// Longest document, in bytes.
pub const DOCUMENT_MOST: usize = 64 << 20;
/// Most scenario versions of one document.
pub const VERSIONS_MOST: usize = 1_000;

/// What no archive has.
pub const LEFT_OUT: [&str; 9] = [
    "accounts and their passwords",
    "tokens",
    "secrets",
    "calls, their journals and recordings",
    "voicemail messages",
    "key-value pairs of scenarios",
    "timers and events that wait",
    "logs, usage and the audit log",
    "scenario versions that no number needs, but for the newest of each",
];

/// A domain as a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archive {
    /// See [`FORMAT`].
    pub format: u32,
    /// The program that wrote it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// What the domain has besides, in words: for whoever reads the document.
    pub left_out: Vec<String>,
    /// The domain itself.
    pub domain: ArchivedDomain,
    /// By name.
    pub users: Vec<ArchivedUser>,
    /// By name, newest first. The component of each is beside the document.
    pub scenarios: Vec<ArchivedVersion>,
    /// Entry points: numbers, patterns, `web:` and `event:`.
    pub numbers: Vec<ArchivedNumber>,
    /// Opening hours.
    pub schedules: Vec<ArchivedSchedule>,
    /// Drafts.
    pub flows: Vec<ArchivedFlow>,
    /// The address book. The tails of its numbers are made again by whoever reads it.
    pub contacts: Vec<Contact>,
    /// Boxes with a name of their own, and what is set for those of users.
    pub voicemail_boxes: Vec<ArchivedBox>,
    /// Keys whose signatures on scenarios the domain takes.
    pub signing_keys: Vec<ArchivedKey>,
    /// Where its scenarios may send HTTP requests.
    pub http_hosts: Vec<ArchivedHost>,
    /// What single scenarios may use, by their names.
    pub scenario_limits: BTreeMap<String, DomainLimits>,
    /// What single scenarios may import and reach, by their names.
    pub scenario_grants: BTreeMap<String, ModuleGrants>,
}

/// What is said of the domain itself; as [`crate::Domain`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Domain")]
pub struct ArchivedDomain {
    pub name: String,
    pub realm: String,
    pub time_zone: String,
    #[serde(default = "crate::domains::english")]
    pub language: String,
    pub keep: Retention,
    pub limits: DomainLimits,
    pub mail_sender: Option<String>,
    pub blocked: bool,
    /// Interfaces that its scenarios may import; none: all.
    pub grants: Option<Vec<String>>,
    /// It takes scenarios with a good signature only.
    pub signed_only: bool,
}

/// A user with what authenticates it: as secret as a password within its realm, and so not in `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedUser {
    /// The extension.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Those that lead to the user besides, in order.
    pub numbers: Vec<String>,
    /// See [`crate::Credentials`].
    pub ha1_md5: String,
    /// See [`crate::Credentials`].
    pub ha1_sha256: String,
}

impl fmt::Debug for ArchivedUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ArchivedUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A version of a scenario. What its component says of itself is read from it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedVersion {
    /// The scenario's name.
    pub name: String,
    /// BLAKE3 of the component: 64 lower-case hexadecimal digits.
    pub hash: String,
    /// When it was uploaded: the latest is the newest version.
    pub uploaded_at: Timestamp,
    /// What its author says of it; may be empty.
    pub note: String,
    /// The key whose signature it came with. The signature itself is kept nowhere, so nobody checks it again.
    pub signed_by: Option<String>,
    /// Whether it was published from the flow of its name.
    pub from_flow: bool,
}

/// An entry point with its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedNumber {
    /// A number or pattern, or another entry point's name.
    pub number: String,
    /// For people.
    pub title: String,
    /// What it starts.
    pub scenario: String,
    /// The active version, by its hash.
    pub version: String,
    /// What the scenario is told.
    pub settings: Box<RawValue>,
    /// What the caller gets where the scenario fails.
    pub fallback_cause: String,
    /// What takes over then.
    pub fallback: Option<ArchivedFallback>,
    /// The version that can be returned to.
    pub previous: Option<String>,
    /// The version that is tried. Its calls are counted from the import on.
    pub canary: Option<ArchivedCanary>,
}

/// What takes over calls whose scenario fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedFallback {
    /// Its name.
    pub scenario: String,
    /// Its hash.
    pub version: String,
    /// What it is told.
    pub settings: Box<RawValue>,
}

/// A version that is tried; as [`crate::Canary`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Canary")]
pub struct ArchivedCanary {
    pub version: String,
    pub share_percent: u8,
    pub window: u32,
    pub margin: u8,
    pub fewest: u32,
    pub promote_after: u32,
}

/// Opening hours.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedSchedule {
    /// What scenarios call them.
    pub name: String,
    /// As they were written.
    pub document: Box<RawValue>,
}

/// A flow's draft; as [`crate::Flow`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Flow")]
pub struct ArchivedFlow {
    pub name: String,
    pub title: String,
    pub problems: u64,
    pub changed_at: Timestamp,
    pub changed_by: String,
    pub document: Box<RawValue>,
}

/// A voicemail box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedBox {
    /// Its own, or a user's.
    pub name: String,
    /// How long it keeps messages that are not saved, in seconds; none: for ever.
    pub keep_s: Option<u64>,
}

impl ArchivedBox {
    pub(crate) fn keep(&self) -> crate::Keep {
        self.keep_s.map_or(crate::Keep::ForEver, |seconds| {
            crate::Keep::For(Duration::from_secs(seconds))
        })
    }
}

/// A key whose signatures count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedKey {
    /// What people call it.
    pub name: String,
    /// As [`crate::PublicKey`] writes it.
    pub public_key: String,
}

/// A host that scenarios may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedHost {
    /// Which.
    pub pattern: HostPattern,
    /// It may be at an address that only this machine or this network has.
    pub private: bool,
}

/// A component that lies ready in a file of the store's file system, and what was found out about it.
#[derive(Debug, Clone)]
pub struct Component {
    /// Where. [`crate::Store::write_archive`] moves it to its place.
    pub file: PathBuf,
    /// Its length.
    pub size_bytes: u64,
    /// The world that it implements.
    pub world: String,
    /// What it imports, by the names without package and version.
    pub imports: Vec<String>,
    /// What it tells its scenario where the activation says nothing: JSON text.
    pub settings: Option<String>,
}

/// Components by their hashes.
pub type Components = BTreeMap<String, Component>;

/// Something wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{at}: {detail}")]
pub struct ArchiveProblem {
    /// What it is wrong with: a file of the archive, or a part of its document, such as `user 301`.
    pub at: String,
    /// In words.
    pub detail: String,
}
