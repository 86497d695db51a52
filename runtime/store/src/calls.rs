//! What became of calls: their records and their legs. Lists of them are in `call_list.rs`, their journals in
//! `journals.rs`, their SIP messages in `messages.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::engine::Write;
use crate::error::at_most;
use crate::journals::{self, JOURNAL_NONE, JOURNAL_STORED};
use crate::packing::PackedJournal;
use crate::rows::{self, outside_text, signed};
use crate::{DomainScope, Store, StoreError, events, kv};

/// Longest call id, in bytes.
pub(crate) const ID_MOST: usize = 128;
/// Most legs of one call that are recorded.
pub const LEGS_MOST: usize = 1_000;
/// Longest journal, in bytes.
pub const JOURNAL_MOST: usize = 64 << 20;

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From outside the domain to it.
    Inbound,
    /// From the domain to outside.
    Outbound,
    /// Between users and scenarios of the domain.
    Internal,
}

impl Direction {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Internal => "internal",
        }
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        match text {
            "inbound" => Ok(Self::Inbound),
            "outbound" => Ok(Self::Outbound),
            "internal" => Ok(Self::Internal),
            other => Err(StoreError::Corrupt {
                what: format!("a call's direction `{other}`"),
            }),
        }
    }
}

/// Who a leg is in its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LegRole {
    /// The one whose INVITE began the call.
    Caller,
    /// One that the call dialled.
    Callee,
}

impl LegRole {
    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Callee => "callee",
        }
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        match text {
            "caller" => Ok(Self::Caller),
            "callee" => Ok(Self::Callee),
            other => Err(StoreError::Corrupt {
                what: format!("a leg's role `{other}`"),
            }),
        }
    }
}

/// How the scenario of a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScenarioEnd {
    /// It came to its end.
    Returned,
    /// The call was over before it.
    CallOver,
    /// It returned an error.
    Failed,
    /// It trapped.
    Trapped,
    /// It met a limit.
    OverBudget,
    /// It could not be started.
    Refused,
    /// After a restart it did not do again what it had done.
    Diverged,
}

impl ScenarioEnd {
    const ALL: [Self; 7] = [
        Self::Returned,
        Self::CallOver,
        Self::Failed,
        Self::Trapped,
        Self::OverBudget,
        Self::Refused,
        Self::Diverged,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Returned => "returned",
            Self::CallOver => "call-over",
            Self::Failed => "failed",
            Self::Trapped => "trapped",
            Self::OverBudget => "over-budget",
            Self::Refused => "refused",
            Self::Diverged => "diverged",
        }
    }

    /// Whether it counts as a failure of the scenario.
    pub fn is_failure(self) -> bool {
        !matches!(self, Self::Returned | Self::CallOver)
    }

    fn from_column(text: &str) -> Result<Self, StoreError> {
        let known = Self::ALL.into_iter().find(|end| end.as_str() == text);
        known.ok_or_else(|| StoreError::Corrupt {
            what: format!("the end `{text}` of a call's scenario"),
        })
    }
}

