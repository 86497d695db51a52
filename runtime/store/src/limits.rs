//! What a domain's scenarios may use, where its administrator says something else than the server does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::{DomainScope, Store, StoreError};

/// A limit of a domain. Those that begin with `Call` are of each call, the others of all its calls together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Bytes of its key-value pairs, keys and values.
    KvBytes,
    /// Its key-value pairs.
    KvKeys,
    /// Scenarios that run at the same time.
    Instances,
    /// Milliseconds in which its scenarios may compute per second, as a lasting rate.
    CpuMsPerSecond,
    /// Host calls per second of all its scenarios, as a lasting rate.
    HostCallsPerSecond,
    /// Milliseconds in which one call's scenario may compute.
    CallCpuMs,
    /// Bytes of memory of one call's scenario.
    CallMemoryBytes,
    /// Host calls per second of one call's scenario, as a lasting rate.
    CallHostCallsPerSecond,
    /// Milliseconds that one call's scenario may spend between two host calls.
    CallWallMs,
    /// Mails per minute of all its scenarios, as a lasting rate.
    MailsPerMinute,
    /// Messages of one voicemail box.
    VoicemailMessages,
    /// Bytes of the recordings of its voicemail.
    VoicemailBytes,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::KvBytes,
        Self::KvKeys,
        Self::Instances,
        Self::CpuMsPerSecond,
        Self::HostCallsPerSecond,
        Self::CallCpuMs,
        Self::CallMemoryBytes,
        Self::CallHostCallsPerSecond,
        Self::CallWallMs,
        Self::MailsPerMinute,
        Self::VoicemailMessages,
        Self::VoicemailBytes,
    ];

    /// As it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::KvBytes => "kv-bytes",
            Self::KvKeys => "kv-keys",
            Self::Instances => "instances",
            Self::CpuMsPerSecond => "cpu-ms-per-second",
            Self::HostCallsPerSecond => "host-calls-per-second",
            Self::CallCpuMs => "call-cpu-ms",
            Self::CallMemoryBytes => "call-memory-bytes",
            Self::CallHostCallsPerSecond => "call-host-calls-per-second",
            Self::CallWallMs => "call-wall-ms",
            Self::MailsPerMinute => "mails-per-minute",
            Self::VoicemailMessages => "voicemail-messages",
            Self::VoicemailBytes => "voicemail-bytes",
        }
    }

    /// Least and most that it can be set to. What a call needs to begin at all is not taken away by it.
    pub fn bounds(self) -> [u64; 2] {
        match self {
            Self::KvBytes => [0, 1 << 40],
            Self::KvKeys => [0, 1_000_000_000],
            Self::Instances => [0, 1_000_000],
            Self::CpuMsPerSecond => [1, 1_000_000],
            Self::HostCallsPerSecond | Self::CallHostCallsPerSecond => [1, 10_000_000],
            Self::CallCpuMs | Self::CallWallMs => [10, 3_600_000],
            Self::CallMemoryBytes => [1 << 20, 256 << 20],
            Self::MailsPerMinute | Self::VoicemailMessages => [0, 10_000],
            Self::VoicemailBytes => [0, 1 << 40],
        }
    }

    /// Whether it is of each call, and not of all together.
    pub fn is_of_call(self) -> bool {
        matches!(
            self,
            Self::CallCpuMs | Self::CallMemoryBytes | Self::CallHostCallsPerSecond | Self::CallWallMs
        )
    }

    /// Whether one scenario can have less of it than its domain.
    pub fn is_of_module(self) -> bool {
        self.is_of_call() || matches!(self, Self::KvBytes | Self::KvKeys)
    }

    /// The limit of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == name)
    }
}

/// The limits that a domain has of its own; what is not there is the server's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DomainLimits {
    set: BTreeMap<Limit, u64>,
}

impl PartialSchema for DomainLimits {
    fn schema() -> RefOr<Schema> {
        BTreeMap::<String, u64>::schema()
    }
}

impl ToSchema for DomainLimits {}

impl DomainLimits {
    /// What is set; none: the server's counts.
    pub fn get(&self, limit: Limit) -> Option<u64> {
        self.set.get(&limit).copied()
    }

    /// This one alone.
    #[must_use]
    pub fn only(&self, limit: Limit) -> Self {
        Self {
            set: self.get(limit).map(|value| (limit, value)).into_iter().collect(),
        }
    }

