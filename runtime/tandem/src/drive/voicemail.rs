//! Voicemail that scenarios ask for, in the store's words.

use std::time::Duration;

use tandem_host_api::op::{
    Address, VoicemailCounts, VoicemailError, VoicemailMessage, VoicemailOp, VoicemailState, VoicemailValue,
};
use tandem_store::{NewVoicemail, Store, StoreError, Voicemail, VoicemailState as Stored};

use crate::limits;

/// Answers a request to the box `name` of a domain. Each may be asked again: a recording is stored as one message, and
/// marking and deleting do nothing the second time.
pub async fn answer(
    store: &Store,
    domain: &str,
    name: &str,
    op: VoicemailOp,
) -> Result<VoicemailValue, VoicemailError> {
    answered(store, domain, name, op)
        .await
        .map_err(|error| refusal(&error))
}

async fn answered(
    store: &Store,
    domain: &str,
    name: &str,
    op: VoicemailOp,
) -> Result<VoicemailValue, StoreError> {
    let found = store.find_domain(domain).await?;
    let (scope, domain) = found.ok_or(StoreError::Busy)?; // deleted while its call goes on
    Ok(match op {
        VoicemailOp::Store {
            recording,
            caller,
            duration_ms,
        } => {
            let new = NewVoicemail {
                recording: &recording,
                caller: [&caller.user, &caller.host, &caller.display_name],
                duration: Duration::from_millis(duration_ms),
            };
            let cap = limits::of_voicemail(&domain.limits);
            let stored = store.store_voicemail(&scope, name, new, cap).await?;
            tracing::info!(
                domain = scope.name(),
                voicemail = name,
                id = stored.id,
                "message stored"
            );
            VoicemailValue::Stored(Box::new(message(stored)))
        }
        VoicemailOp::List { state, offset, limit } => {
            let listed = store
                .list_voicemail(&scope, name, state.map(to_store), offset, limit)
                .await?;
            VoicemailValue::Listed(listed.into_iter().map(message).collect())
        }
        VoicemailOp::Mark { id, state } => {
            store.mark_voicemail(&scope, name, id, to_store(state)).await?;
            VoicemailValue::Done
        }
        VoicemailOp::Delete { id } => {
            store.delete_voicemail(&scope, name, id).await?;
            VoicemailValue::Done
        }
        VoicemailOp::Count => {
            let counts = store.count_voicemail(&scope, name).await?;
            let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            VoicemailValue::Counted(VoicemailCounts {
                new: small(counts.new),
                heard: small(counts.heard),
                saved: small(counts.saved),
            })
        }
    })
}

fn to_store(state: VoicemailState) -> Stored {
    match state {
        VoicemailState::New => Stored::New,
        VoicemailState::Heard => Stored::Heard,
        VoicemailState::Saved => Stored::Saved,
    }
}

fn message(stored: Voicemail) -> VoicemailMessage {
    VoicemailMessage {
        id: stored.id,
        recording: stored.recording,
        caller: Address {
            user: stored.caller,
            host: stored.caller_host,
            display_name: stored.caller_name,
        },
        stored_ms: stored.stored_at.as_millisecond().max(0) as u64,
        duration_ms: stored.duration_ms,
        state: match stored.state {
            Stored::New => VoicemailState::New,
            Stored::Heard => VoicemailState::Heard,
            Stored::Saved => VoicemailState::Saved,
        },
    }
}

fn refusal(error: &StoreError) -> VoicemailError {
    match error {
        StoreError::NotFound {
            what: "voicemail box",
            ..
        } => VoicemailError::NoBox,
        StoreError::NotFound { .. } => VoicemailError::NotFound,
        StoreError::TooMany { .. } | StoreError::VoicemailFull { .. } | StoreError::DiskFull => {
            VoicemailError::Full(error.to_string())
        }
        StoreError::Invalid { .. } | StoreError::TooLarge { .. } => {
            VoicemailError::BadArgument(error.to_string())
        }
        _ => {
            tracing::warn!(%error, "the store of voicemail does not answer");
            VoicemailError::Unavailable
        }
    }
}
