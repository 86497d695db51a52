//! HTTP requests of scenarios: whether they are allowed, sent, repeated, followed; with the secrets that they name.
//!
//! [`Http::send`] is the way in. `hop` says where a request may go, `address` which addresses are everybody's, `secrets`
//! which headers go along, `answer` reads what comes back, `places` are how many are under way. Neither a URL nor a header
//! is ever logged.

mod address;
mod answer;
mod hop;
mod places;
mod secrets;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method};
use tandem_host_api::op::{HttpError, HttpMethod, HttpRequest, HttpResponse};
use tandem_store::{DomainScope, HostPattern, HttpHost, Store, StoreError};
use tokio::time::{Instant, sleep, timeout_at};

use address::{PrivateOnly, PublicOnly};
use hop::Hop;
use places::Places;
use secrets::Headers;

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;
/// The pause before the first repetition; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// What sends requests; a clone is cheap.
#[derive(Clone)]
pub struct Http {
    store: Store,
    public: Client,
    private: Client,
    places: Places,
}

impl Http {
    /// Reads the system's certificates. Errors: reqwest's, in words.
    pub fn new(store: Store) -> Result<Self, String> {
        let builder = || {
            Client::builder()
                // Each hop is looked at by us.
                .redirect(reqwest::redirect::Policy::none())
                // A proxy would reach what we must not.
                .no_proxy()
                .user_agent(concat!("tandem/", env!("CARGO_PKG_VERSION")))
        };
        let public = builder().dns_resolver(Arc::new(PublicOnly)).build();
        Ok(Self {
            store,
            public: public.map_err(|error| words(&error))?,
            private: builder().build().map_err(|error| words(&error))?,
            places: Places::default(),
        })
    }

    /// Sends a request of a domain's scenario, by the names of both, and gives what came back. `key` tells this request from all others, and
    /// its repetition as one: it goes along with each that changes something.
    pub async fn send(
        &self,
        of: (&str, &str),
        request: &HttpRequest,
        key: &str,
    ) -> Result<HttpResponse, HttpError> {
        let until = Instant::now() + Duration::from_millis(u64::from(request.timeout_ms));
        let _place = self.places.take(of.0)?;
        timeout_at(until, self.sent(of, request, key, until))
            .await
            .unwrap_or(Err(HttpError::TimeOut))
    }

    async fn sent(
        &self,
        (domain, scenario): (&str, &str),
        request: &HttpRequest,
        key: &str,
        until: Instant,
    ) -> Result<HttpResponse, HttpError> {
        let scope = self
            .store
            .domain_scope(domain)
            .await
            .map_err(|e| store_error(&e))?;
        let reach = self.reach(&scope, scenario).await.map_err(|e| store_error(&e))?;
        let first = Hop::first(request.method, &request.url)?;
        let headers = self.headers(&scope, &reach, &first, request, key).await?;
        let mut pause = FIRST_PAUSE;
        for left in (0..=request.retries).rev() {
            let found = self.followed(&reach, first.clone(), &headers, request).await;
            let least = again(request.method, &found).filter(|_| left > 0);
            let wait = least.map(|least| pause.max(least));
            match wait.filter(|wait| Instant::now() + *wait < until) {
                Some(wait) => sleep(wait).await,
                None => return found.map_err(|failed| failed.error),
            }
            pause *= 2;
        }
        Err(HttpError::TimeOut)
    }

    /// Where a scenario of the domain may send requests.
    async fn reach(&self, scope: &DomainScope, scenario: &str) -> Result<Reach, StoreError> {
        Ok(Reach {
            hosts: self.store.http_hosts(scope).await?,
            of_scenario: self.store.module_grants_of(scope, scenario).await?.http_hosts,
        })
    }

    /// The headers of the first hop are checked whole; a later one may lose some of them.
    async fn headers(
        &self,
        scope: &DomainScope,
        reach: &Reach,
        first: &Hop,
        request: &HttpRequest,
        key: &str,
    ) -> Result<Headers, HttpError> {
        let private = reach.allows(first)?;
        let headers = Headers::open(&self.store, scope, request, key).await?;
        headers.check(first, private)?;
        Ok(headers)
    }

    /// Sends it, and follows where it leads.
    async fn followed(
        &self,
        reach: &Reach,
        first: Hop,
        headers: &Headers,
        request: &HttpRequest,
    ) -> Result<HttpResponse, Failed> {
        let mut hop = first.clone();
        for _ in 0..=REDIRECTS_MAX {
            let private = reach.allows(&hop)?;
            let client = if private { &self.private } else { &self.public };
            let mut sending = client
                .request(method(hop.method), hop.url.clone())
                .headers(headers.of(&hop, &first, private));
            if hop.with_body && !request.body.is_empty() {
                sending = sending.body(request.body.clone());
            }
            let response = sending.send().await.map_err(|error| Failed {
                unsent: error.is_connect(),
                error: fault(&error),
            })?;
            let location = response
                .headers()
                .get("location")
                .and_then(|value| value.to_str().ok());
            match hop.next(response.status().as_u16(), location)? {
                Some(next) => hop = next,
                None => return Ok(answer::read(response).await?),
            }
        }
        Err(HttpError::Limit(format!("more than {REDIRECTS_MAX} redirects")).into())
    }
}

