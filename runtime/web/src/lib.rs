//! HTTP for operators: `/healthz` and `/metrics`.
//!
//! A request's way: [`server`] accepts and bounds it → the router in [`routes`] → what [`Health`] and [`Metrics`]
//! hold. The other roles write into those two handles; nothing here reaches into a role. Not here: administration of
//! domains and users.

mod health;
mod metrics;
mod process;
mod routes;
mod server;

pub use health::{Health, Status};
pub use metrics::{CallEnd, CallLabels, EndLabels, Kind, MediaLabels, Metrics, Reading};
pub use server::{Limits, WebError, WebServer};
