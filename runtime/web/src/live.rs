//! What goes on at this moment, of each domain: calls in progress, and the events that who looks on is told.
//!
//! Whoever makes calls and registrations says so to [`Live`]; the API reads it. Saying something costs a lock for a
//! moment and no waiting: an event is written once for all who look on, and one whose queue is full counts it as lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// Events that wait for one who looks on.
const WAITING_MOST: usize = 256;
/// Minutes of which calls are counted.
const MINUTES: usize = 60;

/// A call in progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ActiveCall {
    /// As its record will have it.
    pub id: String,
    /// Who calls.
    pub caller: String,
    /// What was dialled.
    pub dialled: String,
    /// The number or pattern that it leads to.
    pub number: String,
    /// The scenario's name.
    pub scenario: String,
    /// When it came.
    pub started_at: Timestamp,
    /// When its caller was answered; none: it was not.
    pub answered_at: Option<Timestamp>,
    /// The step that its scenario is at, as that calls it.
    pub node: Option<String>,
}

/// How a call has gone on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallState {
    /// It has begun.
    Started,
    /// Its caller was answered.
    Answered,
    /// It is over.
    Ended,
}

/// How a device's registration has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationChange {
    /// It is new.
    Added,
    /// It was there.
    Refreshed,
    /// It is gone.
    Removed,
}

/// A line of a scenario's log.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct LogEvent<'a> {
    /// The scenario's name.
    pub scenario: &'a str,
    /// `debug`, `info`, `warn`, `error`.
    pub level: &'a str,
    /// What it wrote.
    pub text: &'a str,
    /// The call, or another run.
    pub call: &'a str,
}

/// What is counted of the last hour.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LastHour {
    /// Calls that began in each of the last 60 minutes, the oldest first; the last one is under way.
    pub calls_per_minute: Vec<u64>,
    /// Of the calls that ended in these minutes, the share whose caller was answered, from 0 to 1; none: none ended.
    pub answered_share: Option<f64>,
}

/// What a domain's calls did in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallMinute {
    /// Calls in progress now.
    pub active: u64,
    /// Calls that began in the minute.
    pub begun: u64,
    /// Calls that ended in it.
    pub ended: u64,
    /// Of those that ended: calls whose caller was answered.
    pub answered: u64,
}

/// What goes on; a clone is another hold on the same.
#[derive(Debug, Clone, Default)]
pub struct Live {
    shared: Arc<Mutex<HashMap<String, Domain>>>,
}

#[derive(Debug, Default)]
struct Domain {
    calls: BTreeMap<String, ActiveCall>,
    watchers: Vec<(mpsc::Sender<Bytes>, Arc<AtomicU64>)>,
    minutes: Minutes,
}

#[derive(Debug)]
struct Minutes([Minute; MINUTES]);

#[derive(Debug, Clone, Copy, Default)]
struct Minute {
    /// Since 1970.
    number: i64,
    started: u64,
    ended: u64,
    answered: u64,
}

impl Default for Minutes {
    fn default() -> Self {
        Self([Minute::default(); MINUTES])
    }
}

impl Minutes {
    fn at(&mut self, now: Timestamp) -> Option<&mut Minute> {
        let number = now.as_second().div_euclid(60);
        let minute = self.0.get_mut(number.rem_euclid(MINUTES as i64) as usize)?;
        if minute.number != number {
            *minute = Minute {
                number,
                ..Minute::default()
            };
        }
        Some(minute)
    }

    /// The last ones that had something, with how many minutes ago.
    fn last(&self, now: Timestamp) -> impl Iterator<Item = (usize, Minute)> {
        let this = now.as_second().div_euclid(60);
        self.0.iter().filter_map(move |minute| {
            let ago = usize::try_from(this - minute.number).ok()?;
            (ago < MINUTES).then_some((ago, *minute))
        })
    }
}

/// Somebody who looks on at a domain.
#[derive(Debug)]
pub(crate) struct Watcher {
    events: mpsc::Receiver<Bytes>,
    lost: Arc<AtomicU64>,
}

impl Watcher {
    /// The next event, as it goes into the stream. Never none: who says something holds the other end.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        match self.events.recv().await {
            Some(event) => match self.lost.swap(0, Ordering::Relaxed) {
                0 => Some(event),
                // What was lost came after what waits: it is told behind it.
                lost => Some([event, written("lost", &json!({ "n": lost }))].concat().into()),
            },
            None => None,
        }
    }
}

impl Live {
    /// A call has begun: told, and counted.
    pub fn call_started(&self, domain: &str, call: ActiveCall) {
        let mut domains = self.lock();
        let it = domains.entry(domain.to_owned()).or_default();
        if let Some(minute) = it.minutes.at(Timestamp::now()) {
            minute.started += 1;
        }
        it.tell("call", || told(&call, CallState::Started, call.started_at));
        it.calls.insert(call.id.clone(), call);
    }

