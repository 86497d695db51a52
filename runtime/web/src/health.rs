//! Whether this process does its work, as its roles say.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the process as a whole is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Roles are being started; nothing is taken yet.
    Starting,
    /// Every role works.
    Ok,
    /// At least one role is broken; the others go on.
    Degraded,
    /// No new calls are taken; calls in progress go on until their end or the deadline.
    Stopping,
}

#[derive(Debug)]
struct State {
    phase: Status,
    broken: BTreeMap<String, String>,
}

/// Shared by all roles; a clone is the same health.
#[derive(Debug, Clone)]
pub struct Health {
    state: Arc<Mutex<State>>,
    version: &'static str,
}

/// What `/healthz` answers.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Report {
    pub status: Status,
    pub version: &'static str,
    /// What each broken role says.
    pub broken: BTreeMap<String, String>,
}

impl Health {
    /// Begins as [`Status::Starting`]; `version` is this program's.
    pub fn new(version: &'static str) -> Self {
        let state = State {
            phase: Status::Starting,
            broken: BTreeMap::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            version,
        }
    }

    /// Everything is up: new calls are taken.
    pub fn set_started(&self) {
        self.with(|state| {
            if state.phase == Status::Starting {
                state.phase = Status::Ok;
            }
        });
    }

    /// A graceful stop has begun; there is no way back.
    pub fn set_stopping(&self) {
        self.with(|state| state.phase = Status::Stopping);
    }

    /// `role` does not work, for a reason said in words.
    pub fn set_broken(&self, role: &str, why: impl Into<String>) {
        self.with(|state| state.broken.insert(role.to_owned(), why.into()));
    }

    /// `role` works again.
    pub fn set_repaired(&self, role: &str) {
        self.with(|state| state.broken.remove(role));
    }

    /// What holds now.
    pub fn status(&self) -> Status {
        self.report().status
    }

    pub(crate) fn report(&self) -> Report {
        self.with(|state| Report {
            status: if state.phase == Status::Ok && !state.broken.is_empty() {
                Status::Degraded
            } else {
                state.phase
            },
            version: self.version,
            broken: state.broken.clone(),
        })
    }

    fn with<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // Each change is one assignment, so the state is whole even after a panic elsewhere.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_role_degrades_until_it_is_repaired_and_stopping_is_final() {
        let health = Health::new("1");
        assert_eq!(health.status(), Status::Starting);
        health.set_broken("media", "no ports");
        assert_eq!(health.status(), Status::Starting);
        health.set_started();
        assert_eq!(health.status(), Status::Degraded);
        health.set_repaired("media");
        assert_eq!(health.status(), Status::Ok);
        health.set_stopping();
        health.set_started();
        assert_eq!(health.status(), Status::Stopping);
    }
}
