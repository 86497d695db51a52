//! What every request must pass before a user of transactions sees it (RFC 3261 §8.2 and §16.3).

use super::Transactions;
use crate::message::{Builder, MAGIC_COOKIE, Message, Method, Name, ParseError, Reject, Scheme};

/// Option tags that this build understands where a request demands them (§8.2.2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Supported(Vec<String>);

impl Supported {
    /// These option tags, such as `timer` or `100rel`.
    pub fn new<T: Into<String>>(tags: impl IntoIterator<Item = T>) -> Self {
        Supported(tags.into_iter().map(Into::into).collect())
    }

    /// The option tags that `request` demands and we lack: the value of Unsupported. `None` if there is none.
    pub fn lacking(&self, request: &Message) -> Option<String> {
        // ACK and CANCEL are never refused for it (§8.2.2.3).
        if matches!(request.method(), Some(Method::Ack | Method::Cancel)) {
            return None;
        }
        let mut lacking = String::new();
        for name in [Name::Require, Name::ProxyRequire] {
            for tag in request.values(name) {
                let tag = String::from_utf8_lossy(tag);
                if !tag.is_empty() && !self.0.iter().any(|known| known.eq_ignore_ascii_case(&tag)) {
                    if !lacking.is_empty() {
                        lacking.push_str(", ");
                    }
                    lacking.push_str(&tag);
                }
            }
        }
        (!lacking.is_empty()).then_some(lacking)
    }
}

impl Transactions {
    /// Whether a request may go on to call logic: 483 for Max-Forwards 0 (OPTIONS may be answered
    /// instead, §11.2), 482 for a request of ours that came back unchanged, 416 for a URI scheme
    /// that is neither `sip`, `sips` nor `tel`, 420 for a demanded extension that we lack. Answer
    /// with [`Supported::refuse`], which adds what the status calls for.
    pub fn check_request(&self, request: &Message, supported: &Supported) -> Result<(), Reject> {
        if request.max_forwards()? == Some(0) && request.method() != Some(Method::Options) {
            return Err(Reject::new(483, "Too Many Hops"));
        }
        let ours = format!(
            "{MAGIC_COOKIE}{}{:08x}",
            self.cookie,
            hash(request.uri_str().as_bytes())
        );
        // Only with the same Request-URI: a call that a proxy sent back to another number is a spiral,
        // no loop (§16.3).
        let looped = request
            .vias()
            .flatten()
            .any(|via| via.branch().is_some_and(|branch| branch.starts_with(&ours)));
        if looped {
            return Err(Reject::new(482, "Loop Detected"));
        }
        if !matches!(request.uri()?.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) {
            return Err(Reject::new(416, "Unsupported URI Scheme"));
        }
        if supported.lacking(request).is_some() {
            return Err(Reject::new(420, "Bad Extension"));
        }
        Ok(())
    }
}

impl Supported {
    /// The answer that tells of `reject`, with Unsupported where it is 420.
    pub fn refuse(&self, request: &Message, reject: &Reject, to_tag: &str) -> Result<Message, ParseError> {
        let mut reply = Builder::reply(request, reject.status, &reject.reason).to_tag(to_tag);
        if reject.status == 420
            && let Some(lacking) = self.lacking(request)
        {
            reply = reply.header(Name::Unsupported, lacking);
        }
        reply.build()
    }
}

/// FNV-1a: marks, not secrets.
pub fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}
