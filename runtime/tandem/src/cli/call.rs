//! `tandem call`

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tandem_store::{CallFilter, CallRecord, DomainScope, JournalState, Store};

use super::replay::Replay;
use super::{Context, DomainArg, Failure};
use crate::config::duration_text;
use crate::output::{self, Table};

/// Calls that ended.
#[derive(Debug, Args)]
pub struct Call {
    #[command(flatten)]
    domain: DomainArg,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List calls, latest first
    List(List),
    /// Show a call with its legs
    Show {
        /// The call's identifier
        id: String,
    },
    /// Run a call's scenario again, against its journal: as `tandem replay`
    Replay(Replay),
}

#[derive(Debug, Args)]
struct List {
    /// Started then or later (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<Timestamp>,
    /// Started before then (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Called from it or dialled it
    #[arg(long)]
    number: Option<String>,
    /// At most so many, 1 to 1000
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Go on after the page that gave this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Call {
    pub(super) async fn run(&self, context: &Context) -> Result<(), Failure> {
        let store = context.store().await?;
        let scope = self.domain.scope(&store).await?;
        match &self.action {
            Action::List(list) => list.run(context, &store, &scope).await?,
            Action::Show { id } => {
                let call = find(&store, &scope, id).await?;
                let journal = Journal::of(&store, &scope, id).await?;
                show(context, &call, &journal)?;
            }
            Action::Replay(replay) => replay.run(context, &store, &scope).await?,
        }
        store.close().await;
        Ok(())
    }
}

/// The record of a call.
pub(super) async fn find(store: &Store, scope: &DomainScope, id: &str) -> Result<CallRecord, Failure> {
    let call = store.call(scope, id).await?;
    call.ok_or_else(|| Failure::NotFound(format!("no call `{id}` in {}", scope.name())))
}

impl List {
    async fn run(&self, context: &Context, store: &Store, scope: &DomainScope) -> Result<(), Failure> {
        let before = self.after.as_deref().map(str::parse).transpose()?;
        let filter = CallFilter {
            since: self.since,
            until: self.until,
            number: self.number.clone(),
            limit: Some(self.limit),
            before,
            ..CallFilter::default()
        };
        let page = store.calls(scope, &filter).await?;
        let next = page.next.as_ref().map(ToString::to_string);
        let shown = json!({ "calls": page.calls, "next": next });
        output::print(context.json, &shown, || {
            let columns = [
                "ID", "STARTED", "FROM", "TO", "SCENARIO", "DURATION", "ENDED BY", "CAUSE", "STATUS",
            ];
            let mut table = Table::new(columns, "no calls");
            for call in &page.calls {
                let call = call.clone();
                table.row([
                    call.id,
                    call.started_at.to_string(),
                    call.from_number,
                    call.to_number,
                    call.scenario.unwrap_or_default(),
                    milliseconds(call.duration_ms),
                    call.ended_by,
                    call.cause,
                    call.sip_status
                        .map(|status| status.to_string())
                        .unwrap_or_default(),
                ]);
            }
            table
        })?;
        if let (false, Some(next)) = (context.json, next) {
            output::write(&format!("more: --after {next}\n"))?;
        }
        Ok(())
    }
}

fn milliseconds(ms: u64) -> String {
    duration_text(Duration::from_millis(ms))
}

/// What became of a call's journal.
pub(super) struct Journal {
    state: JournalState,
    /// How long the domain keeps journals now.
    kept: Option<Duration>,
}

impl Journal {
    pub(super) async fn of(store: &Store, scope: &DomainScope, id: &str) -> Result<Self, Failure> {
        let state = store.journal_state(scope, id).await?;
        Ok(Self {
            state: state.unwrap_or(JournalState::None),
            kept: store.domain(scope).await?.keep.journals,
        })
    }

    pub(super) fn words(&self) -> String {
        match (self.state, self.kept) {
            (JournalState::None, _) => "not kept".to_owned(),
            (JournalState::Stored, _) => "kept".to_owned(),
            (JournalState::Removed, None) => "removed: it was older than the domain kept journals".to_owned(),
            (JournalState::Removed, Some(kept)) => {
                format!("removed: the domain keeps journals for {}", duration_text(kept))
            }
        }
    }
}

/// A call with what became of its journal, as programs read it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    record: &'a CallRecord,
    journal: JournalState,
}

fn show(context: &Context, record: &CallRecord, journal: &Journal) -> Result<(), Failure> {
    let call = &record.summary;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let shown = Shown {
        record,
        journal: journal.state,
    };
    output::print(context.json, &shown, || {
        let mut table = Table::new(["WHAT", "VALUE"], "");
        let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
        row("id", call.id.clone());
        row("direction", call.direction.as_str().to_owned());
        row("from", call.from_number.clone());
        row("to", call.to_number.clone());
        row("entry point", text(&call.entry_point));
        row("scenario", text(&call.scenario));
        row("scenario version", text(&call.scenario_hash));
        let end = call.scenario_end.map(|end| match &call.scenario_error {
            Some(error) => format!("{}: {error}", end.as_str()),
            None => end.as_str().to_owned(),
        });
        row("scenario end", text(&end));
        if let Some(fallback) = &call.fallback {
            row("fall-back", fallback.scenario.clone());
            row("fall-back version", fallback.scenario_hash.clone());
            let end = fallback.end.map_or("", |end| end.as_str());
            let error = fallback.error.iter().map(|error| format!(": {error}"));
            row(
                "fall-back end",
                error.fold(end.to_owned(), |end, error| end + &error),
            );
        }
        row("started", call.started_at.to_string());
        row(
            "answered",
            call.answered_at.map(|at| at.to_string()).unwrap_or_default(),
        );
        row("ended", call.ended_at.to_string());
        row("duration", milliseconds(call.duration_ms));
        row("cause", call.cause.clone());
        row(
            "status",
            call.sip_status
                .map(|status| status.to_string())
                .unwrap_or_default(),
        );
        row("ended by", call.ended_by.clone());
        row("rolling hash", text(&call.rolling_hash));
        row("journal", journal.words());
        match call.recoveries {
            0 => (),
            1 => row("recovered", "once".to_owned()),
            times => row("recovered", format!("{times} times")),
        }
        for leg in &record.legs {
            let user = leg
                .user
                .as_ref()
                .map(|user| format!(" (user {user})"))
                .unwrap_or_default();
            row(
                &format!("leg {}", leg.index),
                format!("{} {}{user}", leg.role.as_str(), leg.peer_uri),
            );
            let codec = leg.codec.as_deref().unwrap_or("no codec");
            let status = leg
                .sip_status
                .map(|status| format!(", status {status}"))
                .unwrap_or_default();
            row(
                "",
                format!(
                    "talked {}, {}{status}, {codec}",
                    milliseconds(leg.talk_ms),
                    leg.cause
                ),
            );
            let (sent, received, lost) = (leg.rtp_sent, leg.rtp_received, leg.rtp_lost);
            row(
                "",
                format!("RTP packets: {sent} sent, {received} received, {lost} lost"),
            );
        }
        table
    })?;
    Ok(())
}
