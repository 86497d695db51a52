//! One call's way through a ring of steps: each sounds its own tone and has its own key, which leads to the next.
//!
//! A digit that is lost leaves the call where it was; one that counts twice, or a call that was set back, is heard as
//! another tone than the one that is due.

use std::time::{Duration, Instant};

/// A tone that has not come by now will not come.
const STEP_WITHIN: Duration = Duration::from_secs(20);

/// The ring.
#[derive(Clone, Debug)]
pub struct Steps {
    /// What each step sounds: multiples of 50 Hz.
    pub tones_hz: Vec<u16>,
    /// What leads from each step to the next; all different.
    pub keys: Vec<char>,
    /// What is heard after a key that is not this step's.
    pub wrong_hz: u16,
}

impl Steps {
    /// Up to twelve steps with tones from 400 Hz, 50 Hz apart.
    pub fn ring(steps: usize) -> Self {
        let keys: Vec<char> = "1234567890*#".chars().take(steps).collect();
        Self {
            tones_hz: (0..keys.len() as u16).map(|n| 400 + 50 * n).collect(),
            keys,
            wrong_hz: 1_500,
        }
    }

    /// The flow (`docs/flows.md`) that is this ring.
    pub fn flow(&self) -> serde_json::Value {
        let tone = |hz: u16, ms: u32| serde_json::json!({ "tone": { "hz": hz, "duration_ms": ms } });
        let id = |n: usize| format!("step-{}", n % self.keys.len());
        let steps = self.tones_hz.iter().zip(&self.keys).enumerate();
        let nodes = steps.map(|(n, (hz, key))| {
            let menu = serde_json::json!({
                "prompts": [tone(*hz, 600_000)],
                "choices": { key.to_string(): id(n + 1) },
                "retries": 10,
                "invalid_prompts": [tone(self.wrong_hz, 500)],
                "default": "end"
            });
            serde_json::json!({ "id": id(n), "name": format!("Step {n}"), "do": { "menu": menu } })
        });
        let end = serde_json::json!({ "id": "end", "name": "Hang up", "do": { "hang_up": {} } });
        serde_json::json!({
            "version": 1, "name": "Ring", "language": "en", "start": id(0),
            "nodes": nodes.chain([end]).collect::<Vec<_>>(),
        })
    }
}

/// Where a call is.
pub struct Walk {
    steps: usize,
    at: Option<usize>,
    pressed: Option<Instant>,
    press_at: Option<Instant>,
    /// Steps reached, the first included.
    pub reached: u64,
    /// What was heard that was not due, in words.
    pub wrong: Vec<String>,
    /// From each key to the tone of the next step.
    pub waits: Vec<Duration>,
}

impl Walk {
    /// Through a ring of so many steps; the tone with that number is [`Steps::wrong_hz`].
    pub fn new(steps: usize) -> Self {
        Self {
            steps,
            at: None,
            pressed: None,
            press_at: None,
            reached: 0,
            wrong: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// A tone is heard. After `dwell` the key of the step that it shows to be reached is to be pressed; `None`: never.
    pub fn hear(&mut self, tone: usize, dwell: impl FnOnce() -> Option<Duration>, now: Instant) {
        let due = match (self.at, self.pressed) {
            (None, _) => 0,
            (Some(at), Some(_)) => (at + 1) % self.steps,
            (Some(at), None) => at,
        };
        if tone == self.steps {
            self.note(format!("the key of step {due} was refused"));
        } else if tone == due {
            if let Some(pressed) = self.pressed.take() {
                self.waits.push(now - pressed);
            } else if self.at.is_some() {
                return; // it goes on
            }
            self.at = Some(tone);
            self.reached += 1;
            self.press_at = dwell().map(|dwell| now + dwell);
        } else if self.pressed.is_none() || self.at != Some(tone) {
            // Before the next tone the old one is heard a little longer, which is as it should be.
            self.note(format!("step {tone} in place of {due}"));
            (self.at, self.pressed) = (Some(tone), None);
            self.press_at = dwell().map(|dwell| now + dwell);
        }
    }

    /// The step whose key is to be pressed now.
    pub fn poll_press(&mut self, now: Instant) -> Option<usize> {
        if let (Some(at), Some(pressed)) = (self.at, self.pressed) {
            if now - pressed > STEP_WITHIN {
                self.note(format!("the key of step {at} led nowhere"));
                (self.pressed, self.press_at) = (None, Some(now));
            }
            return None;
        }
        if self.press_at.is_none_or(|at| now < at) {
            return None;
        }
        (self.pressed, self.press_at) = (Some(now), None);
        self.at
    }

    /// A refusal is heard for a while: it is one.
    fn note(&mut self, what: String) {
        if self.wrong.last() != Some(&what) {
            self.wrong.push(what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DWELL: Duration = Duration::from_secs(1);

    fn hear(walk: &mut Walk, tone: usize, now: Instant) {
        walk.hear(tone, || Some(DWELL), now);
    }

    #[test]
    fn the_ring_is_walked_round() {
        let began = Instant::now();
        let mut walk = Walk::new(3);
        for n in 0..7_u32 {
            let now = began + 2 * DWELL * n;
            let at = n as usize % 3;
            hear(&mut walk, at, now);
            hear(&mut walk, at, now + DWELL / 2);
            assert_eq!(walk.poll_press(now + DWELL / 2), None);
            assert_eq!(walk.poll_press(now + DWELL), Some(at));
            assert_eq!(walk.poll_press(now + DWELL), None, "once");
            hear(&mut walk, at, now + DWELL * 3 / 2); // the old tone, a little longer
        }
        assert_eq!((walk.reached, walk.wrong.len()), (7, 0));
        assert_eq!(walk.waits, [DWELL; 6]);
    }

    #[test]
    fn lost_and_doubled_digits_and_steps_back_are_noted() {
        let began = Instant::now();
        let arrived = || {
            let mut walk = Walk::new(12);
            hear(&mut walk, 0, began);
            assert_eq!(walk.poll_press(began + DWELL), Some(0));
            walk
        };
        let mut lost = arrived();
        assert_eq!(lost.poll_press(began + DWELL + 2 * STEP_WITHIN), None);
        assert_eq!(lost.wrong, ["the key of step 0 led nowhere"]);

        let mut doubled = arrived();
        hear(&mut doubled, 1, began + DWELL);
        hear(&mut doubled, 12, began + DWELL);
        hear(&mut doubled, 12, began + DWELL);
        hear(&mut doubled, 1, began + DWELL);
        assert_eq!(doubled.wrong, ["the key of step 1 was refused"]);

        let mut back = arrived();
        hear(&mut back, 1, began + DWELL);
        hear(&mut back, 0, began + 2 * DWELL);
        assert_eq!(back.wrong, ["step 0 in place of 1"]);
    }

    #[test]
    fn the_flow_has_a_node_for_each_step() {
        let flow = Steps::ring(12).flow();
        let nodes = flow["nodes"].as_array().unwrap();
        assert_eq!(nodes.len(), 13);
        assert_eq!(nodes[11]["do"]["menu"]["choices"]["#"], "step-0");
        assert_eq!(nodes[11]["do"]["menu"]["prompts"][0]["tone"]["hz"], 950);
    }
}
