//! Who asks, by the token that they show (RFC 6750 §2.1).

use std::net::IpAddr;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use tandem_store::{Bearer, DomainScope, Secret, TokenScope};

use super::Api;
use super::problem::ApiError;

/// Where a connection comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The owner of a good token.
#[derive(Debug)]
pub(crate) struct Caller(Bearer);

impl Caller {
    /// The domain that the token opens, if the token lets do this.
    pub(crate) fn may(&self, scope: TokenScope) -> Result<&DomainScope, ApiError> {
        if self.0.token.scopes.contains(&scope) {
            Ok(&self.0.scope)
        } else {
            Err(ApiError::not_for(scope))
        }
    }

    /// The token's name, for the log.
    pub(crate) fn token(&self) -> &str {
        &self.0.token.name
    }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Some(shown) = parts.headers.get(header::AUTHORIZATION) else {
            return Err(ApiError::unknown(false));
        };
        // Without an address (there always is one) everybody is one address.
        let Peer(address) = parts
            .extensions
            .get()
            .copied()
            .unwrap_or(Peer([0, 0, 0, 0].into()));
        let throttle = &api.shared.throttle;
        if let Err(wait) = throttle.check(address, Instant::now()) {
            let detail = "too many wrong tokens came from this address";
            let seconds = wait.as_secs() + 1;
            return Err(ApiError::later(StatusCode::TOO_MANY_REQUESTS, detail, seconds));
        }
        let secret = shown.to_str().ok().and_then(token_of);
        let bearer = match secret {
            Some(secret) => api.store().bearer(&secret).await?,
            None => None,
        };
        bearer.map(Self).ok_or_else(|| {
            throttle.was_wrong(address, Instant::now());
            ApiError::unknown(true)
        })
    }
}

/// The scheme's name is without case (RFC 9110 §11.1).
fn token_of(value: &str) -> Option<Secret> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::parse(token.trim()))
        .flatten()
}
