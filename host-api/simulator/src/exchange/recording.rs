//! Recordings: how long they are and what ends them. A peer of the simulator says nothing but what its digits say, so
//! silence is counted from the beginning, and from the last digit on.

use std::time::Duration;

use tandem_host_api::op::{
    LegError, LegId, Outcome, Prompt, RecordEnd, RecordRule, Recorded, RecorderId, Recording, RecordingError,
    Waiting,
};

use super::{Exchange, Pending};

/// Most recordings of one call, as in the real switch.
const TAPES_MAX: usize = 64;
/// A recording that is paused for longer ends.
const PAUSED_MAX: Duration = Duration::from_mins(10);
/// The tone before a recording.
const BEEP: Prompt = Prompt::Tone {
    first_hz: 1_000,
    second_hz: 0,
    duration_ms: 250,
};
/// Bytes of a recording's header, and of a millisecond of it.
const HEADER_BYTES: u64 = 44;
const BYTES_A_MS: u64 = 16;

/// A recording, under way or over.
#[derive(Debug)]
pub struct Tape {
    leg: LegId,
    most: Duration,
    /// What was recorded up to `since`, and since when it goes on; none: it is paused.
    recorded: Duration,
    since: Option<Duration>,
    ended: Option<RecordEnd>,
}

impl Tape {
    fn length(&self, now: Duration) -> Duration {
        let going = self
            .since
            .map_or(Duration::ZERO, |since| now.saturating_sub(since));
        (self.recorded + going).min(self.most)
    }
}

/// The recording that the scenario waits for.
#[derive(Debug)]
pub struct Foreground {
    /// Of which leg.
    pub leg: LegId,
    rule: RecordRule,
    /// None: the tone before it is heard.
    recorder: Option<RecorderId>,
    silent_since: Duration,
    paused_until: Option<Duration>,
}

impl Foreground {
    /// When [`Exchange::recording_due`] is due.
    pub fn deadline(&self, tapes: &[Tape]) -> Option<Duration> {
        let tape = tapes.get(self.recorder?.0 as usize)?;
        if let Some(until) = self.paused_until {
            return Some(until);
        }
        let full = tape.since? + tape.most.saturating_sub(tape.recorded);
        Some(self.silent_at().map_or(full, |silent| silent.min(full)))
    }

    fn silent_at(&self) -> Option<Duration> {
        let silence = Duration::from_millis(self.rule.silence_ms.into());
        (!silence.is_zero()).then_some(self.silent_since + silence)
    }
}

impl Exchange {
    fn recordable(&mut self, id: LegId) -> Result<(), RecordingError> {
        self.audible(id).map(drop).map_err(|error| match error {
            LegError::WrongState(words) => RecordingError::WrongState(words),
            _ => RecordingError::Gone,
        })?;
        self.end_full_tapes();
        if self
            .tapes
            .iter()
            .any(|tape| tape.leg == id && tape.ended.is_none())
        {
            return Err(RecordingError::WrongState("the leg is recorded already".into()));
        }
        if self.tapes.len() >= TAPES_MAX {
            let limit = format!("a call has at most {TAPES_MAX} recordings");
            return Err(RecordingError::Limit(limit));
        }
        Ok(())
    }

    fn begin_tape(&mut self, leg: LegId, length_ms: u32) -> RecorderId {
        let recorder = RecorderId(self.tapes.len() as u32);
        self.tapes.push(Tape {
            leg,
            most: Duration::from_millis(length_ms.into()),
            recorded: Duration::ZERO,
            since: Some(self.now()),
            ended: None,
        });
        recorder
    }

    /// `recording.record`
    pub(super) fn record(&mut self, id: LegId, rule: &RecordRule) {
        if let Err(error) = self.recordable(id) {
            return self.done(Outcome::Recorded(Err(error)));
        }
        if let Some(leg) = self.leg(id) {
            leg.digits.clear();
        }
        self.pending = Pending::Recording(Foreground {
            leg: id,
            rule: rule.clone(),
            recorder: None,
            silent_since: self.now(),
            paused_until: None,
        });
        // A tone can always be played.
        if !rule.beep || self.play_prompts(id, &[BEEP]).is_err() {
            self.stop_sound(id);
            self.beep_ended();
        }
    }

    /// The tone before a recording was heard.
    pub(super) fn beep_ended(&mut self) {
        let Pending::Recording(it) = &self.pending else {
            return;
        };
        if it.recorder.is_some() {
            return;
        }
        let recorder = self.begin_tape(it.leg, it.rule.length_ms);
        let now = self.now();
        if let Pending::Recording(it) = &mut self.pending {
            it.recorder = Some(recorder);
            it.silent_since = now;
        }
    }

    /// A digit while a recording is waited for.
    pub(super) fn recording_digit(&mut self, digit: char) {
        let now = self.now();
        let Pending::Recording(it) = &mut self.pending else {
            return;
        };
        let Some(recorder) = it.recorder else { return };
        it.silent_since = now;
        if it.rule.stop_digits.contains(digit) {
            self.foreground_over(recorder, RecordEnd::Digit, digit.to_string());
        } else if it.rule.pause_digit.contains(digit) {
            let paused = it.paused_until.is_none();
            it.paused_until = paused.then_some(now + PAUSED_MAX);
            self.pause_tape(recorder, paused);
        }
    }

