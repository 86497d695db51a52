//! Which version of its module an entry point starts: the active one, one that is tried for a share of its calls (a
//! canary), and the one before, to return to. Calls in progress stay on theirs.
//!
//! Each change is one transaction with its entry in the [history](crate::history), and the directory's caches see it.

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::canary::canary_of;
use crate::domains::now;
use crate::engine::Write;
use crate::entry_points::{TITLE_MOST, entry_point_of};
use crate::error::at_most;
use crate::fallbacks::{Fallback, fallback_of};
use crate::history::{NewEntry, note};
use crate::module_grants::demand_granted;
use crate::versions::startable;
use crate::worlds::{fits_world, no_canary_but_of_calls};
use crate::{By, Canary, CanaryChange, DomainScope, EntryPoint, Event, Store, StoreError, Trial, rows};

/// An entry point with its versions. As JSON it is flat: the entry point's fields, then these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// The entry point; its `hash` is the active version.
    #[serde(flatten)]
    pub entry_point: EntryPoint,
    /// The version that was active before and can be returned to.
    pub previous: Option<String>,
    /// The version that is tried.
    pub canary: Option<Canary>,
    /// The scenario that takes over calls whose scenario fails; none: their callers get the entry point's cause.
    pub fallback: Option<Fallback>,
}

/// What the judge makes of a canary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// No call gets it any more.
    RollBack,
    /// All calls get it.
    Promote,
}

/// Most entry points of a page.
pub const ACTIVATIONS_PAGE_MOST: u32 = 1_000;

/// Entry points with their versions; the rest of the statement says which. Their configurations, and those of their
/// fall-backs, are read from these columns.
macro_rules! select {
    ($which:literal) => {
        select!("e.config", "f.config", $which)
    };
    ($config:literal, $fallback_config:literal, $which:literal) => {
        concat!(
            "SELECT e.number, e.title, e.module, e.hash, ",
            $config,
            " AS config, e.fallback_cause, e.created_at, ",
            "p.hash AS previous_hash, c.hash AS canary_hash, c.share_percent, c.window_calls, c.margin_points, ",
            "c.fewest_calls, c.promote_after, c.began_at, f.module AS fallback_module, f.hash AS fallback_hash, ",
            $fallback_config,
            " AS fallback_config FROM entry_points e ",
            "LEFT JOIN previous_versions p ON p.domain_id = e.domain_id AND p.number = e.number ",
            "LEFT JOIN canaries c ON c.domain_id = e.domain_id AND c.number = e.number ",
            "LEFT JOIN fallbacks f ON f.domain_id = e.domain_id AND f.number = e.number ",
            $which
        )
    };
}

impl Store {
    /// All entry points of the domain with their versions, by number.
    pub async fn activations(&self, scope: &DomainScope) -> Result<Vec<Activation>, StoreError> {
        sqlx::query(select!("WHERE e.domain_id = $1 ORDER BY e.number"))
            .bind(scope.id())
            .fetch_all(self.read())
            .await?
            .iter()
            .map(activation_of)
            .collect()
    }

