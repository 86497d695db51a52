//! Numbers for the administrator's monitoring. Names are of 1 to 63 characters out of `a-z0-9_`, beginning with a letter.

use crate::bindings::tandem::pbx::metrics as raw;
pub use crate::bindings::tandem::pbx::metrics::MetricError;

/// Adds to a counter.
pub fn count(name: &str, by: u64) -> Result<(), MetricError> {
    raw::count(name, by)
}

/// Sets a gauge to a finite number.
pub fn gauge(name: &str, value: f64) -> Result<(), MetricError> {
    raw::gauge(name, value)
}

/// Adds a finite number to a distribution.
pub fn observe(name: &str, value: f64) -> Result<(), MetricError> {
    raw::observe(name, value)
}

/// For `?` in a scenario: the text of its error.
impl From<MetricError> for String {
    fn from(error: MetricError) -> Self {
        match error {
            MetricError::BadArgument(why) => format!("metrics: bad argument: {why}"),
            MetricError::Limit(why) => format!("metrics: limit: {why}"),
        }
    }
}
