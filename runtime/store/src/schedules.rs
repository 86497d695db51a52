//! Opening hours by name, as JSON text. What they say is not looked at here.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use utoipa::ToSchema;

use crate::domains::now;
use crate::error::at_most;
use crate::{DomainScope, Store, StoreError, rows};

/// Most schedules of one domain.
pub const SCHEDULES_MOST: usize = 100;
/// Longest text of one, in bytes.
pub const SCHEDULE_MOST: usize = 64 << 10;
/// Longest name, in bytes.
const NAME_MOST: usize = 64;
/// Users of one that are told by name.
const IN_WORDS_MOST: usize = 10;

/// What is known of a schedule besides its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScheduleEntry {
    /// What scenarios call it.
    pub name: String,
    /// When it was set.
    pub changed_at: Timestamp,
}

impl Store {
    /// Sets a schedule, in the place of the one that may be there.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`], [`StoreError::TooMany`].
    pub async fn set_schedule(
        &self,
        scope: &DomainScope,
        name: &str,
        document: &str,
    ) -> Result<ScheduleEntry, StoreError> {
        checked(name, document)?;
        let changed_at = now();
        let mut write = self.write().await?;
        let row =
            sqlx::query("SELECT COUNT(*) AS present FROM schedules WHERE domain_id = $1 AND name <> $2")
                .bind(scope.id())
                .bind(name)
                .fetch_one(&mut *write)
                .await?;
        if rows::count(&row, "present")? >= SCHEDULES_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "schedules in one domain",
                most: SCHEDULES_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO schedules (domain_id, name, document, changed_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (domain_id, name) DO UPDATE SET document = excluded.document, \
             changed_at = excluded.changed_at",
        )
        .bind(scope.id())
        .bind(name)
        .bind(document)
        .bind(changed_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "schedule", name))?;
        write.commit().await?;
        Ok(ScheduleEntry {
            name: name.to_owned(),
            changed_at,
        })
    }

    /// The text of a schedule; none: there is none of this name.
    pub async fn schedule(&self, scope: &DomainScope, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM schedules WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Ok(row.try_get("document")?)).transpose()
    }

    /// The domain's schedules, by name.
    pub async fn schedules(&self, scope: &DomainScope) -> Result<Vec<ScheduleEntry>, StoreError> {
        let rows = sqlx::query("SELECT name, changed_at FROM schedules WHERE domain_id = $1 ORDER BY name")
            .bind(scope.id())
            .fetch_all(self.read())
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ScheduleEntry {
                    name: row.try_get("name")?,
                    changed_at: rows::time(row, "changed_at")?,
                })
            })
            .collect()
    }

    /// The numbers whose settings, or whose fall-back's settings, name a schedule: as `schedule` in those of the stock
    /// `hours`, as `open` in a flow's conditions, wherever in them it stands. In order; at most 11.
    pub async fn schedule_users(&self, scope: &DomainScope, name: &str) -> Result<Vec<String>, StoreError> {
        // Only settings that have the name in quotes are read, and one number's at a time: each may have a mebibyte.
        let (quoted, mut after) = (rows::like(&format!("\"{name}\"")), String::new());
        let mut users = Vec::new();
        while users.len() <= IN_WORDS_MOST {
            let row = sqlx::query(
                "SELECT e.number, e.config, f.config AS fallback_config FROM entry_points e \
                 LEFT JOIN fallbacks f ON f.domain_id = e.domain_id AND f.number = e.number \
                 WHERE e.domain_id = $1 AND e.number > $2 \
                 AND (e.config LIKE $3 ESCAPE '\\' OR f.config LIKE $3 ESCAPE '\\') ORDER BY e.number LIMIT 1",
            )
            .bind(scope.id())
            .bind(&after)
            .bind(&quoted)
            .fetch_optional(self.read())
            .await?;
            let Some(row) = row else { break };
            after = row.try_get("number")?;
            let (config, fallback): (String, Option<String>) =
                (row.try_get("config")?, row.try_get("fallback_config")?);
            if names(&config, name) || fallback.is_some_and(|config| names(&config, name)) {
                users.push(after.clone());
            }
        }
        Ok(users)
    }

    /// Deletes a schedule. Errors: [`StoreError::NotFound`].
    pub async fn delete_schedule(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM schedules WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("schedule", name));
        }
        Ok(write.commit().await?)
    }
}

/// Refuses what cannot be a schedule's name, or is too long for one.
pub(crate) fn checked(name: &str, document: &str) -> Result<(), StoreError> {
    at_most("schedule name", name.len(), NAME_MOST)?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(StoreError::invalid(
            "schedule name",
            "it is 1 to 64 letters, digits, `-`, `_` and `.`",
        ));
    }
    at_most("schedule", document.len(), SCHEDULE_MOST)
}

/// Whether settings look a schedule up by this name.
fn names(config: &str, name: &str) -> bool {
    let found = |value: &Value| value.as_str() == Some(name);
    let mut left: Vec<Value> = serde_json::from_str(config).into_iter().collect();
    while let Some(value) = left.pop() {
        match value {
            Value::Object(fields) => {
                if ["schedule", "open"]
                    .iter()
                    .any(|field| fields.get(*field).is_some_and(found))
                {
                    return true;
                }
                left.extend(fields.into_iter().map(|(_, value)| value));
            }
            Value::Array(items) => left.extend(items),
            _ => (),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_a_schedule_wherever_it_stands_in_them() {
        for used in [
            r#"{"schedule": "office", "open": {"number": "302"}}"#,
            r#"{"nodes": {"a": {"do": {"if": {"when": {"not": {"open": "office"}}, "then": "b"}}}}}"#,
            r#"[{"schedule": "office"}]"#,
        ] {
            assert!(names(used, "office"), "{used}");
        }
        for free in [
            "{}",
            r#"{"schedule": "other", "say": "office"}"#,
            r#"{"schedule": ["office"]}"#,
            "not JSON",
        ] {
            assert!(!names(free, "office"), "{free}");
        }
    }
}
