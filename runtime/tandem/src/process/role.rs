//! The processes that a server consists of.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a process of a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// SIP sockets.
    SipGate,
    /// Calls, scenarios, registrations, records, web.
    CallLogic,
    /// RTP sockets.
    MediaGate,
}

impl Role {
    /// In the order in which they are listed.
    pub const ALL: [Self; 3] = [Self::SipGate, Self::CallLogic, Self::MediaGate];

    /// As files, logs and people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SipGate => "sip-gate",
            Self::CallLogic => "call-logic",
            Self::MediaGate => "media-gate",
        }
    }

    /// What `ps` and `top` show: the system takes 15 bytes.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::SipGate => "tandem-sip",
            Self::CallLogic => "tandem-logic",
            Self::MediaGate => "tandem-media",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
