//! Where a request goes: a URL that was looked at, and where an answer sends on. Pure.

use std::net::IpAddr;

use reqwest::Url;
use tandem_host_api::op::{HttpError, HttpMethod};
use tandem_store::{HostPattern, HttpHost};

use super::address::is_public;

/// A place that a request goes to.
#[derive(Debug, Clone)]
pub(super) struct Hop {
    pub url: Url,
    pub method: HttpMethod,
    /// Whether the body goes along, as a redirect may drop it.
    pub with_body: bool,
}

impl Hop {
    pub fn first(method: HttpMethod, url: &str) -> Result<Self, HttpError> {
        let mut url = Url::parse(url).map_err(|error| HttpError::BadArgument(format!("the URL: {error}")))?;
        check(&url)?;
        url.set_fragment(None);
        Ok(Self {
            url,
            method,
            with_body: true,
        })
    }

    /// Where this answer sends the request on (RFC 9110 §15.4); none: it is the last.
    pub fn next(&self, status: u16, location: Option<&str>) -> Result<Option<Self>, HttpError> {
        let Some(location) = location.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
            return Ok(None);
        };
        let mut url = self
            .url
            .join(location)
            .map_err(|error| HttpError::Connect(format!("a redirect leads to no URL: {error}")))?;
        check(&url)?;
        url.set_fragment(None);
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(HttpError::NotAllowed(
                "a redirect leads from https to http".to_owned(),
            ));
        }
        // As browsers do it: what is moved after a POST is read, and 303 says so of every method.
        let to_get = match status {
            301 | 302 => self.method == HttpMethod::Post,
            303 => self.method != HttpMethod::Head,
            _ => false,
        };
        Ok(Some(Self {
            url,
            method: if to_get { HttpMethod::Get } else { self.method },
            with_body: self.with_body && !to_get,
        }))
    }

    /// The host's address, where the URL has one in place of a name: the parser has put it into its usual form.
    fn address(&self) -> Option<IpAddr> {
        let host = self.url.host_str().unwrap_or_default();
        host.trim_matches(['[', ']']).parse().ok()
    }

    /// The host as patterns have it.
    pub fn host(&self) -> String {
        match self.address() {
            Some(IpAddr::V6(address)) => format!("[{address}]"),
            Some(IpAddr::V4(_)) | None => self.url.host_str().unwrap_or_default().to_owned(),
        }
    }

    /// The host with its port, where that is not the scheme's own.
    pub fn host_and_port(&self) -> String {
        let port = self.url.port().map(|port| format!(":{port}")).unwrap_or_default();
        self.host() + &port
    }

    /// Whether the two are of one origin (RFC 6454 §5).
    pub fn is_of(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }

    pub fn fits(&self, pattern: &HostPattern) -> bool {
        let is_default = self.url.port().is_none(); // one that is the scheme's own is left out by the parser
        let port = self.url.port_or_known_default().unwrap_or_default();
        pattern.matches(&self.host(), port, is_default)
    }

    /// Whether the administrator lets the request go here; gives whether it may go to a private address.
    pub fn grant(&self, hosts: &[HttpHost]) -> Result<bool, HttpError> {
        let mut fitting = hosts.iter().filter(|host| self.fits(&host.pattern)).peekable();
        if fitting.peek().is_none() {
            return Err(HttpError::NotAllowed(format!(
                "{} is not among the hosts that the domain may reach",
                self.host_and_port()
            )));
        }
        let private = fitting.any(|host| host.private);
        // A resolver is not asked for addresses.
        if !private && self.address().is_some_and(|address| !is_public(address)) {
            return Err(HttpError::PrivateAddress);
        }
        Ok(private)
    }
}

fn check(url: &Url) -> Result<(), HttpError> {
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(HttpError::BadArgument(
            "the URL is not of https or http".to_owned(),
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HttpError::BadArgument(
            "the URL has a user or a password: send a secret in a header".to_owned(),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(url: &str) -> Hop {
        Hop::first(HttpMethod::Post, url).unwrap()
    }

    fn allowed(pattern: &str, private: bool) -> Vec<HttpHost> {
        vec![HttpHost {
            pattern: pattern.parse().unwrap(),
            private,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        }]
    }

    #[test]
    fn a_host_that_is_not_listed_is_not_reached_however_it_is_written() {
        let hosts = allowed("api.example.com", false);
        assert_eq!(hop("https://API.example.com/x").grant(&hosts), Ok(false));
        assert_eq!(hop("https://api.example.com:443/x").grant(&hosts), Ok(false));
        for url in [
            "https://api.example.com:8443/",
            "https://example.com/",
            "https://api.example.com.evil.example/",
        ] {
            let found = hop(url).grant(&hosts);
            assert!(matches!(found, Err(HttpError::NotAllowed(_))), "{url}: {found:?}");
        }
        let userinfo = Hop::first(HttpMethod::Get, "https://api.example.com@evil.example/");
        assert!(matches!(userinfo, Err(HttpError::BadArgument(_))));
    }

    #[test]
    fn a_private_address_needs_a_grant_that_says_so_in_all_its_spellings() {
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://127.1/",
        ] {
            let hosts = allowed("127.0.0.1", false);
            assert_eq!(hop(url).grant(&hosts), Err(HttpError::PrivateAddress), "{url}");
            assert_eq!(hop(url).grant(&allowed("127.0.0.1", true)), Ok(true), "{url}");
        }
        let mapped = hop("http://[::ffff:127.0.0.1]/");
        let hosts = allowed("[::ffff:7f00:1]", false);
        assert_eq!(mapped.grant(&hosts), Err(HttpError::PrivateAddress));
    }

    #[test]
    fn a_redirect_keeps_or_changes_the_method_as_the_status_says() {
        let from = hop("https://a.example/x/y");
        let to = |status, location| from.next(status, Some(location));
        let see_other = to(303, "z").unwrap().unwrap();
        assert_eq!(see_other.url.as_str(), "https://a.example/x/z");
        assert_eq!((see_other.method, see_other.with_body), (HttpMethod::Get, false));
        let same = to(308, "https://b.example/").unwrap().unwrap();
        assert_eq!((same.method, same.with_body), (HttpMethod::Post, true));
        assert!(!same.is_of(&from) && see_other.is_of(&from));
        assert!(from.next(200, Some("z")).unwrap().is_none());
        assert!(from.next(302, None).unwrap().is_none());
        assert!(matches!(
            to(302, "http://a.example/"),
            Err(HttpError::NotAllowed(_))
        ));
        assert!(matches!(
            to(302, "file:///etc/passwd"),
            Err(HttpError::BadArgument(_))
        ));
    }
}
