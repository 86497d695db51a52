//! The SIP messages that legs send, each a function: INVITE, ACK, and responses with our Contact.

use bytes::Bytes;
use tandem_host_api::op::Address;
use tandem_sip::dialog::{Dialog, fork_farewell};
use tandem_sip::{Builder, Flow, Message, Method, Name, ParseError, Transport};

use crate::context::Context;
use crate::leg::{Leg, Planned};

/// What we understand (RFC 3261 §20.5).
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY";
/// Values of one header shown to a scenario, at most.
const HEADER_VALUES_MAX: usize = 64;

/// Our Contact on a flow.
pub fn contact(flow: Flow) -> String {
    match flow.transport {
        Transport::Udp => format!("<sip:tandem@{}>", flow.local),
        Transport::Tcp => format!("<sip:tandem@{};transport=tcp>", flow.local),
    }
}

/// A name-addr with an escaped display name and user (RFC 3261 §25.1).
pub fn name_addr(address: &Address) -> String {
    let uri = if address.user.is_empty() {
        format!("<sip:{}>", address.host)
    } else {
        format!("<sip:{}@{}>", escape_user(&address.user), address.host)
    };
    if address.display_name.is_empty() {
        return uri;
    }
    let display: String = address.display_name.chars().filter(|c| !c.is_control()).collect();
    format!("\"{}\" {uri}", display.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Escapes what may not stand in a URI's user part (RFC 3261 §25.1 `user`).
pub fn escape_user(user: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(user.len());
    for byte in user.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // writing to a String cannot fail
        }
    }
    out
}

/// The INVITE of a callee's leg.
pub fn invite(target: &Planned, leg: &Leg, body: &str, cx: &mut Context<'_>) -> Result<Message, ParseError> {
    let call_id = cx.new_call_id();
    Message::request(Method::Invite, &target.uri)
        .header(Name::From, format!("{};tag={}", name_addr(&target.from), leg.tag))
        .header(Name::To, format!("<{}>", target.to))
        .header(Name::CallId, call_id)
        .header(Name::CSeq, "1 INVITE")
        .header(Name::MaxForwards, target.max_forwards.to_string())
        .header(Name::Contact, contact(leg.way.flow))
        .header(Name::Allow, ALLOW)
        .body("application/sdp", body.to_owned())
        .build()
}

/// A response with our tag; with Contact where it makes a dialog, with `body` a session description.
pub fn reply(
    request: &Message,
    status: u16,
    tag: &str,
    flow: Flow,
    body: Option<&str>,
) -> Result<Message, ParseError> {
    let mut reply = Builder::reply(request, status, reason(status)).to_tag(tag);
    if matches!(request.method(), Some(Method::Invite)) && (101..300).contains(&status) {
        reply = reply.header(Name::Contact, contact(flow));
    }
    if matches!(status, 200 | 405) {
        reply = reply.header(Name::Allow, ALLOW);
    }
    if status == 415 {
        reply = reply.header(Name::Accept, "application/sdp");
    }
    if status == 503 {
        reply = reply.header(Name::RetryAfter, "5");
    }
    match body {
        Some(body) => reply.body("application/sdp", body.to_owned()).build(),
        None => reply.build(),
    }
}

/// ACK of a 200 to our INVITE (RFC 3261 §13.2.2.4); what went out, for repeats.
pub fn ack(dialog: &Dialog, invite: &Message, flow: Flow, cx: &mut Context<'_>) -> Option<Bytes> {
    let seq = invite.cseq().ok()?.seq;
    let sent = dialog
        .ack(seq)
        .build()
        .and_then(|ack| cx.sip.send_ack(&ack, flow, &flow.local.to_string()));
    sent.inspect_err(|error| tracing::error!(%error, "an ACK could not be written"))
        .ok()
}

/// A 200 that nobody waits for any more: ACK, then BYE, so that the phone does not hang (RFC 3261 §13.2.2.4); the
/// ACK, for repeats.
pub fn refuse_late_answer(
    invite: &Message,
    response: &Message,
    flow: Flow,
    cx: &mut Context<'_>,
) -> Option<Bytes> {
    let (dialog, _, bye) = fork_farewell(invite, response, flow).ok()?;
    let sent = ack(&dialog, invite, flow, cx);
    if let Ok(bye) = bye.build() {
        cx.request(bye, flow, crate::context::ClientUse::Bye);
    }
    sent
}

/// 401 with the challenges of the realm (RFC 3261 §22.2).
pub fn challenge(request: &Message, values: &[String], tag: &str) -> Result<Message, ParseError> {
    Builder::reply(request, 401, reason(401))
        .to_tag(tag)
        .headers(Name::WwwAuthenticate, values)
        .build()
}

/// The To tag.
pub fn tag_of_to(message: &Message) -> Option<String> {
    message.to().ok().and_then(|to| to.tag().map(str::to_owned))
}

/// Values of a header that a scenario may see; credentials are not among them.
pub fn header_values(request: &Message, name: &str) -> Vec<String> {
    if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("proxy-authorization") {
        return Vec::new();
    }
    request
        .header_named(name)
        .take(HEADER_VALUES_MAX)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect()
}

/// The reason phrases of RFC 3261 §21 that we send.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        other => match other / 100 {
            4 => "Request Failure",
            5 => "Server Failure",
            6 => "Global Failure",
            _ => "OK",
        },
    }
}