/// A call without its legs. Text longer than 1,024 bytes is cut when it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallSummary {
    /// 1 to 128 visible ASCII characters, unique in its domain; sorts by time.
    pub id: String,
    /// Which way it went.
    pub direction: Direction,
    /// Who called.
    pub from_number: String,
    /// What was dialled.
    pub to_number: String,
    /// The number or pattern of the entry point, where there was one.
    pub entry_point: Option<String>,
    /// The scenario's module name, where one ran.
    pub scenario: Option<String>,
    /// That module's version.
    pub scenario_hash: Option<String>,
    /// When the INVITE came.
    pub started_at: Timestamp,
    /// When the caller was answered; none: never.
    pub answered_at: Option<Timestamp>,
    /// When the last leg was gone.
    pub ended_at: Timestamp,
    /// From start to end, by a clock that is not set.
    pub duration_ms: u64,
    /// Why it ended, in a word: `normal`, `busy`, …
    pub cause: String,
    /// The final status that the caller got, where it got one.
    pub sip_status: Option<u16>,
    /// Who ended it: `caller`, `callee`, `scenario`, `system`.
    pub ended_by: String,
    /// The journal's rolling hash over requests and outcomes, in hexadecimal, where a scenario ran.
    pub rolling_hash: Option<String>,
    /// Whether the journal was kept: see [`Store::journal`]. What is handed in is not looked at.
    #[serde(default)]
    #[schema(required = true)]
    pub journal_stored: bool,
    /// How many times the call was taken over after a server's death.
    #[serde(default)]
    #[schema(required = true)]
    pub recoveries: u32,
    /// How its scenario ended; none: none ran, or the record is of before this was kept.
    #[serde(default)]
    pub scenario_end: Option<ScenarioEnd>,
    /// What the scenario failed with, in words.
    #[serde(default)]
    pub scenario_error: Option<String>,
    /// The scenario that took over then; none: none did.
    #[serde(default)]
    pub fallback: Option<FallbackRecord>,
}

/// The scenario that took over a call whose own had failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FallbackRecord {
    /// Its module's name.
    pub scenario: String,
    /// That module's version.
    pub scenario_hash: String,
    /// How it ended; none: it did not.
    pub end: Option<ScenarioEnd>,
    /// What it failed with, in words.
    pub error: Option<String>,
}

/// A call with its legs. Serialised for people (JSON) it is flat; in binary forms, which cannot be, the summary stands
/// before the legs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// The call.
    pub summary: CallSummary,
    /// Its legs, in the order in which they were made; at most [`LEGS_MOST`].
    pub legs: Vec<LegRecord>,
}

/// [`CallRecord`] for people.
#[derive(Serialize, Deserialize)]
struct FlatRecord<S, L> {
    #[serde(flatten)]
    summary: S,
    legs: L,
}

impl Serialize for CallRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (summary, legs) = (&self.summary, &self.legs);
        if serializer.is_human_readable() {
            FlatRecord { summary, legs }.serialize(serializer)
        } else {
            (summary, legs).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for CallRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (summary, legs) = if deserializer.is_human_readable() {
            let flat = FlatRecord::deserialize(deserializer)?;
            (flat.summary, flat.legs)
        } else {
            Deserialize::deserialize(deserializer)?
        };
        Ok(Self { summary, legs })
    }
}

/// One peer's side of a call. Text longer than 1,024 bytes is cut when it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LegRecord {
    /// Its place in the call, from 0; unique in the call.
    pub index: u32,
    /// Who it is in the call.
    pub role: LegRole,
    /// The peer's address: From of the caller, the request's URI of a callee.
    pub peer_uri: String,
    /// The domain's user that it is, where it is one.
    pub user: Option<String>,
    /// When its INVITE came or left.
    pub started_at: Timestamp,
    /// When it was answered; none: never.
    pub answered_at: Option<Timestamp>,
    /// When it was gone.
    pub ended_at: Timestamp,
    /// From answer to end, by a clock that is not set.
    pub talk_ms: u64,
    /// Why it ended, in a word.
    pub cause: String,
    /// Its INVITE's final status, where there was one.
    pub sip_status: Option<u16>,
    /// The codec by its RTP name, where one was agreed: `PCMA`.
    pub codec: Option<String>,
    /// RTP packets sent to the peer.
    pub rtp_sent: u64,
    /// RTP packets received from the peer.
    pub rtp_received: u64,
    /// RTP packets of the peer that never came.
    pub rtp_lost: u64,
}

/// A record to write.
#[derive(Debug, Clone, Copy)]
pub struct NewCall<'a> {
    /// Whose call it was.
    pub scope: &'a DomainScope,
    /// The call with its legs.
    pub record: &'a CallRecord,
    /// Its journal's bytes, up to [`JOURNAL_MOST`], where it is to be kept.
    pub journal: Option<&'a [u8]>,
}

/// What became of a record that was given to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// It is written now.
    Now,
    /// It was there already: after a crash a record may be given twice. Nothing was changed.
    Before,
}

