//! Tokens: what a program shows to the HTTP API to be let in, and for what.
//!
//! The store has their hashes only. A token is 256 bits of chance, so its hash need not be slow.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domains::now;
use crate::error::at_most;
use crate::{DomainScope, Store, StoreError, rows};

/// Most tokens of one domain.
pub const TOKENS_MOST: usize = 100;
/// Longest name, in bytes.
const NAME_MOST: usize = 64;
/// What a token begins with, so that it is known as one wherever it turns up.
const PREFIX: &str = "tandem_";
/// How exactly the time of its last use is known: a use need not be a write.
const LAST_USED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// What a token lets do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TokenScope {
    /// See scenarios, their versions, numbers.
    #[serde(rename = "scenarios:read")]
    ScenariosRead,
    /// Upload, activate and delete versions.
    #[serde(rename = "scenarios:write")]
    ScenariosWrite,
    /// See calls that ended, replay them, and see what scenarios logged.
    #[serde(rename = "calls:read")]
    CallsRead,
    /// See voicemail.
    #[serde(rename = "voicemail:read")]
    VoicemailRead,
    /// Delete voicemail.
    #[serde(rename = "voicemail:write")]
    VoicemailWrite,
    /// See users and their numbers.
    #[serde(rename = "users:read")]
    UsersRead,
    /// Make, change and delete users.
    #[serde(rename = "users:write")]
    UsersWrite,
    /// See the domain's settings, accounts, and who changed what.
    #[serde(rename = "domain:read")]
    DomainRead,
    /// Change them.
    #[serde(rename = "domain:write")]
    DomainWrite,
}

impl TokenScope {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ScenariosRead,
        Self::ScenariosWrite,
        Self::CallsRead,
        Self::VoicemailRead,
        Self::VoicemailWrite,
        Self::UsersRead,
        Self::UsersWrite,
        Self::DomainRead,
        Self::DomainWrite,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ScenariosRead => "scenarios:read",
            Self::ScenariosWrite => "scenarios:write",
            Self::CallsRead => "calls:read",
            Self::VoicemailRead => "voicemail:read",
            Self::VoicemailWrite => "voicemail:write",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::DomainRead => "domain:read",
            Self::DomainWrite => "domain:write",
        }
    }

    /// The scope of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

impl fmt::Display for TokenScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// What people call it.
    pub name: String,
    /// What it lets do.
    pub scopes: Vec<TokenScope>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends to be good; none: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the hour; none: never.
    pub last_used_at: Option<Timestamp>,
}

/// A token's own text. It is shown once, and no log has it.
pub struct Secret(String);

impl Secret {
    /// A new one out of 32 bytes of chance.
    pub fn new(chance: [u8; 32]) -> Self {
        Self(format!("{PREFIX}{}", blake3::Hash::from_bytes(chance).to_hex()))
    }

