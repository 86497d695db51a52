//! When sound came and when none did, seen at baresip phones while they are in a call.
//!
//! A phone's recordings grow with each packet that it sends and hears; a thread looks at their lengths every few
//! milliseconds. The recording itself cannot tell of a pause: what did not come leaves no hole in it.
//!
//! On a busy machine a phone may be held up for longer than any gap that is looked for. So time is not taken from the
//! clock alone: a gap lasts only as long as every watched phone went on talking. A listener or a talker that stands
//! still says nothing meanwhile, and makes no gap. What else the machine may have held up, the server for example, is
//! told by the watching thread, which only ever sleeps and looks: [`Timeline::held_up`].

use crate::baresip::Baresip;
use crate::failure::{Doing, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(4);
/// Sound in one packet, which is no gap.
const PACKET: Duration = Duration::from_millis(20);
/// Before the samples of a recording; 8,000 samples of two bytes a second.
const WAV_HEADER: u64 = 44;
const BYTES_PER_MS: u64 = 16;

/// Lengths of a phone's recordings at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Lengths {
    sent: Duration,
    heard: Duration,
}

#[derive(Clone, Debug)]
struct Look {
    at: Instant,
    phones: Vec<Lengths>,
}

/// What the watching thread brings home.
#[derive(Default)]
struct Seen {
    looks: Vec<Look>,
    /// When a look came later than it was meant to, and by how much.
    late: Vec<(Instant, Duration)>,
}

/// Phones under watch.
pub struct Watch {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Seen>>,
}

/// What was seen. Phones are numbered as they were given to [`Watch::start`].
pub struct Timeline {
    looks: Vec<Look>,
    late: Vec<(Instant, Duration)>,
}

impl Watch {
    /// Begins to watch phones that are in a call: their newest recordings.
    ///
    /// # Errors
    /// When one of them records nothing yet.
    pub fn start(phones: &[&Baresip]) -> Result<Self> {
        let paths = phones.iter().map(|phone| {
            let paths = || Some((phone.sent_wav().ok()?, phone.received_wav().ok()?));
            crate::wait::until(Duration::from_secs(20), "a phone's recordings", paths)
        });
        let paths: Vec<(PathBuf, PathBuf)> = paths.collect::<Result<_>>()?;
        let stop = Arc::new(AtomicBool::new(false));
        let stop_there = Arc::clone(&stop);
        let thread = std::thread::spawn(move || look(&paths, &stop_there));
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }

    /// Ends it.
    ///
    /// # Errors
    /// When the thread panicked.
    pub fn finish(mut self) -> Result<Timeline> {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().doing("looking for the watching thread")?;
        let Seen { looks, late } = thread.join().ok().doing("ending the watching thread")?;
        Ok(Timeline { looks, late })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn look(paths: &[(PathBuf, PathBuf)], stop: &AtomicBool) -> Seen {
    let Seen { mut looks, mut late } = Seen::default();
    let mut slept = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let lengths = paths.iter().map(|(sent, heard)| Lengths {
            sent: length(sent),
            heard: length(heard),
        });
        let phones: Vec<Lengths> = lengths.collect();
        // What has not changed needs no line; the last look is always there.
        let same = |looks: &[Look]| looks.iter().rev().take(2).all(|look| look.phones == phones);
        if looks.len() >= 2 && same(&looks) {
            looks.pop();
        }
        let at = Instant::now();
        looks.push(Look { at, phones });
        late.push((at, (at - slept).saturating_sub(LOOK_EVERY)));
        slept = at;
        std::thread::sleep(LOOK_EVERY);
    }
    Seen { looks, late }
}

fn length(path: &Path) -> Duration {
    let bytes = std::fs::metadata(path).map(|file| file.len()).unwrap_or_default();
    Duration::from_millis(bytes.saturating_sub(WAV_HEADER) / BYTES_PER_MS)
}

impl Timeline {
    /// The longest time between `from` and `to` in which phone number `listener` heard nothing although all phones went
    /// on talking; also one that lasted until `to`.
    pub fn longest_gap(&self, listener: usize, from: Instant, to: Instant) -> Duration {
        let mut looks = self.looks.iter().filter(|look| look.at >= from && look.at <= to);
        let Some(mut began) = looks.next() else {
            return Duration::ZERO;
        };
        let (mut longest, mut before) = (Duration::ZERO, began);
        for look in looks {
            if heard(began, listener) != heard(look, listener) {
                // What was said in the same moment as it was heard again may be made up for after a sleep.
                longest = longest.max(silent_for(began, before, look.at));
                began = look;
            }
            before = look;
        }
        longest.max(silent_for(began, before, before.at))
    }

    /// The longest time between `from` and `to` by which a thread that wanted to run had to wait for a processor: so much
    /// longer may have been whatever was measured by the clock.
    pub fn held_up(&self, from: Instant, to: Instant) -> Duration {
        let late = self.late.iter().filter(|(at, _)| *at >= from && *at <= to);
        late.map(|(_, late)| *late).max().unwrap_or_default()
    }

