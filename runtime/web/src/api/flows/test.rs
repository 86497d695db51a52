//! A call through a flow that was drawn, or saved, and not published: played in virtual time, with a scripted caller and
//! scripted callees. It is played by whoever makes the [`Api`], out of the way of calls.

use std::collections::BTreeMap;
use std::pin::Pin;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tandem_store::{DomainScope, TokenScope, users};
use utoipa::ToSchema;

use super::super::caller::Caller;
use super::super::problem::ApiError;
use super::super::{Api, body};
use super::{bundle, check};

/// Digits that a caller presses at most.
const DIGITS_MAX: usize = 200;
/// How long a caller waits before a digit at most, in milliseconds.
const AFTER_MAX_MS: u64 = 600_000;
/// Users and numbers whose answers are set at most.
const ANSWERS_MAX: usize = 200;
/// Longest name of a caller, a number or a user, in bytes.
const NAME_MAX: usize = 256;
/// Users of the domain that there are in a test.
const USERS_MAX: usize = 10_000;

/// A call to play.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAsked {
    /// The domain's name.
    pub domain: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// The flow, as JSON text.
    pub flow: String,
    /// Who calls; as `dialled`, at most 256 bytes.
    pub caller: String,
    /// What was dialled.
    pub dialled: String,
    /// When the call begins.
    pub at: Timestamp,
    /// What the caller presses, at most 200 digits.
    pub digits: Vec<Press>,
    /// Who answers how, at most 200; the domain's other users do not.
    pub dials: BTreeMap<String, Answers>,
    /// The domain's users, the first 10,000.
    pub users: Vec<Callee>,
    /// The domain's opening hours, as JSON text.
    pub schedules: BTreeMap<String, String>,
}

/// A digit of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowTestDigit)]
pub struct Press {
    /// How long after the one before, or after the begin of the call; at most 600,000 ms.
    pub after_ms: u64,
    /// `0` to `9`, `*`, `#`, `A` to `D`.
    #[schema(value_type = String)]
    pub digit: char,
}

/// What a user does when dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = FlowTestAnswer)]
pub enum Answers {
    /// Answers after 2 s, talks for 10 s, hangs up.
    Answered,
    /// Is busy.
    Busy,
    /// Lets it ring.
    NoAnswer,
    /// Declines.
    Declined,
    /// Has no device that is registered.
    Unreachable,
    /// Is not there.
    NotFound,
    /// Is refused for another reason.
    Refused,
}

/// A user of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callee {
    /// The user's name.
    pub name: String,
    /// The numbers that lead to the user besides.
    pub numbers: Vec<String>,
}

/// A call that was played.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlowTested)]
pub struct Tested {
    /// The nodes that it entered, in their order.
    pub steps: Vec<TestedStep>,
    /// How it ended.
    pub end: TestedEnd,
    /// What the flow wrote into its log: what could not be played, who could not be reached.
    pub log: Vec<String>,
}

/// A node that a call was in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlowTestedStep)]
pub struct TestedStep {
    /// The node's id; in the flow `sales` within the flow: `sales/ID`.
    pub node: String,
    /// Its name.
    pub name: String,
    /// When it was entered, since the call began.
    pub from_ms: u64,
    /// When it was left.
    pub to_ms: u64,
    /// What the caller heard, in part or to its end.
    pub heard: Vec<String>,
    /// What the caller pressed.
    pub digits: String,
    /// The way by which it was left, inside the node: `next`, `choices.7`, `on.busy`; empty: by none of its own.
    pub went: String,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = FlowTestedEnd)]
pub struct TestedEnd {
    /// As call records have it: `normal`, `busy`, `no-answer`, …; `scenario-failed` where the flow was broken off.
    pub cause: String,
    /// Why it was broken off, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub detail: Option<String>,
}

/// Why no call was played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestRefused {
    /// What was asked for cannot be; in words.
    #[error("{0}")]
    Invalid(String),
    /// It took too long, or there is too much to tell of it; in words.
    #[error("{0}")]
    TooMuch(String),
    /// Something else went wrong; in words.
    #[error("{0}")]
    Failed(String),
}

