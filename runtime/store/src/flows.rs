//! Drawn flows: the latest draft of each, as its editor saved it. What a document says is not looked at here.
//!
//! A flow is published as a version of the scenario of its name ([`Store::put_version`]), which has nothing but what was
//! published so: uploads and flows do not share a name.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::activations::{found, note_active};
use crate::domains::now;
use crate::engine::Write;
use crate::entry_points::entry_point_of;
use crate::error::at_most;
use crate::modules::check_name;
use crate::versions::startable;
use crate::worlds::fits_world;
use crate::{DomainScope, Store, StoreError, modules, rows};

/// Most flows of one domain.
pub const FLOWS_MOST: usize = 1_000;
/// Longest document, in bytes.
pub const DOCUMENT_MOST: usize = 1 << 20;
/// Flows that are listed at once.
pub const FLOWS_PAGE_MOST: u32 = 1_000;
/// Numbers that one publication sets.
pub const NUMBERS_MOST: usize = 100;

/// What is known of a flow besides its document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Flow {
    /// As a scenario's: 1 to 128 letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What people call it; may be empty.
    pub title: String,
    /// When it was saved.
    pub changed_at: Timestamp,
    /// Who saved it: a login, or `token:NAME`.
    pub changed_by: String,
    /// Errors that were found in it when it was saved.
    pub problems: u64,
    /// The numbers and patterns that start a published version of it, by name.
    pub numbers: Vec<String>,
}

/// A flow to save.
#[derive(Debug, Clone, Copy)]
pub struct NewFlow<'a> {
    /// See [`Flow::name`].
    pub name: &'a str,
    /// Cut where it is over 1,024 bytes.
    pub title: &'a str,
    /// JSON text of up to 1 MiB.
    pub document: &'a str,
    /// Errors that were found in it.
    pub problems: u64,
    /// Who saves it.
    pub changed_by: &'a str,
}

/// What became of a flow that was to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// There is one more.
    Created,
    /// It has taken the place of the one before.
    Changed,
}

/// Flows with the numbers that start them; the rest of the statement says which.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT w.name, w.title, w.changed_at, w.changed_by, w.problems, ",
            // Numbers are joined with a line feed, which none has.
            "(SELECT GROUP_CONCAT(e.number, CHAR(10)) FROM entry_points e ",
            "WHERE e.domain_id = w.domain_id AND e.module = w.name) AS numbers FROM flows w ",
            $which
        )
    };
}

