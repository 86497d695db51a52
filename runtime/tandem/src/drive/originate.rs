//! Originates calls: written down first, then begun on the shard that their identifier leads to.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tandem_directory::{Directory, StartedBy};
use tandem_host_api::op::{Address, Op, OriginateFailure, Target};
use tandem_store::{DomainScope, EntryPoint, Once, Origination, Store, StoreError, Writer};
use tandem_switch::record::new_id;

use super::clock;
use super::exchange::Exchange;

/// A call that was asked for so long ago, before a crash, is not begun any more: nobody waits for it.
const STALE: SignedDuration = SignedDuration::from_mins(2);
/// A store that does not answer is asked again after so long.
const AGAIN: Duration = Duration::from_secs(2);

/// Who is rung for a scenario that no number leads to.
pub struct Ring {
    /// The scenario's name, which is also the number that the phone sees.
    pub scenario: &'static str,
    /// What the scenario is told, as JSON.
    pub settings: String,
    /// What it can read besides.
    pub data: String,
    /// A user's name, or a number that leads to it.
    pub user: String,
    /// The name that the phone sees.
    pub shown: String,
    /// How long the user's devices ring.
    pub timeout_ms: u32,
}

/// Begins calls; a clone is cheap.
#[derive(Clone)]
pub struct Originator {
    /// Domains, users, entry points.
    pub directory: Directory,
    /// Where they are written down.
    pub store: Store,
    /// The shards.
    pub exchange: Exchange,
}

impl Originator {
    /// `originate.call`
    pub async fn originate(
        &self,
        domain: &str,
        op: Op,
        (run, index): &(String, u64),
    ) -> Result<String, OriginateFailure> {
        let Op::Originate {
            target,
            entry_point,
            data,
            caller_id,
            ring_ms,
        } = op
        else {
            return Err(OriginateFailure::Unavailable);
        };
        let found = self.directory.domain(domain).await.map_err(unavailable)?;
        let found = found.ok_or(OriginateFailure::Unavailable)?;
        let user = match &target {
            Target::User(name) => self.directory.user(&found, name).await,
            Target::Number(number) => self.directory.user_by_number(&found, number).await,
        };
        let (Target::User(name) | Target::Number(name)) = target;
        let user = user
            .map_err(unavailable)?
            .ok_or(OriginateFailure::NotFound(name))?;
        // What starts other scenarios has a name that looks alike.
        let dialled = matches!(StartedBy::parse(&entry_point), Ok(StartedBy::Call(_)));
        let resolved = self
            .directory
            .resolve(&found, &entry_point)
            .await
            .map_err(unavailable)?;
        if !dialled || resolved.is_none() {
            return Err(OriginateFailure::NoEntryPoint(entry_point));
        }
        let from = caller_id.map_or_else(
            || (entry_point.clone(), String::new()),
            |id| (id.user, id.display_name),
        );
        let asked = Origination {
            call: new_id(clock::now(), StdRng::from_os_rng().random()),
            entry_point,
            user: user.name.clone(),
            from,
            data,
            ring_ms,
        };
        let once = Once {
            call: run,
            op_index: *index as u32,
            writer: Writer::default(), // no pair is written
        };
        let written = self.store.originate_once(found.scope(), once, &asked).await;
        let (asked, begun) = match written {
            Ok(written) => written,
            Err(error @ StoreError::TooMany { .. }) => {
                return Err(OriginateFailure::Limit(error.to_string()));
            }
            Err(error) => return Err(unavailable(error)),
        };
        if !begun {
            self.begin(domain, &asked).await?;
        }
        Ok(asked.call)
    }

