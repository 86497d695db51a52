//! Inbound lines: what is wrong with their rules, and which rule decides a call that nobody makes, by the code that decides
//! in calls (`scenarios/line`).

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_path_to_error::Segment;
use tandem_host_api::op::ScheduleState;
use tandem_host_api::schedule::Schedule;
use tandem_line::{Call, Decision, Look, Table, When};
use tandem_pattern::{Numbers, Pattern};
use tandem_store::{DomainScope, EntryPoint, TokenScope};
use utoipa::ToSchema;

use super::caller::Caller;
use super::problem::ApiError;
use super::{Api, body};

/// Longest body of a test, in bytes: settings have a mebibyte at most.
pub(super) const BODY_BYTES_MAX: usize = 1 << 20;
/// The stock scenario whose settings are rules.
const LINE: &str = "line";
/// The stock scenario that rings the user whose extension was dialled.
const ENTRY: &str = "entry";
/// Longest number, in bytes.
const NUMBER_MOST: usize = 64;

/// Refuses settings that a line cannot run by, each problem at its place below `at`. Those of other scenarios are their own
/// affair.
pub(super) fn check(scenario: &str, settings: &str, at: &str) -> Result<(), ApiError> {
    if scenario != LINE {
        return Ok(());
    }
    // The store says what is no JSON.
    let Ok(settings) = serde_json::from_str(settings) else {
        return Ok(());
    };
    read(&settings, at).map(drop)
}

/// Reads the settings of a line.
fn read(settings: &Value, at: &str) -> Result<Table, ApiError> {
    let refused = |problems: usize| {
        let words = match problems {
            1 => "the line's rules are wrong: 1 problem".to_owned(),
            more => format!("the line's rules are wrong: {more} problems"),
        };
        ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words)
    };
    let table: Table = serde_path_to_error::deserialize(settings).map_err(|error| {
        let pointer = format!("{at}{}", pointer(error.path()));
        refused(1).at(&pointer, error.into_inner().to_string())
    })?;
    let problems = table.problems();
    if problems.is_empty() {
        return Ok(table);
    }
    let error = refused(problems.len());
    Err(problems.into_iter().fold(error, |error, problem| {
        error.at(&format!("{at}{}", problem.pointer), problem.words)
    }))
}

/// RFC 6901. A destination's kind is a key of its own in JSON.
fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for step in path {
        let name = match step {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                key.replace('~', "~0").replace('/', "~1")
            }
            Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

/// A call that nobody makes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LineTest)]
pub(crate) struct Asked {
    /// What is dialled.
    number: String,
    /// Who calls. None, or `anonymous`: the number is withheld.
    #[serde(default)]
    caller: String,
    /// In the domain's time zone, such as `2026-12-24T10:00`, or exactly, such as `2026-12-24T10:00:00Z`. None: now.
    at: Option<String>,
    /// Settings of a line that decide in the place of those of the number: rules that are not saved yet.
    settings: Option<Value>,
}

/// What becomes of it.
#[derive(Serialize, ToSchema)]
#[schema(as = LineTested)]
pub(crate) struct Tested {
    /// When it is made.
    at: Timestamp,
    /// The same by the domain's clock: `2026-12-24T10:00:00`.
    local: String,
    /// The domain's.
    time_zone: String,
    /// Whether the caller withholds the number.
    withheld: bool,
    /// The number or pattern of the domain that takes it; none: it leads nowhere.
    number: Option<Taker>,
    /// The user who rings, where the stock scenario `entry` takes it; none: nobody's extension or number was dialled.
    user: Option<String>,
    /// None: no line takes it.
    decision: Option<Decided>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LineTestNumber)]
struct Taker {
    number: String,
    title: String,
    scenario: String,
}

/// Where a line sends it.
#[derive(Serialize, ToSchema)]
#[schema(as = LineDecision)]
struct Decided {
    /// The place of the rule that decides, from 0; none: `otherwise` does.
    rule: Option<usize>,
    /// All rules, in order.
    rules: Vec<Looked>,
    /// The destination, as the settings have it.
    to: Value,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LineRuleLook)]
