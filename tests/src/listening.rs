//! What phones heard of each other, and of the greeting.

use crate::phones::tone_hz;
use std::time::Duration;
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS};
use tandem_kit::tone::{self, Span};
use tandem_kit::wait;
use tandem_kit::wav::Wav;
use tandem_kit::{Failure, Result};

/// What is not louder than this is silence: the noise of G.711 lies 20 dB below, speech 20 dB above.
pub const SILENCE_DBFS: f64 = -50.0;
/// The longest gap in a conversation that a listener does not notice.
pub const GAP_MOST: Duration = Duration::from_millis(40);

/// Pauses between sentences, which belong to the speech.
const SENTENCE_PAUSE: Duration = Duration::from_millis(900);

/// Waits until the phone has heard speech followed by this much silence; gives the stretch of speech.
///
/// # Errors
/// When there was no speech, or it did not end, within `within`.
pub fn speech_then_silence(phone: &Baresip, silence: Duration, within: Duration) -> Result<Span> {
    wait::until(within, "speech followed by silence", || {
        let heard = phone.received().ok()?;
        let spans = tone::sounding(&heard, SILENCE_DBFS, SENTENCE_PAUSE);
        let (first, last) = (spans.first()?, spans.last()?);
        (heard.length() >= last.to + silence).then_some(Span {
            from: first.from,
            to: last.to,
        })
    })
}

/// Asserts that `heard` holds the tone of `talker`, from some moment after `since`, for `length` without a gap over
/// 40 ms. Gives the moment.
///
/// # Errors
/// When it does not; the text says what was heard instead.
pub fn talked_without_gap(heard: &Wav, since: Duration, talker: &str, length: Duration) -> Result<Duration> {
    let hz = tone_hz(talker);
    let after = heard.slice(since, heard.length());
    let Some(onset) = tone::onset(&after, hz, TONE_LEAST_DBFS) else {
        let what = tone::dominant(&after);
        return Err(Failure::new(format!(
            "{talker}'s {hz} Hz was not heard in {:?}, but {what:?}",
            after.length()
        )));
    };
    let within = Span {
        from: onset,
        to: onset + length,
    };
    let gaps = tone::gaps(&after, hz, TONE_LEAST_DBFS, within);
    if let Some(longest) = gaps.first().filter(|gap| gap.length() > GAP_MOST) {
        return Err(Failure::new(format!(
            "{talker} was not heard for {:?}: {longest:?} of {within:?}",
            longest.length()
        )));
    }
    let middle = after.slice(onset + length / 4, onset + length / 4 + Duration::from_secs(1));
    match tone::dominant(&middle) {
        Some((found, _)) if (found - hz).abs() < 2.0 => Ok(since + onset),
        other => Err(Failure::new(format!(
            "{talker}'s tone of {hz} Hz was heard as {other:?}"
        ))),
    }
}

/// Asserts that no packet was lost on the way to this phone: the recording holds as much audio as the phone sent in
/// the same time, but for `start_most`, by which sending may begin before hearing. (A lost packet leaves no hole in
/// baresip's recording, it shortens it.) To be asked after a call of more than 5 s.
///
/// # Errors
/// When more is missing, or baresip counted lost packets.
pub fn nothing_lost(phone: &Baresip, start_most: Duration) -> Result<()> {
    let missing = phone.sent()?.length().saturating_sub(phone.received()?.length());
    let report = phone.media_report()?;
    if missing > start_most || report.lost_received > 0 {
        return Err(Failure::new(format!(
            "{missing:?} of audio are missing; {report:?}"
        )));
    }
    Ok(())
}