    /// A recording that is waited for is long enough, silent enough, or paused for too long.
    pub(super) fn recording_due(&mut self) {
        let now = self.now();
        let Pending::Recording(it) = &self.pending else {
            return;
        };
        let Some(recorder) = it.recorder else { return };
        let silent = it.paused_until.is_none() && it.silent_at().is_some_and(|at| at <= now);
        let end = if silent {
            RecordEnd::Silence
        } else {
            RecordEnd::Length
        };
        self.foreground_over(recorder, end, String::new());
    }

    /// The scenario's deadline is over.
    pub(super) fn recording_past_deadline(&mut self) {
        let Pending::Recording(it) = &self.pending else {
            return;
        };
        let (leg, recorder) = (it.leg, it.recorder);
        if let Some(recorder) = recorder {
            self.foreground_over(recorder, RecordEnd::Length, String::new());
        } else {
            self.stop_sound(leg);
            self.done(Waiting::Record.past_deadline());
        }
    }

    /// The leg of the recording that is waited for is over.
    pub(super) fn recording_leg_ended(&mut self) {
        let Pending::Recording(it) = &self.pending else {
            return;
        };
        match it.recorder {
            Some(recorder) => self.foreground_over(recorder, RecordEnd::LegGone, String::new()),
            None => self.done(Outcome::Recorded(Err(RecordingError::Gone))),
        }
    }

    fn foreground_over(&mut self, recorder: RecorderId, end: RecordEnd, digit: String) {
        self.end_tape(recorder, end);
        let outcome = self.recorded(recorder, digit);
        self.done(Outcome::Recorded(outcome));
    }

    fn pause_tape(&mut self, recorder: RecorderId, paused: bool) {
        let now = self.now();
        if let Some(tape) = self.tapes.get_mut(recorder.0 as usize)
            && tape.ended.is_none()
            && tape.since.is_none() != paused
        {
            tape.recorded = tape.length(now);
            tape.since = (!paused).then_some(now);
        }
    }

    /// Ends a recording if it is under way.
    pub(super) fn end_tape(&mut self, recorder: RecorderId, end: RecordEnd) {
        let (now, name) = (self.now(), name(recorder));
        if let Some(tape) = self.tapes.get_mut(recorder.0 as usize)
            && tape.ended.is_none()
        {
            tape.recorded = tape.length(now);
            let full = tape.recorded == tape.most;
            tape.since = None;
            tape.ended = Some(if full { RecordEnd::Length } else { end });
            self.recordings.insert(name, tape.recorded);
        }
    }

    /// Recordings in the background that are as long as they may be.
    fn end_full_tapes(&mut self) {
        let now = self.now();
        let full = |tape: &Tape| tape.length(now) == tape.most;
        let over: Vec<u32> = (0_u32..)
            .zip(&self.tapes)
            .filter(|(_, tape)| full(tape))
            .map(|(place, _)| place)
            .collect();
        for place in over {
            self.end_tape(RecorderId(place), RecordEnd::Length);
        }
    }

    /// A leg is over, and so are its recordings.
    pub(super) fn end_tapes_of(&mut self, leg: LegId) {
        let waited_for = match &self.pending {
            Pending::Recording(it) => it.recorder,
            _ => None,
        };
        let of_leg: Vec<RecorderId> = (0_u32..)
            .zip(&self.tapes)
            .filter(|(place, tape)| tape.leg == leg && waited_for != Some(RecorderId(*place)))
            .map(|(place, _)| RecorderId(place))
            .collect();
        for recorder in of_leg {
            self.end_tape(recorder, RecordEnd::LegGone);
        }
    }

    fn recorded(&self, recorder: RecorderId, digit: String) -> Result<Recorded, RecordingError> {
        let tape = self.tapes.get(recorder.0 as usize).ok_or(RecordingError::Gone)?;
        let duration_ms = tape.recorded.as_millis() as u64;
        Ok(Recorded {
            recording: Recording {
                name: name(recorder),
                duration_ms,
                bytes: HEADER_BYTES + duration_ms * BYTES_A_MS,
            },
            end: tape.ended.clone().unwrap_or(RecordEnd::Finished),
            digit,
        })
    }

    /// `recording.start`
    pub(super) fn start_recorder(&mut self, id: LegId, length_ms: u32) {
        let outcome = self.recordable(id).map(|()| self.begin_tape(id, length_ms));
        self.done(Outcome::Recorder(outcome));
    }

    /// `recorder.pause` and `recorder.resume`
    pub(super) fn pause_recorder(&mut self, recorder: RecorderId, paused: bool) {
        let known = self.tapes.get(recorder.0 as usize).is_some();
        self.end_full_tapes();
        self.pause_tape(recorder, paused);
        let outcome = known.then_some(()).ok_or(RecordingError::Gone);
        self.done(Outcome::Recording(outcome));
    }

    /// `recording.delete`
    pub(super) fn delete_recording(&mut self, name: &str) -> Result<(), RecordingError> {
        if let Some(kept) = self.kept.iter().find(|kept| kept.message.recording == name) {
            let words = format!(
                "the recording is a message of the box {}: delete that",
                kept.box_name
            );
            return Err(RecordingError::WrongState(words));
        }
        self.recordings.remove(name);
        Ok(())
    }

    /// `recorder.finish`
    pub(super) fn finish_recorder(&mut self, recorder: RecorderId) {
        self.end_tape(recorder, RecordEnd::Finished);
        let outcome = self.recorded(recorder, String::new());
        self.done(Outcome::Recorded(outcome));
    }
}

fn name(recorder: RecorderId) -> String {
    format!("recording-simulated-{}", recorder.0)
}
