//! The terms on which a version is tried for a share of an entry point's calls, and how its calls went so far.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::{DomainScope, Store, StoreError, rows};

/// Calls over which failures are compared, where nothing was said.
pub const WINDOW_DEFAULT: u32 = 100;
/// Fewest and most of them.
pub const WINDOW_BOUNDS: [u32; 2] = [10, 10_000];
/// Percentage points by which a canary may be worse, where nothing was said.
pub const MARGIN_DEFAULT: u8 = 5;
/// Calls of a canary before it is judged, where nothing was said and the window is not smaller.
pub const FEWEST_DEFAULT: u32 = 20;
/// Most calls after which a canary is promoted: they are counted with every batch of records.
pub const PROMOTE_AFTER_MOST: u32 = 100_000;

/// A version that is tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Its hash; the module is the entry point's.
    pub hash: String,
    /// Its share of new calls, 1 to 99 per cent.
    pub share_percent: u8,
    /// Over so many of the latest calls failures are counted, of it and of the active version each.
    pub window: u32,
    /// It may fail more often than the active version by so many percentage points.
    pub margin: u8,
    /// It is not judged before so many of its calls are over.
    pub fewest: u32,
    /// It becomes the active version after so many calls; 0: never by itself.
    pub promote_after: u32,
    /// Since when it is tried. Only its calls since then count; other terms leave it as it is.
    pub began_at: Timestamp,
}

/// What to set of a canary; none: as it is, or the default where it begins.
#[derive(Debug, Clone, Default)]
pub struct CanaryChange {
    /// Its version, as a hash or the beginning of one. None: the one that is tried, else the module's newest.
    pub version: Option<String>,
    /// 1 to 99. A canary that begins needs it.
    pub share_percent: Option<u8>,
    /// 10 to 10,000; 100 by default.
    pub window: Option<u32>,
    /// 0 to 100; 5 by default.
    pub margin: Option<u8>,
    /// 1 to the window; 20 by default, or the window where that is smaller.
    pub fewest: Option<u32>,
    /// 0, or from `fewest` to 100,000; 0 by default.
    pub promote_after: Option<u32>,
}

impl CanaryChange {
    /// The canary of version `hash` with these terms: over those that it has, if it runs already.
    pub(crate) fn over(
        &self,
        running: Option<&Canary>,
        hash: String,
        now: Timestamp,
    ) -> Result<Canary, StoreError> {
        let of = |before: fn(&Canary) -> u32| running.map(before);
        let window = self.window.or(of(|it| it.window)).unwrap_or(WINDOW_DEFAULT);
        let fewest = self.fewest.or(of(|it| it.fewest));
        let canary = Canary {
            hash,
            share_percent: self
                .share_percent
                .or(running.map(|it| it.share_percent))
                .ok_or_else(|| {
                    StoreError::invalid("share", "a canary that begins needs one, from 1 to 99")
                })?,
            window,
            margin: self
                .margin
                .or(running.map(|it| it.margin))
                .unwrap_or(MARGIN_DEFAULT),
            fewest: fewest.unwrap_or(FEWEST_DEFAULT.min(window)),
            promote_after: self.promote_after.or(of(|it| it.promote_after)).unwrap_or(0),
            began_at: running.map_or(now, |it| it.began_at),
        };
        canary.checked()
    }
}

impl Canary {
    pub(crate) fn checked(self) -> Result<Self, StoreError> {
        let [window_least, window_most] = WINDOW_BOUNDS;
        within("share", self.share_percent.into(), 1, 99)?;
        within("window", self.window, window_least, window_most)?;
        within("margin", self.margin.into(), 0, 100)?;
        within("fewest", self.fewest, 1, self.window)?;
        if self.promote_after != 0 {
            within(
                "promote-after",
                self.promote_after,
                self.fewest,
                PROMOTE_AFTER_MOST,
            )?;
        }
        Ok(self)
    }
}

fn within(what: &'static str, value: u32, least: u32, most: u32) -> Result<(), StoreError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(StoreError::invalid(
        what,
        format!("{value} is not from {least} to {most}"),
    ))
}

/// A canary and what it is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The entry point's number or pattern.
    pub number: String,
    /// The active version.
    pub active_hash: String,
    /// The version that is tried.
    pub canary: Canary,
}

/// Calls that are over, and how many of them their scenario failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All.
    pub calls: u32,
    /// Those whose scenario did not come to a good end.
    pub failures: u32,
}

/// How a trial went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TrialCounts {
    /// The latest calls of the canary, at most its window.
    pub canary: Counts,
    /// The latest of the active version, as many, also from before.
    pub active: Counts,
    /// All calls of the canary, counted up to [`Canary::promote_after`].
    pub canary_calls: u32,
}

impl Store {
    /// The trial of an entry point; none: it has no canary, or does not exist.
    pub async fn trial(&self, scope: &DomainScope, number: &str) -> Result<Option<Trial>, StoreError> {
        sqlx::query(
            "SELECT e.hash AS active_hash, c.hash AS canary_hash, c.share_percent, c.window_calls, c.margin_points, \
             c.fewest_calls, c.promote_after, c.began_at FROM canaries c \
             JOIN entry_points e ON e.domain_id = c.domain_id AND e.number = c.number \
             WHERE c.domain_id = $1 AND c.number = $2",
        )
        .bind(scope.id())
        .bind(number)
        .fetch_optional(self.read())
        .await?
        .map(|row| {
            Ok(Trial {
                number: number.to_owned(),
                active_hash: row.try_get("active_hash")?,
                canary: canary_of(&row)?,
            })
        })
        .transpose()
    }

