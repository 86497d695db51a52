//! Recordings of a call: one in the foreground that the scenario waits for, others beside what else it does.
//!
//! Each is a [`Tape`]. The media gate writes its file and tells its end, which may come after the leg's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_bus::media::{self as bus, Command, Existing, PlayId, Prompt, RecordId};
use tandem_host_api::op::{
    self, LegId, Outcome, RecordEnd, RecordRule, Recorded, RecorderId, Recording, RecordingError, Side,
};
use tandem_sip::Moment;

use super::{Call, Pending};
use crate::context::Context;
use crate::leg::Media;

/// Most recordings of one call.
const TAPES_MAX: usize = 64;
/// The gate's word on a recording that was ended is waited for so long; a gate that has died is back by then.
const GATE_MAX: Duration = Duration::from_secs(10);
/// A recording that is paused for longer ends.
const PAUSED_MAX: Duration = Duration::from_mins(10);
/// The tone before a recording.
const BEEP: Prompt = Prompt::Tone {
    first_hz: 1_000,
    second_hz: 0,
    duration_ms: 250,
};

/// A recording, under way or over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tape {
    /// Of which leg.
    pub leg: LegId,
    /// Its number for the gate.
    pub record: RecordId,
    /// How it is made; `paused` is what it is now.
    pub rule: bus::RecordRule,
    /// How it ended.
    pub ended: Option<Ended>,
}

/// The end of a recording, as the gate told it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Why.
    pub end: bus::RecordEnd,
    /// The length of its file.
    pub duration_ms: u64,
    /// Its bytes; 0: there is no file.
    pub bytes: u64,
}

/// The recording that the scenario waits for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Foreground {
    /// Of which leg.
    pub leg: LegId,
    rule: RecordRule,
    /// The tone before it is heard.
    beep: Option<PlayId>,
    recorder: Option<RecorderId>,
    /// Why it was ended by us.
    cause: Option<Cause>,
    /// When a pause is over, or the gate's word has been waited for long enough.
    until: Option<Moment>,
}

/// Why we ended a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Cause {
    Digit(char),
    PausedForLong,
    LegGone,
    Deadline,
}

impl Foreground {
    /// When [`Call::recording_timeout`] is due.
    pub fn deadline(&self) -> Option<Moment> {
        self.until
    }

    /// Whether it was ended, and the gate's word on it is waited for.
    pub fn is_ending(&self) -> bool {
        self.cause.is_some()
    }
}

impl Call {
    fn tape(&self, recorder: RecorderId) -> Option<&Tape> {
        self.tapes.get(recorder.0 as usize)
    }

