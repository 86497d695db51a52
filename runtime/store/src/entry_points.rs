//! Entry points: which number starts which scenario, and with what configuration.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::activations::{found, note_active, note_new};
use crate::domains::now;
use crate::error::at_most;
use crate::versions::startable;
use crate::worlds::fits_world;
use crate::{DomainScope, NewFallback, Store, StoreError, fallbacks, rows};

/// Longest number or pattern, in bytes.
pub const NUMBER_MOST: usize = 64;
/// Longest title, in bytes.
pub(crate) const TITLE_MOST: usize = 256;
/// Longest configuration, in bytes.
pub const CONFIG_MOST: usize = 1 << 20;
/// Most entry points of one domain: the call path keeps their numbers in memory.
pub const ENTRY_POINTS_MOST: usize = 10_000;

/// What a dialled number starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryPoint {
    /// A number, or a pattern of numbers: `300`, `3XX`, `0*`.
    pub number: String,
    /// What people call it; may be empty.
    pub title: String,
    /// The module's name.
    pub module: String,
    /// The version of the module: the component's BLAKE3 hash.
    pub hash: String,
    /// What the scenario is told, as JSON text; `{}` when nothing was set.
    pub config: String,
    /// How the caller is answered when the scenario fails: `normal`, `busy`, `declined`, `not-found`, `forbidden`,
    /// `unavailable`, `congested` (the contract's causes), or a SIP status from 400 to 699.
    pub fallback_cause: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl EntryPoint {
    /// The SIP status that [`Self::fallback_cause`] stands for; 480 if it says nothing that we know.
    pub fn fallback_status(&self) -> u16 {
        status_of_cause(&self.fallback_cause).unwrap_or(480)
    }
}

/// An entry point to make.
#[derive(Debug, Clone)]
pub struct NewEntryPoint {
    /// A number or pattern of 1 to 64 bytes. The store checks its letters only; `tandem_directory::Pattern` says what
    /// it matches, and whether it is one.
    pub number: String,
    /// Up to 256 bytes.
    pub title: String,
    /// The module's name.
    pub module: String,
    /// A hash, or six digits or more with which only one version's begins. None: the module's newest version.
    pub hash: Option<String>,
    /// JSON text of up to 1 MiB.
    pub config: String,
    /// See [`EntryPoint::fallback_cause`].
    pub fallback_cause: String,
    /// What takes over where its scenario fails; none: nothing, the caller gets the cause.
    pub fallback: Option<NewFallback>,
}

impl NewEntryPoint {
    /// The newest version of a module, without title and configuration; `unavailable` (480) if it fails.
    pub fn new(number: impl Into<String>, module: impl Into<String>) -> Self {
        Self {
            number: number.into(),
            title: String::new(),
            module: module.into(),
            hash: None,
            config: "{}".to_owned(),
            fallback_cause: "unavailable".to_owned(),
            fallback: None,
        }
    }
}

/// What to change of an entry point; none: leave it.
#[derive(Debug, Clone, Default)]
pub struct EntryPointChange {
    /// The new title.
    pub title: Option<String>,
    /// The new module, and its version; no version: the newest one.
    pub module: Option<(String, Option<String>)>,
    /// The new configuration.
    pub config: Option<String>,
    /// The new cause.
    pub fallback_cause: Option<String>,
    /// What takes over from now on where its scenario fails; [`NewFallback::Cause`]: nothing does.
    pub fallback: Option<NewFallback>,
}

