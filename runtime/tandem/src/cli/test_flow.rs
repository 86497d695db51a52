//! `tandem test-flow`: the other side of [`crate::flows`].

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use rustix::process::{Resource, Rlimit, nice, setrlimit};
use tandem_host_api::End;
use tandem_host_api::schedule::Schedule;
use tandem_simulator::case::{Act, Case, Expect, MailAnswer, Reaction, Start, Then, User, World};
use tandem_simulator::{Played, expect, play, script};
use tandem_web::{Answers, TestAsked, Tested, TestedEnd, TestedStep};

use super::{Context, Failure, scenario};
use crate::stock;

/// Longest order.
const ORDER_BYTES_MAX: u64 = 16 << 20;
/// How much less than calls this matters.
const NICE: i32 = 10;
/// Seconds of CPU time, the component's compilation included.
const CPU_S: u64 = 20;
/// Who answers does so after this time.
const ANSWERS_AFTER: Duration = Duration::from_secs(2);
/// And hangs up after this one.
const TALKS: Duration = Duration::from_secs(10);
/// A call that lasts longer than this is given up.
const LASTS_AT_MOST: Duration = Duration::from_hours(4);
/// How long a character of spoken text takes, about.
const SPEECH_PER_CHARACTER: Duration = Duration::from_millis(60);

/// Reads what is asked from the standard input, plays the call and writes what there is to tell.
pub fn run(context: &Context) -> Result<(), Failure> {
    let _ = nice(NICE); // where this is not allowed, they share
    let cpu = Rlimit {
        current: Some(CPU_S),
        maximum: Some(CPU_S + 1),
    };
    setrlimit(Resource::Cpu, cpu).map_err(io::Error::from)?;
    let mut order = Vec::new();
    io::stdin().lock().take(ORDER_BYTES_MAX).read_to_end(&mut order)?;
    let asked: TestAsked = serde_json::from_slice(&order)
        .map_err(|error| Failure::Usage(format!("only the server itself starts this: {error}")))?;
    let case = Arc::new(case(asked, &context.data)?);
    let engine = scenario::engine_with(Some(context.data.join("compiled")))?;
    let flow = engine
        .load(stock::FLOW)
        .map_err(|error| Failure::Failed(error.to_string()))?;
    let tested = tested(play(&engine, &flow, &case));
    io::stdout().write_all(&serde_json::to_vec(&tested)?)?;
    Ok(())
}

fn case(asked: TestAsked, data: &Path) -> Result<Case, Failure> {
    let time_zone = TimeZone::get(&asked.time_zone)
        .map_err(|error| Failure::Usage(format!("the domain's time zone: {error}")))?;
    let mut schedules = BTreeMap::new();
    for (name, document) in &asked.schedules {
        let schedule: Schedule = serde_json::from_str(document)
            .map_err(|error| Failure::Usage(format!("the schedule {name}: {error}")))?;
        schedules.insert(name.clone(), schedule);
    }
    let acts = asked.digits.iter().flat_map(|press| {
        let wait = Act::Wait(Duration::from_millis(press.after_ms));
        [wait, Act::Press(press.digit.to_string())]
    });
    let acts = acts.collect();
    let files = prompts(&data.join("prompts").join(&asked.domain));
    let users = users(&asked);
    Ok(Case {
        name: "test".to_owned(),
        world: World {
            domain: asked.domain,
            entry_point: asked.dialled.clone(),
            number: asked.dialled,
            caller: asked.caller,
            caller_name: String::new(),
            headers: BTreeMap::new(),
            settings: asked.flow,
            start: asked.at,
            time_zone,
            // The same test at another time may draw another lot.
            seed: asked.at.as_millisecond().unsigned_abs(),
            users,
            files,
            key_values: BTreeMap::new(),
            schedules,
            contacts: Vec::new(),
            http: Vec::new(),
            mail: MailAnswer::default(),
            boxes: BTreeMap::new(),
            data: None,
            ringing: BTreeMap::new(),
            speech_per_character: SPEECH_PER_CHARACTER,
            lasts_at_most: LASTS_AT_MOST,
            fallback_status: 480,
        },
        start: Start::Call,
        acts,
        expect: Expect::default(),
    })
}

