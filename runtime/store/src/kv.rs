//! What scenarios keep: pairs of a key and a value, per domain, within a cap.
//!
//! A write outlives the process at once, and a loss of power after the next call record or the next seconds.

use std::time::Duration;

use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqliteRow};

use crate::domains::now;
use crate::engine::Write;
use crate::error::at_most;
use crate::{DomainScope, Store, StoreError, rows};

/// Longest key, in bytes.
pub const KEY_MOST: usize = 512;
/// Longest value, in bytes.
pub const VALUE_MOST: usize = 64 << 10;
/// Most keys that one listing gives.
pub const KEYS_PAGE_MOST: u32 = 1_000;
/// How long results of changes made [`Once`] are kept for a call that leaves no record.
const ONCE_KEPT: Duration = Duration::from_hours(24);

/// Which host call asks for a change, so that its repetition after a crash is known as one: it changes nothing then and
/// is answered as it was the first time. That is remembered, in the change's own transaction, until the call's record is
/// written, or for a day. An error is not: nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once<'a> {
    /// The call's identifier, as its record will have it.
    pub call: &'a str,
    /// The host call's number in its call.
    pub op_index: u32,
    /// Which scenario asks.
    pub writer: Writer<'a>,
}

/// The scenario that a change is made for: the pairs that it writes are its own until another one writes them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writer<'a> {
    /// Its name; empty: no scenario's.
    pub module: &'a str,
    /// What its own pairs may take; none: as much as the domain's.
    pub cap: Option<KvCap>,
}

/// How much one domain's pairs may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvCap {
    /// Bytes, keys and values.
    pub bytes: u64,
    /// Pairs.
    pub keys: u64,
}

impl From<u64> for KvCap {
    /// So many bytes, in any number of pairs.
    fn from(bytes: u64) -> Self {
        Self {
            bytes,
            keys: u64::MAX,
        }
    }
}

