//! The ranges that the WIT documents, where they need no state of the call.
//!
//! Checked at the door, after the request was journalled as *started* and before the switch sees it: the refusal is an
//! outcome like any other, so a replay reads it from the journal even when a later version draws the line elsewhere.
//! Texts that the WIT says are cut are cut in `imports/`, before they become an [`Op`].

use crate::op::{
    Address, Cause, CollectRule, ContactsError, DialFailure, DialOptions, HttpError, KvError, LegError,
    LegId, MailError, MessageFailure, MetricError, Op, OriginateFailure, Outcome, PickUpFailure, Prompt,
    Real, RecordRule, RecordingError, ScheduleError, Target, TimerError, TransferFailure, TransferTarget,
    VoicemailError,
};

mod http;
mod mail;
mod timers;
mod voicemail;

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
/// A message is as long as the longest prompt; a recording in the background may be a long call.
const MESSAGE_MS_MAX: u32 = 1_200_000;
const RECORDING_MS_MAX: u32 = 14_400_000;
const TEXT_BYTES_MAX: usize = 1_300;
const METRIC_BYTES_MAX: usize = 63;
const NUMBER_BYTES_MAX: usize = 64;
const SEARCH_BYTES_MAX: usize = 128;
const CONTACTS_MAX: u32 = 100;
const DATA_BYTES_MAX: usize = 8_192;
const USERS_MAX: usize = 64;
const LEGS_MAX: usize = 8;
const DAY_MS: u32 = 86_400_000;

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
            Self::SendMail { mail } => {
                mail::check(mail).map_err(|e| Outcome::Mailed(Err(MailError::BadArgument(e))))
            }
            Self::Voicemail { name, op } => voicemail::check(name, op)
                .map_err(|e| Outcome::Voicemail(Err(VoicemailError::BadArgument(e)))),
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
            Self::Record { rule, .. } => {
                check_record_rule(rule).map_err(|e| Outcome::Recorded(Err(RecordingError::BadArgument(e))))
            }
            Self::RecorderStart { length_ms, .. } => within("length-ms", *length_ms, 1_000, RECORDING_MS_MAX)
                .map_err(|e| Outcome::Recorder(Err(RecordingError::BadArgument(e)))),
            Self::RecordingDelete { name } => check_recording_name(name)
                .map_err(|e| Outcome::Recording(Err(RecordingError::BadArgument(e)))),
            Self::Transfer {
                target, timeout_ms, ..
            } => check_transfer(target)
                .and_then(|()| within("timeout-ms", *timeout_ms, 1_000, DURATION_MS_MAX))
                .map_err(|e| Outcome::Transferred(Err(TransferFailure::BadArgument(e)))),
            Self::SendMessage { user, text, sender } => check_message(user, text, sender.as_ref())
                .map_err(|e| Outcome::Messaged(Err(MessageFailure::BadArgument(e)))),
            Self::Originate {
                target,
                entry_point,
                data,
                caller_id,
                ring_ms,
            } => check_call(target, entry_point, data)
                .and_then(|()| check_identity("caller-id", caller_id.as_ref()))
                .and_then(|()| within("ring-ms", *ring_ms, 1_000, DURATION_MS_MAX))
                .map_err(|e| Outcome::Originated(Err(OriginateFailure::BadArgument(e)))),
            Self::PickUp { users, .. } => {
                check_users(users).map_err(|e| Outcome::PickedUp(Err(PickUpFailure::BadArgument(e))))
            }
            Self::Timer { name, op } => {
                timers::check(name, op).map_err(|e| Outcome::Timer(Err(TimerError::BadArgument(e))))
            }
            Self::WaitLegs { legs, timeout_ms } => check_legs(legs)
                .and_then(|()| within("timeout-ms", *timeout_ms, 1, DAY_MS))
                .map_err(|e| Outcome::LegEvent(Err(leg(e)))),
            Self::BridgeUntil {
                first,
                second,
                digits,
            } => check_bridge_until(*first, *second, digits).map_err(|e| Outcome::BridgedUntil(Err(leg(e)))),
            Self::OriginateData
            | Self::Deadline(_)
            | Self::RecorderPause { .. }
            | Self::RecorderResume { .. }
            | Self::RecorderFinish { .. }
            | Self::DropRecorder { .. }
            | Self::Hold { .. }
            | Self::Resume { .. }
            | Self::Header { .. }
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
    check_identity("caller-id", options.caller_id.as_ref())
}

fn check_call(target: &Target, entry_point: &str, data: &str) -> Result<(), String> {
    let (Target::User(name) | Target::Number(name)) = target;
    at_most("the target", name.len(), NAME_BYTES_MAX, "bytes")?;
    at_most("entry-point", entry_point.len(), NAME_BYTES_MAX, "bytes")?;
    if entry_point.is_empty() || entry_point.chars().any(char::is_control) {
        return Err(format!("{entry_point:?} is no number"));
    }
    at_most("data", data.len(), DATA_BYTES_MAX, "bytes")
}

fn check_users(users: &[String]) -> Result<(), String> {
    if users.is_empty() {
        return Err("there is no user".to_owned());
    }
    at_most("the list", users.len(), USERS_MAX, "users")?;
    let mut names = users.iter();
    names.try_for_each(|name| at_most("a user's name", name.len(), NAME_BYTES_MAX, "bytes"))
}

fn check_identity(what: &str, identity: Option<&Address>) -> Result<(), String> {
    let Some(identity) = identity else {
        return Ok(());
    };
    for part in [&identity.user, &identity.display_name] {
        at_most(what, part.len(), NAME_BYTES_MAX, "bytes")?;
        // A line break here would end a SIP header and begin another.
        if part.chars().any(char::is_control) {
            return Err(format!("{what} has a control character"));
        }
    }
    Ok(())
}

