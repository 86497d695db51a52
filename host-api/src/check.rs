//! The ranges that the WIT documents, where they need no state of the call.
//!
//! Checked at the door, after the request was journalled as *started* and before the switch sees it: the refusal is an
//! outcome like any other, so a replay reads it from the journal even when a later version draws the line elsewhere.
//! Texts that the WIT says are cut are cut in `imports/`, before they become an [`Op`].

use crate::op::{
    Cause, CollectRule, ContactsError, DialFailure, DialOptions, HttpError, KvError, LegError, MetricError,
    Op, Outcome, Prompt, Real, ScheduleError, Target,
};

mod http;

/// Longest time that an argument may give: ten minutes.
const DURATION_MS_MAX: u32 = 600_000;
const PROMPTS_MAX: usize = 64;
const DIGITS_MAX: usize = 64;
const SPEECH_CHARS_MAX: usize = 4_096;
const NAME_BYTES_MAX: usize = 256;
const TARGETS_MAX: usize = 16;
const KEY_BYTES_MAX: usize = 512;
const VALUE_BYTES_MAX: usize = 64 << 10;
const KEYS_MAX: u32 = 1_000;
const METRIC_BYTES_MAX: usize = 63;
const NUMBER_BYTES_MAX: usize = 64;
const SEARCH_BYTES_MAX: usize = 128;
const CONTACTS_MAX: u32 = 100;

impl Op {
    /// Whether the arguments are within their documented ranges; else the outcome that says so.
    pub fn check(&self) -> Result<(), Outcome> {
        let leg = LegError::BadArgument;
        match self {
            Self::Play { prompts, .. } => check_prompts(prompts).map_err(|e| Outcome::Played(Err(leg(e)))),
            Self::Collect { rule, .. } => check_rule(rule).map_err(|e| Outcome::Collected(Err(leg(e)))),
            Self::SendDigits { digits, .. } => check_sendable(digits).map_err(|e| Outcome::Leg(Err(leg(e)))),
            Self::HangUp { cause, .. } => check_cause(*cause).map_err(|e| Outcome::Leg(Err(leg(e)))),
            Self::Dial { targets, options, .. } => {
                check_dial(targets, options).map_err(|e| Outcome::Dialled(Err(DialFailure::BadArgument(e))))
            }
            Self::Bridge { first, second } if first == second => Err(Outcome::Bridged(Err(leg(
                "a leg cannot be bridged with itself".to_owned(),
            )))),
            Self::KvGet { key } | Self::KvDelete { key } | Self::KvIncrement { key, .. } => {
                check_key(key).map_err(refuse_kv)
            }
            Self::KvSet { key, value } => check_key(key)
                .and_then(|()| at_most("the value", value.len(), VALUE_BYTES_MAX, "bytes"))
                .map_err(refuse_kv),
            Self::KvKeys { prefix, after, limit } => at_most("prefix", prefix.len(), KEY_BYTES_MAX, "bytes")
                .and_then(|()| at_most("after", after.len(), KEY_BYTES_MAX, "bytes"))
                .and_then(|()| within("limit", *limit, 1, KEYS_MAX))
                .map_err(refuse_kv),
            Self::HttpSend { request } => {
                http::check(request).map_err(|e| Outcome::Http(Err(HttpError::BadArgument(e))))
            }
            Self::MetricCount { name, .. } => check_metric(name, None).map_err(refuse_metric),
            Self::MetricGauge { name, value } | Self::MetricObserve { name, value } => {
                check_metric(name, Some(*value)).map_err(refuse_metric)
            }
            Self::FindContact { number } => at_most("the number", number.len(), NUMBER_BYTES_MAX, "bytes")
                .map_err(|e| Outcome::Contact(Err(ContactsError::BadArgument(e)))),
            Self::SearchContacts { text, limit } => {
                at_most("the text", text.len(), SEARCH_BYTES_MAX, "bytes")
                    .and_then(|()| within("limit", *limit, 1, CONTACTS_MAX))
                    .and_then(|()| match text.trim() {
                        "" => Err("the text is empty".to_owned()),
                        _ => Ok(()),
                    })
                    .map_err(|e| Outcome::Contacts(Err(ContactsError::BadArgument(e))))
            }
            // No schedule, header or number has so long a name: there is none.
            Self::LookUpSchedule { name } if name.len() > NAME_BYTES_MAX => {
                Err(Outcome::Schedule(Err(ScheduleError::NotFound)))
            }
            Self::Header { name, .. } if name.len() > NAME_BYTES_MAX => Err(Outcome::Lines(Vec::new())),
            Self::FindUser { number } if number.len() > NAME_BYTES_MAX => Err(Outcome::User(None)),
            Self::Header { .. }
            | Self::FindUser { .. }
            | Self::LookUpSchedule { .. }
            | Self::Bridge { .. }
            | Self::Peer { .. }
            | Self::Local { .. }
            | Self::Ring { .. }
            | Self::EarlyMedia { .. }
            | Self::Answer { .. }
            | Self::DropLeg { .. }
            | Self::ConfigDocument
            | Self::ConfigEntryPoint
            | Self::ConfigDomain
            | Self::NowMs
            | Self::LocalTime
            | Self::SleepMs { .. }
            | Self::Random
            | Self::Log { .. }
            | Self::Step { .. } => Ok(()),
        }
    }
}

