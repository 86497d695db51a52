//! The SIP messages of calls, as they came and went: packed before they are written, unpacked when they are read, as
//! journals are.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::engine::blocking;
use crate::journals::packed_of;
use crate::packing::PackedJournal;
use crate::{DomainScope, Store, StoreError};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Messages to write.
#[derive(Debug, Clone, Copy)]
pub struct NewMessages<'a> {
    /// Whose call it was.
    pub scope: &'a DomainScope,
    /// The call's identifier.
    pub call: &'a str,
    /// Its messages.
    pub messages: &'a Arc<CallMessages>,
}

impl Store {
    /// Writes the SIP messages of calls whose records are written, all of them in one transaction; those of others, and
    /// those that are there already, are passed over.
    pub async fn insert_call_messages(&self, new: &[NewMessages<'_>]) -> Result<(), StoreError> {
        if new.is_empty() {
            return Ok(());
        }
        // Before the write lock is taken: nobody else waits for it.
        let packed = pack(new).await?;
        let mut write = self.write_relaxed().await?;
        for (new, packed) in new.iter().zip(packed) {
            sqlx::query(
                "INSERT INTO call_messages (domain_id, call_id, codec, length_bytes, bytes) \
                 SELECT c.domain_id, c.id, $3, $4, $5 FROM calls c WHERE c.domain_id = $1 AND c.id = $2 \
                 ON CONFLICT (domain_id, call_id) DO NOTHING",
            )
            .bind(new.scope.id())
            .bind(new.call)
            .bind(packed.codec)
            .bind(packed.length_bytes)
            .bind(&packed.bytes)
            .execute(&mut *write)
            .await?;
        }
        write.commit().await?;
        Ok(())
    }

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

async fn pack(new: &[NewMessages<'_>]) -> Result<Vec<PackedJournal>, StoreError> {
    let all: Vec<_> = new.iter().map(|new| Arc::clone(new.messages)).collect();
    let pack = |messages: Arc<CallMessages>| {
        // Plain fields as JSON: it cannot fail.
        PackedJournal::pack(serde_json::to_vec(&*messages).unwrap_or_default())
    };
    blocking(move || Ok(all.into_iter().map(pack).collect())).await
}
