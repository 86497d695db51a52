//! Which interfaces a scenario may import: when its module is looked at, when calls are to start it, and while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::door::Door;
use crate::modules::INTERFACES;
use crate::op::{HttpError, Op, Outcome};
use crate::usage;
use crate::validate::{nearest, shown};

/// The interfaces that a domain's scenarios may import, by their name without package and version: `leg`, `dial`.
/// `types` needs no grant. Without a list all of them are granted, those of later releases too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants(Option<Vec<String>>);

impl Grants {
    /// Everything.
    pub fn all() -> Self {
        Self(None)
    }

    /// Just these; the error names one that does not exist, and the nearest that does.
    pub fn only(names: &[String]) -> Result<Self, String> {
        for name in names {
            if !grantable().any(|known| known == name) {
                let near = nearest(name, grantable());
                let known: Vec<&str> = grantable().collect();
                return Err(format!(
                    "there is no interface `{}`{near}; there are {}",
                    shown(name),
                    known.join(", ")
                ));
            }
        }
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        Ok(Self(Some(names)))
    }

    /// As they were stored, perhaps by a later release: a name that does not exist here grants nothing.
    pub fn stored(names: &[String]) -> Self {
        Self(Some(names.to_vec()))
    }

    /// The names; none: all of them.
    pub fn names(&self) -> Option<&[String]> {
        self.0.as_deref()
    }

    pub(crate) fn allow(&self, interface: &str) -> bool {
        let name = short(interface);
        name == "types"
            || self
                .0
                .as_ref()
                .is_none_or(|names| names.iter().any(|n| n == name))
    }
}

/// The names that a grant can have.
fn grantable() -> impl Iterator<Item = &'static str> {
    INTERFACES
        .iter()
        .map(|name| short(name))
        .filter(|name| *name != "types")
}

/// `leg` of `tandem:pbx/leg@0.2.0`.
pub(crate) fn short(interface: &str) -> &str {
    let name = interface.split_once('/').map_or(interface, |(_, name)| name);
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// What scenarios that run are granted. It may become less while they do: a clone is another hold on the same, and what
/// is set on one is in force for all at their next host call.
#[derive(Debug, Clone)]
pub struct LiveGrants {
    /// A bit for each interface with host calls.
    interfaces: Arc<AtomicU64>,
}

impl Default for LiveGrants {
    /// Everything.
    fn default() -> Self {
        Self::of(&Grants::all())
    }
}

impl LiveGrants {
    /// These.
    pub fn of(grants: &Grants) -> Self {
        Self {
            interfaces: Arc::new(AtomicU64::new(usage::bits(|name| grants.allow(name)))),
        }
    }

    /// These from now on.
    pub fn set(&self, grants: &Grants) {
        let bits = usage::bits(|name| grants.allow(name));
        self.interfaces.store(bits, Ordering::Relaxed);
    }

    /// Whether a scenario that runs has them: somebody holds on to them besides who asks.
    pub fn are_held(&self) -> bool {
        Arc::strong_count(&self.interfaces) > 1
    }

    /// Why the scenario may not ask this, in words; none: it may. What it holds it may always let go.
    pub(crate) fn refusal(&self, op: &Op) -> Option<String> {
        let bit = 1 << usage::place(op);
        let granted = self.interfaces.load(Ordering::Relaxed) & bit != 0;
        if granted || matches!(op, Op::DropLeg { .. } | Op::DropRecorder { .. }) {
            return None;
        }
        let interface = usage::interface(op);
        Some(format!(
            "not granted: {}, as the scenario may no longer use `{interface}`",
            op.name()
        ))
    }
}

impl Op {
    /// The outcome that tells the guest that it is not granted this; none: the function has no error.
    pub(crate) fn not_granted(&self, words: &str) -> Option<Outcome> {
        match self {
            Self::HttpSend { .. } => Some(Outcome::Http(Err(HttpError::NotAllowed(words.to_owned())))),
            _ => self.limited(words),
        }
    }
}

impl Door {
    /// Says in the server's log what the scenario is refused: not every function's error has words.
    pub(crate) fn note_not_granted(&self, words: &str) {
        let header = self.header();
        let (domain, call, entry_point) = (&header.domain, &header.call, &header.entry);
        tracing::warn!(%domain, %call, %entry_point, "a scenario's request is refused: {words}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::LegId;

    #[test]
    fn grants_name_interfaces_that_exist() {
        let some = Grants::only(&["leg".to_owned(), "dial".to_owned(), "leg".to_owned()]).unwrap();
        assert_eq!(some.names().unwrap(), ["dial", "leg"]);
        assert!(some.allow("tandem:pbx/leg@0.2.0") && some.allow("tandem:pbx/types@0.2.0"));
        assert!(!some.allow("tandem:pbx/log@0.2.0"));
        let why = Grants::only(&["key-valu".to_owned()]).unwrap_err();
        assert!(why.contains("did you mean `key-value`?"), "{why}");
    }

    #[test]
    fn what_is_withdrawn_is_refused_and_what_is_held_can_be_let_go() {
        let live = LiveGrants::default();
        let ring = Op::Ring { leg: LegId(0) };
        assert_eq!(live.refusal(&ring), None);
        let running = live.clone();
        live.set(&Grants::only(&["clock".to_owned()]).unwrap());
        let words = running.refusal(&ring).unwrap();
        assert!(words.contains("leg.ring") && words.contains("`leg`"), "{words}");
        assert_eq!(running.refusal(&Op::NowMs), None);
        assert_eq!(running.refusal(&Op::DropLeg { leg: LegId(0) }), None);
        assert!(live.are_held());
        drop(running);
        assert!(!live.are_held());
    }
}
