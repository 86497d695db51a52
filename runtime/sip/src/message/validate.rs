//! The gate for what comes from outside: what RFC 3261 §8.1.1 makes mandatory is there, once, and readable.

use super::parse::Defect;
use super::{HeaderError, Message, Name, Reject, Scheme};

/// Headers that may stand in a message once only and whose meaning we act on (RFC 3261 §7.3.1).
const SINGLE: [Name; 8] = [
    Name::CallId,
    Name::CSeq,
    Name::From,
    Name::To,
    Name::MaxForwards,
    Name::ContentLength,
    Name::ContentType,
    Name::Expires,
];

impl Message {
    /// Whether the message can be worked with. For a request the refusal becomes the answer; a response that is
    /// refused is to be dropped.
    ///
    /// It looks at the start line, the mandatory headers, repeated single headers, every Via, Contact, Route and
    /// Record-Route, CSeq against the request line, and Content-Length against what came. Not at what policy
    /// decides: methods, extensions, body types.
    pub fn validate(&self) -> Result<(), Reject> {
        match self.index.defect {
            // The peer speaks another SIP: nothing after the version can be relied on (RFC 3261 §21.5.6).
            Some(Defect::Version) => return Err(Reject::new(505, "Version Not Supported")),
            Some(Defect::RequestLine) => return Err(Reject::new(400, "Bad Request Line")),
            Some(Defect::HeaderLine) => return Err(Reject::new(400, "Header Line Without Name")),
            Some(Defect::NoEmptyLine) => return Err(Reject::new(400, "No Empty Line After Headers")),
            None => (),
        }
        self.check_once()?;
        self.call_id()?;
        self.check_cseq()?;
        let named = |name| move |why| HeaderError::Malformed { name, why };
        self.from()?.check().map_err(named(Name::From))?;
        self.to()?.check().map_err(named(Name::To))?;
        self.top_via()?;
        for via in self.vias() {
            via?.check().map_err(named(Name::Via))?;
        }
        for contact in self.contacts() {
            if let Some(address) = contact?.address() {
                address.check().map_err(named(Name::Contact))?;
            }
        }
        for name in [Name::Route, Name::RecordRoute] {
            for route in self.name_addrs(name) {
                route?.check().map_err(named(name))?;
            }
        }
        self.max_forwards()?;
        self.expires()?;
        if let Some(length) = self.content_length()?
            && length > self.body().len()
        {
            return Err(Reject::new(400, "Content-Length Beyond The Message"));
        }
        if self.is_request() {
            self.check_request_uri()
        } else {
            Ok(())
        }
    }

    fn check_once(&self) -> Result<(), Reject> {
        let mut seen = 0_u16;
        for (name, _, _) in self.all_headers() {
            if let Some(at) = SINGLE.iter().position(|single| *single == name) {
                if seen & 1 << at != 0 {
                    return Err(Reject::new(400, format!("Repeated {} Header", name.as_str())));
                }
                seen |= 1 << at;
            }
        }
        Ok(())
    }

    fn check_cseq(&self) -> Result<(), Reject> {
        let cseq = self.cseq()?;
        match self.method() {
            Some(_) if cseq.method_str() == self.method_str() => Ok(()),
            // RFC 4475 §3.1.2.17 and §3.1.2.18 allow 400 for both known and unknown methods.
            Some(_) => Err(Reject::new(400, "CSeq Method Does Not Match Request")),
            None => Ok(()),
        }
    }

    fn check_request_uri(&self) -> Result<(), Reject> {
        let bad = |why: &'static str| Reject::new(400, format!("Bad Request-URI: {why}"));
        let uri = match self.uri() {
            Ok(uri) => uri,
            Err(HeaderError::Malformed { why, .. }) => return Err(bad(why)),
            Err(HeaderError::Missing(_)) => return Err(bad("missing")),
        };
        match uri.scheme {
            Scheme::Sip | Scheme::Sips | Scheme::Tel => (),
            // RFC 3261 §8.2.2.1
            Scheme::Other(_) => return Err(Reject::new(416, "Unsupported URI Scheme")),
        }
        uri.check().map_err(bad)?;
        // RFC 3261 §19.1.1, table 1: headers and the method parameter have no place in a Request-URI.
        if uri.headers.is_some() {
            return Err(bad("headers"));
        }
        Ok(())
    }
}
