//! Sound without sockets.
//!
//! A packet's way: [`rtp::Packet::parse`] → [`Endpoint::handle_rtp`] → [`Endpoint::handle_relayed`] of the other side →
//! [`Endpoint::poll_output`]. A prompt's way: [`wav`] or [`mp3`] → [`resample`] → [`player::Clip`] → [`Endpoint::handle_tick`].
//!
//! Read [`endpoint`] first, then what it is made of: [`rtp`], [`rtcp`], [`statistics`], [`telephone_event`],
//! [`player`], [`g711`]; [`jitter`] and [`conceal`] where sound is decoded; [`tone`] and [`plan`] for tones, [`music`]
//! for those who wait.
//!
//! Not here: sockets, clocks, threads, files (`tandem-gate`), SDP and call logic.

pub mod conceal;
pub mod endpoint;
pub mod g711;
pub mod jitter;
pub mod mp3;
pub mod music;
mod offset;
pub mod plan;
pub mod player;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod statistics;
pub mod telephone_event;
pub mod tone;
pub mod wav;

pub use endpoint::Endpoint;
