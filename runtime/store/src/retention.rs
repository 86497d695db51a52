//! How long a domain keeps journals and call records, and the removal of what is over age.
//!
//! [`due`] says what is over age at a moment; [`Store::purge`] removes one batch of that, oldest first, in a short
//! transaction. Who calls it again and again, and when, is the driver's.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::journals::{JOURNAL_REMOVED, JOURNAL_STORED};
use crate::{DomainScope, Store, StoreError};

/// Shortest time for which anything is kept: the server looks for what is over age once in it.
pub const KEEP_LEAST: Duration = Duration::from_hours(1);
/// Longest time that is not for ever: a hundred years.
pub const KEEP_MOST: Duration = Duration::from_hours(36_525 * 24);
/// Calls whose journals or records one [`Store::purge`] removes at most.
pub const PURGE_MOST: u32 = 200;

/// For how long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// It is never removed.
    ForEver,
    /// So long after the call's end; from [`KEEP_LEAST`] to [`KEEP_MOST`].
    For(Duration),
}

/// How long what a call leaves is kept after the call's end; none: for ever. A journal goes with its call's record at
/// the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Journals.
    #[serde(
        rename = "journals_s",
        serialize_with = "seconds",
        deserialize_with = "from_seconds"
    )]
    pub journals: Option<Duration>,
    /// Call records with their legs.
    #[serde(
        rename = "calls_s",
        serialize_with = "seconds",
        deserialize_with = "from_seconds"
    )]
    pub calls: Option<Duration>,
}

impl Default for Retention {
    /// As the schema has it for a new domain: journals 30 days, call records for ever.
    fn default() -> Self {
        Self {
            journals: Some(Duration::from_hours(30 * 24)),
            calls: None,
        }
    }
}

#[allow(clippy::ref_option, reason = "serde hands the field over so")]
fn seconds<S: Serializer>(keep: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    keep.map(|keep| keep.as_secs()).serialize(serializer)
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_secs))
}

/// What of a domain is over age: calls that ended before these moments; none: nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Their journals go.
    pub journals_before: Option<Timestamp>,
    /// Their records go, with journals that are still there.
    pub calls_before: Option<Timestamp>,
}

/// What is over age at `now`.
pub fn due(retention: &Retention, now: Timestamp) -> Due {
    let before = |keep: Option<Duration>| {
        // What is older than time itself is over age for nobody.
        now.checked_sub(SignedDuration::try_from(keep?).ok()?).ok()
    };
    Due {
        journals_before: before(retention.journals),
        calls_before: before(retention.calls),
    }
}

/// What a batch removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Journals whose calls' records stay.
    pub journals: u64,
    /// Call records.
    pub calls: u64,
}

impl Store {
    /// Removes what is due, oldest first, of at most [`PURGE_MOST`] calls each: journals and records. Nothing is left
    /// when it gives less than that of both.
    ///
    /// A power failure may bring the last batches back: they are removed again.
    pub async fn purge(&self, scope: &DomainScope, due: &Due) -> Result<Purged, StoreError> {
        let mut purged = Purged::default();
        if let Some(before) = due.calls_before {
            purged.calls = self.purge_calls(scope, before).await?;
        }
        if let Some(before) = due.journals_before {
            purged.journals = self.purge_journals(scope, before).await?;
        }
        Ok(purged)
    }

    async fn purge_calls(&self, scope: &DomainScope, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write_relaxed().await?;
        // No call ends before it starts, so the index by start finds the old ones; legs and journals go along.
        let deleted = sqlx::query(
            "DELETE FROM calls WHERE domain_id = $1 AND id IN (SELECT id FROM calls WHERE domain_id = $1 \
             AND started_at < $2 AND ended_at < $2 ORDER BY started_at, id LIMIT $3)",
        )
        .bind(scope.id())
        .bind(before.as_microsecond())
        .bind(i64::from(PURGE_MOST))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(deleted.rows_affected())
    }

