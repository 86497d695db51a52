//! Digest authentication (RFC 3261 §22, RFC 7616, RFC 8760): MD5 and SHA-256 with qop=auth.
//!
//! [`Verifier`] is the server's side: it challenges and verifies. A nonce carries its own time and a
//! MAC, so nothing is stored for a challenge; only nonces that were used have an entry, which holds
//! their highest nonce-count, in a bounded table. Key and counts can be written down, so that phones are
//! not asked anew after a restart. [`respond`] is the client's side.
//!
//! Reading order: [`Credentials`] and [`Challenge`] (the headers' syntax), the digest's arithmetic,
//! the nonce, the verifier. Not here: who a user is, passwords at rest other than as HA1.

mod digest;
mod nonce;
mod syntax;
mod verifier;

pub use digest::{Algorithm, Respond, ha1, respond};
pub use nonce::{NonceId, NonceRecord, VerifierKey};
pub use syntax::{Challenge, Credentials, CredentialsError};
pub use verifier::{Config, Verdict, Verifier, Wrong};
