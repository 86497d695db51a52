//! What domains used, by day: sums, and peaks of a day.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use utoipa::ToSchema;

use crate::{DomainScope, Store, StoreError, rows};

/// How an amount joins what the day has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// It is added.
    More(u64),
    /// The higher one stays.
    Peak(u64),
}

/// What a domain used on a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DayUsage {
    /// In UTC.
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// How much of what, such as `calls` or `cpu-ms`.
    pub amounts: BTreeMap<String, u64>,
}

/// A day as people write it: `2026-11-01`. Errors: [`StoreError::Invalid`].
pub fn day(text: &str) -> Result<Date, StoreError> {
    text.parse().map_err(|_| {
        let shown: String = text.chars().take(32).collect();
        StoreError::invalid(
            "day",
            format!("`{}` is not like 2026-11-01", shown.escape_debug()),
        )
    })
}

impl Store {
    /// Adds to what a domain used on a day. Errors: [`StoreError::NotFound`] when it was deleted meanwhile.
    pub async fn add_usage(
        &self,
        scope: &DomainScope,
        day: Date,
        amounts: &BTreeMap<String, Amount>,
    ) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        for (what, amount) in amounts {
            let (statement, amount) = match amount {
                Amount::More(amount) => (
                    "INSERT INTO usage (domain_id, day, what, amount) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (domain_id, day, what) DO UPDATE SET amount = usage.amount + excluded.amount",
                    amount,
                ),
                Amount::Peak(amount) => (
                    "INSERT INTO usage (domain_id, day, what, amount) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT (domain_id, day, what) DO UPDATE SET amount = excluded.amount \
                     WHERE excluded.amount > usage.amount",
                    amount,
                ),
            };
            sqlx::query(statement)
                .bind(scope.id())
                .bind(day.to_string())
                .bind(what)
                .bind(rows::signed(*amount))
                .execute(&mut *write)
                .await
                .map_err(|error| StoreError::on_insert(error, "usage", what))?;
        }
        Ok(write.commit().await?)
    }

    /// What the domain used since a day, that one included, by day; none: ever.
    pub async fn usage(&self, scope: &DomainScope, since: Option<Date>) -> Result<Vec<DayUsage>, StoreError> {
        let rows = sqlx::query(
            "SELECT day, what, amount FROM usage WHERE domain_id = $1 AND day >= $2 ORDER BY day, what",
        )
        .bind(scope.id())
        .bind(since.unwrap_or(Date::ZERO).to_string())
        .fetch_all(self.read())
        .await?;
        let mut days: Vec<DayUsage> = Vec::new();
        for row in &rows {
            let text: &str = row.try_get("day")?;
            let day: Date = text.parse().map_err(|_| StoreError::Corrupt {
                what: format!("a day `{text}` of usage"),
            })?;
            let amount = rows::count(row, "amount")?;
            let what = row.try_get("what")?;
            match days.last_mut() {
                Some(last) if last.day == day => drop(last.amounts.insert(what, amount)),
                _ => days.push(DayUsage {
                    day,
                    amounts: BTreeMap::from([(what, amount)]),
                }),
            }
        }
        Ok(days)
    }
}
