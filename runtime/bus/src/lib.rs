//! What roles say to each other: plain serialisable commands and events, and how they are numbered and framed.
//!
//! Between the call logic and a media gate flow [`media::Command`] and [`media::Event`], between it and a SIP gate
//! [`sip::Down`] and [`sip::Up`]. [`link`] is what carries them where the roles are processes of their own: it numbers
//! what goes up, so that nothing is lost or taken twice when either side ends. Nothing here acts: the roles do, and
//! channels or sockets carry the bytes. Not here: the roles themselves, sockets (`tandem-link`).

pub mod link;
pub mod media;
pub mod sip;
