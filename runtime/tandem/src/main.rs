//! Tandem: a PBX whose calls are decided by WASM scenarios.
//!
//! Reading order: [`cli`] (what a person types), [`config`] (every key), [`compile`] (modules, in a process of their
//! own), [`serve`] (the roles of a server, wired), [`process`] (the processes that a server consists of), [`demo`]
//! (the first start), [`stock`] (the scenarios that come along), [`drive`] (the threads around call logic and
//! registrar), [`flows`], [`replaying`], [`prompts`] and [`by_phone`] (what the HTTP API has done by others).
//! Everything else is in the crates beside this one.

mod by_phone;
mod cli;
mod compile;
mod config;
mod demo;
mod drive;
mod flows;
mod limits;
mod metering;
mod output;
mod process;
mod prompts;
mod replaying;
mod serve;
mod stock;
mod telemetry;

use std::process::ExitCode;

fn main() -> ExitCode {
    // `tandem scenario build` has cargo run this very program around rustc.
    if let Some(code) = guest_build::wrapped_rustc() {
        return code;
    }
    cli::run()
}