    /// Up to `limit` (1 to [`ACTIVATIONS_PAGE_MOST`]) entry points by number, after the number `after`, and whether more
    /// follow. Of those with `words` in their number, title or module, whatever the case of ASCII letters; empty: of
    /// all. Configurations may be a mebibyte each: here they are empty.
    /// Errors: [`StoreError::Invalid`] (the limit), [`StoreError::TooLarge`] (the words).
    pub async fn activations_page(
        &self,
        scope: &DomainScope,
        words: &str,
        after: &str,
        limit: u32,
    ) -> Result<(Vec<Activation>, bool), StoreError> {
        if !(1..=ACTIVATIONS_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {ACTIVATIONS_PAGE_MOST}"),
            ));
        }
        at_most("words", words.len(), TITLE_MOST)?;
        let mut page = sqlx::query(select!(
            "''",
            "''",
            "WHERE e.domain_id = $1 AND e.number > $2 AND ($3 = '%%' OR e.number LIKE $3 ESCAPE '\\' \
             OR e.title LIKE $3 ESCAPE '\\' OR e.module LIKE $3 ESCAPE '\\') ORDER BY e.number LIMIT $4"
        ))
        .bind(scope.id())
        .bind(after)
        .bind(rows::like(words))
        .bind(i64::from(limit) + 1)
        .fetch_all(self.read())
        .await?
        .iter()
        .map(activation_of)
        .collect::<Result<Vec<_>, _>>()?;
        let more = page.len() > limit as usize;
        page.truncate(limit as usize);
        Ok((page, more))
    }

    /// The entry point of exactly this number or pattern with its versions; none: there is none.
    pub async fn activation(
        &self,
        scope: &DomainScope,
        number: &str,
    ) -> Result<Option<Activation>, StoreError> {
        sqlx::query(select!("WHERE e.domain_id = $1 AND e.number = $2"))
            .bind(scope.id())
            .bind(number)
            .fetch_optional(self.read())
            .await?
            .as_ref()
            .map(activation_of)
            .transpose()
    }

    /// Lets all calls start one version of the entry point's module, by default the newest; the one before can be
    /// returned to, and a canary ends. `wanted` is a hash or its first six digits or more. Errors:
    /// [`StoreError::NotFound`] (the entry point, the version), [`StoreError::Invalid`] (the version).
    pub async fn activate(
        &self,
        scope: &DomainScope,
        number: &str,
        wanted: Option<&str>,
    ) -> Result<Activation, StoreError> {
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        let hash = startable(&mut write, scope, &before.entry_point.module, wanted).await?;
        if hash == before.entry_point.hash && before.canary.is_none() {
            write.rollback().await?;
            return Ok(before);
        }
        set_active(&mut write, scope, number, &hash).await?;
        let after = EntryPoint {
            hash,
            ..before.entry_point.clone()
        };
        note_active(&mut write, scope, &before, &after).await?;
        self.changed(write, scope, number).await
    }

    /// Tries a version of the entry point's module for a share of its calls, or changes the terms of the one that is
    /// tried. Errors: [`StoreError::NotFound`] (the entry point, the version), [`StoreError::Invalid`] (the version is
    /// the active one, or a term is out of its bounds).
    pub async fn set_canary(
        &self,
        scope: &DomainScope,
        number: &str,
        change: &CanaryChange,
    ) -> Result<Activation, StoreError> {
        no_canary_but_of_calls(number)?;
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        let (module, active) = (&before.entry_point.module, &before.entry_point.hash);
        let hash = match (&change.version, &before.canary) {
            (None, Some(running)) => running.hash.clone(),
            (wanted, _) => startable(&mut write, scope, module, wanted.as_deref()).await?,
        };
        if hash == *active {
            return Err(StoreError::invalid(
                "canary",
                format!("{hash} is the active version of {number}"),
            ));
        }
        let running = before.canary.as_ref().filter(|canary| canary.hash == hash);
        let canary = change.over(running, hash, now())?;
        if running == Some(&canary) {
            write.rollback().await?;
            return Ok(before);
        }
        if running.is_none() && before.canary.is_some() {
            end_canary(&mut write, scope, &before, active).await?;
        }
        put_canary(&mut write, scope, number, module, &canary).await?;
        let what = if running.is_some() {
            Event::CanaryChanged
        } else {
            Event::CanaryBegun
        };
        let entry = NewEntry {
            what,
            hash: &canary.hash,
            active_hash: active,
            share_percent: Some(canary.share_percent),
            by: By::Hand,
            why: None,
        };
        note(&mut write, scope, number, &entry).await?;
        self.changed(write, scope, number).await
    }

    /// Tries the entry point's canary no longer: all calls get the active version.
    /// Errors: [`StoreError::NotFound`] (the entry point, the canary).
    pub async fn end_canary(&self, scope: &DomainScope, number: &str) -> Result<Activation, StoreError> {
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        if before.canary.is_none() {
            return Err(StoreError::not_found("canary of number", number));
        }
        end_canary(&mut write, scope, &before, &before.entry_point.hash).await?;
        self.changed(write, scope, number).await
    }

    /// Makes the entry point's canary its active version; the one before can be returned to.
    /// Errors: [`StoreError::NotFound`] (the entry point, the canary).
    pub async fn promote(&self, scope: &DomainScope, number: &str) -> Result<Activation, StoreError> {
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        let Some(canary) = &before.canary else {
            return Err(StoreError::not_found("canary of number", number));
        };
        demand_granted(&mut write, scope, &before.entry_point.module, &canary.hash).await?;
        promote(&mut write, scope, &before, canary, By::Hand, None).await?;
        self.changed(write, scope, number).await
    }

    /// Takes the last step back: ends the canary where there is one, else lets all calls start the version that was
    /// active before. That one is then forgotten: a second call does not bring back what was left.
    /// Errors: [`StoreError::NotFound`] (the entry point, a version to return to).
    pub async fn roll_back(&self, scope: &DomainScope, number: &str) -> Result<Activation, StoreError> {
        let mut write = self.write().await?;
        let before = found(&mut write, scope, number).await?;
        match (&before.canary, &before.previous) {
            (Some(canary), _) => drop_canary(&mut write, scope, &before, canary, By::Hand, None).await?,
            (None, Some(previous)) => {
                demand_granted(&mut write, scope, &before.entry_point.module, previous).await?;
                set_active(&mut write, scope, number, previous).await?;
                forget_previous(&mut write, scope, number).await?;
                let entry = NewEntry {
                    what: Event::RolledBack,
                    hash: &before.entry_point.hash,
                    active_hash: previous,
                    share_percent: None,
                    by: By::Hand,
                    why: None,
                };
                note(&mut write, scope, number, &entry).await?;
            }
            (None, None) => return Err(StoreError::not_found("previous version of number", number)),
        }
        self.changed(write, scope, number).await
    }

    /// Ends a trial as the judge says, and why. False: it is no longer as it was when it was judged, and nothing was
    /// changed.
    pub async fn settle(
        &self,
        scope: &DomainScope,
        judged: &Trial,
        settlement: Settlement,
        why: &str,
    ) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let number = &judged.number;
        let before = match found(&mut write, scope, number).await {
            Err(StoreError::NotFound { .. }) => return Ok(false),
            other => other?,
        };
        let canary = before.canary.as_ref().filter(|canary| **canary == judged.canary);
        let Some(canary) = canary.filter(|_| before.entry_point.hash == judged.active_hash) else {
            write.rollback().await?;
            return Ok(false);
        };
        let (by, why) = (By::Judge, Some(why));
        match settlement {
            Settlement::RollBack => drop_canary(&mut write, scope, &before, canary, by, why).await?,
            Settlement::Promote => promote(&mut write, scope, &before, canary, by, why).await?,
        }
        self.commit_directory(write).await?;
        Ok(true)
    }

    /// Commits, and gives the entry point as it is now.
    async fn changed(
        &self,
        mut write: Write,
        scope: &DomainScope,
        number: &str,
    ) -> Result<Activation, StoreError> {
        let after = found(&mut write, scope, number).await?;
        fits_world(&mut write, scope, number).await?;
        self.commit_directory(write).await?;
        Ok(after)
    }
}