    /// How much less `listener` heard between `from` and `to` than `talker` said.
    pub fn lost(&self, talker: usize, listener: usize, from: Instant, to: Instant) -> Duration {
        let (Some(first), Some(last)) = (self.look_at(from), self.look_at(to)) else {
            return Duration::ZERO;
        };
        let said = |look: &Look| look.phones.get(talker).map_or(Duration::ZERO, |phone| phone.sent);
        let said = said(last).saturating_sub(said(first));
        said.saturating_sub(heard(last, listener).saturating_sub(heard(first, listener)))
    }

    /// How long after `since` the listener had heard `sound` more; `None`: it never did.
    pub fn heard_after(&self, listener: usize, since: Instant, sound: Duration) -> Option<Duration> {
        let before = heard(self.look_at(since)?, listener);
        let mut later = self.looks.iter().filter(|look| look.at > since);
        let look = later.find(|look| heard(look, listener) >= before + sound)?;
        Some(look.at - since)
    }

    /// How far the listener's recording had got at this moment.
    pub fn recorded(&self, listener: usize, at: Instant) -> Duration {
        self.look_at(at)
            .map_or(Duration::ZERO, |look| heard(look, listener))
    }

    fn look_at(&self, at: Instant) -> Option<&Look> {
        let before = self.looks.iter().take_while(|look| look.at <= at);
        before.last().or(self.looks.first())
    }
}

fn heard(look: &Look, listener: usize) -> Duration {
    look.phones
        .get(listener)
        .map_or(Duration::ZERO, |phone| phone.heard)
}

/// What the clock and each phone's talking, up to `last`, agree on.
fn silent_for(began: &Look, last: &Look, ended: Instant) -> Duration {
    let talked = began.phones.iter().zip(&last.phones);
    let talked = talked.map(|(before, now)| now.sent.saturating_sub(before.sent));
    let waited = (ended - began.at).saturating_sub(PACKET);
    talked.chain([waited]).min().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::folder::Folder;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Two phones that send and hear every 20 ms, but for what `change` does to the lengths at a time.
    fn timeline(began: Instant, change: impl Fn(u64, &mut [Lengths; 2])) -> Timeline {
        let look = |at_ms: u64| {
            let length = ms(at_ms / 20 * 20);
            let mut phones = [Lengths {
                sent: length,
                heard: length,
            }; 2];
            change(at_ms, &mut phones);
            Look {
                at: began + ms(at_ms),
                phones: phones.to_vec(),
            }
        };
        Timeline {
            looks: (0..4_000).step_by(4).map(look).collect(),
            late: (0..4_000)
                .step_by(4)
                .map(|at| (began + ms(at), ms(at / 1_000)))
                .collect(),
        }
    }

    /// Phone 1 hears nothing from 1,000 ms on, for so long.
    fn gap(began: Instant, length: u64) -> Timeline {
        timeline(began, move |at, phones| {
            phones[1].heard -= ms(at.saturating_sub(1_000).min(length) / 20 * 20);
        })
    }

    #[test]
    fn gaps_are_measured_in_packets() {
        let began = Instant::now();
        for length in [0, 20, 40, 60, 200, 1_000] {
            let seen = gap(began, length);
            let (from, to) = (began + ms(500), began + ms(3_500));
            assert_eq!(seen.longest_gap(1, from, to), ms(length), "{length} ms");
            assert_eq!(seen.longest_gap(0, from, to), ms(0));
            assert_eq!(seen.lost(0, 1, from, to), ms(length));
        }
        let seen = gap(began, 1_000);
        assert_eq!(seen.held_up(began, began + ms(2_500)), ms(2));
        let after = seen.heard_after(1, began + ms(1_200), ms(100)).unwrap();
        assert!((ms(880)..ms(910)).contains(&after), "{after:?}");
        assert_eq!(seen.recorded(1, began + ms(1_500)), ms(1_000));
    }

    #[test]
    fn a_phone_that_stands_still_makes_no_gap() {
        let began = Instant::now();
        // Phone 1 as a whole sleeps for 500 ms, then catches up.
        let asleep = timeline(began, |at, phones| {
            if (1_000..1_500).contains(&at) {
                phones[1] = Lengths {
                    sent: ms(1_000),
                    heard: ms(1_000),
                };
            }
        });
        let (from, to) = (began, began + ms(3_900));
        assert!(asleep.longest_gap(1, from, to) <= ms(20));
        // Phone 0 says nothing for 500 ms, and so phone 1 hears nothing.
        let silent = timeline(began, |at, phones| {
            let late = ms(at.saturating_sub(1_000).min(500) / 20 * 20);
            phones[0].sent -= late;
            phones[1].heard -= late;
        });
        assert!(silent.longest_gap(1, from, to) <= ms(20));
        assert_eq!(silent.lost(0, 1, from, to), ms(0));
    }

    #[test]
    fn a_gap_that_does_not_end_counts() {
        let began = Instant::now();
        let seen = gap(began, 10_000);
        assert!(seen.longest_gap(1, began, began + ms(3_000)) >= ms(1_900));
        assert!(seen.heard_after(1, began + ms(1_500), ms(20)).is_none());
    }

    #[test]
    fn lengths_are_those_of_the_samples() {
        let folder = Folder::new("watch").unwrap();
        let path = folder.path().join("tone.wav");
        crate::wav::Wav::sine(8_000, 440.0, -6.0, ms(250))
            .write(&path)
            .unwrap();
        assert_eq!(length(&path), ms(250));
        assert_eq!(length(Path::new("/no/such/file")), ms(0));
    }
}
