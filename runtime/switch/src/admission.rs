//! May this INVITE become a call? Who calls (digest authentication), in which domain, and to what number.

use serde::{Deserialize, Serialize};
use tandem_host_api::op::Address;
use tandem_sip::auth::{self, Algorithm, Verifier};
use tandem_sip::transactions::ServerId;
use tandem_sip::{Flow, Message, Method, Moment, Name};

use crate::sdp::{self, Audio, SdpError};
use crate::shard::{Admitted, Question};

/// What the credentials of an INVITE come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The caller is who it says.
    Caller,
    /// Ask for credentials: the values of WWW-Authenticate.
    Challenge(Vec<String>),
    /// 403; why, for the log.
    Refused(String),
}

/// Checks that a request bears credentials of `user` in the domain's realm.
pub fn check_credentials(
    request: &Message,
    method: Method,
    user: &str,
    admitted: &Admitted,
    verifier: &mut Verifier,
    now: Moment,
) -> Verdict {
    let realm = &admitted.realm;
    // A phone may carry credentials for several realms; ours are those that name our realm.
    let ours = request
        .headers(Name::Authorization)
        .find(|value| auth::Credentials::parse(value).is_ok_and(|credentials| credentials.realm == *realm));
    let Some(value) = ours else {
        return Verdict::Challenge(verifier.challenge(realm, false, now));
    };
    let known = admitted.credentials.as_ref();
    let lookup = |name: &str, algorithm: Algorithm| {
        let known = known.filter(|_| name == user)?;
        Some(match algorithm {
            Algorithm::Md5 => known.ha1_md5.clone(),
            Algorithm::Sha256 => known.ha1_sha256.clone(),
        })
    };
    match verifier.verify(method.as_str(), request.uri_str(), value, realm, lookup, now) {
        auth::Verdict::Ok { .. } => Verdict::Caller,
        auth::Verdict::Stale => Verdict::Challenge(verifier.challenge(realm, true, now)),
        auth::Verdict::Wrong(why) => Verdict::Refused(why.to_string()),
    }
}

/// An INVITE that waits for the directory's answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Admission {
    /// Its transaction.
    pub server: ServerId,
    /// Where it came from.
    pub flow: Flow,
    /// The INVITE.
    pub request: Message,
    /// From.
    pub from: Address,
    /// The Request-URI.
    pub dialled: Address,
}

impl Admission {
    /// Reads who calls whom; none where From or the Request-URI is unusable.
    pub fn read(server: ServerId, flow: Flow, request: Message) -> Option<Self> {
        let uri = request.uri().ok()?;
        let dialled = Address {
            user: uri.user().map(std::borrow::Cow::into_owned).unwrap_or_default(),
            host: uri.host.to_string(),
            display_name: String::new(),
        };
        let from_header = request.from().ok()?;
        let from = Address {
            user: from_header
                .uri
                .user()
                .map(std::borrow::Cow::into_owned)
                .unwrap_or_default(),
            host: from_header.uri.host.to_string(),
            display_name: from_header
                .display_name()
                .map(std::borrow::Cow::into_owned)
                .unwrap_or_default(),
        };
        Some(Self {
            server,
            flow,
            request,
            from,
            dialled,
        })
    }

    /// What must be known before it can be decided. The domain is the Request-URI's host; a phone that dials this
    /// server's address means the domain of its From.
    pub fn question(&self) -> Question {
        let by_address = self
            .dialled
            .host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok();
        let host = if by_address {
            &self.from.host
        } else {
            &self.dialled.host
        };
        Question::Admit {
            host: host.clone(),
            user: self.from.user.clone(),
            dialled: self.dialled.user.clone(),
        }
    }

    /// Checks the caller's credentials against the directory's.
    pub fn authenticate(&self, admitted: &Admitted, verifier: &mut Verifier, now: Moment) -> Verdict {
        if !self.from.host.eq_ignore_ascii_case(&admitted.domain) && self.caller_address().is_none() {
            return Verdict::Refused("From names another domain".into());
        }
        check_credentials(
            &self.request,
            Method::Invite,
            &self.from.user,
            admitted,
            verifier,
            now,
        )
    }

    fn caller_address(&self) -> Option<std::net::IpAddr> {
        self.from.host.trim_matches(['[', ']']).parse().ok()
    }

    /// The offer, if the INVITE makes one.
    pub fn offer(&self) -> Result<Option<Audio>, SdpError> {
        if self.request.body().is_empty() {
            return Ok(None);
        }
        let described = self.request.content_type().unwrap_or("application/sdp");
        if !described
            .split(';')
            .next()
            .is_some_and(|t| t.trim().eq_ignore_ascii_case("application/sdp"))
        {
            return Err(SdpError::Type(described.to_owned()));
        }
        sdp::read(self.request.body()).map(Some)
    }

    /// Who calls, with the name that the directory has for him where the phone gave none.
    pub fn caller(&self, admitted: &Admitted) -> Address {
        let mut caller = Address {
            host: admitted.domain.to_string(),
            ..self.from.clone()
        };
        if caller.display_name.is_empty() {
            caller.display_name.clone_from(&admitted.display_name);
        }
        caller
    }
}
