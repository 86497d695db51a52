//! Secrets: what scenarios may send and never see, encrypted where they lie.
//!
//! AES-256-GCM under a key of this data directory, in a file of its own beside the database, so that a copy of the
//! database alone tells nothing. A secret is bound to its domain and name: a row moved elsewhere is not opened.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::domains::now;
use crate::engine::blocking;
use crate::error::at_most;
use crate::{DomainScope, HostPattern, Store, StoreError, rows};

/// The key's file within the data directory: 32 bytes of chance, mode 0600.
pub const KEY_FILE: &str = "secrets.key";
/// Most secrets of one domain.
pub const SECRETS_MOST: usize = 100;
/// Longest value, in bytes.
pub const SECRET_MOST: usize = 4_096;
/// Longest name, in bytes.
const NAME_MOST: usize = 64;
/// Most hosts that one secret is bound to.
const HOSTS_MOST: usize = 16;
const KEY_BYTES: usize = 32;

/// A secret's value. No log shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// What an administrator gave: 1 to [`SECRET_MOST`] printable characters of ASCII, as a header can carry them
    /// (RFC 9110 §5.5). Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub fn new(text: &str) -> Result<Self, StoreError> {
        at_most("secret", text.len(), SECRET_MOST)?;
        if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            return Err(StoreError::invalid(
                "secret",
                "it is at least one printable ASCII character, in one line",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text, for whom it is meant.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue")
    }
}

/// What people are told of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretEntry {
    /// What scenarios call it.
    pub name: String,
    /// The only hosts that get it; none: every host that the domain may reach.
    pub hosts: Vec<HostPattern>,
    /// When it was set.
    pub changed_at: Timestamp,
}

/// A secret with its value.
#[derive(Debug, Clone)]
pub struct OpenSecret {
    /// The only hosts that get it; none: every host that the domain may reach.
    pub hosts: Vec<HostPattern>,
    /// What they get.
    pub value: SecretValue,
}

impl Store {
    /// Sets a secret, in the place of the one that may be there. With no `hosts` it may go to every host that the
    /// domain may reach. The first secret makes the key's file.
    /// Errors: [`StoreError::Invalid`], [`StoreError::TooMany`], those of the file.
    pub async fn set_secret(
        &self,
        scope: &DomainScope,
        name: &str,
        value: &SecretValue,
        hosts: &[HostPattern],
    ) -> Result<SecretEntry, StoreError> {
        checked_name(name)?;
        if hosts.len() > HOSTS_MOST {
            return Err(StoreError::TooMany {
                what: "hosts of one secret",
                most: HOSTS_MOST,
            });
        }
        let key = self.secrets_key(true).await?;
        let (nonce, sealed) = seal(&key, scope, name, value)?;
        let words: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let changed_at = now();
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM secrets WHERE domain_id = $1 AND name <> $2")
            .bind(scope.id())
            .bind(name)
            .fetch_one(&mut *write)
            .await?;
        if rows::count(&row, "present")? >= SECRETS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "secrets in one domain",
                most: SECRETS_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO secrets (domain_id, name, nonce, sealed, hosts, changed_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (domain_id, name) DO UPDATE SET \
             nonce = excluded.nonce, sealed = excluded.sealed, hosts = excluded.hosts, \
             changed_at = excluded.changed_at",
        )
        .bind(scope.id())
        .bind(name)
        .bind(nonce)
        .bind(sealed)
        .bind(words.join(" "))
        .bind(changed_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "secret", name))?;
        write.commit().await?;
        Ok(SecretEntry {
            name: name.to_owned(),
            hosts: hosts.to_vec(),
            changed_at,
        })
    }

    /// The domain's secrets by name, without their values.
    pub async fn secrets(&self, scope: &DomainScope) -> Result<Vec<SecretEntry>, StoreError> {
        let rows =
            sqlx::query("SELECT name, hosts, changed_at FROM secrets WHERE domain_id = $1 ORDER BY name")
                .bind(scope.id())
                .fetch_all(self.read())
                .await?;
        rows.iter()
            .map(|row| {
                Ok(SecretEntry {
                    name: row.try_get("name")?,
                    hosts: hosts_of(&row.try_get::<String, _>("hosts")?)?,
                    changed_at: rows::time(row, "changed_at")?,
                })
            })
            .collect()
    }

    /// A secret with its value; none: the domain has none of this name.
    /// Errors: [`StoreError::Corrupt`] where it cannot be opened, as with another key file; those of the file.
    pub async fn open_secret(
        &self,
        scope: &DomainScope,
        name: &str,
    ) -> Result<Option<OpenSecret>, StoreError> {
        let row = sqlx::query("SELECT nonce, sealed, hosts FROM secrets WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let key = self.secrets_key(false).await?;
        Ok(Some(OpenSecret {
            hosts: hosts_of(&row.try_get::<String, _>("hosts")?)?,
            value: open(&key, scope, name, row.try_get("nonce")?, row.try_get("sealed")?)?,
        }))
    }

    /// Removes a secret. Errors: [`StoreError::NotFound`].
    pub async fn remove_secret(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM secrets WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("secret", name));
        }
        Ok(write.commit().await?)
    }

    /// The key, out of its file; `make`: a new one where there is no file.
    async fn secrets_key(&self, make: bool) -> Result<RandomizedNonceKey, StoreError> {
        let path = self.directory().join(KEY_FILE);
        blocking(move || {
            if make && !path.exists() {
                make_key(&path).map_err(|error| StoreError::on_file(error, &path))?;
            }
            let bytes = fs::read(&path).map_err(|error| StoreError::on_file(error, &path))?;
            let damaged = || StoreError::Corrupt {
                what: format!("{}: it is not {KEY_BYTES} bytes", path.display()),
            };
            if bytes.len() != KEY_BYTES {
                return Err(damaged());
            }
            RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| damaged())
        })
        .await
    }
}

