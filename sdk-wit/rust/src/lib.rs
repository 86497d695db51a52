//! Write scenarios for Tandem in Rust.
//!
//! A scenario is a function. One that handles calls gets the caller's [`Leg`] and says what happens to the call; one that
//! answers HTTP gets a [`WebRequest`] ([`web_scenario!`]), one that is told what happened an [`Event`]
//! ([`event_scenario!`]). It is compiled for
//! `wasm32-unknown-unknown` as a `cdylib`, made a component, and sees nothing of the world but what is here: no files,
//! no sockets, no environment, no clock of the standard library.
//!
//! ```no_run
//! use tandem_sdk::{Leg, Prompt};
//!
//! tandem_sdk::scenario!(handle);
//!
//! fn handle(caller: Leg) -> Result<(), String> {
//!     caller.answer()?;
//!     caller.play(&[Prompt::say("Nobody is here.", "en")])?;
//!     caller.hang_up(tandem_sdk::Cause::Normal)?;
//!     Ok(())
//! }
//! ```
//!
//! Reading order: [`Leg`], [`Prompt`], [`Collect`], [`dial`], [`bridge`], [`recording`], [`hold()`], [`transfer()`],
//! [`send_message`], [`originate`], [`pick_up`], [`leg_events`], [`deadline`], [`timers`], [`trace`]; then the small ones, and [`checkpoint`] for long calls.
//! Each module is one interface of the WIT package `tandem:pbx`, under the same name; the texts in `sdk-wit/wit` say
//! how each call ends, what it may answer, and how the journal treats it. What is raw is in [`bindings`].
//!
//! Not here: building the component (`tandem scenario build` does that), and anything that a host offers later.

// The generated code names its crate: it is expanded here and, by `scenario!`, in guests.
extern crate self as tandem_sdk;

pub mod bindings;
mod bridge;
pub mod checkpoint;
pub mod clock;
pub mod config;
pub mod contacts;
pub mod deadline;
mod dial;
mod directory;
mod event;
mod hold;
pub mod http;
pub mod key_value;
mod leg;
pub mod leg_events;
pub mod log;
pub mod mail;
mod message;
pub mod metrics;
pub mod originate;
mod panics;
mod pickup;
mod prompt;
pub mod random;
pub mod recording;
pub mod schedule;
pub mod timers;
pub mod trace;
mod transfer;
pub mod voicemail;
mod web;

pub use bindings::tandem::pbx::bridge::BridgeEnd;
pub use bindings::tandem::pbx::dial::{DialFailure, Strategy, Target};
pub use bindings::tandem::pbx::directory::User;
pub use bindings::tandem::pbx::leg::{CollectEnd, Collected, LegError, PlayEnd};
pub use bindings::tandem::pbx::message::{Delivery, MessageFailure};
pub use bindings::tandem::pbx::pickup::PickUpFailure;
pub use bindings::tandem::pbx::transfer::{TransferFailure, TransferTarget};
pub use bindings::tandem::pbx::types::{Address, CallProgressTone, Cause};
pub use bridge::bridge;
pub use dial::{Dial, dial};
pub use directory::find_user;
pub use event::Event;
pub use hold::{hold, resume};
pub use leg::{Collect, Leg};
pub use message::send_message;
pub use pickup::pick_up;
pub use prompt::Prompt;
pub use transfer::transfer;
pub use web::{Header, WebRequest, WebResponse};

/// Makes a function `fn(Leg) -> Result<(), String>` the scenario of this crate; use it once, in the crate's root.
///
/// The error's text goes to the call's log, and the call goes to the activation's fall-back. So it does after a panic,
/// whose message, file and line are logged first.
#[macro_export]
macro_rules! scenario {
    ($handle:path) => {
        // Wasm only: on the host there is nobody to export to, and the crate's tests need the name free.
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Scenario;
            impl $crate::bindings::exports::tandem::pbx::call_handler::Guest for Scenario {
                fn handle(
                    caller: $crate::bindings::tandem::pbx::leg::Leg,
                ) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::__log_panics();
                    $handle($crate::Leg::from(caller))
                }
            }
    $crate::bindings::__export_scenario!(Scenario with_types_in $crate::bindings);
        };
    };
}

/// Makes a function `fn(WebRequest) -> Result<WebResponse, String>` the web scenario of this crate; use it once, in the
/// crate's root.
///
/// An error is answered by 500 without its text, which goes to the scenario's log. So is a panic, whose message, file and
/// line are logged.
#[macro_export]
macro_rules! web_scenario {
    ($handle:path) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Scenario;
            impl $crate::bindings::web::exports::tandem::pbx::web_handler::Guest for Scenario {
                fn handle(
                    request: $crate::WebRequest,
                ) -> ::core::result::Result<$crate::WebResponse, ::std::string::String> {
                    $crate::__log_panics();
                    $handle(request)
                }
            }
    $crate::bindings::web::__export_web_scenario!(Scenario with_types_in $crate::bindings::web);
        };
    };
}

/// Makes a function `fn(Event) -> Result<(), String>` the event scenario of this crate; use it once, in the crate's root.
///
/// After an error or a panic the event is given again later.
#[macro_export]
macro_rules! event_scenario {
    ($handle:path) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Scenario;
            impl $crate::bindings::event::exports::tandem::pbx::event_handler::Guest for Scenario {
                fn handle(event: $crate::Event) -> ::core::result::Result<(), ::std::string::String> {
                    $crate::__log_panics();
                    $handle(event)
                }
            }
    $crate::bindings::event::__export_event_scenario!(Scenario with_types_in $crate::bindings::event);
        };
    };
}

#[doc(hidden)]
pub use panics::log_panics as __log_panics;
