//! Scripts: what people write to say how a call goes, in TOML.
//!
//! A file has a world and cases; a case may say what is different in its world. Unknown keys, bad values and whatever
//! contradicts itself are refused with the line. The format is documented in `docs/scenarios/testing.md`.

mod load;
mod services;
mod shape;
mod start;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use jiff::civil::date;
use jiff::tz::TimeZone;

use crate::case;
use crate::case::{Case, Expect, Reaction, Ringing, Then, User, World};
pub use load::{LoadError, load, waves};
use words::Time;

/// A script that was read.
#[derive(Debug, Clone)]
pub struct Script {
    /// The component's file, relative to the script's folder; none: the project's.
    pub scenario: Option<String>,
    /// Its calls, in order.
    pub cases: Vec<Case>,
}

/// What is wrong with a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ScriptError {
    /// Counted from 1.
    pub line: usize,
    /// In words.
    pub reason: String,
}

/// Reads a text file by its name; an error says why not.
pub type ReadText<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// What lies beside a script.
#[derive(Default)]
pub struct Beside<'a> {
    /// How long each WAV file is.
    pub waves: BTreeMap<String, Duration>,
    /// Reads a text file; none: there are no files.
    pub read: Option<&'a ReadText<'a>>,
}

/// Most cases of a file.
const CASES_MAX: usize = 1_000;
/// Most acts of a party.
const ACTS_MAX: usize = 1_000;

impl Script {
    /// Reads a script.
    pub fn parse(text: &str, beside: &Beside<'_>) -> Result<Self, ScriptError> {
        let shape: shape::Script = toml::from_str(text).map_err(|error| ScriptError {
            line: line_of(text, error.span().unwrap_or_default().start),
            reason: error.message().trim().replace('\n', ", "),
        })?;
        let at = |span: Range<usize>, reason: String| ScriptError {
            line: line_of(text, span.start),
            reason,
        };
        if shape.case.is_empty() {
            return Err(at(0..0, "there is no [[case]]".to_owned()));
        }
        if shape.case.len() > CASES_MAX {
            return Err(at(0..0, format!("a script has at most {CASES_MAX} cases")));
        }
        let mut cases = Vec::new();
        let mut names = BTreeSet::new();
        for case in shape.case {
            let span = case.span();
            let case = case.into_inner();
            let whole = |reason| at(span.clone(), format!("case {:?}: {reason}", case.name));
            if !names.insert(case.name.clone()) {
                return Err(whole("another case has that name".to_owned()));
            }
            if case.name.trim().is_empty() || case.name.contains('\n') {
                return Err(whole("a case needs a name of one line".to_owned()));
            }
            let world = world(&shape.world, &case.world, beside, &at).map_err(|problem| match problem {
                Problem::At(error) => error,
                Problem::InCase(reason) => whole(reason),
            })?;
            let acts: Vec<case::Act> = case.acts.iter().cloned().map(Into::into).collect();
            if acts.len() > ACTS_MAX {
                return Err(whole(format!("a caller has at most {ACTS_MAX} acts")));
            }
            let start = start::start(case.request, case.event, &world, &acts, &case.expect).map_err(whole)?;
            cases.push(Case {
                world,
                start,
                acts,
                expect: expect(case.expect).map_err(whole)?,
                name: case.name,
            });
        }
        Ok(Self {
            scenario: shape.scenario,
            cases,
        })
    }
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, byte: usize) -> usize {
    let before = text.as_bytes().get(..byte).unwrap_or_default();
    before.split(|byte| *byte == b'\n').count()
}

enum Problem {
    At(ScriptError),
    InCase(String),
}

