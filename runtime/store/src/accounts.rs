//! People who log in to administer: who they are, what they may, and what proves it.
//!
//! Passwords come hashed, and hashes go out to be compared: whoever asks has the time for that, the store has not.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::ToSchema;

use crate::domains::now;
use crate::engine::Write;
use crate::error::at_most;
use crate::users::checked_display;
use crate::{DomainScope, Store, StoreError, rows};

/// Most accounts of one domain, and of the system.
pub const ACCOUNTS_MOST: usize = 10_000;
/// Longest login, in bytes, without its domain.
const NAME_MOST: usize = 64;
/// Languages that the console speaks.
pub const LANGUAGES: [&str; 2] = ["en", "ru"];

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everything, in all domains.
    System,
    /// Everything in its domain, but what the system sets for it.
    Administrator,
    /// Sees its domain's users, calls and logs.
    Supervisor,
    /// Sees what is its own.
    User,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::System, Self::Administrator, Self::Supervisor, Self::User];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Administrator => "administrator",
            Self::Supervisor => "supervisor",
            Self::User => "user",
        }
    }

    /// The role of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// What is known of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// `NAME` of the system's, `NAME@DOMAIN` of a domain's; in lower case.
    pub login: String,
    /// What people read; may be empty.
    pub display_name: String,
    /// What it may do.
    pub role: Role,
    /// The domain whose it is; none: the system's.
    pub domain: Option<String>,
    /// The domain's user that it is, where its role is [`Role::User`].
    pub user: Option<String>,
    /// One of [`LANGUAGES`]; none: the browser's.
    pub language: Option<String>,
    /// Logging in asks for a code too (RFC 6238).
    pub totp: bool,
    /// It is let in no more.
    pub blocked: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody logged in with it; none: never.
    pub last_login_at: Option<Timestamp>,
}

/// An account to make.
#[derive(Clone)]
pub struct NewAccount<'a> {
    /// Its name without a domain: 1 to 64 letters, digits, `-`, `_`, `.`; stored in lower case.
    pub name: &'a str,
    /// Up to 256 bytes.
    pub display_name: &'a str,
    /// What it may do. [`Role::System`] is without a domain, the others are with one.
    pub role: Role,
    /// The user that it is, for [`Role::User`] alone.
    pub user: Option<&'a str>,
    /// Argon2id of its password, in the PHC form.
    pub password: &'a str,
}

impl fmt::Debug for NewAccount<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What to change of an account; none: leave it.
#[derive(Clone, Default)]
pub struct AccountChange<'a> {
    /// The new display name.
    pub display_name: Option<&'a str>,
    /// The new hash of its password. Ends its sessions.
    pub password: Option<&'a str>,
    /// Whether it is let in. Ends its sessions where it is not.
    pub blocked: Option<bool>,
    /// One of [`LANGUAGES`], or empty: the browser's.
    pub language: Option<&'a str>,
    /// Another role. One that is not [`Role::User`] is no user any more. Ends its sessions.
    pub role: Option<Role>,
    /// Another user of the domain, where the role is [`Role::User`]. Ends its sessions.
    pub user: Option<&'a str>,
}

impl fmt::Debug for AccountChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountChange")
            .field("display_name", &self.display_name)
            .field("password", &self.password.is_some())
            .field("blocked", &self.blocked)
            .field("language", &self.language)
            .field("role", &self.role)
            .field("user", &self.user)
            .finish()
    }
}

/// Whose accounts: a domain's, or the system's.
pub type Home<'a> = Option<&'a DomainScope>;

/// Accounts with the names of their domains; the rest of the statement says which.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT a.login, a.display_name, a.role, a.user_name, a.password, a.language, a.totp_on, a.blocked, a.created_at, ",
            "a.last_login_at, a.domain_id, d.name AS domain_name FROM accounts a ",
            "LEFT JOIN domains d ON d.id = a.domain_id ",
            $which
        )
    };
}