/// What runs flows.
pub trait Flows: Send + Sync + 'static {
    /// The component that runs the flow that is its settings.
    fn component(&self) -> &[u8];

    /// Plays a call, where that harms no other. The ways ([`TestedStep::went`]) are not looked for.
    fn test(
        &self,
        asked: TestAsked,
    ) -> Pin<Box<dyn Future<Output = Result<Tested, TestRefused>> + Send + '_>>;
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FlowTest)]
pub(crate) struct Wanted {
    /// The flow, without its picture.
    #[schema(value_type = Object)]
    flow: Box<RawValue>,
    /// Who calls.
    caller: String,
    /// What was dialled.
    dialled: String,
    /// When the call begins; none: now.
    at: Option<Timestamp>,
    /// What the caller presses; at most 200.
    #[serde(default)]
    digits: Vec<Press>,
    /// By the user or the number that is dialled: what happens; who is not named lets it ring. At most 200.
    #[serde(default)]
    dials: BTreeMap<String, Answers>,
}

/// Plays a call through a flow and tells each step. Nobody's phone rings, and nothing is stored.
#[utoipa::path(post, path = "/flows/test", tag = "flows", request_body = Wanted, responses((status = 200, body = Tested)))]
pub(crate) async fn test(
    caller: Caller,
    State(api): State<Api>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Tested>, ApiError> {
    let scope = caller.may(TokenScope::ScenariosWrite)?;
    let wanted: Wanted = body::json(body)?;
    wanted.check()?;
    let flow = bundle::whole(&api, scope, wanted.flow.get().to_owned()).await?;
    let problems = check::problems(&api, scope, None, flow.clone()).await?;
    match check::errors(&problems) {
        0 => (),
        errors => return Err(ApiError::bad_flow(errors, &problems)),
    }
    let flows = api.flows()?;
    let _place = api.shared.testing.place(scope, "test of a flow")?;
    let asked = asked(&api, scope, wanted, flow.clone()).await?;
    let mut tested = flows.test(asked).await.map_err(|refused| {
        let status = match &refused {
            TestRefused::Invalid(_) | TestRefused::TooMuch(_) => StatusCode::UNPROCESSABLE_ENTITY,
            TestRefused::Failed(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        ApiError::new(status, refused.to_string())
    })?;
    find_ways(&flow, &mut tested.steps);
    Ok(Json(tested))
}

impl Wanted {
    fn check(&self) -> Result<(), ApiError> {
        let refused = |pointer: &str, detail: String| {
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, detail.clone()).at(pointer, detail))
        };
        for (pointer, name) in [("/caller", &self.caller), ("/dialled", &self.dialled)] {
            if name.is_empty() || name.len() > NAME_MAX {
                return refused(pointer, format!("it has 1 to {NAME_MAX} bytes"));
            }
        }
        if self.digits.len() > DIGITS_MAX {
            return refused("/digits", format!("a caller presses {DIGITS_MAX} digits at most"));
        }
        for (place, press) in self.digits.iter().enumerate() {
            if !matches!(press.digit, '0'..='9' | '*' | '#' | 'A'..='D') {
                let detail = "it is a digit out of 0-9*#A-D".to_owned();
                return refused(&format!("/digits/{place}/digit"), detail);
            }
            if press.after_ms > AFTER_MAX_MS {
                let detail = format!("a caller waits {AFTER_MAX_MS} ms at most");
                return refused(&format!("/digits/{place}/after_ms"), detail);
            }
        }
        let names = self.dials.keys().all(|name| (1..=NAME_MAX).contains(&name.len()));
        if self.dials.len() > ANSWERS_MAX || !names {
            let detail = format!("at most {ANSWERS_MAX} users and numbers, of 1 to {NAME_MAX} bytes");
            return refused("/dials", detail);
        }
        Ok(())
    }
}

/// The call, with what there is in its domain.
async fn asked(api: &Api, scope: &DomainScope, wanted: Wanted, flow: String) -> Result<TestAsked, ApiError> {
    let store = api.store();
    let mut callees = Vec::new();
    let mut after = String::new();
    loop {
        let page = store
            .users_page(scope, "", &after, users::USERS_PAGE_MOST)
            .await?;
        let Some((last, _)) = page.last() else { break };
        after.clone_from(&last.name);
        callees.extend(page.into_iter().map(|(user, numbers)| Callee {
            name: user.name,
            numbers,
        }));
        if callees.len() >= USERS_MAX {
            break;
        }
    }
    let mut schedules = BTreeMap::new();
    for entry in store.schedules(scope).await? {
        if let Some(document) = store.schedule(scope, &entry.name).await? {
            schedules.insert(entry.name, document);
        }
    }
    Ok(TestAsked {
        domain: scope.name().to_owned(),
        time_zone: store.domain(scope).await?.time_zone,
        flow,
        caller: wanted.caller,
        dialled: wanted.dialled,
        at: wanted.at.unwrap_or_else(Timestamp::now),
        digits: wanted.digits,
        dials: wanted.dials,
        users: callees,
        schedules,
    })
}

/// Says of each step by which way of its node the next one was reached.
fn find_ways(flow: &str, steps: &mut [TestedStep]) {
    let Ok(flow) = serde_json::from_str::<Value>(flow) else {
        return;
    };
    let followers: Vec<String> = steps.iter().skip(1).map(|step| step.node.clone()).collect();
    for (step, follower) in steps.iter_mut().zip(followers) {
        let ways = ways_of(&flow, &step.node);
        let mut led: Vec<&str> = ways
            .iter()
            .filter(|(_, target)| *target == follower)
            .map(|(way, _)| way.as_str())
            .collect();
        // Where several lead there: the choice that was pressed; no time-out where something was.
        let pressed = step.digits.chars().last().map(|digit| format!("choices.{digit}"));
        led.sort_by_key(|way| match *way {
            way if Some(way) == pressed.as_deref() => 0,
            way if way.starts_with("choices.") => 4,
            "on_timeout" if pressed.is_some() => 3,
            "on_invalid" if pressed.is_none() => 3,
            "default" => 2,
            _ => 1,
        });
        led.first()
            .copied()
            .unwrap_or_default()
            .clone_into(&mut step.went);
    }
}

/// The ways that a node writes out, and to which steps they lead.
fn ways_of(flow: &Value, step: &str) -> Vec<(String, String)> {
    const WAYS: [&str; 7] = [
        "next",
        "default",
        "then",
        "else",
        "node",
        "on_timeout",
        "on_invalid",
    ];
    let Some((within, body)) = body_of(flow, step) else {
        return Vec::new();
    };
    let to = |target: &Value| target.as_str().map(|target| format!("{within}{target}"));
    let mut ways = Vec::new();
    for (key, value) in body {
        match (value, key.as_str()) {
            (Value::Object(several), "choices" | "on") => {
                let led = several
                    .iter()
                    .filter_map(|(inner, target)| Some((format!("{key}.{inner}"), to(target)?)));
                ways.extend(led);
            }
            (target, way) if WAYS.contains(&way) => {
                ways.extend(to(target).map(|target| (way.to_owned(), target)));
            }
            _ => (),
        }
    }
    ways
}

/// What is before the ids of a step's flow, and what its node does. A node of the flow `sales` within is the step
/// `sales/ID`.
fn body_of<'a>(flow: &'a Value, step: &str) -> Option<(String, &'a serde_json::Map<String, Value>)> {
    let node_of = |part: &'a Value, id: &str| {
        let mut nodes = part.get("nodes")?.as_array()?.iter();
        let node = nodes.find(|node| node.get("id").and_then(Value::as_str) == Some(id))?;
        node.get("do")?.as_object()?.values().next()?.as_object()
    };
    if let Some(body) = node_of(flow, step) {
        return Some((String::new(), body));
    }
    let flows = flow.get("flows")?.as_object()?;
    flows.iter().find_map(|(name, part)| {
        let id = step.strip_prefix(name.as_str())?.strip_prefix('/')?;
        Some((format!("{name}/"), node_of(part, id)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(node: &str, digits: &str) -> TestedStep {
        TestedStep {
            node: node.to_owned(),
            name: String::new(),
            from_ms: 0,
            to_ms: 0,
            heard: Vec::new(),
            digits: digits.to_owned(),
            went: String::new(),
        }
    }

    #[test]
    fn a_step_was_left_by_the_way_that_leads_to_the_next() {
        let flow = r#"{"flows": {"s": {"nodes": [
            {"id": "m", "do": {"if": {"then": "a", "else": "b"}}}, {"id": "a", "do": {"say": {"next": null}}}]}},
            "nodes": [
            {"id": "m", "do": {"menu": {"choices": {"1": "a", "2": "a", "3": "b"}, "on_timeout": "b", "default": "b"}}},
            {"id": "a", "do": {"dial_user": {"user": "302", "on": {"busy": "m"}, "default": "b"}}},
            {"id": "b", "do": {"go_back": {}}}]}"#;
        let mut steps = [
            step("m", "2"),
            step("a", ""),
            step("m", ""),
            step("b", ""),
            step("m", "3"),
            step("b", ""),
            step("s/m", ""),
            step("s/a", ""),
            step("b", ""),
        ];
        find_ways(flow, &mut steps);
        let went: Vec<&str> = steps.iter().map(|step| step.went.as_str()).collect();
        assert_eq!(
            went,
            [
                "choices.2",
                "on.busy",
                "on_timeout",
                "",
                "choices.3",
                "",
                "then",
                "",
                ""
            ]
        );
    }
}
