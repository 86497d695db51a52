//! The directory itself: cached questions, and when to forget the answers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tandem_store::{
    Credentials, DomainLimits, DomainScope, EntryPoint, ModuleGrants, NewEntryPoint, Starts, Store,
    StoreError, User,
};

use crate::cache::Cache;
use crate::start::StartedBy;
use crate::table::Table;

/// How long a change by another process (the command line's, say) may stay unseen: who adds a number dials it next. A look
/// is a query of one row, within a question.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// The poll runs within somebody's question, who must not wait for a database in trouble.
const POLL_TIMEOUT: Duration = Duration::from_millis(250);

/// Domains, users, their numbers and credentials kept, each; at most twice as many.
const KEPT: usize = 16 * 1024;

/// Bytes of entry points kept, and of tables of numbers; at most twice as many, each.
const KEPT_BYTES: usize = 32 << 20;

/// Longer user names, numbers and hosts are not in any store; nothing is asked about them, and memory not filled with
/// them.
const USER_MOST: usize = 64;
const HOST_MOST: usize = 253;

/// A domain, with the scope that questions about what it owns need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Domain {
    /// The host part of its SIP addresses, in lower case.
    pub name: String,
    /// The realm of its digest authentication.
    pub realm: String,
    /// IANA time zone.
    pub time_zone: String,
    /// In which texts are spoken that name no language.
    pub language: String,
    /// What its scenarios may use, where that is not the server's to say.
    pub limits: DomainLimits,
    /// What a call of a scenario may use, by the scenario's name, where that is less than the domain's calls may.
    pub module_limits: BTreeMap<String, DomainLimits>,
    /// What a scenario may import and reach, by its name, where that is less than the domain's scenarios may.
    pub module_grants: BTreeMap<String, ModuleGrants>,
    #[serde(skip)]
    scope: DomainScope,
}

impl Domain {
    /// What the store asks for.
    pub fn scope(&self) -> &DomainScope {
        &self.scope
    }
}

/// What a dialled number leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// The entry point, with its active version; its `config` is what the scenario is told, as of those below.
    pub entry: Arc<EntryPoint>,
    /// The version that is tried, where one is.
    pub canary: Option<ResolvedCanary>,
    /// The entry point with the scenario that takes over where its own fails, in place of that one.
    pub fallback: Option<Arc<EntryPoint>>,
}

/// A version that is tried for a share of an entry point's calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedCanary {
    /// 1 to 99 per cent.
    pub share_percent: u8,
    /// The entry point, with this version in place of the active one.
    pub entry: Arc<EntryPoint>,
}

impl From<EntryPoint> for Resolved {
    fn from(entry: EntryPoint) -> Self {
        Self {
            entry: Arc::new(entry),
            canary: None,
            fallback: None,
        }
    }
}

impl From<Starts> for Resolved {
    fn from(starts: Starts) -> Self {
        Self {
            entry: Arc::new(starts.active),
            canary: starts.canary.map(|tried| ResolvedCanary {
                share_percent: tried.share_percent,
                entry: Arc::new(tried.entry),
            }),
            fallback: starts.fallback.map(Arc::new),
        }
    }
}

impl Resolved {
    /// About how much memory it takes, in bytes.
    fn weight(&self) -> usize {
        let canary = self.canary.as_ref().map(|canary| &canary.entry);
        let versions = [Some(&self.entry), canary, self.fallback.as_ref()];
        let of = |entry: &Arc<EntryPoint>| 256 + entry.config.len() + entry.title.len();
        versions.into_iter().flatten().map(of).sum()
    }
}

/// What the call path asks. Cheap to clone; all clones share one memory.
///
/// A question that was asked before is answered without SQL, as long as nothing was changed: a change made through a
/// clone of the same [`Store`] is seen at once, one by another process within 50 ms. "There is no such" is
/// remembered too. What is remembered is bounded.
///
/// An error is always the store's: whom it concerns is unknown then, not absent (503, not 404).
#[derive(Debug, Clone)]
pub struct Directory {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    poll_every: Duration,
    // Held for look-ups only, never across an await.
    memory: Mutex<Memory>,
}

type Key = (DomainScope, String);

