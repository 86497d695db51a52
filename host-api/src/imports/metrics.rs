//! `metrics`: numbers for the administrator's monitoring.

use tandem_bindings::tandem::pbx::metrics as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::Door;
use crate::op::{MetricError, Op, Outcome};

impl Door {
    async fn metric(&mut self, op: Op) -> Result<Result<(), wit::MetricError>> {
        match self.ask(op).await? {
            Outcome::Metric(result) => Ok(result.map_err(|error| match error {
                MetricError::BadArgument(words) => wit::MetricError::BadArgument(words),
                MetricError::Limit(words) => wit::MetricError::Limit(words),
            })),
            other => misfit(&other),
        }
    }
}

impl wit::Host for Door {
    async fn count(&mut self, name: String, by: u64) -> Result<Result<(), wit::MetricError>> {
        self.metric(Op::MetricCount { name, by }).await
    }

    async fn gauge(&mut self, name: String, value: f64) -> Result<Result<(), wit::MetricError>> {
        let value = value.into();
        self.metric(Op::MetricGauge { name, value }).await
    }

    async fn observe(&mut self, name: String, value: f64) -> Result<Result<(), wit::MetricError>> {
        let value = value.into();
        self.metric(Op::MetricObserve { name, value }).await
    }
}
