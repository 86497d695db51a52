//! A server as three processes and the one that keeps them running, or as one.
//!
//! `tandem serve` is the [`supervisor`]. It starts each [`role::Role`] as a [`child`] of the same binary:
//! [`sip_gate`] and [`media_gate`] hold the sockets ([`gate`] is what they have in common), the call logic decides. They
//! speak over unix sockets in `DATA/run` ([`run_dir`]); [`gates`] is the call logic's end, which looks the same when
//! all is one process ([`single`]). [`orders`] is what supervisor and children say to each other, [`control`] what people ask;
//! [`upgrade`] replaces children one after another, handing open sockets on by [`packets`].
//!
//! ```text
//! phones ⇄ sip-gate   ⇄ DATA/run/sip-gate.sock   ⇄ call-logic ⇄ DATA/run/media-gate.sock ⇄ media-gate ⇄ phones
//!             ⇡ orders                                ⇡ orders                                 ⇡ orders
//!             └──────────────────────────────── supervisor ⇄ DATA/run/control.sock ⇄ tandem status, upgrade, drain
//! ```

pub mod backoff;
pub mod child;
pub mod control;
pub mod files;
pub mod gate;
pub mod gates;
pub mod lanes;
pub mod media_gate;
pub mod orders;
pub mod packets;
pub mod role;
pub mod run_dir;
pub mod single;
pub mod sip_gate;
pub mod supervisor;
mod upgrade;
