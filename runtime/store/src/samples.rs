//! How domains, and the whole server, were doing: minutes for two days, hours for a year and some.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::SqliteRow;

use crate::accounts::Home;
use crate::engine::Write;
use crate::{DomainScope, Store, StoreError, rows};

/// A minute, and an hour, in seconds: what a row is of.
const STEPS_S: [i64; 2] = [60, 3_600];
/// How long minutes are kept.
pub const MINUTES_KEPT: Duration = Duration::from_hours(48);
/// How long hours are kept.
pub const HOURS_KEPT: Duration = Duration::from_hours(400 * 24);
/// Most points that are read at once.
pub const POINTS_MOST: i64 = 1_000;

/// What was counted in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Registered devices, the most that there were.
    pub registrations: u64,
    /// Calls in progress, the most that there were.
    pub calls_active: u64,
    /// Calls that began.
    pub calls_begun: u64,
    /// Calls that ended.
    pub calls_ended: u64,
    /// Of those that ended: calls whose caller was answered.
    pub calls_answered: u64,
    /// Scenarios that failed.
    pub scenario_failures: u64,
    /// Time in which scenarios computed, in microseconds.
    pub cpu_us: u64,
    /// The most memory that scenarios had together, in bytes.
    pub memory_peak_bytes: u64,
}

impl Sample {
    /// As if both had been counted as one: another part of the server at the same time.
    pub fn beside(&mut self, other: &Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.registrations, other.registrations);
        add(&mut self.calls_active, other.calls_active);
        add(&mut self.calls_begun, other.calls_begun);
        add(&mut self.calls_ended, other.calls_ended);
        add(&mut self.calls_answered, other.calls_answered);
        add(&mut self.scenario_failures, other.scenario_failures);
        add(&mut self.cpu_us, other.cpu_us);
        add(&mut self.memory_peak_bytes, other.memory_peak_bytes);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which samples to read, and how coarse.
#[derive(Debug, Clone, Copy)]
pub struct SampleSpan {
    /// From this moment on,
    pub since: Timestamp,
    /// and before this one.
    pub until: Timestamp,
    /// What a point is of, in seconds: whole minutes, from an hour on whole hours; 400 days at most.
    pub step_s: i64,
}

impl Store {
    /// Adds what was counted in the minute that begins at `at`, of domains and of the whole server; and forgets what is
    /// kept no longer. A minute that another process has written a part of becomes the sum.
    pub async fn add_samples(
        &self,
        at: Timestamp,
        of_all: &Sample,
        of_domains: &[(DomainScope, Sample)],
    ) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        let of_domains = of_domains.iter().map(|(scope, sample)| (Some(scope), sample));
        for (home, sample) in of_domains.chain([(None, of_all)]) {
            for step_s in STEPS_S {
                add(&mut write, home, step_s, at, sample).await?;
            }
        }
        for (step_s, kept) in STEPS_S.into_iter().zip([MINUTES_KEPT, HOURS_KEPT]) {
            let kept = SignedDuration::try_from(kept).unwrap_or(SignedDuration::MAX);
            let over_age = at.checked_sub(kept).unwrap_or(Timestamp::MIN);
            sqlx::query("DELETE FROM samples WHERE step_s = $1 AND at < $2")
                .bind(step_s)
                .bind(over_age.as_microsecond())
                .execute(&mut *write)
                .await?;
        }
        Ok(write.commit().await?)
    }