fn check_record_rule(rule: &RecordRule) -> Result<(), String> {
    within("length-ms", rule.length_ms, 1_000, MESSAGE_MS_MAX)?;
    if rule.silence_ms != 0 {
        within("silence-ms", rule.silence_ms, 500, 60_000)?;
    }
    at_most("stop-digits", rule.stop_digits.len(), 16, "bytes")?;
    at_most("pause-digit", rule.pause_digit.chars().count(), 1, "digits")?;
    for (what, digits) in [
        ("stop-digits", &rule.stop_digits),
        ("pause-digit", &rule.pause_digit),
    ] {
        if let Some(odd) = digits.chars().find(|c| !is_digit(*c)) {
            return Err(format!("{what} has {odd:?}, which is not one of 0-9*#A-D"));
        }
    }
    match rule.pause_digit.chars().find(|c| rule.stop_digits.contains(*c)) {
        Some(both) => Err(format!("{both} is both a stop digit and the pause digit")),
        None => Ok(()),
    }
}

fn check_recording_name(name: &str) -> Result<(), String> {
    at_most("a recording's name", name.len(), 128, "bytes")?;
    // As recordings are named: nothing in it can leave the domain's folder.
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.starts_with("recording-") && name.chars().all(plain) {
        Ok(())
    } else {
        Err(format!("{name:?} is no recording's name"))
    }
}

fn check_transfer(target: &TransferTarget) -> Result<(), String> {
    match target {
        TransferTarget::Number(number) => {
            at_most("the target", number.len(), NAME_BYTES_MAX, "bytes")?;
            if number.is_empty() || number.chars().any(char::is_control) {
                return Err(format!("{number:?} is no number"));
            }
        }
        TransferTarget::Uri(uri) => {
            at_most("the target", uri.len(), 512, "bytes")?;
            let scheme = ["sip:", "sips:", "tel:"].iter().any(|scheme| {
                uri.get(..scheme.len())
                    .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
            });
            // It stands between angle brackets in a header.
            let plain = uri
                .chars()
                .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"'));
            if !scheme || !plain {
                return Err(format!("{uri:?} is no sip, sips or tel URI"));
            }
        }
    }
    Ok(())
}

fn check_message(user: &str, text: &str, sender: Option<&Address>) -> Result<(), String> {
    at_most("the user", user.len(), NAME_BYTES_MAX, "bytes")?;
    if text.is_empty() {
        return Err("the text is empty".to_owned());
    }
    at_most("the text", text.len(), TEXT_BYTES_MAX, "bytes")?;
    check_identity("sender", sender)
}

fn check_legs(legs: &[LegId]) -> Result<(), String> {
    if legs.is_empty() {
        return Err("there is no leg".to_owned());
    }
    at_most("the list", legs.len(), LEGS_MAX, "legs")?;
    let mut rest = legs;
    while let Some((leg, others)) = rest.split_first() {
        if others.contains(leg) {
            return Err("the list has a leg twice".to_owned());
        }
        rest = others;
    }
    Ok(())
}

fn check_bridge_until(first: LegId, second: LegId, digits: &str) -> Result<(), String> {
    if first == second {
        return Err("a leg cannot be bridged with itself".to_owned());
    }
    if digits.is_empty() {
        return Err("there is no digit".to_owned());
    }
    at_most("digits", digits.len(), 16, "bytes")?;
    match digits.chars().find(|c| !is_digit(*c)) {
        Some(odd) => Err(format!("digits has {odd:?}, which is not one of 0-9*#A-D")),
        None => Ok(()),
    }
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
    use crate::op::Strategy;

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
        let originate = |entry_point: &str, data: String, ring_ms| Op::Originate {
            target: Target::User("301".into()),
            entry_point: entry_point.into(),
            data,
            caller_id: None,
            ring_ms,
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
            (originate("730", "x".repeat(8_193), 20_000), "8193 bytes"),
            (originate("730", String::new(), 999), "ring-ms is 999"),
            (originate("", String::new(), 20_000), "is no number"),
            (originate("7\r\n", String::new(), 20_000), "is no number"),
            (originate("730", "data".into(), 20_000), "fine"),
            (
                Op::PickUp {
                    picker: leg,
                    users: Vec::new(),
                },
                "no user",
            ),
            (
                Op::PickUp {
                    picker: leg,
                    users: vec!["301".into(); 65],
                },
                "65 users",
            ),
            (
                Op::WaitLegs {
                    legs: Vec::new(),
                    timeout_ms: 1,
                },
                "no leg",
            ),
            (
                Op::WaitLegs {
                    legs: vec![leg, LegId(1), leg],
                    timeout_ms: 1,
                },
                "a leg twice",
            ),
            (
                Op::WaitLegs {
                    legs: (0..9).map(LegId).collect(),
                    timeout_ms: 1,
                },
                "9 legs",
            ),
            (
                Op::WaitLegs {
                    legs: vec![leg],
                    timeout_ms: 0,
                },
                "timeout-ms is 0",
            ),
            (
                Op::BridgeUntil {
                    first: leg,
                    second: leg,
                    digits: "*".into(),
                },
                "itself",
            ),
            (
                Op::BridgeUntil {
                    first: leg,
                    second: LegId(1),
                    digits: "*x".into(),
                },
                "'x'",
            ),
            (
                Op::BridgeUntil {
                    first: leg,
                    second: LegId(1),
                    digits: String::new(),
                },
                "no digit",
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
