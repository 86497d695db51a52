//! Short texts to a user's devices (MESSAGE outside a dialog, RFC 3428).

use serde::{Deserialize, Serialize};
use tandem_host_api::op::{Address, Delivery, MessageFailure, Outcome, Target};
use tandem_sip::registrar::Binding;
use tandem_sip::{Message, Method, Name, ParseError, Transport};

use super::{Call, Pending};
use crate::context::{ClientUse, Context};
use crate::errand::way_to;
use crate::perform::caller_id;
use crate::shard::{Answer, Located, Question};
use crate::sip_text;

/// Devices that one message goes to, at most.
const DEVICES_MAX: usize = 16;
/// Longest request by a transport without congestion control (RFC 3428 §8).
const UDP_BYTES_MAX: usize = 1_300;
/// Room for the Via that the transaction layer adds.
const VIA_BYTES: usize = 120;

/// A message under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Messaging {
    user: String,
    text: String,
    sender: Option<Address>,
    /// The user's devices are asked for.
    question: Option<u64>,
    /// Devices that it was sent to, and those that have not answered.
    devices: u32,
    open: u32,
    accepted: u32,
    refused: Option<(u16, String)>,
}

impl Messaging {
    /// The question under way.
    pub fn question(&self, domain: &std::sync::Arc<str>) -> Option<(u64, Question)> {
        let question = Question::Locate {
            domain: domain.clone(),
            target: Target::User(self.user.clone()),
        };
        self.question.map(|number| (number, question))
    }
}

impl Call {
    /// `message.send`
    pub(crate) fn send_message(
        &mut self,
        user: String,
        text: String,
        sender: Option<Address>,
        cx: &mut Context<'_>,
    ) {
        let messaging = Messaging {
            user,
            text,
            sender,
            question: Some(cx.new_question()),
            devices: 0,
            open: 0,
            accepted: 0,
            refused: None,
        };
        if let Some((number, question)) = messaging.question(&self.origin.domain) {
            cx.ask(number, question);
        }
        self.core.pending = Pending::Messaging(Box::new(messaging));
    }

    /// The directory told the user's devices.
    pub(super) fn message_located(&mut self, question: u64, answer: Answer, cx: &mut Context<'_>) {
        let Pending::Messaging(it) = &mut self.core.pending else {
            return;
        };
        if it.question.take_if(|asked| *asked == question).is_none() {
            return;
        }
        let bindings = match answer {
            Answer::Located(Some(Located { bindings, .. })) => bindings,
            Answer::Located(None) => {
                let failure = MessageFailure::NotFound(it.user.clone());
                return self.done(Outcome::Messaged(Err(failure)), cx);
            }
            _ => return self.done(Outcome::Messaged(Err(MessageFailure::Unavailable)), cx),
        };
        let from = caller_id(it.sender.clone(), &self.origin.dialled, &self.origin.domain);
        let mut requests = Vec::new();
        for binding in bindings.iter().take(DEVICES_MAX) {
            let Some(flow) = way_to(binding) else { continue };
            let request = match message(it, &from, binding, cx) {
                Ok(request) => request,
                Err(error) => {
                    tracing::warn!(user = it.user, %error, "a MESSAGE could not be written");
                    continue;
                }
            };
            let bytes = request.as_bytes().len() + VIA_BYTES;
            if flow.transport == Transport::Udp && bytes > UDP_BYTES_MAX {
                let over = bytes - UDP_BYTES_MAX;
                let words =
                    format!("the text is {over} bytes too long for a request of {UDP_BYTES_MAX} bytes");
                return self.done(Outcome::Messaged(Err(MessageFailure::BadArgument(words))), cx);
            }
            requests.push((request, flow));
        }
        it.devices = requests.len() as u32;
        it.open = it.devices;
        if requests.is_empty() {
            return self.done(Outcome::Messaged(Err(MessageFailure::NoDevice)), cx);
        }
        for (request, flow) in requests {
            cx.request(request, flow, ClientUse::Message);
        }
    }

    /// A device answered; none: it did not.
    pub(super) fn message_answered(&mut self, response: Option<&Message>, cx: &mut Context<'_>) {
        let Pending::Messaging(it) = &mut self.core.pending else {
            return;
        };
        match response.map(|response| (response.status().unwrap_or_default(), response)) {
            Some((100..=199, _)) => return,
            Some((200..=299, _)) => it.accepted += 1,
            Some((status, response)) if it.refused.as_ref().is_none_or(|(most, _)| *most < status) => {
                let reason = String::from_utf8_lossy(response.reason()).into_owned();
                it.refused = Some((status, reason));
            }
            Some(_) | None => (),
        }
        it.open = it.open.saturating_sub(1);
        if it.open > 0 {
            return;
        }
        let outcome = match (it.accepted, it.refused.take()) {
            (0, Some((status, reason))) => Err(MessageFailure::Refused(status, reason)),
            (0, None) => Err(MessageFailure::TimedOut),
            (accepted, _) => Ok(Delivery {
                accepted,
                devices: it.devices,
            }),
        };
        self.done(Outcome::Messaged(outcome), cx);
    }
}

fn message(
    it: &Messaging,
    from: &Address,
    binding: &Binding,
    cx: &mut Context<'_>,
) -> Result<Message, ParseError> {
    let to = format!("<sip:{}@{}>", sip_text::escape_user(&it.user), cx.domain);
    let (tag, call_id) = (cx.new_tag(), cx.new_call_id());
    Message::request(Method::Message, &binding.contact_uri)
        .header(Name::From, format!("{};tag={tag}", sip_text::name_addr(from)))
        .header(Name::To, to)
        .header(Name::CallId, call_id)
        .header(Name::CSeq, "1 MESSAGE")
        .header(Name::MaxForwards, "70")
        .body("text/plain;charset=UTF-8", it.text.clone())
        .build()
}
