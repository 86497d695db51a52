//! A call's journal in lines: `TIME  STEP  what happened`.
//!
//! A request that was answered at once is one line with its outcome; one that waited is a line when it began and a line
//! when it ended, with what came from outside between the two.

use std::collections::BTreeMap;

use tandem_host_api::journal::TimedEntry;
use tandem_host_api::op::{
    BridgeUntilEnd, CollectEnd, CollectRule, ContactsError, DeadlineOp, DialFailure, DialOptions, HttpError,
    KvError, KvValue, LegError, LegEvent, Level, MailError, MessageFailure, MetricError, Op, OpIndex,
    OriginateFailure, Outcome, PickUpFailure, Prompt, RecordEnd, RecordRule, RecordingError, ScheduleError,
    ScheduleState, Strategy, Target, TimerError, TimerOp, TransferFailure, TransferTarget, VoicemailError,
    VoicemailOp, VoicemailValue,
};
use tandem_host_api::{Entry, Input, LegId};

use crate::case::{Case, Start};
use crate::exchange::Seen;
use crate::expect;

/// Longest text that a line shows of a value.
const TEXT_MAX: usize = 100;

/// Requests of the scenario.
pub fn host_calls(entries: &[TimedEntry]) -> usize {
    entries
        .iter()
        .filter(|timed| matches!(timed.entry, Entry::Started { .. }))
        .count()
}

/// The lines of a call.
pub fn lines(case: &Case, entries: &[TimedEntry], seen: &Seen) -> Vec<String> {
    let mut trace = Trace::default();
    let world = &case.world;
    trace.line(
        0,
        &match &case.start {
            Start::Call => format!("{} calls {}", world.caller, world.number),
            Start::Request(request) => format!("{} {}", request.method, shortened(&request.path)),
            Start::Event(event) => format!("event {} {}", event.kind, shortened(&event.data)),
        },
    );
    let mut entries = entries.iter().peekable();
    while let Some(TimedEntry { at_ms, entry }) = entries.next() {
        match entry {
            Entry::Began { .. } => (),
            Entry::Started { index, op, .. } => {
                if let Op::Step { id, name } = op {
                    trace.step.clone_from(id);
                    trace.line(*at_ms, &format!("# {name}"));
                    // Its outcome says nothing.
                    entries.next_if(|next| matches!(next.entry, Entry::Ended { .. }));
                    continue;
                }
                let request = request(op);
                match entries.peek().map(|next| (next.at_ms, &next.entry)) {
                    Some((
                        ended_ms,
                        Entry::Ended {
                            index: ended,
                            outcome,
                        },
                    )) if ended == index && ended_ms == *at_ms => {
                        trace.line(*at_ms, &told(&request, outcome));
                        entries.next();
                    }
                    _ => {
                        trace.line(*at_ms, &request);
                        trace.open.insert(*index, op.name());
                    }
                }
            }
            Entry::Ended { index, outcome } => {
                let name = trace.open.remove(index).unwrap_or_default();
                trace.line(*at_ms, &told(name, outcome));
            }
            Entry::Cancelled { index } => {
                let name = trace.open.remove(index).unwrap_or_default();
                trace.line(*at_ms, &format!("{name} → given up"));
            }
            Entry::Input(input) => {
                let said = self::input(case, input);
                trace.line(*at_ms, &said);
            }
            Entry::Anew { .. } => {
                trace.step.clear();
                trace.line(*at_ms, "the scenario begins anew");
            }
            Entry::FellBack { scenario, .. } => {
                trace.line(*at_ms, &format!("the fall-back {scenario} takes over"));
            }
            Entry::Finished { end } => {
                trace.step.clear();
                trace.line(*at_ms, &format!("the scenario {}", expect::described(end)));
                if let Some(response) = &seen.response {
                    let body = String::from_utf8_lossy(&response.body);
                    trace.line(*at_ms, &format!("{} {}", response.status, shortened(&body)));
                }
                if let Some((cause, status)) = seen.cause {
                    trace.line(*at_ms, &format!("the call is over: {cause} ({status})"));
                }
            }
        }
    }
    trace.lines
}

