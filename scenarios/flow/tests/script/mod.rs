//! A phone that follows a script and writes down, line by line, what the engine does.

use std::collections::VecDeque;

use flow::Flow;
use flow::engine::{self, Broken, Limits};
use flow::model::{Cause, Failure, Prompt};
use flow::phone::{Ask, Fault, NotConnected, Phone, TalkEnd, Target};

/// What the caller does at a place where the engine waits for him or for a callee.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "not every test file needs each")]
pub enum Act {
    /// Presses these digits; none: lets the time run out.
    Press(&'static str),
    /// The call is taken, and then ends so.
    Talk(TalkEnd),
    /// Nobody takes the call.
    Fail(Failure),
    /// The caller hangs up.
    HangUp,
    /// The prompts cannot be played.
    NoSound,
    /// The host refuses.
    Refuse,
}

/// The script and the log.
#[derive(Default)]
pub struct Script {
    acts: VecDeque<Act>,
    log: Vec<String>,
    answered: bool,
}

/// Runs a flow by a script and gives its trace and its end.
pub fn run(flow: &Flow, acts: &[Act]) -> (Vec<String>, Result<(), Broken>) {
    assert_eq!(flow.problems(), [], "the flow of the test is sound");
    let mut script = Script {
        acts: acts.iter().cloned().collect(),
        ..Script::default()
    };
    let end = engine::run(flow, &mut script, "301", "100", Limits::default());
    assert!(
        script.acts.is_empty(),
        "not reached: {:?}\n{}",
        script.acts,
        script.log.join("\n")
    );
    (script.log, end)
}

/// As [`run`], for a flow that ends by itself.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn trace(flow: &Flow, acts: &[Act]) -> Vec<String> {
    let (log, end) = run(flow, acts);
    assert_eq!(end, Ok(()));
    log
}

/// A flow with these nodes, the first of them being the start.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn flow(nodes: serde_json::Value) -> Flow {
    let document = document(nodes);
    Flow::parse(&document).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The same as text.
#[allow(dead_code, reason = "not every test file needs it")]
pub fn document(nodes: serde_json::Value) -> String {
    let start = nodes[0]["id"].clone();
    serde_json::json!({"version": 1, "name": "test", "language": "en", "start": start, "nodes": nodes})
        .to_string()
}

impl Script {
    fn next(&mut self, wanted: &str) -> Act {
        self.acts
            .pop_front()
            .unwrap_or_else(|| panic!("the script ends at: {wanted}\n{}", self.log.join("\n")))
    }

    fn write(&mut self, line: String) {
        self.log.push(line);
    }
}

fn heard<'a>(prompts: impl IntoIterator<Item = &'a Prompt>) -> String {
    let texts: Vec<String> = prompts
        .into_iter()
        .map(|prompt| match prompt {
            Prompt::Say(text) => format!("{text:?}"),
            Prompt::Speech(speech) => format!("{:?} ({})", speech.text, speech.language),
            Prompt::File(name) => name.clone(),
            Prompt::SilenceMs(time_ms) => format!("{time_ms} ms of silence"),
            Prompt::Tone(tone) => format!("{} Hz", tone.hz),
        })
        .collect();
    texts.join(", ")
}

impl Phone for Script {
    fn step(&mut self, id: &str, name: &str) {
        self.write(format!("[{id}] {name}"));
    }

    fn warn(&mut self, text: &str) {
        self.write(format!("  warning: {text}"));
    }

    fn answer(&mut self) -> Result<(), Fault> {
        assert!(!std::mem::replace(&mut self.answered, true), "answered twice");
        self.write("  answer".into());
        Ok(())
    }

    fn play(&mut self, prompts: &[Prompt], language: &str) -> Result<(), Fault> {
        assert!(self.answered, "played before the answer");
        assert_eq!(language, "en");
        self.write(format!("  play {}", heard(prompts)));
        // Only what the script names goes wrong: a prompt needs no act of its own.
        match self.acts.front() {
            Some(Act::NoSound) => {
                self.acts.pop_front();
                Err(Fault::Media("no such file".into()))
            }
            Some(Act::HangUp) => {
                self.acts.pop_front();
                Err(Fault::Gone)
            }
            _ => Ok(()),
        }
    }

    fn collect(&mut self, ask: &Ask<'_>) -> Result<String, Fault> {
        assert!(self.answered, "asked before the answer");
        let wanted = format!("  ask {}", heard(ask.prompts.iter().copied()));
        self.write(wanted.trim_end().to_owned());
        match self.next(&wanted) {
            Act::Press(digits) => {
                self.write(if digits.is_empty() {
                    "  nothing".into()
                } else {
                    format!("  pressed {digits}")
                });
                Ok(digits.into())
            }
            Act::HangUp => Err(Fault::Gone),
            Act::NoSound => Err(Fault::Media("no speech".into())),
            Act::Refuse => Err(Fault::Broken("refused".into())),
            act => panic!("{act:?} at {wanted}"),
        }
    }

    fn connect(&mut self, target: Target<'_>, timeout_s: u32) -> Result<TalkEnd, NotConnected> {
        let wanted = match target {
            Target::User(name) => format!("  dial user {name} for {timeout_s} s"),
            Target::Number(number) => format!("  dial number {number} for {timeout_s} s"),
        };
        self.write(wanted.clone());
        match self.next(&wanted) {
            Act::Talk(end) => {
                self.answered = true;
                self.write(format!("  talk, ended by {end:?}"));
                Ok(end)
            }
            Act::Fail(failure) => {
                self.write(format!("  {}", failure.key()));
                Err(NotConnected::Failed(failure, None))
            }
            Act::HangUp => Err(NotConnected::CallerGone),
            act => panic!("{act:?} at {wanted}"),
        }
    }

    fn hang_up(&mut self, cause: Cause) -> Result<(), Fault> {
        self.write(format!("  hang up: {cause:?}"));
        Ok(())
    }
}
