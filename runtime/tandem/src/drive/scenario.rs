//! Runs the scenario of one call: finds its module, has it compiled if need be, and drives the guest to its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tandem_directory::Directory;
use tandem_host_api::{
    DomainLimits, DomainQuota, End, Engine, Finished, Journal, Limits, Module, Run, Switch, Used,
    monotonic_clock,
};
use tandem_store::{EntryPoint, Store};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::grants::RunningGrants;
use super::scenario_log::ScenarioLog;
use super::usage::Meters;
use crate::compile::Compiler;
use crate::limits;

/// How long a caller waits for the code of a scenario that is not compiled yet: until there is sound, or a status.
const CODE_WAIT: Duration = Duration::from_secs(20);

/// What every scenario shares; a clone is cheap.
#[derive(Clone)]
pub struct Scenarios {
    /// The engine.
    pub engine: Engine,
    /// Compiles what the engine finds no code of.
    pub compiler: Compiler,
    /// Where modules are kept.
    pub store: Store,
    /// Where domains are looked up.
    pub directory: Directory,
    /// What one call may use.
    pub limits: Limits,
    /// What the calls of one domain may use together.
    pub domain_limits: DomainLimits,
    /// The store's runtime, on whose blocking threads modules are compiled.
    pub blocking: Handle,
    /// What domains use.
    pub meters: Meters,
    /// What scenarios log.
    pub log: ScenarioLog,
    /// What those that run are granted.
    pub grants: RunningGrants,
    quotas: Arc<Mutex<HashMap<String, DomainQuota>>>,
    loads: Arc<Mutex<Loads>>,
}

/// The modules that are being loaded, by domain and hash.
type Loads = HashMap<(String, String), watch::Receiver<Option<Result<Module, String>>>>;

impl Scenarios {
    /// With no domain known yet.
    pub fn new(
        engine: Engine,
        compiler: Compiler,
        directory: Directory,
        limits: Limits,
        domain_limits: DomainLimits,
        blocking: Handle,
    ) -> Self {
        let store = directory.store().clone();
        Self {
            engine,
            compiler,
            store,
            directory,
            limits,
            domain_limits,
            blocking,
            meters: Meters::default(),
            log: ScenarioLog::default(),
            grants: RunningGrants::default(),
            quotas: Arc::default(),
            loads: Arc::default(),
        }
    }

    fn quota(&self, domain: &str) -> DomainQuota {
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        quotas
            .entry(domain.to_owned())
            .or_insert_with(|| DomainQuota::new(self.domain_limits, monotonic_clock()))
            .clone()
    }

    /// What the scenarios of each domain used since this was asked last.
    pub fn take_used(&self) -> Vec<(String, Used)> {
        let quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        let used = quotas
            .iter()
            .map(|(domain, quota)| (domain.clone(), quota.take_used()));
        used.collect()
    }

    /// Runs one call's scenario. A module that cannot be had is refused in words; the call gets its fall-back.
    pub async fn run(
        &self,
        domain: &str,
        entry: &EntryPoint,
        switch: Box<dyn Switch>,
        journal: Journal,
    ) -> Result<Finished, End> {
        let log = self.log.of_run(domain, &journal.header().call, entry);
        let told_before = journal.known_end().is_some();
        let (name, hash) = (entry.module.as_str(), entry.hash.as_str());
        let finished = self
            .run_one(domain, (name, hash), log.hear(switch), journal)
            .await;
        self.meters.ended(domain, &finished);
        if !told_before {
            match &finished {
                Ok(finished) => log.ended(&finished.end),
                Err(end) => log.ended(end),
            }
        }
        finished
    }

    async fn run_one(
        &self,
        domain: &str,
        (name, hash): (&str, &str),
        switch: Box<dyn Switch>,
        journal: Journal,
    ) -> Result<Finished, End> {
        // A call that goes on has its sound meanwhile, and nobody else can go on with it.
        let module = if journal.resumes() {
            self.module(domain, hash).await
        } else {
            self.module_soon(domain, hash).await
        };
        let module = module.map_err(End::Refused)?;
        let run = self.run_of(domain, name, switch, journal).await;
        Ok(self.engine.run(&module, run).await)
    }

    /// What a run of the domain's scenario `module` brings along; it is counted as started.
    pub async fn run_of(&self, domain: &str, module: &str, switch: Box<dyn Switch>, journal: Journal) -> Run {
        let found = self.domain(domain).await;
        let own = found
            .as_ref()
            .map(|found| found.limits.clone())
            .unwrap_or_default();
        let of_module = found.as_ref().and_then(|found| found.module_limits.get(module));
        let granted = found.as_ref().and_then(|found| found.module_grants.get(module));
        let of_call = limits::of_call(&self.limits, &own);
        let quota = self.quota(domain);
        quota.set_limits(limits::of_domain(self.domain_limits, &own));
        self.meters.started(domain, quota.instances() + 1);
        Run {
            domain: quota,
            grants: self.grants.of_run(domain, module, granted),
            limits: match of_module {
                Some(of_module) => limits::of_module(&of_call, of_module),
                None => of_call,
            },
            switch,
            journal,
        }
    }

