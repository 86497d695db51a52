//! Calls' journals: packed before they are written, unpacked when they are read, both where computing is allowed.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::engine::{Write, blocking};
use crate::packing::PackedJournal;
use crate::{DomainScope, Store, StoreError};

pub(crate) const JOURNAL_NONE: i64 = 0;
pub(crate) const JOURNAL_STORED: i64 = 1;
pub(crate) const JOURNAL_REMOVED: i64 = 2;

/// Bytes of journals that are copied for one piece of work on a blocking thread; one journal may be longer.
const WORK_BYTES: usize = 4 << 20;

/// What became of a call's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum JournalState {
    /// There never was one: no scenario ran, or it was not kept.
    None,
    /// It can be read.
    Stored,
    /// It was removed: it was older than the domain keeps journals.
    Removed,
}

impl Store {
    /// A call's journal, as it was handed in; none: there is no such call, or [no journal of it](JournalState).
    /// Errors: [`StoreError::Corrupt`] (what is stored cannot be unpacked).
    pub async fn journal(&self, scope: &DomainScope, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(packed) = self.packed_journal(scope, id).await? else {
            return Ok(None);
        };
        let call = id.to_owned();
        let unpack = move || {
            packed.unpack().map_err(|error| StoreError::Corrupt {
                what: format!("the journal of call {call}: {error}"),
            })
        };
        blocking(unpack).await.map(Some)
    }

    /// As [`Self::journal`], as it is stored: for who reads many and unpacks them on threads of its own.
    pub async fn packed_journal(
        &self,
        scope: &DomainScope,
        id: &str,
    ) -> Result<Option<PackedJournal>, StoreError> {
        let row = sqlx::query(
            "SELECT codec, length_bytes, bytes FROM journals WHERE domain_id = $1 AND call_id = $2",
        )
        .bind(scope.id())
        .bind(id)
        .fetch_optional(self.read())
        .await?;
        row.as_ref().map(packed_of).transpose()
    }

    /// What became of a call's journal; none: there is no such call.
    pub async fn journal_state(
        &self,
        scope: &DomainScope,
        id: &str,
    ) -> Result<Option<JournalState>, StoreError> {
        let row = sqlx::query("SELECT journal FROM calls WHERE domain_id = $1 AND id = $2")
            .bind(scope.id())
            .bind(id)
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        match row.try_get("journal")? {
            JOURNAL_NONE => Ok(Some(JournalState::None)),
            JOURNAL_STORED => Ok(Some(JournalState::Stored)),
            JOURNAL_REMOVED => Ok(Some(JournalState::Removed)),
            other => Err(StoreError::Corrupt {
                what: format!("column journal: {other}"),
            }),
        }
    }
}

pub(crate) fn packed_of(row: &SqliteRow) -> Result<PackedJournal, StoreError> {
    Ok(PackedJournal {
        codec: row.try_get("codec")?,
        length_bytes: row.try_get("length_bytes")?,
        bytes: row.try_get("bytes")?,
    })
}

/// Packs what calls bring, in their order. The copy that goes to the blocking threads costs a hundredth of the packing.
pub(crate) async fn pack(journals: &[Option<&[u8]>]) -> Result<Vec<Option<PackedJournal>>, StoreError> {
    let mut packed = Vec::with_capacity(journals.len());
    let mut work = Vec::new();
    let mut work_bytes = 0;
    for journal in journals {
        work_bytes += journal.map_or(0, <[u8]>::len);
        work.push(journal.map(<[u8]>::to_vec));
        if work_bytes >= WORK_BYTES {
            packed.append(&mut pack_all(std::mem::take(&mut work)).await?);
            work_bytes = 0;
        }
    }
    if work.iter().any(Option::is_some) {
        packed.append(&mut pack_all(work).await?);
    } else {
        packed.resize(journals.len(), None);
    }
    Ok(packed)
}

async fn pack_all(journals: Vec<Option<Vec<u8>>>) -> Result<Vec<Option<PackedJournal>>, StoreError> {
    let pack = |journal: Option<Vec<u8>>| journal.map(PackedJournal::pack);
    blocking(move || Ok(journals.into_iter().map(pack).collect())).await
}

/// Writes the journal of a call whose record is written.
pub(crate) async fn insert(
    write: &mut Write,
    scope: &DomainScope,
    call: &str,
    journal: &PackedJournal,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO journals (domain_id, call_id, codec, length_bytes, bytes) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope.id())
    .bind(call)
    .bind(journal.codec)
    .bind(journal.length_bytes)
    .bind(&journal.bytes)
    .execute(&mut **write)
    .await?;
    Ok(())
}
