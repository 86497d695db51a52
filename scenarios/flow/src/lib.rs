//! Runs a flow: a call scenario given as data, as people draw it in an editor.
//!
//! The activation's configuration is the flow. Its way: [`Flow::parse`] reads and checks it ([`model`], [`validate`])
//! → [`engine::run`] walks from node to node → each thing that a node wants of the call goes through [`phone::Phone`],
//! which is the host in a guest (`guest`) and a script in tests. Each node entered is a step of the call's trace, under
//! the node's own id and name.
//!
//! Not here: drawing, and anything but walking; the flow's JSON schema is `docs/flow.schema.json`, made from
//! [`model`] by `cargo test --features schema`.

pub mod engine;
#[cfg(target_arch = "wasm32")]
mod guest;
pub mod model;
pub mod phone;
pub mod problem;
pub mod validate;

pub use model::Flow;
pub use problem::{Problem, What};
