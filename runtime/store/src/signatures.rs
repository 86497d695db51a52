//! Signatures on modules: whose a domain takes, and whether it takes a module without one.
//!
//! What is signed is a prefix and the BLAKE3 hash of the component, by Ed25519 (RFC 8032). The prefix keeps a signature
//! that was made for something else from being one on a module.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::domains::now;
use crate::engine::Write;
use crate::{DomainScope, Store, StoreError, rows};

/// Most keys of one domain.
pub const KEYS_MOST: usize = 32;
/// Longest name of a key, in bytes.
const NAME_MOST: usize = 64;
/// What stands before the hash.
const DOMAIN_SEPARATION: &[u8] = b"tandem module signature v1\0";
const ALGORITHM: &str = "ed25519";
const SECRET: &str = "ed25519-secret";

/// A public key; written `ed25519:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A key that signs. Its written form (`ed25519-secret:` and 64 digits) is for a file of mode 0600.
pub struct SigningKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

/// A signature and the key that it is said to be of; written `ed25519:KEY:SIGNATURE` in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Whose.
    pub key: PublicKey,
    bytes: [u8; 64],
}

impl SigningKey {
    /// The key of 32 bytes of chance (RFC 8032 §5.1.5).
    pub fn new(seed: [u8; 32]) -> Result<Self, StoreError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
            .map_err(|error| StoreError::invalid("signing key", error.to_string()))?;
        Ok(Self { seed, pair })
    }

    /// What its file holds.
    pub fn to_text(&self) -> String {
        format!("{SECRET}:{}", hex(&self.seed))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        PublicKey(bytes)
    }

    /// Signs a component.
    pub fn sign(&self, component: &[u8]) -> Signature {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(self.pair.sign(&message(component)).as_ref());
        Signature {
            key: self.public(),
            bytes,
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public())
    }
}

impl FromStr for SigningKey {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let seed = text
            .trim()
            .strip_prefix(SECRET)
            .and_then(|rest| rest.strip_prefix(':'));
        let seed = seed.and_then(unhex).ok_or_else(|| {
            StoreError::invalid(
                "signing key",
                format!("it is written {SECRET}: and 64 hexadecimal digits"),
            )
        })?;
        Self::new(seed)
    }
}

impl Signature {
    /// Whether it is the key's own on this component. Whether the key is one to trust is another question.
    pub fn is_good(&self, component: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.key.0)
            .verify(&message(component), &self.bytes)
            .is_ok()
    }
}

fn message(component: &[u8]) -> Vec<u8> {
    let mut message = DOMAIN_SEPARATION.to_vec();
    message.extend_from_slice(blake3::hash(component).as_bytes());
    message
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ALGORITHM}:{}", hex(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let key = text
            .trim()
            .strip_prefix(ALGORITHM)
            .and_then(|rest| rest.strip_prefix(':'));
        key.and_then(unhex).map(Self).ok_or_else(|| {
            StoreError::invalid(
                "public key",
                format!("it is written {ALGORITHM}: and 64 hexadecimal digits"),
            )
        })
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.key, hex(&self.bytes))
    }
}

impl FromStr for Signature {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let parsed = text.trim().rsplit_once(':').and_then(|(key, signature)| {
            let (key, bytes) = (key.parse().ok()?, unhex(signature)?);
            Some(Self { key, bytes })
        });
        parsed.ok_or_else(|| {
            let form = format!("it is written {ALGORITHM}:, 64 digits of the key, `:`, 128 of the signature");
            StoreError::invalid("signature", form)
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    let nibbles = bytes.iter().flat_map(|byte| [*byte >> 4, *byte & 15]);
    nibbles
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}

fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    if digits.len() != 2 * N || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; N];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// A key whose signatures a domain takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedKey {
    /// What people call it.
    pub name: String,
    /// The key, as [`PublicKey`] writes it.
    pub public_key: String,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Store {
    /// Takes this key's signatures from now on.
    /// Errors: [`StoreError::Exists`] (the name or the key), [`StoreError::Invalid`], [`StoreError::TooMany`].
    pub async fn add_signing_key(
        &self,
        scope: &DomainScope,
        name: &str,
        key: &PublicKey,
    ) -> Result<TrustedKey, StoreError> {
        checked_key_name(name)?;
        let mut write = self.write().await?;
        let row = sqlx::query("SELECT COUNT(*) AS present FROM signing_keys WHERE domain_id = $1")
            .bind(scope.id())
            .fetch_one(&mut *write)
            .await?;
        if rows::count(&row, "present")? >= KEYS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "signing keys in one domain",
                most: KEYS_MOST,
            });
        }
        let added = TrustedKey {
            name: name.to_owned(),
            public_key: key.to_string(),
            created_at: now(),
        };
        sqlx::query(
            "INSERT INTO signing_keys (domain_id, name, public_key, created_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(scope.id())
        .bind(name)
        .bind(&added.public_key)
        .bind(added.created_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "signing key", name))?;
        write.commit().await?;
        Ok(added)
    }

    /// The keys whose signatures the domain takes, by name.
    pub async fn signing_keys(&self, scope: &DomainScope) -> Result<Vec<TrustedKey>, StoreError> {
        let found = sqlx::query(
            "SELECT name, public_key, created_at FROM signing_keys WHERE domain_id = $1 ORDER BY name",
        )
        .bind(scope.id())
        .fetch_all(self.read())
        .await?;
        found
            .iter()
            .map(|row| {
                Ok(TrustedKey {
                    name: row.try_get("name")?,
                    public_key: row.try_get("public_key")?,
                    created_at: rows::time(row, "created_at")?,
                })
            })
            .collect()
    }

    /// Takes this key's signatures no longer; versions that came with one stay. Errors: [`StoreError::NotFound`].
    pub async fn remove_signing_key(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM signing_keys WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("signing key", name));
        }
        Ok(write.commit().await?)
    }

    /// Whether the domain takes modules with a good signature only. What is there stays, and runs. Errors:
    /// [`StoreError::NotFound`] when the domain was deleted meanwhile.
    pub async fn set_signed_only(&self, scope: &DomainScope, signed_only: bool) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let changed = sqlx::query("UPDATE domains SET signed_only = $2 WHERE id = $1")
            .bind(scope.id())
            .bind(i64::from(signed_only))
            .execute(&mut *write)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("domain", scope.name()));
        }
        Ok(write.commit().await?)
    }

    /// See [`Self::set_signed_only`], also for errors.
    pub async fn signed_only(&self, scope: &DomainScope) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT signed_only FROM domains WHERE id = $1")
            .bind(scope.id())
            .fetch_optional(self.read())
            .await?;
        let row = row.ok_or_else(|| StoreError::not_found("domain", scope.name()))?;
        Ok(rows::count(&row, "signed_only")? != 0)
    }
}

