//! Calls as comma-separated values (RFC 4180), read from the store as fast as the reader takes them.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use jiff::Timestamp;
use tandem_store::call_list::CALLS_PAGE_MOST;
use tandem_store::{CallFilter, CallPage, CallSummary, DomainScope};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Asked;
use crate::api::caller::Caller;
use crate::api::problem::ApiError;
use crate::api::{Api, Place, body};

/// Pages that wait for their reader.
const PAGES_WAITING: usize = 2;
const HEAD: &str = "id,started_at,answered_at,ended_at,duration_ms,direction,from_number,to_number,entry_point,\
    scenario,scenario_hash,scenario_end,scenario_error,fallback,cause,sip_status,ended_by,recoveries\r\n";

/// Exports calls that are over as comma-separated values (RFC 4180), latest first: all of them, or as many as `limit` says.
#[utoipa::path(
    get,
    path = "/calls.csv",
    tag = "calls",
    params(Asked),
    responses((status = 200, body = String, content_type = "text/csv"))
)]
pub(crate) async fn export(
    caller: Caller,
    State(api): State<Api>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, ApiError> {
    let (scope, mut filter) = body::query(asked)?.filter(&caller)?;
    // The whole of it, or as many as were asked for.
    let most = filter.limit.take();
    filter.limit = Some(most.unwrap_or(CALLS_PAGE_MOST).min(CALLS_PAGE_MOST));
    let place = api.shared.exporting.place(scope, "export of calls")?;
    // What is wrong with the question is told before the first byte.
    let first = api.store().calls(scope, &filter).await?;
    let (pages, waiting) = mpsc::channel(PAGES_WAITING);
    let export = Export {
        api: api.clone(),
        scope: scope.clone(),
        filter,
        once: most.is_some(),
        pages,
        _place: place,
    };
    tokio::spawn(export.run(first));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"calls.csv\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::new(Chunks { waiting })).into_response())
}

struct Export {
    api: Api,
    scope: DomainScope,
    filter: CallFilter,
    /// One page only.
    once: bool,
    /// Given back before the reader sees the end, and asks again.
    _place: Place,
    pages: mpsc::Sender<io::Result<Bytes>>,
}

impl Export {
    async fn run(mut self, first: CallPage) {
        let (mut page, mut text) = (first, HEAD.to_owned());
        loop {
            page.calls.iter().for_each(|call| row(call, &mut text));
            let sent = self.pages.send(Ok(std::mem::take(&mut text).into()));
            // Who reads nothing any more holds no page of ours.
            if !matches!(timeout(self.api.limits().reader_idle, sent).await, Ok(Ok(()))) {
                return;
            }
            self.filter.before = page.next.take().filter(|_| !self.once);
            if self.filter.before.is_none() {
                return;
            }
            page = match self.api.store().calls(&self.scope, &self.filter).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(domain = self.scope.name(), %error, "an export of calls broke off");
                    // The connection breaks: half a list is not taken for the whole.
                    drop(
                        self.pages
                            .send(Err(io::Error::other("the store does not answer")))
                            .await,
                    );
                    return;
                }
            };
        }
    }
}

/// A body that comes in chunks, and breaks off at the first that is an error.
pub(crate) struct Chunks {
    pub(crate) waiting: mpsc::Receiver<io::Result<Bytes>>,
}

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.waiting
            .poll_recv(cx)
            .map(|page| page.map(|page| page.map(Frame::data)))
    }
}

fn row(call: &CallSummary, text: &mut String) {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let own = |text: &str| Some(text.to_owned());
    let fields = [
        own(&call.id),
        time(Some(call.started_at)),
        time(call.answered_at),
        time(Some(call.ended_at)),
        Some(call.duration_ms.to_string()),
        own(call.direction.as_str()),
        own(&call.from_number),
        own(&call.to_number),
        call.entry_point.clone(),
        call.scenario.clone(),
        call.scenario_hash.clone(),
        call.scenario_end.and_then(|end| own(end.as_str())),
        call.scenario_error.clone(),
        call.fallback
            .as_ref()
            .and_then(|fallback| own(&fallback.scenario)),
        own(&call.cause),
        call.sip_status.map(|status| status.to_string()),
        own(&call.ended_by),
        Some(call.recoveries.to_string()),
    ];
    for (at, field) in fields.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&quoted(&harmless(field.as_deref().unwrap_or_default())));
    }
    text.push_str("\r\n");
}

/// A spreadsheet takes what begins like this for a formula, and would run what a caller wrote into a number. A number
/// with its plus sign is none.
fn harmless(field: &str) -> Cow<'_, str> {
    let number = field
        .strip_prefix('+')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    if field.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) && !number {
        return format!("'{field}").into();
    }
    field.into()
}

/// RFC 4180 §2: what has a separator in it stands in quotes, its own doubled.
fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains(['"', ',', '\r', '\n']) {
        return format!("\"{}\"", field.replace('"', "\"\"")).into();
    }
    field.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_are_text() {
        for (field, written) in [
            ("301", "301"),
            ("", ""),
            ("a \"b\", c", "\"a \"\"b\"\", c\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-1", "'-1"),
            ("\tx", "'\tx"),
            ("+4930123", "+4930123"),
            ("+", "'+"),
            ("+1+cmd|' /C calc'!A0", "'+1+cmd|' /C calc'!A0"),
            ("=\"a\"", "\"'=\"\"a\"\"\""),
        ] {
            assert_eq!(quoted(&harmless(field)), written);
        }
    }
}
