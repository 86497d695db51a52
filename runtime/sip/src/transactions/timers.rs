//! Timers: what one transaction has set, and which transaction is due next.
//!
//! A machine owns [`Timers`], a handful of named deadlines. The table owns one [`Schedule`], a heap
//! that knows where each transaction stands in it, so that moving or cancelling a deadline costs a
//! few swaps and leaves nothing behind: fifty thousand transactions need fifty thousand small
//! entries, and a timeout touches only those that are due.

use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The timers of RFC 3261 table 4 and RFC 6026 that a transaction sets, by their RFC names.
///
/// A/E/G are one field each in the figures, and so they are here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Timer {
    /// INVITE request again (UDP).
    A,
    /// INVITE client gives up.
    B,
    /// INVITE client absorbs repeats of a final response (UDP).
    D,
    /// Other request again (UDP).
    E,
    /// Other client gives up.
    F,
    /// INVITE final response again (UDP).
    G,
    /// INVITE server waits for the ACK.
    H,
    /// INVITE server absorbs repeats of the ACK (UDP).
    I,
    /// Other server absorbs repeats of the request (UDP); keeps its response until that has left (TCP).
    J,
    /// Other client absorbs repeats of the final response (UDP).
    K,
    /// INVITE server absorbs repeats of the INVITE after a 2xx (RFC 6026).
    L,
    /// INVITE client passes on further 2xx (RFC 6026).
    M,
    /// 100 Trying is due (RFC 3261 §17.2.1: within 200 ms).
    Trying,
    /// A cancelled INVITE brought no final response (RFC 3261 §9.1: 64*T1).
    Cancel,
}

/// The base values of RFC 3261 §17.1.1.1, and what follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// Estimate of the round trip; default 500 ms.
    pub t1: Duration,
    /// Longest gap between repeats of non-INVITE requests and INVITE responses; default 4 s.
    pub t2: Duration,
    /// How long a message stays in the network; default 5 s.
    pub t4: Duration,
    /// How long the user of an INVITE server transaction may think before 100 is sent; default 200 ms.
    pub trying_after: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Times {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            trying_after: Duration::from_millis(200),
        }
    }
}

impl Times {
    /// 64*T1: timers B, F, H, J, L and M, and the wait after a CANCEL.
    pub fn give_up(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// Timer D on UDP: the server's T1 is unknown, so never less than 32 s (RFC 3261 §17.1.1.2).
    pub fn absorb_invite_response(&self) -> Duration {
        self.give_up().max(Duration::from_secs(32))
    }

    /// `gap` where a repeat may stand: what was written down may be of other times, or broken. A gap of zero would
    /// repeat without an end, and one of years could not be doubled.
    pub(super) fn repeat_gap(&self, gap: Duration) -> Duration {
        gap.min(self.give_up()).max(self.t1)
    }
}

/// As many timers as the figures ever have running in one state.
const RUNNING_MAX: usize = 3;

/// The timers that one transaction has set.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timers {
    running: [Option<(Timer, Moment)>; RUNNING_MAX],
}

impl Timers {
    /// Sets `timer` to `at`, in place of where it stood.
    pub fn set(&mut self, timer: Timer, at: Moment) {
        self.stop(timer);
        if let Some(free) = self.running.iter_mut().find(|slot| slot.is_none()) {
            *free = Some((timer, at));
        } else {
            debug_assert!(false, "no state runs more than {RUNNING_MAX} timers");
        }
    }

    /// Stops `timer` if it runs.
    pub fn stop(&mut self, timer: Timer) {
        for slot in &mut self.running {
            if slot.is_some_and(|(running, _)| running == timer) {
                *slot = None;
            }
        }
    }

    /// Stops all: a state was left.
    pub fn clear(&mut self) {
        self.running = [None; RUNNING_MAX];
    }

