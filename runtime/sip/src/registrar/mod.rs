//! The registrar: which contacts reach a user now (RFC 3261 §10.3).
//!
//! Bindings are kept per [`Aor`], which names a domain and a user of it, so nothing of one domain is
//! ever found from another. A contact behind a NAT is reached by the flow its REGISTER came by; its
//! own URI stays the Request-URI.
//!
//! The registrar neither authenticates nor answers: [`Registrar::register`] says what a 200 must
//! list, and [`RegisterError`] which status refuses.

use crate::flow::Flow;
use crate::message::{Contact, HeaderError, Message, Name, NameAddr, Reject, Uri};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Write as _};
use std::time::{Duration, Instant};

/// An address of record: `user@domain`, the domain in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Aor {
    /// The domain, lower case.
    pub domain: String,
    /// The user, unescaped, case kept (RFC 3261 §19.1.4).
    pub user: String,
}

impl Aor {
    /// The user of a domain.
    pub fn new(domain: &str, user: &str) -> Self {
        Aor {
            domain: domain.to_ascii_lowercase(),
            user: user.to_owned(),
        }
    }
}

impl fmt::Display for Aor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.domain)
    }
}

/// What a registrar is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// When neither contact nor request names a time; default 3600 s.
    pub expires_default: Duration,
    /// Less is refused with 423; default 60 s.
    pub expires_min: Duration,
    /// More is shortened to this; default 7200 s.
    pub expires_max: Duration,
    /// Bindings of one AOR at most; default 10.
    pub bindings_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            expires_default: Duration::from_hours(1),
            expires_min: Duration::from_mins(1),
            expires_max: Duration::from_hours(2),
            bindings_max: 10,
        }
    }
}

/// One contact of an AOR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The contact's URI as the phone wrote it: the Request-URI of calls to it.
    pub contact_uri: String,
    /// The way the REGISTER came by: calls go back along it.
    pub flow: Flow,
    /// Preference, 0 to 1000.
    pub q_thousandths: u16,
    /// When it ends unless refreshed.
    pub expires_at: Instant,
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
    /// Registrations in order; ties in q go to the later.
    freshness: u64,
}

