//! Who asks, and for which domain: a program by its token (RFC 6750 §2.1), a person by the cookie of a session.
//!
//! What a token or a role lets do is decided here and nowhere else.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use tandem_store::accounts::Home;
use tandem_store::{Bearer, DomainScope, Role, Secret, Session, SessionLasts, TokenScope};

use super::Api;
use super::problem::ApiError;
use super::throttle::network;

/// The cookie of a session.
pub(crate) const COOKIE: &str = "tandem_session";
/// The header that requests which change something show beside the cookie.
pub(crate) const CSRF: &str = "X-CSRF-Token";
/// How long a session is good.
pub(crate) const LASTS: SessionLasts = SessionLasts {
    idle: Duration::from_hours(2),
    whole: Duration::from_hours(24),
};

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The domain that a request's path names: see `inside.rs`.
#[derive(Debug, Clone)]
pub(crate) struct Named(pub(crate) String);

/// Somebody who was let in.
#[derive(Debug)]
pub(crate) struct Caller {
    who: Who,
    /// The domain that the request is about; none: the system's own affairs.
    scope: Option<DomainScope>,
    address: IpAddr,
}

#[derive(Debug)]
enum Who {
    Program(Bearer),
    Person(Box<Session>),
}

impl Caller {
    /// The domain that the request is about, if the caller may do this in it.
    pub(crate) fn may(&self, right: TokenScope) -> Result<&DomainScope, ApiError> {
        if !self.has(right) {
            return Err(match &self.who {
                Who::Program(_) => ApiError::not_for(right),
                Who::Person(_) => ApiError::new(
                    StatusCode::FORBIDDEN,
                    format!("your role does not include {right}"),
                ),
            });
        }
        self.scope.as_ref().ok_or_else(|| {
            ApiError::new(
                StatusCode::NOT_FOUND,
                "which domain? say /api/v1/domains/DOMAIN/…",
            )
        })
    }

    /// Whether the caller may do all that a token would let do: nobody hands on what he has not.
    pub(crate) fn may_hand_on(&self, rights: &[TokenScope]) -> Result<(), ApiError> {
        let lacking = rights.iter().position(|right| !self.has(*right));
        let Some((place, right)) = lacking.and_then(|place| Some((place, rights.get(place)?))) else {
            return Ok(());
        };
        let detail = format!("{right} is not yours to hand on");
        Err(ApiError::new(StatusCode::FORBIDDEN, detail.clone()).at(&format!("/scopes/{place}"), detail))
    }

    fn has(&self, right: TokenScope) -> bool {
        match &self.who {
            Who::Program(bearer) => bearer.token.scopes.contains(&right),
            Who::Person(session) => role_may(session.account.role, right),
        }
    }

    /// The user that the caller is, where its role is [`Role::User`]: what is his own is all that it may see and do.
    fn own(&self) -> Option<(&DomainScope, &str)> {
        match &self.who {
            Who::Person(session) if session.account.role == Role::User => {
                Some((self.scope.as_ref()?, session.account.user.as_deref()?))
            }
            _ => None,
        }
    }

    /// For lists: the domain, and the user whose things are all that the caller may see; none: it may see those of the
    /// whole domain.
    pub(crate) fn may_or_own(&self, right: TokenScope) -> Result<(&DomainScope, Option<&str>), ApiError> {
        match self.own() {
            Some((scope, user)) => Ok((scope, Some(user))),
            None => Ok((self.may(right)?, None)),
        }
    }

    /// For what is one user's: the domain, if the caller may do this in it, or is that user.
    pub(crate) fn may_of_user(&self, right: TokenScope, user: &str) -> Result<&DomainScope, ApiError> {
        match self.own() {
            Some((scope, own)) if own == user => Ok(scope),
            _ => self.may(right),
        }
    }

    /// For what concerns all domains: the system's accounts alone.
    pub(crate) fn may_all(&self) -> Result<(), ApiError> {
        match &self.who {
            Who::Person(session) if session.account.role == Role::System => Ok(()),
            _ => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this is for the system's administrators",
            )),
        }
    }

    /// Whose accounts and audit log it is about: the domain's, or, without a domain, the system's.
    pub(crate) fn home(&self, right: TokenScope) -> Result<Home<'_>, ApiError> {
        if self.scope.is_some() {
            return self.may(right).map(Some);
        }
        self.may_all()?;
        Ok(None)
    }

    /// The person's session; a program has none.
    pub(crate) fn session(&self) -> Result<&Session, ApiError> {
        match &self.who {
            Who::Person(session) => Ok(session),
            Who::Program(_) => Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "this is for who has logged in",
            )),
        }
    }

    /// Who it is, for logs: a login, or `token:NAME`.
    pub(crate) fn name(&self) -> String {
        match &self.who {
            Who::Program(bearer) => format!("token:{}", bearer.token.name),
            Who::Person(session) => session.account.login.clone(),
        }
    }

    /// Where the request came from.
    pub(crate) fn address(&self) -> IpAddr {
        self.address
    }
}

