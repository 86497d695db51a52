//! Users and what proves their password.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::domains::now;
use crate::engine::Write;
use crate::error::at_most;
use crate::numbers::checked_number;
use crate::{DomainScope, Store, StoreError, rows};

/// Longest user name, in bytes.
const NAME_MOST: usize = 64;
/// Longest display name, in bytes.
const DISPLAY_MOST: usize = 256;
/// Shortest password of a phone, in characters.
const PASSWORD_LEAST: usize = 8;
/// Longest, in bytes.
const PASSWORD_MOST: usize = 128;
/// Users that are read at once.
pub const USERS_PAGE_MOST: u32 = 1_000;

/// A user of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user part of the address, which is the extension too: `301`. Case counts (RFC 3261 §19.1.4).
    pub name: String,
    /// What people read; may be empty.
    pub display_name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A user to make. No password: its hashes over the domain's realm, H(user:realm:password) (RFC 7616 §3.4.2).
#[derive(Clone)]
pub struct NewUser {
    /// 1 to 64 characters of a SIP URI's user part, unescaped.
    pub name: String,
    /// Up to 256 bytes.
    pub display_name: String,
    /// What authenticates it.
    pub credentials: Credentials,
}

impl NewUser {
    /// What of it needs no look at the store. Errors: [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub(crate) fn checked(&self) -> Result<(), StoreError> {
        checked_name(&self.name)?;
        checked_display(&self.display_name)?;
        checked_credentials(&self.credentials)
    }
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A user's password hashes; as secret as the password within its realm, and so not in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// HA1 by MD5: 32 lower-case hexadecimal digits.
    pub ha1_md5: String,
    /// HA1 by SHA-256: 64 lower-case hexadecimal digits (RFC 8760).
    pub ha1_sha256: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(secret)")
    }
}

