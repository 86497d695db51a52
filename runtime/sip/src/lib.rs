//! SIP without sockets: messages, transactions, dialogs, authentication, registrar (RFC 3261).
//!
//! A datagram's way: [`Message::parse`] → [`Message::validate`] → `transactions` → `dialog` → your event.
//! Every machine takes the time and its randomness as arguments, so a test runs hours in milliseconds.
//!
//! Not here: sockets (`tandem-transport`), call policy (`tandem-switch`), SDP (`tandem-media`).
//!
//! Reading order: [`message`] (bytes to typed views and back), [`flow`] (where a message belongs),
//! [`moment`] (time), [`transactions`] (RFC 3261 §17), [`dialog`] (§12, §13), [`auth`] (§22, RFC 8760), [`registrar`] (§10).

pub mod auth;
pub mod dialog;
pub mod flow;
pub mod message;
pub mod moment;
pub mod registrar;
pub mod transactions;

pub use flow::{Flow, Transport};
pub use message::{
    Builder, CSeq, Contact, Frame, FramingError, HeaderError, Host, Message, Method, Name, NameAddr, Params,
    ParseError, Reject, Scheme, StreamFramer, Uri, Via,
};
pub use moment::Moment;