fn role_may(role: Role, right: TokenScope) -> bool {
    match role {
        Role::System | Role::Administrator => true,
        Role::Supervisor => matches!(
            right,
            TokenScope::ScenariosRead
                | TokenScope::CallsRead
                | TokenScope::VoicemailRead
                | TokenScope::UsersRead
        ),
        Role::User => false,
    }
}

/// What a request was let in by, for one that goes on for long.
pub(crate) enum Credential {
    Token(Secret),
    Cookie(Secret),
}

impl Credential {
    /// As the request shows it.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        match headers.get(header::AUTHORIZATION) {
            Some(shown) => token_of(shown.to_str().ok()?).map(Self::Token),
            None => cookie(headers).map(Self::Cookie),
        }
    }

    /// Whether it would still let somebody in. Asking is no use of a session.
    pub(crate) async fn stands(&self, api: &Api) -> bool {
        let stands = match self {
            Self::Token(secret) => api.store().bearer(secret).await.map(|found| found.is_some()),
            Self::Cookie(secret) => api.store().session_stands(secret, LASTS).await,
        };
        // A store that does not answer is no reason to break off.
        stands.unwrap_or(true)
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let address = address_of(parts);
        let who = match parts.headers.get(header::AUTHORIZATION) {
            Some(shown) => Who::Program(bearer(api, address, shown.to_str().ok()).await?),
            None => Who::Person(Box::new(person(api, parts).await?)),
        };
        let (own, blocked) = match &who {
            Who::Program(bearer) => (Some(&bearer.scope), bearer.domain_blocked),
            Who::Person(session) => (session.scope.as_ref(), session.domain_blocked),
        };
        if blocked {
            return Err(domain_blocked());
        }
        let scope = match (parts.extensions.get::<Named>(), own) {
            (None, own) => own.cloned(),
            (Some(Named(name)), Some(own)) if own.name().eq_ignore_ascii_case(name) => Some(own.clone()),
            // Whether there is such a domain is not a foreigner's affair.
            (Some(Named(name)), Some(_)) => return Err(no_domain(name)),
            (Some(Named(name)), None) => {
                let found = api.store().find_domain(name).await?;
                Some(found.ok_or_else(|| no_domain(name))?.0)
            }
        };
        Ok(Self { who, scope, address })
    }
}

pub(super) fn domain_blocked() -> ApiError {
    let words = "the domain is blocked; the system's administrators know why";
    ApiError::new(StatusCode::FORBIDDEN, words)
}

fn no_domain(name: &str) -> ApiError {
    super::scenarios::not_found("domain", name)
}

/// Without an address (there always is one) everybody is one address.
pub(crate) fn address_of(parts: &Parts) -> IpAddr {
    parts
        .extensions
        .get()
        .map_or_else(|| [0, 0, 0, 0].into(), |Peer(address)| *address)
}

async fn bearer(api: &Api, address: IpAddr, shown: Option<&str>) -> Result<Bearer, ApiError> {
    let throttle = &api.shared.throttle;
    let network = network(address);
    if let Err(wait) = throttle.check(&network, Instant::now()) {
        return Err(ApiError::too_often("tokens came from this address", wait));
    }
    let bearer = match shown.and_then(token_of) {
        Some(secret) => api.store().bearer(&secret).await?,
        None => None,
    };
    bearer.ok_or_else(|| {
        throttle.was_wrong(network, Instant::now());
        ApiError::unknown(true)
    })
}

async fn person(api: &Api, parts: &Parts) -> Result<Session, ApiError> {
    let Some(secret) = cookie(&parts.headers) else {
        return Err(ApiError::unknown(false));
    };
    let session = api.store().session(&secret, LASTS).await?;
    let session = session
        .ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "the session has ended: log in again"))?;
    let shown = parts.headers.get(CSRF).and_then(|value| value.to_str().ok());
    if !parts.method.is_safe() && shown != Some(session.csrf.as_str()) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "a request that changes something needs the session's `csrf` in the header X-CSRF-Token",
        ));
    }
    Ok(session)
}

/// What the session's cookie holds (RFC 6265 §4.2).
pub(crate) fn cookie(headers: &HeaderMap) -> Option<Secret> {
    let values = headers.get_all(header::COOKIE).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .and_then(|(_, value)| Secret::parse(value))
}

/// The scheme's name is without case (RFC 9110 §11.1).
fn token_of(value: &str) -> Option<Secret> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::parse(token.trim()))
        .flatten()
}
