//! How soon a child that died is started again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// So many deaths within [`WINDOW`] are taken as accidents: the child is started again at once.
const DEATHS_FREE: usize = 5;
const WINDOW: Duration = Duration::from_secs(10);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A child that was up for so long did its work: what ended it was no fault of its start.
const WORKED: Duration = Duration::from_millis(250);

/// Remembers the recent deaths of one child.
#[derive(Debug, Default)]
pub struct Backoff {
    /// Since when the child is up.
    up: Option<Instant>,
    deaths: VecDeque<Instant>,
    pause: Duration,
}

impl Backoff {
    /// The child is up.
    pub fn handle_up(&mut self, now: Instant) {
        self.up = Some(now);
    }

    /// The child died: how long to wait. Not at all where it had worked. Else the pause doubles with each death while
    /// deaths are frequent, from 100 ms up to 5 s, and is gone once the child has lived for a while.
    pub fn handle_death(&mut self, now: Instant) -> Duration {
        let up = self.up.take().map(|since| now.saturating_duration_since(since));
        if up.is_some_and(|up| up >= WORKED) {
            self.deaths.clear();
            self.pause = Duration::ZERO;
            return Duration::ZERO;
        }
        // With pauses deaths cannot come within the window any more: what counts then is whether it lived.
        let lived = self
            .deaths
            .back()
            .map(|last| now.saturating_duration_since(*last));
        if lived.is_some_and(|lived| lived >= WINDOW) {
            self.deaths.clear();
            self.pause = Duration::ZERO;
        }
        self.deaths.push_back(now);
        if self.deaths.len() <= DEATHS_FREE {
            return Duration::ZERO;
        }
        self.deaths.pop_front();
        self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dies `lives_ms` after each start; the pauses in milliseconds.
    fn pauses(lives_ms: u64, deaths: usize) -> Vec<u128> {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        let die = |_| {
            now += Duration::from_millis(lives_ms);
            let pause = backoff.handle_death(now);
            now += pause;
            pause.as_millis()
        };
        (0..deaths).map(die).collect()
    }

    #[test]
    fn pauses_grow_when_a_child_keeps_dying() {
        assert_eq!(
            pauses(5, 13),
            [0, 0, 0, 0, 0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]
        );
    }

    #[test]
    fn a_child_that_had_worked_is_back_at_once_however_often_it_is_killed() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        for _ in 0..100 {
            backoff.handle_up(now);
            now += Duration::from_millis(300);
            assert_eq!(backoff.handle_death(now), Duration::ZERO);
        }
    }

    #[test]
    fn a_child_that_dies_now_and_then_is_back_at_once() {
        assert_eq!(pauses(11_000, 8), [0; 8]);
    }

    #[test]
    fn a_child_that_lived_is_forgiven() {
        let mut backoff = Backoff::default();
        let mut now = Instant::now();
        let mut last = Duration::ZERO;
        for _ in 0..20 {
            last = backoff.handle_death(now);
            now += last;
        }
        assert_eq!(last, PAUSE_MAX);
        now += Duration::from_secs(20);
        assert_eq!(backoff.handle_death(now), Duration::ZERO);
    }
}
