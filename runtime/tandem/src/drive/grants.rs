//! What scenarios that run may ask for. Who administers a domain may withdraw it from calls in progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tandem_directory::Directory;
use tandem_host_api::{Grants, LiveGrants};
use tandem_store::ModuleGrants;

/// How often it is looked what has changed; the directory itself looks as often for what other processes do.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The grants of the scenarios that run, by domain and name; a clone is another hold on the same.
#[derive(Clone, Default)]
pub struct RunningGrants {
    domains: Arc<Mutex<HashMap<String, HashMap<String, LiveGrants>>>>,
}

impl RunningGrants {
    /// What a run of the domain's scenario `module` is granted, which is `own` now.
    pub fn of_run(&self, domain: &str, module: &str, own: Option<&ModuleGrants>) -> LiveGrants {
        let mut domains = self.lock();
        let scenarios = domains.entry(domain.to_owned()).or_default();
        let grants = scenarios.entry(module.to_owned()).or_default();
        grants.set(&interfaces(own));
        grants.clone()
    }

    /// Brings what has changed to the scenarios that run, again and again.
    pub async fn keep_true(self, directory: Directory) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let running = self.running();
            for name in running {
                match directory.domain(&name).await {
                    Ok(Some(domain)) => self.set(&name, |module| domain.module_grants.get(module)),
                    Ok(None) => (), // it is gone: its calls end by themselves
                    Err(error) => {
                        tracing::warn!(domain = %name, %error, "what scenarios are granted may have changed unseen");
                    }
                }
            }
        }
    }

    /// The domains of which scenarios run. What nobody holds any more is let go.
    fn running(&self) -> Vec<String> {
        let mut domains = self.lock();
        domains.retain(|_, scenarios| {
            scenarios.retain(|_, grants| grants.are_held());
            !scenarios.is_empty()
        });
        domains.keys().cloned().collect()
    }

    fn set<'a>(&self, domain: &str, own: impl Fn(&str) -> Option<&'a ModuleGrants>) {
        for (module, grants) in self.lock().get(domain).into_iter().flatten() {
            grants.set(&interfaces(own(module)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, HashMap<String, LiveGrants>>> {
        self.domains.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn interfaces(own: Option<&ModuleGrants>) -> Grants {
    let names = own.and_then(|own| own.interfaces.as_deref());
    names.map_or_else(Grants::all, Grants::stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_kept_for_scenarios_that_run() {
        let running = RunningGrants::default();
        let held = running.of_run("demo.local", "menu", None);
        drop(running.of_run("other.local", "menu", None));
        assert_eq!(running.running(), ["demo.local"]);
        drop(held);
        assert!(running.running().is_empty());
    }
}
