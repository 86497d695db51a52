//! What becomes of received bytes: parsed, checked, noted, handed on, or answered here.

use std::fmt::Display;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tandem_sip::{Builder, Flow, Message, Method, Name, Reject};
use tracing::debug;

use crate::Counters;
use crate::buckets::Buckets;
use crate::counters::add;

/// What comes up from the sockets.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // Short-lived, and boxing would cost an allocation per message.
pub enum Inbound {
    /// A message that parses and, as far as one message tells, is valid ([`Message::validate`]). Its top Via has
    /// `received` and `rport` where RFC 3261 §18.2.1 and RFC 3581 ask for them.
    Message {
        /// Where it came from.
        flow: Flow,
        /// The message.
        message: Message,
    },
    /// A TCP connection is gone; what is sent along it from now on fails.
    Closed {
        /// The connection.
        flow: Flow,
    },
}

/// Takes what comes up; called from the sockets' tasks, so it must not wait.
pub trait Deliver: Send + Sync + 'static {
    /// Takes it, or gives it back when there is no room.
    #[allow(clippy::result_large_err)] // It is what was handed in.
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound>;
}

impl<T: Deliver> Deliver for Arc<T> {
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound> {
        T::deliver(self, inbound)
    }
}

impl Deliver for tokio::sync::mpsc::Sender<Inbound> {
    fn deliver(&self, inbound: Inbound) -> Result<(), Inbound> {
        self.try_send(inbound)
            .map_err(tokio::sync::mpsc::error::TrySendError::into_inner)
    }
}

/// What all sockets share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub deliver: Arc<dyn Deliver>,
    pub counters: Arc<Counters>,
    pub complaints_per_second: u32,
    pub retry_after: Duration,
    /// Makes the To tags of stateless answers: the same for each repeat of a request (RFC 3261 §8.2.7).
    pub tags: RandomState,
}

impl Shared {
    /// What to answer while the call logic is full or away; none to what is to be repeated or kept.
    pub fn overload(&self, flow: Flow, message: &Message) -> Option<Bytes> {
        if !begins(message) {
            return None;
        }
        let reply = self.reply(flow, message, 503, "Service Unavailable", Some(self.retry_after))?;
        add(&self.counters.overloaded);
        Some(reply)
    }

    /// A stateless answer; none where the request lacks what an answer is made of.
    fn reply(
        &self,
        flow: Flow,
        request: &Message,
        status: u16,
        reason: &str,
        retry_after: Option<Duration>,
    ) -> Option<Bytes> {
        // What was refused was not noted before: the answer needs it to find its way.
        let noted = request.with_received(flow.remote).ok();
        let request = noted.as_ref().unwrap_or(request);
        let mut reply = Builder::reply(request, status, reason);
        if request.to().is_ok_and(|to| to.tag().is_none()) {
            let tag = self
                .tags
                .hash_one((request.call_id().ok(), request.header(Name::Via)));
            reply = reply.to_tag(&format!("{tag:016x}"));
        }
        if let Some(after) = retry_after {
            reply = reply.header(Name::RetryAfter, after.as_secs().max(1).to_string());
        }
        Some(reply.build().ok()?.as_bytes().clone())
    }
}

/// Whether a message begins something new, which may be told to come again: an INVITE outside a dialog, a REGISTER.
pub fn begins(message: &Message) -> bool {
    match message.method() {
        Some(Method::Invite) => message.to().is_ok_and(|to| to.tag().is_none()),
        Some(Method::Register) => true,
        _ => false,
    }
}

/// One socket's way up.
pub(crate) struct Intake {
    shared: Shared,
    buckets: Buckets,
}

impl Intake {
    /// `sources`: about how many may complain at once; 1 for a connection.
    pub fn new(shared: Shared, sources: usize) -> Self {
        let buckets = Buckets::new(sources, shared.complaints_per_second, Instant::now());
        Self { shared, buckets }
    }

    /// Takes one datagram; `answer` sends what is answered at once.
    pub fn take_datagram(&mut self, flow: Flow, datagram: &[u8], answer: impl FnOnce(Bytes)) {
        // Phones keep their NAT's mapping open with line ends or zeros; RFC 5626's own way on UDP is STUN, whose
        // first two bits are 0 and which nobody here was told to expect.
        if datagram.iter().all(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
            add(&self.shared.counters.keep_alives);
            return;
        }
        add(&self.shared.counters.udp_received);
        match Message::parse(Bytes::copy_from_slice(datagram)) {
            // What finds no room is dropped: on UDP its sender repeats it.
            Ok(message) => {
                if self.take_message(flow, message, answer).is_some() {
                    add(&self.shared.counters.dropped);
                }
            }
            Err(error) => self.take_malformed(flow, &error),
        }
    }

    /// Notes what is not SIP. There is nothing to answer.
    pub fn take_malformed(&mut self, flow: Flow, error: &impl Display) {
        add(&self.shared.counters.malformed);
        if self.buckets.take(flow.remote.ip(), Instant::now()) {
            debug!(%flow, %error, "not SIP");
        }
    }

    /// Takes a message that parsed. Gives it back when the call logic is full and it was not answered: a stream's
    /// reader then waits with it, for nobody repeats it there.
    #[must_use]
    pub fn take_message(
        &mut self,
        flow: Flow,
        message: Message,
        answer: impl FnOnce(Bytes),
    ) -> Option<Message> {
        self.shared.counters.inbound.count(message.as_bytes());
        if let Err(reject) = message.validate() {
            self.refuse(flow, &message, &reject, answer);
            return None;
        }
        if !message.is_request() {
            return self.take_again(flow, message);
        }
        match message.with_received(flow.remote) {
            Ok(noted) => {
                let back = self.take_again(flow, noted)?;
                self.overload(flow, &back, answer).then_some(back)
            }
            Err(error) => {
                let reject = Reject::new(400, error.to_string());
                self.refuse(flow, &message, &reject, answer);
                None
            }
        }
    }

    /// Hands on what [`Self::take_message`] gave back.
    #[must_use]
    pub fn take_again(&self, flow: Flow, message: Message) -> Option<Message> {
        match self.shared.deliver.deliver(Inbound::Message { flow, message }) {
            Err(Inbound::Message { message, .. }) => Some(message),
            Ok(()) | Err(Inbound::Closed { .. }) => None,
        }
    }

    /// A request that breaks a rule is answered; a response that does is dropped (RFC 3261 §8.1.3).
    fn refuse(&mut self, flow: Flow, message: &Message, reject: &Reject, answer: impl FnOnce(Bytes)) {
        add(&self.shared.counters.refused);
        let in_share = self.buckets.take(flow.remote.ip(), Instant::now());
        if in_share {
            debug!(%flow, method = ?message.method(), %reject, "refused");
        }
        // An ACK is never answered (RFC 3261 §17).
        if !message.is_request() || message.method() == Some(Method::Ack) {
            return;
        }
        if !in_share {
            add(&self.shared.counters.answers_withheld);
            return;
        }
        if let Some(reply) = self
            .shared
            .reply(flow, message, reject.status, &reject.reason, None)
        {
            answer(reply);
        }
    }

    /// The call logic is full. What would begin something new is told to come again; true: it was not, and is to be
    /// repeated or kept.
    fn overload(&self, flow: Flow, message: &Message, answer: impl FnOnce(Bytes)) -> bool {
        match self.shared.overload(flow, message) {
            Some(reply) => {
                answer(reply);
                false
            }
            None => true,
        }
    }
}