struct Looked {
    name: String,
    /// `decides`, `passes` (it does not fit) or `not_reached` (a rule before it decides).
    result: &'static str,
    /// What holds of the call, up to what does not.
    facts: Vec<Fact>,
}

/// Something that holds of a call, or does not.
#[derive(Serialize, ToSchema)]
#[schema(as = LineFact)]
struct Fact {
    /// `disabled`, `always`, `called`, `caller`, `withheld`, `schedule` or `schedule_unknown`.
    code: &'static str,
    /// Whether it lets the rule fit.
    holds: bool,
    /// The pattern that fits, of `called` and `caller`.
    pattern: Option<String>,
    /// The name of the opening hours.
    schedule: Option<String>,
    /// What they are to be: `open`, `closed` or `holiday`.
    when: Option<&'static str>,
    /// What they are: `open`, `closed` or `holiday`.
    state: Option<&'static str>,
    /// The holiday's name.
    holiday: Option<String>,
    /// For people.
    detail: String,
}

/// Says which number takes a call, and, of a line, which rule decides and why.
#[utoipa::path(post, path = "/lines/test", tag = "numbers", request_body = Asked, responses((status = 200, body = Tested)))]
pub(crate) async fn test(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Tested>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosRead)?;
    let asked: Asked = body::json(body)?;
    if !(1..=NUMBER_MOST).contains(&asked.number.len()) {
        return Err(wrong(
            "/number",
            &format!("a number has 1 to {NUMBER_MOST} characters"),
        ));
    }
    let time_zone = api.store().domain(scope).await?.time_zone;
    let zone = TimeZone::get(&time_zone).unwrap_or(TimeZone::UTC);
    let at = moment(asked.at.as_deref(), &zone)?;
    let draft = asked.settings.as_ref();
    let draft = draft.map(|settings| read(settings, "/settings")).transpose()?;
    let entry = taker(&api, scope, &asked.number).await?;
    let table = match (draft, &entry) {
        (Some(draft), _) => Some(draft),
        (None, Some(entry)) if entry.module == LINE => {
            Some(Table::parse(&entry.config).map_err(|words| wrong("/number", &words))?)
        }
        (None, _) => None,
    };
    let call = Call::new(&asked.number, &asked.caller);
    let decision = match &table {
        Some(table) => {
            let hours = hours(&api, scope, table, at, &zone).await?;
            let decision = tandem_line::decide(table, &call, &mut |name| hours.get(name).cloned());
            Some(Decided::of(table, &decision))
        }
        None => None,
    };
    let user = match &entry {
        Some(entry) if entry.module == ENTRY => user(&api, scope, &asked.number).await?,
        _ => None,
    };
    Ok(Json(Tested {
        at,
        local: at.to_zoned(zone).datetime().to_string(),
        time_zone,
        withheld: call.caller.is_none(),
        number: entry.map(|entry| Taker {
            number: entry.number,
            title: entry.title,
            scenario: entry.module,
        }),
        user,
        decision,
    }))
}

fn wrong(pointer: &str, words: &str) -> ApiError {
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, words).at(pointer, words)
}

fn moment(text: Option<&str>, zone: &TimeZone) -> Result<Timestamp, ApiError> {
    let Some(text) = text else {
        return Ok(Timestamp::now());
    };
    if let Ok(exact) = text.parse() {
        return Ok(exact);
    }
    let local: Result<DateTime, _> = text.parse();
    local
        .and_then(|local| local.to_zoned(zone.clone()))
        .map(|zoned| zoned.timestamp())
        .map_err(|_| wrong("/at", "this is no time: write it as 2026-12-24T10:00"))
}

/// The entry point that takes a dialled number, as the switch finds it.
async fn taker(api: &Api, scope: &DomainScope, dialled: &str) -> Result<Option<EntryPoint>, ApiError> {
    let written = api.store().entry_point_numbers(scope).await?;
    // What the web or an event starts is no pattern.
    let patterns = written.iter().filter_map(|text| Pattern::parse(text).ok());
    let numbers: Numbers = patterns.collect();
    match numbers.find(dialled) {
        Some(number) => Ok(api.store().entry_point(scope, number).await?),
        None => Ok(None),
    }
}