fn refuse_kv(words: String) -> Outcome {
    Outcome::Kv(Err(KvError::BadArgument(words)))
}

fn refuse_metric(words: String) -> Outcome {
    Outcome::Metric(Err(MetricError::BadArgument(words)))
}

fn check_metric(name: &str, value: Option<Real>) -> Result<(), String> {
    at_most("the name", name.len(), METRIC_BYTES_MAX, "bytes")?;
    let letters = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(letters) {
        return Err(format!(
            "{name:?} is no name: a-z, 0-9 and _, beginning with a letter"
        ));
    }
    match value {
        Some(value) if !value.value().is_finite() => Err("the number is not finite".to_owned()),
        _ => Ok(()),
    }
}

fn within(what: &str, value: u32, least: u32, most: u32) -> Result<(), String> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(format!("{what} is {value}, outside {least} to {most}"))
}

fn at_most(what: &str, length: usize, most: usize, unit: &str) -> Result<(), String> {
    if length <= most {
        return Ok(());
    }
    Err(format!("{what} has {length} {unit}, at most {most} are allowed"))
}

fn check_prompts(prompts: &[Prompt]) -> Result<(), String> {
    at_most("the list", prompts.len(), PROMPTS_MAX, "prompts")?;
    prompts.iter().try_for_each(check_prompt)
}

fn check_prompt(prompt: &Prompt) -> Result<(), String> {
    match prompt {
        Prompt::File(name) => {
            at_most("a file's name", name.len(), NAME_BYTES_MAX, "bytes")?;
            // A name is no path: nothing in it can leave the domain's folder.
            let plain = !name.is_empty()
                && !name.starts_with('.')
                && !name.contains(['/', '\\'])
                && !name.chars().any(char::is_control);
            if plain {
                Ok(())
            } else {
                Err(format!("{name:?} is no file name"))
            }
        }
        Prompt::Progress { duration_ms, .. } => within("duration-ms", *duration_ms, 1, DURATION_MS_MAX),
        Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        } => {
            within("first-hz", u32::from(*first_hz), 20, 3_800)?;
            if *second_hz != 0 {
                within("second-hz", u32::from(*second_hz), 20, 3_800)?;
            }
            within("duration-ms", *duration_ms, 1, DURATION_MS_MAX)
        }
        Prompt::Silence(duration_ms) => within("silence", *duration_ms, 1, DURATION_MS_MAX),
        Prompt::Speech { text, language } => {
            at_most("the text", text.chars().count(), SPEECH_CHARS_MAX, "characters")?;
            at_most("language", language.len(), 35, "bytes")?;
            let tag = language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if tag {
                Ok(())
            } else {
                Err(format!("{language:?} is no language tag"))
            }
        }
    }
}

fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | '*' | '#' | 'A'..='D')
}

fn check_rule(rule: &CollectRule) -> Result<(), String> {
    check_prompts(&rule.prompts)?;
    within("min", rule.min, 0, DIGITS_MAX as u32)?;
    within("max", rule.max, 1, DIGITS_MAX as u32)?;
    if rule.max < rule.min {
        return Err(format!("max is {}, below min, which is {}", rule.max, rule.min));
    }
    at_most("terminators", rule.terminators.len(), 16, "bytes")?;
    if let Some(odd) = rule.terminators.chars().find(|c| !is_digit(*c)) {
        return Err(format!("terminators has {odd:?}, which is not one of 0-9*#A-D"));
    }
    within(
        "first-digit-timeout-ms",
        rule.first_digit_timeout_ms,
        1,
        DURATION_MS_MAX,
    )?;
    within(
        "inter-digit-timeout-ms",
        rule.inter_digit_timeout_ms,
        1,
        DURATION_MS_MAX,
    )
}

fn check_sendable(digits: &str) -> Result<(), String> {
    at_most("digits", digits.len(), DIGITS_MAX, "characters")?;
    match digits.chars().find(|c| !is_digit(*c) && *c != ',') {
        Some(odd) => Err(format!(
            "digits has {odd:?}, which is not one of 0-9*#A-D or a comma"
        )),
        None => Ok(()),
    }
}

