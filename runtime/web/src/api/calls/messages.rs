//! What a call's phones and we said to each other by SIP.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Serialize;
use tandem_store::{MessageWay, SipMessage, TokenScope};
use utoipa::ToSchema;

use crate::api::Api;
use crate::api::caller::Caller;
use crate::api::problem::ApiError;
use crate::api::scenarios::path;

/// The messages of a call, in their order.
#[derive(Serialize, ToSchema)]
#[schema(as = CallMessages)]
pub(crate) struct Messages {
    items: Vec<Shown>,
    /// How many more there were than are kept of a call.
    left_out: u64,
}

/// A SIP message.
#[derive(Serialize, ToSchema)]
#[schema(as = SipMessage)]
pub(crate) struct Shown {
    at: Timestamp,
    /// Since the call's first message, in microseconds.
    from_start_us: u64,
    direction: MessageWay,
    /// The leg's index.
    leg: u32,
    local: String,
    remote: String,
    transport: String,
    /// `INVITE sip:300@demo.local`, `180 Ringing`.
    summary: String,
    /// Of a response, that of its request.
    method: String,
    /// Of a response.
    status: Option<u16>,
    /// `1 INVITE`
    cseq: String,
    /// All of it, but for credentials and media keys.
    text: String,
}

/// The SIP messages of a call, without credentials. They are there some two seconds after its end.
#[utoipa::path(
    get,
    path = "/calls/{id}/messages",
    tag = "calls",
    params(("id" = String, Path)),
    responses((status = 200, body = Messages))
)]
pub(crate) async fn messages(
    caller: Caller,
    State(api): State<Api>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<Messages>, ApiError> {
    let scope = caller.may(TokenScope::CallsRead)?;
    let id = path(id)?;
    super::read(&api, scope, &id).await?;
    let kept = api.store().call_messages(scope, &id).await?.unwrap_or_default();
    let first_us = kept.items.first().map_or(0, |first| first.at_us);
    Ok(Json(Messages {
        items: kept
            .items
            .into_iter()
            .map(|message| Shown::of(message, first_us))
            .collect(),
        left_out: kept.left_out,
    }))
}

impl Shown {
    fn of(message: SipMessage, first_us: i64) -> Self {
        let start = message.text.lines().next().unwrap_or_default();
        let cseq = header(&message.text, "cseq").unwrap_or_default().to_owned();
        let response = start.strip_prefix("SIP/2.0 ");
        let status = response.and_then(|status| status.get(..3)?.parse().ok());
        let summary = response.unwrap_or_else(|| start.strip_suffix(" SIP/2.0").unwrap_or(start));
        let method = match response {
            Some(_) => cseq.split_whitespace().nth(1),
            None => start.split(' ').next(),
        };
        Self {
            at: message.at(),
            from_start_us: u64::try_from(message.at_us.saturating_sub(first_us)).unwrap_or(0),
            direction: message.way,
            leg: message.leg,
            summary: summary.to_owned(),
            method: method.unwrap_or_default().to_owned(),
            status,
            cseq,
            local: message.local,
            remote: message.remote,
            transport: message.transport,
            text: message.text,
        }
    }
}

/// A header that has no compact form.
fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let head = message.lines().skip(1).take_while(|line| !line.is_empty());
    head.filter_map(|line| line.split_once(':'))
        .find(|(found, _)| found.trim_end().eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Shown {
        let message = SipMessage {
            at_us: 1_795_219_200_000_250,
            way: MessageWay::Out,
            leg: 1,
            local: "192.0.2.1:5060".to_owned(),
            remote: "192.0.2.9:5060".to_owned(),
            transport: "UDP".to_owned(),
            text: text.to_owned(),
        };
        Shown::of(message, 1_795_219_200_000_000)
    }

    #[test]
    fn a_message_is_summed_up() {
        let it =
            shown("INVITE sip:300@demo.local SIP/2.0\r\nVia: x\r\ncSeq : 2 INVITE\r\n\r\nCSeq: 9 BYE\r\n");
        assert_eq!(it.summary, "INVITE sip:300@demo.local");
        assert_eq!(
            (it.method.as_str(), it.status, it.cseq.as_str()),
            ("INVITE", None, "2 INVITE")
        );
        assert_eq!(it.from_start_us, 250);
        let it = shown("SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n");
        assert_eq!(
            (it.summary.as_str(), it.method.as_str(), it.status),
            ("180 Ringing", "INVITE", Some(180))
        );
        let it = shown("");
        assert_eq!(
            (it.summary.as_str(), it.method.as_str(), it.status),
            ("", "", None)
        );
    }
}
