//! What a call and its legs may reach while they handle one input: transactions, outputs, identifiers, indexes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use tandem_sip::Moment;

use bytes::Bytes;
use rand::{Rng as _, rngs::StdRng};
use serde::{Deserialize, Serialize};
use tandem_bus::media::{Command, EndpointId, PlayId, SendId};

use tandem_host_api::op::LegId;
use tandem_sip::dialog::DialogId;
use tandem_sip::transactions::{ClientId, ServerId, Transactions};
use tandem_sip::{Flow, Message, ParseError};

use crate::leg::Leg;
use crate::shard::{CallKey, Output, Question};

/// What a client transaction of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientUse {
    /// The INVITE of a leg.
    Invite(LegId),
    /// An OPTIONS that asks a silent peer whether it is there.
    Probe(LegId),
    /// A BYE: whatever comes of it, the leg is over.
    Bye,
    /// A REFER that asks a leg's phone to call somebody else.
    Refer(LegId),
    /// A text to a device.
    Message,
}

/// A client transaction's owner.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClientOwner {
    /// The call.
    pub call: CallKey,
    /// Its purpose.
    pub used: ClientUse,
    /// The request without our Via: for ACKs, and to send it another way.
    pub request: Message,
    /// Where it went.
    pub flow: Flow,
    /// Whom to seek when its connection is gone; none: the request then fails.
    pub errand: Option<Errand>,
}

/// A request within a dialog: where its connection is gone, it seeks another way to the same device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errand {
    /// The domain.
    pub domain: String,
    /// The user behind the peer, where it is one of the domain.
    pub user: Option<String>,
    /// When it is given up; set once it first had to seek.
    pub until: Option<Moment>,
}

/// The way to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The flow by which the peer's last request came, or ours went.
    pub flow: Flow,
    /// Its connection is gone.
    pub closed: bool,
}

impl Way {
    /// A flow that is open as far as we know.
    pub fn open(flow: Flow) -> Self {
        Self { flow, closed: false }
    }
}

/// Who owns what: the ways by which inputs find their call.
#[derive(Debug, Default)]
pub struct Indexes {
    /// Client transactions.
    pub clients: HashMap<ClientId, ClientOwner>,
    /// Server transactions of INVITEs without a final response.
    pub servers: HashMap<ServerId, CallKey>,
    /// Dialogs.
    pub dialogs: HashMap<DialogId, (CallKey, LegId)>,
    /// Media endpoints.
    pub endpoints: HashMap<EndpointId, (CallKey, LegId)>,
}

/// Numbers that are given once: each is the last that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Endpoints; the upper 16 bits name the shard.
    pub endpoint: u64,
    /// Playbacks.
    pub play: u64,
    /// Sendings of digits.
    pub send: u64,
    /// Questions.
    pub question: u64,
    /// Calls.
    pub call: u64,
}

impl Numbers {
    /// Nothing up to `seen` is given again. What no shard can have given is passed over.
    pub fn raise(&mut self, seen: Self, shard: u64) {
        let raise = |mine: &mut u64, seen: u64, most: u64| {
            if seen < most {
                *mine = (*mine).max(seen);
            }
        };
        if seen.endpoint >> 48 == shard {
            raise(&mut self.endpoint, seen.endpoint, (shard << 48) + (1 << 47));
        }
        for (mine, seen) in [
            (&mut self.play, seen.play),
            (&mut self.send, seen.send),
            (&mut self.question, seen.question),
            (&mut self.call, seen.call),
        ] {
            raise(mine, seen, 1 << 62);
        }
    }

    /// A leg that has some of them.
    pub fn see(&mut self, leg: &Leg, shard: u64) {
        let seen = Self {
            endpoint: leg.endpoint.0,
            play: leg.play.as_ref().map_or(0, |playing| playing.play.0),
            send: 0,
            question: 0,
            call: 0,
        };
        self.raise(seen, shard);
    }
}

