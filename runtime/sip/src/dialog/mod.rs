//! Dialogs: what two user agents agreed on, and how requests within it are written and checked
//! (RFC 3261 §12).
//!
//! [`Dialog`] is plain data without a clock: it can be stored and taken up by another server.
//! What runs in time stands beside it: [`UasInvite`] repeats a 2xx until its ACK, [`UacInvite`]
//! answers repeated and forked 2xx, [`Reinvite`] keeps re-INVITEs from crossing.
//!
//! Not here: offer and answer, call logic, who a request is from.

mod reinvite;
#[cfg(test)]
mod testing;
mod uac_invite;
mod uas_invite;

pub use reinvite::{Reinvite, glare_delay};
pub use uac_invite::{Answer, UacInvite, fork_farewell};
pub use uas_invite::{UasInvite, UasOutput};

use crate::flow::{Flow, Transport};
use crate::message::{Builder, HeaderError, Message, Method, Name, NameAddr, Reject, Uri};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What names a dialog (§12).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DialogId {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for a peer of RFC 2543.
    pub remote_tag: String,
}

impl DialogId {
    /// The dialog that a request from the peer belongs to: its To tag is ours. `None` without one.
    pub fn of_request(request: &Message) -> Result<Option<DialogId>, HeaderError> {
        Ok(Self::of(
            request.call_id()?,
            request.to()?.tag(),
            request.from()?.tag(),
        ))
    }

    /// The dialog that a response to a request of ours belongs to: its From tag is ours. `None`
    /// before the peer has given a tag.
    pub fn of_response(response: &Message) -> Result<Option<DialogId>, HeaderError> {
        let remote = response.to()?.tag().map(str::to_owned);
        let id = Self::of(response.call_id()?, response.from()?.tag(), remote.as_deref());
        Ok(id.filter(|_| remote.is_some()))
    }

    fn of(call_id: &str, local: Option<&str>, remote: Option<&str>) -> Option<DialogId> {
        Some(DialogId {
            call_id: call_id.to_owned(),
            local_tag: local?.to_owned(),
            remote_tag: remote.unwrap_or_default().to_owned(),
        })
    }
}

/// A new tag: 64 bits of chance in hex (§19.3 asks for 32).
pub fn new_tag(rng: &mut StdRng) -> String {
    format!("{:016x}", rng.random::<u64>())
}

/// One dialog. All its texts are as they stand in headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The peer's tag; empty for a peer of RFC 2543.
    pub remote_tag: String,
    /// CSeq of our last request.
    pub local_seq: u32,
    /// CSeq of the peer's last request; `None` before the first.
    pub remote_seq: Option<u32>,
    /// Our From, or what the peer wrote as To, with its tag.
    pub local: String,
    /// The peer's From, or our To, with its tag.
    pub remote: String,
    /// Where requests go: the URI of the peer's Contact.
    pub remote_target: String,
    /// Route values in the order in which they are written.
    pub route_set: Vec<String>,
    /// Set up by a request to a `sips` URI over TLS.
    pub secure: bool,
    /// The way by which the peer is reached.
    pub flow: Flow,
}

impl Dialog {
    /// The dialog that our 2xx (or 101–199 with a tag) to `request` sets up (§12.1.1). `flow` is the
    /// way the request came by.
    pub fn uas(request: &Message, local_tag: &str, flow: Flow) -> Result<Dialog, HeaderError> {
        let (from, to) = (request.from()?, request.to()?);
        // Within a dialog To bears our tag already.
        let local = match to.tag() {
            Some(_) => text(request, Name::To)?,
            None => format!("{};tag={local_tag}", text(request, Name::To)?),
        };
        Ok(Dialog {
            call_id: request.call_id()?.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: from.tag().unwrap_or_default().to_owned(),
            // Ours start anywhere under 2^31 (§8.1.1.5).
            local_seq: 0,
            remote_seq: Some(request.cseq()?.seq),
            local,
            remote: text(request, Name::From)?,
            remote_target: target(request)?.ok_or(HeaderError::Missing(Name::Contact))?,
            route_set: values(request, Name::RecordRoute),
            secure: request.uri().is_ok_and(|uri| uri.is_secure()),
            flow,
        })
    }

    /// The dialog that `response`, a 2xx or an early one with a To tag, sets up for our `request`
    /// (§12.1.2). `flow` is the way the request went.
    pub fn uac(request: &Message, response: &Message, flow: Flow) -> Result<Dialog, HeaderError> {
        let from = request.from()?;
        let mut route_set = values(response, Name::RecordRoute);
        route_set.reverse();
        // A peer that leaves Contact out of an early response is reached where the INVITE went.
        let remote_target = match target(response)? {
            Some(target) => target,
            None => request.uri_str().to_owned(),
        };
        Ok(Dialog {
            call_id: request.call_id()?.to_owned(),
            local_tag: from.tag().unwrap_or_default().to_owned(),
            remote_tag: response.to()?.tag().unwrap_or_default().to_owned(),
            local_seq: request.cseq()?.seq,
            remote_seq: None,
            local: text(request, Name::From)?,
            remote: text(response, Name::To)?,
            remote_target,
            route_set,
            secure: request.uri().is_ok_and(|uri| uri.is_secure()),
            flow,
        })
    }

    /// What names this dialog.
    pub fn key(&self) -> DialogId {
        DialogId {
            call_id: self.call_id.clone(),
            local_tag: self.local_tag.clone(),
            remote_tag: self.remote_tag.clone(),
        }
    }