impl Store {
    /// Writes a call with its legs and its journal, all of it or nothing, and forgets what was
    /// remembered for it of changes made [`Once`](crate::Once).
    /// Errors: [`StoreError::Exists`] (another call has this id: it began at another time), [`StoreError::NotFound`]
    /// (the domain was deleted), [`StoreError::Invalid`] (the id), [`StoreError::TooLarge`] (the journal, or the legs'
    /// number).
    pub async fn insert_call(
        &self,
        scope: &DomainScope,
        record: &CallRecord,
        journal: Option<&[u8]>,
    ) -> Result<Inserted, StoreError> {
        let new = NewCall {
            scope,
            record,
            journal,
        };
        let result = self.insert_calls(&[new]).await?.pop();
        result.unwrap_or(Ok(Inserted::Now))
    }

    /// Writes many calls, of whatever domains, in one transaction: what a commit costs, they share.
    ///
    /// The outer error means that none was written. The inner results stand in the calls' order and say which of
    /// them could not be written ([`Store::insert_call`]'s errors); the others are.
    pub async fn insert_calls(
        &self,
        calls: &[NewCall<'_>],
    ) -> Result<Vec<Result<Inserted, StoreError>>, StoreError> {
        let checks: Vec<_> = calls.iter().map(checked).collect();
        let good = calls.iter().zip(&checks);
        let journals: Vec<_> = good
            .map(|(new, check)| new.journal.filter(|_| check.is_ok()))
            .collect();
        // Before the write lock is taken: nobody else waits for it.
        let packed = journals::pack(&journals).await?;
        let mut write = self.write().await?;
        let mut results = Vec::with_capacity(calls.len());
        for ((new, check), journal) in calls.iter().zip(checks).zip(&packed) {
            results.push(match check {
                Ok(()) => insert(&mut write, new, journal.as_ref()).await?,
                Err(error) => Err(error),
            });
        }
        write.commit().await?;
        Ok(results)
    }

    /// A call with its legs; none: there is none of this id.
    pub async fn call(&self, scope: &DomainScope, id: &str) -> Result<Option<CallRecord>, StoreError> {
        let row = sqlx::query(
            "SELECT c.id, c.direction, c.from_number, c.to_number, c.entry_point, c.scenario, c.scenario_hash, \
             c.started_at, c.answered_at, c.ended_at, c.duration_ms, c.cause, c.sip_status, c.ended_by, \
             c.rolling_hash, c.recoveries, c.scenario_end, c.scenario_error, c.journal, c.fallback, \
             c.fallback_hash, c.fallback_end, c.fallback_error FROM calls c \
             WHERE c.domain_id = $1 AND c.id = $2",
        )
        .bind(scope.id())
        .bind(id)
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        // A record is written whole and never changed: two reads see the same call.
        let legs = sqlx::query(
            "SELECT leg_index, role, peer_uri, user_name, started_at, answered_at, ended_at, talk_ms, cause, \
             sip_status, codec, rtp_sent, rtp_received, rtp_lost FROM legs \
             WHERE domain_id = $1 AND call_id = $2 ORDER BY leg_index",
        )
        .bind(scope.id())
        .bind(id)
        .fetch_all(self.read())
        .await?;
        Ok(Some(CallRecord {
            summary: summary_of(&row)?,
            legs: legs.iter().map(leg_of).collect::<Result<_, _>>()?,
        }))
    }
}

fn checked(new: &NewCall<'_>) -> Result<(), StoreError> {
    let id = &new.record.summary.id;
    at_most("call id", id.len(), ID_MOST)?;
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(StoreError::invalid(
            "call id",
            "it is 1 to 128 visible ASCII characters",
        ));
    }
    let legs = &new.record.legs;
    if legs.len() > LEGS_MOST {
        return Err(StoreError::TooMany {
            what: "legs in one call",
            most: LEGS_MOST,
        });
    }
    let mut indexes: Vec<u32> = legs.iter().map(|leg| leg.index).collect();
    indexes.sort_unstable();
    indexes.dedup();
    if indexes.len() < legs.len() {
        return Err(StoreError::invalid("leg index", "it is unique in its call"));
    }
    at_most("journal", new.journal.map_or(0, <[u8]>::len), JOURNAL_MOST)
}