/// Writes a new key under another name first: nobody reads half of one, and of two who make one the first stays.
fn make_key(path: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    aws_lc_rs::rand::fill(&mut key).map_err(|_| io::Error::other("no random numbers"))?;
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut open = fs::OpenOptions::new();
    open.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = open.open(&new)?;
    file.write_all(&key)?;
    file.sync_all()?;
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What a sealed value belongs to.
fn belongs_to(scope: &DomainScope, name: &str) -> Aad<Vec<u8>> {
    let mut bytes = scope.id().to_be_bytes().to_vec();
    bytes.extend_from_slice(name.as_bytes());
    Aad::from(bytes)
}

fn seal(
    key: &RandomizedNonceKey,
    scope: &DomainScope,
    name: &str,
    value: &SecretValue,
) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let mut bytes = value.0.clone().into_bytes();
    let nonce = key
        .seal_in_place_append_tag(belongs_to(scope, name), &mut bytes)
        .map_err(|_| StoreError::Corrupt {
            what: format!("secret {name} cannot be encrypted"),
        })?;
    Ok((nonce.as_ref().to_vec(), bytes))
}

fn open(
    key: &RandomizedNonceKey,
    scope: &DomainScope,
    name: &str,
    nonce: &[u8],
    mut sealed: Vec<u8>,
) -> Result<SecretValue, StoreError> {
    let damaged = || StoreError::Corrupt {
        what: format!("secret {name} cannot be decrypted: {KEY_FILE} is another, or the row is damaged"),
    };
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
    let opened = key
        .open_in_place(nonce, belongs_to(scope, name), &mut sealed)
        .map_err(|_| damaged())?;
    let text = std::str::from_utf8(opened).map_err(|_| damaged())?;
    Ok(SecretValue(text.to_owned()))
}

fn hosts_of(text: &str) -> Result<Vec<HostPattern>, StoreError> {
    text.split_ascii_whitespace()
        .map(|word| {
            word.parse().map_err(|error| StoreError::Corrupt {
                what: format!("column hosts: {error}"),
            })
        })
        .collect()
}

fn checked_name(name: &str) -> Result<(), StoreError> {
    at_most("secret name", name.len(), NAME_MOST)?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(StoreError::invalid(
            "secret name",
            "it is 1 to 64 letters, digits, `-`, `_` and `.`",
        ));
    }
    Ok(())
}
