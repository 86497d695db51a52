//! Calls that scenarios have asked for: each is written down before it is begun, and begun once.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domains::now;
use crate::{DomainScope, Once, Store, StoreError, rows};

/// Calls that a domain originates in a minute, at most.
pub const PER_MINUTE_MOST: i64 = 60;
/// How long it is remembered who asked for which call.
const KEPT: Duration = Duration::from_hours(24);

/// A call that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origination {
    /// The call's identifier.
    pub call: String,
    /// The number whose scenario handles it.
    pub entry_point: String,
    /// The user that is rung.
    pub user: String,
    /// Who the user sees: number and name.
    pub from: (String, String),
    /// What the scenario can read: 8,192 bytes at most, which the door sees to.
    pub data: String,
    /// How long the user's devices ring, in milliseconds.
    pub ring_ms: u32,
}

/// A call that was asked for and may not have begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingOrigination {
    /// The domain's name.
    pub domain: String,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// What was asked for.
    pub origination: Origination,
}

impl Store {
    /// Writes down that a call is asked for, one time for each `once`: asked again, it is the same call, under the
    /// identifier that it has. True: it has begun. Errors: [`StoreError::TooMany`] beyond [`PER_MINUTE_MOST`] of a domain.
    pub async fn originate_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        it: &Origination,
    ) -> Result<(Origination, bool), StoreError> {
        let mut write = self.write().await?;
        let known =
            sqlx::query("SELECT * FROM originated WHERE domain_id = $1 AND run = $2 AND op_index = $3")
                .bind(scope.id())
                .bind(once.call)
                .bind(i64::from(once.op_index))
                .fetch_optional(&mut *write)
                .await?;
        if let Some(row) = known {
            return Ok((origination(&row)?, row.try_get::<i64, _>("begun")? != 0));
        }
        let at = now().as_microsecond();
        sqlx::query("DELETE FROM originated WHERE domain_id = $1 AND asked_at < $2")
            .bind(scope.id())
            .bind(at - KEPT.as_micros() as i64)
            .execute(&mut *write)
            .await?;
        let row = sqlx::query("SELECT COUNT(*) AS n FROM originated WHERE domain_id = $1 AND asked_at > $2")
            .bind(scope.id())
            .bind(at - 60_000_000)
            .fetch_one(&mut *write)
            .await?;
        if row.try_get::<i64, _>("n")? >= PER_MINUTE_MOST {
            return Err(StoreError::TooMany {
                what: "originated calls within a minute",
                most: PER_MINUTE_MOST as usize,
            });
        }
        sqlx::query(
            "INSERT INTO originated (domain_id, call_id, run, op_index, entry_point, user_name, from_user, from_name, \
             data, ring_ms, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(scope.id())
        .bind(&it.call)
        .bind(once.call)
        .bind(i64::from(once.op_index))
        .bind(&it.entry_point)
        .bind(&it.user)
        .bind(&it.from.0)
        .bind(&it.from.1)
        .bind(&it.data)
        .bind(i64::from(it.ring_ms))
        .bind(at)
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok((it.clone(), false))
    }

    /// A call that was asked for is in its shard's log, or is over.
    pub async fn originated(&self, scope: &DomainScope, call: &str) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        sqlx::query("UPDATE originated SET begun = 1, data = '' WHERE domain_id = $1 AND call_id = $2")
            .bind(scope.id())
            .bind(call)
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    /// A call that was asked for cannot begin: it was never asked for.
    pub async fn not_originated(&self, scope: &DomainScope, call: &str) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        sqlx::query("DELETE FROM originated WHERE domain_id = $1 AND call_id = $2 AND begun = 0")
            .bind(scope.id())
            .bind(call)
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    /// The calls of all domains that were asked for and are not known to have begun: those of before a crash.
    pub async fn waiting_originations(&self) -> Result<Vec<WaitingOrigination>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.name AS domain, o.* FROM originated o JOIN domains d ON d.id = o.domain_id \
             WHERE o.begun = 0 AND NOT EXISTS \
             (SELECT 1 FROM calls c WHERE c.domain_id = o.domain_id AND c.id = o.call_id) ORDER BY o.asked_at",
        )
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(WaitingOrigination {
                    domain: row.try_get("domain")?,
                    asked_at: rows::time(row, "asked_at")?,
                    origination: origination(row)?,
                })
            })
            .collect()
    }
}

fn origination(row: &SqliteRow) -> Result<Origination, StoreError> {
    Ok(Origination {
        call: row.try_get("call_id")?,
        entry_point: row.try_get("entry_point")?,
        user: row.try_get("user_name")?,
        from: (row.try_get("from_user")?, row.try_get("from_name")?),
        data: row.try_get("data")?,
        ring_ms: rows::count(row, "ring_ms")? as u32,
    })
}