    /// A call is in progress, from before this process or with another scenario: not told.
    pub fn call_goes_on(&self, domain: &str, call: ActiveCall) {
        let mut domains = self.lock();
        let it = domains.entry(domain.to_owned()).or_default();
        match it.calls.get_mut(&call.id) {
            Some(known) => known.scenario = call.scenario,
            None => drop(it.calls.insert(call.id.clone(), call)),
        }
    }

    /// The caller was answered.
    pub fn call_answered(&self, domain: &str, id: &str, at: Timestamp) {
        let mut domains = self.lock();
        let Some(it) = domains.get_mut(domain) else { return };
        let Some(call) = it.calls.get_mut(id) else { return };
        call.answered_at = Some(at);
        let call = call.clone();
        it.tell("call", || told(&call, CallState::Answered, at));
    }

    /// The call's scenario has come to a step.
    pub fn call_at_step(&self, domain: &str, id: &str, node: &str) {
        let mut domains = self.lock();
        let call = domains.get_mut(domain).and_then(|it| it.calls.get_mut(id));
        if let Some(call) = call {
            call.node = Some(node.to_owned());
        }
    }

    /// The call is over. One that was refused before it began is told too.
    pub fn call_ended(&self, domain: &str, call: &ActiveCall, at: Timestamp) {
        let mut domains = self.lock();
        let it = domains.entry(domain.to_owned()).or_default();
        it.calls.remove(&call.id);
        if let Some(minute) = it.minutes.at(Timestamp::now()) {
            minute.ended += 1;
            minute.answered += u64::from(call.answered_at.is_some());
        }
        it.tell("call", || told(call, CallState::Ended, at));
    }

    /// A device's registration has changed.
    pub fn registration(&self, domain: &str, user: &str, contact: &str, what: RegistrationChange) {
        self.tell(
            domain,
            "registration",
            || json!({ "user": user, "contact": contact, "what": what }),
        );
    }

    /// A scenario has logged something.
    pub fn logged(&self, domain: &str, line: LogEvent<'_>) {
        self.tell(domain, "log", || json!(line));
    }

    /// The domain's calls in progress, the oldest first.
    pub(crate) fn calls(&self, domain: &str) -> Vec<ActiveCall> {
        let domains = self.lock();
        let calls = domains.get(domain).map(|it| it.calls.values().cloned().collect());
        let mut calls: Vec<ActiveCall> = calls.unwrap_or_default();
        calls.sort_by_key(|call| call.started_at);
        calls
    }

    /// How many calls are in progress, of a domain or of all.
    pub(crate) fn count(&self, domain: Option<&str>) -> usize {
        let domains = self.lock();
        let these = domains
            .iter()
            .filter(|(name, _)| domain.is_none_or(|domain| domain == *name));
        these.map(|(_, it)| it.calls.len()).sum()
    }

    /// What was counted in the last hour, of a domain or of all.
    pub(crate) fn last_hour(&self, domain: Option<&str>, now: Timestamp) -> LastHour {
        let domains = self.lock();
        let these = domains
            .iter()
            .filter(|(name, _)| domain.is_none_or(|domain| domain == *name));
        let (mut calls, mut ended, mut answered) = (vec![0; MINUTES], 0_u64, 0_u64);
        for (ago, minute) in these.flat_map(|(_, it)| it.minutes.last(now)) {
            if let Some(calls) = calls.get_mut(MINUTES - 1 - ago) {
                *calls += minute.started;
            }
            ended += minute.ended;
            answered += minute.answered;
        }
        #[allow(clippy::cast_precision_loss, reason = "calls of an hour are few")]
        let answered_share = (ended > 0).then(|| answered as f64 / ended as f64);
        LastHour {
            calls_per_minute: calls,
            answered_share,
        }
    }

    /// What calls did in one of the last 60 minutes, by domain. `number`: minutes since 1970.
    pub fn minute(&self, number: i64) -> HashMap<String, CallMinute> {
        let domains = self.lock();
        let minute = |it: &Domain| {
            let counted = it.minutes.0.iter().find(|minute| minute.number == number);
            let counted = counted.copied().unwrap_or_default();
            CallMinute {
                active: it.calls.len() as u64,
                begun: counted.started,
                ended: counted.ended,
                answered: counted.answered,
            }
        };
        domains
            .iter()
            .map(|(name, it)| (name.clone(), minute(it)))
            .collect()
    }

    /// Looks on at a domain from now on.
    pub(crate) fn watch(&self, domain: &str) -> Watcher {
        let (sender, events) = mpsc::channel(WAITING_MOST);
        let lost = Arc::<AtomicU64>::default();
        let mut domains = self.lock();
        let it = domains.entry(domain.to_owned()).or_default();
        it.watchers.push((sender, Arc::clone(&lost)));
        Watcher { events, lost }
    }