    async fn domain(&self, domain: &str) -> Option<Arc<tandem_directory::Domain>> {
        let (directory, domain) = (self.directory.clone(), domain.to_owned());
        // On the store's runtime: its connections belong there.
        self.blocking
            .spawn(async move { directory.domain(&domain).await })
            .await
            .ok()?
            .ok()?
    }

    /// A domain's time zone and language. Where they are not to be had now, a call does not wait for them: UTC, English.
    pub async fn locale(&self, domain: &str) -> (TimeZone, String) {
        match self.domain(domain).await {
            Some(found) => {
                let zone = TimeZone::get(&found.time_zone).unwrap_or(TimeZone::UTC);
                (zone, found.language.clone())
            }
            None => (TimeZone::UTC, "en".to_owned()),
        }
    }

    /// Compiles what numbers lead to before the first call asks for it, as far as the engine keeps it ready.
    pub async fn warm(self) {
        let domains = self.store.domains().await.unwrap_or_default();
        for domain in domains {
            let Ok(scope) = self.store.domain_scope(&domain.name).await else {
                continue; // deleted meanwhile
            };
            for activation in self.store.activations(&scope).await.unwrap_or_default() {
                let entry = &activation.entry_point;
                let canary = activation.canary.as_ref().map(|canary| &canary.hash);
                // A caller waits while a fall-back is compiled: it is compiled before.
                let fallback = activation.fallback.as_ref().map(|fallback| &fallback.hash);
                for hash in [Some(&entry.hash), canary, fallback].into_iter().flatten() {
                    if let Err(error) = self.module(&domain.name, hash).await {
                        let (domain, scenario) = (&domain.name, &entry.module);
                        tracing::error!(
                            %domain, number = %entry.number, %scenario, %hash, %error, "scenario cannot be run"
                        );
                    }
                }
            }
        }
        tracing::info!("the scenarios that numbers lead to are compiled");
    }

    /// As [`Self::module`], for somebody who waits. What is compiled then is there for the next one.
    pub async fn module_soon(&self, domain: &str, hash: &str) -> Result<Module, String> {
        within(CODE_WAIT, self.module(domain, hash)).await
    }

    /// A module that is ready to run; else why there is none. Dropping this does not end its compilation.
    pub async fn module(&self, domain: &str, hash: &str) -> Result<Module, String> {
        if let Some(module) = self.engine.cached(hash) {
            return Ok(module);
        }
        let key = (domain.to_owned(), hash.to_owned());
        let mut loading = self.loading(&key);
        let loaded = loading.wait_for(Option::is_some).await.ok();
        loaded.and_then(|loaded| loaded.clone()).unwrap_or_else(|| {
            self.loads().remove(&key);
            Err("its loading was broken off".to_owned())
        })
    }

    /// What somebody loads already is not loaded again: however many wait, it is in memory once.
    fn loading(&self, key: &(String, String)) -> watch::Receiver<Option<Result<Module, String>>> {
        let mut loads = self.loads();
        if let Some(loading) = loads.get(key) {
            return loading.clone();
        }
        let (tell, loading) = watch::channel(None);
        loads.insert(key.clone(), loading.clone());
        let (this, key) = (self.clone(), key.clone());
        self.blocking.spawn(async move {
            let (domain, hash) = &key;
            let loaded = this.load(domain, hash).await;
            this.loads().remove(&key);
            tell.send_replace(Some(loaded));
        });
        loading
    }

    fn loads(&self) -> MutexGuard<'_, Loads> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn load(&self, domain: &str, hash: &str) -> Result<Module, String> {
        let scope = self.store.domain_scope(domain).await.map_err(|e| e.to_string())?;
        let bytes = self.store.module_bytes(&scope, hash).await;
        let bytes = bytes.map_err(|e| e.to_string())?;
        self.compiler.load(&self.engine, bytes).await
    }
}

async fn within(
    wait: Duration,
    module: impl Future<Output = Result<Module, String>>,
) -> Result<Module, String> {
    let waited = tokio::time::timeout(wait, module).await;
    waited.unwrap_or_else(|_| {
        Err(format!(
            "it is still being compiled after {} s; a later call finds it ready",
            wait.as_secs()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_compilation_without_end() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let why = within(Duration::ZERO, std::future::pending()).await.err();
            assert!(why.is_some_and(|why| why.contains("still being compiled")));
            let why = within(Duration::ZERO, async { Err("gone".to_owned()) })
                .await
                .err();
            assert_eq!(why.as_deref(), Some("gone"));
        });
    }
}