impl Store {
    /// Makes an entry point. Errors: [`StoreError::Exists`]; [`StoreError::NotFound`] (the module, or its version);
    /// [`StoreError::Invalid`]; [`StoreError::TooLarge`]; [`StoreError::TooMany`].
    pub async fn add_entry_point(
        &self,
        scope: &DomainScope,
        new: &NewEntryPoint,
    ) -> Result<EntryPoint, StoreError> {
        checked_number(&new.number)?;
        checked_title(&new.title)?;
        checked_config(&new.config)?;
        checked_cause(&new.fallback_cause)?;
        new.fallback.as_ref().map_or(Ok(()), NewFallback::checked)?;
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM entry_points WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        if rows::count(&row, "present")? >= ENTRY_POINTS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "entry points in one domain",
                most: ENTRY_POINTS_MOST,
            });
        }
        let hash = startable(&mut write, scope, &new.module, new.hash.as_deref()).await?;
        let created_at = now();
        sqlx::query(
            "INSERT INTO entry_points (domain_id, number, title, module, hash, config, fallback_cause, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(scope.id())
        .bind(&new.number)
        .bind(&new.title)
        .bind(&new.module)
        .bind(&hash)
        .bind(&new.config)
        .bind(&new.fallback_cause)
        .bind(created_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "entry point", &new.number))?;
        if let Some(fallback) = &new.fallback {
            fallbacks::put(&mut write, scope, &new.number, fallback).await?;
        }
        let new = new.clone();
        let made = EntryPoint {
            number: new.number,
            title: new.title,
            module: new.module,
            hash,
            config: new.config,
            fallback_cause: match new.fallback {
                Some(NewFallback::Cause(cause)) => cause,
                _ => new.fallback_cause,
            },
            created_at,
        };
        fits_world(&mut write, scope, &made.number).await?;
        note_new(&mut write, scope, &made).await?;
        self.commit_directory(write).await?;
        Ok(made)
    }

    /// Changes an entry point; calls in progress go on as they began. Another version is [activated](Store::activate);
    /// after another module there is no version to return to. Errors as [`Store::add_entry_point`], and
    /// [`StoreError::NotFound`] when there is none of this number.
    pub async fn set_entry_point(
        &self,
        scope: &DomainScope,
        number: &str,
        change: &EntryPointChange,
    ) -> Result<EntryPoint, StoreError> {
        change.title.as_deref().map_or(Ok(()), checked_title)?;
        change.config.as_deref().map_or(Ok(()), checked_config)?;
        change.fallback_cause.as_deref().map_or(Ok(()), checked_cause)?;
        change.fallback.as_ref().map_or(Ok(()), NewFallback::checked)?;
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        let (module, hash) = match &change.module {
            Some((name, hash)) => (
                Some(name),
                Some(startable(&mut write, scope, name, hash.as_deref()).await?),
            ),
            None => (None, None),
        };
        let row = sqlx::query(
            "UPDATE entry_points SET title = COALESCE($3, title), module = COALESCE($4, module), \
             hash = COALESCE($5, hash), config = COALESCE($6, config), \
             fallback_cause = COALESCE($7, fallback_cause) WHERE domain_id = $1 AND number = $2 \
             RETURNING number, title, module, hash, config, fallback_cause, created_at",
        )
        .bind(scope.id())
        .bind(number)
        .bind(&change.title)
        .bind(module)
        .bind(&hash)
        .bind(&change.config)
        .bind(&change.fallback_cause)
        .fetch_one(&mut *write)
        .await?;
        let entry_point = entry_point_of(&row)?;
        if change.module.is_some() {
            fits_world(&mut write, scope, number).await?;
            note_active(&mut write, scope, &before, &entry_point).await?;
        }
        let entry_point = match &change.fallback {
            Some(fallback) => {
                let after = fallbacks::change(&mut write, scope, &before, fallback).await?;
                after.entry_point
            }
            None => entry_point,
        };
        self.commit_directory(write).await?;
        Ok(entry_point)
    }

    /// Removes an entry point. Errors: [`StoreError::NotFound`].
    pub async fn remove_entry_point(&self, scope: &DomainScope, number: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM entry_points WHERE domain_id = $1 AND number = $2")
            .bind(scope.id())
            .bind(number)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("entry point", number));
        }
        self.commit_directory(write).await
    }

    /// All entry points of the domain, by number.
    pub async fn entry_points(&self, scope: &DomainScope) -> Result<Vec<EntryPoint>, StoreError> {
        sqlx::query(
            "SELECT number, title, module, hash, config, fallback_cause, created_at FROM entry_points \
             WHERE domain_id = $1 ORDER BY number",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?
        .iter()
        .map(entry_point_of)
        .collect()
    }

    /// The numbers and patterns of all entry points of the domain, in order; at most [`ENTRY_POINTS_MOST`].
    pub async fn entry_point_numbers(&self, scope: &DomainScope) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT number FROM entry_points WHERE domain_id = $1 ORDER BY number")
            .bind(scope.id())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("number")?)).collect()
    }

    /// The entry point of exactly this number or pattern, as it was written; none: there is none.
    pub async fn entry_point(
        &self,
        scope: &DomainScope,
        number: &str,
    ) -> Result<Option<EntryPoint>, StoreError> {
        sqlx::query(
            "SELECT number, title, module, hash, config, fallback_cause, created_at FROM entry_points \
             WHERE domain_id = $1 AND number = $2",
        )
        .bind(scope.id())
        .bind(number)
        .fetch_optional(self.read())
        .await?
        .as_ref()
        .map(entry_point_of)
        .transpose()
    }
}

