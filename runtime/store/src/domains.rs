//! Domains, and the scope that every other query demands.

use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::engine::{Write, blocking};
use crate::error::at_most;
use crate::retention::{Keep, Retention, checked_keep};
use crate::{DomainLimits, Store, StoreError, rows};

/// Longest host name (RFC 1035 §2.3.4), in bytes.
const NAME_MOST: usize = 253;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// The host part of its SIP addresses, in lower case: `demo.local`.
    pub name: String,
    /// What digest authentication names to its users (RFC 3261 §22.1); their HA1 hashes depend on it.
    pub realm: String,
    /// IANA time zone: `Europe/Berlin`.
    pub time_zone: String,
    /// In which texts are spoken that name no language: a tag (RFC 5646) such as `en`.
    #[serde(default = "english")]
    pub language: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How long it keeps what calls leave.
    pub keep: Retention,
    /// What its scenarios may use, where that is not the server's to say.
    #[serde(default)]
    pub limits: DomainLimits,
    /// Whom its mails are from; none: whom the server says.
    #[serde(default)]
    pub mail_sender: Option<String>,
    /// Nobody of it can register, call or log in.
    #[serde(default)]
    pub blocked: bool,
}

/// What to change of a domain; what is none stays.
#[derive(Debug, Clone, Copy, Default)]
pub struct DomainChange<'a> {
    /// IANA time zone.
    pub time_zone: Option<&'a str>,
    /// A language tag (RFC 5646), at most 32 bytes.
    pub language: Option<&'a str>,
    /// How long journals are kept.
    pub keep_journals: Option<Keep>,
    /// How long call records are kept.
    pub keep_calls: Option<Keep>,
    /// Whom its mails are from, an address with or without a name, at most 320 bytes; empty: whom the server says.
    pub mail_sender: Option<&'a str>,
    /// Whether nobody of it can register, call or log in.
    pub blocked: Option<bool>,
}

/// A domain to make.
#[derive(Debug, Clone)]
pub struct NewDomain {
    /// A host name, or an IP address as a SIP URI writes it; stored in lower case.
    pub name: String,
    /// None: the name.
    pub realm: Option<String>,
    /// IANA time zone; `UTC` is known without a time zone database.
    pub time_zone: String,
    /// A language tag (RFC 5646), at most 32 bytes.
    pub language: String,
}

impl NewDomain {
    /// A domain whose realm is its name, in UTC, which speaks English.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            realm: None,
            time_zone: "UTC".to_owned(),
            language: english(),
        }
    }
}

/// Proof that a domain exists, and the key to what it owns. Only the store makes one, from a domain it found: what
/// a function can see is what its scope names.
///
/// A scope outlives its domain harmlessly: a new domain of the same name is another one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DomainScope {
    id: i64,
    name: Arc<str>,
}

impl DomainScope {
    pub(crate) fn found(id: i64, name: &str) -> Self {
        let name = name.into();
        Self { id, name }
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// The domain's name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Debug for DomainScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DomainScope({} #{})", self.name, self.id)
    }
}