impl Store {
    /// Makes a user. Errors: [`StoreError::Exists`], [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn create_user(&self, scope: &DomainScope, new: &NewUser) -> Result<User, StoreError> {
        let mut users = self.create_users(scope, std::slice::from_ref(new)).await?;
        users
            .pop()
            .ok_or_else(|| StoreError::not_found("user", &new.name))
    }

    /// Makes several users, or none of them. Errors as [`Store::create_user`].
    pub async fn create_users(&self, scope: &DomainScope, new: &[NewUser]) -> Result<Vec<User>, StoreError> {
        let created_at = now();
        new.iter().try_for_each(NewUser::checked)?;
        let mut write = self.write().await?;
        for user in new {
            insert_user(&mut write, scope, user, created_at).await?;
        }
        self.commit_directory(write).await?;
        Ok(new
            .iter()
            .map(|user| User {
                name: user.name.clone(),
                display_name: user.display_name.clone(),
                created_at,
            })
            .collect())
    }

    /// All users of the domain, by name.
    pub async fn users(&self, scope: &DomainScope) -> Result<Vec<User>, StoreError> {
        sqlx::query("SELECT name, display_name, created_at FROM users WHERE domain_id = $1 ORDER BY name")
            .bind(scope.id())
            .fetch_all(self.read())
            .await?
            .iter()
            .map(user_of)
            .collect()
    }

    /// Up to `limit` (1 to [`USERS_PAGE_MOST`]) users by name, after the name `after`, with their numbers. Of those with
    /// `words` in their name, display name or a number, whatever the case of ASCII letters; empty: of all.
    /// Errors: [`StoreError::Invalid`] (the limit), [`StoreError::TooLarge`] (the words).
    pub async fn users_page(
        &self,
        scope: &DomainScope,
        words: &str,
        after: &str,
        limit: u32,
    ) -> Result<Vec<(User, Vec<String>)>, StoreError> {
        if !(1..=USERS_PAGE_MOST).contains(&limit) {
            return Err(StoreError::invalid(
                "limit",
                format!("it is 1 to {USERS_PAGE_MOST}"),
            ));
        }
        at_most("words", words.len(), DISPLAY_MOST)?;
        // Numbers are joined with a line feed, which none has.
        let rows = sqlx::query(
            "SELECT u.name, u.display_name, u.created_at, \
             (SELECT GROUP_CONCAT(n.number, CHAR(10)) FROM user_numbers n \
              WHERE n.domain_id = u.domain_id AND n.user_name = u.name) AS numbers \
             FROM users u WHERE u.domain_id = $1 AND u.name > $2 AND ($3 = '%%' OR u.name LIKE $3 ESCAPE '\\' \
              OR u.display_name LIKE $3 ESCAPE '\\' OR EXISTS (SELECT 1 FROM user_numbers n \
              WHERE n.domain_id = u.domain_id AND n.user_name = u.name AND n.number LIKE $3 ESCAPE '\\')) \
             ORDER BY u.name LIMIT $4",
        )
        .bind(scope.id())
        .bind(after)
        .bind(rows::like(words))
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await?;
        rows.iter()
            .map(|row| {
                let numbers: Option<String> = row.try_get("numbers")?;
                let mut numbers: Vec<String> = numbers
                    .iter()
                    .flat_map(|text| text.lines())
                    .map(str::to_owned)
                    .collect();
                numbers.sort_unstable();
                Ok((user_of(row)?, numbers))
            })
            .collect()
    }

    /// A user by name with its numbers; none: there is none.
    pub async fn user_with_numbers(
        &self,
        scope: &DomainScope,
        name: &str,
    ) -> Result<Option<(User, Vec<String>)>, StoreError> {
        let Some(user) = self.user(scope, name).await? else {
            return Ok(None);
        };
        let rows = sqlx::query(
            "SELECT number FROM user_numbers WHERE domain_id = $1 AND user_name = $2 ORDER BY number",
        )
        .bind(scope.id())
        .bind(name)
        .fetch_all(self.read())
        .await?;
        let numbers = rows
            .iter()
            .map(|row| row.try_get("number"))
            .collect::<Result<_, _>>()?;
        Ok(Some((user, numbers)))
    }

    /// Changes what people read of a user, and the numbers that lead to it; none: leave them. All of it, or nothing.
    /// Errors: [`StoreError::NotFound`], [`StoreError::Exists`] (a number of somebody else), [`StoreError::Invalid`],
    /// [`StoreError::TooLarge`].
    pub async fn set_user(
        &self,
        scope: &DomainScope,
        name: &str,
        display_name: Option<&str>,
        numbers: Option<&[String]>,
    ) -> Result<(), StoreError> {
        display_name.map_or(Ok(()), checked_display)?;
        for number in numbers.unwrap_or_default() {
            checked_number(number)?;
        }
        let mut write = self.write().await?;
        let changed = sqlx::query(
            "UPDATE users SET display_name = COALESCE($3, display_name) WHERE domain_id = $1 AND name = $2",
        )
        .bind(scope.id())
        .bind(name)
        .bind(display_name)
        .execute(&mut *write)
        .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("user", name));
        }
        if let Some(numbers) = numbers {
            sqlx::query("DELETE FROM user_numbers WHERE domain_id = $1 AND user_name = $2")
                .bind(scope.id())
                .bind(name)
                .execute(&mut *write)
                .await?;
            for number in numbers {
                insert_number(&mut write, scope, number, name).await?;
            }
        }
        self.commit_directory(write).await
    }

    /// A user by name; none: there is none.
    pub async fn user(&self, scope: &DomainScope, name: &str) -> Result<Option<User>, StoreError> {
        sqlx::query("SELECT name, display_name, created_at FROM users WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?
            .as_ref()
            .map(user_of)
            .transpose()
    }

    /// What authenticates a user; none: there is no such user.
    pub async fn credentials(
        &self,
        scope: &DomainScope,
        name: &str,
    ) -> Result<Option<Credentials>, StoreError> {
        let row = sqlx::query("SELECT ha1_md5, ha1_sha256 FROM users WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Credentials {
            ha1_md5: row.try_get("ha1_md5")?,
            ha1_sha256: row.try_get("ha1_sha256")?,
        }))
    }

    /// Gives a user another password. Errors: [`StoreError::NotFound`], [`StoreError::Invalid`].
    pub async fn set_user_credentials(
        &self,
        scope: &DomainScope,
        name: &str,
        credentials: &Credentials,
    ) -> Result<(), StoreError> {
        checked_credentials(credentials)?;
        let mut write = self.write().await?;
        let changed =
            sqlx::query("UPDATE users SET ha1_md5 = $3, ha1_sha256 = $4 WHERE domain_id = $1 AND name = $2")
                .bind(scope.id())
                .bind(name)
                .bind(&credentials.ha1_md5)
                .bind(&credentials.ha1_sha256)
                .execute(&mut *write)
                .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("user", name));
        }
        self.commit_directory(write).await
    }

    /// Deletes a user with its numbers; its call records stay. Errors: [`StoreError::NotFound`].
    pub async fn delete_user(&self, scope: &DomainScope, name: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM users WHERE domain_id = $1 AND name = $2")
            .bind(scope.id())
            .bind(name)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("user", name));
        }
        self.commit_directory(write).await
    }
}

