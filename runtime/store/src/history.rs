//! The history of an entry point's versions: what happened, when, by whom, and why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::domains::now;
use crate::engine::Write;
use crate::{DomainScope, Store, StoreError, rows};

/// Most entries of one entry point that are kept; the oldest go.
pub const HISTORY_MOST: u32 = 1_000;

/// What happened to an entry point's versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = VersionEvent)]
pub enum Event {
    /// A version became the active one.
    Activated,
    /// A version began to be tried.
    CanaryBegun,
    /// The share of calls, or the terms, of the version that is tried were changed.
    CanaryChanged,
    /// A version is no longer tried, by order.
    CanaryEnded,
    /// A version that was tried failed too often and is no longer, or all calls returned to the version before.
    RolledBack,
    /// The version that was tried became the active one.
    Promoted,
    /// What takes over when the scenario fails was set: another scenario's version, or a cause.
    FallbackChanged,
}

impl Event {
    const ALL: [Self; 7] = [
        Self::Activated,
        Self::CanaryBegun,
        Self::CanaryChanged,
        Self::CanaryEnded,
        Self::RolledBack,
        Self::Promoted,
        Self::FallbackChanged,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::CanaryBegun => "canary-begun",
            Self::CanaryChanged => "canary-changed",
            Self::CanaryEnded => "canary-ended",
            Self::RolledBack => "rolled-back",
            Self::Promoted => "promoted",
            Self::FallbackChanged => "fallback-changed",
        }
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|event| event.as_str() == text);
        known.ok_or_else(|| StoreError::Corrupt {
            what: format!("an activation's event `{text}`"),
        })
    }
}

/// Who changed the versions of an entry point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = VersionChangedBy)]
pub enum By {
    /// Somebody, by a command.
    Hand,
    /// The server, which compares how often calls fail.
    Judge,
}

impl By {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hand => "hand",
            Self::Judge => "judge",
        }
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        match text {
            "hand" => Ok(Self::Hand),
            "judge" => Ok(Self::Judge),
            other => Err(StoreError::Corrupt {
                what: format!("an activation by `{other}`"),
            }),
        }
    }
}

/// An entry of the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HistoryEntry {
    /// Counts from 1 within the entry point.
    #[serde(default)]
    #[schema(required = true)]
    pub step: u64,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub what: Event,
    /// The version that it happened to.
    pub hash: String,
    /// The active version from then on.
    pub active_hash: String,
    /// The share of calls, in per cent, of a version that is or was tried.
    pub share_percent: Option<u8>,
    /// By whom.
    pub by: By,
    /// Why, with the figures, where the judge says so.
    pub why: Option<String>,
}

/// An entry to write; its time is now.
pub(crate) struct NewEntry<'a> {
    pub what: Event,
    pub hash: &'a str,
    pub active_hash: &'a str,
    pub share_percent: Option<u8>,
    pub by: By,
    pub why: Option<&'a str>,
}

/// Writes an entry, and forgets what is over the limit.
pub(crate) async fn note(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    entry: &NewEntry<'_>,
) -> Result<(), StoreError> {
    let row = sqlx::query(
        "INSERT INTO activations (domain_id, number, step, at, what, hash, active_hash, share_percent, by_whom, why) \
         SELECT $1, $2, COALESCE(MAX(step), 0) + 1, $3, $4, $5, $6, $7, $8, $9 FROM activations \
         WHERE domain_id = $1 AND number = $2 RETURNING step",
    )
    .bind(scope.id())
    .bind(number)
    .bind(now().as_microsecond())
    .bind(entry.what.as_str())
    .bind(entry.hash)
    .bind(entry.active_hash)
    .bind(entry.share_percent.map(i64::from))
    .bind(entry.by.as_str())
    .bind(entry.why)
    .fetch_one(&mut **write)
    .await?;
    let step: i64 = row.try_get("step")?;
    sqlx::query("DELETE FROM activations WHERE domain_id = $1 AND number = $2 AND step <= $3")
        .bind(scope.id())
        .bind(number)
        .bind(step - i64::from(HISTORY_MOST))
        .execute(&mut **write)
        .await?;
    Ok(())
}

impl Store {
    /// What happened to an entry point's versions, newest first, at most [`HISTORY_MOST`]. It goes with the entry point.
    /// Errors: [`StoreError::NotFound`] (the entry point).
    pub async fn activation_history(
        &self,
        scope: &DomainScope,
        number: &str,
    ) -> Result<Vec<HistoryEntry>, StoreError> {
        let entries = sqlx::query(
            "SELECT step, at, what, hash, active_hash, share_percent, by_whom, why FROM activations \
             WHERE domain_id = $1 AND number = $2 ORDER BY step DESC LIMIT $3",
        )
        .bind(scope.id())
        .bind(number)
        .bind(i64::from(HISTORY_MOST))
        .fetch_all(self.read())
        .await?
        .iter()
        .map(entry_of)
        .collect::<Result<Vec<_>, _>>()?;
        // One from before histories were kept may have none.
        if entries.is_empty() && self.entry_point(scope, number).await?.is_none() {
            return Err(StoreError::not_found("entry point", number));
        }
        Ok(entries)
    }
}

fn entry_of(row: &SqliteRow) -> Result<HistoryEntry, StoreError> {
    let share = row.try_get::<Option<i64>, _>("share_percent")?;
    Ok(HistoryEntry {
        step: rows::count(row, "step")?,
        at: rows::time(row, "at")?,
        what: Event::from_column(row.try_get("what")?)?,
        hash: row.try_get("hash")?,
        active_hash: row.try_get("active_hash")?,
        share_percent: share.map(|share| share.clamp(0, 100) as u8),
        by: By::from_column(row.try_get("by_whom")?)?,
        why: row.try_get("why")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_what_is_shown() {
        for event in Event::ALL {
            assert_eq!(Event::from_column(event.as_str()).unwrap(), event);
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        for by in [By::Hand, By::Judge] {
            assert_eq!(By::from_column(by.as_str()).unwrap(), by);
            assert_eq!(serde_json::to_value(by).unwrap(), by.as_str());
        }
        assert!(Event::from_column("").is_err() && By::from_column("").is_err());
    }
}