impl Store {
    /// Makes a domain. Errors: [`StoreError::Exists`], [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn create_domain(&self, new: &NewDomain) -> Result<Domain, StoreError> {
        let mut write = self.write().await?;
        let (_, domain) = insert(&mut write, new).await?;
        self.commit_directory(write).await?;
        Ok(domain)
    }

    /// All domains, by name.
    pub async fn domains(&self) -> Result<Vec<Domain>, StoreError> {
        sqlx::query(
            "SELECT name, realm, time_zone, language, created_at, keep_journals_s, keep_calls_s, limits, mail_sender, blocked FROM domains ORDER BY name",
        )
        .fetch_all(self.read())
        .await?
        .iter()
        .map(domain_of)
        .collect()
    }

    /// The scope of a domain by its name, whatever its case. Errors: [`StoreError::NotFound`].
    pub async fn domain_scope(&self, name: &str) -> Result<DomainScope, StoreError> {
        match self.find_domain(name).await? {
            Some((scope, _)) => Ok(scope),
            None => Err(StoreError::not_found("domain", name)),
        }
    }

    /// A domain and its scope by its name, whatever its case; none: there is none, or it cannot be a name.
    pub async fn find_domain(&self, name: &str) -> Result<Option<(DomainScope, Domain)>, StoreError> {
        if name.len() > NAME_MOST {
            return Ok(None);
        }
        let row = sqlx::query(
            "SELECT id, name, realm, time_zone, language, created_at, keep_journals_s, keep_calls_s, limits, mail_sender, blocked FROM domains \
             WHERE name = $1",
        )
        .bind(name.to_ascii_lowercase())
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let domain = domain_of(&row)?;
        Ok(Some((
            DomainScope {
                id: row.try_get("id")?,
                name: domain.name.as_str().into(),
            },
            domain,
        )))
    }

    /// What is known of the scope's domain. Errors: [`StoreError::NotFound`] when it was deleted meanwhile.
    pub async fn domain(&self, scope: &DomainScope) -> Result<Domain, StoreError> {
        let row = sqlx::query(
            "SELECT name, realm, time_zone, language, created_at, keep_journals_s, keep_calls_s, limits, mail_sender, blocked FROM domains WHERE id = $1",
        )
        .bind(scope.id())
        .fetch_optional(self.read())
        .await?;
        row.as_ref()
            .map_or_else(|| Err(StoreError::not_found("domain", scope.name())), domain_of)
    }

    /// Changes a domain. Errors: [`StoreError::NotFound`] when it was deleted meanwhile; [`StoreError::Invalid`].
    pub async fn set_domain(
        &self,
        scope: &DomainScope,
        change: &DomainChange<'_>,
    ) -> Result<Domain, StoreError> {
        change.time_zone.map_or(Ok(()), checked_time_zone)?;
        change.language.map_or(Ok(()), checked_language)?;
        checked_keep("time to keep journals", change.keep_journals)?;
        checked_keep("time to keep call records", change.keep_calls)?;
        change.mail_sender.map_or(Ok(()), checked_sender)?;
        let seconds = |keep: Option<Keep>| match keep {
            Some(Keep::For(time)) => Some(time.as_secs() as i64),
            Some(Keep::ForEver) | None => None,
        };
        let mut write = self.write().await?;
        let row = sqlx::query(
            "UPDATE domains SET time_zone = COALESCE($2, time_zone), \
             keep_journals_s = CASE WHEN $3 THEN $4 ELSE keep_journals_s END, \
             keep_calls_s = CASE WHEN $5 THEN $6 ELSE keep_calls_s END, \
             mail_sender = COALESCE($7, mail_sender), blocked = COALESCE($8, blocked), language = COALESCE($9, language) WHERE id = $1 \
             RETURNING name, realm, time_zone, language, created_at, keep_journals_s, keep_calls_s, limits, mail_sender, blocked",
        )
        .bind(scope.id())
        .bind(change.time_zone)
        .bind(change.keep_journals.is_some())
        .bind(seconds(change.keep_journals))
        .bind(change.keep_calls.is_some())
        .bind(seconds(change.keep_calls))
        .bind(change.mail_sender)
        .bind(change.blocked.map(i64::from))
        .bind(change.language)
        .fetch_optional(&mut *write)
        .await?;
        let domain = domain_of(&row.ok_or_else(|| StoreError::not_found("domain", scope.name()))?)?;
        self.commit_directory(write).await?;
        Ok(domain)
    }

    /// Deletes a domain with all it owns: users, numbers, entry points, modules, key-value pairs, call records,
    /// journals, recordings, prompts. Who gets its name next begins with nothing.
    /// Errors: [`StoreError::NotFound`]; those of files, which then stay while the domain is gone.
    pub async fn delete_domain(&self, scope: &DomainScope) -> Result<(), StoreError> {
        let hashes = self.module_hashes(scope).await?;
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM domains WHERE id = $1")
            .bind(scope.id())
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("domain", scope.name()));
        }
        self.commit_directory(write).await?;
        self.remove_unused_files(hashes).await?;
        let folders = ["recordings", "prompts"].map(|kind| self.directory().join(kind).join(scope.name()));
        blocking(move || {
            for folder in folders {
                match std::fs::remove_dir_all(&folder) {
                    Err(error) if error.kind() != ErrorKind::NotFound => {
                        return Err(StoreError::on_file(error, &folder));
                    }
                    _ => (),
                }
            }
            Ok(())
        })
        .await
    }
}

