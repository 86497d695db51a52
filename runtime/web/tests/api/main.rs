//! `/api/v1` over real sockets: who is let in, what they see, what bad uploads get.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod archives;
mod limits;
mod lines;
mod logs;
mod server;
mod tokens;
mod uploads;
