//! What a call and its legs may reach while they handle one input: transactions, outputs, identifiers, indexes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use rand::{Rng as _, rngs::StdRng};
use tandem_bus::media::{Command, EndpointId, PlayId};

use tandem_host_api::op::LegId;
use tandem_sip::dialog::DialogId;
use tandem_sip::transactions::{ClientId, ServerId, Transactions};
use tandem_sip::{Flow, Message, ParseError};

use crate::shard::{CallKey, Output};

/// What a client transaction of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientUse {
    /// The INVITE of a leg.
    Invite(LegId),
    /// An OPTIONS that asks a silent peer whether it is there.
    Probe(LegId),
    /// A BYE: whatever comes of it, the leg is over.
    Bye,
}

/// A client transaction's owner.
#[derive(Debug, Clone)]
pub struct ClientOwner {
    /// The call.
    pub call: CallKey,
    /// Its purpose.
    pub used: ClientUse,
    /// The request, for ACKs.
    pub request: Message,
    /// Where it went.
    pub flow: Flow,
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

/// Numbers that are given once.
#[derive(Debug)]
pub struct Numbers {
    /// The next endpoint; its upper 16 bits name the shard.
    pub endpoint: u64,
    /// The next playback.
    pub play: u64,
    /// The next question.
    pub question: u64,
}

/// The reach of one call while it handles one input.
pub struct Context<'a> {
    /// The call.
    pub call: CallKey,
    /// Its domain.
    pub domain: Arc<str>,
    /// The time of the input.
    pub now: Instant,
    /// The transaction layer.
    pub sip: &'a mut Transactions,
    /// Dialogs by identifier.
    pub dialogs: &'a mut HashMap<DialogId, (CallKey, LegId)>,
    /// Owners of client transactions.
    pub clients: &'a mut HashMap<ClientId, ClientOwner>,
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
}

impl Context<'_> {
    /// Tells the media gate.
    pub fn media(&mut self, command: Command) {
        self.out.push_back(Output::Media(command));
    }

    /// Sends bytes outside any transaction: a repeated 200.
    pub fn send(&mut self, flow: Flow, bytes: Bytes) {
        self.out.push_back(Output::Send { flow, bytes });
    }

    /// Begins a client transaction.
    pub fn request(&mut self, request: Message, flow: Flow, used: ClientUse) -> ClientId {
        let client = self
            .sip
            .request(request.clone(), flow, &flow.local.to_string(), self.now);
        let owner = ClientOwner {
            call: self.call,
            used,
            request,
            flow,
        };
        self.clients.insert(client, owner);
        client
    }

    /// Sends CANCEL for an INVITE of ours.
    pub fn cancel(&mut self, client: ClientId) {
        self.sip.cancel(client, self.now);
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

    /// A new question's number.
    pub fn new_question(&mut self) -> u64 {
        self.numbers.question += 1;
        self.numbers.question
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