    fn tell(&self, domain: &str, event: &str, data: impl FnOnce() -> Value) {
        if let Some(it) = self.lock().get_mut(domain) {
            it.tell(event, data);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Domain>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Domain {
    fn tell(&mut self, event: &str, data: impl FnOnce() -> Value) {
        self.watchers.retain(|(sender, _)| !sender.is_closed());
        if self.watchers.is_empty() {
            return;
        }
        let event = written(event, &data());
        for (sender, lost) in &self.watchers {
            if sender.try_send(event.clone()).is_err() {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

fn told(call: &ActiveCall, state: CallState, at: Timestamp) -> Value {
    json!({
        "id": call.id,
        "state": state,
        "caller": call.caller,
        "dialled": call.dialled,
        "number": call.number,
        "scenario": call.scenario,
        "at": at,
    })
}

/// As it goes into the stream (HTML §9.2.6). JSON has no line breaks.
fn written(event: &str, data: &Value) -> Bytes {
    format!("event: {event}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> ActiveCall {
        ActiveCall {
            id: id.to_owned(),
            caller: "301".to_owned(),
            dialled: "100".to_owned(),
            number: "100".to_owned(),
            scenario: "menu".to_owned(),
            started_at: Timestamp::now(),
            answered_at: None,
            node: None,
        }
    }

    async fn next(watcher: &mut Watcher) -> String {
        String::from_utf8(watcher.next().await.unwrap().to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_looks_on_is_told_of_its_own_domain_alone() {
        let live = Live::default();
        let (mut ours, mut theirs) = (live.watch("a.org"), live.watch("b.org"));
        live.call_started("a.org", call("1"));
        live.call_answered("a.org", "1", Timestamp::now());
        live.call_at_step("a.org", "1", "greet");
        live.registration("b.org", "301", "sip:301@x", RegistrationChange::Added);
        assert!(next(&mut ours).await.contains("\"state\":\"started\""));
        assert!(next(&mut ours).await.contains("\"state\":\"answered\""));
        let told = next(&mut theirs).await;
        assert!(told.starts_with("event: registration\ndata: {"), "{told}");

        let active = live.calls("a.org");
        assert_eq!(active[0].node.as_deref(), Some("greet"));
        assert!(active[0].answered_at.is_some() && live.calls("b.org").is_empty());
        live.call_ended("a.org", &active[0], Timestamp::now());
        assert!(next(&mut ours).await.contains("\"state\":\"ended\""));
        assert_eq!((live.count(None), live.count(Some("a.org"))), (0, 0));
        let hour = live.last_hour(Some("a.org"), Timestamp::now());
        assert_eq!(hour.calls_per_minute.iter().sum::<u64>(), 1);
        assert_eq!(
            (hour.calls_per_minute.len(), hour.answered_share),
            (60, Some(1.0))
        );
        assert_eq!(
            live.last_hour(Some("b.org"), Timestamp::now()).answered_share,
            None
        );
    }

    #[tokio::test]
    async fn who_does_not_keep_up_is_told_how_much_is_lost() {
        let live = Live::default();
        let mut slow = live.watch("a.org");
        for _ in 0..WAITING_MOST + 7 {
            live.registration("a.org", "301", "sip:301@x", RegistrationChange::Refreshed);
        }
        let first = next(&mut slow).await;
        assert!(first.ends_with("event: lost\ndata: {\"n\":7}\n\n"), "{first}");
        assert!(!next(&mut slow).await.contains("lost"));
        drop(slow);
        live.registration("a.org", "301", "sip:301@x", RegistrationChange::Removed);
        assert!(live.lock()["a.org"].watchers.is_empty());
    }

    #[test]
    fn a_minute_tells_what_its_calls_did_by_domain() {
        let live = Live::default();
        let before = Timestamp::now().as_second().div_euclid(60);
        live.call_started("a.example", call("1"));
        live.call_started("a.example", call("2"));
        live.call_ended("a.example", &call("1"), Timestamp::now());
        live.call_started("b.example", call("3"));
        let after = Timestamp::now().as_second().div_euclid(60);
        let sum = |domain: &str, pick: fn(&CallMinute) -> u64| -> u64 {
            let minutes = before..=after; // two, where one has just ended
            minutes
                .map(|number| live.minute(number).get(domain).map_or(0, pick))
                .sum()
        };
        assert_eq!(
            (sum("a.example", |it| it.begun), sum("a.example", |it| it.ended)),
            (2, 1)
        );
        assert_eq!(
            (sum("b.example", |it| it.begun), sum("b.example", |it| it.ended)),
            (1, 0)
        );
        assert_eq!(live.minute(after)["a.example"].active, 1);
        assert_eq!(
            live.minute(after - 1).get("a.example").map(|it| it.active),
            Some(1)
        );
    }
}