impl Binding {
    /// The value of Contact in a 200 to REGISTER (§10.3 item 8).
    pub fn contact_header(&self, now: Instant) -> String {
        let left = self.expires_at.saturating_duration_since(now);
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

/// Why a REGISTER is refused. Nothing of it was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    /// 423 with Min-Expires (§10.3 item 7).
    #[error("expires {asked_s} s is under the minimum of {least_s} s")]
    TooBrief {
        /// What was asked for.
        asked_s: u32,
        /// For Min-Expires.
        least_s: u32,
    },
    /// 403: phones multiply bindings when their address changes at every start.
    #[error("{aor} has {max} bindings already")]
    TooMany {
        /// Whose.
        aor: Aor,
        /// The bound.
        max: usize,
    },
    /// 500: older than what was done already (§10.3 item 7).
    #[error("REGISTER out of order")]
    OutOfOrder,
    /// 400: `*` with another contact or without `Expires: 0` (§10.3 item 6).
    #[error("* needs Expires: 0 and stands alone")]
    Star,
    /// 400: a contact that no call could be sent to.
    #[error("contact is no SIP URI")]
    Contact,
    /// 400: a header that cannot be read.
    #[error("{0}")]
    Header(#[from] HeaderError),
}

impl RegisterError {
    /// The answer's status line.
    pub fn reject(&self) -> Reject {
        match self {
            RegisterError::TooBrief { .. } => Reject::new(423, "Interval Too Brief"),
            RegisterError::TooMany { .. } => Reject::new(403, "Too Many Contacts"),
            RegisterError::OutOfOrder => Reject::new(500, "Request Out of Order"),
            RegisterError::Star => Reject::new(400, "Invalid Use of * Contact"),
            RegisterError::Contact => Reject::new(400, "Contact Is No SIP URI"),
            RegisterError::Header(error) => (*error).into(),
        }
    }

    /// The value of Min-Expires, in seconds, where the answer needs it.
    pub fn min_expires_s(&self) -> Option<u32> {
        match self {
            RegisterError::TooBrief { least_s, .. } => Some(*least_s),
            RegisterError::TooMany { .. }
            | RegisterError::OutOfOrder
            | RegisterError::Star
            | RegisterError::Contact
            | RegisterError::Header(_) => None,
        }
    }
}

/// A contact as a REGISTER asks for it.
struct Asked {
    uri: String,
    q_thousandths: u16,
    expires: Duration,
    instance: Option<String>,
    reg_id: Option<u32>,
}

/// All bindings of one shard.
#[derive(Debug)]
pub struct Registrar {
    config: Config,
    bindings: HashMap<Aor, Vec<Binding>>,
    /// When each AOR's first binding ends: one entry per AOR.
    deadlines: BTreeSet<(Instant, Aor)>,
    registrations: u64,
}

impl Registrar {
    /// No bindings.
    pub fn new(config: Config) -> Self {
        Registrar {
            config,
            bindings: HashMap::new(),
            deadlines: BTreeSet::new(),
            registrations: 0,
        }
    }

    /// Does what an authenticated REGISTER for `aor` asks, all of it or nothing, and gives the
    /// bindings that are in force now: the 200 lists them, see [`Binding::contact_header`].
    pub fn register(
        &mut self,
        aor: &Aor,
        request: &Message,
        flow: Flow,
        now: Instant,
    ) -> Result<Vec<Binding>, RegisterError> {
        let mut bindings = self.live(aor, now);
        let (call_id, cseq) = (request.call_id()?, request.cseq()?.seq);
        // A contact that one request names twice is not older than itself: the last mention counts.
        let before = self.registrations;
        let older = |binding: &Binding| {
            binding.freshness <= before && binding.call_id == call_id && binding.cseq >= cseq
        };
        match self.read_contacts(request)? {
            Contacts::Star => {
                if bindings.iter().any(older) {
                    return Err(RegisterError::OutOfOrder);
                }
                bindings.clear();
            }
            Contacts::Each(asked) => {
                for asked in asked {
                    let known = bindings.iter().position(|binding| is_same(binding, &asked));
                    if let Some(at) = known {
                        if bindings.get(at).is_some_and(older) {
                            return Err(RegisterError::OutOfOrder);
                        }
                        bindings.remove(at);
                    }
                    if asked.expires.is_zero() {
                        continue;
                    }
                    if bindings.len() >= self.config.bindings_max {
                        return Err(RegisterError::TooMany {
                            aor: aor.clone(),
                            max: self.config.bindings_max,
                        });
                    }
                    self.registrations += 1;
                    bindings.push(Binding {
                        contact_uri: asked.uri,
                        flow,
                        q_thousandths: asked.q_thousandths,
                        expires_at: now + asked.expires,
                        call_id: call_id.to_owned(),
                        cseq,
                        user_agent: request
                            .header(Name::UserAgent)
                            .map(|agent| String::from_utf8_lossy(agent).into_owned()),
                        instance: asked.instance,
                        reg_id: asked.reg_id,
                        freshness: self.registrations,
                    });
                }
            }
        }
        sort(&mut bindings);
        self.replace(aor, bindings.clone());
        Ok(bindings)
    }

    /// The contacts of `aor`, the best first: by q, then the freshest.
    pub fn lookup(&self, aor: &Aor, now: Instant) -> Vec<Binding> {
        self.live(aor, now)
    }

    /// Takes out what a broken flow carried (RFC 5626 §4.4 where the connection is closed).
    pub fn handle_flow_closed(&mut self, flow: Flow) -> Vec<(Aor, Binding)> {
        let touched: Vec<Aor> = self
            .bindings
            .iter()
            .filter(|(_, bindings)| bindings.iter().any(|binding| binding.flow == flow))
            .map(|(aor, _)| aor.clone())
            .collect();
        let mut gone = self.take_out(touched, |binding| binding.flow == flow);
        gone.sort_by(|a, b| a.0.cmp(&b.0));
        gone
    }

    /// Takes out what has ended by `now`.
    pub fn expire(&mut self, now: Instant) -> Vec<(Aor, Binding)> {
        let mut due = Vec::new();
        while let Some((at, aor)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            due.push(aor.clone());
            let entry = (*at, aor.clone());
            self.deadlines.remove(&entry);
        }
        self.take_out(due, |binding| binding.expires_at <= now)
    }

    /// When [`Self::expire`] has something to do next.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// AORs that have a binding.
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.bindings.is_empty()
    }

    fn take_out(&mut self, aors: Vec<Aor>, ended: impl Fn(&Binding) -> bool) -> Vec<(Aor, Binding)> {
        let mut gone = Vec::new();
        for aor in aors {
            let bindings = self.bindings.get(&aor).cloned().unwrap_or_default();
            let (out, left): (Vec<_>, Vec<_>) = bindings.into_iter().partition(&ended);
            self.replace(&aor, left);
            gone.extend(out.into_iter().map(|binding| (aor.clone(), binding)));
        }
        gone
    }

    fn live(&self, aor: &Aor, now: Instant) -> Vec<Binding> {
        let all = self.bindings.get(aor).into_iter().flatten();
        all.filter(|binding| binding.expires_at > now).cloned().collect()
    }

    fn replace(&mut self, aor: &Aor, bindings: Vec<Binding>) {
        let first = |bindings: &[Binding]| bindings.iter().map(|binding| binding.expires_at).min();
        if let Some(at) = self.bindings.get(aor).and_then(|old| first(old)) {
            self.deadlines.remove(&(at, aor.clone()));
        }
        match first(&bindings) {
            Some(at) => {
                self.deadlines.insert((at, aor.clone()));
                self.bindings.insert(aor.clone(), bindings);
            }
            None => {
                self.bindings.remove(aor);
            }
        }
    }

    fn read_contacts(&self, request: &Message) -> Result<Contacts, RegisterError> {
        let default = request
            .expires()?
            .map(|seconds| Duration::from_secs(seconds.into()));
        let mut asked: Vec<Asked> = Vec::new();
        let mut star = false;
        for contact in request.contacts() {
            let contact = contact?;
            match &contact {
                Contact::Star => star = true,
                Contact::Address(address) => asked.push(self.read_contact(&contact, address, default)?),
            }
        }
        match (star, asked.is_empty(), default) {
            (false, _, _) => Ok(Contacts::Each(asked)),
            (true, true, Some(Duration::ZERO)) => Ok(Contacts::Star),
            (true, _, _) => Err(RegisterError::Star),
        }
    }

    fn read_contact(
        &self,
        contact: &Contact<'_>,
        address: &NameAddr<'_>,
        default: Option<Duration>,
    ) -> Result<Asked, RegisterError> {
        if !address.uri.is_sip() {
            return Err(RegisterError::Contact);
        }
        let own = contact
            .expires()
            .map(|seconds| Duration::from_secs(seconds.into()));
        let expires = own.or(default).unwrap_or(self.config.expires_default);
        if !expires.is_zero() && expires < self.config.expires_min {
            return Err(RegisterError::TooBrief {
                asked_s: expires.as_secs() as u32,
                least_s: self.config.expires_min.as_secs() as u32,
            });
        }
        Ok(Asked {
            uri: address.uri.as_str().to_owned(),
            q_thousandths: contact.q_thousandths(),
            expires: expires.min(self.config.expires_max),
            instance: address.params.get("+sip.instance").map(str::to_owned),
            reg_id: address.params.get("reg-id").and_then(|id| id.parse().ok()),
        })
    }
}

enum Contacts {
    Star,
    Each(Vec<Asked>),
}

/// Whether a REGISTER means this binding: the same URI (§10.3 item 7, §19.1.4), or the same device
/// on the same of its flows (RFC 5626 §6): a phone that got a new address replaces its old self.
fn is_same(binding: &Binding, asked: &Asked) -> bool {
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

fn sort(bindings: &mut [Binding]) {
    bindings.sort_by_key(|binding| {
        (
            std::cmp::Reverse(binding.q_thousandths),
            std::cmp::Reverse(binding.freshness),
        )
    });
}

#[cfg(test)]
mod tests;
