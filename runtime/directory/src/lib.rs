//! What the call path asks while a caller waits: whose domain is this, who is this user, whom or what does this
//! number lead to?
//!
//! [`Directory`] answers from memory and goes to the store only for what it does not know yet; reading order:
//! [`Directory`] → `table.rs` (all of a domain's numbers and patterns; what a [`Pattern`] matches is `scenarios/pattern`'s)
//! → `cache.rs` (bounded memory).
//!
//! Not here: SQL and what may be written (`tandem-store`), registrations (`tandem-sip`), call logic (`tandem-switch`).

mod cache;
mod directory;
mod start;
mod table;

pub use directory::{Directory, Domain, Resolved, ResolvedCanary};
pub use start::{EventKind, StartedBy, StartedByError};
pub use tandem_pattern::{Pattern, PatternError};
pub use tandem_store::{
    Canary, Counts, Credentials, DomainScope, EntryPoint, StoreError, Trial, TrialCounts, User,
};

/// The shapes in which the call logic writes down a call that is over.
pub mod records {
    pub use tandem_store::{
        CallMessages, CallRecord, CallSummary, Direction, FallbackRecord, LegRecord, LegRole, MessageWay,
        ScenarioEnd, SipMessage,
    };
}
