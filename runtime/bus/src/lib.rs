//! What roles say to each other: plain serialisable commands and events.
//!
//! Between the call logic and a media gate flow [`media::Command`] and [`media::Event`]. Nothing here acts: the
//! roles do, and channels or sockets carry the messages. Not here: the roles themselves.

pub mod media;
