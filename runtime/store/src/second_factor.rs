//! The second factor of accounts (RFC 6238): its secret, and which of its codes were taken.

use sqlx::Row;

use crate::{Store, StoreError};

/// The secret that an account's codes are made of.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The key of the HMAC (K of RFC 4226 §5.1).
    pub secret: Vec<u8>,
    /// Whether logging in asks for a code; if not, its owner has yet to show that it works.
    pub on: bool,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor")
            .field("on", &self.on)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The second factor of an account; none: it has none.
    pub async fn second_factor(&self, login: &str) -> Result<Option<SecondFactor>, StoreError> {
        let row = sqlx::query("SELECT totp_secret, totp_on FROM accounts WHERE login = $1")
            .bind(login)
            .fetch_optional(self.read())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let secret: Option<Vec<u8>> = row.try_get("totp_secret")?;
        let on = row.try_get::<i64, _>("totp_on")? != 0;
        Ok(secret.map(|secret| SecondFactor { secret, on }))
    }

    /// Gives an account another one, or none. Errors: [`StoreError::NotFound`].
    pub async fn set_second_factor(
        &self,
        login: &str,
        factor: Option<&SecondFactor>,
    ) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let changed = sqlx::query("UPDATE accounts SET totp_secret = $2, totp_on = $3 WHERE login = $1")
            .bind(login)
            .bind(factor.map(|factor| factor.secret.as_slice()))
            .bind(i64::from(factor.is_some_and(|factor| factor.on)))
            .execute(&mut *write)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("account", login));
        }
        Ok(write.commit().await?)
    }

    /// Takes the code of a time step (T of RFC 6238 §4.2), and so all before it: none is good twice (§5.2). False: it,
    /// or a later one, was taken already.
    pub async fn take_code(&self, login: &str, step: u64) -> Result<bool, StoreError> {
        let mut write = self.write().await?;
        let taken = sqlx::query("UPDATE accounts SET totp_used = $2 WHERE login = $1 AND totp_used < $2")
            .bind(login)
            .bind(step as i64)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(taken.rows_affected() > 0)
    }
}
