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
/// Changes that a page looks at, where it is filtered.
pub const LOOKED_MOST: i64 = 20_000;
/// Bytes of a text that is looked for.
const TEXT_MOST: usize = 256;
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
    /// What it was; no secret is in it. Over 64 KiB of JSON it is left out.
    pub before: Option<&'a serde_json::Value>,
    /// What it is; as `before`.
    pub after: Option<&'a serde_json::Value>,
}

/// Which changes to read; none of a thing: whatever it is. Texts are without case, for ASCII, and have at most 256
/// bytes.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// In the login or the token's name.
    pub who: Option<String>,
    /// In what it was done to.
    pub what: Option<String>,
    /// The whole of the action.
    pub action: Option<String>,
    /// In who, what or address.
    pub words: Option<String>,
    /// Made then or later.
    pub since: Option<Timestamp>,
    /// Made before then.
    pub until: Option<Timestamp>,
    /// Entries of the page, 1 to [`AUDIT_PAGE_MOST`]; none: 100.
    pub limit: Option<u32>,
    /// Older than this entry.
    pub before: Option<i64>,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The newest first.
    pub entries: Vec<AuditEntry>,
    /// What the next page is `before`; none: there is none.
    pub next: Option<i64>,
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

    /// A page of the changes to a domain or to the system, the newest first. A page that is filtered looks at
    /// [`LOOKED_MOST`] changes; it may have fewer than its limit, even none, and be followed by others.
    /// Errors: [`StoreError::Invalid`] (the limit, a text that is looked for).
    pub async fn audit(&self, home: Home<'_>, filter: &AuditFilter) -> Result<AuditPage, StoreError> {
        let limit = filter.limit.unwrap_or(100);
        if !(1..=AUDIT_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {AUDIT_PAGE_MOST}"),
            ));
        }
        let texts = [&filter.who, &filter.what, &filter.action, &filter.words];
        for (name, text) in ["who", "what", "action", "words"].into_iter().zip(texts) {
            if text.as_ref().is_some_and(|text| text.len() > TEXT_MOST) {
                return Err(StoreError::invalid(
                    name,
                    format!("it has at most {TEXT_MOST} bytes"),
                ));
            }
        }
        let before = filter.before.unwrap_or(i64::MAX);
        let entries = sqlx::query(
            "SELECT id, at, who, address, action, what, before, after FROM \
             (SELECT * FROM audit WHERE domain_id IS NOT DISTINCT FROM $1 AND id < $2 ORDER BY id DESC LIMIT $3) AS looked \
             WHERE ($4 IS NULL OR who LIKE $4 ESCAPE '\\') AND ($5 IS NULL OR what LIKE $5 ESCAPE '\\') \
             AND ($6 IS NULL OR action = $6) AND ($7 IS NULL OR at >= $7) AND ($8 IS NULL OR at < $8) \
             AND ($9 IS NULL OR who LIKE $9 ESCAPE '\\' OR what LIKE $9 ESCAPE '\\' OR address LIKE $9 ESCAPE '\\') \
             ORDER BY id DESC LIMIT $10",
        )
        .bind(home.map(DomainScope::id))
        .bind(before)
        .bind(LOOKED_MOST)
        .bind(filter.who.as_deref().map(rows::like))
        .bind(filter.what.as_deref().map(rows::like))
        .bind(&filter.action)
        .bind(filter.since.map(Timestamp::as_microsecond))
        .bind(filter.until.map(Timestamp::as_microsecond))
        .bind(filter.words.as_deref().map(rows::like))
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?
        .iter()
        .map(entry_of)
        .collect::<Result<Vec<_>, _>>()?;
        let full = entries.len() >= limit as usize;
        let next = match entries.last().filter(|_| full) {
            Some(last) => Some(last.id),
            None => self.looked_down_to(home, before, filter.since).await?,
        };
        Ok(AuditPage { entries, next })
    }

    /// The last of the changes that a page looks at; none: it looks at all that come into question.
    async fn looked_down_to(
        &self,
        home: Home<'_>,
        before: i64,
        since: Option<Timestamp>,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT id, at FROM audit WHERE domain_id IS NOT DISTINCT FROM $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3",
        )
        .bind(home.map(DomainScope::id))
        .bind(before)
        .bind(LOOKED_MOST - 1)
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let at = rows::time(&row, "at")?;
        let id = row.try_get("id")?;
        Ok(since.is_none_or(|since| at >= since).then_some(id))
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
