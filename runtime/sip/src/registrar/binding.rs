//! One contact of an address of record, and how a call gets to it.

use crate::flow::{Flow, Transport};
use crate::message::Uri;
use crate::moment::Moment;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// One contact of an AOR.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The contact's URI as the phone wrote it: the Request-URI of calls to it.
    pub contact_uri: String,
    /// The way the REGISTER came by: calls go back along it.
    pub flow: Flow,
    /// Preference, 0 to 1000.
    pub q_thousandths: u16,
    /// When it ends unless refreshed.
    pub expires_at: Moment,
    /// Call-ID of the last REGISTER that touched it.
    pub call_id: String,
    /// CSeq of that REGISTER.
    pub cseq: u32,
    /// User-Agent, if given.
    pub user_agent: Option<String>,
    /// `+sip.instance` without its quotes (RFC 5626 §4.1): one device, whatever its address.
    pub instance: Option<String>,
    /// `reg-id` (RFC 5626 §4.2).
    pub reg_id: Option<u32>,
    /// The connection it came by is closed: see [`Self::reach`].
    pub flow_closed: bool,
    /// Registrations in order; ties in q go to the later.
    pub(super) freshness: u64,
}

/// How a call gets to a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// By the way its REGISTER came by.
    Flow(Flow),
    /// That connection is closed; the phone may take a new one here.
    Address(Transport, SocketAddr),
    /// Not before it registers again: the connection is closed and the contact is a name or behind a NAT.
    Nowhere,
}

impl Binding {
    /// Grows with each REGISTER that names a contact: of two bindings of one contact it tells which is the later.
    pub fn freshness(&self) -> u64 {
        self.freshness
    }

    /// How a call gets to it. A contact that names no transport is reached by that of its REGISTER, which also fails
    /// at once where nobody listens; one whose address is not where its REGISTER came from is behind a NAT, and its
    /// address is somebody else's here.
    pub fn reach(&self) -> Reach {
        if !self.flow_closed {
            return Reach::Flow(self.flow);
        }
        Uri::parse(self.contact_uri.as_bytes())
            .ok()
            .and_then(|uri| uri.address(self.flow.transport))
            .filter(|(_, address)| address.ip() == self.flow.remote.ip())
            .map_or(Reach::Nowhere, |(transport, address)| {
                Reach::Address(transport, address)
            })
    }

    /// The value of Contact in a 200 to REGISTER (§10.3 item 8).
    pub fn contact_header(&self, now: Moment) -> String {
        let left = self.expires_at.duration_since(now);
        // A second that has begun counts: 0 would read as removed.
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        let mut value = format!("<{}>;expires={seconds}", self.contact_uri);
        // Writing to a String cannot fail.
        if self.q_thousandths < 1000 {
            let _ = write!(value, ";q=0.{:03}", self.q_thousandths);
        }
        if let Some(instance) = &self.instance {
            let _ = write!(value, ";+sip.instance=\"{instance}\"");
        }
        if let Some(reg_id) = self.reg_id {
            let _ = write!(value, ";reg-id={reg_id}");
        }
        value
    }
}

/// A contact as a REGISTER asks for it.
pub(super) struct Asked {
    pub uri: String,
    pub q_thousandths: u16,
    pub expires: Duration,
    pub instance: Option<String>,
    pub reg_id: Option<u32>,
}

/// Whether a REGISTER means this binding: the same URI (§10.3 item 7, §19.1.4), or the same device
/// on the same of its flows (RFC 5626 §6): a phone that got a new address replaces its old self.
pub(super) fn is_same(binding: &Binding, asked: &Asked) -> bool {
    if let (Some(ours), Some(theirs)) = (&binding.instance, &asked.instance)
        && binding.reg_id == asked.reg_id
        // Without reg-id two accounts of one soft phone would share the instance: then the URI decides.
        && asked.reg_id.is_some()
    {
        return ours == theirs;
    }
    match (
        Uri::parse(binding.contact_uri.as_bytes()),
        Uri::parse(asked.uri.as_bytes()),
    ) {
        (Ok(ours), Ok(theirs)) => ours.equivalent(&theirs),
        _ => binding.contact_uri == asked.uri,
    }
}

/// Whether a REGISTER with this Call-ID and this contact comes from the phone that left `binding` behind when its
/// connection closed: it chose another port for the next one, and its contact with it.
pub(super) fn is_left_behind(binding: &Binding, call_id: &str, asked: &Asked) -> bool {
    binding.flow_closed
        && (binding.call_id == call_id || (binding.instance.is_some() && binding.instance == asked.instance))
}

pub(super) fn sort(bindings: &mut [Binding]) {
    bindings.sort_by_key(|binding| {
        (
            std::cmp::Reverse(binding.q_thousandths),
            std::cmp::Reverse(binding.freshness),
        )
    });
}
