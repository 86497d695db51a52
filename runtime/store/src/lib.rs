//! SQL and blobs: what an administrator configured, what scenarios keep, and the history of calls.
//!
//! Reading order: [`Store::open`] ([`engine`]) → [`DomainScope`] ([`domains`]), the ticket that every other function
//! asks for first → [`users`] (many at once: [`user_file`]), [`numbers`], [`modules`] with [`signatures`],
//! `grants.rs`, [`module_grants`], `versions.rs` and `unused.rs`, [`entry_points`], [`activations`] with [`starts`],
//! [`fallbacks`], [`canary`] and [`history`], [`flows`], `worlds.rs`, [`events`], [`timers`], [`originations`],
//! [`scenario_log`], [`kv`], [`limits`] with [`usage`], [`calls`], [`call_list`], [`journals`] and [`messages`] (and
//! `packing.rs`), [`samples`], [`retention`], [`tokens`], [`accounts`] with [`sessions`], [`second_factor`] and
//! [`audit`], [`http_hosts`] with `secrets.rs`, [`schedules`], [`contacts`], [`voicemail`], and [`archive`], which
//! has a whole domain. Errors are [`StoreError`], a variant per thing the caller does differently.
//!
//! SQL is written out, here only, in the part that SQLite and PostgreSQL share; what differs between engines is in
//! `engine.rs` and `error.rs`. Migrations (`migrations/`) go forward only.
//!
//! Not here: matching dialled numbers and caching for the call path (`tandem-directory`), password hashing
//! (`tandem-sip` makes the HA1 strings), batching tasks and their hours (the caller owns them; [`Store::insert_calls`]
//! and [`Store::purge`] are the batches).

pub mod accounts;
pub mod activations;
pub mod archive;
pub mod audit;
pub mod call_list;
pub mod calls;
pub mod canary;
pub mod contacts;
pub mod domains;
pub mod engine;
pub mod entry_points;
mod error;
pub mod events;
pub mod fallbacks;
pub mod flows;
mod grants;
pub mod history;
pub mod http_hosts;
pub mod journals;
pub mod kv;
pub mod limits;
pub mod messages;
mod migrations;
pub mod module_grants;
pub mod modules;
pub mod numbers;
pub mod originations;
mod packing;
pub mod retention;
mod rows;
pub mod samples;
pub mod scenario_log;
pub mod schedules;
pub mod second_factor;
mod secrets;
pub mod sessions;
pub mod signatures;
pub mod starts;
pub mod timers;
pub mod tokens;
mod unused;
pub mod usage;
pub mod user_file;
pub mod users;
mod versions;
pub mod voicemail;
mod worlds;

pub use accounts::{Account, AccountChange, NewAccount, Role};
pub use activations::{Activation, Settlement};
pub use archive::{Archive, ArchiveProblem};
pub use audit::{AuditEntry, AuditFilter, AuditPage, NewAuditEntry};
pub use call_list::{CallCursor, CallFilter, CallPage};
pub use calls::{
    CallRecord, CallSummary, Direction, FallbackRecord, Inserted, LegRecord, LegRole, NewCall, ScenarioEnd,
};
pub use canary::{Canary, CanaryChange, Counts, Trial, TrialCounts};
pub use contacts::{Contact, ContactNumber, ContactsWritten};
pub use domains::{Domain, DomainChange, DomainScope, NewDomain};
pub use engine::{Options, Store};
pub use entry_points::{EntryPoint, EntryPointChange, NewEntryPoint};
pub use error::StoreError;
pub use events::DueEvent;
pub use fallbacks::{Fallback, NewFallback};
pub use flows::{Flow, NewFlow, Saved};
pub use history::{By, Event, HistoryEntry};
pub use http_hosts::{HostPattern, HttpHost};
pub use journals::JournalState;
pub use kv::{KvCap, Once, Writer};
pub use limits::{DomainLimits, Limit};
pub use messages::{CallMessages, MessageWay, NewMessages, SipMessage};
pub use module_grants::ModuleGrants;
pub use modules::{Module, NewVersion};
pub use numbers::UserNumber;
pub use originations::{Origination, WaitingOrigination};
pub use packing::{PackedJournal, UnpackError};
pub use retention::{Due, Keep, Purged, Retention, due};
pub use samples::{Sample, SampleSpan};
pub use scenario_log::{LogFilter, LogKind, LogLevel, LogLine, LogPage, NewLogLine};
pub use schedules::ScheduleEntry;
pub use second_factor::SecondFactor;
pub use secrets::{OpenSecret, SecretEntry, SecretValue};
pub use sessions::{Session, SessionLasts};
pub use signatures::{PublicKey, Signature, SigningKey, TrustedKey};
pub use starts::{Starts, Trying};
pub use timers::{NewTimer, Timer};
pub use tokens::{Bearer, Secret, Token, TokenScope};
pub use unused::{Spare, Stray};
pub use usage::{Amount, DayUsage};
pub use user_file::{FileUser, LineFault, LineProblem, UserFile};
pub use users::{Credentials, NewUser, User};
pub use voicemail::{NewVoicemail, Voicemail, VoicemailBox, VoicemailCap, VoicemailCounts, VoicemailState};
