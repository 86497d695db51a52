//! Bounded waits: no test hangs, and a wait that ends without its event says what it waited for.

use crate::failure::{Failure, Result};
use std::time::{Duration, Instant};

const POLL_EVERY: Duration = Duration::from_millis(5);

/// Asks `ready` every 5 ms until it gives a value, at most for `within`.
///
/// # Errors
/// After `within`: a sentence with `what`.
pub fn until<T>(within: Duration, what: &str, mut ready: impl FnMut() -> Option<T>) -> Result<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = ready() {
            return Ok(value);
        }
        if began.elapsed() >= within {
            return Err(Failure::new(format!("waited {within:?} in vain for {what}")));
        }
        std::thread::sleep(POLL_EVERY);
    }
}
