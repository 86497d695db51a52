//! Random numbers that a replay sees again.

/// 64 random bits.
pub fn next() -> u64 {
    crate::bindings::tandem::pbx::random::next()
}