#[derive(Default)]
struct Trace {
    lines: Vec<String>,
    /// The step in force.
    step: String,
    /// Requests without an outcome yet.
    open: BTreeMap<OpIndex, &'static str>,
}

impl Trace {
    fn line(&mut self, at_ms: u64, text: &str) {
        let (minutes, seconds, ms) = (at_ms / 60_000, at_ms / 1_000 % 60, at_ms % 1_000);
        // What people wrote must not make two lines of one.
        let text = text.replace(char::is_control, " ");
        let step = if self.step.is_empty() { "-" } else { &self.step };
        self.lines
            .push(format!("{minutes}:{seconds:02}.{ms:03}  {step}  {text}"));
    }
}

/// A request with its outcome.
fn told(request: &str, outcome: &Outcome) -> String {
    match self::outcome(outcome) {
        Some(outcome) => format!("{request} → {outcome}"),
        None => request.to_owned(),
    }
}

fn input(case: &Case, input: &Input) -> String {
    let who = |leg: LegId| match leg {
        LegId(0) => case.world.caller.clone(),
        LegId(number) => format!("leg {number}"),
    };
    match input {
        Input::Digit { leg, digit } => format!("{} presses {digit}", who(*leg)),
        Input::LegRinging { leg } => format!("{} rings", who(*leg)),
        Input::LegAnswered { leg: LegId(0) } => "the caller is answered".to_owned(),
        Input::LegAnswered { leg } => format!("{} answers", who(*leg)),
        Input::LegEnded { leg, cause } => format!("{} is gone: {cause}", who(*leg)),
        Input::Note { leg: Some(leg), text } => format!("{} {text}", who(*leg)),
        Input::Note { leg: None, text } => text.clone(),
    }
}

