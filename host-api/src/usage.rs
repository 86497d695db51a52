//! What one scenario used, counted as it runs: no allocation and no lock in a host call.

use crate::op::Op;
use crate::run::End;

/// Interfaces that have host calls; what is of another is counted as the last.
const INTERFACES: [&str; 26] = [
    "leg",
    "dial",
    "bridge",
    "directory",
    "config",
    "key-value",
    "clock",
    "random",
    "log",
    "trace",
    "recording",
    "hold",
    "transfer",
    "message",
    "http",
    "schedule",
    "metrics",
    "contacts",
    "mail",
    "voicemail",
    "originate",
    "pickup",
    "timers",
    "deadline",
    "leg-events",
    "other",
];

/// The interface of a request.
pub(crate) fn interface(op: &Op) -> &'static str {
    match op.name().split('.').next().unwrap_or_default() {
        // A resource of the interface.
        "recorder" => "recording",
        interface => interface,
    }
}

/// The place of its interface among [`INTERFACES`].
pub(crate) fn place(op: &Op) -> usize {
    let interface = interface(op);
    let place = INTERFACES.iter().position(|name| *name == interface);
    place.unwrap_or(INTERFACES.len() - 1)
}

/// A bit at the place of each interface that is allowed, and of all that have none.
pub(crate) fn bits(allowed: impl Fn(&str) -> bool) -> u64 {
    const { assert!(INTERFACES.len() <= u64::BITS as usize) };
    let known = INTERFACES.iter().enumerate().take(INTERFACES.len() - 1);
    let denied = known.filter(|(_, name)| !allowed(name));
    denied.fold(u64::MAX, |bits, (place, _)| bits & !(1 << place))
}

/// What a scenario used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    host_calls: [u32; INTERFACES.len()],
    /// The most memory that it had, in bytes.
    pub memory_bytes: u64,
}

impl Usage {
    pub(crate) fn count(&mut self, op: &Op) {
        if let Some(count) = self.host_calls.get_mut(place(op)) {
            *count = count.saturating_add(1);
        }
    }

    /// Adds what the next instance of the same run used.
    pub(crate) fn add(&mut self, more: &Self, memory_bytes: u64) {
        for (sum, count) in self.host_calls.iter_mut().zip(more.host_calls) {
            *sum = sum.saturating_add(count);
        }
        self.memory_bytes = self.memory_bytes.max(memory_bytes);
    }

    /// Host calls by interface, of those that had any.
    pub fn host_calls(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let counted = INTERFACES.into_iter().zip(self.host_calls);
        counted.filter(|(_, count)| *count > 0)
    }
}

impl End {
    /// The limit that ended a scenario, or kept it from beginning, in a word; none: no limit did.
    pub fn limit(&self) -> Option<&'static str> {
        let words = match self {
            Self::OverBudget(words) => words.as_str(),
            Self::Refused(words) if words.contains("which is its limit") => return Some("instances"),
            _ => return None,
        };
        let known = [
            ("CPU: the domain", "cpu-per-second"),
            ("CPU", "call-cpu"),
            ("wall time", "call-wall"),
            ("memory", "call-memory"),
            ("tables", "tables"),
            ("the journal", "journal"),
            ("too much data", "host-call-bytes"),
            ("not granted", "grants"),
        ];
        if words.ends_with("in the domain") {
            return Some("host-calls-per-second");
        }
        if words.ends_with("host calls per second") {
            return Some("call-host-calls-per-second");
        }
        let met = known.into_iter().find(|(begin, _)| words.starts_with(begin));
        Some(met.map_or("other", |(_, limit)| limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::LegId;

    #[test]
    fn host_calls_are_counted_by_interface() {
        let mut usage = Usage::default();
        for op in [Op::Random, Op::NowMs, Op::Random, Op::Ring { leg: LegId(0) }] {
            usage.count(&op);
        }
        let counted: Vec<_> = usage.host_calls().collect();
        assert_eq!(counted, [("leg", 1), ("clock", 1), ("random", 2)]);
    }

    #[test]
    fn limits_are_known_by_their_words() {
        let over = |words: &str| End::OverBudget(words.to_owned()).limit();
        assert_eq!(over("CPU: 7 ms used, at most 5 allowed"), Some("call-cpu"));
        assert_eq!(
            over("CPU: the domain's scenarios compute for more than 1 ms a second"),
            Some("cpu-per-second")
        );
        assert_eq!(
            over("more than 3 host calls per second"),
            Some("call-host-calls-per-second")
        );
        assert_eq!(
            over("more than 3 host calls per second in the domain"),
            Some("host-calls-per-second")
        );
        assert_eq!(End::Returned.limit(), None);
        assert_eq!(End::Refused("no such module".into()).limit(), None);
    }

    #[test]
    fn every_interface_with_host_calls_is_told_apart() {
        let imported = crate::modules::INTERFACES.iter().filter_map(|import| {
            let name = import.strip_prefix("tandem:pbx/")?.split('@').next()?;
            // Types alone, and what is an argument of the run.
            (name != "types" && name != "checkpoint").then_some(name)
        });
        let imported: std::collections::BTreeSet<_> = imported.collect();
        let counted = INTERFACES.into_iter().filter(|name| *name != "other").collect();
        assert_eq!(imported, counted);
    }
}
