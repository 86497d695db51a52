//! What scenarios wrote to their log, and how those ended that failed.
//!
//! A domain's lines are numbered from 1. Its newest [`LINES_MOST`] are kept, as long as its journals are: whoever reads on
//! behind a number is told how many lines are gone that it had not read.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::{DomainScope, Store, StoreError, rows};

/// Lines of a domain that are kept.
pub const LINES_MOST: u64 = 10_000;
/// Lines that are read at once.
pub const LOG_PAGE_MOST: u32 = 1_000;
/// Bytes of a line's text; the rest is cut off.
const TEXT_MOST: usize = 8 << 10;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Of use to the scenario's author.
    Debug,
    /// What happened.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::Debug, Self::Info, Self::Warn, Self::Error];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }

    fn number(self) -> i64 {
        match self {
            Self::Debug => 0,
            Self::Info => 1,
            Self::Warn => 2,
            Self::Error => 3,
        }
    }
}

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// What a scenario wrote, or its SDK for it: also a panic or an exception that nobody caught.
    Log,
    /// How a run failed: it trapped, returned an error, met a limit, was not started.
    End,
    /// How many lines came too fast to be kept.
    Dropped,
}

impl LogKind {
    const ALL: [Self; 3] = [Self::Log, Self::End, Self::Dropped];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::End => "end",
            Self::Dropped => "dropped",
        }
    }
}

/// A line that is not written yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = LogText)]
pub struct NewLogLine {
    /// When it was written.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// What it tells.
    pub kind: LogKind,
    /// Which run wrote it: a call's id, `web/…` for a request, or an event's id and how often it had failed.
    pub run: String,
    /// The entry point that started the run.
    pub entry_point: String,
    /// The scenario's name.
    pub scenario: String,
    /// Its version.
    pub scenario_hash: String,
    /// The text, which may have several lines.
    pub text: String,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Its number in the domain, from 1.
    pub line: u64,
    /// What it says.
    #[serde(flatten)]
    pub said: NewLogLine,
}

/// Which lines are wanted; nothing set: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Those of this run: a call's id.
    pub run: Option<String>,
    /// Those of this scenario.
    pub scenario: Option<String>,
    /// Those that this entry point started.
    pub entry_point: Option<String>,
    /// Those of this level and above.
    pub level: Option<LogLevel>,
}

/// Lines, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// Read on behind this number.
    pub next: u64,
    /// So many lines of the domain, of any kind, were gone before they were read.
    pub lost: u64,
}

impl Store {
    /// Writes lines behind those that the domain has, each cut at 8 KiB, and removes the oldest ones beyond
    /// [`LINES_MOST`]. Errors: [`StoreError::NotFound`] when the domain was deleted meanwhile.
    ///
    /// A power failure may lose the last ones.
    pub async fn add_log(&self, scope: &DomainScope, lines: &[NewLogLine]) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        let row = sqlx::query("SELECT MAX(line) AS last FROM scenario_log WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        let mut last = row.try_get::<Option<i64>, _>("last")?.unwrap_or(0);
        for line in lines {
            last += 1;
            sqlx::query(
                "INSERT INTO scenario_log (domain_id, line, written_at, level, kind, run, entry_point, scenario, \
                 scenario_hash, text) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(scope.id())
            .bind(last)
            .bind(line.at.as_microsecond())
            .bind(line.level.number())
            .bind(line.kind.as_str())
            .bind(rows::outside_text(&line.run))
            .bind(&line.entry_point)
            .bind(&line.scenario)
            .bind(&line.scenario_hash)
            .bind(kept_text(&line.text))
            .execute(&mut *write)
            .await
            .map_err(|error| StoreError::on_insert(error, "line", &last.to_string()))?;
        }
        sqlx::query("DELETE FROM scenario_log WHERE domain_id = $1 AND line <= $2")
            .bind(scope.id())
            .bind(last - rows::signed(LINES_MOST))
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    /// The newest lines that fit, at most `most` of 1 to [`LOG_PAGE_MOST`]. Errors: [`StoreError::Invalid`].
    pub async fn newest_log(
        &self,
        scope: &DomainScope,
        filter: &LogFilter,
        most: u32,
    ) -> Result<LogPage, StoreError> {
        checked_page(most)?;
        let (_, last) = self.log_ends(scope).await?;
        let mut lines = self.log_between(scope, filter, (0, last), most, true).await?;
        lines.reverse();
        Ok(LogPage {
            lines,
            next: last,
            lost: 0,
        })
    }

    /// The lines that fit behind line `after`, the oldest first, at most `most` of 1 to [`LOG_PAGE_MOST`]. There may be
    /// more behind [`LogPage::next`]. Errors: [`StoreError::Invalid`].
    pub async fn log_after(
        &self,
        scope: &DomainScope,
        filter: &LogFilter,
        after: u64,
        most: u32,
    ) -> Result<LogPage, StoreError> {
        checked_page(most)?;
        let (first, last) = self.log_ends(scope).await?;
        let lines = self
            .log_between(scope, filter, (after, last), most, false)
            .await?;
        let next = match lines.last() {
            Some(read) if lines.len() == most as usize => read.line,
            _ => last.max(after),
        };
        let lost = first.saturating_sub(after + 1).min(last);
        Ok(LogPage { lines, next, lost })
    }

    /// The numbers of the first and the last line; 0: there is none.
    async fn log_ends(&self, scope: &DomainScope) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(MIN(line), 0) AS first, COALESCE(MAX(line), 0) AS last FROM scenario_log \
             WHERE domain_id = $1",
        )
        .bind(scope.id())
        .fetch_one(self.read())
        .await?;
        Ok((rows::count(&row, "first")?, rows::count(&row, "last")?))
    }

