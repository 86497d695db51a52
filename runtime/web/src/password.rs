//! Passwords of accounts: Argon2id (RFC 9106), kept in the PHC form, with the parameters that OWASP asks for at least.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// Shortest password, in characters.
pub const PASSWORD_LEAST: usize = 10;
/// Longest password, in bytes.
pub const PASSWORD_MOST: usize = 256;
/// Memory in KiB, passes, lanes.
const COSTS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Why there is no hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It cannot be a password.
    #[error("a password has at least {PASSWORD_LEAST} characters, and at most {PASSWORD_MOST} bytes")]
    Length,
    /// No memory or no chance for it: not the password's fault.
    #[error("the password cannot be hashed: {0}")]
    Failed(String),
}

/// The hash of a password, to be kept, in the PHC form. It takes some 30 ms of a core and 19 MiB: not for an async
/// thread. Errors: [`PasswordError`].
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < PASSWORD_LEAST || password.len() > PASSWORD_MOST {
        return Err(PasswordError::Length);
    }
    let failed = |error: &dyn std::fmt::Display| PasswordError::Failed(error.to_string());
    let mut salt = [0; 16];
    aws_lc_rs::rand::fill(&mut salt).map_err(|error| failed(&error))?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| failed(&error))?;
    let hash = hasher()?.hash_password(password.as_bytes(), &salt);
    Ok(hash.map_err(|error| failed(&error))?.to_string())
}

/// Whether it is the password of a hash. As costly as [`hash`]; so it is where there is no hash to compare, so that the
/// time does not tell who has an account.
pub fn is_right(password: &str, kept: Option<&str>) -> bool {
    if password.len() > PASSWORD_MOST {
        return false;
    }
    let Ok(hasher) = hasher() else { return false };
    let Some(parsed) = kept.and_then(|kept| PasswordHash::new(kept).ok()) else {
        let mut nobody = [0; 32];
        let _ = hasher.hash_password_into(password.as_bytes(), b"nobody's salt", &mut nobody); // for its time
        return false;
    };
    hasher.verify_password(password.as_bytes(), &parsed).is_ok()
}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let (memory, passes, lanes) = COSTS;
    let costs = Params::new(memory, passes, lanes, None);
    let costs = costs.map_err(|error| PasswordError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, costs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_itself_is_right() {
        let kept = hash("correct horse").unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(kept, hash("correct horse").unwrap());
        assert!(is_right("correct horse", Some(&kept)));
        for wrong in ["correct hors", "correct horse ", "", "Correct horse"] {
            assert!(!is_right(wrong, Some(&kept)), "{wrong}");
        }
        assert!(!is_right("correct horse", None));
        assert!(!is_right("correct horse", Some("plain")));
        assert_eq!(hash("short"), Err(PasswordError::Length));
        assert_eq!(hash(&"long".repeat(65)), Err(PasswordError::Length));
    }
}
