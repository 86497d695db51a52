//! Timers that scenarios have set. One that is due becomes an event ([`crate::events`]) in one transaction, so that no
//! crash loses it; its event has the same identifier however often it is given. What scenarios set is as durable as their
//! key-value pairs.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domains::now;
use crate::engine::Write;
use crate::events::{self, WAITING_MOST};
use crate::{DomainScope, Once, Store, StoreError, kv, rows};

/// Most timers of one domain that wait.
pub const TIMERS_MOST: usize = 1_000;

/// A timer that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// What its scenario calls it.
    pub name: String,
    /// The entry point that it starts.
    pub entry_point: String,
    /// When.
    pub due_at: Timestamp,
    /// What that is given.
    pub data: String,
    /// When it was set.
    pub set_at: Timestamp,
}

/// A timer to be set.
#[derive(Debug, Clone, Copy)]
pub struct NewTimer<'a> {
    /// What its scenario calls it.
    pub name: &'a str,
    /// The entry point that it starts.
    pub entry_point: &'a str,
    /// In how long.
    pub after: Duration,
    /// What that is given.
    pub data: &'a str,
}

/// The data of a timer's event; fields are added, never changed.
#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    due_ms: i64,
    data: &'a str,
}

impl Store {
    /// Sets a timer, or moves the one of this name, one time for each `once`; true: one of this name waited.
    /// Errors: [`StoreError::NotFound`] without its entry point, [`StoreError::TooMany`].
    pub async fn set_timer_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        new: NewTimer<'_>,
    ) -> Result<bool, StoreError> {
        let mut write = self.write_relaxed().await?;
        if let Some(waited) = kv::remembered(&mut write, scope, once).await? {
            return Ok(waited != 0);
        }
        if !listens(&mut write, scope, new.entry_point).await? {
            return Err(StoreError::not_found("entry point", new.entry_point));
        }
        let waited = remove(&mut write, scope, new.name).await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM timers WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        if rows::count(&row, "present")? >= TIMERS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "timers that wait in one domain",
                most: TIMERS_MOST,
            });
        }
        let set_at = now();
        let after = SignedDuration::try_from(new.after).unwrap_or(SignedDuration::MAX);
        let due_at = set_at.saturating_add(after).unwrap_or(Timestamp::MAX);
        sqlx::query(
            "INSERT INTO timers (domain_id, name, entry_point, data, due_at, set_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(scope.id())
        .bind(new.name)
        .bind(new.entry_point)
        .bind(new.data)
        .bind(due_at.as_microsecond())
        .bind(set_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "timer", new.name))?;
        kv::remember(&mut write, scope, once, i64::from(waited)).await?;
        write.commit().await?;
        Ok(waited)
    }

    /// Takes a timer away, one time for each `once`; true: it waited.
    pub async fn cancel_timer_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        name: &str,
    ) -> Result<bool, StoreError> {
        let mut write = self.write_relaxed().await?;
        if let Some(waited) = kv::remembered(&mut write, scope, once).await? {
            return Ok(waited != 0);
        }
        let waited = remove(&mut write, scope, name).await?;
        kv::remember(&mut write, scope, once, i64::from(waited)).await?;
        write.commit().await?;
        Ok(waited)
    }

    /// Takes a timer away. Errors: [`StoreError::NotFound`].
    pub async fn cancel_timer(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        if !remove(&mut write, scope, name).await? {
            return Err(StoreError::not_found("timer", name));
        }
        Ok(write.commit().await?)
    }

    /// The domain's timers that wait, in the order in which they are due.
    pub async fn timers(&self, scope: &DomainScope) -> Result<Vec<Timer>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, entry_point, data, due_at, set_at FROM timers WHERE domain_id = $1 \
             ORDER BY due_at, name",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?;
        rows.iter().map(timer).collect()
    }

    /// Makes events of up to `limit` timers of all domains that are due; gives how many. Those of a domain whose events
    /// have no room wait on. One whose entry point is gone starts nothing.
    pub async fn ring_timers(&self, limit: u32) -> Result<usize, StoreError> {
        if !self.has_due_timer().await? {
            return Ok(0); // mostly: the writer is left alone
        }
        let mut write = self.write().await?;
        let rows = sqlx::query(
            "SELECT d.name AS domain, t.* FROM timers t \
             JOIN domains d ON d.id = t.domain_id WHERE t.due_at <= $1 AND t.domain_id NOT IN \
             (SELECT domain_id FROM events GROUP BY domain_id HAVING COUNT(*) >= $2) \
             ORDER BY t.due_at LIMIT $3",
        )
        .bind(now().as_microsecond())
        .bind(WAITING_MOST)
        .bind(i64::from(limit))
        .fetch_all(&mut *write)
        .await?;
        for row in &rows {
            let domain: String = row.try_get("domain")?;
            let scope = DomainScope::found(row.try_get("domain_id")?, &domain);
            ring(&mut write, &scope, &timer(row)?).await?;
        }
        write.commit().await?;
        Ok(rows.len())
    }

    async fn has_due_timer(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM timers WHERE due_at <= $1 LIMIT 1")
            .bind(now().as_microsecond())
            .fetch_optional(self.read())
            .await?;
        Ok(row.is_some())
    }
}

fn timer(row: &SqliteRow) -> Result<Timer, StoreError> {
    Ok(Timer {
        name: row.try_get("name")?,
        entry_point: row.try_get("entry_point")?,
        due_at: rows::time(row, "due_at")?,
        data: row.try_get("data")?,
        set_at: rows::time(row, "set_at")?,
    })
}

/// Makes an event of a timer that is due.
async fn ring(write: &mut Write, scope: &DomainScope, timer: &Timer) -> Result<(), StoreError> {
    let told = Told {
        name: &timer.name,
        due_ms: timer.due_at.as_millisecond(),
        data: &timer.data,
    };
    let told = serde_json::to_string(&told).unwrap_or_else(|_| "{}".to_owned());
    let (entry_point, due_at) = (&timer.entry_point, timer.due_at);
    let id = format!("timer/{}/{}", timer.name, due_at.as_microsecond());
    let noted = events::note(write, scope, &id, entry_point, due_at, &told).await?;
    if noted || !listens(write, scope, entry_point).await? {
        remove(write, scope, &timer.name).await?;
    }
    Ok(())
}

async fn listens(write: &mut Write, scope: &DomainScope, entry_point: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT 1 FROM entry_points WHERE domain_id = $1 AND number = $2")
        .bind(scope.id())
        .bind(entry_point)
        .fetch_optional(&mut **write)
        .await?;
    Ok(row.is_some())
}

/// Takes a timer away; true: it waited.
async fn remove(write: &mut Write, scope: &DomainScope, name: &str) -> Result<bool, StoreError> {
    let deleted = sqlx::query("DELETE FROM timers WHERE domain_id = $1 AND name = $2")
        .bind(scope.id())
        .bind(name)
        .execute(&mut **write)
        .await?;
    Ok(deleted.rows_affected() > 0)
}