/// The file's world with what the case says differently.
fn world(
    all: &shape::World,
    own: &shape::World,
    beside: &Beside<'_>,
    at: &dyn Fn(Range<usize>, String) -> ScriptError,
) -> Result<World, Problem> {
    let text = |pick: fn(&shape::World) -> &Option<String>, default: &str| {
        pick(own)
            .as_ref()
            .or(pick(all).as_ref())
            .map_or_else(|| default.to_owned(), Clone::clone)
    };
    let time = |pick: fn(&shape::World) -> Option<Time>, default: Duration| {
        pick(own).or(pick(all)).map_or(default, |Time(time)| time)
    };
    let zone = own.time_zone.as_ref().or(all.time_zone.as_ref());
    let time_zone = zone.map_or(TimeZone::UTC, |zone| zone.0.clone());
    let start = match own.start.as_ref().or(all.start.as_ref()) {
        Some(start) => start
            .get_ref()
            .timestamp(&time_zone)
            .map_err(|reason| Problem::At(at(start.span(), reason)))?,
        // A Monday morning, where the domain is.
        None => words::Moment::Local(date(2026, 1, 5).at(10, 0, 0, 0))
            .timestamp(&time_zone)
            .map_err(Problem::InCase)?,
    };
    let number = text(|w| &w.number, "100");
    let mut headers = BTreeMap::new();
    for (name, values) in all.headers.iter().chain(&own.headers) {
        headers.insert(name.to_ascii_lowercase(), values.0.clone());
    }
    let mut files = beside.waves.clone();
    let given = all.files.iter().chain(&own.files);
    files.extend(given.map(|(name, Time(length))| (name.clone(), *length)));
    let pairs = all.key_values.iter().chain(&own.key_values);
    Ok(World {
        domain: text(|w| &w.domain, "test.example"),
        entry_point: text(|w| &w.entry_point, &number),
        number,
        caller: text(|w| &w.caller, "301"),
        caller_name: text(|w| &w.caller_name, ""),
        headers,
        settings: settings(all, own, beside, at)?,
        start,
        time_zone,
        seed: own.seed.or(all.seed).unwrap_or(1),
        users: users(all, own).map_err(Problem::InCase)?,
        files,
        key_values: pairs
            .map(|(key, value)| (key.clone(), value.clone().into_bytes()))
            .collect(),
        schedules: services::schedules(all, own),
        contacts: services::contacts(all, own),
        http: services::http(all, own).map_err(Problem::InCase)?,
        mail: services::mail(all, own).map_err(Problem::InCase)?,
        boxes: services::boxes(all, own, &text(|w| &w.domain, "test.example")),
        data: own.data.clone().or(all.data.clone()),
        ringing: ringing(all, own).map_err(Problem::InCase)?,
        speech_per_character: time(|w| w.speech_per_character, Duration::from_millis(60)),
        lasts_at_most: time(|w| w.lasts_at_most, Duration::from_hours(1)),
        fallback_status: 480,
    })
}

/// The configuration as JSON text; a case's own takes the place of the file's.
fn settings(
    all: &shape::World,
    own: &shape::World,
    beside: &Beside<'_>,
    at: &dyn Fn(Range<usize>, String) -> ScriptError,
) -> Result<String, Problem> {
    for world in [own, all] {
        match (&world.settings, &world.settings_file) {
            (Some(_), Some(file)) => {
                let reason = "settings and settings_file are both given".to_owned();
                return Err(Problem::At(at(file.span(), reason)));
            }
            (Some(table), None) => {
                return serde_json::to_string(table)
                    .map_err(|error| Problem::InCase(format!("settings: {error}")));
            }
            (None, Some(file)) => {
                let read = beside.read.map_or_else(
                    || Err("there are no files here".to_owned()),
                    |read| read(file.get_ref()),
                );
                return read.map_err(|reason| Problem::At(at(file.span(), reason)));
            }
            (None, None) => (),
        }
    }
    Ok("{}".to_owned())
}

