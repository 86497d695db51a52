//! From rows to Rust and back: times, counters, text that comes from the network.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;

/// A column that holds a time in microseconds.
pub(crate) fn time(row: &SqliteRow, column: &str) -> Result<Timestamp, StoreError> {
    to_time(row.try_get(column)?, column)
}

/// A column that holds a time in microseconds, or nothing.
pub(crate) fn maybe_time(row: &SqliteRow, column: &str) -> Result<Option<Timestamp>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?
        .map(|micros| to_time(micros, column))
        .transpose()
}

fn to_time(micros: i64, column: &str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|error| StoreError::Corrupt {
        what: format!("column {column}: {error}"),
    })
}

/// A column that counts something.
pub(crate) fn count(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Corrupt {
        what: format!("column {column}: {number}"),
    })
}

/// A column that holds a SIP status, or nothing.
pub(crate) fn maybe_status(row: &SqliteRow, column: &str) -> Result<Option<u16>, StoreError> {
    row.try_get::<Option<i64>, _>(column)?
        .map(|number| {
            u16::try_from(number).map_err(|_| StoreError::Corrupt {
                what: format!("column {column}: {number}"),
            })
        })
        .transpose()
}

/// SQL has no unsigned numbers: a counter beyond 63 bits stays at the largest.
pub(crate) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What finds `words` in any place, for `LIKE … ESCAPE '\\'`: they stand for themselves. Empty words are `%%`.
pub(crate) fn like(words: &str) -> String {
    let mut like = String::with_capacity(words.len() + 2);
    like.push('%');
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            like.push('\\');
        }
        like.push(letter);
    }
    like.push('%');
    like
}

/// Text from the network as a record keeps it: at most 1,024 bytes, and no NUL, which PostgreSQL refuses.
/// A call's record is never lost for what its peer wrote.
pub(crate) fn outside_text(text: &str) -> String {
    const MOST: usize = 1024;
    let mut kept = String::with_capacity(text.len().min(MOST));
    for letter in text.chars().filter(|letter| *letter != '\0') {
        if kept.len() + letter.len_utf8() > MOST {
            break;
        }
        kept.push(letter);
    }
    kept
}
