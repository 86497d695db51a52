//! Lists of calls: which ones, latest first, a page at a time.
//!
//! A page costs what it gives, however many calls there are: each filter has an index in the list's order, from which a
//! page is taken from the newest call on. What no index has (words that may stand anywhere, a second filter beside the
//! one whose index is followed) is looked for in the newest calls of the index ([`SEARCHED_MOST`]), and the page's cursor goes
//! on from there.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use crate::calls::{ID_MOST, summary_of};
use crate::error::at_most;
use crate::rows::like;
use crate::{CallSummary, DomainScope, Store, StoreError};

/// Most calls that one page gives.
pub const CALLS_PAGE_MOST: u32 = 1_000;
/// Most calls that a page looks at to find those that words, or a second filter, ask for.
pub const SEARCHED_MOST: u32 = 8_000;
/// The same of a user's legs: each call of theirs lies somewhere else.
pub const SEARCHED_OF_USER_MOST: u32 = 2_000;
/// Longest text that is looked for, in bytes.
const WORDS_MOST: usize = 256;

/// Which calls to list. With words, or with two of number, user and scenario, a page may have fewer calls than its limit,
/// even none, and be followed by others.
#[derive(Debug, Clone, Default)]
pub struct CallFilter {
    /// Started then or later.
    pub since: Option<Timestamp>,
    /// Started before then.
    pub until: Option<Timestamp>,
    /// Called from it, dialled it, or came to the entry point written so.
    pub number: Option<String>,
    /// This user of the domain was a party: one of the call's legs.
    pub user: Option<String>,
    /// Ran the scenario of this name.
    pub scenario: Option<String>,
    /// This text is in a number, the entry point, the scenario's name, the cause or the identifier, whatever the case of
    /// ASCII letters.
    pub words: Option<String>,
    /// 1 to [`CALLS_PAGE_MOST`]; none: 100.
    pub limit: Option<u32>,
    /// Only what comes after the page that gave this cursor.
    pub before: Option<CallCursor>,
}

/// The place where a page of calls ended. Its text form (`Display`, `FromStr`) is for links and command lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallCursor {
    started_micros: i64,
    id: String,
}

impl fmt::Display for CallCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.started_micros, self.id)
    }
}

impl FromStr for CallCursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        text.split_once(':')
            .and_then(|(micros, id)| {
                Some(Self {
                    started_micros: micros.parse().ok()?,
                    id: id.to_owned(),
                })
            })
            .filter(|cursor| cursor.id.len() <= ID_MOST)
            .ok_or_else(|| StoreError::invalid("cursor", "it is not one that a list of calls gave"))
    }
}

/// Calls, latest first.
#[derive(Debug, Clone)]
pub struct CallPage {
    /// The calls of this page.
    pub calls: Vec<CallSummary>,
    /// Where the next page begins; none: this is the last one.
    pub next: Option<CallCursor>,
}

/// The stretch of the list that a page is taken from.
struct Stretch {
    since: i64,
    until: i64,
    /// Before this place,
    before: CallCursor,
    /// and not before this one, where the stretch ends earlier than the list.
    down_to: Option<CallCursor>,
}

impl Stretch {
    fn of(filter: &CallFilter) -> Self {
        let end = CallCursor {
            started_micros: i64::MAX,
            id: String::new(),
        };
        let before = filter.before.clone().unwrap_or(end);
        let until = filter.until.map_or(i64::MAX, Timestamp::as_microsecond);
        Self {
            since: filter.since.map_or(i64::MIN, Timestamp::as_microsecond),
            // The index takes one upper bound: the lower of the two.
            until: until.min(before.started_micros.saturating_add(1)),
            before,
            down_to: None,
        }
    }
}

/// The condition of a stretch in an index whose columns after what is equal are these two.
fn within(started_at: &str, id: &str) -> String {
    format!(
        "{started_at} >= $2 AND {started_at} < $3 AND ({started_at}, {id}) < ($4, $5) \
         AND ($6 IS NULL OR ({started_at}, {id}) >= ($6, $7))"
    )
}