impl Store {
    /// Saves a flow, in the place of the one that may be there. Errors: [`StoreError::Invalid`] (the name),
    /// [`StoreError::TooLarge`], [`StoreError::TooMany`]; [`StoreError::Exists`]: a scenario that was uploaded has the
    /// name.
    pub async fn save_flow(&self, scope: &DomainScope, new: &NewFlow<'_>) -> Result<Saved, StoreError> {
        check_name(new.name)?;
        at_most("flow", new.document.len(), DOCUMENT_MOST)?;
        let mut write = self.write().await?;
        own_name(&mut write, scope, new.name, true).await?;
        let row = sqlx::query(
            "SELECT COUNT(*) AS present, COUNT(CASE WHEN name = $2 THEN 1 END) AS same FROM flows \
             WHERE domain_id = $1",
        )
        .bind(scope.id())
        .bind(new.name)
        .fetch_one(&mut *write)
        .await?;
        let there = rows::count(&row, "same")? > 0;
        if !there && rows::count(&row, "present")? >= FLOWS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "flows in one domain",
                most: FLOWS_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO flows (domain_id, name, title, document, problems, changed_at, changed_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) \
             ON CONFLICT (domain_id, name) DO UPDATE SET title = excluded.title, document = excluded.document, \
             problems = excluded.problems, changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        )
        .bind(scope.id())
        .bind(new.name)
        .bind(rows::outside_text(new.title))
        .bind(new.document)
        .bind(rows::signed(new.problems))
        .bind(now().as_microsecond())
        .bind(rows::outside_text(new.changed_by))
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "flow", new.name))?;
        write.commit().await?;
        Ok(if there { Saved::Changed } else { Saved::Created })
    }

    /// What is known of a flow; none: there is none of this name.
    pub async fn flow(&self, scope: &DomainScope, name: &str) -> Result<Option<Flow>, StoreError> {
        sqlx::query(select!("WHERE w.domain_id = $1 AND w.name = $2"))
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?
            .as_ref()
            .map(flow_of)
            .transpose()
    }

    /// The document of a flow, as it was saved; none: there is none of this name.
    pub async fn flow_document(&self, scope: &DomainScope, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM flows WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| Ok(row.try_get("document")?)).transpose()
    }

    /// The names of all flows of the domain, in order; at most [`FLOWS_MOST`].
    pub async fn flow_names(&self, scope: &DomainScope) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT name FROM flows WHERE domain_id = $1 ORDER BY name")
            .bind(scope.id())
            .fetch_all(self.read())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
    }

    /// Up to `limit` (1 to [`FLOWS_PAGE_MOST`]) flows by name, after the name `after`. Errors: [`StoreError::Invalid`]
    /// (the limit).
    pub async fn flows_page(
        &self,
        scope: &DomainScope,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Flow>, StoreError> {
        if !(1..=FLOWS_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {FLOWS_PAGE_MOST}"),
            ));
        }
        sqlx::query(select!(
            "WHERE w.domain_id = $1 AND w.name > $2 ORDER BY w.name LIMIT $3"
        ))
        .bind(scope.id())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?
        .iter()
        .map(flow_of)
        .collect()
    }

    /// Deletes a flow; its published versions stay, for the calls that ran on them. Errors: [`StoreError::NotFound`];
    /// [`StoreError::InUse`] while an entry point uses one of them, tries it, falls back to it or could return to it.
    pub async fn delete_flow(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        if let Some(by) = modules::users(&mut write, scope, name, None).await? {
            return Err(StoreError::InUse {
                what: "flow",
                name: name.to_owned(),
                by,
            });
        }
        let deleted = sqlx::query("DELETE FROM flows WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("flow", name));
        }
        Ok(write.commit().await?)
    }

    /// Lets all calls of these entry points start a version of a module that brings its settings: their own ones, which
    /// would take the place of these, go. All of them or none; calls in progress go on as they began. Errors:
    /// [`StoreError::NotFound`] (an entry point, the version), [`StoreError::Invalid`] (it is of another world),
    /// [`StoreError::TooMany`] (over [`NUMBERS_MOST`]).
    pub async fn start_on(
        &self,
        scope: &DomainScope,
        numbers: &[String],
        module: &str,
        version: &str,
    ) -> Result<(), StoreError> {
        if numbers.len() > NUMBERS_MOST {
            return Err(StoreError::TooMany {
                what: "numbers at once",
                most: NUMBERS_MOST,
            });
        }
        let mut write = self.write().await?;
        let hash = startable(&mut write, scope, module, Some(version)).await?;
        for number in numbers {
            let before = found(&mut write, scope, number).await?;
            let row = sqlx::query(
                "UPDATE entry_points SET module = $3, hash = $4, config = '{}' \
                 WHERE domain_id = $1 AND number = $2 \
                 RETURNING number, title, module, hash, config, fallback_cause, created_at",
            )
            .bind(scope.id())
            .bind(number)
            .bind(module)
            .bind(&hash)
            .fetch_one(&mut *write)
            .await?;
            fits_world(&mut write, scope, number).await?;
            note_active(&mut write, scope, &before, &entry_point_of(&row)?).await?;
        }
        self.commit_directory(write).await
    }
}

/// Refuses a flow of a name that an uploaded scenario has, and an upload of a name that a flow has.
pub(crate) async fn own_name(
    write: &mut Write,
    scope: &DomainScope,
    name: &str,
    of_flow: bool,
) -> Result<(), StoreError> {
    let (statement, what) = if of_flow {
        (
            "SELECT 1 FROM modules WHERE domain_id = $1 AND name = $2 AND from_flow = 0 LIMIT 1",
            "scenario",
        )
    } else {
        ("SELECT 1 FROM flows WHERE domain_id = $1 AND name = $2", "flow")
    };
    let other = sqlx::query(statement)
        .bind(scope.id())
        .bind(name)
        .fetch_optional(&mut **write)
        .await?;
    match other {
        None => Ok(()),
        Some(_) => Err(StoreError::Exists {
            what,
            name: name.to_owned(),
        }),
    }
}

fn flow_of(row: &SqliteRow) -> Result<Flow, StoreError> {
    let numbers: Option<String> = row.try_get("numbers")?;
    let mut numbers: Vec<String> = numbers
        .iter()
        .flat_map(|numbers| numbers.lines())
        .map(str::to_owned)
        .collect();
    numbers.sort();
    Ok(Flow {
        name: row.try_get("name")?,
        title: row.try_get("title")?,
        changed_at: rows::time(row, "changed_at")?,
        changed_by: row.try_get("changed_by")?,
        problems: rows::count(row, "problems")?,
        numbers,
    })
}
