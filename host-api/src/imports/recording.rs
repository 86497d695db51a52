//! `recording`: what is said on legs, kept.

use tandem_bindings::tandem::pbx::recording as wit;
use tandem_bindings::{LegHandle, RecorderHandle};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::misfit;
use crate::door::Door;
use crate::op::{Op, Outcome, RecordEnd, RecordRule, Recorded, RecorderId, RecordingError, Side};

type Answer<T> = Result<Result<T, wit::RecordingError>>;

impl Door {
    async fn recorded(&mut self, op: Op) -> Answer<wit::Recorded> {
        match self.ask(op).await? {
            Outcome::Recorded(done) => Ok(done.map(recorded).map_err(error)),
            other => misfit(&other),
        }
    }

    async fn on_recordings(&mut self, op: Op) -> Answer<()> {
        match self.ask(op).await? {
            Outcome::Recording(done) => Ok(done.map_err(error)),
            other => misfit(&other),
        }
    }

    async fn on_recorder(
        &mut self,
        handle: &Resource<RecorderHandle>,
        op: impl FnOnce(RecorderId) -> Op,
    ) -> Answer<()> {
        match self.recorder(handle) {
            Some(recorder) => self.on_recordings(op(recorder)).await,
            None => Ok(Err(wit::RecordingError::Gone)),
        }
    }
}

impl wit::Host for Door {
    async fn record(&mut self, handle: Resource<LegHandle>, rule: wit::RecordRule) -> Answer<wit::Recorded> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Err(wit::RecordingError::Gone));
        };
        let rule = RecordRule {
            beep: rule.beep,
            length_ms: rule.length_ms,
            silence_ms: rule.silence_ms,
            stop_digits: rule.stop_digits,
            pause_digit: rule.pause_digit,
        };
        self.recorded(Op::Record { leg, rule }).await
    }

    async fn start(
        &mut self,
        handle: Resource<LegHandle>,
        side: wit::Side,
        length_ms: u32,
    ) -> Answer<Resource<RecorderHandle>> {
        let Some(leg) = self.leg(&handle) else {
            return Ok(Err(wit::RecordingError::Gone));
        };
        let side = match side {
            wit::Side::Peer => Side::Peer,
            wit::Side::Both => Side::Both,
        };
        let op = Op::RecorderStart { leg, side, length_ms };
        match self.ask(op).await? {
            Outcome::Recorder(Ok(recorder)) => Ok(Ok(self.hold_recorder(recorder)?)),
            Outcome::Recorder(Err(why)) => Ok(Err(error(why))),
            other => misfit(&other),
        }
    }

    async fn delete(&mut self, name: String) -> Answer<()> {
        self.on_recordings(Op::RecordingDelete { name }).await
    }
}

impl wit::HostRecorder for Door {
    async fn pause(&mut self, handle: Resource<RecorderHandle>) -> Answer<()> {
        self.on_recorder(&handle, |recorder| Op::RecorderPause { recorder })
            .await
    }

    async fn resume(&mut self, handle: Resource<RecorderHandle>) -> Answer<()> {
        self.on_recorder(&handle, |recorder| Op::RecorderResume { recorder })
            .await
    }

    async fn finish(&mut self, handle: Resource<RecorderHandle>) -> Answer<wit::Recorded> {
        match self.recorder(&handle) {
            Some(recorder) => self.recorded(Op::RecorderFinish { recorder }).await,
            None => Ok(Err(wit::RecordingError::Gone)),
        }
    }

    async fn drop(&mut self, handle: Resource<RecorderHandle>) -> Result<()> {
        if let Some(recorder) = self.release_recorder(handle) {
            self.ask(Op::DropRecorder { recorder }).await?;
        }
        Ok(())
    }
}

fn recorded(recorded: Recorded) -> wit::Recorded {
    let Recorded {
        recording,
        end,
        digit,
    } = recorded;
    let end = match end {
        RecordEnd::Length => wit::RecordEnd::Length,
        RecordEnd::Silence => wit::RecordEnd::Silence,
        RecordEnd::Digit => wit::RecordEnd::Digit,
        RecordEnd::LegGone => wit::RecordEnd::LegGone,
        RecordEnd::Finished => wit::RecordEnd::Finished,
        RecordEnd::Storage(words) => wit::RecordEnd::Storage(words),
    };
    wit::Recorded {
        recording: wit::Recording {
            name: recording.name,
            duration_ms: recording.duration_ms,
            bytes: recording.bytes,
        },
        end,
        digit,
    }
}

fn error(error: RecordingError) -> wit::RecordingError {
    match error {
        RecordingError::Gone => wit::RecordingError::Gone,
        RecordingError::WrongState(words) => wit::RecordingError::WrongState(words),
        RecordingError::BadArgument(words) => wit::RecordingError::BadArgument(words),
        RecordingError::Media(words) => wit::RecordingError::Media(words),
        RecordingError::Storage(words) => wit::RecordingError::Storage(words),
        RecordingError::Limit(words) => wit::RecordingError::Limit(words),
    }
}
