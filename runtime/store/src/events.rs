//! What has happened in a domain and waits for its event scenario.
//!
//! A call's end is noted in the transaction that writes its record, so it is told even if the server dies then; an event is
//! gone when its scenario has returned well, or is given up. Only what the domain has an entry point for is noted.

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;

use crate::domains::now;
use crate::engine::Write;
use crate::{CallSummary, DomainScope, Store, StoreError, kv, rows};

/// The entry point that hears of calls that have ended.
pub const CALL_ENDED: &str = "event:call-ended";
/// Most events of one domain that wait: what happens beyond is not told, and the log says so.
pub(crate) const WAITING_MOST: i64 = 10_000;

/// An event that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueEvent {
    /// The domain's name.
    pub domain: String,
    /// Its identifier in the domain.
    pub id: String,
    /// The entry point that it starts.
    pub entry_point: String,
    /// When it happened.
    pub happened_at: Timestamp,
    /// A JSON object.
    pub data: String,
    /// How often it was told in vain.
    pub failures: u32,
}

/// What is told of a call; fields are added, never changed.
#[derive(Serialize)]
struct CallEnded<'a> {
    call: &'a str,
    direction: &'a str,
    from: &'a str,
    to: &'a str,
    entry_point: Option<&'a str>,
    scenario: Option<&'a str>,
    started_ms: i64,
    answered_ms: Option<i64>,
    ended_ms: i64,
    duration_ms: u64,
    cause: &'a str,
    sip_status: Option<u16>,
    ended_by: &'a str,
    scenario_error: Option<&'a str>,
}

/// Notes a call's end, where the domain has an entry point for it.
pub(crate) async fn note_call_ended(
    write: &mut Write,
    scope: &DomainScope,
    call: &CallSummary,
) -> Result<(), StoreError> {
    let told = CallEnded {
        call: &call.id,
        direction: call.direction.as_str(),
        from: &call.from_number,
        to: &call.to_number,
        entry_point: call.entry_point.as_deref(),
        scenario: call.scenario.as_deref(),
        started_ms: call.started_at.as_millisecond(),
        answered_ms: call.answered_at.map(Timestamp::as_millisecond),
        ended_ms: call.ended_at.as_millisecond(),
        duration_ms: call.duration_ms,
        cause: &call.cause,
        sip_status: call.sip_status,
        ended_by: &call.ended_by,
        scenario_error: call.scenario_error.as_deref(),
    };
    let data = serde_json::to_string(&told).unwrap_or_else(|_| "{}".to_owned());
    let id = format!("call-ended/{}", call.id);
    note(write, scope, &id, CALL_ENDED, call.ended_at, &data).await?;
    Ok(())
}

/// Notes an event; false: nobody listens, it waits already, or there is no room.
pub(crate) async fn note(
    write: &mut Write,
    scope: &DomainScope,
    id: &str,
    entry_point: &str,
    happened_at: Timestamp,
    data: &str,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "INSERT INTO events (domain_id, id, entry_point, happened_at, data, due_at) \
         SELECT domain_id, $2, number, $4, $5, $4 FROM entry_points WHERE domain_id = $1 AND number = $3 \
         AND (SELECT COUNT(*) FROM events WHERE domain_id = $1) < $6 ON CONFLICT (domain_id, id) DO NOTHING",
    )
    .bind(scope.id())
    .bind(id)
    .bind(entry_point)
    .bind(happened_at.as_microsecond())
    .bind(data)
    .bind(WAITING_MOST)
    .execute(&mut **write)
    .await?;
    Ok(noted.rows_affected() > 0)
}

impl Store {
    /// Notes that something has happened, where the domain has this entry point. Noted twice under one `id`: told once,
    /// if it was not told in between.
    pub async fn note_event(
        &self,
        scope: &DomainScope,
        id: &str,
        entry_point: &str,
        happened_at: Timestamp,
        data: &str,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        note(&mut write, scope, id, entry_point, happened_at, data).await?;
        write.commit().await?;
        Ok(())
    }

    /// Up to `limit` events of all domains that are due, in the order in which they became so and happened.
    pub async fn due_events(&self, limit: u32) -> Result<Vec<DueEvent>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.name AS domain, e.id, e.entry_point, e.happened_at, e.data, e.failures FROM events e \
             JOIN domains d ON d.id = e.domain_id WHERE e.due_at <= $1 \
             ORDER BY e.due_at, e.domain_id, e.happened_at, e.id LIMIT $2",
        )
        .bind(now().as_microsecond())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DueEvent {
                    domain: row.try_get("domain")?,
                    id: row.try_get("id")?,
                    entry_point: row.try_get("entry_point")?,
                    happened_at: rows::time(row, "happened_at")?,
                    data: row.try_get("data")?,
                    failures: rows::count(row, "failures")? as u32,
                })
            })
            .collect()
    }

    /// When the next event is due; none: no event waits.
    pub async fn next_event_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query("SELECT due_at FROM events ORDER BY due_at LIMIT 1")
            .fetch_optional(self.read())
            .await?;
        row.as_ref().map(|row| rows::time(row, "due_at")).transpose()
    }

    /// The event was told by this run, or is given up after it.
    pub async fn remove_event(&self, scope: &DomainScope, id: &str, run: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        kv::forget_call(&mut write, scope, run).await?;
        sqlx::query("DELETE FROM events WHERE domain_id = $1 AND id = $2")
            .bind(scope.id())
            .bind(id)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(())
    }

    /// The event was told in vain by this run, and is told again at `due`.
    pub async fn defer_event(
        &self,
        scope: &DomainScope,
        id: &str,
        run: &str,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        kv::forget_call(&mut write, scope, run).await?;
        sqlx::query(
            "UPDATE events SET failures = failures + 1, due_at = $3 WHERE domain_id = $1 AND id = $2",
        )
        .bind(scope.id())
        .bind(id)
        .bind(due.as_microsecond())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(())
    }

    /// All domains' entry points whose names begin so: the domain's name, and the entry point's.
    pub async fn entry_points_named(&self, prefix: &str) -> Result<Vec<(String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT d.name AS domain, e.number FROM entry_points e JOIN domains d ON d.id = e.domain_id \
             WHERE SUBSTR(e.number, 1, LENGTH($1)) = $1 ORDER BY d.name, e.number",
        )
        .bind(prefix)
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| Ok((row.try_get("domain")?, row.try_get("number")?)))
            .collect()
    }
}
