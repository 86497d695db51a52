//! The messages that transactions make by themselves, and the Via of ours.

use super::check;
use crate::flow::Flow;
use crate::message::{Builder, HeaderError, MAGIC_COOKIE, Message, Method, Name, ParseError};
use bytes::Bytes;

/// Our top Via (RFC 3261 §18.1.1, RFC 3581).
pub fn via(flow: Flow, sent_by: &str, branch: &str) -> String {
    format!(
        "SIP/2.0/{} {sent_by};branch={branch};rport",
        flow.transport.as_str()
    )
}

/// 100 Trying of the INVITE in `request` (§8.2.6.1: no To tag of ours, Timestamp copied).
pub fn trying(request: &Bytes) -> Result<Bytes, ParseError> {
    let request = Message::parse(request.clone())?;
    Ok(Builder::reply(&request, 100, "Trying")
        .build()?
        .as_bytes()
        .clone())
}

/// A refusal outside of any transaction or of its first sight. Its To tag follows from the request,
/// so that a repeat gets the same (§8.2.7).
pub fn refuse(request: &Message, flow: Flow, status: u16, reason: &str) -> Result<Message, ParseError> {
    refusal(request, flow, status, reason)?.build()
}

/// 503 with Retry-After.
pub fn overloaded(request: &Message, flow: Flow, retry_after_s: u64) -> Result<Message, ParseError> {
    refusal(request, flow, 503, "Service Unavailable")?
        .header_display(Name::RetryAfter, retry_after_s)
        .build()
}

fn refusal(request: &Message, flow: Flow, status: u16, reason: &str) -> Result<Builder, ParseError> {
    let request = request.with_received(flow.remote)?;
    Ok(Builder::reply(&request, status, reason).to_tag(&stateless_tag(&request)?))
}

/// 200 to a CANCEL, with the To tag of what the INVITE was answered, as far as it was (§9.2).
pub fn cancel_ok(cancel: &Message, flow: Flow, answer: &Bytes) -> Result<Message, ParseError> {
    let cancel = cancel.with_received(flow.remote)?;
    let given = Message::parse(answer.clone()).ok();
    let reply = Builder::reply(&cancel, 200, "OK");
    let reply = match given.as_ref().and_then(|answer| answer.to().ok()?.tag()) {
        Some(tag) => reply.to_tag(tag),
        None => reply.to_tag(&stateless_tag(&cancel)?),
    };
    reply.build()
}

/// The ACK of a refusal, within the INVITE's transaction (§17.1.1.3).
pub fn ack(invite: &Bytes, refusal: &Message) -> Result<Bytes, ParseError> {
    let invite = Message::parse(invite.clone())?;
    let to = refusal.header(Name::To).ok_or(HeaderError::Missing(Name::To))?;
    Ok(within(&invite, Method::Ack, to)?.build()?.as_bytes().clone())
}

/// Why an INVITE that others answered is cancelled (RFC 3326 §2): a phone does not show it as missed.
pub const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// The CANCEL of an INVITE, with a Reason where one is given, and the branch that both share (§9.1).
pub fn cancel(invite: &Bytes, reason: Option<&str>) -> Result<(String, Bytes), ParseError> {
    let invite = Message::parse(invite.clone())?;
    let to = invite.header(Name::To).ok_or(HeaderError::Missing(Name::To))?;
    let branch = invite.top_via()?.branch().unwrap_or_default().to_owned();
    let cancel = within(&invite, Method::Cancel, to)?.headers(Name::Reason, reason);
    Ok((branch, cancel.build()?.as_bytes().clone()))
}

/// What ACK and CANCEL share: all that routes and names the INVITE, and its top Via alone.
fn within(invite: &Message, method: Method, to: &[u8]) -> Result<Builder, ParseError> {
    let via = invite
        .values(Name::Via)
        .next()
        .ok_or(HeaderError::Missing(Name::Via))?;
    let from = invite
        .header(Name::From)
        .ok_or(HeaderError::Missing(Name::From))?;
    let builder = Message::request(method, invite.uri_str())
        .header(Name::Via, via)
        .header(Name::MaxForwards, "70")
        .header(Name::From, from)
        .header(Name::To, to)
        .header(Name::CallId, invite.call_id()?)
        .header_display(Name::CSeq, format_args!("{} {method}", invite.cseq()?.seq))
        .headers(Name::Route, invite.headers(Name::Route));
    Ok(builder)
}

/// Whether the ACK bears the To tag of the response in `answer`.
pub fn same_to_tag(answer: &Bytes, ack: &Message) -> bool {
    let Ok(answer) = Message::parse(answer.clone()) else {
        return false;
    };
    match (answer.to(), ack.to()) {
        (Ok(answer), Ok(ack)) => answer.tag() == ack.tag(),
        _ => false,
    }
}

fn stateless_tag(request: &Message) -> Result<String, ParseError> {
    let via = request.top_via()?;
    let mut seed = via.branch().unwrap_or(MAGIC_COOKIE).as_bytes().to_vec();
    seed.extend_from_slice(request.call_id()?.as_bytes());
    seed.extend_from_slice(request.from()?.tag().unwrap_or_default().as_bytes());
    Ok(format!(
        "{:08x}{:08x}",
        check::hash(&seed),
        check::hash(request.call_id()?.as_bytes())
    ))
}
