//! Transactions: every request once, every final response once, whatever the network repeats or
//! loses (RFC 3261 §17 with RFC 6026).
//!
//! [`Transactions`] is the table. It is driven as all sans-IO parts are: give it one input
//! (`handle_*`, [`Transactions::request`], [`Transactions::respond`], [`Transactions::cancel`]),
//! then drain [`Transactions::poll_output`] until [`Output::Wait`] names the next deadline.
//!
//! Reading order: the four figures (`client_invite`, `client_other`, `server_invite`, `server_other`)
//! know neither messages nor flows, only classes of input and actions; `role`, the four behind one
//! face; `timers`; `key`, how a message finds its transaction; `replies`, the messages that
//! transactions make by themselves (100, ACK, CANCEL and its 200, 481, 482, 503); then the table here;
//! `record`, how transactions outlive their process.
//!
//! Not here: dialogs, the ACK of a 2xx and its repeats ([`crate::dialog`]), routing, DNS.

mod check;
mod client_invite;
mod client_other;
mod event;
mod key;
mod record;
mod replies;
mod role;
mod server_invite;
mod server_other;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timers;

pub use check::Supported;
pub use event::{ClientId, Event, Output, RespondError, ServerId};
pub use record::{RestoreError, TransactionId, TransactionRecord};
pub use timers::Times;

use crate::flow::Flow;
use crate::message::{MAGIC_COOKIE, Message, Method, ParseError};
use crate::moment::Moment;
use bytes::Bytes;
use client_invite::ClientInvite;
use client_other::ClientOther;
use rand::Rng;
use rand::rngs::StdRng;
use role::{Action, Class, Role};
use serde::{Deserialize, Serialize};
use server_invite::ServerInvite;
use server_other::ServerOther;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use timers::Schedule;

/// What the table is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// T1, T2, T4 and when 100 Trying is due.
    pub times: Times,
    /// Server transactions at most; a request beyond gets 503 with Retry-After.
    pub servers_max: usize,
    /// Client transactions at most; a request beyond fails at once ([`Event::ClientFailed`]).
    pub clients_max: usize,
    /// The Retry-After of that 503.
    pub retry_after: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            times: Times::default(),
            servers_max: 50_000,
            clients_max: 50_000,
            retry_after: Duration::from_secs(5),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    role: Role,
    /// The way the request goes or came by; responses go back by it (§18.2.2, RFC 3581).
    flow: Flow,
    /// Client: the request. Server: the last response, empty before the first.
    wire: Bytes,
    /// INVITE server: the request, from which 100 and the rest are made; empty after the final response.
    request: Bytes,
    key: Arc<[u8]>,
    merged: Option<Arc<[u8]>>,
    /// A CANCEL of either side: the user hears nothing of it.
    internal: bool,
    /// Server: Cancelled has been told.
    cancelled: bool,
}

#[derive(Debug)]
struct Slot {
    /// How often the slot was used: an old id never means a new transaction.
    generation: u32,
    entry: Option<Entry>,
    /// It is in the table's list of what changed.
    touched: bool,
    /// What the user of [`Transactions::drain_touched`] knows to be here.
    told: Option<TransactionId>,
}

/// All transactions of one shard.
#[derive(Debug)]
pub struct Transactions {
    config: Config,
    rng: StdRng,
    /// In every branch of ours: a request that comes back is known by it.
    cookie: String,
    slots: Vec<Slot>,
    /// Slots without a transaction; among them may be some that were restored into.
    free: Vec<u32>,
    /// Where slots begin to count, by chance: an id from before a restart means nothing new.
    first_generation: u32,
    servers: usize,
    clients: usize,
    by_key: HashMap<Arc<[u8]>, u32>,
    by_merged: HashMap<Arc<[u8]>, u32>,
    schedule: Schedule,
    outputs: VecDeque<Output>,
    /// Slots whose transaction was made, changed or ended since it was last asked; each once.
    touched: Vec<u32>,
    /// Kept between inputs for its memory.
    key: Vec<u8>,
    actions: Vec<Action>,
}

