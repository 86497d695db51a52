//! How a domain, or the system, was doing, over some time: what plots are drawn of.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tandem_store::samples::{MINUTES_KEPT, POINTS_MOST, begin};
use tandem_store::{Sample, SampleSpan, TokenScope};
use utoipa::{IntoParams, ToSchema};

use super::caller::Caller;
use super::problem::ApiError;
use super::{Api, body};

/// Steps that are chosen, in seconds: the first that needs no more points than [`POINTS_CHOSEN`].
const STEPS_S: [i64; 7] = [60, 300, 900, 3_600, 21_600, 86_400, 604_800];
/// Points of a plot where nobody says how many.
const POINTS_CHOSEN: i64 = 200;
const HOUR_S: i64 = 3_600;

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// From then on; none: an hour before `until`.
    since: Option<Timestamp>,
    /// Before then; none: now.
    until: Option<Timestamp>,
    /// What each point is of, in seconds: whole minutes, from an hour on whole hours; at most 1,000 points. None: as suits
    /// the time. Minutes are kept for two days, hours for 400; where minutes are gone, it is hours.
    step: Option<i64>,
}

impl Asked {
    fn span(&self, now: Timestamp) -> SampleSpan {
        let until = self.until.unwrap_or(now);
        let hour = SignedDuration::from_secs(HOUR_S);
        let since = self
            .since
            .unwrap_or_else(|| until.checked_sub(hour).unwrap_or(until));
        let seconds = until.as_second().saturating_sub(since.as_second());
        let suits = |step: &i64| seconds / step <= POINTS_CHOSEN;
        let chosen = STEPS_S
            .into_iter()
            .find(suits)
            .unwrap_or(seconds / POINTS_MOST / HOUR_S * HOUR_S + HOUR_S);
        let step_s = self.step.unwrap_or(chosen);
        let kept = SignedDuration::try_from(MINUTES_KEPT).unwrap_or(SignedDuration::ZERO);
        let gone = now.duration_since(since) > kept;
        let step_s = if gone && (1..HOUR_S).contains(&step_s) {
            HOUR_S
        } else {
            step_s
        };
        SampleSpan { since, until, step_s }
    }
}

/// How it was doing over some time.
#[derive(Serialize, ToSchema)]
#[schema(as = Samples)]
pub(crate) struct Shown {
    /// What each point is of, in seconds.
    step_s: i64,
    /// The oldest first, one for each step; where nothing was counted all is 0.
    items: Vec<Point>,
}

/// What was counted in a step.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SamplePoint)]
pub(crate) struct Point {
    /// When it begins.
    at: Timestamp,
    /// Registered devices, the most that there were at the end of a minute.
    registrations: u64,
    /// Calls in progress, the most that there were at the end of a minute.
    calls_active: u64,
    /// Calls that began.
    calls_begun: u64,
    /// Calls that ended.
    calls_ended: u64,
    /// Of those that ended: calls whose caller was answered.
    calls_answered: u64,
    /// Scenarios that failed.
    scenario_failures: u64,
    /// Time in which scenarios computed, in microseconds.
    cpu_us: u64,
    /// The most memory that scenarios had together, in bytes.
    memory_peak_bytes: u64,
}

impl Point {
    fn of(at: Timestamp, sample: Sample) -> Self {
        Self {
            at,
            registrations: sample.registrations,
            calls_active: sample.calls_active,
            calls_begun: sample.calls_begun,
            calls_ended: sample.calls_ended,
            calls_answered: sample.calls_answered,
            scenario_failures: sample.scenario_failures,
            cpu_us: sample.cpu_us,
            memory_peak_bytes: sample.memory_peak_bytes,
        }
    }
}

/// How a domain was doing over some time; without one, the system. The minute that is under way is not in it.
#[utoipa::path(get, path = "/samples", tag = "status", params(Asked), responses((status = 200, body = Shown)))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Shown>, ApiError> {
    let home = caller.home(TokenScope::CallsRead)?;
    let span = body::query(asked)?.span(Timestamp::now());
    let found = api.store().samples(home, span).await?;
    Ok(Json(Shown {
        step_s: span.step_s,
        items: dense(&span, found),
    }))
}

/// A point for each step; the store bounds how many.
fn dense(span: &SampleSpan, found: Vec<(Timestamp, Sample)>) -> Vec<Point> {
    let mut found = found.into_iter().peekable();
    let (mut at, mut points) = (begin(span.since, span.step_s), Vec::new());
    let step = SignedDuration::from_secs(span.step_s);
    while at < span.until {
        let sample = found
            .next_if(|(begins, _)| *begins == at)
            .map(|(_, sample)| sample);
        points.push(Point::of(at, sample.unwrap_or_default()));
        match at.checked_add(step) {
            Ok(next) => at = next,
            Err(_) => break,
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-29T12:00:30Z";

    fn span(hours: i64, step: Option<i64>) -> SampleSpan {
        let now: Timestamp = NOW.parse().unwrap();
        let asked = Asked {
            since: Some(now - SignedDuration::from_hours(hours)),
            until: None,
            step,
        };
        asked.span(now)
    }

    #[test]
    fn a_step_suits_the_time_and_is_what_is_kept() {
        for (hours, step_s) in [
            (1, 60),
            (24, 900),
            (7 * 24, 3_600),
            (30 * 24, 21_600),
            (400 * 24, 604_800),
        ] {
            assert_eq!(span(hours, None).step_s, step_s, "{hours} h");
        }
        assert_eq!(span(1, Some(300)).step_s, 300);
        assert_eq!(span(72, Some(300)).step_s, HOUR_S);
        // What is wrong stays so, and the store says it.
        assert_eq!(span(72, Some(-1)).step_s, -1);
        assert_eq!(span(72, Some(0)).step_s, 0);
    }

    #[test]
    fn where_nothing_was_counted_there_are_zeros() {
        let span = span(1, None);
        let at: Timestamp = "2026-11-29T11:30:00Z".parse().unwrap();
        let sample = Sample {
            calls_begun: 7,
            ..Sample::default()
        };
        let points = dense(&span, vec![(at, sample)]);
        assert_eq!(points.len(), 61);
        assert_eq!(
            points[0],
            Point::of("2026-11-29T11:00:00Z".parse().unwrap(), Sample::default())
        );
        assert_eq!(points[30], Point::of(at, sample));
    }
}