/// The domain's prompts by both names that they have, with `.wav` and without.
fn prompts(folder: &Path) -> BTreeMap<String, Duration> {
    let mut files = script::waves(folder);
    let short: Vec<(String, Duration)> = files
        .iter()
        .filter_map(|(name, length)| Some((name.strip_suffix(".wav")?.to_owned(), *length)))
        .collect();
    files.extend(short);
    files
}

/// The domain's users, who let it ring, and those of whom something else is said, by a name or by a number.
fn users(asked: &TestAsked) -> BTreeMap<String, User> {
    let of = |then| User {
        registered: true,
        dialled: vec![then],
        ..User::default()
    };
    let mut users: BTreeMap<String, User> = asked
        .users
        .iter()
        .map(|callee| {
            let numbers = callee.numbers.clone();
            let user = User {
                numbers,
                ..of(reaction(Then::Ring))
            };
            (callee.name.clone(), user)
        })
        .collect();
    for (dialled, answers) in &asked.dials {
        let owner = asked.users.iter().find(|callee| callee.numbers.contains(dialled));
        let name = match owner {
            Some(callee) if !users.contains_key(dialled) => &callee.name,
            _ => dialled,
        };
        let then = match answers {
            Answers::Answered => Then::Answer,
            Answers::Busy => Then::Refuse(486),
            Answers::NoAnswer | Answers::Unreachable => Then::Ring,
            Answers::Declined => Then::Decline,
            Answers::Refused => Then::Refuse(403),
            Answers::NotFound => {
                users.remove(name);
                continue;
            }
        };
        let user = users
            .entry(name.clone())
            .or_insert_with(|| of(reaction(Then::Ring)));
        user.registered = *answers != Answers::Unreachable;
        user.dialled = vec![reaction(then)];
    }
    users
}

fn reaction(then: Then) -> Reaction {
    Reaction {
        after: match then {
            Then::Answer | Then::Decline => ANSWERS_AFTER,
            Then::Ring | Then::Refuse(_) => Duration::ZERO,
        },
        acts: match then {
            Then::Answer => vec![Act::Talk(TALKS), Act::HangUp],
            Then::Decline | Then::Ring | Then::Refuse(_) => Vec::new(),
        },
        then,
    }
}

fn tested(played: Played) -> Tested {
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let detail = match &played.end {
        End::Returned | End::CallOver => played.seen.given_up,
        end => Some(format!("the flow {}", expect::described(end))),
    };
    let cause = played.seen.cause.map_or("unavailable", |(cause, _)| cause);
    let steps = played.steps.into_iter().map(|step| TestedStep {
        node: step.id,
        name: step.name,
        from_ms: ms(step.from),
        to_ms: ms(step.to),
        heard: step.heard,
        digits: step.digits,
        went: String::new(),
    });
    Tested {
        steps: steps.collect(),
        end: TestedEnd {
            cause: cause.to_owned(),
            detail,
        },
        log: played.seen.log,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tandem_web::Callee;

    use super::*;

    #[test]
    fn answers_are_set_by_name_or_by_number() {
        let callee = |name: &str, number: &str| Callee {
            name: name.to_owned(),
            numbers: vec![number.to_owned()],
        };
        let dials = [
            ("302", Answers::Busy),
            ("4933", Answers::Answered),
            ("304", Answers::NotFound),
            ("+44", Answers::Unreachable),
        ];
        let asked = TestAsked {
            domain: "a.example".to_owned(),
            time_zone: "UTC".to_owned(),
            flow: "{}".to_owned(),
            caller: "301".to_owned(),
            dialled: "100".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            digits: Vec::new(),
            dials: dials.map(|(name, answers)| (name.to_owned(), answers)).into(),
            users: vec![
                callee("301", "4931"),
                callee("302", "4932"),
                callee("303", "4933"),
                callee("304", "4934"),
            ],
            schedules: BTreeMap::new(),
        };
        let users = users(&asked);
        let then = |name: &str| users[name].dialled[0].then;
        assert_eq!((then("301"), then("302")), (Then::Ring, Then::Refuse(486)));
        assert_eq!((then("303"), users["303"].numbers.len()), (Then::Answer, 1));
        assert!(!users["+44"].registered);
        assert_eq!(users.keys().collect::<Vec<_>>(), ["+44", "301", "302", "303"]);
    }
}
