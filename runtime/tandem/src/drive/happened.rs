//! Notes for event scenarios what happens to calls and users, beside what the records' own transaction notes: a call's
//! end. What a crash cuts off here is not told.

use jiff::Timestamp;
use serde_json::json;
use tandem_directory::Directory;
use tandem_sip::Moment;
use tandem_store::StoreError;
use tandem_switch::Happening;

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
    let at = Timestamp::from_microsecond(at.unix_micros() as i64).unwrap_or_else(|_| Timestamp::now());
    let id = format!("{kind}/{id}");
    directory
        .store()
        .note_event(found.scope(), &id, &entry_point, at, &data.to_string())
        .await
}
