//! HTTP: `/healthz` and `/metrics` for operators, `/api/v1` for programs and people who administer, `/s/DOMAIN/` for its
//! scenarios, and everywhere else the console.
//!
//! A request's way: [`server`] accepts and bounds it → the router in [`routes`] → what [`Health`] and [`Metrics`]
//! hold, or [`api`], or [`scenario`], or [`console`]. The other roles write into those two handles; nothing here reaches into a role. Not here:
//! compiling (whoever makes the [`Api`] brings a [`Compile`]).

mod api;
mod console;
mod health;
mod metrics;
pub mod password;
mod process;
mod routes;
mod scenario;
mod scenario_metrics;
mod server;

pub use api::{Api, ApiLimits, Compile, MakeCredentials, Replay, ReplayAsked, ReplayRefused};
pub use health::{Health, Status};
pub use metrics::{CallEnd, CallLabels, EndLabels, Kind, MediaLabels, Metrics, Reading};
pub use scenario::{Refusal, Serve};
pub use scenario_metrics::{MetricRefused, ScenarioMetrics};
pub use server::{Limits, WebError, WebServer};