impl Store {
    /// Makes an account. Errors: [`StoreError::Exists`], [`StoreError::Invalid`], [`StoreError::TooLarge`],
    /// [`StoreError::TooMany`], [`StoreError::NotFound`] (the user).
    pub async fn add_account(&self, home: Home<'_>, new: &NewAccount<'_>) -> Result<Account, StoreError> {
        let login = checked_login(home, new.name)?;
        checked_display(new.display_name)?;
        checked_role(home, new.role, new.user)?;
        let created_at = now();
        let mut write = self.write().await?;
        let domain_id = home.map(DomainScope::id);
        let row =
            sqlx::query("SELECT COUNT(*) AS present FROM accounts WHERE domain_id IS NOT DISTINCT FROM $1")
                .bind(domain_id)
                .fetch_one(&mut *write)
                .await?;
        if rows::count(&row, "present")? >= ACCOUNTS_MOST as u64 {
            return Err(StoreError::TooMany {
                what: "accounts",
                most: ACCOUNTS_MOST,
            });
        }
        checked_user(&mut write, home, new.user).await?;
        sqlx::query(
            "INSERT INTO accounts (login, domain_id, display_name, role, user_name, password, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&login)
        .bind(domain_id)
        .bind(new.display_name)
        .bind(new.role.as_str())
        .bind(new.user)
        .bind(new.password)
        .bind(created_at.as_microsecond())
        .execute(&mut *write)
        .await
        .map_err(|error| StoreError::on_insert(error, "account", &login))?;
        write.commit().await?;
        Ok(Account {
            login,
            display_name: new.display_name.to_owned(),
            role: new.role,
            domain: home.map(|scope| scope.name().to_owned()),
            user: new.user.map(str::to_owned),
            language: None,
            totp: false,
            blocked: false,
            created_at,
            last_login_at: None,
        })
    }

    /// The accounts of a domain or of the system, by login.
    pub async fn accounts(&self, home: Home<'_>) -> Result<Vec<Account>, StoreError> {
        sqlx::query(select!(
            "WHERE a.domain_id IS NOT DISTINCT FROM $1 ORDER BY a.login"
        ))
        .bind(home.map(DomainScope::id))
        .fetch_all(self.read())
        .await?
        .iter()
        .map(account_of)
        .collect()
    }

    /// An account of a domain or of the system; none: it has none of this login.
    pub async fn account(&self, home: Home<'_>, login: &str) -> Result<Option<Account>, StoreError> {
        sqlx::query(select!(
            "WHERE a.domain_id IS NOT DISTINCT FROM $1 AND a.login = $2"
        ))
        .bind(home.map(DomainScope::id))
        .bind(login.to_lowercase())
        .fetch_optional(self.read())
        .await?
        .as_ref()
        .map(account_of)
        .transpose()
    }

    /// An account with the hash of its password, to let somebody in; none: there is none.
    pub async fn account_to_open(&self, login: &str) -> Result<Option<(Account, String)>, StoreError> {
        let row = sqlx::query(select!("WHERE a.login = $1"))
            .bind(login.to_lowercase())
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some((account_of(&row)?, row.try_get("password")?)))
    }

