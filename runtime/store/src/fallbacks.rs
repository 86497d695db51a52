//! What takes over a call whose scenario failed: another scenario, with settings of its own, or the cause that the caller
//! is refused with. A scenario that was set fails with the cause in its turn: a fall-back has none.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::activations::found;
use crate::engine::Write;
use crate::entry_points::{checked_cause, checked_config};
use crate::history::{NewEntry, note};
use crate::versions::startable;
use crate::{Activation, By, DomainScope, Event, Store, StoreError};

/// The scenario that takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// The module's name.
    pub module: String,
    /// Its version.
    pub hash: String,
    /// What it is told, as JSON text; `{}` when nothing was set.
    pub config: String,
}

/// A fall-back to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewFallback {
    /// The caller gets this cause, and no scenario takes over.
    Cause(String),
    /// A scenario takes over; where it fails too, the caller gets the cause that is set.
    Scenario {
        /// The module's name.
        module: String,
        /// A hash, or six digits or more with which only one version's begins. None: the module's newest version.
        version: Option<String>,
        /// JSON text of up to 1 MiB.
        config: String,
    },
}

impl NewFallback {
    /// As people write it: one of the contract's causes or a status from 400 to 699, or else `SCENARIO[@VERSION]`. A
    /// scenario that is called as a cause needs its version.
    pub fn parse(text: &str, config: String) -> Self {
        if checked_cause(text).is_ok() {
            return Self::Cause(text.to_owned());
        }
        let (module, version) = match text.split_once('@') {
            Some((module, version)) => (module, Some(version.to_owned())),
            None => (text, None),
        };
        Self::Scenario {
            module: module.to_owned(),
            version,
            config,
        }
    }

    /// What of it needs no look at the store. Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub(crate) fn checked(&self) -> Result<(), StoreError> {
        match self {
            Self::Cause(cause) => checked_cause(cause),
            Self::Scenario { config, .. } => checked_config(config),
        }
    }
}

impl Store {
    /// Sets what takes over the calls of an entry point whose scenario fails; calls in progress keep what they began
    /// with. Errors: [`StoreError::NotFound`] (the entry point; the module, or its version), [`StoreError::Invalid`],
    /// [`StoreError::TooLarge`].
    pub async fn set_fallback(
        &self,
        scope: &DomainScope,
        number: &str,
        new: &NewFallback,
    ) -> Result<Activation, StoreError> {
        new.checked()?;
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        let after = change(&mut write, scope, &before, new).await?;
        if after == before {
            write.rollback().await?;
            return Ok(before);
        }
        self.commit_directory(write).await?;
        Ok(after)
    }
}

/// Writes the fall-back of an entry point that was `before`, and notes it where it is another one.
pub(crate) async fn change(
    write: &mut Write,
    scope: &DomainScope,
    before: &Activation,
    new: &NewFallback,
) -> Result<Activation, StoreError> {
    let number = &before.entry_point.number;
    put(write, scope, number, new).await?;
    let after = found(write, scope, number).await?;
    let is = |of: &Activation| (of.fallback.clone(), of.entry_point.fallback_cause.clone());
    if is(&after) != is(before) {
        let active = &after.entry_point.hash;
        let entry = NewEntry {
            what: Event::FallbackChanged,
            hash: after.fallback.as_ref().map_or(active, |fallback| &fallback.hash),
            active_hash: active,
            share_percent: None,
            by: By::Hand,
            why: None,
        };
        note(write, scope, number, &entry).await?;
    }
    Ok(after)
}

/// Writes the fall-back of an entry point that is there.
pub(crate) async fn put(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    new: &NewFallback,
) -> Result<(), StoreError> {
    match new {
        NewFallback::Cause(cause) => {
            sqlx::query("DELETE FROM fallbacks WHERE domain_id = $1 AND number = $2")
                .bind(scope.id())
                .bind(number)
                .execute(&mut **write)
                .await?;
            sqlx::query("UPDATE entry_points SET fallback_cause = $3 WHERE domain_id = $1 AND number = $2")
                .bind(scope.id())
                .bind(number)
                .bind(cause)
                .execute(&mut **write)
                .await?;
        }
        NewFallback::Scenario {
            module,
            version: wanted,
            config,
        } => {
            let hash = startable(write, scope, module, wanted.as_deref()).await?;
            sqlx::query(
                "INSERT INTO fallbacks (domain_id, number, module, hash, config) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (domain_id, number) DO UPDATE SET module = excluded.module, hash = excluded.hash, \
                 config = excluded.config",
            )
            .bind(scope.id())
            .bind(number)
            .bind(module)
            .bind(&hash)
            .bind(config)
            .execute(&mut **write)
            .await?;
        }
    }
    Ok(())
}

/// From the columns that [`Store::activation`] reads.
pub(crate) fn fallback_of(row: &SqliteRow) -> Result<Option<Fallback>, StoreError> {
    let module: Option<String> = row.try_get("fallback_module")?;
    module
        .map(|module| {
            Ok(Fallback {
                module,
                hash: row.try_get("fallback_hash")?,
                config: row.try_get("fallback_config")?,
            })
        })
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_is_read_as_people_write_it() {
        let read = |text| NewFallback::parse(text, "{}".into());
        assert_eq!(read("busy"), NewFallback::Cause("busy".into()));
        assert_eq!(read("503"), NewFallback::Cause("503".into()));
        let scenario = |module: &str, version: Option<&str>| NewFallback::Scenario {
            module: module.into(),
            version: version.map(str::to_owned),
            config: "{}".into(),
        };
        assert_eq!(read("night"), scenario("night", None));
        assert_eq!(read("busy@00ff11"), scenario("busy", Some("00ff11")));
        assert_eq!(read("200"), scenario("200", None), "no status that ends a call");
    }
}