impl Store {
    /// The value of a key; none: there is none. Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn kv_get(&self, scope: &DomainScope, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        checked_key(key)?;
        let row = sqlx::query("SELECT value FROM kv WHERE domain_id = $1 AND key = $2")
            .bind(scope.id())
            .bind(key.as_bytes())
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Ok(row.try_get("value")?)).transpose()
    }

    /// Writes a value, in the place of the one that may be there. The domain's pairs, keys and values, take no more
    /// than `cap` allows after it, unless they took more already and this makes them fewer.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`], [`StoreError::Full`], [`StoreError::TooMany`].
    pub async fn kv_set(
        &self,
        scope: &DomainScope,
        key: &str,
        value: &[u8],
        cap: impl Into<KvCap> + Send,
    ) -> Result<(), StoreError> {
        checked_pair(key, value)?;
        let mut write = self.write_relaxed().await?;
        set(&mut write, scope, key, value, (cap.into(), Writer::default())).await?;
        Ok(write.commit().await?)
    }

    /// As [`Store::kv_set`], one time for each `once`.
    pub async fn kv_set_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        key: &str,
        value: &[u8],
        cap: impl Into<KvCap> + Send,
    ) -> Result<(), StoreError> {
        checked_pair(key, value)?;
        let mut write = self.write_relaxed().await?;
        if remembered(&mut write, scope, once).await?.is_none() {
            set(&mut write, scope, key, value, (cap.into(), once.writer)).await?;
            remember(&mut write, scope, once, 0).await?;
        }
        Ok(write.commit().await?)
    }

    /// Deletes a key; true: there was one. Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn kv_delete(&self, scope: &DomainScope, key: &str) -> Result<bool, StoreError> {
        checked_key(key)?;
        let mut write = self.write_relaxed().await?;
        let was_there = delete(&mut write, scope, key).await?;
        write.commit().await?;
        Ok(was_there)
    }

    /// As [`Store::kv_delete`], one time for each `once`.
    pub async fn kv_delete_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        key: &str,
    ) -> Result<bool, StoreError> {
        checked_key(key)?;
        let mut write = self.write_relaxed().await?;
        let was_there = if let Some(result) = remembered(&mut write, scope, once).await? {
            result != 0
        } else {
            let was_there = delete(&mut write, scope, key).await?;
            remember(&mut write, scope, once, i64::from(was_there)).await?;
            was_there
        };
        write.commit().await?;
        Ok(was_there)
    }

    /// Adds `by` to a decimal number, a missing key counting as 0, and gives the sum; whole additions only, however
    /// many at the same time. Errors: [`StoreError::NotANumber`], [`StoreError::Overflow`] and those of
    /// [`Store::kv_set`].
    pub async fn kv_increment(
        &self,
        scope: &DomainScope,
        key: &str,
        by: i64,
        cap: impl Into<KvCap> + Send,
    ) -> Result<i64, StoreError> {
        checked_key(key)?;
        let mut write = self.write_relaxed().await?;
        let sum = add(&mut write, scope, key, by, (cap.into(), Writer::default())).await?;
        write.commit().await?;
        Ok(sum)
    }

    /// As [`Store::kv_increment`], one time for each `once`.
    pub async fn kv_increment_once(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        key: &str,
        by: i64,
        cap: impl Into<KvCap> + Send,
    ) -> Result<i64, StoreError> {
        checked_key(key)?;
        let mut write = self.write_relaxed().await?;
        let sum = if let Some(sum) = remembered(&mut write, scope, once).await? {
            sum
        } else {
            let sum = add(&mut write, scope, key, by, (cap.into(), once.writer)).await?;
            remember(&mut write, scope, once, sum).await?;
            sum
        };
        write.commit().await?;
        Ok(sum)
    }

    /// Up to `limit` (1 to [`KEYS_PAGE_MOST`]) keys that begin with `prefix` and come after `after`, in byte order.
    /// An empty `after` begins at the start; the last key of a page begins the next one.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn kv_keys(
        &self,
        scope: &DomainScope,
        prefix: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<String>, StoreError> {
        at_most("prefix", prefix.len(), KEY_MOST)?;
        at_most("key", after.len(), KEY_MOST)?;
        if !(1..=KEYS_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {KEYS_PAGE_MOST}"),
            ));
        }
        // No UTF-8 has the byte 0xFF: all that begins with the prefix comes before this.
        let mut end = prefix.as_bytes().to_vec();
        end.push(0xff);
        let rows = sqlx::query(
            "SELECT key FROM kv WHERE domain_id = $1 AND key >= $2 AND key < $3 AND key > $4 \
             ORDER BY key LIMIT $5",
        )
        .bind(scope.id())
        .bind(prefix.as_bytes())
        .bind(end)
        .bind(after.as_bytes())
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                String::from_utf8(row.try_get("key")?).map_err(|error| StoreError::Corrupt {
                    what: format!("key-value key: {error}"),
                })
            })
            .collect()
    }

    /// What the domain's pairs take, keys and values, in bytes.
    pub async fn kv_usage(&self, scope: &DomainScope) -> Result<u64, StoreError> {
        Ok(self.kv_taken(scope).await?.bytes)
    }

    /// What the pairs take that a scenario of the domain wrote last, and how many they are.
    pub async fn kv_taken_by(&self, scope: &DomainScope, module: &str) -> Result<KvCap, StoreError> {
        let row =
            sqlx::query("SELECT bytes, pairs FROM kv_module_usage WHERE domain_id = $1 AND module = $2")
                .bind(scope.id())
                .bind(module)
                .fetch_optional(self.read())
                .await?;
        Ok(match row {
            Some(row) => KvCap {
                bytes: rows::count(&row, "bytes")?,
                keys: rows::count(&row, "pairs")?,
            },
            None => KvCap { bytes: 0, keys: 0 },
        })
    }

    /// What the domain's pairs take, and how many there are.
    pub async fn kv_taken(&self, scope: &DomainScope) -> Result<KvCap, StoreError> {
        let row = sqlx::query("SELECT bytes, pairs FROM kv_usage WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else {
            return Ok(KvCap { bytes: 0, keys: 0 });
        };
        Ok(KvCap {
            bytes: rows::count(&row, "bytes")?,
            keys: rows::count(&row, "pairs")?,
        })
    }
}

