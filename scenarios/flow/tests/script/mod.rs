//! A phone that follows a script and writes down, line by line, what the engine does.

use std::collections::VecDeque;

use flow::Flow;
use flow::engine::{self, Broken, Limits};
use flow::model::{Cause, Failure, Prompt};
use flow::phone::{Ask, Fault, Group, Message, NotConnected, Now, Phone, Request, Spoken, TalkEnd, Target};

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
    /// The host refuses, or the phone that was to be transferred does.
    Refuse,
    /// The phone that was to be transferred calls.
    Goes,
    /// A message is taken.
    Leave,
    /// There is no such box.
    NoBox,
    /// The opening hours say so.
    Open(bool),
    /// The opening hours are not known.
    NoHours,
    /// The service answers with this body.
    Answer(&'static str),
    /// The service is of no help.
    NoAnswer,
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

fn heard(prompts: &[Spoken<'_>]) -> String {
    let texts: Vec<String> = prompts
        .iter()
        .map(|prompt| match prompt.as_ref() {
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

    fn ring(&mut self) {
        self.write("  ring".into());
    }

    fn play(&mut self, prompts: &[Spoken<'_>], language: &str) -> Result<(), Fault> {
        assert!(self.answered, "played before the answer");
        let tag = if language == "en" {
            String::new()
        } else {
            format!(" in {language}")
        };
        self.write(format!("  play {}{tag}", heard(prompts)));
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
        let wanted = format!("  ask {}", heard(&ask.prompts));
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
        self.called(match target {
            Target::User(name) => format!("  dial user {name} for {timeout_s} s"),
            Target::Number(number) => format!("  dial number {number} for {timeout_s} s"),
        })
    }

    fn hunt(&mut self, group: &Group<'_>) -> Result<TalkEnd, NotConnected> {
        let (users, how) = (group.users.join("+"), group.strategy);
        self.called(format!(
            "  hunt {users}, {how:?}, for {} s, as {}",
            group.timeout_s, group.key
        ))
    }

    fn transfer(&mut self, number: &str) -> Result<(), Fault> {
        assert!(self.answered, "transferred before the answer");
        let wanted = format!("  transfer to {number}");
        self.write(wanted.clone());
        match self.next(&wanted) {
            Act::Goes => Ok(()),
            Act::HangUp => Err(Fault::Gone),
            Act::Refuse => Err(Fault::Broken("603 Decline".into())),
            act => panic!("{act:?} at {wanted}"),
        }
    }

    fn take_message(&mut self, of: &str, greeting: &[Spoken<'_>], language: &str) -> Result<Message, Fault> {
        let wanted = format!("  message for {of:?} after [{}] in {language}", heard(greeting));
        self.write(wanted.clone());
        match self.next(&wanted) {
            Act::Leave => {
                self.answered = true;
                Ok(Message::Taken)
            }
            Act::NoBox => Ok(Message::NoBox),
            Act::HangUp => Err(Fault::Gone),
            act => panic!("{act:?} at {wanted}"),
        }
    }

    fn now(&mut self) -> Now {
        // A Sunday.
        Now {
            year: 2026,
            month: 11,
            day: 29,
            weekday: 7,
            hour: 9,
            minute: 5,
        }
    }

    fn is_open(&mut self, schedule: &str) -> Result<bool, String> {
        match self.next(schedule) {
            Act::Open(open) => Ok(open),
            Act::NoHours => Err("there are none".into()),
            act => panic!("{act:?} at {schedule}"),
        }
    }

    fn fetch(&mut self, request: &Request) -> Result<Vec<u8>, String> {
        let method = if request.post.is_some() { "POST" } else { "GET" };
        let wanted = format!("  {method} {} within {} s", request.url, request.timeout_s);
        self.write(wanted.clone());
        for header in &request.headers {
            let secret = header.secret.as_deref().map(|name| format!("<{name}>"));
            self.write(format!(
                "    {}: {}{}",
                header.name,
                header.value,
                secret.unwrap_or_default()
            ));
        }
        if let Some((content_type, body)) = &request.post {
            self.write(format!("    {content_type}: {body}"));
        }
        match self.next(&wanted) {
            Act::Answer(body) => Ok(body.into()),
            Act::NoAnswer => Err("time-out".into()),
            act => panic!("{act:?} at {wanted}"),
        }
    }

    fn hang_up(&mut self, cause: Cause) -> Result<(), Fault> {
        self.write(format!("  hang up: {cause:?}"));
        Ok(())
    }
}

impl Script {
    fn called(&mut self, wanted: String) -> Result<TalkEnd, NotConnected> {
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
}
