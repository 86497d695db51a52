//! HTTP: `/healthz` and `/metrics` for operators, `/api/v1` for programs and people who administer, `/s/DOMAIN/` for
//! its scenarios, and everywhere else the console.
//!
//! A request's way: [`server`] accepts and bounds it → the router in [`routes`] → what [`Health`] and [`Metrics`]
//! hold, or [`api`] (with [`Live`]), or [`scenario`], or [`console`]. [`archive`] is what whole domains go out and in
//! as. The other roles write into those handles; nothing here reaches into a role. Not here: compiling (whoever makes
//! the [`Api`] brings a [`Compile`]).

mod api;
pub mod archive;
mod console;
mod health;
mod live;
mod metrics;
pub mod password;
mod process;
mod routes;
mod scenario;
mod scenario_metrics;
mod server;
mod totp;

pub use api::{
    Allowed, Answers, Api, ApiLimits, Callee, Compile, Device, Flows, MakeCredentials, Press, Prompt,
    PromptRefused, Prompts, Provided, RecordAsked, RecordByPhone, RecordLanguage, RecordRefused, Replay,
    ReplayAsked, ReplayRefused, Ringing, ShowRegistrations, Stock, TestAsked, TestRefused, Tested, TestedEnd,
    TestedStep,
};
pub use health::{Health, Status};
pub use live::{ActiveCall, CallMinute, CallState, LastHour, Live, LogEvent, RegistrationChange};
pub use metrics::{CallEnd, CallLabels, EndLabels, Kind, MediaLabels, Metrics, Reading};
pub use scenario::{Refusal, Serve};
pub use scenario_metrics::{MetricRefused, ScenarioMetrics};
pub use server::{Limits, WebError, WebServer};