/// Makes a domain within a transaction. Errors: [`StoreError::Exists`], [`StoreError::Invalid`], [`StoreError::TooLarge`].
pub(crate) async fn insert(write: &mut Write, new: &NewDomain) -> Result<(DomainScope, Domain), StoreError> {
    let name = checked_host(&new.name)?;
    let realm = new.realm.clone().unwrap_or_else(|| name.clone());
    checked_realm(&realm)?;
    checked_time_zone(&new.time_zone)?;
    checked_language(&new.language)?;
    let now = now();
    // The time of its making is a domain's number, or the next one that is free: never one that was used before.
    let row = sqlx::query(
        "INSERT INTO domains (id, name, realm, time_zone, language, created_at) \
         SELECT CASE WHEN COALESCE(MAX(id), 0) >= $1 THEN MAX(id) + 1 ELSE $1 END, $2, $3, $4, $5, $1 FROM domains \
         RETURNING id",
    )
    .bind(now.as_microsecond())
    .bind(&name)
    .bind(&realm)
    .bind(&new.time_zone)
    .bind(&new.language)
    .fetch_one(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "domain", &name))?;
    let scope = DomainScope::found(row.try_get("id")?, &name);
    let domain = Domain {
        name,
        realm,
        time_zone: new.time_zone.clone(),
        language: new.language.clone(),
        created_at: now,
        keep: Retention::default(),
        limits: DomainLimits::default(),
        mail_sender: None,
        blocked: false,
    };
    Ok((scope, domain))
}

pub(crate) fn domain_of(row: &SqliteRow) -> Result<Domain, StoreError> {
    Ok(Domain {
        name: row.try_get("name")?,
        realm: row.try_get("realm")?,
        time_zone: row.try_get("time_zone")?,
        language: row.try_get("language")?,
        created_at: rows::time(row, "created_at")?,
        keep: Retention {
            journals: keep_of(row, "keep_journals_s")?,
            calls: keep_of(row, "keep_calls_s")?,
        },
        limits: DomainLimits::from_column(row.try_get("limits")?),
        mail_sender: Some(row.try_get("mail_sender")?).filter(|sender: &String| !sender.is_empty()),
        blocked: row.try_get::<i64, _>("blocked")? != 0,
    })
}

fn keep_of(row: &SqliteRow, column: &str) -> Result<Option<Duration>, StoreError> {
    let seconds: Option<i64> = row.try_get(column)?;
    seconds
        .map(|seconds| {
            u64::try_from(seconds)
                .map(Duration::from_secs)
                .map_err(|_| StoreError::Corrupt {
                    what: format!("column {column}: {seconds}"),
                })
        })
        .transpose()
}

/// The present, as exactly as it is stored: what is returned equals what is read back.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// Refuses what cannot be a domain's name: a host (RFC 3261 §25.1) of at most 253 bytes. Errors:
/// [`StoreError::Invalid`], [`StoreError::TooLarge`].
pub fn check_name(name: &str) -> Result<(), StoreError> {
    checked_host(name).map(drop)
}

/// A host as RFC 3261 §25.1 writes it, in lower case: a host name, an IPv4 address or an IPv6 reference.
pub(crate) fn checked_host(name: &str) -> Result<String, StoreError> {
    const WHAT: &str = "domain name";
    at_most(WHAT, name.len(), NAME_MOST)?;
    if let Some(address) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match address.parse::<std::net::Ipv6Addr>() {
            // As given, not in its canonical form: requests are compared with it letter by letter.
            Ok(_) => Ok(name.to_ascii_lowercase()),
            Err(_) => Err(StoreError::invalid(
                WHAT,
                format!("`{name}` is no IPv6 address in brackets"),
            )),
        };
    }
    for label in name.split('.') {
        let letters = label
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if label.is_empty() || label.len() > 63 || !letters || label.starts_with('-') || label.ends_with('-')
        {
            return Err(StoreError::invalid(
                WHAT,
                format!(
                    "`{name}` is no host name: labels of 1 to 63 letters, digits, `-` and `_`, joined by dots"
                ),
            ));
        }
    }
    Ok(name.to_ascii_lowercase())
}