    /// Rings a user for a scenario that no number leads to, its newest version. It is not written down before: who asks
    /// waits, and asks again. Gives the call's identifier.
    pub async fn ring(&self, scope: &DomainScope, it: Ring) -> Result<String, OriginateFailure> {
        let found = self.directory.domain(scope.name()).await.map_err(unavailable)?;
        let found = found.ok_or(OriginateFailure::Unavailable)?;
        let mut user = self.directory.user(&found, &it.user).await.map_err(unavailable)?;
        if user.is_none() {
            user = self
                .directory
                .user_by_number(&found, &it.user)
                .await
                .map_err(unavailable)?;
        }
        let user = user.ok_or(OriginateFailure::NotFound(it.user))?;
        let hash = match self.store.newest_startable(scope, it.scenario).await {
            Ok(hash) => hash,
            // It imports what it is not granted any more.
            Err(error @ StoreError::Invalid { .. }) => {
                return Err(OriginateFailure::Limit(error.to_string()));
            }
            Err(error) => return Err(unavailable(error)),
        };
        let entry = EntryPoint {
            number: it.scenario.to_owned(),
            title: String::new(),
            module: it.scenario.to_owned(),
            hash,
            config: it.settings,
            fallback_cause: "unavailable".to_owned(),
            created_at: Timestamp::now(),
        };
        let call = tandem_switch::call::Origination {
            id: new_id(clock::now(), StdRng::from_os_rng().random()),
            domain: Arc::from(found.name.as_str()),
            resolved: entry.into(),
            user: user.name.clone(),
            from: Address {
                user: it.scenario.to_owned(),
                host: found.name.clone(),
                display_name: it.shown,
            },
            data: it.data,
            ring_ms: it.timeout_ms,
        };
        let id = call.id.clone();
        match self.exchange.originate(call).await {
            Some(Ok(())) => Ok(id),
            Some(Err(why)) => Err(OriginateFailure::Limit(why)),
            None => Err(OriginateFailure::Unavailable),
        }
    }

    /// Begins a call that is written down; a call that is there is not begun again.
    async fn begin(&self, domain: &str, asked: &Origination) -> Result<(), OriginateFailure> {
        let found = self.directory.domain(domain).await.map_err(unavailable)?;
        let found = found.ok_or(OriginateFailure::Unavailable)?;
        let resolved = self
            .directory
            .resolve(&found, &asked.entry_point)
            .await
            .map_err(unavailable)?;
        let begun = match resolved {
            None => Some(Err("its entry point is gone".to_owned())),
            Some(resolved) => {
                let it = tandem_switch::call::Origination {
                    id: asked.call.clone(),
                    domain: Arc::from(found.name.as_str()),
                    resolved,
                    user: asked.user.clone(),
                    from: Address {
                        user: asked.from.0.clone(),
                        host: found.name.clone(),
                        display_name: asked.from.1.clone(),
                    },
                    data: asked.data.clone(),
                    ring_ms: asked.ring_ms,
                };
                self.exchange.originate(it).await
            }
        };
        let written = match &begun {
            Some(Ok(())) => self.store.originated(found.scope(), &asked.call).await,
            Some(Err(_)) => self.store.not_originated(found.scope(), &asked.call).await,
            None => Ok(()),
        };
        if let Err(error) = written {
            // It is asked again at the next start, and known.
            tracing::warn!(%domain, call = %asked.call, %error, "an originated call is not marked as begun");
        }
        match begun {
            Some(Err(why)) => Err(OriginateFailure::Limit(why)),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Begins what was asked for before a crash, once the shards have started.
    pub async fn go_on(self) {
        let waiting = loop {
            match self.store.waiting_originations().await {
                Ok(waiting) => break waiting,
                Err(error) => tracing::warn!(%error, "originated calls cannot be read"),
            }
            tokio::time::sleep(AGAIN).await;
        };
        for it in waiting {
            let (domain, call) = (&it.domain, &it.origination.call);
            if Timestamp::now().duration_since(it.asked_at) > STALE {
                tracing::warn!(%domain, %call, "an originated call is given up: it was asked for before a stop");
                if let Ok(scope) = self.store.domain_scope(domain).await {
                    drop(self.store.not_originated(&scope, call).await); // it is told again at the next start
                }
            } else if let Err(why) = self.begin(domain, &it.origination).await {
                tracing::warn!(%domain, %call, ?why, "an originated call could not be begun");
            }
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn unavailable(error: StoreError) -> OriginateFailure {
    tracing::warn!(%error, "a call cannot be originated");
    OriginateFailure::Unavailable
}
