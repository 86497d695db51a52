//! What phones heard of each other, and of the greeting.

use crate::phones::{SOON, tone_hz};
use std::time::{Duration, Instant};
use tandem_kit::baresip::{Baresip, TONE_LEAST_DBFS};
use tandem_kit::tone::{self, Span};
use tandem_kit::wait;
use tandem_kit::watch::Watch;
use tandem_kit::wav::Wav;
use tandem_kit::{Failure, Result};

/// What is not louder than this is silence: the noise of G.711 lies 20 dB below, speech 20 dB above.
pub const SILENCE_DBFS: f64 = -50.0;
/// The longest gap in a conversation that a listener does not notice.
pub const GAP_MOST: Duration = Duration::from_millis(40);

/// Pauses between sentences, which belong to the speech.
const SENTENCE_PAUSE: Duration = Duration::from_millis(900);
/// Until people have talked without a gap although their phones may have been held up.
const TALK_WITHIN: Duration = Duration::from_mins(1);
const HALF_SECOND: Duration = Duration::from_millis(500);
/// Ten packets, which a phone's jitter buffer may come to hold.
const UNHEARD_MOST: Duration = Duration::from_millis(200);

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

/// Waits until the phone has heard the tone of `talker`, somewhere behind `since` in its recording, for `length`
/// without a gap over 40 ms. What was under way may still have to end: ringing, waiting. A phone that a busy machine
/// holds up is heard with a hole, which is no fault of the server's: then they talk on, and are heard behind it.
///
/// # Errors
/// When it does not within a minute; the text says what was heard instead.
pub fn hears_talk(phone: &Baresip, since: Duration, talker: &str, length: Duration) -> Result<()> {
    let mut start = since;
    wait::until(TALK_WITHIN, &format!("{talker}'s tone for {length:?}"), || {
        let heard = phone.received().ok()?;
        while start + length <= heard.length() {
            if talked_without_gap(&heard, start, talker, length).is_ok() {
                return Some(());
            }
            start += HALF_SECOND;
        }
        None
    })
    .or_else(|_| talked_without_gap(&phone.received()?, since, talker, length))
}

/// Asserts that `heard` holds the tone of `talker`, from some moment after `since`, for `length` without a gap over
/// 40 ms.
fn talked_without_gap(heard: &Wav, since: Duration, talker: &str, length: Duration) -> Result<()> {
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
        Some((found, _)) if (found - hz).abs() < 2.0 => Ok(()),
        other => Err(Failure::new(format!(
            "{talker}'s tone of {hz} Hz was heard as {other:?}"
        ))),
    }
}

/// 301 and 302 talk: they are watched from the moment on at which each hears the other.
pub struct Talk {
    watch: Watch,
    began: Instant,
    /// How long their recordings were then.
    since: [Duration; 2],
}

impl Talk {
    /// 301 has the phone `a`, 302 the phone `b`.
    ///
    /// # Errors
    /// When one does not hear the other within 10 s.
    pub fn begin(a: &Baresip, b: &Baresip) -> Result<Self> {
        let hears = |phone: &Baresip, talker: &str| {
            wait::until(SOON, &format!("{talker}'s tone"), || {
                let heard = phone.received().ok()?;
                let last = heard.slice(heard.length().saturating_sub(HALF_SECOND), heard.length());
                tone::onset(&last, tone_hz(talker), TONE_LEAST_DBFS)?;
                Some(heard.length())
            })
        };
        Ok(Self {
            since: [hears(a, "302")?, hears(b, "301")?],
            began: Instant::now(),
            watch: Watch::start(&[a, b])?,
        })
    }

    /// They talk on until each has heard the other for `length`: see [`hears_talk`]. Asserts that nothing of what was
    /// said since the beginning was lost on the way. (A lost packet leaves no hole in baresip's recording, it shortens
    /// it.)
    ///
    /// # Errors
    /// When that is not so.
    pub fn goes_on(self, a: &Baresip, b: &Baresip, length: Duration) -> Result<()> {
        let [of_a, of_b] = self.since;
        hears_talk(a, of_a, "302", length)?;
        hears_talk(b, of_b, "301", length)?;
        let seen = self.watch.finish()?;
        let watched = self.began.elapsed();
        for (who, talker, listener) in [("301", 1, 0), ("302", 0, 1)] {
            // Whoever was held up makes up for it, what was lost does not come: the least of the last three seconds.
            let looks = (0..30).map(|n| self.began + watched.saturating_sub(Duration::from_millis(100) * n));
            let lost = looks.map(|at| seen.lost(talker, listener, self.began, at)).min();
            if let Some(lost) = lost.filter(|lost| *lost > UNHEARD_MOST) {
                return Err(Failure::new(format!("{who} heard {lost:?} less than was said")));
            }
        }
        Ok(())
    }
}

/// Asserts that the phone found no packet missing by its number. To be asked after a call of more than 5 s.
///
/// # Errors
/// When it counted some, or tells nothing.
pub fn no_packet_missed(phone: &Baresip) -> Result<()> {
    let report = wait::until(SOON, "the phone's report", || phone.media_report().ok())?;
    if report.lost_received > 0 {
        return Err(Failure::new(format!("packets are missing: {report:?}")));
    }
    Ok(())
}