fn users(all: &shape::World, own: &shape::World) -> Result<BTreeMap<String, User>, String> {
    let names: BTreeSet<&String> = all.users.keys().chain(own.users.keys()).collect();
    let nobody = shape::User::default();
    let mut users = BTreeMap::new();
    for name in names {
        let (base, over) = (
            all.users.get(name).unwrap_or(&nobody),
            own.users.get(name).unwrap_or(&nobody),
        );
        let dialled = over.dialled.as_ref().or(base.dialled.as_ref());
        let dialled = match dialled {
            Some(several) => several
                .0
                .iter()
                .map(|one| reaction(one).map_err(|reason| format!("user {name:?}: {reason}")))
                .collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        let user = User {
            display_name: over
                .display_name
                .clone()
                .or(base.display_name.clone())
                .unwrap_or_default(),
            registered: over.registered.or(base.registered).unwrap_or(true),
            numbers: over.numbers.clone().or(base.numbers.clone()).unwrap_or_default(),
            dialled,
        };
        users.insert(name.clone(), user);
    }
    Ok(users)
}

/// The file's calls with the case's own over them, by who is called.
fn ringing(all: &shape::World, own: &shape::World) -> Result<BTreeMap<String, Ringing>, String> {
    let both = all.ringing.iter().chain(&own.ringing);
    both.map(|(user, shape)| {
        if shape.acts.len() > ACTS_MAX {
            return Err(format!("who calls {user:?} has at most {ACTS_MAX} acts"));
        }
        let ringing = Ringing {
            from: shape.from.clone(),
            acts: shape.acts.iter().cloned().map(Into::into).collect(),
        };
        Ok((user.clone(), ringing))
    })
    .collect()
}

fn reaction(shape: &shape::Reaction) -> Result<Reaction, String> {
    let then = match (shape.then, shape.status) {
        (shape::Then::Refuse, None) => return Err("then = \"refuse\" needs a status".to_owned()),
        (shape::Then::Refuse, Some(status)) => Then::Refuse(status.0),
        (_, Some(_)) => return Err("a status goes with then = \"refuse\" alone".to_owned()),
        (shape::Then::Answer, None) => Then::Answer,
        (shape::Then::Ring, None) => Then::Ring,
        (shape::Then::Decline, None) => Then::Decline,
        (shape::Then::Busy, None) => Then::Refuse(486),
        (shape::Then::Unreachable, None) => Then::Refuse(408),
    };
    if then != Then::Answer && !shape.acts.is_empty() {
        return Err("only who answers has acts".to_owned());
    }
    if then == Then::Ring && shape.after.is_some() {
        return Err("then = \"ring\" rings for ever: it has no `after`".to_owned());
    }
    if shape.acts.len() > ACTS_MAX {
        return Err(format!("a callee has at most {ACTS_MAX} acts"));
    }
    let default = match then {
        // People need a moment.
        Then::Answer | Then::Decline => Duration::from_secs(2),
        Then::Ring | Then::Refuse(_) => Duration::ZERO,
    };
    Ok(Reaction {
        after: shape.after.map_or(default, |Time(time)| time),
        then,
        acts: shape.acts.iter().cloned().map(Into::into).collect(),
    })
}

fn expect(shape: shape::Expect) -> Result<Expect, String> {
    Ok(Expect {
        response: shape.response.map(start::response).transpose()?,
        hears: shape.hears,
        never_hears: shape.never_hears,
        steps: shape.steps,
        dials: shape.dials,
        bridged: shape.bridged.map(|Time(time)| time),
        ended_by: shape.ended_by.map(|by| match by {
            shape::EndedBy::Caller => case::EndedBy::Caller,
            shape::EndedBy::Callee => case::EndedBy::Callee,
            shape::EndedBy::Scenario => case::EndedBy::Scenario,
        }),
        cause: shape.cause.map(|cause| cause.0),
        lasts: shape.lasts.map(|Time(time)| time),
        scenario: shape.scenario.map(|end| match end {
            shape::ScenarioEnd::Returned => case::ScenarioEnd::Returned,
            shape::ScenarioEnd::Failed => case::ScenarioEnd::Failed,
            shape::ScenarioEnd::Trapped => case::ScenarioEnd::Trapped,
            shape::ScenarioEnd::OverBudget => case::ScenarioEnd::OverBudget,
            shape::ScenarioEnd::CallOver => case::ScenarioEnd::CallOver,
        }),
        error: shape.error,
        log: shape.log,
        requests: shape.requests,
        originates: shape.originates,
        timers: shape.timers,
        metrics: shape.metrics,
        mails: shape.mails,
        voicemail: shape.voicemail,
        key_values: shape
            .key_values
            .into_iter()
            .map(|(key, value)| (key, value.0))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        match Script::parse(text, &Beside::default()) {
            Ok(_) => "fine".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn each_mistake_is_told_with_its_line() {
        let case = "[[case]]\nname = 'a'\n";
        let cases = [
            (String::new(), "line 1: there is no [[case]]"),
            (format!("{case}act = []"), "line 3: unknown field `act`"),
            (
                format!("{case}acts = [{{ press = '1x' }}]"),
                "line 3: 'x' is no digit",
            ),
            (
                format!("{case}acts = [{{ wait = '2' }}]"),
                "line 3: \"2\" is no time",
            ),
            (format!("{case}acts = ['jump']"), "line 3: unknown variant `jump`"),
            (
                format!("{case}acts = [\n  'hang-up',\n  {{ push = '1' }},\n]"),
                "line 5: unknown variant `push`",
            ),
            (
                format!("{case}{case}"),
                "line 3: case \"a\": another case has that name",
            ),
            (
                format!("{case}[case.world]\ntime_zone = 'Nowhere'"),
                "line 4: \"Nowhere\" is no time zone",
            ),
            (
                format!("{case}[case.world]\nsettings_file = 'x.json'"),
                "line 4: there are no files here",
            ),
            (
                format!("{case}[case.world.users.302]\ndialled = {{ then = 'refuse' }}"),
                "case \"a\": user \"302\": then = \"refuse\" needs a status",
            ),
            (
                format!("{case}[case.world.users.302]\ndialled = {{ then = 'refuse', status = 200 }}"),
                "line 4: a device cannot refuse with 200",
            ),
            (
                format!("{case}[case.world.users.302]\ndialled = [{{ then = 'busy' }}, {{ than = 'busy' }}]"),
                "line 4: unknown field `than`",
            ),
            (
                format!("{case}[case.expect]\ncause = 'bored'"),
                "line 4: \"bored\" is no cause",
            ),
            (
                format!("{case}[case.expect]\nkey_values = {{ a = 1 }}"),
                "line 4: 1 is no value of a key",
            ),
            (
                format!("{case}request = {{ path = 'orders' }}"),
                "case \"a\": request: the path \"orders\" does not begin with /",
            ),
            (
                format!("{case}event = {{ kind = 'timer' }}\nrequest = {{ path = '/' }}"),
                "case \"a\": a request and an event are both given",
            ),
            (
                format!("{case}event = {{ kind = 'timer' }}\nacts = ['hang-up']"),
                "case \"a\": only a call has acts",
            ),
            (
                format!("{case}[case.expect.response]\nstatus = 200"),
                "case \"a\": only a request has a response",
            ),
            (format!("{case}["), "line 3: "),
        ];
        for (text, expected) in cases {
            let found = problem(&text);
            assert!(found.contains(expected), "{text}\n{found}");
        }
    }

    #[test]
    fn a_case_has_its_files_world_but_for_what_it_says() {
        let text = "
            [world]
            number = '200'
            time_zone = 'Europe/Moscow'
            start = 2026-03-02T09:00:00
            headers = { X-Account = '7' }
            [world.users.302]
            display_name = 'Bob'
            dialled = { then = 'busy' }
            [[case]]
            name = 'busy'
            [[case]]
            name = 'answers'
            world.start = 2026-03-02T09:00:00Z
            world.users.302.dialled = [{ after = '3s', acts = [{ talk = '1m 30s' }, 'hang-up'] }]
        ";
        let script = Script::parse(text, &Beside::default()).unwrap();
        let [busy, answers] = &script.cases[..] else {
            panic!("two cases")
        };
        assert_eq!(busy.world.number, "200");
        assert_eq!(busy.world.entry_point, "200");
        assert_eq!(busy.world.start.to_string(), "2026-03-02T06:00:00Z");
        assert_eq!(busy.world.headers["x-account"], ["7"]);
        assert_eq!(busy.world.users["302"].dialled[0].then, Then::Refuse(486));
        assert_eq!(answers.world.start.to_string(), "2026-03-02T09:00:00Z");
        let bob = &answers.world.users["302"];
        assert_eq!(
            (bob.display_name.as_str(), bob.dialled[0].then),
            ("Bob", Then::Answer)
        );
        assert_eq!(
            bob.dialled[0].acts,
            [case::Act::Talk(Duration::from_secs(90)), case::Act::HangUp]
        );
    }
}
