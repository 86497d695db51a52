//! Recordings: their taps on endpoints, and what the disk's thread tells of them.

use std::time::Instant;

use tandem_bus::media::{EndpointId, RecordId, RecordRule, Sides};
use tandem_media::Endpoint;
use tandem_media::endpoint::{self, TapRule};
use tandem_media::g711::RATE_HZ;

use super::Control;
use crate::cell::lock;
use crate::recordings::Tape;

impl Control {
    pub(super) fn record(&mut self, endpoint: EndpointId, record: RecordId, rule: RecordRule, now: Instant) {
        let Some(open) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        let tape = (endpoint, record);
        // Numbers grow: what is not beyond the last was begun before.
        if open.record >= Some(record) {
            if open.record == Some(record) && open.recording.is_none() {
                self.shared.recordings.tell(tape, &open.domain, &rule.name);
            }
            return;
        }
        open.record = Some(record);
        open.recording = Some(rule.clone());
        let domain = open.domain.clone();
        self.with(endpoint, |state| {
            state.endpoint.record(tap_rule(record, &rule), now);
        });
        self.shared.recordings.open(tape, domain, rule);
    }

    pub(super) fn pause_record(
        &mut self,
        endpoint: EndpointId,
        record: RecordId,
        paused: bool,
        now: Instant,
    ) {
        if let Some(open) = self.endpoints.get_mut(&endpoint)
            && open.record == Some(record)
            && let Some(rule) = &mut open.recording
        {
            rule.paused = paused;
        }
        self.with(endpoint, |state| {
            state.endpoint.pause_record(record.0, paused, now);
        });
    }

    /// Recordings that are over are not recorded any more.
    pub(super) fn note_recorded(&mut self) {
        let recorded = std::mem::take(&mut *lock(&self.recorded));
        for (endpoint, record) in recorded {
            if let Some(open) = self.endpoints.get_mut(&endpoint)
                && open.record == Some(record)
            {
                open.recording = None;
            }
            self.with(endpoint, |state| state.endpoint.end_record(record.0));
        }
    }

    /// The gate is about to be followed by another: all that was recorded is in its file.
    pub(super) fn settle_recordings(&mut self) {
        for open in self.endpoints.values() {
            let mut state = open.cell.lock();
            state.endpoint.flush_record();
            open.cell.drain(&mut state);
        }
        self.shared.recordings.settle();
        self.note_recorded();
    }

    /// Goes on with a recording of the gate before this one.
    pub(super) fn adopt_recording(
        &self,
        tape: Option<(Tape, RecordRule)>,
        domain: &str,
        made: &mut Endpoint,
    ) -> Option<RecordRule> {
        let tapped = made.recording()?;
        let Some((tape, rule)) = tape else {
            made.end_record(tapped.record);
            return None;
        };
        let recordings = &self.shared.recordings;
        recordings.open(tape, domain.to_owned(), rule.clone());
        Some(rule)
    }
}

fn tap_rule(record: RecordId, rule: &RecordRule) -> TapRule {
    TapRule {
        record: record.0,
        sides: match rule.sides {
            Sides::Peer => endpoint::Sides::Peer,
            Sides::Both => endpoint::Sides::Both,
        },
        silence: u64::from(rule.silence_ms) * u64::from(RATE_HZ) / 1_000,
        silent: 0,
        paused: rule.paused,
    }
}
