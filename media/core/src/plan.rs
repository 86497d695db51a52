//! National tones as data: what dial tone, ringback, busy and the rest sound like in each country (ITU-T E.180, its
//! supplement of national tones, and E.182).

use crate::tone::{Cadence, Segment};

/// A tone by its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Dial tone.
    Dial,
    /// The other side rings.
    Ringback,
    /// The other side is busy.
    Busy,
    /// No way there.
    Congestion,
    /// Three rising tones before an announcement.
    SpecialInformation,
}

/// One country's tones. A segment is (Hz, Hz, ms), 0 standing for none.
#[derive(Debug)]
struct Plan {
    name: &'static str,
    dial: &'static [(u16, u16, u32)],
    ringback: &'static [(u16, u16, u32)],
    busy: &'static [(u16, u16, u32)],
    congestion: &'static [(u16, u16, u32)],
}

/// Longer than any call; a cadence of one such segment has no pause.
const STEADY: u32 = u32::MAX;

/// E.180 §10: 950, 1,400 and 1,800 Hz, 330 ms each, then one second's pause.
const SPECIAL_INFORMATION: &[(u16, u16, u32)] =
    &[(950, 0, 330), (1_400, 0, 330), (1_800, 0, 330), (0, 0, 1_000)];

const PLANS: &[Plan] = &[
    // 425 Hz as E.180 recommends and most of Europe has it.
    Plan {
        name: "eu",
        dial: &[(425, 0, STEADY)],
        ringback: &[(425, 0, 1_000), (0, 0, 4_000)],
        busy: &[(425, 0, 500), (0, 0, 500)],
        congestion: &[(425, 0, 250), (0, 0, 250)],
    },
    Plan {
        name: "ru",
        dial: &[(425, 0, STEADY)],
        ringback: &[(425, 0, 1_000), (0, 0, 4_000)],
        busy: &[(425, 0, 350), (0, 0, 350)],
        congestion: &[(425, 0, 175), (0, 0, 175)],
    },
    Plan {
        name: "us",
        dial: &[(350, 440, STEADY)],
        ringback: &[(440, 480, 2_000), (0, 0, 4_000)],
        busy: &[(480, 620, 500), (0, 0, 500)],
        congestion: &[(480, 620, 250), (0, 0, 250)],
    },
    Plan {
        name: "uk",
        dial: &[(350, 440, STEADY)],
        ringback: &[(400, 450, 400), (0, 0, 200), (400, 450, 400), (0, 0, 2_000)],
        busy: &[(400, 0, 375), (0, 0, 375)],
        congestion: &[(400, 0, 400), (0, 0, 350), (400, 0, 225), (0, 0, 525)],
    },
    Plan {
        name: "de",
        dial: &[(425, 0, STEADY)],
        ringback: &[(425, 0, 1_000), (0, 0, 4_000)],
        busy: &[(425, 0, 480), (0, 0, 480)],
        congestion: &[(425, 0, 240), (0, 0, 240)],
    },
    Plan {
        name: "fr",
        dial: &[(440, 0, STEADY)],
        ringback: &[(440, 0, 1_500), (0, 0, 3_500)],
        busy: &[(440, 0, 500), (0, 0, 500)],
        congestion: &[(440, 0, 250), (0, 0, 250)],
    },
];

/// A country's tones, found by [`NationalPlan::named`].
#[derive(Debug, Clone, Copy)]
pub struct NationalPlan(&'static Plan);

impl NationalPlan {
    /// `eu`, `ru`, `us`, `uk`, `de` or `fr`; `None` for a name that has no plan.
    pub fn named(name: &str) -> Option<NationalPlan> {
        PLANS
            .iter()
            .find(|plan| plan.name.eq_ignore_ascii_case(name))
            .map(NationalPlan)
    }

    /// Every name that [`Self::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PLANS.iter().map(|plan| plan.name)
    }

    /// The cadence of a tone.
    pub fn cadence(self, tone: Tone) -> Cadence {
        let segments = match tone {
            Tone::Dial => self.0.dial,
            Tone::Ringback => self.0.ringback,
            Tone::Busy => self.0.busy,
            Tone::Congestion => self.0.congestion,
            Tone::SpecialInformation => SPECIAL_INFORMATION,
        };
        let segment = |&(first, second, duration_ms): &(u16, u16, u32)| Segment {
            frequencies_hz: [f32::from(first), f32::from(second), 0.0, 0.0],
            duration_ms,
        };
        Cadence {
            segments: segments.iter().map(segment).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_has_every_tone() {
        assert_eq!(
            NationalPlan::names().collect::<Vec<_>>(),
            ["eu", "ru", "us", "uk", "de", "fr"]
        );
        for name in NationalPlan::names() {
            let plan = NationalPlan::named(name).unwrap();
            for tone in [
                Tone::Dial,
                Tone::Ringback,
                Tone::Busy,
                Tone::Congestion,
                Tone::SpecialInformation,
            ] {
                let cadence = plan.cadence(tone);
                assert!(
                    cadence.segments.iter().any(|s| s.frequencies_hz[0] > 0.0),
                    "{name} {tone:?}"
                );
                assert!(
                    cadence.segments.iter().all(|s| s.duration_ms > 0),
                    "{name} {tone:?}"
                );
            }
        }
        assert!(NationalPlan::named("RU").is_some());
        assert!(NationalPlan::named("atlantis").is_none());
    }
}
