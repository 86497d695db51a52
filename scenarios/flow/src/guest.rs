//! The engine's phone is the host.

use std::time::Duration;

use hunt::Plan;
use hunt::host::Found;
use mailbox::talk::Over;
use tandem_sdk::http::{Method, Request as Http};
use tandem_sdk::{BridgeEnd, Dial, DialFailure, Leg, LegError, TransferTarget};

use crate::model::{Cause, Failure, Flow, Prompt};
use crate::phone::{Ask, Fault, Group, Message, NotConnected, Now, Phone, Request, Spoken, TalkEnd, Target};
use crate::{Problem, engine};

/// How long a phone may take to tell what became of a transfer.
const TRANSFER: Duration = Duration::from_mins(1);

tandem_sdk::scenario!(handle);

/// One call. An error is a flow that cannot be run, or that was broken off.
fn handle(caller: Leg) -> Result<(), String> {
    let flow = Flow::parse(&tandem_sdk::config::document()).map_err(|problems| said(&problems))?;
    let (from, dialled) = (caller.peer().user, caller.local().user);
    engine::run(
        &flow,
        &mut Host { caller },
        &from,
        &dialled,
        engine::Limits::default(),
    )
    .map_err(|broken| broken.to_string())
}

/// All problems in one text.
fn said(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

struct Host {
    caller: Leg,
}

impl Phone for Host {
    fn step(&mut self, id: &str, name: &str) {
        tandem_sdk::trace::step(id, name);
    }

    fn warn(&mut self, text: &str) {
        tandem_sdk::log::warn(text);
    }

    fn answer(&mut self) -> Result<(), Fault> {
        // Without an answer there is no call: no reason to go on, unlike a prompt that is missing.
        self.caller.answer().map_err(|error| match error {
            LegError::Gone => Fault::Gone,
            other => Fault::Broken(other.into()),
        })
    }

    fn ring(&mut self) {
        // Who is gone will be noticed by what comes next.
        let _ = self.caller.ring();
    }

    fn play(&mut self, prompts: &[Spoken<'_>], language: &str) -> Result<(), Fault> {
        self.caller
            .play(&sounds(prompts, language))
            .map(drop)
            .map_err(fault)
    }

    fn collect(&mut self, ask: &Ask<'_>) -> Result<String, Fault> {
        let collected = self.caller.collect(&tandem_sdk::Collect {
            prompts: sounds(&ask.prompts, ask.language),
            barge_in: true,
            min: ask.min,
            max: ask.max,
            terminators: ask.terminators.to_owned(),
            first_digit_timeout: Duration::from_millis(ask.timeout_ms.into()),
            inter_digit_timeout: Duration::from_millis(ask.digit_timeout_ms.into()),
        });
        collected.map(|collected| collected.digits).map_err(fault)
    }

    fn connect(&mut self, target: Target<'_>, timeout_s: u32) -> Result<TalkEnd, NotConnected> {
        let target = match target {
            Target::User(name) => tandem_sdk::Target::user(name),
            Target::Number(number) => tandem_sdk::Target::number(number),
        };
        let how = Dial {
            timeout: Duration::from_secs(timeout_s.into()),
            ..Dial::default()
        };
        let callee = tandem_sdk::dial(&self.caller, &[target], &how).map_err(not_connected)?;
        self.talk(&callee)
    }

    fn hunt(&mut self, group: &Group<'_>) -> Result<TalkEnd, NotConnected> {
        let each_s = group.timeout_s;
        let plan = Plan {
            members: group.users,
            strategy: group.strategy,
            ring_s: each_s,
            member_ring_s: None,
            whole_s: each_s.saturating_mul(u32::try_from(group.users.len()).unwrap_or(u32::MAX)),
            rounds: 1,
        };
        let found = hunt::host::Group {
            caller: &self.caller,
            key: format!("flow/{}/{}", tandem_sdk::config::entry_point(), group.key),
            target: |name| tandem_sdk::Target::user(name),
            rings: |_| (),
        }
        .ring(&plan);
        match found {
            Found::Callee(callee) => self.talk(&callee),
            Found::CallerGone => Err(NotConnected::CallerGone),
            // The hunt has logged what should be known.
            Found::Nobody(failure) => Err(match not_connected(failure) {
                NotConnected::Failed(failure, _) => NotConnected::Failed(failure, None),
                gone @ NotConnected::CallerGone => gone,
            }),
        }
    }

    fn transfer(&mut self, number: &str) -> Result<(), Fault> {
        let is_uri = ["sip:", "sips:", "tel:"]
            .iter()
            .any(|scheme| number.starts_with(scheme));
        let target = if is_uri {
            TransferTarget::uri(number)
        } else {
            TransferTarget::number(number)
        };
        tandem_sdk::transfer(&self.caller, &target, TRANSFER).map_err(|failure| match failure {
            tandem_sdk::TransferFailure::Gone => Fault::Gone,
            other => Fault::Broken(other.into()),
        })
    }

    fn take_message(&mut self, of: &str, greeting: &[Spoken<'_>], language: &str) -> Result<Message, Fault> {
        let found = mailbox::box_of(of).map_err(|error| Fault::Broken(error.into()))?;
        let Some(name) = found else {
            return Ok(Message::NoBox);
        };
        let settings = mailbox::Settings::in_language(language);
        match mailbox::take(&self.caller, &name, &settings, sounds(greeting, language)) {
            Ok(()) => Ok(Message::Taken),
            Err(Over::Gone) => Err(Fault::Gone),
            Err(Over::Failed(why)) => Err(Fault::Broken(why)),
        }
    }

    fn now(&mut self) -> Now {
        let now = tandem_sdk::clock::local();
        Now {
            year: now.year,
            month: now.month,
            day: now.day,
            weekday: now.weekday,
            hour: now.hour,
            minute: now.minute,
        }
    }

    fn is_open(&mut self, schedule: &str) -> Result<bool, String> {
        Ok(tandem_sdk::schedule::is_open(schedule)?)
    }

    fn fetch(&mut self, request: &Request) -> Result<Vec<u8>, String> {
        let method = match request.post {
            Some(_) => Method::Post,
            None => Method::Get,
        };
        let mut http = Http::new(method, &request.url).timeout_ms(request.timeout_s.saturating_mul(1_000));
        for header in &request.headers {
            http = match &header.secret {
                Some(secret) => http.secret_header(&header.name, &header.value, secret),
                None => http.header(&header.name, &header.value),
            };
        }
        if let Some((content_type, body)) = &request.post {
            http = http.body(content_type, body.as_str());
        }
        let response = http.send()?;
        if response.is_success() {
            return Ok(response.body().to_vec());
        }
        Err(format!("the service answers {}", response.status()))
    }

    fn hang_up(&mut self, cause: Cause) -> Result<(), Fault> {
        self.caller.hang_up(reason(cause)).map_err(fault)
    }
}

impl Host {
    /// Lets the two talk until one of them hangs up.
    fn talk(&self, callee: &Leg) -> Result<TalkEnd, NotConnected> {
        let end = tandem_sdk::bridge(&self.caller, callee);
        // Whoever is left hears the end of the talk: the callee now, the caller where the flow says so. A callee that
        // is gone already is none the worse for it, and there is nothing else to be refused.
        let _ = callee.hang_up(tandem_sdk::Cause::Normal);
        match end {
            Ok(BridgeEnd::FirstHungUp) => Ok(TalkEnd::Caller),
            // Were it the caller who is gone, the next thing on its leg would say so.
            Ok(BridgeEnd::SecondHungUp | BridgeEnd::Lost) => Ok(TalkEnd::Callee),
            // A callee who hung up before the two were connected: the caller may not have been answered either.
            Err(LegError::Gone) => Err(NotConnected::Failed(Failure::Unreachable, None)),
            Err(other) => Err(NotConnected::Failed(Failure::Refused, Some(other.into()))),
        }
    }
}

fn sounds(prompts: &[Spoken<'_>], language: &str) -> Vec<tandem_sdk::Prompt> {
    prompts.iter().map(|prompt| sound(prompt, language)).collect()
}

fn sound(prompt: &Prompt, language: &str) -> tandem_sdk::Prompt {
    match prompt {
        Prompt::Say(text) => tandem_sdk::Prompt::say(text, language),
        Prompt::Speech(speech) => tandem_sdk::Prompt::say(&speech.text, &speech.language),
        Prompt::File(name) => tandem_sdk::Prompt::file(name),
        Prompt::SilenceMs(time_ms) => tandem_sdk::Prompt::silence(Duration::from_millis((*time_ms).into())),
        Prompt::Tone(tone) => tandem_sdk::Prompt::Tone {
            first_hz: tone.hz,
            second_hz: tone.second_hz.unwrap_or(0),
            time: Duration::from_millis(tone.duration_ms.into()),
        },
    }
}

fn reason(cause: Cause) -> tandem_sdk::Cause {
    match cause {
        Cause::Normal => tandem_sdk::Cause::Normal,
        Cause::Busy => tandem_sdk::Cause::Busy,
        Cause::Declined => tandem_sdk::Cause::Declined,
        Cause::NotFound => tandem_sdk::Cause::NotFound,
        Cause::Forbidden => tandem_sdk::Cause::Forbidden,
        Cause::Unavailable => tandem_sdk::Cause::Unavailable,
        Cause::Congested => tandem_sdk::Cause::Congested,
        Cause::Status(status) => tandem_sdk::Cause::Status(status),
    }
}

fn fault(error: LegError) -> Fault {
    match error {
        LegError::Gone => Fault::Gone,
        LegError::Media(why) => Fault::Media(why),
        other => Fault::Broken(other.into()),
    }
}

fn not_connected(failure: DialFailure) -> NotConnected {
    let quiet = |failure| NotConnected::Failed(failure, None);
    match failure {
        DialFailure::CallerGone => NotConnected::CallerGone,
        DialFailure::NotFound(_) => quiet(Failure::NotFound),
        DialFailure::Unreachable => quiet(Failure::Unreachable),
        DialFailure::Busy => quiet(Failure::Busy),
        DialFailure::NoAnswer => quiet(Failure::NoAnswer),
        DialFailure::Declined => quiet(Failure::Declined),
        other @ (DialFailure::Rejected(_)
        | DialFailure::Media(_)
        | DialFailure::BadArgument(_)
        | DialFailure::Limit(_)) => NotConnected::Failed(Failure::Refused, Some(other.into())),
    }
}