fn check_cause(cause: Cause) -> Result<(), String> {
    match cause {
        Cause::Status(status) => within("status", u32::from(status), 400, 699),
        Cause::Normal
        | Cause::Busy
        | Cause::Declined
        | Cause::NotFound
        | Cause::Forbidden
        | Cause::Unavailable
        | Cause::Congested => Ok(()),
    }
}

fn check_dial(targets: &[Target], options: &DialOptions) -> Result<(), String> {
    if targets.is_empty() {
        return Err("there is no target".to_owned());
    }
    at_most("the list", targets.len(), TARGETS_MAX, "targets")?;
    for target in targets {
        let (Target::User(name) | Target::Number(name)) = target;
        at_most("a target", name.len(), NAME_BYTES_MAX, "bytes")?;
    }
    within("timeout-ms", options.timeout_ms, 1_000, DURATION_MS_MAX)?;
    let Some(caller) = &options.caller_id else {
        return Ok(());
    };
    for part in [&caller.user, &caller.display_name] {
        at_most("caller-id", part.len(), NAME_BYTES_MAX, "bytes")?;
        // A line break here would end a SIP header and begin another.
        if part.chars().any(char::is_control) {
            return Err("caller-id has a control character".to_owned());
        }
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), String> {
    if key.is_empty() {
        return Err("the key is empty".to_owned());
    }
    at_most("the key", key.len(), KEY_BYTES_MAX, "bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::{LegId, Strategy};

    fn words(op: &Op) -> String {
        match op.check() {
            Ok(()) => "fine".to_owned(),
            Err(outcome) => {
                assert!(op.accepts(&outcome), "{op:?} cannot be answered with {outcome:?}");
                format!("{outcome:?}")
            }
        }
    }

    fn rule() -> CollectRule {
        CollectRule {
            prompts: Vec::new(),
            barge_in: true,
            min: 1,
            max: 4,
            terminators: "#".to_owned(),
            first_digit_timeout_ms: 5_000,
            inter_digit_timeout_ms: 2_000,
        }
    }

    #[test]
    fn each_bad_argument_is_named() {
        let leg = LegId(0);
        let play = |prompt| Op::Play {
            leg,
            prompts: vec![prompt],
        };
        let options = DialOptions {
            strategy: Strategy::Parallel,
            timeout_ms: 20_000,
            caller_id: None,
            ringback: true,
        };
        let cases = [
            (play(Prompt::File("../secret.wav".into())), "no file name"),
            (play(Prompt::Silence(0)), "silence is 0"),
            (
                play(Prompt::Tone {
                    first_hz: 4_000,
                    second_hz: 0,
                    duration_ms: 1,
                }),
                "first-hz is 4000",
            ),
            (
                play(Prompt::Speech {
                    text: "x".repeat(4_097),
                    language: String::new(),
                }),
                "4097 characters",
            ),
            (
                Op::Play {
                    leg,
                    prompts: vec![Prompt::Silence(1); 65],
                },
                "65 prompts",
            ),
            (
                Op::Collect {
                    leg,
                    rule: CollectRule { max: 0, ..rule() },
                },
                "max is 0",
            ),
            (
                Op::Collect {
                    leg,
                    rule: CollectRule { min: 5, ..rule() },
                },
                "below min",
            ),
            (
                Op::Collect {
                    leg,
                    rule: CollectRule {
                        terminators: "x".into(),
                        ..rule()
                    },
                },
                "'x'",
            ),
            (
                Op::SendDigits {
                    leg,
                    digits: "12E".into(),
                },
                "'E'",
            ),
            (
                Op::HangUp {
                    leg,
                    cause: Cause::Status(200),
                },
                "status is 200",
            ),
            (
                Op::Dial {
                    caller: leg,
                    targets: Vec::new(),
                    options: options.clone(),
                },
                "no target",
            ),
            (
                Op::Dial {
                    caller: leg,
                    targets: vec![Target::User("301".into())],
                    options: DialOptions {
                        timeout_ms: 10,
                        ..options
                    },
                },
                "timeout-ms is 10",
            ),
            (
                Op::Bridge {
                    first: leg,
                    second: leg,
                },
                "itself",
            ),
            (Op::KvGet { key: String::new() }, "empty"),
            (
                Op::KvSet {
                    key: "k".into(),
                    value: vec![0; (64 << 10) + 1],
                },
                "65537 bytes",
            ),
            (
                Op::KvKeys {
                    prefix: String::new(),
                    after: String::new(),
                    limit: 0,
                },
                "limit is 0",
            ),
            (
                Op::FindUser {
                    number: "1".repeat(257),
                },
                "User(None)",
            ),
            (Op::Collect { leg, rule: rule() }, "fine"),
            (
                Op::SendDigits {
                    leg,
                    digits: "1,2#".into(),
                },
                "fine",
            ),
        ];
        for (op, expected) in cases {
            let found = words(&op);
            assert!(found.contains(expected), "{op:?}: {found}");
        }
    }
}
