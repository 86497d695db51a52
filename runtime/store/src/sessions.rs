//! Sessions: who has logged in. The store has the hashes of what browsers show, as it has of tokens.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sqlx::Row;

use crate::accounts::account_of;
use crate::domains::now;
use crate::{Account, DomainScope, Secret, Store, StoreError, rows};

/// Sessions of one account; the one that was used least lately gives way to a new one.
pub const SESSIONS_MOST: usize = 32;
/// How exactly the time of its last use is known: a use need not be a write.
const USED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// How long a session is good.
#[derive(Debug, Clone, Copy)]
pub struct SessionLasts {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub whole: Duration,
}

/// A session that was found good.
#[derive(Debug, Clone)]
pub struct Session {
    /// Whose it is.
    pub account: Account,
    /// The domain that it opens; none: all of them.
    pub scope: Option<DomainScope>,
    /// What requests that change something show beside it, so that no other site's page can send them.
    pub csrf: String,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// Nobody of its domain is let in.
    pub domain_blocked: bool,
}

impl Store {
    /// Opens a session, and notes that its account logged in. Errors: [`StoreError::NotFound`] (the account).
    pub async fn open_session(
        &self,
        login: &str,
        secret: &Secret,
        csrf: &str,
        lasts: SessionLasts,
    ) -> Result<Timestamp, StoreError> {
        let now = now();
        let expires_at = now
            .checked_add(lasts.whole)
            .map_err(|_| StoreError::invalid("session", "it lasts beyond the end of time"))?;
        let mut write = self.write().await?;
        let known = sqlx::query("UPDATE accounts SET last_login_at = $2 WHERE login = $1")
            .bind(login)
            .bind(now.as_microsecond())
            .execute(&mut *write)
            .await?;
        if known.rows_affected() == 0 {
            return Err(StoreError::not_found("account", login));
        }
        sqlx::query(
            "DELETE FROM sessions WHERE login = $1 AND (expires_at <= $2 OR hash NOT IN \
             (SELECT hash FROM sessions WHERE login = $1 ORDER BY used_at DESC LIMIT $3))",
        )
        .bind(login)
        .bind(now.as_microsecond())
        .bind(SESSIONS_MOST as i64 - 1)
        .execute(&mut *write)
        .await?;
        sqlx::query(
            "INSERT INTO sessions (hash, login, csrf, created_at, used_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5)",
        )
        .bind(secret.hash().to_hex().as_str())
        .bind(login)
        .bind(csrf)
        .bind(now.as_microsecond())
        .bind(expires_at.as_microsecond())
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(expires_at)
    }

    /// The session that a browser shows; none: it is wrong, has ended, or its account is blocked.
    pub async fn session(&self, secret: &Secret, lasts: SessionLasts) -> Result<Option<Session>, StoreError> {
        let Some((session, idle)) = self.find_session(secret, lasts).await? else {
            return Ok(None);
        };
        if idle >= USED_EVERY
            && let Err(error) = self.note_session(secret, now()).await
        {
            // A full disk is no reason to lock anybody out.
            tracing::warn!(%error, "a session's last use is not written down");
        }
        Ok(Some(session))
    }

    /// Whether a session is good. Asking is no use of it.
    pub async fn session_stands(&self, secret: &Secret, lasts: SessionLasts) -> Result<bool, StoreError> {
        Ok(self.find_session(secret, lasts).await?.is_some())
    }

    /// A session that is good, and for how long it was not used.
    async fn find_session(
        &self,
        secret: &Secret,
        lasts: SessionLasts,
    ) -> Result<Option<(Session, SignedDuration)>, StoreError> {
        let row = sqlx::query(
            "SELECT a.login, a.display_name, a.role, a.user_name, a.language, a.totp_on, a.blocked, a.created_at, \
             a.last_login_at, a.domain_id, d.name AS domain_name, d.blocked AS domain_blocked, s.csrf, s.used_at, s.expires_at \
             FROM sessions s JOIN accounts a ON a.login = s.login LEFT JOIN domains d ON d.id = a.domain_id \
             WHERE s.hash = $1",
        )
        .bind(secret.hash().to_hex().as_str())
        .fetch_optional(self.read())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (now, account) = (now(), account_of(&row)?);
        let (used_at, expires_at) = (rows::time(&row, "used_at")?, rows::time(&row, "expires_at")?);
        let idle = now.duration_since(used_at);
        if account.blocked
            || expires_at <= now
            || idle >= SignedDuration::try_from(lasts.idle).unwrap_or(SignedDuration::MAX)
        {
            return Ok(None);
        }
        let scope = match (&account.domain, row.try_get::<Option<i64>, _>("domain_id")?) {
            (Some(name), Some(id)) => Some(DomainScope::found(id, name)),
            _ => None,
        };
        let session = Session {
            account,
            scope,
            csrf: row.try_get("csrf")?,
            domain_blocked: row.try_get::<Option<i64>, _>("domain_blocked")?.unwrap_or(0) != 0,
            expires_at,
        };
        Ok(Some((session, idle)))
    }

    /// Ends a session; one that is not there is ended already.
    pub async fn close_session(&self, secret: &Secret) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE hash = $1")
            .bind(secret.hash().to_hex().as_str())
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }

    async fn note_session(&self, secret: &Secret, now: Timestamp) -> Result<(), StoreError> {
        let mut write = self.write_relaxed().await?;
        sqlx::query("UPDATE sessions SET used_at = $2 WHERE hash = $1")
            .bind(secret.hash().to_hex().as_str())
            .bind(now.as_microsecond())
            .execute(&mut *write)
            .await?;
        Ok(write.commit().await?)
    }
}
