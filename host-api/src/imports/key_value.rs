//! `key-value`: the domain's store.

use tandem_bindings::tandem::pbx::key_value as wit;
use wasmtime::Result;

use super::misfit;
use crate::door::{Door, Stop};
use crate::op::{KvError, KvValue, Op, Outcome};

impl Door {
    /// All five functions: `pick` takes the value out of the shape that the function gives.
    async fn kv<T>(
        &mut self,
        op: Op,
        pick: impl FnOnce(KvValue) -> Option<T>,
    ) -> Result<Result<T, wit::KvError>> {
        let name = op.name();
        match self.ask(op).await? {
            Outcome::Kv(Ok(value)) => pick(value).map(Ok).ok_or_else(|| {
                let found = format!("{name} was answered with another function's value");
                wasmtime::Error::new(Stop::Broken(found))
            }),
            Outcome::Kv(Err(error)) => Ok(Err(kv_error(error))),
            other => misfit(&other),
        }
    }
}

impl wit::Host for Door {
    async fn get(&mut self, key: String) -> Result<Result<Option<Vec<u8>>, wit::KvError>> {
        self.kv(Op::KvGet { key }, |value| match value {
            KvValue::Value(value) => Some(value),
            _ => None,
        })
        .await
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> Result<Result<(), wit::KvError>> {
        self.kv(Op::KvSet { key, value }, |value| {
            matches!(value, KvValue::Written).then_some(())
        })
        .await
    }

    async fn delete(&mut self, key: String) -> Result<Result<bool, wit::KvError>> {
        self.kv(Op::KvDelete { key }, |value| match value {
            KvValue::Deleted(was_there) => Some(was_there),
            _ => None,
        })
        .await
    }

    async fn increment(&mut self, key: String, by: i64) -> Result<Result<i64, wit::KvError>> {
        self.kv(Op::KvIncrement { key, by }, |value| match value {
            KvValue::Sum(sum) => Some(sum),
            _ => None,
        })
        .await
    }

    async fn keys(
        &mut self,
        prefix: String,
        after: String,
        limit: u32,
    ) -> Result<Result<Vec<String>, wit::KvError>> {
        self.kv(Op::KvKeys { prefix, after, limit }, |value| match value {
            KvValue::Keys(keys) => Some(keys),
            _ => None,
        })
        .await
    }
}

fn kv_error(error: KvError) -> wit::KvError {
    match error {
        KvError::BadArgument(words) => wit::KvError::BadArgument(words),
        KvError::NotANumber => wit::KvError::NotANumber,
        KvError::Full(words) => wit::KvError::Full(words),
        KvError::Unavailable => wit::KvError::Unavailable,
    }
}
