//! Notes for event scenarios what happens to calls and users, beside what the records' own transaction notes: a call's
//! end. What a crash cuts off here is not told.

use jiff::Timestamp;
use serde_json::json;
use tandem_sip::Moment;
use tandem_store::{Store, StoreError};
use tandem_switch::Happening;

/// A call has begun, or is answered.
pub async fn note_call(store: &Store, it: &Happening) {
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
    note(store, &it.domain, kind, &it.call, &data, it.at).await;
}

/// A user has a first device, or the last one is gone.
pub async fn note_user(store: &Store, domain: &str, user: &str, registered: bool, at: Moment) {
    let kind = if registered {
        "user-registered"
    } else {
        "user-unregistered"
    };
    let at_ms = at.unix_micros() / 1_000;
    let data = json!({ "user": user, "at_ms": at_ms });
    note(store, domain, kind, &format!("{user}/{at_ms}"), &data, at).await;
}

async fn note(store: &Store, domain: &str, kind: &str, id: &str, data: &serde_json::Value, at: Moment) {
    if let Err(error) = try_note(store, domain, kind, id, data, at).await {
        tracing::warn!(%domain, kind, id, %error, "an event could not be noted");
    }
}

async fn try_note(
    store: &Store,
    domain: &str,
    kind: &str,
    id: &str,
    data: &serde_json::Value,
    at: Moment,
) -> Result<(), StoreError> {
    let scope = store.domain_scope(domain).await?;
    let entry_point = format!("event:{kind}");
    // A look costs less than the one place to write, and mostly nobody listens.
    if store.entry_point(&scope, &entry_point).await?.is_none() {
        return Ok(());
    }
    let at = Timestamp::from_microsecond(at.unix_micros() as i64).unwrap_or_else(|_| Timestamp::now());
    let id = format!("{kind}/{id}");
    store
        .note_event(&scope, &id, &entry_point, at, &data.to_string())
        .await
}
