//! Which version of a module is meant: the newest, or one named by its hash or by how that begins.

use sqlx::Row;

use crate::engine::Write;
use crate::module_grants::demand_granted;
use crate::{DomainScope, Store, StoreError};

/// Fewest digits of a hash that name a version.
const VERSION_DIGITS_LEAST: usize = 6;
/// Digits of a whole hash.
const VERSION_DIGITS: usize = 64;

/// The hash of the version of `module` that is wanted: 6 to 64 hexadecimal digits that only its hash begins with; none:
/// the newest. Errors: [`StoreError::NotFound`]; [`StoreError::Invalid`] (no digits, too few, or several versions).
pub(crate) async fn version(
    write: &mut Write,
    scope: &DomainScope,
    module: &str,
    wanted: Option<&str>,
) -> Result<String, StoreError> {
    let wanted = wanted.map(checked).transpose()?;
    // Without digits the newest is enough; with them, a second one tells that they are too few.
    let rows = sqlx::query(
        "SELECT hash FROM modules WHERE domain_id = $1 AND name = $2 \
         AND ($3 IS NULL OR SUBSTR(hash, 1, LENGTH($3)) = $3) ORDER BY uploaded_at DESC, hash LIMIT 3",
    )
    .bind(scope.id())
    .bind(module)
    .bind(&wanted)
    .fetch_all(&mut **write)
    .await?;
    let hashes: Vec<String> = rows
        .iter()
        .map(|row| row.try_get("hash"))
        .collect::<Result<_, _>>()?;
    match (hashes.as_slice(), wanted) {
        ([newest, ..], None) => Ok(newest.clone()),
        ([only], Some(_)) => Ok(only.clone()),
        ([], Some(wanted)) => Err(StoreError::not_found("module", &format!("{module}@{wanted}"))),
        ([], None) => Err(StoreError::not_found("module", module)),
        (several, Some(wanted)) => Err(StoreError::invalid(
            "version",
            format!(
                "`{wanted}` begins several versions of {module}: {}",
                several.join(", ")
            ),
        )),
    }
}

/// As [`version`], of one that calls are to start: nothing in it is beyond what its scenario is granted. Errors besides:
/// [`StoreError::Invalid`] with what it imports.
pub(crate) async fn startable(
    write: &mut Write,
    scope: &DomainScope,
    module: &str,
    wanted: Option<&str>,
) -> Result<String, StoreError> {
    let hash = version(write, scope, module, wanted).await?;
    demand_granted(write, scope, module, &hash).await?;
    Ok(hash)
}

impl Store {
    /// The hash of the newest version of `module`, which calls may start: as an activation that names no version takes it.
    /// Errors: [`StoreError::NotFound`]; [`StoreError::Invalid`] with what it imports beyond its grants.
    pub async fn newest_startable(&self, scope: &DomainScope, module: &str) -> Result<String, StoreError> {
        // Nothing is written: it ends without a commit.
        startable(&mut self.write().await?, scope, module, None).await
    }

    /// The hash of the version of `module` that `wanted` names: the hash itself, or its first 6 digits or more. Errors:
    /// [`StoreError::NotFound`]; [`StoreError::Invalid`] (no digits, too few, or several versions).
    pub async fn version_of(
        &self,
        scope: &DomainScope,
        module: &str,
        wanted: &str,
    ) -> Result<String, StoreError> {
        // Nothing is written: it ends without a commit.
        version(&mut self.write().await?, scope, module, Some(wanted)).await
    }
}

fn checked(wanted: &str) -> Result<String, StoreError> {
    let digits = wanted.len() >= VERSION_DIGITS_LEAST
        && wanted.len() <= VERSION_DIGITS
        && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits {
        let shown: String = wanted.chars().take(VERSION_DIGITS).collect();
        return Err(StoreError::invalid(
            "version",
            format!(
                "`{}` has to be {VERSION_DIGITS_LEAST} to {VERSION_DIGITS} hexadecimal digits, the beginning of a hash",
                shown.escape_debug()
            ),
        ));
    }
    Ok(wanted.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_named_by_the_beginning_of_its_hash() {
        assert_eq!(checked("ABCDEF").unwrap(), "abcdef");
        assert!(checked(&"0".repeat(64)).is_ok());
        for wrong in ["", "abcde", "abcdeg", "abcdef ", "äbcdef", &"0".repeat(65)] {
            assert!(
                matches!(checked(wrong), Err(StoreError::Invalid { .. })),
                "{wrong}"
            );
        }
    }
}
