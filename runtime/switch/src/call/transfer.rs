//! Blind transfer: REFER on a leg, and what its phone tells of the call that it makes then (RFC 3515, RFC 6665).
//!
//! The subscription that a REFER makes lives as long as its request: a NOTIFY after that gets 481, which ends it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tandem_host_api::op::{LegId, Outcome, TransferFailure, TransferTarget};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Method, Moment, Name};

use super::{Call, Pending};
use crate::context::{ClientUse, Context};
use crate::leg::Signalling;
use crate::sip_text;

/// Longest first line of a sipfrag that is looked at.
const LINE_MAX: usize = 256;

/// A transfer under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Transferring {
    /// The leg whose phone is asked.
    pub leg: LegId,
    /// When it is given up.
    pub until: Moment,
}

/// What a NOTIFY tells.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// The phone's call goes on.
    Progress,
    /// It has this outcome.
    Final(u16, String),
    /// Nothing more will be told.
    Terminated,
}

impl Call {
    /// `transfer.transfer`
    pub(crate) fn transfer(
        &mut self,
        id: LegId,
        target: &TransferTarget,
        timeout_ms: u32,
        cx: &mut Context<'_>,
    ) {
        let until = cx.now + Duration::from_millis(u64::from(timeout_ms));
        let sent = self.send_refer(id, target, cx);
        match sent {
            Ok(()) => self.core.pending = Pending::Transferring(Box::new(Transferring { leg: id, until })),
            Err(failure) => self.done(Outcome::Transferred(Err(failure)), cx),
        }
    }

    fn send_refer(
        &mut self,
        id: LegId,
        target: &TransferTarget,
        cx: &mut Context<'_>,
    ) -> Result<(), TransferFailure> {
        let leg = self
            .leg(id)
            .filter(|leg| !leg.is_over())
            .ok_or(TransferFailure::Gone)?;
        let Signalling::Up { dialog, .. } = &mut leg.signalling else {
            return Err(TransferFailure::WrongState("the leg is not answered".into()));
        };
        let uri = match target {
            TransferTarget::Number(number) => {
                format!("sip:{}@{}", sip_text::escape_user(number), cx.domain)
            }
            TransferTarget::Uri(uri) => uri.clone(),
        };
        let by = format!("<sip:{}@{}>", sip_text::escape_user(&leg.local.user), cx.domain);
        let request = dialog
            .request(Method::Refer)
            .header(Name::Contact, sip_text::contact(leg.way.flow))
            .header(Name::ReferTo, format!("<{uri}>"))
            .header(Name::ReferredBy, by)
            .build()
            .map_err(|error| TransferFailure::BadArgument(error.to_string()))?;
        cx.request_within(request, leg.way, leg.user.as_deref(), ClientUse::Refer(id));
        Ok(())
    }

    fn transferring(&self, id: LegId) -> bool {
        matches!(&self.core.pending, Pending::Transferring(it) if it.leg == id)
    }

    /// The phone answered our REFER.
    pub(super) fn refer_answered(&mut self, id: LegId, response: &Message, cx: &mut Context<'_>) {
        let status = response.status().unwrap_or_default();
        if self.transferring(id) && status >= 300 {
            let reason = String::from_utf8_lossy(response.reason()).into_owned();
            let failure = TransferFailure::NotAccepted(status, reason);
            self.done(Outcome::Transferred(Err(failure)), cx);
        }
    }

    /// Our REFER found no answer.
    pub(super) fn refer_failed(&mut self, id: LegId, cx: &mut Context<'_>) {
        if self.transferring(id) {
            self.done(Outcome::Transferred(Err(TransferFailure::TimedOut)), cx);
        }
    }

    /// Time passed.
    pub(super) fn transfer_timeout(&mut self, cx: &mut Context<'_>) {
        if matches!(&self.core.pending, Pending::Transferring(it) if cx.now >= it.until) {
            self.done(Outcome::Transferred(Err(TransferFailure::TimedOut)), cx);
        }
    }