    /// The peer is reached by another way now: it registered anew, or a new connection was made.
    pub fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// Where the next request goes when [`Self::flow`] is gone: the address of the first route, else of the remote
    /// target (§12.2.1.1, §8.1.2), by the flow's transport where the URI names none: it carried the dialog so far.
    /// `None` where DNS would have to tell; see [`Uri::address`].
    pub fn next_hop(&self) -> Option<(Transport, SocketAddr)> {
        let uri = match self.route_set.first() {
            Some(route) => NameAddr::parse(route.as_bytes()).ok()?.uri,
            None => Uri::parse(self.remote_target.as_bytes()).ok()?,
        };
        uri.address(self.flow.transport)
    }

    /// A request within the dialog, not ACK or CANCEL, with the next CSeq (§12.2.1.1). Via is added
    /// by [`crate::transactions::Transactions::request`]; Contact and body are the caller's.
    pub fn request(&mut self, method: Method) -> Builder {
        self.local_seq = self.local_seq.saturating_add(1);
        self.with_seq(method, self.local_seq)
    }

    /// The ACK of a 2xx to our INVITE with this CSeq (§13.2.2.4). Credentials that the INVITE bore
    /// belong in it too and are the caller's. Send it with
    /// [`crate::transactions::Transactions::send_ack`].
    pub fn ack(&self, invite_cseq: u32) -> Builder {
        self.with_seq(Method::Ack, invite_cseq)
    }

    /// Checks a request of the peer within the dialog and takes its target over (§12.2.2): 500 when
    /// it is older than one we have seen. ACK of any age passes; its transaction or
    /// [`UasInvite::handle_ack`] knows whether it fits.
    pub fn handle_request(&mut self, request: &Message) -> Result<(), Reject> {
        let cseq = request.cseq()?.seq;
        let method = request.method().unwrap_or(Method::Other);
        if !matches!(method, Method::Ack | Method::Cancel) {
            if self.remote_seq.is_some_and(|seen| cseq < seen) {
                return Err(Reject::new(500, "Request Out of Order"));
            }
            self.remote_seq = Some(cseq);
        }
        if refreshes_target(method)
            && let Some(target) = target(request)?
        {
            self.remote_target = target;
        }
        Ok(())
    }

    /// Takes the target of a response to a request of ours within the dialog over (§12.2.1.2). When
    /// it makes an early dialog a confirmed one, the route set is computed again (§13.2.2.4): call
    /// [`Self::confirm`] for that.
    pub fn handle_response(&mut self, response: &Message) -> Result<(), HeaderError> {
        let method = response.cseq()?.method;
        let success = response
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        if success
            && refreshes_target(method)
            && let Some(target) = target(response)?
        {
            self.remote_target = target;
        }
        Ok(())
    }

    /// The 2xx that confirms this early dialog of ours: its target and route set count from now on.
    pub fn confirm(&mut self, response: &Message) -> Result<(), HeaderError> {
        self.handle_response(response)?;
        self.route_set = values(response, Name::RecordRoute);
        self.route_set.reverse();
        self.remote = text(response, Name::To)?;
        Ok(())
    }

    fn with_seq(&self, method: Method, seq: u32) -> Builder {
        let target = self.remote_target.as_str();
        let (uri, strict) = match self.route_set.first().map(|first| router(first)) {
            // A strict router wants itself in the Request-URI and the target last (§12.2.1.1).
            Some((first, false)) => (first, true),
            Some((_, true)) | None => (target, false),
        };
        let mut builder = Message::request(method, uri)
            .header(Name::MaxForwards, "70")
            .headers(Name::Route, self.route_set.iter().skip(usize::from(strict)));
        if strict {
            builder = builder.header_display(Name::Route, format_args!("<{target}>"));
        }
        builder
            .header(Name::From, &self.local)
            .header(Name::To, &self.remote)
            .header(Name::CallId, &self.call_id)
            .header_display(Name::CSeq, format_args!("{seq} {method}"))
    }
}

/// Requests whose Contact replaces the target (§12.2, RFC 3311, RFC 6665, RFC 3515).
fn refreshes_target(method: Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
    )
}

/// The first Contact's URI, as text.
fn target(message: &Message) -> Result<Option<String>, HeaderError> {
    match message.contacts().next() {
        None => Ok(None),
        Some(contact) => match contact?.uri() {
            Some(uri) => Ok(Some(uri.as_str().to_owned())),
            None => Err(HeaderError::Malformed {
                name: Name::Contact,
                why: "* is no target",
            }),
        },
    }
}

/// The first route's URI and whether it is a loose router's (§19.1.1). What cannot be read is taken
/// for loose: it stays in Route, where the next hop may judge it.
fn router(route: &str) -> (&str, bool) {
    NameAddr::parse(route.as_bytes())
        .map_or((route, true), |route| (route.uri.as_str(), route.uri.is_loose()))
}

fn values(message: &Message, name: Name) -> Vec<String> {
    message
        .values(name)
        .map(|value| String::from_utf8_lossy(value).into_owned())
        .collect()
}

fn text(message: &Message, name: Name) -> Result<String, HeaderError> {
    // A display name in an older encoding is bent to UTF-8; URI and tag are ASCII, and only they count.
    Ok(String::from_utf8_lossy(message.header(name).ok_or(HeaderError::Missing(name))?).into_owned())
}

#[cfg(test)]
mod tests;