/// What was asked for.
fn request(op: &Op) -> String {
    let name = op.name();
    let on = |leg: LegId| match leg {
        LegId(0) => name.to_owned(),
        LegId(number) => format!("{name} (leg {number})"),
    };
    match op {
        Op::Peer { leg }
        | Op::Local { leg }
        | Op::Ring { leg }
        | Op::EarlyMedia { leg }
        | Op::Answer { leg }
        | Op::DropLeg { leg } => on(*leg),
        Op::Header { leg, name } => format!("{} {}", on(*leg), text(name)),
        Op::Play { leg, prompts } => format!("{} {}", on(*leg), sounds(prompts)),
        Op::Collect { leg, rule } => format!("{} {}", on(*leg), collection(rule)),
        Op::SendDigits { leg, digits } => format!("{} {digits}", on(*leg)),
        Op::HangUp { leg, cause } => format!("{} {cause:?}", on(*leg)),
        Op::Dial { targets, options, .. } => format!("{name} {}", dialled(targets, options)),
        Op::Bridge { first, second } => format!("{name} legs {} and {}", first.0, second.0),
        Op::FindUser { number } => format!("{name} {}", text(number)),
        Op::ConfigDocument
        | Op::ConfigEntryPoint
        | Op::ConfigDomain
        | Op::NowMs
        | Op::LocalTime
        | Op::Random => name.to_owned(),
        Op::KvGet { key } | Op::KvDelete { key } => format!("{name} {}", text(key)),
        Op::KvSet { key, value } => format!("{name} {} to {}", text(key), bytes(value)),
        Op::KvIncrement { key, by } => format!("{name} {} by {by}", text(key)),
        Op::KvKeys { prefix, .. } => format!("{name} {}", text(prefix)),
        Op::SleepMs { duration_ms } => format!("{name} {duration_ms}"),
        Op::Log { level, text: line } => format!("{name} {}: {}", level_name(*level), shortened(line)),
        Op::Step { id, .. } => format!("{name} {}", text(id)),
        Op::Record { leg, rule } => format!("{} {}", on(*leg), recording(rule)),
        Op::RecorderStart { leg, side, length_ms } => {
            format!("{} {side:?} for {length_ms} ms", on(*leg))
        }
        Op::RecorderPause { recorder }
        | Op::RecorderResume { recorder }
        | Op::RecorderFinish { recorder }
        | Op::DropRecorder { recorder } => format!("{name} {}", recorder.0),
        Op::RecordingDelete { name: of } => format!("{name} {}", shortened(of)),
        Op::Hold { leg } | Op::Resume { leg } => on(*leg),
        Op::Transfer {
            leg,
            target: TransferTarget::Number(to) | TransferTarget::Uri(to),
            timeout_ms,
        } => format!("{} to {} for {timeout_ms} ms", on(*leg), shortened(to)),
        Op::SendMessage { user, text: said, .. } => format!("{name} {}: {}", shortened(user), text(said)),
        Op::HttpSend { request } => {
            let body = if request.body.is_empty() {
                String::new()
            } else {
                format!(" with {}", bytes(&request.body))
            };
            format!(
                "{name} {} {}{body}",
                request.method.as_str(),
                shortened(&request.url)
            )
        }
        Op::LookUpSchedule { name: schedule } => format!("{name} {}", text(schedule)),
        Op::MetricCount { name: metric, by } => format!("{name} {metric} by {by}"),
        Op::MetricGauge { name: metric, value } | Op::MetricObserve { name: metric, value } => {
            format!("{name} {metric} {}", value.value())
        }
        Op::FindContact { number } => format!("{name} {}", text(number)),
        Op::SearchContacts { text: words, .. } => format!("{name} {}", text(words)),
        Op::SendMail { mail } => {
            let attached = match mail.attachments.len() {
                0 => String::new(),
                1 => " with a recording".to_owned(),
                number => format!(" with {number} recordings"),
            };
            format!("{name} to {} {}{attached}", texts(&mail.to), text(&mail.subject))
        }
        Op::Voicemail { name: of, op } => match op {
            VoicemailOp::Store { recording, .. } => format!("{name} {} {}", text(of), shortened(recording)),
            VoicemailOp::Mark { id, state } => format!("{name} {} {id} {state:?}", text(of)),
            VoicemailOp::Delete { id } => format!("{name} {} {id}", text(of)),
            VoicemailOp::List {
                state: Some(state), ..
            } => format!("{name} {} {state:?}", text(of)),
            VoicemailOp::List { state: None, .. } | VoicemailOp::Count => format!("{name} {}", text(of)),
        },
        Op::Originate {
            target: Target::User(to) | Target::Number(to),
            entry_point,
            data,
            ..
        } => format!(
            "{name} {} for {} with {}",
            shortened(to),
            shortened(entry_point),
            text(data)
        ),
        Op::OriginateData => name.to_owned(),
        Op::Deadline(DeadlineOp::Set { after_ms }) => format!("{name} {after_ms}"),
        Op::Deadline(DeadlineOp::Clear | DeadlineOp::Passed) => name.to_owned(),
        Op::WaitLegs { legs, timeout_ms } => {
            let legs: Vec<String> = legs.iter().map(|leg| leg.0.to_string()).collect();
            format!("{name} legs {} for {timeout_ms} ms", legs.join(", "))
        }
        Op::BridgeUntil {
            first,
            second,
            digits,
        } => format!("{name} {digits} legs {} and {}", first.0, second.0),
        Op::Timer { name: of, op } => match op {
            TimerOp::Set { after_ms, data } => {
                format!("{name} {} in {after_ms} ms with {}", text(of), text(data))
            }
            TimerOp::Cancel => format!("{name} {}", text(of)),
        },
        Op::PickUp { picker, users } => format!("{} {}", on(*picker), shortened(&users.join(", "))),
    }
}

