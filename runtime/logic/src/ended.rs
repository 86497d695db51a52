//! A call that is over, as it lies in the log until the store has it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tandem_directory::records::{CallRecord, CallSummary, Direction, LegRecord, ScenarioEnd};

/// The form of a value now: this byte, then [`Ended`] by `postcard`.
const VERSION: u8 = 3;

/// A call that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ended {
    /// The domain's name.
    pub domain: String,
    /// The record.
    pub record: CallRecord,
    /// The journal's bytes, where a scenario ran.
    pub journal: Option<Vec<u8>>,
}

impl Ended {
    /// As a value of the log.
    pub(crate) fn to_value(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_extend(self, vec![VERSION])
    }

    /// From a value of the log, of this or an earlier form; an error says why not.
    pub(crate) fn from_value(value: &[u8]) -> Result<Self, String> {
        match value.split_first() {
            Some((&VERSION, body)) => postcard::from_bytes(body).map_err(|error| error.to_string()),
            Some((2, body)) => postcard::from_bytes::<v2::Ended>(body)
                .map(Self::from)
                .map_err(|error| error.to_string()),
            Some((1, body)) => postcard::from_bytes::<v1::Ended>(body)
                .map(Self::from)
                .map_err(|error| error.to_string()),
            Some((version, _)) => Err(format!("it is of version {version}")),
            None => Err("it is empty".to_owned()),
        }
    }
}

/// The form before records told how their scenario ended.
mod v1 {
    use super::{CallRecord, CallSummary, Deserialize, Direction, LegRecord, Timestamp};

    #[derive(Deserialize)]
    pub(super) struct Ended {
        domain: String,
        record: (Summary, Vec<LegRecord>),
        journal: Option<Vec<u8>>,
    }

    #[derive(Deserialize)]
    struct Summary {
        id: String,
        direction: Direction,
        from_number: String,
        to_number: String,
        entry_point: Option<String>,
        scenario: Option<String>,
        scenario_hash: Option<String>,
        started_at: Timestamp,
        answered_at: Option<Timestamp>,
        ended_at: Timestamp,
        duration_ms: u64,
        cause: String,
        sip_status: Option<u16>,
        ended_by: String,
        rolling_hash: Option<String>,
        journal_stored: bool,
        recoveries: u32,
    }

    impl From<Ended> for super::Ended {
        fn from(
            Ended {
                domain,
                record,
                journal,
            }: Ended,
        ) -> Self {
            let (before, legs) = record;
            let summary = CallSummary {
                id: before.id,
                direction: before.direction,
                from_number: before.from_number,
                to_number: before.to_number,
                entry_point: before.entry_point,
                scenario: before.scenario,
                scenario_hash: before.scenario_hash,
                started_at: before.started_at,
                answered_at: before.answered_at,
                ended_at: before.ended_at,
                duration_ms: before.duration_ms,
                cause: before.cause,
                sip_status: before.sip_status,
                ended_by: before.ended_by,
                rolling_hash: before.rolling_hash,
                journal_stored: before.journal_stored,
                recoveries: before.recoveries,
                scenario_end: None,
                scenario_error: None,
                fallback: None,
            };
            Self {
                domain,
                record: CallRecord { summary, legs },
                journal,
            }
        }
    }
}

/// The form before records told of a fall-back.
mod v2 {
    use super::{CallRecord, CallSummary, Deserialize, Direction, LegRecord, ScenarioEnd, Timestamp};

    #[derive(Deserialize)]
    pub(super) struct Ended {
        domain: String,
        record: (Summary, Vec<LegRecord>),
        journal: Option<Vec<u8>>,
    }

    #[derive(Deserialize)]
    struct Summary {
        id: String,
        direction: Direction,
        from_number: String,
        to_number: String,
        entry_point: Option<String>,
        scenario: Option<String>,
        scenario_hash: Option<String>,
        started_at: Timestamp,
        answered_at: Option<Timestamp>,
        ended_at: Timestamp,
        duration_ms: u64,
        cause: String,
        sip_status: Option<u16>,
        ended_by: String,
        rolling_hash: Option<String>,
        journal_stored: bool,
        recoveries: u32,
        scenario_end: Option<ScenarioEnd>,
        scenario_error: Option<String>,
    }

