//! Numbers that lead to users besides their extension, which is their name: `+4930901820`, `*61`.

use serde::{Deserialize, Serialize};
use sqlx::Row;

use crate::error::at_most;
use crate::users::user_of;
use crate::{DomainScope, Store, StoreError, User};

/// Longest number, in bytes.
const NUMBER_MOST: usize = 64;

/// A number of a domain and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserNumber {
    /// 1 to 64 of `0`–`9`, `+`, `*` and `#`, compared character by character: `0049…` is not `+49…`.
    pub number: String,
    /// The user's name.
    pub user: String,
}

impl Store {
    /// Gives a user another number; a user has as many as it is given, a number leads to one user. An extension of the
    /// same text goes first where numbers are dialled.
    ///
    /// Errors: [`StoreError::Exists`] (whoever's the number is), [`StoreError::NotFound`] (the user),
    /// [`StoreError::Invalid`], [`StoreError::TooLarge`].
    pub async fn add_user_number(
        &self,
        scope: &DomainScope,
        number: &str,
        user: &str,
    ) -> Result<UserNumber, StoreError> {
        checked_number(number)?;
        let mut write = self.write().await?;
        sqlx::query("INSERT INTO user_numbers (domain_id, number, user_name) VALUES ($1, $2, $3)")
            .bind(scope.id())
            .bind(number)
            .bind(user)
            .execute(&mut *write)
            .await
            .map_err(|error| match StoreError::on_insert(error, "number", number) {
                // What the row refers to is the user, which goes with its domain.
                StoreError::NotFound { .. } => StoreError::not_found("user", user),
                other => other,
            })?;
        self.commit_directory(write).await?;
        Ok(UserNumber {
            number: number.to_owned(),
            user: user.to_owned(),
        })
    }

    /// Takes a number from its user. Errors: [`StoreError::NotFound`].
    pub async fn remove_user_number(&self, scope: &DomainScope, number: &str) -> Result<(), StoreError> {
        let mut write = self.write().await?;
        let deleted = sqlx::query("DELETE FROM user_numbers WHERE domain_id = $1 AND number = $2")
            .bind(scope.id())
            .bind(number)
            .execute(&mut *write)
            .await?;
        if deleted.rows_affected() == 0 {
            return Err(StoreError::not_found("number", number));
        }
        self.commit_directory(write).await
    }

    /// All numbers of the domain's users, by number; not their extensions, which [`Store::users`] lists.
    pub async fn user_numbers(&self, scope: &DomainScope) -> Result<Vec<UserNumber>, StoreError> {
        let rows =
            sqlx::query("SELECT number, user_name FROM user_numbers WHERE domain_id = $1 ORDER BY number")
                .bind(scope.id())
                .fetch_all(self.read())
                .await?;
        rows.iter()
            .map(|row| {
                Ok(UserNumber {
                    number: row.try_get("number")?,
                    user: row.try_get("user_name")?,
                })
            })
            .collect()
    }

    /// Whose number it is, extensions apart; none: nobody's.
    pub async fn user_of_number(
        &self,
        scope: &DomainScope,
        number: &str,
    ) -> Result<Option<User>, StoreError> {
        sqlx::query(
            "SELECT users.name, users.display_name, users.created_at FROM user_numbers \
             JOIN users ON users.domain_id = user_numbers.domain_id AND users.name = user_numbers.user_name \
             WHERE user_numbers.domain_id = $1 AND user_numbers.number = $2",
        )
        .bind(scope.id())
        .bind(number)
        .fetch_optional(self.read())
        .await?
        .as_ref()
        .map(user_of)
        .transpose()
    }
}

pub(crate) fn checked_number(number: &str) -> Result<(), StoreError> {
    at_most("number", number.len(), NUMBER_MOST)?;
    let allowed = |byte: u8| byte.is_ascii_digit() || b"+*#".contains(&byte);
    if number.is_empty() || !number.bytes().all(allowed) {
        return Err(StoreError::invalid(
            "number",
            format!("`{}` has to be 1 to 64 digits, +, * and #", number.escape_debug()),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_a_keypad_dials() {
        for number in ["3", "+4930901820", "*61#", &"3".repeat(64)] {
            assert!(checked_number(number).is_ok(), "{number}");
        }
        for number in ["", "3X", "anna", "+49 30", "030-1", "3\r\n", "3\0", "٣"] {
            assert!(
                matches!(checked_number(number), Err(StoreError::Invalid { .. })),
                "{number:?}"
            );
        }
        assert!(matches!(
            checked_number(&"3".repeat(65)),
            Err(StoreError::TooLarge { .. })
        ));
    }
}