/// Refuses what cannot be a key's name.
pub(crate) fn checked_key_name(name: &str) -> Result<(), StoreError> {
    if name.is_empty() || name.len() > NAME_MOST || name.chars().any(char::is_control) {
        return Err(StoreError::invalid(
            "key name",
            "it has 1 to 64 bytes and no control characters",
        ));
    }
    Ok(())
}

/// Refuses a module that the domain does not take: without a signature where it wants one, or with one that is not
/// good. In the transaction that stores it, so that no change of keys comes between.
pub(crate) async fn demand(
    write: &mut Write,
    scope: &DomainScope,
    component: &[u8],
    signature: Option<&Signature>,
) -> Result<(), StoreError> {
    let Some(signature) = signature else {
        let row = sqlx::query("SELECT signed_only FROM domains WHERE id = $1")
            .bind(scope.id())
            .fetch_optional(&mut **write)
            .await?;
        let row = row.ok_or_else(|| StoreError::not_found("domain", scope.name()))?;
        return match rows::count(&row, "signed_only")? {
            0 => Ok(()),
            _ => Err(StoreError::unsigned()),
        };
    };
    let trusted = sqlx::query("SELECT name FROM signing_keys WHERE domain_id = $1 AND public_key = $2")
        .bind(scope.id())
        .bind(signature.key.to_string())
        .fetch_optional(&mut **write)
        .await?;
    if trusted.is_none() {
        return Err(StoreError::Signature {
            why: "the signature is of a key that the domain does not have",
        });
    }
    if !signature.is_good(component) {
        return Err(StoreError::Signature {
            why: "the signature is not of this module: it or the module was changed",
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032 §7.1, test 1: the key of this seed.
    #[test]
    fn keys_are_those_of_the_rfc() {
        let key: SigningKey =
            "ed25519-secret:9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
                .parse()
                .unwrap();
        let public = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(key.public().to_string(), public);
        assert_eq!(
            key.to_text().parse::<SigningKey>().unwrap().public(),
            key.public()
        );
        assert!(!format!("{key:?}").contains("9d61"));
    }

    #[test]
    fn a_signature_holds_for_its_module_and_key_only() {
        let (ours, other) = (
            SigningKey::new([1; 32]).unwrap(),
            SigningKey::new([2; 32]).unwrap(),
        );
        let signature = ours.sign(b"module");
        assert!(signature.is_good(b"module"));
        assert!(!signature.is_good(b"modulE"));
        let read: Signature = signature.to_string().parse().unwrap();
        assert_eq!(read, signature);
        let stolen = Signature {
            key: other.public(),
            ..signature
        };
        assert!(!stolen.is_good(b"module"));
    }

    /// The same key over the bare hash, which is what another program might sign.
    #[test]
    fn a_signature_without_our_prefix_is_none() {
        let key = SigningKey::new([1; 32]).unwrap();
        let mut bytes = [0; 64];
        bytes.copy_from_slice(key.pair.sign(blake3::hash(b"module").as_bytes()).as_ref());
        let signature = Signature {
            key: key.public(),
            bytes,
        };
        assert!(!signature.is_good(b"module"));
    }

    #[test]
    fn what_is_written_otherwise_is_refused() {
        for text in [
            "",
            "ed25519:",
            "ed25519:00",
            "rsa:00",
            &format!("ed25519:{}", "é".repeat(32)),
        ] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
            assert!(text.parse::<Signature>().is_err(), "{text}");
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }
}
