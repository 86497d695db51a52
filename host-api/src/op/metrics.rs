//! What scenarios measure.

use serde::{Deserialize, Serialize};

/// A floating-point number that is equal to itself: compared by its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Real(u64);

impl From<f64> for Real {
    fn from(value: f64) -> Self {
        Self(value.to_bits())
    }
}

impl Real {
    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// `metrics.metric-error`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetricError {
    /// Outside its range.
    BadArgument(String),
    /// Too many names, or one of another kind.
    Limit(String),
}
