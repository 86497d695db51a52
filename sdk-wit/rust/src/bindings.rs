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

/// The export of the world `web-scenario`; its imports are those above.
pub mod web {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package tandem:web; world web { export tandem:pbx/web-handler@0.2.0; }",
        world: "tandem:web/web",
        pub_export_macro: true,
        export_macro_name: "__export_web_scenario",
        default_bindings_module: "tandem_sdk::bindings::web",
        runtime_path: "::tandem_sdk::bindings::runtime",
    });
}

/// The export of the world `event-scenario`; its imports are those above.
pub mod event {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package tandem:event; world event { export tandem:pbx/event-handler@0.2.0; }",
        world: "tandem:event/event",
        pub_export_macro: true,
        export_macro_name: "__export_event_scenario",
        default_bindings_module: "tandem_sdk::bindings::event",
        runtime_path: "::tandem_sdk::bindings::runtime",
    });
}