/// Writes a value, within a transaction that the caller commits; so the two that follow.
async fn set(
    write: &mut Write,
    scope: &DomainScope,
    key: &str,
    value: &[u8],
    within: (KvCap, Writer<'_>),
) -> Result<(), StoreError> {
    let before = pair_in(write, scope, key).await?;
    replace(write, scope, key, before.as_ref(), value, within).await
}

/// Deletes a key; true: there was one.
async fn delete(write: &mut Write, scope: &DomainScope, key: &str) -> Result<bool, StoreError> {
    let row = sqlx::query("DELETE FROM kv WHERE domain_id = $1 AND key = $2 RETURNING value, module")
        .bind(scope.id())
        .bind(key.as_bytes())
        .fetch_optional(&mut **write)
        .await?;
    let Some(row) = row else { return Ok(false) };
    let gone = Before::of(&row)?;
    let taken = (key.len() + gone.value.len()) as i64;
    sqlx::query("UPDATE kv_usage SET bytes = bytes - $2, pairs = pairs - 1 WHERE domain_id = $1")
        .bind(scope.id())
        .bind(taken)
        .execute(&mut **write)
        .await?;
    count_for(write, scope, &gone.module, -taken, -1).await?;
    Ok(true)
}

/// Adds `by` to the number at `key` and gives the sum.
async fn add(
    write: &mut Write,
    scope: &DomainScope,
    key: &str,
    by: i64,
    within: (KvCap, Writer<'_>),
) -> Result<i64, StoreError> {
    let before = pair_in(write, scope, key).await?;
    let number = match &before {
        None => 0,
        Some(before) => std::str::from_utf8(&before.value)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .ok_or_else(|| StoreError::NotANumber { key: key.to_owned() })?,
    };
    let sum = number
        .checked_add(by)
        .ok_or_else(|| StoreError::Overflow { key: key.to_owned() })?;
    let text = sum.to_string();
    replace(write, scope, key, before.as_ref(), text.as_bytes(), within).await?;
    Ok(sum)
}

/// What a change that was made already gave; none: it was not made.
pub(crate) async fn remembered(
    write: &mut Write,
    scope: &DomainScope,
    once: Once<'_>,
) -> Result<Option<i64>, StoreError> {
    let row =
        sqlx::query("SELECT result FROM kv_once WHERE domain_id = $1 AND call_id = $2 AND op_index = $3")
            .bind(scope.id())
            .bind(once.call)
            .bind(i64::from(once.op_index))
            .fetch_optional(&mut **write)
            .await?;
    row.map(|row| Ok(row.try_get("result")?)).transpose()
}

/// Remembers what a change gave: a sum, or 1 for a key that was there and is deleted.
pub(crate) async fn remember(
    write: &mut Write,
    scope: &DomainScope,
    once: Once<'_>,
    result: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO kv_once (domain_id, call_id, op_index, result, created_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(scope.id())
    .bind(once.call)
    .bind(i64::from(once.op_index))
    .bind(result)
    .bind(now().as_microsecond())
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "host call", once.call))?;
    Ok(())
}

impl Store {
    /// What a host call that changes something elsewhere has given; none: it is not known to be done.
    pub async fn done_once(&self, scope: &DomainScope, once: Once<'_>) -> Result<Option<i64>, StoreError> {
        let mut write = self.write_relaxed().await?;
        remembered(&mut write, scope, once).await
    }

    /// Remembers what a host call that changes something elsewhere has given.
    pub async fn note_done(
        &self,
        scope: &DomainScope,
        once: Once<'_>,
        result: i64,
    ) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        remember(&mut write, scope, once, result).await?;
        Ok(write.commit().await?)
    }

    /// Forgets what was remembered for a run that no call began: it is over and asks nothing again.
    pub async fn forget_run(&self, scope: &DomainScope, run: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        forget_call(&mut write, scope, run).await?;
        write.commit().await?;
        Ok(())
    }
}

/// Forgets what was remembered for a call: it is over and asks nothing again.
pub(crate) async fn forget_call(
    write: &mut Write,
    scope: &DomainScope,
    call: &str,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM kv_once WHERE domain_id = $1 AND call_id = $2")
        .bind(scope.id())
        .bind(call)
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Forgets, in all domains, what was remembered for calls that left no record within a day.
pub(crate) async fn forget_old(write: &SqlitePool) -> Result<(), StoreError> {
    let before = now().as_microsecond() - ONCE_KEPT.as_micros() as i64;
    // Looked for first, so that opening the store seldom waits for another process's write.
    let old = sqlx::query("SELECT 1 FROM kv_once WHERE created_at < $1 LIMIT 1")
        .bind(before)
        .fetch_optional(write)
        .await?;
    if old.is_some() {
        sqlx::query("DELETE FROM kv_once WHERE created_at < $1")
            .bind(before)
            .execute(write)
            .await?;
    }
    Ok(())
}

/// A pair as it was.
struct Before {
    value: Vec<u8>,
    /// The scenario that wrote it last; empty: none that is known.
    module: String,
}

impl Before {
    fn of(row: &SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            value: row.try_get("value")?,
            module: row.try_get("module")?,
        })
    }
}

async fn pair_in(write: &mut Write, scope: &DomainScope, key: &str) -> Result<Option<Before>, StoreError> {
    let row = sqlx::query("SELECT value, module FROM kv WHERE domain_id = $1 AND key = $2")
        .bind(scope.id())
        .bind(key.as_bytes())
        .fetch_optional(&mut **write)
        .await?;
    row.as_ref().map(Before::of).transpose()
}