    /// What somebody showed; none: it has not the form of a token.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let formed = digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        formed.then(|| Self(text.to_owned()))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> blake3::Hash {
        blake3::hash(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A token that was found good: whose it is, and what it lets do.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// The domain that it opens, and no other.
    pub scope: DomainScope,
    /// What is known of it.
    pub token: Token,
}

impl Store {
    /// Makes a token. `lasts`: how long it is good; none: for ever.
    /// Errors: [`StoreError::Exists`], [`StoreError::Invalid`], [`StoreError::TooMany`].
    pub async fn add_token(
        &self,
        scope: &DomainScope,
        name: &str,
        scopes: &[TokenScope],
        lasts: Option<Duration>,
        secret: &Secret,
    ) -> Result<Token, StoreError> {
        checked_name(name)?;
        if scopes.is_empty() {
            return Err(StoreError::invalid("token scopes", "there must be one at least"));
        }
        let mut scopes = scopes.to_vec();
        scopes.sort_unstable();
        scopes.dedup();
        let created_at = now();
        let expires_at = lasts
            .map(|lasts| created_at.checked_add(lasts))
            .transpose()
            .map_err(|_| StoreError::invalid("token expiry", "it is beyond the end of time"))?;
        let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();

        let mut write = self.write().await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM tokens WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        if rows::count(&row, "present")? >= TOKENS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "tokens in one domain",
                most: TOKENS_MOST,
            });
        }
        sqlx::query(
            "INSERT INTO tokens (domain_id, name, hash, scopes, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(scope.id())
        .bind(name)
        .bind(secret.hash().to_hex().as_str())
        .bind(words.join(" "))
        .bind(created_at.as_microsecond())
        .bind(expires_at.map(Timestamp::as_microsecond))
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "token", name))?;
        write.commit().await?;
        Ok(Token {
            name: name.to_owned(),
            scopes,
            created_at,
            expires_at,
            last_used_at: None,
        })
    }

    /// All tokens of the domain, by name.
    pub async fn tokens(&self, scope: &DomainScope) -> Result<Vec<Token>, StoreError> {
        sqlx::query(
            "SELECT name, scopes, created_at, expires_at, last_used_at FROM tokens WHERE domain_id = $1 \
             ORDER BY name",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?
        .iter()
        .map(token_of)
        .collect()
    }

    /// Removes a token: it opens nothing from now on. Errors: [`StoreError::NotFound`].
    pub async fn remove_token(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM tokens WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("token", name));
        }
        Ok(write.commit().await?)
    }

    /// The domain and the rights that a token stands for; none: it is wrong or has expired. One look-up by hash, and
    /// at most once an hour a write.
    pub async fn bearer(&self, secret: &Secret) -> Result<Option<Bearer>, StoreError> {
        let hash = secret.hash();
        let row = sqlx::query(
            "SELECT t.hash, t.name, t.scopes, t.created_at, t.expires_at, t.last_used_at, \
             d.id AS domain_id, d.name AS domain_name \
             FROM tokens t JOIN domains d ON d.id = t.domain_id WHERE t.hash = $1",
        )
        .bind(hash.to_hex().as_str())
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        // What an index compares, it compares letter by letter; this takes the same time for every hash.
        let kept: String = row.try_get("hash")?;
        if blake3::Hash::from_hex(&kept).is_ok_and(|kept| kept != hash) {
            return Ok(None);
        }
        let token = token_of(&row)?;
        let now = now();
        if token.expires_at.is_some_and(|expires| expires <= now) {
            return Ok(None);
        }
        let name: String = row.try_get("domain_name")?;
        let scope = DomainScope::found(row.try_get("domain_id")?, &name);
        if token
            .last_used_at
            .is_none_or(|last| now.duration_since(last) >= LAST_USED_EVERY)
            && let Err(error) = self.note_use(&scope, &token.name, now).await
        {
            // A full disk is no reason to lock anybody out.
            tracing::warn!(%error, "a token's last use is not written down");
        }
        Ok(Some(Bearer { scope, token }))
    }

    async fn note_use(&self, scope: &DomainScope, name: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        sqlx::query("UPDATE tokens SET last_used_at = $3 WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .bind(now.as_microsecond())
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }
}

fn token_of(row: &SqliteRow) -> Result<Token, StoreError> {
    let scopes: String = row.try_get("scopes")?;
    Ok(Token {
        name: row.try_get("name")?,
        // A word of a later release lets do nothing here.
        scopes: scopes.split(' ').filter_map(TokenScope::named).collect(),
        created_at: rows::time(row, "created_at")?,
        expires_at: rows::maybe_time(row, "expires_at")?,
        last_used_at: rows::maybe_time(row, "last_used_at")?,
    })
}

fn checked_name(name: &str) -> Result<(), StoreError> {
    at_most("token name", name.len(), NAME_MOST)?;
    if name.is_empty()
        || !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte))
    {
        return Err(StoreError::invalid(
            "token name",
            "it is 1 to 64 letters, digits, `-`, `_`, `.` and `@`",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_form_of_a_token_is_looked_up() {
        let secret = Secret::new([7; 32]);
        assert_eq!(secret.reveal().len(), 71);
        assert!(Secret::parse(secret.reveal()).is_some());
        let upper = secret.reveal().to_uppercase();
        for text in [
            "",
            "tandem_",
            "07070707",
            upper.as_str(),
            &format!("{} ", secret.reveal()),
        ] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
