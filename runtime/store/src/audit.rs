//! Who changed what, and when. Entries outlive what they are about.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::accounts::Home;
use crate::domains::now;
use crate::{DomainScope, Store, StoreError, rows};

/// Entries that are read at once.
pub const AUDIT_PAGE_MOST: u32 = 1_000;
/// Bytes of what something was or is; the whole of it is left out beyond that.
const STATE_MOST: usize = 64 << 10;

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Grows with every entry of all domains.
    pub id: i64,
    /// When it was made.
    pub at: Timestamp,
    /// A login, or `token:NAME`.
    pub who: String,
    /// Where the request came from: an IP address.
    pub address: String,
    /// `create`, `change`, `remove`, …
    pub action: String,
    /// What it was done to: `user 301`.
    pub what: String,
    /// What it was; none: nothing.
    pub before: Option<serde_json::Value>,
    /// What it is now; none: nothing.
    pub after: Option<serde_json::Value>,
}

/// A change to write down.
#[derive(Debug, Clone)]
pub struct NewAuditEntry<'a> {
    /// A login, or `token:NAME`.
    pub who: &'a str,
    /// An IP address.
    pub address: &'a str,
    /// In a word.
    pub action: &'a str,
    /// Its kind and its name.
    pub what: &'a str,
    /// What it was; no secret is in it.
    pub before: Option<&'a serde_json::Value>,
    /// What it is; no secret is in it.
    pub after: Option<&'a serde_json::Value>,
}

impl Store {
    /// Writes down a change to a domain, or to the system.
    pub async fn note_audit(&self, home: Home<'_>, new: &NewAuditEntry<'_>) -> Result<(), StoreError> {
        let text = |state: Option<&serde_json::Value>| {
            state
                .map(ToString::to_string)
                .filter(|text| text.len() <= STATE_MOST)
        };
        let mut write = self.write().await?;
        sqlx::query(
            "INSERT INTO audit (id, domain_id, at, who, address, action, what, before, after) \
             SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8 FROM audit",
        )
        .bind(home.map(DomainScope::id))
        .bind(now().as_microsecond())
        .bind(rows::outside_text(new.who))
        .bind(rows::outside_text(new.address))
        .bind(rows::outside_text(new.action))
        .bind(rows::outside_text(new.what))
        .bind(text(new.before))
        .bind(text(new.after))
        .execute(&mut *write)
        .await?;
        Ok(write.commit().await?)
    }

    /// Up to `limit` (1 to [`AUDIT_PAGE_MOST`]) changes to a domain or to the system, the newest first, that are older
    /// than the entry `before`.
    pub async fn audit(
        &self,
        home: Home<'_>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        if !(1..=AUDIT_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {AUDIT_PAGE_MOST}"),
            ));
        }
        sqlx::query(
            "SELECT id, at, who, address, action, what, before, after FROM audit \
             WHERE domain_id IS NOT DISTINCT FROM $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(home.map(DomainScope::id))
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?
        .iter()
        .map(entry_of)
        .collect()
    }
}

fn entry_of(row: &SqliteRow) -> Result<AuditEntry, StoreError> {
    let state = |column: &str| -> Result<Option<serde_json::Value>, StoreError> {
        let text: Option<String> = row.try_get(column)?;
        text.map(|text| {
            serde_json::from_str(&text).map_err(|error| StoreError::Corrupt {
                what: format!("column {column}: {error}"),
            })
        })
        .transpose()
    };
    Ok(AuditEntry {
        id: row.try_get("id")?,
        at: rows::time(row, "at")?,
        who: row.try_get("who")?,
        address: row.try_get("address")?,
        action: row.try_get("action")?,
        what: row.try_get("what")?,
        before: state("before")?,
        after: state("after")?,
    })
}