#[derive(Debug)]
struct Memory {
    domains: Cache<String, Option<Arc<Domain>>>,
    users: Cache<Key, Option<Arc<User>>>,
    numbers: Cache<Key, Option<Arc<User>>>,
    credentials: Cache<Key, Option<Credentials>>,
    tables: Cache<DomainScope, Arc<Table>>,
    entry_points: Cache<Key, Option<Resolved>>,
    /// Grows when all is forgotten: an answer that was asked for before then is not kept, as it may be older.
    generation: u64,
    /// [`Store::directory_epoch`] of what is kept.
    epoch: u64,
    /// [`Store::directory_revision`] when it was last looked at; none: never.
    revision: Option<i64>,
    polled_at: Option<Instant>,
}

impl Memory {
    fn forget(&mut self) {
        self.domains.clear();
        self.users.clear();
        self.numbers.clear();
        self.credentials.clear();
        self.tables.clear();
        self.entry_points.clear();
        self.generation += 1;
    }
}

impl Directory {
    /// A directory over a store.
    pub fn new(store: Store) -> Self {
        Self::with_poll_every(store, POLL_EVERY)
    }

    /// A directory that looks for other processes' changes that often: at most so long they stay unseen.
    pub fn with_poll_every(store: Store, poll_every: Duration) -> Self {
        let memory = Memory {
            domains: Cache::new(KEPT),
            users: Cache::new(KEPT),
            numbers: Cache::new(KEPT),
            credentials: Cache::new(KEPT),
            tables: Cache::new(KEPT_BYTES),
            entry_points: Cache::new(KEPT_BYTES),
            generation: 0,
            epoch: store.directory_epoch(),
            revision: None,
            polled_at: None,
        };
        Self {
            inner: Arc::new(Inner {
                store,
                poll_every,
                memory: Mutex::new(memory),
            }),
        }
    }

    /// The store that it asks.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The domain of a host name, whatever its case; none: it is nobody's.
    pub async fn domain(&self, host: &str) -> Result<Option<Arc<Domain>>, StoreError> {
        if host.len() > HOST_MOST {
            return Ok(None);
        }
        let host = host.to_ascii_lowercase();
        let ask = || async {
            let store = &self.inner.store;
            let found = store.find_domain(&host).await?;
            // To phones a blocked domain is none.
            let Some((scope, domain)) = found.filter(|(_, domain)| !domain.blocked) else {
                return Ok(None);
            };
            Ok(Some(Arc::new(Domain {
                name: domain.name,
                realm: domain.realm,
                time_zone: domain.time_zone,
                language: domain.language,
                limits: domain.limits,
                module_limits: store.module_limits(&scope).await?,
                module_grants: store.module_grants(&scope).await?,
                scope,
            })))
        };
        self.answer(|memory| &mut memory.domains, host.clone(), |_| 1, ask)
            .await
    }

    /// A user of the domain by its extension; none: there is none.
    pub async fn user(&self, domain: &Domain, extension: &str) -> Result<Option<Arc<User>>, StoreError> {
        if extension.len() > USER_MOST {
            return Ok(None);
        }
        let ask = || async {
            Ok(self
                .inner
                .store
                .user(domain.scope(), extension)
                .await?
                .map(Arc::new))
        };
        self.answer(|memory| &mut memory.users, key(domain, extension), |_| 1, ask)
            .await
    }

    /// The user that a dialled number leads to: the one whose extension it is, else the one who was given it besides;
    /// none: it leads to nobody. `number` is the user part of the request's URI, unescaped.
    pub async fn user_by_number(
        &self,
        domain: &Domain,
        number: &str,
    ) -> Result<Option<Arc<User>>, StoreError> {
        if number.len() > USER_MOST {
            return Ok(None);
        }
        if let Some(user) = self.user(domain, number).await? {
            return Ok(Some(user));
        }
        let ask = || async {
            Ok(self
                .inner
                .store
                .user_of_number(domain.scope(), number)
                .await?
                .map(Arc::new))
        };
        self.answer(|memory| &mut memory.numbers, key(domain, number), |_| 1, ask)
            .await
    }

    /// What authenticates a user of the domain; none: there is no such user.
    pub async fn credentials(&self, domain: &Domain, user: &str) -> Result<Option<Credentials>, StoreError> {
        if user.len() > USER_MOST {
            return Ok(None);
        }
        let ask = || self.inner.store.credentials(domain.scope(), user);
        self.answer(|memory| &mut memory.credentials, key(domain, user), |_| 1, ask)
            .await
    }

