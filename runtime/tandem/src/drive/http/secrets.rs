//! The headers of a request, with the secrets in their places: which go where.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tandem_host_api::op::{HeaderValue as Said, HttpError, HttpRequest};
use tandem_store::{DomainScope, HostPattern, Store};

use super::hop::Hop;

/// A header that tells a service a repetition from a new request (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// What opens something and was given to one origin, and no other (RFC 9110 §15.4).
const CREDENTIALS: [&str; 2] = ["authorization", "cookie"];

/// Headers that are ready to be sent.
#[derive(Debug)]
pub(super) struct Headers(Vec<Header>);

#[derive(Debug)]
struct Header {
    name: HeaderName,
    /// One with a secret is marked as sensitive, so that nothing shows it.
    value: HeaderValue,
    secret: Option<Bound>,
}

/// A secret's name, and the only hosts that get it.
#[derive(Debug)]
struct Bound {
    name: String,
    hosts: Vec<HostPattern>,
}

impl Headers {
    /// Fills the secrets in.
    pub async fn open(
        store: &Store,
        scope: &DomainScope,
        request: &HttpRequest,
        key: &str,
    ) -> Result<Self, HttpError> {
        let mut headers = Vec::with_capacity(request.headers.len() + 2);
        for header in &request.headers {
            let name = HeaderName::try_from(&header.name).map_err(|e| unfit(&header.name, &e))?;
            let (text, secret) = match &header.value {
                Said::Text(text) => (text.clone(), None),
                Said::Secret { name, prefix } => {
                    let opened = store.open_secret(scope, name).await.map_err(|error| {
                        // The error names files and the secret, not its text.
                        tracing::error!(%error, domain = scope.name(), "a secret cannot be read");
                        HttpError::Limit(format!("the secret {name} cannot be read"))
                    })?;
                    let opened = opened
                        .ok_or_else(|| HttpError::NotAllowed(format!("the domain has no secret {name}")))?;
                    let text = format!("{prefix}{}", opened.value.reveal());
                    let (name, hosts) = (name.clone(), opened.hosts);
                    (text, Some(Bound { name, hosts }))
                }
            };
            let mut value = HeaderValue::try_from(text).map_err(|e| unfit(&header.name, &e))?;
            value.set_sensitive(secret.is_some() || CREDENTIALS.contains(&name.as_str()));
            headers.push(Header { name, value, secret });
        }
        let says = |name: &str| headers.iter().any(|header| header.name == name);
        let mut ours = Vec::new();
        if !request.method.is_safe() && !says(IDEMPOTENCY_KEY) {
            ours.push((IDEMPOTENCY_KEY, format!("\"{key}\"")));
        }
        if !says("accept-encoding") {
            ours.push(("accept-encoding", "gzip".to_owned()));
        }
        for (name, text) in ours {
            headers.push(Header {
                name: HeaderName::from_static(name),
                value: HeaderValue::try_from(text).map_err(|e| unfit(name, &e))?,
                secret: None,
            });
        }
        Ok(Self(headers))
    }

    /// Refuses a request whose secrets may not go where it goes.
    pub fn check(&self, first: &Hop, private: bool) -> Result<(), HttpError> {
        for Bound { name, hosts } in self.0.iter().filter_map(|header| header.secret.as_ref()) {
            if !hosts.is_empty() && !hosts.iter().any(|host| first.fits(host)) {
                return Err(HttpError::NotAllowed(format!(
                    "the secret {name} is not for {}",
                    first.host()
                )));
            }
            if !is_covert(first, private) {
                return Err(HttpError::NotAllowed(format!(
                    "the secret {name} goes over https only, or to a host that is allowed as private"
                )));
            }
        }
        Ok(())
    }

    /// What goes along to `hop`, which is the first one or where a redirect led.
    pub fn of(&self, hop: &Hop, first: &Hop, private: bool) -> HeaderMap {
        let same = hop.is_of(first);
        let goes = |header: &&Header| match &header.secret {
            _ if !hop.with_body && header.name == "content-type" => false,
            // What was moved to a GET changes nothing any more.
            _ if hop.method != first.method && header.name == IDEMPOTENCY_KEY => false,
            Some(bound) => {
                let bound_here = bound.hosts.iter().any(|host| hop.fits(host));
                is_covert(hop, private) && (bound_here || (same && bound.hosts.is_empty()))
            }
            None => same || !CREDENTIALS.contains(&header.name.as_str()),
        };
        let mut map = HeaderMap::new();
        for header in self.0.iter().filter(goes) {
            map.append(header.name.clone(), header.value.clone());
        }
        map
    }
}

/// Whether nobody on the way reads along.
fn is_covert(hop: &Hop, private: bool) -> bool {
    hop.url.scheme() == "https" || private
}

fn unfit(name: &str, error: &dyn std::error::Error) -> HttpError {
    HttpError::BadArgument(format!("the header {name}: {error}"))
}

#[cfg(test)]
mod tests {
    use tandem_host_api::op::HttpMethod;

    use super::*;

    fn headers(hosts: &[&str]) -> Headers {
        let header = |name: &str, secret| Header {
            name: HeaderName::try_from(name).unwrap(),
            value: HeaderValue::from_static("v"),
            secret,
        };
        let bound = Bound {
            name: "crm".to_owned(),
            hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        };
        Headers(vec![
            header("x-key", Some(bound)),
            header("cookie", None),
            header("x-call", None),
        ])
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        map.keys().map(HeaderName::as_str).collect()
    }

    fn hop(url: &str) -> Hop {
        Hop::first(HttpMethod::Get, url).unwrap()
    }

    #[test]
    fn a_secret_stays_with_its_origin_or_with_the_hosts_that_it_is_bound_to() {
        let (first, other) = (hop("https://a.example/"), hop("https://b.example/"));
        let free = headers(&[]);
        assert_eq!(
            names(&free.of(&first, &first, false)),
            ["x-key", "cookie", "x-call"]
        );
        assert_eq!(names(&free.of(&other, &first, false)), ["x-call"]);
        let bound = headers(&["a.example", "b.example"]);
        assert_eq!(names(&bound.of(&other, &first, false)), ["x-key", "x-call"]);
        let elsewhere = headers(&["b.example"]);
        assert!(matches!(
            elsewhere.check(&first, false),
            Err(HttpError::NotAllowed(_))
        ));
        assert_eq!(elsewhere.check(&other, false), Ok(()));
    }

    #[test]
    fn a_secret_goes_over_https_unless_the_host_is_private() {
        let plain = hop("http://a.example/");
        assert!(matches!(
            headers(&[]).check(&plain, false),
            Err(HttpError::NotAllowed(_))
        ));
        assert_eq!(headers(&[]).check(&plain, true), Ok(()));
        assert_eq!(
            names(&headers(&[]).of(&plain, &plain, false)),
            ["cookie", "x-call"]
        );
    }
}