/// The user whose extension a number is, else whose number.
async fn user(api: &Api, scope: &DomainScope, number: &str) -> Result<Option<String>, ApiError> {
    let user = match api.store().user(scope, number).await? {
        Some(user) => Some(user),
        None => api.store().user_of_number(scope, number).await?,
    };
    Ok(user.map(|user| user.name))
}

/// What the hours that a line asks for are at that time. Those that are not there are not known.
async fn hours(
    api: &Api,
    scope: &DomainScope,
    table: &Table,
    at: Timestamp,
    zone: &TimeZone,
) -> Result<BTreeMap<String, tandem_line::State>, ApiError> {
    let mut hours = BTreeMap::new();
    for name in table.schedules() {
        let Some(text) = api.store().schedule(scope, name).await? else {
            continue;
        };
        let Ok(schedule) = serde_json::from_str::<Schedule>(&text) else {
            continue;
        };
        let state = match schedule.status(at, zone).state {
            ScheduleState::Open => tandem_line::State::Open,
            ScheduleState::Closed => tandem_line::State::Closed,
            ScheduleState::Holiday(day) => tandem_line::State::Holiday(day),
        };
        hours.insert(name.to_owned(), state);
    }
    Ok(hours)
}

impl Decided {
    fn of(table: &Table, decision: &Decision<'_>) -> Self {
        let mut rules: Vec<Looked> = decision.looked.iter().map(Looked::of).collect();
        let rest = table.rules.iter().skip(rules.len());
        rules.extend(rest.map(|rule| Looked {
            name: rule.name.clone(),
            result: "not_reached",
            facts: Vec::new(),
        }));
        Self {
            rule: decision.rule,
            rules,
            to: serde_json::to_value(decision.to).unwrap_or_default(),
        }
    }
}

impl Looked {
    fn of(look: &Look<'_>) -> Self {
        Self {
            name: look.name.to_owned(),
            result: if look.fits() { "decides" } else { "passes" },
            facts: look.facts.iter().map(Fact::of).collect(),
        }
    }
}

impl Fact {
    fn of(fact: &tandem_line::Fact<'_>) -> Self {
        let mut told = Self {
            code: fact.code(),
            holds: fact.holds(),
            pattern: None,
            schedule: None,
            when: None,
            state: None,
            holiday: None,
            detail: fact.to_string(),
        };
        match fact {
            tandem_line::Fact::Called(_, pattern) | tandem_line::Fact::Caller(_, pattern) => {
                told.pattern = pattern.map(ToString::to_string);
            }
            tandem_line::Fact::Schedule(name, when, state) => {
                told.schedule = Some((*name).to_owned());
                told.when = Some(match when {
                    When::Open => "open",
                    When::Closed => "closed",
                    When::Holiday => "holiday",
                });
                told.state = state.as_ref().map(|state| match state {
                    tandem_line::State::Open => "open",
                    tandem_line::State::Closed => "closed",
                    tandem_line::State::Holiday(_) => "holiday",
                });
                if let Some(tandem_line::State::Holiday(day)) = state {
                    told.holiday = Some(day.clone());
                }
            }
            tandem_line::Fact::Disabled | tandem_line::Fact::Always | tandem_line::Fact::Withheld(_) => (),
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_at_their_place_in_the_settings() {
        for (settings, place) in [
            (
                r#"{"rules": [{"to": "fall_back", "called": ["1", "3 X"]}]}"#,
                "/settings/rules/0/called/1",
            ),
            (
                r#"{"rules": [{"to": {"user": {"user": "1", "ring_s": "x"}}}]}"#,
                "/settings/rules/0/to/user/ring_s",
            ),
            (
                r#"{"otherwise": {"user": {"user": "1", "ring_s": 0}}}"#,
                "/settings/otherwise/user/ring_s",
            ),
        ] {
            let error = check("line", settings, "/settings").unwrap_err();
            assert!(format!("{error:?}").contains(place), "{settings}: {error:?}");
            assert!(check("hours", settings, "/settings").is_ok());
        }
        assert!(check("line", "{}", "/settings").is_ok());
    }
}