    async fn log_between(
        &self,
        scope: &DomainScope,
        filter: &LogFilter,
        (after, last): (u64, u64),
        most: u32,
        newest: bool,
    ) -> Result<Vec<LogLine>, StoreError> {
        const WANTED: &str = "SELECT line, written_at, level, kind, run, entry_point, scenario, scenario_hash, text \
             FROM scenario_log WHERE domain_id = $1 AND line > $2 AND line <= $3 AND level >= $4 \
             AND ($5 IS NULL OR run = $5) AND ($6 IS NULL OR scenario = $6) \
             AND ($7 IS NULL OR entry_point = $7) ORDER BY line ASC LIMIT $8";
        const NEWEST: &str = "SELECT line, written_at, level, kind, run, entry_point, scenario, scenario_hash, text \
             FROM scenario_log WHERE domain_id = $1 AND line > $2 AND line <= $3 AND level >= $4 \
             AND ($5 IS NULL OR run = $5) AND ($6 IS NULL OR scenario = $6) \
             AND ($7 IS NULL OR entry_point = $7) ORDER BY line DESC LIMIT $8";
        let rows = sqlx::query(if newest { NEWEST } else { WANTED })
            .bind(scope.id())
            .bind(rows::signed(after))
            .bind(rows::signed(last))
            .bind(filter.level.unwrap_or(LogLevel::Debug).number())
            .bind(&filter.run)
            .bind(&filter.scenario)
            .bind(&filter.entry_point)
            .bind(i64::from(most))
            .fetch_all(self.read())
            .await?;
        rows.iter().map(line_of).collect()
    }
}

fn checked_page(most: u32) -> Result<(), StoreError> {
    if (1..=LOG_PAGE_MOST).contains(&most) {
        return Ok(());
    }
    Err(StoreError::invalid(
        "number of lines",
        format!("it is 1 to {LOG_PAGE_MOST}"),
    ))
}

/// PostgreSQL refuses NUL; a text of ours is shorter than the bound.
fn kept_text(text: &str) -> String {
    let mut kept = String::with_capacity(text.len().min(TEXT_MOST));
    for letter in text.chars().filter(|letter| *letter != '\0') {
        if kept.len() + letter.len_utf8() > TEXT_MOST {
            break;
        }
        kept.push(letter);
    }
    kept
}

fn line_of(row: &SqliteRow) -> Result<LogLine, StoreError> {
    let level: i64 = row.try_get("level")?;
    let kind: &str = row.try_get("kind")?;
    let corrupt = |what: &str| StoreError::Corrupt {
        what: format!("{what} of a line of a scenario's log"),
    };
    Ok(LogLine {
        line: rows::count(row, "line")?,
        said: NewLogLine {
            at: rows::time(row, "written_at")?,
            level: LogLevel::ALL
                .into_iter()
                .find(|known| known.number() == level)
                .ok_or_else(|| corrupt("the level"))?,
            kind: LogKind::ALL
                .into_iter()
                .find(|known| known.as_str() == kind)
                .ok_or_else(|| corrupt("the kind"))?,
            run: row.try_get("run")?,
            entry_point: row.try_get("entry_point")?,
            scenario: row.try_get("scenario")?,
            scenario_hash: row.try_get("scenario_hash")?,
            text: row.try_get("text")?,
        },
    })
}