fn recording(rule: &RecordRule) -> String {
    let beep = if rule.beep { "beep, " } else { "" };
    let silence = match rule.silence_ms {
        0 => String::new(),
        silence_ms => format!(", {silence_ms} ms of silence"),
    };
    let stop = match rule.stop_digits.as_str() {
        "" => String::new(),
        digits => format!(" or {digits}"),
    };
    format!("{beep}up to {} ms{silence}{stop}", rule.length_ms)
}

fn recording_error(error: &RecordingError) -> String {
    match error {
        RecordingError::Gone => "gone".to_owned(),
        RecordingError::WrongState(why) => format!("wrong state: {}", shortened(why)),
        RecordingError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        RecordingError::Media(why) => format!("media: {}", shortened(why)),
        RecordingError::Storage(why) => format!("storage: {}", shortened(why)),
        RecordingError::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn transfer_failure(failure: &TransferFailure) -> String {
    match failure {
        TransferFailure::Gone => "gone".to_owned(),
        TransferFailure::WrongState(why) => format!("wrong state: {}", shortened(why)),
        TransferFailure::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        TransferFailure::NotAccepted(status, reason) => {
            format!("not accepted: {status} {}", shortened(reason))
        }
        TransferFailure::Failed(status, reason) => format!("failed: {status} {}", shortened(reason)),
        TransferFailure::TimedOut => "timed out".to_owned(),
        TransferFailure::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn message_failure(failure: &MessageFailure) -> String {
    match failure {
        MessageFailure::NotFound(user) => format!("not found: {}", shortened(user)),
        MessageFailure::NoDevice => "no device".to_owned(),
        MessageFailure::Refused(status, reason) => format!("refused: {status} {}", shortened(reason)),
        MessageFailure::TimedOut => "timed out".to_owned(),
        MessageFailure::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        MessageFailure::Limit(why) => format!("limit: {}", shortened(why)),
        MessageFailure::Unavailable => "unavailable".to_owned(),
    }
}

fn collection(rule: &CollectRule) -> String {
    let digits = match (rule.min, rule.max) {
        (_, 1) => "1 digit".to_owned(),
        (min, max) if min == max => format!("{max} digits"),
        (min, max) => format!("{min} to {max} digits"),
    };
    let end = if rule.terminators.is_empty() {
        String::new()
    } else {
        format!(" or {}", rule.terminators)
    };
    let barge = if rule.barge_in { "" } else { ", no barge-in" };
    format!("{digits}{end}{barge}: {}", sounds(&rule.prompts))
}

fn sounds(prompts: &[Prompt]) -> String {
    if prompts.is_empty() {
        return "no prompt".to_owned();
    }
    let said = prompts.iter().map(|prompt| match prompt {
        Prompt::File(name) => format!("file {}", shortened(name)),
        Prompt::Progress { tone, duration_ms } => format!("{tone:?} tone for {duration_ms} ms"),
        Prompt::Tone {
            first_hz,
            second_hz: 0,
            duration_ms,
        } => format!("{first_hz} Hz for {duration_ms} ms"),
        Prompt::Tone {
            first_hz,
            second_hz,
            duration_ms,
        } => {
            format!("{first_hz} and {second_hz} Hz for {duration_ms} ms")
        }
        Prompt::Silence(time_ms) => format!("silence for {time_ms} ms"),
        Prompt::Speech { text, language } if language.is_empty() => self::text(text),
        Prompt::Speech { text, language } => format!("{} ({language})", self::text(text)),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn dialled(targets: &[Target], options: &DialOptions) -> String {
    let targets: Vec<String> = targets
        .iter()
        .map(|target| match target {
            Target::User(name) => format!("user {}", shortened(name)),
            Target::Number(number) => format!("number {}", shortened(number)),
        })
        .collect();
    let how = match (options.strategy, targets.len()) {
        (_, 1) => "",
        (Strategy::Parallel, _) => " at once",
        (Strategy::InTurn, _) => " in turn",
    };
    format!("{}{how} for {} ms", targets.join(", "), options.timeout_ms)
}

/// What came of it; none: there is nothing to tell.
fn outcome(outcome: &Outcome) -> Option<String> {
    Some(match outcome {
        Outcome::Done => return None,
        Outcome::Address(address) if address.display_name.is_empty() => {
            format!("{}@{}", address.user, address.host)
        }
        Outcome::Address(address) => {
            format!(
                "{} <{}@{}>",
                text(&address.display_name),
                address.user,
                address.host
            )
        }
        Outcome::Lines(lines) => texts(lines),
        Outcome::Leg(Ok(())) => "ok".to_owned(),
        Outcome::Leg(Err(error))
        | Outcome::Played(Err(error))
        | Outcome::Collected(Err(error))
        | Outcome::Bridged(Err(error))
        | Outcome::BridgedUntil(Err(error))
        | Outcome::LegEvent(Err(error)) => leg_error(error),
        Outcome::Played(Ok(end)) => format!("{end:?}").to_lowercase(),
        Outcome::Collected(Ok(collected)) => {
            let end = match collected.end {
                CollectEnd::Full => "full",
                CollectEnd::Terminator => "terminator",
                CollectEnd::Timeout => "time-out",
            };
            format!("{:?}, {end}", collected.digits)
        }
        Outcome::Dialled(Ok(leg)) => format!("leg {}", leg.0),
        Outcome::Dialled(Err(failure)) => dial_failure(failure),
        Outcome::Bridged(Ok(end)) => match end {
            tandem_host_api::op::BridgeEnd::FirstHungUp => "the first hung up".to_owned(),
            tandem_host_api::op::BridgeEnd::SecondHungUp => "the second hung up".to_owned(),
            tandem_host_api::op::BridgeEnd::Lost => "lost".to_owned(),
        },
        Outcome::User(None) => "nobody".to_owned(),
        Outcome::User(Some(user)) => {
            let registered = if user.registered { "" } else { ", not registered" };
            format!("user {}{registered}", shortened(&user.name))
        }
        Outcome::Text(value) => shortened(value),
        Outcome::Kv(Ok(value)) => match value {
            KvValue::Value(None) => "none".to_owned(),
            KvValue::Value(Some(value)) => bytes(value),
            KvValue::Written => "ok".to_owned(),
            KvValue::Deleted(true) => "deleted".to_owned(),
            KvValue::Deleted(false) => "none".to_owned(),
            KvValue::Sum(sum) => sum.to_string(),
            KvValue::Keys(keys) => texts(keys),
        },
        Outcome::Kv(Err(error)) => match error {
            KvError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
            KvError::NotANumber => "not a number".to_owned(),
            KvError::Full(why) => format!("full: {}", shortened(why)),
            KvError::Unavailable => "unavailable".to_owned(),
        },
        Outcome::Recorded(Ok(recorded)) => {
            let end = match &recorded.end {
                RecordEnd::Length => "length".to_owned(),
                RecordEnd::Silence => "silence".to_owned(),
                RecordEnd::Digit => format!("digit {}", recorded.digit),
                RecordEnd::LegGone => "leg gone".to_owned(),
                RecordEnd::Finished => "finished".to_owned(),
                RecordEnd::Storage(why) => format!("storage: {}", shortened(why)),
            };
            let recording = &recorded.recording;
            format!(
                "{}, {} ms, {end}",
                shortened(&recording.name),
                recording.duration_ms
            )
        }
        Outcome::Recorder(Ok(recorder)) => format!("recorder {}", recorder.0),
        Outcome::Recording(Ok(())) | Outcome::Transferred(Ok(())) => "ok".to_owned(),
        Outcome::Recorded(Err(error)) | Outcome::Recorder(Err(error)) | Outcome::Recording(Err(error)) => {
            recording_error(error)
        }
        Outcome::Transferred(Err(failure)) => transfer_failure(failure),
        Outcome::Messaged(Ok(delivery)) => format!("{} of {} devices", delivery.accepted, delivery.devices),
        Outcome::Messaged(Err(failure)) => message_failure(failure),
        Outcome::Number(number) => number.to_string(),
        Outcome::Http(Ok(response)) if response.body.is_empty() => response.status.to_string(),
        Outcome::Http(Ok(response)) => format!("{} {}", response.status, bytes(&response.body)),
        Outcome::Http(Err(error)) => http_error(error),
        Outcome::Schedule(Ok(status)) => match &status.state {
            ScheduleState::Open => "open".to_owned(),
            ScheduleState::Closed => "closed".to_owned(),
            ScheduleState::Holiday(name) => format!("holiday {}", text(name)),
        },
        Outcome::Schedule(Err(ScheduleError::NotFound)) => "no such schedule".to_owned(),
        Outcome::Metric(Ok(())) => "ok".to_owned(),
        Outcome::Metric(Err(MetricError::BadArgument(why))) => format!("bad argument: {}", shortened(why)),
        Outcome::Metric(Err(MetricError::Limit(why))) => format!("limit: {}", shortened(why)),
        Outcome::Contact(Ok(found)) => found
            .as_ref()
            .map_or("nobody".to_owned(), |found| text(&found.name)),
        Outcome::Originated(Ok(call)) => call.clone(),
        Outcome::Originated(Err(failure)) => originate_failure(failure),
        Outcome::OptionalText(None) => "none".to_owned(),
        Outcome::OptionalText(Some(words)) => text(words),
        Outcome::PickedUp(Ok(leg)) => format!("leg {}", leg.0),
        Outcome::PickedUp(Err(failure)) => pick_up_failure(failure),
        Outcome::Contacts(Ok(found)) => texts(
            &found
                .iter()
                .map(|contact| contact.name.clone())
                .collect::<Vec<_>>(),
        ),
        Outcome::Contact(Err(ContactsError::BadArgument(why)))
        | Outcome::Contacts(Err(ContactsError::BadArgument(why))) => {
            format!("bad argument: {}", shortened(why))
        }
        Outcome::Schedule(Err(ScheduleError::Unavailable))
        | Outcome::Contact(Err(ContactsError::Unavailable))
        | Outcome::Contacts(Err(ContactsError::Unavailable)) => "unavailable".to_owned(),
        Outcome::Mailed(Ok(id)) => shortened(id),
        Outcome::Mailed(Err(error)) => match error {
            MailError::NotFound(name) => format!("not found: {}", shortened(name)),
            MailError::Refused(why) => format!("refused: {}", shortened(why)),
            MailError::Unavailable(why) => format!("unavailable: {}", shortened(why)),
            MailError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
            MailError::Limit(why) => format!("limit: {}", shortened(why)),
        },
        Outcome::Voicemail(Ok(value)) => match value {
            VoicemailValue::Stored(message) => format!("message {}", message.id),
            VoicemailValue::Listed(messages) => format!("{} messages", messages.len()),
            VoicemailValue::Done => "ok".to_owned(),
            VoicemailValue::Counted(counts) => {
                format!(
                    "{} new, {} heard, {} saved",
                    counts.new, counts.heard, counts.saved
                )
            }
        },
        Outcome::Voicemail(Err(error)) => match error {
            VoicemailError::NoBox => "no box".to_owned(),
            VoicemailError::NotFound => "not found".to_owned(),
            VoicemailError::Full(why) => format!("full: {}", shortened(why)),
            VoicemailError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
            VoicemailError::Unavailable => "unavailable".to_owned(),
        },
        Outcome::Flag(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Outcome::LegEvent(Ok(event)) => match event {
            LegEvent::Digit(place, digit) => format!("number {place} in the list presses {digit}"),
            LegEvent::Gone(place) => format!("number {place} in the list is gone"),
            LegEvent::Timeout => "time-out".to_owned(),
        },
        Outcome::BridgedUntil(Ok(end)) => match end {
            BridgeUntilEnd::Digit(digit) => format!("the first pressed {digit}"),
            BridgeUntilEnd::FirstHungUp => "the first hung up".to_owned(),
            BridgeUntilEnd::SecondHungUp => "the second hung up".to_owned(),
            BridgeUntilEnd::Lost => "lost".to_owned(),
        },
        Outcome::Timer(Ok(true)) => "one waited".to_owned(),
        Outcome::Timer(Ok(false)) => "none waited".to_owned(),
        Outcome::Timer(Err(error)) => timer_error(error),
        Outcome::LocalTime(t) => format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            t.year, t.month, t.day, t.hour, t.minute, t.second
        ),
    })
}

fn originate_failure(failure: &OriginateFailure) -> String {
    match failure {
        OriginateFailure::NotFound(name) => format!("not found: {}", shortened(name)),
        OriginateFailure::NoEntryPoint(number) => format!("no entry point: {}", shortened(number)),
        OriginateFailure::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        OriginateFailure::Limit(why) => format!("limit: {}", shortened(why)),
        OriginateFailure::Unavailable => "unavailable".to_owned(),
    }
}

fn timer_error(error: &TimerError) -> String {
    match error {
        TimerError::NoEntryPoint(name) => format!("no entry point: {}", shortened(name)),
        TimerError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        TimerError::Limit(why) => format!("limit: {}", shortened(why)),
        TimerError::Unavailable => "unavailable".to_owned(),
    }
}

fn pick_up_failure(failure: &PickUpFailure) -> String {
    match failure {
        PickUpFailure::Gone => "gone".to_owned(),
        PickUpFailure::WrongState(why) => format!("wrong state: {}", shortened(why)),
        PickUpFailure::NothingRings => "nothing rings".to_owned(),
        PickUpFailure::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        PickUpFailure::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn http_error(error: &HttpError) -> String {
    match error {
        HttpError::NotAllowed(why) => format!("not allowed: {}", shortened(why)),
        HttpError::PrivateAddress => "private address".to_owned(),
        HttpError::TimeOut => "time-out".to_owned(),
        HttpError::TooLarge(why) => format!("too large: {}", shortened(why)),
        HttpError::Connect(why) => format!("connect: {}", shortened(why)),
        HttpError::Tls(why) => format!("tls: {}", shortened(why)),
        HttpError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        HttpError::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn leg_error(error: &LegError) -> String {
    match error {
        LegError::Gone => "gone".to_owned(),
        LegError::WrongState(why) => format!("wrong state: {}", shortened(why)),
        LegError::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        LegError::Media(why) => format!("media: {}", shortened(why)),
        LegError::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn dial_failure(failure: &DialFailure) -> String {
    match failure {
        DialFailure::NotFound(why) => format!("not found: {}", shortened(why)),
        DialFailure::Unreachable => "unreachable".to_owned(),
        DialFailure::Busy => "busy".to_owned(),
        DialFailure::NoAnswer => "no answer".to_owned(),
        DialFailure::Declined => "declined".to_owned(),
        DialFailure::Rejected(status, reason) => format!("rejected: {status} {}", shortened(reason)),
        DialFailure::CallerGone => "the caller is gone".to_owned(),
        DialFailure::Media(why) => format!("media: {}", shortened(why)),
        DialFailure::BadArgument(why) => format!("bad argument: {}", shortened(why)),
        DialFailure::Limit(why) => format!("limit: {}", shortened(why)),
    }
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn texts(texts: &[String]) -> String {
    if texts.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = texts.iter().map(|one| text(one)).collect();
    shortened(&all.join(", "))
}

fn bytes(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(value) => text(value),
        Err(_) => format!("{} bytes", value.len()),
    }
}

fn text(text: &str) -> String {
    format!("{:?}", shortened(text))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
