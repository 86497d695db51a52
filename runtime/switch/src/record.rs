//! What is written down of a call that is over.

use std::sync::Arc;
use tandem_sip::Moment;

use jiff::Timestamp;
use tandem_bus::media::{Codec, Statistics};
use tandem_directory::records::{
    CallRecord, CallSummary, Direction, FallbackRecord, LegRecord, LegRole, ScenarioEnd,
};
use tandem_host_api::End;

use crate::admission::Admission;
use crate::call::Call;
use crate::leg::{By, Ending, Leg, Media, Role};
use crate::shard::Admitted;

/// A moment as the records tell it.
pub(crate) fn timestamp(at: Moment) -> Timestamp {
    let micros = i64::try_from(at.unix_micros()).unwrap_or(i64::MAX);
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

/// A call's identifier: milliseconds since 1970 and 32 random bits in hexadecimal, so that it sorts by time.
pub fn new_id(now: Moment, random: u32) -> String {
    format!("{:011x}{random:08x}", now.unix_micros() / 1_000)
}

/// A call's record and whose it is.
#[derive(Debug, Clone)]
pub struct Record {
    /// The domain's name.
    pub domain: Arc<str>,
    /// The record; its rolling hash is the driver's to add.
    pub call: CallRecord,
    /// The Call-IDs of its legs' messages, each with the leg's index.
    pub dialogs: Vec<(u32, String)>,
}

impl Record {
    /// Of a call that had a scenario.
    pub fn of_call(call: &Call, now: Moment) -> Self {
        let caller = call.legs.first();
        let ending = unanswered(call, now).or_else(|| caller.and_then(|leg| leg.ending.clone()));
        let answered = caller.is_some_and(|leg| leg.answered.is_some());
        let last = call.core.end.as_ref();
        let fallback = call
            .fallback
            .as_ref()
            .filter(|fallback| fallback.failed.is_some());
        // The scenario that was chosen is the one that is judged, whatever took over.
        let own = fallback.map_or(last, |fallback| fallback.failed.as_ref());
        let (end, error) = own.map(scenario_end).unzip();
        let failed = last.is_some_and(|end| scenario_end(end).0.is_failure());
        let ended = call
            .legs
            .iter()
            .filter_map(|leg| leg.ending.as_ref().map(|e| e.at))
            .max()
            .unwrap_or(now);
        let summary = CallSummary {
            id: call.origin.id.clone(),
            direction: Direction::Internal,
            from_number: call.origin.caller.user.clone(),
            to_number: call.origin.dialled.user.clone(),
            entry_point: Some(call.origin.entry.number.clone()),
            scenario: Some(call.origin.entry.module.clone()),
            scenario_hash: Some(call.origin.entry.hash.clone()),
            started_at: timestamp(call.origin.started),
            answered_at: caller.and_then(|leg| leg.answered).map(timestamp),
            ended_at: timestamp(ended),
            duration_ms: millis(call.origin.started, ended),
            cause: if failed {
                "scenario-failed".to_owned()
            } else {
                cause_word(ending.as_ref(), answered).to_owned()
            },
            // A caller that was answered got 200, however the call went on.
            sip_status: if answered {
                Some(200)
            } else {
                ending.as_ref().map(|e| e.status)
            },
            ended_by: match &call.originated {
                Some(it) if it.failure.is_some() => it.ended_by().to_owned(),
                _ => ended_by(&call.legs).to_owned(),
            },
            rolling_hash: None,
            journal_stored: false,
            recoveries: call.core.recoveries,
            scenario_end: end,
            scenario_error: error.flatten().map(str::to_owned),
            fallback: fallback.map(|fallback| {
                let (end, error) = last.map(scenario_end).unzip();
                FallbackRecord {
                    scenario: fallback.entry.module.clone(),
                    scenario_hash: fallback.entry.hash.clone(),
                    end,
                    error: error.flatten().map(str::to_owned),
                }
            }),
        };
        let legs = call.legs.iter().map(|leg| leg_record(leg, now)).collect();
        Self {
            domain: call.origin.domain.clone(),
            call: CallRecord { summary, legs },
            dialogs: call
                .legs
                .iter()
                .filter_map(|leg| Some((leg.id.0, leg.call_id.clone()?)))
                .collect(),
        }
    }

    /// Of an INVITE of a known caller that became no call.
    pub fn of_refused(
        id: String,
        admission: &Admission,
        admitted: &Admitted,
        status: u16,
        now: Moment,
    ) -> Self {
        let at = timestamp(now);
        let ending = Ending {
            at: now,
            by: By::System,
            status,
            cause: crate::sip_text::reason(status).into(),
        };
        let entry = admitted.entry.as_ref().map(|resolved| &resolved.entry);
        let summary = CallSummary {
            id,
            direction: Direction::Internal,
            from_number: admission.from.user.clone(),
            to_number: admission.dialled.user.clone(),
            entry_point: entry.map(|entry| entry.number.clone()),
            scenario: None,
            scenario_hash: None,
            started_at: at,
            answered_at: None,
            ended_at: at,
            duration_ms: 0,
            cause: cause_word(Some(&ending), false).to_owned(),
            sip_status: Some(status),
            ended_by: "system".into(),
            rolling_hash: None,
            journal_stored: false,
            recoveries: 0,
            scenario_end: None,
            scenario_error: None,
            fallback: None,
        };
        let leg = LegRecord {
            index: 0,
            role: LegRole::Caller,
            peer_uri: format!("sip:{}@{}", admission.from.user, admission.from.host),
            user: Some(admission.from.user.clone()),
            started_at: at,
            answered_at: None,
            ended_at: at,
            talk_ms: 0,
            cause: ending.cause,
            sip_status: Some(status),
            codec: None,
            rtp_sent: 0,
            rtp_received: 0,
            rtp_lost: 0,
        };
        Self {
            domain: admitted.domain.clone(),
            call: CallRecord {
                summary,
                legs: vec![leg],
            },
            dialogs: admission
                .request
                .call_id()
                .map(|id| vec![(0, id.to_owned())])
                .unwrap_or_default(),
        }
    }
}

/// How a call ended whose target did not answer.
fn unanswered(call: &Call, now: Moment) -> Option<Ending> {
    let originated = call.originated.as_ref()?;
    Some(Ending {
        at: now,
        by: By::Peer,
        status: originated.status()?,
        cause: String::new(),
    })
}

/// A scenario's end as records tell it, and its words where it failed.
fn scenario_end(end: &End) -> (ScenarioEnd, Option<&str>) {
    match end {
        End::Returned => (ScenarioEnd::Returned, None),
        End::CallOver => (ScenarioEnd::CallOver, None),
        End::Failed(why) => (ScenarioEnd::Failed, Some(why)),
        End::Trapped { message, .. } => (ScenarioEnd::Trapped, Some(message)),
        End::OverBudget(limit) => (ScenarioEnd::OverBudget, Some(limit)),
        End::Refused(why) => (ScenarioEnd::Refused, Some(why)),
        End::Diverged(how) => (ScenarioEnd::Diverged, Some(how)),
    }
}

fn leg_record(leg: &Leg, now: Moment) -> LegRecord {
    let ended = leg.ending.as_ref().map_or(now, |e| e.at);
    let statistics = match leg.media {
        Media::Closed(Some(statistics)) => statistics,
        _ => Statistics::default(),
    };
    LegRecord {
        index: leg.id.0,
        role: match leg.role {
            Role::Caller => LegRole::Caller,
            Role::Callee => LegRole::Callee,
        },
        peer_uri: format!("sip:{}@{}", leg.peer.user, leg.peer.host),
        user: leg.user.clone(),
        started_at: timestamp(leg.started),
        answered_at: leg.answered.map(timestamp),
        ended_at: timestamp(ended),
        talk_ms: leg.answered.map_or(0, |at| millis(at, ended)),
        cause: leg.ending.as_ref().map(|e| e.cause.clone()).unwrap_or_default(),
        sip_status: leg.ending.as_ref().map(|e| e.status),
        codec: leg.codec_used.map(|codec| match codec {
            Codec::Pcma => "PCMA".to_owned(),
            Codec::Pcmu => "PCMU".to_owned(),
        }),
        rtp_sent: statistics.sent,
        rtp_received: statistics.received,
        rtp_lost: statistics.lost,
    }
}

/// Who ended the call. Where the scenario ended the caller's leg because a callee had hung up, or with the status by
/// which a callee had refused, it was that callee.
fn ended_by(legs: &[Leg]) -> &'static str {
    let Some((caller, ending)) = legs.first().and_then(|leg| Some((leg, leg.ending.as_ref()?))) else {
        return "system";
    };
    match ending.by {
        By::Peer => return "caller",
        By::System => return "system",
        By::Scenario => (),
    }
    let callees = || legs.iter().filter(|leg| leg.role == Role::Callee);
    let last = callees()
        .filter_map(|leg| leg.ending.as_ref().map(|e| (leg, e)))
        .max_by_key(|(_, e)| e.at);
    match last {
        Some((leg, last)) if leg.answered.is_some() => match last.by {
            By::Peer => "callee",
            By::System => "system",
            By::Scenario => "scenario",
        },
        Some((_, last))
            if caller.answered.is_none() && last.by == By::Peer && last.status == ending.status =>
        {
            "callee"
        }
        _ => "scenario",
    }
}

/// Why the call ended, in the caller's view: `answered` tells whether it had been put through.
fn cause_word(ending: Option<&Ending>, answered: bool) -> &'static str {
    let Some(ending) = ending else { return "failed" };
    match (ending.status, answered) {
        (200, _) => "normal",
        (408, true) => "lost",
        (408, false) if ending.by == By::System => "lost",
        (503, true) if ending.by == By::System => "stopped",
        (403, _) => "forbidden",
        (404 | 604, _) => "not-found",
        (408, false) => "no-answer",
        (480, _) => "unavailable",
        (486 | 600, _) => "busy",
        (487, _) => "cancelled",
        (415 | 488 | 606, _) => "not-acceptable",
        (503, _) => "congested",
        (603, _) => "declined",
        (400..=499 | 600..=699, _) => "rejected",
        _ => "failed",
    }
}

fn millis(from: Moment, to: Moment) -> u64 {
    to.duration_since(from).as_millis() as u64
}