    /// Whether all of `needed` run, and besides them none but `optional`.
    pub fn are(&self, needed: &[Timer], optional: &[Timer]) -> bool {
        let running = || self.running.iter().flatten().map(|(timer, _)| timer);
        needed.iter().all(|timer| running().any(|runs| runs == timer))
            && running().all(|timer| needed.contains(timer) || optional.contains(timer))
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Moment> {
        self.running.iter().flatten().map(|&(_, at)| at).min()
    }

    /// Takes the earliest timer that is due.
    pub fn take_due(&mut self, now: Moment) -> Option<Timer> {
        let due = self.running.iter().flatten().filter(|&&(_, at)| at <= now);
        let (timer, _) = *due.min_by_key(|&&(_, at)| at)?;
        self.stop(timer);
        Some(timer)
    }
}

/// Not in the heap.
const ABSENT: u32 = u32::MAX;

/// Which slot is due next: a binary heap with one entry per slot and a way back from the slot to it.
#[derive(Debug, Default)]
pub struct Schedule {
    heap: Vec<(Moment, u32)>,
    place: Vec<u32>,
}

impl Schedule {
    /// Moves `slot` to `at`; `None` takes it out.
    pub fn set(&mut self, slot: u32, at: Option<Moment>) {
        let index = slot as usize;
        if self.place.len() <= index {
            self.place.resize(index + 1, ABSENT);
        }
        let place = self.place.get(index).copied().unwrap_or(ABSENT);
        match (place, at) {
            (ABSENT, None) => {}
            (ABSENT, Some(at)) => {
                self.heap.push((at, slot));
                self.rise(self.heap.len() - 1);
            }
            (place, Some(at)) => {
                let place = place as usize;
                if let Some(entry) = self.heap.get_mut(place) {
                    entry.0 = at;
                }
                let place = self.rise(place);
                self.sink(place);
            }
            (place, None) => self.remove(place as usize),
        }
    }

    /// The earliest deadline and whose it is.
    pub fn first(&self) -> Option<(Moment, u32)> {
        self.heap.first().copied()
    }

    /// How many slots have a deadline.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    fn remove(&mut self, place: usize) {
        let (_, slot) = self.heap.swap_remove(place);
        self.note(slot, ABSENT);
        if place < self.heap.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    fn note(&mut self, slot: u32, place: u32) {
        if let Some(noted) = self.place.get_mut(slot as usize) {
            *noted = place;
        }
    }

    /// Lets the entry at `place` rise to where its parent is not later. Equal times keep the order
    /// of their slots, so that two runs from one seed do the same.
    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap.get(parent) <= self.heap.get(place) {
                break;
            }
            self.swap(parent, place);
            place = parent;
        }
        if let Some(&(_, slot)) = self.heap.get(place) {
            self.note(slot, place as u32);
        }
        place
    }

    fn sink(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            let right = left + 1;
            if left >= self.heap.len() {
                break;
            }
            let child = if right < self.heap.len() && self.heap.get(right) < self.heap.get(left) {
                right
            } else {
                left
            };
            if self.heap.get(place) <= self.heap.get(child) {
                break;
            }
            self.swap(place, child);
            place = child;
        }
        if let Some(&(_, slot)) = self.heap.get(place) {
            self.note(slot, place as u32);
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        for place in [a, b] {
            if let Some(&(_, slot)) = self.heap.get(place) {
                self.note(slot, place as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn the_earliest_due_timer_is_taken_first_and_only_once() {
        let start = Moment::default();
        let mut timers = Timers::default();
        timers.set(Timer::F, start + Duration::from_secs(32));
        timers.set(Timer::E, start + Duration::from_millis(500));
        assert_eq!(timers.next(), Some(start + Duration::from_millis(500)));
        assert_eq!(timers.take_due(start), None);
        assert_eq!(timers.take_due(start + Duration::from_secs(40)), Some(Timer::E));
        assert_eq!(timers.take_due(start + Duration::from_secs(40)), Some(Timer::F));
        assert_eq!(timers.take_due(start + Duration::from_secs(40)), None);
    }

    /// The heap against a plain list, over random moves and cancels.
    #[test]
    fn the_schedule_agrees_with_a_sorted_list() {
        let seed = 7;
        let mut rng = StdRng::seed_from_u64(seed);
        let start = Moment::default();
        let mut schedule = Schedule::default();
        let mut plain: Vec<Option<Moment>> = vec![None; 300];
        for _ in 0..20_000 {
            let slot = rng.random_range(0..300_u32);
            let at = rng
                .random_bool(0.7)
                .then(|| start + Duration::from_millis(rng.random_range(0..5_000)));
            schedule.set(slot, at);
            plain[slot as usize] = at;
            let first = plain
                .iter()
                .zip(0..)
                .filter_map(|(at, slot)| at.map(|at| (at, slot)))
                .min();
            assert_eq!(schedule.first(), first, "seed {seed}");
        }
        assert_eq!(schedule.len(), plain.iter().flatten().count());
    }
}
