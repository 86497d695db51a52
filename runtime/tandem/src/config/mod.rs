//! Configuration: one typed struct, each key with its documentation and default.
//!
//! A key's way: default in [`Config`] → file ([`load`]) → `--set` → [`Config::check`]. [`show`] writes it back as
//! TOML. Not here: what an administrator configures per domain; that lies in the database.

mod keys;
mod load;
mod setting;
mod show;

pub use keys::{Config, Log, Mail};
pub use load::{ConfigErrors, Loaded, load};
pub use setting::{ByteSize, MailTls, duration_text, parse_duration};
pub use show::show;