/// Where a scenario may send requests.
struct Reach {
    /// The hosts of its domain.
    hosts: Vec<HttpHost>,
    /// Which of these are its own; none: all.
    of_scenario: Option<Vec<HostPattern>>,
}

impl Reach {
    /// As [`Hop::grant`], for this scenario.
    fn allows(&self, hop: &Hop) -> Result<bool, HttpError> {
        let private = hop.grant(&self.hosts)?;
        match &self.of_scenario {
            Some(own) if !own.iter().any(|pattern| hop.fits(pattern)) => Err(HttpError::NotAllowed(format!(
                "{} is not among the hosts that the scenario may reach",
                hop.host_and_port()
            ))),
            _ => Ok(private),
        }
    }
}

/// Why there is no response.
#[derive(Debug)]
struct Failed {
    error: HttpError,
    /// There was no connection: no service has seen the request.
    unsent: bool,
}

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        Self { error, unsent: false }
    }
}

fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Head => Method::HEAD,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
    }
}

/// Whether a request may be made once more, and after which pause at least. What is idempotent may always; the rest
/// only where the service has surely not done it: there was no connection, or it said so (429, 503).
fn again(method: HttpMethod, found: &Result<HttpResponse, Failed>) -> Option<Duration> {
    match found {
        Ok(response) => {
            let refused = matches!(response.status, 429 | 503);
            let broken = matches!(response.status, 502 | 504) && method.is_idempotent();
            (refused || broken).then(|| answer::retry_after(response))
        }
        Err(Failed { error, unsent }) => {
            let broken = matches!(error, HttpError::Connect(_));
            (broken && (*unsent || method.is_idempotent())).then_some(Duration::ZERO)
        }
    }
}

/// What reqwest says, by what a scenario does about it.
fn fault(error: &reqwest::Error) -> HttpError {
    let mut tls = None;
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.downcast_ref::<PrivateOnly>().is_some() {
            return HttpError::PrivateAddress;
        }
        tls = tls.or(tls_error(error));
        cause = error.source();
    }
    if let Some(error) = tls {
        return HttpError::Tls(error.to_string());
    }
    if error.is_timeout() {
        return HttpError::TimeOut;
    }
    HttpError::Connect(words(error))
}

/// The TLS error that this one is, or that lies in it: an I/O error has it inside, and not as its source.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    tls_error(error.downcast_ref::<std::io::Error>()?.get_ref()?)
}

/// The innermost cause: the outer ones repeat it, and the first would show the URL.
fn words(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    if std::ptr::addr_eq(innermost, error) {
        return "the request cannot be sent".to_owned();
    }
    innermost.to_string()
}

fn store_error(error: &StoreError) -> HttpError {
    tracing::warn!(%error, "the store does not tell what a domain may reach");
    HttpError::Limit("the server's store does not answer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::unnecessary_wraps, reason = "what a try gives")]
    fn answered(status: u16, headers: &[(&str, &str)]) -> Result<HttpResponse, Failed> {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Ok(HttpResponse {
            status,
            headers: headers.iter().map(pair).collect(),
            body: Vec::new(),
        })
    }

    #[test]
    fn a_scenario_reaches_what_is_its_own_and_its_domains() {
        let host = |pattern: &str| HttpHost {
            pattern: pattern.parse().unwrap(),
            private: false,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let reach = Reach {
            hosts: vec![host("*.example.com"), host("b.example.org")],
            of_scenario: Some(vec![
                "a.example.com".parse().unwrap(),
                "*.example.net".parse().unwrap(),
            ]),
        };
        let found = |url: &str| reach.allows(&Hop::first(HttpMethod::Get, url).unwrap());
        assert_eq!(found("https://a.example.com/"), Ok(false));
        for (url, words) in [
            (
                "https://b.example.com/",
                "b.example.com is not among the hosts that the scenario",
            ),
            ("https://b.example.org/", "that the scenario may reach"),
            (
                "https://a.example.com:99/",
                "a.example.com:99 is not among the hosts that the domain",
            ),
            ("https://a.example.net/", "that the domain may reach"),
        ] {
            assert!(
                matches!(found(url), Err(HttpError::NotAllowed(why)) if why.contains(words)),
                "{url}"
            );
        }
    }

    #[test]
    fn a_request_is_repeated_only_where_that_does_no_harm() {
        let (get, post) = (HttpMethod::Get, HttpMethod::Post);
        let failed = |unsent| {
            let error = HttpError::Connect("reset".to_owned());
            Err(Failed { error, unsent })
        };
        assert!(again(get, &failed(false)).is_some() && again(post, &failed(false)).is_none());
        assert!(again(get, &failed(true)).is_some() && again(post, &failed(true)).is_some());
        assert!(again(get, &answered(502, &[])).is_some() && again(post, &answered(502, &[])).is_none());
        let busy = answered(503, &[("retry-after", "2")]);
        assert_eq!(again(post, &busy), Some(Duration::from_secs(2)));
        assert_eq!(again(get, &answered(404, &[])), None);
        assert_eq!(again(get, &Err(HttpError::PrivateAddress.into())), None);
    }
}