    impl From<Ended> for super::Ended {
        fn from(
            Ended {
                domain,
                record: (before, legs),
                journal,
            }: Ended,
        ) -> Self {
            let summary = CallSummary {
                id: before.id,
                direction: before.direction,
                from_number: before.from_number,
                to_number: before.to_number,
                entry_point: before.entry_point,
                scenario: before.scenario,
                scenario_hash: before.scenario_hash,
                started_at: before.started_at,
                answered_at: before.answered_at,
                ended_at: before.ended_at,
                duration_ms: before.duration_ms,
                cause: before.cause,
                sip_status: before.sip_status,
                ended_by: before.ended_by,
                rolling_hash: before.rolling_hash,
                journal_stored: before.journal_stored,
                recoveries: before.recoveries,
                scenario_end: before.scenario_end,
                scenario_error: before.scenario_error,
                fallback: None,
            };
            Self {
                domain,
                record: CallRecord { summary, legs },
                journal,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_directory::records::{FallbackRecord, LegRole};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ended() -> Ended {
        let summary = CallSummary {
            id: "0001".into(),
            direction: Direction::Internal,
            from_number: "301".into(),
            to_number: "100".into(),
            entry_point: Some("100".into()),
            scenario: Some("menu".into()),
            scenario_hash: Some("ab".into()),
            started_at: at(1),
            answered_at: None,
            ended_at: at(2),
            duration_ms: 1_000,
            cause: "scenario-failed".into(),
            sip_status: Some(480),
            ended_by: "scenario".into(),
            rolling_hash: None,
            journal_stored: false,
            recoveries: 2,
            scenario_end: Some(ScenarioEnd::Trapped),
            scenario_error: Some("unreachable".into()),
            fallback: Some(FallbackRecord {
                scenario: "night".into(),
                scenario_hash: "cd".into(),
                end: Some(ScenarioEnd::Returned),
                error: None,
            }),
        };
        let leg = LegRecord {
            index: 0,
            role: LegRole::Caller,
            peer_uri: "sip:301@a.example".into(),
            user: None,
            started_at: at(1),
            answered_at: None,
            ended_at: at(2),
            talk_ms: 0,
            cause: String::new(),
            sip_status: None,
            codec: None,
            rtp_sent: 1,
            rtp_received: 2,
            rtp_lost: 3,
        };
        Ended {
            domain: "a.example".into(),
            record: CallRecord {
                summary,
                legs: vec![leg],
            },
            journal: Some(vec![1, 2, 3]),
        }
    }

    #[test]
    fn a_value_comes_back_as_it_was_written() {
        let ended = ended();
        let value = ended.to_value().unwrap();
        let read = Ended::from_value(&value).unwrap();
        assert_eq!(
            (read.domain, read.record, read.journal),
            (ended.domain, ended.record, ended.journal)
        );
        for damaged in [&[][..], &[4], &[VERSION], &value[..value.len() - 4]] {
            assert!(Ended::from_value(damaged).is_err(), "{damaged:?}");
        }
    }

    /// What the release before wrote: the same without the last field of the summary.
    #[test]
    fn a_value_of_version_2_is_read() {
        let mut ended = ended();
        let CallRecord { summary: it, legs } = &ended.record;
        let ids = (&it.id, it.direction, &it.from_number, &it.to_number);
        let scenario = (&it.entry_point, &it.scenario, &it.scenario_hash);
        let times = (it.started_at, it.answered_at, it.ended_at, it.duration_ms);
        let end = (&it.cause, it.sip_status, &it.ended_by, &it.rolling_hash);
        let last = (
            it.journal_stored,
            it.recoveries,
            it.scenario_end,
            &it.scenario_error,
        );
        let old = (
            &ended.domain,
            ((ids, scenario, times, end, last), legs),
            &ended.journal,
        );
        let value = postcard::to_extend(&old, vec![2]).unwrap();

        let read = Ended::from_value(&value).unwrap();
        ended.record.summary.fallback = None;
        assert_eq!(
            (read.domain, read.record, read.journal),
            (ended.domain, ended.record, ended.journal)
        );
    }

    /// What the first release wrote: the same without the last three fields of the summary.
    #[test]
    fn a_value_of_version_1_is_read() {
        let mut ended = ended();
        let CallRecord { summary: it, legs } = &ended.record;
        let ids = (&it.id, it.direction, &it.from_number, &it.to_number);
        let scenario = (&it.entry_point, &it.scenario, &it.scenario_hash);
        let times = (it.started_at, it.answered_at, it.ended_at, it.duration_ms);
        let end = (&it.cause, it.sip_status, &it.ended_by, &it.rolling_hash);
        // Tuples within tuples are written one after another, as a struct's fields are.
        let summary = (ids, scenario, times, end, it.journal_stored, it.recoveries);
        let old = (&ended.domain, (summary, legs), &ended.journal);
        let value = postcard::to_extend(&old, vec![1]).unwrap();

        let read = Ended::from_value(&value).unwrap();
        let summary = &mut ended.record.summary;
        (summary.scenario_end, summary.scenario_error) = (None, None);
        summary.fallback = None;
        assert_eq!(
            (read.domain, read.record, read.journal),
            (ended.domain, ended.record, ended.journal)
        );
    }
}