/// The outer error ends the transaction; the inner one wrote nothing of this call.
async fn insert(
    write: &mut Write,
    new: &NewCall<'_>,
    journal: Option<&PackedJournal>,
) -> Result<Result<Inserted, StoreError>, StoreError> {
    let (domain_id, call) = (new.scope.id(), &new.record.summary);
    kv::forget_call(write, new.scope, &call.id).await?;
    let optional = |text: &Option<String>| text.as_deref().map(outside_text);
    // A row only where the domain is still there, and none over another: neither fails the other calls.
    let inserted = sqlx::query(
        "INSERT INTO calls (domain_id, id, direction, from_number, to_number, entry_point, scenario, scenario_hash, \
         started_at, answered_at, ended_at, duration_ms, cause, sip_status, ended_by, rolling_hash, recoveries, \
         scenario_end, scenario_error, journal, fallback, fallback_hash, fallback_end, fallback_error) \
         SELECT d.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, \
         $23, $24 \
         FROM domains d WHERE d.id = $1 ON CONFLICT (domain_id, id) DO NOTHING",
    )
    .bind(domain_id)
    .bind(&call.id)
    .bind(call.direction.as_str())
    .bind(outside_text(&call.from_number))
    .bind(outside_text(&call.to_number))
    .bind(optional(&call.entry_point))
    .bind(optional(&call.scenario))
    .bind(optional(&call.scenario_hash))
    .bind(call.started_at.as_microsecond())
    .bind(call.answered_at.map(Timestamp::as_microsecond))
    .bind(call.ended_at.as_microsecond())
    .bind(signed(call.duration_ms))
    .bind(outside_text(&call.cause))
    .bind(call.sip_status.map(i64::from))
    .bind(outside_text(&call.ended_by))
    .bind(optional(&call.rolling_hash))
    .bind(i64::from(call.recoveries))
    .bind(call.scenario_end.map(ScenarioEnd::as_str))
    .bind(optional(&call.scenario_error))
    .bind(if journal.is_some() { JOURNAL_STORED } else { JOURNAL_NONE })
    .bind(call.fallback.as_ref().map(|it| outside_text(&it.scenario)))
    .bind(call.fallback.as_ref().map(|it| outside_text(&it.scenario_hash)))
    .bind(call.fallback.as_ref().and_then(|it| it.end).map(ScenarioEnd::as_str))
    .bind(call.fallback.as_ref().and_then(|it| it.error.as_deref()).map(outside_text))
    .execute(&mut **write)
    .await?;
    if inserted.rows_affected() == 0 {
        return refusal(write, new).await;
    }
    events::note_call_ended(write, new.scope, call).await?;
    for leg in &new.record.legs {
        sqlx::query(
            "INSERT INTO legs (domain_id, call_id, leg_index, role, peer_uri, user_name, started_at, answered_at, \
             ended_at, talk_ms, cause, sip_status, codec, rtp_sent, rtp_received, rtp_lost, call_started_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(domain_id)
        .bind(&call.id)
        .bind(i64::from(leg.index))
        .bind(leg.role.as_str())
        .bind(outside_text(&leg.peer_uri))
        .bind(optional(&leg.user))
        .bind(leg.started_at.as_microsecond())
        .bind(leg.answered_at.map(Timestamp::as_microsecond))
        .bind(leg.ended_at.as_microsecond())
        .bind(signed(leg.talk_ms))
        .bind(outside_text(&leg.cause))
        .bind(leg.sip_status.map(i64::from))
        .bind(optional(&leg.codec))
        .bind(signed(leg.rtp_sent))
        .bind(signed(leg.rtp_received))
        .bind(signed(leg.rtp_lost))
        .bind(call.started_at.as_microsecond())
        .execute(&mut **write)
        .await?;
    }
    if let Some(journal) = journal {
        journals::insert(write, new.scope, &call.id, journal).await?;
    }
    Ok(Ok(Inserted::Now))
}

/// Why no row came of a call: it is there already, another one is, or its domain is gone.
async fn refusal(write: &mut Write, new: &NewCall<'_>) -> Result<Result<Inserted, StoreError>, StoreError> {
    let call = &new.record.summary;
    let there = sqlx::query("SELECT started_at FROM calls WHERE domain_id = $1 AND id = $2")
        .bind(new.scope.id())
        .bind(&call.id)
        .fetch_optional(&mut **write)
        .await?;
    let Some(row) = there else {
        return Ok(Err(StoreError::not_found("domain", new.scope.name())));
    };
    if row.try_get::<i64, _>("started_at")? == call.started_at.as_microsecond() {
        return Ok(Ok(Inserted::Before));
    }
    Ok(Err(StoreError::Exists {
        what: "call",
        name: call.id.clone(),
    }))
}

fn fallback_of(row: &SqliteRow) -> Result<Option<FallbackRecord>, StoreError> {
    let scenario: Option<String> = row.try_get("fallback")?;
    scenario
        .map(|scenario| {
            Ok(FallbackRecord {
                scenario,
                scenario_hash: row
                    .try_get::<Option<String>, _>("fallback_hash")?
                    .unwrap_or_default(),
                end: row
                    .try_get::<Option<&str>, _>("fallback_end")?
                    .map(ScenarioEnd::from_column)
                    .transpose()?,
                error: row.try_get("fallback_error")?,
            })
        })
        .transpose()
}

pub(crate) fn summary_of(row: &SqliteRow) -> Result<CallSummary, StoreError> {
    Ok(CallSummary {
        id: row.try_get("id")?,
        direction: Direction::from_column(row.try_get("direction")?)?,
        from_number: row.try_get("from_number")?,
        to_number: row.try_get("to_number")?,
        entry_point: row.try_get("entry_point")?,
        scenario: row.try_get("scenario")?,
        scenario_hash: row.try_get("scenario_hash")?,
        started_at: rows::time(row, "started_at")?,
        answered_at: rows::maybe_time(row, "answered_at")?,
        ended_at: rows::time(row, "ended_at")?,
        duration_ms: rows::count(row, "duration_ms")?,
        cause: row.try_get("cause")?,
        sip_status: rows::maybe_status(row, "sip_status")?,
        ended_by: row.try_get("ended_by")?,
        rolling_hash: row.try_get("rolling_hash")?,
        journal_stored: row.try_get::<i64, _>("journal")? == JOURNAL_STORED,
        recoveries: rows::count(row, "recoveries")? as u32,
        scenario_end: row
            .try_get::<Option<&str>, _>("scenario_end")?
            .map(ScenarioEnd::from_column)
            .transpose()?,
        scenario_error: row.try_get("scenario_error")?,
        fallback: fallback_of(row)?,
    })
}

fn leg_of(row: &SqliteRow) -> Result<LegRecord, StoreError> {
    Ok(LegRecord {
        index: rows::count(row, "leg_index")? as u32,
        role: LegRole::from_column(row.try_get("role")?)?,
        peer_uri: row.try_get("peer_uri")?,
        user: row.try_get("user_name")?,
        started_at: rows::time(row, "started_at")?,
        answered_at: rows::maybe_time(row, "answered_at")?,
        ended_at: rows::time(row, "ended_at")?,
        talk_ms: rows::count(row, "talk_ms")?,
        cause: row.try_get("cause")?,
        sip_status: rows::maybe_status(row, "sip_status")?,
        codec: row.try_get("codec")?,
        rtp_sent: rows::count(row, "rtp_sent")?,
        rtp_received: rows::count(row, "rtp_received")?,
        rtp_lost: rows::count(row, "rtp_lost")?,
    })
}