/// The reach of one call while it handles one input.
pub struct Context<'a> {
    /// The call.
    pub call: CallKey,
    /// Its domain.
    pub domain: Arc<str>,
    /// The time of the input.
    pub now: Moment,
    /// The transaction layer.
    pub sip: &'a mut Transactions,
    /// Dialogs by identifier.
    pub dialogs: &'a mut HashMap<DialogId, (CallKey, LegId)>,
    /// Owners of client transactions.
    pub clients: &'a mut HashMap<ClientId, ClientOwner>,
    /// Requests that are to seek a way.
    pub seeking: &'a mut Vec<ClientOwner>,
    /// Owners of endpoints.
    pub endpoints: &'a mut HashMap<EndpointId, (CallKey, LegId)>,
    /// What leaves.
    pub out: &'a mut VecDeque<Output>,
    /// Chance.
    pub rng: &'a mut StdRng,
    /// Numbers.
    pub numbers: &'a mut Numbers,
    /// This shard among how many: a Call-ID of ours must hash back to it.
    pub shard: (u64, u64),
    /// The gate is to tell what exists first: until then it is told nothing, and what is missing after.
    pub gate_reports: bool,
    /// No endpoint is opened yet: what was wanted is asked for later.
    pub opens_wait: bool,
}

impl Context<'_> {
    /// Tells the media gate.
    pub fn media(&mut self, command: Command) {
        if !(self.gate_reports || self.opens_wait && matches!(command, Command::Open { .. })) {
            self.out.push_back(Output::Media(command));
        }
    }

    /// Sends bytes outside any transaction: a repeated 200.
    pub fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.out.push_back(Output::Send { flow, bytes });
    }

    /// Begins a client transaction.
    pub fn request(&mut self, request: Message, flow: Flow, used: ClientUse) -> ClientId {
        let owner = ClientOwner {
            call: self.call,
            used,
            request,
            flow,
            errand: None,
        };
        self.send_owned(owner)
    }

    /// Begins a client transaction within a dialog with the device of `user`. A connection that is known to be gone is
    /// not tried.
    pub fn request_within(&mut self, request: Message, way: Way, user: Option<&str>, used: ClientUse) {
        let owner = ClientOwner {
            call: self.call,
            used,
            request,
            flow: way.flow,
            errand: Some(Errand {
                domain: self.domain.to_string(),
                user: user.map(str::to_owned),
                until: None,
            }),
        };
        if way.closed {
            self.seeking.push(owner);
        } else {
            self.send_owned(owner);
        }
    }

    fn send_owned(&mut self, owner: ClientOwner) -> ClientId {
        let (flow, request) = (owner.flow, owner.request.clone());
        let client = self.sip.request(request, flow, &flow.local.to_string(), self.now);
        self.clients.insert(client, owner);
        client
    }

    /// Sends CANCEL for an INVITE of ours.
    pub fn cancel(&mut self, client: ClientId) {
        self.sip.cancel(client, self.now);
    }

    /// The same where somebody else has answered, which the CANCEL says.
    pub fn cancel_elsewhere(&mut self, client: ClientId) {
        self.sip.cancel_elsewhere(client, self.now);
    }

    /// Answers a request. A transaction that has ended meanwhile needs no answer, so its absence is no error.
    pub fn respond(&mut self, server: ServerId, response: Result<Message, ParseError>) {
        match response {
            Ok(response) => drop(self.sip.respond(server, response, self.now)),
            Err(error) => tracing::error!(%error, "a response could not be written"),
        }
    }

    /// A new endpoint number that leads back to a leg of this call.
    pub fn new_endpoint(&mut self, leg: LegId) -> EndpointId {
        self.numbers.endpoint += 1;
        let endpoint = EndpointId(self.numbers.endpoint);
        self.endpoints.insert(endpoint, (self.call, leg));
        endpoint
    }

    /// A new playback number.
    pub fn new_play(&mut self) -> PlayId {
        self.numbers.play += 1;
        PlayId(self.numbers.play)
    }

    /// A new number for digits that are sent.
    pub fn new_send(&mut self) -> SendId {
        self.numbers.send += 1;
        SendId(self.numbers.send)
    }

    /// A new question's number.
    pub fn new_question(&mut self) -> u64 {
        self.numbers.question += 1;
        self.numbers.question
    }

    /// Has something found out.
    pub fn ask(&mut self, number: u64, question: Question) {
        self.out.push_back(Output::Ask {
            call: self.call,
            number,
            question,
        });
    }

    /// 32 random bits.
    pub fn random_u32(&mut self) -> u32 {
        self.rng.random()
    }

    /// A tag with 64 random bits (RFC 3261 §19.3 wants 32).
    pub fn new_tag(&mut self) -> String {
        format!("{:016x}", self.rng.random::<u64>())
    }

    /// A Call-ID that comes back to this shard.
    pub fn new_call_id(&mut self) -> String {
        loop {
            let id = format!("{:032x}", self.rng.random::<u128>());
            if crate::shard::shard_of(&id, self.shard.1) == self.shard.0 {
                return id;
            }
        }
    }
}
