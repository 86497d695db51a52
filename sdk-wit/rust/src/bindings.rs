//! What wit-bindgen makes of the WIT package `tandem:pbx`, world `call-scenario`.
//!
//! The other modules are its idiomatic face; this one is for what they leave out.
#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "call-scenario",
    generate_all,
    pub_export_macro: true,
    export_macro_name: "__export_scenario",
    runtime_path: "::tandem_sdk::bindings::runtime",
});

#[doc(hidden)]
pub use wit_bindgen::rt as runtime;