/// Adds to what a scenario's own pairs take, and tells what they take then; of no scenario nothing is counted.
async fn count_for(
    write: &mut Write,
    scope: &DomainScope,
    module: &str,
    bytes: i64,
    pairs: i64,
) -> Result<KvCap, StoreError> {
    if module.is_empty() {
        return Ok(KvCap { bytes: 0, keys: 0 });
    }
    let row = sqlx::query(
        "INSERT INTO kv_module_usage (domain_id, module, bytes, pairs) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (domain_id, module) DO UPDATE SET bytes = kv_module_usage.bytes + excluded.bytes, \
         pairs = kv_module_usage.pairs + excluded.pairs RETURNING bytes, pairs",
    )
    .bind(scope.id())
    .bind(module)
    .bind(bytes)
    .bind(pairs)
    .fetch_one(&mut **write)
    .await?;
    Ok(KvCap {
        bytes: rows::count(&row, "bytes")?,
        keys: rows::count(&row, "pairs")?,
    })
}

/// Counts a pair that is written for its writer, and no longer for who wrote it before.
async fn count_own(
    write: &mut Write,
    scope: &DomainScope,
    (freed, size): (i64, i64),
    before: Option<&Before>,
    writer: Writer<'_>,
) -> Result<(), StoreError> {
    let own = before.is_some_and(|before| before.module == writer.module);
    let (growth, more) = if own { (size - freed, 0) } else { (size, 1) };
    if let Some(before) = before.filter(|_| !own) {
        count_for(write, scope, &before.module, -freed, -1).await?;
    }
    let taken = count_for(write, scope, writer.module, growth, more).await?;
    let Some(cap) = writer.cap else { return Ok(()) };
    if growth > 0 && taken.bytes > cap.bytes {
        return Err(StoreError::FullOfScenario {
            scenario: writer.module.to_owned(),
            would_be_bytes: taken.bytes,
            cap_bytes: cap.bytes,
        });
    }
    if more > 0 && taken.keys > cap.keys {
        return Err(StoreError::TooMany {
            what: "keys of the scenario in the domain's key-value store",
            most: usize::try_from(cap.keys).unwrap_or(usize::MAX),
        });
    }
    Ok(())
}

/// Writes the value and keeps the account; the write lock is held since `before` was read.
async fn replace(
    write: &mut Write,
    scope: &DomainScope,
    key: &str,
    before: Option<&Before>,
    value: &[u8],
    (cap, writer): (KvCap, Writer<'_>),
) -> Result<(), StoreError> {
    let freed = before.map_or(0, |before| key.len() + before.value.len()) as i64;
    let size = (key.len() + value.len()) as i64;
    let growth = size - freed;
    let row = sqlx::query(
        "INSERT INTO kv_usage (domain_id, bytes, pairs) VALUES ($1, $2, $3) \
         ON CONFLICT (domain_id) DO UPDATE SET bytes = kv_usage.bytes + excluded.bytes, \
         pairs = kv_usage.pairs + excluded.pairs RETURNING bytes, pairs",
    )
    .bind(scope.id())
    .bind(growth)
    .bind(i64::from(before.is_none()))
    .fetch_one(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "key", key))?;
    let would_be_bytes = rows::count(&row, "bytes")?;
    // The caller drops the transaction after an error: the account goes back with it.
    if growth > 0 && would_be_bytes > cap.bytes {
        return Err(StoreError::Full {
            would_be_bytes,
            cap_bytes: cap.bytes,
        });
    }
    if before.is_none() && rows::count(&row, "pairs")? > cap.keys {
        return Err(StoreError::TooMany {
            what: "keys in the domain's key-value store",
            most: usize::try_from(cap.keys).unwrap_or(usize::MAX),
        });
    }
    count_own(write, scope, (freed, size), before, writer).await?;
    sqlx::query(
        "INSERT INTO kv (domain_id, key, value, module) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (domain_id, key) DO UPDATE SET value = excluded.value, module = excluded.module",
    )
    .bind(scope.id())
    .bind(key.as_bytes())
    .bind(value)
    .bind(writer.module)
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "key", key))?;
    Ok(())
}

fn checked_pair(key: &str, value: &[u8]) -> Result<(), StoreError> {
    checked_key(key)?;
    at_most("value", value.len(), VALUE_MOST)
}

fn checked_key(key: &str) -> Result<(), StoreError> {
    at_most("key", key.len(), KEY_MOST)?;
    if key.is_empty() {
        return Err(StoreError::invalid("key", "it is 1 to 512 bytes"));
    }
    Ok(())
}
