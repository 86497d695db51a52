//! The door with real components: what honest guests get, what hostile ones get, what the journal and replays say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs
)]

mod background;
mod book;
mod calls;
mod checkpoint;
mod earlier;
mod fallback;
mod grants;
mod hostile;
mod languages;
mod modules;
mod originate;
mod replays;
mod resume;
mod support;
mod validate;