    /// What was counted of a domain, or of the whole server, by the begin of each step, the oldest first; a step
    /// without anything is left out. Steps begin at multiples of their length since 1970.
    /// Errors: [`StoreError::Invalid`] (`step`, also of more points than [`POINTS_MOST`]; `until`, not after `since`).
    pub async fn samples(
        &self,
        home: Home<'_>,
        span: SampleSpan,
    ) -> Result<Vec<(Timestamp, Sample)>, StoreError> {
        let SampleSpan { since, until, step_s } = span;
        let [minute, hour] = STEPS_S;
        let of = if step_s < hour { minute } else { hour };
        if step_s < minute || step_s > HOURS_KEPT.as_secs() as i64 || step_s % of != 0 {
            return Err(StoreError::invalid(
                "step",
                "it is whole minutes, from an hour on whole hours, and 400 days at most",
            ));
        }
        let seconds = until.as_second() - since.as_second();
        if seconds <= 0 {
            return Err(StoreError::invalid("until", "it is after `since`"));
        }
        if seconds / step_s > POINTS_MOST {
            return Err(StoreError::invalid(
                "step",
                format!("at most {POINTS_MOST} points are told: take longer steps, or a shorter time"),
            ));
        }
        let rows = sqlx::query(
            "SELECT at / $3 * $3 AS begins, MAX(registrations) AS registrations, MAX(calls_active) AS calls_active, \
             SUM(calls_begun) AS calls_begun, SUM(calls_ended) AS calls_ended, SUM(calls_answered) AS calls_answered, \
             SUM(scenario_failures) AS scenario_failures, SUM(cpu_us) AS cpu_us, \
             MAX(memory_peak_bytes) AS memory_peak_bytes FROM samples \
             WHERE COALESCE(domain_id, 0) = $1 AND step_s = $2 AND at >= $4 AND at < $5 GROUP BY begins ORDER BY begins",
        )
        .bind(home.map_or(0, DomainScope::id))
        .bind(of)
        .bind(step_s * 1_000_000)
        .bind(begin(since, step_s).as_microsecond())
        .bind(until.as_microsecond())
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| Ok((rows::time(row, "begins")?, sample_of(row)?)))
            .collect()
    }
}

/// When the step of `step_s` seconds begins that a moment is in.
pub fn begin(at: Timestamp, step_s: i64) -> Timestamp {
    let second = at.as_second();
    let begins = second - second.rem_euclid(step_s.max(1));
    Timestamp::from_second(begins).unwrap_or(at)
}

async fn add(
    write: &mut Write,
    home: Home<'_>,
    step_s: i64,
    at: Timestamp,
    sample: &Sample,
) -> Result<(), StoreError> {
    let added = sqlx::query(
        "INSERT INTO samples (domain_id, step_s, at, registrations, calls_active, calls_begun, calls_ended, \
         calls_answered, scenario_failures, cpu_us, memory_peak_bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (COALESCE(domain_id, 0), step_s, at) DO UPDATE SET \
         registrations = MAX(registrations, excluded.registrations), \
         calls_active = MAX(calls_active, excluded.calls_active), calls_begun = calls_begun + excluded.calls_begun, \
         calls_ended = calls_ended + excluded.calls_ended, calls_answered = calls_answered + excluded.calls_answered, \
         scenario_failures = scenario_failures + excluded.scenario_failures, cpu_us = cpu_us + excluded.cpu_us, \
         memory_peak_bytes = MAX(memory_peak_bytes, excluded.memory_peak_bytes)",
    )
    .bind(home.map(DomainScope::id))
    .bind(step_s)
    .bind(begin(at, step_s).as_microsecond())
    .bind(rows::signed(sample.registrations))
    .bind(rows::signed(sample.calls_active))
    .bind(rows::signed(sample.calls_begun))
    .bind(rows::signed(sample.calls_ended))
    .bind(rows::signed(sample.calls_answered))
    .bind(rows::signed(sample.scenario_failures))
    .bind(rows::signed(sample.cpu_us))
    .bind(rows::signed(sample.memory_peak_bytes))
    .execute(&mut **write)
    .await;
    match added.map_err(|error| StoreError::on_insert(error, "sample", "")) {
        // The domain was removed meanwhile, and its samples with it.
        Ok(_) | Err(StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn sample_of(row: &SqliteRow) -> Result<Sample, StoreError> {
    Ok(Sample {
        registrations: rows::count(row, "registrations")?,
        calls_active: rows::count(row, "calls_active")?,
        calls_begun: rows::count(row, "calls_begun")?,
        calls_ended: rows::count(row, "calls_ended")?,
        calls_answered: rows::count(row, "calls_answered")?,
        scenario_failures: rows::count(row, "scenario_failures")?,
        cpu_us: rows::count(row, "cpu_us")?,
        memory_peak_bytes: rows::count(row, "memory_peak_bytes")?,
    })
}