/// The calls that come into question, from an index that has them in the list's order, then those of the page. SQLite
/// takes such an index where it has all that a condition looks at: words alone look at more, within a short stretch.
/// What is not asked for is in the text nevertheless, so that each parameter is.
fn statement(filter: &CallFilter) -> String {
    let words = if filter.words.is_some() {
        "(c.from_number LIKE $10 ESCAPE '\\' OR c.to_number LIKE $10 ESCAPE '\\' \
         OR c.entry_point LIKE $10 ESCAPE '\\' OR c.scenario LIKE $10 ESCAPE '\\' OR c.cause LIKE $10 ESCAPE '\\' \
         OR c.id LIKE $10 ESCAPE '\\')"
    } else {
        "$10 IS NULL"
    };
    let scenario = if filter.scenario.is_some() {
        "c.scenario = $9"
    } else {
        "$9 IS NULL"
    };
    let of_calls = |which: &str| {
        format!(
            "SELECT c.id, c.started_at FROM calls c WHERE c.domain_id = $1 AND {which} AND {} AND {scenario} \
             AND $11 IS NULL AND {words} ORDER BY c.started_at DESC, c.id DESC LIMIT $12",
            within("c.started_at", "c.id")
        )
    };
    let parts = if filter.user.is_some() {
        // Of several legs of the user the first one stands for the call.
        vec![format!(
            "SELECT c.id, c.started_at FROM legs l CROSS JOIN calls c \
             WHERE l.domain_id = $1 AND l.user_name = $11 AND {} AND c.domain_id = l.domain_id AND c.id = l.call_id \
             AND l.leg_index = (SELECT MIN(m.leg_index) FROM legs m WHERE m.domain_id = l.domain_id \
             AND m.call_id = l.call_id AND m.user_name = l.user_name) \
             AND ($8 IS NULL OR c.from_number = $8 OR c.to_number = $8 OR c.entry_point = $8) AND {scenario} AND {words} \
             ORDER BY l.call_started_at DESC, l.call_id DESC LIMIT $12",
            within("l.call_started_at", "l.call_id")
        )]
    } else if filter.number.is_some() {
        let columns = ["c.from_number = $8", "c.to_number = $8", "c.entry_point = $8"];
        columns.map(of_calls).into()
    } else {
        vec![of_calls("$8 IS NULL")]
    };
    let parts: Vec<String> = parts
        .iter()
        .map(|part| format!("SELECT id, started_at FROM ({part}) AS part"))
        .collect();
    format!(
        "SELECT c.id, c.direction, c.from_number, c.to_number, c.entry_point, c.scenario, c.scenario_hash, \
         c.started_at, c.answered_at, c.ended_at, c.duration_ms, c.cause, c.sip_status, c.ended_by, \
         c.rolling_hash, c.recoveries, c.scenario_end, c.scenario_error, c.journal, c.fallback, \
         c.fallback_hash, c.fallback_end, c.fallback_error FROM ({}) AS page CROSS JOIN calls c \
         WHERE c.domain_id = $1 AND c.id = page.id ORDER BY page.started_at DESC, page.id DESC LIMIT $12",
        parts.join(" UNION ")
    )
}

/// An index in the list's order that a page follows: of what is equal in this column, none: of all the domain's calls.
#[derive(Debug, Clone, Copy)]
struct Index {
    table: &'static str,
    column: Option<&'static str>,
    started_at: &'static str,
    id: &'static str,
    /// Most entries that a page looks at.
    most: u32,
}

impl Index {
    const fn of_calls(column: Option<&'static str>) -> Self {
        Self {
            table: "calls",
            column,
            started_at: "started_at",
            id: "id",
            most: SEARCHED_MOST,
        }
    }
}

/// The indexes that the page follows, where it looks at calls that it does not give; none: it gives what it looks at.
fn searched(filter: &CallFilter) -> Vec<Index> {
    let exact = [&filter.number, &filter.user, &filter.scenario];
    if filter.words.is_none() && exact.into_iter().flatten().count() < 2 {
        return Vec::new();
    }
    if filter.user.is_some() {
        vec![Index {
            table: "legs",
            column: Some("user_name"),
            started_at: "call_started_at",
            id: "call_id",
            most: SEARCHED_OF_USER_MOST,
        }]
    } else if filter.number.is_some() {
        ["from_number", "to_number", "entry_point"]
            .map(|column| Index::of_calls(Some(column)))
            .into()
    } else {
        vec![Index::of_calls(filter.scenario.as_ref().map(|_| "scenario"))]
    }
}

