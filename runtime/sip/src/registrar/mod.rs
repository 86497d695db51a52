//! The registrar: which contacts reach a user now (RFC 3261 §10.3).
//!
//! Bindings are kept per [`Aor`], which names a domain and a user of it, so nothing of one domain is
//! ever found from another. A contact behind a NAT is reached by the flow its REGISTER came by; its
//! own URI stays the Request-URI.
//!
//! The registrar neither authenticates nor answers: [`Registrar::register`] says what a 200 must
//! list, and [`RegisterError`] which status refuses.

mod binding;

pub use binding::{Binding, Reach};

use crate::flow::Flow;
use crate::message::{Contact, HeaderError, Message, Name, NameAddr, Reject};
use crate::moment::Moment;
use binding::{Asked, is_left_behind, is_same, sort};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::time::Duration;

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

/// All bindings of one shard.
#[derive(Debug)]
pub struct Registrar {
    config: Config,
    bindings: HashMap<Aor, Vec<Binding>>,
    /// When each AOR's first binding ends: one entry per AOR.
    deadlines: BTreeSet<(Moment, Aor)>,
    registrations: u64,
    /// Whose bindings are not those that were written down.
    touched: BTreeSet<Aor>,
}

/// All bindings of one AOR: to be written down and read back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AorRecord {
    /// Whose.
    pub aor: Aor,
    /// The best first.
    pub bindings: Vec<Binding>,
}

impl Registrar {
    /// No bindings.
    pub fn new(config: Config) -> Self {
        Registrar {
            config,
            bindings: HashMap::new(),
            deadlines: BTreeSet::new(),
            registrations: 0,
            touched: BTreeSet::new(),
        }
    }

    /// Does what an authenticated REGISTER for `aor` asks, all of it or nothing, and gives the
    /// bindings that are in force now: the 200 lists them, see [`Binding::contact_header`].
    pub fn register(
        &mut self,
        aor: &Aor,
        request: &Message,
        flow: Flow,
        now: Moment,
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
                    bindings.retain(|binding| !is_left_behind(binding, call_id, &asked));
                    if bindings.len() >= self.config.bindings_max {
                        make_room(&mut bindings);
                    }
                    if bindings.len() >= self.config.bindings_max {
                        return Err(RegisterError::TooMany {
                            aor: aor.clone(),
                            max: self.config.bindings_max,
                        });
                    }
                    self.registrations = self.registrations.saturating_add(1);
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
                        flow_closed: false,
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
    pub fn lookup(&self, aor: &Aor, now: Moment) -> Vec<Binding> {
        self.live(aor, now)
    }

    /// Marks what came by a connection that is closed now, and gives it. A binding is not its connection (§10.3;
    /// RFC 5626 §4.4 would have it so, but only for outbound): the phone may be listening, and a phone that connects
    /// again need not register again before its time.
    pub fn handle_flow_closed(&mut self, flow: Flow) -> Vec<(Aor, Binding)> {
        self.handle_flows_closed(|closed| *closed == flow)
    }

    /// The same for every flow that is `closed`: whoever held the sockets is gone.
    pub fn handle_flows_closed(&mut self, closed: impl Fn(&Flow) -> bool) -> Vec<(Aor, Binding)> {
        let mut marked = Vec::new();
        for (aor, bindings) in &mut self.bindings {
            for binding in bindings {
                if !binding.flow_closed && closed(&binding.flow) {
                    binding.flow_closed = true;
                    marked.push((aor.clone(), binding.clone()));
                }
            }
        }
        self.touched.extend(marked.iter().map(|(aor, _)| aor.clone()));
        marked.sort_by(|a, b| a.0.cmp(&b.0));
        marked
    }

    /// Appends to `aors` whose bindings changed since the last call, each once.
    pub fn drain_touched(&mut self, aors: &mut Vec<Aor>) {
        aors.extend(std::mem::take(&mut self.touched));
    }

    /// What to write down of `aor`; `None`: it has no bindings.
    pub fn record(&self, aor: &Aor) -> Option<AorRecord> {
        self.bindings.get(aor).map(|bindings| AorRecord {
            aor: aor.clone(),
            bindings: bindings.clone(),
        })
    }

    /// Puts bindings back, in place of those that `record.aor` has. What has ended by `now` is left out, and the AOR
    /// is told as touched then.
    pub fn restore(&mut self, record: AorRecord, now: Moment) {
        let AorRecord { aor, mut bindings } = record;
        let all = bindings.len();
        bindings.retain(|binding| binding.expires_at > now);
        sort(&mut bindings);
        let freshest = bindings.iter().map(|binding| binding.freshness).max();
        self.registrations = self.registrations.max(freshest.unwrap_or(0));
        let ended = bindings.len() < all;
        self.replace(&aor, bindings);
        if ended {
            self.touched.insert(aor);
        } else {
            self.touched.remove(&aor);
        }
    }

    /// Takes out what has ended by `now`.
    pub fn expire(&mut self, now: Moment) -> Vec<(Aor, Binding)> {
        let mut due = Vec::new();
        while let Some((at, aor)) = self.deadlines.first().filter(|(at, _)| *at <= now) {
            due.push(aor.clone());
            let entry = (*at, aor.clone());
            self.deadlines.remove(&entry);
        }
        self.take_out(due, |binding| binding.expires_at <= now)
    }

    /// When [`Self::expire`] has something to do next.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.deadlines.first().map(|(at, _)| *at)
    }

    /// AORs that have a binding.
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Bindings of a domain's users, or of all.
    pub fn count(&self, domain: Option<&str>) -> usize {
        let of_domain = |aor: &Aor| domain.is_none_or(|domain| domain == aor.domain);
        let these = self.bindings.iter().filter(|(aor, _)| of_domain(aor));
        these.map(|(_, bindings)| bindings.len()).sum()
    }

    /// Bindings of each domain that has some.
    pub fn count_by_domain(&self) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        for (aor, bindings) in &self.bindings {
            match counts.get_mut(&aor.domain) {
                Some(count) => *count += bindings.len(),
                None => drop(counts.insert(aor.domain.clone(), bindings.len())),
            }
        }
        counts
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

    fn live(&self, aor: &Aor, now: Moment) -> Vec<Binding> {
        let all = self.bindings.get(aor).into_iter().flatten();
        all.filter(|binding| binding.expires_at > now).cloned().collect()
    }

    fn replace(&mut self, aor: &Aor, bindings: Vec<Binding>) {
        if self.bindings.get(aor).map_or(&[][..], Vec::as_slice) != bindings {
            self.touched.insert(aor.clone());
        }
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

/// Drops the oldest binding whose connection is closed: a phone that names itself anew at every start must not lock
/// itself out.
fn make_room(bindings: &mut Vec<Binding>) {
    let closed = bindings
        .iter()
        .enumerate()
        .filter(|(_, binding)| binding.flow_closed);
    if let Some((oldest, _)) = closed.min_by_key(|(_, binding)| binding.freshness) {
        bindings.remove(oldest);
    }
}

#[cfg(test)]
mod tests;
