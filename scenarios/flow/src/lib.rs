//! Runs a flow: a call scenario given as data, as people draw it in an editor.
//!
//! The activation's configuration is the flow. Its way: [`Flow::parse`] reads and checks it ([`model`], [`mod@check`])
//! → [`engine::run`] walks from node to node → each thing that a node wants of the call goes through [`phone::Phone`],
//! which is the host in a guest (`guest`) and a script in tests. Each node entered is a step of the call's trace, under
//! the node's own id and name. Who draws is told all that is wrong by [`check()`], on any machine.
//!
//! Not here: drawing, and anything but walking; the flow's JSON schema is `docs/flow.schema.json`, made from
//! [`model`] by `cargo test --features schema`.

pub mod check;
pub mod engine;
mod glob;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod model;
pub mod phone;
pub mod problem;
mod text;

pub use check::{Known, check};
pub use model::Flow;
pub use problem::{Problem, Severity, What};