    /// Counts the latest calls that are over, and failures among them: of the canary those that began since it did, of
    /// the active version those before too, so that one with a small share is compared as well. It reads an index of at
    /// most two windows and [`Canary::promote_after`] entries.
    pub async fn trial_counts(&self, scope: &DomainScope, trial: &Trial) -> Result<TrialCounts, StoreError> {
        let canary = &trial.canary;
        Ok(TrialCounts {
            canary: self.latest(scope, trial, &canary.hash, canary.began_at).await?,
            active: self
                .latest(scope, trial, &trial.active_hash, Timestamp::MIN)
                .await?,
            canary_calls: self.canary_calls(scope, trial).await?,
        })
    }

    async fn latest(
        &self,
        scope: &DomainScope,
        trial: &Trial,
        hash: &str,
        since: Timestamp,
    ) -> Result<Counts, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS calls, COALESCE(SUM(failed), 0) AS failures FROM (\
             SELECT CASE WHEN scenario_end NOT IN ('returned', 'call-over') THEN 1 ELSE 0 END AS failed FROM calls \
             WHERE domain_id = $1 AND entry_point = $2 AND scenario_hash = $3 AND started_at >= $4 \
             ORDER BY started_at DESC LIMIT $5) AS latest",
        )
        .bind(scope.id())
        .bind(&trial.number)
        .bind(hash)
        .bind(since.as_microsecond())
        .bind(i64::from(trial.canary.window))
        .fetch_one(self.read())
        .await?;
        Ok(Counts {
            calls: small(&row, "calls")?,
            failures: small(&row, "failures")?,
        })
    }

    async fn canary_calls(&self, scope: &DomainScope, trial: &Trial) -> Result<u32, StoreError> {
        let canary = &trial.canary;
        if canary.promote_after == 0 {
            return Ok(0);
        }
        let row = sqlx::query(
            "SELECT COUNT(*) AS calls FROM (SELECT 1 FROM calls WHERE domain_id = $1 AND entry_point = $2 \
             AND scenario_hash = $3 AND started_at >= $4 LIMIT $5) AS counted",
        )
        .bind(scope.id())
        .bind(&trial.number)
        .bind(&canary.hash)
        .bind(canary.began_at.as_microsecond())
        .bind(i64::from(canary.promote_after))
        .fetch_one(self.read())
        .await?;
        small(&row, "calls")
    }
}

/// A canary from the columns that [`Store::trial`] names.
pub(crate) fn canary_of(row: &SqliteRow) -> Result<Canary, StoreError> {
    let percent = |column| Ok::<_, StoreError>(small(row, column)?.min(100) as u8);
    Ok(Canary {
        hash: row.try_get("canary_hash")?,
        share_percent: percent("share_percent")?,
        window: small(row, "window_calls")?,
        margin: percent("margin_points")?,
        fewest: small(row, "fewest_calls")?,
        promote_after: small(row, "promote_after")?,
        began_at: rows::time(row, "began_at")?,
    })
}

fn small(row: &SqliteRow, column: &str) -> Result<u32, StoreError> {
    Ok(u32::try_from(rows::count(row, column)?).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn terms_that_are_not_given_stay_or_are_the_defaults() {
        let change = CanaryChange {
            share_percent: Some(10),
            ..CanaryChange::default()
        };
        let begun = change.over(None, "a".into(), at(1)).unwrap();
        assert_eq!(
            (begun.window, begun.margin, begun.fewest, begun.promote_after),
            (100, 5, 20, 0)
        );
        let change = CanaryChange {
            share_percent: Some(50),
            promote_after: Some(200),
            ..CanaryChange::default()
        };
        let changed = change.over(Some(&begun), "a".into(), at(2)).unwrap();
        let expected = Canary {
            share_percent: 50,
            promote_after: 200,
            ..begun
        };
        assert_eq!(changed, expected, "it began when it began");
        let small = CanaryChange {
            share_percent: Some(1),
            window: Some(10),
            ..CanaryChange::default()
        };
        assert_eq!(small.over(None, "a".into(), at(1)).unwrap().fewest, 10);
    }

    #[test]
    fn terms_have_their_bounds() {
        let good = CanaryChange {
            share_percent: Some(10),
            ..CanaryChange::default()
        };
        type Spoil = fn(&mut CanaryChange);
        let cases: [(&str, Spoil); 11] = [
            ("share", |it| it.share_percent = None),
            ("share", |it| it.share_percent = Some(0)),
            ("share", |it| it.share_percent = Some(100)),
            ("window", |it| it.window = Some(9)),
            ("window", |it| it.window = Some(10_001)),
            ("margin", |it| it.margin = Some(101)),
            ("fewest", |it| it.fewest = Some(0)),
            ("fewest", |it| it.fewest = Some(101)),
            ("fewest", |it| (it.fewest, it.window) = (Some(60), Some(50))),
            ("promote-after", |it| it.promote_after = Some(19)),
            ("promote-after", |it| it.promote_after = Some(100_001)),
        ];
        for (what, spoil) in cases {
            let mut change = good.clone();
            spoil(&mut change);
            match change.over(None, "a".into(), at(1)) {
                Err(StoreError::Invalid { what: said, .. }) => assert_eq!(said, what),
                other => panic!("{change:?}: {other:?}"),
            }
        }
    }
}