    /// Words between spaces: `kv-keys=100 instances=5`. What a later release wrote is passed over.
    pub(crate) fn from_column(text: &str) -> Self {
        let read = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((Limit::named(name)?, value.parse().ok()?))
        };
        Self {
            set: text.split_whitespace().filter_map(read).collect(),
        }
    }

    fn changed(mut self, changes: &[(Limit, Option<u64>)]) -> Self {
        for (limit, value) in changes {
            match value {
                Some(value) => drop(self.set.insert(*limit, *value)),
                None => drop(self.set.remove(limit)),
            }
        }
        self
    }

    /// All that are set, as changes.
    fn changes(&self) -> Vec<(Limit, Option<u64>)> {
        self.set
            .iter()
            .map(|(limit, value)| (*limit, Some(*value)))
            .collect()
    }

    /// Whether each is within its bounds. Errors: [`StoreError::Invalid`].
    pub(crate) fn checked(&self) -> Result<(), StoreError> {
        check(&self.changes())
    }

    /// As [`Self::checked`], of what one scenario may use.
    pub(crate) fn checked_of_module(&self) -> Result<(), StoreError> {
        let changes = self.changes();
        check(&changes)?;
        of_module(&changes)
    }

    pub(crate) fn to_column(&self) -> String {
        let word = |(limit, value): (&Limit, &u64)| format!("{}={value}", limit.as_str());
        self.set.iter().map(word).collect::<Vec<_>>().join(" ")
    }
}

impl Store {
    /// Sets limits of a domain, or, with none, gives them back to the server; new calls and key-value writes have them
    /// from now on. Errors: [`StoreError::NotFound`]; [`StoreError::Invalid`] (out of [`Limit::bounds`]).
    pub async fn set_limits(
        &self,
        scope: &DomainScope,
        changes: &[(Limit, Option<u64>)],
    ) -> Result<DomainLimits, StoreError> {
        check(changes)?;
        let mut write = self.write().await?;
        let Some((_, domain)) = self.find_domain(scope.name()).await? else {
            return Err(StoreError::not_found("domain", scope.name()));
        };
        let limits = domain.limits.changed(changes);
        let changed = sqlx::query("UPDATE domains SET limits = $2 WHERE id = $1")
            .bind(scope.id())
            .bind(limits.to_column())
            .execute(&mut *write)
            .await?;
        if changed.rows_affected() == 0 {
            return Err(StoreError::not_found("domain", scope.name()));
        }
        self.commit_directory(write).await?;
        Ok(limits)
    }

    /// Sets what one scenario may use, or, with none, leaves that to the domain again; new calls and key-value writes have
    /// it from now on. A limit that is not [of a scenario](Limit::is_of_module) is refused. Errors: [`StoreError::NotFound`] (no such
    /// scenario, or domain); [`StoreError::Invalid`].
    pub async fn set_module_limits(
        &self,
        scope: &DomainScope,
        module: &str,
        changes: &[(Limit, Option<u64>)],
    ) -> Result<DomainLimits, StoreError> {
        check(changes)?;
        of_module(changes)?;
        let mut write = self.write().await?;
        let known = sqlx::query("SELECT 1 FROM modules WHERE domain_id = $1 AND name = $2 LIMIT 1")
            .bind(scope.id())
            .bind(module)
            .fetch_optional(&mut *write)
            .await?;
        if known.is_none() {
            return Err(StoreError::not_found("scenario", module));
        }
        let limits = self.module_limits(scope).await?.remove(module);
        let limits = limits.unwrap_or_default().changed(changes);
        sqlx::query(
            "INSERT INTO module_limits (domain_id, module, limits) VALUES ($1, $2, $3) \
             ON CONFLICT (domain_id, module) DO UPDATE SET limits = excluded.limits",
        )
        .bind(scope.id())
        .bind(module)
        .bind(limits.to_column())
        .execute(&mut *write)
        .await?;
        self.commit_directory(write).await?;
        Ok(limits)
    }

    /// What the domain's scenarios may use, by the scenario's name; of those that have limits of their own.
    pub async fn module_limits(
        &self,
        scope: &DomainScope,
    ) -> Result<BTreeMap<String, DomainLimits>, StoreError> {
        let rows =
            sqlx::query("SELECT module, limits FROM module_limits WHERE domain_id = $1 AND limits <> ''")
                .bind(scope.id())
                .fetch_all(self.read())
                .await?;
        let read = |row: SqliteRow| {
            let limits = DomainLimits::from_column(row.try_get("limits")?);
            Ok((row.try_get("module")?, limits))
        };
        rows.into_iter().map(read).collect()
    }
}

fn of_module(changes: &[(Limit, Option<u64>)]) -> Result<(), StoreError> {
    match changes.iter().find(|(limit, _)| !limit.is_of_module()) {
        Some((limit, _)) => Err(StoreError::invalid(
            limit.as_str(),
            "it is of all the domain's scenarios together",
        )),
        None => Ok(()),
    }
}

fn check(changes: &[(Limit, Option<u64>)]) -> Result<(), StoreError> {
    for (limit, value) in changes {
        let [least, most] = limit.bounds();
        if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
            return Err(StoreError::invalid(
                limit.as_str(),
                format!("{value} is not from {least} to {most}"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_come_back_as_they_were_written() {
        let limits = DomainLimits {
            set: Limit::ALL.into_iter().zip(1..).collect(),
        };
        assert_eq!(DomainLimits::from_column(&limits.to_column()), limits);
        let later = DomainLimits::from_column("kv-keys=7 unheard-of=1 instances=many");
        assert_eq!((later.get(Limit::KvKeys), later.set.len()), (Some(7), 1));
    }
}
