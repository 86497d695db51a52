//! Host bindings of the WIT package `tandem:pbx`: the traits that the door implements and the types they speak in.
//!
//! The one place of `bindgen!` in the workspace, in a crate of its own because it is slow to build and seldom changes.
//! Nothing is decided here: `tandem::pbx::<interface>` holds one `Host` trait an interface, and `tandem-host-api`
//! implements them in a file of the same name. [`CallScenario`], [`Web`] and [`Event`] are what the three worlds export;
//! their imports are the same, so they are made once.
//!
//! A leg is a [`LegHandle`] in the resource table, a recorder a [`RecorderHandle`]; everything else is plain data.

/// What a guest's handle of a leg stands for: the leg's number within the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegHandle(pub u32);

/// What a guest's handle of a recorder stands for: its number within the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecorderHandle(pub u32);

#[allow(missing_docs, unused_variables, clippy::all, clippy::pedantic)]
mod generated {
    wasmtime::component::bindgen!({
        world: "call-scenario",
        path: "../../sdk-wit/wit",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "tandem:pbx/leg.leg": super::LegHandle,
            "tandem:pbx/recording.recorder": super::RecorderHandle,
        },
    });
}

pub use generated::*;

/// The export of the world `web-scenario`.
#[allow(missing_docs, unused_variables, clippy::all, clippy::pedantic)]
pub mod web {
    wasmtime::component::bindgen!({
        inline: "package tandem:web; world web { export tandem:pbx/web-handler@0.2.0; }",
        world: "tandem:web/web",
        path: "../../sdk-wit/wit",
        exports: { default: async },
    });
}

/// The export of the world `event-scenario`.
#[allow(missing_docs, unused_variables, clippy::all, clippy::pedantic)]
pub mod event {
    wasmtime::component::bindgen!({
        inline: "package tandem:event; world event { export tandem:pbx/event-handler@0.2.0; }",
        world: "tandem:event/event",
        path: "../../sdk-wit/wit",
        exports: { default: async },
    });
}

pub use event::{Event, EventPre};
pub use web::{Web, WebPre};