    /// Whether a recording of the leg can begin.
    fn recordable(&mut self, id: LegId) -> Result<(), RecordingError> {
        self.audible(id).map(drop).map_err(|error| match error {
            op::LegError::WrongState(words) => RecordingError::WrongState(words),
            _ => RecordingError::Gone,
        })?;
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

    /// Begins a recording; its file has a name that is never given again.
    fn begin_tape(
        &mut self,
        leg: LegId,
        side: Side,
        length_ms: u32,
        silence_ms: u32,
        cx: &mut Context<'_>,
    ) -> RecorderId {
        let recorder = RecorderId(self.tapes.len() as u32);
        let tape = Tape {
            leg,
            record: RecordId(cx.new_play().0),
            rule: bus::RecordRule {
                name: format!("recording-{}-{}", self.origin.id, recorder.0),
                sides: match side {
                    Side::Peer => bus::Sides::Peer,
                    Side::Both => bus::Sides::Both,
                },
                length_ms,
                silence_ms,
                paused: false,
            },
            ended: None,
        };
        self.tapes.push(tape);
        self.record_tape(recorder, cx);
        recorder
    }

    /// Has the gate record, or go on with what it recorded before.
    fn record_tape(&self, recorder: RecorderId, cx: &mut Context<'_>) {
        if let Some(tape) = self.tape(recorder)
            && let Some(leg) = self.legs.get(tape.leg.0 as usize)
        {
            cx.media(Command::Record {
                endpoint: leg.endpoint,
                record: tape.record,
                rule: tape.rule.clone(),
            });
        }
    }

    fn end_tape(&self, recorder: RecorderId, cx: &mut Context<'_>) {
        if let Some(tape) = self.tape(recorder).filter(|tape| tape.ended.is_none())
            && let Some(leg) = self.legs.get(tape.leg.0 as usize)
        {
            cx.media(Command::EndRecord {
                endpoint: leg.endpoint,
                record: tape.record,
            });
        }
    }

    fn pause_tape(&mut self, recorder: RecorderId, paused: bool, cx: &mut Context<'_>) {
        let Some(tape) = self.tapes.get_mut(recorder.0 as usize) else {
            return;
        };
        tape.rule.paused = paused;
        if let Some(leg) = self
            .legs
            .get(tape.leg.0 as usize)
            .filter(|_| tape.ended.is_none())
        {
            cx.media(Command::PauseRecord {
                endpoint: leg.endpoint,
                record: tape.record,
                paused,
            });
        }
    }

    /// `recording.record`
    pub(crate) fn record(&mut self, id: LegId, rule: RecordRule, cx: &mut Context<'_>) {
        if let Err(error) = self.recordable(id) {
            return self.done(Outcome::Recorded(Err(error)), cx);
        }
        let Some(leg) = self.leg(id) else { return };
        leg.digits.clear();
        let beep = if rule.beep {
            Some(leg.play(vec![BEEP], false, cx))
        } else {
            leg.stop_play(cx);
            None
        };
        let begins = beep.is_none();
        self.core.pending = Pending::Recording(Box::new(Foreground {
            leg: id,
            rule,
            beep,
            recorder: None,
            cause: None,
            until: None,
        }));
        if begins {
            self.begin_foreground(cx);
        }
    }

    fn begin_foreground(&mut self, cx: &mut Context<'_>) {
        let Pending::Recording(it) = &self.core.pending else {
            return;
        };
        let (leg, length_ms, silence_ms) = (it.leg, it.rule.length_ms, it.rule.silence_ms);
        let recorder = self.begin_tape(leg, Side::Peer, length_ms, silence_ms, cx);
        if let Pending::Recording(it) = &mut self.core.pending {
            it.beep = None;
            it.recorder = Some(recorder);
        }
    }

    /// The tone before a recording was heard.
    pub(super) fn beep_ended(&mut self, id: LegId, play: PlayId, cx: &mut Context<'_>) {
        if matches!(&self.core.pending, Pending::Recording(it) if it.leg == id && it.beep == Some(play)) {
            self.begin_foreground(cx);
        }
    }

    /// A digit while a recording is waited for.
    pub(super) fn recording_digit(&mut self, digit: char, cx: &mut Context<'_>) {
        let Pending::Recording(it) = &mut self.core.pending else {
            return;
        };
        let Some(recorder) = it.recorder.filter(|_| it.cause.is_none()) else {
            return;
        };
        if it.rule.stop_digits.contains(digit) {
            it.cause = Some(Cause::Digit(digit));
            it.until = Some(cx.now + GATE_MAX);
            self.end_tape(recorder, cx);
        } else if it.rule.pause_digit.contains(digit) {
            let paused = it.until.is_none();
            it.until = paused.then_some(cx.now + PAUSED_MAX);
            self.pause_tape(recorder, paused, cx);
        }
    }

    /// The leg of the recording that is waited for is over. What there is of it comes from the gate.
    pub(super) fn recording_leg_ended(&mut self, cx: &mut Context<'_>) {
        let Pending::Recording(it) = &mut self.core.pending else {
            return;
        };
        if it.recorder.is_none() {
            return self.done(Outcome::Recorded(Err(RecordingError::Gone)), cx);
        }
        it.cause.get_or_insert(Cause::LegGone);
        it.until = Some(cx.now + GATE_MAX);
    }

    /// The scenario's deadline is over: what there is comes from the gate.
    pub(super) fn recording_past_deadline(&mut self, cx: &mut Context<'_>) {
        let Pending::Recording(it) = &mut self.core.pending else {
            return;
        };
        let Some(recorder) = it.recorder else {
            let leg = it.leg;
            if let Some(leg) = self.leg(leg) {
                leg.stop_play(cx);
            }
            return self.done(op::Waiting::Record.past_deadline(), cx);
        };
        it.cause = Some(Cause::Deadline);
        it.until = Some(cx.now + GATE_MAX);
        self.end_tape(recorder, cx);
    }

    /// Time passed.
    pub(super) fn recording_timeout(&mut self, cx: &mut Context<'_>) {
        let silent = || {
            let words = "the media gate does not tell what became of the recording";
            Outcome::Recorded(Err(RecordingError::Media(words.into())))
        };
        match &mut self.core.pending {
            Pending::Recording(it) if it.until.is_some_and(|until| cx.now >= until) => {
                match (it.cause, it.recorder) {
                    (None, Some(recorder)) => {
                        it.cause = Some(Cause::PausedForLong);
                        it.until = Some(cx.now + GATE_MAX);
                        self.end_tape(recorder, cx);
                    }
                    _ => self.done(silent(), cx),
                }
            }
            Pending::Finishing { until, .. } if cx.now >= *until => self.done(silent(), cx),
            _ => (),
        }
    }

    /// The gate told the end of a recording.
    pub(super) fn handle_record_ended(&mut self, record: RecordId, ended: Ended, cx: &mut Context<'_>) {
        let Some(place) = self.tapes.iter().position(|tape| tape.record == record) else {
            return;
        };
        if let Some(tape) = self.tapes.get_mut(place) {
            tape.ended.get_or_insert(ended);
        }
        let recorder = RecorderId(place as u32);
        let (waited, cause) = match &self.core.pending {
            Pending::Recording(it) => (it.recorder == Some(recorder), it.cause),
            Pending::Finishing { recorder: of, .. } => (*of == recorder, None),
            _ => (false, None),
        };
        if waited {
            let outcome = self.recorded(recorder, cause);
            self.done(Outcome::Recorded(outcome), cx);
        }
    }

    /// What came of a recording that is over.
    fn recorded(&self, recorder: RecorderId, cause: Option<Cause>) -> Result<Recorded, RecordingError> {
        let gone = || RecordingError::Gone;
        let tape = self.tape(recorder).ok_or_else(gone)?;
        let ended = tape.ended.as_ref().ok_or_else(gone)?;
        let leg_over = self
            .legs
            .get(tape.leg.0 as usize)
            .is_none_or(crate::leg::Leg::is_over);
        let end = match (&ended.end, cause) {
            (bus::RecordEnd::Failed(words), _) if ended.bytes == 0 => {
                return Err(RecordingError::Storage(words.clone()));
            }
            (bus::RecordEnd::Failed(words), _) => RecordEnd::Storage(words.clone()),
            (bus::RecordEnd::Length, _) | (_, Some(Cause::PausedForLong | Cause::Deadline)) => {
                RecordEnd::Length
            }
            (bus::RecordEnd::Silence, _) => RecordEnd::Silence,
            (bus::RecordEnd::Finished, Some(Cause::Digit(_))) => RecordEnd::Digit,
            (bus::RecordEnd::Finished, Some(Cause::LegGone)) => RecordEnd::LegGone,
            (bus::RecordEnd::Finished, None) if leg_over => RecordEnd::LegGone,
            (bus::RecordEnd::Finished, None) => RecordEnd::Finished,
        };
        let digit = match (&end, cause) {
            (RecordEnd::Digit, Some(Cause::Digit(digit))) => digit.to_string(),
            _ => String::new(),
        };
        Ok(Recorded {
            recording: Recording {
                name: tape.rule.name.clone(),
                duration_ms: ended.duration_ms,
                bytes: ended.bytes,
            },
            end,
            digit,
        })
    }

    /// `recording.start`
    pub(crate) fn start_recorder(&mut self, id: LegId, side: Side, length_ms: u32, cx: &mut Context<'_>) {
        let outcome = self
            .recordable(id)
            .map(|()| self.begin_tape(id, side, length_ms, 0, cx));
        self.done(Outcome::Recorder(outcome), cx);
    }

    /// `recorder.pause` and `recorder.resume`
    pub(crate) fn pause_recorder(&mut self, recorder: RecorderId, paused: bool, cx: &mut Context<'_>) {
        let known = self.tape(recorder).is_some();
        self.pause_tape(recorder, paused, cx);
        let outcome = known.then_some(()).ok_or(RecordingError::Gone);
        self.done(Outcome::Recording(outcome), cx);
    }

    /// `recorder.finish`
    pub(crate) fn finish_recorder(&mut self, recorder: RecorderId, cx: &mut Context<'_>) {
        if self.tape(recorder).is_none_or(|tape| tape.ended.is_some()) {
            let outcome = self.recorded(recorder, None);
            return self.done(Outcome::Recorded(outcome), cx);
        }
        self.core.pending = Pending::Finishing {
            recorder,
            until: cx.now + GATE_MAX,
        };
        self.end_tape(recorder, cx);
    }

    /// The scenario dropped a recorder: its recording ends by itself.
    pub(crate) fn drop_recorder(&mut self, recorder: RecorderId, cx: &mut Context<'_>) {
        self.end_tape(recorder, cx);
        self.done(Outcome::Done, cx);
    }

    /// The gate told what exists: recordings go on, those that nobody wants end, and ends that were lost are asked for.
    pub(crate) fn reconcile_tapes(
        &self,
        existing: impl Fn(bus::EndpointId) -> Option<Existing>,
        cx: &mut Context<'_>,
    ) {
        for (place, tape) in self.tapes.iter().enumerate() {
            let Some(leg) = self.legs.get(tape.leg.0 as usize) else {
                continue;
            };
            let found = existing(leg.endpoint);
            let under_way = found
                .as_ref()
                .is_some_and(|it| it.record == Some(tape.record) && it.recording);
            let (endpoint, record) = (leg.endpoint, tape.record);
            let has_media = matches!(leg.media, Media::Open(_) | Media::Agreed(..));
            let waited_for = self.is_ended_by_us(RecorderId(place as u32));
            match (&tape.ended, under_way) {
                (Some(_), false) => (),
                (Some(_), true) => cx.media(Command::EndRecord { endpoint, record }),
                (None, true) if waited_for => cx.media(Command::EndRecord { endpoint, record }),
                (None, true) => cx.media(Command::PauseRecord {
                    endpoint,
                    record,
                    paused: tape.rule.paused,
                }),
                (None, false) if has_media => {
                    self.record_tape(RecorderId(place as u32), cx);
                    if waited_for {
                        cx.media(Command::EndRecord { endpoint, record });
                    }
                }
                (None, false) => (),
            }
        }
    }

    /// Whether the gate was told to end it.
    fn is_ended_by_us(&self, recorder: RecorderId) -> bool {
        match &self.core.pending {
            Pending::Recording(it) => it.recorder == Some(recorder) && it.cause.is_some(),
            Pending::Finishing { recorder: of, .. } => *of == recorder,
            _ => false,
        }
    }
}