impl Transactions {
    /// An empty table. All its chance comes from `rng`, which a table restored in another process must not have in
    /// common with the one before: branches would come again.
    pub fn new(config: Config, mut rng: StdRng) -> Self {
        let cookie = format!("{:08x}", rng.random::<u32>());
        let first_generation = rng.random();
        Transactions {
            config,
            rng,
            cookie,
            first_generation,
            slots: Vec::new(),
            free: Vec::new(),
            servers: 0,
            clients: 0,
            by_key: HashMap::new(),
            by_merged: HashMap::new(),
            schedule: Schedule::default(),
            outputs: VecDeque::new(),
            touched: Vec::new(),
            key: Vec::new(),
            actions: Vec::new(),
        }
    }

    /// Takes a message that came by `flow` and passed [`Message::validate`].
    pub fn handle_inbound(&mut self, flow: Flow, message: Message, now: Moment) {
        match message.method() {
            None => self.handle_response(flow, message, now),
            Some(Method::Ack) => self.handle_ack(flow, message, now),
            Some(Method::Cancel) => self.handle_cancel(flow, &message, now),
            Some(_) => self.handle_request(flow, &message, now),
        }
    }

    /// The flow is broken (connection closed, port unreachable): ends what depended on it.
    pub fn handle_transport_error(&mut self, flow: Flow, now: Moment) {
        self.handle_transport_errors(|broken| *broken == flow, now);
    }

    /// The same for every flow that is `broken`: whoever held the sockets is gone.
    pub fn handle_transport_errors(&mut self, broken: impl Fn(&Flow) -> bool, now: Moment) {
        for slot in 0..self.slots.len() as u32 {
            if self.entry_mut(slot).is_some_and(|entry| broken(&entry.flow)) {
                self.step(slot, None, now, |role, actions| {
                    role.handle_transport_error(now, actions);
                });
            }
        }
    }

    /// Lets time pass to `now`.
    pub fn handle_timeout(&mut self, now: Moment) {
        while let Some((at, slot)) = self.schedule.first() {
            if at > now {
                return;
            }
            self.step(slot, None, now, |role, actions| role.handle_timeout(now, actions));
        }
    }