    /// The entry point that a dialled number leads to: the one of exactly this number, else that of the most specific
    /// pattern, else `*`; none: it leads nowhere. `dialled` is the user part of the request's URI, unescaped.
    pub async fn resolve(&self, domain: &Domain, dialled: &str) -> Result<Option<Resolved>, StoreError> {
        let table = self.table(domain).await?;
        let Some(number) = table.find(dialled) else {
            return Ok(None);
        };

        let ask = || async {
            Ok(self
                .inner
                .store
                .starts(domain.scope(), number)
                .await?
                .map(Resolved::from))
        };
        let weight = |found: &Option<Resolved>| found.as_ref().map_or(256, Resolved::weight);
        self.answer(
            |memory| &mut memory.entry_points,
            key(domain, number),
            weight,
            ask,
        )
        .await
    }

    /// Whether there is an entry point of this name that the web or an event starts: `event:call-started`.
    pub async fn starts(&self, domain: &Domain, name: &str) -> Result<bool, StoreError> {
        Ok(self.table(domain).await?.starts(name))
    }

    async fn table(&self, domain: &Domain) -> Result<Arc<Table>, StoreError> {
        let ask = || async {
            Ok(Arc::new(Table::new(
                self.inner.store.entry_point_numbers(domain.scope()).await?,
            )))
        };
        self.answer(
            |memory| &mut memory.tables,
            domain.scope().clone(),
            |table| table.weight() + 256,
            ask,
        )
        .await
    }

    /// Makes an entry point whose name is one that [`StartedBy`] knows; the store alone would take other text too.
    /// Errors: [`Store::add_entry_point`]'s; [`StoreError::Invalid`] with [`crate::StartedByError`]'s words.
    pub async fn add_entry_point(
        &self,
        scope: &DomainScope,
        new: &NewEntryPoint,
    ) -> Result<EntryPoint, StoreError> {
        if let Err(error) = StartedBy::parse(&new.number) {
            return Err(StoreError::Invalid {
                what: "number",
                why: error.to_string(),
            });
        }
        self.inner.store.add_entry_point(scope, new).await
    }

    /// From memory, or from the store and then into memory.
    async fn answer<K, V>(
        &self,
        cache: impl Fn(&mut Memory) -> &mut Cache<K, V>,
        key: K,
        weight: impl FnOnce(&V) -> usize,
        ask: impl AsyncFnOnce() -> Result<V, StoreError>,
    ) -> Result<V, StoreError>
    where
        K: Eq + std::hash::Hash,
        V: Clone,
    {
        self.notice_changes().await;
        let generation = {
            let mut memory = self.memory();
            if let Some(known) = cache(&mut memory).find(&key) {
                return Ok(known);
            }
            memory.generation
        };
        let value = ask().await?;
        let mut memory = self.memory();
        if memory.generation == generation && memory.epoch == self.inner.store.directory_epoch() {
            let weight = weight(&value);
            cache(&mut memory).insert(key, value.clone(), weight);
        }
        Ok(value)
    }

    /// Forgets everything if anything was changed since the last look.
    async fn notice_changes(&self) {
        {
            let mut memory = self.memory();
            let epoch = self.inner.store.directory_epoch();
            if memory.epoch != epoch {
                memory.forget();
                memory.epoch = epoch;
            }
            let now = Instant::now();
            if memory
                .polled_at
                .is_some_and(|then| now.duration_since(then) < self.inner.poll_every)
            {
                return;
            }
            // Claimed: whoever asks meanwhile goes on with what is kept.
            memory.polled_at = Some(now);
        }
        match tokio::time::timeout(POLL_TIMEOUT, self.inner.store.directory_revision()).await {
            Ok(Ok(revision)) => {
                let mut memory = self.memory();
                if memory.revision != Some(revision) {
                    memory.forget();
                    memory.revision = Some(revision);
                }
            }
            // What is kept still serves, and new questions bring the store's error themselves.
            Ok(Err(error)) => tracing::warn!(%error, "changes to the directory may go unseen"),
            Err(_) => tracing::warn!("changes to the directory may go unseen: the store does not answer"),
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Each change under the lock is whole by itself: what a panicking thread left is still good.
        self.inner.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(domain: &Domain, name: &str) -> Key {
    (domain.scope().clone(), name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Drivers of several threads hold questions across awaits.
    #[test]
    fn questions_may_move_between_threads() {
        fn sendable<T: Send>(_: &T) {}
        fn questions(directory: &Directory, domain: &Domain) {
            sendable(&directory.domain("demo.local"));
            sendable(&directory.user(domain, "301"));
            sendable(&directory.user_by_number(domain, "+49301"));
            sendable(&directory.credentials(domain, "301"));
            sendable(&directory.resolve(domain, "300"));
        }
        let _ = questions;
    }
}