    /// A NOTIFY within the dialog of a leg.
    pub(super) fn handle_notify(
        &mut self,
        id: LegId,
        server: ServerId,
        flow: Flow,
        request: &Message,
        cx: &mut Context<'_>,
    ) {
        let waits = self.transferring(id);
        let Some(leg) = self.leg(id) else { return };
        leg.note_way(flow);
        if !leg.takes_request(server, request, cx) {
            return;
        }
        let tag = leg.tag.clone();
        let of_refer = request
            .header_str(Name::Event)
            .and_then(|event| event.split(';').next())
            .is_some_and(|package| package.trim().eq_ignore_ascii_case("refer"));
        let told = told(request);
        let status = match (&told, of_refer, waits) {
            (_, false, _) => 489,
            (_, true, false) => 481,
            (None, true, true) => 400,
            (Some(_), true, true) => 200,
        };
        cx.respond(server, sip_text::reply(request, status, &tag, flow, None));
        let outcome = match told.filter(|_| status == 200) {
            Some(Told::Final(status, _)) if status < 300 => Ok(()),
            Some(Told::Final(status, reason)) => Err(TransferFailure::Failed(status, reason)),
            Some(Told::Terminated) => Err(TransferFailure::TimedOut),
            Some(Told::Progress) | None => return,
        };
        self.done(Outcome::Transferred(outcome), cx);
    }
}

/// What a NOTIFY of a refer event tells; none: its body is no sipfrag with a status line (RFC 3420, RFC 3515 §2.4.5).
fn told(request: &Message) -> Option<Told> {
    let state = request.header_str(Name::SubscriptionState).unwrap_or_default();
    let state = state.split(';').next().unwrap_or_default().trim();
    let terminated = state.eq_ignore_ascii_case("terminated");
    let body = request.body();
    if body.is_empty() {
        return terminated.then_some(Told::Terminated);
    }
    let is_sipfrag = request.content_type().is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("message/sipfrag")
    });
    let line = body.split(|byte| matches!(byte, b'\r' | b'\n')).next()?;
    let line = std::str::from_utf8(line)
        .ok()
        .filter(|line| line.len() <= LINE_MAX)?;
    let mut parts = line.splitn(3, ' ');
    let version = parts.next()?;
    let status: u16 = parts.next().filter(|digits| digits.len() == 3)?.parse().ok()?;
    let reason = parts.next().unwrap_or_default();
    if !is_sipfrag || !version.eq_ignore_ascii_case("SIP/2.0") || !(100..700).contains(&status) {
        return None;
    }
    Some(if status >= 200 {
        Told::Final(status, reason.to_owned())
    } else if terminated {
        Told::Terminated
    } else {
        Told::Progress
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notify(state: &str, kind: &str, body: &str) -> Message {
        Message::request(Method::Notify, "sip:tandem@127.0.0.1")
            .header(Name::From, "<sip:a@b>;tag=1")
            .header(Name::To, "<sip:c@d>;tag=2")
            .header(Name::CallId, "x")
            .header(Name::CSeq, "1 NOTIFY")
            .header(Name::SubscriptionState, state)
            .body(kind, body.to_owned())
            .build()
            .unwrap()
    }

    #[test]
    fn a_sipfrag_tells_progress_outcome_or_nothing() {
        let frag = "message/sipfrag;version=2.0";
        let told = |state: &str, kind: &str, body: &str| told(&notify(state, kind, body));
        assert_eq!(
            told("active;expires=60", frag, "SIP/2.0 100 Trying\r\n"),
            Some(Told::Progress)
        );
        assert_eq!(
            told("terminated", frag, "SIP/2.0 200 OK"),
            Some(Told::Final(200, "OK".into()))
        );
        assert_eq!(
            told(
                "terminated;reason=noresource",
                frag,
                "SIP/2.0 486 Busy Here\r\nTo: <sip:x@y>\r\n"
            ),
            Some(Told::Final(486, "Busy Here".into()))
        );
        assert_eq!(told("terminated", frag, ""), Some(Told::Terminated));
        assert_eq!(
            told("Terminated", frag, "SIP/2.0 180 Ringing"),
            Some(Told::Terminated)
        );
        for bad in [
            "",
            "SIP/2.0",
            "SIP/2.0 20 OK",
            "SIP/2.0 9999 No",
            "HTTP/1.1 200 OK",
            "SIP/2.0 -20 x",
            "\u{e9}",
        ] {
            assert_eq!(told("active", frag, bad), None, "{bad:?}");
        }
        assert_eq!(
            told("active", frag, &format!("SIP/2.0 200 {}", "x".repeat(300))),
            None
        );
        assert_eq!(told("active", "text/plain", "SIP/2.0 200 OK"), None);
    }
}