    /// Sends a request of ours, not ACK or CANCEL, by `flow`: adds the top Via with `sent_by` (the
    /// address that the peer shall see, `host:port`), a branch of its own and `rport`, and repeats
    /// it as its figure says.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a message is handed over: its user is done with it"
    )]
    pub fn request(&mut self, message: Message, flow: Flow, sent_by: &str, now: Moment) -> ClientId {
        let branch = self.branch(&message);
        let invite = message.method() == Some(Method::Invite);
        if self.clients >= self.config.clients_max {
            return self.fail_unsent();
        }
        let Ok(message) = message.with_top_via(&replies::via(flow, sent_by, &branch)) else {
            return self.fail_unsent();
        };
        key::client(&branch, message.method_str().as_bytes(), &mut self.key);
        let reliable = flow.transport.is_reliable();
        let role = if invite {
            Role::ClientInvite(ClientInvite::new(self.config.times, reliable, now))
        } else {
            Role::ClientOther(ClientOther::new(self.config.times, reliable, now))
        };
        let slot = self.insert(role, flow, message.as_bytes().clone(), Bytes::new(), None, false);
        self.send_bytes(flow, message.as_bytes().clone());
        ClientId(self.id(slot))
    }

    /// Answers a request. A 2xx to an INVITE may be given again until its ACK came.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "a message is handed over: its user is done with it"
    )]
    pub fn respond(&mut self, server: ServerId, message: Message, now: Moment) -> Result<(), RespondError> {
        let slot = self.slot(server.0).ok_or(RespondError::Gone)?;
        let status = message.status().ok_or(RespondError::NotAResponse)?;
        self.respond_in(slot, &message, status, now)
    }

    /// Gives an INVITE of ours up: CANCEL goes out now, or as soon as a provisional response came
    /// (§9.1). Nothing happens when the final response has come. Its 487 comes as [`Event::Response`];
    /// so may a 2xx that was quicker: acknowledge that and send BYE.
    pub fn cancel(&mut self, client: ClientId, now: Moment) {
        if let Some(slot) = self.slot(client.0) {
            self.step(slot, None, now, |role, actions| {
                if let Role::ClientInvite(machine) = role {
                    machine.handle(client_invite::Input::Cancel, now, actions);
                }
            });
        }
    }

    /// As [`Self::cancel`], and the CANCEL says that somebody else has answered (RFC 3326).
    pub fn cancel_elsewhere(&mut self, client: ClientId, now: Moment) {
        if let Some(slot) = self.slot(client.0) {
            self.step(slot, None, now, |role, actions| {
                if let Role::ClientInvite(machine) = role {
                    machine.handle(client_invite::Input::CancelElsewhere, now, actions);
                }
            });
        }
    }

    /// A transaction of ours is given by [`Self::drain_touched`], though nothing of it has changed: what its user knows
    /// of it has.
    pub fn touch_client(&mut self, client: ClientId) {
        if let Some(slot) = self.slot(client.0) {
            self.touch(slot);
        }
    }

    /// Sends the ACK of a 2xx: adds a top Via with a branch of its own (§13.2.2.4) and gives back
    /// what went out, so that [`Self::send_bytes`] can repeat just that.
    pub fn send_ack(&mut self, ack: &Message, flow: Flow, sent_by: &str) -> Result<Bytes, ParseError> {
        let branch = self.branch(ack);
        let message = ack.with_top_via(&replies::via(flow, sent_by, &branch))?;
        self.send_bytes(flow, message.as_bytes().clone());
        Ok(message.as_bytes().clone())
    }

    /// Sends a message as it is, outside of any transaction.
    pub fn send(&mut self, flow: Flow, message: &Message) {
        self.send_bytes(flow, message.as_bytes().clone());
    }

    /// Sends one whole message as it is, outside of any transaction.
    pub fn send_bytes(&mut self, flow: Flow, message: Bytes) {
        self.outputs.push_back(Output::Send { flow, message });
    }

    /// What to do next. [`Output::Wait`] ends the drain and names the next deadline.
    pub fn poll_output(&mut self) -> Output {
        self.outputs
            .pop_front()
            .unwrap_or_else(|| Output::Wait(self.schedule.first().map(|(at, _)| at)))
    }

    /// Server and client transactions that live now.
    pub fn len(&self) -> usize {
        self.servers + self.clients
    }

    /// Whether no transaction lives: a graceful stop may go on.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn handle_response(&mut self, flow: Flow, message: Message, now: Moment) {
        let found = match (message.top_via(), message.cseq()) {
            (Ok(via), Ok(cseq)) => {
                key::client(
                    via.branch().unwrap_or_default(),
                    cseq.method_str().as_bytes(),
                    &mut self.key,
                );
                self.by_key.get(self.key.as_slice()).copied()
            }
            _ => None,
        };
        // A second Via means that it was meant for somebody behind us (§8.1.3.3).
        if message.vias().nth(1).is_some() {
            return;
        }
        let class = Class::of(message.status().unwrap_or_default());
        match found.filter(|&slot| self.entry_mut(slot).is_some_and(|entry| entry.role.is_client())) {
            Some(slot) => {
                self.step(slot, Some(message), now, |role, actions| {
                    role.handle_response(class, now, actions);
                });
            }
            None => self.tell(Event::StrayResponse { flow, message }),
        }
    }

    fn handle_ack(&mut self, flow: Flow, message: Message, now: Moment) {
        match self.find_server(&message, Method::Invite.as_str()) {
            Some(slot) => self.step(slot, Some(message), now, |role, actions| {
                if let Role::ServerInvite(machine) = role {
                    machine.handle(server_invite::Input::Ack, now, actions);
                }
            }),
            None => self.tell(Event::Ack { flow, message }),
        }
    }

    fn handle_cancel(&mut self, flow: Flow, cancel: &Message, now: Moment) {
        if let Some(slot) = self.find_server(cancel, Method::Cancel.as_str()) {
            self.step(slot, None, now, |role, actions| role.handle_repeat(now, actions));
            return;
        }
        // Only INVITEs are sought: a CANCEL of anything else has no effect (§9.1), so 481 misleads nobody.
        let invite = self.find_server(cancel, Method::Invite.as_str());
        let answer = match invite.and_then(|slot| self.entry_mut(slot)) {
            // The tag that the INVITE's response bears, as far as there is one (§9.2).
            Some(entry) => replies::cancel_ok(cancel, flow, &entry.wire),
            None => replies::refuse(cancel, flow, 481, "Call/Transaction Does Not Exist"),
        };
        let Ok(answer) = answer else { return };
        if self.servers < self.config.servers_max
            && key::server(cancel, Method::Cancel.as_str().as_bytes(), &mut self.key).is_ok()
        {
            let role = Role::ServerOther(ServerOther::new(self.config.times, flow.transport.is_reliable()));
            let slot = self.insert(role, flow, Bytes::new(), Bytes::new(), None, true);
            let status = answer.status().unwrap_or(200);
            // It was made a line above and has no answer yet, so this cannot be refused.
            let _ = self.respond_in(slot, &answer, status, now);
        } else {
            self.send(flow, &answer);
        }
        let Some(slot) = invite else { return };
        let server = ServerId(self.id(slot));
        let Some(entry) = self.entry_mut(slot) else { return };
        let open = matches!(&entry.role, Role::ServerInvite(machine) if machine.is_open());
        if open && !entry.cancelled {
            entry.cancelled = true;
            self.touch(slot);
            self.tell(Event::Cancelled { server });
        }
    }

    fn handle_request(&mut self, flow: Flow, message: &Message, now: Moment) {
        if let Some(slot) = self.find_server(message, message.method_str()) {
            self.step(slot, None, now, |role, actions| role.handle_repeat(now, actions));
            return;
        }
        if self.servers >= self.config.servers_max {
            let after = self.config.retry_after.as_secs().max(1);
            if let Ok(answer) = replies::overloaded(message, flow, after) {
                self.send(flow, &answer);
            }
            return;
        }
        let Ok(rule) = key::merged(message, &mut self.key) else {
            return;
        };
        let merged: Option<Arc<[u8]>> = rule.map(|()| Arc::from(self.key.as_slice()));
        if merged
            .as_ref()
            .is_some_and(|merged| self.by_merged.contains_key(merged))
        {
            if let Ok(answer) = replies::refuse(message, flow, 482, "Loop Detected") {
                self.send(flow, &answer);
            }
            return;
        }
        if key::server(message, message.method_str().as_bytes(), &mut self.key).is_err() {
            return;
        }
        let Ok(message) = message.with_received(flow.remote) else {
            return;
        };
        let reliable = flow.transport.is_reliable();
        let (role, request) = if message.method() == Some(Method::Invite) {
            let machine = ServerInvite::new(self.config.times, reliable, now);
            (Role::ServerInvite(machine), message.as_bytes().clone())
        } else {
            (
                Role::ServerOther(ServerOther::new(self.config.times, reliable)),
                Bytes::new(),
            )
        };
        let slot = self.insert(role, flow, Bytes::new(), request, merged, false);
        let server = ServerId(self.id(slot));
        self.tell(Event::Request {
            server,
            flow,
            message,
        });
    }

    /// Finds the server transaction of `request`, were its method `method`.
    fn find_server(&mut self, request: &Message, method: &str) -> Option<u32> {
        let by_branch = key::server(request, method.as_bytes(), &mut self.key).ok()?;
        let slot = self.by_key.get(self.key.as_slice()).copied()?;
        if !by_branch && request.method() == Some(Method::Ack) {
            // RFC 2543: an ACK belongs to the response whose To tag it bears (§17.2.3).
            let entry = self.slots.get(slot as usize)?.entry.as_ref()?;
            if !replies::same_to_tag(&entry.wire, request) {
                return None;
            }
        }
        Some(slot)
    }

    fn respond_in(
        &mut self,
        slot: u32,
        message: &Message,
        status: u16,
        now: Moment,
    ) -> Result<(), RespondError> {
        let class = Class::of(status);
        let mut actions = std::mem::take(&mut self.actions);
        let Some(entry) = self.entry_mut(slot) else {
            return Err(RespondError::Gone);
        };
        if entry.role.is_client() {
            self.actions = actions;
            return Err(RespondError::Gone);
        }
        entry.role.respond(class, now, &mut actions);
        let late = actions.contains(&Action::TooLate);
        if !late {
            entry.wire = message.as_bytes().clone();
            if class != Class::Provisional {
                entry.request = Bytes::new();
            }
            self.touch(slot);
        }
        self.perform(slot, &mut actions, None, now);
        self.actions = actions;
        if late { Err(RespondError::Answered) } else { Ok(()) }
    }

    /// Gives one input to the machine in `slot` and does what it wants.
    fn step(
        &mut self,
        slot: u32,
        message: Option<Message>,
        now: Moment,
        input: impl FnOnce(&mut Role, &mut Vec<Action>),
    ) {
        let mut actions = std::mem::take(&mut self.actions);
        if let Some(entry) = self.entry_mut(slot) {
            let before = entry.role.clone();
            input(&mut entry.role, &mut actions);
            if entry.role != before {
                self.touch(slot);
            }
        }
        self.perform(slot, &mut actions, message, now);
        self.actions = actions;
    }

    fn perform(&mut self, slot: u32, actions: &mut Vec<Action>, message: Option<Message>, now: Moment) {
        let id = self.id(slot);
        let mut message = message;
        for action in actions.drain(..) {
            let Some(entry) = self
                .slots
                .get_mut(slot as usize)
                .and_then(|slot| slot.entry.as_mut())
            else {
                return;
            };
            let (flow, internal, client) = (entry.flow, entry.internal, entry.role.is_client());
            match action {
                Action::Send => {
                    let message = entry.wire.clone();
                    self.send_bytes(flow, message);
                }
                Action::Trying => {
                    if let Ok(trying) = replies::trying(&entry.request) {
                        entry.wire = trying.clone();
                        self.send_bytes(flow, trying);
                    }
                }
                Action::Ack => {
                    if let Some(Ok(ack)) = message.as_ref().map(|refusal| replies::ack(&entry.wire, refusal))
                    {
                        self.send_bytes(flow, ack);
                    }
                }
                Action::Cancel | Action::CancelElsewhere => {
                    let reason = (action == Action::CancelElsewhere).then_some(replies::ELSEWHERE);
                    let cancel = replies::cancel(&entry.wire, reason);
                    if let Ok((branch, cancel)) = cancel {
                        self.start_cancel(flow, &branch, cancel, now);
                    }
                }
                Action::Deliver => match message.take() {
                    _ if internal => (),
                    Some(message) if client => self.tell(Event::Response {
                        client: ClientId(id),
                        message,
                    }),
                    Some(message) => self.tell(Event::Ack { flow, message }),
                    None => (),
                },
                // The INVITE's own timer tells of a CANCEL that nobody answered.
                Action::TimedOut | Action::Failed if internal => (),
                Action::TimedOut => self.tell(Event::ClientTimedOut { client: ClientId(id) }),
                Action::Failed if client => self.tell(Event::ClientFailed { client: ClientId(id) }),
                Action::Failed => self.tell(Event::ServerFailed { server: ServerId(id) }),
                Action::TooLate => (),
                Action::Done => {
                    self.remove(slot);
                    if !internal {
                        self.tell(if client {
                            Event::ClientDone { client: ClientId(id) }
                        } else {
                            Event::ServerDone { server: ServerId(id) }
                        });
                    }
                }
            }
        }
        let next = self
            .slots
            .get(slot as usize)
            .and_then(|slot| slot.entry.as_ref()?.role.timers().next());
        self.schedule.set(slot, next);
    }

    fn start_cancel(&mut self, flow: Flow, branch: &str, cancel: Bytes, now: Moment) {
        key::client(branch, Method::Cancel.as_str().as_bytes(), &mut self.key);
        let role = Role::ClientOther(ClientOther::new(
            self.config.times,
            flow.transport.is_reliable(),
            now,
        ));
        self.insert(role, flow, cancel.clone(), Bytes::new(), None, true);
        self.send_bytes(flow, cancel);
    }

    /// Puts a new transaction under `self.key`.
    fn insert(
        &mut self,
        role: Role,
        flow: Flow,
        wire: Bytes,
        request: Bytes,
        merged: Option<Arc<[u8]>>,
        internal: bool,
    ) -> u32 {
        let slot = self.take_slot();
        let key: Arc<[u8]> = Arc::from(self.key.as_slice());
        self.by_key.insert(Arc::clone(&key), slot);
        if let Some(merged) = &merged {
            self.by_merged.insert(Arc::clone(merged), slot);
        }
        *self.living(&role) += 1;
        self.schedule.set(slot, role.timers().next());
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.entry = Some(Entry {
                role,
                flow,
                wire,
                request,
                key,
                merged,
                internal,
                cancelled: false,
            });
        }
        self.touch(slot);
        slot
    }

    fn take_slot(&mut self) -> u32 {
        while let Some(slot) = self.free.pop() {
            if self.entry_mut(slot).is_none() {
                return slot;
            }
        }
        self.slots.push(Slot::new(self.first_generation));
        (self.slots.len() - 1) as u32
    }

    /// How many live of that side.
    fn living(&mut self, role: &Role) -> &mut usize {
        if role.is_client() {
            &mut self.clients
        } else {
            &mut self.servers
        }
    }

    fn remove(&mut self, slot: u32) {
        self.schedule.set(slot, None);
        let Some(place) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let Some(entry) = place.entry.take() else { return };
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot);
        self.by_key.remove(&entry.key);
        if let Some(merged) = &entry.merged {
            self.by_merged.remove(merged);
        }
        *self.living(&entry.role) -= 1;
        self.touch(slot);
    }

    /// An id that lived for no time: the request was never sent.
    fn fail_unsent(&mut self) -> ClientId {
        let slot = self.take_slot();
        let client = ClientId(self.id(slot));
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.generation = place.generation.wrapping_add(1);
        }
        self.free.push(slot);
        self.tell(Event::ClientFailed { client });
        self.tell(Event::ClientDone { client });
        client
    }

    fn branch(&mut self, message: &Message) -> String {
        let uri = check::hash(message.uri_str().as_bytes());
        format!(
            "{}{}{uri:08x}{:016x}",
            MAGIC_COOKIE,
            self.cookie,
            self.rng.random::<u64>()
        )
    }

    fn id(&self, slot: u32) -> u64 {
        let generation = self.slots.get(slot as usize).map_or(0, |slot| slot.generation);
        u64::from(generation) << 32 | u64::from(slot)
    }

    /// The slot that `id` means, if that transaction lives still.
    fn slot(&self, id: u64) -> Option<u32> {
        let slot = id as u32;
        let place = self.slots.get(slot as usize)?;
        (place.generation == (id >> 32) as u32 && place.entry.is_some()).then_some(slot)
    }

    fn entry_mut(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(slot as usize)?.entry.as_mut()
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