impl Store {
    /// A page of the domain's calls, latest first. Errors: [`StoreError::Invalid`] (the limit),
    /// [`StoreError::TooLarge`] (a text that is looked for).
    pub async fn calls(&self, scope: &DomainScope, filter: &CallFilter) -> Result<CallPage, StoreError> {
        let limit = filter.limit.unwrap_or(100);
        if !(1..=CALLS_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {CALLS_PAGE_MOST}"),
            ));
        }
        for (what, text) in [
            ("number", &filter.number),
            ("user", &filter.user),
            ("scenario", &filter.scenario),
            ("words", &filter.words),
        ] {
            at_most(what, text.as_ref().map_or(0, String::len), WORDS_MOST)?;
        }
        let mut stretch = Stretch::of(filter);
        for index in searched(filter) {
            let end = self.searched_down_to(scope, filter, &stretch, index).await?;
            stretch.down_to = stretch.down_to.max(end);
        }
        let down_to = stretch.down_to.as_ref();
        // The index takes one lower bound, too.
        let since = down_to.map_or(stretch.since, |place| place.started_micros.max(stretch.since));
        let rows = sqlx::query(AssertSqlSafe(statement(filter)))
            .bind(scope.id())
            .bind(since)
            .bind(stretch.until)
            .bind(stretch.before.started_micros)
            .bind(&stretch.before.id)
            .bind(down_to.map(|place| place.started_micros))
            .bind(down_to.map(|place| &place.id))
            .bind(&filter.number)
            .bind(&filter.scenario)
            .bind(filter.words.as_deref().map(like))
            .bind(&filter.user)
            // One more than asked for tells whether there is a next page.
            .bind(i64::from(limit) + 1)
            .fetch_all(self.read())
            .await?;
        let mut calls = rows.iter().map(summary_of).collect::<Result<Vec<_>, _>>()?;
        let more = calls.len() > limit as usize;
        calls.truncate(limit as usize);
        let last = calls.last().filter(|_| more).map(|last| CallCursor {
            started_micros: last.started_at.as_microsecond(),
            id: last.id.clone(),
        });
        Ok(CallPage {
            calls,
            next: last.or(stretch.down_to),
        })
    }

    /// The last of the calls of an index that a search looks at; none: it looks at all there are.
    async fn searched_down_to(
        &self,
        scope: &DomainScope,
        filter: &CallFilter,
        stretch: &Stretch,
        index: Index,
    ) -> Result<Option<CallCursor>, StoreError> {
        let Index {
            table,
            column,
            started_at,
            id,
            most,
        } = index;
        let equal = column.map_or_else(|| "$7 IS NULL".to_owned(), |column| format!("{column} = $7"));
        let statement = format!(
            "SELECT {started_at} AS started_at, {id} AS id FROM {table} WHERE domain_id = $1 AND {equal} \
             AND {started_at} >= $2 AND {started_at} < $3 AND ({started_at}, {id}) < ($4, $5) \
             ORDER BY {started_at} DESC, {id} DESC LIMIT 1 OFFSET $6"
        );
        let value = column.and_then(|column| match column {
            "user_name" => filter.user.as_ref(),
            "scenario" => filter.scenario.as_ref(),
            _ => filter.number.as_ref(),
        });
        let row = sqlx::query(AssertSqlSafe(statement))
            .bind(scope.id())
            .bind(stretch.since)
            .bind(stretch.until)
            .bind(stretch.before.started_micros)
            .bind(&stretch.before.id)
            .bind(i64::from(most))
            .bind(value)
            .fetch_optional(self.read())
            .await?;
        row.map(|row| {
            Ok(CallCursor {
                started_micros: row.try_get("started_at")?,
                id: row.try_get("id")?,
            })
        })
        .transpose()
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row as _;

    use super::*;
    use crate::{NewDomain, Options};

    /// What SQLite says that it does: no filter reads calls that it does not give.
    #[tokio::test]
    async fn each_filter_follows_an_index_in_the_lists_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Options::default()).await.unwrap();
        store
            .create_domain(&NewDomain::named("demo.local"))
            .await
            .unwrap();
        let text = || Some("301".to_owned());
        let all = CallFilter::default();
        let number = CallFilter {
            number: text(),
            ..CallFilter::default()
        };
        let scenario = CallFilter {
            scenario: text(),
            ..CallFilter::default()
        };
        let user = CallFilter {
            user: text(),
            number: text(),
            scenario: text(),
            ..CallFilter::default()
        };
        let words = CallFilter {
            words: text(),
            ..CallFilter::default()
        };
        for (filter, indexes) in [
            (all, &["calls_by_time"][..]),
            (number, &["calls_by_from", "calls_by_to", "calls_by_entry_point"]),
            (scenario, &["calls_by_scenario"]),
            (user, &["legs_by_user"]),
            (words, &["calls_by_time"]),
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {}", statement(&filter));
            let plan = sqlx::query(AssertSqlSafe(explain))
                .fetch_all(store.read())
                .await
                .unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
            for index in indexes {
                assert!(
                    plan.iter().any(|line| line.contains(&format!("INDEX {index} "))),
                    "{index}: {plan:#?}"
                );
            }
            assert!(
                !plan.iter().any(|line| line == "SCAN c" || line == "SCAN l"),
                "{plan:#?}"
            );
            // The page alone is sorted: what it is taken from comes in order.
            let sorted = plan
                .iter()
                .filter(|line| line.contains("TEMP B-TREE FOR ORDER BY"));
            assert!(sorted.count() <= 1, "{plan:#?}");
        }
    }
}
