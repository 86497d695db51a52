//! What a domain's modules may import.

use sqlx::Row;

use crate::{DomainScope, Store, StoreError};

/// Most names in a list.
const GRANTS_MOST: usize = 64;

impl Store {
    /// Lets the domain's modules import these interfaces only, by their names without package and version; none: all
    /// of them. Asked when a module is uploaded: what is there stays, and runs. Whether a name is an interface's is
    /// not looked at.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooMany`], [`StoreError::NotFound`].
    pub async fn set_grants(&self, scope: &DomainScope, names: Option<&[String]>) -> Result<(), StoreError> {
        checked_names(names.unwrap_or_default(), "grants in one domain")?;
        let mut write = self.write().await?;
        let changed = sqlx::query("UPDATE domains SET grants = $2 WHERE id = $1")
            .bind(scope.id())
            .bind(names.map(|names| names.join(" ")))
            .execute(&mut *write)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("domain", scope.name()));
        }
        Ok(write.commit().await?)
    }

    /// What the domain's modules may import; none: everything. Errors: [`StoreError::NotFound`].
    pub async fn grants(&self, scope: &DomainScope) -> Result<Option<Vec<String>>, StoreError> {
        let row = sqlx::query("SELECT grants FROM domains WHERE id = $1")
            .bind(scope.id())
            .fetch_optional(self.read())
            .await?;
        let row = row.ok_or_else(|| StoreError::not_found("domain", scope.name()))?;
        let words: Option<String> = row.try_get("grants")?;
        Ok(words.map(|words| words.split_whitespace().map(str::to_owned).collect()))
    }
}

/// Refuses what cannot be a list of interfaces' names; `what` it is, for the error.
pub(crate) fn checked_names(names: &[String], what: &'static str) -> Result<(), StoreError> {
    if names.len() > GRANTS_MOST {
        return Err(StoreError::TooMany {
            what,
            most: GRANTS_MOST,
        });
    }
    let word = |name: &String| name.bytes().all(|byte| byte.is_ascii_graphic()) && !name.is_empty();
    if names.iter().all(word) {
        return Ok(());
    }
    Err(StoreError::invalid(
        "grant",
        "it is the name of an interface: `leg`",
    ))
}
