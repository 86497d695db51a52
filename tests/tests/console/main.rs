//! People log in to the HTTP API: what each role may, what nobody may of another domain, and that a user who was made
//! there has a phone that registers. What its document says of it is what it does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod browser;
mod described;
mod kept;
mod people;
mod routes;
mod users;
