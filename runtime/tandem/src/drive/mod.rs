//! Thin drivers: they carry inputs to the sans-IO cores and outputs to sockets, the gate, the store and guests.
//!
//! [`shard`] drives one shard of call logic on a thread of its own, with its scenarios ([`scenario`], under
//! [`grants`]), [`registrar`] the registrar role; [`answers`] finds out what they ask, at a [`pace`] where they
//! write, [`services`], [`http`], [`mail`], [`voicemail`] and [`timers`] what scenarios ask of the world, [`clock`]
//! tells the time, [`journals`] opens the logs, [`records`] writes down what is over, [`usage`] meters what domains
//! use, [`samples`] how they do, [`canary`] judges versions by what is over, [`scenario_log`] keeps what they log,
//! [`retention`] removes what is over age, [`off_call`] runs scenarios that [`events`] and requests
//! ([`web_scenario`]) start, [`originate`] begins calls that no caller began, [`happened`] notes what events tell,
//! [`exchange`] is the way from one call to another. No call logic here.

pub mod answers;
pub mod canary;
pub mod clock;
pub mod events;
pub mod exchange;
pub mod grants;
pub mod happened;
pub mod http;
pub mod journals;
pub mod mail;
pub mod off_call;
pub mod originate;
pub mod pace;
pub mod records;
pub mod registrar;
pub mod retention;
pub mod samples;
pub mod scenario;
pub mod scenario_log;
pub mod services;
pub mod shard;
pub mod timers;
pub mod usage;
pub mod voicemail;
pub mod web_scenario;