pub(crate) fn entry_point_of(row: &SqliteRow) -> Result<EntryPoint, StoreError> {
    Ok(EntryPoint {
        number: row.try_get("number")?,
        title: row.try_get("title")?,
        module: row.try_get("module")?,
        hash: row.try_get("hash")?,
        config: row.try_get("config")?,
        fallback_cause: row.try_get("fallback_cause")?,
        created_at: rows::time(row, "created_at")?,
    })
}

pub(crate) fn checked_number(number: &str) -> Result<(), StoreError> {
    at_most("number", number.len(), NUMBER_MOST)?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StoreError::invalid(
            "number",
            "it is 1 to 64 visible ASCII characters",
        ));
    }
    Ok(())
}

pub(crate) fn checked_title(title: &str) -> Result<(), StoreError> {
    at_most("title", title.len(), TITLE_MOST)?;
    if title.chars().any(char::is_control) {
        return Err(StoreError::invalid("title", "it has no control characters"));
    }
    Ok(())
}

pub(crate) fn checked_config(config: &str) -> Result<(), StoreError> {
    at_most("config", config.len(), CONFIG_MOST)?;
    // Read and thrown away: the scenario gets the text as it was given.
    serde_json::from_str::<serde::de::IgnoredAny>(config)
        .map(|_| ())
        .map_err(|error| StoreError::invalid("config", format!("it is not JSON: {error}")))
}

pub(crate) fn checked_cause(cause: &str) -> Result<(), StoreError> {
    status_of_cause(cause).map(|_| ()).ok_or_else(|| {
        StoreError::invalid(
            "fallback cause",
            format!(
                "`{}` is not normal, busy, declined, not-found, forbidden, unavailable, congested or a status from \
                 400 to 699",
                cause.chars().take(64).collect::<String>().escape_debug()
            ),
        )
    })
}

/// The statuses that the contract gives its causes.
fn status_of_cause(cause: &str) -> Option<u16> {
    match cause {
        "normal" | "unavailable" => Some(480),
        "busy" => Some(486),
        "declined" => Some(603),
        "not-found" => Some(404),
        "forbidden" => Some(403),
        "congested" => Some(503),
        number => {
            let digits = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
            number
                .parse()
                .ok()
                .filter(|status| digits && (400..=699).contains(status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_have_their_statuses() {
        for (cause, status) in [("busy", Some(486)), ("503", Some(503)), ("699", Some(699))] {
            assert_eq!(status_of_cause(cause), status);
        }
        for cause in ["", "200", "700", "+48", "0480", "gone", "48 "] {
            assert_eq!(status_of_cause(cause), None, "{cause}");
        }
    }

    #[test]
    fn config_is_json_of_bounded_size() {
        assert!(checked_config(r#"{"greeting": "hello"}"#).is_ok());
        assert!(matches!(checked_config("{"), Err(StoreError::Invalid { .. })));
        assert!(matches!(checked_config("{} x"), Err(StoreError::Invalid { .. })));
        // Nesting is bounded by the reader: no stack to overflow.
        assert!(matches!(
            checked_config(&"[".repeat(CONFIG_MOST)),
            Err(StoreError::Invalid { .. })
        ));
        let long = format!("\"{}\"", "x".repeat(CONFIG_MOST));
        assert!(matches!(checked_config(&long), Err(StoreError::TooLarge { .. })));
    }
}
