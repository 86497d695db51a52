//! The states of a leg: its dialog, its media, its end.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use tandem_bus::media::{Agreed, Codec, PlayId, Prompt, Statistics};
use tandem_host_api::op::{Address, LegId};
use tandem_sip::Moment;
use tandem_sip::dialog::{Dialog, UasInvite};
use tandem_sip::transactions::{ClientId, ServerId};

use crate::shard::CallKey;

/// Which side began the leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// The peer called us.
    Caller,
    /// We called the peer.
    Callee,
}

/// Where the leg's dialog stands.
#[derive(Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a variant's sentence speaks of its fields")]
pub enum Signalling {
    /// An INVITE came and has no final response yet; `early` once 183 with our description was sent.
    Incoming { server: ServerId, early: bool },
    /// We are to send an INVITE as soon as media is open.
    Planned { target: Box<Planned> },
    /// Our INVITE has no final response yet.
    Outgoing { client: ClientId, cancelled: bool },
    /// Answered. `invite` sends our 200 again until its ACK comes.
    Up {
        dialog: Box<Dialog>,
        invite: Option<Box<UasInvite>>,
    },
    /// Over for the call, but our BYE must wait for the ACK of our 200 (RFC 3261 §15).
    Leaving {
        dialog: Box<Dialog>,
        invite: Box<UasInvite>,
    },
    /// Over.
    Ended,
    /// It is a leg of another call, which this one may bridge with.
    Elsewhere { link: Box<Link> },
}

/// The other call of a pair that a pick-up has linked. Each of the two has a leg that stands for the other's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The shard of the other call.
    pub shard: u64,
    /// Its number there.
    pub call: CallKey,
    /// Its identifier.
    pub id: String,
    /// The leg of this call that the other's leg stands for: when it ends, so does the link.
    pub beside: LegId,
    /// The question whose answer is that the other call has let go.
    pub question: u64,
    /// The other's question that this call was given away for; 0: it is the one that has picked up.
    pub asked: u64,
}

/// An INVITE to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct Planned {
    /// Request-URI: the binding's contact.
    pub uri: String,
    /// To: the user's AOR.
    pub to: String,
    /// Who calls.
    pub from: Address,
    /// Hops left.
    pub max_forwards: u8,
    /// Its codec goes first in our offer.
    pub codec: Option<Codec>,
}

/// Where the leg's media stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Media {
    /// No endpoint yet.
    None,
    /// Asked for.
    Opening,
    /// Ports are there, nothing is agreed.
    Open(SocketAddr),
    /// Sound flows.
    Agreed(SocketAddr, Agreed),
    /// Given back, with what had passed where the gate has told so.
    Closed(Option<Statistics>),
    /// Its endpoint is another call's.
    Elsewhere,
}

/// A playback under way, and what another gate needs to go on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playing {
    /// Its number.
    pub play: PlayId,
    /// What is played.
    pub prompts: Vec<Prompt>,
    /// Again from the start until stopped.
    pub repeat: bool,
    /// When it began.
    pub began: Moment,
}

/// How a leg ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// When.
    pub at: Moment,
    /// Who ended it.
    pub by: By,
    /// The status that says why; 200 for a BYE.
    pub status: u16,
    /// The same in words.
    pub cause: String,
}

/// Who ended a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// Its peer: a refusal, CANCEL or BYE.
    Peer,
    /// The scenario, by what it asked for or by its end.
    Scenario,
    /// This server: no media, no answer, a lost peer, a stop.
    System,
}

/// What a leg tells its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// Nothing that concerns the call.
    Nothing,
    /// The callee rings.
    Ringing,
    /// The callee answered and media is agreed.
    Answered,
    /// What was agreed changed (re-INVITE).
    Changed,
    /// The leg is over.
    Ended,
}
