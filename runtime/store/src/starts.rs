//! What an entry point starts, as its scenarios are told: the activation's settings, or, where it has none, those that
//! the version brings. So a canary, a rollback and a fall-back take the settings along with the version.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::entry_points::entry_point_of;
use crate::fallbacks::fallback_of;
use crate::{DomainScope, EntryPoint, Store, StoreError};

/// What an entry point starts. Each `config` is what the scenario of that version is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Starts {
    /// The entry point, with its active version.
    pub active: EntryPoint,
    /// The version that is tried, where one is.
    pub canary: Option<Trying>,
    /// The entry point with the scenario that takes over where its own fails, in place of that one.
    pub fallback: Option<EntryPoint>,
}

/// A version that is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trying {
    /// 1 to 99 per cent of the calls.
    pub share_percent: u8,
    /// The entry point, with this version in place of the active one.
    pub entry: EntryPoint,
}

impl Store {
    /// What the entry point of exactly this number or pattern starts; none: there is no such entry point.
    pub async fn starts(&self, scope: &DomainScope, number: &str) -> Result<Option<Starts>, StoreError> {
        sqlx::query(
            "SELECT e.number, e.title, e.module, e.hash, e.config, e.fallback_cause, e.created_at, \
             c.hash AS canary_hash, c.share_percent, \
             f.module AS fallback_module, f.hash AS fallback_hash, f.config AS fallback_config, \
             m.settings, mc.settings AS canary_settings, mf.settings AS fallback_settings FROM entry_points e \
             LEFT JOIN canaries c ON c.domain_id = e.domain_id AND c.number = e.number \
             LEFT JOIN fallbacks f ON f.domain_id = e.domain_id AND f.number = e.number \
             LEFT JOIN modules m ON m.domain_id = e.domain_id AND m.name = e.module AND m.hash = e.hash \
             LEFT JOIN modules mc ON mc.domain_id = e.domain_id AND mc.name = c.module AND mc.hash = c.hash \
             LEFT JOIN modules mf ON mf.domain_id = e.domain_id AND mf.name = f.module AND mf.hash = f.hash \
             WHERE e.domain_id = $1 AND e.number = $2",
        )
        .bind(scope.id())
        .bind(number)
        .fetch_optional(self.read())
        .await?
        .as_ref()
        .map(starts_of)
        .transpose()
    }
}

fn starts_of(row: &SqliteRow) -> Result<Starts, StoreError> {
    let entry = entry_point_of(row)?;
    let canary = match row.try_get::<Option<String>, _>("canary_hash")? {
        Some(hash) => {
            let share: i64 = row.try_get("share_percent")?;
            let share_percent = u8::try_from(share).map_err(|_| StoreError::Corrupt {
                what: format!("column share_percent: {share}"),
            })?;
            let entry = EntryPoint {
                hash,
                config: told(&entry.config, row.try_get("canary_settings")?),
                ..entry.clone()
            };
            Some(Trying { share_percent, entry })
        }
        None => None,
    };
    let fallback = match fallback_of(row)? {
        Some(fallback) => Some(EntryPoint {
            module: fallback.module,
            hash: fallback.hash,
            config: told(&fallback.config, row.try_get("fallback_settings")?),
            ..entry.clone()
        }),
        None => None,
    };
    let config = told(&entry.config, row.try_get("settings")?);
    let active = EntryPoint { config, ..entry };
    Ok(Starts {
        active,
        canary,
        fallback,
    })
}

/// What a scenario is told: the activation's settings, or, where these are `{}`, the version's.
fn told(config: &str, brought: Option<String>) -> String {
    match brought {
        Some(settings) if says_nothing(config) => settings,
        _ => config.to_owned(),
    }
}

fn says_nothing(config: &str) -> bool {
    let written = config.bytes().filter(|byte| !byte.is_ascii_whitespace());
    written.eq(*b"{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_activation_without_settings_leaves_them_to_the_version() {
        let brought = || Some("[1]".to_owned());
        for nothing in ["{}", " { \n} "] {
            assert_eq!(told(nothing, brought()), "[1]");
            assert_eq!(told(nothing, None), nothing);
        }
        for own in ["{\"a\":1}", "null", "[]", "\"{}\""] {
            assert_eq!(told(own, brought()), own);
        }
    }
}