pub(crate) fn checked_realm(realm: &str) -> Result<(), StoreError> {
    const WHAT: &str = "realm";
    at_most(WHAT, realm.len(), NAME_MOST)?;
    // It stands in a quoted string (RFC 3261 §25.1), and between colons in what is hashed.
    if realm.is_empty()
        || realm
            .chars()
            .any(|letter| letter.is_control() || matches!(letter, '"' | '\\' | ':'))
    {
        return Err(StoreError::invalid(
            WHAT,
            "it has at least one character and no quotes, backslashes, colons or control characters",
        ));
    }
    Ok(())
}

/// One address of a mail, with or without a name (RFC 5322 §3.4); or nothing. Whether it exists, its mail server knows.
pub(crate) fn checked_sender(sender: &str) -> Result<(), StoreError> {
    at_most("sender", sender.len(), 320)?;
    let address = match sender.strip_suffix('>') {
        Some(named) => named.rsplit_once('<').map_or("", |(_, address)| address),
        None => sender,
    };
    let is_part =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>@,;".contains(c));
    let is_address = address
        .rsplit_once('@')
        .is_some_and(|(local, host)| is_part(local) && is_part(host));
    if sender.is_empty() || (is_address && !sender.chars().any(char::is_control)) {
        return Ok(());
    }
    Err(StoreError::invalid(
        "sender",
        "it is no address, such as pbx@example.com or Example <pbx@example.com>",
    ))
}

pub(crate) fn checked_time_zone(name: &str) -> Result<(), StoreError> {
    if name == "UTC" || (name.len() <= 64 && jiff::tz::TimeZone::get(name).is_ok()) {
        return Ok(());
    }
    Err(StoreError::invalid(
        "time zone",
        format!("`{name}` is not in this machine's time zone database (an IANA name such as Europe/Berlin)"),
    ))
}

pub(crate) fn checked_language(tag: &str) -> Result<(), StoreError> {
    let is_subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let mut parts = tag.split('-');
    let first = parts
        .next()
        .filter(|first| first.len() >= 2 && first.bytes().all(|b| b.is_ascii_alphabetic()));
    if tag.len() <= 32 && first.is_some_and(is_subtag) && parts.all(is_subtag) {
        return Ok(());
    }
    Err(StoreError::invalid(
        "language",
        "it is no language tag, such as en, ru or pt-br",
    ))
}

pub(crate) fn english() -> String {
    "en".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_a_tag() {
        for tag in ["en", "ru", "pt-br", "sr-Latn-RS", "cmn"] {
            assert!(checked_language(tag).is_ok(), "{tag}");
        }
        for tag in [
            "",
            "e",
            "en-",
            "-en",
            "e1",
            "../en",
            "en_US",
            "englishes",
            "en-us-en-us-en-us-en-us-en-us-usa",
        ] {
            assert!(checked_language(tag).is_err(), "{tag}");
        }
    }

    #[test]
    fn a_sender_is_one_address() {
        for sender in [
            "",
            "pbx@example.com",
            "Example, Ltd. <pbx@example.com>",
            "büro@пример.рф",
        ] {
            assert!(checked_sender(sender).is_ok(), "{sender}");
        }
        for sender in [
            "nonsense",
            " L2",
            "@example.com",
            "pbx@",
            "a b@example.com",
            "Example <nonsense>",
            "a@b, c@d",
            "a@b>",
            "a@b\r\nBcc: c@d",
        ] {
            assert!(checked_sender(sender).is_err(), "{sender}");
        }
    }

    #[test]
    fn hosts_are_taken_in_lower_case() {
        for (given, kept) in [
            ("Demo.Local", "demo.local"),
            ("127.0.0.1", "127.0.0.1"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("pbx_1", "pbx_1"),
        ] {
            assert_eq!(checked_host(given).unwrap(), kept);
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long_label = "a".repeat(64);
        for given in [
            "",
            ".",
            "demo..local",
            "-demo",
            "de mo",
            "demo.local:5060",
            "[::1",
            "[demo]",
            "é",
            &long_label,
        ] {
            assert!(
                matches!(checked_host(given), Err(StoreError::Invalid { .. })),
                "{given}"
            );
        }
        assert!(matches!(
            checked_host(&"a.".repeat(200)),
            Err(StoreError::TooLarge { .. })
        ));
    }

    #[test]
    fn realm_stays_within_its_quotes() {
        assert!(checked_realm("Demo house").is_ok());
        for realm in ["", "a\"b", "a\\b", "a:b", "a\r\nb"] {
            assert!(checked_realm(realm).is_err(), "{realm:?}");
        }
    }
}