/// Adds a user that was checked.
pub(crate) async fn insert_user(
    write: &mut Write,
    scope: &DomainScope,
    user: &NewUser,
    created_at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO users (domain_id, name, display_name, ha1_md5, ha1_sha256, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(scope.id())
    .bind(&user.name)
    .bind(&user.display_name)
    .bind(&user.credentials.ha1_md5)
    .bind(&user.credentials.ha1_sha256)
    .bind(created_at.as_microsecond())
    .execute(&mut **write)
    .await
    .map_err(|error| StoreError::on_insert(error, "user", &user.name))?;
    Ok(())
}

/// Gives a user a number, which was checked, within a transaction. Errors: [`StoreError::Exists`].
pub(crate) async fn insert_number(
    write: &mut Write,
    scope: &DomainScope,
    number: &str,
    user: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO user_numbers (domain_id, number, user_name) VALUES ($1, $2, $3)")
        .bind(scope.id())
        .bind(number)
        .bind(user)
        .execute(&mut **write)
        .await
        .map_err(|error| StoreError::on_insert(error, "number", number))?;
    Ok(())
}

/// Why phones cannot have this password of 8 to 128 characters (and bytes), in words; none: they can.
pub fn password_problem(password: &str) -> Option<String> {
    let long = (PASSWORD_LEAST..=PASSWORD_MOST).contains(&password.chars().count());
    if long && password.len() <= PASSWORD_MOST && !password.chars().any(char::is_control) {
        return None;
    }
    Some(format!(
        "it has {PASSWORD_LEAST} to {PASSWORD_MOST} characters, and no control characters"
    ))
}

pub(crate) fn user_of(row: &SqliteRow) -> Result<User, StoreError> {
    Ok(User {
        name: row.try_get("name")?,
        display_name: row.try_get("display_name")?,
        created_at: rows::time(row, "created_at")?,
    })
}

/// The characters that RFC 3261 §25.1 allows in `user` without escaping: what phones can be relied on to send back.
pub(crate) fn checked_name(name: &str) -> Result<(), StoreError> {
    at_most("user name", name.len(), NAME_MOST)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte);
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(StoreError::invalid(
            "user name",
            format!(
                "`{}` has to be letters, digits and -_.!~*'()&=+$,;?/ only",
                name.escape_debug()
            ),
        ));
    }
    Ok(())
}

pub(crate) fn checked_display(name: &str) -> Result<(), StoreError> {
    at_most("display name", name.len(), DISPLAY_MOST)?;
    if name.chars().any(char::is_control) {
        return Err(StoreError::invalid(
            "display name",
            "it has no control characters",
        ));
    }
    Ok(())
}

fn checked_credentials(credentials: &Credentials) -> Result<(), StoreError> {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if !hex(&credentials.ha1_md5, 32) {
        return Err(StoreError::invalid(
            "HA1 by MD5",
            "it is 32 lower-case hexadecimal digits",
        ));
    }
    if !hex(&credentials.ha1_sha256, 64) {
        return Err(StoreError::invalid(
            "HA1 by SHA-256",
            "it is 64 lower-case hexadecimal digits",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_a_uri_carries_unescaped() {
        for name in ["301", "anna.k", "+4930123", "a-b_c"] {
            assert!(checked_name(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a@b", "a:b", "\"a", "a\r\n", "ä"] {
            assert!(
                matches!(checked_name(name), Err(StoreError::Invalid { .. })),
                "{name:?}"
            );
        }
        assert!(matches!(
            checked_name(&"3".repeat(65)),
            Err(StoreError::TooLarge { .. })
        ));
    }

    #[test]
    fn secrets_stay_out_of_debug_output() {
        let credentials = Credentials {
            ha1_md5: "ab".repeat(16),
            ha1_sha256: "cd".repeat(32),
        };
        let user = NewUser {
            name: "301".into(),
            display_name: String::new(),
            credentials,
        };
        let shown = format!("{user:?} {:?}", user.credentials);
        assert!(!shown.contains("abab") && !shown.contains("cdcd"), "{shown}");
    }
}