    async fn purge_journals(&self, scope: &DomainScope, before: Timestamp) -> Result<u64, StoreError> {
        let mut write = self.write_relaxed().await?;
        sqlx::query(
            "DELETE FROM journals WHERE domain_id = $1 AND call_id IN (SELECT id FROM calls \
             WHERE domain_id = $1 AND journal = 1 AND ended_at < $2 ORDER BY ended_at, id LIMIT $3)",
        )
        .bind(scope.id())
        .bind(before.as_microsecond())
        .bind(i64::from(PURGE_MOST))
        .execute(&mut *write)
        .await?;
        // The same calls: this transaction alone writes.
        let marked = sqlx::query(
            "UPDATE calls SET journal = $4 WHERE domain_id = $1 AND id IN (SELECT id FROM calls \
             WHERE domain_id = $1 AND journal = 1 AND ended_at < $2 ORDER BY ended_at, id LIMIT $3)",
        )
        .bind(scope.id())
        .bind(before.as_microsecond())
        .bind(i64::from(PURGE_MOST))
        .bind(JOURNAL_REMOVED)
        .execute(&mut *write)
        .await?;
        // The scenarios' log goes with them, but for its last line, which says where the next one's number begins.
        sqlx::query(
            "DELETE FROM scenario_log WHERE domain_id = $1 AND written_at < $2 \
             AND line < (SELECT MAX(line) FROM scenario_log WHERE domain_id = $1)",
        )
        .bind(scope.id())
        .bind(before.as_microsecond())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(marked.rows_affected())
    }
}

/// `journal = 1` above and in the schema's index: a partial index is used where its condition is written out.
const _: () = assert!(JOURNAL_STORED == 1);

pub(crate) fn checked_keep(what: &'static str, keep: Option<Keep>) -> Result<(), StoreError> {
    match keep {
        Some(Keep::For(time)) if !(KEEP_LEAST..=KEEP_MOST).contains(&time) => Err(StoreError::invalid(
            what,
            "it is 1 hour to 36525 days, or for ever",
        )),
        Some(Keep::For(_) | Keep::ForEver) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    #[test]
    fn due_is_what_ended_longer_ago_than_it_is_kept() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let retention = Retention {
            journals: Some(DAY),
            calls: Some(365 * DAY),
        };
        let expected = Due {
            journals_before: Some("2026-11-27T12:00:00Z".parse().unwrap()),
            calls_before: Some("2025-11-28T12:00:00Z".parse().unwrap()),
        };
        assert_eq!(due(&retention, now), expected);
    }

    #[test]
    fn nothing_is_due_where_it_is_kept_for_ever_or_from_before_all_time() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        for keep in [None, Some(Duration::MAX), Some(20_000 * 365 * DAY)] {
            let retention = Retention {
                journals: keep,
                calls: keep,
            };
            let expected = Due {
                journals_before: None,
                calls_before: None,
            };
            assert_eq!(due(&retention, now), expected, "{keep:?}");
        }
    }

    #[test]
    fn retention_is_shown_in_seconds() {
        let text = serde_json::to_string(&Retention::default()).unwrap();
        assert_eq!(text, r#"{"journals_s":2592000,"calls_s":null}"#);
        assert_eq!(
            serde_json::from_str::<Retention>(&text).unwrap(),
            Retention::default()
        );
    }

    #[test]
    fn what_is_kept_for_less_than_an_hour_or_a_hundred_years_is_refused() {
        for keep in [Keep::ForEver, Keep::For(KEEP_LEAST), Keep::For(KEEP_MOST)] {
            assert!(checked_keep("journals' time", Some(keep)).is_ok());
        }
        for keep in [
            Duration::ZERO,
            KEEP_LEAST.saturating_sub(DAY / 86_400),
            KEEP_MOST + DAY,
        ] {
            assert!(
                checked_keep("journals' time", Some(Keep::For(keep))).is_err(),
                "{keep:?}"
            );
        }
    }
}
