//! Recordings of what is said on legs: WAV files of the domain, which outlive the call.

use std::time::Duration;

use crate::Leg;
use crate::bindings::tandem::pbx::recording as raw;
pub use crate::bindings::tandem::pbx::recording::{RecordEnd, Recorded, Recording, RecordingError, Side};
use crate::clock::millis;

/// How a message is recorded. By default: after a beep, for 2 minutes at most, until 4 s of silence or `#`; no digit
/// pauses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Plays a tone first. It is not part of the recording.
    pub beep: bool,
    /// Ends when it is so long: 1 s to 20 min.
    pub length: Duration,
    /// Ends when the peer was silent for so long: 0.5 to 60 s; zero: never.
    pub silence: Duration,
    /// Digits out of `0-9*#A-D` that end it.
    pub stop_digits: String,
    /// A digit that pauses it, and pressed once more lets it go on.
    pub pause_digit: Option<char>,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            beep: true,
            length: Duration::from_secs(120),
            silence: Duration::from_secs(4),
            stop_digits: "#".into(),
            pause_digit: None,
        }
    }
}

/// Records what the peer says, until the rule ends it or the leg is over; what was recorded by then is kept.
///
/// [`RecordingError::Gone`]: the leg was over before anything was recorded.
pub fn record(leg: &Leg, rule: &Record) -> Result<Recorded, RecordingError> {
    let rule = raw::RecordRule {
        beep: rule.beep,
        length_ms: millis(rule.length),
        silence_ms: millis(rule.silence),
        stop_digits: rule.stop_digits.clone(),
        pause_digit: rule.pause_digit.map(String::from).unwrap_or_default(),
    };
    raw::record(leg.raw(), &rule)
}

/// A recording in the background. Dropping it ends the recording, which stays.
#[derive(Debug)]
pub struct Recorder(raw::Recorder);

/// Records in the background, until so long (1 s to 4 h), [`Recorder::finish`] or the leg's end: go on, with a bridge for
/// example.
pub fn start(leg: &Leg, side: Side, length: Duration) -> Result<Recorder, RecordingError> {
    raw::start(leg.raw(), side, millis(length)).map(Recorder)
}

impl Recorder {
    /// Nothing is recorded until [`Self::resume`].
    pub fn pause(&self) -> Result<(), RecordingError> {
        self.0.pause()
    }

    /// Goes on after [`Self::pause`].
    pub fn resume(&self) -> Result<(), RecordingError> {
        self.0.resume()
    }

    /// Ends the recording, where it has not ended by itself, and gives it.
    pub fn finish(&self) -> Result<Recorded, RecordingError> {
        self.0.finish()
    }
}

/// Deletes a recording of the domain, by its name. There is none: nothing happens.
pub fn delete(name: &str) -> Result<(), RecordingError> {
    raw::delete(name)
}

/// For `?` in a scenario: the text of its error.
impl From<RecordingError> for String {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Gone => "recording: the peer hung up".into(),
            RecordingError::WrongState(why) => format!("recording: wrong state: {why}"),
            RecordingError::BadArgument(why) => format!("recording: bad argument: {why}"),
            RecordingError::Media(why) => format!("recording: media: {why}"),
            RecordingError::Storage(why) => format!("recording: storage: {why}"),
            RecordingError::Limit(why) => format!("recording: limit: {why}"),
        }
    }
}