/// All entry points of the domain with their versions, by number, as they are within a transaction.
pub(crate) async fn all(write: &mut Write, scope: &DomainScope) -> Result<Vec<Activation>, StoreError> {
    sqlx::query(select!("WHERE e.domain_id = $1 ORDER BY e.number"))
        .bind(scope.id())
        .fetch_all(&mut **write)
        .await?
        .iter()
        .map(activation_of)
        .collect()
}

/// The entry point as it is within a transaction. Errors: [`StoreError::NotFound`].
pub(crate) async fn found(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
) -> Result<Activation, StoreError> {
    let row = sqlx::query(select!("WHERE e.domain_id = $1 AND e.number = $2"))
        .bind(scope.id())
        .bind(number)
        .fetch_optional(&mut **write)
        .await?;
    activation_of(&row.ok_or_else(|| StoreError::not_found("entry point", number))?)
}

/// Notes that an entry point was set to a module's version: what was tried is no longer, and what was active can be
/// returned to where it is of the same module. Settings of another module would mean nothing to it.
pub(crate) async fn note_active(
    write: &mut Write,
    scope: &DomainScope,
    before: &Activation,
    after: &EntryPoint,
) -> Result<(), StoreError> {
    let (left, number) = (&before.entry_point, &after.number);
    if before.canary.is_some() {
        end_canary(write, scope, before, &after.hash).await?;
    }
    if left.module != after.module {
        forget_previous(write, scope, number).await?;
    } else if left.hash == after.hash {
        return Ok(());
    } else {
        remember_previous(write, scope, left).await?;
    }
    note_new(write, scope, after).await
}

/// Notes the version that an entry point begins with, or now has.
pub(crate) async fn note_new(
    write: &mut Write,
    scope: &DomainScope,
    entry_point: &EntryPoint,
) -> Result<(), StoreError> {
    let entry = NewEntry {
        what: Event::Activated,
        hash: &entry_point.hash,
        active_hash: &entry_point.hash,
        share_percent: None,
        by: By::Hand,
        why: None,
    };
    note(write, scope, &entry_point.number, &entry).await
}