    /// Changes an account. Errors: [`StoreError::NotFound`], [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn set_account(
        &self,
        home: Home<'_>,
        login: &str,
        change: &AccountChange<'_>,
    ) -> Result<Account, StoreError> {
        change.display_name.map_or(Ok(()), checked_display)?;
        if change
            .language
            .is_some_and(|language| !language.is_empty() && !LANGUAGES.contains(&language))
        {
            return Err(StoreError::invalid("language", "it is en or ru, or empty"));
        }
        let login = login.to_lowercase();
        let mut write = self.write().await?;
        let row = sqlx::query(select!(
            "WHERE a.domain_id IS NOT DISTINCT FROM $1 AND a.login = $2"
        ))
        .bind(home.map(DomainScope::id))
        .bind(&login)
        .fetch_optional(&mut *write)
        .await?;
        let before = account_of(&row.ok_or_else(|| StoreError::not_found("account", &login))?)?;
        let role = change.role.unwrap_or(before.role);
        let kept = before.user.as_deref().filter(|_| role == Role::User);
        let user = change.user.or(kept);
        if change.role.is_some() || change.user.is_some() {
            checked_role(home, role, user)?;
            checked_user(&mut write, home, user).await?;
        }
        let is_another = role != before.role || user != before.user.as_deref();
        sqlx::query(
            "UPDATE accounts SET display_name = COALESCE($3, display_name), password = COALESCE($4, password), \
             blocked = COALESCE($5, blocked), language = COALESCE($6, language), role = $7, user_name = $8 \
             WHERE domain_id IS NOT DISTINCT FROM $1 AND login = $2",
        )
        .bind(home.map(DomainScope::id))
        .bind(&login)
        .bind(change.display_name)
        .bind(change.password)
        .bind(change.blocked.map(i64::from))
        .bind(change.language)
        .bind(role.as_str())
        .bind(user)
        .execute(&mut *write)
        .await?;
        if change.password.is_some() || change.blocked == Some(true) || is_another {
            sqlx::query("DELETE FROM sessions WHERE login = $1")
                .bind(&login)
                .execute(&mut *write)
                .await?;
        }
        write.commit().await?;
        let account = self.account(home, &login).await?;
        account.ok_or_else(|| StoreError::not_found("account", &login))
    }

    /// Removes an account, and ends its sessions. Errors: [`StoreError::NotFound`]; [`StoreError::InUse`] where it is
    /// the last of the system: somebody has to be able to log in.
    pub async fn remove_account(&self, home: Home<'_>, login: &str) -> Result<(), StoreError> {
        let login = login.to_lowercase();
        let mut write = self.write().await?;
        let deleted =
            sqlx::query("DELETE FROM accounts WHERE domain_id IS NOT DISTINCT FROM $1 AND login = $2")
                .bind(home.map(DomainScope::id))
                .bind(&login)
                .execute(&mut *write)
                .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("account", &login));
        }
        if home.is_none() {
            let left = sqlx::query("SELECT 1 FROM accounts WHERE domain_id IS NULL AND blocked = 0 LIMIT 1")
                .fetch_optional(&mut *write)
                .await?;
            if left.is_none() {
                return Err(StoreError::InUse {
                    what: "account",
                    name: login,
                    by: "nobody else could administer the system".to_owned(),
                });
            }
        }
        Ok(write.commit().await?)
    }
}

pub(crate) fn account_of(row: &SqliteRow) -> Result<Account, StoreError> {
    let role: String = row.try_get("role")?;
    let language: String = row.try_get("language")?;
    Ok(Account {
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        role: Role::named(&role).ok_or_else(|| StoreError::Corrupt {
            what: format!("the role `{role}` of an account"),
        })?,
        domain: row.try_get("domain_name")?,
        user: row.try_get("user_name")?,
        language: Some(language).filter(|language| !language.is_empty()),
        totp: row.try_get::<i64, _>("totp_on")? != 0,
        blocked: row.try_get::<i64, _>("blocked")? != 0,
        created_at: rows::time(row, "created_at")?,
        last_login_at: rows::maybe_time(row, "last_login_at")?,
    })
}

/// Whether an account may have this role, and be this user.
fn checked_role(home: Home<'_>, role: Role, user: Option<&str>) -> Result<(), StoreError> {
    if (role == Role::System) != home.is_none() {
        return Err(StoreError::invalid(
            "role",
            "`system` is of the system, the others are of a domain",
        ));
    }
    if (role == Role::User) != user.is_some() {
        return Err(StoreError::invalid(
            "user",
            "the role `user`, and no other, names a user of the domain",
        ));
    }
    Ok(())
}

async fn checked_user(write: &mut Write, home: Home<'_>, user: Option<&str>) -> Result<(), StoreError> {
    let (Some(scope), Some(user)) = (home, user) else {
        return Ok(());
    };
    let found = sqlx::query("SELECT 1 FROM users WHERE domain_id = $1 AND name = $2")
        .bind(scope.id())
        .bind(user)
        .fetch_optional(&mut **write)
        .await?;
    match found {
        Some(_) => Ok(()),
        None => Err(StoreError::not_found("user", user)),
    }
}

fn checked_login(home: Home<'_>, name: &str) -> Result<String, StoreError> {
    at_most("login", name.len(), NAME_MOST)?;
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || !name.bytes().all(letters) {
        return Err(StoreError::invalid(
            "login",
            "it is 1 to 64 letters, digits, `-`, `_` and `.`",
        ));
    }
    let name = name.to_ascii_lowercase();
    Ok(match home {
        Some(scope) => format!("{name}@{}", scope.name()),
        None => name,
    })
}
