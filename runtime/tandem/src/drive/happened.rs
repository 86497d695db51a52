//! Notes for event scenarios what happens to calls and users, beside what the records' own transaction notes: a call's
//! end. Tells it to who looks on, too. What a crash cuts off here is not told.

use jiff::Timestamp;
use serde_json::json;
use tandem_directory::Directory;
use tandem_logic::Ended;
use tandem_sip::Moment;
use tandem_store::StoreError;
use tandem_switch::Happening;
use tandem_switch::shard::Start;
use tandem_web::{ActiveCall, Live};

/// A call has begun, or is answered.
pub async fn note_call(directory: &Directory, it: &Happening) {
    let kind = if it.answered {
        "call-answered"
    } else {
        "call-started"
    };
    let mut data = json!({
        "call": it.call,
        "from": it.from,
        "to": it.to,
        "entry_point": it.entry.number,
        "scenario": it.entry.module,
        "started_ms": it.started.unix_micros() / 1_000,
    });
    if let (true, Some(fields)) = (it.answered, data.as_object_mut()) {
        fields.insert("answered_ms".to_owned(), json!(it.at.unix_micros() / 1_000));
    }
    note(directory, &it.domain, kind, &it.call, &data, it.at).await;
}

/// A user has a first device, or the last one is gone.
pub async fn note_user(directory: &Directory, domain: &str, user: &str, registered: bool, at: Moment) {
    let kind = if registered {
        "user-registered"
    } else {
        "user-unregistered"
    };
    let at_ms = at.unix_micros() / 1_000;
    let data = json!({ "user": user, "at_ms": at_ms });
    note(directory, domain, kind, &format!("{user}/{at_ms}"), &data, at).await;
}

/// Tells who looks on that a call has begun, or is answered.
pub fn tell_call(live: &Live, it: &Happening) {
    if it.answered {
        return live.call_answered(&it.domain, &it.call, timestamp(it.at));
    }
    let call = ActiveCall {
        id: it.call.clone(),
        caller: it.from.clone(),
        dialled: it.to.clone(),
        number: it.entry.number.clone(),
        scenario: it.entry.module.clone(),
        started_at: timestamp(it.started),
        answered_at: None,
        node: None,
    };
    live.call_started(&it.domain, call);
}

/// Tells of a call whose scenario runs: it may be from before this process, or have fallen back.
pub fn tell_going_on(live: &Live, start: &Start) {
    let call = ActiveCall {
        id: start.id.clone(),
        caller: start.caller.user.clone(),
        dialled: start.dialled.user.clone(),
        number: start.entry.number.clone(),
        scenario: start.entry.module.clone(),
        started_at: timestamp(start.started),
        answered_at: start.answered.map(timestamp),
        node: None,
    };
    live.call_goes_on(&start.domain, call);
}

/// Tells that a call is over.
pub fn tell_end(live: &Live, ended: &Ended) {
    let summary = &ended.record.summary;
    let call = ActiveCall {
        id: summary.id.clone(),
        caller: summary.from_number.clone(),
        dialled: summary.to_number.clone(),
        number: summary.entry_point.clone().unwrap_or_default(),
        scenario: summary.scenario.clone().unwrap_or_default(),
        started_at: summary.started_at,
        answered_at: summary.answered_at,
        node: None,
    };
    live.call_ended(&ended.domain, &call, summary.ended_at);
}

/// The same moment as it is told outside.
pub fn timestamp(at: Moment) -> Timestamp {
    Timestamp::from_microsecond(at.unix_micros() as i64).unwrap_or_else(|_| Timestamp::now())
}

async fn note(
    directory: &Directory,
    domain: &str,
    kind: &str,
    id: &str,
    data: &serde_json::Value,
    at: Moment,
) {
    if let Err(error) = try_note(directory, domain, kind, id, data, at).await {
        tracing::warn!(%domain, kind, id, %error, "an event could not be noted");
    }
}

async fn try_note(
    directory: &Directory,
    domain: &str,
    kind: &str,
    id: &str,
    data: &serde_json::Value,
    at: Moment,
) -> Result<(), StoreError> {
    // Mostly nobody listens, which the directory remembers: a look into the store for each call would take the
    // connections that calls wait for.
    let Some(found) = directory.domain(domain).await? else {
        return Ok(());
    };
    let entry_point = format!("event:{kind}");
    if !directory.starts(&found, &entry_point).await? {
        return Ok(());
    }
    let at = timestamp(at);
    let id = format!("{kind}/{id}");
    directory
        .store()
        .note_event(found.scope(), &id, &entry_point, at, &data.to_string())
        .await
}