/// The canary ends by order; `active_hash` is the version that all calls get now.
async fn end_canary(
    write: &mut Write,
    scope: &DomainScope,
    before: &Activation,
    active_hash: &str,
) -> Result<(), StoreError> {
    let number = &before.entry_point.number;
    delete_canary(write, scope, number).await?;
    let Some(canary) = &before.canary else {
        return Ok(());
    };
    let entry = NewEntry {
        what: Event::CanaryEnded,
        hash: &canary.hash,
        active_hash,
        share_percent: Some(canary.share_percent),
        by: By::Hand,
        why: None,
    };
    note(write, scope, number, &entry).await
}

/// The canary is rolled back.
async fn drop_canary(
    write: &mut Write,
    scope: &DomainScope,
    before: &Activation,
    canary: &Canary,
    by: By,
    why: Option<&str>,
) -> Result<(), StoreError> {
    let EntryPoint { number, hash, .. } = &before.entry_point;
    delete_canary(write, scope, number).await?;
    let entry = NewEntry {
        what: Event::RolledBack,
        hash: &canary.hash,
        active_hash: hash,
        share_percent: Some(canary.share_percent),
        by,
        why,
    };
    note(write, scope, number, &entry).await
}

/// The canary becomes the active version.
async fn promote(
    write: &mut Write,
    scope: &DomainScope,
    before: &Activation,
    canary: &Canary,
    by: By,
    why: Option<&str>,
) -> Result<(), StoreError> {
    let number = &before.entry_point.number;
    delete_canary(write, scope, number).await?;
    set_active(write, scope, number, &canary.hash).await?;
    remember_previous(write, scope, &before.entry_point).await?;
    let entry = NewEntry {
        what: Event::Promoted,
        hash: &canary.hash,
        active_hash: &canary.hash,
        share_percent: Some(canary.share_percent),
        by,
        why,
    };
    note(write, scope, number, &entry).await
}

async fn set_active(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    hash: &str,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE entry_points SET hash = $3 WHERE domain_id = $1 AND number = $2")
        .bind(scope.id())
        .bind(number)
        .bind(hash)
        .execute(&mut **write)
        .await?;
    Ok(())
}

pub(crate) async fn put_canary(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    module: &str,
    canary: &Canary,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO canaries (domain_id, number, module, hash, share_percent, window_calls, margin_points, \
         fewest_calls, promote_after, began_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (domain_id, number) DO UPDATE SET module = excluded.module, hash = excluded.hash, \
         share_percent = excluded.share_percent, window_calls = excluded.window_calls, \
         margin_points = excluded.margin_points, fewest_calls = excluded.fewest_calls, \
         promote_after = excluded.promote_after, began_at = excluded.began_at",
    )
    .bind(scope.id())
    .bind(number)
    .bind(module)
    .bind(&canary.hash)
    .bind(i64::from(canary.share_percent))
    .bind(i64::from(canary.window))
    .bind(i64::from(canary.margin))
    .bind(i64::from(canary.fewest))
    .bind(i64::from(canary.promote_after))
    .bind(canary.began_at.as_microsecond())
    .execute(&mut **write)
    .await?;
    Ok(())
}

async fn delete_canary(write: &mut Write, scope: &DomainScope, number: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM canaries WHERE domain_id = $1 AND number = $2")
        .bind(scope.id())
        .bind(number)
        .execute(&mut **write)
        .await?;
    Ok(())
}

pub(crate) async fn remember_previous(
    write: &mut Write,
    scope: &DomainScope,
    left: &EntryPoint,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO previous_versions (domain_id, number, module, hash) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (domain_id, number) DO UPDATE SET module = excluded.module, hash = excluded.hash",
    )
    .bind(scope.id())
    .bind(&left.number)
    .bind(&left.module)
    .bind(&left.hash)
    .execute(&mut **write)
    .await?;
    Ok(())
}

async fn forget_previous(write: &mut Write, scope: &DomainScope, number: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM previous_versions WHERE domain_id = $1 AND number = $2")
        .bind(scope.id())
        .bind(number)
        .execute(&mut **write)
        .await?;
    Ok(())
}

fn activation_of(row: &SqliteRow) -> Result<Activation, StoreError> {
    let tried = row.try_get::<Option<String>, _>("canary_hash")?.is_some();
    Ok(Activation {
        entry_point: entry_point_of(row)?,
        previous: row.try_get("previous_hash")?,
        canary: tried.then(|| canary_of(row)).transpose()?,
        fallback: fallback_of(row)?,
    })
}
