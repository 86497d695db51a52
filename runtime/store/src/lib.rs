//! SQL and blobs: what an administrator configured, what scenarios keep, and the history of calls.
//!
//! Reading order: [`Store::open`] ([`engine`]) → [`DomainScope`] ([`domains`]), the ticket that every other function
//! asks for first → [`users`], [`numbers`], [`modules`] with [`signatures`] and `grants.rs`, [`entry_points`], [`kv`],
//! [`calls`], [`tokens`]. Errors are [`StoreError`], a variant per thing the caller does differently.
//!
//! SQL is written out, here only, in the part that SQLite and PostgreSQL share; what differs between engines is in
//! `engine.rs` and `error.rs`. Migrations (`migrations/`) go forward only.
//!
//! Not here: matching dialled numbers and caching for the call path (`tandem-directory`), password hashing
//! (`tandem-sip` makes the HA1 strings), batching tasks (the caller owns them; [`Store::insert_calls`] is the batch).

pub mod calls;
pub mod domains;
pub mod engine;
pub mod entry_points;
mod error;
mod grants;
pub mod kv;
pub mod modules;
pub mod numbers;
mod rows;
pub mod signatures;
pub mod tokens;
mod unused;
pub mod users;

pub use calls::{
    CallCursor, CallFilter, CallPage, CallRecord, CallSummary, Direction, Inserted, LegRecord, LegRole,
    NewCall,
};
pub use domains::{Domain, DomainScope, NewDomain};
pub use engine::{Options, Store};
pub use entry_points::{EntryPoint, EntryPointChange, NewEntryPoint};
pub use error::StoreError;
pub use kv::Once;
pub use modules::{Module, NewVersion};
pub use numbers::UserNumber;
pub use signatures::{PublicKey, Signature, SigningKey, TrustedKey};
pub use tokens::{Bearer, Secret, Token, TokenScope};
pub use unused::{Spare, Stray};
pub use users::{Credentials, NewUser, User};
