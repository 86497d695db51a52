//! The SIP messages of calls, as they came and went: packed before they are written, unpacked when they are read, as
//! journals are.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::engine::{Write, blocking};
use crate::journals::packed_of;
use crate::packing::PackedJournal;
use crate::{DomainScope, Store, StoreError};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageWay {
    /// It came from the peer.
    In,
    /// It went to the peer.
    Out,
}

/// A SIP message of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SipMessage {
    /// When it came, or was given to the socket, in microseconds since 1970.
    pub at_us: i64,
    /// Which way it went.
    pub way: MessageWay,
    /// The leg whose dialog it belongs to: its index in the call's record.
    pub leg: u32,
    /// Our address and port.
    pub local: String,
    /// The peer's, as our socket sees it.
    pub remote: String,
    /// `UDP` or `TCP`.
    pub transport: String,
    /// The message without credentials and media keys; bytes that are no UTF-8 are replaced.
    pub text: String,
}

impl SipMessage {
    /// When it came or went.
    pub fn at(&self) -> Timestamp {
        Timestamp::from_microsecond(self.at_us).unwrap_or(Timestamp::MAX)
    }
}

/// The messages of a call, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMessages {
    /// The messages that were kept.
    pub items: Vec<SipMessage>,
    /// How many more there were.
    pub left_out: u64,
}

impl Store {
    /// A call's SIP messages; none: there is no such call, or nothing was kept of it.
    /// Errors: [`StoreError::Corrupt`] (what is stored cannot be read).
    pub async fn call_messages(
        &self,
        scope: &DomainScope,
        id: &str,
    ) -> Result<Option<CallMessages>, StoreError> {
        let row = sqlx::query(
            "SELECT codec, length_bytes, bytes FROM call_messages WHERE domain_id = $1 AND call_id = $2",
        )
        .bind(scope.id())
        .bind(id)
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let packed = packed_of(&row)?;
        let call = id.to_owned();
        let read = move || {
            let corrupt = |why: String| StoreError::Corrupt {
                what: format!("the messages of call {call}: {why}"),
            };
            let bytes = packed.unpack().map_err(|error| corrupt(error.to_string()))?;
            serde_json::from_slice(&bytes).map_err(|error| corrupt(error.to_string()))
        };
        blocking(read).await.map(Some)
    }
}

/// Packs what calls bring, in their order.
pub(crate) async fn pack(
    calls: &[Option<&Arc<CallMessages>>],
) -> Result<Vec<Option<PackedJournal>>, StoreError> {
    if calls.iter().all(Option::is_none) {
        return Ok(vec![None; calls.len()]);
    }
    let calls: Vec<_> = calls.iter().map(|said| said.cloned()).collect();
    let pack = |said: Arc<CallMessages>| {
        // Plain fields as JSON: it cannot fail.
        let text = serde_json::to_vec(&*said).unwrap_or_default();
        PackedJournal::pack(text)
    };
    blocking(move || Ok(calls.into_iter().map(|said| said.map(pack)).collect())).await
}

/// Writes the messages of a call whose record is written.
pub(crate) async fn insert(
    write: &mut Write,
    scope: &DomainScope,
    call: &str,
    said: &PackedJournal,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO call_messages (domain_id, call_id, codec, length_bytes, bytes) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope.id())
    .bind(call)
    .bind(said.codec)
    .bind(said.length_bytes)
    .bind(&said.bytes)
    .execute(&mut **write)
    .await?;
    Ok(())
}
