//! Where scenarios may send HTTP requests: patterns of hosts, a list for each domain, empty at first.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::Row;
use utoipa::ToSchema;

use crate::domains::now;
use crate::error::at_most;
use crate::{DomainScope, Store, StoreError, rows};

/// Most hosts of one domain.
pub const HTTP_HOSTS_MOST: usize = 100;
/// Longest pattern, in bytes: a host name, a star, a port.
const PATTERN_MOST: usize = 253 + 2 + 6;

/// A host name, all names beneath one (`*.example.com`, which `example.com` is not), or an address as a URL writes it;
/// with a port, or for the port that belongs to the URL's scheme.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// In lower case, an IPv6 address in brackets.
    host: String,
    beneath: bool,
    port: Option<u16>,
}

impl HostPattern {
    /// Whether a request to this host and port is meant. `host` is in lower case, an IPv6 address in brackets;
    /// `port_default`: it is the port of the URL's scheme.
    pub fn matches(&self, host: &str, port: u16, port_default: bool) -> bool {
        let host_fits = if self.beneath {
            host.strip_suffix(&self.host)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty())
        } else {
            host == self.host
        };
        host_fits && self.port.map_or(port_default, |own| own == port)
    }
}

impl FromStr for HostPattern {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        const WHAT: &str = "host";
        at_most(WHAT, text.len(), PATTERN_MOST)?;
        let refused = |why: &str| StoreError::invalid(WHAT, format!("`{text}`: {why}"));
        let text = text.to_ascii_lowercase();
        let (host, port) = split_port(&text).ok_or_else(|| refused("the port is 1 to 65535"))?;
        let (beneath, host) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host),
        };
        if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let address: Ipv6Addr = address.parse().map_err(|_| refused("no IPv6 address"))?;
            if beneath {
                return Err(refused("nothing is beneath an address"));
            }
            // As URLs have it.
            let host = format!("[{address}]");
            return Ok(Self { host, beneath, port });
        }
        let labels_fit = host.split('.').all(|label| {
            let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(letters)
        });
        if !labels_fit {
            return Err(refused(
                "write a host name, `*.` and a host name, or an address, perhaps with `:PORT`; no scheme, no path",
            ));
        }
        if beneath && (!host.contains('.') || host.parse::<Ipv4Addr>().is_ok()) {
            return Err(refused("`*.` goes before a name of two labels at least"));
        }
        let host = host.to_owned();
        Ok(Self { host, beneath, port })
    }
}

/// The host, and the port if there is one; none: there is one that is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') && !host.is_empty() => {
            let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
            Some((host, Some(port)))
        }
        Some(_) | None => Some((text, None)),
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.beneath {
            f.write_str("*.")?;
        }
        f.write_str(&self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Serialize for HostPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HostPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A host that a domain's scenarios may reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HttpHost {
    /// Which.
    #[schema(value_type = String)]
    pub pattern: HostPattern,
    /// It may be at an address that only this machine or this network has, and may be asked in plain text.
    pub private: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl Store {
    /// Lets the domain's scenarios reach a host; what was said of it before is replaced.
    /// Errors: [`StoreError::TooMany`], [`StoreError::NotFound`] when the domain was deleted meanwhile.
    pub async fn allow_http(
        &self,
        scope: &DomainScope,
        pattern: &HostPattern,
        private: bool,
    ) -> Result<HttpHost, StoreError> {
        let (text, created_at) = (pattern.to_string(), now());
        let mut write = self.write().await?;
        let row =
            sqlx::query("SELECT COUNT(*) AS present FROM http_hosts WHERE domain_id = $1 AND pattern <> $2")
                .bind(scope.id())
                .bind(&text)
                .fetch_one(&mut *write)
                .await?;
        if rows::count(&row, "present")? >= HTTP_HOSTS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "HTTP hosts in one domain",
                most: HTTP_HOSTS_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO http_hosts (domain_id, pattern, private, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (domain_id, pattern) DO UPDATE SET private = excluded.private",
        )
        .bind(scope.id())
        .bind(&text)
        .bind(i64::from(private))
        .bind(created_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "HTTP host", &text))?;
        write.commit().await?;
        Ok(HttpHost {
            pattern: pattern.clone(),
            private,
            created_at,
        })
    }

    /// Takes a host out of the list. Errors: [`StoreError::NotFound`].
    pub async fn deny_http(&self, scope: &DomainScope, pattern: &HostPattern) -> Result<(), StoreError> {
        let text = pattern.to_string();
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM http_hosts WHERE domain_id = $1 AND pattern = $2")
            .bind(scope.id())
            .bind(&text)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("HTTP host", &text));
        }
        Ok(write.commit().await?)
    }

    /// The hosts that the domain's scenarios may reach, by name.
    pub async fn http_hosts(&self, scope: &DomainScope) -> Result<Vec<HttpHost>, StoreError> {
        let rows = sqlx::query(
            "SELECT pattern, private, created_at FROM http_hosts WHERE domain_id = $1 ORDER BY pattern",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                let pattern: String = row.try_get("pattern")?;
                Ok(HttpHost {
                    pattern: pattern.parse().map_err(|error| StoreError::Corrupt {
                        what: format!("column pattern: {error}"),
                    })?,
                    private: row.try_get::<i64, _>("private")? != 0,
                    created_at: rows::time(row, "created_at")?,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> HostPattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_pattern_means_its_host_and_port_and_no_other() {
        let plain = pattern("API.example.com");
        assert_eq!(plain.to_string(), "api.example.com");
        assert!(plain.matches("api.example.com", 443, true));
        assert!(!plain.matches("api.example.com", 8443, false));
        assert!(!plain.matches("x.api.example.com", 443, true));
        assert!(!plain.matches("evilapi.example.com", 443, true));

        let beneath = pattern("*.example.com:8443");
        assert_eq!(beneath.to_string(), "*.example.com:8443");
        assert!(beneath.matches("a.b.example.com", 8443, false));
        assert!(!beneath.matches("example.com", 8443, false));
        assert!(!beneath.matches("evilexample.com", 8443, false));
        assert!(!beneath.matches("a.example.com", 443, true));

        assert!(pattern("[2001:DB8:0::1]:8080").matches("[2001:db8::1]", 8080, false));
        assert!(pattern("127.0.0.1:9").matches("127.0.0.1", 9, false));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "*",
            "*.com",
            "*.1.2.3.4",
            "a..b",
            "https://a.example",
            "a.example/x",
            "a.example:0",
            "a.example:70000",
            "[::1",
            "[x]",
            "::1",
            "*.[::1]",
            "a b",
            "a@b",
        ] {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
