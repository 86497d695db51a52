//! A scenario against a scripted caller and a scripted world: no sockets, no sound, no waiting.
//!
//! The component is a real one, and it runs through the real door with its limits, its journal and its quota. What
//! stands behind the door is an [`Exchange`], a switch without SIP and media: legs with the states that the real one
//! has, prompts that take their time, users who answer, are busy or let it ring, a key-value store, a clock. Time is
//! virtual: when the scenario waits, the clock jumps to the next thing that happens, so a call of ten minutes is over in
//! less than a millisecond. Chance comes from a seed. The same script and the same component give the same trace.
//!
//! Reading order: [`case`] (what one call is about), [`script`] (how people write that down, in TOML), `exchange` (what
//! follows from what), [`run`](mod@run) (a guest and an exchange, taken in turns), [`trace`] (the journal in lines), [`steps`] (the same by steps),
//! [`expect`] (what was expected and did not come), [`snapshot`] (two traces compared).
//!
//! The exchange must not differ from `runtime/switch` in what a scenario can tell. Digit collection and the reading of
//! callees' refusals are shared with it; `runtime/switch/tests/behaviour/conformance.rs` plays the rest against both.
//!
//! Not here: compiling scenarios, the command line (`tandem scenario test`). Only [`script::load`] touches the disk.

pub mod case;
mod exchange;
pub mod expect;
pub mod run;
pub mod script;
pub mod snapshot;
pub mod steps;
pub mod trace;

pub use case::Case;
pub use exchange::{Advance, Exchange, Seen, VirtualTime};
pub use run::{Played, play};
pub use script::{Script, ScriptError, load};
pub use steps::Step;
